//! What the runs of a campaign come to.
//!
//! Everything here can be added up, in any order and from any shards, and holds no wall
//! clock: the joined result of all shards is byte for byte that of one run over all seeds.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Campaign;
use super::trial::Trial;
use crate::scenario::vocabulary::faults;

/// The sum of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Version of this form: 1.
    pub tally: u32,
    /// The campaign's name.
    pub campaign: String,
    /// SHA-256 of the campaign file and its world: only equal ones can be joined.
    pub of: String,
    /// First seed of the whole campaign, and how many.
    pub seeds: (u64, u64),
    /// Which shards are in it, when not all are: which of how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<Shards>,
    /// Runs that ended.
    pub runs: u64,
    /// Runs in which something broke.
    pub failed: u64,
    /// Runs in which something could not be judged.
    pub unknown: u64,
    /// Virtual microseconds of all runs.
    pub simulated: u64,
    /// Faults that began.
    pub faults: u64,
    /// Calls.
    pub calls: u64,
    /// Lines of all journals.
    pub events: u64,
    /// The journals' SHA-256 added up: equal for equal campaigns.
    pub digest: String,
    /// How many runs saw each item of `reach`.
    pub reach: BTreeMap<String, u64>,
    /// How many runs saw each (operation, outcome, faults in force).
    pub coverage: BTreeMap<String, u64>,
    /// Every failure, by seed.
    pub failures: Vec<Failure>,
    /// Why some run could not be judged, the first seeds of each reason.
    pub unjudged: BTreeMap<String, u64>,
    /// Samples of each goal: value and how often.
    pub samples: Vec<BTreeMap<i64, u64>>,
}

/// Shards of a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shards {
    /// Which, from 1.
    pub have: BTreeSet<u64>,
    /// Of how many.
    pub of: u64,
}

/// A run in which something broke.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// What broke.
    pub property: String,
    /// Why.
    pub because: String,
    /// SHA-256 of its journal.
    pub digest: String,
}

impl Tally {
    /// Nothing yet.
    #[must_use]
    pub fn new(campaign: &Campaign, goals: usize, shard: Option<(u64, u64)>) -> Self {
        Self {
            tally: 1,
            campaign: campaign.name.clone(),
            of: fingerprint(campaign),
            seeds: campaign.seeds,
            shards: shard.filter(|(_, of)| *of > 1).map(|(which, of)| Shards {
                have: BTreeSet::from([which]),
                of,
            }),
            runs: 0,
            failed: 0,
            unknown: 0,
            simulated: 0,
            faults: 0,
            calls: 0,
            events: 0,
            digest: hex::encode([0; 32]),
            reach: campaign
                .reach
                .iter()
                .map(|reach| (reach.to_string(), 0))
                .collect(),
            coverage: BTreeMap::new(),
            failures: Vec::new(),
            unjudged: BTreeMap::new(),
            samples: vec![BTreeMap::new(); goals],
        }
    }

    /// Adds a run.
    pub fn add(&mut self, campaign: &Campaign, trial: &Trial) {
        self.runs += 1;
        self.simulated += trial.simulated.0;
        self.faults += trial.faults;
        self.calls += trial.calls;
        self.events += trial.events;
        self.digest = added(&self.digest, &trial.digest);
        for index in &trial.reached {
            let name = campaign.reach.get(*index).map(ToString::to_string);
            *self.reach.entry(name.unwrap_or_default()).or_default() += 1;
        }
        for seen in &trial.seen {
            *self.coverage.entry(seen.clone()).or_default() += 1;
        }
        for (sum, samples) in self.samples.iter_mut().zip(&trial.samples) {
            for sample in samples {
                *sum.entry(*sample).or_default() += 1;
            }
        }
        if let Some(failed) = &trial.failed {
            self.failed += 1;
            self.failures.push(Failure {
                seed: trial.seed,
                property: failed.property.clone(),
                because: failed.because.clone(),
                digest: trial.digest.clone(),
            });
        } else if let Some(unknown) = &trial.unknown {
            self.unknown += 1;
            *self.unjudged.entry(unknown.clone()).or_default() += 1;
        }
    }

