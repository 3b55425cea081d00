//! What a run comes to: steps, oracles and goals taken together.
//!
//! **fail** when anything failed; else **unknown** when anything could not be judged; else
//! **pass**. `meant_to_violate` passes exactly when those oracles and no others are violated.

use std::collections::BTreeMap;

use super::ask::Refusal;
use super::at_rest;
use super::goals;
use super::problem;
use super::setup::SetUpFailed;
use super::{Outcome, Runner};
use crate::journal::What;
use crate::journal::event::{
    Expectation, Judgement, OracleVerdict, RunVerdict, StepEnded, StepStarted, StepStatus,
};
use crate::sim::{Broken, Sim};

/// The run ended before it began: the world could not be made.
pub(super) fn without_world(sim: &Sim, failed: &SetUpFailed) -> Result<Outcome, Broken> {
    let problem = problem::set_up(failed);
    let Refusal { code, message, .. } = &failed.refusal;
    let because = format!("{}: {code}: {message}", problem.message);
    let step = "set-up".to_owned();
    sim.record(What::StepStarted(StepStarted {
        step: step.clone(),
        lane: String::new(),
        say: "The world is made.".to_owned(),
        verb: String::new(),
        region: None,
        principal: String::new(),
        line: 1,
    }));
    sim.record(What::Expectation(Expectation {
        step: step.clone(),
        passed: false,
        attempts: 1,
        since: sim.now(),
        problem: Some(problem),
    }));
    sim.record(What::StepEnded(StepEnded {
        step,
        status: StepStatus::Failed,
        summary: because.clone(),
        why: String::new(),
    }));
    sim.stop_all()?;
    finish(sim, Judgement::Error, because, false)
}

/// Judges what happened and ends the run.
pub(super) fn conclude(runner: &Runner<'_>, cut: Result<(), Broken>) -> Result<Outcome, Broken> {
    let sim = &runner.sim;
    let mut found = Findings::default();
    match cut {
        Ok(()) => {}
        Err(Broken::Budget(span)) => {
            found.unknown(format!("the run was cut after {span} of virtual time"))
        }
        Err(broken) => return Err(broken),
    }
    let (failed, interrupted) = steps(runner);
    if let Some(problem) = failed {
        found.fail(problem);
    }
    if interrupted {
        found.unknown("the run was interrupted".to_owned());
    }
    let looked = if runner.options.judges {
        at_rest::look(runner)?
    } else {
        BTreeMap::new()
    };
    sim.stop_all()?;
    for verdict in oracles(runner, &found, looked)? {
        let name = &verdict.oracle;
        match (verdict.judgement, verdict.meant_to_violate) {
            (Judgement::Fail, false) => found.fail(format!("{name}: {}", verdict.because)),
            (Judgement::Pass, true) => {
                found.fail(format!("{name} holds, and was meant to be violated"));
            }
            (Judgement::Unknown | Judgement::Error, _) => {
                found.unknown(format!("{name}: {}", verdict.because));
            }
            (Judgement::Fail, true) | (Judgement::Pass, false) => {}
        }
        sim.record(What::Oracle(verdict));
    }
    let key = |name: &str| {
        let known = runner.world.keys.get(name);
        known.map_or_else(|| name.to_owned(), |key| key.id.clone())
    };
    for goal in runner.case.goals.iter().filter(|_| runner.options.judges) {
        let verdicts = runner
            .memory
            .with(|events| goals::judge(goal, events, &key));
        for verdict in verdicts {
            match verdict.judgement {
                Judgement::Pass => {}
                Judgement::Fail => found.fail(format!(
                    "{} is {}, wanted {}",
                    verdict.goal, verdict.measured, verdict.wanted
                )),
                Judgement::Unknown | Judgement::Error => {
                    found.unknown(format!("{} has {} samples", verdict.goal, verdict.samples))
                }
            }
            sim.record(What::Goal(verdict));
        }
    }
    let (judgement, because) = found.verdict();
    finish(sim, judgement, because, interrupted)
}

fn finish(
    sim: &Sim,
    judgement: Judgement,
    because: String,
    interrupted: bool,
) -> Result<Outcome, Broken> {
    sim.record(What::Verdict(RunVerdict {
        judgement,
        because: because.clone(),
        interrupted,
    }));
    let (digest, events) = sim.journal_digest();
    sim.finish_journal()?;
    Ok(Outcome {
        judgement,
        because,
        digest,
        events,
    })
}

/// The first thing of each kind.
#[derive(Debug, Default)]
struct Findings {
    failed: Option<String>,
    unknown: Option<String>,
}

impl Findings {
    fn fail(&mut self, because: String) {
        self.failed.get_or_insert(because);
    }
    fn unknown(&mut self, because: String) {
        self.unknown.get_or_insert(because);
    }
    fn verdict(self) -> (Judgement, String) {
        match (self.failed, self.unknown) {
            (Some(because), _) => (Judgement::Fail, because),
            (None, Some(because)) => (Judgement::Unknown, because),
            (None, None) => (Judgement::Pass, String::new()),
        }
    }
}

/// The first step's failure, and whether steps were left out by an interruption.
fn steps(runner: &Runner<'_>) -> (Option<String>, bool) {
    runner.memory.with(|events| {
        let mut failed = None;
        let mut interrupted = false;
        for event in events {
            match &event.what {
                What::Expectation(Expectation {
                    step,
                    passed: false,
                    problem,
                    ..
                }) if failed.is_none() => {
                    let message = problem.as_ref().map(|problem| problem.message.as_str());
                    failed = Some(format!("step {step}: {}", message.unwrap_or("it failed")));
                }
                What::StepEnded(ended) => interrupted |= ended.status == StepStatus::Interrupted,
                _ => {}
            }
        }
        (failed, interrupted)
    })
}

/// What the oracles say, over the whole journal and the stores at rest.
fn oracles(
    runner: &Runner<'_>,
    cut: &Findings,
    looked: BTreeMap<usize, at_rest::Looked>,
) -> Result<Vec<OracleVerdict>, Broken> {
    let (sim, watch) = (&runner.sim, &runner.watch);
    if let Some(because) = &cut.unknown {
        watch.cut(because);
    }
    for (name, secret) in sim.canaries().iter().chain(runner.secrets.borrow().all()) {
        watch.secret(name, secret);
    }
    if watch.wants_rows() {
        for region in &runner.world.regions {
            sim.rows_at_rest(region, |key, value| watch.row(region, key, value))?;
        }
    }
    let mut verdicts = watch.judge(&runner.plan.meant_to_violate);
    for (index, seen) in looked {
        if let Some(verdict) = verdicts.get_mut(index) {
            verdict.judgement = seen.judgement;
            verdict.checked = seen.checked;
            verdict.because = seen.because;
        }
    }
    for (verdict, spec) in verdicts.iter_mut().zip(&runner.case.always) {
        if verdict.judgement == Judgement::Fail && !verdict.meant_to_violate {
            let problem = problem::oracle(spec.def.name, spec.span, &verdict.because);
            verdict.problem = Some(problem);
        }
    }
    Ok(verdicts)
}
