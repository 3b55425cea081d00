//! All seeds on all cores.
//!
//! Seeds are handed out in their order. When enough have failed no more are begun, and what
//! ran beyond the last failure that counts is forgotten: so the result is the same on one
//! core and on many.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

use super::tally::Tally;
use super::trial::{self, Trial};
use super::{Campaign, check, generate};

/// Which seeds, and how.
#[derive(Debug, Clone)]
pub struct Search {
    /// Which shard of how many, from 1.
    pub shard: Option<(u64, u64)>,
    /// Threads.
    pub workers: usize,
    /// Failures after which no more seeds are begun.
    pub stop_after: Option<u64>,
    /// Of a hundred seeds, how many are run twice and compared.
    pub twice: u64,
}

/// What a search is told between runs.
pub trait Watcher {
    /// A run ended. Answers whether to go on.
    fn ran(&mut self, sum: &Tally) -> bool;
}

/// What came of a search.
#[derive(Debug)]
pub struct Searched {
    /// The sum.
    pub tally: Tally,
    /// Seeds that gave two different journals.
    pub undetermined: Vec<u64>,
    /// Whether it was ended before its last seed, and not by its failures.
    pub cut: bool,
}

/// Runs the seeds of a campaign.
#[must_use]
pub fn search(campaign: &Campaign, plan: &Search, watcher: &mut dyn Watcher) -> Searched {
    let seeds = seeds(campaign, plan.shard);
    let next = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let (send, receive) = mpsc::sync_channel::<(u64, Trial, bool)>(plan.workers * 4);
    let goals = check::goals(campaign).len();
    std::thread::scope(|scope| {
        for _ in 0..plan.workers.max(1) {
            let send = send.clone();
            let (seeds, next, stop) = (&seeds, &next, &stop);
            scope.spawn(move || {
                let goals = check::goals(campaign);
                while !stop.load(Ordering::Relaxed) {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(seed) = seeds.get(place) else { return };
                    let recorded = generate::generate(campaign, seed);
                    let trial = trial::run(campaign, &goals, &recorded);
                    let same = seed % 100 >= plan.twice
                        || trial::run(campaign, &[], &recorded).digest == trial.digest;
                    if send.send((place, trial, same)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut gathered = Gathered::new(campaign, plan, goals);
        let mut cut = false;
        for (place, trial, same) in receive {
            gathered.take(place, trial, same);
            if gathered.enough {
                stop.store(true, Ordering::Relaxed);
            } else if !watcher.ran(&gathered.tally) && !cut {
                cut = true;
                stop.store(true, Ordering::Relaxed);
            }
        }
        Searched {
            tally: gathered.tally,
            undetermined: gathered.undetermined,
            cut,
        }
    })
}

/// The seeds of a shard: every `of`-th from its place.
struct Seeds {
    from: u64,
    count: u64,
    which: u64,
    of: u64,
}

impl Seeds {
    fn get(&self, place: u64) -> Option<u64> {
        let offset = place.checked_mul(self.of)?.checked_add(self.which)?;
        (offset < self.count).then(|| self.from + offset)
    }
}

fn seeds(campaign: &Campaign, shard: Option<(u64, u64)>) -> Seeds {
    let (from, count) = campaign.seeds;
    let (which, of) = shard.unwrap_or((1, 1));
    Seeds {
        from,
        count,
        which: which - 1,
        of,
    }
}

/// Runs in the order of their seeds, whoever was first.
struct Gathered<'a> {
    campaign: &'a Campaign,
    stop_after: Option<u64>,
    tally: Tally,
    undetermined: Vec<u64>,
    waiting: BTreeMap<u64, (Trial, bool)>,
    next: u64,
    enough: bool,
}

impl<'a> Gathered<'a> {
    fn new(campaign: &'a Campaign, plan: &Search, goals: usize) -> Self {
        Self {
            campaign,
            stop_after: plan.stop_after,
            tally: Tally::new(campaign, goals, plan.shard),
            undetermined: Vec::new(),
            waiting: BTreeMap::new(),
            next: 0,
            enough: false,
        }
    }

    fn take(&mut self, place: u64, trial: Trial, same: bool) {
        self.waiting.insert(place, (trial, same));
        while let Some((trial, same)) = self.waiting.remove(&self.next) {
            self.next += 1;
            if self.enough {
                continue;
            }
            if !same {
                self.undetermined.push(trial.seed);
            }
            self.tally.add(self.campaign, &trial);
            self.enough = self
                .stop_after
                .is_some_and(|most| self.tally.failed >= most);
        }
    }
}
