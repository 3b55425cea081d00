//! RDS and Aurora, as far as encrypted storage goes: databases, snapshots, global databases.
//!
//! - [`instances`], [`clusters`], [`snapshots`], [`sharing`], [`copies`], [`restores`]: the calls.
//!   [`pull`]: rows of a copy from another Region. [`global`]: one database in several Regions.
//! - [`parameters`]: parameter groups of clusters. [`redshift`]: warehouses, on the same storage.
//! - [`sql`]: what a client of a database does. [`cells`]: rows as storage has them.
//! - [`keys`]: what RDS asks of KMS, and as whom. [`health`]: what a key that is shut does.
//! - [`names`]: names and ARNs. [`shows`]: answers. [`access`]: what each request touches.
//!   [`error`]: every way RDS says no. [`keyspaces`]: rows.
//!
//! Left out: everything of RDS that is not on the way from a key to a row: networks, option
//! groups, automated backups, read replicas outside of global databases, proxies.

mod access;
mod cells;
mod clusters;
mod copies;
mod error;
mod global;
mod health;
mod instances;
mod keys;
pub mod keyspaces;
mod look;
mod names;
mod parameters;
mod pull;
pub mod redshift;
mod restores;
mod sharing;
mod shows;
mod snapshots;
pub mod sql;
#[cfg(test)]
mod tests;

use faultline_proto::handlers::{RdsHandler, RdsRequest, dispatch_rds};
use faultline_proto::names::RegionName;
use faultline_proto::progress::Progress;
use faultline_proto::rds as api;
use serde_json::Value;

use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::{Access, RemoteCall, SagaInput, Service, handlers, no_record};

/// RDS and Aurora.
#[derive(Debug)]
pub struct Rds;

impl Service for Rds {
    const PREFIX: &'static str = "rds";
    const PRINCIPAL: &'static str = "rds.amazonaws.com";
    type Request = RdsRequest;

    fn decode(operation: &str, bytes: &[u8]) -> Option<Result<RdsRequest, prost::DecodeError>> {
        RdsRequest::decode(operation, bytes)
    }

    fn access(ctx: &mut Ctx<'_>, request: &RdsRequest) -> Result<Vec<Access>, Refusal> {
        Ok(access::of(ctx, request))
    }

    fn handle(ctx: &mut Ctx<'_>, request: RdsRequest) -> Result<Progress<Vec<u8>>, Refusal> {
        dispatch_rds::<Self>(ctx, request)
    }

    fn resume(
        ctx: &mut Ctx<'_>,
        kind: &str,
        state: &[u8],
        input: SagaInput<'_>,
    ) -> Result<Progress<Vec<u8>>, Refusal> {
        match kind {
            "copy" => copies::answered(ctx, state, input),
            "pull" => pull::resume(ctx, state, input),
            "closed" => Ok(Progress::Done(Vec::new())),
            "join" => global::members::joined(ctx, state, input),
            "global" => global::answered(input),
            other => Err(Refusal::internal(format!("rds keeps no saga '{other}'"))),
        }
    }

    fn remote_access(ctx: &mut Ctx<'_>, kind: &str, body: &[u8]) -> Result<RemoteCall, Refusal> {
        access::remote(ctx, kind, body)
    }

    fn remote(ctx: &mut Ctx<'_>, kind: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        match kind {
            "open" => copies::open(ctx, body),
            "page" => pull::page(ctx, body),
            "close" => pull::close(ctx, body),
            "join" => global::members::join(ctx, body),
            "leave" => {
                let name: String = decode(body)?;
                Ok(encode(&global::members::leave(ctx, &name)?))
            }
            "switchover" => {
                let (name, to): (String, RegionName) = decode(body)?;
                Ok(encode(&global::changes::switch_over(ctx, &name, &to)?))
            }
            _ => {
                let (name, _): (String, RegionName) = decode(body)?;
                Ok(encode(&global::changes::fail_over(ctx, &name)?))
            }
        }
    }

    fn apply(ctx: &mut Ctx<'_>, from: &RegionName, kind: &str, body: &[u8]) -> Result<(), Refusal> {
        match kind {
            "global" => global::told(ctx, body),
            "commit" => global::flow::commit(ctx, from, body),
            "fill" => global::flow::filled(ctx, from, body),
            "confirm" => global::flow::confirmed(ctx, from, body),
            "handover" => global::changes::handed_over(ctx, from, body),
            "loss" => global::changes::lost(ctx, body),
            "left" => global::members::left(ctx, from, body),
            other => Err(no_record(other)),
        }
    }

    fn due(ctx: &mut Ctx<'_>, kind: &str, payload: &[u8]) {
        match kind {
            "snapshot" => {
                if let Ok(address) = decode(payload) {
                    snapshots::complete(ctx, &address);
                }
            }
            "abandon" => {
                if let Ok((from, read)) = decode::<(RegionName, String)>(payload) {
                    pull::let_go(ctx, &from, &read);
                }
            }
            "unjoin" => global::members::unjoin(ctx, payload),
            _ => {
                let Ok(address) = decode(payload) else { return };
                match kind {
                    "ready" => health::ready(ctx, &address),
                    "week" => health::week(ctx, &address),
                    "promoted" => global::changes::promoted(ctx, &address),
                    _ => ctx.note("timer_ignored", &[("service", "rds"), ("kind", kind)]),
                }
            }
        }
    }

    fn look(ctx: &mut Ctx<'_>, what: &str, arguments: &Value) -> Option<Result<Value, String>> {
        look::look(ctx, what, arguments)
    }
}

