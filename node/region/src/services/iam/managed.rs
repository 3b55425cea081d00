//! Managed policies: made once, given to users, groups and roles, or set as a boundary.
//!
//! A policy has versions (see [`versions`](super::versions)), one of which is in force. Of AWS's
//! own policies there is AdministratorAccess only.

use std::sync::Arc;

use faultline_proto::iam as api;
use faultline_proto::names::{AccountId, Arn, Timestamp};

use super::apply::{Record, publish};
use super::error::IamError;
use super::keyspaces::{ManagedPolicies, PolicyRow};
use super::pages::{Page, slice};
use super::usage::{self, Usage};
use super::{documents, ids, tags};
use crate::context::Ctx;
use crate::identity::{DocumentKind, Policy};
use crate::store::Range;

/// Characters of a managed policy, white space not counted.
const LIMIT: usize = 6_144;

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const ADMINISTRATOR_ID: &str = "ANPAIWMBCKSKIEE64ZLYK";
/// 2015-02-06T18:39:46Z, microseconds.
const ADMINISTRATOR_MADE: Timestamp = Timestamp(1_423_247_986_000_000);
const ALLOW_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"none:Nothing","Resource":"*"}]}"#;

/// CreatePolicy.
pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: api::CreatePolicyRequest,
) -> Result<api::CreatePolicyResponse, IamError> {
    let (name, document) = (
        request.policy_name.unwrap_or_default(),
        request.policy_document.unwrap_or_default(),
    );
    check(&document)?;
    let tags = tags::read(request.tags)?;
    let path = request.path.unwrap_or_else(|| "/".to_owned());
    let arn = ids::policy_arn(&ctx.account(), &path, &name).to_string();
    if ctx.has::<ManagedPolicies>(&arn) {
        return Err(IamError::PolicyExists(name));
    }
    let id = ids::unique(ctx, "iam.policy-id", "ANPA", 17);
    let row = PolicyRow {
        description: request.description,
        tags,
        ..PolicyRow::new(id, document, ctx.now())
    };
    let policy = Some(shown(&arn, &row, Usage::default()));
    publish(ctx, &Record::Policy { arn, row });
    Ok(api::CreatePolicyResponse { policy })
}

/// Checks the document of a version.
pub(super) fn check(document: &str) -> Result<(), IamError> {
    documents::identity(document)?;
    if documents::size(document) > LIMIT {
        return Err(IamError::Quota {
            what: "PolicySize",
            limit: LIMIT,
        });
    }
    Ok(())
}

/// GetPolicy.
pub(super) fn get(
    ctx: &mut Ctx<'_>,
    request: api::GetPolicyRequest,
) -> Result<api::GetPolicyResponse, IamError> {
    let (account, arn) = (ctx.account(), request.policy_arn.unwrap_or_default());
    let row = known(ctx, &account, &arn)?;
    let usage = usage::of(ctx, &account, &arn);
    Ok(api::GetPolicyResponse {
        policy: Some(shown(&arn, &row, usage)),
    })
}

/// ListPolicies. As with AWS, descriptions and tags are not shown.
pub(super) fn list(
    ctx: &mut Ctx<'_>,
    request: api::ListPoliciesRequest,
) -> Result<api::ListPoliciesResponse, IamError> {
    let account = ctx.account();
    let scope = request.scope.as_deref();
    let mut found: Vec<(String, Arc<PolicyRow>)> = Vec::new();
    if scope != Some("Local") {
        found.push((ADMINISTRATOR.to_owned(), Arc::new(administrator())));
    }
    if scope != Some("AWS") {
        let rows = ctx.all(Range::<ManagedPolicies>::all()).into_iter();
        let own = rows.filter(|(arn, _)| is_of(arn, &account));
        found.extend(own.map(|(arn, row)| (arn, Arc::new(row))));
    }
    let prefix = request.path_prefix.unwrap_or_default();
    let mut policies = Vec::new();
    for (arn, row) in found {
        let usage = usage::of(ctx, &account, &arn);
        let used = match request.policy_usage_filter.as_deref() {
            Some("PermissionsBoundary") => usage.boundaries > 0,
            Some(_) => usage.attachments > 0,
            None => true,
        };
        let attached = request.only_attached != Some(true) || usage.attachments > 0;
        if used && attached && ids::path_of(&arn).starts_with(&prefix) {
            policies.push(api::Policy {
                description: None,
                tags: Vec::new(),
                ..shown(&arn, &row, usage)
            });
        }
    }
    let Page { rows, marker } = slice(policies, request.marker.as_deref(), request.max_items)?;
    Ok(api::ListPoliciesResponse {
        policies: rows,
        is_truncated: Some(marker.is_some()),
        marker,
    })
}

/// DeletePolicy.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: api::DeletePolicyRequest,
) -> Result<api::DeletePolicyResponse, IamError> {
    let (account, arn) = (ctx.account(), request.policy_arn.unwrap_or_default());
    let row = own(ctx, &account, &arn)?;
    let usage = usage::of(ctx, &account, &arn);
    if usage.attachments + usage.boundaries > 0 {
        return Err(IamError::PolicyInUse);
    }
    if row.versions.len() > 1 {
        return Err(IamError::PolicyHasVersions);
    }
    publish(ctx, &Record::PolicyGone { arn });
    Ok(api::DeletePolicyResponse {})
}

