//! A campaign from its file to a scenario that breaks the same property.

use std::path::Path;

use super::generate::generate;
use super::read::read;
use super::search::{Search, ToTheEnd, search};
use super::shrink::shrink;
use super::tally::Tally;
use super::{Campaign, trial};
use crate::scenario::diagnostic::{Format, render};
use crate::scenario::load;
use crate::scenario::source::Source;

/// Clients in two Regions write one item while the link is cut: some write loses. The
/// oracle that must not know of conflicts says so.
const CONFLICTS: &str = r#"campaign: 1
title: Writes that lose
world:
  regions: [eu-west-1, us-east-1]
  accounts: { shop: "111111111111" }
  principals:
    app: { account: shop, allow: ["dynamodb:*", "kms:*"] }
  tables:
    orders: { account: shop, replicas: [eu-west-1, us-east-1], partition_key: id }
seeds: { from: 1, count: 6 }
workload:
  lasts: 10s
  clients: 2
  rate: 1/s
  keys: 1
  as: app
  mix:
    - { weight: 3, dynamodb.put_item: { table_name: orders, item: { id: $key, note: $random.text } } }
    - { weight: 1, dynamodb.get_item: { table_name: orders, key: { id: $key } } }
faults:
  calm_between: 1s
  pick:
    - { lasts: 5s, partition: { groups: [[eu-west-1], [us-east-1]] } }
    - { lasts: 2s, slow_link: { between: any, latency: { from: 50ms, to: 500ms } } }
always:
  - no_accepted_write_vanishes_silently: { table: orders }
goals:
  - metric: success_rate
    value: { at_least: 1% }
settle:
  within: 1m
  then:
    - look.replicas_equal: { table_name: orders }
reach: [conflict_resolved, { operation: dynamodb.put_item, outcome: success, during: partition }]
"#;

/// A campaign for tests of its parts.
pub(super) fn storm() -> Campaign {
    campaign(CONFLICTS)
}

fn campaign(text: &str) -> Campaign {
    let source = Source::new("campaigns/losing.yaml", text);
    read(&source, Path::new("campaigns/losing.yaml")).unwrap_or_else(|problems| {
        panic!("{}", render(&source, &problems, Format::Human(false)));
    })
}

fn problems(text: &str) -> String {
    let source = Source::new("wrong.yaml", text);
    let problems = read(&source, Path::new("wrong.yaml")).expect_err("it is wrong");
    render(&source, &problems, Format::Human(false))
}

fn searched(campaign: &Campaign, workers: usize, shard: Option<(u64, u64)>) -> Tally {
    let plan = Search {
        shard,
        workers,
        stop_after: None,
        twice: 100,
        guided: false,
    };
    let searched = search(campaign, &plan, &mut ToTheEnd);
    assert!(
        searched.undetermined.is_empty(),
        "{:?}",
        searched.undetermined
    );
    searched.tally
}

#[test]
fn every_run_is_a_scenario_that_passes_its_check() {
    let campaign = campaign(CONFLICTS);
    for seed in 1..=20 {
        let recorded = generate(&campaign, seed);
        let text = trial::text(&campaign, &recorded);
        let source = Source::new("made.yaml", &text);
        if let Err(problems) = load(&source) {
            panic!("{}", render(&source, &problems, Format::Human(false)));
        }
        let again = trial::text(&campaign, &generate(&campaign, seed));
        assert_eq!(text, again, "a seed is one plan");
    }
}

#[test]
fn shards_joined_are_the_whole_whatever_the_number_of_threads() {
    let campaign = campaign(CONFLICTS);
    let whole = searched(&campaign, 1, None);
    assert_eq!(whole.runs, 6);
    assert!(whole.unreached().next().is_none(), "{:?}", whole.reach);
    let mut joined = searched(&campaign, 2, Some((2, 3)));
    for shard in [1, 3] {
        let part = searched(&campaign, 2, Some((shard, 3)));
        let text = part.write();
        let read: Tally = serde_json::from_str(&text).expect("it reads back");
        joined.join(read).expect("they belong together");
    }
    assert_eq!(joined.write(), whole.write());
    let again = searched(&campaign, 2, Some((1, 3)));
    assert!(joined.join(again).is_err(), "a whole takes no more");
}

