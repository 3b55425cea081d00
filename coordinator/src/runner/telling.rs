//! What the journal is told of steps.

use super::Runner;
use super::steps::{Flow, Place};
use crate::journal::What;
use crate::journal::event::{Expectation, Problem, StepEnded, StepStarted, StepStatus};
use crate::scenario::plan::{Action, Step};
use crate::scenario::template::{Bindings, Nameless, as_text};

impl Runner<'_> {
    /// A step begins.
    pub(super) fn begin(&self, step: &Step, path: &str, place: &Place, bindings: &Bindings) {
        let say = step
            .say
            .as_ref()
            .and_then(|say| say.evaluate(bindings, &Nameless).ok());
        let (verb, region, principal) = match &step.action {
            Action::Call(call) => (
                call.verb.name().to_owned(),
                call.region
                    .as_ref()
                    .and_then(|region| region.get(bindings).ok()),
                call.principal
                    .as_ref()
                    .filter(|_| call.verb.needs_caller())
                    .and_then(|principal| principal.get(bindings).ok())
                    .unwrap_or_default(),
            ),
            _ => (String::new(), None, String::new()),
        };
        self.sim.record(What::StepStarted(StepStarted {
            step: path.to_owned(),
            lane: place.lane.clone(),
            say: say.map(|say| as_text(&say)).unwrap_or_default(),
            verb,
            region,
            principal,
            line: self.plan.source.position(step.span.start).0 as u64,
        }));
    }

    /// A step is over.
    pub(super) fn end(&self, step: &Step, path: &str, status: StepStatus, summary: String) {
        self.sim.record(What::StepEnded(StepEnded {
            step: path.to_owned(),
            status,
            summary,
            why: step.why.clone().unwrap_or_default(),
        }));
    }

    /// A step is not tried.
    pub(super) fn skip(&self, step: &Step, place: &Place) {
        let path = place.of(step);
        self.begin(step, &path, place, &Bindings::default());
        let interrupted = self.interrupted();
        let status = if interrupted {
            StepStatus::Interrupted
        } else {
            StepStatus::Skipped
        };
        self.end(step, &path, status, String::new());
    }

    /// A step is not as it should be.
    pub(super) fn fail(&self, step: &Step, path: &str, problem: Problem, attempts: u64) -> Flow {
        let summary = problem.message.clone();
        self.sim.record(What::Expectation(Expectation {
            step: path.to_owned(),
            passed: false,
            attempts,
            since: self.sim.now(),
            problem: Some(problem),
        }));
        self.end(step, path, StepStatus::Failed, summary);
        Flow::Stop
    }
}
