//! Single values: text, numbers, bytes, names of the world, and values without a type.

use faultline_proto::pattern;
use faultline_proto::tables::{FieldDef, Kind, Referent, Shape};
use serde_json::Value;

use crate::scenario::bytes;
use crate::scenario::diagnostic::listing;
use crate::scenario::names::{in_words, is_aws_spelling, unknown_code};
use crate::scenario::source::{Entry, Node, Scalar, Span, Value as Tree};
use crate::scenario::template::{Form, Template};
use crate::scenario::vocabulary::form_in_words;

use super::Checker;
use super::members::Reading;
use super::substitute::Substituted;

impl Checker<'_> {
    /// Checks one value: a member's only one, or an item.
    pub(super) fn item(
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
        if let Some([Entry { key, value }]) = node.entries()
            && key.text == "literal"
        {
            return self.verbatim(value);
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
            && !pattern::matches(pattern, text)
        {
            self.found
                .error("E0107", span, format!("{what} must be {words}"))
                .caption(format!("expected {words}"));
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
        if kind == Referent::Account && scalar.plain && scalar.is_digits() {
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
    pub(super) fn verbatim(&mut self, node: &Node) -> Template {
        match (self.substitute(node), node.scalar()) {
            (Substituted::Later(template, _), _) => template,
            (Substituted::Known(known), _) => match known.scalar() {
                Some(scalar) => Template::literal(scalar.text.as_str(), node.span),
                None => self.untyped(&known),
            },
            (Substituted::Wrong, _) => Template::literal(Value::Null, node.span),
        }
    }
}