#[test]
fn a_failing_run_shrinks_to_a_scenario_that_fails_in_the_same_way() {
    let campaign = campaign(CONFLICTS);
    let whole = searched(&campaign, 2, None);
    let first = whole.failures.first().expect("some write loses");
    assert_eq!(first.property, "no_accepted_write_vanishes_silently");
    let recorded = generate(&campaign, first.seed);
    let before = recorded.operations();
    let shrunk = shrink(&campaign, recorded, &first.property, &mut || true);
    assert!(!shrunk.cut);
    assert!(
        before > 2 && shrunk.recorded.operations() == 2,
        "{}",
        shrunk.recorded.size()
    );
    assert!(
        shrunk.recorded.troubles.len() <= 1,
        "{}",
        shrunk.recorded.size()
    );
    let text = trial::text(&campaign, &shrunk.recorded);
    let plan = load(&Source::new("found.yaml", &text)).expect("it passes its check");
    let options = crate::runner::Options::new("found", crate::seed::RunSeed(first.seed));
    let outcome = crate::runner::run_case(
        &plan,
        &plan.cases[0],
        &options,
        Box::new(crate::transport::Loopback::new()),
        crate::journal::Journal::new(),
    )
    .expect("it runs");
    assert!(
        outcome.because.starts_with(&first.property),
        "{}\n{text}",
        outcome.because
    );
}

#[test]
fn what_is_wrong_is_said_at_its_place_all_at_once() {
    let wrong = CONFLICTS
        .replace("rate: 1/s", "rate: fast")
        .replace("calm_between", "calm_betwen")
        .replace("partition: {", "partitoin: {")
        .replace("conflict_resolved,", "conflict_resolvd,");
    let told = problems(&wrong);
    for part in [
        "a rate such as `20/s`",
        "did you mean `calm_between`?",
        "did you mean `partition`?",
        "did you mean `conflict_resolved`?",
    ] {
        assert!(told.contains(part), "{part}:\n{told}");
    }
}

#[test]
fn rows_are_checked_as_the_steps_that_they_become() {
    let told = problems(&CONFLICTS.replace("item: { id: $key,", "itm: { id: $key,"));
    assert!(
        told.contains("wrong.yaml:18:") && told.contains("`itm`"),
        "{told}"
    );
    let told = problems(&CONFLICTS.replace("{ table: orders }", "{ table: ordres }"));
    assert!(told.contains("`ordres`"), "{told}");
    let told = problems("campaign: 1\ntitle: x\nworld: nowhere.yaml\nworkload: { mix: [] }\n");
    assert!(told.contains("the world's file cannot be read"), "{told}");
}

#[test]
fn a_guided_search_is_the_same_on_one_thread_and_on_three() {
    let campaign = Campaign {
        seeds: (1, 70),
        ..campaign(CONFLICTS)
    };
    let guided = |workers| {
        let plan = Search {
            shard: None,
            workers,
            stop_after: Some(40),
            twice: 10,
            guided: true,
        };
        search(&campaign, &plan, &mut ToTheEnd)
    };
    let (one, three) = (guided(1), guided(3));
    assert_eq!(one.tally.write(), three.tally.write());
    assert!(one.marks.is_some_and(|(marks, new)| marks > 20 && new > 1));
    let failure = one.tally.failures.last().expect("some write loses");
    let recorded = one.plan(&campaign, failure.seed);
    let again = trial::run(&campaign, &[], &recorded);
    assert_eq!(again.digest, failure.digest, "its plan is kept");
}

#[test]
fn what_no_run_saw_is_named() {
    let campaign = campaign(CONFLICTS);
    let none = Tally::new(&campaign, 0, None).never_seen(&campaign);
    let kinds = ["partition".to_owned(), "slow_link".to_owned()];
    assert_eq!(none["dynamodb.PutItem"], kinds);
    let all = searched(&campaign, 2, None).never_seen(&campaign);
    assert!(!all.contains_key("dynamodb.PutItem"), "{all:?}");
}

#[test]
fn a_run_that_goes_on_from_the_campaigns_world_is_the_one_that_makes_its_own() {
    let campaign = campaign(CONFLICTS);
    let place = campaign.worlds.place(None);
    for seed in 1..=3 {
        let recorded = generate(&campaign, seed);
        let shared = trial::run(&campaign, &[], &recorded);
        assert!(place.get().is_some_and(Option::is_some), "it was made once");
        let alone = trial::run_alone(&campaign, &recorded);
        assert_eq!(shared.digest, alone.digest, "seed {seed}");
        assert_eq!(shared.marks, alone.marks, "seed {seed}");
    }
}
