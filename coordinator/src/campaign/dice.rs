//! Chance for one purpose, draw after draw.

use std::cell::Cell;

use crate::clock::Span;
use crate::seed::{Draw, RunSeed};

/// Draws for one purpose; another purpose's draws never change with them.
#[derive(Debug)]
pub struct Dice {
    seed: RunSeed,
    purpose: String,
    drawn: Cell<u64>,
}

impl Dice {
    /// Dice for a purpose.
    #[must_use]
    pub fn new(seed: RunSeed, purpose: impl Into<String>) -> Self {
        Self {
            seed,
            purpose: purpose.into(),
            drawn: Cell::new(0),
        }
    }

    /// The next draw.
    #[must_use]
    pub fn draw(&self) -> Draw {
        let number = self.drawn.get();
        self.drawn.set(number + 1);
        self.seed.draw(&self.purpose, number)
    }

    /// A number below `limit`.
    #[must_use]
    pub fn below(&self, limit: u64) -> u64 {
        self.draw().below(limit)
    }

    /// One of these; `None` of none.
    #[must_use]
    pub fn one<'a, T>(&self, items: &'a [T]) -> Option<&'a T> {
        let index = self.below(items.len() as u64);
        items.get(usize::try_from(index).unwrap_or(0))
    }

    /// A span between two, in whole steps that a person can read: milliseconds below ten
    /// seconds, tenths of a second above.
    #[must_use]
    pub fn span(&self, (least, most): (Span, Span)) -> Span {
        let span = self.draw().span(least, most);
        let step = if span < Span::secs(10) {
            1_000
        } else {
            100_000
        };
        Span(span.0 / step * step).max(least)
    }

    /// The place of one of these weights.
    #[must_use]
    pub fn weighted(&self, weights: &[u64]) -> Option<usize> {
        let mut rest = self.below(weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if rest < *weight {
                return Some(index);
            }
            rest -= weight;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_kept_and_a_row_of_no_weight_never_comes() {
        let dice = Dice::new(RunSeed(7), "test");
        let mut counts = [0_u64; 3];
        for _ in 0..3_000 {
            counts[dice.weighted(&[2, 0, 1]).expect("there are weights")] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((1_800..2_200).contains(&counts[0]), "{counts:?}");
        assert_eq!(dice.weighted(&[]), None);
        assert_eq!(dice.weighted(&[0]), None);
    }

    #[test]
    fn purposes_do_not_disturb_each_other() {
        let one = Dice::new(RunSeed(7), "one");
        let first = one.below(1_000_000);
        let other = Dice::new(RunSeed(7), "other");
        let _ = other.below(5);
        let again = Dice::new(RunSeed(7), "one");
        assert_eq!(again.below(1_000_000), first);
    }
}
