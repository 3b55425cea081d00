//! What each request touches: action, key, its policy, its grants, and who may cross accounts.
//!
//! A key that is not there is a decision too (K-216, K-217, K-221): in the caller's own account
//! its identity policies decide, and only who is allowed learns that the key does not exist; in
//! a foreign account, or for a ciphertext of an unknown key, the answer is the same as for a key
//! whose policy says no.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::handlers::KmsRequest;

use super::ciphertext::Blob;
use super::conditions;
use super::error::KmsError;
use super::grants;
use super::identifiers::{alias_arn, customer_alias};
use super::keyspaces::{Aliases, KeyRow};
use super::resolve::{Accepts, Target, by_id, find};
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
    use Accepts::{Aliases as Alias, Keys as Key};
    match request {
        KmsRequest::CreateKey(request) => Ok(conditions::create_key(ctx, request)),
        KmsRequest::ListKeys(_) => Ok(vec![without_key(ctx, "kms:ListKeys")]),
        KmsRequest::ListAliases(_) => Ok(vec![without_key(ctx, "kms:ListAliases")]),
        KmsRequest::DescribeKey(request) => {
            let mut access = on_key(ctx, "kms:DescribeKey", &request.key_id, Alias, AnyAccount)?;
            grants::present(ctx, &mut access, &request.grant_tokens)?;
            Ok(vec![access])
        }
        KmsRequest::EnableKey(request) => one(ctx, "kms:EnableKey", &request.key_id),
        KmsRequest::DisableKey(request) => one(ctx, "kms:DisableKey", &request.key_id),
        KmsRequest::CancelKeyDeletion(request) => {
            one(ctx, "kms:CancelKeyDeletion", &request.key_id)
        }
        KmsRequest::GetKeyPolicy(request) => one(ctx, "kms:GetKeyPolicy", &request.key_id),
        KmsRequest::ScheduleKeyDeletion(request) => {
            let access = on_key(
                ctx,
                "kms:ScheduleKeyDeletion",
                &request.key_id,
                Key,
                OwnAccount,
            )?;
            let days = request.pending_window_in_days.unwrap_or(30).to_string();
            Ok(vec![
                access.with("kms:schedulekeydeletionpendingwindowindays", &days),
            ])
        }
        KmsRequest::PutKeyPolicy(request) => {
            let access = on_key(ctx, "kms:PutKeyPolicy", &request.key_id, Key, OwnAccount)?;
            Ok(vec![conditions::bypass(
                access,
                request.bypass_policy_lockout_safety_check,
            )])
        }
        KmsRequest::CreateAlias(request) => create_alias(ctx, request),
        KmsRequest::DeleteAlias(request) => delete_alias(ctx, request),
        KmsRequest::Encrypt(request) => {
            let asked = Asked::new(
                "kms:Encrypt",
                &request.encryption_context,
                &request.grant_tokens,
            );
            Ok(vec![asked.on(ctx, &request.key_id)?])
        }
        KmsRequest::GenerateDataKey(request) => {
            let asked = Asked::new(
                "kms:GenerateDataKey",
                &request.encryption_context,
                &request.grant_tokens,
            );
            Ok(vec![asked.on(ctx, &request.key_id)?])
        }
        KmsRequest::GenerateDataKeyWithoutPlaintext(request) => {
            let action = "kms:GenerateDataKeyWithoutPlaintext";
            let asked = Asked::new(action, &request.encryption_context, &request.grant_tokens);
            Ok(vec![asked.on(ctx, &request.key_id)?])
        }
        KmsRequest::Decrypt(request) => {
            let asked = Asked::new(
                "kms:Decrypt",
                &request.encryption_context,
                &request.grant_tokens,
            );
            Ok(vec![asked.source(
                ctx,
                &request.key_id,
                request.ciphertext_blob.as_deref(),
            )?])
        }
        KmsRequest::ReEncrypt(request) => re_encrypt(ctx, request),
        KmsRequest::CreateGrant(request) => grants::create_access(ctx, request),
        KmsRequest::RetireGrant(request) => grants::retire_access(ctx, request),
        KmsRequest::RevokeGrant(request) => grant_access(ctx, "kms:RevokeGrant", &request.key_id),
        KmsRequest::ListGrants(request) => grant_access(ctx, "kms:ListGrants", &request.key_id),
        KmsRequest::ReplicateKey(request) => {
            let access = on_key(ctx, "kms:ReplicateKey", &request.key_id, Key, OwnAccount)?;
            let access = access.with(
                "kms:replicaregion",
                request.replica_region.as_deref().unwrap_or_default(),
            );
            Ok(vec![conditions::bypass(
                access,
                request.bypass_policy_lockout_safety_check,
            )])
        }
        KmsRequest::UpdatePrimaryRegion(request) => {
            let access = on_key(
                ctx,
                "kms:UpdatePrimaryRegion",
                &request.key_id,
                Key,
                OwnAccount,
            )?;
            Ok(vec![access.with(
                "kms:primaryregion",
                request.primary_region.as_deref().unwrap_or_default(),
            )])
        }
    }
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
    Ok(vec![on_key(ctx, action, key, Accepts::Keys, OwnAccount)?])
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

