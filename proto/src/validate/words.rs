//! The constraints of single values, and how AWS prints values and constraints.

use crate::tables::{FieldDef, Kind, Shape};
use crate::wire::{Fields, Malformed, Value};

/// The constraints that a scalar breaks, in AWS's words. Allocates only when there are some.
pub(super) fn broken(
    kind: Kind,
    shape: &Shape,
    value: Value<'_>,
) -> Result<Vec<String>, Malformed> {
    let mut out = Vec::new();
    match kind {
        Kind::Str => {
            let text = value.text()?;
            if !shape.values.is_empty() && !shape.values.contains(&text) {
                out.push(enum_words(shape));
            }
            if let Some(pattern) = shape.pattern
                && !crate::pattern::matches(pattern, text)
            {
                out.push(format!(
                    "Member must satisfy regular expression pattern: {}",
                    pattern
                ));
            }
            if shape.min_length.is_some() || shape.max_length.is_some() {
                out.extend(lengths(shape, text.chars().count() as u64));
            }
        }
        Kind::Bytes => out.extend(lengths(shape, value.bytes()?.len() as u64)),
        Kind::I32 | Kind::I64 => {
            let number = value.varint()?.cast_signed();
            if let Some(min) = shape.min.filter(|min| number < *min) {
                out.push(format!(
                    "Member must have value greater than or equal to {min}"
                ));
            }
            if let Some(max) = shape.max.filter(|max| number > *max) {
                out.push(format!(
                    "Member must have value less than or equal to {max}"
                ));
            }
        }
        Kind::Bool | Kind::Timestamp => {
            value.varint()?;
        }
        Kind::F64 | Kind::Message(_) => {}
    }
    Ok(out)
}

pub(super) fn lengths(shape: &Shape, count: u64) -> impl Iterator<Item = String> {
    let low = shape.min_length.filter(|min| count < *min);
    let high = shape.max_length.filter(|max| count > *max);
    let low = low.map(|min| format!("Member must have length greater than or equal to {min}"));
    let high = high.map(|max| format!("Member must have length less than or equal to {max}"));
    low.into_iter().chain(high)
}

fn enum_words(shape: &Shape) -> String {
    format!(
        "Member must satisfy enum value set: [{}]",
        shape.values.join(", ")
    )
}

/// Every constraint of an item: AWS lists them all when one is broken.
pub(super) fn all(shape: &Shape) -> String {
    let mut out = Vec::new();
    if !shape.values.is_empty() {
        out.push(enum_words(shape));
    }
    if let Some(max) = shape.max_length {
        out.push(format!(
            "Member must have length less than or equal to {max}"
        ));
    }
    if let Some(min) = shape.min_length {
        out.push(format!(
            "Member must have length greater than or equal to {min}"
        ));
    }
    if let Some(pattern) = shape.pattern {
        out.push(format!(
            "Member must satisfy regular expression pattern: {}",
            pattern
        ));
    }
    out.join(", ")
}

/// Bytes and secrets are not shown (K-058).
pub(super) fn shown(kind: Kind, sensitive: bool, value: Value<'_>) -> String {
    if sensitive || matches!(kind, Kind::Bytes) {
        return "Value".to_owned();
    }
    format!("Value '{}'", plain(kind, value))
}

pub(super) fn plain(kind: Kind, value: Value<'_>) -> String {
    match (kind, value) {
        (Kind::Bool, Value::Varint(value)) => (value != 0).to_string(),
        (_, Value::Varint(value)) => value.cast_signed().to_string(),
        (Kind::Str, Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        (Kind::F64, Value::Fixed64(bits)) => f64::from_bits(bits).to_string(),
        _ => String::new(),
    }
}

pub(super) fn list_text(field: &FieldDef, bytes: &[u8]) -> String {
    let items: Vec<String> = Fields::of(bytes)
        .filter_map(Result::ok)
        .filter(|(tag, _)| *tag == field.tag)
        .map(|(_, value)| plain(field.kind, value))
        .collect();
    format!("[{}]", items.join(", "))
}
