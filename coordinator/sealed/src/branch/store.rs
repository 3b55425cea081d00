//! The key store: branch keys in a DynamoDB table, wrapped by KMS.
//!
//! ```text
//! create_key:   GenerateDataKeyWithoutPlaintext (version) -> ReEncrypt (active)
//!               -> GenerateDataKeyWithoutPlaintext (beacon) -> three rows at once
//! version_key:  GetItem (active) -> ReEncrypt (is it real?) -> the first two -> two rows at once
//! reading:      GetItem -> Decrypt with every attribute as context
//! ```
//!
//! No branch key is ever seen in the clear while it is made.

use std::collections::BTreeMap;

use faultline_proto::kms::{
    DecryptRequest, DecryptResponse, GenerateDataKeyWithoutPlaintextRequest,
    GenerateDataKeyWithoutPlaintextResponse, ReEncryptRequest, ReEncryptResponse,
};
use faultline_proto::names::RegionName;
use zeroize::Zeroizing;

use super::record::{Common, ID, RowContext, RowType, TYPE};
use super::table::{self, Put};
use super::uuid::Uuid;
use super::{BranchKeyMaterial, time};
use crate::client::{AwsClient, TableAt, call, unexpected};
use crate::entropy::Entropy;
use crate::error::SealedError;
use crate::keyring::KeyArn;
use crate::secret::{BeaconKey, BranchKey};
use crate::value::{Item, Value};

const GENERATE: &str = "kms.GenerateDataKeyWithoutPlaintext";
const REENCRYPT: &str = "kms.ReEncrypt";
const DECRYPT: &str = "kms.Decrypt";

/// Which KMS keys a store accepts (CSE-034).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KmsConfiguration {
    /// Exactly this key.
    KeyArn(KeyArn),
    /// This key, and multi-Region keys that differ in nothing but the Region.
    MrkArn(KeyArn),
    /// Whatever key a row names, asked for in this Region as it is; cannot make keys.
    Discovery(RegionName),
    /// Whatever key a row names, multi-Region keys moved to this Region; cannot make keys.
    MrDiscovery(RegionName),
}

/// A key store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStore {
    /// The table, with partition key `branch-key-id` and sort key `type`.
    pub table: TableAt,
    /// Bound into every row; stays the same when the table is restored under another name.
    pub logical_name: String,
    /// Which KMS keys.
    pub kms: KmsConfiguration,
}

impl KeyStore {
    /// Makes a branch key and its beacon key, and answers the id.
    ///
    /// # Errors
    /// [`SealedError::KeyStore`] for an id without a custom context and for a discovery
    /// configuration; [`SealedError::Call`] for a failed call.
    pub async fn create_key<A: AwsClient>(
        &self,
        aws: &A,
        entropy: &mut dyn Entropy,
        id: Option<&str>,
        custom: &BTreeMap<String, String>,
    ) -> Result<String, SealedError> {
        let key = self.own_key("Create")?;
        let id = match id {
            None => Uuid::draw(entropy, "sealed.branch-key-id").to_string(),
            Some("") => {
                return refused("Empty string not supported for branch key identifier.");
            }
            Some(_) if custom.is_empty() => {
                return refused("Custom branch key identifier requires custom encryption context.");
            }
            Some(id) => id.to_owned(),
        };
        let version = Uuid::draw(entropy, "sealed.branch-key-version").to_string();
        let common = Common {
            id: &id,
            created: &time::written(aws.now()),
            logical_name: &self.logical_name,
            kms_arn: key.as_str(),
            custom,
        };
        let decrypt_only = RowContext::new(&common, &RowType::Version(version));
        let beacon = RowContext::new(&common, &RowType::Beacon);
        let (version, active) = self.wrapped_version(aws, key, &decrypt_only).await?;
        let beacon = beacon.item(generate(aws, key, &beacon).await?);
        let puts = [version, active, beacon].map(|item| Put { item, new: true });
        table::write(aws, &self.table, puts.into()).await?;
        Ok(id)
    }

