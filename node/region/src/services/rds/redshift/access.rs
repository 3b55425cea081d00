//! What each request touches: Redshift's own ARNs.

use faultline_proto::handlers::RedshiftRequest as Request;

use crate::context::Ctx;
use crate::service::{Access, Wording};
use crate::services::rds::keyspaces::{Family, Snapshots};
use crate::services::rds::names;

fn on(ctx: &Ctx<'_>, action: &str, word: &str, name: &str) -> Access {
    let account = ctx.account();
    let resource = names::redshift_arn(ctx.region(), &account, word, name);
    let action = format!("redshift:{action}");
    Access::new(ctx, action, resource, account, Wording::AccessDenied)
}

/// A snapshot's ARN has the name of its cluster: as the request says, or as the snapshot is.
fn snapshot(ctx: &mut Ctx<'_>, action: &str, cluster: Option<&str>, name: Option<&str>) -> Access {
    let name = name.unwrap_or("*").to_lowercase();
    let account = ctx.account();
    let word = Family::Warehouse.word();
    let found = ctx.get::<Snapshots>((&account, word, name.as_str()));
    let source = found.map(|row| row.source);
    let cluster = source.as_deref().or(cluster).unwrap_or("*");
    on(ctx, action, "snapshot", &format!("{cluster}/{name}"))
}

/// What `request` touches.
pub(super) fn of(ctx: &mut Ctx<'_>, request: &Request) -> Access {
    let cluster = |ctx: &Ctx<'_>, action: &str, name: &Option<String>| {
        on(ctx, action, "cluster", name.as_deref().unwrap_or("*"))
    };
    let grant = |ctx: &Ctx<'_>, action: &str, name: &Option<String>| {
        on(
            ctx,
            action,
            "snapshotcopygrant",
            name.as_deref().unwrap_or("*"),
        )
    };
    match request {
        Request::CreateCluster(one) => cluster(ctx, "CreateCluster", &one.cluster_identifier),
        Request::DescribeClusters(one) => cluster(ctx, "DescribeClusters", &one.cluster_identifier),
        Request::DeleteCluster(one) => cluster(ctx, "DeleteCluster", &one.cluster_identifier),
        Request::EnableSnapshotCopy(one) => {
            cluster(ctx, "EnableSnapshotCopy", &one.cluster_identifier)
        }
        Request::DisableSnapshotCopy(one) => {
            cluster(ctx, "DisableSnapshotCopy", &one.cluster_identifier)
        }
        Request::ModifySnapshotCopyRetentionPeriod(one) => cluster(
            ctx,
            "ModifySnapshotCopyRetentionPeriod",
            &one.cluster_identifier,
        ),
        Request::CreateSnapshotCopyGrant(one) => grant(
            ctx,
            "CreateSnapshotCopyGrant",
            &one.snapshot_copy_grant_name,
        ),
        Request::DescribeSnapshotCopyGrants(one) => grant(
            ctx,
            "DescribeSnapshotCopyGrants",
            &one.snapshot_copy_grant_name,
        ),
        Request::DeleteSnapshotCopyGrant(one) => grant(
            ctx,
            "DeleteSnapshotCopyGrant",
            &one.snapshot_copy_grant_name,
        ),
        Request::CreateClusterSnapshot(one) => snapshot(
            ctx,
            "CreateClusterSnapshot",
            one.cluster_identifier.as_deref(),
            one.snapshot_identifier.as_deref(),
        ),
        Request::DescribeClusterSnapshots(one) => snapshot(
            ctx,
            "DescribeClusterSnapshots",
            one.cluster_identifier.as_deref(),
            one.snapshot_identifier.as_deref(),
        ),
        Request::DeleteClusterSnapshot(one) => snapshot(
            ctx,
            "DeleteClusterSnapshot",
            one.snapshot_cluster_identifier.as_deref(),
            one.snapshot_identifier.as_deref(),
        ),
        Request::RestoreFromClusterSnapshot(one) => snapshot(
            ctx,
            "RestoreFromClusterSnapshot",
            one.snapshot_cluster_identifier.as_deref(),
            one.snapshot_identifier.as_deref(),
        ),
    }
}
