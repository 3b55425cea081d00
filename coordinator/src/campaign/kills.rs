//! Crash consistency of the real store: a process over sled, killed at random moments.
//!
//! A round sends writes of a few keys as fast as the node takes them, kills it, starts it again
//! over the same store and reads everything. The claim: **what was acknowledged is durable, what
//! was not is whole or absent, nothing is invented.** The Region numbers its steps, and says at
//! its start which one it took last; so the claim is exact: the store holds the effects of all
//! steps up to that one and of none after it, and that one is not before the last acknowledged.
//!
//! The model is a map from keys to the write that is there. It cannot see what the disk itself
//! would lose with its power.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use faultline_proto::Operation;
use faultline_proto::driving::completed::Outcome;
use faultline_proto::driving::step::Input;
use faultline_proto::driving::{Account, Call, Credential, Reply, Start, Step, Tick};
use faultline_proto::dynamodb::{
    AttributeDefinition, AttributeValue, CreateTableRequest, DeleteItemRequest, GetItemRequest,
    KeySchemaElement, PutItemRequest, attribute_value::Value,
};
use faultline_proto::kms::{CreateKeyRequest, EncryptRequest, ListKeysRequest};
use faultline_proto::names::RegionName;
use prost::Message as _;

use crate::seed::{Draw, RunSeed};
use crate::transport::TransportError;
use crate::transport::victim::Victim;

const ROOT: &str = "AKIAFAULTLINEROOT234";
const TABLE: &str = "ledger";
/// Keys that are written.
const KEYS: u64 = 12;
/// Steps of a round that are sent at once.
const STEPS: u64 = 400;
/// Longest time before a kill, microseconds.
const LATEST: u64 = 40_000;
/// A second of a Region's clock, microseconds.
const SECOND: u64 = 1_000_000;

/// What rounds came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kills {
    /// Kills.
    pub rounds: u64,
    /// Writes that were acknowledged.
    pub acknowledged: u64,
    /// Writes that were sent and not acknowledged, and are there.
    pub kept: u64,
    /// Writes that were sent and not acknowledged, and are not there.
    pub gone: u64,
    /// What broke the claim, in sentences.
    pub broken: Vec<String>,
}

/// A write that was sent.
#[derive(Debug, Clone)]
enum Write {
    Put(String, String),
    Delete(String),
    Key,
}

/// What must be there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model {
    items: BTreeMap<String, String>,
    keys: u64,
}

impl Model {
    fn take(&mut self, write: &Write) {
        match write {
            Write::Put(key, value) => {
                self.items.insert(key.clone(), value.clone());
            }
            Write::Delete(key) => {
                self.items.remove(key);
            }
            Write::Key => self.keys += 1,
        }
    }
}

/// One store and its history.
pub struct Store {
    seed: RunSeed,
    number: u64,
    victim: Victim,
    step: u64,
    elapsed: u64,
    model: Model,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// A new store in `folder`, with a table.
    ///
    /// # Errors
    /// When the machinery fails.
    pub fn new(
        seed: RunSeed,
        number: u64,
        program: &Path,
        folder: &Path,
    ) -> Result<Self, TransportError> {
        let region = RegionName::new("eu-west-1").expect("a Region");
        let victim = Victim::new(program.to_owned(), folder.to_owned(), region.clone())
            .map_err(|error| TransportError::new(&region, error.to_string()))?;
        let mut store = Self {
            seed,
            number,
            victim,
            step: 0,
            elapsed: 0,
            model: Model::default(),
        };
        store.start()?;
        let text = |text: &str| Some(text.to_owned());
        store.ask(&CreateTableRequest {
            table_name: text(TABLE),
            attribute_definitions: vec![AttributeDefinition {
                attribute_name: text("id"),
                attribute_type: text("S"),
            }],
            key_schema: vec![KeySchemaElement {
                attribute_name: text("id"),
                key_type: text("HASH"),
            }],
            billing_mode: text("PAY_PER_REQUEST"),
            ..CreateTableRequest::default()
        })?;
        store.elapsed += 600 * SECOND;
        let tick = store.next(Input::Tick(Tick {}));
        store.victim.step(tick)?;
        Ok(store)
    }

    fn draw(&self, purpose: &str, counter: u64) -> Draw {
        let purpose = format!("kills {} {purpose}", self.number);
        self.seed.draw(&purpose, counter)
    }

