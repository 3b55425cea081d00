//! Snapshots: CreateSnapshot, DescribeSnapshots, DeleteSnapshot, and who sees them.
//!
//! A snapshot is of the moment of its call; being pending is time only, and as much as the blocks
//! take that no other snapshot has. It has the key and the data key of its volume, always
//! (EBS-016). Left out: the recycle bin.

use faultline_proto::ec2::{
    CreateSnapshotRequest, DeleteSnapshotRequest, DeleteSnapshotResponse, DescribeSnapshotsRequest,
    DescribeSnapshotsResponse, Snapshot,
};
use faultline_proto::names::AccountId;

use super::error::Error;
use super::ids::Kind;
use super::keyspaces::{
    Images, MakingRow, Makings, Origin, SnapshotRow, SnapshotState, Snapshots, Tags, VolumeRow,
    VolumeState,
};
use super::{blocks, events, images, locks, select, tiers, volumes};
use crate::context::{Ctx, encode};
use crate::refusal::Refusal;
use crate::store::Range;

/// Shortest time a snapshot takes, microseconds.
const LEAST: u64 = 3_000_000;
/// Microseconds for each block of 64 KiB: some 60 MiB a second.
pub const PER_BLOCK: u64 = 1_000;

/// How long a snapshot that stores so many blocks takes, microseconds.
#[must_use]
pub fn duration(blocks: u64) -> u64 {
    LEAST + blocks * PER_BLOCK
}

/// A state as AWS writes it.
#[must_use]
pub fn word(state: SnapshotState) -> &'static str {
    match state {
        SnapshotState::Pending => "pending",
        SnapshotState::Completed => "completed",
        SnapshotState::Error => "error",
    }
}

/// `sse-kms` or `none`.
#[must_use]
pub fn sse(encrypted: bool) -> String {
    if encrypted { "sse-kms" } else { "none" }.to_owned()
}

/// A snapshot of the caller's account that does not exist yet; `stored` blocks are to be stored.
pub fn blank(ctx: &Ctx<'_>, volume: &str, size: i32, length: u64, stored: u64) -> SnapshotRow {
    let began = ctx.elapsed().0;
    SnapshotRow {
        owner: ctx.account(),
        volume: volume.to_owned(),
        size,
        description: String::new(),
        started: ctx.now().millis(),
        completed: None,
        span: (began, began + duration(stored)),
        state: SnapshotState::Pending,
        message: None,
        encrypted: false,
        key: None,
        sealing: None,
        length,
        shared_with: std::collections::BTreeSet::new(),
        public: false,
        tags: Tags::new(),
        copied_from: None,
        for_image: None,
    }
}

/// CreateSnapshot.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: CreateSnapshotRequest,
) -> Result<Snapshot, Refusal> {
    let volume = request.volume_id.unwrap_or_default();
    let of = volumes::of_caller(ctx, &volume)?;
    let description = request.description.unwrap_or_default();
    let tags = select::tags_for(&request.tag_specifications, "snapshot");
    let (id, row) = take(ctx, &volume, of, description, tags)?;
    Ok(show(ctx, &id, &row))
}

/// Takes a snapshot of a volume of the caller's account.
///
/// # Errors
/// IncorrectState unless the volume can be read.
pub fn take(
    ctx: &mut Ctx<'_>,
    volume: &str,
    of: VolumeRow,
    description: String,
    tags: Tags,
) -> Result<(String, SnapshotRow), Error> {
    ready(&of)?;
    let id = Kind::Snapshot.new_id(ctx);
    let entries = blocks::entries(ctx, volume);
    let stored = blocks::own(ctx, &entries);
    for (index, block) in &entries {
        blocks::share_one(ctx, &id, *index, block);
    }
    let row = SnapshotRow {
        description,
        encrypted: of.encrypted,
        key: of.key,
        sealing: of.sealing,
        tags,
        ..blank(ctx, volume, of.size, of.length, stored)
    };
    let making = MakingRow {
        origin: Origin {
            region: ctx.region().clone(),
            volume: volume.to_owned(),
        },
        base: None,
        moved: stored,
        total: Some(stored),
        minutes: None,
    };
    ctx.put::<Makings>(id.as_str(), &making);
    ctx.put::<Snapshots>(id.as_str(), &row);
    let at = ctx.elapsed().plus_micros(duration(stored));
    ctx.schedule("ec2", at, "snapshot", encode(&id));
    noted(ctx, &id, &row);
    Ok((id, row))
}

fn ready(volume: &VolumeRow) -> Result<(), Error> {
    match volume.state {
        VolumeState::Available | VolumeState::InUse => Ok(()),
        VolumeState::Creating | VolumeState::Error | VolumeState::Deleting => {
            Err(Error::IncorrectState(format!(
                "The volume is in state '{}'",
                volumes::word(volume.state)
            )))
        }
    }
}

