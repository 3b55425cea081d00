//! Steps: adverbs inherited from blocks, names that come and go, bodies.

use faultline_proto::names::RegionName;
use faultline_proto::tables::{FieldDef, Kind, Referent};
use serde_json::Value;

use crate::scenario::expressions::{Expression, PathStep};
use crate::scenario::plan::later::{FromValue, Later};
use crate::scenario::plan::step::{Action, Call, Client, Lane, Step};
use crate::scenario::source::{Key, Node, Span, Value as Tree};
use crate::scenario::syntax::{self, Adverbs};
use crate::scenario::template::{Form, Template};
use crate::scenario::vocabulary::one;
use crate::scenario::vocabulary::shapes::{COUNT, FREE, PRINCIPAL, REGION, TIME};

use super::Checker;
use super::members::Reading;
use super::scope::{Binding, Origin, Scope, Type};
use super::substitute::Substituted;

static IN: FieldDef = one("in", Kind::Str, &REGION, "The Region asked.");
static FROM: FieldDef = one("from", Kind::Str, &REGION, "Where the client stands.");
static AS: FieldDef = one("as", Kind::Str, &PRINCIPAL, "Who calls.");
static REPEAT: FieldDef = one("repeat", Kind::I64, &COUNT, "How often.");
static WAIT: FieldDef = one("wait", Kind::Str, &TIME, "How long.");
static HEAL: FieldDef = one("heal", Kind::Str, &FREE, "What ends.");

/// Who asks whom, as blocks around a step say it.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// `in:`.
    pub region: Option<Later<RegionName>>,
    /// `from:`.
    pub from: Option<Later<RegionName>>,
    /// `as:`.
    pub principal: Option<Later<String>>,
    /// `client:`.
    pub client: Client,
}

