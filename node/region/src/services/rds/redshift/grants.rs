//! Snapshot copy grants: what lets Redshift encrypt, under a key of this Region, what is copied
//! into it (EBS-060).
//!
//! Who makes one needs DescribeKey and CreateGrant on the key, once; every copy after that is by
//! the grant, whoever takes the snapshot.

use std::collections::BTreeSet;

use faultline_proto::names::{AccountId, RegionName};
use faultline_proto::redshift::{
    CreateSnapshotCopyGrantRequest, CreateSnapshotCopyGrantResponse,
    DeleteSnapshotCopyGrantRequest, DeleteSnapshotCopyGrantResponse,
    DescribeSnapshotCopyGrantsRequest, SnapshotCopyGrant, SnapshotCopyGrantMessage,
};

use super::error::Error;
use super::keyspaces::{CopyGrantRow, CopyGrants};
use super::shows;
use crate::context::{Ctx, decode};
use crate::refusal::Refusal;
use crate::services::rds::keys::{self, DEFAULT_WAREHOUSE_KEY, REDSHIFT};
use crate::services::rds::names;
use crate::store::Range;

/// A grant of an account.
///
/// # Errors
/// SnapshotCopyGrantNotFoundFault.
pub fn find(ctx: &mut Ctx<'_>, account: &AccountId, name: &str) -> Result<CopyGrantRow, Error> {
    let name = name.to_lowercase();
    let found = ctx.get::<CopyGrants>((account, name.as_str()));
    found.ok_or(Error::NoGrant(name))
}

/// CreateSnapshotCopyGrant.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: CreateSnapshotCopyGrantRequest,
) -> Result<CreateSnapshotCopyGrantResponse, Refusal> {
    let name = names::fresh(
        request.snapshot_copy_grant_name.as_deref(),
        "SnapshotCopyGrantName",
    )?;
    let account = ctx.account();
    if ctx.has::<CopyGrants>((&account, name.as_str())) {
        return Err(Error::GrantExists(name).into());
    }
    let key = request.kms_key_id.as_deref();
    let (key, managed, grant) = keys::grant_copies(ctx, key.unwrap_or(DEFAULT_WAREHOUSE_KEY))?;
    let row = CopyGrantRow {
        name,
        key,
        managed,
        grant,
        users: BTreeSet::new(),
        tags: shows::tags(&request.tags),
    };
    ctx.put::<CopyGrants>((&account, row.name.as_str()), &row);
    Ok(CreateSnapshotCopyGrantResponse {
        snapshot_copy_grant: Some(show(&row)),
    })
}

fn show(row: &CopyGrantRow) -> SnapshotCopyGrant {
    SnapshotCopyGrant {
        snapshot_copy_grant_name: Some(row.name.clone()),
        kms_key_id: Some(row.key.clone()),
        tags: shows::tag_list(&row.tags),
    }
}

/// DescribeSnapshotCopyGrants.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeSnapshotCopyGrantsRequest,
) -> Result<SnapshotCopyGrantMessage, Refusal> {
    let account = ctx.account();
    let rows = match request.snapshot_copy_grant_name.as_deref() {
        Some(name) => vec![find(ctx, &account, name)?],
        None => {
            let all = ctx.all(Range::<CopyGrants>::under((&account,)));
            all.into_iter().map(|(_, row)| row).collect()
        }
    };
    let found = rows
        .iter()
        .map(|row| (row.name.clone(), show(row)))
        .collect();
    let (snapshot_copy_grants, marker) =
        names::page(found, request.max_records, request.marker.as_deref())?;
    Ok(SnapshotCopyGrantMessage {
        marker,
        snapshot_copy_grants,
    })
}

/// DeleteSnapshotCopyGrant.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: DeleteSnapshotCopyGrantRequest,
) -> Result<DeleteSnapshotCopyGrantResponse, Refusal> {
    let account = ctx.account();
    let name = request.snapshot_copy_grant_name.unwrap_or_default();
    let row = find(ctx, &account, &name)?;
    if !row.users.is_empty() {
        return Err(Error::GrantUsed(row.name).into());
    }
    keys::retire(ctx, REDSHIFT, &row.grant);
    ctx.delete::<CopyGrants>((&account, row.name.as_str()));
    Ok(DeleteSnapshotCopyGrantResponse {})
}

/// The destination's side of EnableSnapshotCopy: whether there is a grant of that name.
///
/// # Errors
/// SnapshotCopyGrantNotFoundFault.
pub(super) fn has(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let name: String = decode(body)?;
    let account = ctx.account();
    find(ctx, &account, &name)?;
    Ok(Vec::new())
}

/// A warehouse of another Region begins or ends to copy by a grant: account, grant, warehouse.
///
/// # Errors
/// A record of another shape; SnapshotCopyGrantNotFoundFault.
pub(super) fn used(
    ctx: &mut Ctx<'_>,
    from: &RegionName,
    body: &[u8],
    begins: bool,
) -> Result<(), Refusal> {
    let (account, name, cluster): (AccountId, String, String) = decode(body)?;
    let mut row = find(ctx, &account, &name)?;
    let user = (from.clone(), cluster);
    if begins {
        row.users.insert(user);
    } else {
        row.users.remove(&user);
    }
    ctx.put::<CopyGrants>((&account, row.name.as_str()), &row);
    Ok(())
}