/// The time of a snapshot is over.
pub(super) fn complete(ctx: &mut Ctx<'_>, id: &str) {
    let Some(mut row) = ctx
        .get::<Snapshots>(id)
        .filter(|row| row.state == SnapshotState::Pending)
    else {
        return;
    };
    row.state = SnapshotState::Completed;
    row.completed = Some(ctx.now().millis());
    settle(ctx, id, &row);
}

/// A copy came to nothing (EBS-025).
pub(super) fn fail(ctx: &mut Ctx<'_>, id: &str, message: &str) {
    let Some(mut row) = ctx
        .get::<Snapshots>(id)
        .filter(|row| row.state == SnapshotState::Pending)
    else {
        return;
    };
    row.state = SnapshotState::Error;
    row.message = Some(message.to_owned());
    blocks::release(ctx, id);
    settle(ctx, id, &row);
}

fn settle(ctx: &mut Ctx<'_>, id: &str, row: &SnapshotRow) {
    ctx.put::<Snapshots>(id, row);
    noted(ctx, id, row);
    events::snapshot_settled(ctx, id, row);
    if let Some((from, _)) = &row.copied_from {
        let lag = ctx.elapsed().0.saturating_sub(row.span.0).to_string();
        let to = ctx.region().to_string();
        let outcome = if row.state == SnapshotState::Completed {
            "COMPLETED"
        } else {
            "FAILED"
        };
        ctx.note(
            "replicated",
            &[
                ("service", "ec2"),
                ("snapshot", id),
                ("from", from.as_str()),
                ("to", &to),
                ("outcome", outcome),
                ("why", row.message.as_deref().unwrap_or_default()),
                ("lag_us", &lag),
            ],
        );
    }
    if let Some(image) = &row.for_image {
        images::settle(ctx, image);
    }
}

fn noted(ctx: &mut Ctx<'_>, id: &str, row: &SnapshotRow) {
    let key = row.key.clone().unwrap_or_default();
    let why = row.message.clone().unwrap_or_default();
    let entries = blocks::entries(ctx, id);
    let content = blocks::digest(ctx, &entries, row.length).unwrap_or_default();
    let from = row.copied_from.as_ref();
    let (region, of) = from.map_or((String::new(), row.volume.clone()), |(region, id)| {
        (region.to_string(), id.clone())
    });
    ctx.note(
        "snapshot",
        &[
            ("snapshot", id),
            ("state", word(row.state)),
            ("owner", row.owner.as_str()),
            ("of", &of),
            ("from", &region),
            ("key", &key),
            ("content", &content),
            ("why", &why),
        ],
    );
}

/// Whether an account may make volumes of it.
#[must_use]
pub fn is_shared_with(row: &SnapshotRow, account: &AccountId) -> bool {
    row.owner == *account || row.public || row.shared_with.contains(account)
}

/// A snapshot that the caller may see.
///
/// # Errors
/// EBS-035: none, or none that it may see.
pub fn visible(ctx: &mut Ctx<'_>, id: &str) -> Result<SnapshotRow, Error> {
    Kind::Snapshot.check(id)?;
    let account = ctx.account();
    ctx.get::<Snapshots>(id)
        .filter(|row| is_shared_with(row, &account))
        .ok_or_else(|| Error::NoSnapshot(id.to_owned()))
}

/// A snapshot of the caller's account.
///
/// # Errors
/// EBS-035; AuthFailure for one that is only shared.
pub fn own(ctx: &mut Ctx<'_>, id: &str) -> Result<SnapshotRow, Error> {
    let row = visible(ctx, id)?;
    if row.owner == ctx.account() {
        Ok(row)
    } else {
        Err(Error::NotYours(format!("snapshot {id}")))
    }
}

/// DeleteSnapshot: not while an image needs it (EBS-035).
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: DeleteSnapshotRequest,
) -> Result<DeleteSnapshotResponse, Refusal> {
    let id = request.snapshot_id.unwrap_or_default();
    own(ctx, &id)?;
    remove(ctx, &id)?;
    Ok(DeleteSnapshotResponse {})
}

