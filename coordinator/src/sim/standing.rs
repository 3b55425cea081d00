//! Between two lives of all Regions: they stopped in good order, and nothing is under way.
//!
//! What is left then is in their stores, and a handful of counters. So a run can end its
//! set-up here and go on with another seed; and any number of runs can go on from the same
//! [`Standing`], each with its own copy of the stores.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use faultline_proto::names::RegionName;

use super::core::Core;
use super::{Broken, Sim, SimConfig};
use crate::clock::SimTime;
use crate::journal::Journal;
use crate::journal::redact::Canaries;
use crate::network::Network;
use crate::seed::RunSeed;
use crate::transport::{Stores, Transport};

/// Where a simulation stands while no Region runs.
#[derive(Debug, Clone)]
pub struct Standing {
    now: SimTime,
    steps: BTreeMap<RegionName, u64>,
    calls: u64,
    messages: u64,
    canaries: Canaries,
}

impl Sim {
    /// Stops every Region in good order and forgets what is under way: answers that nobody
    /// waits for, and messages, which their Regions send again.
    ///
    /// # Errors
    /// [`Broken`] when one does not stop.
    pub fn halt(&self) -> Result<(), Broken> {
        self.core.borrow_mut().halt()
    }

    /// Where it stands after [`Sim::halt`].
    #[must_use]
    pub fn standing(&self) -> Standing {
        let core = self.core.borrow();
        let steps = core.nodes.iter();
        Standing {
            now: core.now(),
            steps: steps
                .map(|(region, node)| (region.clone(), node.steps))
                .collect(),
            calls: core.next_call,
            messages: core.messages,
            canaries: core.canaries.clone(),
        }
    }

    /// A simulation that stands where another one stood, over copies of its stores. Its
    /// Regions wait for [`Sim::resume`].
    #[must_use]
    pub fn at(
        standing: &Standing,
        config: SimConfig,
        transport: Box<dyn Transport>,
        journal: Journal,
    ) -> Self {
        let mut core = Core::new(config, transport, journal);
        core.queue.begin_at(standing.now);
        for (region, steps) in &standing.steps {
            if let Some(node) = core.nodes.get_mut(region) {
                node.steps = *steps;
            }
        }
        core.next_call = standing.calls;
        core.messages = standing.messages;
        core.canaries = standing.canaries.clone();
        Self {
            core: Rc::new(RefCell::new(core)),
        }
    }

    /// Starts every Region; all chance follows from `seed` from now on.
    ///
    /// # Errors
    /// [`Broken`] when a Region does not come up.
    pub fn resume(&self, seed: RunSeed) -> Result<(), Broken> {
        let mut core = self.core.borrow_mut();
        core.config.seed = seed;
        core.network = Network::new(seed, core.config.links.clone());
        core.start_all();
        core.verdict()
    }

    /// Reads what the transport has kept: `None` while it cannot be copied.
    #[must_use]
    pub fn stores(&self) -> Option<Stores> {
        self.core.borrow().transport.stores()
    }
}

impl Core {
    fn halt(&mut self) -> Result<(), Broken> {
        for region in self.config.regions.clone() {
            if self.nodes.get(&region).is_some_and(|node| node.alive) {
                self.transport.stop(&region)?;
                self.bury(&region, "stopped", None);
            }
        }
        let now = self.now();
        self.queue.begin_at(now);
        self.calls.clear();
        self.call_ids.clear();
        self.direct.clear();
        self.held.clear();
        self.held_parts.clear();
        self.verdict()
    }
}
