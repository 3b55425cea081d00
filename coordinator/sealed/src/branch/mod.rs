//! The hierarchical keyring: data keys under branch keys, branch keys under a KMS key.
//!
//! ```text
//! KMS key ──► branch key, in a table ──► intermediate key of an item ──► data key
//!             one call, then cached      salt | iv | version | sealed 32 | tag
//! ```
//!
//! A branch key is fetched once and kept for its time to live (CSE-033), so most items are
//! written and read without KMS. What is wrapped names the version that wrapped it, so
//! rotation ([`KeyStore::version_key`]) leaves old items readable. [`store`] is the table,
//! [`record`] one row of it, [`cache`] what is kept.

pub mod cache;
pub mod record;
pub mod store;
mod table;
mod time;
pub mod uuid;

use std::collections::BTreeMap;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

pub use cache::{BeaconKeyCache, BranchKeyCache};
pub use store::{KeyStore, KmsConfiguration};

use crate::client::{AwsClient, WrappedBy};
use crate::context::EncryptionContext;
use crate::entropy::Entropy;
use crate::error::SealedError;
use crate::header::EncryptedDataKey;
use crate::secret::{BranchKey, DataKey, IntermediateKey, KEY_LENGTH, TagKey};
use crate::wrapping::{GCM_TAG, WRAPPED_DATA_KEY, gcm_open, gcm_seal};
use uuid::Uuid;

/// The provider id of what a branch key wrapped; also the label of its key derivation.
pub const PROVIDER: &str = "aws-kms-hierarchy";

const SALT: usize = 16;
const IV: usize = 12;
const VERSION: usize = 16;
/// Length of an intermediate key under a branch key, with what is needed to open it.
const SEALED: usize = SALT + IV + VERSION + KEY_LENGTH + GCM_TAG;

/// Which branch key an item is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BranchKeyId {
    /// Always the same.
    Fixed(String),
    /// By the value of an attribute of the item that is in its encryption context: its key
    /// attributes, or what is SIGN_AND_INCLUDE_IN_ENCRYPTION_CONTEXT.
    ByAttribute {
        /// Name of the attribute; its value is text or a number.
        attribute: String,
        /// Branch key ids by value.
        ids: BTreeMap<String, String>,
    },
}

/// A hierarchical keyring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// Where branch keys are.
    pub store: KeyStore,
    /// Which one.
    pub branch_key: BranchKeyId,
    /// Seconds for which a fetched branch key is used; more than zero.
    pub time_to_live: u64,
    /// What was fetched; clones share it.
    pub cache: BranchKeyCache,
}

/// A branch key, opened.
#[derive(Debug, Clone)]
pub struct BranchKeyMaterial {
    /// The key itself.
    pub key: BranchKey,
    /// Its version.
    pub version: Uuid,
}

/// The random bytes of one wrapping, drawn before any call.
pub(crate) struct Drawn {
    salt: [u8; SALT],
    iv: [u8; IV],
    intermediate: IntermediateKey,
}

impl Drawn {
    pub(crate) fn draw(entropy: &mut dyn Entropy) -> Self {
        let (mut salt, mut iv, mut key) = ([0; SALT], [0; IV], [0; KEY_LENGTH]);
        entropy.fill("sealed.branch-salt", &mut salt);
        entropy.fill("sealed.branch-iv", &mut iv);
        entropy.fill("sealed.intermediate-key", &mut key);
        Self {
            salt,
            iv,
            intermediate: IntermediateKey::new(key),
        }
    }
}

impl Hierarchy {
    /// The branch key id for an item with this context.
    ///
    /// # Errors
    /// [`SealedError::SchemaViolation`] when the attribute is not there or nothing is
    /// configured for its value.
    pub fn branch_key_id(&self, context: &EncryptionContext) -> Result<String, SealedError> {
        match &self.branch_key {
            BranchKeyId::Fixed(id) => Ok(id.clone()),
            BranchKeyId::ByAttribute { attribute, ids } => {
                let value = context.attribute(attribute).ok_or_else(|| {
                    SealedError::SchemaViolation(format!(
                        "Attribute {attribute}, which names the branch key, is not in the encryption context."
                    ))
                })?;
                ids.get(&value).cloned().ok_or_else(|| {
                    SealedError::SchemaViolation(format!(
                        "No branch key is configured for the value '{value}' of attribute {attribute}."
                    ))
                })
            }
        }
    }

    /// Wraps `data_key` under the active branch key.
    pub(crate) async fn wrap<A: AwsClient>(
        &self,
        aws: &A,
        drawn: &Drawn,
        context: &EncryptionContext,
        data_key: &DataKey,
    ) -> Result<((EncryptedDataKey, TagKey), WrappedBy), SealedError> {
        let id = self.branch_key_id(context)?;
        let branch = self.active(aws, &id).await?;
        let context = context.serialize();
        let mut ciphertext = drawn.intermediate.wrap(data_key, &context);
        ciphertext.extend(drawn.salt);
        ciphertext.extend(drawn.iv);
        ciphertext.extend(branch.version.bytes());
        ciphertext.extend(gcm_seal(
            &derived(&branch.key, &drawn.salt),
            &drawn.iv,
            drawn.intermediate.bytes(),
            &additional_data(&id, branch.version, &context),
        ));
        let key = EncryptedDataKey {
            provider_id: PROVIDER.to_owned(),
            provider_info: id.clone(),
            ciphertext,
        };
        let by = WrappedBy::Branch {
            id,
            version: branch.version,
        };
        Ok(((key, drawn.intermediate.tag_key()), by))
    }

