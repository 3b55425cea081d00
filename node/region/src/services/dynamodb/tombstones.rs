//! Tombstones go when nobody needs them any more.
//!
//! A tombstone is there to win against writes that are older than the delete and come later. Each
//! Region removes its own, a day after, when two things are sure: every member has the delete, and
//! everything older has arrived. Both follow from the order of a stream:
//!
//! ```text
//!   this Region  --tombstones, then "sweep"-->  each member, which takes them in that order
//!                <-- what it wrote before ----  and answers behind all that it sent before
//! ```
//!
//! A member that is cut off does not answer, and one whose key cannot be used does not either: then
//! the tombstones stay, and are sent again a day later. A table of one Region asks nobody.
//!
//! What a tombstone knew is kept for the table as a whole, the latest write of each Region: this
//! Region has had all that were older, so a new write over nothing knows them too.

use std::collections::BTreeSet;

use faultline_proto::names::RegionName;

use super::encryption;
use super::keyspaces::{Items, ReplicaStatus, SweepRow, Sweeps, TableRow, Waiting};
use super::lagging;
use super::members;
use super::names::TableName;
use super::records::{GroupChange, ItemRecord};
use super::tables::TableTimer;
use crate::context::{Ctx, encode};
use crate::store::Range;

/// How long a tombstone stays at least, microseconds: a day.
const STAYS: u64 = 24 * 3600 * 1_000_000;
/// Tombstones of one sweep, at most; the others wait for the next.
const AT_ONCE: usize = 1000;

/// Plans a sweep, when a tombstone was stored.
pub(crate) fn plan(ctx: &mut Ctx<'_>, name: &TableName, table: &TableRow) {
    let mut sweep = ctx.get::<Sweeps>(table.id.as_str()).unwrap_or_default();
    if !sweep.planned {
        sweep.planned = true;
        ctx.put::<Sweeps>(table.id.as_str(), &sweep);
        schedule(ctx, name, table);
    }
}

fn schedule(ctx: &mut Ctx<'_>, name: &TableName, table: &TableRow) {
    let at = ctx.elapsed().plus_micros(STAYS);
    let timer = encode(&TableTimer::of(name, table));
    ctx.schedule("dynamodb", at, "sweep", timer);
}

/// A day has passed.
pub(super) fn due(ctx: &mut Ctx<'_>, timer: &TableTimer) {
    let Some((name, table)) = timer.found(ctx) else {
        return;
    };
    let mut sweep = ctx.get::<Sweeps>(table.id.as_str()).unwrap_or_default();
    let old = ctx.now().0.saturating_sub_unsigned(STAYS / 2);
    let tombstones: Vec<_> = ctx
        .all(Range::<Items>::under((table.id.as_str(),)))
        .into_iter()
        .filter(|(_, item)| item.deleted && item.version.stamp <= old)
        .take(AT_ONCE)
        .collect();
    sweep.round += 1;
    sweep.rows = tombstones
        .iter()
        .map(|((_, row), item)| (row.clone(), item.version.stamp))
        .collect();
    sweep.waiting = table.replicas.keys().cloned().collect();
    let settled = table
        .replicas
        .values()
        .all(|replica| replica.status == ReplicaStatus::Active);
    let key = encryption::key_for_replication(ctx, &name, &table);
    if let (true, Ok(key), false) = (settled, key, has_waiting(ctx, &table)) {
        for ((_, row), item) in &tombstones {
            let Ok(content) = key.open(&table.id, row, &item.version, &item.sealed) else {
                continue;
            };
            let record = encode(&ItemRecord {
                account: name.account.clone(),
                table: name.name.clone(),
                group: table.group.clone(),
                version: item.version.clone(),
                deleted: true,
                item: content,
                accepted: ctx.elapsed().0,
                backfill: true,
            });
            for region in &sweep.waiting {
                ctx.replicate(region, &name.stream(), "dynamodb", "item", record.clone());
            }
        }
        let from = ctx.region().clone();
        let round = sweep.round;
        for region in &sweep.waiting {
            let from = from.clone();
            members::tell_one(
                ctx,
                &name,
                &table,
                region,
                GroupChange::Sweep { from, round },
            );
        }
    }
    if sweep.waiting.is_empty() {
        collect(ctx, &table, &mut sweep);
    }
    let left = ctx
        .all(Range::<Items>::under((table.id.as_str(),)))
        .iter()
        .any(|(_, item)| item.deleted);
    sweep.planned = left;
    ctx.put::<Sweeps>(table.id.as_str(), &sweep);
    if left {
        schedule(ctx, &name, &table);
    }
}

fn has_waiting(ctx: &mut Ctx<'_>, table: &TableRow) -> bool {
    ctx.first(Range::<Waiting>::under((table.id.as_str(),)))
        .is_some()
}

/// Another member asks whether everything that it sent is here.
pub(super) fn asked(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    table: &TableRow,
    from: &RegionName,
    round: u64,
) {
    if !has_waiting(ctx, table) {
        lagging::push(ctx, name, table, Some(from));
        let region = ctx.region().clone();
        let change = GroupChange::Swept { region, round };
        members::tell_one(ctx, name, table, from, change);
    }
}

/// A member has everything, and all that it wrote before has come.
pub(super) fn answered(ctx: &mut Ctx<'_>, table: &TableRow, region: &RegionName, round: u64) {
    let Some(mut sweep) = ctx.get::<Sweeps>(table.id.as_str()) else {
        return;
    };
    if sweep.round != round || !sweep.waiting.remove(region) {
        return;
    }
    let members: BTreeSet<RegionName> = table.replicas.keys().cloned().collect();
    sweep.waiting = &sweep.waiting & &members;
    if sweep.waiting.is_empty() && !has_waiting(ctx, table) {
        collect(ctx, table, &mut sweep);
    }
    ctx.put::<Sweeps>(table.id.as_str(), &sweep);
}

fn collect(ctx: &mut Ctx<'_>, table: &TableRow, sweep: &mut SweepRow) {
    let mut gone = 0u64;
    for (row, stamp) in std::mem::take(&mut sweep.rows) {
        let key = (table.id.as_str(), row.as_slice());
        let Some(item) = ctx.get::<Items>(key) else {
            continue;
        };
        if !item.deleted || item.version.stamp != stamp {
            continue;
        }
        for (region, stamp) in item.version.knew {
            let floor = sweep.floor.entry(region).or_insert(stamp);
            *floor = stamp.max(*floor);
        }
        ctx.delete::<Items>(key);
        gone += 1;
    }
    if gone > 0 {
        let count = gone.to_string();
        ctx.note(
            "tombstones_gone",
            &[
                ("service", "dynamodb"),
                ("table_id", &table.id),
                ("count", &count),
            ],
        );
    }
}