/// Deletes a snapshot, unless an image needs it or a lock holds it.
///
/// # Errors
/// `InvalidSnapshot.InUse`, or the lock's refusal.
pub fn remove(ctx: &mut Ctx<'_>, id: &str) -> Result<(), Error> {
    let user = ctx
        .all(Range::<Images>::all())
        .into_iter()
        .find(|(_, image)| {
            image
                .devices
                .iter()
                .any(|device| device.snapshot.as_deref() == Some(id))
        });
    if let Some((image, _)) = user {
        return Err(Error::SnapshotInUse(id.to_owned(), image));
    }
    locks::check(ctx, id)?;
    blocks::release(ctx, id);
    ctx.delete::<Snapshots>(id);
    ctx.delete::<Makings>(id);
    locks::forget(ctx, id);
    tiers::forget(ctx, id);
    ctx.note("snapshot", &[("snapshot", id), ("state", "deleted")]);
    Ok(())
}

/// DescribeSnapshots: the caller's own and those shared with it.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeSnapshotsRequest,
) -> Result<DescribeSnapshotsResponse, Refusal> {
    for id in &request.snapshot_ids {
        visible(ctx, id)?;
    }
    let account = ctx.account();
    let owners = select::accounts(&request.owner_ids, &account);
    let restorers = select::accounts(&request.restorable_by_user_ids, &account);
    let mut found = Vec::new();
    for (id, row) in ctx.all(Range::<Snapshots>::all()) {
        let wanted = is_shared_with(&row, &account)
            && (request.snapshot_ids.is_empty() || request.snapshot_ids.contains(&id))
            && (owners.is_empty() || owners.contains(row.owner.as_str()))
            && (restorers.is_empty()
                || restorers.iter().any(|restorer| may_restore(&row, restorer)));
        if wanted && select::passes(&request.filters, &row.tags, |name| look(&id, &row, name))? {
            found.push((id, row));
        }
    }
    let (page, next_token) =
        select::page(found, request.max_results, request.next_token.as_deref());
    let snapshots = page.iter().map(|(id, row)| show(ctx, id, row)).collect();
    Ok(DescribeSnapshotsResponse {
        next_token,
        snapshots,
    })
}

fn may_restore(row: &SnapshotRow, restorer: &str) -> bool {
    match restorer {
        "all" => row.public,
        other => {
            row.owner.as_str() == other
                || row
                    .shared_with
                    .iter()
                    .any(|account| account.as_str() == other)
        }
    }
}

fn look(id: &str, row: &SnapshotRow, name: &str) -> select::Looked {
    Some(vec![match name {
        "snapshot-id" => id.to_owned(),
        "owner-id" => row.owner.to_string(),
        "status" => word(row.state).to_owned(),
        "volume-id" => row.volume.clone(),
        "volume-size" => row.size.to_string(),
        "encrypted" => row.encrypted.to_string(),
        "description" => row.description.clone(),
        _ => return None,
    }])
}

fn progress(ctx: &Ctx<'_>, row: &SnapshotRow, making: Option<&MakingRow>) -> String {
    let moved = making
        .filter(|_| row.copied_from.is_some())
        .and_then(|making| Some((making.moved, making.total.filter(|total| *total > 0)?)));
    let percent = match (row.state, moved) {
        (SnapshotState::Completed, _) => 100,
        (SnapshotState::Error, _) => 0,
        (SnapshotState::Pending, Some((moved, total))) => (moved * 100 / total).min(99),
        (SnapshotState::Pending, None) => {
            let (from, to) = row.span;
            let done = ctx.elapsed().0.saturating_sub(from).saturating_mul(100);
            (done / (to - from).max(1)).min(99)
        }
    };
    format!("{percent}%")
}

/// A snapshot as an answer shows it.
fn show(ctx: &mut Ctx<'_>, id: &str, row: &SnapshotRow) -> Snapshot {
    let making = ctx.get::<Makings>(id);
    let (tier, restored_until) = tiers::tier(ctx, id);
    let minutes = making.as_ref().and_then(|making| making.minutes);
    let transfer = match (&row.copied_from, minutes) {
        (None, _) => None,
        (Some(_), Some(_)) => Some("time-based".to_owned()),
        (Some(_), None) => Some("standard".to_owned()),
    };
    Snapshot {
        tags: select::tag_list(&row.tags),
        storage_tier: Some(tier.to_owned()),
        restore_expiry_time: restored_until,
        sse_type: Some(sse(row.encrypted)),
        completion_time: row.completed,
        snapshot_id: Some(id.to_owned()),
        volume_id: Some(row.volume.clone()),
        state: Some(word(row.state).to_owned()),
        state_message: row.message.clone(),
        start_time: Some(row.started),
        progress: Some(progress(ctx, row, making.as_ref())),
        owner_id: Some(row.owner.to_string()),
        description: Some(row.description.clone()),
        volume_size: Some(row.size),
        encrypted: Some(row.encrypted),
        kms_key_id: row.key.clone(),
        transfer_type: transfer,
        completion_duration_minutes: minutes,
        ..Snapshot::default()
    }
}
