//! All that the console knows of a live world.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use faultline_node::live::LiveClock;
use faultline_proto::driving::NodeStatus;
use faultline_proto::names::{Elapsed, RegionName};
use serde_json::Value;
use tokio::sync::watch;

use super::super::dial::{Target, targets, world};
use super::dial::Dial;
use super::events::Events;
use super::record::Record;
use crate::live::folder::WORLD;
use crate::live::known::Known;
use crate::live::trouble::Active;
use crate::scenario::load;
use crate::scenario::source::Source;

/// See the module.
pub struct House {
    /// The world.
    pub known: Known,
    /// The file that it was made of, if its folder still has it.
    pub source: Option<Arc<Source>>,
    /// What the dial can write to.
    pub targets: Vec<Target>,
    /// Who can be asked to.
    pub principals: Vec<String>,
    /// Where scenarios are saved.
    pub saves: PathBuf,
    /// The dial.
    pub dial: Dial,
    /// Held by whoever changes something: faults are read, and written back.
    pub acting: tokio::sync::Mutex<()>,
    clock: LiveClock,
    opened: Elapsed,
    seen: Mutex<Seen>,
    changed: watch::Sender<u64>,
    watchers: AtomicUsize,
}

/// What is seen at the moment.
#[derive(Default)]
pub struct Seen {
    /// By Region.
    pub nodes: BTreeMap<RegionName, NodeSeen>,
    /// In force.
    pub faults: Vec<Active>,
    /// Why the faults cannot be told; empty as a rule.
    pub problem: String,
    /// What happened lately.
    pub events: Events,
    /// What was done.
    pub record: Record,
}

/// A node as it was last seen.
#[derive(Default)]
pub struct NodeSeen {
    /// How it is; `None` while it is away.
    pub status: Option<NodeStatus>,
    /// Why it is away; empty before it was asked for the first time.
    pub problem: String,
    /// What it holds: `keys`, `tables`, `buckets`, `replication`.
    pub holds: BTreeMap<&'static str, Value>,
}

/// Somebody who looks, as long as this lives.
pub struct Watcher(Arc<House>);

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl House {
    /// A house in which nobody has looked yet.
    #[must_use]
    pub fn new(known: Known, saves: PathBuf) -> Arc<Self> {
        let text = std::fs::read_to_string(known.folder.join(WORLD)).ok();
        let source = text.map(|text| Source::new(WORLD, text));
        let plan = source.as_ref().and_then(|source| load(source).ok());
        let found = plan.as_ref().and_then(world);
        let nodes = known.saved.regions.iter();
        let nodes = nodes.map(|node| (node.region.clone(), NodeSeen::default()));
        let seen = Seen {
            nodes: nodes.collect(),
            ..Seen::default()
        };
        let clock = LiveClock::start(Elapsed(0));
        Arc::new(Self {
            targets: found.map(targets).unwrap_or_default(),
            principals: known.saved.principals.keys().cloned().collect(),
            source,
            known,
            saves,
            dial: Dial::default(),
            acting: tokio::sync::Mutex::default(),
            opened: clock.elapsed(),
            clock,
            seen: Mutex::new(seen),
            changed: watch::channel(0).0,
            watchers: AtomicUsize::new(0),
        })
    }

    /// Microseconds since the console was opened.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.clock.elapsed().0.saturating_sub(self.opened.0)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub fn wall(&self) -> i64 {
        self.clock.wall().0
    }

    /// What is seen.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is seen; pages hear of it when `change` says that there is something new.
    pub fn change(&self, change: impl FnOnce(&mut Seen) -> bool) {
        if change(&mut self.seen()) {
            self.tell();
        }
    }

    /// Pages hear that there is something new.
    pub fn tell(&self) {
        self.changed.send_modify(|version| *version += 1);
    }

    /// Hears whenever there is something new.
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Somebody looks from now on.
    pub fn enter(self: &Arc<Self>) -> Watcher {
        self.watchers.fetch_add(1, Ordering::Relaxed);
        Watcher(Arc::clone(self))
    }

    /// Whether somebody looks.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.watchers.load(Ordering::Relaxed) > 0
    }
}
