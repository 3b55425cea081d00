//! Policies of advanced parameters (SEC-040, SEC-041).
//!
//! AWS looks for what is due now and then; here it looks every ten minutes. What it did stands in
//! the journal and in `look.parameter_events`, where AWS would send an event to EventBridge.

use faultline_proto::codec::time;
use faultline_proto::names::{AccountId, Elapsed};
use serde_json::{Map, Value};

use super::error::Error;
use super::keyspaces::{Does, EventRow, Events, ParameterRow, Parameters, PolicyRow};
use super::{delete, names};
use crate::context::{Ctx, encode};
use crate::store::Range;

/// Most policies of a parameter.
const MOST: usize = 10;
/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;
/// Microseconds between two looks.
const LOOK: u64 = 600_000_000;

/// Word for what a policy does.
#[must_use]
pub fn word(does: Does) -> &'static str {
    match does {
        Does::Expire(_) => "Expiration",
        Does::TellBefore(_) => "ExpirationNotification",
        Does::TellUnchanged(_) => "NoChangeNotification",
    }
}

/// Reads the policies that a request brings; an empty list takes them away.
///
/// # Errors
/// SEC-040.
pub fn read(text: &str) -> Result<Vec<PolicyRow>, Error> {
    let broken = || Error::PolicyAttribute("the policies are no JSON list".to_owned());
    let given: Value = serde_json::from_str(text).map_err(|_| broken())?;
    let given = match given {
        Value::Array(all) => all,
        Value::Object(one) if one.is_empty() => Vec::new(),
        one @ Value::Object(_) => vec![one],
        _ => return Err(broken()),
    };
    let given: Vec<Value> = given
        .into_iter()
        .filter(|one| one.as_object().is_none_or(|one| !one.is_empty()))
        .collect();
    if given.len() > MOST {
        return Err(Error::TooManyPolicies);
    }
    let policies: Vec<PolicyRow> = given.iter().map(one).collect::<Result<_, _>>()?;
    let expirations = policies
        .iter()
        .filter(|policy| matches!(policy.does, Does::Expire(_)))
        .count();
    if expirations > 1 {
        return Err(Error::Incompatible("There are two Expiration policies."));
    }
    let tells = policies
        .iter()
        .any(|policy| matches!(policy.does, Does::TellBefore(_)));
    if tells && expirations == 0 {
        return Err(Error::Incompatible(
            "An ExpirationNotification needs an Expiration policy.",
        ));
    }
    Ok(policies)
}

fn one(policy: &Value) -> Result<PolicyRow, Error> {
    let kind = policy.get("Type").and_then(Value::as_str);
    let empty = Map::new();
    let attributes = policy
        .get("Attributes")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let text = |name: &str| attributes.get(name).and_then(Value::as_str);
    let invalid = |name: &str| Error::PolicyAttribute(name.to_owned());
    let span = |name: &str| {
        let number: i64 = text(name)
            .and_then(|text| text.parse().ok())
            .filter(|number| *number > 0)
            .ok_or_else(|| invalid(name))?;
        match text("Unit") {
            Some("Days") => Ok(number * 24 * HOUR),
            Some("Hours") => Ok(number * HOUR),
            _ => Err(invalid("Unit")),
        }
    };
    let does = match kind {
        Some("Expiration") => {
            let at = text("Timestamp").and_then(time::from_iso);
            Does::Expire(at.ok_or_else(|| invalid("Timestamp"))?)
        }
        Some("ExpirationNotification") => Does::TellBefore(span("Before")?),
        Some("NoChangeNotification") => Does::TellUnchanged(span("After")?),
        _ => return Err(Error::PolicyType),
    };
    if policy.get("Version").and_then(Value::as_str) != Some("1.0") {
        return Err(invalid("Version"));
    }
    Ok(PolicyRow {
        text: policy.to_string(),
        does,
        has_told: false,
    })
}

fn expiration(row: &ParameterRow) -> Option<i64> {
    row.policies.iter().find_map(|policy| match policy.does {
        Does::Expire(at) => Some(at),
        Does::TellBefore(_) | Does::TellUnchanged(_) => None,
    })
}

/// When a policy is due, milliseconds since 1970.
fn due_at(row: &ParameterRow, policy: &PolicyRow, modified: i64) -> Option<i64> {
    match policy.does {
        Does::Expire(at) => Some(at),
        Does::TellBefore(span) => expiration(row).map(|at| at - span),
        Does::TellUnchanged(span) => Some(modified + span),
    }
}

/// Says when a parameter is looked at next: at the first look after something is due.
pub fn schedule(
    ctx: &mut Ctx<'_>,
    account: &AccountId,
    name: &str,
    row: &ParameterRow,
    modified: i64,
) {
    let next = row
        .policies
        .iter()
        .filter(|policy| !policy.has_told)
        .filter_map(|policy| due_at(row, policy, modified))
        .min();
    let Some(next) = next else { return };
    let wait = u64::try_from(next - ctx.now().millis()).unwrap_or_default();
    let at = ctx.elapsed().0.saturating_add(wait.saturating_mul(1_000));
    let at = Elapsed(at.saturating_add(1).div_ceil(LOOK).saturating_mul(LOOK));
    ctx.schedule("ssm", at, "look", encode(&(account, name, row.born)));
}

/// A look at a parameter.
pub(super) fn look(ctx: &mut Ctx<'_>, account: &AccountId, name: &str, born: u64) {
    let Some(mut row) = ctx.get::<Parameters>((account, name)) else {
        return;
    };
    if row.born != born {
        return;
    }
    let named = names::Named {
        account: account.clone(),
        name: name.to_owned(),
        selector: None,
    };
    let Some(version) = names::version_of(ctx, &named, row.versions.1) else {
        return;
    };
    let now = ctx.now().millis();
    let mut told = Vec::new();
    let before = row.clone();
    for policy in &mut row.policies {
        let is_due = due_at(&before, policy, version.modified).is_some_and(|at| at <= now);
        if is_due && !policy.has_told {
            policy.has_told = true;
            told.push(policy.does);
        }
    }
    for does in &told {
        tell(ctx, account, name, word(*does));
    }
    if told.iter().any(|does| matches!(does, Does::Expire(_))) {
        delete::erase(ctx, account, name, &row);
        return;
    }
    ctx.put::<Parameters>((account, name), &row);
    schedule(ctx, account, name, &row, version.modified);
}

fn tell(ctx: &mut Ctx<'_>, account: &AccountId, name: &str, policy: &str) {
    let last = ctx.first(Range::<Events>::under((account,)).reversed());
    let number = last.map_or(0, |((_, number), _)| number + 1);
    let event = EventRow {
        name: name.to_owned(),
        policy: policy.to_owned(),
        at: ctx.now().millis(),
    };
    ctx.put::<Events>((account, number), &event);
    let arn = names::arn(ctx, account, name);
    ctx.note("parameter_policy", &[("arn", &arn), ("policy", policy)]);
}