/// Changes a policy of the caller's account, here and everywhere.
pub(super) fn change(
    ctx: &mut Ctx<'_>,
    arn: Option<String>,
    change: impl FnOnce(&mut PolicyRow) -> Result<(), IamError>,
) -> Result<(), IamError> {
    let (account, arn) = (ctx.account(), arn.unwrap_or_default());
    let mut row = own(ctx, &account, &arn)?;
    change(&mut row)?;
    publish(ctx, &Record::Policy { arn, row });
    Ok(())
}

/// A policy that the account may change: AWS's own are not among them.
fn own(ctx: &mut Ctx<'_>, account: &AccountId, arn: &str) -> Result<PolicyRow, IamError> {
    if arn == ADMINISTRATOR {
        return Err(IamError::AwsManaged(arn.to_owned()));
    }
    known(ctx, account, arn).map(|row| PolicyRow::clone(&row))
}

/// The policy of that ARN: AWS's own, or one of the account.
pub(super) fn known(
    ctx: &mut Ctx<'_>,
    account: &AccountId,
    arn: &str,
) -> Result<Arc<PolicyRow>, IamError> {
    if arn == ADMINISTRATOR {
        return Ok(Arc::new(administrator()));
    }
    let row = if is_of(arn, account) {
        ctx.get_cached::<ManagedPolicies>(arn)
    } else {
        None
    };
    row.ok_or_else(|| IamError::NotAttached(arn.to_owned()))
}

fn is_of(arn: &str, account: &AccountId) -> bool {
    Arn::new(arn).is_ok_and(|arn| arn.account() == account.as_str())
}

fn administrator() -> PolicyRow {
    let row = PolicyRow::new(
        ADMINISTRATOR_ID.to_owned(),
        ALLOW_ALL.to_owned(),
        ADMINISTRATOR_MADE,
    );
    PolicyRow {
        description: Some("Provides full access to AWS services and resources.".to_owned()),
        ..row
    }
}

fn shown(arn: &str, row: &PolicyRow, usage: Usage) -> api::Policy {
    api::Policy {
        policy_name: Some(ids::name_of(arn).to_owned()),
        policy_id: Some(row.id.clone()),
        arn: Some(arn.to_owned()),
        path: Some(ids::path_of(arn).to_owned()),
        default_version_id: Some(format!("v{}", row.in_force)),
        attachment_count: Some(usage.attachments),
        permissions_boundary_usage_count: Some(usage.boundaries),
        is_attachable: Some(true),
        description: row.description.clone(),
        create_date: Some(row.created.millis()),
        update_date: Some(row.updated.millis()),
        tags: row.tags.iter().map(tags::shown).collect(),
    }
}

/// Checks that a policy can be given to somebody.
pub(super) fn attachable(ctx: &mut Ctx<'_>, arn: Option<String>) -> Result<String, IamError> {
    let arn = arn.unwrap_or_default();
    if exists(ctx, &arn) {
        Ok(arn)
    } else {
        Err(IamError::NotAttachable(arn))
    }
}

/// Checks that a boundary exists in the account, or is AWS's own.
pub(super) fn boundary(ctx: &mut Ctx<'_>, arn: Option<String>) -> Result<Option<String>, IamError> {
    match arn {
        Some(arn) if !exists(ctx, &arn) => Err(IamError::NoSuchBoundary(arn)),
        checked => Ok(checked),
    }
}

/// AWS's own policies, and those of the caller's account.
fn exists(ctx: &mut Ctx<'_>, arn: &str) -> bool {
    let account = ctx.account();
    known(ctx, &account, arn).is_ok()
}

/// The text of a managed policy, for a session that names it; `None` when it is not known here.
#[must_use]
pub fn managed_policy(ctx: &mut Ctx<'_>, arn: &str) -> Option<String> {
    if arn == ADMINISTRATOR {
        return Some(ALLOW_ALL.to_owned());
    }
    ctx.get_cached::<ManagedPolicies>(arn)
        .map(|row| row.document().to_owned())
}

/// The version in force of a managed policy, parsed; `None` when its record has not arrived here.
pub(super) fn document(ctx: &mut Ctx<'_>, arn: &str) -> Option<Arc<Policy>> {
    if arn == ADMINISTRATOR {
        return ctx
            .caches
            .policy(DocumentKind::Identity, arn, ALLOW_ALL)
            .ok();
    }
    let row = ctx.get_cached::<ManagedPolicies>(arn)?;
    ctx.caches
        .policy(DocumentKind::Identity, arn, row.document())
        .ok()
}

/// What stands in for a boundary that has not arrived: it lets nothing through.
pub(super) fn nothing(ctx: &mut Ctx<'_>, arn: &str) -> Arc<Policy> {
    ctx.caches
        .policy(DocumentKind::Identity, arn, NOTHING)
        .expect("a policy of our own parses")
}
