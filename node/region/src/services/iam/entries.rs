//! What users, roles and groups have in common: a name in the directory, and a row that is published.

use std::sync::Arc;

use faultline_proto::names::AccountId;

use super::apply::{Record, publish};
use super::directory::{find_group, find_role, find_user};
use super::error::{Entity, IamError};
use super::keyspaces::{GroupRow, RoleRow, UserRow};
use crate::context::Ctx;

/// A row that is found by its name.
pub(super) trait Entry: Clone {
    /// What errors call it.
    const KIND: Entity;

    /// The row of that name.
    fn find(ctx: &mut Ctx<'_>, account: &AccountId, name: &str) -> Option<Arc<Self>>;

    /// The record that brings it to every Region.
    fn record(account: AccountId, row: Self) -> Record;
}

impl Entry for UserRow {
    const KIND: Entity = Entity::User;

    fn find(ctx: &mut Ctx<'_>, account: &AccountId, name: &str) -> Option<Arc<Self>> {
        find_user(ctx, account, name)
    }

    fn record(account: AccountId, row: Self) -> Record {
        Record::User { account, row }
    }
}

impl Entry for RoleRow {
    const KIND: Entity = Entity::Role;

    fn find(ctx: &mut Ctx<'_>, account: &AccountId, name: &str) -> Option<Arc<Self>> {
        find_role(ctx, account, name)
    }

    fn record(account: AccountId, row: Self) -> Record {
        Record::Role { account, row }
    }
}

impl Entry for GroupRow {
    const KIND: Entity = Entity::Group;

    fn find(ctx: &mut Ctx<'_>, account: &AccountId, name: &str) -> Option<Arc<Self>> {
        find_group(ctx, account, name)
    }

    fn record(account: AccountId, row: Self) -> Record {
        Record::Group { account, row }
    }
}

/// The row of that name.
///
/// # Errors
/// NoSuchEntity.
pub(super) fn known<E: Entry>(
    ctx: &mut Ctx<'_>,
    account: &AccountId,
    name: &str,
) -> Result<Arc<E>, IamError> {
    E::find(ctx, account, name).ok_or_else(|| IamError::NoSuchEntity {
        kind: E::KIND,
        name: name.to_owned(),
    })
}

/// A name that is not taken yet.
///
/// # Errors
/// EntityAlreadyExists.
pub(super) fn free<E: Entry>(
    ctx: &mut Ctx<'_>,
    account: &AccountId,
    name: Option<String>,
) -> Result<String, IamError> {
    let name = name.unwrap_or_default();
    if E::find(ctx, account, &name).is_some() {
        let kind = E::KIND;
        return Err(IamError::AlreadyExists { kind, name });
    }
    Ok(name)
}

/// Changes the row of that name, here and everywhere.
///
/// # Errors
/// NoSuchEntity, or what `change` says.
pub(super) fn change<E: Entry>(
    ctx: &mut Ctx<'_>,
    name: Option<String>,
    change: impl FnOnce(&mut E) -> Result<(), IamError>,
) -> Result<(), IamError> {
    let account = ctx.account();
    let mut row = E::clone(&*known::<E>(ctx, &account, &name.unwrap_or_default())?);
    change(&mut row)?;
    save(ctx, &account, &row);
    Ok(())
}

/// Publishes a row.
pub(super) fn save<E: Entry>(ctx: &mut Ctx<'_>, account: &AccountId, row: &E) {
    publish(ctx, &E::record(account.clone(), row.clone()));
}
