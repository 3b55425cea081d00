//! Key policies: the default one, GetKeyPolicy, PutKeyPolicy, ListKeyPolicies, and the lock-out check.
//!
//! Left out: whether a named principal exists (K-173); that would be a question to the
//! directory, whose answer may be stale.

use std::sync::Arc;

use faultline_proto::kms::{
    GetKeyPolicyRequest, GetKeyPolicyResponse, ListKeyPoliciesRequest, ListKeyPoliciesResponse,
    PutKeyPolicyRequest, PutKeyPolicyResponse,
};
use faultline_proto::names::AccountId;
use faultline_proto::progress::Progress;

use super::access::{Reach, to_row};
use super::error::KmsError;
use super::journal;
use super::keyspaces::KeyRow;
use super::paging::{limit, read_marker};
use super::resolve::{self, Accepts, usable};
use super::states::Use;
use crate::context::Ctx;
use crate::decide;
use crate::identity::{DocumentKind, Policy};
use crate::refusal::Refusal;
use crate::service::Wording;

/// Longest policy text, bytes (K-174).
const LONGEST: usize = 32_768;

/// The policy of a key made without one (K-169), as AWS prints it.
pub(crate) fn default_policy(account: &AccountId) -> String {
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:aws:iam::{account}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#
    )
}

/// Reads a policy that somebody brings.
pub(crate) fn read(ctx: &mut Ctx<'_>, text: &str) -> Result<Arc<Policy>, KmsError> {
    if text.len() > LONGEST {
        return Err(KmsError::Limit(format!(
            "The policy is longer than {LONGEST} bytes."
        )));
    }
    ctx.caches
        .policy(DocumentKind::Key, "default", text)
        .map_err(|error| KmsError::MalformedPolicy(error.to_string()))
}

/// Whether the caller could replace the policy of `row` again (K-175, K-176): a question to the
/// ordinary evaluator. `row` holds the new policy.
pub(crate) fn check_lockout(
    ctx: &mut Ctx<'_>,
    row: &KeyRow,
    bypass: Option<bool>,
) -> Result<(), Refusal> {
    if bypass.unwrap_or(false) {
        return Ok(());
    }
    let mut access = to_row(
        ctx,
        "kms:PutKeyPolicy",
        row,
        Reach::OwnAccount,
        Wording::AccessDeniedException,
    )?;
    access.grants = Vec::new();
    decide::decide(ctx, &mut access).map_err(|denied| {
        let refusal = Refusal::from(KmsError::Lockout);
        Refusal {
            denial: denied.denial,
            ..refusal
        }
    })
}

fn check_name(name: Option<&str>) -> Result<(), KmsError> {
    match name {
        None | Some("default") => Ok(()),
        Some(_) => Err(KmsError::NoSuchPolicy),
    }
}

/// GetKeyPolicy: works in every state (K-055).
pub(crate) fn get(
    ctx: &mut Ctx<'_>,
    request: GetKeyPolicyRequest,
) -> Result<Progress<GetKeyPolicyResponse>, Refusal> {
    let row = usable(ctx, request.key_id.as_deref(), Accepts::Keys, Use::Anytime)?;
    check_name(request.policy_name.as_deref())?;
    Ok(Progress::Done(GetKeyPolicyResponse {
        policy: Some(row.policy.clone()),
        policy_name: Some("default".to_owned()),
    }))
}

/// PutKeyPolicy: works in every state, so that a key pending deletion can be repaired (K-055).
pub(crate) fn put(
    ctx: &mut Ctx<'_>,
    request: PutKeyPolicyRequest,
) -> Result<Progress<PutKeyPolicyResponse>, Refusal> {
    let row = usable(ctx, request.key_id.as_deref(), Accepts::Keys, Use::Anytime)?;
    if request.policy_name.as_deref() == Some("AWS_RAM") {
        let text = "The AWS_RAM policy can only be managed by the RAM service";
        return Err(KmsError::Validation(text.to_owned()).into());
    }
    check_name(request.policy_name.as_deref())?;
    let text = request.policy.unwrap_or_default();
    read(ctx, &text)?;
    let row = KeyRow {
        policy: text,
        ..KeyRow::clone(&row)
    };
    check_lockout(ctx, &row, request.bypass_policy_lockout_safety_check)?;
    resolve::save(ctx, &row);
    journal::answers_key(ctx, &row);
    Ok(Progress::Done(PutKeyPolicyResponse {}))
}

/// ListKeyPolicies: every key has one, `default` (K-165).
pub(crate) fn list(
    ctx: &mut Ctx<'_>,
    request: ListKeyPoliciesRequest,
) -> Result<Progress<ListKeyPoliciesResponse>, Refusal> {
    usable(ctx, request.key_id.as_deref(), Accepts::Keys, Use::Anytime)?;
    limit(request.limit, 100, 1000)?;
    // No page ever ends before the only name, so no marker is one that an answer gave.
    if read_marker(request.marker.as_deref())?.is_some() {
        return Err(KmsError::InvalidMarker.into());
    }
    Ok(Progress::Done(ListKeyPoliciesResponse {
        policy_names: vec!["default".to_owned()],
        truncated: Some(false),
        next_marker: None,
    }))
}
