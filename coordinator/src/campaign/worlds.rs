//! The worlds of a campaign, each made once and continued by every run.
//!
//! All runs of a campaign begin in one world, for its seed is the campaign's and not the
//! run's. A plan that needs fewer Regions, as shrinking makes them, has another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::runner::Begun;

type World = Arc<OnceLock<Option<Begun>>>;

/// Worlds by their Regions; `None` stands for those of the file. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Worlds(Arc<Mutex<BTreeMap<Option<Vec<String>>, World>>>);

impl Worlds {
    /// The place of a world, made or not.
    #[must_use]
    pub fn place(&self, regions: Option<&Vec<String>>) -> World {
        let mut worlds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(worlds.entry(regions.cloned()).or_default())
    }

    /// Forgets every world: what makes them has changed.
    pub fn forget(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
