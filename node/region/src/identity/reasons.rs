//! The decision with its reasons: who said yes or no, and what would have helped.
//!
//! AWS names one policy type only (K-220); the simulator also lists everything that was missing.
//! The sentences are made in [`wording`](super::wording).

use std::fmt;

use serde::{Deserialize, Serialize};

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
    /// A KMS key policy.
    KeyPolicy,
    /// No grant gives the right to retire it.
    Grant,
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
            Self::Grant => "grant",
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
    pub(super) fn with_article(self) -> &'static str {
        match self {
            // AWS's word for a missing right to retire is not known; a grant hangs on the key.
            Self::KeyPolicy | Self::Grant | Self::BucketPolicy | Self::ResourcePolicy => {
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
    pub(super) fn bare(self) -> &'static str {
        self.with_article()
            .trim_start_matches("an ")
            .trim_start_matches("a ")
            .trim_start_matches("the ")
    }

    /// The policy as people call it.
    pub(super) fn plain(self) -> &'static str {
        match self {
            Self::KeyPolicy => "key policy",
            Self::Grant => "grant",
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

    /// Whether the policy belongs to the resource.
    pub(super) fn is_of_resource(self) -> bool {
        matches!(
            self,
            Self::KeyPolicy
                | Self::Grant
                | Self::BucketPolicy
                | Self::TrustPolicy
                | Self::ResourcePolicy
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
