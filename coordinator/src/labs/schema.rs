//! The JSON Schema of lab files, for editors.

use serde_json::{Map, Value, json};

use super::{facts, read};

/// The schema's text.
#[must_use]
pub fn text() -> String {
    let text = serde_json::to_string_pretty(&schema()).unwrap_or_default();
    text + "\n"
}

fn schema() -> Value {
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let step = object(
        &read::STEP,
        &["id", "title", "task", "explain"],
        |key| match key {
            "ask" => question(),
            "check" => json!({ "type": "array", "minItems": 1, "items": check() }),
            "when_it_fails" => json!({ "type": "array", "items": cause() }),
            "hints" => texts.clone(),
            "points" => json!({ "type": "integer", "minimum": 0 }),
            "wrong" => json!({
                "type": "array",
                "items": object(&["file", "says"], &["file", "says"], |_| string()),
            }),
            _ => string(),
        },
    );
    let needed = ["lab", "id", "title", "level", "takes", "story", "steps"];
    let mut schema = object(&read::LAB, &needed, |key| match key {
        "lab" => json!({ "const": 1 }),
        "level" => json!({ "enum": read::LEVELS }),
        "needs" | "learn" | "facts" | "read" => texts.clone(),
        "steps" => json!({ "type": "array", "minItems": 1, "items": step }),
        _ => string(),
    });
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("Faultline lab");
    schema
}

fn string() -> Value {
    json!({ "type": "string" })
}

fn object(keys: &[&str], needed: &[&str], of: impl Fn(&str) -> Value) -> Value {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| ((*key).to_owned(), of(key)))
        .collect();
    json!({
        "type": "object", "additionalProperties": false,
        "required": needed, "properties": properties,
    })
}

fn question() -> Value {
    let answer = object(&["text", "right", "so"], &["text"], |key| match key {
        "right" => json!({ "type": "boolean" }),
        _ => string(),
    });
    object(
        &["question", "answers"],
        &["question", "answers"],
        |key| match key {
            "answers" => json!({ "type": "array", "minItems": 2, "items": answer }),
            _ => string(),
        },
    )
}

fn check() -> Value {
    let keys: Vec<&str> = read::CHECK.into_iter().chain(["otherwise"]).collect();
    object(&keys, &["title"], |key| match key {
        "with" => json!({ "type": "array", "items": string() }),
        "seeds" => {
            json!({ "type": ["array", "integer"], "items": { "type": "integer", "minimum": 0 } })
        }
        "under" => json!({ "type": "array", "items": { "type": "object" } }),
        "expect" => json!({ "enum": ["pass", "fail"] }),
        "is" => json!({}),
        _ => string(),
    })
}

fn cause() -> Value {
    let mut properties: Map<String, Value> = facts::NAMES
        .iter()
        .map(|(name, says)| {
            let value = json!({ "type": ["string", "integer"], "description": says });
            ((*name).to_owned(), value)
        })
        .collect();
    properties.insert("say".to_owned(), string());
    json!({
        "type": "object", "additionalProperties": false, "minProperties": 2,
        "required": ["say"], "properties": properties,
    })
}
