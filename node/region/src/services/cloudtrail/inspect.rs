//! The question `audit`, which only a simulator can ask: every event of this Region, of all
//! accounts and also data events, with the reasons of each refusal. Oldest first.

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
    rows.sort_by(|(one, _), (other, _)| (one.1, one.2, one.3).cmp(&(other.1, other.2, other.3)));
    let events = rows.iter().filter_map(|(_, row)| answer(&wanted, row));
    Ok(json!({ "events": events.collect::<Vec<_>>() }))
}

fn answer(wanted: &Wanted, row: &TrailRow) -> Option<Value> {
    let event = row.event();
    let denied_by = event
        .denial
        .as_ref()
        .map_or("", |denial| denial.denied_by.as_str());
    let kind = event.category.to_lowercase();
    let same =
        |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    let by = |arn: &String| {
        event.principal == *arn || row.issuer.as_ref().is_some_and(|(role, _)| role == arn)
    };
    let fits = same(&wanted.event_name, &event.event_name)
        && same(&wanted.event_source, &event.event_source)
        && same(&wanted.error_code, &event.error_code)
        && same(&wanted.invoked_by, &event.invoked_by)
        && same(&wanted.denied_by, denied_by)
        && same(&wanted.account, &event.recipient_account)
        && same(&wanted.kind, &kind)
        && wanted.principal.as_ref().is_none_or(by)
        && wanted
            .resource
            .as_ref()
            .is_none_or(|name| event.resources.iter().any(|arn| resource::is(arn, name)))
        && wanted
            .since
            .is_none_or(|since| Timestamp(event.event_time).millis() >= since);
    if !fits {
        return None;
    }
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
        "read_only": event.read_only,
        "kind": kind,
        "resources": event.resources,
        "request_id": event.request_id,
        "call": event.call,
    });
    let members = shown.as_object_mut().expect("an event is an object");
    let mut put = |name: &str, text: &str| {
        if !text.is_empty() {
            members.insert(name.to_owned(), text.into());
        }
    };
    put("access_key", &event.access_key);
    put("invoked_by", &event.invoked_by);
    put("error_code", &event.error_code);
    put("error_message", &event.error_message);
    put(
        "resource",
        event.resources.first().map_or("", String::as_str),
    );
    put("shared_event_id", &event.shared_event_id);
    put("denied_by", denied_by);
    if let Some(denial) = &event.denial {
        put("action", &denial.action);
        put("statement", &denial.statement);
        put("missing", &denial.missing.join("; "));
    }
    for (name, text) in [
        ("request_parameters", &event.request_parameters),
        ("response_elements", &event.response_elements),
        ("additional", &event.additional),
    ] {
        let value = record::parsed(text);
        if !value.is_null() {
            members.insert(name.to_owned(), value);
        }
    }
    Some(shown)
}
