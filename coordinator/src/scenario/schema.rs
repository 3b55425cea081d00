//! The JSON Schema of scenario files, for editors (draft-07, for yaml-language-server
//! reads no newer one).
//!
//! Made from the tables that also check files, so an editor completes every verb, every
//! argument and every member of an answer. It says less than the checker: names of the
//! world, types of `$name` and what must stand together are not in it.

use faultline_proto::schema::{Style, define, reference};
use faultline_proto::tables::{Card, FieldDef, MessageDef};
use serde_json::{Map, Value, json};

use super::check::policies;
use super::matchers::WORDS;
use super::syntax::{file, step};
use super::vocabulary::call::{CALL, FAILURE};
use super::vocabulary::faults::FAULTS;
use super::vocabulary::metrics::{METRICS, STATISTICS};
use super::vocabulary::oracles::ORACLES;
use super::vocabulary::world::{CLIENT, PLAIN, SECTIONS, SectionDef};
use super::vocabulary::{DURATION, verbs};

/// The schema of a scenario file.
#[must_use]
pub fn scenario() -> Value {
    let mut schema = Schema::default();
    schema.values();
    let world = schema.world();
    schema.steps();
    let always = schema.oracles();
    let goals = schema.goals();
    let steps = reference_to("steps");
    let adverbs = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "in": text(), "as": text(), "from": text(), "client": reference_to("client"),
        },
    });
    let mut properties = Map::new();
    for (key, doc) in file::KEYS {
        let value = match *key {
            "scenario" => json!({ "const": 1 }),
            "title" | "story" => text(),
            "tags" | "meant_to_violate" => json!({ "type": "array", "items": text() }),
            "seed" => json!({ "type": "integer", "minimum": 0 }),
            "vars" => json!({ "type": "object" }),
            "matrix" => json!({ "type": "object", "additionalProperties": { "type": "array" } }),
            "world" => world.clone(),
            "defaults" => adverbs.clone(),
            "client" => reference_to("client"),
            "steps" | "finally" => steps.clone(),
            "always" => always.clone(),
            _ => goals.clone(),
        };
        properties.insert((*key).to_owned(), described(value, doc));
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Faultline scenario",
        "type": "object",
        "required": ["scenario", "title", "world", "steps"],
        "additionalProperties": false,
        "properties": properties,
        "definitions": schema.definitions,
    })
}

/// The schema's text: one line for each definition, so that changes can be read.
#[must_use]
pub fn scenario_text() -> String {
    let mut schema = scenario();
    let definitions = schema["definitions"].take();
    let lines: Vec<String> = definitions
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("    {}: {value}", Value::from(name.as_str())))
        .collect();
    let head: Vec<String> = schema
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| *key != "definitions")
        .map(|(key, value)| format!("  {}: {value},", Value::from(key.as_str())))
        .collect();
    format!(
        "{{\n{}\n  \"definitions\": {{\n{}\n  }}\n}}\n",
        head.join("\n"),
        lines.join(",\n")
    )
}

fn text() -> Value {
    json!({ "type": ["string", "number", "boolean"] })
}

fn reference_to(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

fn described(value: Value, doc: &str) -> Value {
    match value {
        Value::Object(mut members) if !members.contains_key("$ref") => {
            members.insert("description".to_owned(), doc.into());
            Value::Object(members)
        }
        other => json!({ "description": doc, "allOf": [other] }),
    }
}

/// An argument: the value, a substitution, or text as it is.
fn argument(value: Value) -> Value {
    json!({ "anyOf": [value, reference_to("given")] })
}

/// A part of an expectation: the value, a substitution, or matchers.
fn expected(value: Value) -> Value {
    json!({ "anyOf": [value, reference_to("matched")] })
}

const ARGUMENTS: Style<'static> = Style {
    prefix: "",
    required: true,
    wrap: &argument,
};
const EXPECTED: Style<'static> = Style {
    prefix: "expect.",
    required: false,
    wrap: &expected,
};

#[derive(Default)]
struct Schema {
    definitions: Map<String, Value>,
}

impl Schema {
    fn add(&mut self, name: &str, value: Value) {
        self.definitions.insert(name.to_owned(), value);
    }

    /// Defines a message, names of the world's own tables apart from others.
    fn message(&mut self, def: &'static MessageDef, prefix: &str) -> Value {
        let style = Style {
            prefix,
            required: true,
            wrap: &argument,
        };
        define(def, &style, &mut self.definitions);
        reference(def, &style)
    }

