//! What came of a run, small enough to keep: the model that all views share.
//!
//! It grows with the steps of a scenario, not with its messages. Set-up is folded into
//! counts; times are as in the journal, [`Summary::at`] counts them from the scenario's own
//! zero.

use std::collections::BTreeMap;

use serde::Serialize;

use super::happened;
use crate::clock::{SimTime, Span};
use crate::journal::Listener;
use crate::journal::event::{
    CallAnswered, Event, FaultEvent, GoalVerdict, Judgement, OracleVerdict, Outcome, Problem,
    RunStarted, StepEnded, StepStarted, StepStatus, What, World,
};

/// What came of one run.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Which run.
    #[serde(flatten)]
    pub run: RunStarted,
    /// Its world.
    pub world: World,
    /// The scenario's own zero.
    pub zero: SimTime,
    /// The last event.
    pub end: SimTime,
    /// How many events.
    pub events: u64,
    /// Calls before zero.
    pub set_up_calls: u64,
    /// Steps in the order in which they began.
    pub steps: Vec<StepLine>,
    /// Faults in the order in which they began.
    pub faults: Vec<FaultLine>,
    /// Deaths of nodes.
    pub deaths: u64,
    /// Messages between Regions by way and stream.
    pub messages: BTreeMap<String, Messages>,
    /// Notes of Regions by kind.
    pub notes: BTreeMap<String, u64>,
    /// Oracles.
    pub oracles: Vec<OracleVerdict>,
    /// Goals.
    pub goals: Vec<GoalVerdict>,
    /// All taken together; unknown until the run says.
    pub judgement: Judgement,
    /// Why.
    pub because: String,
    /// Whether it was interrupted.
    pub interrupted: bool,
}

/// One step.
#[derive(Debug, Clone, Serialize)]
pub struct StepLine {
    /// What it is.
    #[serde(flatten)]
    pub step: StepStarted,
    /// When it began.
    pub began: SimTime,
    /// When it ended; the last event when it did not.
    pub ended: SimTime,
    /// How it ended.
    pub status: StepStatus,
    /// In a few words.
    pub summary: String,
    /// `why:` of the file.
    pub why: String,
    /// Its calls, equal neighbours folded.
    pub calls: Vec<CallLine>,
    /// Refusals inside services that it led to, as the trail tells them.
    pub refusals: Vec<String>,
    /// How often its expectation was asked.
    pub attempts: u64,
    /// What is wrong.
    pub problem: Option<Problem>,
}

/// Calls of one kind with one outcome, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallLine {
    /// Who.
    pub principal: String,
    /// Operation id.
    pub operation: String,
    /// Region asked.
    pub region: String,
    /// Error code; absent when it went well.
    pub code: Option<String>,
    /// Kind of the fault that made it so.
    pub caused_by: Option<String>,
    /// Kind of policy that refused, when one did.
    pub denied_by: Option<String>,
    /// How many.
    pub count: u64,
    /// The longest.
    pub longest: Span,
}

/// One fault.
#[derive(Debug, Clone, Serialize)]
pub struct FaultLine {
    /// Which.
    #[serde(flatten)]
    pub fault: FaultEvent,
    /// When it began.
    pub began: SimTime,
    /// When it healed, if it did.
    pub healed: Option<SimTime>,
}

/// Messages of one stream one way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Messages {
    /// Handed to the network.
    pub sent: u64,
    /// Dropped, or lost on the way.
    pub lost: u64,
    /// Payload bytes.
    pub bytes: u64,
}

impl Summary {
    /// A moment counted from the scenario's own zero; `set-up` before it.
    #[must_use]
    pub fn at(&self, t: SimTime) -> String {
        if t < self.zero {
            "set-up".to_owned()
        } else {
            SimTime(t.since(self.zero).0).to_string()
        }
    }

    /// How long the scenario took in virtual time, without set-up.
    #[must_use]
    pub fn took(&self) -> Span {
        self.end.since(self.zero)
    }

    /// Everything that is wrong and has a picture: steps, oracles, goals.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        let steps = self.steps.iter().filter_map(|step| step.problem.as_ref());
        let oracles = self
            .oracles
            .iter()
            .filter_map(|oracle| oracle.problem.as_ref());
        let goals = self.goals.iter().filter_map(|goal| goal.problem.as_ref());
        steps.chain(oracles).chain(goals)
    }
}

