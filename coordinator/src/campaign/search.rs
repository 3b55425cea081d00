//! All seeds on all cores.
//!
//! Seeds are handed out in their order. When enough have failed no more are begun, and what
//! ran beyond the last failure that counts is forgotten: so the result is the same on one
//! core and on many.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, mpsc};

use super::guide::{self, Guide};
use super::recorded::Recorded;
use super::tally::Tally;
use super::trial::{self, Trial};
use super::{Campaign, check, generate};
use crate::scenario::plan::Goal;

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
    /// Whether runs follow what earlier ones saw, instead of seeds alone.
    pub guided: bool,
}

/// What a search is told between runs.
pub trait Watcher {
    /// A run ended. Answers whether to go on.
    fn ran(&mut self, sum: &Tally) -> bool;
}

/// Nobody looks: a search goes on to its end.
#[derive(Debug, Clone, Copy)]
pub struct ToTheEnd;

impl Watcher for ToTheEnd {
    fn ran(&mut self, _: &Tally) -> bool {
        true
    }
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
    /// Plans of failing runs that no seed gives, by the number of the run.
    pub plans: BTreeMap<u64, Recorded>,
    /// What a guided search saw, and how many of its runs saw something new.
    pub marks: Option<(usize, u64)>,
}

impl Searched {
    /// The plan of a run that failed.
    #[must_use]
    pub fn plan(&self, campaign: &Campaign, number: u64) -> Recorded {
        let known = self.plans.get(&number).cloned();
        known.unwrap_or_else(|| generate::generate(campaign, number))
    }
}

/// Runs the seeds of a campaign.
#[must_use]
pub fn search(campaign: &Campaign, plan: &Search, watcher: &mut dyn Watcher) -> Searched {
    if plan.guided {
        return guided(campaign, plan, watcher);
    }
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
                    let (trial, same) = ran(campaign, plan, &goals, &recorded);
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
            plans: BTreeMap::new(),
            marks: None,
        }
    })
}

/// Rounds of runs, each planned from what the earlier ones saw.
fn guided(campaign: &Campaign, plan: &Search, watcher: &mut dyn Watcher) -> Searched {
    let seeds = seeds(campaign, plan.shard);
    let mut gathered = Gathered::new(campaign, plan, check::goals(campaign).len());
    let (mut guide, mut plans) = (Guide::default(), BTreeMap::new());
    let (mut cut, mut next, mut new) = (false, 0, 0);
    while !gathered.enough && !cut {
        let numbers = (next..next + guide::ROUND).map_while(|place| seeds.get(place));
        let round: Vec<Recorded> = numbers
            .map(|number| Recorded {
                number,
                ..guide.plan(campaign, number)
            })
            .collect();
        if round.is_empty() {
            break;
        }
        for (recorded, (trial, same)) in round.iter().zip(run_all(campaign, plan, &round)) {
            new += u64::from(guide.learn(recorded, &trial));
            if trial.failed.is_some() {
                plans.insert(trial.seed, recorded.clone());
            }
            gathered.take(next, trial, same);
            next += 1;
        }
        cut = !gathered.enough && !watcher.ran(&gathered.tally);
    }
    Searched {
        tally: gathered.tally,
        undetermined: gathered.undetermined,
        cut,
        plans,
        marks: Some((guide.marks(), new)),
    }
}

/// Runs plans on all threads; the results stand in the plans' order.
fn run_all(campaign: &Campaign, plan: &Search, round: &[Recorded]) -> Vec<(Trial, bool)> {
    let next = AtomicUsize::new(0);
    let done = std::sync::Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..plan.workers.max(1) {
            scope.spawn(|| {
                let goals = check::goals(campaign);
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(recorded) = round.get(place) else {
                        return;
                    };
                    let ran = ran(campaign, plan, &goals, recorded);
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    done.insert(place, ran);
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.into_values().collect()
}

/// One run, and whether a second one was the same if there was to be one.
fn ran(campaign: &Campaign, plan: &Search, goals: &[Goal], recorded: &Recorded) -> (Trial, bool) {
    let trial = trial::run(campaign, goals, recorded);
    let same = recorded.number % 100 >= plan.twice
        || trial::run_alone(campaign, recorded).digest == trial.digest;
    (trial, same)
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