    fn next(&mut self, input: Input) -> Step {
        self.step += 1;
        self.elapsed += 1_000;
        Step {
            id: self.step,
            elapsed: self.elapsed,
            wall: 1_700_000_000_000_000 + i64::try_from(self.elapsed).unwrap_or(0),
            input: Some(input),
            ..Step::default()
        }
    }

    /// Starts the process; answers the last step that its store holds.
    fn start(&mut self) -> Result<u64, TransportError> {
        self.victim.start()?;
        let start = Start {
            region: "eu-west-1".to_owned(),
            regions: vec!["eu-west-1".to_owned()],
            home: "eu-west-1".to_owned(),
            accounts: vec![Account {
                id: "111111111111".to_owned(),
                root_access_key: ROOT.to_owned(),
            }],
            seed: self.draw("seed", 0).bytes().to_vec(),
            partition_secret: self.draw("partition", 0).bytes().to_vec(),
            ..Start::default()
        };
        let step = self.next(Input::Start(start));
        let reply = self.victim.step(step)?;
        Ok(reply.started.unwrap_or_default().last_step)
    }

    fn call<R: Operation>(&mut self, request: &R) -> Step {
        let call = Call {
            id: format!("call-{}", self.step + 1),
            credential: Some(Credential {
                access_key: ROOT.to_owned(),
                session_token: String::new(),
            }),
            operation: R::ID.to_owned(),
            request: request.encode_to_vec(),
            ..Call::default()
        };
        self.next(Input::Call(call))
    }

    /// Asks and must be answered with success.
    fn ask<R: Operation>(&mut self, request: &R) -> Result<R::Response, TransportError> {
        let step = self.call(request);
        let reply = self.victim.step(step)?;
        let broken = |problem: String| {
            let region = RegionName::new("eu-west-1").expect("a Region");
            TransportError::new(&region, problem)
        };
        match success(&reply) {
            Ok(bytes) => R::Response::decode(bytes).map_err(|error| broken(error.to_string())),
            Err(why) => Err(broken(format!("{}: {why}", R::ID))),
        }
    }

    /// Writes, a kill, and a look at what is left.
    ///
    /// # Errors
    /// When the machinery fails. A store that does not open again is a finding, not an error.
    pub fn round(&mut self, round: u64, sum: &mut Kills) -> Result<(), TransportError> {
        sum.rounds += 1;
        let (sent, steps) = self.writes(round);
        let after = Duration::from_micros(self.draw("kill", round).below(LATEST));
        let replies = self.victim.until_killed(steps, after)?;
        for reply in &replies {
            if let Err(why) = success(reply) {
                sum.broken
                    .push(format!("round {round}: a write was refused: {why}"));
            }
        }
        let acknowledged = replies.last().map_or(0, |reply| reply.step);
        sum.acknowledged += replies.len() as u64;
        let last = match self.start() {
            Ok(last) => last,
            Err(error) => {
                sum.broken
                    .push(format!("round {round}: the store does not open: {error}"));
                return Ok(());
            }
        };
        if last < acknowledged {
            sum.broken.push(format!(
                "round {round}: step {acknowledged} was acknowledged, and the store stands at {last}"
            ));
        }
        for (step, write) in &sent {
            if *step <= last {
                self.model.take(write);
            }
            if *step > acknowledged {
                *(if *step <= last {
                    &mut sum.kept
                } else {
                    &mut sum.gone
                }) += 1;
            }
        }
        let there = self.read()?;
        if let Some(why) = difference(&self.model, &there) {
            sum.broken.push(format!("round {round}: {why}"));
            self.model = there;
        }
        Ok(())
    }

    fn writes(&mut self, round: u64) -> (Vec<(u64, Write)>, Vec<Step>) {
        let (mut sent, mut steps) = (Vec::new(), Vec::new());
        let mut known = self.model.items.clone();
        for number in 0..STEPS {
            let draw = |what: &str, below| {
                let purpose = format!("round {round} {what}");
                self.draw(&purpose, number).below(below)
            };
            let key = format!("k{}", draw("key", KEYS));
            let kind = draw("kind", 40);
            let long = usize::try_from(draw("size", 2_000)).unwrap_or(0);
            let write = match kind {
                0 => Write::Key,
                // A delete of what is not there is no write.
                1..=8 if known.contains_key(&key) => Write::Delete(key),
                _ => Write::Put(key, format!("{round}.{number}{}", "x".repeat(long))),
            };
            let step = match &write {
                Write::Key => self.call(&CreateKeyRequest::default()),
                Write::Delete(key) => {
                    known.remove(key);
                    self.call(&DeleteItemRequest {
                        table_name: Some(TABLE.to_owned()),
                        key: item(&[("id", key)]),
                        ..DeleteItemRequest::default()
                    })
                }
                Write::Put(key, value) => {
                    known.insert(key.clone(), String::new());
                    self.call(&PutItemRequest {
                        table_name: Some(TABLE.to_owned()),
                        item: item(&[("id", key), ("one", value), ("other", value)]),
                        ..PutItemRequest::default()
                    })
                }
            };
            sent.push((step.id, write));
            steps.push(step);
        }
        (sent, steps)
    }

