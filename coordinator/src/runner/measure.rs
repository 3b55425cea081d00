//! What a goal's metric came to, thing by thing, from the journal alone.

use std::collections::BTreeMap;

use faultline_proto::registry::find_verb;
use serde_json::Value;

use crate::clock::{SimTime, Span};
use crate::journal::event::{CallAnswered, Outcome};
use crate::journal::{Event, What};
use crate::scenario::plan::Goal;

/// One thing measured: microseconds, parts per million or a count.
pub(super) type Sample = i64;

/// Every sample of a goal's metric, in the order of the run.
pub(super) fn measure(goal: &Goal, events: &[Event], key: &dyn Fn(&str) -> String) -> Vec<Sample> {
    let start = events
        .iter()
        .position(|event| matches!(event.what, What::SetUpDone));
    let events = start.map_or(&[][..], |start| &events[start..]);
    let quiet = Quiet::of(events);
    let calls = || calls(goal, events, &quiet);
    match goal.metric.name {
        "success_rate" => calls()
            .iter()
            .map(|call| match call.outcome {
                Outcome::Success { .. } => 1_000_000,
                Outcome::Refused(_) | Outcome::Unheard { .. } => 0,
            })
            .collect(),
        "latency" => calls().iter().map(|call| micros(call.latency)).collect(),
        "cross_region_calls" => calls()
            .iter()
            .map(|call| i64::from(call.cross_region_calls))
            .collect(),
        "replication_lag" => lags(goal, events, &quiet, key),
        "replication_backlog" => backlog(goal, events).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn text<'a>(goal: &'a Goal, name: &str) -> Option<&'a str> {
    goal.filter.get(name).and_then(Value::as_str)
}

fn micros(span: Span) -> Sample {
    i64::try_from(span.0).unwrap_or(i64::MAX)
}

/// When faults were in force.
struct Quiet(Vec<(SimTime, SimTime)>);

impl Quiet {
    fn of(events: &[Event]) -> Self {
        let mut open: BTreeMap<u64, SimTime> = BTreeMap::new();
        let mut spans = Vec::new();
        for event in events {
            match &event.what {
                What::FaultStarted(fault) => {
                    open.insert(fault.fault, event.t);
                }
                What::FaultHealed(fault) => {
                    if let Some(since) = open.remove(&fault.fault) {
                        spans.push((since, event.t));
                    }
                }
                _ => {}
            }
        }
        spans.extend(open.into_values().map(|since| (since, SimTime::NEVER)));
        Self(spans)
    }

    /// Whether what lasted from one time to another is meant by `while:`.
    fn fits(&self, wanted: Option<&str>, from: SimTime, to: SimTime) -> bool {
        let disturbed = self
            .0
            .iter()
            .any(|(since, until)| from <= *until && to >= *since);
        match wanted {
            Some("no_faults") => !disturbed,
            Some("faults") => disturbed,
            _ => true,
        }
    }
}

/// The calls of steps that a goal is about.
fn calls<'a>(goal: &Goal, events: &'a [Event], quiet: &Quiet) -> Vec<&'a CallAnswered> {
    let operation =
        text(goal, "operation").map(|verb| find_verb(verb).map_or(verb, |operation| operation.id));
    let fits = |event: &'a Event| match &event.what {
        What::CallAnswered(call) if !call.step.is_empty() => {
            let sent = SimTime(event.t.0.saturating_sub(call.latency.0));
            let meant = operation.is_none_or(|operation| call.operation == operation)
                && text(goal, "principal").is_none_or(|who| call.principal == who)
                && text(goal, "region").is_none_or(|region| call.region.as_str() == region)
                && quiet.fits(text(goal, "while"), sent, event.t);
            meant.then_some(call)
        }
        _ => None,
    };
    let all = events.iter().filter_map(fits);
    let each_step = |keep_last: bool| {
        let mut order = Vec::new();
        let mut kept: BTreeMap<(&str, &str), &CallAnswered> = BTreeMap::new();
        for call in all.clone() {
            let key = (call.step.as_str(), call.operation.as_str());
            if !kept.contains_key(&key) {
                order.push(key);
            } else if !keep_last {
                continue;
            }
            kept.insert(key, call);
        }
        order
            .iter()
            .filter_map(|key| kept.get(key).copied())
            .collect()
    };
    match text(goal, "attempt") {
        Some("first") => each_step(false),
        Some("last") => each_step(true),
        _ => all.collect(),
    }
}

