//! ListRetirableGrants: what a principal may retire, of all keys of this Region (K-207).

use faultline_proto::kms::{ListGrantsResponse, ListRetirableGrantsRequest};
use faultline_proto::names::{AccountId, Arn};
use faultline_proto::progress::Progress;

use super::error::KmsError;
use super::grants::entry;
use super::keyspaces::{GrantRow, Grants, Keys};
use super::paging::{limit, page, read_marker};
use super::permits::principal;
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::{Access, Wording};
use crate::store::Range;

fn retiring(request: &ListRetirableGrantsRequest) -> Result<(String, bool), KmsError> {
    principal(
        request.retiring_principal.as_ref(),
        request.retiring_service_principal.as_ref(),
        "Retiring",
    )?
    .ok_or_else(|| {
        KmsError::Validation(
            "You must specify RetiringPrincipal or RetiringServicePrincipal.".to_owned(),
        )
    })
}

/// IAM of the caller's account decides; the resource is the principal, which must be of that
/// account (K-207, K-321).
pub(crate) fn access(
    ctx: &Ctx<'_>,
    request: &ListRetirableGrantsRequest,
) -> Result<Vec<Access>, Refusal> {
    let (name, service) = retiring(request)?;
    let account = Arn::new(&name)
        .ok()
        .and_then(|arn| AccountId::new(arn.account()).ok())
        .filter(|_| !service)
        .unwrap_or_else(|| ctx.account());
    let wording = Wording::AccessDeniedException;
    let mut access = Access::new(ctx, "kms:ListRetirableGrants", name, account, wording);
    access.cross_account = false;
    Ok(vec![access])
}

/// ListRetirableGrants.
pub(crate) fn list(
    ctx: &mut Ctx<'_>,
    request: ListRetirableGrantsRequest,
) -> Result<Progress<ListGrantsResponse>, Refusal> {
    let (name, service) = retiring(&request)?;
    let limit = limit(request.limit, 50, 100)?;
    let after = read_marker(request.marker.as_deref())?;
    let place = |(account, key, id): &(AccountId, String, String)| format!("{account}/{key}/{id}");
    let mut found: Vec<(String, GrantRow, (AccountId, String, String))> = ctx
        .all(Range::<Grants>::all())
        .into_iter()
        .filter(|(_, grant)| {
            grant.retiring.as_ref() == Some(&name) && grant.retiring_is_service == service
        })
        .map(|(at, grant)| (place(&at), grant, at))
        .filter(|(place, _, _)| after.as_ref().is_none_or(|after| place > after))
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found.truncate(limit + 1);
    let (found, next_marker) = page(found, limit, |(place, _, _)| place);
    let mut grants = Vec::new();
    for (_, grant, (account, key, _)) in found {
        if let Some(row) = ctx.get::<Keys>((&account, key.as_str())) {
            grants.push(entry(&row, grant));
        }
    }
    Ok(Progress::Done(ListGrantsResponse {
        grants,
        truncated: Some(next_marker.is_some()),
        next_marker,
    }))
}
