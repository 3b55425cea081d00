//! Every row that S3 stores, but for those of replication.

use std::collections::BTreeMap;

use faultline_proto::names::{AccountId, RegionName};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

use super::checksum::Algorithm;
use super::older;

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
    #[serde(with = "serde_bytes")]
    pub replication: Option<Vec<u8>>,
    /// Who owns what others put: `BucketOwnerEnforced` unless said otherwise.
    pub ownership: Option<String>,
    /// Block Public Access; `None` after its removal.
    pub public_access: Option<PublicAccess>,
    /// Object Lock, once on for ever.
    pub object_lock: Option<LockDefault>,
    /// Lifecycle configuration as its protobuf message.
    #[serde(with = "serde_bytes")]
    pub lifecycle: Option<Vec<u8>>,
    /// Tags of the bucket.
    pub tags: BTreeMap<String, String>,
}

/// The four switches of S3 Block Public Access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAccess {
    /// Refuse puts with public ACLs.
    pub block_acls: bool,
    /// Look away from public ACLs.
    pub ignore_acls: bool,
    /// Refuse public bucket policies.
    pub block_policy: bool,
    /// Close buckets with public policies to other accounts.
    pub restrict: bool,
}

/// Object Lock's default retention of a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockDefault {
    /// Mode and days; `None` when objects are locked only on request.
    pub retention: Option<(LockMode, u32)>,
    /// Whether the days were said as years.
    pub in_years: bool,
}

/// Who may shorten a retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockMode {
    /// Who holds s3:BypassGovernanceRetention.
    Governance,
    /// Nobody.
    Compliance,
}

/// A bucket's one rule of default encryption (SSE-004).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DefaultEncryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
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
    /// When it was created, microseconds since 1970.
    pub created: i64,
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

/// What an object is: all that a reader sees and that a replica carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObjectRow {
    /// Where its bytes are: one part after a put, those of the upload after a multipart upload.
    pub parts: Vec<PartRow>,
    /// Whether it came by multipart upload: its entity tag ends in `-N`.
    pub multipart: bool,
    /// Bytes of plaintext.
    pub length: u64,
    /// Entity tag without quotes.
    pub e_tag: String,
    /// How it is encrypted.
    pub encryption: EncryptionRow,
    /// Headers that S3 keeps and answers.
    pub headers: Headers,
    /// User metadata: in the clear, as S3 keeps it (SSE-009).
    pub metadata: BTreeMap<String, String>,
    /// Tags: in the clear.
    pub tags: BTreeMap<String, String>,
    /// Storage class label.
    pub storage_class: String,
    /// Checksum of its bytes.
    pub checksum: Option<ChecksumRow>,
    /// Object Lock.
    pub lock: LockRow,
    /// Account that owns it (S3-088).
    pub owner: AccountId,
}

/// Bytes that were sealed in one go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRow {
    /// Number in the upload; 1 for a put.
    pub number: u32,
    /// Where its chunks are.
    pub content: String,
    /// Text that its chunks are bound to: the content that they were first sealed for.
    pub bound: String,
    /// Bytes of plaintext.
    pub length: u64,
    /// Entity tag without quotes.
    pub e_tag: String,
    /// Base64 of its checksum, where the object has one.
    pub checksum: String,
}

/// Headers that S3 keeps as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers {
    /// Content-Type.
    pub content_type: Option<String>,
    /// Cache-Control.
    pub cache_control: Option<String>,
    /// Content-Disposition.
    pub content_disposition: Option<String>,
    /// Content-Encoding.
    pub content_encoding: Option<String>,
    /// Content-Language.
    pub content_language: Option<String>,
    /// Expires, milliseconds since 1970.
    pub expires: Option<i64>,
    /// x-amz-website-redirect-location.
    pub website_redirect: Option<String>,
}

/// A checksum of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChecksumRow {
    /// Which one.
    pub algorithm: Algorithm,
    /// Base64; of the parts' checksums, and with `-N`, when composite.
    pub value: String,
    /// Whether it is one over the checksums of the parts.
    pub composite: bool,
}

/// Object Lock of one version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockRow {
    /// Mode, and until when: microseconds since 1970.
    pub retention: Option<(LockMode, i64)>,
    /// Legal hold; `None` when never set.
    pub legal_hold: Option<bool>,
}

/// How an object is encrypted and where its data key is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum EncryptionRow {
    /// Data key sealed under the Region's root key.
    SseS3 {
        /// Sealed data key.
        #[serde(with = "serde_bytes")]
        data_key: Vec<u8>,
    },
    /// Data key wrapped by a KMS key.
    SseKms {
        /// ARN of the KMS key.
        key: String,
        /// KMS's ciphertext: of the data key, or of the bucket key.
        #[serde(with = "serde_bytes")]
        data_key: Vec<u8>,
        /// Encryption context given at write (SSE-022, SSE-023).
        context: BTreeMap<String, String>,
        /// S3 Bucket Key.
        bucket_key: bool,
        /// The data key sealed under the bucket key; empty without one.
        #[serde(with = "serde_bytes")]
        under_bucket_key: Vec<u8>,
    },
    /// The customer's key; only a salted HMAC of it is kept (SSE-037).
    SseC {
        /// Salt.
        #[serde(with = "serde_bytes")]
        salt: Vec<u8>,
        /// HMAC-SHA-256 of the key under the salt.
        #[serde(with = "serde_bytes")]
        proof: Vec<u8>,
        /// MD5 of the key in base64, echoed in answers (SSE-051).
        key_md5: String,
    },
    /// Two layers: a data key of KMS around one that S3 manages (SSE-057).
    Dsse {
        /// ARN of the KMS key.
        key: String,
        /// KMS's ciphertext of the outer data key.
        #[serde(with = "serde_bytes")]
        data_key: Vec<u8>,
        /// Encryption context given at write.
        context: BTreeMap<String, String>,
        /// Inner data key sealed under the Region's root key.
        #[serde(with = "serde_bytes")]
        inner: Vec<u8>,
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
    /// Whether a version or an upload refers to it.
    pub committed: bool,
}

/// Key of a version: bucket, key, newest first.
pub type VersionKey = (String, String, Reverse<u64>);

crate::keyspaces! {
    /// Buckets of this Region by name.
    pub Buckets = 0x0601, "s3.buckets", version 2: String => BucketRow, migrate older::bucket;
    /// Bucket names of the whole partition, as far as this Region knows.
    pub Names = 0x0602, "s3.names", version 2: String => NameRow, migrate older::name;
    /// Versions by bucket, key and order.
    pub Versions = 0x0603, "s3.versions", version 2: (String, String, Reverse<u64>) => VersionRow, migrate older::version;
    /// Contents by id.
    pub Contents = 0x0604, "s3.contents", version 2: String => ContentRow, migrate older::content;
    /// Sealed chunks by content and index.
    pub Chunks = 0x0605, "s3.chunks", version 1: (String, u64) => serde_bytes::ByteBuf;
    /// Last version order given, by bucket.
    pub Orders = 0x0606, "s3.orders", version 1: String => u64;
}
