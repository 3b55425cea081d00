//! Values to and from DynamoDB's messages.

use std::collections::BTreeMap;

use faultline_proto::dynamodb::attribute_value::Value as Member;
use faultline_proto::dynamodb::{
    AttributeValue, BinarySetAttributeValue, ListAttributeValue, MapAttributeValue,
    NumberSetAttributeValue, StringSetAttributeValue,
};

use crate::value::{Item, Value};

/// What DynamoDB's messages hold.
pub type AttributeMap = BTreeMap<String, AttributeValue>;

impl From<Value> for AttributeValue {
    fn from(value: Value) -> Self {
        let member = match value {
            Value::S(text) => Member::S(text),
            Value::N(number) => Member::N(number),
            Value::B(bytes) => Member::B(bytes),
            Value::Bool(truth) => Member::Bool(truth),
            Value::Null => Member::Null(true),
            Value::Ss(items) => Member::Ss(StringSetAttributeValue {
                items: items.into_iter().collect(),
            }),
            Value::Ns(items) => Member::Ns(NumberSetAttributeValue {
                items: items.into_iter().collect(),
            }),
            Value::Bs(items) => Member::Bs(BinarySetAttributeValue {
                items: items.into_iter().collect(),
            }),
            Value::L(items) => Member::L(ListAttributeValue {
                items: items.into_iter().map(Self::from).collect(),
            }),
            Value::M(items) => Member::M(MapAttributeValue {
                items: to_attributes(items),
            }),
        };
        Self {
            value: Some(member),
        }
    }
}

/// An attribute value without a member: nothing DynamoDB answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an attribute value has no member")]
pub struct EmptyAttributeValue;

impl TryFrom<AttributeValue> for Value {
    type Error = EmptyAttributeValue;
    fn try_from(value: AttributeValue) -> Result<Self, EmptyAttributeValue> {
        Ok(match value.value.ok_or(EmptyAttributeValue)? {
            Member::S(text) => Self::S(text),
            Member::N(number) => Self::N(number),
            Member::B(bytes) => Self::B(bytes),
            Member::Bool(truth) => Self::Bool(truth),
            Member::Null(_) => Self::Null,
            Member::Ss(set) => Self::Ss(set.items.into_iter().collect()),
            Member::Ns(set) => Self::Ns(set.items.into_iter().collect()),
            Member::Bs(set) => Self::Bs(set.items.into_iter().collect()),
            Member::L(list) => Self::L(
                list.items
                    .into_iter()
                    .map(Self::try_from)
                    .collect::<Result<_, _>>()?,
            ),
            Member::M(map) => Self::M(from_attributes(map.items)?),
        })
    }
}

/// An item as DynamoDB's messages hold it.
#[must_use]
pub fn to_attributes(item: Item) -> AttributeMap {
    item.into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect()
}

/// An item from DynamoDB's messages.
///
/// # Errors
/// [`EmptyAttributeValue`] when some value, at any depth, has no member.
pub fn from_attributes(attributes: AttributeMap) -> Result<Item, EmptyAttributeValue> {
    attributes
        .into_iter()
        .map(|(name, value)| Ok((name, value.try_into()?)))
        .collect()
}
