//! The ARN of a KMS key, and which two of them are the same key.

use std::fmt;
use std::str::FromStr;

use faultline_proto::names::{Arn, RegionName};

use crate::error::SealedError;

/// The ARN of a KMS key: `arn:aws:kms:REGION:ACCOUNT:key/ID`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyArn {
    arn: Arn,
    region: RegionName,
}

impl KeyArn {
    /// Checks that `arn` names a KMS key, not an alias, in a Region.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] when it does not.
    pub fn new(arn: Arn) -> Result<Self, SealedError> {
        let id = arn.resource().strip_prefix("key/").unwrap_or_default();
        let region = RegionName::new(arn.region()).ok();
        match region {
            Some(region)
                if arn.service() == "kms" && !id.is_empty() && !arn.account().is_empty() =>
            {
                Ok(Self { arn, region })
            }
            _ => Err(SealedError::SchemaViolation(format!(
                "'{arn}' is not the ARN of a KMS key"
            ))),
        }
    }

    /// The Region KMS is called in.
    #[must_use]
    pub fn region(&self) -> &RegionName {
        &self.region
    }

    /// The account that owns the key.
    #[must_use]
    pub fn account(&self) -> &str {
        self.arn.account()
    }

    /// The ARN as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.arn.as_str()
    }

    /// Whether this is a multi-Region key.
    #[must_use]
    pub fn is_multi_region(&self) -> bool {
        self.arn.resource().starts_with("key/mrk-")
    }

    /// The related key in `region`: the same key but for the Region.
    #[must_use]
    pub fn in_region(&self, region: &RegionName) -> Self {
        let text = self.as_str();
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let moved = [
            parts[0],
            parts[1],
            parts[2],
            region.as_str(),
            parts[4],
            parts[5],
        ]
        .join(":");
        Self {
            arn: Arn::new(moved).expect("only the Region of a valid ARN was replaced"),
            region: region.clone(),
        }
    }

    /// Equal, or multi-Region keys that differ in nothing but the Region (CSE-026, CSE-027).
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self == other
            || (self.is_multi_region()
                && other.is_multi_region()
                && self.in_region(&other.region) == *other)
    }
}

impl FromStr for KeyArn {
    type Err = SealedError;
    fn from_str(text: &str) -> Result<Self, SealedError> {
        let arn = Arn::new(text).map_err(|bad| SealedError::SchemaViolation(bad.to_string()))?;
        Self::new(arn)
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.arn.fmt(f)
    }
}
