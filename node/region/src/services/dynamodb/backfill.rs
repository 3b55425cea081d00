//! Filling a new replica: the source sends every item, tombstones too, a portion at a time.
//!
//! The other members send what they wrote last themselves: it may not have reached the source.
//! Items that change meanwhile are replicated anyway; the order does not matter (see `merge`).

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::encryption;
use super::group_settings;
use super::keyspaces::{Items, TableRow};
use super::members;
use super::names::TableName;
use super::records::{GroupChange, ItemRecord};
use super::tables::TableTimer;
use crate::context::{Ctx, decode, encode};
use crate::store::Range;

/// Items in a portion, and the pause between two, microseconds.
const PORTION: usize = 64;
const PAUSE: u64 = 20_000;

/// How far a filling has come; the payload of its timer.
#[derive(Debug, Serialize, Deserialize)]
struct Filling {
    table: TableTimer,
    to: RegionName,
    /// Only what this Region wrote, and no word at the end.
    own: bool,
    after: Option<Vec<u8>>,
}

/// Begins to fill the replica in `to`.
pub(crate) fn begin(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    row: &TableRow,
    to: &RegionName,
    own: bool,
) {
    if !own {
        // Before its first item, so that they find the indexes.
        group_settings::tell_one(ctx, name, row, to);
    }
    let filling = Filling {
        table: TableTimer::of(name, row),
        to: to.clone(),
        own,
        after: None,
    };
    ctx.schedule("dynamodb", ctx.elapsed(), "backfill", encode(&filling));
}

/// Sends the next portion.
pub(crate) fn due(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok(mut filling) = decode::<Filling>(payload) else {
        return;
    };
    let Some((name, row)) = filling.table.found(ctx) else {
        return;
    };
    if !row.replicas.contains_key(&filling.to) {
        return;
    }
    let Ok(key) = encryption::key_for_replication(ctx, &name, &row) else {
        let at = encryption::try_again(ctx);
        ctx.schedule("dynamodb", at, "backfill", payload.to_vec());
        return;
    };
    let range = Range::<Items>::under((row.id.as_str(),));
    let range = match &filling.after {
        Some(after) => range.after((row.id.as_str(), after.as_slice())),
        None => range,
    };
    let portion = ctx.page(range, PORTION);
    let here = ctx.region().clone();
    for ((_, place), item) in &portion {
        if filling.own && item.version.writer != here {
            continue;
        }
        let Ok(content) = key.open(&row.id, place, &item.version, &item.sealed) else {
            continue;
        };
        let record = ItemRecord {
            account: name.account.clone(),
            table: name.name.clone(),
            group: row.group.clone(),
            version: item.version.clone(),
            deleted: item.deleted,
            item: content,
            accepted: ctx.elapsed().0,
            backfill: true,
        };
        ctx.replicate(
            &filling.to,
            &name.stream(),
            "dynamodb",
            "item",
            encode(&record),
        );
    }
    if let Some(((_, last), _)) = portion.last().filter(|_| portion.len() == PORTION) {
        filling.after = Some(last.clone());
        let at = ctx.elapsed().plus_micros(PAUSE);
        ctx.schedule("dynamodb", at, "backfill", encode(&filling));
    } else if !filling.own {
        members::tell_one(ctx, &name, &row, &filling.to, GroupChange::Filled);
    }
}
