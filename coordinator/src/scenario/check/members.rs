//! Values against the tables: arguments of verbs, members of world entries, of faults and
//! oracles. One checker for all of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use faultline_proto::tables::{Card, FieldDef, Kind, MessageDef, Referent, Shape};
use serde_json::Value;

use crate::scenario::diagnostic::{listing, nearest};
use crate::scenario::policy::Place;
use crate::scenario::source::{Entry, Node, Span, Value as Tree};
use crate::scenario::template::{Form, Template};

use super::Checker;
use super::substitute::Substituted;

/// How the members of a message are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Whether required members must be there and values among the allowed ones.
    pub strict: bool,
    /// Whether names of the world are spelled as AWS wants them, or stay names.
    pub spell_names: bool,
    /// Whether the thing that is named may be new.
    pub creates: bool,
}

impl Reading {
    /// What our own tables ask for.
    pub const OURS: Self = Self {
        strict: true,
        spell_names: false,
        creates: false,
    };
}

impl Checker<'_> {
    /// Checks a map against a message. `what` is said in messages: "`kms.encrypt`".
    pub fn message(
        &mut self,
        node: &Node,
        def: &'static MessageDef,
        what: &str,
        how: Reading,
    ) -> Template {
        if def.is_plain_value() {
            return self.untyped(node);
        }
        if def.transparent
            && let [field] = def.fields
        {
            return self.member(node, field, what, how);
        }
        match self.substitute(node) {
            Substituted::Wrong => Template::literal(Value::Null, node.span),
            Substituted::Later(template, _) => template,
            Substituted::Known(node) => self.known_message(&node, def, what, how),
        }
    }

    fn known_message(
        &mut self,
        node: &Node,
        def: &'static MessageDef,
        what: &str,
        how: Reading,
    ) -> Template {
        let entries: &[Entry] = match &node.value {
            Tree::Map(entries) => entries,
            Tree::Scalar(scalar) if scalar.is_null() => &[],
            Tree::Scalar(_) | Tree::Seq(_) => {
                self.found
                    .error(
                        "E0303",
                        node.span,
                        format!("{what} takes a map, not {}", node.kind()),
                    )
                    .caption("expected a map");
                return Template::literal(Value::Null, node.span);
            }
        };
        let mut members = Vec::new();
        let mut misspelt = Vec::new();
        for entry in entries {
            match self.entry(entry, def, what, how, entries) {
                Ok(member) => members.push(member),
                Err(meant) => misspelt.extend(meant),
            }
        }
        if how.strict {
            self.required(node.span, entries, def, what, &misspelt);
        }
        Template {
            form: Form::Map(members),
            span: node.span,
        }
    }

    fn entry(
        &mut self,
        entry: &Entry,
        def: &'static MessageDef,
        what: &str,
        how: Reading,
        siblings: &[Entry],
    ) -> Result<(String, Template), Option<&'static str>> {
        let key = entry.key.text.as_str();
        if let Some(field) = def.fields.iter().find(|field| field.snake == key) {
            let template = if field.shape.policy_document {
                let bucket = self.bucket.clone().map(Place::Bucket);
                let place = bucket.unwrap_or_else(|| super::policies::place(def, field, siblings));
                self.policy(&entry.value, place)
            } else {
                self.member(&entry.value, field, &format!("`{key}`"), how)
            };
            return Ok((key.to_owned(), template));
        }
        let json_of = key.strip_suffix("_json");
        if let Some(field) = def
            .fields
            .iter()
            .find(|field| field.shape.policy_document && Some(field.snake) == json_of)
        {
            return Ok((field.snake.to_owned(), self.verbatim(&entry.value)));
        }
        let known: Vec<&str> = def.fields.iter().map(|field| field.snake).collect();
        let diagnostic = self.found.error(
            "E0301",
            entry.key.span,
            format!("{what} has no member `{key}`"),
        );
        if let Some(field) = def.by_aws(key) {
            diagnostic.caption(format!("write `{}`", field.snake));
            return Err(Some(field.snake));
        }
        diagnostic.suggest(key, known.iter().copied());
        Err(nearest(key, known))
    }

    /// Reports members that must be there, but not those that are there misspelt.
    fn required(
        &mut self,
        span: Span,
        entries: &[Entry],
        def: &'static MessageDef,
        what: &str,
        misspelt: &[&str],
    ) {
        let has = |field: &FieldDef| {
            misspelt.contains(&field.snake)
                || entries.iter().any(|entry| {
                    entry.key.text == field.snake
                        || (field.shape.policy_document
                            && entry.key.text == format!("{}_json", field.snake))
                })
        };
        let missing: Vec<&str> = def
            .fields
            .iter()
            .filter(|field| field.shape.required && !field.shape.idempotency_token && !has(field))
            .map(|field| field.snake)
            .collect();
        if !missing.is_empty() {
            let word = if missing.len() == 1 {
                "member"
            } else {
                "members"
            };
            self.found.error(
                "E0302",
                span,
                format!("{what} needs the {word} {}", listing(&missing)),
            );
        }
        if def.union && entries.len() != 1 && misspelt.is_empty() {
            let known: Vec<&str> = def.fields.iter().map(|field| field.snake).collect();
            self.found.error(
                "E0302",
                span,
                format!("{what} needs exactly one of {}", listing(&known)),
            );
        }
    }

    /// Checks one member with all its values.
    pub fn member(
        &mut self,
        node: &Node,
        field: &'static FieldDef,
        what: &str,
        how: Reading,
    ) -> Template {
        let node = match self.member_value(node, field, false, what, how) {
            Ok(node) => node,
            Err(template) => return template,
        };
        let node = node.as_ref();
        match (field.card, &node.value) {
            (Card::One, _) => self.item(node, field, field.shape, what, how),
            (Card::List, Tree::Seq(items)) => {
                if how == Reading::OURS {
                    self.length(node, items.len(), field.shape, what);
                }
                let shape = field.shape.item.unwrap_or(field.shape);
                let items = items
                    .iter()
                    .map(|item| self.list_item(item, field, shape, what, how))
                    .collect();
                Template {
                    form: Form::List(items),
                    span: node.span,
                }
            }
            (Card::Map, Tree::Map(entries)) => {
                let shape = field.shape.item.unwrap_or(field.shape);
                let members = entries
                    .iter()
                    .map(|entry| {
                        let what = format!("`{}`", entry.key.text);
                        (
                            entry.key.text.clone(),
                            self.list_item(&entry.value, field, shape, &what, how),
                        )
                    })
                    .collect();
                Template {
                    form: Form::Map(members),
                    span: node.span,
                }
            }
            (card, _) => {
                let wanted = if card == Card::List {
                    "a list"
                } else {
                    "a map"
                };
                self.found
                    .error(
                        "E0303",
                        node.span,
                        format!("{what} takes {wanted}, not {}", node.kind()),
                    )
                    .caption(format!("expected {wanted}"));
                Template::literal(Value::Null, node.span)
            }
        }
    }

    fn list_item(
        &mut self,
        node: &Node,
        field: &'static FieldDef,
        shape: &'static Shape,
        what: &str,
        how: Reading,
    ) -> Template {
        match self.member_value(node, field, true, what, how) {
            Ok(node) => self.item(&node, field, shape, what, how),
            Err(template) => template,
        }
    }

    /// The value of a member, or of an item of it: known, or else a finished template.
    fn member_value<'n>(
        &mut self,
        node: &'n Node,
        field: &'static FieldDef,
        item: bool,
        what: &str,
        how: Reading,
    ) -> Result<Cow<'n, Node>, Template> {
        match self.substitute(node) {
            Substituted::Known(node) => Ok(node),
            Substituted::Wrong => Err(Template::literal(Value::Null, node.span)),
            Substituted::Later(template, of) => {
                if let super::scope::Type::Values(values) = &of {
                    for value in values {
                        let node = Node::from_json(value, node.span);
                        let _checked = if item {
                            self.list_item(
                                &node,
                                field,
                                field.shape.item.unwrap_or(field.shape),
                                what,
                                how,
                            )
                        } else {
                            self.member(&node, field, what, how)
                        };
                    }
                }
                if let Some(given) = of.misfit(field, item) {
                    self.found
                        .error("E0303", node.span, format!("{what} cannot take {given}"));
                }
                Err(later(template, field, item, how))
            }
        }
    }

    fn length(&mut self, node: &Node, length: usize, shape: &Shape, what: &str) {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        let (least, most) = (
            shape.min_length.unwrap_or(0),
            shape.max_length.unwrap_or(u64::MAX),
        );
        if length < least || length > most {
            let bound = if least == most {
                format!("{least}")
            } else {
                format!("at least {least}")
            };
            self.found.error(
                "E0303",
                node.span,
                format!("{what} takes {bound} items, not {length}"),
            );
        }
    }

    /// Checks exclusive sets of members, of which exactly one must be there.
    pub fn one_of(&mut self, span: Span, node: &Node, sets: &[&[&str]], what: &str) {
        for set in sets {
            let given: Vec<&str> = set
                .iter()
                .copied()
                .filter(|key| node.get(key).is_some())
                .collect();
            if given.is_empty() {
                self.found.error(
                    "E0302",
                    span,
                    format!("{what} needs one of {}", listing(set)),
                );
            } else if given.len() > 1 {
                self.found.error(
                    "E0112",
                    span,
                    format!("{what} takes only one of {}", listing(&given)),
                );
            }
        }
    }
}

