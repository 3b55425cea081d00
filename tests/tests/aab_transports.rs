//! Regions in memory and real nodes over gRPC with stores on disk tell the same story, byte
//! for byte: whatever is found over the one is true of the other.

use faultline::cli::jobs::Seeds;
use faultline_tests::{Findings, runs, shipped};

#[test]
fn every_scenario_has_one_journal_over_loopback_and_over_grpc() {
    Findings::over(&shipped::under(Seeds::OfTheFile), |job, findings| {
        let name = shipped::name(job);
        match (runs::loopback(job), runs::grpc(job)) {
            (Ok(memory), Ok(grpc)) => {
                findings.check(memory.outcome.digest == grpc.outcome.digest, || {
                    format!(
                        "{name}: loopback came to {} events and {:?}, grpc to {} and {:?} {}",
                        memory.outcome.events,
                        memory.outcome.judgement,
                        grpc.outcome.events,
                        grpc.outcome.judgement,
                        grpc.outcome.because
                    )
                });
            }
            (Err(broken), _) => findings.add(format!("{name}: loopback: {broken}")),
            (_, Err(broken)) => findings.add(format!("{name}: grpc: {broken}")),
        }
    })
    .assert_none();
}
