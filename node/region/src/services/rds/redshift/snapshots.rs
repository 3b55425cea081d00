//! Manual snapshots of warehouses: taken, described, deleted, kept for so many days.

use faultline_proto::names::Elapsed;
use faultline_proto::redshift::{
    CreateClusterSnapshotRequest, CreateClusterSnapshotResponse, DeleteClusterSnapshotRequest,
    DeleteClusterSnapshotResponse, DescribeClusterSnapshotsRequest, SnapshotMessage, Tag,
};

use super::keyspaces::{WarehouseSnapshotRow, WarehouseSnapshots};
use super::{clusters, copying, shows};
use crate::context::{Ctx, encode};
use crate::refusal::Refusal;
use crate::services::rds::error::Error as Storage;
use crate::services::rds::keyspaces::{Family, SnapshotRow, SnapshotState, Snapshots};
use crate::services::rds::names;
use crate::services::rds::snapshots::{self as storage, Address};
use crate::store::Range;

/// Microseconds of a day.
const DAY: u64 = 24 * 3600 * 1_000_000;

/// Takes a snapshot of a warehouse.
///
/// # Errors
/// What the warehouse's state, the name or the retention is refused with.
pub fn take(
    ctx: &mut Ctx<'_>,
    of: Option<&str>,
    name: Option<&str>,
    days: Option<i32>,
    tags: &[Tag],
) -> Result<SnapshotRow, Refusal> {
    let (cluster, more) = clusters::running(ctx, of)?;
    let days = clusters::manual_days(days, more.manual)?;
    let row = storage::take(ctx, Family::Warehouse, of, name, shows::tags(tags))?;
    let more = WarehouseSnapshotRow {
        node: cluster.class.unwrap_or_default(),
        nodes: more.nodes,
        database: cluster.database.unwrap_or_default(),
        days,
        kept_from: None,
    };
    ctx.put::<WarehouseSnapshots>((&row.account, row.name.as_str()), &more);
    Ok(row)
}

/// CreateClusterSnapshot.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: CreateClusterSnapshotRequest,
) -> Result<CreateClusterSnapshotResponse, Refusal> {
    let row = take(
        ctx,
        request.cluster_identifier.as_deref(),
        request.snapshot_identifier.as_deref(),
        request.manual_snapshot_retention_period,
        &request.tags,
    )?;
    Ok(CreateClusterSnapshotResponse {
        snapshot: Some(shows::snapshot(ctx, &row)),
    })
}

/// A snapshot is there, or a copy of one: from now on it is kept, and copied on.
pub fn completed(ctx: &mut Ctx<'_>, row: &SnapshotRow) {
    let key = (&row.account, row.name.as_str());
    let Some(mut more) = ctx.get::<WarehouseSnapshots>(key) else {
        return;
    };
    more.kept_from = Some(ctx.now().millis());
    ctx.put::<WarehouseSnapshots>(key, &more);
    if let Some(days) = u64::try_from(more.days).ok().filter(|days| *days > 0) {
        let address: Address = (
            row.account.clone(),
            row.family,
            row.name.clone(),
            row.holder.clone(),
        );
        let until = ctx.elapsed().0.saturating_add(days.saturating_mul(DAY));
        ctx.schedule("redshift", Elapsed(until), "expire", encode(&address));
    }
    if row.copied_from.is_none() {
        copying::begin(ctx, row, &more);
    }
}

fn erase(ctx: &mut Ctx<'_>, row: &SnapshotRow) {
    storage::erase(ctx, row);
    ctx.delete::<WarehouseSnapshots>((&row.account, row.name.as_str()));
}

/// A snapshot has been kept long enough.
pub(super) fn expired(ctx: &mut Ctx<'_>, address: &Address) {
    if let Some(row) = storage::at(ctx, address) {
        erase(ctx, &row);
        let arn = names::snapshot_arn(ctx, &row);
        ctx.note("snapshot", &[("snapshot", &arn), ("state", "deleted")]);
    }
}

/// A snapshot that can be restored.
///
/// # Errors
/// ClusterSnapshotNotFound, InvalidClusterSnapshotState.
pub fn usable(ctx: &mut Ctx<'_>, id: Option<&str>) -> Result<SnapshotRow, Storage> {
    storage::usable(ctx, Family::Warehouse, id)
}

/// DescribeClusterSnapshots.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeClusterSnapshotsRequest,
) -> Result<SnapshotMessage, Refusal> {
    let rows = match request.snapshot_identifier.as_deref() {
        Some(id) => vec![storage::visible(ctx, Family::Warehouse, Some(id))?],
        None => {
            let account = ctx.account();
            let word = Family::Warehouse.word();
            let all = ctx.all(Range::<Snapshots>::under((&account, word)));
            all.into_iter().map(|(_, row)| row).collect()
        }
    };
    let is = |asked: &Option<String>, value: &str| asked.as_ref().is_none_or(|one| one == value);
    let found = rows
        .iter()
        .filter(|row| {
            is(&request.cluster_identifier, &row.source) && is(&request.snapshot_type, &row.kind)
        })
        .map(|row| (row.name.clone(), shows::snapshot(ctx, row)))
        .collect();
    let (snapshots, marker) = names::page(found, request.max_records, request.marker.as_deref())?;
    Ok(SnapshotMessage { marker, snapshots })
}

/// DeleteClusterSnapshot.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: DeleteClusterSnapshotRequest,
) -> Result<DeleteClusterSnapshotResponse, Refusal> {
    let id = request.snapshot_identifier.as_deref();
    let row = storage::own(ctx, Family::Warehouse, id)?;
    if !matches!(row.state, SnapshotState::Available | SnapshotState::Failed) {
        let text = format!(
            "The snapshot {} is not in available state; its state is {}.",
            row.name,
            shows::word(row.state)
        );
        return Err(Storage::SnapshotState(Family::Warehouse, text).into());
    }
    let mut shown = shows::snapshot(ctx, &row);
    erase(ctx, &row);
    shown.status = Some("deleted".to_owned());
    Ok(DeleteClusterSnapshotResponse {
        snapshot: Some(shown),
    })
}
