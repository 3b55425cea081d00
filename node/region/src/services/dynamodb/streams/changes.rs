//! What is kept of a change: keys, the images that the view type asks for, and who made it.
//!
//! A write that changes nothing leaves no record. Records carry their shard in their number, so
//! that a shard is a range of rows; they are sealed under the table's key like items.

use faultline_proto::names::Elapsed;
use serde::{Deserialize, Serialize};

use super::shards::{self, OLDEST};
use crate::context::{Ctx, decode, encode};
use crate::services::dynamodb::keyspaces::{ChangeRow, Changes};
use crate::services::dynamodb::shelf::{Cause, Place, Shelf};
use crate::services::dynamodb::tables::TableTimer;
use crate::services::dynamodb::value::{self, Item};
use crate::store::Range;

/// Records dropped at one time.
const AT_ONCE: usize = 1000;

/// The sealed part of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) name: String,
    pub(crate) keys: Item,
    pub(crate) new: Option<Item>,
    pub(crate) old: Option<Item>,
    /// Deleted because its time was over, in this Region (DDB-020).
    pub(crate) expired: bool,
    pub(crate) size: u64,
}

/// The payload of the timer that drops a shard's records.
#[derive(Debug, Serialize, Deserialize)]
struct Trim {
    table: TableTimer,
    since: i64,
    shard: u64,
}

/// Keeps a change of an item of a table that has a stream.
pub(crate) fn keep(
    ctx: &mut Ctx<'_>,
    shelf: &Shelf,
    place: &Place,
    new: Option<&Item>,
    cause: Cause,
) {
    let Some(stream) = &shelf.table.stream else {
        return;
    };
    let old = place.item.as_ref();
    let name = match (old, new) {
        (None, Some(_)) => "INSERT",
        (Some(old), Some(new)) if old != new => "MODIFY",
        (Some(_), None) => "REMOVE",
        (Some(_), Some(_)) | (None, None) => return,
    };
    let (with_new, with_old) = match stream.view.as_str() {
        "NEW_IMAGE" => (true, false),
        "OLD_IMAGE" => (false, true),
        "NEW_AND_OLD_IMAGES" => (true, true),
        _ => (false, false),
    };
    let (new, old) = (new.filter(|_| with_new), old.filter(|_| with_old));
    let sizes = [Some(&place.key), new, old]
        .into_iter()
        .flatten()
        .map(value::size);
    let change = Change {
        name: name.to_owned(),
        keys: place.key.clone(),
        new: new.cloned(),
        old: old.cloned(),
        expired: cause == Cause::Expiry,
        size: sizes.sum(),
    };
    let (id, since) = (shelf.table.id.as_str(), stream.since.0);
    let last = ctx.first(Range::<Changes>::under((id, since)).reversed());
    let last = last.map(|((_, _, number), _)| number);
    let window = shards::window(stream.since, ctx.now());
    let (number, first) = shards::next(last, window);
    let sealed = shelf.key.seal_at(ctx, (id, &number.to_be_bytes()), &change);
    let row = ChangeRow {
        elapsed: ctx.elapsed().0,
        at: ctx.now(),
        event: ctx.entropy().hex::<16>("dynamodb.event-id"),
        sealed,
    };
    ctx.put::<Changes>((id, since, number), &row);
    if first {
        let trim = Trim {
            table: TableTimer::of(&shelf.name, &shelf.table),
            since,
            shard: shards::of(number),
        };
        let at = Elapsed(ctx.elapsed().0 + OLDEST + shards::LASTS);
        ctx.schedule("dynamodb", at, "trim", encode(&trim));
    }
}

/// Drops the records of a shard whose time is over.
pub(crate) fn trim(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok(trim) = decode::<Trim>(payload) else {
        return;
    };
    let id = trim.table.id.as_str();
    let range = Range::<Changes>::under((id, trim.since)).before((
        id,
        trim.since,
        shards::begin(trim.shard + 1),
    ));
    if drop_records(ctx, range) {
        let at = ctx.elapsed().plus_micros(10_000);
        ctx.schedule("dynamodb", at, "trim", payload.to_vec());
    }
}

/// Drops a portion of a table's records, all of its streams; whether there may be more.
pub(crate) fn drop_all(ctx: &mut Ctx<'_>, table: &str) -> bool {
    drop_records(ctx, Range::<Changes>::under((table,)))
}

fn drop_records(ctx: &mut Ctx<'_>, range: Range<Changes>) -> bool {
    let found = ctx.page(range, AT_ONCE);
    for ((id, since, number), _) in &found {
        ctx.delete::<Changes>((id.as_str(), *since, *number));
    }
    found.len() == AT_ONCE
}
