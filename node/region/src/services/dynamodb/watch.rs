//! DynamoDB looks at a table's KMS key now and then, and so notices late that it cannot be used
//! (DDB-058) or can again (DDB-063).
//!
//! Reading and writing do not wait for this: they fail when KMS refuses the table's key.

use super::encryption;
use super::keyspaces::{Encryption, Inaccessible, ReplicaStatus, TableRow, TableStatus};
use super::members;
use super::names::TableName;
use super::strong;
use super::tables::{self, TableTimer};
use crate::context::Ctx;

const MINUTE: u64 = 60_000_000;
/// Between two looks at a key that was usable; before a first doubt is confirmed (a replica
/// takes longer); between two looks at a key that was not. Together they make the 13 to 75
/// minutes of DDB-058, about 80 for a replica, and at most the 57 of DDB-063.
const USUAL: (u64, u64) = (20 * MINUTE, 40 * MINUTE);
const DOUBT: (u64, u64) = (13 * MINUTE, 35 * MINUTE);
const REPLICA_DOUBT: (u64, u64) = (40 * MINUTE, 50 * MINUTE);
const LOST: (u64, u64) = (18 * MINUTE, 57 * MINUTE);
/// After this long a replica is no longer part of its global table (DDB-060): 20 hours.
const GIVEN_UP: u64 = 20 * 60 * MINUTE;
/// After this long a table is archived (DDB-062): 7 days. How long that takes is not known.
const WEEK: u64 = 7 * 24 * 60 * MINUTE;
const ARCHIVED_IN: (u64, u64) = (5 * MINUTE, 15 * MINUTE);

/// Begins to look at a table's key, when KMS has it.
pub(super) fn begin(ctx: &mut Ctx<'_>, name: &TableName, row: &TableRow) {
    if row.encryption.key_arn().is_some() {
        tables::wake(ctx, "key_check", name, row, USUAL);
    }
}

/// Looks.
pub(super) fn due(ctx: &mut Ctx<'_>, timer: &TableTimer, in_doubt: bool) {
    let Some((name, mut row)) = timer.found(ctx) else {
        return;
    };
    let Encryption::Kms { arn, .. } = &row.encryption else {
        return;
    };
    if matches!(
        row.status,
        TableStatus::Deleting | TableStatus::Archiving | TableStatus::Archived
    ) {
        return;
    }
    let usable = encryption::is_usable(ctx, &arn.clone());
    let (kind, pause) = match (usable, row.inaccessible) {
        (true, None) => ("key_check", USUAL),
        (false, None) if !in_doubt && row.replicas.is_empty() => ("key_doubt", DOUBT),
        (false, None) if !in_doubt => ("key_doubt", REPLICA_DOUBT),
        (false, None) => {
            row.inaccessible = Some(Inaccessible {
                elapsed: ctx.elapsed().0,
                at: ctx.now(),
            });
            changed(ctx, &name, &row);
            ("key_check", LOST)
        }
        (true, Some(_)) => {
            row.inaccessible = None;
            changed(ctx, &name, &row);
            ("key_check", USUAL)
        }
        (false, Some(since)) => {
            let given_up = ctx.elapsed().0 - since.elapsed >= GIVEN_UP;
            if given_up && !row.replicas.is_empty() && !strong::is(ctx, &row) {
                members::leave(ctx, &name, &mut row);
                tables::save(ctx, &name, &row);
            }
            if ctx.elapsed().0 - since.elapsed >= WEEK {
                row.status = TableStatus::Archiving;
                changed(ctx, &name, &row);
                ("archived", ARCHIVED_IN)
            } else {
                ("key_check", LOST)
            }
        }
    };
    tables::wake(ctx, kind, &name, &row, pause);
}

/// A table has become a backup.
pub(super) fn archived(ctx: &mut Ctx<'_>, timer: &TableTimer) {
    if let Some((name, mut row)) = timer.found(ctx)
        && row.status == TableStatus::Archiving
    {
        row.status = TableStatus::Archived;
        changed(ctx, &name, &row);
    }
}

fn changed(ctx: &mut Ctx<'_>, name: &TableName, row: &TableRow) {
    tables::save(ctx, name, row);
    let status = match row.status {
        TableStatus::Creating | TableStatus::Filling { .. } => ReplicaStatus::Creating,
        TableStatus::Active
        | TableStatus::Updating
        | TableStatus::Archiving
        | TableStatus::Archived => ReplicaStatus::Active,
        TableStatus::Deleting => ReplicaStatus::Deleting,
    };
    members::tell_own(ctx, name, row, status);
}
