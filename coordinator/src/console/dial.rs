//! The workload dial: so many writes and reads a second of one thing of the world.
//!
//! In a simulated run a turn of the dial is two lanes of steps, one client each, which waits for an
//! answer before it goes on; so it is recorded, replayed and saved like all else. Over live nodes
//! the same requests are sent at that rate ([`super::live`]). They go to a few names in turn, so
//! that clients of two Regions meet.

use std::sync::Arc;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::acts::Lane;
use crate::clock::Span as Time;
use crate::scenario::emit::{entry, list, map, plain};
use crate::scenario::load;
use crate::scenario::plan::world::{KeyPlan, TablePlan};
use crate::scenario::plan::{Plan, WorldPlan};
use crate::scenario::source::{Entry, Node, Source, Span};

/// Names that are written and read in turn.
pub const NAMES: u64 = 8;
/// Most requests that one turn of the dial adds to a simulated run.
pub const MOST: u64 = 2_000;
/// Most requests a second.
pub const FASTEST: u32 = 500;

/// What is written and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Items of a table: PutItem, GetItem.
    Table,
    /// Objects of a bucket: PutObject, GetObject.
    Bucket,
    /// A key: Encrypt; it has no reads.
    Key,
}

/// How the dial stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// What kind of thing.
    pub kind: Kind,
    /// Its name in the world.
    pub name: String,
    /// The Region that is asked.
    #[serde(rename = "in")]
    pub region: RegionName,
    /// Who asks, by name.
    #[serde(rename = "as")]
    pub principal: String,
    /// Writes a second.
    pub writes: u32,
    /// Reads a second.
    pub reads: u32,
}

/// A turn of the dial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// From when on, microseconds from the scenario's own zero.
    pub at: u64,
    /// For how long, microseconds.
    pub lasts: u64,
    /// How it was turned.
    pub load: Wish,
}

/// Something that the dial can write to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub regions: Vec<RegionName>,
    /// Of a table: its key attributes with their types, `S` or `N`.
    #[serde(skip)]
    keys: Vec<(String, bool)>,
}

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// As scenarios spell it.
    pub verb: &'static str,
    /// Its arguments, likewise.
    pub arguments: Value,
}

/// What of a file's world the dial can write to; nothing while the file is wrong.
#[must_use]
pub fn targets_of(source: &Arc<Source>) -> Vec<Target> {
    let plan = load(source).ok();
    let world = plan.as_ref().and_then(world);
    world.map(targets).unwrap_or_default()
}

/// The world of a plan's first case.
#[must_use]
pub fn world(plan: &Plan) -> Option<&WorldPlan> {
    plan.cases.first().map(|case| &case.world)
}

/// What the dial can write to.
#[must_use]
pub fn targets(world: &WorldPlan) -> Vec<Target> {
    let of = |kind, name: &String, regions: Vec<RegionName>, keys| Target {
        kind,
        name: name.clone(),
        regions: if regions.is_empty() {
            world.regions.clone()
        } else {
            regions
        },
        keys,
    };
    let tables = world.tables.iter().filter_map(|(name, table)| {
        let keys = keys(&table.what)?;
        let mut regions: Vec<RegionName> = table.what.region.iter().cloned().collect();
        let more = table.what.replicas.iter();
        regions.extend(
            more.filter(|it| Some(*it) != table.what.region.as_ref())
                .cloned(),
        );
        Some(of(Kind::Table, name, regions, keys))
    });
    let buckets = world.buckets.iter();
    let buckets = buckets.map(|(name, bucket)| {
        of(
            Kind::Bucket,
            name,
            vec![bucket.what.region.clone()],
            Vec::new(),
        )
    });
    let keys = world.keys.iter().filter(|(_, key)| encrypts(&key.what));
    let keys = keys.map(|(name, key)| of(Kind::Key, name, places(&key.what), Vec::new()));
    tables.chain(buckets).chain(keys).collect()
}

/// Key attributes, and whether each is a number; `None` when one is neither text nor number.
fn keys(table: &TablePlan) -> Option<Vec<(String, bool)>> {
    let names = std::iter::once(&table.partition_key).chain(&table.sort_key);
    let typed = names.map(|name| match table.key_types.get(name).map(String::as_str) {
        None | Some("S") => Some((name.clone(), false)),
        Some("N") => Some((name.clone(), true)),
        Some(_) => None,
    });
    typed.collect()
}

fn encrypts(key: &KeyPlan) -> bool {
    let usual = |given: &Option<String>, wanted| given.as_deref().is_none_or(|it| it == wanted);
    usual(&key.usage, "ENCRYPT_DECRYPT") && usual(&key.spec, "SYMMETRIC_DEFAULT")
}

fn places(key: &KeyPlan) -> Vec<RegionName> {
    let all = key.region.iter().chain(&key.primary).chain(&key.replicas);
    all.cloned().collect()
}

