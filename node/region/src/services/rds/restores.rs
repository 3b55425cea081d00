//! A snapshot becomes a database or a cluster: the one way to another key (EBS-041).

use faultline_proto::rds::{
    RestoreDbClusterFromSnapshotRequest, RestoreDbClusterFromSnapshotResponse,
    RestoreDbInstanceFromDbSnapshotRequest, RestoreDbInstanceFromDbSnapshotResponse,
};

use super::error::Error;
use super::keys::{self, Wanted};
use super::keyspaces::{DatabaseRow, Family, Sealing, SnapshotRow};
use super::{cells, clusters, health, instances, names, parameters, shows, snapshots};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Microseconds until what is restored is there, and for each GiB.
const TAKES: (u64, u64) = (300_000_000, 1_000_000);

/// Fills new storage with a snapshot's rows.
///
/// # Errors
/// What the key of the snapshot, or the new one, is refused with.
pub fn restore(
    ctx: &mut Ctx<'_>,
    source: &SnapshotRow,
    row: &mut DatabaseRow,
    wanted: &Wanted,
) -> Result<(), Refusal> {
    let (old, reading) = keys::read(ctx, &source.sealing)?;
    row.user.clone_from(&source.user);
    row.gib = source.gib;
    row.lsn = source.lsn;
    let lasts = TAKES.0 + snapshots::size(row.gib) * TAKES.1;
    instances::settle(ctx, row, wanted, lasts)?;
    let new = health::hosted(ctx, row)?;
    let from = (source.holder.as_str(), old.as_ref());
    cells::reseal(ctx, from, (&row.resource, new.as_ref()))?;
    if let Some(grant) = reading {
        keys::retire(ctx, row.family.house(), &grant);
    }
    Ok(())
}

/// The key of the snapshot.
#[must_use]
pub fn same(sealing: &Sealing) -> Wanted {
    match sealing {
        Sealing::Clear => Wanted::Clear,
        Sealing::Owned { .. } => Wanted::Owned,
        Sealing::Kms { key, .. } => Wanted::Key(key.clone()),
    }
}

/// RestoreDBInstanceFromDBSnapshot.
pub(super) fn instance(
    ctx: &mut Ctx<'_>,
    request: RestoreDbInstanceFromDbSnapshotRequest,
) -> Result<RestoreDbInstanceFromDbSnapshotResponse, Refusal> {
    let name = instances::free(ctx, request.db_instance_identifier.as_deref())?;
    let id = request.db_snapshot_identifier.as_deref();
    let source = snapshots::usable(ctx, Family::Instance, id)?;
    if source.account != ctx.account() && source.sealing != Sealing::Clear {
        // It would be a database under another account's key.
        let text = "You can't restore a DB instance from a DB snapshot that is both shared and encrypted. Make a copy of it and restore the copy.";
        return Err(Error::SnapshotState(Family::Instance, text.to_owned()).into());
    }
    let engine = request.engine.as_deref().unwrap_or(&source.engine);
    let mut row = instances::blank(ctx, Family::Instance, name, engine);
    row.version.clone_from(&source.version);
    row.class = request
        .db_instance_class
        .or_else(|| Some("db.r6g.large".to_owned()));
    row.zone = request.availability_zone.or_else(|| source.zone.clone());
    row.storage = request
        .storage_type
        .unwrap_or_else(|| source.storage.clone());
    row.multi_az = request.multi_az.unwrap_or_default();
    row.protected = request.deletion_protection.unwrap_or_default();
    row.tags = names::tags(&request.tags);
    restore(ctx, &source, &mut row, &same(&source.sealing))?;
    let db_instance = Some(shows::instance(ctx, &row));
    Ok(RestoreDbInstanceFromDbSnapshotResponse { db_instance })
}

/// RestoreDBClusterFromSnapshot.
pub(super) fn cluster(
    ctx: &mut Ctx<'_>,
    request: RestoreDbClusterFromSnapshotRequest,
) -> Result<RestoreDbClusterFromSnapshotResponse, Refusal> {
    let name = clusters::free(ctx, request.db_cluster_identifier.as_deref())?;
    let engine = clusters::engine(request.engine.as_deref())?;
    let id = request.snapshot_identifier.as_deref();
    let source = snapshots::usable(ctx, Family::Cluster, id)?;
    if engine != source.engine {
        let text = format!("The snapshot is of {}, not of {engine}", source.engine);
        return Err(Error::Combination(text).into());
    }
    let wanted = match request.kms_key_id {
        Some(key) => Wanted::Key(key),
        None if source.account != ctx.account() && source.sealing != Sealing::Clear => {
            return Err(Error::NewKeyShared.into());
        }
        None => same(&source.sealing),
    };
    let mut row = instances::blank(ctx, Family::Cluster, name, &engine);
    row.version = request
        .engine_version
        .unwrap_or_else(|| source.version.clone());
    row.protected = request.deletion_protection.unwrap_or_default();
    row.tags = names::tags(&request.tags);
    parameters::give(
        ctx,
        &row,
        request.db_cluster_parameter_group_name.as_deref(),
    )?;
    restore(ctx, &source, &mut row, &wanted)?;
    let db_cluster = Some(shows::cluster(ctx, &row));
    Ok(RestoreDbClusterFromSnapshotResponse { db_cluster })
}
