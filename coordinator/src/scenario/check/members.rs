//! Values against the tables: arguments of verbs, members of world entries, of faults and
//! oracles. One checker for all of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use faultline_proto::tables::{
    Card, FieldDef, Form as Spelling, Kind, MessageDef, Referent, Refers, Shape,
};
use regex::Regex;
use serde_json::Value;

use crate::scenario::bytes;
use crate::scenario::diagnostic::listing;
use crate::scenario::names::{in_words, is_aws_spelling, unknown_code};
use crate::scenario::policy::Place;
use crate::scenario::source::{Entry, Node, Scalar, Span, Value as Tree};
use crate::scenario::template::{Form, Template};
use crate::scenario::vocabulary::form_in_words;

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
        if def.transparent {
            if let [field] = def.fields {
                return self.member(node, field, what, how);
            }
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
        for entry in entries {
            members.extend(self.entry(entry, def, what, how, entries));
        }
        if how.strict {
            self.required(node.span, entries, def, what);
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
    ) -> Option<(String, Template)> {
        let key = entry.key.text.as_str();
        if let Some(field) = def.fields.iter().find(|field| field.snake == key) {
            let template = if field.shape.policy_document {
                let bucket = self.bucket.clone().map(Place::Bucket);
                let place = bucket.unwrap_or_else(|| super::policies::place(def, field, siblings));
                self.policy(&entry.value, place)
            } else {
                self.member(&entry.value, field, &format!("`{key}`"), how)
            };
            return Some((key.to_owned(), template));
        }
        let json_of = key.strip_suffix("_json");
        if let Some(field) = def
            .fields
            .iter()
            .find(|field| field.shape.policy_document && Some(field.snake) == json_of)
        {
            return Some((field.snake.to_owned(), self.verbatim(&entry.value)));
        }
        let known: Vec<&str> = def.fields.iter().map(|field| field.snake).collect();
        let diagnostic = self.found.error(
            "E0301",
            entry.key.span,
            format!("{what} has no member `{key}`"),
        );
        match def.fields.iter().find(|field| field.aws == key) {
            Some(field) => diagnostic.caption(format!("write `{}`", field.snake)),
            None => diagnostic.suggest(key, known),
        };
        None
    }

    fn required(&mut self, span: Span, entries: &[Entry], def: &'static MessageDef, what: &str) {
        let has = |field: &FieldDef| {
            entries.iter().any(|entry| {
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
        if def.union && entries.len() != 1 {
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

    /// Checks one value: a member's only one, or an item.
    fn item(
        &mut self,
        node: &Node,
        field: &'static FieldDef,
        shape: &'static Shape,
        what: &str,
        how: Reading,
    ) -> Template {
        if let Kind::Message(def) = field.kind {
            return self.message(node, def, what, how);
        }
        if let Some([Entry { key, value }]) = node.entries() {
            if key.text == "literal" {
                return self.verbatim(value);
            }
        }
        let Some(scalar) = node
            .scalar()
            .filter(|scalar| !scalar.is_null() || !scalar.plain)
        else {
            self.wrong_type(node, field.kind, what);
            return Template::literal(Value::Null, node.span);
        };
        match field.kind {
            Kind::Str => self.text(scalar, node.span, shape, what, how),
            Kind::Bytes => self.bytes(scalar, node.span),
            Kind::Timestamp => Template::literal(scalar.value(), node.span),
            Kind::Bool | Kind::I32 | Kind::I64 | Kind::F64 | Kind::Message(_) => {
                self.plain(scalar, node, field.kind, what)
            }
        }
    }

    fn plain(&mut self, scalar: &Scalar, node: &Node, kind: Kind, what: &str) -> Template {
        let value = scalar.value();
        let fits = match kind {
            Kind::Bool => value.is_boolean(),
            Kind::I32 => value
                .as_i64()
                .is_some_and(|number| i32::try_from(number).is_ok()),
            Kind::I64 => value.is_i64(),
            _ => value.is_number(),
        };
        if !fits {
            self.wrong_type(node, kind, what);
        }
        Template::literal(value, node.span)
    }

    fn wrong_type(&mut self, node: &Node, kind: Kind, what: &str) {
        let wanted = match kind {
            Kind::Str => "text",
            Kind::Bytes => "text or `base64:...`",
            Kind::Bool => "`true` or `false`",
            Kind::I32 | Kind::I64 => "a whole number",
            Kind::F64 => "a number",
            Kind::Timestamp => "a time",
            Kind::Message(_) => "a map",
        };
        self.found
            .error(
                "E0303",
                node.span,
                format!("{what} takes {wanted}, not {}", node.kind()),
            )
            .caption(format!("expected {wanted}"));
    }

    fn bytes(&mut self, scalar: &Scalar, span: Span) -> Template {
        if bytes::read(&scalar.text).is_none() {
            self.found
                .error("E0310", span, "this says `base64:` and is not base64")
                .help("text without that prefix stands for its own bytes");
        }
        Template {
            form: Form::Bytes(Box::new(Template::literal(scalar.text.as_str(), span))),
            span,
        }
    }

    fn text(
        &mut self,
        scalar: &Scalar,
        span: Span,
        shape: &'static Shape,
        what: &str,
        how: Reading,
    ) -> Template {
        let text = scalar.text.as_str();
        if how.strict && !shape.values.is_empty() && !shape.values.contains(&text) {
            let diagnostic = self
                .found
                .error("E0304", span, format!("{what} cannot be `{text}`"));
            diagnostic.suggest(text, shape.values.iter().copied());
            if diagnostic.notes.is_empty() && shape.values.len() <= 24 {
                diagnostic.note(format!("it can be {}", listing(shape.values)));
            }
        }
        if let Some((pattern, words)) = shape
            .pattern
            .and_then(|pattern| Some((pattern, form_in_words(pattern)?)))
        {
            if !Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|regex| regex.is_match(text)) {
                self.found
                    .error("E0107", span, format!("{what} must be {words}"))
                    .caption(format!("expected {words}"));
            }
        }
        let literal = Template::literal(text, span);
        let Some(refers) = shape.refers_to else {
            return literal;
        };
        self.world_name(refers.to, scalar, span, what, how.creates);
        if how.spell_names && refers.to != Referent::Region {
            return Template {
                form: Form::Name(refers, Box::new(literal)),
                span,
            };
        }
        literal
    }

    /// Checks that the world has a name of that kind, or that it is AWS's own spelling.
    pub fn world_name(
        &mut self,
        kind: Referent,
        scalar: &Scalar,
        span: Span,
        what: &str,
        creates: bool,
    ) {
        let name = scalar.text.as_str();
        if kind == Referent::Account && scalar.plain && matches!(scalar.value(), Value::Number(_)) {
            self.unquoted_account(name, span);
            return;
        }
        let made = creates && matches!(kind, Referent::Bucket | Referent::Table);
        if made
            || self.names.has(kind, name)
            || is_aws_spelling(kind, name)
            || self.made.contains(&(kind, name.to_owned()))
        {
            return;
        }
        let other = self.names.other_kind(kind, name);
        let known: Vec<String> = self.names.of(kind).map(str::to_owned).collect();
        let word = in_words(kind);
        let diagnostic = self.found.error(
            unknown_code(kind),
            span,
            format!("the world has no {word} `{name}`, which {what} names"),
        );
        diagnostic.suggest(name, known.iter().map(String::as_str));
        if let Some(other) = other {
            diagnostic.note(format!("`{name}` is a {}", in_words(other)));
        }
        if kind != Referent::Region && diagnostic.caption.is_empty() {
            diagnostic.help(format!(
                "to send the text as it is, write `{{ literal: {name} }}`"
            ));
        }
    }

    /// Reports an account id that other readers of YAML take for a number.
    pub fn unquoted_account(&mut self, text: &str, span: Span) {
        self.found
            .error(
                "E0108",
                span,
                "an account id must stand in quotes, for it is no number",
            )
            .caption(format!("write \"{text}\""));
    }

    /// A value without a type: DynamoDB items, variables.
    pub fn untyped(&mut self, node: &Node) -> Template {
        let node = match self.substitute(node) {
            Substituted::Known(node) => node,
            Substituted::Later(template, _) => return template,
            Substituted::Wrong => return Template::literal(Value::Null, node.span),
        };
        let span = node.span;
        match &node.value {
            Tree::Scalar(scalar) => Template::literal(scalar.value(), span),
            Tree::Seq(items) => Template {
                form: Form::List(items.iter().map(|item| self.untyped(item)).collect()),
                span,
            },
            Tree::Map(entries) => {
                let members = entries
                    .iter()
                    .map(|entry| (entry.key.text.clone(), self.untyped(&entry.value)))
                    .collect();
                Template {
                    form: Form::Map(members),
                    span,
                }
            }
        }
    }

    /// `literal: x`: text as it is, whatever the member asks for.
    fn verbatim(&mut self, node: &Node) -> Template {
        match (self.substitute(node), node.scalar()) {
            (Substituted::Later(template, _), _) => template,
            (Substituted::Known(known), _) => match known.scalar() {
                Some(scalar) => Template::literal(scalar.text.as_str(), node.span),
                None => self.untyped(&known),
            },
            (Substituted::Wrong, _) => Template::literal(Value::Null, node.span),
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

/// How a principal is spelled in an ARN.
pub const PRINCIPAL_ARN: Refers = Refers {
    to: Referent::Principal,
    form: Spelling::Arn,
};

/// Names that are made by verbs of the file itself.
pub type Made = std::collections::BTreeSet<(Referent, String)>;

/// Places of answers by name.
pub type Places = BTreeMap<String, Span>;
