//! Records of the directory: whole rows, so that applying one twice changes nothing.

use faultline_proto::names::AccountId;
use serde::{Deserialize, Serialize};

use super::ids::key_of;
use super::keyspaces::{
    AccessKeyRow, AccessKeys, GroupRow, Groups, GroupsOfUserRow, GroupsOfUsers, ManagedPolicies,
    PolicyRow, RoleRow, Roles, UserRow, Users,
};
use super::propagation;
use crate::context::Ctx;

/// A changed row, as it travels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Record {
    User {
        account: AccountId,
        row: UserRow,
    },
    Role {
        account: AccountId,
        row: RoleRow,
    },
    AccessKey {
        id: String,
        row: AccessKeyRow,
    },
    Policy {
        arn: String,
        row: PolicyRow,
    },
    UserGone {
        account: AccountId,
        name: String,
    },
    RoleGone {
        account: AccountId,
        name: String,
    },
    AccessKeyGone {
        id: String,
    },
    PolicyGone {
        arn: String,
    },
    Group {
        account: AccountId,
        row: GroupRow,
    },
    GroupGone {
        account: AccountId,
        name: String,
    },
    /// The groups that a user is in now; its name in lower case.
    GroupsOf {
        account: AccountId,
        user: String,
        row: GroupsOfUserRow,
    },
}

impl Record {
    /// What it is about, for whoever watches the stream.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::User { .. } | Self::UserGone { .. } => "user",
            Self::Role { .. } | Self::RoleGone { .. } => "role",
            Self::AccessKey { .. } | Self::AccessKeyGone { .. } => "access-key",
            Self::Policy { .. } | Self::PolicyGone { .. } => "policy",
            Self::Group { .. } | Self::GroupGone { .. } => "group",
            Self::GroupsOf { .. } => "group-membership",
        }
    }

    /// Writes the row, or takes it away.
    pub(super) fn write(&self, ctx: &mut Ctx<'_>) {
        match self {
            Self::User { account, row } => {
                ctx.put::<Users>(&(account.clone(), key_of(&row.name)), row)
            }
            Self::Role { account, row } => {
                ctx.put::<Roles>(&(account.clone(), key_of(&row.name)), row)
            }
            Self::AccessKey { id, row } => ctx.put::<AccessKeys>(id, row),
            Self::Policy { arn, row } => ctx.put::<ManagedPolicies>(arn, row),
            Self::UserGone { account, name } => {
                ctx.delete::<Users>(&(account.clone(), key_of(name)))
            }
            Self::RoleGone { account, name } => {
                ctx.delete::<Roles>(&(account.clone(), key_of(name)))
            }
            Self::AccessKeyGone { id } => ctx.delete::<AccessKeys>(id),
            Self::PolicyGone { arn } => ctx.delete::<ManagedPolicies>(arn),
            Self::Group { account, row } => {
                ctx.put::<Groups>(&(account.clone(), key_of(&row.name)), row)
            }
            Self::GroupGone { account, name } => {
                ctx.delete::<Groups>(&(account.clone(), key_of(name)))
            }
            Self::GroupsOf { account, user, row } => {
                let key = (account.clone(), user.clone());
                if row.groups.is_empty() {
                    ctx.delete::<GroupsOfUsers>(&key)
                } else {
                    ctx.put::<GroupsOfUsers>(&key, row)
                }
            }
        }
    }
}

/// Writes a change here and sends it to every other Region.
pub(super) fn publish(ctx: &mut Ctx<'_>, record: &Record) {
    record.write(ctx);
    let body = crate::context::encode(record);
    propagation::propagate(ctx, "iam", record.kind(), &body);
}
