//! Who has a managed policy.

use faultline_proto::iam as api;
use faultline_proto::names::AccountId;

use super::error::IamError;
use super::keyspaces::{GroupRow, Groups, RoleRow, Roles, UserRow, Users};
use super::managed;
use super::pages::{Page, slice};
use crate::context::Ctx;
use crate::store::Range;

/// How often a policy is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// Users, groups and roles that have it.
    pub attachments: i32,
    /// Users and roles whose boundary it is.
    pub boundaries: i32,
}

/// Everybody in an account.
struct Everybody {
    users: Vec<UserRow>,
    groups: Vec<GroupRow>,
    roles: Vec<RoleRow>,
}

impl Everybody {
    fn of(ctx: &mut Ctx<'_>, account: &AccountId) -> Self {
        let users = ctx.all(Range::<Users>::under((account,))).into_iter();
        let groups = ctx.all(Range::<Groups>::under((account,))).into_iter();
        let roles = ctx.all(Range::<Roles>::under((account,))).into_iter();
        Self {
            users: users.map(|(_, row)| row).collect(),
            groups: groups.map(|(_, row)| row).collect(),
            roles: roles.map(|(_, row)| row).collect(),
        }
    }
}

/// How often the account uses a policy.
pub(super) fn of(ctx: &mut Ctx<'_>, account: &AccountId, arn: &str) -> Usage {
    let all = Everybody::of(ctx, account);
    let attached = all.users.iter().map(|row| &row.attached);
    let attached = attached.chain(all.groups.iter().map(|row| &row.attached));
    let attached = attached.chain(all.roles.iter().map(|row| &row.attached));
    let boundaries = all.users.iter().map(|row| &row.boundary);
    let boundaries = boundaries.chain(all.roles.iter().map(|row| &row.boundary));
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    Usage {
        attachments: count(
            attached
                .filter(|has| has.iter().any(|one| one == arn))
                .count(),
        ),
        boundaries: count(boundaries.filter(|has| has.as_deref() == Some(arn)).count()),
    }
}

/// One who has a policy.
enum Entry {
    Group(api::PolicyGroup),
    User(api::PolicyUser),
    Role(api::PolicyRole),
}

/// ListEntitiesForPolicy.
pub(super) fn entities(
    ctx: &mut Ctx<'_>,
    request: api::ListEntitiesForPolicyRequest,
) -> Result<api::ListEntitiesForPolicyResponse, IamError> {
    let account = ctx.account();
    let arn = request.policy_arn.clone().unwrap_or_default();
    managed::known(ctx, &account, &arn)?;
    let found = matching(&Everybody::of(ctx, &account), &request, &arn);
    let Page { rows, marker } = slice(found, request.marker.as_deref(), request.max_items)?;
    let mut response = api::ListEntitiesForPolicyResponse {
        is_truncated: Some(marker.is_some()),
        marker,
        ..api::ListEntitiesForPolicyResponse::default()
    };
    for row in rows {
        match row {
            Entry::Group(group) => response.policy_groups.push(group),
            Entry::User(user) => response.policy_users.push(user),
            Entry::Role(role) => response.policy_roles.push(role),
        }
    }
    Ok(response)
}

fn matching(all: &Everybody, request: &api::ListEntitiesForPolicyRequest, arn: &str) -> Vec<Entry> {
    let prefix = request.path_prefix.as_deref().unwrap_or_default();
    let wanted = |kind: &str| request.entity_filter.as_deref().is_none_or(|it| it == kind);
    let has = |path: &str, attached: &[String], boundary: Option<&str>| {
        let given = attached.iter().any(|one| one == arn);
        let limits = boundary == Some(arn);
        let used = match request.policy_usage_filter.as_deref() {
            Some("PermissionsBoundary") => limits,
            Some(_) => given,
            None => given || limits,
        };
        used && path.starts_with(prefix)
    };
    let mut found = Vec::new();
    for row in all.groups.iter().filter(|_| wanted("Group")) {
        if has(&row.path, &row.attached, None) {
            found.push(Entry::Group(api::PolicyGroup {
                group_name: Some(row.name.clone()),
                group_id: Some(row.id.clone()),
            }));
        }
    }
    for row in all.users.iter().filter(|_| wanted("User")) {
        if has(&row.path, &row.attached, row.boundary.as_deref()) {
            found.push(Entry::User(api::PolicyUser {
                user_name: Some(row.name.clone()),
                user_id: Some(row.id.clone()),
            }));
        }
    }
    for row in all.roles.iter().filter(|_| wanted("Role")) {
        if has(&row.path, &row.attached, row.boundary.as_deref()) {
            found.push(Entry::Role(api::PolicyRole {
                role_name: Some(row.name.clone()),
                role_id: Some(row.id.clone()),
            }));
        }
    }
    found
}
