//! The archive tier of snapshots: ModifySnapshotTier, RestoreSnapshotTier, DescribeSnapshotTierStatus.
//!
//! ```text
//!   standard --archive, a day--> archive --restore, a day--> standard, for some days or for good
//! ```
//!
//! What is archived cannot be read until it is restored: no volume, no copy, no image is made of it,
//! and a later copy is not incremental to it (EBS-022). Nothing happens at the ends of those days,
//! so no timer is set; the state is a question of the time. Left out: the prices, and that an
//! archived snapshot is stored whole.

use faultline_proto::ec2::{
    DescribeSnapshotTierStatusRequest, DescribeSnapshotTierStatusResponse,
    ModifySnapshotTierRequest, ModifySnapshotTierResponse, RestoreSnapshotTierRequest,
    RestoreSnapshotTierResponse, SnapshotTierStatus,
};

use super::error::Error;
use super::keyspaces::{
    ImageState, Images, RestoreRow, SnapshotRow, SnapshotState, Snapshots, TierRow, Tiers,
};
use super::{select, snapshots};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;

/// Milliseconds of a day; that long an archival takes, and a restore.
const DAY: i64 = 24 * 3600 * 1000;

/// Where a snapshot is, and what became of the last move.
struct Seen {
    /// Whether it can be read.
    is_standard: bool,
    /// As AWS writes it.
    status: &'static str,
    began: i64,
    progress: i32,
    archived: Option<i64>,
    expires: Option<i64>,
}

/// Percent of a day that have passed.
fn percent(began: i64, now: i64) -> i32 {
    i32::try_from((now.saturating_sub(began)).clamp(0, DAY) * 100 / DAY).unwrap_or(100)
}

fn seen(row: &TierRow, now: i64) -> Seen {
    let archived = row.began.saturating_add(DAY);
    let plain = |is_standard, status| Seen {
        is_standard,
        status,
        began: row.began,
        progress: percent(row.began, now),
        archived: (archived <= now).then_some(archived),
        expires: None,
    };
    let Some(restore) = &row.restore else {
        return if now < archived {
            plain(true, "archival-in-progress")
        } else {
            plain(false, "archival-completed")
        };
    };
    let done = restore.began.saturating_add(DAY);
    let of_restore = |is_standard, status, expires| Seen {
        began: restore.began,
        progress: percent(restore.began, now),
        expires,
        ..plain(is_standard, status)
    };
    match restore.days {
        None if now < done => of_restore(false, "permanent-restore-in-progress", None),
        None => of_restore(true, "permanent-restore-completed", None),
        Some(_) if now < done => of_restore(false, "temporary-restore-in-progress", None),
        Some(days) => {
            let until = done.saturating_add(i64::from(days) * DAY);
            if now < until {
                of_restore(true, "temporary-restore-completed", Some(until))
            } else {
                plain(false, "archival-completed")
            }
        }
    }
}

fn of(ctx: &mut Ctx<'_>, id: &str) -> Option<Seen> {
    let row = ctx.get::<Tiers>(id)?;
    Some(seen(&row, ctx.now().millis()))
}

/// `standard` or `archive`, and when a temporary restore ends.
pub fn tier(ctx: &mut Ctx<'_>, id: &str) -> (&'static str, Option<i64>) {
    match of(ctx, id) {
        Some(seen) if !seen.is_standard => ("archive", None),
        Some(seen) => ("standard", seen.expires),
        None => ("standard", None),
    }
}

/// What is made of a snapshot needs it in the standard tier.
///
/// # Errors
/// IncorrectState; the text is not confirmed.
pub fn check(ctx: &mut Ctx<'_>, id: &str) -> Result<(), Error> {
    match tier(ctx, id) {
        ("archive", _) => Err(Error::IncorrectState(format!(
            "Snapshot {id} is in the archive tier; restore it first"
        ))),
        _ => Ok(()),
    }
}

/// A snapshot is gone.
pub fn forget(ctx: &mut Ctx<'_>, id: &str) {
    ctx.delete::<Tiers>(id);
}

/// An image that can be launched holds its snapshots where they are.
fn free(ctx: &mut Ctx<'_>, id: &str) -> Result<(), Error> {
    let all = ctx.all(Range::<Images>::all());
    let holder = all.into_iter().find(|(_, image)| {
        let mut devices = image.devices.iter();
        image.state != ImageState::Disabled
            && devices.any(|device| device.snapshot.as_deref() == Some(id))
    });
    match holder {
        Some((image, _)) => Err(Error::SnapshotInUse(id.to_owned(), image)),
        None => Ok(()),
    }
}

fn noted(ctx: &mut Ctx<'_>, id: &str, status: &str) {
    ctx.note("snapshot_tier", &[("snapshot", id), ("status", status)]);
}

