//! Plain values: what scenarios write for DynamoDB's typed values, and for bytes.
//!
//! Text is `S`, a number `N`, a truth `BOOL`, `null` is `NULL`, a list `L`, a map `M`.
//! A map with one key that is a type's name is the explicit form, for sets, bytes and
//! numbers that YAML cannot hold: `{ SS: [a, b] }`, `{ B: "base64:AAE=" }`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

use super::Bytes;
use super::encode::Encoder;
use crate::tables::MessageDef;
use crate::wire;

/// What bytes that are no text begin with.
pub const BASE64: &str = "base64:";

/// Bytes from their written form; `None` when the base64 is wrong.
#[must_use]
pub fn bytes_in(text: &str, form: Bytes) -> Option<Vec<u8>> {
    match (form, text.strip_prefix(BASE64)) {
        (Bytes::Text, None) => Some(text.as_bytes().to_vec()),
        (Bytes::Text, Some(encoded)) => STANDARD.decode(encoded).ok(),
        (Bytes::Base64 | Bytes::LeftOut, _) => STANDARD.decode(text).ok(),
    }
}

/// Bytes in their written form; text only when it reads back the same.
#[must_use]
pub fn bytes_out(bytes: &[u8], form: Bytes) -> String {
    match (form, std::str::from_utf8(bytes)) {
        (Bytes::Text, Ok(text)) if !text.starts_with(BASE64) && !text.chars().any(unprintable) => {
            text.to_owned()
        }
        (Bytes::Text, _) => format!("{BASE64}{}", STANDARD.encode(bytes)),
        (Bytes::Base64 | Bytes::LeftOut, _) => STANDARD.encode(bytes),
    }
}

fn unprintable(letter: char) -> bool {
    letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')
}

/// The type that an explicit form names: a map with exactly one key.
#[must_use]
pub fn explicit(value: &Value) -> Option<(&str, &Value)> {
    let Value::Object(members) = value else {
        return None;
    };
    let mut members = members.iter();
    match (members.next(), members.next()) {
        (Some((name, value)), None) if is_type(name) => Some((name, value)),
        _ => None,
    }
}

/// Whether this is the name of one of DynamoDB's types.
#[must_use]
pub fn is_type(name: &str) -> bool {
    matches!(
        name,
        "S" | "N" | "B" | "SS" | "NS" | "BS" | "M" | "L" | "BOOL" | "NULL"
    )
}

pub(super) fn encode(
    encoder: &mut Encoder,
    def: &'static MessageDef,
    value: &Value,
    out: &mut Vec<u8>,
    depth: usize,
) {
    let member = |name: &str| {
        def.by_aws(name)
            .expect("an attribute value has DynamoDB's ten types")
    };
    if let Some((name, inner)) = explicit(value) {
        let text = match (name, inner) {
            // A number may be written as one.
            ("N", Value::Number(number)) => Value::String(number.to_string()),
            ("NS", Value::Array(items)) => items.iter().map(number_as_text).collect(),
            _ => inner.clone(),
        };
        return encoder.at(name, |encoder| match text {
            Value::Null => encoder.wrong("a value", &Value::Null),
            text => encoder.field(member(name), &text, out, depth),
        });
    }
    match value {
        Value::String(text) => wire::put_bytes(out, member("S").tag, text.as_bytes()),
        Value::Number(number) => {
            wire::put_bytes(out, member("N").tag, number.to_string().as_bytes())
        }
        Value::Bool(truth) => wire::put_number(out, member("BOOL").tag, u64::from(*truth)),
        Value::Null => wire::put_number(out, member("NULL").tag, 1),
        Value::Array(_) => encoder.field(member("L"), value, out, depth),
        Value::Object(_) => encoder.field(member("M"), value, out, depth),
    }
}

fn number_as_text(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        other => other.clone(),
    }
}

/// The plain form of a value given in the explicit one (with snake names).
pub(super) fn decode(members: Map<String, Value>) -> Value {
    let Some((name, value)) = members.into_iter().next() else {
        return Value::Object(Map::new());
    };
    match (name.as_str(), value) {
        ("s", text) => text,
        ("n", Value::String(text)) => number(&text),
        ("bool", truth) => truth,
        ("null", _) => Value::Null,
        ("l", list) => list,
        ("m", Value::Object(entries)) => {
            let value = Value::Object(entries);
            // What reads as an explicit form must be written as one.
            if explicit(&value).is_some() {
                one("M", value)
            } else {
                value
            }
        }
        (name, value) => one(&name.to_ascii_uppercase(), value),
    }
}

/// A number when YAML writes it just so. The standard library reads doubles exactly,
/// serde_json does not.
fn number(text: &str) -> Value {
    let whole = || {
        text.parse::<i64>()
            .map(Number::from)
            .or_else(|_| text.parse::<u64>().map(Number::from))
            .ok()
    };
    let double = || text.parse::<f64>().ok().and_then(Number::from_f64);
    match whole()
        .or_else(double)
        .filter(|number| number.to_string() == text)
    {
        Some(number) => Value::Number(number),
        None => one("N", Value::String(text.to_owned())),
    }
}

fn one(name: &str, value: Value) -> Value {
    Value::Object([(name.to_owned(), value)].into_iter().collect())
}
