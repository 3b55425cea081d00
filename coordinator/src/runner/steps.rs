//! Steps in their order: conditions, loops, lanes, faults around them.
//!
//! The first failure ends its list of steps and all around it; what was not tried is told as
//! skipped. Lanes that run beside a failing one end as they would have.

use faultline_proto::names::RegionName;

use super::Runner;
use super::ask::Refusal;
use super::problem::{self, Trouble};
use super::rounds::rounds;
use super::world::Asked;
use crate::journal::event::{Problem, StepStatus};
use crate::scenario::plan::{self, Action, FaultPlan, Step};
use crate::scenario::template::Bindings;
use crate::sim::{Lane, join};

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Go,
    Stop,
}

/// Where among the steps something happens.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// Id of the step around, as the plan counts.
    pub around: String,
    /// Path of the step around, with what loops add; empty at the top.
    pub path: String,
    /// The lane.
    pub lane: String,
}

impl Place {
    /// The path of a step of this block.
    pub fn of(&self, step: &Step) -> String {
        let rest = step.id.strip_prefix(&self.around).unwrap_or(&step.id);
        let rest = rest.trim_start_matches('.');
        if self.path.is_empty() {
            rest.to_owned()
        } else {
            format!("{}.{rest}", self.path)
        }
    }
}

