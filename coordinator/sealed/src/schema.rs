//! What happens to which attribute of a table: checked once, before any call.
//!
//! Writing follows the attribute actions. Reading follows the item itself: the header's
//! legend says what was done, and everything is signed unless its name is one of the
//! allowed unsigned ones (CSE-004). Both must agree for ever, so a schema that could
//! write what it cannot read is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use crate::error::SealedError;
use crate::header::HeaderVersion;

/// Attribute names that begin so belong to the client (CSE-005).
pub const RESERVED_PREFIX: &str = "aws_dbe_";

/// What is done with an attribute when an item is written (CSE-001).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttributeAction {
    /// Hidden and protected against changes.
    EncryptAndSign,
    /// Readable, protected against changes.
    SignOnly,
    /// As [`Self::SignOnly`], and its value is in the encryption context that KMS sees.
    SignAndIncludeInEncryptionContext,
    /// Not touched, not protected.
    DoNothing,
}

impl AttributeAction {
    /// The SDK's name, `ENCRYPT_AND_SIGN`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EncryptAndSign => "ENCRYPT_AND_SIGN",
            Self::SignOnly => "SIGN_ONLY",
            Self::SignAndIncludeInEncryptionContext => "SIGN_AND_INCLUDE_IN_ENCRYPTION_CONTEXT",
            Self::DoNothing => "DO_NOTHING",
        }
    }
}

impl FromStr for AttributeAction {
    type Err = SealedError;
    /// Takes the SDK's name, in capitals or not.
    fn from_str(text: &str) -> Result<Self, SealedError> {
        let all = [
            Self::EncryptAndSign,
            Self::SignOnly,
            Self::SignAndIncludeInEncryptionContext,
            Self::DoNothing,
        ];
        let found = all
            .into_iter()
            .find(|action| action.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| {
            SealedError::SchemaViolation(format!("'{text}' is not an attribute action"))
        })
    }
}

/// Whether items that are not encrypted may be written or read (CSE-008).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PlaintextPolicy {
    /// Write plaintext, read both.
    ForceWriteAllowRead,
    /// Write encrypted, read both.
    ForbidWriteAllowRead,
    /// Encrypted only.
    #[default]
    ForbidWriteForbidRead,
}

/// The algorithms of an item (CSE-013).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Suite {
    /// 0x6700: recipient tags only.
    SymmetricOnly,
    /// 0x6701: recipient tags and an ECDSA P-384 signature.
    #[default]
    WithSignature,
}

impl Suite {
    /// The header's byte.
    #[must_use]
    pub fn flavor(self) -> u8 {
        match self {
            Self::SymmetricOnly => 0,
            Self::WithSignature => 1,
        }
    }

    pub(crate) fn from_flavor(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::SymmetricOnly),
            1 => Some(Self::WithSignature),
            _ => None,
        }
    }
}

/// A table's configuration as it is written down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaConfig {
    /// Bound into every item; stays the same when a table is restored under another name (CSE-007).
    pub logical_table_name: String,
    /// Name of the partition key.
    pub partition_key: String,
    /// Name of the sort key, if the table has one.
    pub sort_key: Option<String>,
    /// What happens to which attribute.
    pub actions: BTreeMap<String, AttributeAction>,
    /// Names that are not signed.
    pub allowed_unsigned_attributes: BTreeSet<String>,
    /// Names that begin so are not signed.
    pub allowed_unsigned_prefix: Option<String>,
    /// Whether plaintext is let through.
    pub plaintext_policy: PlaintextPolicy,
    /// Algorithms for writing.
    pub suite: Suite,
}

/// A checked configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    config: SchemaConfig,
    version: HeaderVersion,
}

impl Schema {
    /// Checks a configuration.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] with the first thing that is wrong, in the SDK's words.
    pub fn new(config: SchemaConfig) -> Result<Self, SealedError> {
        let included = AttributeAction::SignAndIncludeInEncryptionContext;
        let (version, key_action) = if config.actions.values().any(|action| *action == included) {
            (HeaderVersion::Two, included)
        } else {
            (HeaderVersion::One, AttributeAction::SignOnly)
        };
        check_table_name(&config.logical_table_name)?;
        let schema = Self { config, version };
        schema.check_key("Partition", schema.partition_key(), key_action)?;
        if let Some(sort_key) = schema.sort_key() {
            schema.check_key("Sort", sort_key, key_action)?;
        }
        for (name, action) in &schema.config.actions {
            schema.check_action(name, *action)?;
        }
        Ok(schema)
    }

