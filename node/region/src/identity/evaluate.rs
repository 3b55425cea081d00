//! The decision: one pure function over a request and the policies that apply to it.
//!
//! The order is KMS's own (kms 7.1, K-186): an explicit deny anywhere ends it; then every fence
//! (RCP, SCP, VPC endpoint) must allow; then the resource's side and the caller's side decide:
//!
//! ```text
//!                     named itself   by its role          by its account      not named
//! key, trust policy   allow          boundary, session    caller's policies   only a grant (K-166)
//! other resources     allow          boundary, session    caller's policies   caller's policies
//! across accounts     caller's policies in every case (K-180, K-193)          only a grant
//! ```
//!
//! "Caller's policies" are identity policy, boundary and session policy together (K-189); a root
//! user needs none of them. Instead of stopping at the first refusal the rules collect every gap,
//! so that a refusal can say all that would have helped.
//!
//! The collector of the policies leaves out what does not bind: SCPs for principals of the
//! management account, RCPs for its keys and for AWS managed keys (K-190, K-191).

use std::sync::Arc;

use super::grants::{GrantView, MayRetire, may_retire};
use super::policy::Policy;
use super::principals::Naming;
use super::reasons::{Allowance, Decision, DeniedBy};
use super::request::{Principal, Request};
use super::scan::{Scan, Spoken};
use super::wording;
use crate::mutants::{self, Mutant};

/// The policy of the resource, by the rules that it follows.
#[derive(Debug, Clone, Copy, Default)]
pub enum ResourcePolicy<'a> {
    /// The action has no resource that could have a policy (`kms:CreateKey`, K-184).
    #[default]
    None,
    /// A KMS key's policy: nothing happens without it.
    Key(&'a Policy),
    /// A role's trust policy: nothing happens without it.
    Trust(&'a Policy),
    /// A bucket's policy, if it has one.
    Bucket(Option<&'a Policy>),
    /// The policy of another resource (table, secret), if it has one.
    Other(Option<&'a Policy>),
}

impl<'a> ResourcePolicy<'a> {
    fn policy(self) -> Option<&'a Policy> {
        match self {
            Self::None => None,
            Self::Key(policy) | Self::Trust(policy) => Some(policy),
            Self::Bucket(policy) | Self::Other(policy) => policy,
        }
    }

    /// The word for a refusal by this policy.
    #[must_use]
    pub fn denied_by(self) -> DeniedBy {
        match self {
            Self::Key(_) => DeniedBy::KeyPolicy,
            Self::Trust(_) => DeniedBy::TrustPolicy,
            Self::Bucket(_) => DeniedBy::BucketPolicy,
            Self::None | Self::Other(_) => DeniedBy::ResourcePolicy,
        }
    }
}

/// Everything that speaks to a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policies<'a> {
    /// The caller's identity policies, inline and managed, its groups' included.
    pub identity: &'a [Arc<Policy>],
    /// The caller's permissions boundary.
    pub boundary: Option<&'a Policy>,
    /// The session's policies; none passed means no limit.
    pub session: &'a [Arc<Policy>],
    /// Service control policies, one list a level from the organisation's root to the account; each
    /// level must allow. None: the caller is not bound.
    pub scp_levels: &'a [Vec<Arc<Policy>>],
    /// Resource control policies of the resource's account, in the same form.
    pub rcp_levels: &'a [Vec<Arc<Policy>>],
    /// The policy of the VPC endpoint that the call came through.
    pub endpoint: Option<&'a Policy>,
    /// The resource's own policy.
    pub resource: ResourcePolicy<'a>,
    /// Grants on the key; for `kms:RetireGrant` only the one to be retired.
    pub grants: &'a [GrantView<'a>],
}

/// One thing that would have to allow and does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// Level of the RCPs, from 0.
    ResourceControl(usize),
    /// Level of the SCPs, from 0.
    ServiceControl(usize),
    Endpoint,
    /// The operation does not work across accounts (K-181).
    NotAcrossAccounts,
    Resource,
    /// No grant lets the caller retire it (K-205).
    Retiring,
    Identity,
    Boundary,
    Session,
}

