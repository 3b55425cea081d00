//! One row of a key store table, and the encryption context that it is.
//!
//! Every attribute but `enc` is authenticated: KMS opens `enc` only with a context of all
//! of them and the logical name of the store. So a row that was edited, renamed or moved to
//! another store does not open.

use std::collections::BTreeMap;

use crate::error::SealedError;
use crate::keyring::KeyArn;
use crate::value::{Item, Value};

/// Partition key of the table: the id of the branch key.
pub const ID: &str = "branch-key-id";
/// Sort key of the table: what the row is.
pub const TYPE: &str = "type";
const VERSION: &str = "version";
const ENC: &str = "enc";
const TABLE: &str = "tablename";
const KMS_ARN: &str = "kms-arn";
const CREATE_TIME: &str = "create-time";
const HIERARCHY: &str = "hierarchy-version";
const CUSTOM: &str = "aws-crypto-ec:";

/// What a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowType {
    /// The version that writes.
    Active,
    /// A version, for reading what it wrote.
    Version(String),
    /// The key that beacons are made of.
    Beacon,
}

impl RowType {
    /// As the sort key says it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Active => "branch:ACTIVE".to_owned(),
            Self::Version(version) => format!("branch:version:{version}"),
            Self::Beacon => "beacon:ACTIVE".to_owned(),
        }
    }

    fn not_valid(&self) -> SealedError {
        let what = match self {
            Self::Active => "active branch key",
            Self::Version(_) => "branch key version",
            Self::Beacon => "beacon key",
        };
        SealedError::KeyStore(format!("Item found is not a valid {what}."))
    }
}

/// The encryption context of a row, and with it the row but for `enc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowContext(BTreeMap<String, String>);

/// What all rows of one new branch key or version have in common.
#[derive(Debug, Clone)]
pub struct Common<'a> {
    /// Id of the branch key.
    pub id: &'a str,
    /// ISO 8601, UTC, microseconds.
    pub created: &'a str,
    /// The logical name of the store.
    pub logical_name: &'a str,
    /// The KMS key.
    pub kms_arn: &'a str,
    /// Its owner's own names and values, without prefix.
    pub custom: &'a BTreeMap<String, String>,
}

