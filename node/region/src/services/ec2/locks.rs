//! Locks of snapshots: LockSnapshot, UnlockSnapshot, DescribeLockedSnapshots.
//!
//! ```text
//!   governance            may be changed and undone; the snapshot cannot be deleted
//!   compliance-cooloff    the same, for the hours of the cool-off period
//!   compliance            may only be made longer
//!   expired               holds nothing
//! ```
//!
//! The duration counts from the snapshot's completion, or from the lock when that is later.

use faultline_proto::ec2::{
    DescribeLockedSnapshotsRequest, DescribeLockedSnapshotsResponse, LockSnapshotRequest,
    LockSnapshotResponse, LockedSnapshotsInfo, UnlockSnapshotRequest, UnlockSnapshotResponse,
};

use super::error::Error;
use super::keyspaces::{LockMode, LockRow, Locks, Snapshots, Tags};
use super::{select, snapshots};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// What a lock is now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    state: &'static str,
    starts: Option<i64>,
    ends: Option<i64>,
    cools_until: Option<i64>,
}

/// How a lock stands at `now`; the snapshot was complete at `completed`.
fn seen(row: &LockRow, completed: Option<i64>, now: i64) -> Seen {
    let starts = completed.map(|completed| completed.max(row.created));
    let ends = row.until.or_else(|| {
        starts
            .zip(row.days)
            .map(|(starts, days)| starts + i64::from(days) * DAY)
    });
    let cools_until = row
        .cool_off
        .map(|hours| row.created + i64::from(hours) * HOUR);
    let state = match row.mode {
        _ if ends.is_some_and(|ends| ends <= now) => "expired",
        LockMode::Governance => "governance",
        LockMode::Compliance if cools_until.is_some_and(|until| now < until) => {
            "compliance-cooloff"
        }
        LockMode::Compliance => "compliance",
    };
    Seen {
        state,
        starts,
        ends,
        cools_until,
    }
}

fn of(ctx: &mut Ctx<'_>, id: &str) -> Option<(LockRow, Seen)> {
    let row = ctx.get::<Locks>(id)?;
    let completed = ctx.get::<Snapshots>(id).and_then(|row| row.completed);
    let seen = seen(&row, completed, ctx.now().millis());
    Some((row, seen))
}

/// Refuses what a lock forbids.
///
/// # Errors
/// While the snapshot is locked.
pub fn check(ctx: &mut Ctx<'_>, id: &str) -> Result<(), Error> {
    match of(ctx, id) {
        Some((_, seen)) if seen.state != "expired" => Err(Error::Locked(id.to_owned())),
        _ => Ok(()),
    }
}

/// The snapshot is gone.
pub fn forget(ctx: &mut Ctx<'_>, id: &str) {
    ctx.delete::<Locks>(id);
}

/// LockSnapshot: locks, or changes the lock as far as its state lets one.
pub(super) fn lock(
    ctx: &mut Ctx<'_>,
    request: LockSnapshotRequest,
) -> Result<LockSnapshotResponse, Refusal> {
    let id = request.snapshot_id.clone().unwrap_or_default();
    let snapshot = snapshots::own(ctx, &id)?;
    let mode = match request.lock_mode.as_deref() {
        Some("governance") => LockMode::Governance,
        _ => LockMode::Compliance,
    };
    let now = ctx.now().millis();
    check_request(&request, mode, now)?;
    let row = LockRow {
        owner: snapshot.owner,
        mode,
        created: now,
        cool_off: request.cool_off_period,
        days: request.lock_duration,
        until: request.expiration_date,
    };
    let row = match of(ctx, &id) {
        Some((old, was)) if was.state == "compliance" => {
            longer(&id, old, &was, row, snapshot.completed, now)?
        }
        _ => row,
    };
    ctx.put::<Locks>(id.as_str(), &row);
    let seen = seen(&row, snapshot.completed, now);
    ctx.note("snapshot_lock", &[("snapshot", &id), ("state", seen.state)]);
    Ok(LockSnapshotResponse {
        snapshot_id: Some(id),
        lock_state: Some(seen.state.to_owned()),
        lock_duration: row.days,
        cool_off_period: row.cool_off,
        cool_off_period_expires_on: seen.cools_until,
        lock_created_on: Some(row.created),
        lock_expires_on: seen.ends,
        lock_duration_start_time: seen.starts,
    })
}

