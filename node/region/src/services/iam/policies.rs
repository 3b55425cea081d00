//! Inline policies of users and roles.

use faultline_proto::iam as api;

use super::directory::{put_role, put_user};
use super::error::{Entity, IamError};
use super::keyspaces::{RoleRow, UserRow};
use super::{documents, roles, users};
use crate::context::Ctx;

/// PutUserPolicy.
pub(super) fn put_user_policy(
    ctx: &mut Ctx<'_>,
    request: api::PutUserPolicyRequest,
) -> Result<api::PutUserPolicyResponse, IamError> {
    let (name, text) = (
        request.policy_name.unwrap_or_default(),
        request.policy_document.unwrap_or_default(),
    );
    documents::identity(&text)?;
    let account = ctx.account();
    let mut row = UserRow::clone(&*users::known(
        ctx,
        &account,
        &request.user_name.unwrap_or_default(),
    )?);
    row.policies.insert(name, text);
    documents::fit(Entity::User, &row.name, row.policies.values())?;
    put_user(ctx, &account, &row);
    Ok(api::PutUserPolicyResponse {})
}

/// DeleteUserPolicy.
pub(super) fn delete_user_policy(
    ctx: &mut Ctx<'_>,
    request: api::DeleteUserPolicyRequest,
) -> Result<api::DeleteUserPolicyResponse, IamError> {
    let (account, name) = (ctx.account(), request.policy_name.unwrap_or_default());
    let mut row = UserRow::clone(&*users::known(
        ctx,
        &account,
        &request.user_name.unwrap_or_default(),
    )?);
    if row.policies.remove(&name).is_none() {
        return Err(IamError::NoSuchPolicy {
            kind: Entity::User,
            name,
        });
    }
    put_user(ctx, &account, &row);
    Ok(api::DeleteUserPolicyResponse {})
}

/// PutRolePolicy.
pub(super) fn put_role_policy(
    ctx: &mut Ctx<'_>,
    request: api::PutRolePolicyRequest,
) -> Result<api::PutRolePolicyResponse, IamError> {
    let (name, text) = (
        request.policy_name.unwrap_or_default(),
        request.policy_document.unwrap_or_default(),
    );
    documents::identity(&text)?;
    let account = ctx.account();
    let mut row = RoleRow::clone(&*roles::known(
        ctx,
        &account,
        &request.role_name.unwrap_or_default(),
    )?);
    row.policies.insert(name, text);
    documents::fit(Entity::Role, &row.name, row.policies.values())?;
    put_role(ctx, &account, &row);
    Ok(api::PutRolePolicyResponse {})
}

/// DeleteRolePolicy.
pub(super) fn delete_role_policy(
    ctx: &mut Ctx<'_>,
    request: api::DeleteRolePolicyRequest,
) -> Result<api::DeleteRolePolicyResponse, IamError> {
    let (account, name) = (ctx.account(), request.policy_name.unwrap_or_default());
    let mut row = RoleRow::clone(&*roles::known(
        ctx,
        &account,
        &request.role_name.unwrap_or_default(),
    )?);
    if row.policies.remove(&name).is_none() {
        return Err(IamError::NoSuchPolicy {
            kind: Entity::Role,
            name,
        });
    }
    put_role(ctx, &account, &row);
    Ok(api::DeleteRolePolicyResponse {})
}
