//! What each request touches.
//!
//! The caller's own policies decide; what belongs to another account is shared or not there, and
//! that is for the handlers to say (EBS-047).

use faultline_proto::handlers::RdsRequest as Request;

use super::copies::Copy;
use super::global::members::Join;
use super::keyspaces::Family;
use super::names;
use crate::context::{Ctx, decode};
use crate::refusal::Refusal;
use crate::service::{Access, RemoteCall, Wording};

fn on(ctx: &Ctx<'_>, action: &str, resource: impl Into<String>) -> Access {
    Access::new(
        ctx,
        format!("rds:{action}"),
        resource,
        ctx.account(),
        Wording::AccessDenied,
    )
}

/// ARN of what a request names, or all of its kind.
fn arn(ctx: &Ctx<'_>, word: &str, id: Option<&str>) -> String {
    let named = names::named(ctx, word, id.or(Some("*")));
    names::arn_in(&named.region, &named.account, word, &named.name)
}

fn global(ctx: &Ctx<'_>, id: Option<&str>) -> String {
    names::global_arn(&ctx.account(), id.unwrap_or("*"))
}

/// Each request by the word of its ARN, and the member that names it.
macro_rules! by_name {
    ($ctx:expr, $request:expr, $($variant:ident $word:expr, $member:ident;)*) => {
        match $request {
            $(Request::$variant(request) =>
                vec![on($ctx, stringify!($variant), arn($ctx, $word, request.$member.as_deref()))],)*
            _ => others($ctx, $request),
        }
    };
}

const DB: &str = "db";
const CLUSTER: &str = "cluster";
const SNAPSHOT: &str = "snapshot";
const CLUSTER_SNAPSHOT: &str = "cluster-snapshot";
const CLUSTER_GROUP: &str = "cluster-pg";

/// What `request` touches.
pub(super) fn of(ctx: &Ctx<'_>, request: &Request) -> Vec<Access> {
    by_name!(ctx, request,
        CreateDBInstance DB, db_instance_identifier;
        DescribeDBInstances DB, db_instance_identifier;
        ModifyDBInstance DB, db_instance_identifier;
        DeleteDBInstance DB, db_instance_identifier;
        StartDBInstance DB, db_instance_identifier;
        StopDBInstance DB, db_instance_identifier;
        DescribeDBSnapshots SNAPSHOT, db_snapshot_identifier;
        DeleteDBSnapshot SNAPSHOT, db_snapshot_identifier;
        ModifyDBSnapshotAttribute SNAPSHOT, db_snapshot_identifier;
        DescribeDBSnapshotAttributes SNAPSHOT, db_snapshot_identifier;
        CreateDBCluster CLUSTER, db_cluster_identifier;
        DescribeDBClusters CLUSTER, db_cluster_identifier;
        DeleteDBCluster CLUSTER, db_cluster_identifier;
        StartDBCluster CLUSTER, db_cluster_identifier;
        StopDBCluster CLUSTER, db_cluster_identifier;
        ModifyDBCluster CLUSTER, db_cluster_identifier;
        CreateDBClusterParameterGroup CLUSTER_GROUP, db_cluster_parameter_group_name;
        DescribeDBClusterParameterGroups CLUSTER_GROUP, db_cluster_parameter_group_name;
        DescribeDBClusterParameters CLUSTER_GROUP, db_cluster_parameter_group_name;
        ModifyDBClusterParameterGroup CLUSTER_GROUP, db_cluster_parameter_group_name;
        ResetDBClusterParameterGroup CLUSTER_GROUP, db_cluster_parameter_group_name;
        DeleteDBClusterParameterGroup CLUSTER_GROUP, db_cluster_parameter_group_name;
        DescribeDBClusterSnapshots CLUSTER_SNAPSHOT, db_cluster_snapshot_identifier;
        DeleteDBClusterSnapshot CLUSTER_SNAPSHOT, db_cluster_snapshot_identifier;
        ModifyDBClusterSnapshotAttribute CLUSTER_SNAPSHOT, db_cluster_snapshot_identifier;
        DescribeDBClusterSnapshotAttributes CLUSTER_SNAPSHOT, db_cluster_snapshot_identifier;
    )
}

