//! The overlay of one step: writes that nobody has committed yet.
//!
//! ```text
//!   layer 2   a call that layer 1's service makes      pop_keep: into the layer below
//!   layer 1   the call                                 pop_discard: gone
//!   layer 0   the step
//!   kept      audit events, consumed quota: no discard reaches them
//!   store
//! ```
//!
//! A read asks from the top down. Because kept rows lie beneath every layer, refusing a
//! call takes away its changes and leaves its traces. A kept write is the newest word on
//! its key: it takes that key out of the layers above.

use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};
use std::sync::Arc;

use bytes::Bytes;

use super::keyspace::{raw_key, read_key};
use super::merge::{Writes, merge};
use super::{Batch, KeyOf, Keyspace, Range, RawRows, RowCache, Store, StoreError, row};

/// A key and its row.
pub type Found<K> = (<K as Keyspace>::Key, <K as Keyspace>::Row);

type Layer = BTreeMap<Bytes, Option<Bytes>>;

/// A transaction over a store: layers of writes, and at the end one batch.
pub struct Txn<'a> {
    store: &'a dyn Store,
    cache: Option<&'a RowCache>,
    kept: Layer,
    layers: Vec<Layer>,
}

impl<'a> Txn<'a> {
    /// A transaction without writes.
    #[must_use]
    pub fn new(store: &'a dyn Store) -> Self {
        Self {
            store,
            cache: None,
            kept: Layer::new(),
            layers: vec![Layer::new()],
        }
    }

    /// One that remembers decoded rows in `cache`, which must belong to `store`.
    #[must_use]
    pub fn with_cache(store: &'a dyn Store, cache: &'a RowCache) -> Self {
        Self {
            cache: Some(cache),
            ..Self::new(store)
        }
    }