    fn values(&mut self) {
        self.add(
            "substitution",
            json!({ "type": "string", "pattern": "\\$" }),
        );
        self.add(
            "duration",
            json!({ "type": "string", "pattern": format!("^({DURATION})$|\\$") }),
        );
        let words: Map<String, Value> = WORDS
            .iter()
            .map(|(word, doc)| {
                let value = match *word {
                    "is" => json!({ "enum": ["ciphertext", "plaintext"] }),
                    "exists" => json!({ "type": "boolean" }),
                    "one_of" | "between" => json!({ "type": "array" }),
                    _ => json!({}),
                };
                ((*word).to_owned(), described(value, doc))
            })
            .collect();
        self.add(
            "matchers",
            json!({ "type": "object", "minProperties": 1, "additionalProperties": false, "properties": words }),
        );
        let literal = json!({
            "type": "object", "additionalProperties": false, "required": ["literal"],
            "properties": { "literal": {} },
        });
        self.add(
            "given",
            json!({ "anyOf": [reference_to("substitution"), literal] }),
        );
        self.add(
            "matched",
            json!({ "anyOf": [reference_to("substitution"), reference_to("matchers")] }),
        );
        let client = self.message(&CLIENT, "world.");
        self.add("client", json!({ "allOf": [client] }));
        let statement: Map<String, Value> = policies::KEYS
            .iter()
            .map(|(key, doc)| ((*key).to_owned(), json!({ "description": doc })))
            .collect();
        self.add(
            "policy",
            json!({
                "anyOf": [
                    { "type": "array", "items": {
                        "type": "object", "additionalProperties": false, "properties": statement,
                    } },
                    { "type": "object", "required": ["Statement"] },
                    { "type": "string" },
                ],
            }),
        );
    }

    fn world(&mut self) -> Value {
        let mut properties = Map::new();
        for (key, doc) in PLAIN {
            let value = match *key {
                "regions" => json!({ "type": "array", "minItems": 1, "items": text() }),
                "accounts" => {
                    json!({ "type": "object", "additionalProperties": { "type": "string" } })
                }
                "home" | "iam_propagation" => text(),
                "seed" => json!({ "type": "integer", "minimum": 0 }),
                _ => reference_to("client"),
            };
            properties.insert((*key).to_owned(), described(value, doc));
        }
        for section in SECTIONS {
            let value = self.section(section);
            properties.insert(
                section.name.to_owned(),
                described(value, section.members.doc),
            );
        }
        json!({
            "type": "object", "required": ["regions"], "additionalProperties": false, "properties": properties,
        })
    }

    fn section(&mut self, section: &'static SectionDef) -> Value {
        let entry = self.message(section.members, "world.");
        if section.named {
            json!({ "type": "object", "additionalProperties": entry })
        } else {
            json!({ "type": "array", "items": entry })
        }
    }

    fn steps(&mut self) {
        let faults = self.faults();
        self.add(
            "faults",
            json!({ "anyOf": [{ "type": "array", "items": faults }, faults] }),
        );
        let mut properties = Map::new();
        for (key, doc) in step::KEYS {
            properties.insert((*key).to_owned(), described(adverb(key), doc));
        }
        let mut answers = Vec::new();
        for verb in verbs::all() {
            define(verb.input(), &ARGUMENTS, &mut self.definitions);
            let arguments = reference(verb.input(), &ARGUMENTS);
            let arguments = json!({ "anyOf": [arguments, { "type": "null" }] });
            properties.insert(verb.name().to_owned(), described(arguments, verb.doc()));
            let answer = self.answer(verb.output());
            answers.push(json!({
                "if": { "required": [verb.name()] },
                "then": { "properties": { "expect": answer, "exactly": answer } },
            }));
        }
        let failure = Style {
            prefix: "",
            required: false,
            wrap: &expected,
        };
        define(&FAILURE, &failure, &mut self.definitions);
        let failure = json!({ "anyOf": [text(), reference(&FAILURE, &failure)] });
        properties.insert(
            "fails_with".to_owned(),
            described(failure, "How the step must fail."),
        );
        self.add(
            "step",
            json!({
                "type": "object", "additionalProperties": false, "properties": properties, "allOf": answers,
            }),
        );
        self.add(
            "steps",
            json!({ "type": "array", "minItems": 1, "items": reference_to("step") }),
        );
    }

    /// What `expect` may hold: members of the answer, matchers, and `call`.
    fn answer(&mut self, output: &'static MessageDef) -> Value {
        define(&CALL, &EXPECTED, &mut self.definitions);
        define(output, &EXPECTED, &mut self.definitions);
        let call = described(reference(&CALL, &EXPECTED), CALL.doc);
        if output.transparent {
            let mut members = self.definitions["matchers"]["properties"].clone();
            members["call"] = call;
            return json!({ "type": "object", "additionalProperties": false, "properties": members });
        }
        let named = reference(output, &EXPECTED);
        let name = named["$ref"]
            .as_str()
            .and_then(|name| name.rsplit('/').next())
            .unwrap_or_default();
        let mut members = self
            .definitions
            .get(name)
            .map_or_else(|| json!({}), |def| def["properties"].clone());
        members["call"] = call;
        let own = json!({ "type": "object", "additionalProperties": false, "properties": members });
        expected(own)
    }

