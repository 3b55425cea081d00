//! What the journal is told, for oracles and metrics: versions that may be owed, and replicas.

use super::select;
use crate::context::Ctx;
use crate::services::s3::keyspaces::{
    Buckets, EncryptionRow, ObjectRow, Status, VersionKey, VersionRow, Versions,
};
use crate::store::Range;

/// `AES256`, `SSE-C`, the ARN of a KMS key, or `none` for a delete marker.
fn encryption(object: Option<&ObjectRow>) -> &str {
    match object.map(|object| &object.encryption) {
        None => "none",
        Some(EncryptionRow::SseS3 { .. }) => "AES256",
        Some(EncryptionRow::SseKms { key, .. } | EncryptionRow::Dsse { key, .. }) => key,
        Some(EncryptionRow::SseC { .. }) => "SSE-C",
    }
}

/// A version was written to a bucket with rules, or came to a bucket as a replica; `crc32` is of
/// the bytes, where somebody knows it.
pub(super) fn version(
    ctx: &mut Ctx<'_>,
    note: &str,
    place: &VersionKey,
    version: &VersionRow,
    crc32: Option<u32>,
) {
    let object = version.object.as_ref();
    let tags = object.map_or_else(String::new, |object| {
        let pairs: Vec<String> = object
            .tags
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        pairs.join("\n")
    });
    let length = object.map_or(0, |object| object.length).to_string();
    let order = place.2.0.to_string();
    let crc32 = crc32.map(|sum| format!("{sum:08x}")).unwrap_or_default();
    let fields = [
        ("service", "s3"),
        ("bucket", place.0.as_str()),
        ("key", place.1.as_str()),
        ("version_id", version.version_id.as_str()),
        ("encryption", encryption(object)),
        ("length", &length),
        ("order", &order),
        ("tags", &tags),
        ("crc32", &crc32),
    ];
    let said = |field: &&(&str, &str)| !field.1.is_empty();
    let fields: Vec<(&str, &str)> = fields.iter().filter(said).copied().collect();
    ctx.note(note, &fields);
}

/// A process has started: what the last one may have changed without anybody hearing of it is told
/// again.
pub(in crate::services::s3) fn started(ctx: &mut Ctx<'_>) {
    for (bucket, row) in ctx.all(Range::<Buckets>::all()) {
        let has_rules = select::of(&row).is_some();
        for (place, row) in ctx.all(Range::<Versions>::under((bucket.as_str(),))) {
            if row.replica {
                version(ctx, "replica_written", &place, &row, None);
            } else if has_rules && !row.destinations.is_empty() {
                version(ctx, "version_written", &place, &row, None);
                ends(ctx, &place, &row);
            }
        }
    }
}

/// How the deliveries of a version ended.
fn ends(ctx: &mut Ctx<'_>, place: &VersionKey, row: &VersionRow) {
    for known in &row.destinations {
        let (outcome, reason) = match &known.status {
            Status::Pending => continue,
            Status::Completed => ("COMPLETED", ""),
            Status::Failed(reason) => ("FAILED", reason.as_str()),
        };
        let fields = [
            ("service", "s3"),
            ("bucket", place.0.as_str()),
            ("key", place.1.as_str()),
            ("version_id", row.version_id.as_str()),
            ("to", known.bucket.as_str()),
            ("outcome", outcome),
            ("reason", reason),
        ];
        ctx.note("replication_ended", &fields);
    }
}
