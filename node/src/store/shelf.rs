//! A memory store that outlives the node that uses it, as a disk does.
//!
//! A node takes it off the shelf and, however it ends, what it had flushed is put back.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use faultline_proto::names::RegionName;
use faultline_region::store::{Batch, MemoryStore, Order, RawRows, Span, Store, StoreError};

/// A place for one memory store. Clones are the same place.
#[derive(Debug, Clone)]
pub struct Shelf(Arc<Mutex<Option<MemoryStore>>>);

impl Default for Shelf {
    fn default() -> Self {
        Self::new(MemoryStore::new())
    }
}

impl Shelf {
    /// A shelf with this store on it.
    #[must_use]
    pub fn new(store: MemoryStore) -> Self {
        Self(Arc::new(Mutex::new(Some(store))))
    }

    /// A copy of the store, while no node uses it.
    #[must_use]
    pub fn look(&self) -> Option<MemoryStore> {
        self.place().clone()
    }

    pub(crate) fn take(&self, region: &RegionName) -> Result<Shelved, StoreError> {
        let store = self.place().take().ok_or_else(|| StoreError::InUse {
            place: format!("the memory of {region}"),
        })?;
        Ok(Shelved {
            store,
            shelf: self.clone(),
        })
    }

    fn place(&self) -> std::sync::MutexGuard<'_, Option<MemoryStore>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The store while a node uses it.
pub(crate) struct Shelved {
    store: MemoryStore,
    shelf: Shelf,
}

impl Drop for Shelved {
    fn drop(&mut self) {
        let mut store = std::mem::take(&mut self.store);
        store.crash();
        *self.shelf.place() = Some(store);
    }
}

impl Store for Shelved {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.store.get(key)
    }
    fn scan(&self, span: &Span, order: Order) -> RawRows<'_> {
        self.store.scan(span, order)
    }
    fn commit_lazily(&mut self, batch: Batch) -> Result<(), StoreError> {
        self.store.commit_lazily(batch)
    }
    fn flush(&mut self) -> Result<(), StoreError> {
        self.store.flush()
    }
}
