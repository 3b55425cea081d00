//! LookupEvents: the management events of one account in this Region, newest first.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_proto::cloudtrail as api;
use faultline_proto::driving::AuditEvent;
use faultline_proto::names::Timestamp;
use prost::Message as _;

use super::error::CloudTrailError;
use super::keyspaces::{Management, TrailKey, TrailRow};
use super::{record, resource, trail};
use crate::context::{Ctx, decode, encode};
use crate::store::Range;

/// Events in an answer, at most and by default.
const PAGE: i32 = 50;
/// Rows read at a time.
const BATCH: usize = 256;

/// LookupEvents.
pub(super) fn lookup_events(
    ctx: &mut Ctx<'_>,
    request: api::LookupEventsRequest,
) -> Result<api::LookupEventsResponse, CloudTrailError> {
    if request.lookup_attributes.len() > 1 {
        return Err(CloudTrailError::ManyAttributes);
    }
    if request.event_category.is_some() {
        // Insights events are not made, so there are none.
        return Ok(api::LookupEventsResponse::default());
    }
    let (from, to) = times(ctx.now(), &request)?;
    let limit = usize::try_from(request.max_results.unwrap_or(PAGE))
        .unwrap_or(1)
        .max(1);
    let wanted = request.lookup_attributes.first();
    let account = ctx.account().to_string();
    let asked = asked(&request);
    let given = request.next_token.as_deref();
    let given = given.map(|text| open_token(text, &asked)).transpose()?;
    let mut end = match given {
        Some(key) => key,
        None => (account.clone(), Timestamp(to.0.saturating_add(1)), 0, 0),
    };
    end.0.clone_from(&account);
    let mut events = Vec::new();
    loop {
        let range = Range::<Management>::under((&account,))
            .from(&(account.clone(), from, 0, 0))
            .before(&end)
            .reversed();
        let rows = ctx.page(range, BATCH);
        let exhausted = rows.len() < BATCH;
        for (key, row) in rows {
            let event = row.event();
            if wanted.is_none_or(|attribute| has(&event, attribute)) {
                if events.len() == limit {
                    return Ok(api::LookupEventsResponse {
                        events,
                        next_token: Some(token(&end, asked)),
                    });
                }
                events.push(shown(&row, &event));
            }
            end = key;
        }
        if exhausted {
            return Ok(api::LookupEventsResponse {
                events,
                next_token: None,
            });
        }
    }
}

/// First and last moment asked for; milliseconds in the request, microseconds here.
fn times(
    now: Timestamp,
    request: &api::LookupEventsRequest,
) -> Result<(Timestamp, Timestamp), CloudTrailError> {
    let micros = |millis: i64| Timestamp(millis.saturating_mul(1_000));
    let from = request
        .start_time
        .map_or(i64::MIN, |millis| micros(millis).0)
        .max(trail::horizon(now).0);
    let to = request
        .end_time
        .map_or(i64::MAX, |millis| micros(millis).0.saturating_add(999));
    if let (Some(start), Some(end)) = (request.start_time, request.end_time)
        && start > end
    {
        return Err(CloudTrailError::TimeRange);
    }
    Ok((Timestamp(from), Timestamp(to)))
}

/// What a lookup asks for, page by page: "the token must be passed in with the same parameters".
fn asked(request: &api::LookupEventsRequest) -> Vec<u8> {
    let pages = api::LookupEventsRequest {
        next_token: None,
        max_results: None,
        ..request.clone()
    };
    pages.encode_to_vec()
}

fn token(last: &TrailKey, asked: Vec<u8>) -> String {
    STANDARD.encode(encode(&(last, asked)))
}

fn open_token(text: &str, asked: &[u8]) -> Result<TrailKey, CloudTrailError> {
    let bytes = STANDARD
        .decode(text)
        .map_err(|_| CloudTrailError::NextToken)?;
    let (last, before): (TrailKey, Vec<u8>) =
        decode(&bytes).map_err(|_| CloudTrailError::NextToken)?;
    (before == asked)
        .then_some(last)
        .ok_or(CloudTrailError::NextToken)
}

fn has(event: &AuditEvent, attribute: &api::LookupAttribute) -> bool {
    let value = attribute.attribute_value.as_deref().unwrap_or_default();
    match attribute.attribute_key.as_deref().unwrap_or_default() {
        "EventId" => event.event_id == value,
        "EventName" => event.event_name == value,
        "ReadOnly" => event.read_only.to_string() == value,
        "Username" => record::username(event) == value,
        "ResourceType" => event
            .resources
            .iter()
            .any(|arn| resource::kind(arn) == Some(value)),
        "ResourceName" => event.resources.iter().any(|arn| resource::is(arn, value)),
        "EventSource" => event.event_source == value,
        "AccessKeyId" => event.access_key == value,
        _ => false,
    }
}

fn shown(row: &TrailRow, event: &AuditEvent) -> api::Event {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let resources = event.resources.iter().map(|arn| api::Resource {
        resource_type: resource::kind(arn).map(str::to_owned),
        resource_name: Some(arn.clone()),
    });
    api::Event {
        event_id: some(&event.event_id),
        event_name: some(&event.event_name),
        read_only: Some(event.read_only.to_string()),
        access_key_id: some(&event.access_key),
        event_time: Some(Timestamp(event.event_time).millis()),
        event_source: some(&event.event_source),
        username: some(record::username(event)),
        resources: resources.collect(),
        cloud_trail_event: Some(record::of(row, event).to_string()),
    }
}
