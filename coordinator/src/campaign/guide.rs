//! Guidance by coverage: where a run saw something new, its neighbours are tried.
//!
//! A run's plan is kept when it saw a mark that none before it had seen: an (operation, outcome,
//! faults in force, state) tuple, or one operation ending one way more often than before. Of the
//! runs that follow three in four are made from a kept plan. Half of these go on where it ended;
//! in the others its faults are moved, exchanged or taken from another seed, its operations
//! repeated, crowded together or spliced with another seed's. The fourth is a fresh seed, as
//! without guidance.
//!
//! Plans are made in rounds of [`ROUND`], each from what all earlier rounds saw, so the result
//! does not depend on the number of threads. A plan made so has no seed of its own: the number of
//! the run stands for it, and what fails is kept as the scenario that it is.

use std::collections::BTreeSet;

use crate::clock::Span;
use crate::seed::RunSeed;

use super::Campaign;
use super::dice::Dice;
use super::generate::generate;
use super::recorded::{Op, Recorded, Trouble};
use super::trial::Trial;

/// Runs that are planned together.
pub const ROUND: u64 = 32;
/// Kept plans, at most: the oldest make room.
const MOST: usize = 512;
/// Operations of a plan, at most, as a multiple of what a seed has.
const GROWTH: usize = 3;

/// What all runs so far have seen, and the plans that saw it first.
#[derive(Debug, Default)]
pub struct Guide {
    seen: BTreeSet<String>,
    kept: Vec<Recorded>,
}

impl Guide {
    /// The plan of run number `number`.
    #[must_use]
    pub fn plan(&self, campaign: &Campaign, number: u64) -> Recorded {
        let fresh = generate(campaign, number);
        let dice = Dice::new(RunSeed(number), "guide");
        if self.kept.is_empty() || dice.below(4) == 0 {
            return fresh;
        }
        // What was new lately is most often followed: the best of two places.
        let count = self.kept.len() as u64;
        let place = dice.below(count).max(dice.below(count));
        let parent = usize::try_from(place).ok().and_then(|at| self.kept.get(at));
        let mut plan = parent.cloned().unwrap_or_else(|| fresh.clone());
        let most = fresh.operations().max(8) * GROWTH;
        if dice.below(2) == 0 && plan.operations() < most {
            extend(&mut plan, &fresh, most, &dice);
            return plan;
        }
        if dice.below(2) == 0 {
            plan.seed = fresh.seed;
        }
        for _ in 0..=dice.below(3) {
            change(campaign, &mut plan, &fresh, most, &dice);
        }
        plan
    }

    /// Learns what a run saw. Whether any of it was new.
    pub fn learn(&mut self, plan: &Recorded, trial: &Trial) -> bool {
        let before = self.seen.len();
        self.seen.extend(trial.marks.iter().cloned());
        let new = self.seen.len() > before;
        if new {
            if self.kept.len() >= MOST {
                self.kept.remove(0);
            }
            self.kept.push(plan.clone());
        }
        new
    }

    /// How many marks were seen.
    #[must_use]
    pub fn marks(&self) -> usize {
        self.seen.len()
    }
}

fn change(campaign: &Campaign, plan: &mut Recorded, fresh: &Recorded, most: usize, dice: &Dice) {
    match dice.below(8) {
        0 => plan.troubles.clone_from(&fresh.troubles),
        1 => {
            if let Some(trouble) = dice.one(&fresh.troubles) {
                plan.add(trouble.clone(), campaign.faults.at_once);
            }
        }
        2 if !plan.troubles.is_empty() => {
            let at = index(dice, plan.troubles.len());
            plan.troubles.remove(at);
        }
        3 if !plan.troubles.is_empty() => {
            // Faults are worth most around what clients do.
            let at = index(dice, plan.troubles.len());
            let mut moved = plan.troubles.remove(at);
            moved.at = moment(plan, dice).unwrap_or(moved.at);
            plan.add(moved, campaign.faults.at_once);
        }
        4 if !plan.troubles.is_empty() => {
            let at = index(dice, plan.troubles.len());
            let lasts = &mut plan.troubles[at].lasts;
            *lasts = if dice.below(2) == 0 {
                Span((lasts.0 / 2).max(1_000))
            } else {
                lasts.times(2)
            };
        }
        5 => splice(plan, fresh, dice),
        6 => crowd(plan, dice),
        _ => repeat(plan, most, dice),
    }
    plan.troubles.sort_by_key(|trouble| trouble.at);
}

fn index(dice: &Dice, len: usize) -> usize {
    usize::try_from(dice.below(len as u64)).unwrap_or(0)
}

