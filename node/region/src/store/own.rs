//! The rows that a store on disk keeps about itself.
//!
//! They are written by the store, not by transactions, and counted by nobody.

use serde::{Deserialize, Serialize};

use super::keyspace::raw_key;

/// The word that makes a store ours.
pub const MAGIC: &str = "faultline";

/// Version of the store as a whole; rows have their own.
pub const FORMAT: u32 = 1;

crate::keyspaces! {
    /// What the store is.
    pub Header = 0x0001, "store.header", version 1: () => HeaderRow;
    /// How much is in it, written with every batch.
    pub Counters = 0x0002, "store.counters", version 1: () => CountersRow;
}

/// Whose store it is, and in which format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderRow {
    /// [`MAGIC`].
    pub magic: String,
    /// [`FORMAT`] of the version that made it.
    pub format: u32,
    /// The Region whose rows these are.
    pub region: String,
}

/// What must agree with the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountersRow {
    /// Batches committed since the store was made.
    pub commits: u64,
    /// Rows, without these two.
    pub rows: u64,
}

/// Where the header lies.
#[must_use]
pub fn header_key() -> Vec<u8> {
    raw_key::<Header>(&&())
}

/// Where the counters lie.
#[must_use]
pub fn counters_key() -> Vec<u8> {
    raw_key::<Counters>(&&())
}

/// Whether a row belongs to the store itself.
#[must_use]
pub fn is_own(key: &[u8]) -> bool {
    key.first() == Some(&super::registry::OWN)
}
