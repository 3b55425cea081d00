//! A global index that is made or deleted while its table works.
//!
//! ```text
//!   CREATING --> CREATING, Backfilling --portion by portion--> ACTIVE
//!   DELETING --portion by portion--> gone
//! ```
//!
//! Writes reach an index from the moment it is being made, so the order of portions and writes
//! does not matter: both store what the item is now.

use serde::{Deserialize, Serialize};

use super::encryption;
use super::indexes;
use super::keyspaces::{Entries, Extras, ExtrasRow, Index, IndexStatus, Items, TableRow};
use super::names::TableName;
use super::shelf::Shelf;
use super::tables::TableTimer;
use crate::context::{Ctx, decode, encode};
use crate::store::Range;

/// How long an index waits before it fills, and before it is gone, microseconds.
const BEGINS_IN: (u64, u64) = (10_000_000, 30_000_000);
/// Rows in a portion, and the pause between two, microseconds.
const PORTION: usize = 64;
const PAUSE: u64 = 20_000;

/// How far an index has come; the payload of its timer.
#[derive(Debug, Serialize, Deserialize)]
struct Filling {
    table: TableTimer,
    index: String,
    after: Option<Vec<u8>>,
}

/// Begins to make, or to delete, an index.
pub(crate) fn begin(ctx: &mut Ctx<'_>, name: &TableName, row: &TableRow, index: String) {
    let filling = Filling {
        table: TableTimer::of(name, row),
        index,
        after: None,
    };
    let (from, to) = BEGINS_IN;
    let pause = from + ctx.entropy().below("dynamodb.index-pause", to - from);
    let at = ctx.elapsed().plus_micros(pause);
    ctx.schedule("dynamodb", at, "index_step", encode(&filling));
}

/// The next portion.
pub(super) fn due(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok(filling) = decode::<Filling>(payload) else {
        return;
    };
    let Some((name, row)) = filling.table.found(ctx) else {
        return;
    };
    let Some(extras) = ctx.get::<Extras>(row.id.as_str()) else {
        return;
    };
    let Some(at) = extras
        .indexes
        .iter()
        .position(|index| index.id == filling.index)
    else {
        return;
    };
    match extras.indexes[at].status {
        IndexStatus::Creating { .. } => fill(ctx, name, row, extras, at, filling),
        IndexStatus::Deleting => remove(ctx, &row, extras, at, &filling),
        IndexStatus::Active | IndexStatus::Updating => {}
    }
}

fn fill(
    ctx: &mut Ctx<'_>,
    name: TableName,
    row: TableRow,
    mut extras: ExtrasRow,
    at: usize,
    mut filling: Filling,
) {
    let Ok(key) = encryption::key_for_replication(ctx, &name, &row) else {
        let moment = encryption::try_again(ctx);
        ctx.schedule("dynamodb", moment, "index_step", encode(&filling));
        return;
    };
    let shelf = Shelf::with(name, row.into(), key);
    let id = shelf.table.id.clone();
    let range = Range::<Items>::under((id.as_str(),));
    let range = match &filling.after {
        Some(after) => range.after((id.as_str(), after.as_slice())),
        None => range,
    };
    let portion = ctx.page(range, PORTION);
    let index: Index = extras.indexes[at].clone();
    for ((_, place), found) in portion.iter().filter(|(_, found)| !found.deleted) {
        if let Ok(item) = shelf.opened(place, found)
            && let Ok(key) = shelf.table.schema.key_of(&item)
        {
            indexes::fill(ctx, &shelf, &index, &key, &item);
        }
    }
    let last = portion.last().filter(|_| portion.len() == PORTION);
    extras.indexes[at].status = match last {
        Some(_) => IndexStatus::Creating { backfilling: true },
        None => IndexStatus::Active,
    };
    ctx.put::<Extras>(id.as_str(), &extras);
    if let Some(((_, last), _)) = last {
        filling.after = Some(last.clone());
        again(ctx, &filling);
    }
}

fn remove(ctx: &mut Ctx<'_>, row: &TableRow, mut extras: ExtrasRow, at: usize, filling: &Filling) {
    if drop_entries(ctx, &filling.index) {
        again(ctx, filling);
        return;
    }
    extras.indexes.remove(at);
    ctx.put::<Extras>(row.id.as_str(), &extras);
}

fn again(ctx: &mut Ctx<'_>, filling: &Filling) {
    let moment = ctx.elapsed().plus_micros(PAUSE);
    ctx.schedule("dynamodb", moment, "index_step", encode(filling));
}

/// Deletes a portion of an index's entries; whether there may be more.
pub(crate) fn drop_entries(ctx: &mut Ctx<'_>, index: &str) -> bool {
    const AT_ONCE: usize = 1000;
    let entries = ctx.page(Range::<Entries>::under((index,)), AT_ONCE);
    for ((_, place), _) in &entries {
        ctx.delete::<Entries>((index, place.as_slice()));
    }
    entries.len() == AT_ONCE
}
