//! Replication lag: how long DynamoDB itself takes before a write leaves its Region, beside the
//! link's latency (DDB-008, LAT-005). A world says it for pairs of Regions; without it a write
//! leaves with its commit, in the order of the table.
//!
//! With it a write waits in a row of its own. So writes of different items overtake each other, as
//! partitions replicate in parallel (DDB-015), and a later write of an item takes the place of one
//! that still waits, so that the other Regions never see the first (DDB-016). What the members
//! tell each other about the group pushes the waiting writes before it, where its meaning rests
//! on the order (see `tombstones`).

use faultline_proto::names::{Elapsed, RegionName};
use serde::{Deserialize, Serialize};

use super::keyspaces::{LagRow, Lagging, Latencies, LatencyRow, Minute, TableRow};
use super::names::TableName;
use super::tables::TableTimer;
use crate::context::{Ctx, decode, encode};
use crate::lag::PARTS;
use crate::store::Range;

/// The payload of the timer of a write that waits.
#[derive(Debug, Serialize, Deserialize)]
struct Turn {
    table: TableTimer,
    to: RegionName,
    #[serde(with = "serde_bytes")]
    row: Vec<u8>,
}

/// Sends a write of the item in `row`, now or after the lag.
pub(super) fn send(
    ctx: &mut Ctx<'_>,
    (name, table): (&TableName, &TableRow),
    row: &[u8],
    to: &RegionName,
    record: &[u8],
) {
    let Some(lag) = ctx.core.table_lags.get(to).copied() else {
        return leave(ctx, name, to, record.to_vec());
    };
    let key = (table.id.as_str(), to, row);
    let due = match ctx.get::<Lagging>(key) {
        Some(waiting) => waiting.due,
        None => {
            let part = ctx.entropy().below("dynamodb.lag", PARTS);
            let due = ctx.elapsed().plus_micros(lag.at(part));
            let turn = Turn {
                table: TableTimer::of(name, table),
                to: to.clone(),
                row: row.to_vec(),
            };
            ctx.schedule("dynamodb", due, "lagging", encode(&turn));
            due.0
        }
    };
    let sealed = ctx.seal_local("dynamodb.lagging", table.id.as_bytes(), record);
    ctx.put::<Lagging>(key, &LagRow { due, sealed });
}

fn leave(ctx: &mut Ctx<'_>, name: &TableName, to: &RegionName, record: Vec<u8>) {
    ctx.replicate(to, &name.stream(), "dynamodb", "item", record);
}

/// The turn of a write has come.
pub(super) fn due(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok(turn) = decode::<Turn>(payload) else {
        return;
    };
    let Some((name, table)) = turn.table.found(ctx) else {
        return;
    };
    let key = (table.id.as_str(), &turn.to, turn.row.as_slice());
    // It may have been pushed out, and another may wait in its place.
    let waiting = ctx.get::<Lagging>(key);
    if let Some(waiting) = waiting.filter(|it| Elapsed(it.due) <= ctx.elapsed()) {
        ctx.delete::<Lagging>(key);
        go(ctx, (&name, &table), &turn.to, &waiting);
    }
}

fn go(ctx: &mut Ctx<'_>, (name, table): (&TableName, &TableRow), to: &RegionName, row: &LagRow) {
    let opened = ctx.open_local("dynamodb.lagging", table.id.as_bytes(), &row.sealed);
    if let (true, Ok(record)) = (table.replicas.contains_key(to), opened) {
        leave(ctx, name, to, record);
    }
}

/// Sends at once what waits, for one member or for all.
pub(super) fn push(ctx: &mut Ctx<'_>, name: &TableName, table: &TableRow, to: Option<&RegionName>) {
    if ctx.core.table_lags.is_empty() {
        return;
    }
    for ((_, peer, row), waiting) in ctx.all(Range::<Lagging>::under((table.id.as_str(),))) {
        if to.is_none_or(|to| *to == peer) {
            ctx.delete::<Lagging>((table.id.as_str(), &peer, row.as_slice()));
            go(ctx, (name, table), &peer, &waiting);
        }
    }
}

/// Forgets what waits of a table that is gone.
pub(super) fn forget(ctx: &mut Ctx<'_>, id: &str) {
    for ((_, peer, row), _) in ctx.all(Range::<Lagging>::under((id,))) {
        ctx.delete::<Lagging>((id, &peer, row.as_slice()));
    }
    for ((_, from), _) in ctx.all(Range::<Latencies>::under((id,))) {
        ctx.delete::<Latencies>((id, &from));
    }
}

impl Minute {
    fn add(&mut self, lag: u64) {
        self.samples += 1;
        self.sum += lag;
        self.most = self.most.max(lag);
    }

    fn with(mut self, other: Self) -> Self {
        self.samples += other.samples;
        self.sum += other.sum;
        self.most = self.most.max(other.most);
        self
    }
}

impl LatencyRow {
    /// As it stands in a later minute.
    fn by(self, minute: u64) -> Self {
        match minute.saturating_sub(self.minute) {
            0 => self,
            passed => Self {
                minute,
                present: Minute::default(),
                last: if passed == 1 {
                    self.present
                } else {
                    Minute::default()
                },
            },
        }
    }
}

fn minute(ctx: &Ctx<'_>) -> u64 {
    ctx.elapsed().0 / 60_000_000
}

/// Counts a write that has arrived `lag` microseconds after it was made.
pub(super) fn arrived(ctx: &mut Ctx<'_>, table: &TableRow, from: &RegionName, lag: u64) {
    let key = (table.id.as_str(), from);
    let row = ctx.get::<Latencies>(key).unwrap_or_default();
    let mut row = row.by(minute(ctx));
    row.present.add(lag);
    ctx.put::<Latencies>(key, &row);
}

/// What CloudWatch would show as ReplicationLatency of writes that arrived in this minute and the
/// last one: from, samples, average and maximum, microseconds.
pub(super) fn latencies(ctx: &mut Ctx<'_>, table: &TableRow) -> Vec<(RegionName, u64, u64, u64)> {
    let minute = minute(ctx);
    let rows = ctx.all(Range::<Latencies>::under((table.id.as_str(),)));
    rows.into_iter()
        .map(|((_, from), row)| {
            let row = row.by(minute);
            let both = row.present.with(row.last);
            let average = both.sum.checked_div(both.samples).unwrap_or_default();
            (from, both.samples, average, both.most)
        })
        .collect()
}
