//! Entries of secondary indexes: written with the item, read like items.
//!
//! A local index changes with its table. A global one follows some moments later, on AWS by a
//! queue; here the new entry is stored at once and hides behind the old one until its moment
//! comes, so that no timer runs and a reader still meets what the trap is about: a query right
//! after a write answers as if it had not happened. An item without the key attributes of an
//! index is not in it (a sparse index).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::capacity;
use super::error::DynamoError;
use super::keyspaces::{Counted, Entries, EntryRow, ExtrasRow, Index, IndexStatus, Projection};
use super::schema::KeySchema;
use super::sealing::TableKey;
use super::shelf::{Place, Shelf};
use super::value::{self, Item, Value};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::store::Range;

/// How long a global index takes to follow, microseconds.
const FOLLOWS_IN: (u64, u64) = (10_000, 120_000);

impl Index {
    /// Whether writes reach it.
    pub(crate) fn takes_writes(&self) -> bool {
        match self.status {
            IndexStatus::Creating { .. } | IndexStatus::Active | IndexStatus::Updating => true,
            IndexStatus::Deleting => false,
        }
    }

    /// Whether it has all attributes of its items.
    pub(crate) fn has_all(&self) -> bool {
        self.projection == Projection::All
    }

    /// Whether it has an attribute.
    pub(crate) fn has(&self, table: &KeySchema, name: &str) -> bool {
        let listed = match &self.projection {
            Projection::All => true,
            Projection::KeysOnly => false,
            Projection::Include(names) => names.iter().any(|known| known == name),
        };
        listed || table.has(name) || self.schema.has(name)
    }

    /// What it keeps of an item; nothing of one that lacks a key attribute.
    fn projected(&self, table: &KeySchema, item: &Item) -> Option<Item> {
        let fits = self.schema.attributes().all(|attribute| {
            item.get(&attribute.name)
                .is_some_and(|value| value.kind() == attribute.kind.name() && value.size() > 0)
        });
        if !fits {
            return None;
        }
        let kept = item
            .iter()
            .filter(|(name, _)| self.has(table, name))
            .map(|(name, value)| (name.clone(), value.clone()));
        Some(kept.collect())
    }
}

/// Refuses an item whose attributes do not fit the key of an index.
pub(crate) fn check(extras: Option<&ExtrasRow>, item: &Item) -> Result<(), DynamoError> {
    for index in extras.iter().flat_map(|extras| &extras.indexes) {
        for attribute in index.schema.attributes() {
            let Some(value) = item.get(&attribute.name) else {
                continue;
            };
            if value.kind() != attribute.kind.name() {
                return Err(DynamoError::invalid(format!(
                    "Type mismatch for Index Key {} Expected: {} Actual: {} IndexName: {}",
                    attribute.name,
                    attribute.kind.name(),
                    value.kind(),
                    index.name
                )));
            }
            if value.size() == 0 {
                return Err(DynamoError::validation(format!(
                    "One or more parameter values are not valid. A value specified for a \
                     secondary index key is not supported. The AttributeValue for a key attribute \
                     cannot contain an empty {} value. IndexName: {}, IndexKey: {}",
                    attribute.kind.long_name(),
                    index.name,
                    attribute.name
                )));
            }
            index.schema.fits(attribute, value)?;
        }
    }
    Ok(())
}

/// Writes what a change of an item means for the indexes; the units it costs.
pub(crate) fn keep(
    ctx: &mut Ctx<'_>,
    shelf: &Shelf,
    extras: &ExtrasRow,
    place: &Place,
    new: Option<&Item>,
) -> BTreeMap<(bool, String), f64> {
    let mut used = BTreeMap::new();
    for index in extras.indexes.iter().filter(|index| index.takes_writes()) {
        let old = place
            .item
            .as_ref()
            .and_then(|item| index.projected(&shelf.table.schema, item));
        let new = new.and_then(|item| index.projected(&shelf.table.schema, item));
        if old == new {
            continue;
        }
        let at = |item: &Item| name_of(shelf, index, &place.key, item);
        let (from, to) = (old.as_ref().map(at), new.as_ref().map(at));
        let mut units = 0.0;
        if from != to
            && let (Some(from), Some(old)) = (&from, &old)
        {
            units += capacity::written(value::size(old));
            put(ctx, shelf, index, from, None);
        }
        if let (Some(to), Some(new)) = (&to, &new) {
            let before = old
                .as_ref()
                .filter(|_| from.as_ref() == Some(to))
                .map_or(0, value::size);
            units += capacity::written(value::size(new).max(before));
            put(ctx, shelf, index, to, Some(new));
        }
        used.insert((index.global, index.name.clone()), units);
    }
    used
}

