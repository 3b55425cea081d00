//! A verb with its arguments, its answer and its failure.

use faultline_proto::tables::{FieldDef, Kind};

use crate::scenario::diagnostic::nearest;
use crate::scenario::matchers::{Matcher, Test};
use crate::scenario::plan::step::{Call, Failure, Patience};
use crate::scenario::source::{Entry, Key, Node, Span, Value as Tree};
use crate::scenario::syntax;
use crate::scenario::template::Template;
use crate::scenario::vocabulary::call::{CALL, FAILURE};
use crate::scenario::vocabulary::one;
use crate::scenario::vocabulary::shapes::{FREE, TIME};
use crate::scenario::vocabulary::verbs::{CLIENT_CODES, COMMON_CODES, Verb, find};

use super::Checker;
use super::expect::Part;
use super::members::Reading;
use super::scope::{Origin, Type};
use super::steps::Around;

static WITHIN: FieldDef = one("within", Kind::Str, &TIME, "At most so long.");
static THROUGHOUT: FieldDef = one("throughout", Kind::Str, &TIME, "For so long.");
static MAY_FAIL: FieldDef = one("may_fail", Kind::Bool, &FREE, "A refusal is allowed.");
static RAW: FieldDef = one("raw", Kind::Bool, &FREE, "Exactly what is written.");