impl RowContext {
    /// A new row; an active one says its version beside its type.
    #[must_use]
    pub fn new(common: &Common<'_>, kind: &RowType) -> Self {
        let mut context = BTreeMap::from(
            [
                (ID, common.id),
                (TYPE, &kind.name()),
                (CREATE_TIME, common.created),
                (TABLE, common.logical_name),
                (KMS_ARN, common.kms_arn),
                (HIERARCHY, "1"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let custom = common.custom.iter();
        context.extend(custom.map(|(name, value)| (format!("{CUSTOM}{name}"), value.clone())));
        Self(context)
    }

    /// The active row of the version that this row is.
    #[must_use]
    pub fn activated(&self) -> Self {
        let mut context = self.0.clone();
        let version = context.insert(TYPE.to_owned(), RowType::Active.name());
        context.extend(version.map(|version| (VERSION.to_owned(), version)));
        Self(context)
    }

    /// A new version of what this active row is.
    #[must_use]
    pub fn versioned(&self, version: &RowType, created: &str) -> Self {
        let mut context = self.0.clone();
        context.remove(VERSION);
        context.insert(TYPE.to_owned(), version.name());
        context.insert(CREATE_TIME.to_owned(), created.to_owned());
        Self(context)
    }

    /// Reads a row of the store with this logical name: its context, and what KMS wrapped.
    ///
    /// # Errors
    /// [`SealedError::KeyStore`] when it is not a row of this type.
    pub fn read(
        item: &Item,
        logical_name: &str,
        kind: &RowType,
    ) -> Result<(Self, Vec<u8>), SealedError> {
        let mut context = BTreeMap::from([(TABLE.to_owned(), logical_name.to_owned())]);
        let mut enc = None;
        for (name, value) in item {
            let text = match (name.as_str(), value) {
                (ENC, Value::B(bytes)) => {
                    enc = Some(bytes.clone());
                    continue;
                }
                (HIERARCHY, Value::N(text)) if text == "1" => text,
                (ENC | HIERARCHY | TABLE, _) => return Err(kind.not_valid()),
                (_, Value::S(text)) => text,
                _ => return Err(kind.not_valid()),
            };
            context.insert(name.clone(), text.clone());
        }
        let is_there = |name: &&str| context.get(*name).is_some_and(|text| !text.is_empty());
        let whole = [ID, CREATE_TIME, KMS_ARN, HIERARCHY].iter().all(is_there)
            && context.get(TYPE) == Some(&kind.name())
            && context.contains_key(VERSION) == (*kind == RowType::Active);
        match enc {
            Some(enc) if whole => Ok((Self(context), enc)),
            _ => Err(kind.not_valid()),
        }
    }

    /// The row with what KMS wrapped.
    #[must_use]
    pub fn item(&self, enc: Vec<u8>) -> Item {
        let attributes = self.0.iter().filter(|(name, _)| *name != TABLE);
        let mut item: Item = attributes
            .map(|(name, text)| {
                let value = match name.as_str() {
                    HIERARCHY => Value::N(text.clone()),
                    _ => Value::S(text.clone()),
                };
                (name.clone(), value)
            })
            .collect();
        item.insert(ENC.to_owned(), Value::B(enc));
        item
    }

    /// The context as KMS requests hold it.
    #[must_use]
    pub fn to_map(&self) -> BTreeMap<String, String> {
        self.0.clone()
    }

    /// The KMS key that the row names.
    ///
    /// # Errors
    /// [`SealedError::KeyStore`] when it is no key's ARN.
    pub fn kms_arn(&self) -> Result<KeyArn, SealedError> {
        let text = self.0.get(KMS_ARN).map(String::as_str).unwrap_or_default();
        if text.contains(":alias/") {
            return Err(SealedError::KeyStore(
                "Key Store encountered a KMS Alias ARN instead of a KMS Key ARN, which is not allowed."
                    .to_owned(),
            ));
        }
        text.parse().map_err(|_| {
            SealedError::KeyStore(
                "The `kms-arn` field for the requested branch key identifier is corrupted."
                    .to_owned(),
            )
        })
    }

    /// The version that the row is of.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        let named = self.0.get(VERSION).or_else(|| self.0.get(TYPE))?;
        named.strip_prefix("branch:version:")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> RowContext {
        let custom = [("tenant".to_owned(), "a".to_owned())].into();
        let common = Common {
            id: "branch",
            created: "2026-01-01T00:00:00.000000Z",
            logical_name: "keys",
            kms_arn: "arn:aws:kms:eu-west-1:111122223333:key/mrk-1",
            custom: &custom,
        };
        RowContext::new(&common, &RowType::Version("v".to_owned()))
    }

    #[test]
    fn cse_033_a_row_is_its_encryption_context_and_enc() {
        let active = row().activated();
        let item = active.item(vec![7]);
        let names: Vec<&str> = item.keys().map(String::as_str).collect();
        let wanted = [
            "aws-crypto-ec:tenant",
            "branch-key-id",
            "create-time",
            "enc",
            "hierarchy-version",
            "kms-arn",
            "type",
            "version",
        ];
        assert_eq!(names, wanted);
        assert_eq!(item["hierarchy-version"], Value::N("1".to_owned()));
        assert_eq!(item["version"], Value::S("branch:version:v".to_owned()));
        let read = RowContext::read(&item, "keys", &RowType::Active).unwrap();
        assert_eq!(read, (active.clone(), vec![7]));
        assert_eq!(active.to_map()["tablename"], "keys");
        assert_eq!((active.version(), row().version()), (Some("v"), Some("v")));
        let next = active.versioned(&RowType::Version("w".to_owned()), "later");
        assert!(!next.to_map().contains_key("version"));
        assert_eq!(next.version(), Some("w"));
    }

    #[test]
    fn what_is_no_row_of_the_asked_type_is_refused() {
        let refused = |item: &Item, kind: &RowType| {
            RowContext::read(item, "keys", kind)
                .unwrap_err()
                .to_string()
        };
        let version = RowType::Version("v".to_owned());
        let item = row().item(vec![7]);
        assert_eq!(
            refused(&item, &RowType::Active),
            "Item found is not a valid active branch key."
        );
        assert_eq!(
            refused(&item, &RowType::Beacon),
            "Item found is not a valid beacon key."
        );
        for (name, value) in [
            ("enc", Value::S("x".to_owned())),
            ("hierarchy-version", Value::N("3".to_owned())),
            ("tablename", Value::S("other".to_owned())),
            ("more", Value::Bool(true)),
            ("kms-arn", Value::S(String::new())),
        ] {
            let mut item = item.clone();
            item.insert(name.to_owned(), value);
            assert_eq!(
                refused(&item, &version),
                "Item found is not a valid branch key version.",
                "{name}"
            );
        }
    }
}
