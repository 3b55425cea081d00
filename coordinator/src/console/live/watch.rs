//! How the console comes to know what live nodes do.

use std::sync::Arc;
use std::time::Duration;

use faultline_proto::driving::NodeStatus;
use serde_json::json;
use tokio::time::{sleep, timeout};
use tonic::Status;

use super::events;
use super::house::{House, NodeSeen};
use crate::live::client::{LiveClient, words};
use crate::live::trouble;

/// How often nodes and faults are asked about.
const OFTEN: Duration = Duration::from_millis(100);
/// How often a node is asked what it holds.
const SELDOM: Duration = Duration::from_secs(1);
/// A node that takes longer is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a node holds.
const LOOKS: [&str; 4] = ["keys", "tables", "buckets", "replication"];

/// Watches for as long as the runtime runs, whenever somebody looks.
pub fn watch(house: &Arc<House>) {
    for client in &house.known.clients {
        tokio::spawn(pulse(Arc::clone(house), client.clone()));
        tokio::spawn(holdings(Arc::clone(house), client.clone()));
    }
    tokio::spawn(faults(Arc::clone(house)));
}

async fn soon<T>(asked: impl Future<Output = Result<T, Status>>) -> Result<T, String> {
    match timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(|status| words(&status)),
        Err(_) => Err("the node does not answer".to_owned()),
    }
}

/// How a node is, and what happened there.
async fn pulse(house: Arc<House>, client: LiveClient) {
    let mut from = 0;
    loop {
        sleep(OFTEN).await;
        if !house.is_watched() {
            continue;
        }
        let status = soon(client.status()).await;
        let heard = match &status {
            Ok(_) => soon(client.hear(from)).await.ok(),
            Err(_) => None,
        };
        let now = house.now();
        house.change(|seen| {
            let region = client.region();
            let Some(node) = seen.nodes.get_mut(region) else {
                return false;
            };
            let (changed, event) = node.is(status);
            if let Some(kind) = event {
                seen.events
                    .push(now, json!({ "kind": kind, "region": region }));
            }
            let heard = heard.inspect(|heard| from = heard.next);
            let heard = heard.map(|heard| heard.happened).unwrap_or_default();
            let saved = &house.known.saved;
            let shown = heard
                .iter()
                .filter_map(|one| events::of_node(region.as_str(), one, saved));
            for event in shown {
                seen.events.push(now, event);
            }
            changed || !heard.is_empty()
        });
    }
}

impl NodeSeen {
    /// Takes how it is: whether that is news, and whether it went or came.
    fn is(&mut self, status: Result<NodeStatus, String>) -> (bool, Option<&'static str>) {
        let known = self.status.is_some() || !self.problem.is_empty();
        let (new, problem) = match status {
            Ok(status) => (Some(status), String::new()),
            Err(problem) => (None, problem),
        };
        let process = |status: &Option<NodeStatus>| status.as_ref().map(|it| it.process);
        let event = match (process(&self.status), process(&new)) {
            (Some(_), None) => Some("died"),
            (None, Some(_)) if known => Some("started"),
            (Some(before), Some(after)) if before != after => Some("started"),
            _ => None,
        };
        let changed = outside(&self.status) != outside(&new) || self.problem != problem;
        (self.status, self.problem) = (new, problem);
        (changed, event)
    }
}

/// A status without its clocks, which always change.
fn outside(status: &Option<NodeStatus>) -> Option<NodeStatus> {
    status.as_ref().map(|status| NodeStatus {
        up_for: 0,
        wall: 0,
        ..status.clone()
    })
}

/// What a node holds.
async fn holdings(house: Arc<House>, client: LiveClient) {
    loop {
        sleep(if house.is_watched() { SELDOM } else { OFTEN }).await;
        if !house.is_watched() {
            continue;
        }
        for what in LOOKS {
            let Ok(value) = soon(client.inspect(what)).await else {
                break;
            };
            house.change(|seen| {
                let node = seen.nodes.get_mut(client.region());
                node.is_some_and(|node| node.holds.insert(what, value.clone()) != Some(value))
            });
        }
    }
}

/// Which faults are in force, whoever started them.
async fn faults(house: Arc<House>) {
    loop {
        look_for_faults(&house);
        sleep(OFTEN).await;
    }
}

/// Looks for the faults in force now.
pub fn look_for_faults(house: &House) {
    let found = trouble::in_force(&house.known.folder);
    let now = house.now();
    house.change(|seen| {
        let faults = match found {
            Ok(faults) => faults,
            Err(problem) => {
                let changed = seen.problem != problem;
                seen.problem = problem;
                return changed;
            }
        };
        if faults == seen.faults && seen.problem.is_empty() {
            return false;
        }
        for fault in faults.iter().filter(|it| !seen.faults.contains(it)) {
            let text = fault.to_string();
            let event = json!({ "kind": "fault", "fault": fault.id, "name": fault.kind, "text": text, "regions": [] });
            seen.events.push(now, event);
        }
        for fault in seen.faults.iter().filter(|it| !faults.contains(it)) {
            let event = json!({ "kind": "healed", "fault": fault.id });
            seen.events.push(now, event);
        }
        seen.record.faults(now, &faults);
        seen.faults = faults;
        seen.problem.clear();
        true
    });
}