/// A value that only a run knows, marked with what must be done with it then.
fn later(template: Template, field: &'static FieldDef, item: bool, how: Reading) -> Template {
    let span = template.span;
    let shape = if item {
        field.shape.item.unwrap_or(field.shape)
    } else {
        field.shape
    };
    let form = match (field.card, item, field.kind) {
        (Card::List | Card::Map, false, _) | (_, _, Kind::Message(_)) if how.spell_names => {
            Form::Member(field, Box::new(template))
        }
        (_, _, Kind::Bytes) => Form::Bytes(Box::new(template)),
        (_, _, Kind::Str) => match shape.refers_to {
            Some(refers) if how.spell_names && refers.to != Referent::Region => {
                Form::Name(refers, Box::new(template))
            }
            _ => return template,
        },
        _ => return template,
    };
    Template { form, span }
}

/// A tree without names in it as JSON.
#[must_use]
pub fn untyped_json(node: &Node) -> Value {
    match &node.value {
        Tree::Scalar(scalar) => scalar.value(),
        Tree::Seq(items) => Value::Array(items.iter().map(untyped_json).collect()),
        Tree::Map(entries) => Value::Object(
            entries
                .iter()
                .map(|entry| (entry.key.text.clone(), untyped_json(&entry.value)))
                .collect::<serde_json::Map<_, _>>(),
        ),
    }
}

/// Names that are made by verbs of the file itself.
pub type Made = std::collections::BTreeSet<(Referent, String)>;

/// Places of answers by name.
pub type Places = BTreeMap<String, Span>;
