//! Expectations against the form of the answer.

use faultline_proto::tables::{Card, FieldDef, Kind, MessageDef, Shape};
use serde_json::Value;

use crate::scenario::matchers::{Matcher, Test, WORDS};
use crate::scenario::quantity::comparable;
use crate::scenario::source::{Entry, Node, Span, Value as Tree};
use crate::scenario::template::{Form, Template};
use crate::scenario::vocabulary::form_in_words;

use super::Checker;
use super::scope::Type;
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

/// Words that are about maps.
const MAP_WORDS: &[&str] = &["exists", "not", "exactly", "that"];

impl Part {
    /// The part that a message is; wrappers are what they wrap.
    pub fn of(def: &'static MessageDef) -> Self {
        match def.seen_through() {
            Some(field) => Self::All(field),
            None if def.is_plain_value() => Self::Open,
            None => Self::Message(def),
        }
    }

    pub(super) fn item(field: &'static FieldDef) -> Self {
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

    pub(super) fn in_words(self) -> &'static str {
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
        if let Some(words) = shape.pattern.and_then(form_in_words)
            && comparable(&Value::String(text.to_owned())).is_none()
        {
            self.found
                .error("E0107", span, format!("`{}` is {words}", field.snake));
        }
    }

    fn expected_map(&mut self, node: &Node, entries: &[Entry], part: Part, exact: bool) -> Matcher {
        let is_word = |key: &str| WORDS.iter().any(|(word, _)| *word == key);
        let all_words = !entries.is_empty() && entries.iter().all(|entry| is_word(&entry.key.text));
        let is_about_maps = |entry: &Entry| MAP_WORDS.contains(&entry.key.text.as_str());
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
            // A member of a map may have the name of any word but these.
            Part::All(field) if field.card == Card::Map && !entries.iter().all(is_about_maps) => {
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
            let place = match def.name {
                "fails_with" | "call" => format!("`{}`", def.name),
                _ => "the answer".to_owned(),
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
}

/// A matcher in place of one that could not be read.
#[must_use]
pub fn nothing(span: Span) -> Matcher {
    Matcher {
        test: Test::All(Vec::new()),
        span,
    }
}
