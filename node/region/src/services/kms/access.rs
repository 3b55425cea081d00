//! What each request touches: action, key, its policy, its grants, and who may cross accounts.
//!
//! A key that is not there is a decision too (K-216, K-217, K-221): in the caller's own account
//! its identity policies decide, and only who is allowed learns that the key does not exist; in
//! a foreign account, or for a ciphertext of an unknown key, the answer is the same as for a key
//! whose policy says no.

use std::sync::Arc;

use faultline_proto::handlers::KmsRequest;

use super::conditions;
use super::error::KmsError;
use super::keyspaces::KeyRow;
use super::resolve::{Accepts, Target, find};
use super::{aliases, pair_uses, permits, retirable, unsettled, uses};
use crate::context::Ctx;
use crate::identity::{Document, DocumentKind, Policy};
use crate::refusal::Refusal;
use crate::service::{Access, Wording};

/// Whether an operation works across accounts (K-181, K-287 to K-336).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Only for callers of the key's account.
    OwnAccount,
    /// Also for others.
    AnyAccount,
}

use Reach::{AnyAccount, OwnAccount};

/// What `request` touches.
pub(crate) fn of(ctx: &mut Ctx<'_>, request: &KmsRequest) -> Result<Vec<Access>, Refusal> {
    use Accepts::Aliases as Alias;
    match request {
        KmsRequest::CreateKey(request) => Ok(conditions::create_key(ctx, request)),
        KmsRequest::GenerateRandom(_) => Ok(vec![without_key(ctx, "kms:GenerateRandom")]),
        KmsRequest::ListKeys(_) => Ok(vec![without_key(ctx, "kms:ListKeys")]),
        KmsRequest::ListAliases(request) => list_aliases(ctx, &request.key_id),
        KmsRequest::DescribeKey(request) => {
            let mut access = on_key(ctx, "kms:DescribeKey", &request.key_id, Alias, AnyAccount)?;
            permits::present(ctx, &mut access, &request.grant_tokens)?;
            Ok(vec![access])
        }
        KmsRequest::EnableKey(_)
        | KmsRequest::DisableKey(_)
        | KmsRequest::CancelKeyDeletion(_)
        | KmsRequest::GetKeyPolicy(_)
        | KmsRequest::ListKeyPolicies(_)
        | KmsRequest::UpdateKeyDescription(_)
        | KmsRequest::ListResourceTags(_)
        | KmsRequest::DeleteImportedKeyMaterial(_)
        | KmsRequest::DisableKeyRotation(_)
        | KmsRequest::RotateKeyOnDemand(_)
        | KmsRequest::ListKeyRotations(_)
        | KmsRequest::GetKeyLastUsage(_) => plain(ctx, request),
        KmsRequest::TagResource(_)
        | KmsRequest::UntagResource(_)
        | KmsRequest::GetParametersForImport(_)
        | KmsRequest::ImportKeyMaterial(_)
        | KmsRequest::EnableKeyRotation(_)
        | KmsRequest::GetKeyRotationStatus(_)
        | KmsRequest::ScheduleKeyDeletion(_)
        | KmsRequest::PutKeyPolicy(_)
        | KmsRequest::ReplicateKey(_)
        | KmsRequest::UpdatePrimaryRegion(_) => changing(ctx, request),
        KmsRequest::CreateAlias(request) => aliases::create_access(ctx, request),
        KmsRequest::UpdateAlias(request) => aliases::update_access(ctx, request),
        KmsRequest::DeleteAlias(request) => aliases::delete_access(ctx, request),
        KmsRequest::Encrypt(_)
        | KmsRequest::Decrypt(_)
        | KmsRequest::ReEncrypt(_)
        | KmsRequest::GenerateDataKey(_)
        | KmsRequest::GenerateDataKeyWithoutPlaintext(_)
        | KmsRequest::GenerateDataKeyPair(_)
        | KmsRequest::GenerateDataKeyPairWithoutPlaintext(_) => uses::of(ctx, request),
        KmsRequest::Sign(_)
        | KmsRequest::Verify(_)
        | KmsRequest::GenerateMac(_)
        | KmsRequest::VerifyMac(_)
        | KmsRequest::GetPublicKey(_)
        | KmsRequest::DeriveSharedSecret(_)
        | KmsRequest::Encapsulate(_)
        | KmsRequest::Decapsulate(_) => pair_uses::of(ctx, request),
        KmsRequest::CreateGrant(request) => permits::create_access(ctx, request),
        KmsRequest::RetireGrant(request) => permits::retire_access(ctx, request),
        KmsRequest::RevokeGrant(request) => grant_access(ctx, "kms:RevokeGrant", &request.key_id),
        KmsRequest::ListGrants(request) => grant_access(ctx, "kms:ListGrants", &request.key_id),
        KmsRequest::ListRetirableGrants(request) => retirable::access(ctx, request),
    }
}

