//! JSON Schema (draft-07) of arguments and results, for editors.
//!
//! A message becomes a definition, named `kms.EncryptRequest`; who embeds it says with a
//! [`Style`] what else a value may be: a substitution (`$name`), a matcher.

use serde_json::{Map, Value, json};

use crate::codec::kind_words;
use crate::tables::{Card, FieldDef, Kind, MessageDef, OperationDef, Shape};

/// How definitions are embedded.
pub struct Style<'a> {
    /// Put before the names of definitions, so that two styles live in one schema.
    pub prefix: &'a str,
    /// Whether required members are required here (not in expectations).
    pub required: bool,
    /// What a value may be besides what the definition says.
    pub wrap: &'a dyn Fn(Value) -> Value,
}

impl Style<'_> {
    /// Arguments as they are, nothing else allowed.
    pub const PLAIN: Style<'static> = Style {
        prefix: "",
        required: true,
        wrap: &|value| value,
    };
}

/// Where a message's definition is: `{"$ref": "#/definitions/kms.EncryptRequest"}`.
#[must_use]
pub fn reference(message: &MessageDef, style: &Style<'_>) -> Value {
    json!({ "$ref": format!("#/definitions/{}", name(message, style)) })
}

/// Adds the definitions that `message` needs, itself included.
pub fn define(message: &MessageDef, style: &Style<'_>, definitions: &mut Map<String, Value>) {
    let name = name(message, style);
    if definitions.contains_key(&name) || message.transparent || message.is_plain_value() {
        return define_inside(message, style, definitions, &name);
    }
    definitions.insert(name, structure(message, style));
    members(message, style, definitions);
}

fn define_inside(
    message: &MessageDef,
    style: &Style<'_>,
    definitions: &mut Map<String, Value>,
    name: &str,
) {
    if !definitions.contains_key(name) && message.transparent {
        members(message, style, definitions);
    }
}

fn members(message: &MessageDef, style: &Style<'_>, definitions: &mut Map<String, Value>) {
    for field in message.fields {
        if let Kind::Message(inner) = field.kind {
            define(inner, style, definitions);
        }
    }
}

/// A whole schema for one operation's arguments, standing alone.
#[must_use]
pub fn arguments(operation: &OperationDef) -> Value {
    let mut definitions = Map::new();
    define(operation.input, &Style::PLAIN, &mut definitions);
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": operation.verb,
        "description": operation.doc,
        // Siblings of $ref are ignored in draft-07.
        "allOf": [reference(operation.input, &Style::PLAIN)],
        "definitions": definitions,
    })
}

/// `faultline.aws.kms.v1.EncryptRequest` becomes `kms.EncryptRequest`.
fn name(message: &MessageDef, style: &Style<'_>) -> String {
    let short = message
        .name
        .strip_prefix("faultline.aws.")
        .unwrap_or(message.name);
    format!("{}{}", style.prefix, short.replacen(".v1.", ".", 1))
}

fn structure(message: &MessageDef, style: &Style<'_>) -> Value {
    let properties: Map<String, Value> = message
        .fields
        .iter()
        .map(|field| {
            (
                field.snake.to_owned(),
                described(field, (style.wrap)(member(field, style))),
            )
        })
        .collect();
    let mut schema =
        json!({ "type": "object", "additionalProperties": false, "properties": properties });
    let required: Vec<&str> = message
        .fields
        .iter()
        .filter(|field| field.shape.required)
        .map(|field| field.snake)
        .collect();
    if style.required && !required.is_empty() {
        schema["required"] = json!(required);
    }
    if !message.doc.is_empty() {
        schema["description"] = json!(message.doc);
    }
    if message.union {
        schema["minProperties"] = json!(1);
        schema["maxProperties"] = json!(1);
    }
    schema
}

fn described(field: &FieldDef, schema: Value) -> Value {
    if field.doc.is_empty() {
        return schema;
    }
    match schema {
        Value::Object(mut members) if !members.contains_key("$ref") => {
            members.insert("description".to_owned(), json!(field.doc));
            Value::Object(members)
        }
        other => json!({ "description": field.doc, "allOf": [other] }),
    }
}

/// Type and limits of a member.
fn member(field: &FieldDef, style: &Style<'_>) -> Value {
    let shape = field.shape;
    match field.card {
        Card::One if shape.policy_document => json!({ "type": ["string", "object", "array"] }),
        Card::One => value(field.kind, shape, style),
        Card::List => {
            let mut schema = json!({ "type": "array", "items": item(field, style) });
            limits(
                &mut schema,
                [
                    ("minItems", shape.min_length),
                    ("maxItems", shape.max_length),
                ],
            );
            schema
        }
        Card::Map => {
            let mut schema =
                json!({ "type": "object", "additionalProperties": item(field, style) });
            limits(
                &mut schema,
                [
                    ("minProperties", shape.min_length),
                    ("maxProperties", shape.max_length),
                ],
            );
            schema
        }
    }
}

