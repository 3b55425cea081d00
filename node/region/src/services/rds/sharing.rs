//! Who else may copy and restore a snapshot (EBS-047).
//!
//! Sharing looks at nothing but the kind of key: that the other account can use it is another
//! permission, and nobody checks it here.

use std::collections::BTreeSet;

use faultline_proto::names::AccountId;
use faultline_proto::rds::{
    DbClusterSnapshotAttribute, DbClusterSnapshotAttributesResult, DbSnapshotAttribute,
    DbSnapshotAttributesResult, DescribeDbClusterSnapshotAttributesRequest,
    DescribeDbClusterSnapshotAttributesResponse, DescribeDbSnapshotAttributesRequest,
    DescribeDbSnapshotAttributesResponse, ModifyDbClusterSnapshotAttributeRequest,
    ModifyDbClusterSnapshotAttributeResponse, ModifyDbSnapshotAttributeRequest,
    ModifyDbSnapshotAttributeResponse,
};

use super::error::Error;
use super::keyspaces::{Family, Sealing, SnapshotRow};
use super::{names, snapshots};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Most accounts of one snapshot.
const MOST: usize = 20;
/// The one attribute.
const RESTORE: &str = "restore";

fn accounts(values: &[String]) -> Result<(BTreeSet<AccountId>, bool), Error> {
    let mut accounts = BTreeSet::new();
    let mut everybody = false;
    for value in values {
        if value == "all" {
            everybody = true;
            continue;
        }
        let account = AccountId::new(value)
            .map_err(|_| Error::value(format!("Invalid value: {value} for account id.")))?;
        accounts.insert(account);
    }
    Ok((accounts, everybody))
}

/// Why a snapshot cannot be shared with these.
fn refused(row: &SnapshotRow, everybody: bool) -> Option<&'static str> {
    if row.kind != "manual" {
        return Some("Only manual snapshots can be shared; make a copy first.");
    }
    match &row.sealing {
        Sealing::Kms { managed: true, .. } => Some(
            "Sharing snapshots encrypted with the default service key for RDS is currently not supported.",
        ),
        Sealing::Kms { .. } | Sealing::Owned { .. } if everybody => {
            Some("Encrypted snapshots cannot be shared publicly.")
        }
        Sealing::Clear | Sealing::Kms { .. } | Sealing::Owned { .. } => None,
    }
}

fn modify(
    ctx: &mut Ctx<'_>,
    family: Family,
    id: Option<&str>,
    attribute: Option<&str>,
    (add, remove): (&[String], &[String]),
) -> Result<SnapshotRow, Refusal> {
    let mut row = snapshots::own(ctx, family, id)?;
    if attribute != Some(RESTORE) {
        let text = format!("Invalid attribute name: {}", attribute.unwrap_or_default());
        return Err(Error::value(text).into());
    }
    let (added, everybody) = accounts(add)?;
    let (removed, nobody) = accounts(remove)?;
    if !add.is_empty()
        && let Some(why) = refused(&row, everybody)
    {
        return Err(Error::SnapshotState(family, why.to_owned()).into());
    }
    row.shared_with.extend(added);
    row.shared_with.retain(|account| !removed.contains(account));
    row.public = (row.public || everybody) && !nobody;
    if row.shared_with.len() > MOST {
        return Err(Error::TooManyShares(MOST).into());
    }
    names::save_snapshot(ctx, &row);
    let arn = names::snapshot_arn(ctx, &row);
    let with: Vec<&str> = row.shared_with.iter().map(AccountId::as_str).collect();
    ctx.note(
        "snapshot_shared",
        &[("snapshot", &arn), ("with", &with.join(","))],
    );
    Ok(row)
}

fn values(row: &SnapshotRow) -> Vec<String> {
    let all = row.public.then(|| "all".to_owned());
    all.into_iter()
        .chain(row.shared_with.iter().map(AccountId::to_string))
        .collect()
}

fn shown(row: &SnapshotRow) -> DbSnapshotAttributesResult {
    DbSnapshotAttributesResult {
        db_snapshot_identifier: Some(row.name.clone()),
        db_snapshot_attributes: vec![DbSnapshotAttribute {
            attribute_name: Some(RESTORE.to_owned()),
            attribute_values: values(row),
        }],
    }
}

fn cluster_shown(row: &SnapshotRow) -> DbClusterSnapshotAttributesResult {
    DbClusterSnapshotAttributesResult {
        db_cluster_snapshot_identifier: Some(row.name.clone()),
        db_cluster_snapshot_attributes: vec![DbClusterSnapshotAttribute {
            attribute_name: Some(RESTORE.to_owned()),
            attribute_values: values(row),
        }],
    }
}

/// ModifyDBSnapshotAttribute.
pub(super) fn modify_snapshot(
    ctx: &mut Ctx<'_>,
    request: ModifyDbSnapshotAttributeRequest,
) -> Result<ModifyDbSnapshotAttributeResponse, Refusal> {
    let row = modify(
        ctx,
        Family::Instance,
        request.db_snapshot_identifier.as_deref(),
        request.attribute_name.as_deref(),
        (&request.values_to_add, &request.values_to_remove),
    )?;
    Ok(ModifyDbSnapshotAttributeResponse {
        db_snapshot_attributes_result: Some(shown(&row)),
    })
}

/// ModifyDBClusterSnapshotAttribute.
pub(super) fn modify_cluster_snapshot(
    ctx: &mut Ctx<'_>,
    request: ModifyDbClusterSnapshotAttributeRequest,
) -> Result<ModifyDbClusterSnapshotAttributeResponse, Refusal> {
    let row = modify(
        ctx,
        Family::Cluster,
        request.db_cluster_snapshot_identifier.as_deref(),
        request.attribute_name.as_deref(),
        (&request.values_to_add, &request.values_to_remove),
    )?;
    Ok(ModifyDbClusterSnapshotAttributeResponse {
        db_cluster_snapshot_attributes_result: Some(cluster_shown(&row)),
    })
}

/// DescribeDBSnapshotAttributes.
pub(super) fn describe_snapshot(
    ctx: &mut Ctx<'_>,
    request: DescribeDbSnapshotAttributesRequest,
) -> Result<DescribeDbSnapshotAttributesResponse, Refusal> {
    let id = request.db_snapshot_identifier.as_deref();
    let row = snapshots::own(ctx, Family::Instance, id)?;
    Ok(DescribeDbSnapshotAttributesResponse {
        db_snapshot_attributes_result: Some(shown(&row)),
    })
}

/// DescribeDBClusterSnapshotAttributes.
pub(super) fn describe_cluster_snapshot(
    ctx: &mut Ctx<'_>,
    request: DescribeDbClusterSnapshotAttributesRequest,
) -> Result<DescribeDbClusterSnapshotAttributesResponse, Refusal> {
    let id = request.db_cluster_snapshot_identifier.as_deref();
    let row = snapshots::own(ctx, Family::Cluster, id)?;
    Ok(DescribeDbClusterSnapshotAttributesResponse {
        db_cluster_snapshot_attributes_result: Some(cluster_shown(&row)),
    })
}