/// Requests that touch two things, or a global database.
fn others(ctx: &Ctx<'_>, request: &Request) -> Vec<Access> {
    let both = |action: &str, one: (&str, &Option<String>), other: (&str, &Option<String>)| {
        vec![
            on(ctx, action, arn(ctx, one.0, one.1.as_deref())),
            on(ctx, action, arn(ctx, other.0, other.1.as_deref())),
        ]
    };
    let whole =
        |action: &str, id: &Option<String>| vec![on(ctx, action, global(ctx, id.as_deref()))];
    match request {
        Request::CreateDBSnapshot(request) => both(
            "CreateDBSnapshot",
            (SNAPSHOT, &request.db_snapshot_identifier),
            (DB, &request.db_instance_identifier),
        ),
        Request::CreateDBClusterSnapshot(request) => both(
            "CreateDBClusterSnapshot",
            (CLUSTER_SNAPSHOT, &request.db_cluster_snapshot_identifier),
            (CLUSTER, &request.db_cluster_identifier),
        ),
        Request::CopyDBSnapshot(request) => both(
            "CopyDBSnapshot",
            (SNAPSHOT, &request.target_db_snapshot_identifier),
            (SNAPSHOT, &request.source_db_snapshot_identifier),
        ),
        Request::CopyDBClusterSnapshot(request) => both(
            "CopyDBClusterSnapshot",
            (
                CLUSTER_SNAPSHOT,
                &request.target_db_cluster_snapshot_identifier,
            ),
            (
                CLUSTER_SNAPSHOT,
                &request.source_db_cluster_snapshot_identifier,
            ),
        ),
        Request::RestoreDBInstanceFromDBSnapshot(request) => both(
            "RestoreDBInstanceFromDBSnapshot",
            (DB, &request.db_instance_identifier),
            (SNAPSHOT, &request.db_snapshot_identifier),
        ),
        Request::RestoreDBClusterFromSnapshot(request) => both(
            "RestoreDBClusterFromSnapshot",
            (CLUSTER, &request.db_cluster_identifier),
            (CLUSTER_SNAPSHOT, &request.snapshot_identifier),
        ),
        Request::CreateGlobalCluster(request) => {
            whole("CreateGlobalCluster", &request.global_cluster_identifier)
        }
        Request::DescribeGlobalClusters(request) => {
            whole("DescribeGlobalClusters", &request.global_cluster_identifier)
        }
        Request::SwitchoverGlobalCluster(request) => whole(
            "SwitchoverGlobalCluster",
            &request.global_cluster_identifier,
        ),
        Request::FailoverGlobalCluster(request) => {
            whole("FailoverGlobalCluster", &request.global_cluster_identifier)
        }
        Request::RemoveFromGlobalCluster(request) => whole(
            "RemoveFromGlobalCluster",
            &request.global_cluster_identifier,
        ),
        Request::DeleteGlobalCluster(request) => {
            whole("DeleteGlobalCluster", &request.global_cluster_identifier)
        }
        _ => Vec::new(),
    }
}

/// What a question of another Region touches here. AWS records none of them.
///
/// # Errors
/// A question of another shape.
pub(super) fn remote(ctx: &Ctx<'_>, kind: &str, body: &[u8]) -> Result<RemoteCall, Refusal> {
    let accesses = match kind {
        "open" => {
            let wanted: Copy = decode(body)?;
            let action = match wanted.family {
                Family::Instance => "CopyDBSnapshot",
                Family::Cluster | Family::Warehouse => "CopyDBClusterSnapshot",
            };
            let source = arn(ctx, wanted.family.snapshot(), Some(&wanted.source));
            vec![on(ctx, action, source)]
        }
        "join" => {
            let wanted: Join = decode(body)?;
            vec![on(
                ctx,
                "CreateDBCluster",
                global(ctx, Some(&wanted.global)),
            )]
        }
        // What follows from a call that was allowed where it was made.
        "page" | "close" | "leave" | "switchover" | "failover" => Vec::new(),
        other => {
            return Err(Refusal::internal(format!(
                "rds answers no question '{other}'"
            )));
        }
    };
    Ok(RemoteCall {
        event: None,
        read_only: true,
        accesses,
        charge: None,
    })
}
