//! Aurora clusters: a storage volume that instances are added to.
//!
//! A cluster without instances is storage only: nobody can connect to it. As a secondary of a
//! global database that is a headless one, cheap and still replicated to.

use faultline_proto::progress::{Progress, Saga};
use faultline_proto::rds::{
    CreateDbClusterRequest, CreateDbClusterResponse, DbClusterMessage, DeleteDbClusterRequest,
    DeleteDbClusterResponse, DescribeDbClustersRequest, ModifyDbClusterRequest,
    ModifyDbClusterResponse, StartDbClusterRequest, StartDbClusterResponse, StopDbClusterRequest,
    StopDbClusterResponse,
};

use super::error::Error;
use super::keys::Wanted;
use super::keyspaces::{Databases, Family};
use super::{global, health, instances, names, parameters, shows};
use crate::context::{Ctx, encode};
use crate::refusal::Refusal;
use crate::store::Range;

/// Microseconds until a new cluster is there.
pub const BIRTH: u64 = 60_000_000;

/// A new cluster's name.
///
/// # Errors
/// InvalidParameterValue, DBClusterAlreadyExistsFault.
pub fn free(ctx: &mut Ctx<'_>, name: Option<&str>) -> Result<String, Error> {
    let name = names::fresh(name, "DBClusterIdentifier")?;
    let account = ctx.account();
    if ctx.has::<Databases>((&account, Family::Cluster.word(), name.as_str())) {
        return Err(Error::ClusterExists);
    }
    Ok(name)
}

/// An engine of Aurora.
///
/// # Errors
/// InvalidParameterValue.
pub fn engine(name: Option<&str>) -> Result<String, Error> {
    match name {
        Some(name @ ("aurora-mysql" | "aurora-postgresql")) => Ok(name.to_owned()),
        _ => Err(Error::value("Invalid DB engine")),
    }
}

/// CreateDBCluster; with the name of a global database the answer may wait for another Region.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: CreateDbClusterRequest,
) -> Result<Progress<CreateDbClusterResponse>, Refusal> {
    let name = free(ctx, request.db_cluster_identifier.as_deref())?;
    let engine = engine(request.engine.as_deref())?;
    if request
        .engine_mode
        .is_some_and(|mode| mode != "provisioned")
    {
        return Err(Error::value("EngineMode can be provisioned only").into());
    }
    let mut row = instances::blank(ctx, Family::Cluster, name, &engine);
    match request.engine_version {
        Some(version) => row.version = version,
        // It will be that of the global database.
        None if request.global_cluster_identifier.is_some() => row.version.clear(),
        None => {}
    }
    row.user = request.master_username;
    row.database = request.database_name;
    row.retention = request.backup_retention_period.unwrap_or(1);
    row.protected = request.deletion_protection.unwrap_or_default();
    row.tags = names::tags(&request.tags);
    let (encrypted, key) = (request.storage_encrypted, request.kms_key_id);
    let group = request.db_cluster_parameter_group_name.as_deref();
    let Some(global) = request.global_cluster_identifier else {
        // EBS-042.
        let wanted = instances::wanted(encrypted, key, Wanted::Owned)?;
        parameters::give(ctx, &row, group)?;
        instances::settle(ctx, &mut row, &wanted, BIRTH)?;
        let db_cluster = Some(shows::cluster(ctx, &row));
        return Ok(Progress::Done(CreateDbClusterResponse { db_cluster }));
    };
    if row.version.is_empty() && group.is_some() {
        let text = "With GlobalClusterIdentifier and DBClusterParameterGroupName, EngineVersion must be specified";
        return Err(Error::Combination(text.to_owned()).into());
    }
    parameters::give(ctx, &row, group)?;
    let address = health::address(&row);
    if global::enter(ctx, row.clone(), &global, (encrypted, key))? {
        return Ok(Progress::Open(Saga {
            kind: "join",
            state: encode(&(address, global)),
        }));
    }
    let id = Some(row.name.as_str());
    let row = names::stored(ctx, Family::Cluster, id)?;
    let db_cluster = Some(shows::cluster(ctx, &row));
    Ok(Progress::Done(CreateDbClusterResponse { db_cluster }))
}

