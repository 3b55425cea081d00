//! What a node is told before it starts. Everything else comes with the `Start` step.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use faultline_proto::names::RegionName;
use faultline_region::store::{Store, StoreError};

use crate::store::{Shelf, SledStore, StoreOptions};

/// The largest message of the driving protocol, in bytes. Bodies travel in chunks.
pub const MAX_MESSAGE: usize = 1 << 20;

/// How to run one node.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// The Region it is.
    pub region: RegionName,
    /// Where its rows are.
    pub store: StoreChoice,
    /// Memory for the store's pages, in bytes. 8 MiB.
    pub cache_capacity: u64,
    /// Where [`run`](crate::run) listens. A free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// Whether [`run`](crate::run) ends when standard input closes, so that no node outlives
    /// the coordinator that holds the other end. Yes.
    pub stop_when_stdin_closes: bool,
}

impl NodeConfig {
    /// A node with the usual settings.
    #[must_use]
    pub fn new(region: RegionName, store: StoreChoice) -> Self {
        Self {
            region,
            store,
            cache_capacity: 8 << 20,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            stop_when_stdin_closes: true,
        }
    }

    /// Opens the store it names.
    ///
    /// # Errors
    /// [`StoreError`] when the store is not one to begin with.
    pub fn open_store(&self) -> Result<Box<dyn Store>, StoreError> {
        match &self.store {
            StoreChoice::Folder(folder) => {
                let mut options = StoreOptions::new(folder, self.region.clone());
                options.cache_capacity = self.cache_capacity;
                Ok(Box::new(SledStore::open(&options)?))
            }
            StoreChoice::Memory(shelf) => Ok(Box::new(shelf.take(&self.region)?)),
        }
    }
}

/// Where a node keeps its rows.
#[derive(Debug, Clone)]
pub enum StoreChoice {
    /// On disk, in a folder that holds nothing else.
    Folder(PathBuf),
    /// In memory, on a shelf where the next node finds what was flushed.
    Memory(Shelf),
}