fn check_request(request: &LockSnapshotRequest, mode: LockMode, now: i64) -> Result<(), Error> {
    let wrong = |text: &str| Err(Error::InvalidCombination(text.to_owned()));
    match (request.lock_duration, request.expiration_date) {
        (Some(_), Some(_)) => {
            return wrong("Specify either a lock duration or an expiration date, not both");
        }
        (None, None) => return Err(Error::Missing("LockDuration or ExpirationDate")),
        (None, Some(date)) if date < now + DAY => {
            return Err(Error::InvalidValue(
                "The expiration date must be at least one day in the future".to_owned(),
            ));
        }
        _ => {}
    }
    if mode == LockMode::Governance && request.cool_off_period.is_some() {
        return wrong("A cool-off period is for the compliance mode");
    }
    Ok(())
}

/// A compliance lock without a cool-off period: only its end may move, and only later.
fn longer(
    id: &str,
    old: LockRow,
    was: &Seen,
    wanted: LockRow,
    completed: Option<i64>,
    now: i64,
) -> Result<LockRow, Error> {
    let wanted = LockRow {
        created: old.created,
        ..wanted
    };
    let is_longer = seen(&wanted, completed, now).ends > was.ends;
    if wanted.mode != LockMode::Compliance || wanted.cool_off.is_some() || !is_longer {
        return Err(Error::Locked(id.to_owned()));
    }
    Ok(LockRow {
        cool_off: old.cool_off,
        ..wanted
    })
}

/// UnlockSnapshot: where the mode lets one.
pub(super) fn unlock(
    ctx: &mut Ctx<'_>,
    request: UnlockSnapshotRequest,
) -> Result<UnlockSnapshotResponse, Refusal> {
    let id = request.snapshot_id.unwrap_or_default();
    snapshots::own(ctx, &id)?;
    match of(ctx, &id) {
        None => return Err(Error::NotLocked(id).into()),
        Some((_, seen)) if seen.state == "compliance" => return Err(Error::Locked(id).into()),
        Some(_) => {}
    }
    ctx.delete::<Locks>(id.as_str());
    ctx.note("snapshot_lock", &[("snapshot", &id), ("state", "unlocked")]);
    Ok(UnlockSnapshotResponse {
        snapshot_id: Some(id),
    })
}

/// DescribeLockedSnapshots: those of the caller's account.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeLockedSnapshotsRequest,
) -> Result<DescribeLockedSnapshotsResponse, Refusal> {
    for id in &request.snapshot_ids {
        snapshots::own(ctx, id)?;
    }
    let account = ctx.account();
    let mut found = Vec::new();
    for (id, row) in ctx.all(Range::<Locks>::all()) {
        if row.owner != account
            || !(request.snapshot_ids.is_empty() || request.snapshot_ids.contains(&id))
        {
            continue;
        }
        let Some((row, seen)) = of(ctx, &id) else {
            continue;
        };
        let look = |name: &str| match name {
            "lock-state" => Some(vec![seen.state.to_owned()]),
            _ => None,
        };
        if select::passes(&request.filters, &Tags::new(), look)? {
            found.push((id.clone(), show(&id, &row, &seen)));
        }
    }
    let (page, next_token) =
        select::page(found, request.max_results, request.next_token.as_deref());
    Ok(DescribeLockedSnapshotsResponse {
        snapshots: page.into_iter().map(|(_, info)| info).collect(),
        next_token,
    })
}

fn show(id: &str, row: &LockRow, seen: &Seen) -> LockedSnapshotsInfo {
    LockedSnapshotsInfo {
        owner_id: Some(row.owner.to_string()),
        snapshot_id: Some(id.to_owned()),
        lock_state: Some(seen.state.to_owned()),
        lock_duration: row.days,
        cool_off_period: row.cool_off,
        cool_off_period_expires_on: seen.cools_until,
        lock_created_on: Some(row.created),
        lock_duration_start_time: seen.starts,
        lock_expires_on: seen.ends,
    }
}
