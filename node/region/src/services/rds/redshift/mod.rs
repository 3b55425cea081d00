//! Redshift, as far as encrypted snapshots across Regions go (EBS-060).
//!
//! ```text
//!   source's Region                               destination's Region
//!                                                 CreateSnapshotCopyGrant: a grant on a key there
//!   EnableSnapshotCopy --"has"------------------> is there a grant of that name?
//!                      --use--------------------> the grant has a user, and is not deleted now
//!   a snapshot is there --snapshot-------------->  a data key by the grant, as Redshift
//!                      <-----------------"page"-- the rows (rds/pull.rs)
//! ```
//!
//! Storage, snapshots and keys are those of RDS, with a family of their own and bound to the
//! warehouse's ARN and birth; here is what only Redshift has.
//!
//! - [`clusters`], [`snapshots`], [`grants`], [`copying`]: the calls, and what follows from them.
//! - [`shows`]: answers. [`access`]: what each request touches. [`error`]: refusals that RDS does
//!   not have. [`keyspaces`]: rows.
//!
//! Left out: automated snapshots, sharing, resizes, pauses, changes of encryption, serverless
//! namespaces, HSMs.

mod access;
mod clusters;
mod copying;
mod error;
mod grants;
pub mod keyspaces;
mod shows;
mod snapshots;

use faultline_proto::handlers::{RedshiftHandler, RedshiftRequest, dispatch_redshift};
use faultline_proto::names::RegionName;
use faultline_proto::progress::Progress;
use faultline_proto::redshift as api;

use super::keys::REDSHIFT;
use crate::context::{Ctx, decode};
use crate::refusal::Refusal;
use crate::service::{Access, RemoteCall, SagaInput, Service, handlers, no_record};

pub use snapshots::completed;

/// Redshift.
#[derive(Debug)]
pub struct Redshift;

impl Service for Redshift {
    const PREFIX: &'static str = REDSHIFT;
    const PRINCIPAL: &'static str = "redshift.amazonaws.com";
    type Request = RedshiftRequest;

    fn decode(
        operation: &str,
        bytes: &[u8],
    ) -> Option<Result<RedshiftRequest, prost::DecodeError>> {
        RedshiftRequest::decode(operation, bytes)
    }

    fn access(ctx: &mut Ctx<'_>, request: &RedshiftRequest) -> Result<Vec<Access>, Refusal> {
        Ok(vec![access::of(ctx, request)])
    }

    fn handle(ctx: &mut Ctx<'_>, request: RedshiftRequest) -> Result<Progress<Vec<u8>>, Refusal> {
        dispatch_redshift::<Self>(ctx, request)
    }

    fn resume(
        ctx: &mut Ctx<'_>,
        _kind: &str,
        state: &[u8],
        input: SagaInput<'_>,
    ) -> Result<Progress<Vec<u8>>, Refusal> {
        copying::answered(ctx, state, input)
    }

    fn remote_access(_: &mut Ctx<'_>, _kind: &str, _body: &[u8]) -> Result<RemoteCall, Refusal> {
        // EnableSnapshotCopy was allowed where it was called; AWS records nothing here.
        Ok(RemoteCall {
            event: None,
            read_only: true,
            accesses: Vec::new(),
            charge: None,
        })
    }

    fn remote(ctx: &mut Ctx<'_>, _kind: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        grants::has(ctx, body)
    }

    fn apply(ctx: &mut Ctx<'_>, from: &RegionName, kind: &str, body: &[u8]) -> Result<(), Refusal> {
        match kind {
            "use" => grants::used(ctx, from, body, true),
            "unuse" => grants::used(ctx, from, body, false),
            "snapshot" => copying::arrived(ctx, from, body),
            other => Err(no_record(other)),
        }
    }

    fn due(ctx: &mut Ctx<'_>, kind: &str, payload: &[u8]) {
        match (kind, decode(payload)) {
            ("expire", Ok(address)) => snapshots::expired(ctx, &address),
            _ => ctx.note(
                "timer_ignored",
                &[("service", Self::PREFIX), ("kind", kind)],
            ),
        }
    }
}

handlers! {
    RedshiftHandler for Redshift in api, Refusal;
    create_cluster => clusters::create: CreateClusterRequest -> CreateClusterResponse;
    describe_clusters => clusters::describe: DescribeClustersRequest -> ClustersMessage;
    delete_cluster => clusters::delete: DeleteClusterRequest -> DeleteClusterResponse;
    create_cluster_snapshot =>
        snapshots::create: CreateClusterSnapshotRequest -> CreateClusterSnapshotResponse;
    describe_cluster_snapshots =>
        snapshots::describe: DescribeClusterSnapshotsRequest -> SnapshotMessage;
    delete_cluster_snapshot =>
        snapshots::delete: DeleteClusterSnapshotRequest -> DeleteClusterSnapshotResponse;
    restore_from_cluster_snapshot =>
        clusters::restore: RestoreFromClusterSnapshotRequest -> RestoreFromClusterSnapshotResponse;
    create_snapshot_copy_grant =>
        grants::create: CreateSnapshotCopyGrantRequest -> CreateSnapshotCopyGrantResponse;
    describe_snapshot_copy_grants =>
        grants::describe: DescribeSnapshotCopyGrantsRequest -> SnapshotCopyGrantMessage;
    delete_snapshot_copy_grant =>
        grants::delete: DeleteSnapshotCopyGrantRequest -> DeleteSnapshotCopyGrantResponse;
    enable_snapshot_copy => copying::enable: EnableSnapshotCopyRequest -> EnableSnapshotCopyResponse;
    disable_snapshot_copy =>
        copying::disable: DisableSnapshotCopyRequest -> DisableSnapshotCopyResponse;
    modify_snapshot_copy_retention_period =>
        copying::modify: ModifySnapshotCopyRetentionPeriodRequest -> ModifySnapshotCopyRetentionPeriodResponse;
}