    /// Unwraps what [`Self::wrap`] made, with the version that it names.
    pub(crate) async fn unwrap<A: AwsClient>(
        &self,
        aws: &A,
        wrapped: &EncryptedDataKey,
        context: &EncryptionContext,
    ) -> Result<(DataKey, TagKey, WrappedBy), SealedError> {
        let (data_key, sealed) = split(wrapped)?;
        let (salt, rest) = sealed
            .split_first_chunk::<SALT>()
            .ok_or_else(wrong_length)?;
        let (iv, rest) = rest.split_first_chunk::<IV>().ok_or_else(wrong_length)?;
        let (version, sealed) = rest
            .split_first_chunk::<VERSION>()
            .ok_or_else(wrong_length)?;
        let version = Uuid::new(*version);
        let id = &wrapped.provider_info;
        let branch = self.version(aws, id, version).await?;
        let context = context.serialize();
        let not_of_this_item = || {
            SealedError::SignatureInvalid(
                "the wrapped data key does not belong to this item".into(),
            )
        };
        let intermediate = gcm_open(
            &derived(&branch.key, salt),
            iv,
            sealed,
            &additional_data(id, version, &context),
        )
        .and_then(|bytes| IntermediateKey::from_slice(&bytes))
        .ok_or_else(not_of_this_item)?;
        let data_key = intermediate
            .unwrap(data_key, &context)
            .ok_or_else(not_of_this_item)?;
        let by = WrappedBy::Branch {
            id: id.clone(),
            version,
        };
        Ok((data_key, intermediate.tag_key(), by))
    }

    async fn active<A: AwsClient>(
        &self,
        aws: &A,
        id: &str,
    ) -> Result<BranchKeyMaterial, SealedError> {
        let name = format!("{}/{id}/ACTIVE", self.store.logical_name);
        if let Some(kept) = self.cache.get(&name, aws.now(), self.time_to_live) {
            return Ok(kept);
        }
        let fetched = self.store.active_branch_key(aws, id).await?;
        self.cache.put(name, aws.now(), fetched.clone());
        Ok(fetched)
    }

    async fn version<A: AwsClient>(
        &self,
        aws: &A,
        id: &str,
        version: Uuid,
    ) -> Result<BranchKeyMaterial, SealedError> {
        let name = format!("{}/{id}/{version}", self.store.logical_name);
        if let Some(kept) = self.cache.get(&name, aws.now(), self.time_to_live) {
            return Ok(kept);
        }
        let fetched = self.store.branch_key_version(aws, id, version).await?;
        self.cache.put(name, aws.now(), fetched.clone());
        Ok(fetched)
    }
}

/// Provider id and information of an encrypted data key, with the branch key's version, as
/// the SDK tells of keys that it cannot use.
pub(crate) fn offered(key: &EncryptedDataKey) -> (String, String) {
    let version = (key.provider_id == PROVIDER)
        .then(|| {
            key.ciphertext
                .get(WRAPPED_DATA_KEY + SALT + IV..)?
                .first_chunk()
        })
        .flatten();
    let info = match version {
        None => key.provider_info.clone(),
        Some(version) => format!(
            "{}, BranchKeyVersion: {}",
            key.provider_info,
            Uuid::new(*version)
        ),
    };
    (key.provider_id.clone(), info)
}

fn split(wrapped: &EncryptedDataKey) -> Result<(&[u8], &[u8]), SealedError> {
    wrapped
        .ciphertext
        .split_at_checked(WRAPPED_DATA_KEY)
        .filter(|(_, sealed)| sealed.len() == SEALED)
        .ok_or_else(wrong_length)
}

fn wrong_length() -> SealedError {
    SealedError::InvalidHeader("Received EDK Ciphertext of incorrect length.".to_owned())
}

/// NIST SP 800-108 in counter mode with HMAC-SHA256; one block of it is the whole key.
fn derived(branch: &BranchKey, salt: &[u8; SALT]) -> [u8; KEY_LENGTH] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(branch.bytes())
        .expect("HMAC takes keys of any length");
    mac.update(&1_u32.to_be_bytes());
    mac.update(PROVIDER.as_bytes());
    mac.update(&[0]);
    mac.update(salt);
    mac.update(&256_u32.to_be_bytes());
    mac.finalize().into_bytes().into()
}

fn additional_data(id: &str, version: Uuid, context: &[u8]) -> Vec<u8> {
    [PROVIDER.as_bytes(), id.as_bytes(), version.bytes(), context].concat()
}
