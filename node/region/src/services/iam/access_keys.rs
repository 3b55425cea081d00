//! Access keys of users.

use faultline_proto::iam as api;

use super::directory::{put_access_key, put_user, secret_access_key};
use super::error::IamError;
use super::keyspaces::UserRow;
use super::{ids, users};
use crate::context::Ctx;
use crate::identity::Principal;

/// Keys that a user may have.
const PER_USER: usize = 2;

/// CreateAccessKey, for the caller unless a user is named.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: api::CreateAccessKeyRequest,
) -> Result<api::CreateAccessKeyResponse, IamError> {
    let account = ctx.account();
    let name = match (request.user_name, &ctx.caller().principal) {
        (Some(name), _) => name,
        (None, Principal::User { name, .. }) => name.to_string(),
        (
            None,
            Principal::Root { .. }
            | Principal::Role { .. }
            | Principal::Service { .. }
            | Principal::Anonymous,
        ) => {
            return Err(IamError::NoUserName);
        }
    };
    let mut row = UserRow::clone(&*users::known(ctx, &account, &name)?);
    if row.access_keys.len() >= PER_USER {
        return Err(IamError::Quota {
            what: "AccessKeysPerUser",
            limit: PER_USER,
        });
    }
    let (id, created) = (ids::access_key(ctx, "AKIA"), ctx.now());
    let owner = Principal::user(&account, &row.path, &row.name, &row.id);
    row.access_keys.push(id.clone());
    put_user(ctx, &account, &row);
    put_access_key(ctx, &id, &owner, created);
    Ok(api::CreateAccessKeyResponse {
        access_key: Some(api::AccessKey {
            user_name: Some(row.name),
            secret_access_key: Some(secret_access_key(ctx, &id)),
            access_key_id: Some(id),
            status: Some("Active".to_owned()),
            create_date: Some(created.millis()),
        }),
    })
}
