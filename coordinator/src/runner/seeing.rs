//! `audit.find` and `look.*`: what only a simulator sees. No call, no time, no link.
//!
//! A question goes to the Region that is named, else to every Region that can know; answers
//! of several are merged. A Region whose process is dead answers nothing, and is said to.

use std::collections::BTreeSet;

use faultline_proto::codec;
use faultline_proto::names::RegionName;
use faultline_proto::registry::find_operation;
use serde_json::{Map, Value, json};

use super::Runner;
use super::ask::{Refusal, Said};
use super::problem::Trouble;
use super::verbs::Asked;
use crate::scenario::vocabulary::built_in::BUILT_IN;

impl Runner<'_> {
    /// Answers a question.
    pub(super) fn see(&self, verb: &str, asked: &Asked) -> Result<Said, Trouble> {
        let mut arguments = asked.arguments.as_object().cloned().unwrap_or_default();
        let named = arguments.remove("in");
        let named = named
            .as_ref()
            .and_then(Value::as_str)
            .and_then(|text| RegionName::new(text).ok());
        let result = match verb {
            "audit.find" => self.audit(named.as_ref(), &arguments),
            "look.stored_item" => self.stored_item(named.as_ref(), &arguments),
            "look.stored_object" => self.stored_object(named.as_ref(), &arguments),
            "look.volume_content" => {
                let region = named.as_ref().or(asked.region.as_ref());
                self.volume_content(region, &arguments)
            }
            "look.stored_secret" => self.stored_secret(named.as_ref(), &arguments),
            "look.stored_database" => self.one("stored_database", named.as_ref(), &arguments),
            "look.global_database" => self.one("global_database", named.as_ref(), &arguments),
            "look.parameter_events" => {
                self.every("parameter_events", named.as_ref(), &arguments, "events")
            }
            "look.snapshot_blocks" => {
                let region = named.as_ref().or(asked.region.as_ref());
                self.one("snapshot_blocks", region, &arguments)
            }
            "look.ebs_events" => {
                let region = named.as_ref().or(asked.region.as_ref());
                self.one("ec2_events", region, &arguments)
                    .map(|mut answer| answer["events"].take())
            }
            "plant.volume_content" => {
                let region = named.as_ref().or(asked.region.as_ref());
                self.plant_content(region, &arguments)
            }
            "look.conflicts" => self.conflicts(&arguments),
            "look.replicas_equal" => self.replicas_equal(&arguments),
            "look.envelopes" => Ok(self.envelopes(named.as_ref(), &arguments)),
            "look.state" => self.one("state", named.as_ref(), &arguments),
            "look.replication" if arguments.contains_key("bucket") => {
                self.of_bucket("bucket_replication", named.as_ref(), &arguments, "objects")
            }
            "look.replication" => self.every("replication", named.as_ref(), &arguments, "streams"),
            "look.replication_metrics" => {
                self.of_bucket("replication_metrics", named.as_ref(), &arguments, "metrics")
            }
            "look.replication_latency" => {
                let arguments = self.with_account(&arguments);
                self.every("replication_latency", named.as_ref(), &arguments, "pairs")
            }
            "look.replication_events" => {
                self.of_bucket("replication_events", named.as_ref(), &arguments, "events")
            }
            "look.replication_lanes" => {
                self.of_bucket("replication_lanes", named.as_ref(), &arguments, "lanes")
            }
            "look.replication_queue" => {
                self.every("replication_queue", named.as_ref(), &arguments, "envelopes")
            }
            other => Err(self.refused("NotBuilt", format!("nothing here knows `{other}`"))),
        };
        let result = result.map(|value| only_known(verb, value));
        Ok(Said {
            result,
            call: Value::Null,
        })
    }

    fn refused(&self, code: &str, message: String) -> Refusal {
        Refusal::own(code, message, self.sim.now())
    }

    /// Asks one Region.
    pub(super) fn look(
        &self,
        region: &RegionName,
        what: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Value, Refusal> {
        let arguments = Value::Object(arguments.clone());
        let answer = self
            .sim
            .look(region, what, &arguments)
            .ok_or_else(|| self.refused("NoAnswer", format!("the process of {region} is dead")))?;
        match answer.get("error").and_then(Value::as_str) {
            Some(error) if error.starts_with("nothing here knows") => {
                Err(self.refused("NotBuilt", format!("{region}: {error}")))
            }
            Some(error) => Err(self.refused("NotFound", format!("{region}: {error}"))),
            None => Ok(answer),
        }
    }

    fn one(
        &self,
        what: &str,
        region: Option<&RegionName>,
        arguments: &Map<String, Value>,
    ) -> Result<Value, Refusal> {
        let region = region
            .ok_or_else(|| self.refused("NoRegion", "the step does not say which Region".into()))?;
        self.look(region, what, arguments)
    }

    /// Asks one Region or all, and puts the lists of that name behind one another.
    fn every(
        &self,
        what: &str,
        region: Option<&RegionName>,
        arguments: &Map<String, Value>,
        list: &str,
    ) -> Result<Value, Refusal> {
        let mut all = Vec::new();
        for one in self.world.regions.iter() {
            if region.is_some_and(|region| region != one) {
                continue;
            }
            let answer = self.look(one, what, arguments)?;
            let items = answer.get(list).and_then(Value::as_array);
            all.extend(items.cloned().unwrap_or_default());
        }
        Ok(all.into())
    }

    /// Asks the Region that has the bucket, and takes the list of that name out of the answer.
    fn of_bucket(
        &self,
        what: &str,
        region: Option<&RegionName>,
        arguments: &Map<String, Value>,
        list: &str,
    ) -> Result<Value, Refusal> {
        let bucket = arguments.get("bucket").and_then(Value::as_str);
        let known = bucket.and_then(|name| self.world.buckets.get(name));
        let region = region.or(known.map(|bucket| &bucket.region));
        let mut answer = match region {
            Some(region) => self.look(region, what, arguments)?,
            // A bucket that a step made: the Region that has it answers.
            None => {
                let mut answers = self
                    .world
                    .regions
                    .iter()
                    .map(|region| self.look(region, what, arguments));
                let first = answers.find(Result::is_ok);
                first.unwrap_or_else(|| {
                    Err(self.refused("NotFound", "no Region has this bucket".into()))
                })?
            }
        };
        Ok(answer[list].take())
    }

    fn stored_item(
        &self,
        region: Option<&RegionName>,
        arguments: &Map<String, Value>,
    ) -> Result<Value, Refusal> {
        let mut seen = self.one("stored_item", region, &self.with_account(arguments))?;
        seen["attributes"] = plain(seen["attributes"].take());
        if seen["exists"] == false {
            seen["attributes"] = Value::Null;
        }
        let writer = seen["writer"].take();
        seen["written_in"] = writer;
        Ok(seen)
    }

    /// A table's owner goes along, for two accounts may have tables of one name.
    fn with_account(&self, arguments: &Map<String, Value>) -> Map<String, Value> {
        let mut arguments = arguments.clone();
        let table = arguments.get("table_name").and_then(Value::as_str);
        if let Some(table) = table.and_then(|name| self.world.tables.get(name)) {
            let account = table.account.to_string();
            arguments.insert("account".to_owned(), account.into());
        }
        arguments
    }

    fn stored_object(
        &self,
        region: Option<&RegionName>,
        arguments: &Map<String, Value>,
    ) -> Result<Value, Refusal> {
        let bucket = arguments.get("bucket").and_then(Value::as_str);
        let bucket = bucket.and_then(|name| self.world.buckets.get(name));
        let region = region.or(bucket.map(|bucket| &bucket.region));
        let mut seen = self.one("stored_object", region, arguments)?;
        if let Some(sealed) = seen["sealed"]
            .as_str()
            .and_then(|text| hex::decode(text).ok())
        {
            seen["body"] = crate::scenario::bytes::written(&sealed).into();
        }
        match seen["encryption"].as_str() {
            Some("SSE-C") => seen["sse_customer_algorithm"] = "AES256".into(),
            Some(encryption) => seen["server_side_encryption"] = encryption.to_owned().into(),
            None => {}
        }
        Ok(seen)
    }

    fn stored_secret(
        &self,
        region: Option<&RegionName>,
        arguments: &Map<String, Value>,
    ) -> Result<Value, Refusal> {
        let mut seen = self.one("stored_secret", region, arguments)?;
        let primary = seen["primary_of"].take();
        seen["primary_region"] = primary;
        Ok(seen)
    }

    fn volume_content(
        &self,
        region: Option<&RegionName>,
        arguments: &Map<String, Value>,
    ) -> Result<Value, Refusal> {
        let id = arguments.get("volume_id").and_then(Value::as_str);
        let known = self
            .world
            .volumes
            .values()
            .find(|volume| Some(volume.id.as_str()) == id);
        let region = region.or(known.map(|volume| &volume.region));
        self.one("volume_content", region, arguments)
    }

    /// Writes to a volume; what is written is a secret from then on.
    fn plant_content(
        &self,
        region: Option<&RegionName>,
        arguments: &Map<String, Value>,
    ) -> Result<Value, Refusal> {
        let region = region
            .ok_or_else(|| self.refused("NoRegion", "the step does not say which Region".into()))?;
        let content = arguments.get("content").and_then(Value::as_str);
        let secret = crate::scenario::bytes::read(content.unwrap_or_default());
        self.sim
            .add_canary("planted content", &secret.unwrap_or_default());
        let plant = Value::Object(arguments.clone());
        let answer = self
            .sim
            .plant(region, "volume_content", &plant)
            .ok_or_else(|| self.refused("NoAnswer", format!("the process of {region} is dead")))?;
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => Err(self.refused("NotPlanted", error.to_owned())),
            None => Ok(answer),
        }
    }

    /// Conflicts of a table as its Regions tell them; each conflict once.
    fn conflicts(&self, arguments: &Map<String, Value>) -> Result<Value, Refusal> {
        let arguments = self.with_account(arguments);
        let key = arguments.get("key");
        let table = arguments.get("table_name").and_then(Value::as_str);
        let regions = table
            .and_then(|name| self.world.tables.get(name))
            .map_or(&self.world.regions, |table| &table.regions);
        let mut seen = BTreeSet::new();
        let mut conflicts = Vec::new();
        for region in regions {
            let answer = self.look(region, "conflicts", &arguments)?;
            let found = answer.get("items").and_then(Value::as_array);
            for conflict in found.into_iter().flatten() {
                let mut conflict = conflict.clone();
                conflict["key"] = plain(conflict["key"].take());
                let meant = key.is_none_or(|key| *key == conflict["key"]);
                if meant && seen.insert(conflict["id"].to_string()) {
                    conflicts.push(conflict);
                }
            }
        }
        conflicts.sort_by_key(|conflict| conflict["at"].as_i64().unwrap_or_default());
        Ok(conflicts.into())
    }

    /// Whether all replicas of a key, a table or a secret hold the same.
    pub(super) fn replicas_equal(&self, arguments: &Map<String, Value>) -> Result<Value, Refusal> {
        let (what, regions, arguments) =
            if let Some(table) = arguments.get("table_name").and_then(Value::as_str) {
                let regions = self.world.tables.get(table).map(|table| &table.regions);
                let regions = regions.unwrap_or(&self.world.regions);
                ("replicas_equal", regions, self.with_account(arguments))
            } else if let Some(secret) = arguments.get("secret") {
                let wanted = [("name".to_owned(), secret.clone())].into_iter().collect();
                ("stored_secret", &self.world.regions, wanted)
            } else {
                let key = arguments
                    .get("key")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let known = self.world.keys.values().find(|known| known.is(key));
                let arn = known.map_or_else(|| key.to_owned(), |known| known.arn(&known.region));
                let wanted = [("key".to_owned(), Value::from(arn))].into_iter().collect();
                ("replicas", &self.world.regions, wanted)
            };
        let mut replicas: Vec<(&RegionName, Value)> = Vec::new();
        for region in regions {
            let seen = self.look(region, what, &arguments)?;
            if seen.get("here") != Some(&Value::Bool(false)) {
                replicas.push((region, seen));
            }
        }
        let Some(((first, seen), rest)) = replicas.split_first() else {
            return Err(self.refused("NotFound", "there is no replica".into()));
        };
        let differs = |other: &Value| {
            let mut compared = COMPARED.iter();
            compared.find(|(member, _)| seen.get(member) != other.get(member))
        };
        let odd = rest
            .iter()
            .find_map(|(region, other)| Some((region, differs(other)?)));
        match odd {
            None => Ok(json!({ "equal": true, "replicas": replicas.len() })),
            Some((other, (_, what))) => {
                let words = format!("{first} and {other} differ in {what}");
                Err(self.refused("ReplicasDiffer", words))
            }
        }
    }

    /// Envelopes that were sent so far, as carried. Bare acknowledgements carry nothing.
    fn envelopes(&self, from: Option<&RegionName>, arguments: &Map<String, Value>) -> Value {
        let to = arguments.get("to").and_then(Value::as_str);
        self.carried.with(|envelopes| {
            envelopes
                .iter()
                .filter(|sent| from.is_none_or(|from| from.as_str() == sent.from))
                .filter(|sent| to.is_none_or(|to| to == sent.to) && sent.seq > 0)
                .map(|sent| {
                    json!({
                        "stream": sent.stream,
                        "from": sent.from,
                        "to": sent.to,
                        "seq": sent.seq,
                        "length": sent.payload.len(),
                        "payload": crate::scenario::bytes::written(&sent.payload),
                    })
                })
                .collect()
        })
    }
}

