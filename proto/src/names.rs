//! Names that everybody agrees on, checked at birth.
//!
//! Cheap to clone (shared text), ordered, printable, and impossible to mix up.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A text that is not the name it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not {expected}")]
pub struct BadName {
    /// What was given.
    pub text: String,
    /// What it should have been, for example "an account id: 12 digits in quotes".
    pub expected: &'static str,
}

macro_rules! text_name {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` and takes it as a name.
            ///
            /// # Errors
            /// [`BadName`] when the text has another form.
            pub fn new(text: impl AsRef<str>) -> Result<Self, BadName> {
                let text = text.as_ref();
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(Arc::from(text)))
                } else {
                    Err(BadName { text: text.to_owned(), expected: $expected })
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadName;
            fn from_str(text: &str) -> Result<Self, BadName> {
                Self::new(text)
            }
        }
        impl TryFrom<String> for $name {
            type Error = BadName;
            fn try_from(text: String) -> Result<Self, BadName> {
                Self::new(text)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_name!(
    /// An AWS Region, for example `eu-west-1`.
    RegionName,
    "a Region name such as eu-west-1",
    |text| {
        let parts: Vec<&str> = text.split('-').collect();
        parts.len() >= 3
            && parts
                .iter()
                .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
            && parts[parts.len() - 1].bytes().all(|b| b.is_ascii_digit())
    }
);

text_name!(
    /// A twelve-digit AWS account id.
    AccountId,
    "an account id: 12 digits, in quotes",
    |text| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
);

/// An Amazon Resource Name: `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`.
///
/// Region and account may be empty (S3, IAM); the resource may hold colons and slashes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arn(Arc<str>);

impl Arn {
    /// Parses an ARN.
    ///
    /// # Errors
    /// [`BadName`] when the text has fewer than six parts or does not begin with `arn:`.
    pub fn new(text: impl AsRef<str>) -> Result<Self, BadName> {
        let text = text.as_ref();
        let mut parts = text.splitn(6, ':');
        let ok = parts.next() == Some("arn")
            && parts.next().is_some_and(|partition| !partition.is_empty())
            && parts.next().is_some_and(|service| !service.is_empty())
            && parts.next().is_some()
            && parts.next().is_some()
            && parts.next().is_some_and(|resource| !resource.is_empty());
        if ok {
            Ok(Self(Arc::from(text)))
        } else {
            Err(BadName {
                text: text.to_owned(),
                expected: "an ARN: arn:aws:service:region:account:resource",
            })
        }
    }

    /// Builds an ARN of the `aws` partition; region and account may be empty.
    #[must_use]
    pub fn of(service: &str, region: &str, account: &str, resource: &str) -> Self {
        Self(Arc::from(format!(
            "arn:aws:{service}:{region}:{account}:{resource}"
        )))
    }

    fn part(&self, index: usize) -> &str {
        self.0.splitn(6, ':').nth(index).unwrap_or_default()
    }

    /// The service, for example `kms`.
    #[must_use]
    pub fn service(&self) -> &str {
        self.part(2)
    }
    /// The Region, empty for global services.
    #[must_use]
    pub fn region(&self) -> &str {
        self.part(3)
    }
    /// The account, empty for S3 buckets.
    #[must_use]
    pub fn account(&self) -> &str {
        self.part(4)
    }
    /// What follows the account, for example `key/mrk-...`.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.part(5)
    }
    /// The ARN as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl FromStr for Arn {
    type Err = BadName;
    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::new(text)
    }
}
impl TryFrom<String> for Arn {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        Self::new(text)
    }
}
impl From<Arn> for String {
    fn from(arn: Arn) -> String {
        arn.0.as_ref().to_owned()
    }
}
impl AsRef<str> for Arn {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A moment on one Region's own, skewable clock: microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// Microseconds since the run began; monotone and never skewed.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Elapsed(pub u64);

impl Elapsed {
    /// This moment and `seconds` more.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }
    /// This moment and `micros` more.
    #[must_use]
    pub fn plus_micros(self, micros: u64) -> Self {
        Self(self.0.saturating_add(micros))
    }
}

impl Timestamp {
    /// Milliseconds since 1970, as definitions carry times.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }
    /// This moment and `seconds` more.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_at_birth() {
        assert!(RegionName::new("eu-west-1").is_ok());
        assert!(RegionName::new("us-gov-west-1").is_ok());
        assert!(RegionName::new("Ireland").is_err());
        assert!(AccountId::new("111111111111").is_ok());
        assert!(AccountId::new("11111111111").is_err());
        let arn = Arn::new("arn:aws:s3:::photos/a:b").expect("an S3 ARN has no account");
        assert_eq!(
            (arn.service(), arn.account(), arn.resource()),
            ("s3", "", "photos/a:b")
        );
        assert!(Arn::new("arn:aws:kms").is_err());
    }
}