    fn check_key(
        &self,
        which: &str,
        name: &str,
        wanted: AttributeAction,
    ) -> Result<(), SealedError> {
        if self.config.actions.get(name) == Some(&wanted) {
            return Ok(());
        }
        let wanted = wanted.name();
        violation(format!("{which} key attribute action MUST be {wanted}"))
    }

    fn check_action(&self, name: &str, action: AttributeAction) -> Result<(), SealedError> {
        if name.starts_with(RESERVED_PREFIX) {
            return violation(format!(
                "Attribute: {name} is reserved, and may not be configured."
            ));
        }
        let why = match (action, self.why_unsigned(name)) {
            (AttributeAction::DoNothing, None) => {
                "it must also be in allowedUnsignedAttributes or begin with the allowedUnsignedAttributePrefix."
            }
            (AttributeAction::DoNothing, Some(_)) => return Ok(()),
            (_, Some(why)) => why,
            (_, None) => return Ok(()),
        };
        let action = action.name();
        violation(format!(
            "Attribute {name} is configured as {action} but {why}"
        ))
    }

    fn why_unsigned(&self, name: &str) -> Option<&'static str> {
        let prefix = self.config.allowed_unsigned_prefix.as_deref();
        if self.config.allowed_unsigned_attributes.contains(name) {
            Some("it is also in allowedUnsignedAttributes.")
        } else if prefix.is_some_and(|prefix| name.starts_with(prefix)) {
            Some("it also begins with the allowedUnsignedAttributePrefix.")
        } else {
            None
        }
    }

    /// The logical table name.
    #[must_use]
    pub fn logical_table_name(&self) -> &str {
        &self.config.logical_table_name
    }

    /// Name of the partition key.
    #[must_use]
    pub fn partition_key(&self) -> &str {
        &self.config.partition_key
    }

    /// Name of the sort key.
    #[must_use]
    pub fn sort_key(&self) -> Option<&str> {
        self.config.sort_key.as_deref()
    }

    /// The policy for plaintext.
    #[must_use]
    pub fn plaintext_policy(&self) -> PlaintextPolicy {
        self.config.plaintext_policy
    }

    /// Algorithms for writing.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.config.suite
    }

    /// Header version for writing: two if any attribute goes into the context (CSE-003).
    #[must_use]
    pub fn version(&self) -> HeaderVersion {
        self.version
    }

    /// What is configured for which attribute.
    #[must_use]
    pub fn actions(&self) -> &BTreeMap<String, AttributeAction> {
        &self.config.actions
    }

    /// The attributes that are encrypted.
    pub fn encrypted(&self) -> impl Iterator<Item = &str> {
        let actions = self.config.actions.iter();
        actions
            .filter(|(_, action)| **action == AttributeAction::EncryptAndSign)
            .map(|(name, _)| name.as_str())
    }

    /// This schema with attributes that are made by the client and signed.
    #[must_use]
    pub fn with_signed<'n>(mut self, names: impl Iterator<Item = &'n str>) -> Self {
        let names = names.map(|name| (name.to_owned(), AttributeAction::SignOnly));
        self.config.actions.extend(names);
        self
    }

    /// Whether an attribute of a stored item must be covered by its signature (CSE-004).
    #[must_use]
    pub fn is_signed_on_read(&self, name: &str) -> bool {
        !name.starts_with(RESERVED_PREFIX) && self.why_unsigned(name).is_none()
    }

    /// What happens to an attribute of an item that is written.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] for a name that has no action (CSE-001).
    pub fn action_on_write(&self, name: &str) -> Result<AttributeAction, SealedError> {
        if let Some(action) = self.config.actions.get(name) {
            return Ok(*action);
        }
        if self.is_signed_on_read(name) {
            return violation(format!("No Crypto Action configured for attribute {name}"));
        }
        Ok(AttributeAction::DoNothing)
    }
}

