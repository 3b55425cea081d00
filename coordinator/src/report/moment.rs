//! What happened around one moment: the journal's lines, short, for `faultline show`.

use std::fmt::Write as _;

use super::Summary;
use crate::clock::{SimTime, Span};
use crate::journal::event::{Event, Outcome, What};

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

/// One event in one line.
#[must_use]
pub fn line(what: &What) -> String {
    match what {
        What::RunStarted(run) => format!("run        {} seed {}", run.name, run.seed),
        What::World(world) => format!("world      {} Regions", world.regions.len()),
        What::SetUpDone => "set-up     done".to_owned(),
        What::StepStarted(step) => format!(
            "step       {} begins: {}{}",
            step.step,
            step.say.trim(),
            verb(&step.verb)
        ),
        What::StepEnded(step) => format!(
            "step       {} {:?} {}",
            step.step, step.status, step.summary
        ),
        What::CallSent(call) => {
            format!(
                "call       {} {} {} to {}",
                call.call, call.principal, call.operation, call.region
            )
        }
        What::CallAnswered(call) => {
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
                } => {
                    let by = caused_by
                        .as_ref()
                        .map(|by| format!(" by {by}"))
                        .unwrap_or_default();
                    format!("{code}{by}")
                }
            };
            format!(
                "answer     {} {} after {}: {outcome}",
                call.call, call.operation, call.latency
            )
        }
        What::Audit { region, event } => {
            let text = |name: &str| {
                event
                    .get(name)
                    .and_then(|value| value.as_str())
                    .unwrap_or_default()
            };
            let (name, who, error) = (text("eventName"), text("principal"), text("errorCode"));
            format!("trail      {region} {name} by {who} {error}")
                .trim_end()
                .to_owned()
        }
        What::MessageSent(message) => {
            let by = message
                .caused_by
                .as_ref()
                .map(|by| format!(" by {by}"))
                .unwrap_or_default();
            let (from, to, stream, seq) =
                (&message.from, &message.to, &message.stream, message.seq);
            format!(
                "message    {} {from} > {to} {stream} {seq} {}{by}",
                message.message, message.fate
            )
        }
        What::MessageDelivered(arrival) => {
            format!("message    {} is in {}", arrival.message, arrival.to)
        }
        What::MessageLost(arrival) => format!(
            "message    {} is lost on its way to {}",
            arrival.message, arrival.to
        ),
        What::Note {
            region,
            note,
            fields,
        } => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            format!("note       {region} {note} {}", fields.join(" "))
        }
        What::FaultStarted(fault) => format!("fault      begins: {}", fault.text),
        What::FaultHealed(fault) => format!("fault      heals: {}", fault.text),
        What::NodeDied { region, point, .. } => format!("node       {region} died ({point})"),
        What::NodeStarted {
            region, last_step, ..
        } => format!("node       {region} starts after step {last_step}"),
        What::Expectation(it) => {
            format!(
                "expect     {} {} after {} tries",
                it.step,
                if it.passed { "came" } else { "failed" },
                it.attempts
            )
        }
        What::Oracle(oracle) => format!(
            "oracle     {} {:?} {}",
            oracle.oracle, oracle.judgement, oracle.because
        ),
        What::Goal(goal) => format!(
            "goal       {} {:?} {}",
            goal.goal, goal.judgement, goal.measured
        ),
        What::Verdict(verdict) => format!("verdict    {:?} {}", verdict.judgement, verdict.because),
    }
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
