//! What oracles and metrics are told: accepted writes, replicated writes, conflicts.
//!
//! | note | fields |
//! | --- | --- |
//! | `accepted` | service, account, table, key, operation (put or delete), region, stamp, digest, knew |
//! | `replicated` | service, table, key, from, to, region (writer), stamp, outcome (applied, older, known), lag_us, digest |
//! | `conflict` | id, service, table, key, won_by, lost_by, winner_writer, loser_writer, winner_time, loser_time, winner_digest, loser_digest, at |
//!
//! A write is known by (table, key, region, stamp). `knew` lists the writes that it was
//! knowingly written over, as `region@stamp`, the last of each Region. An accepted write is
//! final, known to a later one, or the loser of exactly one `conflict`, which its own Region
//! tells.

use faultline_proto::names::RegionName;
use sha2::{Digest as _, Sha256};

use super::keyspaces::{Version, Written};
use super::names::TableName;
use super::value::{Item, json_of};
use crate::context::{Ctx, encode};

/// SHA-256 of an item; of a tombstone's key when it is deleted.
pub(crate) fn digest(item: &Item, deleted: bool) -> String {
    let mut hash = Sha256::new();
    hash.update([u8::from(deleted)]);
    hash.update(encode(item));
    hex::encode(hash.finalize())
}

/// A key as text.
pub(crate) fn key_text(key: &Item) -> String {
    json_of(key).to_string()
}

/// A write that was acknowledged here.
pub(crate) fn accepted(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    key: &Item,
    version: &Version,
    item: Option<&Item>,
) {
    let (stamp, region) = (version.stamp.to_string(), version.writer.to_string());
    let operation = if item.is_some() { "put" } else { "delete" };
    ctx.note(
        "accepted",
        &[
            ("service", "dynamodb"),
            ("account", name.account.as_str()),
            ("table", &name.name),
            ("key", &key_text(key)),
            ("operation", operation),
            ("region", &region),
            ("stamp", &stamp),
            ("digest", &digest(item.unwrap_or(key), item.is_none())),
            ("knew", &version.knew_text()),
        ],
    );
}

/// A write of another Region that arrived here.
pub(crate) fn replicated(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    key: &Item,
    from: &RegionName,
    write: &Written,
    (outcome, lag): (&str, u64),
) {
    let here = ctx.region().to_string();
    ctx.note(
        "replicated",
        &[
            ("service", "dynamodb"),
            ("account", name.account.as_str()),
            ("table", &name.name),
            ("key", &key_text(key)),
            ("from", from.as_str()),
            ("to", &here),
            ("region", write.region.as_str()),
            ("stamp", &write.stamp.to_string()),
            ("outcome", outcome),
            ("lag_us", &lag.to_string()),
            ("digest", &write.digest),
        ],
    );
}

/// A write of this Region that another one won against without knowing it.
pub(crate) fn conflict(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    key: &Item,
    id: &str,
    (winner, loser): (&Written, &Written),
) {
    let at = ctx.now().0.to_string();
    ctx.note(
        "conflict",
        &[
            ("id", id),
            ("service", "dynamodb"),
            ("account", name.account.as_str()),
            ("table", &name.name),
            ("key", &key_text(key)),
            ("won_by", winner.region.as_str()),
            ("lost_by", loser.region.as_str()),
            ("winner_writer", winner.region.as_str()),
            ("loser_writer", loser.region.as_str()),
            ("winner_time", &winner.stamp.to_string()),
            ("loser_time", &loser.stamp.to_string()),
            ("winner_digest", &winner.digest),
            ("loser_digest", &loser.digest),
            ("at", &at),
        ],
    );
}
