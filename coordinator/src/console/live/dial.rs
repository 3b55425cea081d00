//! Requests to live nodes at a rate, and what came of them.
//!
//! The rate is kept whatever the answers do, as clients keep coming in an outage: what takes long
//! does not hold the next one up, and its latency counts from when it was due. Only when
//! [`UNDER_WAY`] wait for their answers is a request not sent, and that is counted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use faultline_proto::driving::Credential;
use faultline_proto::registry::find_verb;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::super::dial::{Kind, NAMES, Target, Wish};
use super::house::House;

/// Requests that may wait for their answers.
const UNDER_WAY: usize = 256;
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How far back rates and latencies look, microseconds.
const WINDOW: u64 = 5_000_000;
/// How often pages hear of it.
const TELLS: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Default)]
pub struct Dial(Mutex<Option<Turn>>);

/// The dial as it stands.
struct Turn {
    wish: Wish,
    since: u64,
    over: Arc<AtomicBool>,
    told: Arc<Mutex<Told>>,
}

/// What came of the requests.
#[derive(Debug, Default)]
pub(super) struct Told {
    recent: VecDeque<Sample>,
    answered: u64,
    refused: BTreeMap<String, u64>,
    unanswered: u64,
    unsent: u64,
    /// Why nothing can be sent.
    problem: String,
}

/// One request that is over.
#[derive(Debug, Clone, Copy)]
struct Sample {
    at: u64,
    write: bool,
    answered: bool,
    latency: u64,
}

fn locked<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Dial {
    /// Turns it: to nothing when both rates are 0.
    ///
    /// # Errors
    /// What is wrong with the wish, for people; then it stays as it was.
    pub fn turn(&self, house: &Arc<House>, wish: Option<Wish>) -> Result<(), String> {
        let wish = wish.filter(|wish| wish.writes + wish.reads > 0);
        let target = wish.as_ref().map(|wish| wish.target(&house.targets));
        let target = target.transpose()?.cloned();
        if let Some(wish) = &wish {
            house.known.saved.signer(&wish.principal)?;
        }
        let now = house.now();
        let mut turned = locked(&self.0);
        if let Some(before) = turned.take() {
            before.over.store(true, Ordering::Relaxed);
        }
        house.seen().record.dial(now, wish.as_ref());
        if let (Some(wish), Some(target)) = (wish, target) {
            let turn = Turn {
                wish,
                since: now,
                over: Arc::default(),
                told: Arc::default(),
            };
            let sender = Sender {
                house: Arc::clone(house),
                target,
                wish: turn.wish.clone(),
                over: Arc::clone(&turn.over),
                told: Arc::clone(&turn.told),
                under_way: Arc::default(),
            };
            tokio::spawn(sender.send());
            *turned = Some(turn);
        }
        drop(turned);
        house.tell();
        Ok(())
    }

    /// How it stands, for a page; null when it is turned off.
    #[must_use]
    pub fn shown(&self, now: u64) -> Value {
        let turned = locked(&self.0);
        let Some(turn) = &*turned else {
            return Value::Null;
        };
        let mut value = locked(&turn.told).shown(now, turn.since);
        value["wish"] = json!(turn.wish);
        value["lasts"] = json!(now.saturating_sub(turn.since));
        value
    }
}

impl Told {
    fn shown(&self, now: u64, since: u64) -> Value {
        let window = WINDOW.min(now.saturating_sub(since)).max(1);
        let recent = self.recent.iter().filter(|it| it.at + window >= now);
        let recent: Vec<&Sample> = recent.collect();
        let a_second = |write: bool| {
            let count = recent.iter().filter(|it| it.write == write && it.answered);
            (count.count() as u64 * 10_000_000 / window) as f64 / 10.0
        };
        let mut latencies: Vec<u64> = recent
            .iter()
            .filter(|it| it.answered)
            .map(|it| it.latency)
            .collect();
        latencies.sort_unstable();
        json!({
            "writes": a_second(true), "reads": a_second(false),
            "p50": at(&latencies, 50), "p99": at(&latencies, 99),
            "answered": self.answered, "refused": self.refused, "unanswered": self.unanswered,
            "unsent": self.unsent, "problem": self.problem,
        })
    }

    fn add(&mut self, sample: Sample) {
        self.recent.push_back(sample);
        while self
            .recent
            .front()
            .is_some_and(|it| it.at + WINDOW < sample.at)
        {
            self.recent.pop_front();
        }
    }
}

/// The value at or below which that share of sorted ones lie; `None` without any.
fn at(sorted: &[u64], percent: usize) -> Option<u64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get(last * percent / 100).copied()
}

