//! What happened around one moment: the journal's lines, short, for `faultline show`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use faultline_proto::names::RegionName;
use serde_json::Value;

use super::Summary;
use crate::clock::{SimTime, Span};
use crate::journal::event::{CallAnswered, Event, Expectation, MessageSent, Outcome, What};

/// Tells the events from `around` before to `around` after `at`, which counts from the
/// scenario's own zero.
#[must_use]
pub fn tell(summary: &Summary, events: &[Event], at: Span, around: Span) -> String {
    let middle = summary.zero + at;
    let (from, to) = (SimTime(middle.0.saturating_sub(around.0)), middle + around);
    let mut out = String::new();
    for event in events
        .iter()
        .filter(|event| event.t >= from && event.t <= to)
    {
        let _ = writeln!(
            out,
            "{:>10}  {:>6}  {}",
            summary.at(event.t),
            event.n,
            line(&event.what)
        );
    }
    if out.is_empty() {
        let _ = writeln!(
            out,
            "nothing happened between {} and {}",
            summary.at(from),
            summary.at(to)
        );
    }
    out
}

/// One event in one line: a word for its kind, and what it says.
#[must_use]
pub fn line(what: &What) -> String {
    let (word, text) = match what {
        What::RunStarted(run) => ("run", format!("{} seed {}", run.name, run.seed)),
        What::World(world) => ("world", format!("{} Regions", world.regions.len())),
        What::SetUpDone => ("set-up", "done".to_owned()),
        What::StepStarted(it) => (
            "step",
            format!("{} begins: {}{}", it.step, it.say.trim(), verb(&it.verb)),
        ),
        What::StepEnded(it) => (
            "step",
            format!("{} {:?} {}", it.step, it.status, it.summary),
        ),
        What::CallSent(it) => (
            "call",
            format!(
                "{} {} {} to {}",
                it.call, it.principal, it.operation, it.region
            ),
        ),
        What::CallAnswered(it) => ("answer", answer(it)),
        What::Audit { region, event, .. } => ("trail", trail(region, event)),
        What::MessageSent(it) => ("message", sent(it)),
        What::MessageDelivered(it) => ("message", format!("{} is in {}", it.message, it.to)),
        What::MessageLost(it) => (
            "message",
            format!("{} is lost on its way to {}", it.message, it.to),
        ),
        What::Note {
            region,
            note,
            fields,
            ..
        } => ("note", noted(region, note, fields)),
        What::Planted {
            region,
            what,
            target,
        } => ("planted", format!("{what} {target} in {region}")),
        What::FaultStarted(it) => ("fault", format!("begins: {}", it.text)),
        What::FaultHealed(it) => ("fault", format!("heals: {}", it.text)),
        What::NodeDied { region, point, .. } => ("node", format!("{region} died ({point})")),
        What::NodeStarted {
            region, last_step, ..
        } => ("node", format!("{region} starts after step {last_step}")),
        What::Expectation(it) => ("expect", expected(it)),
        What::Oracle(it) => (
            "oracle",
            format!("{} {:?} {}", it.oracle, it.judgement, it.because),
        ),
        What::Goal(it) => (
            "goal",
            format!("{} {:?} {}", it.goal, it.judgement, it.measured),
        ),
        What::Verdict(it) => ("verdict", format!("{:?} {}", it.judgement, it.because)),
    };
    format!("{word:<10} {}", text.trim_end())
}

fn answer(call: &CallAnswered) -> String {
    let outcome = match &call.outcome {
        Outcome::Success { .. } => "ok".to_owned(),
        Outcome::Refused(it) => {
            let by = it
                .denial
                .as_ref()
                .map(|denial| format!(" by {}", denial.denied_by));
            format!("{}{}: {}", it.code, by.unwrap_or_default(), it.message)
        }
        Outcome::Unheard {
            code, caused_by, ..
        } => format!("{code}{}", by(caused_by.as_ref())),
    };
    format!(
        "{} {} after {}: {outcome}",
        call.call, call.operation, call.latency
    )
}

fn trail(region: &RegionName, event: &Value) -> String {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    format!(
        "{region} {} by {} {}",
        text("eventName"),
        text("principal"),
        text("errorCode")
    )
}

fn sent(it: &MessageSent) -> String {
    let by = by(it.caused_by.as_ref());
    format!(
        "{} {} > {} {} {} {}{by}",
        it.message, it.from, it.to, it.stream, it.seq, it.fate
    )
}

fn noted(region: &RegionName, note: &str, fields: &BTreeMap<String, String>) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("{region} {note} {}", fields.join(" "))
}

fn expected(it: &Expectation) -> String {
    format!(
        "{} {} after {} tries",
        it.step,
        if it.passed { "came" } else { "failed" },
        it.attempts
    )
}

fn by(cause: Option<&String>) -> String {
    cause
        .map(|cause| format!(" by {cause}"))
        .unwrap_or_default()
}

fn verb(verb: &str) -> String {
    if verb.is_empty() {
        String::new()
    } else {
        format!(" ({verb})")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Summarizer, example};
    use super::*;

    #[test]
    fn it_shows_one_moment_and_no_other() {
        let events = example::journal();
        let summary = Summarizer::of(&events);
        let told = tell(&summary, &events, Span::secs(1), Span::millis(100));
        assert!(
            told.contains("1.000s") && told.contains("2 is lost on its way to us-east-1"),
            "{told}"
        );
        assert!(!told.contains("fault"), "{told}");
        let nothing = tell(&summary, &events, Span::secs(100), Span::ZERO);
        assert!(nothing.starts_with("nothing happened"), "{nothing}");
    }
}
