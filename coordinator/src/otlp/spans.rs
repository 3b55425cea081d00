//! Spans of a run, from its journal.
//!
//! A step of the scenario is a trace, the run with its set-up and faults is another:
//!
//! ```text
//! step 3.2                        the scenario
//! └ kms.ReplicateKey              the client, until it has its answer
//!   └ call in us-east-1           the Region's step
//!     ├ kms.amazonaws.com ...     a line of its trail, one for each service that took part
//!     └ message kms               the network, from sender to receiver
//!       └ message in eu-west-1    the receiver's step, and so on
//! ```
//!
//! What a timer brings later (`time in ...`) is a child of what set it. A Region's step takes
//! no virtual time, so its span has no length; what it waits for are spans of their own. A
//! step that leaves no line in the journal (a bare acknowledgement) has no span.

use std::collections::BTreeMap;

use faultline_proto::names::RegionName;
use opentelemetry::KeyValue;

use crate::clock::SimTime;
use crate::journal::event::{
    Arrival, CallAnswered, CallSent, Event, FaultEvent, Judgement, MessageSent, Outcome,
    RunStarted, StepEnded, StepStarted, StepStatus, What,
};
use crate::seed::RunSeed;
use crate::trace_context::TraceContext;

/// The service that steps belong to.
pub const SCENARIO: &str = "scenario";
/// The service that calls belong to.
pub const CLIENTS: &str = "clients";

/// Who asks whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Work of one's own.
    Internal,
    /// A client that waits for its answer.
    Client,
    /// A Region's step for somebody else.
    Server,
    /// A message between Regions, which nobody waits for.
    Producer,
}

/// Something that happened while a span lasted.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// When.
    pub t: SimTime,
    /// What, in one word.
    pub name: String,
    /// Its particulars.
    pub attributes: Vec<KeyValue>,
}

/// A span, at simulated times.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Its trace and its own id.
    pub context: TraceContext,
    /// Its parent in the same trace.
    pub parent: Option<TraceContext>,
    /// A Region, [`CLIENTS`] or [`SCENARIO`].
    pub service: String,
    /// What it is.
    pub name: String,
    /// Who asks whom.
    pub kind: Kind,
    /// When it began.
    pub began: SimTime,
    /// When it ended.
    pub ended: SimTime,
    /// Its particulars.
    pub attributes: Vec<KeyValue>,
    /// What happened meanwhile.
    pub moments: Vec<Moment>,
    /// Spans of other traces that it belongs to.
    pub links: Vec<TraceContext>,
    /// What went wrong.
    pub error: Option<String>,
}

/// Turns events into spans, one event after the other.
#[derive(Debug, Default)]
pub struct Spans {
    seed: RunSeed,
    now: SimTime,
    run: Option<Span>,
    steps: BTreeMap<String, Span>,
    calls: BTreeMap<TraceContext, Span>,
    messages: BTreeMap<u64, Span>,
    /// Contexts of messages that arrived at this very moment.
    arrived: BTreeMap<TraceContext, String>,
    /// Steps of Regions at this very moment.
    works: BTreeMap<(RegionName, String), Span>,
    faults: BTreeMap<u64, Span>,
    done: Vec<Span>,
}

impl Spans {
    /// All spans of a journal.
    #[must_use]
    pub fn of(events: &[Event]) -> Vec<Span> {
        let mut spans = Self::default();
        for event in events {
            spans.take(event);
        }
        spans.finish()
    }

