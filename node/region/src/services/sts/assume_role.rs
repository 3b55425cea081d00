//! AssumeRole, once it is allowed.

use faultline_proto::names::Arn;
use faultline_proto::sts as api;

use super::error::StsError;
use super::token::{self, Token};
use crate::context::Ctx;
use crate::directory;
use crate::identity::{Document, DocumentKind, Principal};

/// Length of a session unless the caller says otherwise, seconds.
const DEFAULT: u32 = 3_600;
/// Longest session of a role that a session assumes, seconds.
const CHAINED: u32 = 3_600;
/// Characters of a session policy.
const POLICY_LIMIT: usize = 2_048;

pub(super) fn assume_role(
    ctx: &mut Ctx<'_>,
    request: api::AssumeRoleRequest,
) -> Result<api::AssumeRoleResponse, StsError> {
    refuse_what_is_not_built(&request)?;
    let text = request.role_arn.unwrap_or_default();
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
    let policy = request.policy.unwrap_or_default();
    let packed = packed_size(&policy)?;
    let name = request.role_session_name.unwrap_or_default();
    let principal =
        Principal::role(&role.arn, &role.id, &name).map_err(|_| StsError::BadRoleArn(text))?;
    let expires = ctx.now().plus_seconds(i64::from(seconds));
    let assumed = api::AssumedRoleUser {
        assumed_role_id: Some(format!("{}:{name}", role.id)),
        arn: Some(principal.name().to_owned()),
    };
    let access_key = directory::new_access_key(ctx, "ASIA");
    let sealed = token::seal(
        ctx,
        &access_key,
        &Token {
            principal,
            policy,
            expires,
        },
    );
    ctx.frame_mut().response_elements = Some(serde_json::json!({
        "assumedRoleUser": { "assumedRoleId": assumed.assumed_role_id, "arn": assumed.arn },
        "credentials": { "accessKeyId": access_key, "expiration": expires.millis() },
    }));
    Ok(api::AssumeRoleResponse {
        credentials: Some(api::Credentials {
            secret_access_key: Some(directory::secret_access_key(ctx, &access_key)),
            access_key_id: Some(access_key),
            session_token: Some(sealed),
            expiration: Some(expires.millis()),
        }),
        assumed_role_user: Some(assumed),
        packed_policy_size: packed,
        ..api::AssumeRoleResponse::default()
    })
}

fn refuse_what_is_not_built(request: &api::AssumeRoleRequest) -> Result<(), StsError> {
    if !request.policy_arns.is_empty() {
        return Err(StsError::NotBuilt("PolicyArns"));
    }
    if !request.tags.is_empty() || !request.transitive_tag_keys.is_empty() {
        return Err(StsError::NotBuilt("session tags"));
    }
    if request.source_identity.is_some() {
        return Err(StsError::NotBuilt("SourceIdentity"));
    }
    Ok(())
}

/// Percent of the space for session policies that `policy` takes; absent without one.
fn packed_size(policy: &str) -> Result<Option<i32>, StsError> {
    if policy.is_empty() {
        return Ok(None);
    }
    Document::parse(policy, DocumentKind::Session).map_err(StsError::MalformedPolicy)?;
    let length = policy.chars().count();
    if length > POLICY_LIMIT {
        return Err(StsError::PolicyTooLarge(length));
    }
    Ok(i32::try_from((length * 100).div_ceil(POLICY_LIMIT)).ok())
}