/// ModifySnapshotTier.
pub(super) fn archive(
    ctx: &mut Ctx<'_>,
    request: ModifySnapshotTierRequest,
) -> Result<ModifySnapshotTierResponse, Refusal> {
    let id = request.snapshot_id.unwrap_or_default();
    let row = snapshots::own(ctx, &id)?;
    if request.storage_tier.is_some_and(|tier| tier != "archive") {
        return Err(Error::InvalidValue("StorageTier must be archive".to_owned()).into());
    }
    if row.state != SnapshotState::Completed {
        let text = format!(
            "Snapshot {id} is in invalid state - {}",
            snapshots::word(row.state)
        );
        return Err(Error::IncorrectState(text).into());
    }
    if let Some(seen) = of(ctx, &id).filter(|seen| seen.status != "permanent-restore-completed") {
        let text = format!("Snapshot {id} is not in the standard tier: {}", seen.status);
        return Err(Error::IncorrectState(text).into());
    }
    free(ctx, &id)?;
    let began = ctx.now().millis();
    let restore = None;
    ctx.put::<Tiers>(id.as_str(), &TierRow { began, restore });
    noted(ctx, &id, "archival-in-progress");
    Ok(ModifySnapshotTierResponse {
        snapshot_id: Some(id),
        tiering_start_time: Some(began),
    })
}

/// RestoreSnapshotTier: a temporary restore can be given another end, or made permanent.
pub(super) fn restore(
    ctx: &mut Ctx<'_>,
    request: RestoreSnapshotTierRequest,
) -> Result<RestoreSnapshotTierResponse, Refusal> {
    let id = request.snapshot_id.unwrap_or_default();
    snapshots::own(ctx, &id)?;
    let permanent = request.permanent_restore.unwrap_or_default();
    let days = match (permanent, request.temporary_restore_days) {
        (true, None) => None,
        (false, Some(days)) if (1..=180).contains(&days) => Some(days),
        (false, Some(days)) => {
            let text = format!("Invalid TemporaryRestoreDays {days}: it must be from 1 to 180");
            return Err(Error::InvalidValue(text).into());
        }
        (true, Some(_)) => {
            let text = "Specify either PermanentRestore or TemporaryRestoreDays, not both";
            return Err(Error::InvalidCombination(text.to_owned()).into());
        }
        (false, None) => {
            return Err(Error::Missing("TemporaryRestoreDays or PermanentRestore").into());
        }
    };
    let found = ctx.get::<Tiers>(id.as_str());
    let now = ctx.now().millis();
    let status = found.as_ref().map(|row| seen(row, now).status);
    let (Some(mut row), Some(status)) = (found, status) else {
        let text = format!("Snapshot {id} is not archived");
        return Err(Error::IncorrectState(text).into());
    };
    let began = match (status, &row.restore) {
        ("archival-completed", _) => now,
        // It is there already.
        ("temporary-restore-completed", Some(before)) => before.began,
        _ => {
            let text = format!("Snapshot {id} cannot be restored now: {status}");
            return Err(Error::IncorrectState(text).into());
        }
    };
    row.restore = Some(RestoreRow { began, days });
    ctx.put::<Tiers>(id.as_str(), &row);
    noted(ctx, &id, seen(&row, now).status);
    Ok(RestoreSnapshotTierResponse {
        snapshot_id: Some(id),
        restore_start_time: Some(now),
        restore_duration: days,
        is_permanent_restore: Some(permanent),
    })
}

/// DescribeSnapshotTierStatus: the caller's own snapshots.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeSnapshotTierStatusRequest,
) -> Result<DescribeSnapshotTierStatusResponse, Refusal> {
    let account = ctx.account();
    let mut found = Vec::new();
    for (id, row) in ctx.all(Range::<Snapshots>::all()) {
        if row.owner != account {
            continue;
        }
        let seen = of(ctx, &id);
        let look = |name: &str| {
            let status = || seen.as_ref().map_or("", |seen| seen.status).to_owned();
            Some(vec![match name {
                "snapshot-id" => id.clone(),
                "volume-id" => row.volume.clone(),
                "last-tiering-operation" => status(),
                _ => return None,
            }])
        };
        if select::passes(&request.filters, &row.tags, look)? {
            let shown = show(&id, &row, seen.as_ref());
            found.push((id, shown));
        }
    }
    let (page, next_token) =
        select::page(found, request.max_results, request.next_token.as_deref());
    Ok(DescribeSnapshotTierStatusResponse {
        snapshot_tier_statuses: page.into_iter().map(|(_, status)| status).collect(),
        next_token,
    })
}

fn show(id: &str, row: &SnapshotRow, seen: Option<&Seen>) -> SnapshotTierStatus {
    let is_standard = seen.is_none_or(|seen| seen.is_standard);
    SnapshotTierStatus {
        snapshot_id: Some(id.to_owned()),
        volume_id: Some(row.volume.clone()),
        status: Some(snapshots::word(row.state).to_owned()),
        owner_id: Some(row.owner.to_string()),
        tags: select::tag_list(&row.tags),
        storage_tier: Some(if is_standard { "standard" } else { "archive" }.to_owned()),
        last_tiering_start_time: seen.map(|seen| seen.began),
        last_tiering_progress: seen.map(|seen| seen.progress),
        last_tiering_operation_status: seen.map(|seen| seen.status.to_owned()),
        archival_complete_time: seen.and_then(|seen| seen.archived),
        restore_expiry_time: seen.and_then(|seen| seen.expires),
    }
}
