//! Regions in this process, over stores in memory that lose on a crash what was not flushed.

use std::collections::BTreeMap;

use faultline_proto::driving::{Reply, Step};
use faultline_proto::names::RegionName;
use faultline_region::region::{Died, Region};
use faultline_region::store::{MemoryStore, Store};

use super::{StepError, Transport, TransportError};

/// A Region's process: alive over its store, or dead and leaving it.
enum Node {
    Alive(Box<Region<MemoryStore>>),
    Dead(MemoryStore),
}

/// What Regions leave when they stop.
pub type Stores = BTreeMap<RegionName, MemoryStore>;

/// See the module.
#[derive(Default)]
pub struct Loopback {
    nodes: BTreeMap<RegionName, Node>,
}

impl std::fmt::Debug for Loopback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loopback")
            .field("regions", &self.nodes.keys())
            .finish()
    }
}

impl Loopback {
    /// No Regions yet; [`Transport::start`] makes them.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Regions that have stopped and left these stores.
    #[must_use]
    pub fn over(stores: Stores) -> Self {
        let nodes = stores.into_iter();
        Self {
            nodes: nodes
                .map(|(region, store)| (region, Node::Dead(store)))
                .collect(),
        }
    }

    /// Ends a process; `crash` loses what was not flushed.
    fn end(&mut self, region: &RegionName, crash: bool) {
        if let Some(Node::Alive(node)) = self.nodes.remove(region) {
            let mut store = node.into_store();
            if crash {
                store.crash();
            }
            self.nodes.insert(region.clone(), Node::Dead(store));
        }
    }
}

impl Transport for Loopback {
    fn start(&mut self, region: &RegionName) -> Result<(), TransportError> {
        let store = match self.nodes.remove(region) {
            None => MemoryStore::new(),
            Some(Node::Dead(store)) => store,
            Some(alive @ Node::Alive(_)) => {
                self.nodes.insert(region.clone(), alive);
                return Err(TransportError::new(region, "its node is already running"));
            }
        };
        self.nodes
            .insert(region.clone(), Node::Alive(Box::new(Region::new(store))));
        Ok(())
    }

    fn step(&mut self, region: &RegionName, step: Step) -> Result<Reply, StepError> {
        let Some(Node::Alive(node)) = self.nodes.get_mut(region) else {
            return Err(TransportError::new(region, "its node is not running").into());
        };
        match node.step(step) {
            Ok(reply) => Ok(reply),
            Err(Died::Crashed(_)) => {
                self.end(region, true);
                Err(StepError::Died(region.clone()))
            }
            Err(died) => Err(TransportError::new(region, died.to_string()).into()),
        }
    }

    fn kill(&mut self, region: &RegionName) -> Result<(), TransportError> {
        self.end(region, true);
        Ok(())
    }

    fn stop(&mut self, region: &RegionName) -> Result<(), TransportError> {
        self.end(region, false);
        Ok(())
    }

    fn stores(&self) -> Option<Stores> {
        let nodes = self.nodes.iter();
        nodes
            .map(|(region, node)| match node {
                Node::Alive(_) => None,
                Node::Dead(store) => Some((region.clone(), store.clone())),
            })
            .collect()
    }

    fn rows_at_rest(
        &mut self,
        region: &RegionName,
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), TransportError> {
        let store: &MemoryStore = match self.nodes.get(region) {
            Some(Node::Dead(store)) => store,
            Some(Node::Alive(node)) => node.store(),
            None => return Err(TransportError::new(region, "it was never started")),
        };
        for row in store.raw() {
            let (key, value) =
                row.map_err(|error| TransportError::new(region, error.to_string()))?;
            visit(&key, &value);
        }
        Ok(())
    }
}
