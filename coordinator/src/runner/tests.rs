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

#[test]
fn the_region_goes_dark() {
    let text = include_str!("../../../scenarios/01-region-outage.yaml");
    let (outcome, events) = run(text);
    assert_ne!(
        outcome.judgement,
        Judgement::Fail,
        "{}\n{}",
        outcome.because,
        problems(&events)
    );
    assert_ne!(outcome.judgement, Judgement::Error, "{}", outcome.because);
    let (again, _) = run(text);
    assert_eq!(
        outcome.digest, again.digest,
        "the same seed gives the same journal"
    );
}
