//! Items and their values: what is stored and reasoned about.
//!
//! Requests carry generated messages; they become [`Value`]s at once, checked as DynamoDB
//! checks them (exactly one type, 38-digit numbers, sets without duplicates, depth 32).

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_proto::dynamodb::attribute_value::Value as Wire;
use faultline_proto::dynamodb::{self, AttributeValue};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::error::DynamoError;
use super::number::Number;

/// How deep lists and maps may nest.
const DEEPEST: usize = 32;

/// An item: attributes by name.
pub(crate) type Item = BTreeMap<String, Value>;

/// One attribute's value. The order is that of storage, not of DynamoDB.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Value {
    S(String),
    N(Number),
    B(Vec<u8>),
    Ss(BTreeSet<String>),
    Ns(BTreeSet<Number>),
    Bs(BTreeSet<Vec<u8>>),
    M(BTreeMap<String, Value>),
    L(Vec<Value>),
    Null,
    Bool(bool),
}

impl Value {
    /// The type's name on the wire, `S`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::S(_) => "S",
            Self::N(_) => "N",
            Self::B(_) => "B",
            Self::Ss(_) => "SS",
            Self::Ns(_) => "NS",
            Self::Bs(_) => "BS",
            Self::M(_) => "M",
            Self::L(_) => "L",
            Self::Null => "NULL",
            Self::Bool(_) => "BOOL",
        }
    }

    /// Checks a value of a request and takes it.
    pub(crate) fn read(wire: &AttributeValue) -> Result<Self, DynamoError> {
        Self::read_at(wire, 0)
    }

    fn read_at(wire: &AttributeValue, depth: usize) -> Result<Self, DynamoError> {
        if depth > DEEPEST {
            return Err(DynamoError::invalid(
                "Nesting Levels have exceeded supported limits",
            ));
        }
        let Some(value) = &wire.value else {
            return Err(DynamoError::validation(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            ));
        };
        Ok(match value {
            Wire::S(text) => Self::S(text.clone()),
            Wire::N(text) => Self::N(Number::parse(text)?),
            Wire::B(bytes) => Self::B(bytes.clone()),
            Wire::Ss(set) => {
                if set.items.is_empty() {
                    return Err(DynamoError::invalid("An string set  may not be empty"));
                }
                let shown = || format!("[{}]", set.items.join(", "));
                Self::Ss(distinct(set.items.iter().cloned()).ok_or_else(|| {
                    DynamoError::invalid(format!(
                        "Input collection {} contains duplicates.",
                        shown()
                    ))
                })?)
            }
            Wire::Ns(set) => {
                if set.items.is_empty() {
                    return Err(DynamoError::invalid("An number set  may not be empty"));
                }
                let numbers: Vec<Number> = set
                    .items
                    .iter()
                    .map(|text| Number::parse(text))
                    .collect::<Result<_, _>>()?;
                Self::Ns(distinct(numbers.into_iter()).ok_or_else(|| {
                    DynamoError::validation("Input collection contains duplicates")
                })?)
            }
            Wire::Bs(set) => {
                if set.items.is_empty() {
                    return Err(DynamoError::invalid("Binary sets should not be empty"));
                }
                Self::Bs(distinct(set.items.iter().cloned()).ok_or_else(|| {
                    DynamoError::invalid("Input collection of type BS contains duplicates.")
                })?)
            }
            Wire::M(map) => Self::M(read_all(&map.items, depth + 1)?),
            Wire::L(list) => Self::L(
                list.items
                    .iter()
                    .map(|item| Self::read_at(item, depth + 1))
                    .collect::<Result<_, _>>()?,
            ),
            Wire::Null(true) => Self::Null,
            Wire::Null(false) => {
                return Err(DynamoError::invalid(
                    "Null attribute value types must have the value of true",
                ));
            }
            Wire::Bool(value) => Self::Bool(*value),
        })
    }

    /// For an answer.
    pub(crate) fn to_wire(&self) -> AttributeValue {
        let value = match self {
            Self::S(text) => Wire::S(text.clone()),
            Self::N(number) => Wire::N(number.to_string()),
            Self::B(bytes) => Wire::B(bytes.clone()),
            Self::Ss(set) => Wire::Ss(dynamodb::StringSetAttributeValue {
                items: set.iter().cloned().collect(),
            }),
            Self::Ns(set) => Wire::Ns(dynamodb::NumberSetAttributeValue {
                items: set.iter().map(Number::to_string).collect(),
            }),
            Self::Bs(set) => Wire::Bs(dynamodb::BinarySetAttributeValue {
                items: set.iter().cloned().collect(),
            }),
            Self::M(map) => Wire::M(dynamodb::MapAttributeValue {
                items: wire_of(map),
            }),
            Self::L(list) => Wire::L(dynamodb::ListAttributeValue {
                items: list.iter().map(Self::to_wire).collect(),
            }),
            Self::Null => Wire::Null(true),
            Self::Bool(value) => Wire::Bool(*value),
        };
        AttributeValue { value: Some(value) }
    }

    /// AWS's JSON form, `{"S": "text"}`.
    pub(crate) fn to_json(&self) -> Json {
        let content = match self {
            Self::S(text) => json!(text),
            Self::N(number) => json!(number.to_string()),
            Self::B(bytes) => json!(STANDARD.encode(bytes)),
            Self::Ss(set) => json!(set),
            Self::Ns(set) => set.iter().map(Number::to_string).collect(),
            Self::Bs(set) => set.iter().map(|bytes| STANDARD.encode(bytes)).collect(),
            Self::M(map) => json_of(map),
            Self::L(list) => list.iter().map(Self::to_json).collect(),
            Self::Null => json!(true),
            Self::Bool(value) => json!(value),
        };
        json!({ self.kind(): content })
    }

    /// Bytes that it counts for in an item.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::S(text) => text.len() as u64,
            Self::N(number) => number.size(),
            Self::B(bytes) => bytes.len() as u64,
            Self::Ss(set) => set.iter().map(|text| text.len() as u64).sum(),
            Self::Ns(set) => set.iter().map(|number| number.size()).sum(),
            Self::Bs(set) => set.iter().map(|bytes| bytes.len() as u64).sum(),
            Self::M(map) => 3 + size(map) + map.len() as u64,
            Self::L(list) => 3 + list.iter().map(|item| 1 + item.size()).sum::<u64>(),
            Self::Null | Self::Bool(_) => 1,
        }
    }
}