fn to_target(
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
    let mut access = Access::new(ctx, action, row.arn.as_str(), row.account.clone(), wording);
    access.policy = Some(policy);
    access.cross_account = reach == AnyAccount;
    conditions::of_key(&mut access.context, row);
    access.grants = grants::views(ctx, row);
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

/// The parts of a cryptographic request that its access needs.
struct Asked<'r> {
    action: &'static str,
    context: &'r BTreeMap<String, String>,
    tokens: &'r [String],
}

impl<'r> Asked<'r> {
    fn new(
        action: &'static str,
        context: &'r BTreeMap<String, String>,
        tokens: &'r [String],
    ) -> Self {
        Self {
            action,
            context,
            tokens,
        }
    }

    fn complete(&self, ctx: &mut Ctx<'_>, mut access: Access) -> Result<Access, Refusal> {
        access
            .context
            .set("kms:encryptionalgorithm", "SYMMETRIC_DEFAULT");
        access.context.set_encryption_context(
            self.context
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str())),
        );
        access.encryption_context = Some(self.context.clone());
        grants::present(ctx, &mut access, self.tokens)?;
        Ok(access)
    }

    /// The key that is named.
    fn on(&self, ctx: &mut Ctx<'_>, key: &Option<String>) -> Result<Access, Refusal> {
        let access = on_key(ctx, self.action, key, Accepts::Aliases, AnyAccount)?;
        self.complete(ctx, access)
    }

    /// The key that is named, else the one that the ciphertext names (K-067).
    fn source(
        &self,
        ctx: &mut Ctx<'_>,
        key: &Option<String>,
        blob: Option<&[u8]>,
    ) -> Result<Access, Refusal> {
        if key.is_some() {
            return self.on(ctx, key);
        }
        let maker = Blob::read(blob.ok_or_else(|| missing("ciphertextBlob"))?)?.maker;
        let target = by_id(ctx, maker.account, &maker.key);
        let access = to_target(ctx, self.action, target, AnyAccount, Wording::Ciphertext)?;
        self.complete(ctx, access)
    }
}

/// The generic validator's words for a member that is not there.
pub(crate) fn missing(member: &str) -> KmsError {
    KmsError::Validation(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}

fn re_encrypt(
    ctx: &mut Ctx<'_>,
    request: &faultline_proto::kms::ReEncryptRequest,
) -> Result<Vec<Access>, Refusal> {
    let from = Asked::new(
        "kms:ReEncryptFrom",
        &request.source_encryption_context,
        &request.grant_tokens,
    );
    let from = from.source(
        ctx,
        &request.source_key_id,
        request.ciphertext_blob.as_deref(),
    )?;
    let to = Asked::new(
        "kms:ReEncryptTo",
        &request.destination_encryption_context,
        &request.grant_tokens,
    );
    let to = to.on(ctx, &request.destination_key_id)?;
    let same = if from.resource == to.resource {
        "true"
    } else {
        "false"
    };
    Ok(vec![
        from.with("kms:reencryptonsamekey", same),
        to.with("kms:reencryptonsamekey", same),
    ])
}

/// An alias is decided by IAM alone; the key behind it also by its key policy (K-184).
fn on_alias(ctx: &Ctx<'_>, action: &str, alias: &str) -> Access {
    let account = ctx.account();
    let arn = alias_arn(ctx.region(), &account, alias);
    Access::new(ctx, action, arn, account, Wording::AccessDeniedException)
}

fn create_alias(
    ctx: &mut Ctx<'_>,
    request: &faultline_proto::kms::CreateAliasRequest,
) -> Result<Vec<Access>, Refusal> {
    let alias = customer_alias(request.alias_name.as_deref().unwrap_or_default())?;
    let on_alias = on_alias(ctx, "kms:CreateAlias", alias);
    let on_key = on_key(
        ctx,
        "kms:CreateAlias",
        &request.target_key_id,
        Accepts::Keys,
        OwnAccount,
    )?;
    Ok(vec![on_alias, on_key])
}

fn delete_alias(
    ctx: &mut Ctx<'_>,
    request: &faultline_proto::kms::DeleteAliasRequest,
) -> Result<Vec<Access>, Refusal> {
    let alias = request.alias_name.as_deref().unwrap_or_default();
    let mut accesses = vec![on_alias(ctx, "kms:DeleteAlias", alias)];
    let account = ctx.account();
    if let Some(row) = ctx.get_cached::<Aliases>((&account, alias)) {
        let target = by_id(ctx, account, &row.target);
        accesses.push(to_target(
            ctx,
            "kms:DeleteAlias",
            target,
            OwnAccount,
            Wording::AccessDeniedException,
        )?);
    }
    Ok(accesses)
}