/// ListAliases is decided by IAM alone, and shows nothing of a key of another account (K-315).
fn list_aliases(ctx: &mut Ctx<'_>, key: &Option<String>) -> Result<Vec<Access>, Refusal> {
    let mut accesses = vec![without_key(ctx, "kms:ListAliases")];
    if key.is_some() {
        let foreign = own_key(ctx, "kms:ListAliases", key)?;
        accesses.extend(Some(foreign).filter(|access| access.owner != ctx.account()));
    }
    Ok(accesses)
}

/// Operations whose only matter is the key that they name.
fn plain(ctx: &mut Ctx<'_>, request: &KmsRequest) -> Result<Vec<Access>, Refusal> {
    match request {
        KmsRequest::EnableKey(request) => one(ctx, "kms:EnableKey", &request.key_id),
        KmsRequest::DisableKey(request) => one(ctx, "kms:DisableKey", &request.key_id),
        KmsRequest::CancelKeyDeletion(request) => {
            one(ctx, "kms:CancelKeyDeletion", &request.key_id)
        }
        KmsRequest::GetKeyPolicy(request) => one(ctx, "kms:GetKeyPolicy", &request.key_id),
        KmsRequest::ListKeyPolicies(request) => one(ctx, "kms:ListKeyPolicies", &request.key_id),
        KmsRequest::UpdateKeyDescription(request) => {
            one(ctx, "kms:UpdateKeyDescription", &request.key_id)
        }
        KmsRequest::ListResourceTags(request) => one(ctx, "kms:ListResourceTags", &request.key_id),
        KmsRequest::DeleteImportedKeyMaterial(request) => {
            one(ctx, "kms:DeleteImportedKeyMaterial", &request.key_id)
        }
        KmsRequest::DisableKeyRotation(request) => {
            one(ctx, "kms:DisableKeyRotation", &request.key_id)
        }
        KmsRequest::RotateKeyOnDemand(request) => {
            one(ctx, "kms:RotateKeyOnDemand", &request.key_id)
        }
        KmsRequest::ListKeyRotations(request) => one(ctx, "kms:ListKeyRotations", &request.key_id),
        KmsRequest::GetKeyLastUsage(request) => one(ctx, "kms:GetKeyLastUsage", &request.key_id),
        _ => Err(Refusal::internal("this operation touches something else")),
    }
}

/// Operations on a key that say something which a condition may ask for.
fn changing(ctx: &mut Ctx<'_>, request: &KmsRequest) -> Result<Vec<Access>, Refusal> {
    match request {
        KmsRequest::TagResource(request) => {
            let access = own_key(ctx, "kms:TagResource", &request.key_id)?;
            Ok(vec![conditions::tagging(access, &request.tags)])
        }
        KmsRequest::UntagResource(request) => {
            let access = own_key(ctx, "kms:UntagResource", &request.key_id)?;
            Ok(vec![conditions::untagging(access, &request.tag_keys)])
        }
        KmsRequest::GetParametersForImport(request) => {
            let access = own_key(ctx, "kms:GetParametersForImport", &request.key_id)?;
            let access = access.with("kms:wrappingalgorithm", text(&request.wrapping_algorithm));
            Ok(vec![access.with(
                "kms:wrappingkeyspec",
                text(&request.wrapping_key_spec),
            )])
        }
        KmsRequest::ImportKeyMaterial(request) => {
            let access = own_key(ctx, "kms:ImportKeyMaterial", &request.key_id)?;
            Ok(vec![conditions::importing(access, request)])
        }
        KmsRequest::EnableKeyRotation(request) => {
            let access = own_key(ctx, "kms:EnableKeyRotation", &request.key_id)?;
            let days = request.rotation_period_in_days.unwrap_or(365).to_string();
            Ok(vec![access.with("kms:rotationperiodindays", &days)])
        }
        KmsRequest::GetKeyRotationStatus(request) => {
            let action = "kms:GetKeyRotationStatus";
            let accepts = Accepts::Keys;
            Ok(vec![on_key(
                ctx,
                action,
                &request.key_id,
                accepts,
                AnyAccount,
            )?])
        }
        KmsRequest::ScheduleKeyDeletion(request) => {
            let access = own_key(ctx, "kms:ScheduleKeyDeletion", &request.key_id)?;
            let days = request.pending_window_in_days.unwrap_or(30).to_string();
            Ok(vec![
                access.with("kms:schedulekeydeletionpendingwindowindays", &days),
            ])
        }
        KmsRequest::PutKeyPolicy(request) => {
            let access = own_key(ctx, "kms:PutKeyPolicy", &request.key_id)?;
            Ok(vec![conditions::bypass(
                access,
                request.bypass_policy_lockout_safety_check,
            )])
        }
        KmsRequest::ReplicateKey(request) => {
            let access = own_key(ctx, "kms:ReplicateKey", &request.key_id)?;
            let access = access.with("kms:replicaregion", text(&request.replica_region));
            Ok(vec![conditions::bypass(
                access,
                request.bypass_policy_lockout_safety_check,
            )])
        }
        KmsRequest::UpdatePrimaryRegion(request) => {
            let access = own_key(ctx, "kms:UpdatePrimaryRegion", &request.key_id)?;
            Ok(vec![
                access.with("kms:primaryregion", text(&request.primary_region)),
            ])
        }
        _ => Err(Refusal::internal("this operation touches something else")),
    }
}

