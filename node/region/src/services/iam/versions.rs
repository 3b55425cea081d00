//! Versions of managed policies: five at most, one of them in force.
//!
//! Whoever has the policy has the version in force; putting another in force changes what all
//! of them may do at once, where the record has arrived.

use faultline_proto::iam as api;

use super::error::IamError;
use super::keyspaces::{PolicyRow, PolicyVersionRow};
use super::managed;
use super::pages::{Page, slice};
use crate::context::Ctx;

/// Versions that a policy may have.
const MOST: usize = 5;

/// CreatePolicyVersion.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: api::CreatePolicyVersionRequest,
) -> Result<api::CreatePolicyVersionResponse, IamError> {
    let document = request.policy_document.unwrap_or_default();
    managed::check(&document)?;
    let (now, in_force) = (ctx.now(), request.set_as_default == Some(true));
    let mut made = None;
    managed::change(ctx, request.policy_arn, |row| {
        if row.versions.len() >= MOST {
            return Err(IamError::TooManyVersions(MOST));
        }
        let version = PolicyVersionRow {
            number: row.next,
            document,
            created: now,
        };
        row.next += 1;
        row.updated = now;
        if in_force {
            row.in_force = version.number;
        }
        made = Some(api::PolicyVersion {
            document: None,
            ..shown(row, &version)
        });
        row.versions.push(version);
        Ok(())
    })?;
    Ok(api::CreatePolicyVersionResponse {
        policy_version: made,
    })
}

/// GetPolicyVersion.
pub(super) fn get(
    ctx: &mut Ctx<'_>,
    request: api::GetPolicyVersionRequest,
) -> Result<api::GetPolicyVersionResponse, IamError> {
    let (account, arn) = (ctx.account(), request.policy_arn.unwrap_or_default());
    let row = managed::known(ctx, &account, &arn)?;
    let at = find(&row, &arn, request.version_id)?;
    Ok(api::GetPolicyVersionResponse {
        policy_version: row.versions.get(at).map(|version| shown(&row, version)),
    })
}

/// ListPolicyVersions, the newest first, without their documents.
pub(super) fn list(
    ctx: &mut Ctx<'_>,
    request: api::ListPolicyVersionsRequest,
) -> Result<api::ListPolicyVersionsResponse, IamError> {
    let (account, arn) = (ctx.account(), request.policy_arn.unwrap_or_default());
    let row = managed::known(ctx, &account, &arn)?;
    let versions = row.versions.iter().rev().map(|version| api::PolicyVersion {
        document: None,
        ..shown(&row, version)
    });
    let Page { rows, marker } = slice(versions, request.marker.as_deref(), request.max_items)?;
    Ok(api::ListPolicyVersionsResponse {
        versions: rows,
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

/// SetDefaultPolicyVersion.
pub(super) fn set_default(
    ctx: &mut Ctx<'_>,
    request: api::SetDefaultPolicyVersionRequest,
) -> Result<api::SetDefaultPolicyVersionResponse, IamError> {
    let (now, arn) = (ctx.now(), request.policy_arn.clone().unwrap_or_default());
    managed::change(ctx, request.policy_arn, |row| {
        let at = find(row, &arn, request.version_id)?;
        row.in_force = row.versions.get(at).map_or(row.in_force, |it| it.number);
        row.updated = now;
        Ok(())
    })?;
    Ok(api::SetDefaultPolicyVersionResponse {})
}

/// DeletePolicyVersion.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: api::DeletePolicyVersionRequest,
) -> Result<api::DeletePolicyVersionResponse, IamError> {
    let arn = request.policy_arn.clone().unwrap_or_default();
    managed::change(ctx, request.policy_arn, |row| {
        let at = find(row, &arn, request.version_id)?;
        let gone = row.versions.remove(at);
        if gone.number == row.in_force {
            return Err(IamError::VersionInForce);
        }
        Ok(())
    })?;
    Ok(api::DeletePolicyVersionResponse {})
}

/// Where the version of that id is.
fn find(row: &PolicyRow, arn: &str, id: Option<String>) -> Result<usize, IamError> {
    let id = id.unwrap_or_default();
    let at = row.versions.iter().position(|version| id_of(version) == id);
    at.ok_or_else(|| IamError::NoSuchVersion(arn.to_owned(), id))
}

fn id_of(version: &PolicyVersionRow) -> String {
    format!("v{}", version.number)
}

fn shown(row: &PolicyRow, version: &PolicyVersionRow) -> api::PolicyVersion {
    api::PolicyVersion {
        document: Some(version.document.clone()),
        version_id: Some(id_of(version)),
        is_default_version: Some(version.number == row.in_force),
        create_date: Some(version.created.millis()),
    }
}
