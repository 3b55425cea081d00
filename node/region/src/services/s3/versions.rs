//! Versions of objects: their order, the latest, and how they are shown.

use std::cmp::Reverse;

use super::body;
use super::error::Error;
use super::keyspaces::{EncryptionRow, Orders, Status, VersionKey, VersionRow, Versions};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;

/// Adds a version as the latest one and gives its order. A second `null` version replaces the first.
pub fn add(ctx: &mut Ctx<'_>, bucket: &str, key: &str, row: VersionRow) -> u64 {
    let replaced = find(ctx, bucket, key, "null").filter(|_| row.version_id == "null");
    if let Some((old, row)) = replaced {
        if let Some(object) = &row.object {
            body::remove(ctx, object);
        }
        ctx.delete::<Versions>(&old);
    }
    let order = ctx.get::<Orders>(bucket).unwrap_or_default() + 1;
    ctx.put::<Orders>(bucket, &order);
    ctx.put::<Versions>(&(bucket.to_owned(), key.to_owned(), Reverse(order)), &row);
    order
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
    let found = match version_id {
        Some(id) => find(ctx, bucket, key, id).ok_or(Error::NoSuchVersion)?,
        None => latest(ctx, bucket, key).ok_or(Error::NoSuchKey)?,
    };
    match (found.1.object.is_some(), version_id) {
        (true, _) => Ok(found.1),
        (false, Some(_)) => Err(Error::MethodNotAllowed.into()),
        (false, None) => Err(Error::NoSuchKey.into()),
    }
}

/// The replication status header (S3-063, S3-064).
#[must_use]
pub fn replication_status(row: &VersionRow) -> Option<String> {
    if row.replica {
        return Some("REPLICA".to_owned());
    }
    if row.destinations.is_empty() {
        return None;
    }
    let statuses = || {
        row.destinations
            .iter()
            .map(|destination| &destination.status)
    };
    let word = if statuses().any(|status| matches!(status, Status::Failed(_))) {
        "FAILED"
    } else if statuses().all(|status| *status == Status::Completed) {
        "COMPLETED"
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