/// A member's text, which may be missing.
fn text(member: &Option<String>) -> &str {
    member.as_deref().unwrap_or_default()
}

/// An access to a key that only callers of its own account have.
fn own_key(ctx: &mut Ctx<'_>, action: &str, key: &Option<String>) -> Result<Access, Refusal> {
    on_key(ctx, action, key, Accepts::Keys, OwnAccount)
}

/// An action that no key policy can allow (K-184).
pub(crate) fn without_key(ctx: &Ctx<'_>, action: &str) -> Access {
    Access::new(
        ctx,
        action,
        "*",
        ctx.account(),
        Wording::AccessDeniedException,
    )
}

fn one(ctx: &mut Ctx<'_>, action: &str, key: &Option<String>) -> Result<Vec<Access>, Refusal> {
    Ok(vec![own_key(ctx, action, key)?])
}

fn grant_access(
    ctx: &mut Ctx<'_>,
    action: &str,
    key: &Option<String>,
) -> Result<Vec<Access>, Refusal> {
    let access = on_key(ctx, action, key, Accepts::Keys, AnyAccount)?;
    Ok(vec![conditions::for_resource(ctx, access)])
}

/// An access to the key that a request names.
pub(crate) fn on_key(
    ctx: &mut Ctx<'_>,
    action: &str,
    key: &Option<String>,
    accepts: Accepts,
    reach: Reach,
) -> Result<Access, Refusal> {
    let target = find(ctx, key.as_deref().unwrap_or_default(), accepts)?;
    to_target(ctx, action, target, reach, Wording::AccessDeniedException)
}

/// An access to a key that was looked up, wherever that led.
pub(crate) fn to_target(
    ctx: &mut Ctx<'_>,
    action: &str,
    target: Target,
    reach: Reach,
    wording: Wording,
) -> Result<Access, Refusal> {
    match target {
        Target::Here(row, alias) => {
            let mut access = to_row(ctx, action, &row, reach, wording)?;
            if let Some(alias) = alias {
                access.context.set("kms:requestalias", alias);
            }
            Ok(access)
        }
        Target::Missing(account, arn) => {
            let own = account == ctx.account() && wording != Wording::Ciphertext;
            let mut access = Access::new(ctx, action, arn.as_str(), account, wording);
            access.policy = (!own).then(silence);
            access.cross_account = true;
            Ok(access)
        }
    }
}

/// An access to a key that is here.
pub(crate) fn to_row(
    ctx: &mut Ctx<'_>,
    action: &str,
    row: &KeyRow,
    reach: Reach,
    wording: Wording,
) -> Result<Access, Refusal> {
    let policy = ctx.caches.policy(DocumentKind::Key, "default", &row.policy);
    let policy = policy.map_err(|error| {
        Refusal::internal(format!("a stored key policy does not parse: {error}"))
    })?;
    let policy = ctx.caches.slip(row.arn.as_str(), policy);
    let mut access = Access::new(ctx, action, row.arn.as_str(), row.account.clone(), wording);
    access.policy = Some(policy);
    access.aws_managed = row.managed_for.is_some();
    access.cross_account = reach == AnyAccount;
    let (waiting, now) = (unsettled::of(ctx, row), ctx.elapsed().0);
    let words = waiting.as_ref().and_then(|waiting| waiting.words(now));
    conditions::of_key(&mut access.context, row, words);
    access.grants = permits::views(ctx, row);
    if let Some(waiting) = &waiting {
        for grant in &mut access.grants {
            grant.propagated = waiting.counts(&grant.id, now);
        }
    }
    Ok(access)
}

/// The key policy that a missing key has: it allows nothing.
fn silence() -> Arc<Policy> {
    let document = Document {
        source: Arc::from(""),
        kind: DocumentKind::Key,
        id: None,
        has_variables: true,
        statements: Vec::new(),
    };
    Arc::new(Policy::new("default", document))
}

/// The generic validator's words for a member that is not there.
pub(crate) fn missing(member: &str) -> KmsError {
    KmsError::Validation(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}
