//! One run of a campaign: the scenario of a plan, and what is kept of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use crate::clock::{SimTime, Span};
use crate::journal::event::{Event, Judgement};
use crate::journal::{Journal, Listener, Memory, What};
use crate::runner::{Begun, Options, goals, run_begun, run_case};
use crate::scenario::emit;
use crate::scenario::load;
use crate::scenario::plan::Goal;
use crate::scenario::source::Source;
use crate::seed::RunSeed;
use crate::sim::Broken;
use crate::transport::{Loopback, Transport};

use super::marks::State;
use super::reach::outcome_of;
use super::recorded::Recorded;
use super::{Campaign, compose};

/// What is kept of a run.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// Its seed; the number of its run, where no seed gave the plan.
    pub seed: u64,
    /// The first property that broke, and why.
    pub failed: Option<Failed>,
    /// Why something could not be judged, when nothing broke.
    pub unknown: Option<String>,
    /// SHA-256 of its journal; empty when it ended too early.
    pub digest: String,
    /// Lines of its journal.
    pub events: u64,
    /// Virtual time that it took.
    pub simulated: Span,
    /// Faults that began.
    pub faults: u64,
    /// Calls that were answered or given up.
    pub calls: u64,
    /// Which items of `reach` it saw.
    pub reached: BTreeSet<usize>,
    /// Every (operation, outcome, faults in force) that it saw.
    pub seen: BTreeSet<String>,
    /// What a guided search follows: each of these with the state of keys and processes that it
    /// was seen in, and how often each (operation, outcome) was.
    pub marks: BTreeSet<String>,
    /// Samples of each goal.
    pub samples: Vec<Vec<i64>>,
}

/// A property that broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Its name: an oracle, `settle` with its verb, `panic`...
    pub property: String,
    /// One sentence.
    pub because: String,
}

/// The scenario file of a plan.
#[must_use]
pub fn text(campaign: &Campaign, recorded: &Recorded) -> String {
    emit::file(&compose::compose(campaign, recorded))
}

/// Runs a plan in memory, in the world that all runs of the campaign begin in.
#[must_use]
pub fn run(campaign: &Campaign, goals: &[Goal], recorded: &Recorded) -> Trial {
    tried(campaign, goals, recorded, None, Journal::new())
}

/// Runs a plan in memory, in a world that it makes for itself.
#[must_use]
pub fn run_alone(campaign: &Campaign, recorded: &Recorded) -> Trial {
    let transport = Box::new(Loopback::new());
    over(campaign, &[], recorded, transport, Journal::new())
}

/// Runs a plan over any transport, heard by somebody more; it makes its world for itself.
#[must_use]
pub fn over(
    campaign: &Campaign,
    goals: &[Goal],
    recorded: &Recorded,
    transport: Box<dyn Transport>,
    journal: Journal,
) -> Trial {
    tried(campaign, goals, recorded, Some(transport), journal)
}

fn tried(
    campaign: &Campaign,
    goals: &[Goal],
    recorded: &Recorded,
    transport: Option<Box<dyn Transport>>,
    journal: Journal,
) -> Trial {
    let heard = Rc::new(RefCell::new(Heard::new(campaign)));
    let memory = (!goals.is_empty()).then(Memory::default);
    let mut journal = journal.heard_by(Ear(Rc::clone(&heard)));
    if let Some(memory) = &memory {
        journal = journal.heard_by(memory.clone());
    }
    let ran = catch_unwind(AssertUnwindSafe(|| {
        case(campaign, recorded, transport, journal)
    }));
    let heard = heard.borrow();
    let mut trial = Trial {
        seed: recorded.number,
        ..heard.trial.clone()
    };
    match ran {
        Ok(Ok(outcome)) => {
            trial.digest = outcome.digest;
            trial.events = outcome.events;
            match outcome.judgement {
                Judgement::Pass => trial.failed = None,
                Judgement::Fail | Judgement::Error if trial.failed.is_none() => {
                    trial.failed = Some(Failed {
                        property: "set-up".into(),
                        because: outcome.because,
                    });
                }
                Judgement::Unknown => trial.unknown = Some(outcome.because),
                Judgement::Fail | Judgement::Error => {}
            }
        }
        Ok(Err(Broke::Invalid(because))) => {
            trial.failed = Some(Failed {
                property: "invalid scenario".into(),
                because,
            });
        }
        Ok(Err(Broke::Run(broken))) => {
            trial.failed = Some(Failed {
                property: "the run broke".into(),
                because: broken.to_string(),
            });
        }
        Err(panic) => {
            let because = panic.downcast_ref::<String>().cloned();
            let because =
                because.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            trial.failed = Some(Failed {
                property: "panic".into(),
                because: because.unwrap_or_default(),
            });
        }
    }
    if let Some(memory) = memory {
        let key = |name: &str| {
            heard
                .keys
                .get(name)
                .cloned()
                .unwrap_or_else(|| name.to_owned())
        };
        trial.samples = goals
            .iter()
            .map(|goal| memory.with(|events| goals::samples(goal, events, &key)))
            .collect();
    }
    trial
}

enum Broke {
    Invalid(String),
    Run(Broken),
}

