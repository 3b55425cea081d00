//! Items as this crate, the SDK and golden files hold them.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_sealed::{Item, Value};
use serde_json::{Value as Json, json};

pub type SdkItem = HashMap<String, AttributeValue>;

pub fn to_sdk(item: &Item) -> SdkItem {
    let entries = item.iter();
    entries.map(|(name, value)| (name.clone(), sdk(value))).collect()
}

fn sdk(value: &Value) -> AttributeValue {
    match value {
        Value::S(text) => AttributeValue::S(text.clone()),
        Value::N(text) => AttributeValue::N(text.clone()),
        Value::B(bytes) => AttributeValue::B(Blob::new(bytes.clone())),
        Value::Bool(truth) => AttributeValue::Bool(*truth),
        Value::Null => AttributeValue::Null(true),
        Value::Ss(set) => AttributeValue::Ss(set.iter().cloned().collect()),
        Value::Ns(set) => AttributeValue::Ns(set.iter().cloned().collect()),
        Value::Bs(set) => AttributeValue::Bs(set.iter().cloned().map(Blob::new).collect()),
        Value::L(values) => AttributeValue::L(values.iter().map(sdk).collect()),
        Value::M(members) => AttributeValue::M(to_sdk(members)),
    }
}

pub fn from_sdk(item: &SdkItem) -> Item {
    let entries = item.iter();
    entries.map(|(name, value)| (name.clone(), ours(value))).collect()
}

fn ours(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => Value::S(text.clone()),
        AttributeValue::N(text) => Value::N(text.clone()),
        AttributeValue::B(bytes) => Value::B(bytes.clone().into_inner()),
        AttributeValue::Bool(truth) => Value::Bool(*truth),
        AttributeValue::Ss(set) => Value::Ss(set.iter().cloned().collect()),
        AttributeValue::Ns(set) => Value::Ns(set.iter().cloned().collect()),
        AttributeValue::Bs(set) => {
            Value::Bs(set.iter().map(|bytes| bytes.clone().into_inner()).collect())
        }
        AttributeValue::L(values) => Value::L(values.iter().map(ours).collect()),
        AttributeValue::M(members) => Value::M(from_sdk(members)),
        _ => Value::Null,
    }
}

/// As DynamoDB's JSON has it.
pub fn json_of(item: &Item) -> Json {
    let entries = item.iter();
    Json::Object(entries.map(|(name, value)| (name.clone(), member(value))).collect())
}

fn member(value: &Value) -> Json {
    let base64 = |bytes: &Vec<u8>| STANDARD.encode(bytes);
    match value {
        Value::S(text) => json!({ "S": text }),
        Value::N(text) => json!({ "N": text }),
        Value::B(bytes) => json!({ "B": base64(bytes) }),
        Value::Bool(truth) => json!({ "BOOL": truth }),
        Value::Null => json!({ "NULL": true }),
        Value::Ss(set) => json!({ "SS": set }),
        Value::Ns(set) => json!({ "NS": set }),
        Value::Bs(set) => json!({ "BS": set.iter().map(base64).collect::<Vec<_>>() }),
        Value::L(values) => json!({ "L": values.iter().map(member).collect::<Vec<_>>() }),
        Value::M(members) => json!({ "M": json_of(members) }),
    }
}