fn check_table_name(name: &str) -> Result<(), SealedError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if (3..=255).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    violation(format!(
        "'{name}' is not a table name: 3 to 255 letters, digits, '_', '-' or '.'"
    ))
}

fn violation<T>(why: String) -> Result<T, SealedError> {
    Err(SealedError::SchemaViolation(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config<const N: usize>(actions: [(&str, &str); N]) -> SchemaConfig {
        SchemaConfig {
            logical_table_name: "orders".to_owned(),
            partition_key: "id".to_owned(),
            actions: actions
                .into_iter()
                .map(|(name, action)| (name.to_owned(), action.parse().unwrap()))
                .collect(),
            ..SchemaConfig::default()
        }
    }

    fn refusal(config: SchemaConfig) -> String {
        Schema::new(config).unwrap_err().to_string()
    }

    #[test]
    fn cse_002_keys_are_never_encrypted() {
        let wanted = "Partition key attribute action MUST be SIGN_ONLY";
        assert_eq!(refusal(config([("id", "encrypt_and_sign")])), wanted);
        assert_eq!(refusal(config([])), wanted);
        let sorted = SchemaConfig {
            sort_key: Some("at".to_owned()),
            ..config([("id", "sign_only")])
        };
        assert_eq!(
            refusal(sorted),
            "Sort key attribute action MUST be SIGN_ONLY"
        );
        assert_eq!(
            refusal(config([
                ("id", "sign_only"),
                ("x", "sign_and_include_in_encryption_context")
            ])),
            "Partition key attribute action MUST be SIGN_AND_INCLUDE_IN_ENCRYPTION_CONTEXT"
        );
    }

    #[test]
    fn cse_003_an_included_attribute_makes_version_two() {
        let one = Schema::new(config([("id", "SIGN_ONLY")])).unwrap();
        assert_eq!(one.version(), HeaderVersion::One);
        let two = Schema::new(config([("id", "SIGN_AND_INCLUDE_IN_ENCRYPTION_CONTEXT")])).unwrap();
        assert_eq!(two.version(), HeaderVersion::Two);
    }

    #[test]
    fn cse_004_what_is_not_signed_must_be_allowed_and_only_that() {
        let open = config([("id", "sign_only"), ("note", "do_nothing")]);
        assert!(refusal(open.clone()).contains("must also be in allowedUnsignedAttributes"));
        let by_name = SchemaConfig {
            allowed_unsigned_attributes: ["note".to_owned()].into(),
            ..open.clone()
        };
        assert!(Schema::new(by_name).is_ok());
        let by_prefix = SchemaConfig {
            allowed_unsigned_prefix: Some("no".to_owned()),
            ..open
        };
        assert!(Schema::new(by_prefix).is_ok());
        let both = SchemaConfig {
            allowed_unsigned_attributes: ["card".to_owned()].into(),
            ..config([("id", "sign_only"), ("card", "encrypt_and_sign")])
        };
        assert_eq!(
            refusal(both),
            "Attribute card is configured as ENCRYPT_AND_SIGN but it is also in allowedUnsignedAttributes."
        );
    }

    #[test]
    fn cse_005_reserved_names_may_not_be_configured() {
        assert_eq!(
            refusal(config([("id", "sign_only"), ("aws_dbe_x", "sign_only")])),
            "Attribute: aws_dbe_x is reserved, and may not be configured."
        );
    }

    #[test]
    fn cse_044_a_table_name_has_3_to_255_characters() {
        for name in ["ab", "", "a b c", &"x".repeat(256)] {
            let named = SchemaConfig {
                logical_table_name: name.to_owned(),
                ..config([("id", "sign_only")])
            };
            assert!(refusal(named).contains("is not a table name"));
        }
    }

    #[test]
    fn cse_001_every_written_attribute_needs_an_action() {
        let schema = Schema::new(SchemaConfig {
            allowed_unsigned_prefix: Some(":".to_owned()),
            ..config([("id", "sign_only")])
        })
        .unwrap();
        assert_eq!(
            schema.action_on_write("card").unwrap_err().to_string(),
            "No Crypto Action configured for attribute card"
        );
        assert_eq!(schema.action_on_write(":x"), Ok(AttributeAction::DoNothing));
        assert!("whatever".parse::<AttributeAction>().is_err());
    }
}