    /// Takes one event.
    pub fn take(&mut self, event: &Event) {
        if event.t != self.now {
            self.close_works();
            self.arrived.clear();
            self.now = event.t;
        }
        match &event.what {
            What::RunStarted(run) => self.run_started(run),
            What::StepStarted(step) => self.step_started(step),
            What::StepEnded(step) => self.step_ended(step),
            What::CallSent(call) => self.call_sent(call),
            What::CallAnswered(call) => self.call_answered(call),
            What::MessageSent(message) => self.message_sent(message),
            What::MessageDelivered(arrival) => self.message_arrived(arrival, true),
            What::MessageLost(arrival) => self.message_arrived(arrival, false),
            What::Audit {
                region,
                event: line,
                trace,
            } => self.audited(event.n, region, line, trace),
            What::Note {
                region,
                note,
                fields,
                trace,
            } => {
                let attributes = fields.iter().map(|(name, value)| pair(name, value));
                let moment = self.moment(note, attributes.collect());
                self.work(region, trace).moments.push(moment);
            }
            What::FaultStarted(fault) => self.fault_started(fault),
            What::FaultHealed(fault) => {
                if let Some(span) = self.faults.remove(&fault.fault) {
                    self.end(span);
                }
            }
            What::NodeDied { region, point, .. } => {
                let about = vec![pair("region", region.as_str()), pair("point", point)];
                self.of_run("node died", about);
            }
            What::NodeStarted { region, .. } => {
                self.of_run("node started", vec![pair("region", region.as_str())]);
            }
            What::SetUpDone => self.of_run("set-up done", vec![]),
            What::Oracle(it) => {
                let said = format!("{:?}", it.judgement).to_lowercase();
                let about = vec![pair("about", &it.about), pair("judgement", said)];
                self.of_run(&it.oracle, about);
            }
            What::Goal(it) => {
                let said = format!("{:?}", it.judgement).to_lowercase();
                let about = vec![pair("measured", &it.measured), pair("judgement", said)];
                self.of_run(&it.goal, about);
            }
            What::Verdict(verdict) => {
                let said = format!("{:?}", verdict.judgement).to_lowercase();
                if let Some(run) = &mut self.run {
                    run.attributes.push(pair("faultline.verdict", &said));
                    if verdict.judgement != Judgement::Pass {
                        run.error = Some(said);
                    }
                }
            }
            What::World(_) | What::Planted { .. } | What::Expectation(_) => {}
        }
    }

    /// Nothing more comes: what is still open ends with the run.
    #[must_use]
    pub fn finish(mut self) -> Vec<Span> {
        self.close_works();
        let open = std::mem::take(&mut self.messages)
            .into_values()
            .chain(std::mem::take(&mut self.calls).into_values())
            .chain(std::mem::take(&mut self.steps).into_values());
        for mut span in open.collect::<Vec<_>>() {
            span.error
                .get_or_insert_with(|| "the run ended first".to_owned());
            self.end(span);
        }
        for span in std::mem::take(&mut self.faults).into_values() {
            self.end(span);
        }
        if let Some(run) = self.run.take() {
            self.end(run);
        }
        self.done
    }

    fn open(&self, context: TraceContext, service: &str, name: String, kind: Kind) -> Span {
        Span {
            context,
            parent: None,
            service: service.to_owned(),
            name,
            kind,
            began: self.now,
            ended: self.now,
            attributes: vec![],
            moments: vec![],
            links: vec![],
            error: None,
        }
    }

    fn end(&mut self, mut span: Span) {
        span.ended = self.now;
        self.done.push(span);
    }

    fn moment(&self, name: &str, attributes: Vec<KeyValue>) -> Moment {
        Moment {
            t: self.now,
            name: name.to_owned(),
            attributes,
        }
    }

    fn of_run(&mut self, name: &str, attributes: Vec<KeyValue>) {
        let moment = self.moment(name, attributes);
        if let Some(run) = &mut self.run {
            run.moments.push(moment);
        }
    }

    fn run_started(&mut self, run: &RunStarted) {
        self.seed = RunSeed(run.seed);
        let context = TraceContext::of_run(self.seed);
        let mut span = self.open(
            context,
            SCENARIO,
            format!("run {}", run.name),
            Kind::Internal,
        );
        span.attributes = vec![
            pair("faultline.scenario", &run.name),
            pair("faultline.title", &run.title),
            KeyValue::new("faultline.seed", number(run.seed)),
            pair("faultline.version", &run.version),
        ];
        self.run = Some(span);
    }

