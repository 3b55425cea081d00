//! A crash before every commit of a scenario: what the dead process sealed is never sealed
//! again under the same nonce, and the run comes to its end as if nothing had happened.
//!
//! What a dead process sealed might have been seen by somebody, although nothing of it was
//! kept. So its rows, envelopes and answers are gathered before they are lost, and compared
//! with those of all processes that came after it: see [`faultline_tests::nonces`].

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use faultline::cli::jobs::Job;
use faultline::journal::event::Judgement;
use faultline::transport::{StepError, Transport, TransportError};
use faultline_proto::driving::completed::Outcome;
use faultline_proto::driving::{Crash, Reply, Step};
use faultline_proto::names::RegionName;
use faultline_region::region::Region;
use faultline_region::store::{MemoryStore, Store as _, registry};
use faultline_tests::mortal::{Death, Mortal};
use faultline_tests::nonces::Nonces;
use faultline_tests::{Findings, runs, shipped};

/// Regions in memory whose sealed blobs are gathered.
#[derive(Default)]
struct Watched {
    alive: BTreeMap<RegionName, Region<MemoryStore>>,
    dead: BTreeMap<RegionName, MemoryStore>,
    nonces: Rc<RefCell<Nonces>>,
}

impl Watched {
    fn gather(&self, who: &str, before: &MemoryStore, after: &MemoryStore, reply: &Reply) {
        let mut nonces = self.nonces.borrow_mut();
        for envelope in &reply.outbox {
            nonces.blob(
                &envelope.payload,
                &format!("{who}: an envelope to {}", envelope.to),
            );
        }
        for completed in &reply.completed {
            if let Some(Outcome::Success(success)) = &completed.outcome {
                nonces.answer(
                    &success.response,
                    &format!("{who}: the answer to {}", completed.call),
                );
            }
        }
        for row in after.raw() {
            let (key, value) = row.expect("memory can be read");
            if before.get(&key).expect("memory can be read").as_ref() != Some(&value) {
                let place = registry::name_of(&key);
                nonces.row(&value, &format!("{who}: a row of {place}"));
            }
        }
    }

    /// Takes a step to its end, and gathers what it sealed.
    fn take(&mut self, who: &str, region: &RegionName, step: Step) -> Result<Reply, StepError> {
        let node = self.alive.get_mut(region).expect("it was started");
        let before = node.store().clone();
        let who = format!("{who}{region} step {}", step.id);
        let reply = node
            .step(step)
            .map_err(|died| TransportError::new(region, died.to_string()))?;
        self.gather(&who, &before, self.alive[region].store(), &reply);
        Ok(reply)
    }
}

impl Transport for Watched {
    fn start(&mut self, region: &RegionName) -> Result<(), TransportError> {
        let store = self.dead.remove(region).unwrap_or_default();
        self.alive.insert(region.clone(), Region::new(store));
        Ok(())
    }

    fn step(&mut self, region: &RegionName, mut step: Step) -> Result<Reply, StepError> {
        let crash = step.crash();
        let mut kept = self.alive[region].store().clone();
        step.set_crash(Crash::None);
        let ghost = if crash == Crash::BeforeCommit {
            "lost: "
        } else {
            ""
        };
        let reply = self.take(ghost, region, step)?;
        if crash == Crash::None {
            return Ok(reply);
        }
        if crash == Crash::AfterCommit {
            kept = self.alive[region].store().clone();
        }
        self.alive.remove(region);
        self.dead.insert(region.clone(), kept);
        Err(StepError::Died(region.clone()))
    }

    fn kill(&mut self, region: &RegionName) -> Result<(), TransportError> {
        if let Some(node) = self.alive.remove(region) {
            let mut store = node.into_store();
            store.crash();
            self.dead.insert(region.clone(), store);
        }
        Ok(())
    }

    fn stop(&mut self, region: &RegionName) -> Result<(), TransportError> {
        self.kill(region)
    }

    fn rows_at_rest(
        &mut self,
        region: &RegionName,
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), TransportError> {
        for row in self.dead[region].raw() {
            let (key, value) = row.expect("memory can be read");
            visit(&key, &value);
        }
        Ok(())
    }
}

/// What came of a run with crashes.
struct Survived {
    steps: u64,
    crashes: u64,
    nonces: usize,
    problems: Vec<String>,
}

/// Runs a job with a crash before each commit that `dies` chooses by its number.
fn survive(job: &Job, dies: impl Fn(u64) -> bool + 'static) -> Survived {
    let watched = Watched::default();
    let nonces = Rc::clone(&watched.nonces);
    let counts = Rc::new(RefCell::new((0, 0)));
    let counted = Rc::clone(&counts);
    let mortal = Mortal::new(
        watched,
        move |_, _| {
            let mut counts = counted.borrow_mut();
            counts.0 += 1;
            let strikes = dies(counts.0);
            counts.1 += u64::from(strikes);
            strikes.then_some(Death::BeforeCommit)
        },
        |_, _| {},
    );
    let mut problems = Vec::new();
    match runs::over(job, Box::new(mortal)) {
        Ok(ran) if ran.outcome.judgement == Judgement::Pass => {}
        Ok(ran) => problems.push(ran.outcome.because),
        Err(broken) => problems.push(broken.to_string()),
    }
    problems.extend_from_slice(nonces.borrow().recurrences());
    let (steps, crashes) = *counts.borrow();
    let nonces = nonces.borrow().len();
    Survived {
        steps,
        crashes,
        nonces,
        problems,
    }
}

const FILES: [&str; 6] = [
    "01-region-outage.yaml",
    "02-global-table-conflict.yaml",
    "03-crr-sse-modes.yaml",
    "04-share-snapshot.yaml",
    "s3/both-ways-and-no-loop.yaml",
    "s3/the-copy-is-deleted-and-made-anew.yaml",
];

#[test]
fn a_crash_before_each_commit_loses_nothing_and_no_nonce_recurs() {
    let mut findings = Findings::default();
    for file in FILES {
        for job in shipped::one(file) {
            let name = shipped::name(&job);
            let calm = survive(&job, |_| false);
            let storm = survive(&job, |_| true);
            findings.check(storm.crashes == storm.steps && storm.steps > 50, || {
                format!("{name}: {} crashes in {} steps", storm.crashes, storm.steps)
            });
            // The lost ones were seen too.
            findings.check(storm.nonces > calm.nonces, || {
                format!(
                    "{name}: {} nonces, without crashes {}",
                    storm.nonces, calm.nonces
                )
            });
            for problem in calm.problems.iter().chain(&storm.problems) {
                findings.add(format!("{name}: {problem}"));
            }
        }
    }
    findings.assert_none();
}

#[test]
fn a_crash_before_each_commit_in_turn_changes_no_verdict() {
    let job = &shipped::one(FILES[0])[0];
    let steps: Vec<u64> = (1..=survive(job, |_| false).steps).collect();
    Findings::over(&steps, |&crash, findings| {
        let one = survive(job, move |step| step == crash);
        findings.check(one.crashes == 1, || format!("step {crash}: no crash"));
        for problem in one.problems {
            findings.add(format!(
                "crash before the commit of step {crash}: {problem}"
            ));
        }
    })
    .assert_none();
}