handlers! {
    RdsHandler for Rds in api, Refusal;
    create_db_instance => instances::create: CreateDbInstanceRequest -> CreateDbInstanceResponse;
    describe_db_instances => instances::describe: DescribeDbInstancesRequest -> DbInstanceMessage;
    modify_db_instance => instances::modify: ModifyDbInstanceRequest -> ModifyDbInstanceResponse;
    delete_db_instance => instances::delete: DeleteDbInstanceRequest -> DeleteDbInstanceResponse;
    start_db_instance => instances::start: StartDbInstanceRequest -> StartDbInstanceResponse;
    stop_db_instance => instances::stop: StopDbInstanceRequest -> StopDbInstanceResponse;
    create_db_snapshot => snapshots::create_snapshot: CreateDbSnapshotRequest -> CreateDbSnapshotResponse;
    describe_db_snapshots => snapshots::describe_snapshots: DescribeDbSnapshotsRequest -> DbSnapshotMessage;
    copy_db_snapshot => copies::copy_snapshot: CopyDbSnapshotRequest -> CopyDbSnapshotResponse;
    delete_db_snapshot => snapshots::delete_snapshot: DeleteDbSnapshotRequest -> DeleteDbSnapshotResponse;
    modify_db_snapshot_attribute =>
        sharing::modify_snapshot: ModifyDbSnapshotAttributeRequest -> ModifyDbSnapshotAttributeResponse;
    describe_db_snapshot_attributes =>
        sharing::describe_snapshot: DescribeDbSnapshotAttributesRequest -> DescribeDbSnapshotAttributesResponse;
    restore_db_instance_from_db_snapshot =>
        restores::instance: RestoreDbInstanceFromDbSnapshotRequest -> RestoreDbInstanceFromDbSnapshotResponse;
    create_db_cluster => clusters::create: CreateDbClusterRequest -> CreateDbClusterResponse;
    describe_db_clusters => clusters::describe: DescribeDbClustersRequest -> DbClusterMessage;
    delete_db_cluster => clusters::delete: DeleteDbClusterRequest -> DeleteDbClusterResponse;
    modify_db_cluster => clusters::modify: ModifyDbClusterRequest -> ModifyDbClusterResponse;
    start_db_cluster => clusters::start: StartDbClusterRequest -> StartDbClusterResponse;
    stop_db_cluster => clusters::stop: StopDbClusterRequest -> StopDbClusterResponse;
    create_db_cluster_snapshot =>
        snapshots::create_cluster_snapshot: CreateDbClusterSnapshotRequest -> CreateDbClusterSnapshotResponse;
    describe_db_cluster_snapshots =>
        snapshots::describe_cluster_snapshots: DescribeDbClusterSnapshotsRequest -> DbClusterSnapshotMessage;
    copy_db_cluster_snapshot =>
        copies::copy_cluster_snapshot: CopyDbClusterSnapshotRequest -> CopyDbClusterSnapshotResponse;
    delete_db_cluster_snapshot =>
        snapshots::delete_cluster_snapshot: DeleteDbClusterSnapshotRequest -> DeleteDbClusterSnapshotResponse;
    modify_db_cluster_snapshot_attribute =>
        sharing::modify_cluster_snapshot: ModifyDbClusterSnapshotAttributeRequest -> ModifyDbClusterSnapshotAttributeResponse;
    describe_db_cluster_snapshot_attributes =>
        sharing::describe_cluster_snapshot: DescribeDbClusterSnapshotAttributesRequest -> DescribeDbClusterSnapshotAttributesResponse;
    restore_db_cluster_from_snapshot =>
        restores::cluster: RestoreDbClusterFromSnapshotRequest -> RestoreDbClusterFromSnapshotResponse;
    create_global_cluster => global::create: CreateGlobalClusterRequest -> CreateGlobalClusterResponse;
    describe_global_clusters => global::describe: DescribeGlobalClustersRequest -> GlobalClustersMessage;
    switchover_global_cluster =>
        global::changes::switchover: SwitchoverGlobalClusterRequest -> SwitchoverGlobalClusterResponse;
    failover_global_cluster =>
        global::changes::failover: FailoverGlobalClusterRequest -> FailoverGlobalClusterResponse;
    remove_from_global_cluster =>
        global::members::remove: RemoveFromGlobalClusterRequest -> RemoveFromGlobalClusterResponse;
    delete_global_cluster => global::delete: DeleteGlobalClusterRequest -> DeleteGlobalClusterResponse;
    create_db_cluster_parameter_group =>
        parameters::create: CreateDbClusterParameterGroupRequest -> CreateDbClusterParameterGroupResponse;
    describe_db_cluster_parameter_groups =>
        parameters::describe: DescribeDbClusterParameterGroupsRequest -> DbClusterParameterGroupsMessage;
    describe_db_cluster_parameters =>
        parameters::parameters: DescribeDbClusterParametersRequest -> DbClusterParameterGroupDetails;
    modify_db_cluster_parameter_group =>
        parameters::modify: ModifyDbClusterParameterGroupRequest -> DbClusterParameterGroupNameMessage;
    reset_db_cluster_parameter_group =>
        parameters::reset: ResetDbClusterParameterGroupRequest -> DbClusterParameterGroupNameMessage;
    delete_db_cluster_parameter_group =>
        parameters::delete: DeleteDbClusterParameterGroupRequest -> DeleteDbClusterParameterGroupResponse;
}