    fn step_started(&mut self, step: &StepStarted) {
        let words = if step.say.is_empty() {
            &step.verb
        } else {
            &step.say
        };
        let context = TraceContext::of_step(self.seed, &step.step);
        let name = format!("step {} {words}", step.step);
        let mut span = self.open(
            context,
            SCENARIO,
            name.trim_end().to_owned(),
            Kind::Internal,
        );
        // A step inside a block belongs to the block's step; each is a trace of its own.
        let block = step.step.rsplit_once('.').map_or("", |(block, _)| block);
        span.links = vec![TraceContext::of_step(self.seed, block)];
        span.attributes = vec![
            pair("faultline.step", &step.step),
            KeyValue::new("faultline.line", number(step.line)),
        ];
        for (name, value) in [
            ("faultline.lane", &step.lane),
            ("faultline.verb", &step.verb),
        ] {
            if !value.is_empty() {
                span.attributes.push(pair(name, value));
            }
        }
        self.steps.insert(step.step.clone(), span);
    }

    fn step_ended(&mut self, step: &StepEnded) {
        let Some(mut span) = self.steps.remove(&step.step) else {
            return;
        };
        span.attributes
            .push(pair("faultline.summary", &step.summary));
        span.error = match step.status {
            StepStatus::Passed | StepStatus::Skipped => None,
            StepStatus::Failed => Some(step.summary.clone()),
            StepStatus::Interrupted => Some("interrupted".to_owned()),
        };
        self.end(span);
    }

    /// The context of a call, as its Region was told it.
    fn context_of(&self, step: &str, call: &str) -> TraceContext {
        let number = call.trim_start_matches("call-").parse().unwrap_or_default();
        TraceContext::of_call(self.seed, step, number)
    }

    fn call_sent(&mut self, call: &CallSent) {
        let context = self.context_of(&call.step, &call.call);
        let mut span = self.open(context, CLIENTS, call.operation.clone(), Kind::Client);
        span.parent = Some(TraceContext::of_step(self.seed, &call.step));
        span.attributes = vec![
            pair("rpc.system", "aws-api"),
            pair("rpc.method", &call.operation),
            pair("cloud.region", call.region.as_str()),
            pair("faultline.from", call.from.as_str()),
            pair("faultline.principal", &call.principal),
            KeyValue::new("faultline.attempt", i64::from(call.attempt)),
        ];
        self.calls.insert(context, span);
    }

    fn call_answered(&mut self, call: &CallAnswered) {
        let context = self.context_of(&call.step, &call.call);
        let Some(mut span) = self.calls.remove(&context) else {
            return;
        };
        let crossings = i64::from(call.cross_region_calls);
        span.attributes
            .push(KeyValue::new("faultline.cross_region_calls", crossings));
        let (code, caused_by) = match &call.outcome {
            Outcome::Success { .. } => (None, None),
            Outcome::Refused(it) => (Some(&it.code), it.caused_by.as_ref()),
            Outcome::Unheard {
                code, caused_by, ..
            } => (Some(code), caused_by.as_ref()),
        };
        if let Some(cause) = caused_by {
            span.attributes.push(pair("faultline.caused_by", cause));
        }
        if let Some(code) = code {
            span.attributes.push(pair("error.type", code));
            span.error = Some(code.clone());
        }
        self.end(span);
    }

