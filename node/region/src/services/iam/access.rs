//! What each call to IAM touches. Only the home Region serves any.

use faultline_proto::handlers::IamRequest;
use faultline_proto::names::AccountId;

use super::directory::{find_group, find_role, find_user};
use super::error::IamError;
use super::ids::{group_arn, role_arn, user_arn};
use crate::context::Ctx;
use crate::identity::Principal;
use crate::service::{Access, Wording};

/// What the request touches.
pub(super) fn of(ctx: &mut Ctx<'_>, request: &IamRequest) -> Result<Vec<Access>, IamError> {
    if ctx.region() != &ctx.core.home {
        return Err(IamError::NotHome {
            home: ctx.core.home.clone(),
            here: ctx.region().clone(),
        });
    }
    let account = ctx.account();
    let resource = match target(request) {
        Target::User(name) => user(ctx, &account, name),
        Target::Group(name) => group(ctx, &account, name),
        Target::Role(name) => role(ctx, &account, name),
        Target::Arn(arn) => arn.unwrap_or_default().to_owned(),
        Target::Any => "*".to_owned(),
        Target::New(kind, path, name) => {
            format!(
                "arn:aws:iam::{account}:{kind}{}{}",
                path.unwrap_or("/"),
                name.unwrap_or_default()
            )
        }
    };
    let mut access = Access::new(
        ctx,
        request.operation().action,
        resource,
        account,
        Wording::AccessDenied,
    );
    for (key, value) in conditions(request) {
        if let Some(value) = value {
            access = access.with(key, value);
        }
    }
    Ok(vec![access])
}

