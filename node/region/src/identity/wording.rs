//! The words of a refusal: AWS's message, and the simulator's sentences about what was missing.

use super::evaluate::{Gap, Policies, ResourcePolicy};
use super::near;
use super::reasons::{DeniedBy, Refusal, StatementName};
use super::request::{Principal, Request, Wording};
use super::scan::Spoken;

/// The refusal by an explicit deny.
pub(super) fn explicit(
    request: &Request<'_>,
    policies: &Policies<'_>,
    denied_by: DeniedBy,
    spoken: Spoken<'_>,
) -> Refusal {
    let name = StatementName::of(&spoken);
    let message = unexplained(request, policies, denied_by).unwrap_or_else(|| {
        let start = beginning(request, denied_by);
        let suffix = policy_arn(denied_by, &name.policy);
        format!(
            "{start} with an explicit deny in {}{suffix}",
            denied_by.with_article()
        )
    });
    let statement = match &name.sid {
        Some(sid) => format!("statement `{sid}`"),
        None => format!("statement {}", name.index),
    };
    let place = if denied_by.is_of_resource() {
        format!(
            "{} of {}",
            denied_by.plain(),
            owner_of_policy(request, denied_by)
        )
    } else {
        format!("{} {}", denied_by.plain(), name.policy)
    };
    let (action, caller) = (request.action, request.principal.policy_name());
    let missing = vec![format!(
        "that {statement} of the {place} no longer denies {action} to {caller}"
    )];
    Refusal {
        principal: request.principal.name().to_owned(),
        action: request.action.to_owned(),
        resource: request.resource.to_owned(),
        denied_by,
        explicit: Some(name),
        message,
        missing,
        near: Vec::new(),
    }
}

/// The refusal because something that must allow does not; `gaps` is not empty, its first is named.
pub(super) fn implicit(request: &Request<'_>, policies: &Policies<'_>, gaps: &[Gap]) -> Refusal {
    let denied_by = gaps.first().map_or(DeniedBy::IdentityPolicy, |gap| {
        gap.denied_by(policies.resource)
    });
    let message = unexplained(request, policies, denied_by).unwrap_or_else(|| {
        let (start, action) = (beginning(request, denied_by), request.action);
        format!(
            "{start} because no {} allows the {action} action",
            denied_by.bare()
        )
    });
    Refusal {
        principal: request.principal.name().to_owned(),
        action: request.action.to_owned(),
        resource: request.resource.to_owned(),
        denied_by,
        explicit: None,
        message,
        missing: gaps
            .iter()
            .map(|gap| gap.sentence(request, policies))
            .collect(),
        near: near::misses(request, policies, gaps),
    }
}

impl Gap {
    fn denied_by(self, resource: ResourcePolicy<'_>) -> DeniedBy {
        match self {
            Self::ResourceControl(_) => DeniedBy::Rcp,
            Self::ServiceControl(_) => DeniedBy::Scp,
            Self::Endpoint => DeniedBy::VpcEndpointPolicy,
            Self::NotAcrossAccounts | Self::Resource => resource.denied_by(),
            Self::Retiring => DeniedBy::Grant,
            Self::Identity => DeniedBy::IdentityPolicy,
            Self::Boundary => DeniedBy::PermissionsBoundary,
            Self::Session => DeniedBy::SessionPolicy,
        }
    }