/// What each set of documents says to the request.
#[derive(Debug, Default)]
struct Heard<'a> {
    resource: Scan<'a>,
    resource_control: Levels<'a>,
    service_control: Levels<'a>,
    identity: Scan<'a>,
    boundary: Option<Scan<'a>>,
    session: Option<Scan<'a>>,
    endpoint: Option<Scan<'a>>,
}

#[derive(Debug, Default)]
struct Levels<'a> {
    deny: Option<Spoken<'a>>,
    /// The first level at which nothing allows.
    silent: Option<usize>,
}

impl<'a> Levels<'a> {
    fn of(levels: &'a [Vec<Arc<Policy>>], request: &Request<'_>) -> Self {
        let mut heard = Self::default();
        for (level, policies) in levels.iter().enumerate() {
            let scan = Scan::all(policies, request);
            heard.deny = heard.deny.or(scan.deny);
            if scan.allow.is_none() && heard.silent.is_none() {
                heard.silent = Some(level);
            }
        }
        heard
    }
}

impl<'a> Heard<'a> {
    fn of(request: &Request<'_>, policies: &Policies<'a>) -> Self {
        let caller = request.principal;
        let mut heard = Self::default();
        if let Some(policy) = policies.resource.policy() {
            heard.resource = Scan::one(policy, request);
            let forgotten = mutants::is(Mutant::ExplicitDenyIgnored);
            if forgotten || is_owner_repairing_its_bucket(request, policies) {
                heard.resource.deny = None;
            }
        }
        heard.endpoint = policies.endpoint.map(|policy| Scan::one(policy, request));
        // K-191: service-linked roles and the retiring of grants are beyond RCPs.
        if !caller.is_service_linked() && request.action != "kms:RetireGrant" {
            heard.resource_control = Levels::of(policies.rcp_levels, request);
        }
        if caller.account().is_none() {
            return heard;
        }
        if !caller.is_service_linked() {
            heard.service_control = Levels::of(policies.scp_levels, request);
        }
        heard.identity = Scan::all(policies.identity, request);
        heard.boundary = policies.boundary.map(|policy| Scan::one(policy, request));
        heard.session =
            (!policies.session.is_empty()).then(|| Scan::all(policies.session, request));
        heard
    }

    /// The explicit deny that is named, in the order of kms 7.1 (K-220: only one is).
    fn deny(&self, resource: ResourcePolicy<'a>) -> Option<(DeniedBy, Spoken<'a>)> {
        let of = |scan: &Option<Scan<'a>>| scan.as_ref().and_then(|scan| scan.deny);
        [
            (resource.denied_by(), self.resource.deny),
            (DeniedBy::Rcp, self.resource_control.deny),
            (DeniedBy::Scp, self.service_control.deny),
            (DeniedBy::IdentityPolicy, self.identity.deny),
            (DeniedBy::PermissionsBoundary, of(&self.boundary)),
            (DeniedBy::SessionPolicy, of(&self.session)),
            (DeniedBy::VpcEndpointPolicy, of(&self.endpoint)),
        ]
        .into_iter()
        .find_map(|(by, spoken)| spoken.map(|spoken| (by, spoken)))
    }

    /// What boundary and session policy fail to allow (K-189).
    fn limits(&self) -> Vec<Gap> {
        let silent =
            |scan: &Option<Scan<'a>>| scan.as_ref().is_some_and(|scan| scan.allow.is_none());
        let mut gaps = Vec::new();
        if silent(&self.boundary) {
            gaps.push(Gap::Boundary);
        }
        if silent(&self.session) {
            gaps.push(Gap::Session);
        }
        gaps
    }

    /// What the caller's own policies fail to allow; a root user needs none.
    fn callers_side(&self, caller: &Principal) -> Vec<Gap> {
        if matches!(caller, Principal::Root { .. }) {
            return Vec::new();
        }
        let mut gaps = Vec::new();
        if self.identity.allow.is_none() {
            gaps.push(Gap::Identity);
        }
        gaps.extend(self.limits());
        gaps
    }
}

