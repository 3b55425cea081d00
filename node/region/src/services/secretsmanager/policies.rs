//! Resource policies.
//!
//! Left out: whether a named principal exists; AWS's automated reasoning about broad access is
//! one question here: does a statement allow everybody without a condition.

use faultline_proto::secretsmanager::{
    DeleteResourcePolicyRequest, DeleteResourcePolicyResponse, GetResourcePolicyRequest,
    GetResourcePolicyResponse, PutResourcePolicyRequest, PutResourcePolicyResponse,
    ValidateResourcePolicyRequest, ValidateResourcePolicyResponse, ValidationErrorsEntry,
};
use serde_json::Value;

use super::error::Error;
use super::{ids, replication};
use crate::context::Ctx;
use crate::identity::DocumentKind;
use crate::refusal::Refusal;

fn check(ctx: &mut Ctx<'_>, text: &str) -> Result<(), Error> {
    ctx.caches
        .policy(DocumentKind::Resource, "resource-policy", text)
        .map(drop)
        .map_err(|error| Error::MalformedPolicy(error.to_string()))
}

/// Whether a statement allows everybody and has no condition.
fn is_broad(text: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(text) else {
        return false;
    };
    let statements = match document.get("Statement") {
        Some(Value::Array(all)) => all.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    statements.iter().any(|statement| {
        let everybody = match statement.get("Principal") {
            Some(Value::Object(kinds)) => kinds.get("AWS"),
            other => other,
        };
        let is_everybody = match everybody {
            Some(Value::String(text)) => text == "*",
            Some(Value::Array(all)) => all.iter().any(|one| one == "*"),
            _ => false,
        };
        statement.get("Effect").and_then(Value::as_str) == Some("Allow")
            && is_everybody
            && statement.get("Condition").is_none()
    })
}

/// PutResourcePolicy.
pub(super) fn put(
    ctx: &mut Ctx<'_>,
    request: PutResourcePolicyRequest,
) -> Result<PutResourcePolicyResponse, Refusal> {
    let mut row = ids::own(ctx, request.secret_id.as_deref())?;
    let text = request.resource_policy.unwrap_or_default();
    check(ctx, &text)?;
    if request.block_public_policy == Some(true) && is_broad(&text) {
        return Err(Error::PublicPolicy.into());
    }
    row.policy = Some(text);
    replication::changed(ctx, &mut row, &[]);
    Ok(PutResourcePolicyResponse {
        arn: Some(ids::arn(ctx, &row)),
        name: Some(row.name),
    })
}

/// GetResourcePolicy.
pub(super) fn get(
    ctx: &mut Ctx<'_>,
    request: GetResourcePolicyRequest,
) -> Result<GetResourcePolicyResponse, Refusal> {
    let row = ids::live(ctx, request.secret_id.as_deref())?;
    Ok(GetResourcePolicyResponse {
        arn: Some(ids::arn(ctx, &row)),
        name: Some(row.name),
        resource_policy: row.policy,
    })
}

/// DeleteResourcePolicy.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: DeleteResourcePolicyRequest,
) -> Result<DeleteResourcePolicyResponse, Refusal> {
    let mut row = ids::own(ctx, request.secret_id.as_deref())?;
    row.policy = None;
    replication::changed(ctx, &mut row, &[]);
    Ok(DeleteResourcePolicyResponse {
        arn: Some(ids::arn(ctx, &row)),
        name: Some(row.name),
    })
}

/// ValidateResourcePolicy.
pub(super) fn validate(
    ctx: &mut Ctx<'_>,
    request: ValidateResourcePolicyRequest,
) -> Result<ValidateResourcePolicyResponse, Refusal> {
    if request.secret_id.is_some() {
        ids::live(ctx, request.secret_id.as_deref())?;
    }
    let text = request.resource_policy.unwrap_or_default();
    check(ctx, &text)?;
    let broad = is_broad(&text).then(|| ValidationErrorsEntry {
        check_name: Some("PUBLIC_POLICY".to_owned()),
        error_message: Some("Resource policy grants broad access to the secret.".to_owned()),
    });
    Ok(ValidateResourcePolicyResponse {
        policy_validation_passed: Some(broad.is_none()),
        validation_errors: broad.into_iter().collect(),
    })
}
