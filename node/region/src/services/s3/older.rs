//! Rows as earlier versions wrote them.

use std::collections::BTreeMap;

use faultline_proto::names::{AccountId, RegionName};
use serde::Deserialize;

use super::keyspaces::{
    BucketRow, ContentRow, DefaultEncryption, DestinationRow, EncryptionRow, Headers, LockRow,
    NameRow, ObjectRow, PartRow, VersionRow, Versioning,
};

/// A bucket before ownership, Block Public Access, Object Lock, lifecycle and tags.
#[derive(Deserialize)]
struct BucketV1 {
    owner: AccountId,
    created: i64,
    versioning: Versioning,
    default_encryption: DefaultEncryption,
    blocks_sse_c: bool,
    policy: Option<String>,
    replication: Option<Vec<u8>>,
}

/// Reads a bucket of version 1. It blocked no public access, so it goes on that way.
pub(super) fn bucket(version: u8, body: &[u8]) -> Option<BucketRow> {
    let old: BucketV1 = first(version, body)?;
    Some(BucketRow {
        owner: old.owner,
        created: old.created,
        versioning: old.versioning,
        default_encryption: old.default_encryption,
        blocks_sse_c: old.blocks_sse_c,
        policy: old.policy,
        replication: old.replication,
        ownership: None,
        public_access: None,
        object_lock: None,
        lifecycle: None,
        tags: BTreeMap::new(),
    })
}

/// Reads a name of version 1, which did not say when.
pub(super) fn name(version: u8, body: &[u8]) -> Option<NameRow> {
    let (owner, region): (AccountId, RegionName) = first(version, body)?;
    Some(NameRow {
        owner,
        region,
        created: 0,
    })
}

#[derive(Deserialize)]
struct VersionV1 {
    version_id: String,
    modified: i64,
    object: Option<ObjectV1>,
    destinations: Vec<DestinationRow>,
    replica: bool,
}

#[derive(Deserialize)]
struct ObjectV1 {
    content: String,
    length: u64,
    e_tag: String,
    encryption: EncryptionV1,
    content_type: Option<String>,
    metadata: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    storage_class: String,
}

#[derive(Deserialize)]
enum EncryptionV1 {
    SseS3 {
        data_key: Vec<u8>,
    },
    SseKms {
        key: String,
        data_key: Vec<u8>,
        context: BTreeMap<String, String>,
        bucket_key: bool,
    },
    SseC {
        salt: Vec<u8>,
        proof: Vec<u8>,
        key_md5: String,
    },
}

/// Reads a version of version 1: one content, bound to its own id but for replicas under SSE-C,
/// which cannot be read again.
pub(super) fn version(version: u8, body: &[u8]) -> Option<VersionRow> {
    let old: VersionV1 = first(version, body)?;
    Some(VersionRow {
        version_id: old.version_id,
        modified: old.modified,
        object: old.object.map(object),
        destinations: old.destinations,
        replica: old.replica,
    })
}

fn object(old: ObjectV1) -> ObjectRow {
    ObjectRow {
        parts: vec![PartRow {
            number: 1,
            bound: old.content.clone(),
            content: old.content,
            length: old.length,
            e_tag: old.e_tag.clone(),
            checksum: String::new(),
        }],
        multipart: false,
        length: old.length,
        e_tag: old.e_tag,
        encryption: encryption(old.encryption),
        headers: Headers {
            content_type: old.content_type,
            ..Headers::default()
        },
        metadata: old.metadata,
        tags: old.tags,
        storage_class: old.storage_class,
        checksum: None,
        lock: LockRow::default(),
        // Until then the bucket's owner, whom the row does not name, owned everything.
        owner: AccountId::new("000000000000").expect("twelve digits"),
    }
}

fn encryption(old: EncryptionV1) -> EncryptionRow {
    match old {
        EncryptionV1::SseS3 { data_key } => EncryptionRow::SseS3 { data_key },
        EncryptionV1::SseKms {
            key,
            data_key,
            context,
            bucket_key,
        } => EncryptionRow::SseKms {
            key,
            data_key,
            context,
            bucket_key,
            under_bucket_key: Vec::new(),
        },
        EncryptionV1::SseC {
            salt,
            proof,
            key_md5,
        } => EncryptionRow::SseC {
            salt,
            proof,
            key_md5,
        },
    }
}

#[derive(Deserialize)]
struct ContentV1 {
    committed: bool,
    #[serde(rename = "bound")]
    _bound: String,
}

/// Reads a content of version 1.
pub(super) fn content(version: u8, body: &[u8]) -> Option<ContentRow> {
    let old: ContentV1 = first(version, body)?;
    Some(ContentRow {
        committed: old.committed,
    })
}

fn first<T: serde::de::DeserializeOwned>(version: u8, body: &[u8]) -> Option<T> {
    (version == 1)
        .then(|| postcard::from_bytes(body).ok())
        .flatten()
}
