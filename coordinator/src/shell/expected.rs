//! What a command must answer, as far as `--query` can say it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_proto::tables::{Card, FieldDef, Kind, MessageDef};
use serde_json::Value;

use crate::scenario::bytes;
use crate::scenario::matchers::{Matcher, Test};
use crate::scenario::template::{Bindings, WorldNames};

/// A part of an answer that must be a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// JMESPath to it.
    pub query: String,
    /// As `--output text` prints it.
    pub text: String,
}

/// What can be compared, and whether that is all.
#[derive(Debug, Default)]
pub(super) struct Expected {
    pub parts: Vec<Part>,
    /// What the body of the answer must be.
    pub body: Option<String>,
    pub whole: bool,
}

struct Reader<'a> {
    bindings: &'a Bindings,
    names: &'a dyn WorldNames,
    found: Expected,
}

/// Reads an expectation about an answer of `def`.
pub(super) fn expected(
    matcher: &Matcher,
    def: &'static MessageDef,
    bindings: &Bindings,
    names: &dyn WorldNames,
) -> Expected {
    let mut reader = Reader {
        bindings,
        names,
        found: Expected {
            whole: true,
            ..Expected::default()
        },
    };
    reader.members(matcher, def, "");
    reader.found
}

impl Reader<'_> {
    fn members(&mut self, matcher: &Matcher, def: &'static MessageDef, query: &str) {
        let Test::Members { exact, members } = &matcher.test else {
            self.found.whole = false;
            return;
        };
        self.found.whole &= !exact;
        for (name, matcher) in members {
            match def.fields.iter().find(|field| field.snake == name) {
                Some(field) if field.shape.body => self.body(matcher),
                Some(field) => {
                    let query = joined(query, field.aws);
                    self.field(matcher, field, &query);
                }
                None => self.found.whole = false,
            }
        }
    }

    fn field(&mut self, matcher: &Matcher, field: &'static FieldDef, query: &str) {
        match (field.card, field.kind, &matcher.test) {
            (_, _, Test::Exists(false)) => self.part(query, "None".to_owned()),
            (Card::One, Kind::Message(def), _) => self.members(matcher, def, query),
            (Card::Map, Kind::Message(def), Test::Members { members, exact })
                if def.is_plain_value() =>
            {
                self.found.whole &= !exact;
                for (name, matcher) in members {
                    self.attribute(matcher, &format!("{query}.\"{name}\""));
                }
            }
            (Card::One, kind, test) => match self.text(test) {
                Some(Value::String(text)) if matches!(kind, Kind::Bytes) => {
                    let base64 = bytes::read(&text).map(|bytes| STANDARD.encode(bytes));
                    self.part(query, base64.unwrap_or(text));
                }
                Some(value) => self.scalar(query, &value),
                None => self.found.whole = false,
            },
            _ => self.found.whole = false,
        }
    }

    /// A value of DynamoDB: its type is a member of its own on the wire.
    fn attribute(&mut self, matcher: &Matcher, query: &str) {
        match (&matcher.test, self.text(&matcher.test)) {
            (Test::Exists(false), _) => self.part(query, "None".to_owned()),
            (_, Some(Value::String(text))) if !text.starts_with(bytes::PREFIX) => {
                self.part(&format!("{query}.S"), text);
            }
            (_, Some(Value::Number(number))) => {
                self.part(&format!("{query}.N"), number.to_string())
            }
            (_, Some(value @ Value::Bool(_))) => self.scalar(&format!("{query}.BOOL"), &value),
            _ => self.found.whole = false,
        }
    }

    fn body(&mut self, matcher: &Matcher) {
        match self.text(&matcher.test) {
            Some(Value::String(text)) => {
                let read = bytes::read(&text).and_then(|bytes| String::from_utf8(bytes).ok());
                self.found.whole &= read.is_some();
                self.found.body = read;
            }
            _ => self.found.whole = false,
        }
    }

    /// The value that a test wants, where it wants one.
    fn text(&self, test: &Test) -> Option<Value> {
        match test {
            Test::Equals(template) | Test::Bytes(template) => {
                template.evaluate(self.bindings, self.names).ok()
            }
            _ => None,
        }
    }

    fn scalar(&mut self, query: &str, value: &Value) {
        match value {
            Value::String(text) => self.part(query, text.clone()),
            Value::Number(number) => self.part(query, number.to_string()),
            // As Python writes them.
            Value::Bool(true) => self.part(query, "True".to_owned()),
            Value::Bool(false) => self.part(query, "False".to_owned()),
            Value::Null | Value::Array(_) | Value::Object(_) => self.found.whole = false,
        }
    }

    fn part(&mut self, query: &str, text: String) {
        let query = query.to_owned();
        self.found.parts.push(Part { query, text });
    }
}

fn joined(query: &str, member: &str) -> String {
    if query.is_empty() {
        member.to_owned()
    } else {
        format!("{query}.{member}")
    }
}