/// Refuses an item that an update has made too deep.
pub(crate) fn check_depth(item: &Item) -> Result<(), DynamoError> {
    fn depth(value: &Value) -> usize {
        match value {
            Value::M(map) => 1 + map.values().map(depth).max().unwrap_or_default(),
            Value::L(list) => 1 + list.iter().map(depth).max().unwrap_or_default(),
            Value::S(_)
            | Value::N(_)
            | Value::B(_)
            | Value::Ss(_)
            | Value::Ns(_)
            | Value::Bs(_)
            | Value::Null
            | Value::Bool(_) => 0,
        }
    }
    if item.values().any(|value| depth(value) > DEEPEST) {
        return Err(DynamoError::invalid(
            "Nesting Levels have exceeded supported limits",
        ));
    }
    Ok(())
}

fn distinct<T: Ord>(items: impl ExactSizeIterator<Item = T>) -> Option<BTreeSet<T>> {
    let count = items.len();
    let set: BTreeSet<T> = items.collect();
    (set.len() == count).then_some(set)
}

fn read_all(wire: &BTreeMap<String, AttributeValue>, depth: usize) -> Result<Item, DynamoError> {
    wire.iter()
        .map(|(name, value)| Ok((name.clone(), Value::read_at(value, depth)?)))
        .collect()
}

/// Checks an item of a request and takes it.
pub(crate) fn read(wire: &BTreeMap<String, AttributeValue>) -> Result<Item, DynamoError> {
    read_all(wire, 0)
}

/// For an answer.
pub(crate) fn wire_of(item: &Item) -> BTreeMap<String, AttributeValue> {
    item.iter()
        .map(|(name, value)| (name.clone(), value.to_wire()))
        .collect()
}

/// AWS's JSON form of an item.
pub(crate) fn json_of(item: &Item) -> Json {
    item.iter()
        .map(|(name, value)| (name.clone(), value.to_json()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Bytes that an item counts for: names and values.
pub(crate) fn size(item: &Item) -> u64 {
    item.iter()
        .map(|(name, value)| name.len() as u64 + value.size())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(value: Wire) -> AttributeValue {
        AttributeValue { value: Some(value) }
    }

    #[test]
    fn values_come_back_as_they_went_in() {
        let list = dynamodb::ListAttributeValue {
            items: vec![wire(Wire::Bool(true)), wire(Wire::Null(true))],
        };
        let set = dynamodb::NumberSetAttributeValue {
            items: vec!["3".to_owned(), "1.50".to_owned()],
        };
        let sent = BTreeMap::from([
            ("flag".to_owned(), wire(Wire::L(list))),
            ("card".to_owned(), wire(Wire::B(vec![0, 255]))),
            ("sizes".to_owned(), wire(Wire::Ns(set))),
        ]);
        let item = read(&sent).unwrap();
        assert_eq!(
            json_of(&item),
            json!({
                "card": { "B": "AP8=" },
                "flag": { "L": [{ "BOOL": true }, { "NULL": true }] },
                "sizes": { "NS": ["1.5", "3"] },
            })
        );
        assert_eq!(read(&wire_of(&item)).unwrap(), item);
    }

    #[test]
    fn wrong_values_are_refused_in_the_words_of_dynamodb() {
        let twice = dynamodb::StringSetAttributeValue {
            items: vec!["a".to_owned(), "a".to_owned()],
        };
        let cases = [
            (
                AttributeValue { value: None },
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            ),
            (
                wire(Wire::N("x".to_owned())),
                "The parameter cannot be converted to a numeric value: x",
            ),
            (
                wire(Wire::Ss(twice)),
                "One or more parameter values were invalid: Input collection [a, a] contains duplicates.",
            ),
            (
                wire(Wire::Null(false)),
                "One or more parameter values were invalid: Null attribute value types must have the value of true",
            ),
        ];
        for (value, text) in cases {
            assert_eq!(Value::read(&value).unwrap_err().to_string(), text);
        }
        let mut deep = wire(Wire::Bool(true));
        for _ in 0..40 {
            deep = wire(Wire::L(dynamodb::ListAttributeValue { items: vec![deep] }));
        }
        assert!(Value::read(&deep).is_err());
    }
}
