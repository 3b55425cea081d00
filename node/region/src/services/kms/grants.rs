//! Grants: CreateGrant, RetireGrant, RevokeGrant, ListGrants (K-195 to K-212).

use faultline_proto::kms::{
    CreateGrantRequest, CreateGrantResponse, GrantConstraints, GrantListEntry, ListGrantsRequest,
    ListGrantsResponse, RetireGrantRequest, RetireGrantResponse, RevokeGrantRequest,
    RevokeGrantResponse,
};
use faultline_proto::progress::Progress;

use super::access::missing;
use super::ciphers::unless_dry;
use super::error::KmsError;
use super::keyspaces::{Constraint, GrantRow, Grants, KeyRow};
use super::paging::{limit, page, read_marker};
use super::permits::{constraint, principal, retired, token};
use super::resolve::{self, Accepts, usable};
use super::specs::{KeyUsage, Kind};
use super::states::Use;
use super::{journal, unsettled};
use crate::context::Ctx;
use crate::quotas::Quota;
use crate::refusal::Refusal;
use crate::store::Range;

/// Operations that a key of this kind can grant (K-196): its own, and those of every key.
fn grantable(kind: Kind) -> impl Iterator<Item = &'static str> {
    let own: &[&str] = match kind.usage {
        KeyUsage::EncryptDecrypt if kind.spec.is_symmetric() => &[
            "Decrypt",
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyPair",
            "GenerateDataKeyPairWithoutPlaintext",
            "GenerateDataKeyWithoutPlaintext",
            "ReEncryptFrom",
            "ReEncryptTo",
        ],
        KeyUsage::EncryptDecrypt => &[
            "Decrypt",
            "Encrypt",
            "GetPublicKey",
            "ReEncryptFrom",
            "ReEncryptTo",
        ],
        KeyUsage::SignVerify => &["GetPublicKey", "Sign", "Verify"],
        KeyUsage::GenerateVerifyMac => &["GenerateMac", "VerifyMac"],
        KeyUsage::KeyAgreement => &["DeriveSharedSecret", "GetPublicKey"],
        KeyUsage::EncapsulateDecapsulate => &["Decapsulate", "Encapsulate", "GetPublicKey"],
    };
    let every = ["CreateGrant", "DescribeKey", "RetireGrant"];
    own.iter().copied().chain(every)
}

impl GrantRow {
    /// Everything that a repeated CreateGrant must repeat (K-202).
    fn same_as(&self, other: &Self) -> bool {
        Self {
            id: String::new(),
            created: self.created,
            ..self.clone()
        } == Self {
            id: String::new(),
            created: self.created,
            ..other.clone()
        }
    }
}

/// CreateGrant.
pub(crate) fn create(
    ctx: &mut Ctx<'_>,
    request: CreateGrantRequest,
) -> Result<Progress<CreateGrantResponse>, Refusal> {
    let row = usable(
        ctx,
        request.key_id.as_deref(),
        Accepts::Keys,
        Use::CreateGrant,
    )?;
    let wanted = wanted(ctx, row.kind, &request)?;
    // K-208, K-246; AWS managed keys have no such quota (K-008). The text is ours.
    let most = ctx.core.quotas.most(&row.account, Quota::GrantsPerKey);
    if u64::from(row.grants) >= most && row.managed_for.is_none() {
        return Err(KmsError::Limit(format!("The key has {most} grants already.")).into());
    }
    unless_dry(request.dry_run)?;
    let known = match wanted.name {
        Some(_) => ctx.all(Range::<Grants>::under((&row.account, row.id.as_str()))),
        None => Vec::new(),
    };
    let id = match known.into_iter().find(|(_, known)| known.same_as(&wanted)) {
        Some((_, known)) => known.id,
        None => {
            ctx.put::<Grants>((&row.account, row.id.as_str(), wanted.id.as_str()), &wanted);
            resolve::save(
                ctx,
                &KeyRow {
                    grants: row.grants + 1,
                    ..KeyRow::clone(&row)
                },
            );
            unsettled::granted(ctx, &row, &wanted.id);
            wanted.id
        }
    };
    ctx.frame_mut().response_elements =
        Some(serde_json::json!({ "grantId": id.as_str(), "keyId": row.arn.as_str() }));
    let grant_token = Some(token(ctx, &row, &id));
    Ok(Progress::Done(CreateGrantResponse {
        grant_token,
        grant_id: Some(id),
    }))
}

/// The grant that a request asks for.
fn wanted(
    ctx: &mut Ctx<'_>,
    kind: Kind,
    request: &CreateGrantRequest,
) -> Result<GrantRow, KmsError> {
    let grantee = principal(
        request.grantee_principal.as_ref(),
        request.grantee_service_principal.as_ref(),
        "Grantee",
    )?;
    let (grantee, grantee_is_service) = grantee.ok_or_else(|| missing("granteePrincipal"))?;
    let retiring = principal(
        request.retiring_principal.as_ref(),
        request.retiring_service_principal.as_ref(),
        "Retiring",
    )?;
    let source_arn = request
        .constraints
        .as_ref()
        .and_then(|constraints| constraints.source_arn.clone());
    if grantee_is_service && (source_arn.is_none() || retiring.is_none()) {
        let text =
            "GranteeServicePrincipal requires a SourceArn constraint and a retiring principal.";
        return Err(KmsError::Validation(text.to_owned()));
    }
    let constraint = constraint(request.constraints.as_ref())?;
    if constraint != Constraint::None && !kind.spec.is_symmetric() {
        let text = "EncryptionContext is supported only when creating a grant for a symmetric encryption KMS key.";
        return Err(KmsError::Validation(text.to_owned()));
    }
    let unfit = request
        .operations
        .iter()
        .find(|operation| !grantable(kind).any(|known| known == operation.as_str()));
    if let Some(unfit) = unfit {
        return Err(KmsError::Validation(format!(
            "Operation {unfit} is not supported for a KMS key with key spec {} and key usage {}.",
            kind.spec.text(),
            kind.usage.text()
        )));
    }
    let mut operations = request.operations.clone();
    operations.sort();
    operations.dedup();
    Ok(GrantRow {
        id: ctx.entropy().hex::<32>("kms.grant-id"),
        name: request.name.clone(),
        grantee,
        grantee_is_service,
        retiring_is_service: retiring.as_ref().is_some_and(|(_, service)| *service),
        retiring: retiring.map(|(name, _)| name),
        issuing_account: ctx.account(),
        operations,
        constraint,
        source_arn,
        created: ctx.now(),
    })
}

