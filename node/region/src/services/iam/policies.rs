//! Inline policies of users and roles.

use faultline_proto::iam as api;

use super::error::{Entity, IamError};
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
    users::change(ctx, request.user_name, |row| {
        row.policies.insert(name, text);
        documents::fit(Entity::User, &row.name, row.policies.values())
    })?;
    Ok(api::PutUserPolicyResponse {})
}

/// DeleteUserPolicy.
pub(super) fn delete_user_policy(
    ctx: &mut Ctx<'_>,
    request: api::DeleteUserPolicyRequest,
) -> Result<api::DeleteUserPolicyResponse, IamError> {
    let name = request.policy_name.unwrap_or_default();
    users::change(ctx, request.user_name, |row| {
        match row.policies.remove(&name) {
            Some(_) => Ok(()),
            None => Err(IamError::NoSuchPolicy {
                kind: Entity::User,
                name,
            }),
        }
    })?;
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
    roles::change(ctx, request.role_name, |row| {
        row.policies.insert(name, text);
        documents::fit(Entity::Role, &row.name, row.policies.values())
    })?;
    Ok(api::PutRolePolicyResponse {})
}

/// DeleteRolePolicy.
pub(super) fn delete_role_policy(
    ctx: &mut Ctx<'_>,
    request: api::DeleteRolePolicyRequest,
) -> Result<api::DeleteRolePolicyResponse, IamError> {
    let name = request.policy_name.unwrap_or_default();
    roles::change(ctx, request.role_name, |row| {
        match row.policies.remove(&name) {
            Some(_) => Ok(()),
            None => Err(IamError::NoSuchPolicy {
                kind: Entity::Role,
                name,
            }),
        }
    })?;
    Ok(api::DeleteRolePolicyResponse {})
}
