//! Every shipped scenario passes whatever the seed. Three seeds in everyday use;
//! `FAULTLINE_SEEDS=200` for the full claim.

use faultline::cli::jobs::Seeds;
use faultline::journal::event::Judgement;
use faultline::report::transcript::judgement;
use faultline::transport::Loopback;
use faultline_tests::{Findings, runs, shipped};

/// How many seeds, unless the environment says otherwise.
const FEW: u64 = 3;

fn seeds() -> u64 {
    let wanted = std::env::var("FAULTLINE_SEEDS").ok();
    wanted.map_or(FEW, |text| {
        text.parse().expect("FAULTLINE_SEEDS is a number of seeds")
    })
}

#[test]
fn every_scenario_passes_with_every_seed() {
    Findings::over(
        &shipped::under(Seeds::Range(1, seeds())),
        |job, findings| {
            let name = shipped::name(job);
            match runs::heard_by(job, job.seed, Box::new(Loopback::new()), |_| {}) {
                Ok(ran) => findings.check(ran.outcome.judgement == Judgement::Pass, || {
                    format!(
                        "{name}: seed {}: {}: {}",
                        job.seed,
                        judgement(ran.outcome.judgement),
                        ran.outcome.because
                    )
                }),
                Err(broken) => findings.add(format!("{name}: seed {}: {broken}", job.seed)),
            }
        },
    )
    .assert_none();
}
