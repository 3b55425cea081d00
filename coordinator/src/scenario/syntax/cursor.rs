//! Reading maps and lists of the tree, and reporting what does not fit.

use crate::scenario::diagnostic::{Diagnostics, listing};
use crate::scenario::source::{Entry, Key, Node, Span, Value};

use super::Named;

/// Reports that a node is of another kind than wanted.
pub fn wrong_kind(node: &Node, what: &str, wanted: &str, found: &mut Diagnostics) {
    found
        .error(
            "E0106",
            node.span,
            format!("{what} must be {wanted}, not {}", node.kind()),
        )
        .caption(format!("expected {wanted}"));
}

/// The entries of a node that must be a map. Nothing counts as an empty map.
pub fn map<'a>(node: &'a Node, what: &str, found: &mut Diagnostics) -> &'a [Entry] {
    match &node.value {
        Value::Map(entries) => entries,
        Value::Scalar(scalar) if scalar.is_null() => &[],
        Value::Scalar(_) | Value::Seq(_) => {
            wrong_kind(node, what, "a map", found);
            &[]
        }
    }
}

/// The items of a node that must be a list. Nothing counts as an empty list.
pub fn list<'a>(node: &'a Node, what: &str, found: &mut Diagnostics) -> &'a [Node] {
    match &node.value {
        Value::Seq(items) => items,
        Value::Scalar(scalar) if scalar.is_null() => &[],
        Value::Scalar(_) | Value::Map(_) => {
            wrong_kind(node, what, "a list", found);
            &[]
        }
    }
}

/// Text that must be there and be no map or list.
pub fn text<'a>(node: &'a Node, what: &str, found: &mut Diagnostics) -> Option<&'a str> {
    match node.scalar() {
        Some(scalar) if !scalar.is_null() => Some(&scalar.text),
        _ => {
            wrong_kind(node, what, "text", found);
            None
        }
    }
}

/// Reports a key that nothing knows here.
pub fn unknown_key<'a>(
    key: &Key,
    place: &str,
    known: impl IntoIterator<Item = &'a str>,
    found: &mut Diagnostics,
) {
    found
        .error(
            "E0104",
            key.span,
            format!("unknown key `{}` in {place}", key.text),
        )
        .suggest(&key.text, known);
}

/// Reports a key that must be there and is not.
pub fn missing_key(span: Span, key: &str, place: &str, found: &mut Diagnostics) {
    found.error("E0105", span, format!("{place} needs the key `{key}`"));
}

/// Reports two keys that cannot stand together.
pub fn excludes(key: &Key, other: &Key, why: &str, found: &mut Diagnostics) {
    found
        .error(
            "E0112",
            key.span,
            format!(
                "{} cannot stand together",
                listing(&[&other.text, &key.text])
            ),
        )
        .label(other.span, "with this")
        .note(why);
}

/// A map with one word in it: how faults and oracles are written.
pub fn word<'a>(node: &'a Node, what: &str, found: &mut Diagnostics) -> Option<Named<'a>> {
    match &node.value {
        Value::Map(entries) if entries.len() == 1 => Some(Named {
            key: &entries[0].key,
            body: Some(&entries[0].value),
        }),
        Value::Map(entries) if entries.len() > 1 => {
            found
                .error(
                    "E0106",
                    entries[1].key.span,
                    format!("{what} has one name; write a list item for each"),
                )
                .label(entries[0].key.span, "the first");
            Some(Named {
                key: &entries[0].key,
                body: Some(&entries[0].value),
            })
        }
        Value::Map(_) | Value::Seq(_) | Value::Scalar(_) => {
            wrong_kind(node, what, "a map with one name", found);
            None
        }
    }
}
