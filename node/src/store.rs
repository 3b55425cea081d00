//! A Region's store on disk: sled, kept honest.
//!
//! One tree, and an explicit flush by the one thread that owns it (never `flush_async`: a
//! handful of outstanding ones hang the process). What was committed since the last flush is
//! staged in memory, where reads find it, and becomes one atomic batch of sled's at the flush:
//! so commits that share a flush also share what sled asks for a batch, rows that each of them
//! writes are written once, and whatever ends the process loses whole commits or none. Who never
//! flushes fills no memory: from a bound on what is staged goes to sled all the same. sled survives
//! kills well, but other damage it often opens over in silence. So there is, beside its
//! files, a [`label`] that says whose store this is and how many commits were flushed, and
//! inside it the same as a header row and counters written in the same batch as the change.
//! [`open`] compares them, and refuses with an error that says what to do; nothing is ever
//! reset. Rows carry their own checksums, verified when a row is read, and all of them by
//! [`SledStore::deep_check`].
//!
//! What this cannot see: a folder whose sled files *and* label were put back together from
//! an older copy. That is a restore, and restoring is told to the Region as a new epoch.
//! A crash is a kill; dropping a store loses what was not flushed, as a kill does.

mod check;
mod label;
mod large;
mod open;
mod shelf;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use faultline_proto::names::RegionName;
use faultline_region::mutants::{self, Mutant};
use faultline_region::store::merge::merge;
use faultline_region::store::own::{self, CountersRow};
use faultline_region::store::{Batch, Order, RawRow, RawRows, Span, Store, StoreError, row};

pub use check::{DeepCheck, deep_check_folder};
use label::Label;
pub use shelf::Shelf;

/// How to open a store.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The folder, which holds nothing else.
    pub folder: PathBuf,
    /// Whose store it is. Another Region's is refused.
    pub region: RegionName,
    /// Memory for sled's pages, in bytes. Its own default is 1 GiB, far too much for a node.
    pub cache_capacity: u64,
    /// Rows are counted at open when the store says it has at most this many; above, only
    /// a deep check counts them. Counting reads every page.
    pub count_rows_up_to: u64,
}

impl StoreOptions {
    /// The usual: 8 MiB of cache, up to 20,000 rows counted at open.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, region: RegionName) -> Self {
        Self {
            folder: folder.into(),
            region,
            cache_capacity: 8 << 20,
            count_rows_up_to: 20_000,
        }
    }
}

/// Bytes that are staged before they go to sled without a flush.
const STAGED: usize = 4 << 20;

/// What was committed and not given to sled yet.
#[derive(Default)]
struct Staged {
    commits: u64,
    /// Length of all values written; those written over count too.
    bytes: usize,
    /// The last word on each key.
    rows: BTreeMap<Bytes, Option<Bytes>>,
}

impl Staged {
    fn add(&mut self, batch: Batch) {
        self.commits += 1;
        for (key, value) in batch {
            self.bytes += key.len() + value.as_ref().map_or(0, Bytes::len);
            self.rows.insert(key, value);
        }
    }
}

/// A store on disk. One writer.
pub struct SledStore {
    db: sled::Db,
    label: Label,
    /// Of what sled was given.
    counters: CountersRow,
    staged: Staged,
    /// Set when a write failed: what is on disk is then unknown, and nothing more is written.
    broken: Option<StoreError>,
}

impl SledStore {
    /// Opens the store in `options.folder`, or makes one where there is none.
    ///
    /// # Errors
    /// Every [`StoreError`]: what is damaged, foreign, newer or in use is refused as it is.
    pub fn open(options: &StoreOptions) -> Result<Self, StoreError> {
        open::open(options)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.label.folder()
    }

    /// Commits since the store was made, and rows in it, without what is staged.
    #[must_use]
    pub fn counters(&self) -> CountersRow {
        self.counters
    }

    /// Reads and verifies every row. Reads the whole store.
    #[must_use]
    pub fn deep_check(&self) -> DeepCheck {
        check::deep_check(&self.db, self.counters)
    }