fn item(field: &FieldDef, style: &Style<'_>) -> Value {
    (style.wrap)(value(
        field.kind,
        field.shape.item.unwrap_or(&crate::tables::ANY),
        style,
    ))
}

fn value(kind: Kind, shape: &Shape, style: &Style<'_>) -> Value {
    match kind {
        Kind::Str => text(shape),
        Kind::Bytes => json!({ "type": "string" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::F64 => json!({ "type": "number" }),
        Kind::Timestamp => json!({ "type": ["string", "number"] }),
        Kind::I32 | Kind::I64 => {
            let mut schema = json!({ "type": "integer" });
            limits(
                &mut schema,
                [("minimum", shape.min), ("maximum", shape.max)],
            );
            schema
        }
        Kind::Message(message) if message.is_plain_value() => json!({}),
        Kind::Message(message) => match message.seen_through() {
            Some(inner) => member(inner, style),
            None => reference(message, style),
        },
    }
}

fn text(shape: &Shape) -> Value {
    if !shape.values.is_empty() {
        return json!({ "enum": shape.values });
    }
    let mut schema = json!({ "type": "string" });
    // A world name is shorter, and has other letters, than what it stands for.
    if shape.refers_to.is_none() {
        limits(
            &mut schema,
            [
                ("minLength", shape.min_length),
                ("maxLength", shape.max_length),
            ],
        );
        if let Some(pattern) = shape.pattern.filter(|pattern| !pattern.contains("\\p{")) {
            schema["pattern"] = json!(format!("^(?:{pattern})$"));
        }
    }
    schema
}

fn limits<T: serde::Serialize>(schema: &mut Value, named: [(&str, Option<T>); 2]) {
    for (name, limit) in named {
        if let Some(limit) = limit {
            schema[name] = json!(limit);
        }
    }
}

/// What a member holds, in words: `text`, `list of structures`.
#[must_use]
pub fn words(field: &FieldDef) -> String {
    let kind = match field.kind {
        Kind::Message(message) => match message.seen_through() {
            Some(inner) if field.card == Card::One => return words(inner),
            _ => kind_words(field.kind),
        },
        _ => kind_words(field.kind),
    };
    let kind = if field.card == Card::One && field.shape.policy_document {
        "a policy document"
    } else {
        kind
    };
    match field.card {
        Card::One => kind.to_owned(),
        Card::List => format!("a list of {}", plural(kind)),
        Card::Map => format!("a map of {}", plural(kind)),
    }
}

fn plural(kind: &str) -> &str {
    match kind {
        "text" => "texts",
        "a structure" => "structures",
        "a value" => "values",
        "a whole number" => "whole numbers",
        "a number" => "numbers",
        "a time" => "times",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    #[test]
    fn encrypt_has_a_schema_that_editors_understand() {
        let operation = registry::find_verb("kms.encrypt").expect("KMS encrypts");
        let schema = arguments(operation);
        let request = &schema["definitions"]["kms.EncryptRequest"];
        assert_eq!(request["required"], json!(["key_id", "plaintext"]));
        assert_eq!(request["additionalProperties"], json!(false));
        assert_eq!(
            request["properties"]["encryption_context"]["type"],
            json!("object")
        );
        assert_eq!(
            request["properties"]["key_id"]["maxLength"],
            Value::Null,
            "a world name may stand here"
        );
    }

    #[test]
    fn recursion_ends_and_wrappers_are_not_seen() {
        let operation = registry::find_verb("dynamodb.put_item").expect("DynamoDB puts");
        let schema = arguments(operation);
        let definitions = schema["definitions"].as_object().expect("definitions");
        assert!(
            definitions
                .keys()
                .all(|name| !name.contains("AttributeValue")),
            "items are plain"
        );
        let replication =
            arguments(registry::find_verb("s3.put_bucket_replication").expect("S3 replicates"));
        assert!(replication["definitions"]["s3.ReplicationRule"].is_object());
    }

    #[test]
    fn a_style_wraps_every_value() {
        let operation = registry::find_verb("kms.list_keys").expect("KMS lists");
        let mut definitions = Map::new();
        let wrap =
            |value: Value| json!({ "anyOf": [value, { "$ref": "#/definitions/substitution" }] });
        define(
            operation.output,
            &Style {
                prefix: "expect.",
                required: false,
                wrap: &wrap,
            },
            &mut definitions,
        );
        let keys = &definitions["expect.kms.ListKeysResponse"]["properties"]["keys"]["anyOf"][0];
        assert_eq!(
            keys["items"]["anyOf"][0]["$ref"],
            json!("#/definitions/expect.kms.KeyListEntry")
        );
    }
}
