//! Keys that were fetched, by store, id and version.
//!
//! One cache serves every client that shares it; each checks the age of what it finds
//! against its own time to live. When it is full the oldest entry goes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use super::BranchKeyMaterial;
use crate::secret::BeaconKey;

/// How many keys are kept, the SDK's default.
pub const CAPACITY: usize = 1_000;

const SECOND: u64 = 1_000_000;

struct Entry<T> {
    fetched: u64,
    material: T,
}

/// A cache; clones are the same cache.
pub struct KeyCache<T>(Rc<RefCell<BTreeMap<String, Entry<T>>>>);

/// Branch keys that were fetched.
pub type BranchKeyCache = KeyCache<BranchKeyMaterial>;
/// Beacon keys that were fetched.
pub type BeaconKeyCache = KeyCache<BeaconKey>;

impl<T> Clone for KeyCache<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Default for KeyCache<T> {
    fn default() -> Self {
        Self(Rc::default())
    }
}

impl<T: Clone> KeyCache<T> {
    /// What was put under `name` at most `time_to_live` seconds before `now` (microseconds).
    pub(crate) fn get(&self, name: &str, now: u64, time_to_live: u64) -> Option<T> {
        let entries = self.0.borrow();
        let entry = entries.get(name)?;
        let age = now.saturating_sub(entry.fetched) / SECOND;
        (age <= time_to_live).then(|| entry.material.clone())
    }

    pub(crate) fn put(&self, name: String, now: u64, material: T) {
        let mut entries = self.0.borrow_mut();
        if entries.len() >= CAPACITY && !entries.contains_key(&name) {
            let oldest = entries
                .iter()
                .min_by_key(|(_, entry)| entry.fetched)
                .map(|(name, _)| name.clone());
            oldest.and_then(|name| entries.remove(&name));
        }
        entries.insert(
            name,
            Entry {
                fetched: now,
                material,
            },
        );
    }

    /// Forgets everything, as a client that starts anew.
    pub fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}

impl<T> fmt::Debug for KeyCache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyCache")
    }
}

impl<T> PartialEq for KeyCache<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Eq for KeyCache<T> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::branch::uuid::Uuid;
    use crate::secret::BranchKey;

    fn material(byte: u8) -> BranchKeyMaterial {
        BranchKeyMaterial {
            key: BranchKey::new([byte; 32]),
            version: Uuid::new([byte; 16]),
        }
    }

    #[test]
    fn cse_033_an_entry_serves_for_its_time_to_live() {
        let cache = BranchKeyCache::default();
        cache.put("a".to_owned(), 10 * SECOND, material(1));
        let found = |now, ttl| cache.get("a", now, ttl).is_some();
        assert!(found(10 * SECOND, 1));
        assert!(found(12 * SECOND - 1, 1));
        assert!(!found(12 * SECOND, 1) && found(12 * SECOND, 2));
        assert!(cache.get("b", 0, 1).is_none());
        cache.clear();
        assert!(!found(10 * SECOND, 1));
    }

    #[test]
    fn a_full_cache_forgets_the_oldest() {
        let cache = BranchKeyCache::default();
        for at in 0..=CAPACITY {
            cache.put(at.to_string(), u64::try_from(at).unwrap(), material(0));
        }
        assert!(cache.get("0", 0, 60).is_none());
        assert!(cache.get("1", 0, 60).is_some());
        assert_eq!(cache.0.borrow().len(), CAPACITY);
    }
}
