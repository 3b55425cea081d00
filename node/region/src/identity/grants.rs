//! KMS grants as the evaluator sees them.
//!
//! A grant can only allow; an explicit deny in any policy beats it (K-195).

use std::collections::BTreeMap;

use faultline_proto::names::AccountId;

use super::request::{Principal, Request};
use crate::mutants::{self, Mutant};

/// What a grant demands of the encryption context (K-198: case-sensitive, order irrelevant).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextConstraint<'a> {
    /// Nothing.
    None,
    /// Exactly these pairs (`EncryptionContextEquals`).
    Equals(&'a BTreeMap<String, String>),
    /// At least these pairs (`EncryptionContextSubset`).
    Subset(&'a BTreeMap<String, String>),
}

/// One grant on the key that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct GrantView<'a> {
    /// The grant's id.
    pub id: &'a str,
    /// Who may: the ARN of an account, user, role or session, or a service's name.
    pub grantee: &'a str,
    /// Who may retire it, in the same forms.
    pub retiring: Option<&'a str>,
    /// The account whose principal made the grant.
    pub issuing_account: &'a AccountId,
    /// Operations in AWS's spelling without a prefix, `GenerateDataKey`.
    pub operations: &'a [String],
    /// What the encryption context must be.
    pub context: ContextConstraint<'a>,
    /// The `SourceArn` constraint (K-200).
    pub source_arn: Option<&'a str>,
    /// Whether the grant has become effective everywhere (K-203).
    pub propagated: bool,
    /// Whether the request presents the grant's token.
    pub presented: bool,
}

/// What a `CreateGrant` request would grant; a creator who is only a grantee may pass on no more
/// than it has (K-201).
#[derive(Debug, Clone, Copy)]
pub struct ProposedGrant<'a> {
    /// Operations in AWS's spelling without a prefix.
    pub operations: &'a [String],
    /// Its constraint.
    pub context: ContextConstraint<'a>,
}

impl ContextConstraint<'_> {
    fn admits(self, given: Option<&BTreeMap<String, String>>) -> bool {
        let holds = |wanted: &BTreeMap<String, String>| {
            wanted
                .iter()
                .all(|(key, value)| given.and_then(|given| given.get(key)) == Some(value))
        };
        match self {
            Self::None => true,
            Self::Subset(wanted) => holds(wanted),
            Self::Equals(wanted) => given.map_or(0, BTreeMap::len) == wanted.len() && holds(wanted),
        }
    }

    /// Whether everything that `child` admits is admitted here too: Subset may become Equals, never
    /// the reverse (K-201).
    #[must_use]
    pub fn is_at_least_as_wide_as(self, child: ContextConstraint<'_>) -> bool {
        match (self, child) {
            (Self::None, _) => true,
            (Self::Equals(own), ContextConstraint::Equals(other)) => own == other,
            (
                Self::Subset(own),
                ContextConstraint::Equals(other) | ContextConstraint::Subset(other),
            ) => own.iter().all(|(key, value)| other.get(key) == Some(value)),
            (Self::Equals(_), ContextConstraint::Subset(_)) | (_, ContextConstraint::None) => false,
        }
    }
}

impl GrantView<'_> {
    /// Whether the grant allows the request (7.1, rules 6c and 7c).
    #[must_use]
    pub fn covers(&self, request: &Request<'_>) -> bool {
        let Some(operation) = request.action.strip_prefix("kms:") else {
            return false;
        };
        (self.propagated || self.presented)
            && (self.operations.iter().any(|own| own == operation)
                || mutants::is(Mutant::GrantForEverything))
            && (is_meant(self.grantee, request.principal) || mutants::is(Mutant::GrantForEverybody))
            && self.source_matches(request)
            && self.context_matches(operation, request)
    }

    fn source_matches(&self, request: &Request<'_>) -> bool {
        self.source_arn
            .is_none_or(|wanted| request.values("aws:sourcearn").any(|given| given == wanted))
    }

    fn context_matches(&self, operation: &str, request: &Request<'_>) -> bool {
        match operation {
            // K-199; GetPublicKey belongs to keys that cannot have the constraint.
            "DescribeKey" | "RetireGrant" | "GetPublicKey" => true,
            "CreateGrant" => request.proposed_grant.is_some_and(|child| {
                child
                    .operations
                    .iter()
                    .all(|operation| self.operations.contains(operation))
                    && self.context.is_at_least_as_wide_as(child.context)
            }),
            _ => self.context.admits(request.encryption_context),
        }
    }
}

/// Whether a grant's principal text means the caller: itself, its role, or its account.
fn is_meant(text: &str, caller: &Principal) -> bool {
    match caller {
        Principal::Root { arn, account } => text == arn.as_str() || text == account.as_str(),
        Principal::User { arn, account, .. } => text == arn.as_str() || is_account(text, account),
        Principal::Role {
            arn, role, account, ..
        } => text == arn.as_str() || text == role.as_str() || is_account(text, account),
        Principal::Service { name } => text == &**name,
        Principal::Anonymous => false,
    }
}

fn is_account(text: &str, account: &AccountId) -> bool {
    text == account.as_str()
        || text
            .strip_prefix("arn:aws:iam::")
            .and_then(|rest| rest.strip_suffix(":root"))
            == Some(account.as_str())
}

/// Why a caller may retire a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MayRetire {
    /// As the retiring principal, the grantee with `RetireGrant`, or root of the issuing account.
    Itself,
    /// Only if its own policies allow: its account is the retiring principal (K-206).
    ThroughItsAccount,
    /// Not at all.
    No,
}

/// Who may retire `grant` (K-205, K-206): key policies have no say.
#[must_use]
pub fn may_retire(grant: &GrantView<'_>, caller: &Principal) -> MayRetire {
    let is_issuer_root =
        matches!(caller, Principal::Root { account, .. } if account == grant.issuing_account);
    let grantee_may = is_meant(grant.grantee, caller)
        && grant
            .operations
            .iter()
            .any(|operation| operation == "RetireGrant");
    let retiring = grant.retiring.filter(|text| is_meant(text, caller));
    match retiring {
        _ if is_issuer_root || grantee_may => MayRetire::Itself,
        Some(text)
            if caller
                .account()
                .is_some_and(|account| is_account(text, account)) =>
        {
            match caller {
                Principal::Root { .. } => MayRetire::Itself,
                _ => MayRetire::ThroughItsAccount,
            }
        }
        Some(_) => MayRetire::Itself,
        None => MayRetire::No,
    }
}
