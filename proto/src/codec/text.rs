//! What the query and XML protocols share: every scalar is text, and names come from the
//! definition's wire facts.

use serde_json::{Number, Value};

use crate::tables::{FieldDef, Kind, Protocol};

/// A scalar from its text; text that is none stays text, and [`encode`](super::encode) refuses it.
#[must_use]
pub fn scalar(kind: Kind, text: &str) -> Value {
    let said = || Value::String(text.to_owned());
    match kind {
        Kind::Str | Kind::Bytes | Kind::Message(_) => said(),
        Kind::Bool => match text {
            "true" | "True" | "1" => Value::Bool(true),
            "false" | "False" | "0" => Value::Bool(false),
            _ => said(),
        },
        Kind::I32 | Kind::I64 => text
            .trim()
            .parse::<i64>()
            .map_or_else(|_| said(), |number| Value::Number(number.into())),
        Kind::F64 => text
            .trim()
            .parse::<f64>()
            .ok()
            .and_then(Number::from_f64)
            .map_or_else(said, Value::Number),
        Kind::Timestamp => text
            .trim()
            .parse::<i64>()
            .map_or_else(|_| said(), |seconds| Value::Number(seconds.into())),
    }
}

/// A scalar as text; `None` for what is none.
#[must_use]
pub fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl FieldDef {
    /// Name of its element in XML.
    #[must_use]
    pub fn xml_name(&self, protocol: Protocol) -> String {
        match (self.shape.wire.name, protocol) {
            (Some(name), _) => name.to_owned(),
            (None, Protocol::Ec2Query) => first(self.aws, |letter| letter.to_ascii_lowercase()),
            (None, _) => self.aws.to_owned(),
        }
    }

    /// Name of its parameter in a query.
    #[must_use]
    pub fn query_name(&self, protocol: Protocol) -> String {
        let wire = self.shape.wire;
        match (protocol, wire.query, wire.name) {
            (Protocol::Ec2Query, Some(name), _) => name.to_owned(),
            (Protocol::Ec2Query, None, Some(name)) => {
                first(name, |letter| letter.to_ascii_uppercase())
            }
            (_, _, Some(name)) => name.to_owned(),
            (_, _, None) => self.aws.to_owned(),
        }
    }

    /// Element of one item of this list in XML.
    #[must_use]
    pub fn xml_item(&self, protocol: Protocol) -> &'static str {
        match (self.shape.wire.item, protocol) {
            (Some(item), _) => item,
            (None, Protocol::Ec2Query) => "item",
            (None, _) => "member",
        }
    }
}

fn first(name: &str, change: impl Fn(&char) -> char) -> String {
    let mut letters = name.chars();
    let changed = letters.next().map(|letter| change(&letter));
    changed.into_iter().chain(letters).collect()
}
