//! Small scenarios over Regions in memory.

use std::sync::Arc;

use super::*;
use crate::journal::Event;
use crate::scenario;
use crate::scenario::source::Source;
use crate::transport::Loopback;

/// Runs a scenario's first case and answers its outcome and events.
fn run(text: &str) -> (Outcome, Vec<Event>) {
    let source: Arc<Source> = Source::new("test.yaml", text);
    let plan = scenario::load(&source).unwrap_or_else(|problems| {
        panic!(
            "{}",
            scenario::diagnostic::render(
                &source,
                &problems,
                scenario::diagnostic::Format::Human(false)
            )
        )
    });
    let memory = Memory::default();
    let options = Options::new("test", RunSeed(plan.seed.unwrap_or(1)));
    let outcome = run_case(
        &plan,
        &plan.cases[0],
        &options,
        Box::new(Loopback::new()),
        Journal::new().heard_by(memory.clone()),
    )
    .expect("the machinery works");
    (outcome, memory.events())
}

fn problems(events: &[Event]) -> String {
    let lines: Vec<String> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::Expectation(it) => it
                .problem
                .as_ref()
                .map(|problem| format!("{}: {problem:#?}", it.step)),
            _ => None,
        })
        .collect();
    lines.join("\n")
}

/// The shipped file of that name, twice: it does not fail, and gives the same journal.
fn shipped(text: &str) {
    let (outcome, events) = run(text);
    assert!(
        matches!(outcome.judgement, Judgement::Pass | Judgement::Unknown),
        "{}\n{}",
        outcome.because,
        problems(&events)
    );
    let (again, _) = run(text);
    assert_eq!(
        outcome.digest, again.digest,
        "the same seed gives the same journal"
    );
}

#[test]
fn the_region_goes_dark() {
    shipped(include_str!("../../../scenarios/01-region-outage.yaml"));
}

#[test]
fn two_writers_without_a_network() {
    shipped(include_str!(
        "../../../scenarios/02-global-table-conflict.yaml"
    ));
}

#[test]
fn three_ways_to_encrypt_an_object() {
    shipped(include_str!("../../../scenarios/03-crr-sse-modes.yaml"));
}

#[test]
fn a_shared_snapshot() {
    shipped(include_str!("../../../scenarios/04-share-snapshot.yaml"));
}
