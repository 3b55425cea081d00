//! Which statements of a set of documents speak to a request.
//!
//! Every document is walked once; the first deny and the best allow are remembered by reference.

use std::borrow::Cow;
use std::sync::Arc;

use super::context::Values;
use super::pattern::Variables;
use super::policy::{DocumentKind, Effect, Policy, Statement};
use super::principals::Naming;
use super::request::Request;

/// A statement and the policy that it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Spoken<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The statement.
    pub statement: &'a Statement,
}

/// What a set of documents says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scan<'a> {
    /// The first statement that denies.
    pub deny: Option<Spoken<'a>>,
    /// The statement that allows by the most direct naming, the first of equals.
    pub allow: Option<Spoken<'a>>,
    /// How the allowing statement names the caller; always direct where nobody is named.
    pub naming: Option<Naming>,
}

/// A request as the documents of one kind see it.
///
/// Key policies know neither the key's tags nor its aliases: those conditions are for IAM
/// policies only (K-232, K-233).
#[derive(Debug, Clone, Copy)]
pub struct Seen<'r, 'a> {
    request: &'r Request<'a>,
    kind: DocumentKind,
}

impl<'r, 'a> Seen<'r, 'a> {
    /// The request as documents of `kind` see it.
    #[must_use]
    pub fn new(request: &'r Request<'a>, kind: DocumentKind) -> Self {
        Self { request, kind }
    }

    /// The values of a condition key in lower case.
    #[must_use]
    pub fn values(&self, key: &str) -> Values<'r> {
        let hidden = self.kind == DocumentKind::Key
            && (key.starts_with("aws:resourcetag/") || key == "kms:resourcealiases");
        if hidden {
            Values::Absent
        } else {
            self.request.values(key)
        }
    }
}

impl Variables for Seen<'_, '_> {
    fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        match self.values(key) {
            Values::One(value) => Some(value),
            Values::Set([value]) => Some(Cow::Borrowed(value)),
            Values::Absent | Values::Set(_) => None,
        }
    }
}

/// Whether and how `statement` names the caller; statements without principals are about their holder.
#[must_use]
pub fn naming(statement: &Statement, request: &Request<'_>) -> Option<Naming> {
    match &statement.principals {
        Some(clause) => clause.names(request.principal),
        None => Some(Naming::Direct),
    }
}

/// Whether `statement` is about the request's action.
#[must_use]
pub fn is_about_action(statement: &Statement, seen: &Seen<'_, '_>) -> bool {
    statement
        .actions
        .as_ref()
        .is_some_and(|actions| actions.matches(seen.request.action, seen))
}

/// Whether `statement` is about the request's resource. A trust policy is about its own role.
#[must_use]
pub fn is_about_resource(statement: &Statement, seen: &Seen<'_, '_>) -> bool {
    match &statement.resources {
        Some(resources) => resources.matches(seen.request.resource, seen),
        None => seen.kind == DocumentKind::Trust,
    }
}

/// How `statement` speaks to the request, if it does.
fn speaks(statement: &Statement, seen: &Seen<'_, '_>) -> Option<Naming> {
    if !is_about_action(statement, seen) {
        return None;
    }
    let naming = naming(statement, seen.request)?;
    let conditions_hold = || {
        statement
            .conditions
            .iter()
            .all(|condition| condition.holds(&seen.values(&condition.key), seen))
    };
    (is_about_resource(statement, seen) && conditions_hold()).then_some(naming)
}

impl<'a> Scan<'a> {
    /// Walks one document.
    #[must_use]
    pub fn one(policy: &'a Policy, request: &Request<'_>) -> Self {
        let mut scan = Self::default();
        scan.add(policy, request);
        scan
    }

    /// Walks several documents as one.
    #[must_use]
    pub fn all(policies: &'a [Arc<Policy>], request: &Request<'_>) -> Self {
        let mut scan = Self::default();
        for policy in policies {
            scan.add(policy, request);
        }
        scan
    }

    fn add(&mut self, policy: &'a Policy, request: &Request<'_>) {
        let seen = Seen::new(request, policy.document.kind);
        for statement in &policy.document.statements {
            let wanted = match statement.effect {
                Effect::Allow => self.naming != Some(Naming::Direct),
                Effect::Deny => self.deny.is_none(),
            };
            if !wanted {
                continue;
            }
            let Some(naming) = speaks(statement, &seen) else {
                continue;
            };
            let spoken = Some(Spoken { policy, statement });
            match statement.effect {
                Effect::Deny => self.deny = spoken,
                Effect::Allow if self.naming.is_none_or(|known| known < naming) => {
                    self.allow = spoken;
                    self.naming = Some(naming);
                }
                Effect::Allow => {}
            }
        }
    }
}