    fn message_sent(&mut self, message: &MessageSent) {
        let Some(sender) = TraceContext::parse(&message.trace) else {
            return; // A bare acknowledgement.
        };
        let context = sender.child(self.seed, "message", message.message);
        // What was held is sent once more, and its first sending is what counts.
        let mut span = self.messages.remove(&message.message).unwrap_or_else(|| {
            let name = format!("message {}", message.stream);
            self.open(context, message.from.as_str(), name, Kind::Producer)
        });
        span.parent = Some(sender);
        span.error = None;
        span.attributes = vec![
            pair("messaging.system", "faultline"),
            pair("messaging.destination.name", message.to.as_str()),
            pair("faultline.stream", &message.stream),
            KeyValue::new("faultline.seq", number(message.seq)),
            KeyValue::new("messaging.message.body.size", number(message.bytes)),
            pair("faultline.fate", &message.fate),
        ];
        if let Some(cause) = &message.caused_by {
            span.attributes.push(pair("faultline.caused_by", cause));
        }
        if message.fate == "dropped" {
            span.error = Some("dropped".to_owned());
            return self.end(span);
        }
        self.messages.insert(message.message, span);
    }

    fn message_arrived(&mut self, arrival: &Arrival, taken: bool) {
        // A message that arrives twice has one span, until it was first there.
        let Some(mut span) = self.messages.remove(&arrival.message) else {
            return;
        };
        if taken {
            self.arrived.insert(span.context, span.name.clone());
        } else {
            span.error = Some("lost on the way".to_owned());
        }
        if let Some(cause) = &arrival.caused_by {
            span.attributes.push(pair("faultline.caused_by", cause));
        }
        self.end(span);
    }

    fn audited(&mut self, n: u64, region: &RegionName, line: &serde_json::Value, trace: &str) {
        let text = |member: &str| line[member].as_str().unwrap_or_default();
        let work = self.work(region, trace).context;
        let name = format!("{} {}", text("eventSource"), text("eventName"));
        let context = work.child(self.seed, "trail", n);
        let mut span = self.open(context, region.as_str(), name, Kind::Internal);
        span.parent = Some(work);
        let members = [
            ("aws.event_id", "eventID"),
            ("aws.request_id", "requestID"),
            ("faultline.principal", "principal"),
            ("faultline.invoked_by", "invokedBy"),
            ("error.type", "errorCode"),
        ];
        for (attribute, member) in members {
            if !text(member).is_empty() {
                span.attributes.push(pair(attribute, text(member)));
            }
        }
        if let Some(who) = line["denial"]["denied_by"].as_str() {
            span.attributes.push(pair("faultline.denied_by", who));
        }
        let code = text("errorCode");
        span.error = (!code.is_empty()).then(|| code.to_owned());
        self.end(span);
    }

    /// The step that a Region takes now for `trace`.
    fn work(&mut self, region: &RegionName, trace: &str) -> &mut Span {
        let asker = TraceContext::parse(trace);
        let key = (region.clone(), trace.to_owned());
        if !self.works.contains_key(&key) {
            let parent = asker.unwrap_or_else(|| TraceContext::of_run(self.seed));
            let name = if let Some(call) = self.calls.get(&parent) {
                call.name.clone()
            } else if let Some(message) = self.arrived.get(&parent) {
                message.clone()
            } else {
                "time".to_owned()
            };
            let context = parent.child(self.seed, &format!("step of {region}"), self.now.0);
            let name = format!("{name} in {region}");
            let mut span = self.open(context, region.as_str(), name, Kind::Server);
            span.parent = Some(parent);
            span.attributes = vec![pair("cloud.region", region.as_str())];
            self.works.insert(key.clone(), span);
        }
        self.works.get_mut(&key).expect("it was just put there")
    }

    fn close_works(&mut self) {
        for span in std::mem::take(&mut self.works).into_values() {
            self.end(span);
        }
    }

    fn fault_started(&mut self, fault: &FaultEvent) {
        let run = TraceContext::of_run(self.seed);
        let context = run.child(self.seed, "fault", fault.fault);
        let mut span = self.open(context, SCENARIO, fault.text.clone(), Kind::Internal);
        span.parent = Some(run);
        span.attributes = vec![pair("faultline.fault", &fault.name)];
        self.faults.insert(fault.fault, span);
    }
}

fn pair(name: &str, value: impl AsRef<str>) -> KeyValue {
    KeyValue::new(name.to_owned(), value.as_ref().to_owned())
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
