//! What went wrong, as a picture: where in the file, what was expected, and the cause.
//!
//! | code | what |
//! | --- | --- |
//! | X0001 | a call that should succeed failed |
//! | X0002 | a call that should fail succeeded |
//! | X0003 | a call failed in another way than it should |
//! | X0004 | a name or expression has no value in the run |
//! | X0005 | the world could not be made |
//! | X0006 | a fault could not begin or heal |
//! | X0007 | an answer is not as expected |
//! | X0008 | an answer did not stay as expected |
//! | X0010 | an oracle was violated |
//! | X0011 | a goal was missed |

use super::Runner;
use super::ask::Refusal;
use super::setup::SetUpFailed;
use crate::clock::SimTime;
use crate::journal::What;
use crate::journal::event::{Denial, Mark, Problem};
use crate::scenario::matchers::Mismatch;
use crate::scenario::plan::{Call, Patience};
use crate::scenario::source::Span;
use crate::scenario::template::EvaluateError;
use crate::sim::FaultRefused;

/// Why a verb's answer does not do.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It should have succeeded.
    Refused(Box<Refusal>),
    /// It should have failed, as is written there.
    Succeeded(Span),
    /// It should have failed in another way.
    FailedOtherwise(Box<(Refusal, Mismatch)>),
    /// The answer differs.
    Differs(Box<Mismatch>),
    /// The file has no value for something.
    Evaluate(EvaluateError),
}

impl Trouble {
    /// Whether asking again cannot help.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Evaluate(_) => true,
            Self::Refused(refusal) => [
                "InvalidArguments",
                "NotBuilt",
                "UnknownPrincipal",
                "NoCredential",
                "NoRegion",
            ]
            .contains(&refusal.code.as_str()),
            Self::Succeeded(_) | Self::FailedOtherwise(_) | Self::Differs(_) => false,
        }
    }
}

/// A verb, and how often it was asked.
pub(super) struct Asking<'a> {
    pub call: &'a Call,
    pub since: SimTime,
    pub attempts: u64,
}

fn mark(span: Span, caption: impl Into<String>) -> Mark {
    Mark {
        start: span.start as u64,
        end: span.end as u64,
        caption: caption.into(),
    }
}

fn bare(code: &str, message: String, primary: Mark) -> Problem {
    Problem {
        code: code.to_owned(),
        message,
        primary,
        others: vec![],
        notes: vec![],
        help: vec![],
    }
}

/// A value that the file does not give.
pub(super) fn evaluation(error: &EvaluateError) -> Problem {
    bare(
        "X0004",
        error.message.clone(),
        mark(error.span, "this has no value in the run"),
    )
}

/// A fault that could not begin or heal.
pub(super) fn fault(span: Span, error: &FaultRefused) -> Problem {
    bare("X0006", error.to_string(), mark(span, "this fault"))
}

/// The world could not be made.
pub(super) fn set_up(failed: &SetUpFailed) -> Problem {
    let refusal = &failed.refusal;
    let mut problem = bare(
        "X0005",
        format!("the world could not be made: {} failed", failed.asked),
        mark(
            failed.span,
            format!("{}: {}", refusal.code, refusal.message),
        ),
    );
    if let Some(denial) = &refusal.denial {
        problem.help.clone_from(&denial.missing);
    }
    problem
}

