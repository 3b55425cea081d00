//! A plan as a scenario: lanes of clients beside lanes of faults, then calm.

use crate::clock::Span;
use crate::scenario::beside::trouble;
use crate::scenario::source::{Entry, Node};

use super::Campaign;
use super::recorded::{Op, Recorded, Trouble};
use crate::scenario::emit::{entry, list, map, plain, quoted};

/// The entries of the scenario file.
#[must_use]
pub fn compose(campaign: &Campaign, recorded: &Recorded) -> Vec<Entry> {
    let seed = recorded.seed;
    let mut root = vec![
        entry("scenario", plain("1")),
        entry("title", quoted(format!("{} (seed {seed})", campaign.title))),
        entry("tags", list(vec![plain("campaign")])),
        entry("seed", plain(seed.to_string())),
    ];
    root.extend(campaign.shared.iter().map(|it| narrowed(it, recorded)));
    root.push(entry("steps", list(steps(campaign, recorded))));
    if let Some(always) = &campaign.always {
        root.push(entry("always", always.clone()));
    }
    root
}

/// The world with the Regions that are still needed.
fn narrowed(shared: &Entry, recorded: &Recorded) -> Entry {
    let (Some(regions), "world") = (&recorded.regions, shared.key.text.as_str()) else {
        return shared.clone();
    };
    let entries = shared.value.entries().unwrap_or_default();
    let entries = entries.iter().map(|it| match it.key.text.as_str() {
        "regions" => entry(
            "regions",
            list(regions.iter().map(|region| plain(region.clone())).collect()),
        ),
        _ => it.clone(),
    });
    entry("world", map(entries.collect()))
}

fn steps(campaign: &Campaign, recorded: &Recorded) -> Vec<Node> {
    let mut lanes: Vec<Entry> = Vec::new();
    for (index, ops) in recorded
        .clients
        .iter()
        .enumerate()
        .filter(|(_, ops)| !ops.is_empty())
    {
        let steps = ops.iter().flat_map(op).collect();
        lanes.push(entry(&format!("client_{}", index + 1), list(steps)));
    }
    for (index, trouble) in recorded.troubles.iter().enumerate() {
        lanes.push(entry(
            &format!("fault_{}", index + 1),
            list(trouble_steps(trouble)),
        ));
    }
    let mut steps = match lanes.len() {
        0 => Vec::new(),
        // One lane alone is no lane.
        1 => lanes.remove(0).value.items().unwrap_or_default().to_vec(),
        _ => vec![map(vec![
            entry("say", quoted("The storm.")),
            entry("together", map(lanes)),
        ])],
    };
    if let Some(settle) = &campaign.settle {
        for then in &settle.then {
            let mut entries = then.entries().unwrap_or_default().to_vec();
            let says = |word: &str| entries.iter().any(|entry| entry.key.text == word);
            let waits = ["within", "throughout", "wait", "may_fail", "fails_with"]
                .into_iter()
                .any(says);
            if let Some(within) = settle.within.as_ref().filter(|_| !waits) {
                entries.push(entry("within", within.clone()));
            }
            if !entries.iter().any(|entry| entry.key.text == "say") {
                entries.insert(0, entry("say", quoted("Calm: everything is healed.")));
            }
            steps.push(map(entries));
        }
    }
    if steps.is_empty() {
        steps.push(map(vec![entry("wait", plain("1ms"))]));
    }
    steps
}

fn op(op: &Op) -> Vec<Node> {
    let mut nodes = Vec::new();
    if op.pause > Span::ZERO {
        nodes.push(map(vec![entry("wait", plain(op.pause.to_string()))]));
    }
    let mut step = op.step.clone();
    step.push(entry("may_fail", plain("true")));
    nodes.push(map(step));
    nodes
}

fn trouble_steps(it: &Trouble) -> Vec<Node> {
    let after = (it.at > Span::ZERO).then(|| plain(it.at.to_string()));
    let faults = it.faults.iter().map(|fault| map(vec![fault.clone()]));
    trouble(after, faults.collect(), plain(it.lasts.to_string()))
}
