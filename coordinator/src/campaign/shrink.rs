//! From a plan that fails to the smallest that fails in the same way.
//!
//! Everything is tried by running it: what still breaks the same property is kept. First
//! whole parts go (faults, operations, Regions), in halves, quarters and so on (delta
//! debugging), then times become round.

use crate::clock::Span;

use super::recorded::{Op, Recorded, Trouble};
use super::{Campaign, trial};

/// What may be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Faults.
    Faults,
    /// Operations and clients.
    Workload,
    /// How long things last and wait.
    Duration,
    /// Regions that nothing needs.
    Regions,
}

impl By {
    /// All, in the order in which they are tried.
    pub const ALL: &'static [Self] = &[Self::Faults, Self::Workload, Self::Regions, Self::Duration];

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Faults => "faults",
            Self::Workload => "workload",
            Self::Duration => "duration",
            Self::Regions => "regions",
        }
    }
}

/// A shrunk plan.
#[derive(Debug)]
pub struct Shrunk {
    /// The plan.
    pub recorded: Recorded,
    /// How often something was tried.
    pub tried: u64,
    /// Whether there was no time to try everything.
    pub cut: bool,
}

/// Makes a plan small. `goes_on` is asked before each try.
pub fn shrink(
    campaign: &Campaign,
    recorded: Recorded,
    property: &str,
    goes_on: &mut dyn FnMut() -> bool,
) -> Shrunk {
    let mut work = Work {
        campaign,
        property,
        best: recorded,
        tried: 0,
        cut: false,
        goes_on,
    };
    loop {
        let before = format!("{:?}", work.best);
        for by in By::ALL.iter().filter(|by| campaign.shrink.by.contains(by)) {
            match by {
                By::Faults => work.faults(),
                By::Workload => work.operations(),
                By::Regions => work.regions(),
                By::Duration => work.durations(),
            }
        }
        if work.cut || format!("{:?}", work.best) == before {
            break;
        }
    }
    Shrunk {
        recorded: work.best,
        tried: work.tried,
        cut: work.cut,
    }
}

struct Work<'a> {
    campaign: &'a Campaign,
    property: &'a str,
    best: Recorded,
    tried: u64,
    cut: bool,
    goes_on: &'a mut dyn FnMut() -> bool,
}

