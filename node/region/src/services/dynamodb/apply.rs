//! Replicated records in: writes of other Regions, conflicts that they found, words about the
//! group.
//!
//! A record may come twice or late; what it does depends on versions alone (see `merge`). A
//! record of another group is of an older table of this name, and is dropped. While the table's
//! key cannot be used, writes wait, in order (DDB-059).

use std::sync::Arc;

use faultline_proto::names::{RegionName, Timestamp};
use sha2::{Digest as _, Sha256};

use super::encryption;
use super::journal;
use super::keyspaces::{
    ConflictRow, Conflicts, TableRow, TableStatus, Tables, Version, Waiting, WaitingRow, Written,
};
use super::lagging;
use super::members;
use super::merge::Fate;
use super::names::TableName;
use super::records::{ConflictRecord, ItemRecord};
use super::shelf::{Cause, Place, Shelf};
use super::tables::{self, TableTimer};
use super::value::Item;
use crate::context::{Ctx, decode, encode};
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;
use crate::service::no_record;
use crate::store::Range;

/// Takes a record.
pub(super) fn apply(
    ctx: &mut Ctx<'_>,
    from: &RegionName,
    kind: &str,
    body: &[u8],
) -> Result<(), Refusal> {
    match kind {
        "item" => decode(body).map(|record| item(ctx, from, record)),
        "conflict" => decode(body).map(|record| conflict(ctx, record)),
        "group" => decode(body).map(|record| members::apply(ctx, record)),
        other => Err(no_record(other)),
    }
}

fn ignored(ctx: &mut Ctx<'_>, from: &RegionName, kind: &str, why: &str) {
    ctx.note(
        "record_ignored",
        &[
            ("service", "dynamodb"),
            ("kind", kind),
            ("from", from.as_str()),
            ("why", why),
        ],
    );
}

fn item(ctx: &mut Ctx<'_>, from: &RegionName, record: ItemRecord) {
    let name = record.name();
    let table = ctx
        .get_cached::<Tables>((&name.account, name.name.as_str()))
        .filter(|row| row.group == record.group && row.status != TableStatus::Deleting);
    let Some(table) = table else {
        ignored(ctx, from, "item", "no such replica here");
        return;
    };
    let behind = ctx
        .first(Range::<Waiting>::under((table.id.as_str(),)).reversed())
        .map(|((_, ordinal), _)| ordinal);
    if behind.is_some() {
        wait(ctx, &name, &table, from, &record, behind);
        return;
    }
    match encryption::key_for_replication(ctx, &name, &table) {
        Ok(key) => settle(ctx, &Shelf::with(name, table, key), from, &record),
        Err(_) => wait(ctx, &name, &table, from, &record, None),
    }
}

/// Keeps a write until the table's key can be used.
fn wait(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    table: &TableRow,
    from: &RegionName,
    record: &ItemRecord,
    behind: Option<u64>,
) {
    let ordinal = behind.map_or(0, |last| last + 1);
    let sealed = ctx.seal_local("dynamodb.waiting", table.id.as_bytes(), &encode(record));
    let row = WaitingRow {
        from: from.clone(),
        sealed,
    };
    ctx.put::<Waiting>((table.id.as_str(), ordinal), &row);
    if behind.is_none() {
        let at = encryption::try_again(ctx);
        let timer = encode(&TableTimer::of(name, table));
        ctx.schedule("dynamodb", at, "waiting", timer);
    }
}

/// Tries the writes that wait.
pub(super) fn due(ctx: &mut Ctx<'_>, timer: &TableTimer) {
    let Some((name, table)) = timer.found(ctx) else {
        return;
    };
    let table = Arc::new(table);
    let Ok(key) = encryption::key_for_replication(ctx, &name, &table) else {
        let at = encryption::try_again(ctx);
        ctx.schedule("dynamodb", at, "waiting", encode(timer));
        return;
    };
    let shelf = Shelf::with(name, table, key);
    for ((id, ordinal), row) in ctx.all(Range::<Waiting>::under((shelf.table.id.as_str(),))) {
        let opened = ctx.open_local("dynamodb.waiting", id.as_bytes(), &row.sealed);
        if let Ok(record) = opened.and_then(|bytes| decode::<ItemRecord>(&bytes)) {
            settle(ctx, &shelf, &row.from, &record);
        }
        ctx.delete::<Waiting>((id.as_str(), ordinal));
    }
}