/// What a request is about.
enum Target<'a> {
    /// A user by name, or the caller.
    User(Option<&'a str>),
    Group(Option<&'a str>),
    Role(Option<&'a str>),
    /// What the request names by its ARN.
    Arn(Option<&'a str>),
    /// Nothing that is there.
    Any,
    /// Something that the request makes or lists: kind, path, name.
    New(&'static str, Option<&'a str>, Option<&'a str>),
}

#[expect(clippy::too_many_lines, reason = "a table of operations")]
fn target(request: &IamRequest) -> Target<'_> {
    use IamRequest as R;
    use Target::{Any, Arn, Group, New, Role, User};
    match request {
        R::CreateUser(r) => New("user", r.path.as_deref(), r.user_name.as_deref()),
        R::ListUsers(r) => New("user", r.path_prefix.as_deref(), None),
        R::GetUser(r) => User(r.user_name.as_deref()),
        R::DeleteUser(r) => User(r.user_name.as_deref()),
        R::CreateAccessKey(r) => User(r.user_name.as_deref()),
        R::UpdateAccessKey(r) => User(r.user_name.as_deref()),
        R::DeleteAccessKey(r) => User(r.user_name.as_deref()),
        R::PutUserPolicy(r) => User(r.user_name.as_deref()),
        R::DeleteUserPolicy(r) => User(r.user_name.as_deref()),
        R::AttachUserPolicy(r) => User(r.user_name.as_deref()),
        R::DetachUserPolicy(r) => User(r.user_name.as_deref()),
        R::PutUserPermissionsBoundary(r) => User(r.user_name.as_deref()),
        R::DeleteUserPermissionsBoundary(r) => User(r.user_name.as_deref()),
        R::CreateRole(r) => New("role", r.path.as_deref(), r.role_name.as_deref()),
        R::ListRoles(r) => New("role", r.path_prefix.as_deref(), None),
        R::GetRole(r) => Role(r.role_name.as_deref()),
        R::DeleteRole(r) => Role(r.role_name.as_deref()),
        R::UpdateAssumeRolePolicy(r) => Role(r.role_name.as_deref()),
        R::PutRolePolicy(r) => Role(r.role_name.as_deref()),
        R::DeleteRolePolicy(r) => Role(r.role_name.as_deref()),
        R::AttachRolePolicy(r) => Role(r.role_name.as_deref()),
        R::DetachRolePolicy(r) => Role(r.role_name.as_deref()),
        R::PutRolePermissionsBoundary(r) => Role(r.role_name.as_deref()),
        R::DeleteRolePermissionsBoundary(r) => Role(r.role_name.as_deref()),
        R::CreatePolicy(r) => New("policy", r.path.as_deref(), r.policy_name.as_deref()),
        R::ListAccessKeys(r) => User(r.user_name.as_deref()),
        R::UpdateUser(r) => User(r.user_name.as_deref()),
        R::GetUserPolicy(r) => User(r.user_name.as_deref()),
        R::ListUserPolicies(r) => User(r.user_name.as_deref()),
        R::ListAttachedUserPolicies(r) => User(r.user_name.as_deref()),
        R::TagUser(r) => User(r.user_name.as_deref()),
        R::UntagUser(r) => User(r.user_name.as_deref()),
        R::ListUserTags(r) => User(r.user_name.as_deref()),
        R::ListGroupsForUser(r) => User(r.user_name.as_deref()),
        R::UpdateRole(r) => Role(r.role_name.as_deref()),
        R::GetRolePolicy(r) => Role(r.role_name.as_deref()),
        R::ListRolePolicies(r) => Role(r.role_name.as_deref()),
        R::ListAttachedRolePolicies(r) => Role(r.role_name.as_deref()),
        R::TagRole(r) => Role(r.role_name.as_deref()),
        R::UntagRole(r) => Role(r.role_name.as_deref()),
        R::ListRoleTags(r) => Role(r.role_name.as_deref()),
        R::CreateGroup(r) => New("group", r.path.as_deref(), r.group_name.as_deref()),
        R::ListGroups(r) => New("group", r.path_prefix.as_deref(), None),
        R::ListPolicies(r) => New("policy", r.path_prefix.as_deref(), None),
        R::GetGroup(r) => Group(r.group_name.as_deref()),
        R::AddUserToGroup(r) => Group(r.group_name.as_deref()),
        R::RemoveUserFromGroup(r) => Group(r.group_name.as_deref()),
        R::DeleteGroup(r) => Group(r.group_name.as_deref()),
        R::PutGroupPolicy(r) => Group(r.group_name.as_deref()),
        R::GetGroupPolicy(r) => Group(r.group_name.as_deref()),
        R::ListGroupPolicies(r) => Group(r.group_name.as_deref()),
        R::DeleteGroupPolicy(r) => Group(r.group_name.as_deref()),
        R::AttachGroupPolicy(r) => Group(r.group_name.as_deref()),
        R::DetachGroupPolicy(r) => Group(r.group_name.as_deref()),
        R::ListAttachedGroupPolicies(r) => Group(r.group_name.as_deref()),
        R::GetPolicy(r) => Arn(r.policy_arn.as_deref()),
        R::ListEntitiesForPolicy(r) => Arn(r.policy_arn.as_deref()),
        R::DeletePolicy(r) => Arn(r.policy_arn.as_deref()),
        R::CreatePolicyVersion(r) => Arn(r.policy_arn.as_deref()),
        R::GetPolicyVersion(r) => Arn(r.policy_arn.as_deref()),
        R::ListPolicyVersions(r) => Arn(r.policy_arn.as_deref()),
        R::SetDefaultPolicyVersion(r) => Arn(r.policy_arn.as_deref()),
        R::DeletePolicyVersion(r) => Arn(r.policy_arn.as_deref()),
        R::TagPolicy(r) => Arn(r.policy_arn.as_deref()),
        R::UntagPolicy(r) => Arn(r.policy_arn.as_deref()),
        R::ListPolicyTags(r) => Arn(r.policy_arn.as_deref()),
        R::SimulatePrincipalPolicy(r) => Arn(r.policy_source_arn.as_deref()),
        R::SimulateCustomPolicy(_) => Any,
    }
}

/// Condition keys of the request.
fn conditions(request: &IamRequest) -> [(&'static str, Option<&str>); 2] {
    use IamRequest as R;
    let (boundary, policy) = match request {
        R::CreateUser(r) => (r.permissions_boundary.as_deref(), None),
        R::CreateRole(r) => (r.permissions_boundary.as_deref(), None),
        R::PutUserPermissionsBoundary(r) => (r.permissions_boundary.as_deref(), None),
        R::PutRolePermissionsBoundary(r) => (r.permissions_boundary.as_deref(), None),
        R::AttachUserPolicy(r) => (None, r.policy_arn.as_deref()),
        R::DetachUserPolicy(r) => (None, r.policy_arn.as_deref()),
        R::AttachRolePolicy(r) => (None, r.policy_arn.as_deref()),
        R::DetachRolePolicy(r) => (None, r.policy_arn.as_deref()),
        R::AttachGroupPolicy(r) => (None, r.policy_arn.as_deref()),
        R::DetachGroupPolicy(r) => (None, r.policy_arn.as_deref()),
        _ => (None, None),
    };
    [
        ("iam:PermissionsBoundary", boundary),
        ("iam:PolicyARN", policy),
    ]
}

/// The user named, else the caller. One that does not exist is decided about by its plain ARN:
/// who may not ask does not learn whether it is there.
fn user(ctx: &mut Ctx<'_>, account: &AccountId, name: Option<&str>) -> String {
    let Some(name) = name else {
        return match &ctx.caller().principal {
            Principal::User { arn, .. } | Principal::Root { arn, .. } => arn.to_string(),
            Principal::Role { .. } | Principal::Service { .. } | Principal::Anonymous => {
                format!("arn:aws:iam::{account}:user/")
            }
        };
    };
    let path = find_user(ctx, account, name).map_or_else(|| "/".to_owned(), |row| row.path.clone());
    user_arn(account, &path, name).to_string()
}

fn group(ctx: &mut Ctx<'_>, account: &AccountId, name: Option<&str>) -> String {
    let name = name.unwrap_or_default();
    let path =
        find_group(ctx, account, name).map_or_else(|| "/".to_owned(), |row| row.path.clone());
    group_arn(account, &path, name).to_string()
}

fn role(ctx: &mut Ctx<'_>, account: &AccountId, name: Option<&str>) -> String {
    let name = name.unwrap_or_default();
    let path = find_role(ctx, account, name).map_or_else(|| "/".to_owned(), |row| row.path.clone());
    role_arn(account, &path, name).to_string()
}
