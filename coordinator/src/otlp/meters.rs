//! Metrics of runs, from their journals. Durations are virtual.

use std::collections::BTreeMap;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter};

use crate::clock::SimTime;
use crate::journal::event::{Event, Outcome, What};

/// Buckets of durations in seconds: a hop inside a Region, a hop around the world, timeouts.
const SECONDS: &[f64] = &[
    0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 900.0,
];

/// The instruments.
#[derive(Debug)]
pub struct Meters {
    runs: Counter<u64>,
    simulated: Counter<f64>,
    steps: Counter<u64>,
    calls: Counter<u64>,
    call_duration: Histogram<f64>,
    crossings: Counter<u64>,
    messages: Counter<u64>,
    message_bytes: Counter<u64>,
    message_duration: Histogram<f64>,
    trail: Counter<u64>,
    notes: Counter<u64>,
    faults: Counter<u64>,
    deaths: Counter<u64>,
    oracles: Counter<u64>,
}

impl Meters {
    /// Instruments of `meter`.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        let count = |name: &'static str, about: &'static str| {
            meter.u64_counter(name).with_description(about).build()
        };
        let lasts = |name: &'static str, about: &'static str| {
            meter
                .f64_histogram(name)
                .with_description(about)
                .with_unit("s")
                .with_boundaries(SECONDS.to_vec())
                .build()
        };
        Self {
            runs: count("faultline.runs", "Runs by verdict."),
            simulated: meter
                .f64_counter("faultline.simulated_time")
                .with_description("Virtual time that runs took.")
                .with_unit("s")
                .build(),
            steps: count("faultline.steps", "Steps of scenarios by how they ended."),
            calls: count("faultline.calls", "Calls of clients by what came of them."),
            call_duration: lasts(
                "faultline.call.duration",
                "From the first byte that a client sent to its answer, in virtual time.",
            ),
            crossings: count(
                "faultline.call.cross_region_calls",
                "Messages to other Regions that calls waited for.",
            ),
            messages: count("faultline.messages", "Messages between Regions by fate."),
            message_bytes: count("faultline.message.bytes", "Their payload."),
            message_duration: lasts(
                "faultline.message.duration",
                "From a Region to another, in virtual time.",
            ),
            trail: count("faultline.trail.events", "Lines of the Regions' trails."),
            notes: count("faultline.notes", "What happened inside Regions, by kind."),
            faults: count("faultline.faults", "Faults that began."),
            deaths: count("faultline.node.deaths", "Processes of Regions that died."),
            oracles: count("faultline.oracles", "What oracles said."),
        }
    }

    /// Adds one run.
    pub fn add(&self, events: &[Event]) {
        let mut sent: BTreeMap<u64, (SimTime, Vec<KeyValue>)> = BTreeMap::new();
        for event in events {
            match &event.what {
                What::StepEnded(step) => self.steps.add(1, &[said("status", step.status)]),
                What::CallAnswered(call) => {
                    let outcome = match &call.outcome {
                        Outcome::Success { .. } => "ok",
                        Outcome::Refused(it) => &it.code,
                        Outcome::Unheard { code, .. } => code,
                    };
                    let about = [
                        text("operation", &call.operation),
                        text("region", call.region.as_str()),
                        text("outcome", outcome),
                    ];
                    self.calls.add(1, &about);
                    self.call_duration.record(seconds(call.latency.0), &about);
                    self.crossings.add(call.cross_region_calls.into(), &about);
                }
                What::MessageSent(message) => {
                    let way = vec![
                        text("from", message.from.as_str()),
                        text("to", message.to.as_str()),
                        text("stream", &message.stream),
                    ];
                    self.message_bytes.add(message.bytes, &way);
                    let fated = [&way[..], &[text("fate", &message.fate)]].concat();
                    self.messages.add(1, &fated);
                    sent.entry(message.message).or_insert((event.t, way));
                }
                What::MessageDelivered(arrival) => {
                    if let Some((since, way)) = sent.remove(&arrival.message) {
                        self.message_duration
                            .record(seconds(event.t.since(since).0), &way);
                    }
                }
                What::Audit {
                    region,
                    event: line,
                    ..
                } => {
                    let member = |name: &str| line[name].as_str().unwrap_or_default();
                    let about = [
                        text("region", region.as_str()),
                        text("source", member("eventSource")),
                        text("error", member("errorCode")),
                    ];
                    self.trail.add(1, &about);
                }
                What::Note { region, note, .. } => self
                    .notes
                    .add(1, &[text("region", region.as_str()), text("note", note)]),
                What::FaultStarted(fault) => self.faults.add(1, &[text("fault", &fault.name)]),
                What::NodeDied { region, .. } => {
                    self.deaths.add(1, &[text("region", region.as_str())]);
                }
                What::Oracle(it) => {
                    let about = [text("oracle", &it.oracle), said("judgement", it.judgement)];
                    self.oracles.add(1, &about);
                }
                What::Verdict(it) => self.runs.add(1, &[said("verdict", it.judgement)]),
                _ => {}
            }
        }
        let took = events.last().map_or(0, |event| event.t.0);
        self.simulated.add(seconds(took), &[]);
    }
}

fn text(name: &'static str, value: &str) -> KeyValue {
    KeyValue::new(name, value.to_owned())
}

/// A variant of ours in lower case.
fn said(name: &'static str, value: impl std::fmt::Debug) -> KeyValue {
    KeyValue::new(name, format!("{value:?}").to_lowercase())
}

/// Exact as long as a run is shorter than 285 years.
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
