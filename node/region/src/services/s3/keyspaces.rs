//! Every row that S3 stores.

use std::collections::BTreeMap;

use faultline_proto::names::{AccountId, RegionName};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// Whether a bucket keeps old versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Versioning {
    /// Never switched on.
    Off,
    /// Every put makes a version.
    Enabled,
    /// Switched off again: new objects are the version `null`.
    Suspended,
}

/// A bucket of this Region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BucketRow {
    /// Account that owns it.
    pub owner: AccountId,
    /// Microseconds since 1970.
    pub created: i64,
    /// Versioning state.
    pub versioning: Versioning,
    /// Default encryption: algorithm, key, bucket key (SSE-001).
    pub default_encryption: DefaultEncryption,
    /// Whether SSE-C is refused: the default since April 2026 (SSE-053).
    pub blocks_sse_c: bool,
    /// Bucket policy as text.
    pub policy: Option<String>,
    /// Replication configuration as its protobuf message.
    pub replication: Option<Vec<u8>>,
}

/// A bucket's one rule of default encryption (SSE-004).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DefaultEncryption {
    /// `AES256` or `aws:kms`.
    pub algorithm: String,
    /// Key as it was written; `None` is aws/s3.
    pub key: Option<String>,
    /// S3 Bucket Key.
    pub bucket_key: bool,
}

/// Where a bucket name lives: the partition directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NameRow {
    /// Account that owns the bucket.
    pub owner: AccountId,
    /// Region that holds it.
    pub region: RegionName,
}

/// One version of an object, or a delete marker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionRow {
    /// Version id, `null` in a bucket without versioning.
    pub version_id: String,
    /// Microseconds since 1970; a replica keeps the source's (S3-048).
    pub modified: i64,
    /// What it holds; `None` for a delete marker.
    pub object: Option<ObjectRow>,
    /// Replication as its source sees it, one entry a destination.
    pub destinations: Vec<DestinationRow>,
    /// Whether it came by replication (S3-063).
    pub replica: bool,
}

/// What an object is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObjectRow {
    /// Where its chunks are.
    pub content: String,
    /// Bytes of plaintext.
    pub length: u64,
    /// Entity tag without quotes.
    pub e_tag: String,
    /// How it is encrypted.
    pub encryption: EncryptionRow,
    /// Content type, if given.
    pub content_type: Option<String>,
    /// User metadata: in the clear, as S3 keeps it (SSE-009).
    pub metadata: BTreeMap<String, String>,
    /// Tags as `key=value` pairs: in the clear.
    pub tags: BTreeMap<String, String>,
    /// Storage class label.
    pub storage_class: String,
}

/// How an object is encrypted and where its data key is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum EncryptionRow {
    /// Data key sealed under the Region's root key.
    SseS3 {
        /// Sealed data key.
        data_key: Vec<u8>,
    },
    /// Data key wrapped by a KMS key.
    SseKms {
        /// ARN of the KMS key.
        key: String,
        /// KMS's ciphertext of the data key.
        data_key: Vec<u8>,
        /// Encryption context given at write (SSE-022, SSE-023).
        context: BTreeMap<String, String>,
        /// S3 Bucket Key.
        bucket_key: bool,
    },
    /// The customer's key; only a salted HMAC of it is kept (SSE-037).
    SseC {
        /// Salt.
        salt: Vec<u8>,
        /// HMAC-SHA-256 of the key under the salt.
        proof: Vec<u8>,
        /// MD5 of the key in base64, echoed in answers (SSE-051).
        key_md5: String,
    },
}

/// Replication of one version to one destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DestinationRow {
    /// Destination bucket.
    pub bucket: String,
    /// Rule that sends it.
    pub rule: String,
    /// How far it is.
    pub status: Status,
}

/// Replication status (S3-063).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Under way, or waiting for an outage to end.
    Pending,
    /// Arrived.
    Completed,
    /// Refused for good (S3-066), with AWS's failureReason (S3-074).
    Failed(String),
}

/// Content that is being written or that a version refers to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContentRow {
    /// Whether a version refers to it.
    pub committed: bool,
    /// Text that its chunks are bound to: the id it was first sealed under.
    pub bound: String,
}

/// Key of a version: bucket, key, newest first.
pub type VersionKey = (String, String, Reverse<u64>);

crate::keyspaces! {
    /// Buckets of this Region by name.
    pub Buckets = 0x0601, "s3.buckets", version 1: String => BucketRow;
    /// Bucket names of the whole partition, as far as this Region knows.
    pub Names = 0x0602, "s3.names", version 1: String => NameRow;
    /// Versions by bucket, key and order.
    pub Versions = 0x0603, "s3.versions", version 1: (String, String, Reverse<u64>) => VersionRow;
    /// Contents by id.
    pub Contents = 0x0604, "s3.contents", version 1: String => ContentRow;
    /// Sealed chunks by content and index.
    pub Chunks = 0x0605, "s3.chunks", version 1: (String, u64) => serde_bytes::ByteBuf;
    /// Last version order given, by bucket.
    pub Orders = 0x0606, "s3.orders", version 1: String => u64;
}
