//! How the Regions of a test live and die.

use faultline_proto::driving::{Account, Crash, Start, step};

use super::world::{ACCOUNT, PARTNER, World};
use crate::region::Region;
use crate::store::MemoryStore;

impl World {
    /// Lets the Region die in its next step.
    pub fn crash_next(&mut self, region: &str, crash: Crash) {
        self.node_mut(region).crash = crash;
    }

    /// Kills a Region between two steps. Its open calls lose their connection.
    pub fn stop(&mut self, region: &str) {
        let node = self.node_mut(region);
        let mut store = node
            .region
            .take()
            .map(Region::into_store)
            .unwrap_or_default();
        store.crash();
        node.left = Some(store);
        node.wake = None;
        self.calls.connection_reset(region);
    }

    /// Starts a Region over what it left (nothing, the first time).
    ///
    /// # Panics
    /// When the store is refused.
    pub fn restart(&mut self, region: &str) {
        if self.node(region).region.is_some() {
            self.stop(region);
        }
        let start = Start {
            region: region.to_owned(),
            regions: self.nodes.keys().cloned().collect(),
            home: self.home.clone(),
            accounts: [ACCOUNT, PARTNER]
                .map(|id| Account {
                    id: id.to_owned(),
                    root_access_key: root_key(id),
                })
                .to_vec(),
            seed: seed(region),
            epoch: self.node(region).epoch,
            settings: Some(self.settings.clone()),
            root_secret: Vec::new(),
            partition_secret: b"one secret of all Regions in it!".to_vec(),
        };
        let node = self.node_mut(region);
        node.region = Some(Region::new(node.left.take().unwrap_or_default()));
        self.step(region, step::Input::Start(start));
    }

    /// Puts a Region back to an older copy of its store, as a restore does.
    pub fn restore(&mut self, region: &str, copy: MemoryStore) {
        self.stop(region);
        let node = self.node_mut(region);
        node.left = Some(copy);
        node.epoch += 1;
        self.restart(region);
    }
}

pub(super) fn root_key(account: &str) -> String {
    format!("AKIAROOT{account}")
}

pub(super) fn seed(region: &str) -> Vec<u8> {
    let mut seed = [7u8; 32];
    for (at, byte) in region.bytes().take(32).enumerate() {
        seed[at] = byte;
    }
    seed.to_vec()
}
