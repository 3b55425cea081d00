//! From a seed to a plan: workload, then faults, each from draws of its own.

use crate::clock::Span;
use crate::scenario::source::{Entry, Node};
use crate::scenario::vocabulary::faults;
use crate::seed::RunSeed;

use super::dice::Dice;
use super::recorded::{Op, Recorded, Trouble};
use super::targets::{self, Drawn};
use super::{Campaign, PickRow, compounds};
use crate::scenario::emit::{entry, plain};

/// The plan of a seed.
#[must_use]
pub fn generate(campaign: &Campaign, seed: u64) -> Recorded {
    let run = RunSeed(seed);
    let rows = enabled(
        campaign.workload.mix.len(),
        campaign.faults.swarm,
        &Dice::new(run, "swarm mix"),
    );
    let weights: Vec<u64> = campaign
        .workload
        .mix
        .iter()
        .zip(&rows)
        .map(|(row, enabled)| if *enabled { row.weight } else { 0 })
        .collect();
    let clients = (0..campaign.workload.clients)
        .map(|client| operations(campaign, run, client, &weights))
        .collect();
    let mut recorded = Recorded {
        number: seed,
        seed,
        clients,
        troubles: Vec::new(),
        regions: None,
    };
    for trouble in troubles(campaign, run) {
        // Each place for a fault follows its own times; compounds count as what they are.
        recorded.add(trouble, u64::MAX);
    }
    recorded
}

/// Which rows this seed takes: all, or in a swarm some, at least one.
fn enabled(rows: usize, swarm: bool, dice: &Dice) -> Vec<bool> {
    if !swarm || rows < 2 {
        return vec![true; rows];
    }
    let mut enabled: Vec<bool> = (0..rows).map(|_| dice.below(2) == 0).collect();
    let sure = usize::try_from(dice.below(rows as u64)).unwrap_or(0);
    enabled[sure] = true;
    enabled
}

fn operations(campaign: &Campaign, run: RunSeed, client: u64, weights: &[u64]) -> Vec<Op> {
    let workload = &campaign.workload;
    let dice = Dice::new(run, format!("client {client}"));
    let mut at = Span::ZERO;
    let mut ops = Vec::new();
    loop {
        // From nothing to twice the mean, so that clients meet and part.
        let pause = dice.span((Span::ZERO, workload.pause.times(2)));
        at = at.plus(pause.max(Span::millis(1)));
        if at > workload.lasts {
            return ops;
        }
        let Some(row) = dice.weighted(weights) else {
            return ops;
        };
        let own = Dice::new(run, format!("client {client} operation {}", ops.len()));
        let step = step(campaign, row, client, &own);
        ops.push(Op { pause, step });
    }
}

/// The step of a row, with the adverbs that the row does not say.
pub(super) fn step(campaign: &Campaign, row: usize, client: u64, dice: &Dice) -> Vec<Entry> {
    let workload = &campaign.workload;
    let key = if workload.hot && dice.below(2) == 0 {
        0
    } else {
        dice.below(workload.keys)
    };
    let key = format!("k{key}");
    let drawn = Drawn {
        names: &campaign.names,
        dice,
        key: &key,
    };
    let row = &workload.mix[row].step;
    let says = |word: &str| row.iter().any(|entry| entry.key.text == word);
    let mut step: Vec<Entry> = workload
        .adverbs
        .iter()
        .filter(|entry| !says(&entry.key.text))
        .chain(row)
        .map(|it| Entry {
            key: it.key.clone(),
            value: adverb(it, &drawn),
        })
        .collect();
    let sealed = step
        .iter()
        .any(|entry| entry.key.text.starts_with("sealed."));
    let placed = |step: &[Entry], word: &str| step.iter().any(|entry| entry.key.text == word);
    // A client has a home; a client that seals stands there and chooses its own endpoints.
    let word = if sealed { "from" } else { "in" };
    if !placed(&step, "in") && !placed(&step, word) {
        let regions = campaign.names.regions();
        if let Some(home) = regions.get(usize::try_from(client).unwrap_or(0) % regions.len().max(1))
        {
            step.insert(0, entry(word, plain(home.clone())));
        }
    }
    step
}

fn adverb(it: &Entry, drawn: &Drawn<'_>) -> Node {
    let any = it.value.text() == Some(targets::ANY);
    if any && matches!(it.key.text.as_str(), "in" | "from") {
        return plain(
            drawn
                .names
                .one(faultline_proto::tables::Referent::Region, drawn.dice)
                .unwrap_or_default(),
        );
    }
    drawn.put_into(&it.value)
}

fn troubles(campaign: &Campaign, run: RunSeed) -> Vec<Trouble> {
    let plan = &campaign.faults;
    let enabled = enabled(plan.pick.len(), plan.swarm, &Dice::new(run, "swarm pick"));
    let weights: Vec<u64> = plan
        .pick
        .iter()
        .zip(enabled)
        .map(|(row, enabled)| if enabled { row.weight } else { 0 })
        .collect();
    let mut troubles = Vec::new();
    for slot in 0..plan.at_once {
        let dice = Dice::new(run, format!("faults {slot}"));
        let mut at = Span::ZERO;
        loop {
            at = at.plus(dice.span(plan.calm));
            let Some(row) = dice.weighted(&weights) else {
                break;
            };
            let row = &plan.pick[row];
            let lasts = dice.span(row.lasts);
            if at >= campaign.workload.lasts {
                break;
            }
            troubles.extend(aimed(campaign, row, at, lasts, &dice));
            at = at.plus(lasts.max(Span::millis(1)));
        }
    }
    troubles.sort_by_key(|trouble| trouble.at);
    troubles
}

/// A row's fault, or the parts of a compound.
pub(super) fn aimed(
    campaign: &Campaign,
    row: &PickRow,
    at: Span,
    lasts: Span,
    dice: &Dice,
) -> Vec<Trouble> {
    let name = row.fault.key.text.as_str();
    if let Some(def) = faults::find(name) {
        let fault = targets::aim(def, &row.fault, &campaign.names, dice);
        return vec![Trouble {
            at,
            lasts,
            faults: vec![fault],
        }];
    }
    compounds::find(name).map_or_else(Vec::new, |compound| {
        (compound.parts)(&campaign.names, at, lasts, dice)
    })
}
