//! The query protocols: `Tags.member.1.Key=a` (IAM, STS) and `Tag.1.Key=a` (EC2) to a value.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::text::scalar;
use super::{Face, encode};
use crate::tables::{Card, FieldDef, Kind, MessageDef, OperationDef, Protocol};
use crate::validate::{MAX_DEPTH, Refusal};

/// Parameters that every request has and no message.
const COMMON: [&str; 2] = ["Action", "Version"];
/// SDKs fill these in by themselves; a repeated request is not recognised without them.
const HARMLESS: [&str; 1] = ["ClientToken"];

/// Parameters as a tree: the parts between the dots.
#[derive(Default)]
struct Node {
    text: Option<String>,
    inside: BTreeMap<String, Node>,
}

/// Reads a request from its decoded parameters; whether it is valid is left to the Region.
///
/// # Errors
/// A refusal in the service's words; NotImplemented for members that are not built.
pub fn message(
    operation: &'static OperationDef,
    protocol: Protocol,
    parameters: &[(String, String)],
) -> Result<Vec<u8>, Refusal> {
    let mut root = Node::default();
    for (name, value) in parameters {
        if COMMON.contains(&name.as_str()) {
            continue;
        }
        let mut node = &mut root;
        for (depth, part) in name.split('.').enumerate() {
            if depth > MAX_DEPTH {
                return Err(malformed(name));
            }
            node = node.inside.entry(part.to_owned()).or_default();
        }
        node.text = Some(value.clone());
    }
    let value = structure(operation.input, protocol, &root, "")?;
    let encoded = encode(operation.input, &value, Face::AWS_JSON).map_err(|problems| {
        problems
            .first()
            .map_or_else(|| malformed(""), |problem| problem.refusal(protocol))
    })?;
    Ok(encoded.message)
}

fn malformed(what: &str) -> Refusal {
    Refusal {
        code: "MalformedQueryString",
        message: format!("The query string contains a syntax error: {what}"),
        http_status: 400,
    }
}

fn structure(
    def: &'static MessageDef,
    protocol: Protocol,
    node: &Node,
    path: &str,
) -> Result<Value, Refusal> {
    let mut members = Map::new();
    for (name, inner) in &node.inside {
        let place = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let known = def
            .fields
            .iter()
            .find(|field| field.query_name(protocol) == *name);
        match known {
            Some(field) => {
                members.insert(
                    field.aws.to_owned(),
                    member(field, protocol, inner, &place)?,
                );
            }
            None if HARMLESS.contains(&name.as_str()) => {}
            None if def.not_built.contains(&name.as_str()) => {
                return Err(Refusal::not_built_member(&place));
            }
            // What another AWS would take is never ignored silently.
            None if protocol == Protocol::Ec2Query => {
                return Err(Refusal {
                    code: "UnknownParameter",
                    message: format!(
                        "The parameter {place} is not recognized, or not built in this version of Faultline"
                    ),
                    http_status: 400,
                });
            }
            None => {}
        }
    }
    Ok(Value::Object(members))
}

fn member(
    field: &'static FieldDef,
    protocol: Protocol,
    node: &Node,
    path: &str,
) -> Result<Value, Refusal> {
    match field.card {
        Card::One => one(field.kind, protocol, node, path),
        Card::List => {
            let items = match (protocol, field.shape.wire.flattened) {
                (Protocol::Ec2Query, _) | (_, true) => Some(node),
                (_, false) => node.inside.get(field.xml_item(protocol)),
            };
            let numbered = items.map(numbered).unwrap_or_default();
            let values: Result<Vec<Value>, Refusal> = numbered
                .into_iter()
                .map(|(number, item)| one(field.kind, protocol, item, &format!("{path}.{number}")))
                .collect();
            Ok(Value::Array(values?))
        }
        Card::Map => {
            let mut entries = Map::new();
            for (_, entry) in node.inside.get("entry").map(numbered).unwrap_or_default() {
                let key = entry.inside.get("key").and_then(|key| key.text.clone());
                if let (Some(key), Some(value)) = (key, entry.inside.get("value")) {
                    entries.insert(key, one(field.kind, protocol, value, path)?);
                }
            }
            Ok(Value::Object(entries))
        }
    }
}

fn one(kind: Kind, protocol: Protocol, node: &Node, path: &str) -> Result<Value, Refusal> {
    match kind {
        Kind::Message(def) => match def.seen_through() {
            Some(inner) => member(inner, protocol, node, path),
            None => structure(def, protocol, node, path),
        },
        _ => Ok(node
            .text
            .as_deref()
            .map_or(Value::Null, |text| scalar(kind, text))),
    }
}

/// Items in the order of their numbers.
fn numbered(node: &Node) -> Vec<(u32, &Node)> {
    let mut items: Vec<(u32, &Node)> = node
        .inside
        .iter()
        .filter_map(|(name, item)| Some((name.parse().ok()?, item)))
        .collect();
    items.sort_by_key(|(number, _)| *number);
    items
}
