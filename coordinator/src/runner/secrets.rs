//! What a run must keep secret: every plaintext that is sent to be encrypted.
//!
//! The journal names such a value instead of showing it, and oracles search for it.

use std::collections::BTreeMap;

use faultline_proto::tables::{Card, FieldDef, Kind, MessageDef, OperationDef};
use serde_json::Value;

use crate::scenario::bytes;
use crate::sim::Sim;

/// Secrets by the names they are told of: `kms.encrypt plaintext`, `orders.card`.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    named: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Secrets {
    /// Remembers a secret.
    pub fn add(&mut self, sim: &Sim, name: &str, secret: &[u8]) {
        if secret.is_empty() {
            return;
        }
        sim.add_canary(name, secret);
        let known = self.named.entry(name.to_owned()).or_default();
        if !known.iter().any(|other| other == secret) {
            known.push(secret.to_vec());
        }
    }

    /// Remembers the sensitive members and the body of a request.
    pub fn of_request(&mut self, sim: &Sim, operation: &OperationDef, arguments: &Value) {
        if is_open(operation, arguments) {
            return;
        }
        let mut found = Vec::new();
        sensitive(operation.input, arguments, &mut found);
        for (member, secret) in found {
            self.add(sim, &format!("{} {member}", operation.verb), &secret);
        }
    }

    /// All secrets with their names.
    pub fn all(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.named.iter().flat_map(|(name, secrets)| {
            let secrets = secrets.iter();
            secrets.map(|secret| (name.as_str(), secret.as_slice()))
        })
    }
}

/// A String or StringList of Parameter Store is configuration: AWS keeps it in the clear.
fn is_open(operation: &OperationDef, arguments: &Value) -> bool {
    let kind = arguments.get("type").and_then(Value::as_str);
    operation.id == "ssm.PutParameter" && kind.is_some_and(|kind| kind != "SecureString")
}

fn sensitive(def: &MessageDef, value: &Value, found: &mut Vec<(&'static str, Vec<u8>)>) {
    let Value::Object(members) = value else {
        return;
    };
    for (name, value) in members {
        let Some(field) = def.fields.iter().find(|field| field.snake == name) else {
            continue;
        };
        match (field.card, value) {
            (Card::List, Value::Array(items)) => {
                items.iter().for_each(|item| one(field, item, found));
            }
            (Card::Map, Value::Object(items)) => {
                items.values().for_each(|item| one(field, item, found));
            }
            (Card::One | Card::List | Card::Map, value) => one(field, value, found),
        }
    }
}

fn one(field: &FieldDef, value: &Value, found: &mut Vec<(&'static str, Vec<u8>)>) {
    let marked = field.shape.sensitive
        || field.shape.body
        || field.shape.item.is_some_and(|item| item.sensitive);
    match (field.kind, value) {
        (Kind::Message(def), value) if !def.is_plain_value() => sensitive(def, value, found),
        (Kind::Bytes | Kind::Str, Value::String(text)) if marked => {
            found.push((field_name(field), bytes::read(text).unwrap_or_default()));
        }
        _ => {}
    }
}

fn field_name(field: &FieldDef) -> &'static str {
    field.snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use faultline_proto::registry::find_verb;
    use serde_json::json;

    #[test]
    fn plaintexts_and_bodies_are_secrets() {
        for (verb, arguments, wanted) in [
            (
                "kms.encrypt",
                json!({ "key_id": "k", "plaintext": "4242" }),
                "plaintext",
            ),
            (
                "s3.put_object",
                json!({ "bucket": "b", "key": "k", "body": "4242" }),
                "body",
            ),
        ] {
            let operation = find_verb(verb).expect("it is defined");
            let mut found = Vec::new();
            sensitive(operation.input, &arguments, &mut found);
            assert_eq!(found, [(wanted, b"4242".to_vec())], "{verb}");
        }
    }
}
