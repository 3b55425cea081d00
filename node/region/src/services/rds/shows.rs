//! Databases, clusters and snapshots as answers show them.

use faultline_proto::rds;

use super::keyspaces::{
    DatabaseRow, Databases, Family, Sealing, SnapshotRow, SnapshotState, State,
};
use super::{health, keys, names, parameters};
use crate::context::Ctx;

fn host(ctx: &Ctx<'_>, name: &str, kind: &str, row: &DatabaseRow) -> String {
    let letters = row.resource.rsplit('-').next().unwrap_or_default();
    let letters: String = letters.chars().take(12).collect();
    let letters = letters.to_lowercase();
    format!("{name}.{kind}{letters}.{}.rds.amazonaws.com", ctx.region())
}

fn port(row: &DatabaseRow) -> i32 {
    if row.engine.contains("mysql") || row.engine == "mariadb" {
        3306
    } else {
        5432
    }
}

/// Milliseconds since 1970 of a moment to come.
fn moment(ctx: &Ctx<'_>, at: u64) -> Option<i64> {
    let micros = at.checked_sub(ctx.elapsed().0)?;
    let millis = i64::try_from(micros / 1000).ok()?;
    Some(ctx.now().millis().saturating_add(millis))
}

fn restart(ctx: &Ctx<'_>, state: State) -> Option<i64> {
    match state {
        State::Stopped(at) => moment(ctx, at),
        _ => None,
    }
}

/// A database, or an instance of a cluster: then with the cluster's storage and key.
pub fn instance(ctx: &mut Ctx<'_>, row: &DatabaseRow) -> rds::DbInstance {
    let word = Family::Cluster.word();
    let cluster = row.cluster.as_deref();
    let cluster = cluster.and_then(|name| ctx.get::<Databases>((&row.account, word, name)));
    let storage = cluster.as_ref().unwrap_or(row);
    let state = match &cluster {
        Some(cluster) if row.state == State::Available => cluster.state,
        _ => row.state,
    };
    let has_address = state != State::Creating;
    rds::DbInstance {
        db_instance_identifier: Some(row.name.clone()),
        db_instance_class: row.class.clone(),
        engine: Some(row.engine.clone()),
        db_instance_status: Some(health::word(state).to_owned()),
        master_username: storage.user.clone(),
        db_name: row.database.clone(),
        endpoint: has_address.then(|| rds::Endpoint {
            address: Some(host(ctx, &row.name, "", storage)),
            port: Some(port(row)),
        }),
        allocated_storage: Some(storage.gib),
        instance_create_time: has_address.then_some(row.created),
        backup_retention_period: Some(storage.retention),
        availability_zone: row.zone.clone(),
        multi_az: Some(row.multi_az),
        engine_version: Some(row.version.clone()),
        storage_type: Some(storage.storage.clone()),
        storage_encryption_type: Some(keys::word(&storage.sealing).to_owned()),
        db_cluster_identifier: row.cluster.clone(),
        storage_encrypted: Some(storage.sealing != Sealing::Clear),
        kms_key_id: keys::arn(&storage.sealing).map(str::to_owned),
        dbi_resource_id: Some(row.resource.clone()),
        db_instance_arn: Some(names::arn(ctx, row)),
        deletion_protection: Some(row.protected),
        tag_list: names::tag_list(&row.tags),
        automatic_restart_time: restart(ctx, row.state),
    }
}

/// A cluster.
pub fn cluster(ctx: &mut Ctx<'_>, row: &DatabaseRow) -> rds::DbCluster {
    let instances = names::instances(ctx, row);
    let writes = row.global.as_ref().is_none_or(|global| global.is_writer);
    let members = instances
        .iter()
        .enumerate()
        .map(|(at, one)| rds::DbClusterMember {
            db_instance_identifier: Some(one.name.clone()),
            is_cluster_writer: Some(writes && at == 0),
            promotion_tier: Some(1),
        })
        .collect();
    rds::DbCluster {
        allocated_storage: Some(row.gib),
        backup_retention_period: Some(row.retention),
        database_name: row.database.clone(),
        db_cluster_identifier: Some(row.name.clone()),
        db_cluster_parameter_group: Some(parameters::of(ctx, row)),
        status: Some(health::word(row.state).to_owned()),
        endpoint: Some(host(ctx, &row.name, "cluster-", row)),
        reader_endpoint: Some(host(ctx, &row.name, "cluster-ro-", row)),
        multi_az: Some(instances.len() > 1),
        engine: Some(row.engine.clone()),
        engine_version: Some(row.version.clone()),
        master_username: row.user.clone(),
        db_cluster_members: members,
        storage_encrypted: Some(row.sealing != Sealing::Clear),
        storage_encryption_type: Some(keys::word(&row.sealing).to_owned()),
        kms_key_id: keys::arn(&row.sealing).map(str::to_owned),
        db_cluster_resource_id: Some(row.resource.clone()),
        db_cluster_arn: Some(names::arn(ctx, row)),
        cluster_create_time: Some(row.created),
        engine_mode: Some("provisioned".to_owned()),
        deletion_protection: Some(row.protected),
        tag_list: names::tag_list(&row.tags),
        global_cluster_identifier: row.global.as_ref().map(|global| global.global.clone()),
        global_write_forwarding_requested: row.global.as_ref().map(|_| false),
        automatic_restart_time: restart(ctx, row.state),
    }
}

