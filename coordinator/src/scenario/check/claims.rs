//! Faults, oracles and goals.

use faultline_proto::tables::Referent;
use serde_json::{Map, Value};

use crate::scenario::matchers::Matcher;
use crate::scenario::plan::faults::{FaultPlan, FaultSpec};
use crate::scenario::plan::{Goal, OracleSpec};
use crate::scenario::source::{Entry, Node, Span};
use crate::scenario::syntax::Named;
use crate::scenario::syntax::cursor::{map, missing_key, unknown_key, word};
use crate::scenario::template::{Form, Template};
use crate::scenario::vocabulary::metrics::{METRICS, STATISTICS, Unit};
use crate::scenario::vocabulary::{faults, metrics, oracles, verbs};

use super::Checker;
use super::expect::{Part, nothing};
use super::members::Reading;

impl Checker<'_> {
    /// Reads faults.
    pub fn faults(&mut self, written: &[Named<'_>]) -> Vec<FaultPlan> {
        written
            .iter()
            .filter_map(|fault| self.fault(fault))
            .collect()
    }

    fn fault(&mut self, written: &Named<'_>) -> Option<FaultPlan> {
        let name = written.key.text.as_str();
        let Some(def) = faults::find(name) else {
            self.found
                .error(
                    "E0209",
                    written.key.span,
                    format!("no fault is named `{name}`"),
                )
                .suggest(name, faults::KINDS.iter().copied());
            return None;
        };
        let node = written.body?;
        let before = self.found.list.len();
        let what = format!("`{name}`");
        let members = match (
            node.entries(),
            def.bare.and_then(|bare| def.members.by_snake(bare)),
        ) {
            (None, Some(field)) => {
                let value = self.member(node, field, &what, Reading::OURS);
                Template {
                    form: Form::Map(vec![(field.snake.to_owned(), value)]),
                    span: node.span,
                }
            }
            _ => {
                self.one_of(written.key.span, node, def.one_of, &what);
                self.message(node, def.members, &what, Reading::OURS)
            }
        };
        if let Some(operation) = node.get("operation") {
            self.verb_name(operation);
        }
        if self.found.list.len() == before
            && let Some(Value::Object(members)) = members.constant()
            && let Err(message) = FaultSpec::read(name, &members)
        {
            self.found.error(
                "E0107",
                node.span,
                format!("this `{name}` makes no sense: {message}"),
            );
        }
        Some(FaultPlan {
            def,
            members,
            span: Span::new(written.key.span.start, node.span.end),
        })
    }

    /// A verb named as a value.
    fn verb_name(&mut self, node: &Node) {
        let Some(name) = node.text().filter(|text| !text.contains('$')) else {
            return;
        };
        if verbs::find(name).is_none() {
            self.unknown_verb(name, node.span);
        }
    }

    /// Reports a verb that nothing knows.
    pub fn unknown_verb(&mut self, name: &str, span: Span) {
        let known: Vec<&str> = verbs::all().map(verbs::Verb::name).collect();
        let family = name.split_once('.').map_or("", |(family, _)| family);
        let in_family: Vec<&str> = known
            .iter()
            .copied()
            .filter(|verb| verb.split('.').next() == Some(family))
            .collect();
        let diagnostic = self
            .found
            .error("E0202", span, format!("no verb is named `{name}`"));
        if in_family.is_empty() {
            let mut families: Vec<&str> = known
                .iter()
                .filter_map(|verb| verb.split('.').next())
                .collect();
            families.dedup();
            diagnostic.suggest(name, known);
            if diagnostic.caption.is_empty() {
                diagnostic.suggest(family, families);
            }
        } else {
            diagnostic.suggest(name, in_family);
        }
        if diagnostic.caption.is_empty() {
            diagnostic.help("`faultline list verbs` lists them all");
        }
    }

    /// Reads `always:`.
    pub fn oracles(&mut self, written: &[&Node]) -> Vec<OracleSpec> {
        written
            .iter()
            .filter_map(|node| self.oracle(node))
            .collect()
    }

    fn oracle(&mut self, node: &Node) -> Option<OracleSpec> {
        let Named { key, body } = match node.text() {
            Some(text) => {
                let key = crate::scenario::source::Key {
                    text: text.to_owned(),
                    span: node.span,
                };
                return self.oracle_named(&key, None, node.span);
            }
            None => word(node, "an oracle", &mut self.found)?,
        };
        self.oracle_named(key, body, node.span)
    }

    fn oracle_named(
        &mut self,
        key: &crate::scenario::source::Key,
        body: Option<&Node>,
        span: Span,
    ) -> Option<OracleSpec> {
        let name = key.text.as_str();
        let Some(def) = oracles::find(name) else {
            self.found
                .error("E0210", key.span, format!("no oracle is named `{name}`"))
                .suggest(name, oracles::ORACLES.iter().map(|oracle| oracle.name));
            return None;
        };
        let what = format!("`{name}`");
        let empty = Node {
            value: crate::scenario::source::Value::Map(Vec::new()),
            span: key.span,
        };
        let node = body
            .filter(|node| !super::world::is_nothing(node))
            .unwrap_or(&empty);
        let bare = def.bare.and_then(|bare| def.arguments.by_snake(bare));
        let template = match (node.entries(), bare) {
            (None, Some(field)) => {
                let value = match field.card {
                    faultline_proto::tables::Card::List if node.items().is_none() => {
                        let items = vec![self.oracle_item(node, field, &what)];
                        Template {
                            form: Form::List(items),
                            span: node.span,
                        }
                    }
                    _ => self.member(node, field, &what, Reading::OURS),
                };
                Template {
                    form: Form::Map(vec![(field.snake.to_owned(), value)]),
                    span: node.span,
                }
            }
            _ => {
                self.one_of(key.span, node, def.one_of, &what);
                self.message(node, def.arguments, &what, Reading::OURS)
            }
        };
        let arguments = self.known_map(&template, node.span);
        self.attributes(&arguments, node);
        Some(OracleSpec {
            def,
            arguments,
            span,
        })
    }

    fn oracle_item(
        &mut self,
        node: &Node,
        field: &'static faultline_proto::tables::FieldDef,
        what: &str,
    ) -> Template {
        let list = Node {
            value: crate::scenario::source::Value::Seq(vec![node.clone()]),
            span: node.span,
        };
        match self.member(&list, field, what, Reading::OURS).form {
            Form::List(mut items) if items.len() == 1 => items.remove(0),
            _ => Template::literal(Value::Null, node.span),
        }
    }

    /// `attributes: [table.attribute]` must begin with a table.
    fn attributes(&mut self, arguments: &Map<String, Value>, node: &Node) {
        let written = node.get("attributes").unwrap_or(node);
        let items = arguments.get("attributes").and_then(Value::as_array);
        for (index, text) in items.into_iter().flatten().enumerate() {
            let text = text.as_str().unwrap_or_default();
            let (table, attribute) = text.rsplit_once('.').unwrap_or((text, "attribute"));
            if text.contains('.') && self.names.has(Referent::Table, table) {
                continue;
            }
            let item = written.items().and_then(|items| items.get(index));
            let span = item.map_or(written.span, |item| item.span);
            let known: Vec<String> = self
                .names
                .of(Referent::Table)
                .map(|table| format!("{table}.{attribute}"))
                .collect();
            self.found
                .error(
                    "E0207",
                    span,
                    format!("`{text}` names no attribute of a table of the world"),
                )
                .suggest(text, known.iter().map(String::as_str))
                .help("write `table.attribute`");
        }
    }

    fn known_map(&mut self, template: &Template, span: Span) -> Map<String, Value> {
        match template.written() {
            Some(Value::Object(members)) => members,
            Some(_) => Map::new(),
            None => {
                self.found
                    .error("E0407", span, "this must be known before the run");
                Map::new()
            }
        }
    }

    /// Reads `goals:`.
    pub fn goals(&mut self, written: &[&Node]) -> Vec<Goal> {
        written.iter().filter_map(|node| self.goal(node)).collect()
    }

    fn goal(&mut self, node: &Node) -> Option<Goal> {
        let entries = map(node, "a goal", &mut self.found);
        let Some(metric_node) = node.get("metric") else {
            missing_key(node.span, "metric", "a goal", &mut self.found);
            return None;
        };
        let name = metric_node.text().unwrap_or_default();
        let Some(metric) = metrics::find(name) else {
            self.found
                .error(
                    "E0211",
                    metric_node.span,
                    format!("no metric is named `{name}`"),
                )
                .suggest(name, METRICS.iter().map(|metric| metric.name));
            return None;
        };
        let mut goal = Goal {
            metric,
            filter: Map::new(),
            bounds: Vec::new(),
            samples: None,
            span: node.span,
        };
        for Entry { key, value } in entries {
            match key.text.as_str() {
                "metric" => {}
                "where" => {
                    let template = self.message(
                        value,
                        metric.filter,
                        &format!("`where` of `{name}`"),
                        Reading::OURS,
                    );
                    goal.filter = self.known_map(&template, value.span);
                    if let Some(operation) = value.get("operation") {
                        self.verb_name(operation);
                    }
                }
                "samples" => goal.samples = Some(self.quantity_bound(value, Unit::Count)),
                statistic => match STATISTICS.iter().find(|(name, _)| *name == statistic) {
                    Some((statistic, _)) => goal
                        .bounds
                        .push((*statistic, self.quantity_bound(value, metric.unit))),
                    None => {
                        let known = STATISTICS
                            .iter()
                            .map(|(name, _)| *name)
                            .chain(["metric", "where", "samples"]);
                        unknown_key(key, "a goal", known, &mut self.found);
                    }
                },
            }
        }
        if goal.bounds.is_empty() {
            self.found
                .error("E0105", node.span, "a goal needs a bound")
                .help("write `value: { at_least: 99% }` or `p99: { at_most: 2s }`");
        }
        Some(goal)
    }

    fn quantity_bound(&mut self, node: &Node, unit: Unit) -> Matcher {
        let before = self.found.list.len();
        let matcher = match node.entries() {
            Some(entries) => self.words(node.span, entries, Part::Number),
            None => self.expectation(node, Part::Number, false),
        };
        if self.found.list.len() > before {
            return nothing(node.span);
        }
        let mut texts = Vec::new();
        texts_of(node, &mut texts);
        for (text, span) in texts {
            self.unit(text, span, unit);
        }
        matcher
    }

    fn unit(&mut self, text: &str, span: Span, unit: Unit) {
        let (fits, wanted) = match unit {
            Unit::Time => (
                crate::scenario::quantity::micros(text).is_some(),
                "a duration such as `2s`",
            ),
            Unit::Share => (text.ends_with('%'), "a share such as `99%`"),
            Unit::Count => (text.parse::<u64>().is_ok(), "a whole number"),
        };
        if !fits && !text.contains('$') {
            self.found
                .error("E0107", span, format!("this is counted as {wanted}"))
                .caption(format!("expected {wanted}"));
        }
    }
}

fn texts_of<'n>(node: &'n Node, texts: &mut Vec<(&'n str, Span)>) {
    match &node.value {
        crate::scenario::source::Value::Scalar(scalar) => texts.push((&scalar.text, node.span)),
        crate::scenario::source::Value::Seq(items) => {
            items.iter().for_each(|item| texts_of(item, texts))
        }
        crate::scenario::source::Value::Map(entries) => entries
            .iter()
            .for_each(|entry| texts_of(&entry.value, texts)),
    }
}
