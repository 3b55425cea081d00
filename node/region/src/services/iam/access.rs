//! What each call to IAM touches. Only the home Region serves any.

use faultline_proto::handlers::IamRequest;
use faultline_proto::names::AccountId;

use super::directory::{find_role, find_user};
use super::error::IamError;
use super::ids::{role_arn, user_arn};
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
    let resource = match request {
        IamRequest::CreateUser(request) => user_arn(
            &account,
            path_of(request.path.as_ref()),
            name_of(request.user_name.as_ref()),
        )
        .to_string(),
        IamRequest::GetUser(request) => user(ctx, &account, request.user_name.as_deref()),
        IamRequest::ListUsers(request) => {
            format!(
                "arn:aws:iam::{account}:user{}",
                path_of(request.path_prefix.as_ref())
            )
        }
        IamRequest::CreateAccessKey(request) => user(ctx, &account, request.user_name.as_deref()),
        IamRequest::PutUserPolicy(request) => user(ctx, &account, request.user_name.as_deref()),
        IamRequest::DeleteUserPolicy(request) => user(ctx, &account, request.user_name.as_deref()),
        IamRequest::CreateRole(request) => role_arn(
            &account,
            path_of(request.path.as_ref()),
            name_of(request.role_name.as_ref()),
        )
        .to_string(),
        IamRequest::GetRole(request) => role(ctx, &account, request.role_name.as_ref()),
        IamRequest::ListRoles(request) => {
            format!(
                "arn:aws:iam::{account}:role{}",
                path_of(request.path_prefix.as_ref())
            )
        }
        IamRequest::UpdateAssumeRolePolicy(request) => {
            role(ctx, &account, request.role_name.as_ref())
        }
        IamRequest::PutRolePolicy(request) => role(ctx, &account, request.role_name.as_ref()),
        IamRequest::DeleteRolePolicy(request) => role(ctx, &account, request.role_name.as_ref()),
    };
    let mut access = Access::new(
        ctx,
        request.operation().action,
        resource,
        account,
        Wording::AccessDenied,
    );
    if let Some(boundary) = boundary_of(request) {
        access = access.with("iam:PermissionsBoundary", boundary);
    }
    Ok(vec![access])
}

fn boundary_of(request: &IamRequest) -> Option<&str> {
    match request {
        IamRequest::CreateUser(request) => request.permissions_boundary.as_deref(),
        IamRequest::CreateRole(request) => request.permissions_boundary.as_deref(),
        IamRequest::GetUser(_)
        | IamRequest::ListUsers(_)
        | IamRequest::CreateAccessKey(_)
        | IamRequest::PutUserPolicy(_)
        | IamRequest::DeleteUserPolicy(_)
        | IamRequest::GetRole(_)
        | IamRequest::ListRoles(_)
        | IamRequest::UpdateAssumeRolePolicy(_)
        | IamRequest::PutRolePolicy(_)
        | IamRequest::DeleteRolePolicy(_) => None,
    }
}

fn path_of(path: Option<&String>) -> &str {
    path.map_or("/", String::as_str)
}

fn name_of(name: Option<&String>) -> &str {
    name.map_or("", String::as_str)
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

fn role(ctx: &mut Ctx<'_>, account: &AccountId, name: Option<&String>) -> String {
    let name = name_of(name);
    let path = find_role(ctx, account, name).map_or_else(|| "/".to_owned(), |row| row.path.clone());
    role_arn(account, &path, name).to_string()
}