fn remove(ctx: &mut Ctx<'_>, row: &KeyRow, id: &str) {
    ctx.delete::<Grants>((&row.account, row.id.as_str(), id));
    resolve::save(
        ctx,
        &KeyRow {
            grants: row.grants.saturating_sub(1),
            ..row.clone()
        },
    );
    journal::answers_key(ctx, row);
}

/// RetireGrant: works in every state (K-209).
pub(crate) fn retire(
    ctx: &mut Ctx<'_>,
    request: RetireGrantRequest,
) -> Result<Progress<RetireGrantResponse>, Refusal> {
    let (row, id) = retired(ctx, &request)?;
    unless_dry(request.dry_run)?;
    remove(ctx, &row, &id);
    Ok(Progress::Done(RetireGrantResponse {}))
}

/// RevokeGrant: works in every state (K-209).
pub(crate) fn revoke(
    ctx: &mut Ctx<'_>,
    request: RevokeGrantRequest,
) -> Result<Progress<RevokeGrantResponse>, Refusal> {
    let row = usable(ctx, request.key_id.as_deref(), Accepts::Keys, Use::Anytime)?;
    let id = request.grant_id.unwrap_or_default();
    if !ctx.has::<Grants>((&row.account, row.id.as_str(), id.as_str())) {
        return Err(KmsError::InvalidGrantId(id).into());
    }
    unless_dry(request.dry_run)?;
    remove(ctx, &row, &id);
    Ok(Progress::Done(RevokeGrantResponse {}))
}

/// Removes all grants of a key that is deleted.
pub(crate) fn destroy(ctx: &mut Ctx<'_>, row: &KeyRow) {
    for ((account, key, id), _) in ctx.all(Range::<Grants>::under((&row.account, row.id.as_str())))
    {
        ctx.delete::<Grants>((&account, key.as_str(), id.as_str()));
    }
}

/// A grant as lists show it.
pub(crate) fn entry(row: &KeyRow, grant: GrantRow) -> GrantListEntry {
    let by_service =
        |name: Option<String>, service: bool| if service { (None, name) } else { (name, None) };
    let (grantee_principal, grantee_service_principal) =
        by_service(Some(grant.grantee), grant.grantee_is_service);
    let (retiring_principal, retiring_service_principal) =
        by_service(grant.retiring, grant.retiring_is_service);
    let (equals, subset) = match grant.constraint {
        Constraint::None => Default::default(),
        Constraint::Equals(pairs) => (pairs, Default::default()),
        Constraint::Subset(pairs) => (Default::default(), pairs),
    };
    let is_constrained = !equals.is_empty() || !subset.is_empty() || grant.source_arn.is_some();
    GrantListEntry {
        key_id: Some(row.arn.to_string()),
        grant_id: Some(grant.id),
        name: grant.name,
        creation_date: Some(grant.created.millis()),
        grantee_principal,
        retiring_principal,
        issuing_account: Some(format!("arn:aws:iam::{}:root", grant.issuing_account)),
        operations: grant.operations,
        constraints: is_constrained.then_some(GrantConstraints {
            encryption_context_equals: equals,
            encryption_context_subset: subset,
            source_arn: grant.source_arn,
        }),
        grantee_service_principal,
        retiring_service_principal,
    }
}

/// ListGrants: works in every state (K-055).
pub(crate) fn list(
    ctx: &mut Ctx<'_>,
    request: ListGrantsRequest,
) -> Result<Progress<ListGrantsResponse>, Refusal> {
    let row = usable(ctx, request.key_id.as_deref(), Accepts::Keys, Use::Anytime)?;
    let limit = limit(request.limit, 50, 100)?;
    let mut range = Range::<Grants>::under((&row.account, row.id.as_str()));
    if let Some(marker) = read_marker(request.marker.as_deref())? {
        range = range.after((&row.account, row.id.as_str(), marker.as_str()));
    }
    let wanted = |grant: &GrantRow| {
        let of = |asked: &Option<String>, service: bool| {
            asked
                .as_ref()
                .is_none_or(|asked| *asked == grant.grantee && grant.grantee_is_service == service)
        };
        request.grant_id.as_ref().is_none_or(|id| *id == grant.id)
            && of(&request.grantee_principal, false)
            && of(&request.grantee_service_principal, true)
    };
    let found: Vec<GrantRow> = ctx
        .all(range)
        .into_iter()
        .map(|(_, grant)| grant)
        .filter(wanted)
        .take(limit + 1)
        .collect();
    if let (Some(id), true) = (&request.grant_id, found.is_empty()) {
        return Err(KmsError::InvalidGrantId(id.clone()).into());
    }
    let (found, next_marker) = page(found, limit, |grant| &grant.id);
    Ok(Progress::Done(ListGrantsResponse {
        grants: found.into_iter().map(|grant| entry(&row, grant)).collect(),
        truncated: Some(next_marker.is_some()),
        next_marker,
    }))
}