    /// What would have closed this gap.
    fn sentence(self, request: &Request<'_>, policies: &Policies<'_>) -> String {
        let (action, resource, caller) = (
            request.action,
            request.resource,
            request.principal.policy_name(),
        );
        let on = format!("a statement `allow: [{action}] on: {resource}`");
        let by = self.denied_by(policies.resource);
        match self {
            Self::Resource => {
                let place = owner_of_policy(request, by);
                format!(
                    "a statement `allow: [{action}] to: {caller}` in the {} of {place}",
                    by.plain()
                )
            }
            Self::Identity => format!("{on} in an identity policy of {caller}"),
            Self::Boundary => {
                let name = policies.boundary.map_or("", |policy| &policy.name);
                format!("{on} in the permissions boundary {name} of {caller}")
            }
            Self::Session => format!("{on} in the session policy of {}", request.principal.name()),
            Self::ServiceControl(level) => {
                let account = request
                    .principal
                    .account()
                    .map_or("", |account| account.as_str());
                format!("{on} in a service control policy at level {level} above account {account}")
            }
            Self::ResourceControl(level) => {
                format!(
                    "{on} in a resource control policy at level {level} above account {}",
                    request.resource_account
                )
            }
            Self::Endpoint => format!("{on} in the policy of the VPC endpoint"),
            Self::NotAcrossAccounts => {
                format!(
                    "a caller of account {}: {action} does not work across accounts",
                    request.resource_account
                )
            }
            Self::Retiring => format!("a grant on {resource} with the retiring principal {caller}"),
        }
    }
}

/// The resource whose policy is meant: a bucket for an object.
fn owner_of_policy<'r>(request: &Request<'r>, by: DeniedBy) -> &'r str {
    match by {
        DeniedBy::BucketPolicy => request
            .resource
            .split('/')
            .next()
            .unwrap_or(request.resource),
        _ => request.resource,
    }
}

fn beginning(request: &Request<'_>, denied_by: DeniedBy) -> String {
    let (name, action, resource) = (request.principal.name(), request.action, request.resource);
    let start = format!("User: {name} is not authorized to perform: {action}");
    match request.wording {
        _ if denied_by == DeniedBy::TrustPolicy => start,
        Wording::Ciphertext => format!("{start} on the resource associated with this ciphertext"),
        // S3 alone puts the ARN in quotes.
        Wording::Resource if action.starts_with("s3:") => {
            format!("{start} on resource: \"{resource}\"")
        }
        Wording::Resource => format!("{start} on resource: {resource}"),
    }
}

/// KMS does not tell an outsider, or one who named no key, whether the key exists (K-216, K-217).
fn is_hidden(request: &Request<'_>, policies: &Policies<'_>, denied_by: DeniedBy) -> bool {
    matches!(policies.resource, ResourcePolicy::Key(_))
        && matches!(denied_by, DeniedBy::KeyPolicy | DeniedBy::Grant)
        && (request.is_cross_account() || request.wording == Wording::Ciphertext)
}

/// The messages that give no reason away.
fn unexplained(
    request: &Request<'_>,
    policies: &Policies<'_>,
    denied_by: DeniedBy,
) -> Option<String> {
    if is_hidden(request, policies, denied_by) {
        Some(hidden(
            request.principal.name(),
            request.action,
            request.wording,
        ))
    } else if is_silent_s3(request) {
        Some("Access Denied".to_owned())
    } else {
        None
    }
}

/// What may end the message of an explicit deny: the policy's ARN, if the type shows it (K-218).
fn policy_arn(denied_by: DeniedBy, name: &str) -> String {
    let shown = !denied_by.is_of_resource() && denied_by != DeniedBy::VpcEndpointPolicy;
    if shown && name.starts_with("arn:") {
        format!(": {name}")
    } else {
        String::new()
    }
}

/// S3 explains itself only to callers of the bucket's own account.
fn is_silent_s3(request: &Request<'_>) -> bool {
    request.action.starts_with("s3:")
        && (request.is_cross_account() || matches!(request.principal, Principal::Anonymous))
}

/// The message for a key that is foreign, hidden or not there at all: the same in every case, so
/// that it reveals nothing (K-216, K-217). KMS uses it for keys that do not exist, too.
#[must_use]
pub fn hidden(principal: &str, action: &str, wording: Wording) -> String {
    let on = match wording {
        Wording::Resource => "this resource",
        Wording::Ciphertext => "the resource associated with this ciphertext",
    };
    format!(
        "User: {principal} is not authorized to perform: {action} on {on} because the resource does not exist in \
         this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
    )
}
