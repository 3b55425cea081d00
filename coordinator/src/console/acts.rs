//! What somebody did: faults with their times, as lanes beside a file's steps.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Span;
use crate::scenario::beside::{beside, trouble};
use crate::scenario::emit::{self, entry, list, map, plain};
use crate::scenario::source::{Entry, Node, Source, parse};

/// A fault that somebody wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// From when on, microseconds from the scenario's own zero.
    pub at: u64,
    /// For how long, microseconds.
    pub lasts: u64,
    /// The fault as a file says it: `region_down: eu-west-1`.
    pub fault: String,
}

impl Act {
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

    /// The steps of its lane.
    fn steps(&self) -> Result<Vec<Node>, String> {
        let span = |micros: u64| plain(Span(micros).to_string());
        let after = (self.at > 0).then(|| span(self.at));
        let fault = map(vec![self.entry()?]);
        Ok(trouble(after, vec![fault], span(self.lasts.max(1))))
    }

    /// As it stands in a file, for the page to show before it is done.
    ///
    /// # Errors
    /// As [`Act::entry`].
    pub fn yaml(&self) -> Result<String, String> {
        Ok(emit::file(&[entry("clicked", list(self.steps()?))]))
    }
}

/// A scenario's text with its steps as a lane, and lanes beside it. Chance on a link depends on
/// the lane, so a run without acts has that lane too: a click then changes nothing before it.
///
/// # Errors
/// What keeps it from having any, for people.
pub fn staged(source: &Arc<Source>, acts: &[Act]) -> Result<String, String> {
    let (root, found) = parse(source);
    let root = root.filter(|_| found.is_empty());
    let root = root.ok_or("the file is no YAML")?;
    let mut lanes = Vec::new();
    for (index, act) in acts.iter().enumerate() {
        lanes.push((format!("clicked_{}", index + 1), act.steps()?));
    }
    if lanes.is_empty() {
        // One lane alone is none.
        let idle = map(vec![entry("wait", plain("1ms"))]);
        lanes.push(("nobody".to_owned(), vec![idle]));
    }
    beside(&root, lanes).ok_or_else(|| "the file has no steps".to_owned())
}
