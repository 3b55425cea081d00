//! The rows of a campaign, checked as the steps that they become.
//!
//! A scenario is composed in which every row stands once, from the file's own nodes, so
//! that whatever the scenario checker finds points into the campaign file.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Span;
use crate::scenario::check::check;
use crate::scenario::diagnostic::{Diagnostics, Severity};
use crate::scenario::plan::{Goal, Plan};
use crate::scenario::source::{Entry, Key, Node, Span as Place, Value};
use crate::scenario::syntax::file::decode;
use crate::seed::RunSeed;

use super::dice::Dice;
use super::recorded::{Op, Recorded};
use super::{Campaign, compose, generate};
use crate::scenario::emit::{entry, map};

/// Checks every row and reports what is wrong with it.
pub fn rows(campaign: &Campaign, found: &mut Diagnostics) {
    if let Err(problems) = sample(campaign) {
        found.list.extend(
            problems
                .list
                .into_iter()
                .filter(|problem| problem.severity == Severity::Error),
        );
    }
}

/// The campaign's goals, ready to be judged.
#[must_use]
pub fn goals(campaign: &Campaign) -> Vec<Goal> {
    if campaign.goals.is_none() {
        return Vec::new();
    }
    let plan = sample(campaign).ok();
    plan.and_then(|mut plan| plan.cases.pop())
        .map(|case| case.goals)
        .unwrap_or_default()
}

fn sample(campaign: &Campaign) -> Result<Plan, Diagnostics> {
    let dice = Dice::new(RunSeed(0), "sample");
    let rows = 0..campaign.workload.mix.len();
    let ops = rows.map(|row| Op {
        pause: Span::millis(1),
        step: generate::step(campaign, row, 0, &dice),
    });
    let troubles = campaign.faults.pick.iter();
    let troubles =
        troubles.flat_map(|row| generate::aimed(campaign, row, Span::ZERO, Span::secs(1), &dice));
    let recorded = Recorded {
        number: 0,
        seed: 0,
        clients: vec![ops.collect()],
        troubles: troubles.collect(),
        regions: None,
    };
    let mut root = compose::compose(campaign, &recorded);
    if let Some(goals) = &campaign.goals {
        root.push(entry("goals", goals.clone()));
    }
    let place = place_of_world(campaign);
    let whole = campaign.source.text.len();
    let root = Node {
        span: Place::new(0, whole),
        ..map(root
            .into_iter()
            .map(|it| within(it, whole, place))
            .collect())
    };
    let mut found = Diagnostics::default();
    let file = decode(&root, &mut found);
    check(
        &Arc::clone(&campaign.source),
        &file,
        found,
        &BTreeMap::new(),
    )
    .map_err(|list| Diagnostics { list })
}

/// Where the file says which world it has.
fn place_of_world(campaign: &Campaign) -> Place {
    let text = &campaign.source.text;
    let at = text.lines().scan(0, |at, line| {
        let start = *at;
        *at += line.len() + 1;
        Some((start, line))
    });
    at.filter(|(_, line)| line.starts_with("world:"))
        .map(|(start, line)| Place::new(start, start + line.len()))
        .next()
        .unwrap_or_default()
}

/// A part of another file stands where this file names that file. Whether it is of another
/// file shows in its text: it does not stand here at its place.
fn within(it: Entry, whole: usize, place: Place) -> Entry {
    let shared = matches!(
        it.key.text.as_str(),
        "world" | "vars" | "client" | "defaults"
    );
    if !shared
        || it.key.span.end <= whole
            && place.start < it.key.span.start + 6
            && it.key.span.start <= place.start
    {
        return it;
    }
    Entry {
        key: Key {
            span: place,
            ..it.key
        },
        value: moved(&it.value, place),
    }
}

fn moved(node: &Node, span: Place) -> Node {
    let value = match &node.value {
        Value::Scalar(scalar) => Value::Scalar(scalar.clone()),
        Value::Seq(items) => Value::Seq(items.iter().map(|item| moved(item, span)).collect()),
        Value::Map(all) => Value::Map(
            all.iter()
                .map(|it| Entry {
                    key: Key {
                        text: it.key.text.clone(),
                        span,
                    },
                    value: moved(&it.value, span),
                })
                .collect(),
        ),
    };
    Node { value, span }
}
