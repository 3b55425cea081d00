//! Small scenarios over Regions in memory, and the shipped ones.

mod failures;
mod forms;
mod troubles;

use std::sync::Arc;

use super::*;
use crate::journal::Event;
use crate::journal::event::StepStatus;
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

/// Two Regions, two users, a multi-Region key and one of a single Region; then `rest`.
fn small(rest: &str) -> String {
    format!(
        r#"scenario: 1
title: Small
seed: 3
world:
  regions: [eu-west-1, us-east-1]
  links: [{{ between: [eu-west-1, us-east-1], latency: 40ms }}]
  accounts: {{ shop: "111111111111" }}
  principals:
    app: {{ account: shop, allow: [kms:Encrypt, kms:Decrypt, kms:DescribeKey] }}
    nobody: {{ account: shop }}
    boss: {{ account: shop, allow: ["*"] }}
    worker: {{ account: shop, kind: role, allow: [kms:Encrypt] }}
  keys:
    payments: {{ account: shop, multi_region: true, primary: eu-west-1, replicas: [us-east-1] }}
    local: {{ account: shop, region: eu-west-1 }}
defaults: {{ in: eu-west-1, as: app }}
{rest}"#
    )
}

/// The run must pass.
fn passes(rest: &str) -> Vec<Event> {
    let (outcome, events) = run(&small(rest));
    assert_eq!(
        outcome.judgement,
        Judgement::Pass,
        "{}\n{}",
        outcome.because,
        problems(&events)
    );
    events
}

/// The run must fail at one step; its picture.
fn fails(rest: &str) -> (crate::journal::event::Problem, Vec<Event>) {
    let (outcome, events) = run(&small(rest));
    assert_eq!(outcome.judgement, Judgement::Fail, "{}", outcome.because);
    let problem = events.iter().find_map(|event| match &event.what {
        What::Expectation(it) => it.problem.clone(),
        _ => None,
    });
    (problem.expect("a failed step has a picture"), events)
}

/// Paths of steps and how they ended.
fn ended(events: &[Event]) -> Vec<(String, StepStatus)> {
    events
        .iter()
        .filter_map(|event| match &event.what {
            What::StepEnded(ended) => Some((ended.step.clone(), ended.status)),
            _ => None,
        })
        .collect()
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
    shipped(include_str!("../../../../scenarios/01-region-outage.yaml"));
}

#[test]
fn two_writers_without_a_network() {
    shipped(include_str!(
        "../../../../scenarios/02-global-table-conflict.yaml"
    ));
}

#[test]
fn three_ways_to_encrypt_an_object() {
    shipped(include_str!("../../../../scenarios/03-crr-sse-modes.yaml"));
}

#[test]
fn a_shared_snapshot() {
    shipped(include_str!("../../../../scenarios/04-share-snapshot.yaml"));
}

#[test]
fn a_world_with_a_seed_of_its_own_is_the_same_in_every_run() {
    let keys = |world: &str, seed: u64| {
        let text = small("steps: [{ kms.encrypt: { key_id: local, plaintext: x } }]")
            .replace("world:\n", &format!("world:\n  seed: {world}\n"))
            .replace("seed: 3\nworld", &format!("seed: {seed}\nworld"));
        let (outcome, events) = run(&text);
        assert_eq!(outcome.judgement, Judgement::Pass, "{}", problems(&events));
        let told = events.iter().find_map(|event| match &event.what {
            What::World(world) => Some(world.names.clone()),
            _ => None,
        });
        (told.expect("the world is told"), outcome.digest)
    };
    let (one, other, changed) = (keys("7", 1), keys("7", 2), keys("8", 1));
    assert_eq!(one.0, other.0);
    assert_ne!(one.1, other.1, "what happens in it is another run");
    assert_ne!(one.0["payments"], changed.0["payments"]);
}