impl Checker<'_> {
    /// Checks a verb and everything beside it.
    pub fn call(&mut self, call: &syntax::Call<'_>, around: &Around) -> Option<Call> {
        let Some(verb) = find(&call.verb.text) else {
            self.unknown_verb(&call.verb.text, call.verb.span);
            self.look_at_the_rest(call);
            return None;
        };
        self.somebody_calls(verb, call.verb, around);
        let raw = self.known_truth(call.raw, &RAW);
        let may_fail = self.known_truth(call.may_fail, &MAY_FAIL);
        let arguments = self.arguments(verb, call.arguments, raw);
        let (expect, of_call) = self.expectations(verb, call);
        let fails_with = call.fails_with.map(|node| self.failure(verb, node));
        let patience = self.patience(call);
        let save = call.save.and_then(|node| self.save(verb, node));
        Some(Call {
            verb,
            verb_span: call.verb.span,
            arguments,
            region: around.region.clone(),
            from: around.from.clone(),
            principal: around.principal.clone(),
            client: around.client.clone(),
            raw,
            may_fail,
            save,
            expect,
            call: of_call,
            fails_with,
            patience,
        })
    }

    /// A truth that is known before the run; false when it is not there.
    fn known_truth(&mut self, node: Option<&Node>, field: &'static FieldDef) -> bool {
        matches!(
            self.later::<bool>(node, field),
            Some(crate::scenario::plan::Later::Known(true))
        )
    }

    /// After an unknown verb: what names are used, and which name is given.
    fn look_at_the_rest(&mut self, call: &syntax::Call<'_>) {
        self.untyped(call.arguments);
        for node in [call.expect, call.exactly].into_iter().flatten() {
            self.untyped(node);
        }
        if let Some(node) = call.save
            && let Some(name) = node.text()
        {
            self.bind(name.to_owned(), node.span, Origin::Saved, Type::Any);
        }
    }

    fn somebody_calls(&mut self, verb: Verb, key: &Key, around: &Around) {
        if !verb.needs_caller() {
            return;
        }
        if around.principal.is_none() {
            self.found
                .error(
                    "E0105",
                    key.span,
                    format!("who calls `{}`? This step needs `as`", verb.name()),
                )
                .help("write `as: principal` in the step, in a block around it, or in `defaults`");
        }
        if around.region.is_none() && around.from.is_none() {
            self.found
                .error(
                    "E0105",
                    key.span,
                    format!(
                        "which Region does `{}` ask? This step needs `in`",
                        verb.name()
                    ),
                )
                .help("write `in: region` in the step, in a block around it, or in `defaults`");
        }
    }

    fn arguments(&mut self, verb: Verb, node: &Node, raw: bool) -> Template {
        let creates = verb
            .name()
            .split('.')
            .nth(1)
            .is_some_and(|name| name.starts_with("create_"));
        let how = Reading {
            strict: !raw,
            spell_names: true,
            creates,
        };
        let what = format!("`{}`", verb.name());
        let template = self.message(node, verb.input(), &what, how);
        if verb.name().starts_with("sealed.") {
            self.sealed_tables(node);
        }
        if verb.name() == "sealed.wrap_key_material" {
            self.one_of(node.span, node, &[&["key_material", "random"]], &what);
        }
        if verb.name() == "look.replicas_equal" {
            self.one_of(node.span, node, &[&["key", "table_name", "secret"]], &what);
        }
        template
    }

    /// A client is described for one at least of the tables that a `sealed.*` verb names.
    fn sealed_tables(&mut self, node: &Node) {
        let tables = tables_named(node);
        let unknown = |(name, _): &(&str, Span)| {
            let is_table = self
                .names
                .has(faultline_proto::tables::Referent::Table, name);
            is_table && !self.names.sealed.contains_key(*name)
        };
        let Some(&(name, span)) = tables.first().filter(|_| tables.iter().all(unknown)) else {
            return;
        };
        let known: Vec<String> = self.names.sealed.keys().cloned().collect();
        self.found
            .error(
                "E0215",
                span,
                format!("nothing says how clients encrypt the items of `{name}`"),
            )
            .suggest(name, known.iter().map(String::as_str))
            .help(format!("describe it under `world.sealed_clients.{name}`"));
    }

    fn save(&mut self, verb: Verb, node: &Node) -> Option<String> {
        let Some(name) = node.text() else {
            self.found.error(
                "E0106",
                node.span,
                format!("`save` takes a name, not {}", node.kind()),
            );
            return None;
        };
        let key = Key {
            text: name.to_owned(),
            span: node.span,
        };
        if !self.good_name(&key) {
            return None;
        }
        self.bind(
            key.text.clone(),
            node.span,
            Origin::Saved,
            Type::Message(verb.output()),
        );
        Some(key.text)
    }

    fn patience(&mut self, call: &syntax::Call<'_>) -> Patience {
        if let Some(within) = self.later(call.within, &WITHIN) {
            return Patience::Within(within);
        }
        match self.later(call.throughout, &THROUGHOUT) {
            Some(throughout) => Patience::Throughout(throughout),
            None => Patience::Once,
        }
    }

    /// `expect` or `exactly`: of the answer, and of the call itself.
    fn expectations(
        &mut self,
        verb: Verb,
        call: &syntax::Call<'_>,
    ) -> (Option<Matcher>, Option<Matcher>) {
        let Some((node, exact)) = call
            .expect
            .map(|node| (node, false))
            .or_else(|| call.exactly.map(|node| (node, true)))
        else {
            return (None, None);
        };
        let part = Part::of(verb.output());
        let Tree::Map(entries) = &node.value else {
            return (Some(self.expectation(node, part, exact)), None);
        };
        let own_call = verb.output().by_snake("call").is_none();
        let is_call = |entry: &&Entry| own_call && entry.key.text == "call";
        let of_call = entries
            .iter()
            .find(is_call)
            .map(|entry| self.expectation(&entry.value, Part::Message(&CALL), false));
        let rest: Vec<Entry> = entries
            .iter()
            .filter(|entry| !is_call(entry))
            .cloned()
            .collect();
        if rest.is_empty() && of_call.is_some() {
            return (None, of_call);
        }
        let rest = Node {
            value: Tree::Map(rest),
            span: node.span,
        };
        (Some(self.expectation(&rest, part, exact)), of_call)
    }

    fn failure(&mut self, verb: Verb, node: &Node) -> Failure {
        let matcher = match &node.value {
            Tree::Map(_) => self.expectation(node, Part::Message(&FAILURE), false),
            Tree::Scalar(_) | Tree::Seq(_) => {
                let code = &FAILURE.fields[0];
                let matcher = self.expectation(node, Part::One(code, code.shape), false);
                Matcher {
                    test: Test::Members {
                        exact: false,
                        members: vec![("code".into(), matcher)],
                    },
                    span: node.span,
                }
            }
        };
        let code = node.get("code").unwrap_or(node);
        if let Some(text) = code.text().filter(|text| !text.contains('$')) {
            self.plausible(verb, text, code);
        }
        Failure {
            matcher,
            span: node.span,
        }
    }

    /// A code that this verb is not known to give is surely a slip of the pen.
    fn plausible(&mut self, verb: Verb, code: &str, node: &Node) {
        let mut known: Vec<&str> = verb.errors().to_vec();
        known.extend(COMMON_CODES);
        known.extend(CLIENT_CODES);
        if known.contains(&code) {
            return;
        }
        // The definitions of these services list few of their codes.
        let sparse = matches!(verb.name().split('.').next(), Some("s3" | "ec2" | "sealed"));
        let near = nearest(code, known.iter().copied()).is_some();
        if (sparse || verb.errors().is_empty()) && !near {
            return;
        }
        let diagnostic = self.found.warning(
            "W0505",
            node.span,
            format!("`{}` is not known to fail with `{code}`", verb.name()),
        );
        diagnostic.suggest(code, known);
    }
}

/// The tables that the arguments of a `sealed.*` verb name.
fn tables_named(arguments: &Node) -> Vec<(&str, Span)> {
    fn named(node: &Node) -> Option<(&str, Span)> {
        let table = node.get("table_name")?;
        Some((table.text()?, table.span))
    }
    let actions = arguments.get("transact_items").and_then(Node::items);
    let acted = actions
        .into_iter()
        .flatten()
        .filter_map(Node::entries)
        .flatten()
        .filter_map(|entry| named(&entry.value));
    let batch = arguments.get("request_items").and_then(Node::entries);
    let batch = batch.into_iter().flatten();
    named(arguments)
        .into_iter()
        .chain(acted)
        .chain(batch.map(|entry| (entry.key.text.as_str(), entry.key.span)))
        .collect()
}
