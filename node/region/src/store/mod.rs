//! What a Region keeps: ordered rows of bytes, changed by atomic batches.
//!
//! ```text
//!   service  --typed rows-->  Txn (layers, one a call; kept rows beneath them)
//!                              | into_batch(), once a step
//!                              v
//!                             Store: memory (loopback) or sled (a node)
//! ```
//!
//! - [`Store`]: the trait; [`memory::MemoryStore`] forgets on demand what was not
//!   flushed, the sled store lives in the node's shell, because it does IO.
//! - [`keyspace`]: a marker type names prefix, key and row; `keyspaces!` declares them;
//!   [`registry`] lists all of them, so that a check can walk a store without knowing it.
//! - [`key`] and [`range`]: keys whose byte order is the order of what they mean.
//! - [`row`]: version byte, postcard, checksum over key and row.
//! - [`txn`] with [`merge`]: the overlay of a step; [`cache`]: decoded rows.
//! - [`own`]: what a store on disk says about itself.
//! - [`golden`]: rows of the past, which must decode for ever.
//!
//! Left out on purpose: secondary indexes (a service writes its own rows for them) and
//! reads of older states (nothing here looks back; the journal does). Encryption belongs
//! to the services: what they store in the clear must be findable in the clear.

pub mod cache;
pub mod error;
pub mod golden;
pub mod key;
pub mod keyspace;
pub mod memory;
pub mod merge;
pub mod own;
pub mod range;
pub mod registry;
pub mod row;
pub mod txn;

use bytes::Bytes;

pub use cache::RowCache;
pub use error::StoreError;
pub use key::{Key, KeyOf, PrefixOf};
pub use keyspace::Keyspace;
pub use memory::MemoryStore;
pub use range::{Order, Range, Span};
pub use txn::Txn;

/// One stored row: its key and its value, as bytes.
pub type RawRow = (Bytes, Bytes);

/// Rows in key order; a row that cannot be read is an error in its place.
pub type RawRows<'a> = Box<dyn Iterator<Item = Result<RawRow, StoreError>> + 'a>;

/// Ordered rows of bytes with one writer.
///
/// Values come as [`Bytes`], so that a read shares instead of copying where it can.
pub trait Store: Send {
    /// The value of `key`, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails or what it gives is damaged.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError>;

    /// The rows of `span`, first or last first, read as the iterator is pulled.
    fn scan(&self, span: &Span, order: Order) -> RawRows<'_>;

    /// Applies all of `batch` or none of it; durable only after the next [`flush`](Self::flush).
    ///
    /// # Errors
    /// [`StoreError`]; the batch has then left no trace that a reader sees.
    fn commit_lazily(&mut self, batch: Batch) -> Result<(), StoreError>;

    /// Makes everything committed so far durable.
    ///
    /// # Errors
    /// [`StoreError::Disk`]: nobody may be told that the last commits are kept.
    fn flush(&mut self) -> Result<(), StoreError>;

    /// Applies all of `batch` or none of it; durable when this returns.
    ///
    /// # Errors
    /// As [`commit_lazily`](Self::commit_lazily) and [`flush`](Self::flush).
    fn commit(&mut self, batch: Batch) -> Result<(), StoreError> {
        self.commit_lazily(batch)?;
        self.flush()
    }

    /// Every row that is there, the store's own included: what an oracle searches.
    fn raw(&self) -> RawRows<'_> {
        self.scan(&Span::everything(), Order::Forward)
    }
}

impl<S: Store + ?Sized> Store for Box<S> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        (**self).get(key)
    }
    fn scan(&self, span: &Span, order: Order) -> RawRows<'_> {
        (**self).scan(span, order)
    }
    fn commit_lazily(&mut self, batch: Batch) -> Result<(), StoreError> {
        (**self).commit_lazily(batch)
    }
    fn flush(&mut self) -> Result<(), StoreError> {
        (**self).flush()
    }
    fn raw(&self) -> RawRows<'_> {
        (**self).raw()
    }
}

/// Writes that happen together: `Some` puts, `None` deletes, one write a key, in key order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    writes: Vec<(Bytes, Option<Bytes>)>,
}

impl Batch {
    /// A batch of raw writes; the last write to a key wins.
    #[must_use]
    pub fn of(writes: impl IntoIterator<Item = (Bytes, Option<Bytes>)>) -> Self {
        let ordered: std::collections::BTreeMap<Bytes, Option<Bytes>> =
            writes.into_iter().collect();
        Self {
            writes: ordered.into_iter().collect(),
        }
    }

    /// The writes in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, Option<&Bytes>)> {
        self.writes.iter().map(|(key, value)| (key, value.as_ref()))
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// How many keys it writes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether it writes only into keyspaces with these prefixes. An answer whose batch
    /// holds nothing but the trail need not wait for a flush.
    #[must_use]
    pub fn only_in(&self, prefixes: &[u16]) -> bool {
        self.writes.iter().all(|(key, _)| {
            prefixes
                .iter()
                .any(|prefix| key.starts_with(&prefix.to_be_bytes()))
        })
    }
}

impl IntoIterator for Batch {
    type Item = (Bytes, Option<Bytes>);
    type IntoIter = std::vec::IntoIter<Self::Item>;
    fn into_iter(self) -> Self::IntoIter {
        self.writes.into_iter()
    }
}