/// DescribeDBClusters.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeDbClustersRequest,
) -> Result<DbClusterMessage, Refusal> {
    let rows = match request.db_cluster_identifier.as_deref() {
        Some(id) => vec![health::find(ctx, Family::Cluster, Some(id))?],
        None => {
            let word = Family::Cluster.word();
            let account = ctx.account();
            let all = ctx.all(Range::<Databases>::under((&account, word)));
            all.into_iter()
                .map(|(_, row)| health::look_after(ctx, row))
                .collect()
        }
    };
    let found = rows
        .iter()
        .map(|row| (row.name.clone(), shows::cluster(ctx, row)))
        .collect();
    let (db_clusters, marker) = names::page(found, request.max_records, request.marker.as_deref())?;
    Ok(DbClusterMessage {
        marker,
        db_clusters,
    })
}

/// ModifyDBCluster: what the request cannot say is the encryption (EBS-041).
pub(super) fn modify(
    ctx: &mut Ctx<'_>,
    request: ModifyDbClusterRequest,
) -> Result<ModifyDbClusterResponse, Refusal> {
    let id = request.db_cluster_identifier.as_deref();
    let mut row = health::running(ctx, Family::Cluster, id)?;
    row.retention = request.backup_retention_period.unwrap_or(row.retention);
    row.version = request.engine_version.unwrap_or(row.version);
    row.protected = request.deletion_protection.unwrap_or(row.protected);
    let group = request.db_cluster_parameter_group_name.as_deref();
    parameters::give(ctx, &row, group)?;
    names::save(ctx, &row);
    let db_cluster = Some(shows::cluster(ctx, &row));
    Ok(ModifyDbClusterResponse { db_cluster })
}

/// DeleteDBCluster.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: DeleteDbClusterRequest,
) -> Result<DeleteDbClusterResponse, Refusal> {
    let id = request.db_cluster_identifier.as_deref();
    let row = health::find(ctx, Family::Cluster, id)?;
    if row.global.is_some() {
        let text =
            "This cluster is a part of a global cluster, please remove it from globalcluster first";
        return Err(Error::State(Family::Cluster, text.to_owned()).into());
    }
    if !names::instances(ctx, &row).is_empty() {
        let text =
            "Cluster cannot be deleted, it still contains DB instances in non-deleting state.";
        return Err(Error::State(Family::Cluster, text.to_owned()).into());
    }
    let last = request.final_db_snapshot_identifier.as_deref();
    instances::farewell(ctx, &row, request.skip_final_snapshot, last)?;
    let mut shown = shows::cluster(ctx, &row);
    instances::erase(ctx, &row);
    shown.status = Some("deleting".to_owned());
    Ok(DeleteDbClusterResponse {
        db_cluster: Some(shown),
    })
}

/// StartDBCluster.
pub(super) fn start(
    ctx: &mut Ctx<'_>,
    request: StartDbClusterRequest,
) -> Result<StartDbClusterResponse, Refusal> {
    let id = request.db_cluster_identifier.as_deref();
    let row = health::start(ctx, Family::Cluster, id)?;
    let db_cluster = Some(shows::cluster(ctx, &row));
    Ok(StartDbClusterResponse { db_cluster })
}

/// StopDBCluster.
pub(super) fn stop(
    ctx: &mut Ctx<'_>,
    request: StopDbClusterRequest,
) -> Result<StopDbClusterResponse, Refusal> {
    let id = request.db_cluster_identifier.as_deref();
    let row = health::stop(ctx, Family::Cluster, id)?;
    let db_cluster = Some(shows::cluster(ctx, &row));
    Ok(StopDbClusterResponse { db_cluster })
}