fn case(
    campaign: &Campaign,
    recorded: &Recorded,
    transport: Option<Box<dyn Transport>>,
    journal: Journal,
) -> Result<crate::runner::Outcome, Broke> {
    let name = format!("{}-{}", campaign.name, recorded.seed);
    let source = Source::new(format!("{name}.yaml"), text(campaign, recorded));
    let plan = load(&source).map_err(|problems| {
        let first = problems.first().map(|problem| problem.message.clone());
        Broke::Invalid(first.unwrap_or_default())
    })?;
    let usual = Options::new(&name, RunSeed(recorded.seed));
    let options = Options {
        budget: campaign.budget.simulated.or(usual.budget),
        ..usual
    };
    let case = &plan.cases[0];
    let world = campaign.worlds.place(recorded.regions.as_ref());
    let ran = match transport {
        Some(transport) => run_case(&plan, case, &options, transport, journal),
        None => match world.get_or_init(|| Begun::make(case, &options).ok().flatten()) {
            Some(begun) => run_begun(begun, &plan, case, &options, journal),
            None => run_case(&plan, case, &options, Box::new(Loopback::new()), journal),
        },
    };
    ran.map_err(Broke::Run)
}

/// Listens to a run.
struct Heard {
    trial: Trial,
    reach: Vec<super::reach::Reach>,
    /// Kinds of faults in force, by the fault's number.
    faults: BTreeMap<u64, String>,
    /// Ids of keys by their world names.
    keys: BTreeMap<String, String>,
    /// Verbs of steps under way, by path.
    verbs: BTreeMap<String, String>,
    /// How often each operation ended so.
    ended: BTreeMap<(String, String), u64>,
    state: State,
    zero: SimTime,
    set_up: bool,
}

struct Ear(Rc<RefCell<Heard>>);

impl Listener for Ear {
    fn hear(&mut self, event: &Event, _: &str) -> std::io::Result<()> {
        self.0.borrow_mut().hear(event);
        Ok(())
    }
}

impl Heard {
    fn new(campaign: &Campaign) -> Self {
        Self {
            trial: Trial::default(),
            reach: campaign.reach.clone(),
            faults: BTreeMap::new(),
            keys: BTreeMap::new(),
            verbs: BTreeMap::new(),
            ended: BTreeMap::new(),
            state: State::default(),
            zero: SimTime::ZERO,
            set_up: false,
        }
    }

    fn hear(&mut self, event: &Event) {
        self.trial.simulated = event.t.since(self.zero);
        self.state.hear(event);
        match &event.what {
            What::World(world) => {
                for (name, means) in &world.names {
                    let id = means.first().and_then(|arn| arn.split_once(":key/"));
                    if let Some((_, id)) = id {
                        self.keys.insert(name.clone(), id.to_owned());
                    }
                }
            }
            What::SetUpDone => {
                self.zero = event.t;
                self.set_up = true;
            }
            _ if !self.set_up => {}
            What::FaultStarted(fault) => {
                self.trial.faults += 1;
                self.faults.insert(fault.fault, fault.name.clone());
            }
            What::FaultHealed(fault) => {
                self.faults.remove(&fault.fault);
            }
            What::StepStarted(step) => {
                self.verbs.insert(step.step.clone(), step.verb.clone());
            }
            What::StepEnded(step) => {
                self.verbs.remove(&step.step);
            }
            What::CallAnswered(answered) => {
                self.trial.calls += 1;
                let mut faults: Vec<&str> = self.faults.values().map(String::as_str).collect();
                faults.sort_unstable();
                faults.dedup();
                let seen = format!(
                    "{} {} {}",
                    answered.operation,
                    outcome_of(&answered.outcome),
                    faults.join("+")
                );
                let seen = seen.trim_end().to_owned();
                let state = self.state.words();
                self.trial.marks.insert(format!("{seen} @{state}"));
                let outcome = outcome_of(&answered.outcome);
                let often = self.often(&answered.operation, outcome);
                self.trial.marks.extend(often);
                self.trial.seen.insert(seen);
            }
            What::Expectation(expectation) if !expectation.passed => {
                let verb = self.verbs.get(&expectation.step).map_or("", String::as_str);
                let problem = expectation.problem.as_ref();
                let property = match (verb, problem) {
                    ("", problem) => problem
                        .map_or("a step", |problem| problem.code.as_str())
                        .to_owned(),
                    (verb, _) => format!("settle: {verb}"),
                };
                self.broke(
                    property,
                    problem.map(|it| it.message.clone()).unwrap_or_default(),
                );
            }
            What::Oracle(oracle) if oracle.judgement == Judgement::Fail => {
                self.broke(oracle.oracle.clone(), oracle.because.clone());
            }
            _ => {}
        }
        self.look_for_reach(event);
    }

    /// A mark for each of the first eight times that an operation ends so, then for each doubling.
    fn often(&mut self, operation: &str, outcome: &str) -> Option<String> {
        let key = (operation.to_owned(), outcome.to_owned());
        let count = self.ended.entry(key).or_default();
        *count += 1;
        (*count <= 8 || count.is_power_of_two()).then(|| format!("{operation} {outcome} x{count}"))
    }

    fn look_for_reach(&mut self, event: &Event) {
        if !self.set_up || self.trial.reached.len() == self.reach.len() {
            return;
        }
        let faults: Vec<&str> = self.faults.values().map(String::as_str).collect();
        for (index, reach) in self.reach.iter().enumerate() {
            if reach.is(event, &faults) {
                self.trial.reached.insert(index);
            }
        }
    }

    fn broke(&mut self, property: String, because: String) {
        self.trial
            .failed
            .get_or_insert(Failed { property, because });
    }
}