/// Whoever sends.
struct Sender {
    house: Arc<House>,
    target: Target,
    wish: Wish,
    over: Arc<AtomicBool>,
    told: Arc<Mutex<Told>>,
    under_way: Arc<AtomicUsize>,
}

impl Sender {
    async fn send(self) {
        let Some(credential) = self.credential().await else {
            return;
        };
        let telling = tokio::spawn(tells(Arc::clone(&self.house), Arc::clone(&self.over)));
        let began = self.house.now();
        let rates = [(true, self.wish.writes), (false, self.wish.reads)];
        let mut sent = [0_u64; 2];
        while !self.over.load(Ordering::Relaxed) {
            let now = self.house.now();
            let mut next = now + 100_000;
            for ((write, rate), sent) in rates.into_iter().zip(&mut sent) {
                let Some(gap) = 1_000_000_u64.checked_div(u64::from(rate)) else {
                    continue;
                };
                while began + *sent * gap <= now {
                    self.one(write, *sent, began + *sent * gap, &credential);
                    *sent += 1;
                }
                next = next.min(began + *sent * gap);
            }
            let pause = next.saturating_sub(self.house.now()).max(1_000);
            sleep(Duration::from_micros(pause)).await;
        }
        drop(telling);
    }

    /// Who signs; asked for again as long as nobody answers.
    async fn credential(&self) -> Option<Credential> {
        let known = &self.house.known;
        while !self.over.load(Ordering::Relaxed) {
            let asked = known.credential(&self.wish.principal, &self.wish.region);
            match timeout(PATIENCE, asked).await {
                Ok(Ok(credential)) => {
                    locked(&self.told).problem.clear();
                    return Some(credential);
                }
                Ok(Err(problem)) => locked(&self.told).problem = problem,
                Err(_) => locked(&self.told).problem = "the node does not answer".to_owned(),
            }
            self.house.tell();
            sleep(Duration::from_secs(1)).await;
        }
        None
    }

    /// Sends one that was due at `due`, and does not wait for its answer.
    fn one(&self, write: bool, nth: u64, due: u64, credential: &Credential) {
        if self.under_way.load(Ordering::Relaxed) >= UNDER_WAY {
            locked(&self.told).unsent += 1;
            return;
        }
        let names = self.target.names();
        let name = &names[usize::try_from(nth % NAMES).unwrap_or(0)];
        let mut request = self.target.request(write, name);
        if self.target.kind == Kind::Key
            && let Some(id) = self.house.known.saved.keys.get(&self.target.name)
        {
            request.arguments["key_id"] = json!(id);
        }
        let Some(operation) = find_verb(request.verb) else {
            return;
        };
        self.under_way.fetch_add(1, Ordering::Relaxed);
        let (house, region) = (Arc::clone(&self.house), self.wish.region.clone());
        let (told, under_way) = (Arc::clone(&self.told), Arc::clone(&self.under_way));
        let credential = credential.clone();
        tokio::spawn(async move {
            let asked = house
                .known
                .ask(operation, &region, &credential, &request.arguments);
            let outcome = timeout(PATIENCE, asked).await;
            under_way.fetch_sub(1, Ordering::Relaxed);
            let at = house.now();
            let mut told = locked(&told);
            let answered = match outcome {
                Ok(Ok(Ok(_))) => {
                    told.answered += 1;
                    true
                }
                Ok(Ok(Err(failure))) => {
                    *told.refused.entry(failure.code.clone()).or_default() += 1;
                    false
                }
                Ok(Err(_)) | Err(_) => {
                    told.unanswered += 1;
                    false
                }
            };
            let latency = at.saturating_sub(due);
            told.add(Sample {
                at,
                write,
                answered,
                latency,
            });
        });
    }
}

/// Pages hear of the dial while it is on.
async fn tells(house: Arc<House>, over: Arc<AtomicBool>) {
    while !over.load(Ordering::Relaxed) {
        sleep(TELLS).await;
        house.tell();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_latencies_are_of_the_last_five_seconds() {
        let mut told = Told::default();
        for at in 1..=100_u64 {
            told.add(Sample {
                at: at * 100_000,
                write: true,
                answered: at % 10 != 0,
                latency: at,
            });
        }
        let shown = told.shown(10_000_000, 0);
        assert_eq!(shown["writes"], 9.0);
        assert_eq!((&shown["p50"], &shown["p99"]), (&json!(75), &json!(98)));
        assert_eq!(Told::default().shown(1, 0)["p50"], Value::Null);
    }
}
