//! A live world as a page reads it.

use std::collections::BTreeMap;

use faultline_proto::names::RegionName;
use serde_json::{Map, Value, json};

use super::super::view::links;
use super::house::{House, NodeSeen, Seen};
use crate::live::as_scenario::as_scenario;
use crate::live::saved::Saved;
use crate::live::trouble::{self, Active};
use crate::scenario::emit;

/// What is seen now, with the events from number `from` on; and what to ask for next.
#[must_use]
pub fn shown(house: &House, from: u64) -> (Value, u64) {
    let (now, wall) = (house.now(), house.wall());
    let dial = house.dial.shown(now);
    let seen = house.seen();
    let saved = &house.known.saved;
    let (events, next) = seen.events.since(from);
    let regions = house.known.regions();
    let value = json!({
        "now": now, "wall": wall,
        "regions": regions, "home": saved.home,
        "nodes": nodes(&seen, saved),
        "links": links(&regions),
        "faults": seen.faults.iter().map(|fault| of_fault(fault, saved, &regions)).collect::<Vec<_>>(),
        "problem": seen.problem,
        "up": house.known.folder.runs().is_some(),
        "keys": keys(&seen, saved),
        "data": data(&seen),
        "queues": queues(&seen),
        "done": seen.record.len(),
        "targets": house.targets, "principals": house.principals,
        "can_save": house.source.is_some(),
        "dial": dial,
        "events": events,
    });
    (value, next)
}

fn nodes(seen: &Seen, saved: &Saved) -> Vec<Value> {
    let nodes = saved.regions.iter();
    let nodes = nodes.map(|node| {
        let unknown = NodeSeen::default();
        let it = seen.nodes.get(&node.region).unwrap_or(&unknown);
        let held = trouble::holds_down(&seen.faults, &node.region);
        let mut value = json!({
            "region": node.region, "aws": node.aws, "grpc": node.grpc, "scheme": saved.scheme(),
            "state": state(it, held), "problem": it.problem,
        });
        if let Some(status) = &it.status {
            value["process"] = json!(status.process);
            value["calls"] = json!(status.calls);
            value["skew"] = json!(status.skew);
            let peers = status.peers.iter();
            value["peers"] = peers
                .map(|peer| {
                    json!({
                        "region": peer.region, "state": peer.state, "problem": peer.problem,
                        "sent": peer.sent, "received": peer.received, "dropped": peer.dropped,
                    })
                })
                .collect();
        }
        value
    });
    nodes.collect()
}

/// `up`, `away`, `killed` by a fault that holds it down, or `asked` before it first answered.
fn state(node: &NodeSeen, held: bool) -> &'static str {
    match (&node.status, held, node.problem.is_empty()) {
        (Some(_), _, _) => "up",
        (None, true, _) => "killed",
        (None, false, false) => "away",
        (None, false, true) => "asked",
    }
}

fn of_fault(fault: &Active, saved: &Saved, regions: &[RegionName]) -> Value {
    let named = |region: &&RegionName| {
        let mut values = fault.arguments.values().flat_map(|value| value.split(','));
        values.any(|value| value.trim() == region.as_str())
    };
    let yaml = as_scenario(fault, &saved.keys).map(|entry| emit::file(&[entry]));
    json!({
        "fault": fault.id, "name": fault.kind, "text": fault.to_string(),
        "arguments": fault.arguments, "yaml": yaml.ok(),
        "regions": regions.iter().filter(named).collect::<Vec<_>>(),
    })
}

/// Every key with its copies: `{ name, key_id, named, copies: { REGION: { state, role } } }`.
fn keys(seen: &Seen, saved: &Saved) -> Vec<Value> {
    let mut keys: BTreeMap<String, (Vec<String>, Map<String, Value>)> = BTreeMap::new();
    for (region, node) in &seen.nodes {
        for key in listed(node, "keys", "keys") {
            let id = text(key, "key_id");
            let (aliases, copies) = keys.entry(id).or_default();
            let known = key["aliases"].as_array().into_iter().flatten();
            aliases.extend(known.filter_map(Value::as_str).map(str::to_owned));
            let copy = json!({ "state": key["key_state"], "role": key["role"] });
            copies.insert(region.to_string(), copy);
        }
    }
    let shown = keys.into_iter().map(|(id, (aliases, copies))| {
        let name = saved.keys.iter().find(|(_, key)| **key == id);
        let shown = name.map(|(name, _)| name.clone());
        let shown = shown.or_else(|| aliases.first().cloned());
        json!({
            "name": shown.unwrap_or_else(|| id.clone()), "key_id": id, "named": name.is_some(),
            "copies": copies,
        })
    });
    shown.collect()
}

fn listed<'n>(node: &'n NodeSeen, what: &str, member: &str) -> impl Iterator<Item = &'n Value> {
    let found = node
        .holds
        .get(what)
        .and_then(|value| value[member].as_array());
    found.into_iter().flatten()
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_default().to_owned()
}

/// Tables and buckets by Region: `{ kind, name, places: { REGION: what is there } }`.
fn data(seen: &Seen) -> Vec<Value> {
    let mut things: BTreeMap<(&str, String), Map<String, Value>> = BTreeMap::new();
    for (region, node) in &seen.nodes {
        for (kind, what) in [("table", "tables"), ("bucket", "buckets")] {
            for thing in listed(node, what, what) {
                let places = things.entry((kind, text(thing, "name"))).or_default();
                places.insert(region.to_string(), thing.clone());
            }
        }
    }
    let shown = things.into_iter();
    shown
        .map(|((kind, name), places)| json!({ "kind": kind, "name": name, "places": places }))
        .collect()
}

/// What waits for another Region: `{ from, to, stream, waiting }`.
fn queues(seen: &Seen) -> Vec<Value> {
    let nodes = seen.nodes.values();
    let streams = nodes.flat_map(|node| listed(node, "replication", "streams"));
    let waits = |stream: &&Value| stream["waiting"].as_u64().is_some_and(|count| count > 0);
    streams.filter(waits).cloned().collect()
}
