//! Permissions boundaries of users and roles (K-189): they give nothing and limit everything.

use faultline_proto::iam as api;

use super::error::{Entity, IamError};
use super::keyspaces::{RoleRow, UserRow};
use super::{entries, managed};
use crate::context::Ctx;

/// PutUserPermissionsBoundary.
pub(super) fn put_user(
    ctx: &mut Ctx<'_>,
    request: api::PutUserPermissionsBoundaryRequest,
) -> Result<api::PutUserPermissionsBoundaryResponse, IamError> {
    let boundary = managed::boundary(ctx, request.permissions_boundary)?;
    entries::change::<UserRow>(ctx, request.user_name, |row| {
        row.boundary = boundary;
        Ok(())
    })?;
    Ok(api::PutUserPermissionsBoundaryResponse {})
}

/// DeleteUserPermissionsBoundary.
pub(super) fn delete_user(
    ctx: &mut Ctx<'_>,
    request: api::DeleteUserPermissionsBoundaryRequest,
) -> Result<api::DeleteUserPermissionsBoundaryResponse, IamError> {
    entries::change::<UserRow>(ctx, request.user_name, |row| {
        let gone = row.boundary.take();
        gone.map(drop).ok_or_else(|| IamError::NoBoundary {
            kind: Entity::User,
            name: row.name.clone(),
        })
    })?;
    Ok(api::DeleteUserPermissionsBoundaryResponse {})
}

/// PutRolePermissionsBoundary.
pub(super) fn put_role(
    ctx: &mut Ctx<'_>,
    request: api::PutRolePermissionsBoundaryRequest,
) -> Result<api::PutRolePermissionsBoundaryResponse, IamError> {
    let boundary = managed::boundary(ctx, request.permissions_boundary)?;
    entries::change::<RoleRow>(ctx, request.role_name, |row| {
        row.boundary = boundary;
        Ok(())
    })?;
    Ok(api::PutRolePermissionsBoundaryResponse {})
}

/// DeleteRolePermissionsBoundary.
pub(super) fn delete_role(
    ctx: &mut Ctx<'_>,
    request: api::DeleteRolePermissionsBoundaryRequest,
) -> Result<api::DeleteRolePermissionsBoundaryResponse, IamError> {
    entries::change::<RoleRow>(ctx, request.role_name, |row| {
        let gone = row.boundary.take();
        gone.map(drop).ok_or_else(|| IamError::NoBoundary {
            kind: Entity::Role,
            name: row.name.clone(),
        })
    })?;
    Ok(api::DeleteRolePermissionsBoundaryResponse {})
}