/// Builds a [`Summary`] event by event.
#[derive(Debug)]
pub struct Summarizer {
    summary: Summary,
    index: BTreeMap<String, usize>,
    ways: BTreeMap<u64, String>,
    calls: BTreeMap<String, String>,
}

impl Default for Summarizer {
    fn default() -> Self {
        let run = RunStarted {
            journal: 0,
            name: String::new(),
            title: String::new(),
            file: String::new(),
            source: String::new(),
            seed: 0,
            version: String::new(),
        };
        Self {
            summary: Summary {
                run,
                world: World::default(),
                zero: SimTime::ZERO,
                end: SimTime::ZERO,
                events: 0,
                set_up_calls: 0,
                steps: Vec::new(),
                faults: Vec::new(),
                deaths: 0,
                messages: BTreeMap::new(),
                notes: BTreeMap::new(),
                oracles: Vec::new(),
                goals: Vec::new(),
                judgement: Judgement::Unknown,
                because: "the journal ends without a verdict".to_owned(),
                interrupted: false,
            },
            index: BTreeMap::new(),
            ways: BTreeMap::new(),
            calls: BTreeMap::new(),
        }
    }
}

impl Listener for Summarizer {
    fn hear(&mut self, event: &Event, _: &str) -> std::io::Result<()> {
        self.take(event);
        Ok(())
    }
}

impl Summarizer {
    /// All of a journal.
    #[must_use]
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Summary {
        let mut summarizer = Self::default();
        for event in events {
            summarizer.take(event);
        }
        summarizer.finish()
    }

    /// The summary so far.
    #[must_use]
    pub fn finish(self) -> Summary {
        self.summary
    }

    fn note(&mut self, note: &str, fields: &BTreeMap<String, String>) {
        *self.summary.notes.entry(note.to_owned()).or_default() += 1;
        if let (Some(told), Some(line)) =
            (happened::told(note, fields), self.summary.steps.last_mut())
        {
            happened::tell(&mut line.refusals, told);
        }
    }

    /// Takes the next event.
    pub fn take(&mut self, event: &Event) {
        let (t, summary) = (event.t, &mut self.summary);
        summary.end = t;
        summary.events = event.n + 1;
        match &event.what {
            What::RunStarted(run) => summary.run = run.clone(),
            What::World(world) => summary.world = world.clone(),
            What::SetUpDone => summary.zero = t,
            What::StepStarted(step) => self.step_started(t, step),
            What::StepEnded(step) => self.step_ended(t, step),
            What::CallSent(call) if call.step.is_empty() => summary.set_up_calls += 1,
            What::CallSent(call) => drop(self.calls.insert(call.call.clone(), call.step.clone())),
            What::CallAnswered(call) => self.call(call),
            What::Audit { event, .. } => self.refusal(event),
            What::MessageSent(message) => {
                let way = format!("{} {} > {}", message.stream, message.from, message.to);
                let messages = summary.messages.entry(way.clone()).or_default();
                messages.sent += 1;
                messages.bytes += message.bytes;
                messages.lost += u64::from(message.fate == "dropped");
                if !message.arrives.is_empty() {
                    self.ways.insert(message.message, way);
                }
            }
            What::MessageDelivered(arrival) => drop(self.ways.remove(&arrival.message)),
            What::MessageLost(arrival) => {
                if let Some(way) = self.ways.remove(&arrival.message)
                    && let Some(messages) = summary.messages.get_mut(&way)
                {
                    messages.lost += 1;
                }
            }
            What::Note { note, fields, .. } => self.note(note, fields),
            What::FaultStarted(fault) => {
                summary.faults.push(FaultLine {
                    fault: fault.clone(),
                    began: t,
                    healed: None,
                });
            }
            What::FaultHealed(fault) => {
                if let Some(line) = summary
                    .faults
                    .iter_mut()
                    .find(|line| line.fault.fault == fault.fault)
                {
                    line.healed = Some(t);
                }
            }
            What::NodeDied { .. } => summary.deaths += 1,
            What::NodeStarted { .. } | What::Planted { .. } => {}
            What::Expectation(expectation) => {
                if let Some(step) = self.index.get(&expectation.step) {
                    let line = &mut summary.steps[*step];
                    line.attempts = expectation.attempts;
                    line.problem.clone_from(&expectation.problem);
                }
            }
            What::Oracle(oracle) => summary.oracles.push(oracle.clone()),
            What::Goal(goal) => summary.goals.push(goal.clone()),
            What::Verdict(verdict) => {
                summary.judgement = verdict.judgement;
                summary.because.clone_from(&verdict.because);
                summary.interrupted = verdict.interrupted;
            }
        }
    }

