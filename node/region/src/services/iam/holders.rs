//! Users, groups and roles as holders of policies: the three differ in nothing there.

use std::collections::BTreeMap;

use super::entries;
use super::error::{Entity, IamError};
use super::keyspaces::{GroupRow, RoleRow, UserRow};
use crate::context::Ctx;

/// What a user, group or role has of policies, to be changed.
pub(super) struct Holding<'r> {
    pub name: &'r str,
    pub policies: &'r mut BTreeMap<String, String>,
    pub attached: &'r mut Vec<String>,
}

/// The same, to be looked at.
pub(super) struct Held {
    pub name: String,
    pub policies: BTreeMap<String, String>,
    pub attached: Vec<String>,
}

/// A row in two halves: its name, and what can be changed.
macro_rules! holding {
    ($row:ident) => {
        Holding {
            name: &$row.name,
            policies: &mut $row.policies,
            attached: &mut $row.attached,
        }
    };
}

macro_rules! held {
    ($row:expr) => {{
        let row = $row;
        Held {
            name: row.name.clone(),
            policies: row.policies.clone(),
            attached: row.attached.clone(),
        }
    }};
}

/// Changes what the holder of that name has, here and everywhere.
pub(super) fn change(
    ctx: &mut Ctx<'_>,
    kind: Entity,
    name: Option<String>,
    change: impl FnOnce(Holding<'_>) -> Result<(), IamError>,
) -> Result<(), IamError> {
    match kind {
        Entity::User => entries::change::<UserRow>(ctx, name, |row| change(holding!(row))),
        Entity::Group => entries::change::<GroupRow>(ctx, name, |row| change(holding!(row))),
        Entity::Role => entries::change::<RoleRow>(ctx, name, |row| change(holding!(row))),
    }
}

/// What the holder of that name has.
pub(super) fn held(
    ctx: &mut Ctx<'_>,
    kind: Entity,
    name: Option<String>,
) -> Result<Held, IamError> {
    let (account, name) = (ctx.account(), name.unwrap_or_default());
    Ok(match kind {
        Entity::User => held!(entries::known::<UserRow>(ctx, &account, &name)?),
        Entity::Group => held!(entries::known::<GroupRow>(ctx, &account, &name)?),
        Entity::Role => held!(entries::known::<RoleRow>(ctx, &account, &name)?),
    })
}
