//! Warehouses: made, described, deleted, and made of a snapshot.

use faultline_proto::redshift::{
    ClustersMessage, CreateClusterRequest, CreateClusterResponse, DeleteClusterRequest,
    DeleteClusterResponse, DescribeClustersRequest, RestoreFromClusterSnapshotRequest,
    RestoreFromClusterSnapshotResponse,
};

use super::error::Error;
use super::keyspaces::{WarehouseRow, WarehouseSnapshots, Warehouses};
use super::{copying, shows, snapshots};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::services::rds::error::Error as Storage;
use crate::services::rds::keys::Wanted;
use crate::services::rds::keyspaces::{DatabaseRow, Databases, Family};
use crate::services::rds::{health, instances, names, restores};
use crate::store::Range;

/// Microseconds until a new warehouse is there.
const BIRTH: u64 = 300_000_000;
/// Most nodes of a warehouse.
const MOST_NODES: i32 = 128;

/// A new warehouse's name.
fn free(ctx: &mut Ctx<'_>, name: Option<&str>) -> Result<String, Storage> {
    let name = names::fresh(name, "ClusterIdentifier")?;
    if name.len() > 63 {
        let text = "ClusterIdentifier must have 1 to 63 alphanumeric characters or hyphens";
        return Err(Storage::value(text));
    }
    let account = ctx.account();
    if ctx.has::<Databases>((&account, Family::Warehouse.word(), name.as_str())) {
        return Err(Storage::WarehouseExists);
    }
    Ok(name)
}

/// Days that manual snapshots are kept.
///
/// # Errors
/// InvalidRetentionPeriodFault.
pub fn manual_days(days: Option<i32>, usual: i32) -> Result<i32, Error> {
    match days.unwrap_or(usual) {
        days if days == -1 || (1..=3653).contains(&days) => Ok(days),
        other => Err(Error::Retention(other, "-1, or from 1 to 3653")),
    }
}

fn automated_days(days: Option<i32>) -> Result<i32, Error> {
    match days.unwrap_or(1) {
        days if (0..=35).contains(&days) => Ok(days),
        other => Err(Error::Retention(other, "from 0 to 35")),
    }
}

fn nodes(number: Option<i32>) -> Result<i32, Storage> {
    match number.unwrap_or(1) {
        number if (1..=MOST_NODES).contains(&number) => Ok(number),
        other => Err(Storage::value(format!("Invalid number of nodes: {other}"))),
    }
}

/// Puts a new warehouse's own row beside that of its storage.
fn save(ctx: &mut Ctx<'_>, row: &DatabaseRow, nodes: i32, manual: i32) {
    let more = WarehouseRow {
        nodes,
        manual,
        copy: None,
    };
    ctx.put::<Warehouses>((&row.account, row.name.as_str()), &more);
}

/// CreateCluster.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: CreateClusterRequest,
) -> Result<CreateClusterResponse, Refusal> {
    let name = free(ctx, request.cluster_identifier.as_deref())?;
    if request.encrypted == Some(false) {
        return Err(Storage::value("Encrypted must be true: clusters are encrypted").into());
    }
    if request
        .cluster_version
        .is_some_and(|version| version != "1.0")
    {
        return Err(Storage::value("ClusterVersion must be 1.0").into());
    }
    let (nodes, manual) = (
        nodes(request.number_of_nodes)?,
        manual_days(request.manual_snapshot_retention_period, -1)?,
    );
    let mut row = instances::blank(ctx, Family::Warehouse, name, "redshift");
    row.class = request.node_type;
    row.user = request.master_username;
    row.database = Some(request.db_name.unwrap_or_else(|| "dev".to_owned()));
    row.zone = request
        .availability_zone
        .or_else(|| Some(format!("{}a", ctx.region())));
    row.retention = automated_days(request.automated_snapshot_retention_period)?;
    row.tags = shows::tags(&request.tags);
    let wanted = request.kms_key_id.map_or(Wanted::Owned, Wanted::Key);
    instances::settle(ctx, &mut row, &wanted, BIRTH)?;
    save(ctx, &row, nodes, manual);
    Ok(CreateClusterResponse {
        cluster: Some(shows::cluster(ctx, &row)),
    })
}

