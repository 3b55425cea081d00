//! Warehouses and their snapshots as answers show them.

use faultline_proto::redshift::{Cluster, ClusterSnapshotCopyStatus, Endpoint, Snapshot, Tag};

use super::keyspaces::{CopyRow, WarehouseSnapshots, Warehouses};
use crate::context::Ctx;
use crate::services::rds::keyspaces::{DatabaseRow, Sealing, SnapshotRow, SnapshotState, State};
use crate::services::rds::{health, keys, names};

/// Where warehouses listen.
const PORT: i32 = 5439;
/// Milliseconds of a day.
const DAY: i64 = 24 * 3600 * 1000;

names::tag_lists!(Tag);

fn copy(row: CopyRow) -> ClusterSnapshotCopyStatus {
    ClusterSnapshotCopyStatus {
        destination_region: Some(row.to.to_string()),
        retention_period: Some(row.automated.into()),
        manual_snapshot_retention_period: Some(row.manual),
        snapshot_copy_grant_name: row.grant,
    }
}

/// A warehouse.
pub fn cluster(ctx: &mut Ctx<'_>, row: &DatabaseRow) -> Cluster {
    let more = ctx.get::<Warehouses>((&row.account, row.name.as_str()));
    let is_there = row.state == State::Available;
    let letters: String = row.resource.chars().filter(|one| *one != '-').collect();
    let host = format!(
        "{}.c{}.{}.redshift.amazonaws.com",
        row.name,
        letters.get(..11).unwrap_or_default(),
        ctx.region()
    );
    let namespace = names::redshift_arn(ctx.region(), &row.account, "namespace", &row.resource);
    Cluster {
        cluster_identifier: Some(row.name.clone()),
        node_type: row.class.clone(),
        cluster_status: Some(health::word(row.state).to_owned()),
        cluster_availability_status: Some(
            if is_there { "Available" } else { "Modifying" }.to_owned(),
        ),
        master_username: row.user.clone(),
        db_name: row.database.clone(),
        endpoint: is_there.then_some(Endpoint {
            address: Some(host),
            port: Some(PORT),
        }),
        cluster_create_time: is_there.then_some(row.created),
        automated_snapshot_retention_period: Some(row.retention),
        manual_snapshot_retention_period: more.as_ref().map(|more| more.manual),
        availability_zone: row.zone.clone(),
        cluster_version: Some(row.version.clone()),
        number_of_nodes: more.as_ref().map(|more| more.nodes),
        encrypted: Some(row.sealing != Sealing::Clear),
        cluster_snapshot_copy_status: more.and_then(|more| more.copy).map(copy),
        tags: tag_list(&row.tags),
        kms_key_id: keys::arn(&row.sealing).map(str::to_owned),
        cluster_namespace_arn: Some(namespace),
    }
}

/// A snapshot's status: a copy under way is one that is being made.
#[must_use]
pub fn word(state: SnapshotState) -> &'static str {
    match state {
        SnapshotState::Creating | SnapshotState::Copying => "creating",
        SnapshotState::Available => "available",
        SnapshotState::Failed => "failed",
    }
}

/// A snapshot.
pub fn snapshot(ctx: &mut Ctx<'_>, row: &SnapshotRow) -> Snapshot {
    let more = ctx.get::<WarehouseSnapshots>((&row.account, row.name.as_str()));
    let from = row.copied_from.as_deref();
    let kept = more.as_ref().and_then(|more| more.kept_from);
    let days = more.as_ref().map(|more| more.days);
    let now = ctx.now().millis();
    let remaining = days.filter(|days| *days > 0).zip(kept).map(|(days, from)| {
        let until = from.saturating_add(i64::from(days).saturating_mul(DAY));
        i32::try_from(until.saturating_sub(now).max(0) / DAY).unwrap_or(i32::MAX)
    });
    Snapshot {
        snapshot_identifier: Some(row.name.clone()),
        cluster_identifier: Some(row.source.clone()),
        snapshot_create_time: Some(row.created),
        status: Some(word(row.state).to_owned()),
        port: Some(PORT),
        availability_zone: row.zone.clone(),
        cluster_create_time: Some(row.source_created),
        master_username: row.user.clone(),
        cluster_version: Some(row.version.clone()),
        snapshot_type: Some(row.kind.clone()),
        node_type: more.as_ref().map(|more| more.node.clone()),
        number_of_nodes: more.as_ref().map(|more| more.nodes),
        db_name: more.map(|more| more.database),
        encrypted: Some(row.sealing != Sealing::Clear),
        kms_key_id: keys::arn(&row.sealing).map(str::to_owned),
        owner_account: Some(row.account.to_string()),
        source_region: from
            .and_then(|arn| arn.split(':').nth(3))
            .map(str::to_owned),
        tags: tag_list(&row.tags),
        manual_snapshot_retention_period: days,
        manual_snapshot_remaining_days: remaining,
        snapshot_retention_start_time: kept,
        snapshot_arn: Some(names::snapshot_arn(ctx, row)),
    }
}