impl Target {
    /// The names in turn: numbers where a table's partition key is one.
    #[must_use]
    pub fn names(&self) -> Vec<Value> {
        let number = self.keys.first().is_some_and(|(_, number)| *number);
        let names = (1..=NAMES).map(|nth| match number {
            true => json!(nth),
            false => json!(format!("dial-{nth}")),
        });
        names.collect()
    }

    /// A write or a read of one of the names.
    #[must_use]
    pub fn request(&self, write: bool, name: &Value) -> Request {
        let mut key = serde_json::Map::new();
        for (nth, (attribute, number)) in self.keys.iter().enumerate() {
            let value = match (nth, number) {
                (0, _) => name.clone(),
                (_, true) => json!(1),
                (_, false) => json!("dial"),
            };
            key.insert(attribute.clone(), value);
        }
        let (verb, arguments) = match (self.kind, write) {
            (Kind::Table, true) => {
                let mut item = key;
                item.insert("written_by".to_owned(), json!("the dial"));
                let arguments = json!({ "table_name": self.name, "item": item });
                ("dynamodb.put_item", arguments)
            }
            (Kind::Table, false) => {
                let arguments = json!({ "table_name": self.name, "key": key });
                ("dynamodb.get_item", arguments)
            }
            (Kind::Bucket, true) => {
                let body = "written by the dial";
                let arguments = json!({ "bucket": self.name, "key": name, "body": body });
                ("s3.put_object", arguments)
            }
            (Kind::Bucket, false) => ("s3.get_object", json!({ "bucket": self.name, "key": name })),
            (Kind::Key, _) => {
                let arguments = json!({ "key_id": self.name, "plaintext": "the dial" });
                ("kms.encrypt", arguments)
            }
        };
        Request { verb, arguments }
    }
}

impl Wish {
    /// What is written to.
    ///
    /// # Errors
    /// What is wrong with the wish, for people.
    pub fn target<'t>(&self, targets: &'t [Target]) -> Result<&'t Target, String> {
        let same = |it: &&Target| it.kind == self.kind && it.name == self.name;
        let found = targets.iter().find(same);
        let found = found
            .ok_or_else(|| format!("the world's file names no such thing as {}", self.name))?;
        if !found.regions.contains(&self.region) {
            return Err(format!("{} is not in {}", self.name, self.region));
        }
        if self.kind == Kind::Key && self.reads > 0 {
            return Err("a key takes writes alone: each is kms.encrypt".to_owned());
        }
        if self.writes.saturating_add(self.reads) > FASTEST {
            return Err(format!("{FASTEST} requests a second are the most"));
        }
        Ok(found)
    }
}

impl Load {
    /// Its lanes.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn lanes(&self, number: usize, targets: &[Target]) -> Result<Vec<Lane>, String> {
        let wish = &self.load;
        let target = wish.target(targets)?;
        let count = |rate: u32| u64::from(rate).saturating_mul(self.lasts) / 1_000_000;
        if count(wish.writes.saturating_add(wish.reads)) > MOST {
            return Err(format!(
                "{MOST} requests are the most for one turn of the dial: a lower rate, or a shorter time"
            ));
        }
        let mut lanes = Vec::new();
        for (write, rate, word) in [(true, wish.writes, "writes"), (false, wish.reads, "reads")] {
            if rate > 0 {
                let steps = self.steps(target, write, rate, count(rate).max(1));
                lanes.push((format!("dial_{number}_{word}"), steps));
            }
        }
        if lanes.is_empty() {
            return Err("at no writes and no reads nothing happens".to_owned());
        }
        Ok(lanes)
    }

    fn steps(&self, target: &Target, write: bool, rate: u32, count: u64) -> Vec<Node> {
        let wait = |micros: u64| map(vec![entry("wait", plain(Time(micros).to_string()))]);
        let request = target.request(write, &json!("$name"));
        let step = |request: Request| {
            map(vec![
                entry("in", plain(self.load.region.as_str())),
                entry("as", plain(self.load.principal.clone())),
                entry(
                    request.verb,
                    Node::from_json(&request.arguments, Span::default()),
                ),
                entry("may_fail", plain("true")),
            ])
        };
        let pause = wait(1_000_000 / u64::from(rate));
        let once = vec![step(request), pause];
        let (rounds, inner) = if target.kind == Kind::Key {
            (count, once)
        } else {
            let names = usize::try_from(count.min(NAMES)).unwrap_or(1);
            let names = target.names().into_iter().take(names);
            let names = names.map(|name| Node::from_json(&name, Span::default()));
            let each = map(vec![entry("name", list(names.collect()))]);
            let turn = map(vec![entry("for_each", each), entry("do", list(once))]);
            ((count / NAMES).max(1), vec![turn])
        };
        let mut steps: Vec<Node> = (self.at > 0).then(|| wait(self.at)).into_iter().collect();
        let repeated: Vec<Entry> = vec![
            entry("repeat", plain(rounds.to_string())),
            entry("do", list(inner)),
        ];
        steps.push(map(repeated));
        steps
    }
}
