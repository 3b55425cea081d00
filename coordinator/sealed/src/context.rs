//! The encryption context: what is bound into every key, seen by KMS in the clear.
//!
//! It names table and keys, and holds the values of key attributes (CSE-021). All of it
//! but the public key is "required" context: not stored with the item, but made again
//! from the item when it is read (CSE-022), so a moved or edited item cannot be opened.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::SealedError;
use crate::field::Field;
use crate::header::HeaderVersion;
use crate::plaintext::{Terminal, TypeId};
use crate::schema::{AttributeAction, Schema};

/// Key of the verification key.
pub const PUBLIC_KEY: &str = "aws-crypto-public-key";
const TABLE_NAME: &str = "aws-crypto-table-name";
const PARTITION_NAME: &str = "aws-crypto-partition-name";
const SORT_NAME: &str = "aws-crypto-sort-name";
const LEGEND: &str = "aws-crypto-legend";
const ATTRIBUTE: &str = "aws-crypto-attr.";

/// Names and values, ordered by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncryptionContext(BTreeMap<String, String>);

impl EncryptionContext {
    /// The context that an item itself gives: everything but the public key.
    pub(crate) fn of(
        schema: &Schema,
        fields: &[Field],
        version: HeaderVersion,
    ) -> Result<Self, SealedError> {
        let mut context = Self::default();
        context.add(TABLE_NAME, schema.logical_table_name())?;
        context.add(PARTITION_NAME, schema.partition_key())?;
        if let Some(sort_key) = schema.sort_key() {
            context.add(SORT_NAME, sort_key)?;
        }
        match version {
            HeaderVersion::One => {
                let keys = std::iter::once(schema.partition_key()).chain(schema.sort_key());
                for field in keys.filter_map(|key| fields.iter().find(|field| field.name == key)) {
                    context.add(
                        &format!("{ATTRIBUTE}{}", field.name),
                        &base64_of(&field.terminal),
                    )?;
                }
            }
            HeaderVersion::Two => context.add_included(fields)?,
        }
        Ok(context)
    }

    /// Version 2: every included attribute in readable form, and a legend of their types.
    fn add_included(&mut self, fields: &[Field]) -> Result<(), SealedError> {
        let included: BTreeMap<String, &Terminal> = fields
            .iter()
            .filter(|field| field.action == AttributeAction::SignAndIncludeInEncryptionContext)
            .map(|field| (format!("{ATTRIBUTE}{}", field.name), &field.terminal))
            .collect();
        let mut legend = String::new();
        for (name, terminal) in included {
            let (letter, value) = readable(terminal)?;
            legend.push(letter);
            self.add(&name, &value)?;
        }
        self.add(LEGEND, &legend)
    }

    /// Adds an entry that must not be there yet.
    pub(crate) fn add(&mut self, key: &str, value: &str) -> Result<(), SealedError> {
        for text in [key, value] {
            if u16::try_from(text.len()).is_err() {
                return Err(SealedError::SchemaViolation(
                    "Invalid Encryption Context".to_owned(),
                ));
            }
        }
        match self.0.insert(key.to_owned(), value.to_owned()) {
            None => Ok(()),
            Some(_) => Err(SealedError::SchemaViolation(format!(
                "{key} appears twice in encryption context."
            ))),
        }
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// The text or number of an attribute that is in the context, as its user wrote it.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<String> {
        let value = self.get(&format!("{ATTRIBUTE}{name}"))?;
        if self.get(LEGEND).is_some() {
            return Some(value.to_owned());
        }
        // Version 1 holds type and bytes in base64.
        let bytes = STANDARD.decode(value).ok()?;
        let (type_id, text) = bytes.split_first_chunk()?;
        matches!(TypeId(*type_id), TypeId::S | TypeId::N)
            .then(|| String::from_utf8(text.to_vec()).ok())
            .flatten()
    }

    /// The entries that are not in `required`: what the header stores.
    #[must_use]
    pub fn without(&self, required: &Self) -> Self {
        let stored = self
            .0
            .iter()
            .filter(|(key, _)| !required.0.contains_key(*key));
        Self(
            stored
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        )
    }

    /// This context with the entries that a header stored.
    pub(crate) fn with_stored(mut self, stored: &Self) -> Result<Self, SealedError> {
        for (key, value) in &stored.0 {
            if self
                .0
                .get(key)
                .is_some_and(|reproduced| reproduced != value)
            {
                return Err(SealedError::SignatureInvalid(
                    "Encryption context does not match reproduced encryption context.".to_owned(),
                ));
            }
            self.0.insert(key.clone(), value.clone());
        }
        Ok(self)
    }

    /// As KMS requests hold it.
    #[must_use]
    pub fn to_map(&self) -> BTreeMap<String, String> {
        self.0.clone()
    }

    /// Number of pairs, then each pair ordered by key, lengths of two bytes.
    #[must_use]
    pub fn serialize(&self) -> Vec<u8> {
        let mut out = short(self.0.len()).to_vec();
        for (key, value) in &self.0 {
            for text in [key, value] {
                out.extend(short(text.len()));
                out.extend(text.as_bytes());
            }
        }
        out
    }

    pub(crate) fn from_pairs(pairs: BTreeMap<String, String>) -> Self {
        Self(pairs)
    }
}

fn short(length: usize) -> [u8; 2] {
    u16::try_from(length)
        .expect("lengths are checked when an entry is added or parsed")
        .to_be_bytes()
}

fn base64_of(terminal: &Terminal) -> String {
    STANDARD.encode([terminal.type_id.0.as_slice(), &terminal.bytes].concat())
}

fn readable(terminal: &Terminal) -> Result<(char, String), SealedError> {
    let text = || {
        String::from_utf8(terminal.bytes.clone())
            .map_err(|_| SealedError::SchemaViolation("string was not UTF8.".to_owned()))
    };
    Ok(match terminal.type_id {
        TypeId::S => ('S', text()?),
        TypeId::N => ('N', text()?),
        TypeId::NULL => ('L', "null".to_owned()),
        TypeId::BOOL => ('L', (terminal.bytes == [1]).to_string()),
        _ => ('B', base64_of(terminal)),
    })
}
