//! Grants: CreateGrant, RetireGrant, RevokeGrant, ListGrants, and how a decision sees them.
//!
//! A grant is usable at once inside its Region. AWS says "eventually", with a token that skips
//! the delay (K-203); tokens are made, sealed and checked here, but nothing needs to wait for
//! them. `docs/decisions.md` says why.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_proto::kms::{
    CreateGrantRequest, CreateGrantResponse, GrantConstraints, GrantListEntry, ListGrantsRequest,
    ListGrantsResponse, RetireGrantRequest, RetireGrantResponse, RevokeGrantRequest,
    RevokeGrantResponse,
};
use faultline_proto::names::AccountId;
use faultline_proto::progress::Progress;

use super::access::{Reach, missing, on_key};
use super::conditions;
use super::cryptography::unless_dry;
use super::error::KmsError;
use super::identifiers::KeyId;
use super::journal;
use super::keys::{limit, page, read_marker};
use super::keyspaces::{Constraint, GrantRow, Grants, KeyRow};
use super::resolve::{self, Accepts, by_id, usable};
use super::states::Use;
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::{self, Access, Grant, Proposed};
use crate::store::Range;

/// Most grants of one key (K-208, K-246).
const MOST: u32 = 50_000;
const TOKEN: &str = "kms grant token";

/// Operations that a symmetric key can grant (K-196).
const GRANTABLE: &[&str] = &[
    "CreateGrant",
    "Decrypt",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
    "RetireGrant",
];

impl Constraint {
    fn view(&self) -> service::Constraint {
        match self {
            Self::None => service::Constraint::None,
            Self::Equals(pairs) => service::Constraint::Equals(pairs.clone()),
            Self::Subset(pairs) => service::Constraint::Subset(pairs.clone()),
        }
    }
}

impl GrantRow {
    fn view(self) -> Grant {
        Grant {
            constraint: self.constraint.view(),
            id: self.id,
            grantee: self.grantee,
            retiring: self.retiring,
            issuing_account: self.issuing_account,
            operations: self.operations,
            source_arn: self.source_arn,
            propagated: true,
            presented: false,
        }
    }

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

/// The grants of a key, for a decision.
pub(crate) fn views(ctx: &mut Ctx<'_>, row: &KeyRow) -> Vec<Grant> {
    if row.grants == 0 {
        return Vec::new();
    }
    let rows = ctx.all(Range::<Grants>::under((&row.account, row.id.as_str())));
    rows.into_iter().map(|(_, grant)| grant.view()).collect()
}

fn token(ctx: &mut Ctx<'_>, row: &KeyRow, grant: &str) -> String {
    let names = encode(&(&row.account, row.id.as_str(), grant));
    STANDARD.encode(ctx.seal_local(TOKEN, b"", &names))
}

fn read_token(ctx: &Ctx<'_>, token: &str) -> Result<(AccountId, KeyId, String), KmsError> {
    let read = || {
        let sealed = STANDARD.decode(token).ok()?;
        let names = ctx.open_local(TOKEN, b"", &sealed).ok()?;
        decode::<(AccountId, KeyId, String)>(&names).ok()
    };
    read().ok_or(KmsError::InvalidGrantToken)
}

/// Marks the grants whose tokens a request presents; a token that is none is refused (K-203).
pub(crate) fn present(
    ctx: &Ctx<'_>,
    access: &mut Access,
    tokens: &[String],
) -> Result<(), KmsError> {
    for token in tokens {
        let (_, _, id) = read_token(ctx, token)?;
        for grant in access.grants.iter_mut().filter(|grant| grant.id == id) {
            grant.presented = true;
        }
    }
    Ok(())
}

/// Grantee or retiring principal: an ARN or account, or a service; and whether it is one.
fn principal(
    plain: Option<&String>,
    service: Option<&String>,
    what: &str,
) -> Result<Option<(String, bool)>, KmsError> {
    match (plain, service) {
        (Some(_), Some(_)) => Err(KmsError::Validation(format!(
            "You cannot specify both {what}Principal and {what}ServicePrincipal in the same request."
        ))),
        (Some(plain), None) => Ok(Some((plain.clone(), false))),
        (None, Some(service)) => Ok(Some((service.clone(), true))),
        (None, None) => Ok(None),
    }
}

/// The context constraint of a request (K-198, K-199).
fn constraint(asked: Option<&GrantConstraints>) -> Result<Constraint, KmsError> {
    let Some(asked) = asked else {
        return Ok(Constraint::None);
    };
    let (equals, subset) = (
        &asked.encryption_context_equals,
        &asked.encryption_context_subset,
    );
    let refuse = |text: &str| Err(KmsError::Validation(text.to_owned()));
    if !equals.is_empty() && !subset.is_empty() {
        return refuse(
            "EncryptionContextEquals and EncryptionContextSubset cannot be specified together.",
        );
    }
    if equals.len().max(subset.len()) > 8 {
        return refuse("An encryption context constraint has at most 8 pairs.");
    }
    if equals
        .values()
        .chain(subset.values())
        .any(|value| value.chars().count() > 384)
    {
        return refuse("A value of an encryption context constraint has at most 384 characters.");
    }
    Ok(match (equals.is_empty(), subset.is_empty()) {
        (false, _) => Constraint::Equals(equals.clone()),
        (true, false) => Constraint::Subset(subset.clone()),
        (true, true) => Constraint::None,
    })
}

/// What CreateGrant touches, with the condition keys that only it has (K-227, K-228).
pub(crate) fn create_access(
    ctx: &mut Ctx<'_>,
    request: &CreateGrantRequest,
) -> Result<Vec<Access>, Refusal> {
    let access = on_key(
        ctx,
        "kms:CreateGrant",
        &request.key_id,
        Accepts::Keys,
        Reach::AnyAccount,
    )?;
    let mut access = conditions::for_resource(ctx, access);
    present(ctx, &mut access, &request.grant_tokens)?;
    let constraint = constraint(request.constraints.as_ref())?;
    let context = &mut access.context;
    context.set_all(
        "kms:grantoperations",
        request.operations.iter().map(String::as_str),
    );
    let grantee = request
        .grantee_principal
        .as_ref()
        .or(request.grantee_service_principal.as_ref());
    context.set_all("kms:granteeprincipal", grantee.map(String::as_str));
    let retiring = request
        .retiring_principal
        .as_ref()
        .or(request.retiring_service_principal.as_ref());
    context.set_all("kms:retiringprincipal", retiring.map(String::as_str));
    match &constraint {
        Constraint::None => {}
        Constraint::Equals(pairs) => {
            context.set("kms:grantconstrainttype", "EncryptionContextEquals");
            context.set_encryption_context(
                pairs
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.as_str())),
            );
        }
        Constraint::Subset(pairs) => {
            context.set("kms:grantconstrainttype", "EncryptionContextSubset");
            context.set_encryption_context(
                pairs
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.as_str())),
            );
        }
    }
    access.proposed = Some(Proposed {
        operations: request.operations.clone(),
        constraint: constraint.view(),
    });
    Ok(vec![access])
}

