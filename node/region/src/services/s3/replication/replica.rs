//! The destination's side of cross-Region replication.
//!
//! The replica keeps the source's type of encryption (S3-046), version id, time and metadata
//! (S3-048). What is sealed under a data key of the source arrives sealed under the link's key
//! and is sealed anew under a data key of this Region; SSE-C chunks stay as they are, since
//! nobody here has their key (S3-044).

use serde::{Deserialize, Serialize};

use crate::context::{Ctx, decode};
use crate::refusal::Refusal;
use crate::service::RemoteCall;
use crate::services::s3::encryption::{self, ObjectKey, UnderKms, object_arn};
use crate::services::s3::error::Error;
use crate::services::s3::keyspaces::{EncryptionRow, ObjectRow, VersionRow, Versioning};
use crate::services::s3::{access, body, versions};
use crate::store::Range;
use crate::vault::SecretKey;

/// How the replica is to be sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Sealing {
    /// A delete marker: nothing to seal.
    Marker,
    /// A data key of this Region.
    SseS3,
    /// A data key wrapped by the rule's key (S3-036).
    SseKms {
        /// ReplicaKmsKeyID.
        key: String,
        /// The source's setting (SSE-033), and whether there are two layers.
        how: UnderKms,
    },
    /// As it is, with the source's salt and proof.
    SseC {
        /// The source's row: no secret is in it.
        row: EncryptionRow,
    },
}

/// A version that wants to be a replica here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Offer {
    /// Destination bucket.
    pub bucket: String,
    /// Object key.
    pub key: String,
    /// The source's version id.
    pub version_id: String,
    /// The source's time.
    pub modified: i64,
    /// What it is; `None` for a delete marker.
    pub object: Option<ObjectRow>,
    /// How it is to be sealed.
    pub sealing: Sealing,
    /// First chunk.
    #[serde(with = "serde_bytes")]
    pub first: Vec<u8>,
    /// How many chunks there are.
    pub chunks: u64,
}

/// A further chunk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Piece {
    /// Destination bucket.
    pub bucket: String,
    /// Object key.
    pub key: String,
    /// The source's version id.
    pub version_id: String,
    /// Index of the chunk.
    pub index: u64,
    /// Its bytes.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    /// Nothing follows.
    pub last: bool,
}

/// A replica whose chunks are on their way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArrivingRow {
    /// Data key sealed under the Region's root key; empty under SSE-C.
    pub data_key: Vec<u8>,
    /// The version to be.
    pub version: VersionRow,
}

crate::keyspaces! {
    /// Replicas under way by bucket, key and version.
    pub Arriving = 0x0610, "s3.arriving", version 2: (String, String, String) => ArrivingRow;
}

/// What the role must be allowed here (S3-029), and the bucket's state.
pub(in crate::services::s3) fn accesses(
    ctx: &mut Ctx<'_>,
    body: &[u8],
) -> Result<RemoteCall, Refusal> {
    let offer: Offer = decode(body)?;
    let row = access::bucket(ctx, &offer.bucket)?;
    if row.versioning != Versioning::Enabled {
        return Err(Refusal::new(
            "DstBucketUnversioned",
            "The destination bucket does not keep versions",
        ));
    }
    if matches!(offer.sealing, Sealing::SseC { .. }) && row.blocks_sse_c {
        return Err(Error::AccessDenied(
            "SSE-C is blocked by the encryption configuration of this bucket.",
        )
        .into());
    }
    let action = if offer.object.is_some() {
        "s3:ReplicateObject"
    } else {
        "s3:ReplicateDelete"
    };
    let accesses = vec![access::on(
        ctx,
        action,
        object_arn(&offer.bucket, &offer.key),
        &row,
    )];
    let event = if offer.object.is_some() {
        "PutObject"
    } else {
        "DeleteObject"
    };
    Ok(RemoteCall {
        event: Some(event),
        read_only: false,
        accesses,
        charge: None,
    })
}

