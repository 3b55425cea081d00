//! The question `audit`, which only a simulator can ask: every event of this Region, of all
//! accounts and also data events, with the reasons of each refusal. Oldest first.

use faultline_proto::driving::AuditEvent;
use faultline_proto::names::Timestamp;
use serde_json::{Value, json};

use super::keyspaces::{Data, Management, TrailKey, TrailRow};
use super::{record, resource};
use crate::context::Ctx;
use crate::store::Range;

/// What is asked for; every member narrows.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    event_name: Option<String>,
    event_source: Option<String>,
    /// An ARN; a role's ARN finds its sessions.
    principal: Option<String>,
    /// An ARN, or its last part.
    resource: Option<String>,
    error_code: Option<String>,
    invoked_by: Option<String>,
    denied_by: Option<String>,
    /// Whose trail.
    account: Option<String>,
    /// `management` or `data`.
    kind: Option<String>,
    /// Wall milliseconds, included.
    since: Option<i64>,
}

/// Answers `{"events": [...]}`.
pub(super) fn audit(ctx: &mut Ctx<'_>, arguments: &Value) -> Result<Value, String> {
    let wanted: Wanted =
        serde_json::from_value(arguments.clone()).map_err(|error| format!("audit: {error}"))?;
    let mut rows: Vec<(TrailKey, TrailRow)> = ctx.all(Range::<Management>::all());
    rows.extend(ctx.all(Range::<Data>::all()));
    rows.sort_by_key(|((_, time, step, position), _)| (*time, *step, *position));
    let events = rows.iter().filter_map(|(_, row)| answer(&wanted, row));
    Ok(json!({ "events": events.collect::<Vec<_>>() }))
}

fn answer(wanted: &Wanted, row: &TrailRow) -> Option<Value> {
    let event = row.event();
    wanted
        .admits(&event, row.issuer.as_ref())
        .then(|| shown(&event))
}

impl Wanted {
    fn admits(&self, event: &AuditEvent, issuer: Option<&(String, String)>) -> bool {
        let same = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        let by =
            |arn: &String| event.principal == *arn || issuer.is_some_and(|(role, _)| role == arn);
        let touched = |name: &String| event.resources.iter().any(|arn| resource::is(arn, name));
        same(&self.event_name, &event.event_name)
            && same(&self.event_source, &event.event_source)
            && same(&self.error_code, &event.error_code)
            && same(&self.invoked_by, &event.invoked_by)
            && same(&self.denied_by, denied_by(event))
            && same(&self.account, &event.recipient_account)
            && same(&self.kind, &event.category.to_lowercase())
            && self.principal.as_ref().is_none_or(by)
            && self.resource.as_ref().is_none_or(touched)
            && self
                .since
                .is_none_or(|since| Timestamp(event.event_time).millis() >= since)
    }
}

fn denied_by(event: &AuditEvent) -> &str {
    event
        .denial
        .as_ref()
        .map_or("", |denial| denial.denied_by.as_str())
}

/// The event with every member that says something.
fn shown(event: &AuditEvent) -> Value {
    let denial = event.denial.clone().unwrap_or_default();
    let mut shown = json!({
        "event_id": event.event_id,
        "event_name": event.event_name,
        "event_source": event.event_source,
        "event_time": Timestamp(event.event_time).millis(),
        "region": event.region,
        "account": event.recipient_account,
        "principal": event.principal,
        "principal_account": event.account,
        "identity_type": event.identity_type,
        "access_key": event.access_key,
        "invoked_by": event.invoked_by,
        "read_only": event.read_only,
        "kind": event.category.to_lowercase(),
        "error_code": event.error_code,
        "error_message": event.error_message,
        "resource": event.resources.first(),
        "resources": event.resources,
        "request_parameters": record::parsed(&event.request_parameters),
        "response_elements": record::parsed(&event.response_elements),
        "additional": record::parsed(&event.additional),
        "shared_event_id": event.shared_event_id,
        "request_id": event.request_id,
        "call": event.call,
        "denied_by": denied_by(event),
        "action": denial.action,
        "statement": denial.statement,
        "missing": denial.missing.join("; "),
    });
    if let Some(members) = shown.as_object_mut() {
        members.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
    }
    shown
}