/// Merges a write into what is stored.
fn settle(ctx: &mut Ctx<'_>, shelf: &Shelf, from: &RegionName, record: &ItemRecord) {
    let Ok(key) = shelf.table.schema.key_of(&record.item) else {
        ignored(ctx, from, "item", "its key does not fit the table");
        return;
    };
    let place = match shelf.find(ctx, key.clone()) {
        Ok(place) => place,
        Err(why) => {
            ignored(ctx, from, "item", &why.message);
            return;
        }
    };
    let here = ctx.region().clone();
    let write = written(&record.version, &record.item, record.deleted);
    // A tombstone that has gone from here is not taken back from a member that still has it.
    let gone =
        place.version().is_none() && record.deleted && shelf.knows_all_up_to(ctx, &record.version);
    let fate = if gone {
        Fate::Known
    } else {
        record.version.arriving(place.version(), &here)
    };
    let outcome = match fate {
        Fate::Known => "known",
        Fate::Older => "older",
        Fate::Applied { conflict } => {
            if conflict && !mutants::is(Mutant::ConflictNotTold) {
                found(ctx, shelf, &key, &place, &write);
            }
            let content = (record.deleted, &record.item);
            shelf.store(ctx, &place, &record.version, content, Cause::Replication);
            "applied"
        }
    };
    if !record.backfill {
        let lag = ctx.elapsed().0.saturating_sub(record.accepted);
        lagging::arrived(ctx, &shelf.table, from, lag);
        journal::replicated(ctx, &shelf.name, &key, from, &write, (outcome, lag));
    }
}

fn written(version: &Version, item: &Item, deleted: bool) -> Written {
    Written {
        stamp: version.stamp,
        region: version.writer.clone(),
        deleted,
        digest: journal::digest(item, deleted),
    }
}

/// A write of this Region was lost: keeps it, tells it, and lets the other members know.
fn found(ctx: &mut Ctx<'_>, shelf: &Shelf, key: &Item, place: &Place, winner: &Written) {
    let Some(version) = place.version() else {
        return;
    };
    let deleted = place.item.is_none();
    let loser = written(version, place.item.as_ref().unwrap_or(key), deleted);
    let id = conflict_id(&shelf.table.group, key, &loser);
    journal::conflict(ctx, &shelf.name, key, &id, (winner, &loser));
    let record = ConflictRecord {
        account: shelf.name.account.clone(),
        table: shelf.name.name.clone(),
        group: shelf.table.group.clone(),
        id,
        winner: winner.clone(),
        loser,
        at: Timestamp(ctx.now().0),
        found: ctx.elapsed().0,
        key: key.clone(),
    };
    let (stream, body) = (shelf.name.stream(), encode(&record));
    let regions: Vec<RegionName> = shelf.table.replicas.keys().cloned().collect();
    for region in regions {
        ctx.replicate(&region, &stream, "dynamodb", "conflict", body.clone());
    }
    keep(ctx, &shelf.table, record);
}

fn conflict_id(group: &str, key: &Item, loser: &Written) -> String {
    let name = encode(&(group, key, &loser.region, loser.stamp));
    hex::encode(&Sha256::digest(name)[..16])
}

fn keep(ctx: &mut Ctx<'_>, table: &TableRow, record: ConflictRecord) {
    let sealed_key = ctx.seal_local(
        "dynamodb.conflict-key",
        table.id.as_bytes(),
        &encode(&record.key),
    );
    let row = ConflictRow {
        winner: record.winner,
        loser: record.loser,
        at: record.at,
        found: record.found,
        sealed_key,
    };
    ctx.put::<Conflicts>((table.id.as_str(), record.id.as_str()), &row);
}

/// A conflict that another Region found.
fn conflict(ctx: &mut Ctx<'_>, record: ConflictRecord) {
    let name = TableName {
        account: record.account.clone(),
        name: record.table.clone(),
    };
    let table = tables::row_of(ctx, &name).filter(|row| row.group == record.group);
    if let Some(table) = table {
        keep(ctx, &table, record);
    }
}
