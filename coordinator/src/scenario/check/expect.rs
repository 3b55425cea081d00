//! Expectations against the form of the answer.

use faultline_proto::tables::{Card, FieldDef, Kind, MessageDef, Shape};
use regex::Regex;
use serde_json::Value;

use crate::scenario::diagnostic::nearest;
use crate::scenario::expressions::Expression;
use crate::scenario::matchers::{Matcher, Nature, Test, WORDS};
use crate::scenario::quantity::comparable;
use crate::scenario::source::{Entry, Node, Span, Value as Tree};
use crate::scenario::template::{Form, Template};
use crate::scenario::vocabulary::form_in_words;

use super::Checker;
use super::members::Reading;
use super::scope::{Binding, Origin, Type};
use super::substitute::Substituted;

/// What is known of the part of the answer that an expectation is about.
#[derive(Clone, Copy)]
pub enum Part {
    /// Any value.
    Open,
    /// A message.
    Message(&'static MessageDef),
    /// A member's list or map.
    All(&'static FieldDef),
    /// One value of a member.
    One(&'static FieldDef, &'static Shape),
    /// A count.
    Number,
}

/// How values in expectations are read: names are compared, not spelled.
const READING: Reading = Reading {
    strict: true,
    spell_names: false,
    creates: false,
};
/// Words that are about lists.
const LIST_WORDS: &[&str] = &["first", "last", "any", "every"];

impl Part {
    /// The part that a message is; wrappers are what they wrap.
    pub fn of(def: &'static MessageDef) -> Self {
        match def.seen_through() {
            Some(field) => Self::All(field),
            None if def.is_plain_value() => Self::Open,
            None => Self::Message(def),
        }
    }

    fn item(field: &'static FieldDef) -> Self {
        match field.kind {
            Kind::Message(def) => Self::of(def),
            _ => Self::One(field, field.shape.item.unwrap_or(field.shape)),
        }
    }

    fn member(field: &'static FieldDef) -> Self {
        match (field.card, field.kind) {
            (Card::List | Card::Map, _) => Self::All(field),
            (Card::One, Kind::Message(def)) => Self::of(def),
            (Card::One, _) => Self::One(field, field.shape),
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Open => "a value",
            Self::Message(_) => "a map",
            Self::All(FieldDef {
                card: Card::List, ..
            }) => "a list",
            Self::All(_) => "a map",
            Self::One(..) => "a single value",
            Self::Number => "a number",
        }
    }
}

impl Checker<'_> {
    /// Reads what an answer must be like.
    pub fn expectation(&mut self, node: &Node, part: Part, exact: bool) -> Matcher {
        let known = match self.substitute(node) {
            Substituted::Known(known) => known,
            Substituted::Later(template, of) => {
                return self.later_expectation(node.span, template, &of, part);
            }
            Substituted::Wrong => return nothing(node.span),
        };
        let node = known.as_ref();
        match &node.value {
            Tree::Map(entries) => self.expected_map(node, entries, part, exact),
            Tree::Seq(items) => {
                let inner = match part {
                    Part::All(field) if field.card == Card::List => Part::item(field),
                    Part::Open => Part::Open,
                    _ => {
                        self.misfit(node.span, part, "a list");
                        return nothing(node.span);
                    }
                };
                let items = items
                    .iter()
                    .map(|item| self.expectation(item, inner, exact))
                    .collect();
                Matcher {
                    test: Test::Items(items),
                    span: node.span,
                }
            }
            Tree::Scalar(_) => self.expected_scalar(node, part),
        }
    }

    fn later_expectation(
        &mut self,
        span: Span,
        template: Template,
        of: &Type,
        part: Part,
    ) -> Matcher {
        let test = match part {
            Part::One(field, _) if matches!(field.kind, Kind::Bytes) => {
                let form = Form::Bytes(Box::new(template));
                Test::Bytes(Template { form, span })
            }
            Part::One(
                _,
                Shape {
                    refers_to: Some(refers),
                    ..
                },
            ) => {
                if let Type::Values(values) = of {
                    for value in values {
                        self.expectation(&Node::from_json(value, span), part, false);
                    }
                }
                Test::Name(*refers, template)
            }
            _ => Test::Equals(template),
        };
        Matcher { test, span }
    }

    fn misfit(&mut self, span: Span, part: Part, given: &str) {
        self.found.error(
            "E0308",
            span,
            format!(
                "this part of the answer is {}, never {given}",
                part.in_words()
            ),
        );
    }

    fn expected_scalar(&mut self, node: &Node, part: Part) -> Matcher {
        let span = node.span;
        let Some(scalar) = node.scalar() else {
            return nothing(span);
        };
        let test = match part {
            Part::Open => Test::Equals(Template::literal(scalar.value(), span)),
            Part::Number => {
                if comparable(&scalar.value()).is_none() {
                    self.found
                        .error("E0308", span, "this is compared with a number, and is none");
                }
                Test::Equals(Template::literal(scalar.value(), span))
            }
            Part::Message(_) | Part::All(_) => {
                self.misfit(span, part, node.kind());
                return nothing(span);
            }
            Part::One(field, shape) => return self.expected_value(node, field, shape),
        };
        Matcher { test, span }
    }

    fn expected_value(
        &mut self,
        node: &Node,
        field: &'static FieldDef,
        shape: &'static Shape,
    ) -> Matcher {
        let span = node.span;
        let Some(scalar) = node.scalar() else {
            return nothing(span);
        };
        let text = scalar.text.as_str();
        let test = match field.kind {
            Kind::Bytes => {
                if crate::scenario::bytes::read(text).is_none() {
                    self.found
                        .error("E0310", span, "this says `base64:` and is not base64");
                }
                let literal = Template::literal(text, span);
                Test::Bytes(Template {
                    form: Form::Bytes(Box::new(literal)),
                    span,
                })
            }
            Kind::Str => {
                self.expected_text(text, span, field, shape);
                let literal = Template::literal(text, span);
                match shape.refers_to {
                    Some(refers) => {
                        self.world_name(
                            refers.to,
                            scalar,
                            span,
                            &format!("`{}`", field.snake),
                            false,
                        );
                        Test::Name(refers, literal)
                    }
                    None => Test::Equals(literal),
                }
            }
            Kind::Timestamp => Test::Equals(Template::literal(scalar.value(), span)),
            _ => {
                let value = scalar.value();
                let fits = match field.kind {
                    Kind::Bool => value.is_boolean(),
                    _ => value.is_number(),
                };
                if !fits {
                    let wanted = if matches!(field.kind, Kind::Bool) {
                        "`true` or `false`"
                    } else {
                        "a number"
                    };
                    self.found.error(
                        "E0308",
                        span,
                        format!("`{}` is {wanted}, never {}", field.snake, node.kind()),
                    );
                }
                Test::Equals(Template::literal(value, span))
            }
        };
        Matcher { test, span }
    }

    fn expected_text(&mut self, text: &str, span: Span, field: &FieldDef, shape: &Shape) {
        if !shape.values.is_empty() && !shape.values.contains(&text) {
            let diagnostic = self.found.error(
                "E0304",
                span,
                format!("`{}` is never `{text}`", field.snake),
            );
            diagnostic.suggest(text, shape.values.iter().copied());
        }
        if let Some(words) = shape.pattern.and_then(form_in_words) {
            if comparable(&Value::String(text.to_owned())).is_none() {
                self.found
                    .error("E0107", span, format!("`{}` is {words}", field.snake));
            }
        }
    }

    fn expected_map(&mut self, node: &Node, entries: &[Entry], part: Part, exact: bool) -> Matcher {
        let is_word = |key: &str| WORDS.iter().any(|(word, _)| *word == key);
        let all_words = !entries.is_empty() && entries.iter().all(|entry| is_word(&entry.key.text));
        match part {
            Part::Message(def) => {
                let is_member = |key: &str| def.by_snake(key).is_some();
                if all_words && !entries.iter().any(|entry| is_member(&entry.key.text)) {
                    return self.words(node.span, entries, part);
                }
                let members = entries
                    .iter()
                    .filter_map(|entry| self.expected_member(entry, def, exact))
                    .collect();
                Matcher {
                    test: Test::Members { exact, members },
                    span: node.span,
                }
            }
            Part::All(field) if field.card == Card::Map && !all_words => {
                let members = entries
                    .iter()
                    .map(|entry| {
                        (
                            entry.key.text.clone(),
                            self.expectation(&entry.value, Part::item(field), exact),
                        )
                    })
                    .collect();
                Matcher {
                    test: Test::Members { exact, members },
                    span: node.span,
                }
            }
            Part::Open if !all_words => {
                let template = self.untyped(node);
                Matcher {
                    test: Test::Equals(template),
                    span: node.span,
                }
            }
            _ => self.words(node.span, entries, part),
        }
    }

    fn expected_member(
        &mut self,
        entry: &Entry,
        def: &'static MessageDef,
        exact: bool,
    ) -> Option<(String, Matcher)> {
        let key = entry.key.text.as_str();
        let Some(field) = def.by_snake(key) else {
            let known: Vec<&str> = def.fields.iter().map(|field| field.snake).collect();
            let place = if def.name.contains('.') {
                "the answer"
            } else {
                def.name
            };
            let diagnostic = self.found.error(
                "E0305",
                entry.key.span,
                format!("{place} has no member `{key}` here"),
            );
            match def.by_aws(key) {
                Some(field) => diagnostic.caption(format!("write `{}`", field.snake)),
                None => diagnostic.suggest(key, known),
            };
            return None;
        };
        Some((
            key.to_owned(),
            self.expectation(&entry.value, Part::member(field), exact),
        ))
    }

    /// Reads a map of matchers.
    pub fn words(&mut self, span: Span, entries: &[Entry], part: Part) -> Matcher {
        let mut all: Vec<Matcher> = entries
            .iter()
            .filter_map(|entry| self.word(entry, part))
            .collect();
        if entries.is_empty() {
            self.found
                .error("E0113", span, "an empty map expects nothing");
        }
        if all.len() == 1 {
            all.remove(0)
        } else {
            Matcher {
                test: Test::All(all),
                span,
            }
        }
    }

    fn word(&mut self, entry: &Entry, part: Part) -> Option<Matcher> {
        let (key, node) = (entry.key.text.as_str(), &entry.value);
        let span = node.span;
        let is_list = matches!(
            part,
            Part::Open
                | Part::All(FieldDef {
                    card: Card::List,
                    ..
                })
        );
        let is_collection = matches!(part, Part::Open | Part::All(_));
        if (LIST_WORDS.contains(&key) && !is_list) || (key == "count" && !is_collection) {
            self.found.error(
                "E0307",
                entry.key.span,
                format!(
                    "`{key}` is about lists, and this part of the answer is {}",
                    part.in_words()
                ),
            );
            return None;
        }
        if matches!(
            key,
            "at_least" | "at_most" | "between" | "starts_with" | "matches"
        ) && matches!(part, Part::All(_) | Part::Message(_))
        {
            self.found.error(
                "E0307",
                entry.key.span,
                format!(
                    "`{key}` is about single values, and this part of the answer is {}",
                    part.in_words()
                ),
            );
            return None;
        }
        let inner = match part {
            Part::All(field) => Part::item(field),
            other => other,
        };
        let boxed = |matcher: Matcher| Box::new(matcher);
        let test = match key {
            "first" => Test::First(boxed(self.expectation(node, inner, false))),
            "last" => Test::Last(boxed(self.expectation(node, inner, false))),
            "any" => Test::Any(boxed(self.expectation(node, inner, false))),
            "every" => Test::Every(boxed(self.expectation(node, inner, false))),
            "count" => Test::Count(boxed(self.count(node))),
            "not" => Test::Not(boxed(self.expectation(node, part, false))),
            "exactly" => return Some(self.expectation(node, part, true)),
            "one_of" => {
                let Some(items) = node.items() else {
                    self.found.error("E0106", span, "`one_of` takes a list");
                    return None;
                };
                Test::OneOf(
                    items
                        .iter()
                        .map(|item| self.expectation(item, part, false))
                        .collect(),
                )
            }
            "at_least" => Test::AtLeast(self.bound(node)),
            "at_most" => Test::AtMost(self.bound(node)),
            "between" => return self.between(node),
            "contains" => {
                let item = if is_list && !matches!(part, Part::Open) {
                    inner
                } else {
                    Part::Open
                };
                Test::Contains(
                    boxed(self.expectation(node, item, false)),
                    self.untyped(node),
                )
            }
            "starts_with" => Test::StartsWith(self.untyped(node)),
            "matches" => Test::Matches(self.regex(node)?),
            "exists" => Test::Exists(self.truth(node)?),
            "is" => Test::Is(self.nature(node)?),
            "that" => Test::That(self.condition(node)?),
            _ => {
                self.unknown_word(entry, part);
                return None;
            }
        };
        Some(Matcher { test, span })
    }

    fn unknown_word(&mut self, entry: &Entry, part: Part) {
        let key = entry.key.text.as_str();
        let diagnostic = self.found.error(
            "E0216",
            entry.key.span,
            format!(
                "`{key}` is no matcher, and this part of the answer is {}",
                part.in_words()
            ),
        );
        if nearest(key, WORDS.iter().map(|(word, _)| *word)).is_some() {
            diagnostic.suggest(key, WORDS.iter().map(|(word, _)| *word));
        } else if let Part::All(FieldDef {
            card: Card::List, ..
        }) = part
        {
            diagnostic.help("ask for items with `first`, `last`, `any` or `every`");
        } else {
            diagnostic.suggest(key, WORDS.iter().map(|(word, _)| *word));
        }
    }

    fn count(&mut self, node: &Node) -> Matcher {
        match node.entries() {
            Some(entries) => self.words(node.span, entries, Part::Number),
            None => self.expectation(node, Part::Number, false),
        }
    }

    /// A bound: something with a size.
    fn bound(&mut self, node: &Node) -> Template {
        let template = self.untyped(node);
        if let Some(value) = template.constant() {
            if comparable(&value).is_none() && !value.is_null() {
                self.found
                    .error(
                        "E0107",
                        node.span,
                        "this cannot be more or less than anything",
                    )
                    .caption("expected a number, a duration, a share or a size");
            }
        }
        template
    }

    fn between(&mut self, node: &Node) -> Option<Matcher> {
        let [low, high] = node.items().unwrap_or_default() else {
            self.found
                .error("E0106", node.span, "`between` takes a list of two bounds");
            return None;
        };
        let low = Matcher {
            test: Test::AtLeast(self.bound(low)),
            span: node.span,
        };
        let high = Matcher {
            test: Test::AtMost(self.bound(high)),
            span: node.span,
        };
        Some(Matcher {
            test: Test::All(vec![low, high]),
            span: node.span,
        })
    }

    fn regex(&mut self, node: &Node) -> Option<Regex> {
        let text = node.text().unwrap_or_default();
        match Regex::new(text) {
            Ok(regex) => Some(regex),
            Err(error) => {
                let line = error.to_string();
                let reason = line
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ");
                self.found.error(
                    "E0409",
                    node.span,
                    format!("this is no regular expression: {reason}"),
                );
                None
            }
        }
    }

    fn truth(&mut self, node: &Node) -> Option<bool> {
        let truth = node.scalar().and_then(|scalar| scalar.value().as_bool());
        if truth.is_none() {
            self.found
                .error("E0303", node.span, "`exists` takes `true` or `false`")
                .caption("expected `true` or `false`");
        }
        truth
    }

    fn nature(&mut self, node: &Node) -> Option<Nature> {
        match node.text() {
            Some("ciphertext") => Some(Nature::Ciphertext),
            Some("plaintext") => Some(Nature::Plaintext),
            text => {
                self.found
                    .error("E0304", node.span, "`is` takes `ciphertext` or `plaintext`")
                    .suggest(text.unwrap_or_default(), ["ciphertext", "plaintext"]);
                None
            }
        }
    }

    /// An expression about `it`, with or without `$(...)` around it.
    fn condition(&mut self, node: &Node) -> Option<Expression> {
        let text = node.text()?.trim();
        let inner = text
            .strip_prefix("$(")
            .and_then(|rest| rest.strip_suffix(')'))
            .unwrap_or(text);
        match Expression::compile(inner) {
            Err(problems) => {
                let scalar = node.scalar()?;
                let offset = scalar.text.find(inner).unwrap_or(0);
                for problem in problems {
                    let range = offset + problem.range.start..offset + problem.range.end;
                    let span = self.inside(scalar, node.span, range).unwrap_or(node.span);
                    self.found.error(problem.code, span, problem.message);
                }
                None
            }
            Ok(expression) => {
                let it = Binding {
                    name: "it".into(),
                    span: node.span,
                    origin: Origin::Loop,
                    of: Type::Any,
                };
                self.scope.bindings.push(it);
                let sound = self.expression_is_sound(&expression, node.span);
                self.scope.bindings.pop();
                sound.then_some(expression)
            }
        }
    }

    /// A member's value where only its form as text matters: in `fails_with` and `where`.
    pub fn plain_member(&mut self, node: &Node, field: &'static FieldDef) -> Template {
        self.member(node, field, &format!("`{}`", field.snake), READING)
    }
}

/// A matcher in place of one that could not be read.
#[must_use]
pub fn nothing(span: Span) -> Matcher {
    Matcher {
        test: Test::All(Vec::new()),
        span,
    }
}
