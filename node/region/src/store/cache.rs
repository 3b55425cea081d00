//! Decoded rows that are read again and again: keys, policies, credentials.
//!
//! A Region keeps one cache beside its store. A transaction reads through it
//! ([`Txn::get_cached`](super::Txn::get_cached)) and, when it becomes a batch, takes every
//! key that it wrote out of it; so the cache never holds a row that the store does not.
//! It is emptied when full: simple, and the same in every run. A Region that dies takes
//! its cache along.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

/// Decoded rows by raw key.
pub struct RowCache {
    rows: RefCell<BTreeMap<Bytes, Arc<dyn Any + Send + Sync>>>,
    limit: usize,
}

impl Default for RowCache {
    fn default() -> Self {
        Self::new(16 * 1024)
    }
}

impl RowCache {
    /// An empty cache for at most `limit` rows.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            rows: RefCell::default(),
            limit,
        }
    }

    pub(super) fn get<R: Send + Sync + 'static>(&self, key: &[u8]) -> Option<Arc<R>> {
        let row = self.rows.borrow().get(key).cloned()?;
        row.downcast::<R>().ok()
    }

    pub(super) fn put<R: Send + Sync + 'static>(&self, key: Vec<u8>, row: Arc<R>) {
        let mut rows = self.rows.borrow_mut();
        if rows.len() >= self.limit {
            rows.clear();
        }
        rows.insert(Bytes::from(key), row);
    }

    pub(super) fn forget(&self, key: &[u8]) {
        self.rows.borrow_mut().remove(key);
    }
}

impl std::fmt::Debug for RowCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RowCache({} rows)", self.rows.borrow().len())
    }
}
