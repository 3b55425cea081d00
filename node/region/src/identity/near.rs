//! Statements that almost allowed: all but one facet fits, and that one is said.
//!
//! Only refusals pay for this second walk.

use std::sync::Arc;

use super::condition::Condition;
use super::context::Values;
use super::evaluate::{Gap, Policies, ResourcePolicy};
use super::policy::{Effect, Matcher, Policy, Statement};
use super::principals::{PrincipalClause, PrincipalName};
use super::reasons::StatementName;
use super::request::Request;
use super::scan::{self, Seen, Spoken};

/// The near misses in the policies that left a gap.
pub(super) fn misses(request: &Request<'_>, policies: &Policies<'_>, gaps: &[Gap]) -> Vec<String> {
    let mut found = Vec::new();
    for gap in gaps {
        let (plain, concerned): (&str, Vec<&Policy>) = match gap {
            Gap::Resource => match policies.resource {
                ResourcePolicy::None => continue,
                ResourcePolicy::Key(policy) => ("key policy", vec![policy]),
                ResourcePolicy::Trust(policy) => ("trust policy", vec![policy]),
                ResourcePolicy::Bucket(policy) => ("bucket policy", policy.into_iter().collect()),
                ResourcePolicy::Other(policy) => ("resource policy", policy.into_iter().collect()),
            },
            Gap::Identity => (
                "identity policy",
                policies.identity.iter().map(Arc::as_ref).collect(),
            ),
            Gap::Boundary => (
                "permissions boundary",
                policies.boundary.into_iter().collect(),
            ),
            Gap::Session => (
                "session policy",
                policies.session.iter().map(Arc::as_ref).collect(),
            ),
            Gap::ServiceControl(level) => {
                ("service control policy", at(policies.scp_levels, *level))
            }
            Gap::ResourceControl(level) => {
                ("resource control policy", at(policies.rcp_levels, *level))
            }
            Gap::Endpoint => (
                "VPC endpoint policy",
                policies.endpoint.into_iter().collect(),
            ),
            Gap::NotAcrossAccounts | Gap::Retiring => continue,
        };
        for policy in concerned {
            for statement in &policy.document.statements {
                if let Some(miss) = miss(statement, policy, request) {
                    let name = StatementName::of(&Spoken { policy, statement });
                    found.push(format!("{plain}: {name} {miss}"));
                }
            }
        }
    }
    found
}

fn at(levels: &[Vec<Arc<Policy>>], level: usize) -> Vec<&Policy> {
    levels
        .get(level)
        .into_iter()
        .flatten()
        .map(Arc::as_ref)
        .collect()
}

fn miss(statement: &Statement, policy: &Policy, request: &Request<'_>) -> Option<String> {
    if statement.effect == Effect::Deny {
        return None;
    }
    let seen = Seen::new(request, policy.document.kind);
    let failing: Vec<&Condition> = statement
        .conditions
        .iter()
        .filter(|condition| !condition.holds(&seen.values(&condition.key), &seen))
        .collect();
    let named = scan::naming(statement, request).is_some();
    let action = scan::is_about_action(statement, &seen);
    let resource = scan::is_about_resource(statement, &seen);
    match (named, action, resource, failing.as_slice()) {
        (false, true, true, []) => Some(format!(
            "names {}",
            principals(statement.principals.as_ref())
        )),
        (true, false, true, []) => Some(format!(
            "is about {}",
            text(statement.actions.as_ref(), "no action")
        )),
        (true, true, false, []) => Some(format!(
            "is about {}",
            text(statement.resources.as_ref(), "no resource")
        )),
        (true, true, true, [first, ..]) => {
            Some(format!("would allow, but {}", condition(first, &seen)))
        }
        _ => None,
    }
}

fn principals(clause: Option<&PrincipalClause>) -> String {
    let (word, entries) = match clause {
        None => return "nobody".to_owned(),
        Some(PrincipalClause::Is(entries)) => ("", entries),
        Some(PrincipalClause::IsNot(entries)) => ("all but ", entries),
    };
    let texts: Vec<&str> = entries.iter().map(PrincipalName::text).collect();
    format!("{word}{}", texts.join(", "))
}

fn text(matcher: Option<&Matcher>, nothing: &str) -> String {
    matcher.map_or_else(|| nothing.to_owned(), Matcher::text)
}

fn condition(condition: &Condition, seen: &Seen<'_, '_>) -> String {
    let given = match seen.values(&condition.key) {
        Values::Absent => format!("the request has no {}", condition.written_key),
        Values::One(value) => format!("the request has {value}"),
        Values::Set(values) => format!("the request has {}", values.join(", ")),
    };
    let (operator, key) = (&condition.operator, &condition.written_key);
    format!(
        "its condition {operator} {key} {} does not hold: {given}",
        condition.values.join(", ")
    )
}
