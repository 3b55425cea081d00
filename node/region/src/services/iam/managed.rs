//! Managed policies: made once, attached to users and roles, or set as their boundary.
//!
//! A managed policy has one version and cannot be changed; of AWS's own there is
//! AdministratorAccess only.

use std::sync::Arc;

use faultline_proto::iam as api;
use faultline_proto::names::Arn;

use super::apply::{Record, publish};
use super::error::IamError;
use super::keyspaces::{ManagedPolicies, PolicyRow};
use super::{documents, ids, roles, users};
use crate::context::Ctx;
use crate::identity::{DocumentKind, Policy};

/// Managed policies that a user or a role may have.
const ATTACHED: usize = 10;
/// Characters of a managed policy, white space not counted.
const LIMIT: usize = 6_144;

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
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
    documents::identity(&document)?;
    if documents::size(&document) > LIMIT {
        return Err(IamError::Quota {
            what: "PolicySize",
            limit: LIMIT,
        });
    }
    let path = request.path.unwrap_or_else(|| "/".to_owned());
    let arn = ids::policy_arn(&ctx.account(), &path, &name).to_string();
    if ctx.has::<ManagedPolicies>(&arn) {
        return Err(IamError::PolicyExists(name));
    }
    let id = ids::unique(ctx, "iam.policy-id", "ANPA", 17);
    publish(
        ctx,
        &Record::Policy {
            arn: arn.clone(),
            row: PolicyRow {
                id: id.clone(),
                document,
            },
        },
    );
    let now = ctx.now().millis();
    Ok(api::CreatePolicyResponse {
        policy: Some(api::Policy {
            policy_name: Some(name),
            policy_id: Some(id),
            arn: Some(arn),
            path: Some(path),
            default_version_id: Some("v1".to_owned()),
            attachment_count: Some(0),
            is_attachable: Some(true),
            description: request.description,
            create_date: Some(now),
            update_date: Some(now),
            tags: request.tags,
        }),
    })
}

/// AttachUserPolicy.
pub(super) fn attach_user(
    ctx: &mut Ctx<'_>,
    request: api::AttachUserPolicyRequest,
) -> Result<api::AttachUserPolicyResponse, IamError> {
    let arn = attachable(ctx, request.policy_arn)?;
    users::change(ctx, request.user_name, |row| {
        attach(&mut row.attached, arn, "PoliciesPerUser")
    })?;
    Ok(api::AttachUserPolicyResponse {})
}

/// DetachUserPolicy.
pub(super) fn detach_user(
    ctx: &mut Ctx<'_>,
    request: api::DetachUserPolicyRequest,
) -> Result<api::DetachUserPolicyResponse, IamError> {
    let arn = request.policy_arn.unwrap_or_default();
    users::change(ctx, request.user_name, |row| detach(&mut row.attached, arn))?;
    Ok(api::DetachUserPolicyResponse {})
}

/// AttachRolePolicy.
pub(super) fn attach_role(
    ctx: &mut Ctx<'_>,
    request: api::AttachRolePolicyRequest,
) -> Result<api::AttachRolePolicyResponse, IamError> {
    let arn = attachable(ctx, request.policy_arn)?;
    roles::change(ctx, request.role_name, |row| {
        attach(&mut row.attached, arn, "PoliciesPerRole")
    })?;
    Ok(api::AttachRolePolicyResponse {})
}

/// DetachRolePolicy.
pub(super) fn detach_role(
    ctx: &mut Ctx<'_>,
    request: api::DetachRolePolicyRequest,
) -> Result<api::DetachRolePolicyResponse, IamError> {
    let arn = request.policy_arn.unwrap_or_default();
    roles::change(ctx, request.role_name, |row| detach(&mut row.attached, arn))?;
    Ok(api::DetachRolePolicyResponse {})
}

fn attachable(ctx: &mut Ctx<'_>, arn: Option<String>) -> Result<String, IamError> {
    let arn = arn.unwrap_or_default();
    if exists(ctx, &arn) {
        Ok(arn)
    } else {
        Err(IamError::NotAttachable(arn))
    }
}

fn attach(attached: &mut Vec<String>, arn: String, quota: &'static str) -> Result<(), IamError> {
    if attached.contains(&arn) {
        return Ok(());
    }
    if attached.len() >= ATTACHED {
        return Err(IamError::Quota {
            what: quota,
            limit: ATTACHED,
        });
    }
    attached.push(arn);
    Ok(())
}

fn detach(attached: &mut Vec<String>, arn: String) -> Result<(), IamError> {
    let Some(at) = attached.iter().position(|known| *known == arn) else {
        return Err(IamError::NotAttached(arn));
    };
    attached.remove(at);
    Ok(())
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
    let own = Arn::new(arn).is_ok_and(|arn| arn.account() == ctx.account().as_str());
    arn == ADMINISTRATOR || (own && ctx.has::<ManagedPolicies>(arn))
}

/// The text of a managed policy, for a session that names it; `None` when it is not known here.
#[must_use]
pub fn managed_policy(ctx: &mut Ctx<'_>, arn: &str) -> Option<String> {
    if arn == ADMINISTRATOR {
        return Some(ALLOW_ALL.to_owned());
    }
    ctx.get_cached::<ManagedPolicies>(arn)
        .map(|row| row.document.clone())
}

/// A managed policy, parsed; `None` when its record has not arrived here.
pub(super) fn document(ctx: &mut Ctx<'_>, arn: &str) -> Option<Arc<Policy>> {
    if arn == ADMINISTRATOR {
        return ctx
            .caches
            .policy(DocumentKind::Identity, arn, ALLOW_ALL)
            .ok();
    }
    let row = ctx.get_cached::<ManagedPolicies>(arn)?;
    ctx.caches
        .policy(DocumentKind::Identity, arn, &row.document)
        .ok()
}

/// What stands in for a boundary that has not arrived: it lets nothing through.
pub(super) fn nothing(ctx: &mut Ctx<'_>, arn: &str) -> Arc<Policy> {
    ctx.caches
        .policy(DocumentKind::Identity, arn, NOTHING)
        .expect("a policy of our own parses")
}