    /// Makes a new version of a branch key, which becomes the active one.
    ///
    /// # Errors
    /// As [`Self::create_key`], and when the active row is not real.
    pub async fn version_key<A: AwsClient>(
        &self,
        aws: &A,
        entropy: &mut dyn Entropy,
        id: &str,
    ) -> Result<(), SealedError> {
        let key = self.own_key("Version")?;
        let version = Uuid::draw(entropy, "sealed.branch-key-version").to_string();
        let (active, enc) = self.row(aws, id, &RowType::Active).await?;
        if !self.accepts(&active.kms_arn()?) {
            return refused(
                "Branch key's KMS Key ARN read from Dynamodb does not match Key Store's configured KMS Key ARN.",
            );
        }
        reencrypt(aws, key, enc, &active, &active).await?;
        let created = time::written(aws.now());
        let decrypt_only = active.versioned(&RowType::Version(version), &created);
        let (version, active) = self.wrapped_version(aws, key, &decrypt_only).await?;
        let puts = vec![
            Put {
                item: version,
                new: true,
            },
            Put {
                item: active,
                new: false,
            },
        ];
        table::write(aws, &self.table, puts).await
    }

    /// Fetches and opens the active version of a branch key.
    ///
    /// # Errors
    /// [`SealedError::KeyStore`] when there is none, it is no branch key or its KMS key is
    /// not the configured one; [`SealedError::Call`] for a failed call.
    pub async fn active_branch_key<A: AwsClient>(
        &self,
        aws: &A,
        id: &str,
    ) -> Result<BranchKeyMaterial, SealedError> {
        self.branch_key(aws, id, &RowType::Active).await
    }

    /// Fetches and opens a version of a branch key.
    ///
    /// # Errors
    /// As [`Self::active_branch_key`].
    pub async fn branch_key_version<A: AwsClient>(
        &self,
        aws: &A,
        id: &str,
        version: Uuid,
    ) -> Result<BranchKeyMaterial, SealedError> {
        let version = RowType::Version(version.to_string());
        self.branch_key(aws, id, &version).await
    }

    /// Fetches and opens the beacon key that was made with a branch key.
    ///
    /// # Errors
    /// As [`Self::active_branch_key`].
    pub async fn beacon_key<A: AwsClient>(
        &self,
        aws: &A,
        id: &str,
    ) -> Result<BeaconKey, SealedError> {
        let (row, enc) = self.row(aws, id, &RowType::Beacon).await?;
        let (plaintext, region) = self.open(aws, &row, enc).await?;
        BeaconKey::from_slice(&plaintext).ok_or_else(|| not_32_bytes(&region))
    }

    async fn branch_key<A: AwsClient>(
        &self,
        aws: &A,
        id: &str,
        kind: &RowType,
    ) -> Result<BranchKeyMaterial, SealedError> {
        let (row, enc) = self.row(aws, id, kind).await?;
        let version = row.version().unwrap_or_default().parse()?;
        let (plaintext, region) = self.open(aws, &row, enc).await?;
        let key = BranchKey::from_slice(&plaintext).ok_or_else(|| not_32_bytes(&region))?;
        Ok(BranchKeyMaterial { key, version })
    }

    async fn row<A: AwsClient>(
        &self,
        aws: &A,
        id: &str,
        kind: &RowType,
    ) -> Result<(RowContext, Vec<u8>), SealedError> {
        let key: Item = [(ID, id), (TYPE, &kind.name())]
            .map(|(name, text)| (name.to_owned(), Value::S(text.to_owned())))
            .into();
        let Some(item) = table::get(aws, &self.table, &key).await? else {
            return refused("No item found for corresponding branch key identifier.");
        };
        RowContext::read(&item, &self.logical_name, kind)
    }

    async fn open<A: AwsClient>(
        &self,
        aws: &A,
        row: &RowContext,
        enc: Vec<u8>,
    ) -> Result<(Zeroizing<Vec<u8>>, RegionName), SealedError> {
        let named = row.kms_arn()?;
        if !self.accepts(&named) {
            return refused("AWS KMS Key ARN does not match configured value");
        }
        let (key, region) = match &self.kms {
            KmsConfiguration::KeyArn(key) | KmsConfiguration::MrkArn(key) => {
                (key.clone(), key.region().clone())
            }
            KmsConfiguration::Discovery(region) => (named, region.clone()),
            KmsConfiguration::MrDiscovery(region) if named.is_multi_region() => {
                (named.in_region(region), region.clone())
            }
            KmsConfiguration::MrDiscovery(region) => (named, region.clone()),
        };
        let request = DecryptRequest {
            key_id: Some(key.as_str().to_owned()),
            ciphertext_blob: Some(enc),
            encryption_context: row.to_map(),
            ..DecryptRequest::default()
        };
        let response: DecryptResponse = call(aws, &region, DECRYPT, &request).await?;
        if response.key_id.as_deref() != Some(key.as_str()) {
            return Err(unexpected(
                &region,
                DECRYPT,
                "Invalid response from KMS Decrypt",
            ));
        }
        Ok((
            Zeroizing::new(response.plaintext.unwrap_or_default()),
            region,
        ))
    }