    /// The store below, without what this transaction wrote.
    #[must_use]
    pub fn store(&self) -> &'a dyn Store {
        self.store
    }

    /// Opens a layer: what is written from now on can be discarded.
    pub fn push(&mut self) {
        self.layers.push(Layer::new());
    }

    /// Closes the top layer and adds its writes to the one below.
    ///
    /// # Panics
    /// When no layer was pushed.
    pub fn pop_keep(&mut self) {
        let mut top = self.pop();
        let below = self
            .layers
            .last_mut()
            .expect("the layer of the step is never popped");
        if below.is_empty() {
            *below = top;
        } else {
            below.append(&mut top);
        }
    }

    /// Closes the top layer and forgets its writes; kept ones stay.
    ///
    /// # Panics
    /// When no layer was pushed.
    pub fn pop_discard(&mut self) {
        drop(self.pop());
    }

    fn pop(&mut self) -> Layer {
        assert!(
            self.layers.len() > 1,
            "a layer is popped that was never pushed"
        );
        self.layers.pop().expect("there are two at least")
    }

    /// How many layers are pushed.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.layers.len() - 1
    }

    /// The row of `key`.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn get<K: Keyspace>(&self, key: impl KeyOf<K::Key>) -> Result<Option<K::Row>, StoreError> {
        let key = raw_key::<K>(&key);
        self.read(&key)?
            .map(|raw| row::decode::<K>(&key, &raw))
            .transpose()
    }

    /// The row of `key`, decoded once for as long as nobody writes it.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn get_cached<K: Keyspace>(
        &self,
        key: impl KeyOf<K::Key>,
    ) -> Result<Option<Arc<K::Row>>, StoreError>
    where
        K::Row: Send + Sync + 'static,
    {
        let key = raw_key::<K>(&key);
        if let Some(written) = self.overlaid(&key) {
            return written
                .map(|raw| row::decode::<K>(&key, raw).map(Arc::new))
                .transpose();
        }
        if let Some(found) = self.cache.and_then(|cache| cache.get::<K::Row>(&key)) {
            return Ok(Some(found));
        }
        let Some(raw) = self.store.get(&key)? else {
            return Ok(None);
        };
        let found = Arc::new(row::decode::<K>(&key, &raw)?);
        if let Some(cache) = self.cache {
            cache.put(key, Arc::clone(&found));
        }
        Ok(Some(found))
    }

    /// Whether there is a row of `key`; its value is not looked at.
    ///
    /// # Errors
    /// [`StoreError`] when that cannot be known.
    pub fn exists<K: Keyspace>(&self, key: impl KeyOf<K::Key>) -> Result<bool, StoreError> {
        Ok(self.read(&raw_key::<K>(&key))?.is_some())
    }

    /// Writes a row into the top layer.
    pub fn put<K: Keyspace>(&mut self, key: impl KeyOf<K::Key>, row: &K::Row) {
        let key = raw_key::<K>(&key);
        let value = row::encode::<K>(&key, row);
        self.top().insert(key.into(), Some(value));
    }

    /// Deletes a row in the top layer; deleting nothing is fine.
    pub fn delete<K: Keyspace>(&mut self, key: impl KeyOf<K::Key>) {
        self.top().insert(raw_key::<K>(&key).into(), None);
    }

    /// Writes a row that survives every discard.
    pub fn put_kept<K: Keyspace>(&mut self, key: impl KeyOf<K::Key>, row: &K::Row) {
        let key = raw_key::<K>(&key);
        let value = row::encode::<K>(&key, row);
        self.keep(key, Some(value));
    }

    /// Deletes a row so that no discard brings it back.
    pub fn delete_kept<K: Keyspace>(&mut self, key: impl KeyOf<K::Key>) {
        self.keep(raw_key::<K>(&key), None);
    }

    /// The rows of `range` in its order, read as the iterator is pulled.
    pub fn scan<K: Keyspace>(
        &self,
        range: Range<K>,
    ) -> impl Iterator<Item = Result<Found<K>, StoreError>> + use<'_, 'a, K> {
        self.scan_raw(&range).map(|found| {
            let (key, raw) = found?;
            Ok((read_key::<K>(&key)?, row::decode::<K>(&key, &raw)?))
        })
    }

    /// The keys of `range` in its order; rows are not decoded.
    pub fn scan_keys<K: Keyspace>(
        &self,
        range: Range<K>,
    ) -> impl Iterator<Item = Result<K::Key, StoreError>> + use<'_, 'a, K> {
        self.scan_raw(&range).map(|found| read_key::<K>(&found?.0))
    }

    /// The first `limit` rows of `range`.
    ///
    /// # Errors
    /// [`StoreError`] when one of them cannot be read.
    pub fn page<K: Keyspace>(
        &self,
        range: Range<K>,
        limit: usize,
    ) -> Result<Vec<Found<K>>, StoreError> {
        self.scan(range).take(limit).collect()
    }

    /// The first row of `range`.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn first<K: Keyspace>(&self, range: Range<K>) -> Result<Option<Found<K>>, StoreError> {
        self.scan(range).next().transpose()
    }

    /// Whether anything was written into `K`.
    #[must_use]
    pub fn writes<K: Keyspace>(&self) -> bool {
        let prefix = K::PREFIX.to_be_bytes();
        let mut layers = self.layers.iter().chain(std::iter::once(&self.kept));
        layers.any(|layer| {
            let mut from = layer.range::<[u8], _>((Included(&prefix[..]), Unbounded));
            from.next().is_some_and(|(key, _)| key.starts_with(&prefix))
        })
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.layers.iter().all(BTreeMap::is_empty)
    }

    /// All writes as one batch. What was written leaves the cache.
    ///
    /// # Panics
    /// When a pushed layer is still open: nobody said whether to keep it.
    #[must_use]
    pub fn into_batch(mut self) -> Batch {
        assert!(self.depth() == 0, "a layer is still open");
        let mut writes = std::mem::take(&mut self.kept);
        writes.append(self.top());
        if let Some(cache) = self.cache {
            writes.keys().for_each(|key| cache.forget(key));
        }
        Batch {
            writes: writes.into_iter().collect(),
        }
    }

    fn top(&mut self) -> &mut Layer {
        self.layers
            .last_mut()
            .expect("the layer of the step is never popped")
    }

    fn keep(&mut self, key: Vec<u8>, value: Option<Bytes>) {
        for layer in &mut self.layers {
            layer.remove(key.as_slice());
        }
        self.kept.insert(key.into(), value);
    }

    /// What the overlay says of `key`: nothing, deleted, or a row.
    fn overlaid(&self, key: &[u8]) -> Option<Option<&Bytes>> {
        let mut found = self.layers.iter().rev().chain(std::iter::once(&self.kept));
        found.find_map(|layer| layer.get(key)).map(Option::as_ref)
    }

    fn read(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        match self.overlaid(key) {
            Some(written) => Ok(written.cloned()),
            None => self.store.get(key),
        }
    }

    fn scan_raw<K: Keyspace>(&self, range: &Range<K>) -> RawRows<'_> {
        let span = range.span();
        if span.is_empty() {
            return Box::new(std::iter::empty());
        }
        let mut writes = Writes::new();
        for layer in std::iter::once(&self.kept).chain(&self.layers) {
            writes.extend(
                layer
                    .range::<[u8], _>(span.bounds())
                    .map(|(key, value)| (key, value.as_ref())),
            );
        }
        merge(writes, self.store.scan(span, range.order()), range.order())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::store::MemoryStore;

    mod spaces {
        crate::keyspaces! {
            pub Objects = 0xFE10, "test.objects", version 1: (String, String) => u32;
            pub Trail = 0xFE11, "test.trail", version 1: u64 => String;
        }
    }
    use spaces::{Objects, Trail};

    fn keys(txn: &Txn<'_>, range: Range<Objects>) -> Vec<String> {
        txn.scan(range).map(|row| row.unwrap().0.1).collect()
    }

    /// DESIGN 3: a refusal discards the overlay of its call and of calls nested in it; a put
    /// refused by KMS leaves two audit events and no object.
    #[test]
    fn a_refused_call_leaves_its_trail_and_nothing_else() {
        let mut store = MemoryStore::new();
        let mut txn = Txn::new(&store);
        txn.push();
        txn.put::<Objects>(("photos", "cat"), &1);
        txn.push();
        txn.put::<Objects>(("keys", "used"), &1);
        txn.put_kept::<Trail>(1u64, &"kms:GenerateDataKey AccessDenied".to_owned());
        txn.pop_discard();
        assert!(txn.exists::<Objects>(("photos", "cat")).unwrap());
        assert!(!txn.exists::<Objects>(("keys", "used")).unwrap());
        txn.put_kept::<Trail>(2u64, &"s3:PutObject AccessDenied".to_owned());
        txn.pop_discard();

        let batch = txn.into_batch();
        assert!(batch.only_in(&[Trail::PREFIX]));
        store.commit(batch).unwrap();
        let txn = Txn::new(&store);
        assert_eq!(txn.scan::<Trail>(Range::all()).count(), 2);
        assert_eq!(txn.scan::<Objects>(Range::all()).count(), 0);
    }

    #[test]
    fn a_nested_refusal_that_is_survived_discards_only_its_own_part() {
        let store = MemoryStore::new();
        let mut txn = Txn::new(&store);
        txn.push();
        txn.put::<Objects>(("a", "outer"), &1);
        txn.push();
        txn.put::<Objects>(("a", "outer"), &2);
        txn.delete::<Objects>(("a", "other"));
        txn.pop_discard();
        txn.push();
        txn.put::<Objects>(("a", "inner"), &3);
        txn.pop_keep();
        txn.pop_keep();
        assert_eq!(txn.get::<Objects>(("a", "outer")).unwrap(), Some(1));
        assert_eq!(keys(&txn, Range::all()), ["inner", "outer"]);
        assert_eq!(txn.into_batch().len(), 2);
    }

    #[test]
    fn a_kept_write_is_the_newest_word_on_its_key() {
        let store = MemoryStore::new();
        let mut txn = Txn::new(&store);
        txn.push();
        txn.put::<Trail>(1u64, &"plain".to_owned());
        txn.put_kept::<Trail>(1u64, &"kept".to_owned());
        assert_eq!(txn.get::<Trail>(1u64).unwrap().as_deref(), Some("kept"));
        txn.put::<Trail>(1u64, &"later".to_owned());
        assert_eq!(txn.get::<Trail>(1u64).unwrap().as_deref(), Some("later"));
        txn.pop_discard();
        assert_eq!(txn.get::<Trail>(1u64).unwrap().as_deref(), Some("kept"));
    }

    #[test]
    fn a_listing_pages_narrows_and_steps_over_a_common_prefix() {
        let mut store = MemoryStore::new();
        let mut txn = Txn::new(&store);
        for name in ["a", "photos/1", "photos/2", "photos0", "z"] {
            txn.put::<Objects>(("b", name), &0);
        }
        txn.put::<Objects>(("c", "photos/9"), &0);
        store.commit(txn.into_batch()).unwrap();
        let txn = Txn::new(&store);
        let all = || Range::<Objects>::under(("b",));
        assert_eq!(
            keys(&txn, all().begins("photos/")),
            ["photos/1", "photos/2"]
        );
        assert_eq!(
            keys(&txn, all().begins("photos/").after(("b", "photos/1"))),
            ["photos/2"]
        );
        assert_eq!(keys(&txn, all().past("photos/")), ["photos0", "z"]);
        assert_eq!(
            keys(&txn, all().from(("b", "photos/2")).before(("b", "z"))),
            ["photos/2", "photos0"]
        );
        assert_eq!(
            keys(&txn, all().reversed()),
            ["z", "photos0", "photos/2", "photos/1", "a"]
        );
        assert_eq!(txn.page(all(), 2).unwrap().len(), 2);
        assert_eq!(keys(&txn, all().before(("b", "a"))), Vec::<String>::new());
    }

    #[test]
    fn the_cache_never_holds_what_the_store_does_not() {
        let mut store = MemoryStore::new();
        let cache = RowCache::new(2);
        let key = ("a", "k");
        for value in [1, 2] {
            let mut txn = Txn::with_cache(&store, &cache);
            txn.put::<Objects>(key, &value);
            assert_eq!(
                *txn.get_cached::<Objects>(key).unwrap().unwrap(),
                value,
                "reads its own write"
            );
            let batch = txn.into_batch();
            store.commit(batch).unwrap();
            let txn = Txn::with_cache(&store, &cache);
            let first = txn.get_cached::<Objects>(key).unwrap().unwrap();
            assert_eq!(*first, value);
            assert!(Arc::ptr_eq(
                &first,
                &txn.get_cached::<Objects>(key).unwrap().unwrap()
            ));
        }
        let mut dropped = Txn::with_cache(&store, &cache);
        dropped.put::<Objects>(key, &9);
        drop(dropped);
        assert_eq!(
            *Txn::with_cache(&store, &cache)
                .get_cached::<Objects>(key)
                .unwrap()
                .unwrap(),
            2
        );
    }

    #[test]
    fn a_damaged_row_is_an_error_that_names_it() {
        let mut store = MemoryStore::new();
        let key = raw_key::<Objects>(&("a", "k"));
        store
            .commit(Batch::of([(
                key.into(),
                Some(Bytes::from_static(b"\x01junk...")),
            )]))
            .unwrap();
        let txn = Txn::new(&store);
        let error = txn.get::<Objects>(("a", "k")).unwrap_err().to_string();
        assert!(error.contains("test.objects fe1061"), "{error}");
        assert!(txn.scan::<Objects>(Range::all()).next().unwrap().is_err());
        assert_eq!(txn.scan_keys::<Objects>(Range::all()).count(), 1);
    }

    #[derive(Debug, Clone)]
    enum Move {
        Put(u8, u32),
        Delete(u8),
        Push,
        Keep,
        Discard,
        Commit,
    }

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let one = prop_oneof![
            4 => (0u8..12, any::<u32>()).prop_map(|(key, value)| Move::Put(key, value)),
            2 => (0u8..12).prop_map(Move::Delete),
            2 => Just(Move::Push),
            1 => Just(Move::Keep),
            1 => Just(Move::Discard),
            1 => Just(Move::Commit),
        ];
        proptest::collection::vec(one, 0..40)
    }

    proptest! {
        /// The overlay over the store reads as one plain map that is copied at every push.
        #[test]
        fn an_overlay_reads_as_a_copied_map(moves in moves(), low in 0u8..12, high in 0u8..12) {
            let name = |key: u8| char::from(b'a' + key).to_string();
            let mut store = MemoryStore::new();
            let mut models: Vec<BTreeMap<String, u32>> = vec![BTreeMap::new()];
            let mut batch = Batch::default();
            for (index, run) in moves.split(|step| matches!(step, Move::Commit)).enumerate() {
                if index > 0 {
                    store.commit(std::mem::take(&mut batch)).unwrap();
                }
                let mut txn = Txn::new(&store);
                for step in run {
                    match step {
                        Move::Put(key, value) => {
                            txn.put::<Objects>(("b", name(*key).as_str()), value);
                            models.last_mut().unwrap().insert(name(*key), *value);
                        }
                        Move::Delete(key) => {
                            txn.delete::<Objects>(("b", name(*key).as_str()));
                            models.last_mut().unwrap().remove(&name(*key));
                        }
                        Move::Push => {
                            txn.push();
                            models.push(models.last().unwrap().clone());
                        }
                        Move::Keep if txn.depth() > 0 => {
                            txn.pop_keep();
                            let top = models.pop().unwrap();
                            *models.last_mut().unwrap() = top;
                        }
                        Move::Discard if txn.depth() > 0 => {
                            txn.pop_discard();
                            models.pop();
                        }
                        _ => {}
                    }
                    let model = models.last().unwrap();
                    let range = || Range::<Objects>::under(("b",)).from(("b", name(low).as_str())).before(("b", name(high).as_str()));
                    let found: Vec<_> = txn.scan(range()).map(|row| row.unwrap()).map(|(key, row)| (key.1, row)).collect();
                    let wanted: Vec<_> = model.iter().filter(|(key, _)| **key >= name(low) && **key < name(high)).map(|(key, row)| (key.clone(), *row)).collect();
                    prop_assert_eq!(&found, &wanted);
                    let mut back: Vec<_> = txn.scan(range().reversed()).map(|row| row.unwrap()).map(|(key, row)| (key.1, row)).collect();
                    back.reverse();
                    prop_assert_eq!(back, wanted);
                }
                while txn.depth() > 0 {
                    txn.pop_keep();
                }
                models = vec![models.pop().unwrap()];
                batch = txn.into_batch();
            }
        }
    }
}