/// What RetireGrant touches: the grant decides, not the key policy (K-205, K-206).
pub(crate) fn retire_access(
    ctx: &mut Ctx<'_>,
    request: &RetireGrantRequest,
) -> Result<Vec<Access>, Refusal> {
    let (key, id) = retired(ctx, request)?;
    let text = Some(key.arn.to_string());
    let mut access = on_key(
        ctx,
        "kms:RetireGrant",
        &text,
        Accepts::Keys,
        Reach::AnyAccount,
    )?;
    access.grants.retain(|grant| grant.id == id);
    if access.grants.is_empty() {
        return Err(KmsError::InvalidGrantId(id).into());
    }
    Ok(vec![access])
}

/// The key and grant that RetireGrant means: by token, or by both ids.
fn retired(
    ctx: &mut Ctx<'_>,
    request: &RetireGrantRequest,
) -> Result<(Arc<KeyRow>, String), KmsError> {
    match (&request.grant_token, &request.key_id, &request.grant_id) {
        (Some(token), None, None) => {
            let (account, key, id) = read_token(ctx, token)?;
            Ok((by_id(ctx, account, &key).present()?, id))
        }
        (None, Some(key), Some(id)) => Ok((
            resolve::find(ctx, key, Accepts::Keys)?.present()?,
            id.clone(),
        )),
        (None, Some(_), None) => Err(missing("grantId")),
        _ => Err(KmsError::Validation(
            "Either a grant token, or a key ID and a grant ID, must be specified.".to_owned(),
        )),
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
    let wanted = wanted(ctx, &request)?;
    if row.grants >= MOST {
        return Err(KmsError::Limit(format!("The key has {MOST} grants already.")).into());
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
fn wanted(ctx: &mut Ctx<'_>, request: &CreateGrantRequest) -> Result<GrantRow, KmsError> {
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
    if let Some(unfit) = request
        .operations
        .iter()
        .find(|operation| !GRANTABLE.contains(&operation.as_str()))
    {
        let text =
            format!("Operation {unfit} is not supported for a symmetric encryption KMS key.");
        return Err(KmsError::Validation(text));
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
        constraint: constraint(request.constraints.as_ref())?,
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

fn entry(row: &KeyRow, grant: GrantRow) -> GrantListEntry {
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
    let limit = limit(request.limit, 50);
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
