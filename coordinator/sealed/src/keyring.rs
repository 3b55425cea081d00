//! Which KMS keys wrap a data key, and which are asked to unwrap it.
//!
//! A keyring answers both questions without a call: [`Keyring::writers`] in the order
//! their wrapped copies appear in the header, [`Keyring::attempts`] in the order KMS is
//! asked. What a multi-Region key changes is only here: a copy that was wrapped in one
//! Region is asked for with the key of another (CSE-026, CSE-030).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use faultline_proto::names::{AccountId, Arn, RegionName};

use crate::error::SealedError;
use crate::header::EncryptedDataKey;

/// The provider id of everything KMS wrapped.
pub const PROVIDER: &str = "aws-kms";

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

/// Which keys a client uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keyring {
    /// One key; copies wrapped under a related multi-Region key match too (CSE-026).
    KmsMrk(KeyArn),
    /// One key and only that key (CSE-027).
    Kms(KeyArn),
    /// Several keys, each with its own copy; any one opens (CSE-029). See [`Keyring::mrk_multi`].
    MrkMulti {
        /// Wraps first, and is tried first.
        generator: KeyArn,
        /// Wrap and are tried in this order.
        children: Vec<KeyArn>,
    },
    /// Whatever key the item names, asked for in this Region; cannot write (CSE-028).
    MrkDiscovery {
        /// Where KMS is asked.
        region: RegionName,
        /// Only keys of these accounts; empty for any.
        accounts: BTreeSet<AccountId>,
    },
}

/// One thing to try when opening an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Which of the item's encrypted data keys, counted from zero.
    pub data_key: u32,
    /// The key KMS is told to use, in that key's Region.
    pub key: KeyArn,
}

impl Keyring {
    /// A keyring of several keys.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] when two of them are related multi-Region keys:
    /// one copy would do for both, and the SDK refuses it.
    pub fn mrk_multi(generator: KeyArn, children: Vec<KeyArn>) -> Result<Self, SealedError> {
        let all: Vec<&KeyArn> = std::iter::once(&generator).chain(&children).collect();
        for (at, key) in all.iter().enumerate() {
            let related = |other: &&&KeyArn| key.is_multi_region() && key.matches(other);
            if let Some(other) = all[at + 1..].iter().find(related) {
                return Err(SealedError::SchemaViolation(format!(
                    "Related multi-Region keys: {key},{other} are not allowed."
                )));
            }
        }
        Ok(Self::MrkMulti {
            generator,
            children,
        })
    }

    /// The keys that wrap a data key, in header order.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] for a discovery keyring.
    pub fn writers(&self) -> Result<Vec<&KeyArn>, SealedError> {
        match self {
            Self::KmsMrk(key) | Self::Kms(key) => Ok(vec![key]),
            Self::MrkMulti {
                generator,
                children,
            } => Ok(std::iter::once(generator).chain(children).collect()),
            Self::MrkDiscovery { .. } => Err(SealedError::SchemaViolation(
                "Encryption is not supported with a Discovery Keyring.".to_owned(),
            )),
        }
    }

    /// What to try for these encrypted data keys, in order.
    ///
    /// # Errors
    /// [`SealedError::NoMatchingKey`] when there is nothing to try (CSE-043),
    /// [`SealedError::InvalidHeader`] when an item names a KMS key that is none.
    pub fn attempts(&self, data_keys: &[EncryptedDataKey]) -> Result<Vec<Attempt>, SealedError> {
        let mut wrapped_by = Vec::new();
        for (data_key, index) in data_keys.iter().zip(0_u32..) {
            if data_key.provider_id == PROVIDER {
                let key: KeyArn = data_key
                    .provider_info
                    .parse()
                    .map_err(|bad: SealedError| SealedError::InvalidHeader(bad.to_string()))?;
                wrapped_by.push((index, key));
            }
        }
        let with = |own: &KeyArn, matches: fn(&KeyArn, &KeyArn) -> bool| -> Vec<Attempt> {
            let matching = wrapped_by.iter().filter(|(_, key)| matches(own, key));
            matching
                .map(|(data_key, _)| Attempt {
                    data_key: *data_key,
                    key: own.clone(),
                })
                .collect()
        };
        let attempts: Vec<Attempt> = match self {
            Self::KmsMrk(key) => with(key, KeyArn::matches),
            Self::Kms(key) => with(key, KeyArn::eq),
            Self::MrkMulti {
                generator,
                children,
            } => std::iter::once(generator)
                .chain(children)
                .flat_map(|key| with(key, KeyArn::matches))
                .collect(),
            Self::MrkDiscovery { region, accounts } => wrapped_by
                .iter()
                .filter_map(|(data_key, key)| {
                    let key = discovered(key, region, accounts)?;
                    Some(Attempt {
                        data_key: *data_key,
                        key,
                    })
                })
                .collect(),
        };
        if attempts.is_empty() {
            let offered = data_keys
                .iter()
                .map(|key| (key.provider_id.clone(), key.provider_info.clone()));
            return Err(SealedError::NoMatchingKey {
                offered: offered.collect(),
            });
        }
        Ok(attempts)
    }
}

