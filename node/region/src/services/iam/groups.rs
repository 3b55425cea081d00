//! Groups of users: what their policies say is said for every user in them.
//!
//! A group is no principal: it signs nothing, and no resource policy can name it.

use faultline_proto::iam as api;
use faultline_proto::names::AccountId;

use super::apply::{Record, publish};
use super::directory::{find_user, groups_of};
use super::entries::{free, known, save};
use super::error::IamError;
use super::ids::{self, group_arn, key_of};
use super::keyspaces::{GroupRow, Groups, GroupsOfUserRow, GroupsOfUsers, UserRow};
use super::pages::{Page, page, slice};
use super::users;
use crate::context::Ctx;
use crate::store::Range;

/// Groups that a user may be in.
const PER_USER: usize = 10;

/// CreateGroup.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: api::CreateGroupRequest,
) -> Result<api::CreateGroupResponse, IamError> {
    let account = ctx.account();
    let name = free::<GroupRow>(ctx, &account, request.group_name)?;
    let row = GroupRow {
        path: request.path.unwrap_or_else(|| "/".to_owned()),
        id: ids::unique(ctx, "iam.group-id", "AGPA", 17),
        created: ctx.now(),
        policies: std::collections::BTreeMap::new(),
        attached: Vec::new(),
        name,
    };
    let group = Some(shown(&account, &row));
    save(ctx, &account, &row);
    Ok(api::CreateGroupResponse { group })
}

/// GetGroup.
pub(super) fn get(
    ctx: &mut Ctx<'_>,
    request: api::GetGroupRequest,
) -> Result<api::GetGroupResponse, IamError> {
    let account = ctx.account();
    let row = known::<GroupRow>(ctx, &account, &request.group_name.unwrap_or_default())?;
    let members = members(ctx, &account, &row.name);
    let page = slice(members, request.marker.as_deref(), request.max_items)?;
    let users = page.rows.iter();
    let users = users.filter_map(|user| find_user(ctx, &account, user));
    Ok(api::GetGroupResponse {
        group: Some(shown(&account, &row)),
        users: users.map(|user| users::shown(&account, &user)).collect(),
        is_truncated: Some(page.marker.is_some()),
        marker: page.marker,
    })
}

/// ListGroups.
pub(super) fn list(
    ctx: &mut Ctx<'_>,
    request: api::ListGroupsRequest,
) -> Result<api::ListGroupsResponse, IamError> {
    let account = ctx.account();
    let prefix = request.path_prefix.unwrap_or_default();
    let Page { rows, marker } = page::<Groups>(
        ctx,
        &account,
        request.marker.as_deref(),
        request.max_items,
        |row| row.path.starts_with(&prefix),
    )?;
    Ok(api::ListGroupsResponse {
        groups: rows.iter().map(|row| shown(&account, row)).collect(),
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

/// ListGroupsForUser.
pub(super) fn of_user(
    ctx: &mut Ctx<'_>,
    request: api::ListGroupsForUserRequest,
) -> Result<api::ListGroupsForUserResponse, IamError> {
    let account = ctx.account();
    let user = known::<UserRow>(ctx, &account, &request.user_name.unwrap_or_default())?;
    let groups = groups_of(ctx, &account, &user.name);
    let page = slice(groups, request.marker.as_deref(), request.max_items)?;
    Ok(api::ListGroupsForUserResponse {
        groups: page.rows.iter().map(|row| shown(&account, row)).collect(),
        is_truncated: Some(page.marker.is_some()),
        marker: page.marker,
    })
}

/// AddUserToGroup; who is in already stays in.
pub(super) fn add_user(
    ctx: &mut Ctx<'_>,
    request: api::AddUserToGroupRequest,
) -> Result<api::AddUserToGroupResponse, IamError> {
    let member = Member::of(ctx, request.group_name, request.user_name)?;
    let mut row = member.row;
    if !row.groups.contains(&member.group) {
        if row.groups.len() >= PER_USER {
            return Err(IamError::Quota {
                what: "GroupsPerUser",
                limit: PER_USER,
            });
        }
        row.groups.push(member.group);
        set_groups(ctx, &member.account, &member.user, row);
    }
    Ok(api::AddUserToGroupResponse {})
}

/// RemoveUserFromGroup.
pub(super) fn remove_user(
    ctx: &mut Ctx<'_>,
    request: api::RemoveUserFromGroupRequest,
) -> Result<api::RemoveUserFromGroupResponse, IamError> {
    let member = Member::of(ctx, request.group_name, request.user_name)?;
    let mut row = member.row;
    let Some(at) = row.groups.iter().position(|known| *known == member.group) else {
        return Err(IamError::NotInGroup {
            user: member.user,
            group: member.group,
        });
    };
    row.groups.remove(at);
    set_groups(ctx, &member.account, &member.user, row);
    Ok(api::RemoveUserFromGroupResponse {})
}

/// DeleteGroup.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: api::DeleteGroupRequest,
) -> Result<api::DeleteGroupResponse, IamError> {
    let account = ctx.account();
    let row = known::<GroupRow>(ctx, &account, &request.group_name.unwrap_or_default())?;
    if !members(ctx, &account, &row.name).is_empty() {
        return Err(IamError::DeleteFirst("remove users from group"));
    }
    if !row.attached.is_empty() {
        return Err(IamError::DeleteFirst("detach all policies"));
    }
    if !row.policies.is_empty() {
        return Err(IamError::DeleteFirst("delete policies"));
    }
    let name = row.name.clone();
    publish(ctx, &Record::GroupGone { account, name });
    Ok(api::DeleteGroupResponse {})
}

/// A user and a group that both exist, by the names of their rows.
struct Member {
    account: AccountId,
    user: String,
    group: String,
    row: GroupsOfUserRow,
}

impl Member {
    fn of(
        ctx: &mut Ctx<'_>,
        group: Option<String>,
        user: Option<String>,
    ) -> Result<Self, IamError> {
        let account = ctx.account();
        let group = known::<GroupRow>(ctx, &account, &group.unwrap_or_default())?;
        let user = known::<UserRow>(ctx, &account, &user.unwrap_or_default())?;
        let row = ctx.get::<GroupsOfUsers>(&(account.clone(), key_of(&user.name)));
        Ok(Self {
            account,
            user: key_of(&user.name),
            group: key_of(&group.name),
            row: row.unwrap_or_default(),
        })
    }
}

/// Says anew which groups a user is in.
pub(super) fn set_groups(ctx: &mut Ctx<'_>, account: &AccountId, user: &str, row: GroupsOfUserRow) {
    publish(
        ctx,
        &Record::GroupsOf {
            account: account.clone(),
            user: key_of(user),
            row,
        },
    );
}

/// Users in a group, by the names of their rows.
fn members(ctx: &mut Ctx<'_>, account: &AccountId, group: &str) -> Vec<String> {
    let group = key_of(group);
    let rows = ctx.all(Range::<GroupsOfUsers>::under((account,)));
    rows.into_iter()
        .filter(|(_, row)| row.groups.contains(&group))
        .map(|((_, user), _)| user)
        .collect()
}

fn shown(account: &AccountId, row: &GroupRow) -> api::Group {
    api::Group {
        path: Some(row.path.clone()),
        group_name: Some(row.name.clone()),
        group_id: Some(row.id.clone()),
        arn: Some(group_arn(account, &row.path, &row.name).to_string()),
        create_date: Some(row.created.millis()),
    }
}
