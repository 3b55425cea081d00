//! A store in memory that can lose what was not flushed.
//!
//! One map holds what readers see. Beside it lies how to undo every write since the last
//! flush: a crash plays that backwards, a flush forgets it. So a read costs one look-up.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Batch, Order, RawRows, Span, Store, StoreError};

/// Rows in memory. A clone is an independent copy of rows and of what is not flushed.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    rows: BTreeMap<Bytes, Bytes>,
    undo: Vec<(Bytes, Option<Bytes>)>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What a kill leaves behind: everything flushed, nothing else.
    pub fn crash(&mut self) {
        for (key, before) in self.undo.drain(..).rev() {
            match before {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether a crash would lose something.
    #[must_use]
    pub fn has_unflushed(&self) -> bool {
        !self.undo.is_empty()
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.rows.get(key).cloned())
    }

    fn scan(&self, span: &Span, order: Order) -> RawRows<'_> {
        if span.is_empty() {
            return Box::new(std::iter::empty());
        }
        let rows = self
            .rows
            .range::<[u8], _>(span.bounds())
            .map(|(key, value)| Ok((key.clone(), value.clone())));
        match order {
            Order::Forward => Box::new(rows),
            Order::Backward => Box::new(rows.rev()),
        }
    }

    fn commit_lazily(&mut self, batch: Batch) -> Result<(), StoreError> {
        for (key, value) in batch {
            let before = match value {
                Some(value) => self.rows.insert(key.clone(), value),
                None => self.rows.remove(&key),
            };
            self.undo.push((key, before));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.undo.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(key: &'static str, value: Option<&'static str>) -> Batch {
        Batch::of([(Bytes::from(key), value.map(Bytes::from))])
    }

    fn rows(store: &MemoryStore) -> Vec<(Bytes, Bytes)> {
        store.raw().map(|row| row.unwrap()).collect()
    }

    #[test]
    fn a_crash_loses_exactly_what_was_not_flushed() {
        let mut store = MemoryStore::new();
        store.commit(write("kept", Some("1"))).unwrap();
        store.commit(write("gone", Some("1"))).unwrap();
        let before = rows(&store);

        store.commit_lazily(write("kept", Some("2"))).unwrap();
        store.commit_lazily(write("kept", Some("3"))).unwrap();
        store.commit_lazily(write("gone", None)).unwrap();
        store.commit_lazily(write("new", Some("1"))).unwrap();
        assert_eq!(store.get(b"kept").unwrap().unwrap(), "3");
        assert!(store.has_unflushed());

        store.crash();
        assert_eq!(rows(&store), before);

        store.commit_lazily(write("new", Some("1"))).unwrap();
        store.flush().unwrap();
        store.crash();
        assert_eq!(rows(&store).len(), 3);
    }

    #[test]
    fn scans_go_both_ways_and_an_empty_span_is_empty() {
        let mut store = MemoryStore::new();
        store
            .commit(Batch::of(
                ["a1", "a2", "b1"].map(|key| (Bytes::from(key), Some(Bytes::from(key)))),
            ))
            .unwrap();
        let keys = |span: &Span, order| -> Vec<Bytes> {
            store.scan(span, order).map(|row| row.unwrap().0).collect()
        };
        assert_eq!(
            keys(&Span::prefix(b"a".to_vec()), Order::Forward),
            ["a1", "a2"]
        );
        assert_eq!(
            keys(&Span::prefix(b"a".to_vec()), Order::Backward),
            ["a2", "a1"]
        );
        let nothing = Span {
            from: b"b".to_vec(),
            to: Some(b"a".to_vec()),
        };
        assert!(keys(&nothing, Order::Forward).is_empty());
    }
}
