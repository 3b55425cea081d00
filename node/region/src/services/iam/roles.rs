//! Roles.

use faultline_proto::iam as api;
use faultline_proto::names::AccountId;

use super::apply::{Record, publish};
use super::entries::{change, free, known, save};
use super::error::IamError;
use super::ids::{self, role_arn};
use super::keyspaces::{RoleRow, Roles};
use super::pages::{Page, page};
use super::{documents, managed, tags};
use crate::context::Ctx;

/// Longest session unless the role says otherwise, seconds.
const DEFAULT_SESSION: u32 = 3_600;

/// CreateRole.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: api::CreateRoleRequest,
) -> Result<api::CreateRoleResponse, IamError> {
    let account = ctx.account();
    let trust = request.assume_role_policy_document.unwrap_or_default();
    documents::trust(ctx, &trust)?;
    let name = free::<RoleRow>(ctx, &account, request.role_name)?;
    let row = RoleRow {
        path: request.path.unwrap_or_else(|| "/".to_owned()),
        id: ids::unique(ctx, "iam.role-id", "AROA", 17),
        created: ctx.now(),
        description: request.description,
        max_session: request
            .max_session_duration
            .map_or(DEFAULT_SESSION, i32::unsigned_abs),
        trust,
        policies: std::collections::BTreeMap::new(),
        attached: Vec::new(),
        boundary: managed::boundary(ctx, request.permissions_boundary)?,
        tags: tags::read(request.tags)?,
        name,
    };
    save(ctx, &account, &row);
    Ok(api::CreateRoleResponse {
        role: Some(shown(&account, &row)),
    })
}

/// GetRole.
pub(super) fn get(
    ctx: &mut Ctx<'_>,
    request: api::GetRoleRequest,
) -> Result<api::GetRoleResponse, IamError> {
    let account = ctx.account();
    let row = known::<RoleRow>(ctx, &account, &request.role_name.unwrap_or_default())?;
    Ok(api::GetRoleResponse {
        role: Some(shown(&account, &row)),
    })
}

/// ListRoles.
pub(super) fn list(
    ctx: &mut Ctx<'_>,
    request: api::ListRolesRequest,
) -> Result<api::ListRolesResponse, IamError> {
    let account = ctx.account();
    let prefix = request.path_prefix.unwrap_or_default();
    let Page { rows, marker } = page::<Roles>(
        ctx,
        &account,
        request.marker.as_deref(),
        request.max_items,
        |row| row.path.starts_with(&prefix),
    )?;
    let roles = rows.iter().map(|row| shown(&account, row)).collect();
    Ok(api::ListRolesResponse {
        roles,
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

/// UpdateAssumeRolePolicy.
pub(super) fn update_trust(
    ctx: &mut Ctx<'_>,
    request: api::UpdateAssumeRolePolicyRequest,
) -> Result<api::UpdateAssumeRolePolicyResponse, IamError> {
    let trust = request.policy_document.unwrap_or_default();
    documents::trust(ctx, &trust)?;
    change::<RoleRow>(ctx, request.role_name, |row| {
        row.trust = trust;
        Ok(())
    })?;
    Ok(api::UpdateAssumeRolePolicyResponse {})
}

/// UpdateRole. A description that is not given stays; a longest session that is not given
/// becomes one hour, as AWS documents it.
pub(super) fn update(
    ctx: &mut Ctx<'_>,
    request: api::UpdateRoleRequest,
) -> Result<api::UpdateRoleResponse, IamError> {
    change::<RoleRow>(ctx, request.role_name, |row| {
        if request.description.is_some() {
            row.description = request.description;
        }
        let longest = request.max_session_duration;
        row.max_session = longest.map_or(DEFAULT_SESSION, i32::unsigned_abs);
        Ok(())
    })?;
    Ok(api::UpdateRoleResponse {})
}

/// DeleteRole.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: api::DeleteRoleRequest,
) -> Result<api::DeleteRoleResponse, IamError> {
    let account = ctx.account();
    let row = known::<RoleRow>(ctx, &account, &request.role_name.unwrap_or_default())?;
    if !row.attached.is_empty() {
        return Err(IamError::DeleteFirst("detach all policies"));
    }
    if !row.policies.is_empty() {
        return Err(IamError::DeleteFirst("delete policies"));
    }
    publish(
        ctx,
        &Record::RoleGone {
            account,
            name: row.name.clone(),
        },
    );
    Ok(api::DeleteRoleResponse {})
}

fn shown(account: &AccountId, row: &RoleRow) -> api::Role {
    api::Role {
        path: Some(row.path.clone()),
        role_name: Some(row.name.clone()),
        role_id: Some(row.id.clone()),
        arn: Some(role_arn(account, &row.path, &row.name).to_string()),
        create_date: Some(row.created.millis()),
        assume_role_policy_document: Some(row.trust.clone()),
        description: row.description.clone(),
        max_session_duration: i32::try_from(row.max_session).ok(),
        permissions_boundary: row.boundary.clone().map(boundary),
        tags: row.tags.iter().map(tags::shown).collect(),
    }
}

/// A boundary as answers show it.
pub(super) fn boundary(arn: String) -> api::AttachedPermissionsBoundary {
    api::AttachedPermissionsBoundary {
        permissions_boundary_type: Some("PermissionsBoundaryPolicy".to_owned()),
        permissions_boundary_arn: Some(arn),
    }
}
