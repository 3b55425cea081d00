//! Users.

use faultline_proto::iam as api;
use faultline_proto::names::AccountId;

use super::apply::{Record, publish};
use super::entries::{free, known, save};
use super::error::IamError;
use super::ids::{self, key_of, user_arn};
use super::keyspaces::{AccessKeyRow, AccessKeys, GroupsOfUserRow, GroupsOfUsers, UserRow, Users};
use super::pages::{Page, page};
use super::{groups, managed, roles, tags};
use crate::context::Ctx;
use crate::identity::Principal;

/// CreateUser.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: api::CreateUserRequest,
) -> Result<api::CreateUserResponse, IamError> {
    let account = ctx.account();
    let name = free::<UserRow>(ctx, &account, request.user_name)?;
    let row = UserRow {
        path: request.path.unwrap_or_else(|| "/".to_owned()),
        id: ids::unique(ctx, "iam.user-id", "AIDA", 17),
        created: ctx.now(),
        policies: std::collections::BTreeMap::new(),
        attached: Vec::new(),
        boundary: managed::boundary(ctx, request.permissions_boundary)?,
        access_keys: Vec::new(),
        tags: tags::read(request.tags)?,
        name,
    };
    save(ctx, &account, &row);
    Ok(api::CreateUserResponse {
        user: Some(shown(&account, &row)),
    })
}

/// GetUser.
pub(super) fn get(
    ctx: &mut Ctx<'_>,
    request: api::GetUserRequest,
) -> Result<api::GetUserResponse, IamError> {
    let account = ctx.account();
    let user = match request.user_name {
        Some(name) => shown(&account, &*known::<UserRow>(ctx, &account, &name)?),
        None => match &ctx.caller().principal {
            Principal::User { name, .. } => {
                shown(&account, &*known::<UserRow>(ctx, &account, name)?)
            }
            Principal::Root { arn, .. } => api::User {
                user_id: Some(account.to_string()),
                arn: Some(arn.to_string()),
                ..api::User::default()
            },
            Principal::Role { .. } | Principal::Service { .. } | Principal::Anonymous => {
                return Err(IamError::NoUserName);
            }
        },
    };
    Ok(api::GetUserResponse { user: Some(user) })
}

/// ListUsers.
pub(super) fn list(
    ctx: &mut Ctx<'_>,
    request: api::ListUsersRequest,
) -> Result<api::ListUsersResponse, IamError> {
    let account = ctx.account();
    let prefix = request.path_prefix.unwrap_or_default();
    let Page { rows, marker } = page::<Users>(
        ctx,
        &account,
        request.marker.as_deref(),
        request.max_items,
        |row| row.path.starts_with(&prefix),
    )?;
    let users = rows.iter().map(|row| shown(&account, row)).collect();
    Ok(api::ListUsersResponse {
        users,
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

/// UpdateUser: the user keeps its id, keys and groups under another name or path.
pub(super) fn update(
    ctx: &mut Ctx<'_>,
    request: api::UpdateUserRequest,
) -> Result<api::UpdateUserResponse, IamError> {
    let account = ctx.account();
    let old = known::<UserRow>(ctx, &account, &request.user_name.unwrap_or_default())?;
    let mut row = UserRow::clone(&old);
    if let Some(path) = request.new_path {
        row.path = path;
    }
    if let Some(name) = request.new_user_name {
        let moves = key_of(&name) != key_of(&old.name);
        if moves {
            free::<UserRow>(ctx, &account, Some(name.clone()))?;
        }
        row.name = name;
        if moves {
            let name = old.name.clone();
            publish(
                ctx,
                &Record::UserGone {
                    account: account.clone(),
                    name,
                },
            );
            follow(ctx, &account, &old.name, &row.name);
        }
    }
    save(ctx, &account, &row);
    // A key says whose it is by ARN.
    let owner = Principal::user(&account, &row.path, &row.name, &row.id);
    for id in row.access_keys {
        if let Some(key) = ctx.get::<AccessKeys>(&id) {
            let row = AccessKeyRow {
                owner: owner.clone(),
                ..key
            };
            publish(ctx, &Record::AccessKey { id, row });
        }
    }
    Ok(api::UpdateUserResponse {})
}

/// The user's groups follow it to its new name.
fn follow(ctx: &mut Ctx<'_>, account: &AccountId, old: &str, new: &str) {
    if let Some(row) = ctx.get::<GroupsOfUsers>(&(account.clone(), key_of(old))) {
        groups::set_groups(ctx, account, old, GroupsOfUserRow::default());
        groups::set_groups(ctx, account, new, row);
    }
}

/// DeleteUser.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: api::DeleteUserRequest,
) -> Result<api::DeleteUserResponse, IamError> {
    let account = ctx.account();
    let row = known::<UserRow>(ctx, &account, &request.user_name.unwrap_or_default())?;
    if !row.attached.is_empty() {
        return Err(IamError::DeleteFirst("detach all policies"));
    }
    if !row.policies.is_empty() {
        return Err(IamError::DeleteFirst("delete policies"));
    }
    if !row.access_keys.is_empty() {
        return Err(IamError::DeleteFirst("delete access keys"));
    }
    if ctx.has::<GroupsOfUsers>(&(account.clone(), key_of(&row.name))) {
        return Err(IamError::DeleteFirst("remove users from group"));
    }
    publish(
        ctx,
        &Record::UserGone {
            account,
            name: row.name.clone(),
        },
    );
    Ok(api::DeleteUserResponse {})
}

/// A user as answers show it.
pub(super) fn shown(account: &AccountId, row: &UserRow) -> api::User {
    api::User {
        path: Some(row.path.clone()),
        user_name: Some(row.name.clone()),
        user_id: Some(row.id.clone()),
        arn: Some(user_arn(account, &row.path, &row.name).to_string()),
        create_date: Some(row.created.millis()),
        permissions_boundary: row.boundary.clone().map(roles::boundary),
        tags: row.tags.iter().map(tags::shown).collect(),
    }
}
