//! What only a simulator can see of S3.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::keyspaces::{Buckets, EncryptionRow, Status, VersionRow, Versions};
use super::{body, replication, versions};
use crate::context::Ctx;
use crate::store::Range;

/// Buckets that are listed, and versions of each that are counted.
const MOST: (usize, usize) = (100, 2_000);

pub(super) fn answer(
    ctx: &mut Ctx<'_>,
    what: &str,
    arguments: &Value,
) -> Option<Result<Value, String>> {
    if what == "buckets" {
        return Some(Ok(buckets(ctx)));
    }
    let text = |name: &str| {
        arguments
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let bucket = text("bucket");
    if bucket.is_empty() {
        return None;
    }
    match what {
        "stored_object" => Some(stored(
            ctx,
            &bucket,
            &text("key"),
            arguments.get("version_id").and_then(Value::as_str),
        )),
        "bucket_digest" => Some(digest(ctx, &bucket)),
        _ => replication::look(ctx, what, &bucket, arguments),
    }
}

/// What buckets there are, how each encrypts, and how the replication of its objects stands.
fn buckets(ctx: &mut Ctx<'_>) -> Value {
    let mut buckets = Vec::new();
    for (name, row) in ctx.page(Range::<Buckets>::all(), MOST.0) {
        let versions = ctx.page(Range::<Versions>::under((name.as_str(),)), MOST.1);
        let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
        let (mut objects, mut last) = (0, None);
        for ((_, key, _), version) in &versions {
            if let Some(status) = versions::replication_status(version) {
                *statuses.entry(status).or_default() += 1;
            }
            // The newest version of a key comes first; it alone says whether there is an object.
            if last.replace(key) != Some(key) && version.object.is_some() {
                objects += 1;
            }
        }
        buckets.push(json!({
            "name": name,
            "account": row.owner.as_str(),
            "encryption": row.default_encryption.algorithm,
            "key": row.default_encryption.key,
            "objects": objects,
            "more": versions.len() == MOST.1,
            "statuses": statuses,
        }));
    }
    json!({ "region": ctx.region().as_str(), "buckets": buckets })
}

/// One object as it lies in the store: encryption, key, first sealed bytes.
fn stored(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    version_id: Option<&str>,
) -> Result<Value, String> {
    let found = match version_id {
        Some(id) => versions::find(ctx, bucket, key, id),
        None => versions::latest(ctx, bucket, key),
    };
    let (_, row) = found.ok_or_else(|| format!("{bucket}/{key} is not here"))?;
    let Some(object) = &row.object else {
        return Ok(json!({ "delete_marker": true, "version_id": row.version_id }));
    };
    let first = body::read_sealed(ctx, object, 0).map_err(|refusal| refusal.to_string())?;
    let (encryption, kms_key) = match &object.encryption {
        EncryptionRow::SseS3 { .. } => ("AES256", None),
        EncryptionRow::SseKms { key, .. } => ("aws:kms", Some(key.clone())),
        EncryptionRow::Dsse { key, .. } => ("aws:kms:dsse", Some(key.clone())),
        EncryptionRow::SseC { .. } => ("SSE-C", None),
    };
    Ok(json!({
        "version_id": row.version_id,
        "length": object.length,
        "encryption": encryption,
        "ssekms_key_id": kms_key,
        "metadata": object.metadata,
        "tags": object.tags,
        "owner": object.owner.as_str(),
        "replica": row.replica,
        "replication_status": versions::replication_status(&row),
        "failure_reason": failure_reason(&row),
        "sealed": hex::encode(&first[..first.len().min(32)]),
    }))
}

/// AWS's reason of the first destination that failed (S3-074).
fn failure_reason(row: &VersionRow) -> Option<&str> {
    row.destinations
        .iter()
        .find_map(|destination| match &destination.status {
            Status::Failed(reason) => Some(reason.as_str()),
            Status::Pending | Status::Completed => None,
        })
}

/// Keys and versions, for comparing two buckets.
fn digest(ctx: &mut Ctx<'_>, bucket: &str) -> Result<Value, String> {
    let rows = ctx.all(Range::<Versions>::under((bucket,)));
    let mut versions: Vec<String> = rows
        .iter()
        .map(|((_, key, _), row)| format!("{key}@{}", row.version_id))
        .collect();
    versions.sort();
    Ok(json!({ "versions": versions }))
}