    /// Adds the runs of another shard.
    ///
    /// # Errors
    /// Why the two do not belong together.
    pub fn join(&mut self, other: Self) -> Result<(), String> {
        if (&self.of, self.seeds) != (&other.of, other.seeds) {
            return Err("they are not of the same campaign and seeds".into());
        }
        let (Some(mine), Some(theirs)) = (&mut self.shards, other.shards) else {
            return Err("one of them is whole already".into());
        };
        if mine.of != theirs.of {
            return Err(format!(
                "one is a shard of {}, the other of {}",
                mine.of, theirs.of
            ));
        }
        if let Some(twice) = mine.have.intersection(&theirs.have).next() {
            return Err(format!("both have shard {twice}"));
        }
        mine.have.extend(theirs.have);
        if mine.have.len() as u64 == mine.of {
            self.shards = None;
        }
        self.runs += other.runs;
        self.failed += other.failed;
        self.unknown += other.unknown;
        self.simulated += other.simulated;
        self.faults += other.faults;
        self.calls += other.calls;
        self.events += other.events;
        self.digest = added(&self.digest, &other.digest);
        add_counts(&mut self.reach, other.reach);
        add_counts(&mut self.coverage, other.coverage);
        add_counts(&mut self.unjudged, other.unjudged);
        self.failures.extend(other.failures);
        self.failures.sort();
        for (mine, theirs) in self.samples.iter_mut().zip(other.samples) {
            add_counts(mine, theirs);
        }
        Ok(())
    }

    /// Items of `reach` that no run saw.
    pub fn unreached(&self) -> impl Iterator<Item = &str> {
        self.reach
            .iter()
            .filter(|(_, count)| **count == 0)
            .map(|(name, _)| name.as_str())
    }

    /// Operations of the workload that no run saw end, under each kind of fault of the file.
    #[must_use]
    pub fn never_seen(&self, campaign: &Campaign) -> BTreeMap<String, Vec<String>> {
        let kinds: BTreeSet<&str> = campaign
            .faults
            .pick
            .iter()
            .map(|row| row.fault.key.text.as_str())
            .filter(|kind| faults::find(kind).is_some())
            .collect();
        let mut never: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for id in campaign.operations() {
            let mut seen = BTreeSet::new();
            for key in self.coverage.keys() {
                let mut words = key.splitn(3, ' ');
                if words.next() == Some(id) {
                    seen.extend(words.nth(1).unwrap_or_default().split('+'));
                }
            }
            let missing = kinds.iter().filter(|kind| !seen.contains(**kind));
            let missing: Vec<String> = missing.map(|kind| (*kind).to_owned()).collect();
            if !missing.is_empty() {
                never.insert(id.to_owned(), missing);
            }
        }
        never
    }

    /// As a file.
    #[must_use]
    pub fn write(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("text keys and no floats");
        format!("{text}\n")
    }
}

fn add_counts<K: Ord>(mine: &mut BTreeMap<K, u64>, theirs: BTreeMap<K, u64>) {
    for (key, count) in theirs {
        *mine.entry(key).or_default() += count;
    }
}

/// The sum of two digests as 256-bit numbers; order does not matter.
fn added(one: &str, other: &str) -> String {
    let bytes = |text: &str| {
        hex::decode(text)
            .ok()
            .and_then(|it| <[u8; 32]>::try_from(it).ok())
            .unwrap_or_default()
    };
    let (one, other) = (bytes(one), bytes(other));
    let mut sum = [0_u8; 32];
    let mut carry = 0_u16;
    for index in (0..32).rev() {
        let digit = u16::from(one[index]) + u16::from(other[index]) + carry;
        sum[index] = (digit & 0xff) as u8;
        carry = digit >> 8;
    }
    hex::encode(sum)
}

/// What makes two campaigns the same: the file, and the world that it takes from another.
fn fingerprint(campaign: &Campaign) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    hash.update(campaign.source.text.as_bytes());
    hash.update(crate::scenario::emit::file(&campaign.shared).as_bytes());
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_add_up_in_any_order() {
        let (a, b) = ("ff".repeat(32), format!("{}01", "00".repeat(31)));
        assert_eq!(added(&a, &b), "00".repeat(32));
        assert_eq!(added(&a, &b), added(&b, &a));
        assert_eq!(added(&b, ""), b, "a run without a journal adds nothing");
    }
}