/// What replicas must have in common: a table's items; a secret's values and what is said of them; a key's material, and what each member
/// knows of the set.
const COMPARED: [(&str, &str); 5] = [
    ("digest", "their items"),
    ("content", "their values, labels, tags or policies"),
    ("materials", "their key material"),
    ("primary_region", "which of them is the primary"),
    ("regions", "who belongs to the set"),
];

/// An item in AWS's JSON, in the language's spelling.
fn plain(item: Value) -> Value {
    let Some(def) = find_operation("dynamodb.GetItem") else {
        return item;
    };
    let answer = json!({ "Item": &item });
    codec::encode(def.output, &answer, codec::Face::AWS_JSON)
        .ok()
        .and_then(|encoded| codec::to_snake(def.output, &encoded.message, None).ok())
        .and_then(|mut value| value.get_mut("item").map(Value::take))
        .unwrap_or(item)
}

/// Only the members that the verb promises: what `exactly:` forbids must not come by chance.
fn only_known(verb: &str, value: Value) -> Value {
    use faultline_proto::tables::{Kind, MessageDef};
    fn keep(def: &MessageDef, value: Value) -> Value {
        match value {
            Value::Array(items) => items.into_iter().map(|item| keep(def, item)).collect(),
            Value::Object(members) => members
                .into_iter()
                .filter(|(name, _)| def.fields.iter().any(|field| field.snake == name))
                .collect(),
            other => other,
        }
    }
    let Some(built_in) = BUILT_IN.iter().find(|built_in| built_in.verb == verb) else {
        return value;
    };
    match (built_in.output.transparent, built_in.output.fields) {
        (true, [list]) => match list.kind {
            Kind::Message(def) => keep(def, value),
            _ => value,
        },
        _ => keep(built_in.output, value),
    }
}