    fn faults(&mut self) -> Value {
        let mut properties = Map::new();
        for fault in FAULTS {
            let members = self.message(fault.members, "fault.");
            let value = self.with_bare(members, fault.members, fault.bare);
            properties.insert(fault.name.to_owned(), described(value, fault.members.doc));
        }
        json!({
            "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
            "properties": properties,
        })
    }

    fn oracles(&mut self) -> Value {
        let mut properties = Map::new();
        let mut alone = Vec::new();
        for oracle in ORACLES {
            let arguments = self.message(oracle.arguments, "oracle.");
            let value = self.with_bare(arguments, oracle.arguments, oracle.bare);
            properties.insert(
                oracle.name.to_owned(),
                described(value, oracle.arguments.doc),
            );
            if !oracle
                .arguments
                .fields
                .iter()
                .any(|field| field.shape.required)
            {
                alone.push(oracle.name);
            }
        }
        let called = json!({
            "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
            "properties": properties,
        });
        json!({ "type": "array", "items": { "anyOf": [{ "enum": alone }, called] } })
    }

    /// A map of members, or the value of one of them alone.
    fn with_bare(&mut self, members: Value, def: &'static MessageDef, bare: Option<&str>) -> Value {
        let Some(field) = bare.and_then(|bare| def.by_snake(bare)) else {
            return members;
        };
        json!({ "anyOf": [bare_value(field), members] })
    }

    fn goals(&mut self) -> Value {
        let bound = json!({ "anyOf": [text(), reference_to("matchers")] });
        let mut properties: Map<String, Value> = STATISTICS
            .iter()
            .map(|(name, doc)| ((*name).to_owned(), described(bound.clone(), doc)))
            .collect();
        let names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
        let filters: Vec<Value> = METRICS
            .iter()
            .map(|metric| {
                let filter = self.message(metric.filter, "");
                json!({
                    "if": { "properties": { "metric": { "const": metric.name } } },
                    "then": { "properties": { "where": filter } },
                })
            })
            .collect();
        properties.insert("metric".into(), json!({ "enum": names }));
        properties.insert("where".into(), json!({ "type": "object" }));
        properties.insert("samples".into(), bound);
        let goal = json!({
            "type": "object", "required": ["metric"], "additionalProperties": false,
            "properties": properties, "allOf": filters,
        });
        json!({ "type": "array", "items": goal })
    }
}

fn bare_value(field: &FieldDef) -> Value {
    match field.card {
        Card::List => json!({ "type": ["array", "string"] }),
        Card::One | Card::Map => text(),
    }
}

/// The value of a step's key that is no verb.
fn adverb(key: &str) -> Value {
    match key {
        "client" => reference_to("client"),
        "for_each" => json!({ "type": "object", "minProperties": 1, "maxProperties": 1 }),
        "repeat" => json!({ "type": ["integer", "string"] }),
        "while" | "start_fault" => reference_to("faults"),
        "do" => reference_to("steps"),
        "together" => {
            json!({ "type": "object", "minProperties": 2, "additionalProperties": reference_to("steps") })
        }
        "wait" | "within" | "throughout" => reference_to("duration"),
        "expect" | "exactly" | "fails_with" => json!({}),
        "raw" | "may_fail" => json!({ "type": "boolean" }),
        _ => text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        let schema = scenario();
        let definitions = schema["definitions"].as_object().expect("definitions");
        let mut open = vec![&schema];
        let mut references = 0;
        while let Some(value) = open.pop() {
            match value {
                Value::Object(members) => {
                    if let Some(Value::String(name)) = members.get("$ref") {
                        let name = name.trim_start_matches("#/definitions/");
                        assert!(definitions.contains_key(name), "{name} is not defined");
                        references += 1;
                    }
                    open.extend(members.values());
                }
                Value::Array(items) => open.extend(items),
                _ => {}
            }
        }
        assert!(references > 500);
    }

    #[test]
    fn editors_complete_verbs_arguments_and_answers() {
        let schema = scenario();
        let step = &schema["definitions"]["step"];
        assert!(step["properties"]["kms.encrypt"].is_object());
        assert!(step["properties"]["look.stored_item"].is_object());
        assert!(schema["definitions"]["kms.EncryptRequest"]["properties"]["key_id"].is_object());
        let answers = step["allOf"].as_array().expect("answers by verb");
        let encrypt = answers
            .iter()
            .find(|answer| answer["if"]["required"][0] == "kms.encrypt")
            .expect("an answer");
        let members = &encrypt["then"]["properties"]["expect"]["anyOf"][0]["properties"];
        assert!(members["ciphertext_blob"].is_object() && members["call"].is_object());
    }
}
