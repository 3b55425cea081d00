//! The destination's side: what is offered is decided, sealed anew and put in its place.
//!
//! The replica keeps the source's type of encryption (S3-046), version id, time, order and metadata
//! (S3-048). What is sealed under a data key of the source arrives sealed under the link's key
//! and is sealed anew under a data key of this Region; SSE-C chunks stay as they are, since
//! nobody here has their key (S3-044).

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::changes;
use super::offer::{Arrived, Head, Offer, Outcome, Piece, Sealing, What};
use super::telling;
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::RemoteCall;
use crate::services::s3::encryption::{self, Customer, ObjectKey, UnderKms, object_arn};
use crate::services::s3::error::Error;
use crate::services::s3::keyspaces::{
    BucketRow, EncryptionRow, ObjectRow, VersionKey, VersionRow, Versioning,
};
use crate::services::s3::{access, body, versions};
use crate::store::Range;
use crate::vault::SecretKey;

/// How long a replica of several chunks may stand still, microseconds: as long as its contents are
/// kept.
const ABANDONED_AFTER: u64 = 24 * 3600 * 1_000_000;

/// A replica whose chunks are on their way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArrivingRow {
    /// Name of the attempt that brings it.
    pub attempt: String,
    /// When the bucket was made: chunks for one that is gone are not taken.
    pub bucket_created: i64,
    /// Data key sealed under the Region's root key; empty under SSE-C.
    pub data_key: Vec<u8>,
    /// Its place among the versions of the key.
    pub order: u64,
    /// Whether its tags were left out.
    pub without_tags: bool,
    /// CRC-32 of its bytes so far; none under SSE-C, where nobody sees them.
    pub crc32: Option<u32>,
    /// The version to be.
    pub version: VersionRow,
}

crate::keyspaces! {
    /// Replicas under way by bucket, key and version.
    pub Arriving = 0x0610, "s3.arriving", version 3: (String, String, String) => ArrivingRow;
    /// Replicas that were deleted by version id here: Batch Replication cannot bring them back (S3-093).
    pub HardDeleted = 0x0618, "s3.hard-deleted", version 1: (String, String, String) => ();
}

/// What the role must be allowed here (S3-029), and the bucket's state.
pub(in crate::services::s3) fn accesses(
    ctx: &mut Ctx<'_>,
    body: &[u8],
) -> Result<RemoteCall, Refusal> {
    // The bytes that follow are not looked at.
    let head: Head = decode(body)?;
    let row = access::bucket(ctx, &head.bucket)?;
    fits(&head, &row)?;
    let arn = object_arn(&head.bucket, &head.key);
    let (action, event) = match &head.what {
        What::Marker => ("s3:ReplicateDelete", "DeleteObject"),
        What::Object { .. } => ("s3:ReplicateObject", "PutObject"),
        What::Change { .. } => ("s3:ReplicateObject", "PutObjectTagging"),
    };
    let mut accesses = vec![access::on(ctx, action, arn.clone(), &row)];
    // S3-089: who owns the replica instead of the source's account; S3-090: here it does anyway.
    if let What::Object {
        overrides_owner: true,
        ..
    } = head.what
        && !owner_enforced(&row)
    {
        let action = "s3:ObjectOwnerOverrideToBucketOwner";
        accesses.push(access::on(ctx, action, arn.clone(), &row));
    }
    for action in also(&head.what) {
        // ReplicateObject covers these (S3-029), unless a policy denies them.
        let mut other = access::on(ctx, action, arn.clone(), &row);
        if denied(ctx, &mut other) {
            accesses.push(other);
        }
    }
    Ok(RemoteCall {
        event: Some(event),
        read_only: false,
        accesses,
        charge: None,
    })
}

/// Actions whose denial refuses the whole offer.
fn also(what: &What) -> Vec<&'static str> {
    let lock = match what {
        What::Marker => return Vec::new(),
        What::Object { object, .. } => &object.lock,
        What::Change { lock, .. } => lock,
    };
    let all = [
        ("s3:ReplicateTags", matches!(what, What::Change { .. })),
        ("s3:PutObjectRetention", lock.retention.is_some()),
        ("s3:PutObjectLegalHold", lock.legal_hold.is_some()),
    ];
    all.iter()
        .filter(|(_, is_touched)| *is_touched)
        .map(|(action, _)| *action)
        .collect()
}

