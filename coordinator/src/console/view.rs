//! A run as the page reads it: what can be drawn, and no more.

use faultline_proto::names::RegionName;
use serde_json::{Value, json};

use crate::clock::SimTime;
use crate::journal::event::{Event, Judgement, Outcome, What};
use crate::network::distances::default_link;
use crate::report::picture;
use crate::report::summary::{Summarizer, Summary};

/// Most events that are shown; the rest is counted.
pub const MOST: usize = 10_000;

/// The view of a run.
#[must_use]
pub fn view(events: &[Event]) -> Value {
    let summary = Summarizer::of(events);
    let mut shown: Vec<Value> = Vec::new();
    let mut left_out = 0_u64;
    for event in events {
        if let Some(mut value) = one(&event.what) {
            if shown.len() == MOST {
                left_out += 1;
                continue;
            }
            value["t"] = json!(relative(event.t, summary.zero));
            value["n"] = json!(event.n);
            shown.push(value);
        }
    }
    json!({
        "name": summary.run.name, "title": summary.run.title, "seed": summary.run.seed,
        "source": summary.run.source,
        "verdict": word(summary.judgement), "because": summary.because,
        "end": summary.took().0,
        "regions": summary.world.regions, "links": links(&summary.world.regions), "keys": keys(&summary),
        "steps": steps(&summary),
        "oracles": summary.oracles.iter().map(|oracle| json!({
            "name": oracle.oracle, "verdict": word(oracle.judgement), "because": oracle.because,
        })).collect::<Vec<_>>(),
        "problems": summary.problems().map(|problem| {
            picture::draw(&summary.run.file, &summary.run.source, problem, false)
        }).collect::<Vec<_>>(),
        "events": shown, "left_out": left_out,
    })
}

/// Microseconds from the scenario's own zero; what came before is at -1.
fn relative(t: SimTime, zero: SimTime) -> i64 {
    if t < zero {
        return -1;
    }
    i64::try_from(t.since(zero).0).unwrap_or(i64::MAX)
}

fn word(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Pass => "pass",
        Judgement::Fail => "fail",
        Judgement::Unknown => "unknown",
        Judgement::Error => "error",
    }
}

/// Every pair of Regions, and how long a message takes between them when nothing is wrong.
pub(super) fn links(regions: &[RegionName]) -> Vec<Value> {
    let mut links = Vec::new();
    for (index, one) in regions.iter().enumerate() {
        for other in &regions[index + 1..] {
            let usual = default_link(one, other).latency.0 / 1000;
            links.push(json!({ "between": [one, other], "usual_ms": usual }));
        }
    }
    links
}

/// Keys of the world by name, with the ARN of each copy.
fn keys(summary: &Summary) -> Vec<Value> {
    let names = summary.world.names.iter();
    names
        .filter(|(_, arns)| arns.first().is_some_and(|arn| arn.contains(":kms:")))
        .map(|(name, arns)| json!({ "name": name, "arns": arns }))
        .collect()
}

fn steps(summary: &Summary) -> Vec<Value> {
    let steps = summary.steps.iter();
    steps
        .map(|line| {
            json!({
                "step": line.step.step, "say": line.step.say, "verb": line.step.verb,
                "region": line.step.region, "principal": line.step.principal,
                "lane": line.step.lane, "line": line.step.line, "why": line.why,
                "began": relative(line.began, summary.zero),
                "ended": relative(line.ended, summary.zero),
                "status": line.status, "summary": line.summary,
            })
        })
        .collect()
}

/// An event that can be drawn or listed.
fn one(what: &What) -> Option<Value> {
    Some(match what {
        What::MessageSent(sent) if !sent.arrives.is_empty() || sent.caused_by.is_some() => json!({
            "kind": "message", "from": sent.from, "to": sent.to, "stream": sent.stream,
            "fate": sent.fate, "ack": sent.seq == 0, "caused_by": sent.caused_by,
        }),
        What::MessageLost(lost) => json!({
            "kind": "lost", "to": lost.to, "caused_by": lost.caused_by,
        }),
        What::CallAnswered(answered) => {
            let (code, caused_by, denied_by) = match &answered.outcome {
                Outcome::Success { .. } => (None, None, None),
                Outcome::Refused(refused) => (
                    Some(&refused.code),
                    refused.caused_by.clone(),
                    refused.denial.as_ref().map(|denial| &denial.denied_by),
                ),
                Outcome::Unheard {
                    code, caused_by, ..
                } => (Some(code), caused_by.clone(), None),
            };
            json!({
                "kind": "call", "operation": answered.operation, "principal": answered.principal,
                "region": answered.region, "step": answered.step, "code": code,
                "caused_by": caused_by, "denied_by": denied_by, "latency": answered.latency.0,
            })
        }
        What::FaultStarted(fault) => json!({
            "kind": "fault", "fault": fault.fault, "name": fault.name, "text": fault.text,
            "regions": fault.regions,
        }),
        What::FaultHealed(fault) => json!({ "kind": "healed", "fault": fault.fault }),
        What::NodeDied { region, .. } => json!({ "kind": "died", "region": region }),
        What::NodeStarted { region, .. } => json!({ "kind": "started", "region": region }),
        What::Note {
            region,
            note,
            fields,
            ..
        } => json!({ "kind": "note", "region": region, "note": note, "fields": fields }),
        _ => return None,
    })
}
