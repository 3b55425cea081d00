//! AssumeRole and GetSessionToken, once they are allowed.

use faultline_proto::names::{Arn, Timestamp};
use faultline_proto::sts as api;

use super::error::StsError;
use super::session::{self, Carried};
use super::token::{self, Token};
use crate::context::Ctx;
use crate::directory;
use crate::identity::{Principal, dates};

/// Length of a session unless the caller says otherwise, seconds.
const DEFAULT: u32 = 3_600;
/// Longest session of a role that a session assumes, seconds.
const CHAINED: u32 = 3_600;
/// Length of a user's own session unless it says otherwise, and the longest, seconds.
const OWN: (u32, u32) = (43_200, 129_600);
/// Longest session of a root user, seconds.
const OWN_OF_ROOT: u32 = 3_600;

pub(super) fn assume_role(
    ctx: &mut Ctx<'_>,
    request: api::AssumeRoleRequest,
) -> Result<api::AssumeRoleResponse, StsError> {
    let text = request.role_arn.clone().unwrap_or_default();
    let caller = ctx.caller();
    let role = Arn::new(&text)
        .ok()
        .and_then(|arn| directory::role(ctx, &arn))
        .ok_or_else(|| StsError::NoSuchRole {
            caller: caller.arn(),
            role: text.clone(),
        })?;
    let seconds = request.duration_seconds.map_or(DEFAULT, i32::unsigned_abs);
    if seconds > role.max_session {
        return Err(StsError::TooLong);
    }
    if seconds > CHAINED && matches!(caller.principal, Principal::Role { .. }) {
        return Err(StsError::TooLongForChain);
    }
    let mut carried = session::carried(ctx, &caller, &request)?;
    let source_identity = carried.context.get("aws:sourceidentity").cloned();
    said_of_itself(ctx, &mut carried);
    let name = request.role_session_name.unwrap_or_default();
    let principal =
        Principal::role(&role.arn, &role.id, &name).map_err(|_| StsError::BadRoleArn(text))?;
    let expires = ctx.now().plus_seconds(i64::from(seconds));
    let assumed = api::AssumedRoleUser {
        assumed_role_id: Some(format!("{}:{name}", role.id)),
        arn: Some(principal.name().to_owned()),
    };
    let packed = carried.packed;
    let credentials = credentials(ctx, principal, carried, expires);
    ctx.frame_mut().response_elements = Some(serde_json::json!({
        "assumedRoleUser": { "assumedRoleId": assumed.assumed_role_id, "arn": assumed.arn },
        "credentials": { "accessKeyId": credentials.access_key_id, "expiration": expires.millis() },
    }));
    Ok(api::AssumeRoleResponse {
        credentials: Some(credentials),
        assumed_role_user: Some(assumed),
        packed_policy_size: packed,
        source_identity,
        ..api::AssumeRoleResponse::default()
    })
}

/// GetSessionToken: a session of the calling user itself, with its own policies.
pub(super) fn get_session_token(
    ctx: &mut Ctx<'_>,
    request: &api::GetSessionTokenRequest,
) -> Result<api::GetSessionTokenResponse, StsError> {
    let caller = ctx.caller();
    if caller.is_session() {
        return Err(StsError::BySession);
    }
    let (usual, longest) = match &caller.principal {
        Principal::User { .. } => OWN,
        Principal::Root { .. } => (OWN_OF_ROOT, OWN_OF_ROOT),
        Principal::Role { .. } | Principal::Service { .. } | Principal::Anonymous => {
            return Err(StsError::BySession);
        }
    };
    let seconds = request
        .duration_seconds
        .map_or(usual, i32::unsigned_abs)
        .min(longest);
    let expires = ctx.now().plus_seconds(i64::from(seconds));
    let mut carried = Carried::default();
    said_of_itself(ctx, &mut carried);
    let credentials = credentials(ctx, caller.principal.clone(), carried, expires);
    Ok(api::GetSessionTokenResponse {
        credentials: Some(credentials),
        ..api::GetSessionTokenResponse::default()
    })
}

/// Condition keys that only temporary credentials have.
fn said_of_itself(ctx: &Ctx<'_>, carried: &mut Carried) {
    let issued = dates::format(ctx.now().0);
    carried
        .context
        .insert("aws:tokenissuetime".to_owned(), issued);
    carried
        .context
        .insert("aws:multifactorauthpresent".to_owned(), "false".to_owned());
}

fn credentials(
    ctx: &mut Ctx<'_>,
    principal: Principal,
    carried: Carried,
    expires: Timestamp,
) -> api::Credentials {
    let access_key = directory::new_access_key(ctx, "ASIA");
    let token = Token {
        principal,
        policy: carried.policies.write(),
        context: carried.context,
        transitive_tags: carried.transitive_tags,
        expires,
    };
    let sealed = token::seal(ctx, &access_key, &token);
    api::Credentials {
        secret_access_key: Some(directory::secret_access_key(ctx, &access_key)),
        access_key_id: Some(access_key),
        session_token: Some(sealed),
        expiration: Some(expires.millis()),
    }
}