/// Whether a policy denies it, not only fails to allow it.
fn denied(ctx: &mut Ctx<'_>, access: &mut crate::service::Access) -> bool {
    ctx.would_refuse(access)
        .and_then(|refusal| refusal.denial)
        .is_some_and(|denial| denial.explicit)
}

fn owner_enforced(row: &BucketRow) -> bool {
    row.ownership
        .as_deref()
        .is_none_or(|said| said == "BucketOwnerEnforced")
}

/// Whether the bucket can take it at all (S3-004, S3-006).
fn fits(head: &Head, row: &BucketRow) -> Result<(), Refusal> {
    if row.versioning != Versioning::Enabled {
        return Err(Refusal::new(
            "DstBucketUnversioned",
            "The destination bucket does not keep versions",
        ));
    }
    if let What::Object {
        needs_lock: true, ..
    } = head.what
        && row.object_lock.is_none()
    {
        return Err(Refusal::new(
            "DstBucketObjectLockConfigMissing",
            "The source bucket has Object Lock and the destination bucket has not",
        ));
    }
    Ok(())
}

/// Many offers in one message: each is decided, done and recorded for itself.
pub(in crate::services::s3) fn several(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let offers: Vec<ByteBuf> = decode(body)?;
    let caller = ctx.caller();
    let outcomes: Vec<Outcome> = offers
        .iter()
        .map(
            |offer| match ctx.question_as(&caller, "s3", "replica", offer) {
                Ok(answer) => decode(&answer).unwrap_or_else(Outcome::refused),
                Err(refusal) => Outcome::refused(refusal),
            },
        )
        .collect();
    Ok(encode(&outcomes))
}

/// Takes one offer.
pub(in crate::services::s3) fn begin(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let Offer { head, first } = decode(body)?;
    let here = known(ctx, &head);
    if let What::Change { tags, lock, stamp } = head.what {
        let (place, row) = here.ok_or_else(|| {
            Refusal::new("DstVersionNotFound", "The version is not in the bucket")
        })?;
        let arrived = changes::apply(ctx, place, row, tags, lock, stamp);
        return Ok(encode(&Outcome::Arrived(arrived)));
    }
    if here.is_some() {
        let arrived = Arrived {
            already: true,
            ..Arrived::default()
        };
        return Ok(encode(&Outcome::Arrived(arrived)));
    }
    let place = (
        head.bucket.as_str(),
        head.key.as_str(),
        head.version_id.as_str(),
    );
    if ctx.has::<HardDeleted>(place) {
        return Err(Refusal::new(
            "DstObjectHardDeleted",
            "The version was deleted by its id in the destination bucket",
        ));
    }
    take_whole(ctx, head, &first).map(|outcome| encode(&outcome))
}

/// The version, if it is here.
fn known(ctx: &mut Ctx<'_>, head: &Head) -> Option<(VersionKey, VersionRow)> {
    let (bucket, key, id) = (&head.bucket, &head.key, &head.version_id);
    let here = versions::find_at(ctx, bucket, key, head.order, id);
    match (&head.what, here) {
        // A version may stand elsewhere than its replica that was changed.
        (What::Change { .. }, None) => versions::find(ctx, bucket, key, id),
        (_, here) => here,
    }
}

