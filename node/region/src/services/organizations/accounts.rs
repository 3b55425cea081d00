//! The organisation itself and the accounts in it.

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::names::AccountId;
use faultline_proto::organizations as api;

use super::error::OrganizationsError;
use super::keyspaces::{AccountRow, Memberships, OrganizationRow, Organizations};
use super::tree;
use crate::context::Ctx;
use crate::store::Range;

/// CreateOrganization.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: api::CreateOrganizationRequest,
) -> Result<api::CreateOrganizationResponse, OrganizationsError> {
    let account = ctx.account();
    if ctx.has::<Memberships>(&account) {
        return Err(OrganizationsError::AlreadyIn);
    }
    let root = id(ctx, "r-", 4);
    let mut row = OrganizationRow {
        id: id(ctx, "o-", 10),
        root: root.clone(),
        management: account.clone(),
        all_features: request.feature_set.as_deref() != Some("CONSOLIDATED_BILLING"),
        enabled: BTreeSet::new(),
        units: BTreeMap::new(),
        accounts: BTreeMap::new(),
        policies: BTreeMap::new(),
        attached: BTreeMap::new(),
        invited: BTreeMap::new(),
    };
    row.open(&root);
    join(ctx, &mut row, &account);
    row.publish(ctx);
    Ok(api::CreateOrganizationResponse {
        organization: Some(shown(&row)),
    })
}

/// DescribeOrganization.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    _: api::DescribeOrganizationRequest,
) -> Result<api::DescribeOrganizationResponse, OrganizationsError> {
    let account = ctx.account();
    let row = tree::of_account(ctx, &account)?;
    Ok(api::DescribeOrganizationResponse {
        organization: Some(shown(&row)),
    })
}

/// ListAccounts, in one page: a world has few.
pub(super) fn list(
    ctx: &mut Ctx<'_>,
    _: api::ListAccountsRequest,
) -> Result<api::ListAccountsResponse, OrganizationsError> {
    let row = tree::managed(ctx)?;
    let account = |(id, account): (&AccountId, &AccountRow)| {
        let created = *id == row.management;
        api::Account {
            id: Some(id.to_string()),
            arn: Some(format!(
                "arn:aws:organizations::{}:account/{}/{id}",
                row.management, row.id
            )),
            status: Some("ACTIVE".to_owned()),
            joined_method: Some(if created { "CREATED" } else { "INVITED" }.to_owned()),
            joined_timestamp: Some(account.joined.millis()),
        }
    };
    Ok(api::ListAccountsResponse {
        accounts: row.accounts.iter().map(account).collect(),
        next_token: None,
    })
}

/// InviteAccountToOrganization.
pub(super) fn invite(
    ctx: &mut Ctx<'_>,
    request: api::InviteAccountToOrganizationRequest,
) -> Result<api::InviteAccountToOrganizationResponse, OrganizationsError> {
    let mut row = tree::managed(ctx)?;
    let target = request.target.unwrap_or_default();
    let account = match target.r#type.as_deref() {
        Some("ACCOUNT") => AccountId::new(target.id.as_deref().unwrap_or_default())
            .map_err(|_| OrganizationsError::NotAnAccount)?,
        _ => return Err(OrganizationsError::NotAnAccount),
    };
    if !ctx.core.accounts.contains_key(&account) {
        return Err(OrganizationsError::NoSuchAccount);
    }
    if ctx.has::<Memberships>(&account) {
        return Err(OrganizationsError::AlreadyIn);
    }
    let handshake = id(ctx, "h-", 10);
    row.invited.insert(handshake.clone(), account);
    row.publish(ctx);
    Ok(api::InviteAccountToOrganizationResponse {
        handshake: Some(shown_handshake(&row, handshake, "OPEN")),
    })
}

