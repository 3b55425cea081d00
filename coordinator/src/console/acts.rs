//! What somebody did, with its times: faults, and turns of the dial, as lanes beside a file's steps.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::dial::{self, Load, Target};
use crate::clock::Span;
use crate::scenario::beside::{beside, trouble};
use crate::scenario::emit::{self, entry, list, map, plain, quoted};
use crate::scenario::source::{Entry, Node, Source, parse};

/// Something that somebody wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Act {
    /// A fault.
    Fault(Fault),
    /// A turn of the workload dial.
    Load(Load),
}

/// A fault that somebody wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// From when on, microseconds from the scenario's own zero.
    pub at: u64,
    /// For how long, microseconds.
    pub lasts: u64,
    /// The fault as a file says it: `region_down: eu-west-1`.
    pub fault: String,
}

/// A lane: its name, and its steps.
pub type Lane = (String, Vec<Node>);

impl Fault {
    /// The fault's entry of a map.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn entry(&self) -> Result<Entry, String> {
        let (root, found) = parse(&Source::new("the fault", self.fault.clone()));
        let entries = root.as_ref().and_then(Node::entries).unwrap_or_default();
        match entries {
            [entry] if found.is_empty() => Ok(entry.clone()),
            _ => Err(format!(
                "`{}` is no fault: expected `NAME: ...`",
                self.fault
            )),
        }
    }

    fn steps(&self) -> Result<Vec<Node>, String> {
        let span = |micros: u64| plain(Span(micros).to_string());
        let after = (self.at > 0).then(|| span(self.at));
        let fault = map(vec![self.entry()?]);
        Ok(trouble(after, vec![fault], span(self.lasts.max(1))))
    }
}

impl Act {
    /// Its lanes; `number` makes their names its own.
    fn lanes(&self, number: usize, targets: &[Target]) -> Result<Vec<Lane>, String> {
        match self {
            Self::Fault(fault) => Ok(vec![(format!("clicked_{number}"), fault.steps()?)]),
            Self::Load(load) => load.lanes(number, targets),
        }
    }

    /// As it stands in a file, for the page to show before it is done.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn yaml(&self, number: usize, targets: &[Target]) -> Result<String, String> {
        let lanes = self.lanes(number, targets)?.into_iter();
        let lanes: Vec<Entry> = lanes
            .map(|(name, steps)| entry(&name, list(steps)))
            .collect();
        Ok(emit::file(&lanes))
    }
}

fn lanes(acts: &[Act], targets: &[Target]) -> Result<Vec<Lane>, String> {
    let mut lanes = Vec::new();
    for (index, act) in acts.iter().enumerate() {
        lanes.extend(act.lanes(index + 1, targets)?);
    }
    Ok(lanes)
}

/// A lane in which nothing happens: one lane alone is none.
fn nobody() -> Lane {
    let idle = map(vec![entry("wait", plain("1ms"))]);
    ("nobody".to_owned(), vec![idle])
}

/// A scenario's text with its steps as a lane, and lanes beside it. Chance on a link depends on
/// the lane, so a run without acts has that lane too: a click then changes nothing before it.
///
/// # Errors
/// What keeps it from having any, for people.
pub fn staged(source: &Arc<Source>, acts: &[Act]) -> Result<String, String> {
    let root = tree(source)?;
    let loads = acts.iter().any(|act| matches!(act, Act::Load(_)));
    let targets = if loads {
        dial::targets_of(source)
    } else {
        Vec::new()
    };
    let mut lanes = lanes(acts, &targets)?;
    if lanes.is_empty() {
        lanes.push(nobody());
    }
    beside(&root, lanes).ok_or_else(|| "the file has no steps".to_owned())
}

/// What of a file says how its world is.
const OF_THE_WORLD: [&str; 5] = ["scenario", "vars", "seed", "defaults", "world"];

/// A scenario of a file's world in which the acts alone happen.
///
/// # Errors
/// What keeps it from being one, for people.
pub fn alone(
    source: &Arc<Source>,
    targets: &[Target],
    acts: &[Act],
    title: &str,
) -> Result<String, String> {
    let root = tree(source)?;
    let mut entries: Vec<Entry> = root.entries().unwrap_or_default().to_vec();
    entries.retain(|it| OF_THE_WORLD.contains(&it.key.text.as_str()));
    entries.insert(1.min(entries.len()), entry("title", quoted(title)));
    let mut lanes = lanes(acts, targets)?;
    while lanes.len() < 2 {
        let (name, steps) = nobody();
        let name = if lanes.is_empty() {
            "nothing".to_owned()
        } else {
            name
        };
        lanes.push((name, steps));
    }
    let lanes = lanes.into_iter();
    let lanes = lanes.map(|(name, steps)| entry(&name, list(steps)));
    let together = entry("together", map(lanes.collect()));
    entries.push(entry("steps", list(vec![map(vec![together])])));
    Ok(emit::file(&entries))
}

fn tree(source: &Arc<Source>) -> Result<Node, String> {
    let (root, found) = parse(source);
    let root = root.filter(|_| found.is_empty());
    root.ok_or_else(|| "the file is no YAML".to_owned())
}
