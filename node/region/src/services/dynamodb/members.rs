//! The members of a global table, and what they tell each other about themselves.
//!
//! Each Region keeps its own list of the other replicas; there is no owner (DDB-002, DDB-003).
//! Words about one replica come on different streams, so they may overtake each other: a
//! replica that is known to be ACTIVE does not become CREATING again, and one is removed only
//! under the TableId it was known by.

use super::keyspaces::{ReplicaStatus, TableRow, TableStatus, Waiting};
use super::names::TableName;
use super::records::{GroupChange, GroupRecord};
use super::tables::{self, TableTimer};
use super::{backfill, encryption, group_settings, lagging, tombstones};
use crate::context::{Ctx, encode};
use crate::store::Range;

/// Tells all members of a change.
pub(crate) fn tell(ctx: &mut Ctx<'_>, name: &TableName, row: &TableRow, change: &GroupChange) {
    let regions: Vec<_> = row
        .replicas
        .iter()
        .filter(|(_, replica)| replica.status != ReplicaStatus::Asked)
        .map(|(region, _)| region.clone())
        .collect();
    for region in regions {
        tell_one(ctx, name, row, &region, change.clone());
    }
}

/// Tells one member.
pub(crate) fn tell_one(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    row: &TableRow,
    region: &faultline_proto::names::RegionName,
    change: GroupChange,
) {
    let record = GroupRecord {
        account: name.account.clone(),
        table: name.name.clone(),
        group: row.group.clone(),
        change,
    };
    ctx.replicate(region, &name.stream(), "dynamodb", "group", encode(&record));
}

/// Tells all members where this replica stands.
pub(crate) fn tell_own(ctx: &mut Ctx<'_>, name: &TableName, row: &TableRow, status: ReplicaStatus) {
    let change = GroupChange::Member {
        region: ctx.region().clone(),
        replica: tables::as_replica(row, status),
    };
    tell(ctx, name, row, &change);
}

/// Takes a word of another member.
pub(crate) fn apply(ctx: &mut Ctx<'_>, record: GroupRecord) {
    let name = TableName {
        account: record.account,
        name: record.table,
    };
    let Some(mut row) = tables::row_of(ctx, &name).filter(|row| row.group == record.group) else {
        return;
    };
    match record.change {
        GroupChange::Member { region, replica } => {
            if region == *ctx.region() {
                return;
            }
            let before = row.replicas.get(&region);
            let back = before.is_some_and(|before| {
                before.id == replica.id && rank(before.status) > rank(replica.status)
            });
            if back {
                return;
            }
            let joins = before.is_none() && replica.status != ReplicaStatus::Deleting;
            row.replicas.insert(region.clone(), replica);
            tables::save(ctx, &name, &row);
            if joins {
                // What this Region wrote last may not have reached the source yet.
                backfill::begin(ctx, &name, &row, &region, true);
            }
        }
        GroupChange::Left { region, id } => {
            if row
                .replicas
                .get(&region)
                .is_some_and(|known| known.id == id)
            {
                row.replicas.remove(&region);
                tables::save(ctx, &name, &row);
            }
        }
        GroupChange::Extras(extras) => group_settings::take(ctx, &name, &row, &extras),
        GroupChange::Sweep { from, round } => {
            tombstones::asked(ctx, &name, &row, &from, round);
        }
        GroupChange::Swept { region, round } => {
            tombstones::answered(ctx, &row, &region, round);
        }
        GroupChange::Filled => {
            if let TableStatus::Filling { at, .. } = row.status {
                row.status = TableStatus::Filling { at, complete: true };
                tables::save(ctx, &name, &row);
                let timer = TableTimer::of(&name, &row);
                filled(ctx, &timer);
            }
        }
    }
}

fn rank(status: ReplicaStatus) -> u8 {
    match status {
        ReplicaStatus::Asked => 0,
        ReplicaStatus::Creating => 1,
        ReplicaStatus::Active => 2,
        ReplicaStatus::Deleting => 3,
    }
}

/// This replica leaves its group and stays as a table of its Region (DDB-060).
pub(crate) fn leave(ctx: &mut Ctx<'_>, name: &TableName, row: &mut TableRow) {
    lagging::push(ctx, name, row, None);
    let change = GroupChange::Left {
        region: ctx.region().clone(),
        id: row.id.clone(),
    };
    tell(ctx, name, row, &change);
    row.replicas.clear();
    row.group = ctx.entropy().uuid("dynamodb.group-id");
    for ((_, ordinal), _) in ctx.all(Range::<Waiting>::under((row.id.as_str(),))) {
        ctx.delete::<Waiting>((row.id.as_str(), ordinal));
    }
}

/// A new replica becomes ACTIVE when its time has come and everything is there (DDB-040).
pub(crate) fn filled(ctx: &mut Ctx<'_>, timer: &TableTimer) {
    let Some((name, mut row)) = timer.found(ctx) else {
        return;
    };
    let TableStatus::Filling { at, complete } = row.status else {
        return;
    };
    if !complete || ctx.elapsed().0 < at {
        return;
    }
    if let Some(arn) = row.encryption.key_arn().map(str::to_owned)
        && !encryption::is_usable(ctx, &arn)
    {
        // DDB-065: the add disappears without a word.
        row.status = TableStatus::Deleting;
        tables::save(ctx, &name, &row);
        tables::gone(ctx, timer);
        return;
    }
    row.status = TableStatus::Active;
    tables::save(ctx, &name, &row);
    tell_own(ctx, &name, &row, ReplicaStatus::Active);
    let region = ctx.region().to_string();
    ctx.note(
        "replica_active",
        &[
            ("service", "dynamodb"),
            ("table", &name.name),
            ("region", &region),
        ],
    );
}