/// DescribeClusters.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeClustersRequest,
) -> Result<ClustersMessage, Refusal> {
    let rows = match request.cluster_identifier.as_deref() {
        Some(id) => vec![names::stored(ctx, Family::Warehouse, Some(id))?],
        None => {
            let account = ctx.account();
            let word = Family::Warehouse.word();
            let all = ctx.all(Range::<Databases>::under((&account, word)));
            all.into_iter().map(|(_, row)| row).collect()
        }
    };
    let found = rows
        .iter()
        .map(|row| (row.name.clone(), shows::cluster(ctx, row)))
        .collect();
    let (clusters, marker) = names::page(found, request.max_records, request.marker.as_deref())?;
    Ok(ClustersMessage { marker, clusters })
}

/// DeleteCluster: a last snapshot stays in the Region, for the cluster copies no more.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: DeleteClusterRequest,
) -> Result<DeleteClusterResponse, Refusal> {
    let id = request.cluster_identifier.as_deref();
    let row = names::stored(ctx, Family::Warehouse, id)?;
    let skip = request.skip_final_cluster_snapshot.unwrap_or_default();
    match (skip, request.final_cluster_snapshot_identifier.as_deref()) {
        (true, None) => {}
        (true, Some(_)) => {
            let text = "FinalClusterSnapshotIdentifier cannot be specified when SkipFinalClusterSnapshot is true.";
            return Err(Storage::Combination(text.to_owned()).into());
        }
        (false, None) => {
            let text = "FinalClusterSnapshotIdentifier is required unless SkipFinalClusterSnapshot is specified.";
            return Err(Storage::Combination(text.to_owned()).into());
        }
        (false, last) => {
            let days = request.final_cluster_snapshot_retention_period;
            snapshots::take(ctx, id, last, days, &[])?;
        }
    }
    let mut shown = shows::cluster(ctx, &row);
    copying::stop(ctx, &row);
    instances::erase(ctx, &row);
    ctx.delete::<Warehouses>((&row.account, row.name.as_str()));
    shown.cluster_status = Some("deleting".to_owned());
    Ok(DeleteClusterResponse {
        cluster: Some(shown),
    })
}

/// RestoreFromClusterSnapshot: under the snapshot's key, or another of this Region.
pub(super) fn restore(
    ctx: &mut Ctx<'_>,
    request: RestoreFromClusterSnapshotRequest,
) -> Result<RestoreFromClusterSnapshotResponse, Refusal> {
    let name = free(ctx, request.cluster_identifier.as_deref())?;
    let id = request.snapshot_identifier.as_deref();
    let source = snapshots::usable(ctx, id)?;
    let more = ctx.get::<WarehouseSnapshots>((&source.account, source.name.as_str()));
    let more = more.ok_or_else(|| Refusal::internal("a snapshot of no warehouse"))?;
    let manual = manual_days(request.manual_snapshot_retention_period, -1)?;
    let nodes = nodes(request.number_of_nodes.or(Some(more.nodes)))?;
    let mut row = instances::blank(ctx, Family::Warehouse, name, "redshift");
    row.class = request.node_type.or(Some(more.node));
    row.database = Some(more.database);
    row.zone = request
        .availability_zone
        .or_else(|| Some(format!("{}a", ctx.region())));
    row.retention = automated_days(request.automated_snapshot_retention_period)?;
    let wanted = request
        .kms_key_id
        .map_or_else(|| restores::same(&source.sealing), Wanted::Key);
    restores::restore(ctx, &source, &mut row, &wanted)?;
    save(ctx, &row, nodes, manual);
    Ok(RestoreFromClusterSnapshotResponse {
        cluster: Some(shows::cluster(ctx, &row)),
    })
}

/// The warehouse that a request names, which must run, with its own row.
///
/// # Errors
/// ClusterNotFound, InvalidClusterState.
pub fn running(
    ctx: &mut Ctx<'_>,
    id: Option<&str>,
) -> Result<(DatabaseRow, WarehouseRow), Refusal> {
    let row = health::running(ctx, Family::Warehouse, id)?;
    let more = ctx.get::<Warehouses>((&row.account, row.name.as_str()));
    let more = more.ok_or_else(|| Refusal::internal("a warehouse without its row"))?;
    Ok((row, more))
}