fn take_whole(ctx: &mut Ctx<'_>, head: Head, first: &[u8]) -> Result<Outcome, Refusal> {
    let row = access::bucket(ctx, &head.bucket)?;
    let mut version = VersionRow {
        version_id: head.version_id.clone(),
        modified: head.modified,
        object: None,
        destinations: Vec::new(),
        replica: true,
    };
    let What::Object {
        object,
        sealing,
        overrides_owner,
        ..
    } = head.what
    else {
        insert(ctx, &head.bucket, &head.key, head.order, version, None);
        return Ok(Outcome::Arrived(Arrived::default()));
    };
    // SSE-056.
    if matches!(sealing, Sealing::SseC { .. }) && row.blocks_sse_c {
        return Err(Error::AccessDenied(encryption::BLOCKED).into());
    }
    let mut object = *object;
    if overrides_owner || owner_enforced(&row) {
        object.owner = row.owner.clone();
    }
    let mut without_tags = false;
    if !object.tags.is_empty() {
        let arn = object_arn(&head.bucket, &head.key);
        let mut tagging = access::on(ctx, "s3:ReplicateTags", arn, &row);
        without_tags = denied(ctx, &mut tagging);
        if without_tags {
            object.tags.clear();
        }
    }
    let keeps_bytes = matches!(sealing, Sealing::SseC { .. });
    body::begin_copy(ctx, &mut object, keeps_bytes);
    let data_key = seal(ctx, &head.bucket, &head.key, sealing, &mut object)?;
    version.object = Some(object);
    let sealed = data_key.as_ref().map(|key| {
        // One chunk needs no key that outlives the step.
        if head.chunks > 1 {
            key.keep(ctx, "s3.arriving", head.version_id.as_bytes())
        } else {
            Vec::new()
        }
    });
    let arriving = ArrivingRow {
        attempt: head.attempt,
        bucket_created: row.created,
        data_key: sealed.unwrap_or_default(),
        order: head.order,
        without_tags,
        crc32: data_key.is_some().then(|| crc32fast::hash(first)),
        version,
    };
    write(ctx, &arriving.version, data_key.as_ref(), 0, first)?;
    if head.chunks <= 1 {
        return Ok(end(ctx, &head.bucket, &head.key, arriving));
    }
    let place = (head.bucket, head.key, head.version_id);
    let at = ctx.elapsed().plus_micros(ABANDONED_AFTER);
    let mark = encode(&(&place, &arriving.attempt));
    ctx.schedule("s3", at, "arriving", mark);
    ctx.put::<Arriving>(&place, &arriving);
    Ok(Outcome::More)
}

/// The replica's own data key, and what is kept of it.
fn seal(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    sealing: Sealing,
    object: &mut ObjectRow,
) -> Result<Option<ObjectKey>, Refusal> {
    match sealing {
        Sealing::SseS3 => {
            let data_key = SecretKey::new(ctx.entropy().bytes("s3.data-key"));
            let sealed = ctx.seal_local("s3.data-key", b"", data_key.expose());
            object.encryption = EncryptionRow::SseS3 { data_key: sealed };
            Ok(Some(data_key.into()))
        }
        Sealing::SseKms { key: kms_key, how } => {
            let (row, data_key) = encryption::replica_kms(ctx, bucket, key, &kms_key, how)?;
            if how == UnderKms::BucketKey {
                // S3-036, S3-037: with a bucket key the role must be able to open it as well.
                encryption::open(ctx, &row, Customer::default())?;
            }
            object.encryption = row;
            // The entity tag says nothing of the bytes, and is another one (SSE-027, S3-096).
            let parts = object.e_tag.rsplit_once('-').map(|(_, parts)| parts);
            let e_tag = ctx.entropy().hex::<16>("s3.e-tag");
            object.e_tag = match parts {
                Some(parts) => format!("{e_tag}-{parts}"),
                None => e_tag,
            };
            Ok(Some(data_key))
        }
        Sealing::SseC { row } => {
            object.encryption = row;
            Ok(None)
        }
    }
}

fn write(
    ctx: &mut Ctx<'_>,
    version: &VersionRow,
    key: Option<&ObjectKey>,
    index: u64,
    bytes: &[u8],
) -> Result<(), Refusal> {
    let whole = || Refusal::internal("a delete marker has no chunks");
    let object = version.object.as_ref().ok_or_else(whole)?;
    match key {
        Some(key) => body::write(ctx, object, key, index, bytes),
        None => body::write_sealed(ctx, object, index, bytes),
    }
}

/// What an attempt is told that cannot go on: it begins anew.
fn again(why: &str) -> Refusal {
    Refusal::new("ReplicaInterrupted", why).with_status(503)
}