/// When some operation begins.
fn moment(plan: &Recorded, dice: &Dice) -> Option<Span> {
    let ops = dice.one(&plan.clients)?;
    let upto = index(dice, ops.len().max(1));
    let pauses = ops.iter().take(upto + 1).map(|op| op.pause);
    Some(pauses.fold(Span::ZERO, Span::plus))
}

/// Everything stays as it was, and goes on: clients do some of what the other seed's clients do,
/// under its faults. What the plan reached it reaches again, and perhaps one step more.
fn extend(plan: &mut Recorded, fresh: &Recorded, most: usize, dice: &Dice) {
    let lasts = |ops: &Vec<Op>| ops.iter().map(|op| op.pause).fold(Span::ZERO, Span::plus);
    let end = plan.clients.iter().map(lasts).max().unwrap_or_default();
    let upto = index(dice, 8) + 2;
    for (ops, others) in plan.clients.iter_mut().zip(&fresh.clients) {
        let rest = end.minus(lasts(ops));
        for (nth, op) in others.iter().take(upto).enumerate() {
            let waits = if nth == 0 { rest } else { Span::ZERO };
            ops.push(Op {
                pause: op.pause.plus(waits),
                step: op.step.clone(),
            });
        }
    }
    while plan.operations() > most {
        let longest = plan.clients.iter_mut().max_by_key(|ops| ops.len());
        longest.map(Vec::pop);
    }
    if dice.below(2) == 0 {
        let later = fresh.troubles.iter().take(2).map(|trouble| Trouble {
            at: trouble.at.plus(end),
            ..trouble.clone()
        });
        plan.troubles.extend(later);
    }
}

/// From a moment on, a client does what the other seed's client does.
fn splice(plan: &mut Recorded, fresh: &Recorded, dice: &Dice) {
    let client = index(dice, plan.clients.len().max(1));
    let (Some(ops), Some(others)) = (plan.clients.get_mut(client), fresh.clients.get(client))
    else {
        return;
    };
    let cut = index(dice, ops.len().max(1));
    ops.truncate(cut);
    ops.extend(others.iter().skip(cut).cloned());
}

/// What a client does follows faster.
fn crowd(plan: &mut Recorded, dice: &Dice) {
    let client = index(dice, plan.clients.len().max(1));
    for op in plan.clients.get_mut(client).into_iter().flatten() {
        op.pause = Span((op.pause.0 / 2).max(1_000));
    }
}

/// A few operations that somebody does are done once more, by anybody.
fn repeat(plan: &mut Recorded, most: usize, dice: &Dice) {
    for _ in 0..=dice.below(4) {
        if plan.operations() >= most {
            return;
        }
        let source = dice.one(&plan.clients).and_then(|ops| dice.one(ops));
        let Some(Op { step, .. }) = source.cloned() else {
            continue;
        };
        let pause = dice.span((Span::millis(1), Span::secs(10)));
        let client = index(dice, plan.clients.len());
        let ops = &mut plan.clients[client];
        let at = index(dice, ops.len() + 1);
        ops.insert(at, Op { pause, step });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::tests::storm;

    fn saw(marks: &[&str]) -> Trial {
        Trial {
            marks: marks.iter().map(|mark| (*mark).to_owned()).collect(),
            ..Trial::default()
        }
    }

    #[test]
    fn a_plan_is_kept_when_it_saw_something_new() {
        let campaign = storm();
        let mut guide = Guide::default();
        let plan = guide.plan(&campaign, 1);
        assert!(guide.learn(&plan, &saw(&["a", "b"])));
        assert!(!guide.learn(&plan, &saw(&["b"])));
        assert!(guide.learn(&plan, &saw(&["b", "c"])));
        assert_eq!((guide.marks(), guide.kept.len()), (3, 2));
    }

    #[test]
    fn plans_follow_from_what_was_seen_and_keep_the_bounds() {
        let campaign = storm();
        let mut guide = Guide::default();
        let first = guide.plan(&campaign, 1);
        guide.learn(&first, &saw(&["a"]));
        let mut differ = 0;
        for number in 2..60 {
            let plan = guide.plan(&campaign, number);
            let again = guide.plan(&campaign, number);
            assert_eq!(format!("{plan:?}"), format!("{again:?}"));
            let fresh = generate(&campaign, number);
            assert!(plan.operations() <= fresh.operations().max(first.operations()).max(8) * 4);
            differ += u64::from(format!("{plan:?}") != format!("{fresh:?}"));
        }
        assert!(differ > 30, "{differ} of 58 are neighbours of the first");
    }
}