/// A snapshot's state as AWS writes it.
#[must_use]
pub fn word(state: SnapshotState) -> &'static str {
    match state {
        SnapshotState::Creating => "creating",
        SnapshotState::Copying => "copying",
        SnapshotState::Available => "available",
        SnapshotState::Failed => "failed",
    }
}

fn progress(ctx: &Ctx<'_>, row: &SnapshotRow) -> i32 {
    match row.state {
        SnapshotState::Available => 100,
        SnapshotState::Failed => 0,
        SnapshotState::Creating | SnapshotState::Copying => {
            let (from, to) = row.span;
            let done = ctx.elapsed().0.saturating_sub(from).saturating_mul(100);
            i32::try_from((done / (to.saturating_sub(from)).max(1)).min(99)).unwrap_or_default()
        }
    }
}

/// The name as its owner, or as anybody else, knows it.
fn shown(ctx: &Ctx<'_>, row: &SnapshotRow) -> String {
    if row.account == ctx.account() {
        row.name.clone()
    } else {
        names::snapshot_arn(ctx, row)
    }
}

/// A snapshot of a database.
pub fn snapshot(ctx: &Ctx<'_>, row: &SnapshotRow) -> rds::DbSnapshot {
    let from = row.copied_from.as_deref();
    let region = from.and_then(|arn| arn.split(':').nth(3));
    rds::DbSnapshot {
        db_snapshot_identifier: Some(shown(ctx, row)),
        db_instance_identifier: Some(row.source.clone()),
        snapshot_create_time: Some(row.created),
        engine: Some(row.engine.clone()),
        allocated_storage: Some(row.gib),
        status: Some(word(row.state).to_owned()),
        availability_zone: row.zone.clone(),
        instance_create_time: Some(row.source_created),
        master_username: row.user.clone(),
        engine_version: Some(row.version.clone()),
        snapshot_type: Some(kind(ctx, row)),
        percent_progress: Some(progress(ctx, row)),
        source_region: region
            .filter(|region| *region != ctx.region().as_str())
            .map(str::to_owned),
        source_db_snapshot_identifier: row.copied_from.clone(),
        storage_type: Some(row.storage.clone()),
        encrypted: Some(row.sealing != Sealing::Clear),
        storage_encryption_type: Some(keys::word(&row.sealing).to_owned()),
        kms_key_id: keys::arn(&row.sealing).map(str::to_owned),
        db_snapshot_arn: Some(names::snapshot_arn(ctx, row)),
        dbi_resource_id: Some(row.resource.clone()),
        tag_list: names::tag_list(&row.tags),
        original_snapshot_create_time: Some(row.first_created),
    }
}

/// `manual` or `automated`; `shared` or `public` for what is another's.
#[must_use]
pub fn kind(ctx: &Ctx<'_>, row: &SnapshotRow) -> String {
    if row.account == ctx.account() {
        row.kind.clone()
    } else if row.shared_with.contains(&ctx.account()) {
        "shared".to_owned()
    } else {
        "public".to_owned()
    }
}

/// A snapshot of a cluster.
pub fn cluster_snapshot(ctx: &Ctx<'_>, row: &SnapshotRow) -> rds::DbClusterSnapshot {
    rds::DbClusterSnapshot {
        db_cluster_snapshot_identifier: Some(shown(ctx, row)),
        db_cluster_identifier: Some(row.source.clone()),
        snapshot_create_time: Some(row.created),
        engine: Some(row.engine.clone()),
        allocated_storage: Some(row.gib),
        status: Some(word(row.state).to_owned()),
        cluster_create_time: Some(row.source_created),
        master_username: row.user.clone(),
        engine_version: Some(row.version.clone()),
        snapshot_type: Some(kind(ctx, row)),
        percent_progress: Some(progress(ctx, row)),
        storage_encrypted: Some(row.sealing != Sealing::Clear),
        storage_encryption_type: Some(keys::word(&row.sealing).to_owned()),
        kms_key_id: keys::arn(&row.sealing).map(str::to_owned),
        db_cluster_snapshot_arn: Some(names::snapshot_arn(ctx, row)),
        source_db_cluster_snapshot_arn: row.copied_from.clone(),
        tag_list: names::tag_list(&row.tags),
        db_cluster_resource_id: Some(row.resource.clone()),
    }
}
