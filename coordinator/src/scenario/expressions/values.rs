//! Values of JSON as values of CEL, and back.

use std::sync::Arc;

use serde_json::Value;

pub(super) fn to_cel(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(truth) => cel::Value::Bool(*truth),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(int), _) => cel::Value::Int(int),
            (None, Some(uint)) => cel::Value::UInt(uint),
            (None, None) => cel::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(to_cel).collect())),
        Value::Object(members) => cel::Value::Map(cel::objects::Map {
            map: Arc::new(
                members
                    .iter()
                    .map(|(key, value)| (key.clone().into(), to_cel(value)))
                    .collect(),
            ),
        }),
    }
}

pub(super) fn from_cel(value: &cel::Value) -> Result<Value, String> {
    Ok(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(truth) => (*truth).into(),
        cel::Value::Int(int) => (*int).into(),
        cel::Value::UInt(uint) => (*uint).into(),
        cel::Value::Float(float) => serde_json::Number::from_f64(*float)
            .map(Value::Number)
            .ok_or("the result is not a number")?,
        cel::Value::String(text) => text.as_str().into(),
        cel::Value::Bytes(bytes) => crate::scenario::bytes::written(bytes).into(),
        cel::Value::List(items) => {
            Value::Array(items.iter().map(from_cel).collect::<Result<_, _>>()?)
        }
        cel::Value::Map(map) => {
            let mut members = serde_json::Map::new();
            let mut entries: Vec<_> = map
                .map
                .iter()
                .map(|(key, value)| (key.to_string(), value))
                .collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            for (key, value) in entries {
                members.insert(key, from_cel(value)?);
            }
            Value::Object(members)
        }
        other => {
            return Err(format!(
                "the result is {}, which no scenario can hold",
                other.type_of()
            ));
        }
    })
}