pub(in crate::services::s3) fn begin(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let offer: Offer = decode(body)?;
    if versions::find(ctx, &offer.bucket, &offer.key, &offer.version_id).is_some() {
        return Ok(Vec::new());
    }
    let mut version = VersionRow {
        version_id: offer.version_id.clone(),
        modified: offer.modified,
        object: None,
        destinations: Vec::new(),
        replica: true,
    };
    let Some(mut object) = offer.object else {
        insert(ctx, &offer.bucket, &offer.key, version);
        return Ok(Vec::new());
    };
    body::begin_copy(
        ctx,
        &mut object,
        matches!(offer.sealing, Sealing::SseC { .. }),
    );
    let data_key = match offer.sealing {
        Sealing::Marker => {
            return Err(Refusal::internal(
                "an object with the sealing of a delete marker",
            ));
        }
        Sealing::SseS3 => {
            let data_key = SecretKey::new(ctx.entropy().bytes("s3.data-key"));
            let sealed = ctx.seal_local("s3.data-key", b"", data_key.expose());
            object.encryption = EncryptionRow::SseS3 { data_key: sealed };
            Some(data_key.into())
        }
        Sealing::SseKms { key, how } => {
            let (row, data_key) =
                encryption::replica_kms(ctx, &offer.bucket, &offer.key, &key, how)?;
            object.encryption = row;
            object.e_tag = ctx.entropy().hex::<16>("s3.e-tag");
            Some(data_key)
        }
        Sealing::SseC { row } => {
            object.encryption = row;
            None
        }
    };
    version.object = Some(object);
    let aad = offer.version_id.as_bytes();
    let sealed = data_key
        .as_ref()
        .map(|key: &ObjectKey| key.keep(ctx, "s3.arriving", aad));
    let arriving = ArrivingRow {
        data_key: sealed.unwrap_or_default(),
        version,
    };
    take(
        ctx,
        &offer.bucket,
        &offer.key,
        arriving,
        0,
        &offer.first,
        offer.chunks <= 1,
    )
}

pub(in crate::services::s3) fn chunk(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let piece: Piece = decode(body)?;
    let key = (
        piece.bucket.clone(),
        piece.key.clone(),
        piece.version_id.clone(),
    );
    let Some(arriving) = ctx.get::<Arriving>(&key) else {
        return Ok(Vec::new());
    };
    take(
        ctx,
        &piece.bucket,
        &piece.key,
        arriving,
        piece.index,
        &piece.bytes,
        piece.last,
    )
}

fn take(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    arriving: ArrivingRow,
    index: u64,
    bytes: &[u8],
    last: bool,
) -> Result<Vec<u8>, Refusal> {
    let whole = || Refusal::internal("a delete marker has no chunks");
    let object = arriving.version.object.as_ref().ok_or_else(whole)?;
    if arriving.data_key.is_empty() {
        body::write_sealed(ctx, object, index, bytes)?;
    } else {
        let aad = arriving.version.version_id.as_bytes();
        let data_key = ObjectKey::kept(ctx, "s3.arriving", aad, &arriving.data_key)?;
        body::write(ctx, object, &data_key, index, bytes)?;
    }
    let row_key = (
        bucket.to_owned(),
        key.to_owned(),
        arriving.version.version_id.clone(),
    );
    if last {
        body::commit(ctx, object);
        ctx.delete::<Arriving>(&row_key);
        insert(ctx, bucket, key, arriving.version);
    } else {
        ctx.put::<Arriving>(&row_key, &arriving);
    }
    Ok(Vec::new())
}

/// Adds the replica where its time puts it among the versions that are here.
fn insert(ctx: &mut Ctx<'_>, bucket: &str, key: &str, version: VersionRow) {
    let encryption = version
        .object
        .as_ref()
        .map_or("none", |object| match &object.encryption {
            EncryptionRow::SseS3 { .. } => "AES256",
            EncryptionRow::SseKms { key, .. } | EncryptionRow::Dsse { key, .. } => key,
            EncryptionRow::SseC { .. } => "SSE-C",
        });
    let encryption = encryption.to_owned();
    ctx.note(
        "replica_written",
        &[
            ("service", "s3"),
            ("bucket", bucket),
            ("key", key),
            ("version_id", &version.version_id),
            ("encryption", &encryption),
        ],
    );
    versions::add(ctx, bucket, key, version);
}

/// What only a simulator can see of the replicas under way.
pub(in crate::services::s3) fn under_way(ctx: &mut Ctx<'_>) -> usize {
    ctx.all(Range::<Arriving>::all()).len()
}
