//! What is written: items of every type, under every action and suite.

use std::collections::BTreeMap;

use faultline_sealed::{AttributeAction, Item, SchemaConfig, Suite, Value};

use crate::world::TABLE;

fn text(text: &str) -> Value {
    Value::S(text.to_owned())
}

fn number(text: &str) -> Value {
    Value::N(text.to_owned())
}

/// Every type, nested, empty and at its limits, under names that sort differently by bytes
/// and by length.
pub fn types() -> BTreeMap<String, Value> {
    let strings = |all: &[&str]| Value::Ss(all.iter().map(|text| (*text).to_owned()).collect());
    let numbers = |all: &[&str]| Value::Ns(all.iter().map(|text| (*text).to_owned()).collect());
    let inner = Value::M(BTreeMap::from([
        ("n".to_owned(), number("-1.50")),
        ("none".to_owned(), Value::Null),
        ("set".to_owned(), numbers(&["3", "1e1", "-2"])),
        ("é😀".to_owned(), Value::B(vec![0, 255])),
        ("empty".to_owned(), Value::M(BTreeMap::new())),
    ]));
    let all = [
        ("text", text("a card: 4242 4242 4242 4242")),
        ("text_empty", text("")),
        ("text_wide", text("ä😀\u{fffd}")),
        ("number", number("1.50")),
        ("number_big", number("99999999999999999999999999999999999999")),
        ("number_tiny", number("1E-130")),
        ("number_zero", number("-0.00")),
        ("bytes", Value::B(vec![1, 2, 3])),
        ("bytes_empty", Value::B(vec![])),
        ("true", Value::Bool(true)),
        ("false", Value::Bool(false)),
        ("null", Value::Null),
        ("strings", strings(&["b", "a", "\u{fffd}", "😀"])),
        ("numbers", numbers(&["10", "2.0", "-3"])),
        ("blobs", Value::Bs([vec![2], vec![1, 1]].into())),
        ("list", Value::L(vec![Value::Null, text("x"), inner.clone(), Value::L(vec![])])),
        ("list_empty", Value::L(vec![])),
        ("map", inner),
        ("map_empty", Value::M(BTreeMap::new())),
        ("z", text("short names come first")),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn key(name: &str) -> [(String, Value); 2] {
    [("pk".to_owned(), text(name)), ("sk".to_owned(), number("1"))]
}

/// The key of the item with this name.
pub fn key_of(name: &str) -> Item {
    key(name).into()
}

/// An item with every type, and what is done with it: `version_two` puts attributes into the
/// encryption context.
pub fn whole(name: &str, suite: Suite, version_two: bool) -> (SchemaConfig, Item) {
    use AttributeAction::{DoNothing, EncryptAndSign, SignAndIncludeInEncryptionContext, SignOnly};
    let mut item: Item = key(name).into();
    let key_action = if version_two {
        SignAndIncludeInEncryptionContext
    } else {
        SignOnly
    };
    let mut actions: BTreeMap<String, AttributeAction> =
        ["pk", "sk"].map(|name| (name.to_owned(), key_action)).into();
    for (name, value) in types() {
        item.insert(format!("secret_{name}"), value.clone());
        actions.insert(format!("secret_{name}"), EncryptAndSign);
        item.insert(format!("signed_{name}"), value.clone());
        actions.insert(format!("signed_{name}"), SignOnly);
        item.insert(format!(":{name}"), value.clone());
        actions.insert(format!(":{name}"), DoNothing);
        let is_scalar = matches!(value, Value::S(_) | Value::N(_) | Value::Bool(_) | Value::Null);
        if version_two && is_scalar {
            item.insert(format!("said_{name}"), value);
            actions.insert(format!("said_{name}"), SignAndIncludeInEncryptionContext);
        }
    }
    (config(actions, suite), item)
}

/// A small item.
pub fn small(name: &str, suite: Suite) -> (SchemaConfig, Item) {
    use AttributeAction::{EncryptAndSign, SignOnly};
    let mut item: Item = key(name).into();
    item.insert("card".to_owned(), text("4242 4242 4242 4242"));
    item.insert("state".to_owned(), text("paid"));
    let actions = [
        ("pk", SignOnly),
        ("sk", SignOnly),
        ("card", EncryptAndSign),
        ("state", SignOnly),
    ];
    let actions = actions.map(|(name, action)| (name.to_owned(), action)).into();
    (config(actions, suite), item)
}

fn config(actions: BTreeMap<String, AttributeAction>, suite: Suite) -> SchemaConfig {
    SchemaConfig {
        logical_table_name: TABLE.to_owned(),
        partition_key: "pk".to_owned(),
        sort_key: Some("sk".to_owned()),
        actions,
        allowed_unsigned_prefix: Some(":".to_owned()),
        suite,
        ..SchemaConfig::default()
    }
}