impl Runner<'_> {
    /// Time since set-up was done, as people say it.
    pub(super) fn moment(&self, at: SimTime) -> String {
        let micros = at.since(self.zero).0;
        format!("{}.{:02}s", micros / 1_000_000, micros % 1_000_000 / 10_000)
    }

    /// The picture of a step that is not as expected.
    pub(super) fn picture(&self, trouble: &Trouble, asking: &Asking<'_>) -> Problem {
        let call = asking.call;
        let verb = call.verb.name();
        let mut problem = match trouble {
            Trouble::Evaluate(error) => return evaluation(error),
            Trouble::Refused(refusal) => bare(
                "X0001",
                format!("`{verb}` failed with {}", refusal.code),
                mark(call.verb_span, said(refusal)),
            ),
            Trouble::Succeeded(span) => bare(
                "X0002",
                format!("`{verb}` succeeded, and should have failed"),
                mark(*span, "expected this failure"),
            ),
            Trouble::FailedOtherwise(both) => bare(
                "X0003",
                format!("`{verb}` failed in another way: {}", both.0.code),
                mark(both.1.span, caption(&both.1)),
            ),
            Trouble::Differs(mismatch) => self.difference(mismatch, call),
        };
        if problem.primary.start != call.verb_span.start as u64 {
            problem
                .others
                .push(mark(call.verb_span, self.asked_so_often(asking)));
        } else if asking.attempts > 1 {
            problem.notes.push(self.asked_so_often(asking));
        }
        self.explain(trouble, asking, &mut problem);
        problem
    }

    fn difference(&self, mismatch: &Mismatch, call: &Call) -> Problem {
        let what = if mismatch.path.is_empty() {
            "the answer".to_owned()
        } else {
            format!("`{}`", mismatch.path)
        };
        let (code, message) = match call.patience {
            Patience::Throughout(_) => (
                "X0008",
                format!("expectation failed: {what} became {}", mismatch.got),
            ),
            Patience::Within(_) => (
                "X0007",
                format!("expectation failed: {what} stayed {}", mismatch.got),
            ),
            Patience::Once => (
                "X0007",
                format!("expectation failed: {what} is {}", mismatch.got),
            ),
        };
        bare(code, message, mark(mismatch.span, caption(mismatch)))
    }

    fn asked_so_often(&self, asking: &Asking<'_>) -> String {
        let now = self.sim.now();
        match asking.attempts {
            0 | 1 => format!("asked at t={}", self.moment(now)),
            times => format!(
                "asked {times} times in {}, last at t={}",
                now.since(asking.since),
                self.moment(now)
            ),
        }
    }

    /// The cause: who refused, which fault is in force, what would have helped.
    fn explain(&self, trouble: &Trouble, asking: &Asking<'_>, problem: &mut Problem) {
        let mut at = self.sim.now();
        let refusal = match trouble {
            Trouble::Refused(refusal) => Some(&**refusal),
            Trouble::FailedOtherwise(both) => Some(&both.0),
            Trouble::Differs(_) | Trouble::Succeeded(_) | Trouble::Evaluate(_) => None,
        };
        if let Some(refusal) = refusal {
            if matches!(trouble, Trouble::FailedOtherwise(_)) && !refusal.message.is_empty() {
                problem.notes.push(said(refusal));
            }
            if let Some(denial) = &refusal.denial {
                problem.notes.push(self.denied(denial));
                problem.help.extend(denial.missing.iter().cloned());
            }
            if let Some(fault) = &refusal.caused_by {
                problem
                    .notes
                    .push(format!("the fault `{fault}` made it so"));
            }
        }
        if matches!(trouble, Trouble::Differs(_) | Trouble::Succeeded(_))
            && let Some((then, denial)) = self.last_denial(asking.since)
        {
            at = then;
            let denied = self.denied(&denial);
            problem
                .notes
                .push(format!("{denied} (t={})", self.moment(then)));
            problem.help.extend(denial.missing);
        }
        for fault in self.faults_in_force() {
            problem.notes.push(format!("meanwhile: {fault}"));
        }
        problem
            .help
            .push(format!("faultline show latest --at {}", self.moment(at)));
    }

    fn denied(&self, denial: &Denial) -> String {
        let how = if denial.explicit {
            format!(
                "statement {} of the {} denies it",
                denial.statement,
                words(&denial.denied_by)
            )
        } else {
            format!("no statement of the {} allows it", words(&denial.denied_by))
        };
        format!(
            "{} was denied {} on {}: {how}",
            self.world.principal_name(&denial.principal),
            denial.action,
            self.world.resource_name(&denial.resource),
        )
    }

    /// The last refusal of a service that acts for somebody, since shortly before `since`.
    fn last_denial(&self, since: SimTime) -> Option<(SimTime, Denial)> {
        let earliest = SimTime(since.0.saturating_sub(60_000_000)).max(self.zero);
        self.memory.with(|events| {
            events
                .iter()
                .rev()
                .take_while(|event| event.t >= earliest)
                .find_map(|event| match &event.what {
                    What::Audit { event: line, .. } if line.get("invokedBy").is_some() => {
                        let denial = serde_json::from_value(line.get("denial")?.clone()).ok()?;
                        Some((event.t, denial))
                    }
                    _ => None,
                })
        })
    }

    fn faults_in_force(&self) -> Vec<String> {
        let mut active = std::collections::BTreeMap::new();
        self.memory.with(|events| {
            for event in events {
                match &event.what {
                    What::FaultStarted(fault) => {
                        let text = format!("{} since t={}", fault.text, self.moment(event.t));
                        active.insert(fault.fault, text);
                    }
                    What::FaultHealed(fault) => {
                        active.remove(&fault.fault);
                    }
                    _ => {}
                }
            }
        });
        active.into_values().collect()
    }
}

fn said(refusal: &Refusal) -> String {
    if refusal.message.is_empty() {
        refusal.code.clone()
    } else {
        format!("{}: {}", refusal.code, refusal.message)
    }
}

fn caption(mismatch: &Mismatch) -> String {
    format!("expected {}, got {}", mismatch.expected, mismatch.got)
}

/// `key_policy` as people say it.
fn words(kind: &str) -> String {
    kind.replace('_', " ")
}

/// A goal that was missed.
pub(super) fn goal(name: &str, span: Span, wanted: &str, got: &str, samples: usize) -> Problem {
    let mut problem = bare(
        "X0011",
        format!("goal missed: {name} is {got}"),
        mark(span, format!("expected {wanted}, measured {got}")),
    );
    problem.notes.push(format!("over {samples} samples"));
    problem
}

/// An oracle that was violated.
pub(super) fn oracle(name: &str, span: Span, because: &str) -> Problem {
    bare(
        "X0010",
        format!("oracle violated: {name}"),
        mark(span, because),
    )
}
