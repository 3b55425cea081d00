//! The same seed gives the same journal, byte for byte. Named so that it runs first: when
//! this is broken, no other result means anything.

use faultline::cli::jobs::Seeds;
use faultline_tests::{Findings, runs, shipped};

#[test]
fn every_scenario_run_twice_gives_the_same_journal() {
    Findings::over(&shipped::under(Seeds::OfTheFile), |job, findings| {
        let name = shipped::name(job);
        match (runs::loopback(job), runs::loopback(job)) {
            (Ok(one), Ok(other)) => {
                findings.check(one.outcome.digest == other.outcome.digest, || {
                    format!(
                        "{name}: two journals for seed {}: {} and {} events",
                        job.seed, one.outcome.events, other.outcome.events
                    )
                })
            }
            (Err(broken), _) | (_, Err(broken)) => findings.add(format!("{name}: {broken}")),
        }
    })
    .assert_none();
}
