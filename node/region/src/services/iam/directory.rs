//! The directory as every call asks it, and how it is changed.
//!
//! Reads come from this Region's rows, decoded once for as long as nobody writes them. Only the
//! home Region changes them by itself; each change is a record to all others.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::names::{AccountId, Arn};

use super::ids::{key_of, role_arn};
use super::keyspaces::{
    AccessKeys, GroupRow, Groups, GroupsOfUsers, RoleRow, Roles, UserRow, Users,
};
use super::managed;
use crate::caller::CallerPolicies;
use crate::context::Ctx;
use crate::identity::principals::PrincipalName;
use crate::identity::{DocumentKind, Policy, Principal};

/// The policies of a session as its token and stored callers keep them: names and texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionPolicies(pub Vec<(String, String)>);

impl SessionPolicies {
    /// As one text; empty without policies.
    #[must_use]
    pub fn write(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        serde_json::to_string(&self.0).expect("pairs of text always serialise")
    }

    fn read(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_default())
    }
}

/// A role as STS needs it.
#[derive(Debug, Clone)]
pub struct RoleView {
    /// ARN, path included.
    pub arn: Arn,
    /// `AROA...`.
    pub id: String,
    /// The trust policy.
    pub trust: Option<Arc<Policy>>,
    /// Longest session, seconds.
    pub max_session: u32,
}

/// The user that an access key belongs to, as far as this Region's copy of the directory knows.
pub(crate) fn credential(ctx: &mut Ctx<'_>, access_key: &str) -> Option<Principal> {
    ctx.get_cached::<AccessKeys>(access_key)
        .filter(|row| row.active)
        .map(|row| row.owner.clone())
}

/// The policies that speak for a principal in this Region. A user or role that was made anew
/// under the old name is another one: nothing speaks for the old.
pub(crate) fn policies_of(
    ctx: &mut Ctx<'_>,
    principal: &Principal,
    session_policy: &str,
) -> CallerPolicies {
    let mut found = CallerPolicies::default();
    match principal {
        Principal::User {
            account, name, id, ..
        } => {
            if let Some(row) = find_user(ctx, account, name).filter(|row| *row.id == **id) {
                (found.identity, found.boundary) =
                    speaking(ctx, &row.policies, &row.attached, row.boundary.as_deref());
                found.tags.clone_from(&row.tags);
                for group in groups_of(ctx, account, name) {
                    found.identity.extend(of_group(ctx, &group));
                }
            }
        }
        Principal::Role { role, role_id, .. } => {
            if let Some(row) = role_row(ctx, role).filter(|row| *row.id == **role_id) {
                (found.identity, found.boundary) =
                    speaking(ctx, &row.policies, &row.attached, row.boundary.as_deref());
                found.tags.clone_from(&row.tags);
            }
        }
        Principal::Root { .. } | Principal::Service { .. } | Principal::Anonymous => {}
    }
    for (name, text) in SessionPolicies::read(session_policy).0 {
        let parsed = ctx.caches.policy(DocumentKind::Session, &name, &text);
        found.session.extend(parsed.ok());
    }
    found
}

/// Identity policies and boundary, parsed. They were parsed when they were stored, so none is
/// left out but a managed policy whose record has not arrived.
pub(super) fn speaking(
    ctx: &mut Ctx<'_>,
    inline: &BTreeMap<String, String>,
    attached: &[String],
    boundary: Option<&str>,
) -> (Vec<Arc<Policy>>, Option<Arc<Policy>>) {
    let parsed = inline
        .iter()
        .map(|(name, text)| ctx.caches.policy(DocumentKind::Identity, name, text));
    let mut identity: Vec<Arc<Policy>> = parsed.filter_map(Result::ok).collect();
    for arn in attached {
        identity.extend(managed::document(ctx, arn));
    }
    let boundary = boundary
        .map(|arn| managed::document(ctx, arn).unwrap_or_else(|| managed::nothing(ctx, arn)));
    (identity, boundary)
}