/// Takes a further chunk.
pub(in crate::services::s3) fn chunk(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let piece: Piece = decode(body)?;
    let row = access::bucket(ctx, &piece.bucket)?;
    let place = (piece.bucket, piece.key, piece.version_id);
    let Some(mut arriving) = ctx.get::<Arriving>(&place) else {
        return Err(again("the replica was given up"));
    };
    if arriving.attempt != piece.attempt {
        return Err(again("another attempt took its place"));
    }
    if arriving.bucket_created != row.created {
        drop_arriving(ctx, &place, &arriving);
        return Err(again("the bucket is another one by now"));
    }
    if row.versioning != Versioning::Enabled {
        drop_arriving(ctx, &place, &arriving);
        return Err(Refusal::new(
            "DstBucketUnversioned",
            "The destination bucket does not keep versions",
        ));
    }
    let data_key = match arriving.data_key.as_slice() {
        [] => None,
        sealed => Some(ObjectKey::kept(
            ctx,
            "s3.arriving",
            place.2.as_bytes(),
            sealed,
        )?),
    };
    write(
        ctx,
        &arriving.version,
        data_key.as_ref(),
        piece.index,
        &piece.bytes,
    )?;
    if let Some(sum) = &mut arriving.crc32 {
        let mut hasher = crc32fast::Hasher::new_with_initial(*sum);
        hasher.update(&piece.bytes);
        *sum = hasher.finalize();
    }
    if !piece.last {
        ctx.put::<Arriving>(&place, &arriving);
        return Ok(encode(&vec![Outcome::More]));
    }
    ctx.delete::<Arriving>(&place);
    let outcome = end(ctx, &place.0, &place.1, arriving);
    Ok(encode(&vec![outcome]))
}

fn drop_arriving(ctx: &mut Ctx<'_>, place: &(String, String, String), arriving: &ArrivingRow) {
    if let Some(object) = &arriving.version.object {
        body::remove(ctx, object);
    }
    ctx.delete::<Arriving>(place);
}

fn end(ctx: &mut Ctx<'_>, bucket: &str, key: &str, arriving: ArrivingRow) -> Outcome {
    if let Some(object) = &arriving.version.object {
        body::commit(ctx, object);
    }
    let without_tags = arriving.without_tags;
    insert(
        ctx,
        bucket,
        key,
        arriving.order,
        arriving.version,
        arriving.crc32,
    );
    Outcome::Arrived(Arrived {
        without_tags,
        ..Arrived::default()
    })
}

/// Adds the replica where the source has it among the versions of the key.
fn insert(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    order: u64,
    version: VersionRow,
    crc32: Option<u32>,
) {
    let place = (bucket.to_owned(), key.to_owned(), std::cmp::Reverse(order));
    telling::version(ctx, "replica_written", &place, &version, crc32);
    versions::insert(ctx, bucket, key, order, version);
}

/// A replica of several chunks that may have been given up: its contents go at the same moment.
pub(super) fn abandon(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok((place, attempt)) = decode::<((String, String, String), String)>(payload) else {
        return;
    };
    if ctx
        .get::<Arriving>(&place)
        .is_some_and(|row| row.attempt == attempt)
    {
        ctx.delete::<Arriving>(&place);
    }
}

/// A replica was deleted by its version id.
pub(in crate::services::s3) fn hard_deleted(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    version: &VersionRow,
) {
    if version.replica {
        ctx.put::<HardDeleted>((bucket, key, version.version_id.as_str()), &());
    }
}

/// The bucket is deleted: so is what was on its way to it.
pub(super) fn forget(ctx: &mut Ctx<'_>, bucket: &str) {
    for (place, arriving) in ctx.all(Range::<Arriving>::under((bucket,))) {
        drop_arriving(ctx, &place, &arriving);
    }
    for (place, ()) in ctx.all(Range::<HardDeleted>::under((bucket,))) {
        ctx.delete::<HardDeleted>(&place);
    }
}

/// What only a simulator can see of the replicas under way.
pub(in crate::services::s3) fn under_way(ctx: &mut Ctx<'_>) -> usize {
    ctx.all(Range::<Arriving>::all()).len()
}
