//! Access keys of users.

use faultline_proto::iam as api;
use faultline_proto::names::AccountId;

use super::apply::{Record, publish};
use super::directory::secret_access_key;
use super::error::IamError;
use super::keyspaces::{AccessKeyRow, AccessKeys, UserRow};
use super::pages::slice;
use super::{entries, ids};
use crate::context::Ctx;
use crate::identity::Principal;

/// Keys that a user may have.
const PER_USER: usize = 2;

/// CreateAccessKey, for the caller unless a user is named.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: api::CreateAccessKeyRequest,
) -> Result<api::CreateAccessKeyResponse, IamError> {
    let (account, mut row) = whose(ctx, request.user_name)?;
    if row.access_keys.len() >= PER_USER {
        return Err(IamError::Quota {
            what: "AccessKeysPerUser",
            limit: PER_USER,
        });
    }
    let (id, created) = (ids::access_key(ctx, "AKIA"), ctx.now());
    let owner = Principal::user(&account, &row.path, &row.name, &row.id);
    let user_name = row.name.clone();
    row.access_keys.push(id.clone());
    publish(ctx, &Record::User { account, row });
    publish(
        ctx,
        &Record::AccessKey {
            id: id.clone(),
            row: AccessKeyRow {
                owner,
                active: true,
                created,
            },
        },
    );
    Ok(api::CreateAccessKeyResponse {
        access_key: Some(api::AccessKey {
            user_name: Some(user_name),
            secret_access_key: Some(secret_access_key(ctx, &id)),
            access_key_id: Some(id),
            status: Some("Active".to_owned()),
            create_date: Some(created.millis()),
        }),
    })
}

/// ListAccessKeys, of the caller unless a user is named.
pub(super) fn list(
    ctx: &mut Ctx<'_>,
    request: api::ListAccessKeysRequest,
) -> Result<api::ListAccessKeysResponse, IamError> {
    let (_, user) = whose(ctx, request.user_name)?;
    let page = slice(
        &user.access_keys,
        request.marker.as_deref(),
        request.max_items,
    )?;
    let mut keys = Vec::new();
    for id in page.rows {
        let row = known(ctx, &user, id)?;
        let status = if row.active { "Active" } else { "Inactive" };
        keys.push(api::AccessKeyMetadata {
            user_name: Some(user.name.clone()),
            access_key_id: Some(id.clone()),
            status: Some(status.to_owned()),
            create_date: Some(row.created.millis()),
        });
    }
    Ok(api::ListAccessKeysResponse {
        access_key_metadata: keys,
        is_truncated: Some(page.marker.is_some()),
        marker: page.marker,
    })
}

/// UpdateAccessKey: an inactive key is as good as unknown, where the record has arrived.
pub(super) fn update(
    ctx: &mut Ctx<'_>,
    request: api::UpdateAccessKeyRequest,
) -> Result<api::UpdateAccessKeyResponse, IamError> {
    let (_, user) = whose(ctx, request.user_name)?;
    let id = request.access_key_id.unwrap_or_default();
    let row = known(ctx, &user, &id)?;
    let active = match request.status.unwrap_or_default().as_str() {
        "Active" => true,
        "Inactive" => false,
        other => return Err(IamError::BadStatus(other.to_owned())),
    };
    publish(
        ctx,
        &Record::AccessKey {
            id,
            row: AccessKeyRow { active, ..row },
        },
    );
    Ok(api::UpdateAccessKeyResponse {})
}

/// DeleteAccessKey.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: api::DeleteAccessKeyRequest,
) -> Result<api::DeleteAccessKeyResponse, IamError> {
    let (account, mut user) = whose(ctx, request.user_name)?;
    let id = request.access_key_id.unwrap_or_default();
    known(ctx, &user, &id)?;
    user.access_keys.retain(|key| *key != id);
    publish(ctx, &Record::User { account, row: user });
    publish(ctx, &Record::AccessKeyGone { id });
    Ok(api::DeleteAccessKeyResponse {})
}

/// The user named, else the caller.
fn whose(ctx: &mut Ctx<'_>, name: Option<String>) -> Result<(AccountId, UserRow), IamError> {
    let account = ctx.account();
    let name = match (name, &ctx.caller().principal) {
        (Some(name), _) => name,
        (None, Principal::User { name, .. }) => name.to_string(),
        (
            None,
            Principal::Root { .. }
            | Principal::Role { .. }
            | Principal::Service { .. }
            | Principal::Anonymous,
        ) => return Err(IamError::NoUserName),
    };
    let row = UserRow::clone(&*entries::known::<UserRow>(ctx, &account, &name)?);
    Ok((account, row))
}

fn known(ctx: &mut Ctx<'_>, user: &UserRow, id: &str) -> Result<AccessKeyRow, IamError> {
    let owned = user.access_keys.iter().any(|key| key == id);
    let row = if owned {
        ctx.get::<AccessKeys>(id)
    } else {
        None
    };
    row.ok_or_else(|| IamError::NoSuchAccessKey(id.to_owned()))
}
