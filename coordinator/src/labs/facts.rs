//! What is known of a failure, by name: what `when_it_fails` goes by.

use std::collections::BTreeMap;

use super::Cause;
use crate::journal::Listener;
use crate::journal::event::{Event, Judgement, Outcome, What};

/// Every name, with what it says.
pub const NAMES: [(&str, &str); 11] = [
    (
        "invalid",
        "Code of what is wrong with the file, such as E0203.",
    ),
    (
        "problem",
        "Code of the picture of a failure, such as X0007.",
    ),
    ("code", "Error code that the failing step ended with."),
    ("verb", "Verb of the failing step."),
    ("region", "Region that it asked."),
    ("principal", "World name of whoever asked."),
    ("action", "Action that was refused."),
    ("denied_by", "Kind of policy that refused it."),
    ("caused_by", "Kind of the fault that made it fail."),
    ("oracle", "The claim that does not hold."),
    ("check", "Number of the check, from 1."),
];

/// What is known of one failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts(pub BTreeMap<&'static str, String>);

impl Facts {
    /// Says one thing more, unless it is known or says nothing.
    pub fn say(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.0.entry(name).or_insert(value);
        }
    }

    /// The sentence of the first cause that fits.
    #[must_use]
    pub fn cause<'c>(&self, causes: &'c [Cause]) -> Option<&'c str> {
        let fits = |cause: &&Cause| {
            let mut when = cause.when.iter();
            when.all(|(name, value)| self.0.get(name.as_str()) == Some(value))
        };
        causes.iter().find(fits).map(|cause| cause.say.as_str())
    }
}

/// Listens to a run for the facts of its first failure.
#[derive(Debug, Default)]
pub struct Ear {
    /// What is known of the first failure; empty while nothing failed.
    pub facts: Facts,
    steps: BTreeMap<String, (String, String, String)>,
    /// What the last call of each step came to.
    calls: BTreeMap<String, Facts>,
    found: bool,
}

impl Ear {
    /// Takes an event.
    pub fn hear(&mut self, event: &Event) {
        match &event.what {
            What::StepStarted(step) => {
                let region = step.region.as_ref().map(ToString::to_string);
                let told = (
                    step.verb.clone(),
                    region.unwrap_or_default(),
                    step.principal.clone(),
                );
                self.steps.insert(step.step.clone(), told);
            }
            What::CallAnswered(answered) => {
                let mut facts = Facts::default();
                match &answered.outcome {
                    Outcome::Success { .. } => {}
                    Outcome::Refused(refused) => {
                        facts.say("code", refused.code.clone());
                        if let Some(denial) = &refused.denial {
                            facts.say("action", denial.action.clone());
                            facts.say("denied_by", denial.denied_by.clone());
                        }
                        facts.say("caused_by", refused.caused_by.clone().unwrap_or_default());
                    }
                    Outcome::Unheard {
                        code, caused_by, ..
                    } => {
                        facts.say("code", code.clone());
                        facts.say("caused_by", caused_by.clone().unwrap_or_default());
                    }
                }
                self.calls.insert(answered.step.clone(), facts);
            }
            What::Expectation(expectation) if !expectation.passed && !self.found => {
                self.found = true;
                if let Some(facts) = self.calls.get(&expectation.step) {
                    self.facts = facts.clone();
                }
                if let Some((verb, region, principal)) = self.steps.get(&expectation.step) {
                    self.facts.say("verb", verb.clone());
                    self.facts.say("region", region.clone());
                    self.facts.say("principal", principal.clone());
                }
                if let Some(problem) = &expectation.problem {
                    self.facts.say("problem", problem.code.clone());
                }
            }
            What::Oracle(verdict)
                if verdict.judgement == Judgement::Fail && !verdict.meant_to_violate =>
            {
                self.found = true;
                self.facts.say("oracle", verdict.oracle.clone());
            }
            _ => {}
        }
    }
}

/// An [`Ear`] as a journal's listener. Clones listen to the same run.
#[derive(Debug, Clone, Default)]
pub struct Listening(std::rc::Rc<std::cell::RefCell<Ear>>);

impl Listening {
    /// What is known in the end.
    #[must_use]
    pub fn facts(&self) -> Facts {
        self.0.borrow().facts.clone()
    }
}

impl Listener for Listening {
    fn hear(&mut self, event: &Event, _line: &str) -> std::io::Result<()> {
        self.0.borrow_mut().hear(event);
        Ok(())
    }
}
