//! The decision with its reasons: who said yes or no, in AWS's words, and what would have helped.
//!
//! AWS names one policy type only (K-220); the simulator also lists everything that was missing.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::evaluate::{Gap, Policies, ResourcePolicy};
use super::near;
use super::request::{Principal, Request, Wording};
use super::scan::Spoken;

/// What was decided.
#[derive(Debug, Clone)]
pub enum Decision<'a> {
    /// Go on.
    Allowed(Allowance<'a>),
    /// No.
    Denied(Box<Refusal>),
}

impl<'a> Decision<'a> {
    /// Whether the request may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }

    /// The decision as a result, for `?`.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn into_result(self) -> Result<Allowance<'a>, Box<Refusal>> {
        match self {
            Self::Allowed(allowance) => Ok(allowance),
            Self::Denied(refusal) => Err(refusal),
        }
    }
}

/// Which statements allowed (each that spoke for the request, needed or not).
#[derive(Debug, Clone, Copy, Default)]
pub struct Allowance<'a> {
    /// In the resource's policy.
    pub resource: Option<Spoken<'a>>,
    /// In the caller's identity policies.
    pub identity: Option<Spoken<'a>>,
    /// The id of the grant that covers the request.
    pub grant: Option<&'a str>,
}

impl Allowance<'_> {
    /// The statements by name, for the journal.
    #[must_use]
    pub fn statements(&self) -> Vec<StatementName> {
        self.resource
            .iter()
            .chain(&self.identity)
            .map(StatementName::of)
            .collect()
    }
}

/// Where a statement is found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StatementName {
    /// The policy's name or ARN.
    pub policy: String,
    /// Its position, from 0.
    pub index: u32,
    /// Its Sid.
    pub sid: Option<String>,
}

impl StatementName {
    /// The name of a statement.
    #[must_use]
    pub fn of(spoken: &Spoken<'_>) -> Self {
        Self {
            policy: spoken.policy.name.to_string(),
            index: spoken.statement.index,
            sid: spoken.statement.sid.as_deref().map(str::to_owned),
        }
    }
}

impl fmt::Display for StatementName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sid {
            Some(sid) => write!(f, "statement `{sid}` of {}", self.policy),
            None => write!(f, "statement {} of {}", self.index, self.policy),
        }
    }
}

/// The kind of policy that refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeniedBy {
    /// A KMS key policy, a grant's retirement rules included.
    KeyPolicy,
    /// An S3 bucket policy.
    BucketPolicy,
    /// A role's trust policy.
    TrustPolicy,
    /// The policy of another resource.
    ResourcePolicy,
    /// The caller's identity policies.
    IdentityPolicy,
    /// The caller's permissions boundary.
    PermissionsBoundary,
    /// The session's policy.
    SessionPolicy,
    /// A service control policy.
    Scp,
    /// A resource control policy.
    Rcp,
    /// The policy of a VPC endpoint.
    VpcEndpointPolicy,
}