impl Runner<'_> {
    /// Runs steps until one fails.
    pub(super) fn steps<'a>(
        &'a self,
        steps: &'a [Step],
        place: &'a Place,
        bindings: &'a mut Bindings,
    ) -> Lane<'a, Flow> {
        Box::pin(async move {
            let mut flow = Flow::Go;
            for step in steps {
                if flow == Flow::Stop || self.interrupted() {
                    self.skip(step, place);
                    flow = Flow::Stop;
                } else {
                    flow = self.step(step, place, bindings).await;
                }
            }
            flow
        })
    }

    /// One step, as often as its loops say.
    async fn step(&self, step: &Step, place: &Place, bindings: &mut Bindings) -> Flow {
        let path = place.of(step);
        let plan = match rounds(step, bindings) {
            Ok(Some(plan)) => plan,
            Ok(None) => {
                self.skip(step, place);
                return Flow::Go;
            }
            Err(error) => {
                self.begin(step, &path, place, bindings);
                let problem = problem::evaluation(&error);
                return self.fail(step, &path, problem, 1);
            }
        };
        for (label, item) in plan {
            if let (Some((name, _)), Some(item)) = (&step.for_each, item) {
                bindings.bind(name.clone(), item);
            }
            let path = format!("{path}{label}");
            if self.round(step, &path, place, bindings).await == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::Go
    }

    /// One round of a step: its faults begin, the action, its faults heal.
    async fn round(&self, step: &Step, path: &str, place: &Place, bindings: &mut Bindings) -> Flow {
        self.begin(step, path, place, bindings);
        let faults = match self.begin_faults(&step.faults, bindings) {
            Ok(faults) => faults,
            Err(problem) => return self.fail(step, path, *problem, 1),
        };
        let inner = Place {
            around: step.id.clone(),
            path: path.to_owned(),
            lane: place.lane.clone(),
        };
        let done = self.act(step, &inner, bindings).await;
        let mut refused = None;
        for fault in faults {
            if let Err(error) = self.sim.heal_fault(fault) {
                refused = refused.or(Some(error));
            }
        }
        match (done, refused) {
            (Ok(Some(summary)), None) => {
                self.end(step, path, StepStatus::Passed, summary);
                Flow::Go
            }
            // What failed is inside, and told there.
            (Ok(None), _) => {
                self.end(step, path, StepStatus::Failed, String::new());
                Flow::Stop
            }
            (Ok(Some(_)), Some(error)) => {
                self.fail(step, path, problem::fault(step.span, &error), 1)
            }
            (Err((problem, attempts)), _) => self.fail(step, path, *problem, attempts),
        }
    }

    /// The action. `None` when something inside failed and was told there.
    async fn act(
        &self,
        step: &Step,
        place: &Place,
        bindings: &mut Bindings,
    ) -> Result<Option<String>, (Box<Problem>, u64)> {
        match &step.action {
            Action::Call(call) => self.call(call, place, bindings).await.map(Some),
            Action::Do(steps) => {
                let flow = self.steps(steps, place, bindings).await;
                Ok((flow == Flow::Go).then(String::new))
            }
            Action::Together(lanes) => Ok(self.together(lanes, place, bindings).await),
            Action::Wait(span) => {
                let span = span
                    .get(bindings)
                    .map_err(|error| (Box::new(problem::evaluation(&error)), 1))?;
                self.sim.sleep(span.into()).await;
                Ok(Some(String::new()))
            }
            Action::StartFault { faults, name } => {
                let begun = self
                    .begin_faults(faults, bindings)
                    .map_err(|problem| (problem, 1))?;
                let begun = begun.into_iter().map(|fault| (name.clone(), fault));
                self.started.borrow_mut().extend(begun);
                Ok(Some(String::new()))
            }
            Action::Heal(name) => {
                let mut started = self.started.borrow_mut();
                let (heal, keep): (Vec<_>, Vec<_>) = std::mem::take(&mut *started)
                    .into_iter()
                    .partition(|(of, _)| name.is_none() || of == name);
                *started = keep;
                for (_, fault) in heal {
                    self.sim
                        .heal_fault(fault)
                        .map_err(|error| (Box::new(problem::fault(step.span, &error)), 1))?;
                }
                Ok(Some(String::new()))
            }
        }
    }

    async fn together(
        &self,
        lanes: &[plan::Lane],
        place: &Place,
        bindings: &mut Bindings,
    ) -> Option<String> {
        let before = bindings.clone();
        let running: Vec<Lane<'_, (Flow, Bindings)>> = lanes
            .iter()
            .map(|lane| {
                let mut own = before.clone();
                let place = Place {
                    lane: if place.lane.is_empty() {
                        lane.name.clone()
                    } else {
                        format!("{}.{}", place.lane, lane.name)
                    },
                    ..place.clone()
                };
                let lane: Lane<'_, (Flow, Bindings)> = Box::pin(async move {
                    let flow = self.steps(&lane.steps, &place, &mut own).await;
                    (flow, own)
                });
                lane
            })
            .collect();
        let mut failed = false;
        for (flow, own) in join(running).await {
            failed |= flow == Flow::Stop;
            bindings.merge_changes(&before, &own);
        }
        (!failed).then(String::new)
    }

    /// Begins faults, unless faults are off; all heal when one cannot begin.
    fn begin_faults(
        &self,
        plans: &[FaultPlan],
        bindings: &Bindings,
    ) -> Result<Vec<u64>, Box<Problem>> {
        let mut begun = Vec::new();
        if !self.options.faults {
            return Ok(begun);
        }
        for plan in plans {
            let fault = self
                .fault(plan, bindings)
                .map_err(|error| Box::new(problem::evaluation(&error)))?;
            match self.sim.begin_fault(&fault) {
                Ok(id) => begun.push(id),
                Err(error) => {
                    for id in begun {
                        drop(self.sim.heal_fault(id));
                    }
                    return Err(Box::new(problem::fault(plan.span, &error)));
                }
            }
        }
        Ok(begun)
    }

    /// The world's names as one call spells them.
    pub(super) fn names<'s>(&'s self, region: &'s RegionName, principal: &str) -> Asked<'s> {
        let caller = self.world.principals.get(principal);
        Asked {
            world: &self.world,
            region,
            account: caller.map(|caller| &caller.account),
        }
    }

    /// A refusal of our own, in place of a verb's answer.
    pub(super) fn own(&self, code: &str, message: impl Into<String>) -> Trouble {
        Trouble::Refused(Box::new(Refusal::own(code, message, self.sim.now())))
    }
}