/// How long records took, as the Regions note it.
fn lags(goal: &Goal, events: &[Event], quiet: &Quiet, key: &dyn Fn(&str) -> String) -> Vec<Sample> {
    let wanted = [
        ("table", text(goal, "table").map(str::to_owned)),
        ("bucket", text(goal, "bucket").map(str::to_owned)),
        ("key_id", text(goal, "key").map(key)),
        ("to", text(goal, "to").map(str::to_owned)),
        ("outcome", text(goal, "outcome").map(str::to_owned)),
    ];
    let fits = |event: &Event| match &event.what {
        What::Note { note, fields, .. } if note == "replicated" => {
            let meant = wanted.iter().all(|(name, wanted)| {
                wanted
                    .as_ref()
                    .is_none_or(|wanted| fields.get(*name) == Some(wanted))
            });
            let lag: u64 = fields.get("lag_us")?.parse().ok()?;
            let began = SimTime(event.t.0.saturating_sub(lag));
            (meant && quiet.fits(text(goal, "while"), began, event.t)).then_some(micros(Span(lag)))
        }
        _ => None,
    };
    events.iter().filter_map(fits).collect()
}

/// The most envelopes of one link and stream that waited at one moment.
fn backlog(goal: &Goal, events: &[Event]) -> Option<Sample> {
    let table = text(goal, "table").map(|name| format!("dynamodb/{name}"));
    let bucket = text(goal, "bucket").map(|_| "s3".to_owned());
    let key = text(goal, "key").map(|_| "kms".to_owned());
    let stream = table.or(bucket).or(key);
    let mut sent: BTreeMap<(String, String, String), (u64, u64)> = BTreeMap::new();
    let mut acks: BTreeMap<u64, ((String, String, String), u64)> = BTreeMap::new();
    let mut most = None;
    for event in events {
        match &event.what {
            What::MessageSent(message) => {
                let (from, to) = (message.from.to_string(), message.to.to_string());
                let way = (from.clone(), to.clone(), message.stream.clone());
                acks.insert(
                    message.message,
                    ((to, from, message.stream.clone()), message.ack),
                );
                let fits = stream
                    .as_ref()
                    .is_none_or(|stream| message.stream == *stream)
                    && text(goal, "to").is_none_or(|to| message.to.as_str() == to);
                if fits && message.seq > 0 {
                    let state = sent.entry(way).or_insert((message.seq - 1, 0));
                    state.0 = state.0.max(message.seq);
                    let waiting = state.0.saturating_sub(state.1);
                    let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
                    most = most.max(Some(waiting));
                }
            }
            What::MessageDelivered(arrival) => {
                if let Some((way, ack)) = acks.get(&arrival.message)
                    && let Some(state) = sent.get_mut(way)
                {
                    state.1 = state.1.max(*ack);
                }
            }
            _ => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_asks_for_the_whole_time() {
        let quiet = Quiet(vec![(SimTime(10), SimTime(20))]);
        for (wanted, from, to, fits) in [
            (Some("no_faults"), 0, 9, true),
            (Some("no_faults"), 0, 15, false),
            (Some("faults"), 15, 30, true),
            (Some("faults"), 21, 30, false),
            (None, 15, 16, true),
        ] {
            assert_eq!(quiet.fits(wanted, SimTime(from), SimTime(to)), fits);
        }
    }
}
