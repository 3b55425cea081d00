//! Versions of objects: their order, the latest, and how they are shown.

use std::cmp::Reverse;

use super::body;
use super::error::Error;
use super::keyspaces::{EncryptionRow, Status, VersionKey, VersionRow, Versions};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;

/// Adds a version as the latest one and gives its order: the Region's time, or one more than the
/// newest's where that is later. A second `null` version replaces the first.
pub fn add(ctx: &mut Ctx<'_>, bucket: &str, key: &str, row: VersionRow) -> u64 {
    if row.version_id == "null"
        && let Some((old, row)) = find(ctx, bucket, key, "null")
    {
        if let Some(object) = &row.object {
            body::remove(ctx, object);
        }
        ctx.delete::<Versions>(&old);
    }
    let newest = latest(ctx, bucket, key).map_or(0, |((_, _, Reverse(order)), _)| order);
    let order = u64::try_from(ctx.now().0)
        .unwrap_or_default()
        .max(newest + 1);
    ctx.put::<Versions>(&(bucket.to_owned(), key.to_owned(), Reverse(order)), &row);
    order
}

/// Adds a version at the place that its source gave it, or next to it where that is taken.
pub fn insert(ctx: &mut Ctx<'_>, bucket: &str, key: &str, order: u64, row: VersionRow) {
    let mut place = (bucket.to_owned(), key.to_owned(), Reverse(order));
    while ctx.has::<Versions>(&place) {
        place.2.0 += 1;
    }
    ctx.put::<Versions>(&place, &row);
}

/// The latest version, a delete marker included.
pub fn latest(ctx: &mut Ctx<'_>, bucket: &str, key: &str) -> Option<(VersionKey, VersionRow)> {
    ctx.first(Range::<Versions>::under((bucket, key)))
}

/// The version with this id.
pub fn find(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    version_id: &str,
) -> Option<(VersionKey, VersionRow)> {
    ctx.all(Range::<Versions>::under((bucket, key)))
        .into_iter()
        .find(|(_, row)| row.version_id == version_id)
}

/// The version with this id at a place or next to it, where [`insert`] puts it: one look-up,
/// however many versions the key has.
pub fn find_at(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    order: u64,
    version_id: &str,
) -> Option<(VersionKey, VersionRow)> {
    let mut place = (bucket.to_owned(), key.to_owned(), Reverse(order));
    while let Some(row) = ctx.get::<Versions>(&place) {
        if row.version_id == version_id {
            return Some((place, row));
        }
        place.2.0 += 1;
    }
    None
}

/// The version that a read means.
///
/// # Errors
/// NoSuchKey, NoSuchVersion, MethodNotAllowed for a delete marker that is named.
pub fn wanted(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    version_id: Option<&str>,
) -> Result<VersionRow, Refusal> {
    wanted_with_key(ctx, bucket, key, version_id).map(|(_, row)| row)
}

/// The same with the version's place, for changing it.
///
/// # Errors
/// As [`wanted`].
pub fn wanted_with_key(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    version_id: Option<&str>,
) -> Result<(VersionKey, VersionRow), Refusal> {
    let found = match version_id {
        Some(id) => find(ctx, bucket, key, id).ok_or(Error::NoSuchVersion)?,
        None => latest(ctx, bucket, key).ok_or(Error::NoSuchKey)?,
    };
    match (found.1.object.is_some(), version_id) {
        (true, _) => Ok(found),
        (false, Some(_)) => Err(Error::MethodNotAllowed.into()),
        (false, None) => Err(Error::NoSuchKey.into()),
    }
}

/// The replication status header (S3-063, S3-064). A replica leaves REPLICA while its changes are
/// on their way back (S3-067).
#[must_use]
pub fn replication_status(row: &VersionRow) -> Option<String> {
    let settled = if row.replica { "REPLICA" } else { "COMPLETED" };
    if row.destinations.is_empty() {
        return row.replica.then(|| settled.to_owned());
    }
    let statuses = || {
        row.destinations
            .iter()
            .map(|destination| &destination.status)
    };
    let word = if statuses().any(|status| matches!(status, Status::Failed(_))) {
        "FAILED"
    } else if statuses().all(|status| *status == Status::Completed) {
        settled
    } else {
        "PENDING"
    };
    Some(word.to_owned())
}

/// The encryption headers of an answer.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// `AES256` or `aws:kms`; absent under SSE-C (SSE-051).
    pub algorithm: Option<String>,
    /// Full key ARN (SSE-028).
    pub key: Option<String>,
    /// Only when true.
    pub bucket_key: Option<bool>,
    /// `AES256` under SSE-C.
    pub customer_algorithm: Option<String>,
    /// MD5 of the customer's key.
    pub customer_key_md5: Option<String>,
}

/// What an answer tells about an object's encryption.
#[must_use]
pub fn shown(encryption: &EncryptionRow) -> Shown {
    match encryption {
        EncryptionRow::SseS3 { .. } => Shown {
            algorithm: Some("AES256".to_owned()),
            ..Shown::default()
        },
        EncryptionRow::SseKms {
            key, bucket_key, ..
        } => Shown {
            algorithm: Some("aws:kms".to_owned()),
            key: Some(key.clone()),
            bucket_key: bucket_key.then_some(true),
            ..Shown::default()
        },
        EncryptionRow::Dsse { key, .. } => Shown {
            algorithm: Some("aws:kms:dsse".to_owned()),
            key: Some(key.clone()),
            ..Shown::default()
        },
        EncryptionRow::SseC { key_md5, .. } => Shown {
            customer_algorithm: Some("AES256".to_owned()),
            customer_key_md5: Some(key_md5.clone()),
            ..Shown::default()
        },
    }
}