/// What a group's policies say for each user in it. Their names tell the group, so that a
/// refusal names it.
pub(super) fn of_group(ctx: &mut Ctx<'_>, group: &GroupRow) -> Vec<Arc<Policy>> {
    let named = group.policies.iter().map(|(name, text)| {
        let name = format!("{name} of group {}", group.name);
        (name, text.clone())
    });
    let inline: BTreeMap<String, String> = named.collect();
    speaking(ctx, &inline, &group.attached, None).0
}

/// The groups of a user in the order joined, as far as this Region knows.
pub(super) fn groups_of(ctx: &mut Ctx<'_>, account: &AccountId, user: &str) -> Vec<Arc<GroupRow>> {
    let Some(row) = ctx.get_cached::<GroupsOfUsers>(&(account.clone(), key_of(user))) else {
        return Vec::new();
    };
    let groups = row.groups.iter();
    groups
        .filter_map(|group| find_group(ctx, account, group))
        .collect()
}

/// The role of an ARN, as far as this Region knows.
#[must_use]
pub fn role(ctx: &mut Ctx<'_>, arn: &Arn) -> Option<RoleView> {
    let row = role_row(ctx, arn)?;
    let trust = ctx
        .caches
        .policy(DocumentKind::Trust, "trust policy", &row.trust)
        .ok();
    Some(RoleView {
        arn: arn.clone(),
        id: row.id.clone(),
        trust,
        max_session: row.max_session,
    })
}

pub(super) fn role_row(ctx: &mut Ctx<'_>, arn: &Arn) -> Option<Arc<RoleRow>> {
    let account = AccountId::new(arn.account()).ok()?;
    let name = arn.resource().strip_prefix("role/")?.rsplit('/').next()?;
    find_role(ctx, &account, name).filter(|row| role_arn(&account, &row.path, &row.name) == *arn)
}

/// Whether a principal that a policy names exists, as far as this Region knows (K-173). Accounts
/// outside the world, services and unique ids are taken as they are.
#[must_use]
pub fn principal_exists(ctx: &mut Ctx<'_>, name: &PrincipalName) -> bool {
    match name {
        PrincipalName::Account(account) => ctx.core.accounts.contains_key(account),
        PrincipalName::Arn(arn) => Arn::new(arn).is_ok_and(|arn| arn_exists(ctx, &arn)),
        PrincipalName::Everyone
        | PrincipalName::Id(_)
        | PrincipalName::Service(_)
        | PrincipalName::Federated(_)
        | PrincipalName::CanonicalUser(_) => true,
    }
}

fn arn_exists(ctx: &mut Ctx<'_>, arn: &Arn) -> bool {
    let Ok(account) = AccountId::new(arn.account()) else {
        return false;
    };
    let mut parts = arn.resource().split('/');
    match (arn.service(), parts.next()) {
        ("iam", Some("user")) => {
            let name = parts.next_back().unwrap_or_default();
            find_user(ctx, &account, name)
                .is_some_and(|row| super::ids::user_arn(&account, &row.path, &row.name) == *arn)
        }
        ("iam", Some("role")) => role_row(ctx, arn).is_some(),
        ("sts", Some("assumed-role")) => parts
            .next()
            .is_some_and(|name| find_role(ctx, &account, name).is_some_and(|row| row.name == name)),
        _ => false,
    }
}

/// The secret half of an access key, for the answer that creates it.
#[must_use]
pub fn secret_access_key(ctx: &Ctx<'_>, access_key: &str) -> String {
    crate::signing::secret_of(&ctx.core.vault, access_key).to_string()
}

/// A user by account and name.
pub(super) fn find_user(
    ctx: &mut Ctx<'_>,
    account: &AccountId,
    name: &str,
) -> Option<Arc<UserRow>> {
    ctx.get_cached::<Users>(&(account.clone(), key_of(name)))
}

/// A role by account and name.
pub(super) fn find_role(
    ctx: &mut Ctx<'_>,
    account: &AccountId,
    name: &str,
) -> Option<Arc<RoleRow>> {
    ctx.get_cached::<Roles>(&(account.clone(), key_of(name)))
}

/// A group by account and name.
pub(super) fn find_group(
    ctx: &mut Ctx<'_>,
    account: &AccountId,
    name: &str,
) -> Option<Arc<GroupRow>> {
    ctx.get_cached::<Groups>(&(account.clone(), key_of(name)))
}