/// AcceptHandshake: by the account that was invited.
pub(super) fn accept(
    ctx: &mut Ctx<'_>,
    request: api::AcceptHandshakeRequest,
) -> Result<api::AcceptHandshakeResponse, OrganizationsError> {
    let account = ctx.account();
    let id = request.handshake_id.unwrap_or_default();
    let mut rows = ctx
        .all(Range::<Organizations>::all())
        .into_iter()
        .map(|(_, row)| row);
    let mut row = rows
        .find(|row| row.invited.get(&id) == Some(&account))
        .ok_or(OrganizationsError::NoSuchHandshake)?;
    if ctx.has::<Memberships>(&account) {
        return Err(OrganizationsError::AlreadyIn);
    }
    row.invited.remove(&id);
    join(ctx, &mut row, &account);
    row.publish(ctx);
    Ok(api::AcceptHandshakeResponse {
        handshake: Some(shown_handshake(&row, id, "ACCEPTED")),
    })
}

/// MoveAccount.
pub(super) fn transfer(
    ctx: &mut Ctx<'_>,
    request: api::MoveAccountRequest,
) -> Result<api::MoveAccountResponse, OrganizationsError> {
    let mut row = tree::managed(ctx)?;
    let to = request.destination_parent_id.unwrap_or_default();
    if !row.is_parent(&to) {
        return Err(OrganizationsError::NoSuchDestination);
    }
    let account = AccountId::new(request.account_id.unwrap_or_default())
        .map_err(|_| OrganizationsError::NoSuchAccount)?;
    let member = row
        .accounts
        .get_mut(&account)
        .ok_or(OrganizationsError::NoSuchAccount)?;
    if Some(member.parent.as_str()) != request.source_parent_id.as_deref() {
        return Err(OrganizationsError::NoSuchSource);
    }
    member.parent = to;
    row.publish(ctx);
    Ok(api::MoveAccountResponse {})
}

/// RemoveAccountFromOrganization: the policies of the organisation bind the account no more.
pub(super) fn remove(
    ctx: &mut Ctx<'_>,
    request: api::RemoveAccountFromOrganizationRequest,
) -> Result<api::RemoveAccountFromOrganizationResponse, OrganizationsError> {
    let mut row = tree::managed(ctx)?;
    let account = AccountId::new(request.account_id.unwrap_or_default())
        .map_err(|_| OrganizationsError::NoSuchAccount)?;
    if account == row.management {
        return Err(OrganizationsError::ManagementCannotLeave);
    }
    if row.accounts.remove(&account).is_none() {
        return Err(OrganizationsError::NoSuchAccount);
    }
    row.attached.remove(account.as_str());
    row.publish(ctx);
    Ok(api::RemoveAccountFromOrganizationResponse {})
}

fn join(ctx: &mut Ctx<'_>, row: &mut OrganizationRow, account: &AccountId) {
    row.accounts.insert(
        account.clone(),
        AccountRow {
            parent: row.root.clone(),
            joined: ctx.now(),
        },
    );
    row.open(account.as_str());
}

/// A new id: the prefix and lower-case letters and digits.
pub(super) fn id(ctx: &mut Ctx<'_>, prefix: &str, length: usize) -> String {
    let mut raw = [0; 16];
    ctx.entropy().fill("organizations.id", &mut raw);
    let letters = raw
        .iter()
        .take(length)
        .map(|byte| char::from(b"abcdefghijklmnopqrstuvwxyz012345"[usize::from(byte & 31)]));
    prefix.chars().chain(letters).collect()
}

fn shown(row: &OrganizationRow) -> api::Organization {
    let features = if row.all_features {
        "ALL"
    } else {
        "CONSOLIDATED_BILLING"
    };
    api::Organization {
        id: Some(row.id.clone()),
        arn: Some(format!(
            "arn:aws:organizations::{}:organization/{}",
            row.management, row.id
        )),
        feature_set: Some(features.to_owned()),
        master_account_arn: Some(format!(
            "arn:aws:organizations::{}:account/{}/{}",
            row.management, row.id, row.management
        )),
        master_account_id: Some(row.management.to_string()),
    }
}

fn shown_handshake(row: &OrganizationRow, id: String, state: &str) -> api::Handshake {
    api::Handshake {
        arn: Some(format!(
            "arn:aws:organizations::{}:handshake/{}/invite/{id}",
            row.management, row.id
        )),
        id: Some(id),
        state: Some(state.to_owned()),
    }
}