/// Writes the entry of an item that was there before the index.
pub(crate) fn fill(ctx: &mut Ctx<'_>, shelf: &Shelf, index: &Index, key: &Item, item: &Item) {
    if let Some(entry) = index.projected(&shelf.table.schema, item) {
        let row = name_of(shelf, index, key, &entry);
        // At once: nobody reads the index before all of it is there.
        let stored = EntryRow {
            now: Some(shelf.key.seal_at(ctx, (&index.id, &row), &entry)),
            before: None,
            since: 0,
        };
        ctx.put::<Entries>((index.id.as_str(), row.as_slice()), &stored);
    }
}

fn name_of(shelf: &Shelf, index: &Index, key: &Item, entry: &Item) -> Vec<u8> {
    shelf
        .key
        .entry(&index.id, &entry[&index.schema.hash.name], key)
}

fn put(ctx: &mut Ctx<'_>, shelf: &Shelf, index: &Index, row: &[u8], item: Option<&Item>) {
    let now = item.map(|item| shelf.key.seal_at(ctx, (&index.id, row), item));
    if !index.global {
        match now {
            Some(_) => ctx.put::<Entries>(
                (index.id.as_str(), row),
                &EntryRow {
                    now,
                    before: None,
                    since: 0,
                },
            ),
            None => ctx.delete::<Entries>((index.id.as_str(), row)),
        }
        return;
    }
    let elapsed = ctx.elapsed().0;
    let (from, to) = FOLLOWS_IN;
    let since = elapsed + from + ctx.entropy().below("dynamodb.index-lag", to - from);
    let before = ctx
        .get::<Entries>((index.id.as_str(), row))
        .and_then(|stored| stored.visible(elapsed));
    let gone = now.is_none();
    let entry = EntryRow { now, before, since };
    ctx.put::<Entries>((index.id.as_str(), row), &entry);
    if gone {
        let at = faultline_proto::names::Elapsed(since);
        let payload = encode(&(index.id.as_str(), row));
        ctx.schedule("dynamodb", at, "entry_gone", payload);
    }
}

/// An entry that nobody sees any more.
pub(crate) fn gone(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok((id, row)) = decode::<(String, Vec<u8>)>(payload) else {
        return;
    };
    let entry = ctx.get::<Entries>((id.as_str(), row.as_slice()));
    if entry.is_some_and(|entry| entry.now.is_none() && entry.since <= ctx.elapsed().0) {
        ctx.delete::<Entries>((id.as_str(), row.as_slice()));
    }
}

impl EntryRow {
    /// What a reader meets.
    pub(crate) fn visible(self, elapsed: u64) -> Option<Vec<u8>> {
        if elapsed >= self.since {
            self.now
        } else {
            self.before
        }
    }
}

/// The entries of a partition of an index, in no order.
pub(crate) fn partition(
    ctx: &mut Ctx<'_>,
    shelf: &Shelf,
    index: &Index,
    hash: &Value,
) -> Result<Vec<Item>, Refusal> {
    let part = shelf.key.entries(&index.id, hash);
    let range = Range::<Entries>::under((index.id.as_str(),)).begins_with(&part);
    let elapsed = ctx.elapsed().0;
    let mut found = Vec::new();
    for ((_, row), entry) in ctx.all(range) {
        if let Some(sealed) = entry.visible(elapsed) {
            found.push(shelf.key.open_at((&index.id, &row), &sealed)?);
        }
    }
    Ok(found)
}

/// How much an index holds.
pub(crate) fn count(ctx: &mut Ctx<'_>, key: &TableKey, index: &Index) -> Counted {
    let mut counted = Counted {
        at: ctx.elapsed().0,
        ..Counted::default()
    };
    for ((_, row), entry) in ctx.all(Range::<Entries>::under((index.id.as_str(),))) {
        let place = (index.id.as_str(), row.as_slice());
        let item = entry
            .now
            .and_then(|sealed| key.open_at::<Item>(place, &sealed).ok());
        if let Some(item) = item {
            counted.items += 1;
            counted.bytes += value::size(&item);
        }
    }
    counted
}

/// The index that a call names.
pub(crate) fn named(
    extras: Option<&Arc<ExtrasRow>>,
    name: Option<&str>,
) -> Result<Option<Index>, DynamoError> {
    let Some(name) = name else {
        return Ok(None);
    };
    let found = extras
        .into_iter()
        .flat_map(|extras| &extras.indexes)
        .find(|index| index.name == name);
    match found {
        Some(index) if matches!(index.status, IndexStatus::Creating { .. }) => {
            Err(DynamoError::invalid(format!(
                "Cannot read from backfilling global secondary index: {name}"
            )))
        }
        Some(index) => Ok(Some(index.clone())),
        None => Err(DynamoError::validation(format!(
            "The table does not have the specified index: {name}"
        ))),
    }
}
