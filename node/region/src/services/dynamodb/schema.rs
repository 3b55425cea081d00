//! The primary key of a table, and what it demands of items.

use faultline_proto::dynamodb::{AttributeDefinition, KeySchemaElement};
use serde::{Deserialize, Serialize};

use super::error::DynamoError;
use super::value::{Item, Value};

/// Longest partition key and longest sort key, in bytes.
const LONGEST_HASH: u64 = 2048;
const LONGEST_RANGE: u64 = 1024;

/// Type of a key attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum KeyKind {
    S,
    N,
    B,
}

impl KeyKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
        }
    }

    /// As complaints about empty values spell it.
    pub(crate) fn long_name(self) -> &'static str {
        match self {
            Self::S => "string",
            Self::N => "number",
            Self::B => "binary",
        }
    }
}

/// One attribute of a primary key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyAttribute {
    pub(crate) name: String,
    pub(crate) kind: KeyKind,
}

/// Partition key and, perhaps, sort key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeySchema {
    pub(crate) hash: KeyAttribute,
    pub(crate) range: Option<KeyAttribute>,
}

impl KeySchema {
    /// Checks what CreateTable was given.
    pub(crate) fn read(
        schema: &[KeySchemaElement],
        definitions: &[AttributeDefinition],
    ) -> Result<Self, DynamoError> {
        let name = |element: &KeySchemaElement| element.attribute_name.clone().unwrap_or_default();
        let keys: Vec<String> = schema.iter().map(name).collect();
        let defined: Vec<&str> = definitions
            .iter()
            .filter_map(|definition| definition.attribute_name.as_deref())
            .collect();
        if schema.is_empty() || schema.len() > 2 {
            return Err(DynamoError::validation(format!(
                "1 validation error detected: Value '{keys:?}' at 'keySchema' failed to satisfy \
                 constraint: Member must have length less than or equal to 2"
            )));
        }
        if keys.len() > defined.len() {
            return Err(DynamoError::validation(
                "Invalid KeySchema: Some index key attribute have no definition",
            ));
        }
        if keys.iter().any(|key| !defined.contains(&key.as_str())) {
            return Err(DynamoError::invalid(format!(
                "Some index key attributes are not defined in AttributeDefinitions. \
                 Keys: [{}], AttributeDefinitions: [{}]",
                keys.join(", "),
                defined.join(", ")
            )));
        }
        if keys.len() == 2 && keys[0] == keys[1] {
            return Err(DynamoError::validation(
                "Both the Hash Key and the Range Key element in the KeySchema have the same name",
            ));
        }
        if schema[0].key_type.as_deref() != Some("HASH") {
            return Err(DynamoError::validation(
                "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
            ));
        }
        if schema.len() == 2 && schema[1].key_type.as_deref() != Some("RANGE") {
            return Err(DynamoError::validation(
                "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
            ));
        }
        let attribute = |name: &String| KeyAttribute {
            name: name.clone(),
            kind: kind(definitions, name),
        };
        Ok(Self {
            hash: attribute(&keys[0]),
            range: keys.get(1).map(attribute),
        })
    }

    /// The attributes, partition key first.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        std::iter::once(&self.hash).chain(self.range.as_ref())
    }

    /// Whether an attribute is part of the key.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name == name)
    }

    /// The key of an item to be written.
    pub(crate) fn key_of(&self, item: &Item) -> Result<Item, DynamoError> {
        self.attributes()
            .map(|attribute| {
                let Some(value) = item.get(&attribute.name) else {
                    return Err(DynamoError::invalid(format!(
                        "Missing the key {} in the item",
                        attribute.name
                    )));
                };
                if value.kind() != attribute.kind.name() {
                    return Err(DynamoError::invalid(format!(
                        "Type mismatch for key {} expected: {} actual: {}",
                        attribute.name,
                        attribute.kind.name(),
                        value.kind()
                    )));
                }
                self.fits(attribute, value)?;
                Ok((attribute.name.clone(), value.clone()))
            })
            .collect()
    }

    /// Checks the Key member of a request.
    pub(crate) fn check_key(&self, key: &Item) -> Result<(), DynamoError> {
        let fits = key.len() == self.attributes().count()
            && self.attributes().all(|attribute| {
                key.get(&attribute.name)
                    .is_some_and(|value| value.kind() == attribute.kind.name())
            });
        if !fits {
            return Err(DynamoError::validation(
                "The provided key element does not match the schema",
            ));
        }
        self.attributes()
            .try_for_each(|attribute| self.fits(attribute, &key[&attribute.name]))
    }

    /// Checks length and emptiness of a key attribute's value.
    pub(crate) fn fits(&self, attribute: &KeyAttribute, value: &Value) -> Result<(), DynamoError> {
        let size = value.size();
        if size == 0 {
            let empty = attribute.kind.long_name();
            return Err(DynamoError::validation(format!(
                "One or more parameter values are not valid. The AttributeValue for a key \
                 attribute cannot contain an empty {empty} value. Key: {}",
                attribute.name
            )));
        }
        if *attribute == self.hash && size > LONGEST_HASH {
            return Err(DynamoError::invalid(
                "Size of hashkey has exceeded the maximum size limit of2048 bytes",
            ));
        }
        if *attribute != self.hash && size > LONGEST_RANGE {
            return Err(DynamoError::invalid(
                "Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
            ));
        }
        Ok(())
    }
}

fn kind(definitions: &[AttributeDefinition], name: &str) -> KeyKind {
    let found = definitions
        .iter()
        .find(|definition| definition.attribute_name.as_deref() == Some(name));
    match found.and_then(|definition| definition.attribute_type.as_deref()) {
        Some("N") => KeyKind::N,
        Some("B") => KeyKind::B,
        _ => KeyKind::S,
    }
}
