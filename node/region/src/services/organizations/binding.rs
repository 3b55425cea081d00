//! Which control policies bind an account: what every decision asks.

use std::sync::Arc;

use faultline_proto::names::AccountId;

use super::keyspaces::{Memberships, OrganizationRow, Organizations, PolicyType};
use crate::context::Ctx;
use crate::identity::Policy;

/// Which fence is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fence {
    /// SCPs: what principals of the account may do (K-190).
    Principals,
    /// RCPs: what may be done to the account's resources (K-191).
    Resources,
}

/// The organisation of an account, if this Region knows of one.
pub(crate) fn organization_of(
    ctx: &mut Ctx<'_>,
    account: &AccountId,
) -> Option<Arc<OrganizationRow>> {
    let management = ctx.get_cached::<Memberships>(account)?;
    ctx.get_cached::<Organizations>(&*management)
}

/// The policies that bind `account`, level by level from the root to the account itself; none for
/// the management account (K-190, K-191) and where the policy type is off.
pub(crate) fn binding(
    ctx: &mut Ctx<'_>,
    row: &OrganizationRow,
    account: &AccountId,
    fence: Fence,
) -> Vec<Vec<Arc<Policy>>> {
    let kind = match fence {
        Fence::Principals => PolicyType::ServiceControl,
        Fence::Resources => PolicyType::ResourceControl,
    };
    if row.management == *account || !row.enabled.contains(&kind) {
        return Vec::new();
    }
    let mut levels = Vec::new();
    for target in row.path(account) {
        let mut level = Vec::new();
        for id in row.attached.get(&target).into_iter().flatten() {
            let Some(policy) = row.policy(id).filter(|policy| policy.kind == kind) else {
                continue;
            };
            // Parsed when it was stored: it parses.
            level.extend(
                ctx.caches
                    .policy(kind.document(), &row.policy_arn(id, kind), &policy.content)
                    .ok(),
            );
        }
        levels.push(level);
    }
    levels
}

impl OrganizationRow {
    /// `o-1/r-1/ou-1/`, the value of aws:PrincipalOrgPaths.
    pub(crate) fn org_path(&self, account: &AccountId) -> String {
        let mut path = self.path(account);
        path.pop();
        format!("{}/{}/", self.id, path.join("/"))
    }
}