impl DeniedBy {
    /// The word that scenarios use, `key_policy`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::KeyPolicy => "key_policy",
            Self::BucketPolicy => "bucket_policy",
            Self::TrustPolicy => "trust_policy",
            Self::ResourcePolicy => "resource_policy",
            Self::IdentityPolicy => "identity_policy",
            Self::PermissionsBoundary => "permissions_boundary",
            Self::SessionPolicy => "session_policy",
            Self::Scp => "scp",
            Self::Rcp => "rcp",
            Self::VpcEndpointPolicy => "vpc_endpoint_policy",
        }
    }

    /// The policy as AWS's messages name it, with its article (K-218).
    fn with_article(self) -> &'static str {
        match self {
            Self::KeyPolicy | Self::BucketPolicy | Self::ResourcePolicy => {
                "a resource-based policy"
            }
            Self::TrustPolicy => "the role trust policy",
            Self::IdentityPolicy => "an identity-based policy",
            Self::PermissionsBoundary => "a permissions boundary",
            Self::SessionPolicy => "a session policy",
            Self::Scp => "a service control policy",
            Self::Rcp => "a resource control policy",
            Self::VpcEndpointPolicy => "a VPC endpoint policy",
        }
    }

    /// The policy as AWS's messages name it after "no" (K-214, K-215, K-219).
    fn bare(self) -> &'static str {
        self.with_article()
            .trim_start_matches("an ")
            .trim_start_matches("a ")
            .trim_start_matches("the ")
    }

    /// The policy as people call it.
    pub(super) fn plain(self) -> &'static str {
        match self {
            Self::KeyPolicy => "key policy",
            Self::BucketPolicy => "bucket policy",
            Self::TrustPolicy => "trust policy",
            Self::ResourcePolicy => "resource policy",
            Self::IdentityPolicy => "identity policy",
            Self::PermissionsBoundary => "permissions boundary",
            Self::SessionPolicy => "session policy",
            Self::Scp => "service control policy",
            Self::Rcp => "resource control policy",
            Self::VpcEndpointPolicy => "VPC endpoint policy",
        }
    }

    fn is_of_resource(self) -> bool {
        matches!(
            self,
            Self::KeyPolicy | Self::BucketPolicy | Self::TrustPolicy | Self::ResourcePolicy
        )
    }
}

impl fmt::Display for DeniedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A no, with its reasons. Principals and resources are ARNs; who shows it may put names in their place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Who asked, as AWS's message names it.
    pub principal: String,
    /// For what, `kms:Encrypt`.
    pub action: String,
    /// On what.
    pub resource: String,
    /// Who refused.
    pub denied_by: DeniedBy,
    /// The statement that denies; `None` when nothing allowed.
    pub explicit: Option<StatementName>,
    /// AWS's message.
    pub message: String,
    /// What would have helped: all of these together.
    pub missing: Vec<String>,
    /// Statements that almost allowed, and why they did not.
    pub near: Vec<String>,
}

/// The refusal by an explicit deny.
pub(super) fn explicit(
    request: &Request<'_>,
    policies: &Policies<'_>,
    denied_by: DeniedBy,
    spoken: Spoken<'_>,
) -> Refusal {
    let name = StatementName::of(&spoken);
    let message = if is_hidden(request, policies, denied_by) {
        hidden(request.principal.name(), request.action, request.wording)
    } else if is_silent_s3(request) {
        "Access Denied".to_owned()
    } else {
        let arn = if !denied_by.is_of_resource()
            && denied_by != DeniedBy::VpcEndpointPolicy
            && name.policy.starts_with("arn:")
        {
            format!(": {}", name.policy)
        } else {
            String::new()
        };
        format!(
            "{} with an explicit deny in {}{arn}",
            beginning(request, denied_by),
            denied_by.with_article()
        )
    };
    let place = match denied_by.is_of_resource() {
        true => format!(
            "the {} of {}",
            denied_by.plain(),
            owner_of_policy(request, denied_by)
        ),
        false => format!("the {} {}", denied_by.plain(), name.policy),
    };
    let statement = match &name.sid {
        Some(sid) => format!("statement `{sid}`"),
        None => format!("statement {}", name.index),
    };
    let missing = vec![format!(
        "that {statement} of {place} no longer denies {} to {}",
        request.action,
        request.principal.policy_name()
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
    let message = if is_hidden(request, policies, denied_by) {
        hidden(request.principal.name(), request.action, request.wording)
    } else if is_silent_s3(request) {
        "Access Denied".to_owned()
    } else {
        let action = request.action;
        format!(
            "{} because no {} allows the {action} action",
            beginning(request, denied_by),
            denied_by.bare()
        )
    };
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
            Self::NotAcrossAccounts | Self::Resource | Self::Retiring => resource.denied_by(),
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
        && denied_by == DeniedBy::KeyPolicy
        && (request.is_cross_account() || request.wording == Wording::Ciphertext)
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