    fn step_started(&mut self, t: SimTime, step: &StepStarted) {
        self.index
            .insert(step.step.clone(), self.summary.steps.len());
        self.summary.steps.push(StepLine {
            step: step.clone(),
            began: t,
            ended: t,
            status: StepStatus::Interrupted,
            summary: String::new(),
            why: String::new(),
            calls: Vec::new(),
            refusals: Vec::new(),
            attempts: 0,
            problem: None,
        });
    }

    fn step_ended(&mut self, t: SimTime, ended: &StepEnded) {
        if let Some(step) = self.index.get(&ended.step) {
            let line = &mut self.summary.steps[*step];
            line.ended = t;
            line.status = ended.status;
            line.summary.clone_from(&ended.summary);
            line.why.clone_from(&ended.why);
        }
    }

    fn call(&mut self, call: &CallAnswered) {
        self.calls.remove(&call.call);
        let Some(step) = self.index.get(&call.step) else {
            return;
        };
        let (code, caused_by, denied_by) = match &call.outcome {
            Outcome::Success { .. } => (None, None, None),
            Outcome::Refused(it) => (
                Some(&it.code),
                it.caused_by.as_ref(),
                it.denial.as_ref().map(|denial| &denial.denied_by),
            ),
            Outcome::Unheard {
                code, caused_by, ..
            } => (Some(code), caused_by.as_ref(), None),
        };
        let line = CallLine {
            principal: call.principal.clone(),
            operation: call.operation.clone(),
            region: call.region.to_string(),
            code: code.cloned(),
            caused_by: caused_by.cloned(),
            denied_by: denied_by.cloned(),
            count: 1,
            longest: call.latency,
        };
        let calls = &mut self.summary.steps[*step].calls;
        match calls.last_mut() {
            Some(last)
                if CallLine {
                    count: 1,
                    longest: line.longest,
                    ..last.clone()
                } == line =>
            {
                last.count += 1;
                last.longest = last.longest.max(line.longest);
            }
            _ => calls.push(line),
        }
    }

    /// A refusal that happened inside a service, on behalf of a step or of none.
    fn refusal(&mut self, event: &serde_json::Value) {
        let text = |name: &str| {
            event
                .get(name)
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
        };
        if text("errorCode").is_empty() || text("invokedBy").is_empty() {
            return;
        }
        let denial = |name: &str| {
            let member = event.get("denial").and_then(|denial| denial.get(name));
            member
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let by = denial("denied_by");
        let by = if by.is_empty() {
            String::new()
        } else {
            format!(" by {by}")
        };
        let told = format!(
            "{} was refused {} in {}: {}{by}",
            text("invokedBy"),
            text("eventName"),
            text("awsRegion"),
            text("errorCode"),
        );
        let step = self
            .calls
            .get(text("call"))
            .and_then(|step| self.index.get(step))
            .copied();
        let step = step.or_else(|| self.summary.steps.len().checked_sub(1));
        if let Some(line) = step.and_then(|step| self.summary.steps.get_mut(step))
            && !line.refusals.contains(&told)
        {
            line.refusals.push(told);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    #[test]
    fn a_journal_becomes_steps_faults_and_a_verdict() {
        let summary = Summarizer::of(&example::journal());
        assert_eq!(summary.judgement, Judgement::Fail);
        assert_eq!(summary.set_up_calls, 1);
        let steps: Vec<_> = summary
            .steps
            .iter()
            .map(|step| (step.step.step.as_str(), step.status))
            .collect();
        assert_eq!(
            steps,
            [("1", StepStatus::Passed), ("2", StepStatus::Failed)]
        );
        assert_eq!(
            summary.steps[1].calls.len(),
            1,
            "three equal refusals are one line"
        );
        assert_eq!(summary.steps[1].calls[0].count, 3);
        assert_eq!(summary.faults[0].healed, Some(SimTime(9_000_000)));
        assert_eq!(
            summary.messages["kms eu-west-1 > us-east-1"],
            Messages {
                sent: 2,
                lost: 2,
                bytes: 200
            }
        );
        assert_eq!(summary.at(SimTime(3_500_000)), "1.500s");
        assert_eq!(summary.problems().count(), 1);
    }

    #[test]
    fn a_journal_that_ends_early_is_unknown() {
        let events = example::journal();
        let summary = Summarizer::of(&events[..events.len() - 1]);
        assert_eq!(summary.judgement, Judgement::Unknown);
    }
}