impl Work<'_> {
    /// Keeps a plan if it breaks the same property.
    fn attempt(&mut self, smaller: Recorded) -> bool {
        if self.cut || !(self.goes_on)() {
            self.cut = true;
            return false;
        }
        self.tried += 1;
        let trial = trial::run(self.campaign, &[], &smaller);
        let same = trial
            .failed
            .is_some_and(|failed| failed.property == self.property);
        if same {
            self.best = smaller;
        }
        same
    }

    fn faults(&mut self) {
        self.thin_out(
            |plan| plan.troubles.len(),
            |plan, kept| {
                plan.troubles = pick(&plan.troubles, kept);
            },
        );
        for index in 0..self.best.troubles.len() {
            let parts = self.best.troubles[index].faults.len();
            for part in (0..parts).rev() {
                let mut smaller = self.best.clone();
                let faults = &mut smaller.troubles[index].faults;
                if faults.len() > 1 {
                    faults.remove(part);
                    self.attempt(smaller);
                }
            }
        }
    }

    fn operations(&mut self) {
        self.thin_out(Recorded::operations, |plan, kept| {
            let mut at = 0;
            for ops in &mut plan.clients {
                let own = &kept[at..at + ops.len()];
                at += ops.len();
                *ops = without(ops, own);
            }
        });
    }

    /// Takes away as many of a plan's items as can be missed.
    fn thin_out(&mut self, count: fn(&Recorded) -> usize, keep: fn(&mut Recorded, &[bool])) {
        let mut chunk = count(&self.best);
        while chunk > 0 && !self.cut {
            let mut at = 0;
            while at < count(&self.best) && !self.cut {
                let all = count(&self.best);
                let kept: Vec<bool> = (0..all)
                    .map(|index| index < at || index >= at + chunk)
                    .collect();
                let mut smaller = self.best.clone();
                keep(&mut smaller, &kept);
                if !self.attempt(smaller) {
                    at += chunk;
                }
            }
            chunk /= 2;
        }
    }

    fn regions(&mut self) {
        let all = self.campaign.names.regions();
        for region in all {
            let now = self.best.regions.clone().unwrap_or_else(|| all.to_vec());
            let fewer: Vec<String> = now.iter().filter(|it| *it != region).cloned().collect();
            if fewer.is_empty() || fewer.len() == now.len() {
                continue;
            }
            let mut smaller = self.best.clone();
            smaller.regions = Some(fewer);
            self.attempt(smaller);
        }
    }

    fn durations(&mut self) {
        for index in 0..self.best.troubles.len() {
            let spans: [fn(&mut Trouble) -> &mut Span; 2] = [|it| &mut it.at, |it| &mut it.lasts];
            for span in spans {
                let now = *span(&mut self.best.clone().troubles[index]);
                for rounder in rounder(now) {
                    let mut smaller = self.best.clone();
                    *span(&mut smaller.troubles[index]) = rounder;
                    if self.attempt(smaller) {
                        break;
                    }
                }
            }
        }
        for client in 0..self.best.clients.len() {
            for op in 0..self.best.clients[client].len() {
                for rounder in rounder(self.best.clients[client][op].pause) {
                    let mut smaller = self.best.clone();
                    smaller.clients[client][op].pause = rounder;
                    if self.attempt(smaller) {
                        break;
                    }
                }
            }
        }
    }
}

/// Rounder spans than this one, the simplest first.
fn rounder(span: Span) -> Vec<Span> {
    let digits = |span: Span| span.0.to_string().trim_end_matches('0').len();
    let units = [10_000_000, 1_000_000, 100_000, 10_000];
    let rounded = units.into_iter().flat_map(|unit| {
        let down = span.0 / unit * unit;
        [Span(down), Span(down + unit)]
    });
    let simpler = |it: &Span| it.0 <= span.0 * 2 && digits(*it) < digits(span);
    let mut spans: Vec<Span> = [Span::ZERO]
        .into_iter()
        .chain(rounded)
        .filter(simpler)
        .collect();
    spans.dedup();
    spans
}

fn pick<T: Clone>(items: &[T], kept: &[bool]) -> Vec<T> {
    items
        .iter()
        .zip(kept)
        .filter(|(_, kept)| **kept)
        .map(|(item, _)| item.clone())
        .collect()
}

/// A client's operations without some; the others keep their moments.
fn without(ops: &[Op], kept: &[bool]) -> Vec<Op> {
    let mut waited = Span::ZERO;
    let mut rest = Vec::new();
    for (op, kept) in ops.iter().zip(kept) {
        waited = waited.plus(op.pause);
        if *kept {
            rest.push(Op {
                pause: waited,
                step: op.step.clone(),
            });
            waited = Span::ZERO;
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_keeps_its_moment() {
        let ops: Vec<Op> = [10, 20, 30]
            .map(|ms| Op {
                pause: Span::millis(ms),
                step: Vec::new(),
            })
            .to_vec();
        let rest = without(&ops, &[false, true, false]);
        assert_eq!(rest.len(), 1);
        assert_eq!(rest[0].pause, Span::millis(30));
    }

    #[test]
    fn rounder_spans_are_simpler_and_never_more_than_twice_as_long() {
        for span in [
            Span::millis(3_417),
            Span::secs(7),
            Span::millis(120),
            Span(1),
        ] {
            for it in rounder(span) {
                assert!(it < span || it.0 <= span.0 * 2, "{it} for {span}");
            }
        }
        assert!(rounder(Span::ZERO).is_empty(), "{:?}", rounder(Span::ZERO));
    }
}
