//! What a run would have cost with KMS: `faultline run --report cost=FILE`.
//!
//! A [`Ledger`] hears the journal and counts, by account and Region, what AWS bills: keys by the
//! hour, each member of a multi-Region set by itself (K-247, K-367), the first two rotations of
//! each (K-248), and requests, those of services for an account too (K-249). A [`Bill`] is what
//! that comes to at the [`prices`] of their day.
//!
//! It is an estimate of KMS alone. AWS managed keys are free of the monthly price, their requests
//! are not. Refused requests count, throttled ones do not; whether AWS bills them is not known.

pub mod prices;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::clock::SimTime;
use crate::journal::What;
use crate::journal::event::Event;
use prices::{RequestKind, prices};

pub use write::{document, table};

/// Microseconds of an hour.
const HOUR: u128 = 3_600_000_000;

/// Counts what is billed.
#[derive(Debug, Default)]
pub struct Ledger {
    name: String,
    seed: u64,
    now: SimTime,
    keys: BTreeMap<String, Key>,
    requests: BTreeMap<(String, String), BTreeMap<RequestKind, u64>>,
}

/// A customer managed key in one Region.
#[derive(Debug)]
struct Key {
    replica: bool,
    spec: String,
    materials: u64,
    /// Key-microseconds so far; a rotation counts as another key.
    accrued: u128,
    since: SimTime,
    /// What was accrued when its deletion was scheduled (K-250).
    scheduled: Option<u128>,
    deleted: bool,
}

impl Key {
    fn rotations(&self) -> u64 {
        self.materials.saturating_sub(1)
    }

    /// How many monthly prices it costs.
    fn shares(&self) -> u64 {
        let most = prices().rotation_month.counted.unwrap_or(u64::MAX);
        1 + self.rotations().min(most)
    }

    fn settle(&mut self, now: SimTime) {
        if !self.deleted {
            let micros = u128::from(now.since(self.since).0);
            self.accrued += micros * u128::from(self.shares());
        }
        self.since = now;
    }

    fn take_state(&mut self, state: &str, now: SimTime) {
        self.settle(now);
        match state {
            "PendingDeletion" => {
                self.scheduled.get_or_insert(self.accrued);
            }
            "Deleted" => {
                self.accrued = self.scheduled.unwrap_or(self.accrued);
                self.deleted = true;
            }
            // Cancelled: billed as though it had never been scheduled.
            _ => self.scheduled = None,
        }
    }
}