impl Checker<'_> {
    /// Checks steps in their order.
    pub fn steps(
        &mut self,
        steps: &[syntax::Step<'_>],
        around: &Around,
        prefix: &str,
    ) -> Vec<Step> {
        let id = |index: usize| format!("{prefix}{}", index + 1);
        steps
            .iter()
            .enumerate()
            .map(|(index, step)| self.step(step, around, &id(index)))
            .collect()
    }

    /// Adverbs of a step or of `defaults`, with what is around them.
    pub fn around(&mut self, adverbs: &Adverbs<'_>, around: &Around) -> Around {
        let client = adverbs
            .client
            .map(|node| self.client(node))
            .unwrap_or_default();
        Around {
            region: self.adverb(adverbs.region, &IN, &around.region),
            from: self.adverb(adverbs.from, &FROM, &around.from),
            principal: self.adverb(adverbs.principal, &AS, &around.principal),
            client: client.or(&around.client),
        }
    }

    /// An adverb of the step, or else what is around it. A wrong one is reported and stays
    /// in its place, so that nobody says it is missing.
    fn adverb<T: FromValue + Clone>(
        &mut self,
        node: Option<&Node>,
        field: &'static FieldDef,
        around: &Option<Later<T>>,
    ) -> Option<Later<T>> {
        let Some(node) = node else {
            return around.clone();
        };
        let placeholder = Later::Template(Template::literal(Value::Null, node.span));
        Some(self.later(Some(node), field).unwrap_or(placeholder))
    }

    /// A value that is of a certain type, now or in the run.
    pub fn later<T: FromValue + Clone>(
        &mut self,
        node: Option<&Node>,
        field: &'static FieldDef,
    ) -> Option<Later<T>> {
        let node = node?;
        let before = self.found.list.len();
        let template = self.member(node, field, &format!("`{}`", field.snake), Reading::OURS);
        if self.found.list.len() > before {
            return None;
        }
        match Later::new(template) {
            Ok(later) => Some(later),
            Err(wanted) => {
                self.found
                    .error(
                        "E0107",
                        node.span,
                        format!("`{}` must be {wanted}", field.snake),
                    )
                    .caption(format!("expected {wanted}"));
                None
            }
        }
    }

    fn step(&mut self, step: &syntax::Step<'_>, around: &Around, id: &str) -> Step {
        let when = step.when.and_then(|node| self.when_expression(node));
        let for_each = step
            .for_each
            .and_then(|(key, node)| self.for_each(key, node));
        let entered = step.for_each.is_some().then_some(self.scope.bindings.len());
        if let Some((key, _)) = step.for_each {
            let of = for_each.as_ref().map_or(Type::Any, |(_, _, of)| of.clone());
            self.bind(key.text.clone(), key.span, Origin::Loop, of);
        }
        let say = step.say.map(|node| self.prose(node));
        let around = self.around(&step.adverbs, around);
        let repeat = self.later(step.repeat, &REPEAT);
        let faults = self.faults(&step.faults);
        let action = self.action(&step.action, &around, id);
        if let Some(at) = entered.filter(|at| *at < self.scope.bindings.len()) {
            self.scope.bindings.remove(at);
        }
        Step {
            id: id.to_owned(),
            say,
            why: step.why.and_then(Node::text).map(str::to_owned),
            when,
            for_each: for_each.map(|(name, list, _)| (name, list)),
            repeat,
            faults,
            action,
            span: step.span,
        }
    }

    /// Text for people, in which expressions may stand.
    fn prose(&mut self, node: &Node) -> Template {
        match self.substitute(node) {
            Substituted::Known(known) => {
                Template::literal(known.text().unwrap_or_default(), node.span)
            }
            Substituted::Later(template, _) => template,
            Substituted::Wrong => Template::literal(Value::Null, node.span),
        }
    }

    fn action(&mut self, action: &syntax::Action<'_>, around: &Around, id: &str) -> Action {
        let nothing = || Action::Do(Vec::new());
        match action {
            syntax::Action::Call(call) => {
                let call = self.call(call, around);
                call.map_or_else(nothing, in_time)
            }
            syntax::Action::Do(steps) => Action::Do(self.steps(steps, around, &format!("{id}."))),
            syntax::Action::Together(lanes) => Action::Together(self.lanes(lanes, around, id)),
            syntax::Action::Wait(node) => self
                .later(Some(node), &WAIT)
                .map_or_else(nothing, Action::Wait),
            syntax::Action::StartFault(faults, name) => {
                let faults = self.faults(faults);
                let name = name.and_then(|node| self.fault_name(node));
                Action::StartFault { faults, name }
            }
            syntax::Action::Heal(node) => self.heal(node),
            syntax::Action::Nothing => nothing(),
        }
    }

    fn fault_name(&mut self, node: &Node) -> Option<String> {
        let name = node.text()?.to_owned();
        self.started.insert(name.clone());
        Some(name)
    }

    fn heal(&mut self, node: &Node) -> Action {
        let Some(Later::Known(name)) = self.later::<String>(Some(node), &HEAL) else {
            return Action::Heal(None);
        };
        if name == "everything" {
            return Action::Heal(None);
        }
        if !self.started.contains(&name) {
            let known: Vec<String> = self
                .started
                .iter()
                .cloned()
                .chain(["everything".into()])
                .collect();
            self.found
                .error(
                    "E0212",
                    node.span,
                    format!("no `start_fault` before this saved the name `{name}`"),
                )
                .suggest(&name, known.iter().map(String::as_str));
        }
        Action::Heal(Some(name))
    }

    /// Lanes see what was there before; what they save is there after all of them.
    fn lanes(&mut self, lanes: &[syntax::Lane<'_>], around: &Around, id: &str) -> Vec<Lane> {
        let before = self.scope.clone();
        let mut after = before.clone();
        let mut done = Vec::new();
        for lane in lanes {
            self.scope = before.clone();
            let name = lane.name.text.clone();
            let steps = self.steps(&lane.steps, around, &format!("{id}.{name}."));
            after
                .bindings
                .extend(self.scope.bindings.drain(before.bindings.len()..));
            done.push(Lane { name, steps });
        }
        self.scope = Scope {
            bindings: after.bindings,
        };
        done
    }

    fn for_each(&mut self, key: &Key, node: &Node) -> Option<(String, Later<Vec<Value>>, Type)> {
        self.good_name(key);
        let known = match self.substitute(node) {
            Substituted::Wrong => return None,
            Substituted::Later(template, of) => {
                let item = of.step(&PathStep::Index(0), "list").unwrap_or(Type::Any);
                return Some((key.text.clone(), Later::Template(template), item));
            }
            Substituted::Known(known) => known,
        };
        let Tree::Seq(items) = &known.value else {
            self.found.error(
                "E0106",
                node.span,
                format!("`for_each` takes a list, not {}", known.kind()),
            );
            return None;
        };
        if items.is_empty() {
            self.found.error(
                "E0113",
                node.span,
                "`for_each` over an empty list does nothing",
            );
        }
        let template = self.untyped(&known);
        match template.constant() {
            Some(Value::Array(values)) => Some((
                key.text.clone(),
                Later::Known(values.clone()),
                Type::Values(values),
            )),
            _ => Some((key.text.clone(), Later::Template(template), Type::Any)),
        }
    }

    /// `when:` with or without `$(...)`.
    fn when_expression(&mut self, node: &Node) -> Option<Later<bool>> {
        let Some(text) = node.text().map(str::trim) else {
            self.found.error(
                "E0106",
                node.span,
                format!("`when` must be an expression, not {}", node.kind()),
            );
            return None;
        };
        let inner = text
            .strip_prefix("$(")
            .and_then(|rest| rest.strip_suffix(')'));
        let inner = inner.or_else(|| text.strip_prefix('$')).unwrap_or(text);
        match Expression::compile(inner) {
            Ok(expression) => {
                let sound = self.expression_is_sound(&expression, node.span);
                let template = Template {
                    form: Form::Expression(expression),
                    span: node.span,
                };
                sound.then_some(Later::Template(template))
            }
            Err(problems) => {
                for problem in problems {
                    self.found.error(problem.code, node.span, problem.message);
                }
                None
            }
        }
    }

    /// Checks that a name can stand after a dollar sign.
    pub fn good_name(&mut self, key: &Key) -> bool {
        let mut chars = key.text.chars();
        let good = chars
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
            && key.text != "it";
        if !good {
            self.found
                .error("E0107", key.span, format!("`{}` cannot be a name for `$`", key.text))
                .help("a name has letters, digits and underscores, and does not begin with a digit; `it` is taken");
        }
        good
    }

    /// Gives a name; one that means something else here already is reported.
    pub fn bind(&mut self, name: String, span: Span, origin: Origin, of: Type) {
        if let Some(other) = self.scope.find(&name).filter(|other| other.span != span) {
            let both_saved = origin == Origin::Saved && other.origin == Origin::Saved;
            if !both_saved {
                let (first, words) = (other.span, other.origin.in_words());
                self.found
                    .error("E0213", span, format!("`{name}` is a {words} already"))
                    .label(first, "here");
            }
        }
        self.defined.insert((name.clone(), span, origin));
        self.scope.bindings.push(Binding {
            name,
            span,
            origin,
            of,
        });
    }

    /// Collects what the file saves and creates, wherever that is.
    pub fn look_ahead(&mut self, steps: &[syntax::Step<'_>]) {
        for step in steps {
            match &step.action {
                syntax::Action::Do(inner) => self.look_ahead(inner),
                syntax::Action::Together(lanes) => {
                    lanes.iter().for_each(|lane| self.look_ahead(&lane.steps))
                }
                syntax::Action::Call(call) => {
                    if let Some((name, node)) =
                        call.save.and_then(|node| Some((node.text()?, node)))
                    {
                        self.saved_anywhere
                            .entry(name.to_owned())
                            .or_insert(node.span);
                    }
                    let made = match call.verb.text.as_str() {
                        "s3.create_bucket" => Some((Referent::Bucket, "bucket")),
                        "dynamodb.create_table" => Some((Referent::Table, "table_name")),
                        _ => None,
                    };
                    if let Some((kind, name)) =
                        made.and_then(|(kind, key)| Some((kind, call.arguments.get(key)?.text()?)))
                    {
                        self.made.insert((kind, name.to_owned()));
                    }
                }
                _ => {}
            }
        }
    }
}

/// `time.advance` is `wait` in a verb's clothes; everything else is a call.
fn in_time(call: Call) -> Action {
    let by = match &call.arguments.form {
        Form::Map(members) if call.verb.name() == "time.advance" => {
            members.iter().find(|(key, _)| key == "by")
        }
        _ => None,
    };
    match by.map(|(_, template)| Later::new(template.clone())) {
        Some(Ok(wait)) => Action::Wait(wait),
        _ => Action::Call(Box::new(call)),
    }
}
