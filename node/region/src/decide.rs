//! From an access to a decision: collects what speaks, asks the evaluator, words the refusal.
//!
//! The evaluator is pure; this is the only place that calls it for calls.

use std::sync::Arc;

use faultline_proto::driving::Denial;

use crate::caller::Caller;
use crate::context::Ctx;
use crate::directory::{self, Fence};
use crate::identity::{
    self, Decision, DocumentKind, GrantView, Policies, Policy, ProposedGrant, Request,
    ResourcePolicy, evaluate,
};
use crate::refusal::Refusal;
use crate::service::{Access, Wording};

/// Decides one access of the call being served, and completes its condition keys.
///
/// # Errors
/// The service's AccessDenied, with the reasons.
pub(crate) fn decide(ctx: &mut Ctx<'_>, access: &mut Access) -> Result<(), Refusal> {
    let caller = ctx.caller();
    let denied = question(ctx, &caller, access);
    match denied {
        None => Ok(()),
        Some(refused) => Err(worded(access.wording, &refused)),
    }
}

impl Ctx<'_> {
    /// How an access of the caller being served would be refused; nothing when it would be allowed.
    /// No decision of the trail: for what is left out, not refused, where it is not permitted
    /// (S3-030).
    pub fn would_refuse(&mut self, access: &mut Access) -> Option<Refusal> {
        decide(self, access).err()
    }
}

/// The evaluator's refusal, or nothing when it allows.
fn question(
    ctx: &mut Ctx<'_>,
    caller: &Caller,
    access: &mut Access,
) -> Option<Box<identity::Refusal>> {
    let (scp_levels, rcp_levels) = fences(ctx, caller, access);
    let context = &mut access.context;
    for (key, value) in &caller.policies.tags {
        context.set(format!("aws:principaltag/{key}"), value.as_str());
    }
    for (key, value) in &caller.context {
        context.set(key.clone(), value.as_str());
    }
    context.set("aws:requestedregion", ctx.region().as_str());
    if let Some(via) = caller.via.last() {
        context.set("kms:viaservice", via.as_str());
        context.set_flag("aws:viaawsservice", true);
        context.set_all("aws:calledvia", caller.via.iter().map(String::as_str));
    }
    let access = &*access;
    let grants: Vec<GrantView<'_>> = access
        .grants
        .iter()
        .map(|grant| GrantView {
            id: &grant.id,
            grantee: &grant.grantee,
            retiring: grant.retiring.as_deref(),
            issuing_account: &grant.issuing_account,
            operations: &grant.operations,
            context: grant.constraint.view(),
            source_arn: grant.source_arn.as_deref(),
            propagated: grant.propagated,
            presented: grant.presented,
        })
        .collect();
    let proposed = access.proposed.as_ref().map(|proposed| ProposedGrant {
        operations: &proposed.operations,
        context: proposed.constraint.view(),
    });
    let request = Request {
        crosses_accounts: access.cross_account,
        encryption_context: access.encryption_context.as_ref(),
        proposed_grant: proposed.as_ref(),
        wording: match access.wording {
            Wording::Ciphertext => identity::Wording::Ciphertext,
            Wording::AccessDeniedException
            | Wording::AccessDenied
            | Wording::UnauthorizedOperation => identity::Wording::Resource,
        },
        ..Request::new(
            &caller.principal,
            &access.action,
            &access.resource,
            &access.owner,
            &access.context,
        )
    };
    let policies = Policies {
        identity: &caller.policies.identity,
        boundary: caller.policies.boundary.as_deref(),
        session: &caller.policies.session,
        scp_levels: &scp_levels,
        rcp_levels: &rcp_levels,
        resource: resource_policy(access),
        grants: &grants,
        ..Policies::default()
    };
    match evaluate(&request, &policies) {
        Decision::Allowed(_) => None,
        Decision::Denied(refused) => Some(refused),
    }
}

type Levels = Vec<Vec<Arc<Policy>>>;

/// The control policies that bind this caller and this resource, and the condition keys that say
/// which organisations they belong to.
fn fences(ctx: &mut Ctx<'_>, caller: &Caller, access: &mut Access) -> (Levels, Levels) {
    let (mut scps, mut rcps) = (Levels::new(), Levels::new());
    if let Some(account) = caller.principal.account()
        && let Some(row) = directory::organization_of(ctx, account)
    {
        access.context.set("aws:principalorgid", row.id.as_str());
        access
            .context
            .set("aws:principalorgpaths", row.org_path(account));
        scps = directory::binding(ctx, &row, account, Fence::Principals);
    }
    if let Some(row) = directory::organization_of(ctx, &access.owner) {
        access.context.set("aws:resourceorgid", row.id.as_str());
        access
            .context
            .set("aws:resourceorgpaths", row.org_path(&access.owner));
        // K-191: what AWS manages is beyond RCPs.
        if !access.aws_managed {
            rcps = directory::binding(ctx, &row, &access.owner, Fence::Resources);
        }
    }
    (scps, rcps)
}

fn resource_policy(access: &Access) -> ResourcePolicy<'_> {
    let policy = access.policy.as_deref();
    match policy.map(|policy| policy.document.kind) {
        None if access.action.starts_with("s3:") => ResourcePolicy::Bucket(None),
        None => ResourcePolicy::None,
        Some(DocumentKind::Key) => policy.map_or(ResourcePolicy::None, ResourcePolicy::Key),
        Some(DocumentKind::Trust) => policy.map_or(ResourcePolicy::None, ResourcePolicy::Trust),
        Some(DocumentKind::Bucket) => ResourcePolicy::Bucket(policy),
        Some(_) => ResourcePolicy::Other(policy),
    }
}

fn worded(wording: Wording, refused: &identity::Refusal) -> Refusal {
    let denial = Denial {
        principal: refused.principal.clone(),
        action: refused.action.clone(),
        resource: refused.resource.clone(),
        denied_by: refused.denied_by.word().to_owned(),
        explicit: refused.explicit.is_some(),
        statement: refused
            .explicit
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        missing: refused
            .missing
            .iter()
            .chain(&refused.near)
            .cloned()
            .collect(),
    };
    let refusal = match wording {
        Wording::AccessDeniedException | Wording::Ciphertext => {
            Refusal::new("AccessDeniedException", &refused.message)
        }
        Wording::AccessDenied => Refusal::new("AccessDenied", &refused.message).with_status(403),
        Wording::UnauthorizedOperation => Refusal::new(
            "UnauthorizedOperation",
            "You are not authorized to perform this operation.",
        )
        .with_status(403),
    };
    refusal.with_denial(denial)
}
