//! Which keys wrap a data key, and which are asked to unwrap it.
//!
//! A keyring answers both questions without a call: [`Keyring::writers`] in the order
//! their wrapped copies appear in the header, [`Keyring::attempts`] in the order they are
//! tried. What a multi-Region key changes is only here: a copy that was wrapped in one
//! Region is asked for with the key of another (CSE-026, CSE-030).

mod arn;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use faultline_proto::names::{AccountId, RegionName};

pub use arn::KeyArn;

use crate::branch::{self, Hierarchy};
use crate::context::EncryptionContext;
use crate::error::SealedError;
use crate::header::EncryptedDataKey;

/// The provider id of everything KMS wrapped itself.
pub const PROVIDER: &str = "aws-kms";

/// Which keys a client uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keyring {
    /// One key; copies wrapped under a related multi-Region key match too (CSE-026).
    KmsMrk(KeyArn),
    /// One key and only that key (CSE-027).
    Kms(KeyArn),
    /// Several keyrings, each with its own copies; the first generates, and any one opens
    /// (CSE-029). See [`Keyring::multi`].
    Multi(Vec<Keyring>),
    /// Whatever key of this Region the item names; cannot write. A multi-Region key of
    /// another Region is not recognised.
    Discovery {
        /// Where KMS is asked.
        region: RegionName,
        /// Only keys of these accounts; empty for any.
        accounts: BTreeSet<AccountId>,
    },
    /// Whatever key the item names, asked for in this Region; cannot write (CSE-028).
    MrkDiscovery {
        /// Where KMS is asked.
        region: RegionName,
        /// Only keys of these accounts; empty for any.
        accounts: BTreeSet<AccountId>,
    },
    /// Branch keys kept in a table (CSE-033).
    Hierarchy(Hierarchy),
}

/// Who makes one wrapped copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer<'a> {
    /// A KMS key.
    Kms(&'a KeyArn),
    /// The active branch key.
    Branch(&'a Hierarchy),
}

/// One thing to try when opening an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt<'a> {
    /// Which of the item's encrypted data keys, counted from zero.
    pub data_key: u32,
    /// Who may be able to unwrap it.
    pub with: Unwrapper<'a>,
}

/// Who unwraps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unwrapper<'a> {
    /// The key KMS is told to use, in that key's Region.
    Kms(KeyArn),
    /// The branch key that the copy names.
    Branch(&'a Hierarchy),
}

impl Keyring {
    /// Several keyrings as one.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] for a generator that cannot write.
    pub fn multi(generator: Self, children: Vec<Self>) -> Result<Self, SealedError> {
        generator.writers()?;
        Ok(Self::Multi(
            std::iter::once(generator).chain(children).collect(),
        ))
    }

    /// Several KMS keys, each of which must match exactly.
    ///
    /// # Errors
    /// None today; the form is that of its siblings.
    pub fn kms_multi(generator: KeyArn, children: Vec<KeyArn>) -> Result<Self, SealedError> {
        let children = children.into_iter().map(Self::Kms).collect();
        Self::multi(Self::Kms(generator), children)
    }

    /// Several keys, of which multi-Region ones stand for their relatives too.
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
        let children = children.into_iter().map(Self::KmsMrk).collect();
        Self::multi(Self::KmsMrk(generator), children)
    }

    /// Who wraps a data key, in header order.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] for a discovery keyring.
    pub fn writers(&self) -> Result<Vec<Writer<'_>>, SealedError> {
        match self {
            Self::KmsMrk(key) | Self::Kms(key) => Ok(vec![Writer::Kms(key)]),
            Self::Multi(keyrings) => {
                let mut writers = Vec::new();
                for keyring in keyrings {
                    writers.extend(keyring.writers()?);
                }
                Ok(writers)
            }
            Self::Discovery { .. } | Self::MrkDiscovery { .. } => {
                Err(SealedError::SchemaViolation(
                    "Encryption is not supported with a Discovery Keyring.".to_owned(),
                ))
            }
            Self::Hierarchy(hierarchy) => Ok(vec![Writer::Branch(hierarchy)]),
        }
    }

    /// What to try for these encrypted data keys of an item with this context, in order.
    ///
    /// # Errors
    /// [`SealedError::NoMatchingKey`] when there is nothing to try (CSE-043),
    /// [`SealedError::InvalidHeader`] when an item names a KMS key that is none, and
    /// whatever finding the branch key id says.
    pub fn attempts(
        &self,
        data_keys: &[EncryptedDataKey],
        context: &EncryptionContext,
    ) -> Result<Vec<Attempt<'_>>, SealedError> {
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
        let mut attempts = Vec::new();
        self.add_attempts(data_keys, &wrapped_by, context, &mut attempts)?;
        if attempts.is_empty() {
            return Err(SealedError::NoMatchingKey {
                offered: data_keys.iter().map(branch::offered).collect(),
            });
        }
        Ok(attempts)
    }

    fn add_attempts<'a>(
        &'a self,
        data_keys: &[EncryptedDataKey],
        wrapped_by: &[(u32, KeyArn)],
        context: &EncryptionContext,
        attempts: &mut Vec<Attempt<'a>>,
    ) -> Result<(), SealedError> {
        let mut with = |asked: &dyn Fn(&KeyArn) -> Option<KeyArn>| {
            attempts.extend(wrapped_by.iter().filter_map(|(data_key, key)| {
                Some(Attempt {
                    data_key: *data_key,
                    with: Unwrapper::Kms(asked(key)?),
                })
            }));
        };
        match self {
            Self::KmsMrk(own) => with(&|key| own.matches(key).then(|| own.clone())),
            Self::Kms(own) => with(&|key| (own == key).then(|| own.clone())),
            Self::Discovery { region, accounts } => with(&|key| {
                (of_accounts(key, accounts) && key.region() == region).then(|| key.clone())
            }),
            Self::MrkDiscovery { region, accounts } => {
                with(&|key| discovered(key, region, accounts));
            }
            Self::Multi(keyrings) => {
                for keyring in keyrings {
                    keyring.add_attempts(data_keys, wrapped_by, context, attempts)?;
                }
            }
            Self::Hierarchy(hierarchy) => {
                let id = hierarchy.branch_key_id(context)?;
                for (data_key, index) in data_keys.iter().zip(0_u32..) {
                    if data_key.provider_id == branch::PROVIDER && data_key.provider_info == id {
                        attempts.push(Attempt {
                            data_key: index,
                            with: Unwrapper::Branch(hierarchy),
                        });
                    }
                }
            }
        }
        Ok(())
    }
}

/// The key a discovery keyring asks for: moved to its Region, or only if it is there already.
fn discovered(key: &KeyArn, region: &RegionName, accounts: &BTreeSet<AccountId>) -> Option<KeyArn> {
    if !of_accounts(key, accounts) {
        return None;
    }
    if key.is_multi_region() {
        Some(key.in_region(region))
    } else {
        (key.region() == region).then(|| key.clone())
    }
}

fn of_accounts(key: &KeyArn, accounts: &BTreeSet<AccountId>) -> bool {
    accounts.is_empty()
        || accounts
            .iter()
            .any(|account| account.as_str() == key.account())
}
