//! How a decision sees grants, and what the grant operations touch.
//!
//! A grant is usable at once inside its Region, unless an experiment delays it (`unsettled`). AWS
//! says "eventually", with a token that skips the delay (K-203); tokens are made, sealed and
//! checked here. `docs/decisions.md` says why.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_proto::kms::{CreateGrantRequest, GrantConstraints, RetireGrantRequest};
use faultline_proto::names::AccountId;

use super::access::{Reach, missing, on_key};
use super::conditions;
use super::error::KmsError;
use super::identifiers::KeyId;
use super::keyspaces::{Constraint, GrantRow, Grants, KeyRow};
use super::resolve::{self, Accepts, by_id};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::{self, Access, Grant, Proposed};
use crate::store::Range;

const TOKEN: &str = "kms grant token";

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
}

/// The grants of a key, for a decision.
pub(crate) fn views(ctx: &mut Ctx<'_>, row: &KeyRow) -> Vec<Grant> {
    if row.grants == 0 {
        return Vec::new();
    }
    let rows = ctx.all(Range::<Grants>::under((&row.account, row.id.as_str())));
    rows.into_iter().map(|(_, grant)| grant.view()).collect()
}

/// A token that stands for a grant: its names, sealed (K-202: each one differs).
pub(crate) fn token(ctx: &mut Ctx<'_>, row: &KeyRow, grant: &str) -> String {
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
pub(crate) fn principal(
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
pub(crate) fn constraint(asked: Option<&GrantConstraints>) -> Result<Constraint, KmsError> {
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
pub(crate) fn retired(
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