    fn own_key(&self, doing: &str) -> Result<&KeyArn, SealedError> {
        match &self.kms {
            KmsConfiguration::KeyArn(key) | KmsConfiguration::MrkArn(key) => Ok(key),
            KmsConfiguration::Discovery(_) | KmsConfiguration::MrDiscovery(_) => refused(&format!(
                "Key Store's kmsConfiguration MUST BE kmsKeyArn or kmsMRKeyArn to {doing} Branch Keys."
            )),
        }
    }

    fn accepts(&self, key: &KeyArn) -> bool {
        match &self.kms {
            KmsConfiguration::KeyArn(own) => own == key,
            KmsConfiguration::MrkArn(own) => own.matches(key),
            KmsConfiguration::Discovery(_) | KmsConfiguration::MrDiscovery(_) => true,
        }
    }

    /// A new version and its active row, wrapped.
    async fn wrapped_version<A: AwsClient>(
        &self,
        aws: &A,
        key: &KeyArn,
        decrypt_only: &RowContext,
    ) -> Result<(Item, Item), SealedError> {
        let active = decrypt_only.activated();
        let version = generate(aws, key, decrypt_only).await?;
        let enc = reencrypt(aws, key, version.clone(), decrypt_only, &active).await?;
        Ok((decrypt_only.item(version), active.item(enc)))
    }
}

async fn generate<A: AwsClient>(
    aws: &A,
    key: &KeyArn,
    row: &RowContext,
) -> Result<Vec<u8>, SealedError> {
    let request = GenerateDataKeyWithoutPlaintextRequest {
        key_id: Some(key.as_str().to_owned()),
        number_of_bytes: Some(32),
        encryption_context: row.to_map(),
        ..GenerateDataKeyWithoutPlaintextRequest::default()
    };
    let response: GenerateDataKeyWithoutPlaintextResponse =
        call(aws, key.region(), GENERATE, &request).await?;
    blob_of(key, GENERATE, response.key_id, response.ciphertext_blob)
}

async fn reencrypt<A: AwsClient>(
    aws: &A,
    key: &KeyArn,
    blob: Vec<u8>,
    from: &RowContext,
    to: &RowContext,
) -> Result<Vec<u8>, SealedError> {
    let request = ReEncryptRequest {
        ciphertext_blob: Some(blob),
        source_encryption_context: from.to_map(),
        source_key_id: Some(key.as_str().to_owned()),
        destination_key_id: Some(key.as_str().to_owned()),
        destination_encryption_context: to.to_map(),
        ..ReEncryptRequest::default()
    };
    let response: ReEncryptResponse = call(aws, key.region(), REENCRYPT, &request).await?;
    blob_of(key, REENCRYPT, response.key_id, response.ciphertext_blob)
}

fn blob_of(
    key: &KeyArn,
    operation: &'static str,
    key_id: Option<String>,
    blob: Option<Vec<u8>>,
) -> Result<Vec<u8>, SealedError> {
    if key_id.as_deref() != Some(key.as_str()) {
        return Err(unexpected(key.region(), operation, "Invalid Key Id"));
    }
    blob.ok_or_else(|| unexpected(key.region(), operation, "Invalid ciphertext"))
}

fn not_32_bytes(region: &RegionName) -> SealedError {
    let why = "Invalid response from AWS KMS Decrypt: Key is not 32 bytes.";
    unexpected(region, DECRYPT, why)
}

fn refused<T>(why: &str) -> Result<T, SealedError> {
    Err(SealedError::KeyStore(why.to_owned()))
}