    /// Gives what is staged to sled, as one batch.
    fn apply(&mut self) -> Result<(), StoreError> {
        let staged = std::mem::take(&mut self.staged);
        let mut counters = self.counters;
        counters.commits += staged.commits;
        let mut writes = sled::Batch::default();
        let mut cut = Vec::new();
        for (key, value) in staged.rows {
            let was = self
                .db
                .get(&key)
                .map_err(|error| failed("read a row", error))?;
            match value {
                Some(value) => {
                    counters.rows += u64::from(was.is_none());
                    if large::write(&mut writes, &key, was.as_deref(), &value) {
                        cut.push(key);
                    }
                }
                None => {
                    counters.rows -= u64::from(was.is_some());
                    large::remove(&mut writes, &key, was.as_deref());
                }
            }
        }
        let key = own::counters_key();
        writes.insert(
            key.as_slice(),
            &*row::encode::<own::Counters>(&key, &counters),
        );
        self.db
            .apply_batch(writes)
            .map_err(|error| failed("write a batch", error))?;
        self.counters = counters;
        for key in cut {
            large::look_again(&self.db, &key)?;
        }
        Ok(())
    }

    fn unbroken(&self) -> Result<(), StoreError> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    /// After a write that failed nothing may follow as if it had worked.
    fn remember<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &result {
            self.broken = Some(error.clone());
        }
        result
    }
}

impl Store for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        if let Some(staged) = self.staged.rows.get(key) {
            return Ok(staged.clone());
        }
        let found = self
            .db
            .get(key)
            .map_err(|error| failed("read a row", error))?;
        found
            .map(|found| large::read(&self.db, key, found))
            .transpose()
    }

    fn scan(&self, span: &Span, order: Order) -> RawRows<'_> {
        if span.is_empty() {
            return Box::new(std::iter::empty());
        }
        let staged = self.staged.rows.range::<[u8], _>(span.bounds());
        let staged = staged.map(|(key, value)| (key, value.as_ref())).collect();
        let rows = self.db.range::<&[u8], _>(span.bounds());
        let rows: RawRows<'_> = match order {
            Order::Forward => Box::new(rows.filter_map(|found| whole(&self.db, found))),
            Order::Backward => Box::new(rows.rev().filter_map(|found| whole(&self.db, found))),
        };
        merge(staged, rows, order)
    }

    fn commit_lazily(&mut self, batch: Batch) -> Result<(), StoreError> {
        self.unbroken()?;
        if !batch.is_empty() {
            self.staged.add(batch);
        }
        if self.staged.bytes < STAGED {
            return Ok(());
        }
        let applied = self.apply();
        self.remember(applied)
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.unbroken()?;
        if mutants::is(Mutant::FlushAcknowledgedEarly) && !self.counters.commits.is_multiple_of(8) {
            return Ok(());
        }
        if self.staged.commits == 0 && self.label.commits() == self.counters.commits {
            return Ok(());
        }
        let applied = if self.staged.commits == 0 {
            Ok(())
        } else {
            self.apply()
        };
        let flushed = applied
            .and_then(|()| self.db.flush().map_err(|error| failed("flush", error)))
            .and_then(|_| self.label.write(self.counters.commits));
        self.remember(flushed)
    }
}

/// A row of sled's as one of ours; `None` for a piece of one.
fn whole(
    db: &sled::Db,
    found: sled::Result<(sled::IVec, sled::IVec)>,
) -> Option<Result<RawRow, StoreError>> {
    let (key, value) = match found {
        Ok(row) => row,
        Err(error) => return Some(Err(failed("read rows", error))),
    };
    if large::is_piece(&key) {
        return None;
    }
    let value = large::read(db, &key, value);
    Some(value.map(|value| (Bytes::from_owner(key), value)))
}

/// sled's words as ours.
fn failed(doing: &'static str, error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(error) => StoreError::Disk {
            doing,
            what: error.to_string(),
        },
        other => StoreError::Damaged {
            place: format!("sled, when asked to {doing}"),
            what: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests;