/// The key a discovery keyring asks for: moved to its Region, or only if it is there already.
fn discovered(key: &KeyArn, region: &RegionName, accounts: &BTreeSet<AccountId>) -> Option<KeyArn> {
    let of_account = |account: &AccountId| account.as_str() == key.arn.account();
    if !accounts.is_empty() && !accounts.iter().any(of_account) {
        return None;
    }
    if key.is_multi_region() {
        Some(key.in_region(region))
    } else {
        (key.region() == region).then(|| key.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MRK_WEST: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234";
    const MRK_EAST: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234";
    const OTHER_MRK: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-9999";
    const SINGLE_WEST: &str = "arn:aws:kms:eu-west-1:111122223333:key/aaaa";
    const SINGLE_EAST: &str = "arn:aws:kms:us-east-1:111122223333:key/aaaa";

    fn key(arn: &str) -> KeyArn {
        arn.parse().unwrap()
    }

    fn wrapped_by(arns: &[&str]) -> Vec<EncryptedDataKey> {
        let by = |arn: &&str| EncryptedDataKey {
            provider_id: PROVIDER.to_owned(),
            provider_info: (*arn).to_owned(),
            ciphertext: vec![],
        };
        arns.iter().map(by).collect()
    }

    fn tries(keyring: &Keyring, arns: &[&str]) -> Vec<(u32, String)> {
        match keyring.attempts(&wrapped_by(arns)) {
            Ok(attempts) => attempts
                .into_iter()
                .map(|a| (a.data_key, a.key.to_string()))
                .collect(),
            Err(error) => {
                assert_eq!(error.code(), "NoMatchingKey");
                Vec::new()
            }
        }
    }

    #[test]
    fn cse_026_027_what_matches_what() {
        let west = Keyring::KmsMrk(key(MRK_WEST));
        assert_eq!(tries(&west, &[MRK_WEST]), [(0, MRK_WEST.to_owned())]);
        assert_eq!(
            tries(&west, &[OTHER_MRK, MRK_EAST]),
            [(1, MRK_WEST.to_owned())]
        );
        assert_eq!(tries(&west, &[OTHER_MRK, SINGLE_WEST]), []);
        assert_eq!(tries(&Keyring::Kms(key(MRK_WEST)), &[MRK_EAST]), []);
        assert_eq!(
            tries(&Keyring::KmsMrk(key(SINGLE_WEST)), &[SINGLE_EAST]),
            []
        );
        assert_eq!(
            tries(&Keyring::Kms(key(SINGLE_WEST)), &[SINGLE_EAST, SINGLE_WEST]),
            [(1, SINGLE_WEST.to_owned())]
        );
    }

    #[test]
    fn cse_028_discovery_moves_multi_region_keys_and_only_those() {
        let east = Keyring::MrkDiscovery {
            region: RegionName::new("us-east-1").unwrap(),
            accounts: BTreeSet::new(),
        };
        assert_eq!(
            tries(&east, &[MRK_WEST, SINGLE_WEST, SINGLE_EAST]),
            [(0, MRK_EAST.to_owned()), (2, SINGLE_EAST.to_owned())]
        );
        assert!(east.writers().is_err());
        let elsewhere = Keyring::MrkDiscovery {
            region: RegionName::new("us-east-1").unwrap(),
            accounts: [AccountId::new("999999999999").unwrap()].into(),
        };
        assert_eq!(tries(&elsewhere, &[MRK_WEST]), []);
    }

    #[test]
    fn cse_029_the_generator_is_tried_first_and_any_child_may_open() {
        let multi = Keyring::mrk_multi(key(MRK_WEST), vec![key(SINGLE_EAST)]).unwrap();
        assert_eq!(
            multi.writers().unwrap(),
            [&key(MRK_WEST), &key(SINGLE_EAST)]
        );
        assert_eq!(
            tries(&multi, &[SINGLE_EAST, MRK_EAST]),
            [(1, MRK_WEST.to_owned()), (0, SINGLE_EAST.to_owned())]
        );
        assert!(Keyring::mrk_multi(key(MRK_WEST), vec![key(MRK_EAST)]).is_err());
    }

    #[test]
    fn cse_043_nothing_to_try_is_said_in_the_sdks_words() {
        let error = Keyring::Kms(key(SINGLE_WEST))
            .attempts(&wrapped_by(&[SINGLE_EAST]))
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "Unable to decrypt data key: No Encrypted Data Keys found to match. \
                 Expected: KeyProviderId: aws-kms, KeyProviderInfo: {SINGLE_EAST}"
            )
        );
    }

    #[test]
    fn what_is_no_key_arn_is_refused() {
        for bad in [
            "mrk-1234",
            "arn:aws:kms:eu-west-1:111122223333:alias/x",
            "arn:aws:s3:eu-west-1:111122223333:key/x",
            "arn:aws:kms::111122223333:key/x",
            "arn:aws:kms:eu-west-1:111122223333:key/",
        ] {
            assert!(bad.parse::<KeyArn>().is_err(), "{bad}");
        }
        let error = Keyring::Kms(key(SINGLE_WEST))
            .attempts(&wrapped_by(&["nonsense"]))
            .unwrap_err();
        assert_eq!(error.code(), "InvalidHeader");
    }
}
