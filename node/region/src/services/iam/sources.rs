//! Whose policies a simulation uses, and where each of them is from.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::names::{AccountId, Arn};

use super::directory::{find_group, find_user, groups_of, of_group, role_row, speaking};
use super::entries;
use super::error::{Entity, IamError};
use super::ids::name_of;
use super::keyspaces::{GroupRow, RoleRow, UserRow};
use crate::context::Ctx;
use crate::directory::{Fence, binding, organization_of};
use crate::identity::{Policy, Principal};

/// Policies and who they speak for.
#[derive(Default)]
pub(super) struct Source {
    /// The caller; none when one must be made up.
    pub caller: Option<Principal>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    pub identity: Vec<Arc<Policy>>,
    pub boundary: Option<Arc<Policy>>,
    /// Service control policies that bind its account.
    pub scps: Vec<Vec<Arc<Policy>>>,
    /// Inline policies by the name that the evaluator gives them: id and type in answers.
    inline: BTreeMap<String, (String, &'static str)>,
}

impl Source {
    /// SourcePolicyId and SourcePolicyType of a policy.
    pub fn origin(&self, policy: &str) -> (String, &'static str) {
        if let Some((id, kind)) = self.inline.get(policy) {
            return (id.clone(), kind);
        }
        if policy.starts_with("arn:aws:iam::aws:policy/") {
            return (name_of(policy).to_owned(), "aws-managed");
        }
        if policy.starts_with("arn:aws:iam:") {
            return (name_of(policy).to_owned(), "user-managed");
        }
        let kind = if policy == "ResourcePolicy" {
            "resource"
        } else {
            "none"
        };
        (policy.to_owned(), kind)
    }

    fn holds(&mut self, kind: &'static str, holder: &str, policies: &BTreeMap<String, String>) {
        for name in policies.keys() {
            let id = format!("{kind}_{holder}_{name}");
            self.inline.insert(name.clone(), (id, kind));
        }
    }

    fn add_group(&mut self, ctx: &mut Ctx<'_>, group: &GroupRow) {
        for name in group.policies.keys() {
            let id = format!("group_{}_{name}", group.name);
            let known_as = format!("{name} of group {}", group.name);
            self.inline.insert(known_as, (id, "group"));
        }
        self.identity.extend(of_group(ctx, group));
    }
}

/// The policies of a user, group or role of the caller's account.
pub(super) fn of(ctx: &mut Ctx<'_>, arn: &str) -> Result<Source, IamError> {
    let account = ctx.account();
    let parsed = named(arn, &account)?;
    let mut source = Source::default();
    match (parsed.0, parsed.1.as_str()) {
        (Entity::User, name) => {
            let row = entries::known::<UserRow>(ctx, &account, name)?;
            source.caller = Some(Principal::user(&account, &row.path, &row.name, &row.id));
            source.tags.clone_from(&row.tags);
            source.holds("user", &row.name, &row.policies);
            (source.identity, source.boundary) =
                speaking(ctx, &row.policies, &row.attached, row.boundary.as_deref());
            for group in groups_of(ctx, &account, &row.name) {
                source.add_group(ctx, &group);
            }
        }
        (Entity::Group, name) => {
            entries::known::<GroupRow>(ctx, &account, name)?;
            if let Some(group) = find_group(ctx, &account, name) {
                source.add_group(ctx, &group);
            }
        }
        (Entity::Role, name) => {
            let row = entries::known::<RoleRow>(ctx, &account, name)?;
            source.tags.clone_from(&row.tags);
            source.holds("role", &row.name, &row.policies);
            (source.identity, source.boundary) =
                speaking(ctx, &row.policies, &row.attached, row.boundary.as_deref());
            let role = Arn::new(arn)
                .ok()
                .filter(|arn| role_row(ctx, arn).is_some());
            source.caller = role.and_then(|role| Principal::role(&role, &row.id, "simulated").ok());
        }
    }
    if let Some(row) = organization_of(ctx, &account) {
        source.scps = binding(ctx, &row, &account, Fence::Principals);
    }
    Ok(source)
}

/// The user that a simulation takes as the caller.
pub(super) fn user(ctx: &mut Ctx<'_>, arn: &str) -> Result<Principal, IamError> {
    let parsed = Arn::new(arn).ok();
    let account = parsed.and_then(|arn| AccountId::new(arn.account()).ok());
    let account = account.ok_or_else(|| unclear(arn))?;
    match named(arn, &account)? {
        (Entity::User, name) => {
            let path = super::ids::path_of(arn);
            let id = find_user(ctx, &account, &name).map(|row| row.id.clone());
            let id = id.unwrap_or_else(|| "simulated".to_owned());
            Ok(Principal::user(&account, path, &name, &id))
        }
        (Entity::Group | Entity::Role, _) => Err(IamError::InvalidInput(format!(
            "CallerArn: {arn} is not the ARN of a user."
        ))),
    }
}

/// Kind and name in the ARN of a user, group or role of `account`.
fn named(arn: &str, account: &AccountId) -> Result<(Entity, String), IamError> {
    let parsed = Arn::new(arn).map_err(|_| unclear(arn))?;
    let kind = match parsed.resource().split('/').next() {
        Some("user") => Entity::User,
        Some("group") => Entity::Group,
        Some("role") => Entity::Role,
        _ => return Err(unclear(arn)),
    };
    if parsed.service() != "iam" || parsed.account() != account.as_str() {
        return Err(unclear(arn));
    }
    Ok((kind, name_of(arn).to_owned()))
}

fn unclear(arn: &str) -> IamError {
    IamError::InvalidInput(format!(
        "Invalid Entity Arn: {arn} does not clearly define entity type and name."
    ))
}