/// Decides one request.
#[must_use]
pub fn evaluate<'a>(request: &Request<'_>, policies: &Policies<'a>) -> Decision<'a> {
    let heard = Heard::of(request, policies);
    if let Some((by, spoken)) = heard.deny(policies.resource) {
        return Decision::Denied(Box::new(wording::explicit(request, policies, by, spoken)));
    }
    let grant = policies
        .grants
        .iter()
        .find(|grant| grant.covers(request))
        .map(|grant| grant.id);
    let gaps = gaps(request, policies, &heard, grant.is_some());
    if gaps.is_empty() {
        Decision::Allowed(Allowance {
            resource: heard.resource.allow,
            identity: heard.identity.allow,
            grant,
        })
    } else {
        Decision::Denied(Box::new(wording::implicit(request, policies, &gaps)))
    }
}

/// Everything that would have to allow and does not; empty when the request is allowed.
fn gaps(
    request: &Request<'_>,
    policies: &Policies<'_>,
    heard: &Heard<'_>,
    granted: bool,
) -> Vec<Gap> {
    let mut gaps = Vec::new();
    gaps.extend(heard.resource_control.silent.map(Gap::ResourceControl));
    gaps.extend(heard.service_control.silent.map(Gap::ServiceControl));
    if heard
        .endpoint
        .as_ref()
        .is_some_and(|scan| scan.allow.is_none())
    {
        gaps.push(Gap::Endpoint);
    }
    gaps.extend(both_sides(request, policies, heard, granted));
    gaps
}

fn both_sides(
    request: &Request<'_>,
    policies: &Policies<'_>,
    heard: &Heard<'_>,
    granted: bool,
) -> Vec<Gap> {
    let caller = request.principal;
    let is_key = matches!(policies.resource, ResourcePolicy::Key(_));
    let crosses = request.is_cross_account();
    if crosses && !request.crosses_accounts {
        return vec![Gap::NotAcrossAccounts];
    }
    if is_key && request.action == "kms:RetireGrant" {
        return retiring(request, policies, heard);
    }
    let naming = heard.resource.naming;
    if crosses {
        if granted {
            return Vec::new();
        }
        let mut gaps = if naming.is_none() {
            vec![Gap::Resource]
        } else {
            Vec::new()
        };
        gaps.extend(heard.callers_side(caller));
        return gaps;
    }
    match (policies.resource, naming, caller) {
        (ResourcePolicy::Key(_) | ResourcePolicy::Trust(_), _, Principal::Anonymous) => {
            vec![Gap::Resource]
        }
        (_, Some(Naming::Direct), _) => Vec::new(),
        _ if granted => Vec::new(),
        (_, Some(Naming::Role), _) => heard.limits(),
        (ResourcePolicy::Key(_) | ResourcePolicy::Trust(_), None, _)
        | (_, None, Principal::Anonymous | Principal::Service { .. }) => vec![Gap::Resource],
        (_, Some(Naming::Account), _) if mutants::is(Mutant::IdentityPolicyForgotten) => Vec::new(),
        (_, Some(Naming::Account) | None, _) => heard.callers_side(caller),
    }
}

/// `kms:RetireGrant` is a matter of the grant, not of the key policy (K-205, K-206).
fn retiring(request: &Request<'_>, policies: &Policies<'_>, heard: &Heard<'_>) -> Vec<Gap> {
    let right = policies
        .grants
        .iter()
        .map(|grant| may_retire(grant, request.principal));
    match right.min_by_key(|right| match right {
        MayRetire::Itself => 0,
        MayRetire::ThroughItsAccount => 1,
        MayRetire::No => 2,
    }) {
        Some(MayRetire::Itself) => Vec::new(),
        Some(MayRetire::ThroughItsAccount) => heard.callers_side(request.principal),
        Some(MayRetire::No) | None => vec![Gap::Retiring],
    }
}

/// The root user of a bucket's owner may always read, replace and delete the bucket policy, so that
/// nobody locks himself out with a deny.
fn is_owner_repairing_its_bucket(request: &Request<'_>, policies: &Policies<'_>) -> bool {
    matches!(policies.resource, ResourcePolicy::Bucket(_))
        && matches!(request.principal, Principal::Root { account, .. } if account == request.resource_account)
        && matches!(
            request.action,
            "s3:GetBucketPolicy" | "s3:PutBucketPolicy" | "s3:DeleteBucketPolicy"
        )
}