    /// Everything that is there. A key counts when it encrypts.
    fn read(&mut self) -> Result<Model, TransportError> {
        let mut there = Model::default();
        for number in 0..KEYS {
            let key = format!("k{number}");
            let found = self.ask(&GetItemRequest {
                table_name: Some(TABLE.to_owned()),
                key: item(&[("id", &key)]),
                consistent_read: Some(true),
                ..GetItemRequest::default()
            })?;
            let (one, other) = (found.item.get("one"), found.item.get("other"));
            match (one.and_then(string), other.and_then(string)) {
                (Some(one), Some(other)) if one == other => {
                    there.items.insert(key, one);
                }
                (None, None) if found.item.is_empty() => {}
                _ => {
                    there.items.insert(key, "a torn item".to_owned());
                }
            }
        }
        let listed = self.ask(&ListKeysRequest {
            limit: Some(1_000),
            ..ListKeysRequest::default()
        })?;
        for key in listed.keys {
            let encrypted = self.ask(&EncryptRequest {
                key_id: key.key_id,
                plaintext: Some(b"whole".to_vec()),
                ..EncryptRequest::default()
            });
            there.keys += u64::from(encrypted.is_ok());
        }
        Ok(there)
    }

    /// Ends the process.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(mut self) -> Result<(), TransportError> {
        self.victim.stop()
    }
}

fn success(reply: &Reply) -> Result<&[u8], String> {
    match reply.completed.first().and_then(|it| it.outcome.as_ref()) {
        Some(Outcome::Success(success)) => Ok(&success.response),
        Some(Outcome::Failure(failure)) => Err(format!("{}: {}", failure.code, failure.message)),
        None => Err("nothing was answered".to_owned()),
    }
}

fn item(members: &[(&str, &str)]) -> BTreeMap<String, AttributeValue> {
    let one = |(name, text): &(&str, &str)| {
        let value = Some(Value::S((*text).to_owned()));
        ((*name).to_owned(), AttributeValue { value })
    };
    members.iter().map(one).collect()
}

fn string(value: &AttributeValue) -> Option<String> {
    match &value.value {
        Some(Value::S(text)) => Some(text.clone()),
        _ => None,
    }
}

/// What is there and should not be, or the other way, in a sentence.
fn difference(wanted: &Model, there: &Model) -> Option<String> {
    let short = |value: Option<&String>| {
        value.map_or_else(
            || "nothing".to_owned(),
            |value| format!("`{}`", value.trim_end_matches('x')),
        )
    };
    for number in 0..KEYS {
        let key = format!("k{number}");
        let (wanted, there) = (wanted.items.get(&key), there.items.get(&key));
        if wanted != there {
            return Some(format!(
                "{key} is {} and must be {}",
                short(there),
                short(wanted)
            ));
        }
    }
    (wanted.keys != there.keys)
        .then(|| format!("{} KMS keys work and {} must", there.keys, wanted.keys))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(value: &str) -> Write {
        Write::Put("k1".to_owned(), value.to_owned())
    }

    #[test]
    fn the_last_write_is_what_must_be_there() {
        let mut model = Model::default();
        for write in [put("1"), put("2"), Write::Key] {
            model.take(&write);
        }
        let mut there = model.clone();
        assert_eq!(difference(&model, &there), None);
        there.take(&put("1xx"));
        let why = difference(&model, &there).expect("they differ");
        assert_eq!(why, "k1 is `1` and must be `2`");
        there.take(&Write::Delete("k1".to_owned()));
        assert!(difference(&model, &there).is_some_and(|why| why.contains("nothing")));
        there.take(&put("2"));
        there.keys = 0;
        assert!(difference(&model, &there).is_some_and(|why| why.contains("KMS keys")));
    }
}