impl Ledger {
    /// Takes the next event of a journal.
    pub fn take(&mut self, event: &Event) {
        self.now = event.t;
        match &event.what {
            What::RunStarted(run) => {
                self.name.clone_from(&run.name);
                self.seed = run.seed;
            }
            What::Audit { event: line, .. } => self.trail(line),
            What::Note { note, fields, .. } => {
                let Some(key) = fields.get("key").and_then(|arn| self.keys.get_mut(arn)) else {
                    return;
                };
                match note.as_str() {
                    "key_state" => {
                        let state = fields.get("state").map_or("", String::as_str);
                        key.take_state(state, event.t);
                    }
                    "key_material" => {
                        let materials = fields.get("materials").map_or("", String::as_str);
                        let count = materials.split(',').filter(|one| !one.is_empty()).count();
                        key.settle(event.t);
                        key.materials = count as u64;
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn trail(&mut self, line: &Value) {
        let text = |name: &str| line[name].as_str().unwrap_or_default();
        let ours = text("eventSource") == "kms.amazonaws.com";
        let copy = text("recipientAccountId") != text("account");
        // What KMS does by itself is no request.
        if !ours || copy || text("identityType").is_empty() {
            return;
        }
        if text("eventName") == "CreateKey" && text("errorCode").is_empty() {
            self.born(line);
        }
        // The half of a call in another Region is part of one request.
        let half = text("invokedBy") == "kms.amazonaws.com";
        if half || text("errorCode") == "ThrottlingException" {
            return;
        }
        let kind = self.kind(line);
        let place = (text("account").to_owned(), text("awsRegion").to_owned());
        *self
            .requests
            .entry(place)
            .or_default()
            .entry(kind)
            .or_default() += 1;
    }

    fn born(&mut self, line: &Value) {
        let metadata = &line["responseElements"]["keyMetadata"];
        let Some(arn) = metadata["arn"].as_str() else {
            return;
        };
        if metadata["keyManager"] == "AWS" {
            return;
        }
        let role = &metadata["multiRegionConfiguration"]["multiRegionKeyType"];
        let key = Key {
            replica: role == "REPLICA",
            spec: metadata["keySpec"].as_str().unwrap_or_default().to_owned(),
            materials: 1,
            accrued: 0,
            since: self.now,
            scheduled: None,
            deleted: false,
        };
        self.keys.insert(arn.to_owned(), key);
    }

    fn kind(&self, line: &Value) -> RequestKind {
        let name = line["eventName"].as_str().unwrap_or_default();
        if name.starts_with("GenerateDataKeyPair") {
            let pair = line["requestParameters"]["keyPairSpec"].as_str();
            return if pair.is_some_and(|spec| spec.starts_with("RSA")) {
                RequestKind::PairsRsa
            } else {
                RequestKind::PairsEcc
            };
        }
        let arns = line["resources"].as_array().into_iter().flatten();
        let specs = arns.filter_map(|arn| self.keys.get(arn.as_str()?));
        let dear = |key: &Key| {
            let cheap = ["SYMMETRIC_DEFAULT", "RSA_2048", ""].contains(&key.spec.as_str());
            !cheap && !key.spec.starts_with("HMAC")
        };
        if specs.into_iter().any(dear) {
            RequestKind::Asymmetric
        } else {
            RequestKind::Standard
        }
    }

    /// What the run comes to.
    #[must_use]
    pub fn bill(mut self) -> Bill {
        let mut places: BTreeMap<(String, String), Place> = BTreeMap::new();
        for (arn, key) in &mut self.keys {
            key.settle(self.now);
            let part = |nth: usize| arn.split(':').nth(nth).unwrap_or_default().to_owned();
            let place = Place::of(&mut places, part(4), part(3));
            let accrued = key.scheduled.unwrap_or(key.accrued);
            place.key_hours += accrued as f64 / HOUR as f64;
            place.so_far += monthly(accrued);
            if !key.deleted && key.scheduled.is_none() {
                place.keys += 1;
                place.replicas += u64::from(key.replica);
                place.rotations += key.rotations();
                place.a_month += prices().key_month.nano_usd
                    + (key.shares() - 1) * prices().rotation_month.nano_usd;
            }
        }
        let requests = std::mem::take(&mut self.requests);
        for ((account, region), kinds) in requests {
            let place = Place::of(&mut places, account, region);
            for (kind, count) in kinds {
                *place.requests.entry(kind).or_default() += count;
            }
        }
        let mut bill = Bill {
            name: self.name,
            seed: self.seed,
            simulated: self.now.0,
            places: Vec::new(),
            accounts: BTreeMap::new(),
        };
        for place in places.into_values() {
            bill.charge(&place);
            bill.places.push(place);
        }
        bill
    }
}

/// The share of monthly prices that so many key-microseconds are, in billionths of a dollar.
fn monthly(micros: u128) -> u64 {
    let month = HOUR * u128::from(prices().hours_of_a_month);
    let nano = micros * u128::from(prices().key_month.nano_usd) / month;
    u64::try_from(nano).unwrap_or(u64::MAX)
}

/// What one run comes to.
#[derive(Debug, Clone, Serialize)]
pub struct Bill {
    /// Name of the run's case.
    pub name: String,
    /// Its seed.
    pub seed: u64,
    /// Virtual microseconds.
    #[serde(rename = "simulated_micros")]
    pub simulated: u64,
    /// What was used, by account and Region.
    pub places: Vec<Place>,
    /// Requests of each account in all Regions, by kind.
    pub accounts: BTreeMap<String, BTreeMap<RequestKind, Requests>>,
}

/// Requests of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// How many, the free ones among them.
    pub count: u64,
    /// What those beyond the free ones cost, in billionths of a dollar.
    #[serde(rename = "nano_usd")]
    pub cost: u64,
}

/// What an account used in a Region. Money is in billionths of a dollar.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Place {
    /// Whose.
    pub account: String,
    /// Where.
    pub region: String,
    /// Keys at the end that are billed.
    pub keys: u64,
    /// Those of them that were made as replicas.
    pub replicas: u64,
    /// Rotations of those keys.
    pub rotations: u64,
    /// Hours of keys, a counted rotation as another key.
    pub key_hours: f64,
    /// What the keys cost in the run.
    #[serde(rename = "run_nano_usd")]
    pub so_far: u64,
    /// What they would cost in a month if all stayed as it ended.
    #[serde(rename = "month_nano_usd")]
    pub a_month: u64,
    /// Requests by kind.
    pub requests: BTreeMap<RequestKind, u64>,
}

impl Place {
    fn of(
        places: &mut BTreeMap<(String, String), Self>,
        account: String,
        region: String,
    ) -> &mut Self {
        let place = places.entry((account.clone(), region.clone())).or_default();
        (place.account, place.region) = (account, region);
        place
    }
}

impl Bill {
    fn charge(&mut self, place: &Place) {
        let month = HOUR * u128::from(prices().hours_of_a_month);
        let months = u64::try_from(u128::from(self.simulated).div_ceil(month))
            .unwrap_or(1)
            .max(1);
        let kinds = self.accounts.entry(place.account.clone()).or_default();
        for (kind, count) in &place.requests {
            let Some(price) = prices().requests.get(kind) else {
                continue;
            };
            let requests = kinds.entry(*kind).or_default();
            requests.count += count;
            let paid = requests.count.saturating_sub(price.free_a_month * months);
            requests.cost = paid * price.nano_usd_per_10000 / 10_000;
        }
    }

    /// Keys and requests of the run, in billionths of a dollar.
    #[must_use]
    pub fn so_far(&self) -> u64 {
        let keys: u64 = self.places.iter().map(|place| place.so_far).sum();
        keys + self.requests().cost
    }

    /// Keys of a month, in billionths of a dollar.
    #[must_use]
    pub fn a_month(&self) -> u64 {
        self.places.iter().map(|place| place.a_month).sum()
    }

    /// All requests and what they cost.
    #[must_use]
    pub fn requests(&self) -> Requests {
        let mut all = Requests::default();
        for kind in self.accounts.values().flat_map(BTreeMap::values) {
            all.count += kind.count;
            all.cost += kind.cost;
        }
        all
    }
}
