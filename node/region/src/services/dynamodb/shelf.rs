//! Items of an open table: read, and written so that replicas, indexes and streams hear of it.
//!
//! [`Shelf::store`] is the one place where an item's row changes, whoever wrote it: a caller, an
//! expiry, another Region. What a write brings with it (index entries, a stream record, an
//! expiry) is done there and nowhere else. [`Shelf::write`] is the write of this Region above it:
//! it stamps, tells the journal, stores, and sends.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::names::RegionName;

use super::capacity::{self, Used};
use super::encryption;
use super::error::DynamoError;
use super::journal;
use super::keyspaces::{
    Extras, ExtrasRow, ItemRow, Items, ReplicaStatus, Sweeps, TableRow, TableStatus, Tables,
    Version,
};
use super::names::TableName;
use super::records::ItemRecord;
use super::sealing::TableKey;
use super::streams::changes;
use super::strong;
use super::value::{self, Item, Value};
use super::{indexes, lagging, tombstones, ttl};
use crate::context::{Ctx, encode};
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;
use crate::store::Range;

/// A table that is ready, with its key.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) name: TableName,
    pub(crate) table: Arc<TableRow>,
    pub(crate) key: TableKey,
}

/// The place of one item and what is there.
#[derive(Debug)]
pub(crate) struct Place {
    row: Vec<u8>,
    pub(crate) key: Item,
    version: Option<Version>,
    /// The live item.
    pub(crate) item: Option<Item>,
}

/// Why an item is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Call,
    /// Its time was over (DDB-020).
    Expiry,
    /// Another Region wrote it.
    Replication,
}

impl TableStatus {
    /// Whether items can be read and written.
    pub(crate) fn is_open(self) -> bool {
        match self {
            Self::Active | Self::Updating => true,
            Self::Creating
            | Self::Filling { .. }
            | Self::Deleting
            | Self::Archiving
            | Self::Archived => false,
        }
    }
}

/// A table for a data call.
///
/// # Errors
/// ResourceNotFoundException while it is not there or not ready.
pub(crate) fn ready(ctx: &mut Ctx<'_>, name: &TableName) -> Result<Arc<TableRow>, DynamoError> {
    ctx.get_cached::<Tables>((&name.account, name.name.as_str()))
        .filter(|row| row.status.is_open())
        .ok_or(DynamoError::NotFound)
}

impl Shelf {
    /// Opens a table's items for the present caller.
    pub(crate) fn open(
        ctx: &mut Ctx<'_>,
        name: TableName,
        table: Arc<TableRow>,
    ) -> Result<Self, Refusal> {
        let key = encryption::key_of(ctx, &name, &table)?;
        Ok(Self { name, table, key })
    }

    /// The same with a key that is at hand.
    pub(crate) fn with(name: TableName, table: Arc<TableRow>, key: TableKey) -> Self {
        Self { name, table, key }
    }

    /// What is stored under a key.
    pub(crate) fn find(&self, ctx: &mut Ctx<'_>, key: Item) -> Result<Place, Refusal> {
        let row = self.key.row(&self.table.schema, &key);
        let found = ctx.get::<Items>((self.table.id.as_str(), row.as_slice()));
        if mutants::is(Mutant::StrongPendingShown)
            && let Some((version, item)) = strong::pending_item(ctx, self, &row)
        {
            return Ok(Place {
                row,
                key,
                version: Some(version),
                item,
            });
        }
        let item = match &found {
            Some(found) if !found.deleted => Some(self.opened(&row, found)?),
            _ => None,
        };
        Ok(Place {
            row,
            key,
            version: found.map(|found| found.version),
            item,
        })
    }

    /// The content of a row: an item, or the key of a tombstone.
    pub(crate) fn opened(&self, row: &[u8], found: &ItemRow) -> Result<Item, Refusal> {
        self.key
            .open(&self.table.id, row, &found.version, &found.sealed)
    }

    /// What a row of another keyspace holds of an item.
    pub(crate) fn opened_as(
        &self,
        row: &[u8],
        version: &Version,
        sealed: &[u8],
    ) -> Result<Item, Refusal> {
        self.key.open(&self.table.id, row, version, sealed)
    }

    /// Seals an item for its row.
    pub(crate) fn sealed(
        &self,
        ctx: &mut Ctx<'_>,
        row: &[u8],
        version: &Version,
        item: &Item,
    ) -> Vec<u8> {
        self.key.seal(ctx, &self.table.id, row, version, item)
    }

    /// Indexes and expiry of the table.
    pub(crate) fn extras(&self, ctx: &mut Ctx<'_>) -> Option<Arc<ExtrasRow>> {
        ctx.get_cached::<Extras>(self.table.id.as_str())
    }

    /// The live items of a partition, in no order.
    pub(crate) fn partition(&self, ctx: &mut Ctx<'_>, hash: &Value) -> Result<Vec<Item>, Refusal> {
        let part = self.key.partition(hash);
        let range = Range::<Items>::under((self.table.id.as_str(),)).begins_with(&part);
        ctx.all(range)
            .into_iter()
            .filter(|(_, found)| !found.deleted)
            .map(|((_, row), found)| self.opened(&row, &found))
            .collect()
    }

    /// Whether all writes up to this one have been here, as a removed tombstone tells.
    pub(crate) fn knows_all_up_to(&self, ctx: &mut Ctx<'_>, version: &Version) -> bool {
        let floor = self.floor(ctx);
        floor
            .get(&version.writer)
            .is_some_and(|stamp| *stamp >= version.stamp)
    }

    /// What every write of the table knows that is written over nothing.
    fn floor(&self, ctx: &mut Ctx<'_>) -> BTreeMap<RegionName, i64> {
        ctx.get_cached::<Sweeps>(self.table.id.as_str())
            .map_or_else(BTreeMap::new, |sweep| sweep.floor.clone())
    }

    /// Writes an item, or a tombstone, as the next write of this Region.
    pub(crate) fn write(
        &self,
        ctx: &mut Ctx<'_>,
        place: &Place,
        item: Option<&Item>,
        cause: Cause,
    ) -> Used {
        if strong::is(ctx, &self.table) {
            strong::propose(ctx, self, place, item);
            let sizes = place.item.iter().chain(item).map(value::size);
            return Used::of_table(capacity::written(sizes.max().unwrap_or_default()));
        }
        let here = ctx.region().clone();
        let version = match &place.version {
            None => Version::first(self.floor(ctx), &here, ctx.now()),
            before => Version::next(before.as_ref(), &here, ctx.now()),
        };
        journal::accepted(ctx, &self.name, &place.key, &version, item);
        let content = (item.is_none(), item.unwrap_or(&place.key));
        let used = self.store(ctx, place, &version, content, cause);
        self.send(ctx, place, version, item);
        used
    }

    /// Tells the other replicas of a write.
    fn send(&self, ctx: &mut Ctx<'_>, place: &Place, version: Version, item: Option<&Item>) {
        let mut members: Vec<_> = self
            .table
            .replicas
            .iter()
            .filter(|(_, replica)| match replica.status {
                ReplicaStatus::Creating | ReplicaStatus::Active => true,
                ReplicaStatus::Asked | ReplicaStatus::Deleting => false,
            })
            .map(|(region, _)| region.clone())
            .collect();
        if mutants::is(Mutant::ReplicaForgotten) {
            members.pop();
        }
        let stays = item.is_none() && mutants::is(Mutant::DeleteNotReplicated);
        if members.is_empty() || stays {
            return;
        }
        let record = ItemRecord {
            account: self.name.account.clone(),
            table: self.name.name.clone(),
            group: self.table.group.clone(),
            version,
            deleted: item.is_none(),
            item: item.unwrap_or(&place.key).clone(),
            accepted: ctx.elapsed().0,
            backfill: false,
        };
        let body = encode(&record);
        for region in members {
            lagging::send(ctx, (&self.name, &self.table), place.row(), &region, &body);
        }
    }

    /// Stores a version, whoever wrote it, and all that follows from it.
    pub(crate) fn store(
        &self,
        ctx: &mut Ctx<'_>,
        place: &Place,
        version: &Version,
        (deleted, item): (bool, &Item),
        cause: Cause,
    ) -> Used {
        let new = (!deleted).then_some(item);
        let sizes = place.item.iter().chain(new).map(value::size);
        let mut used = Used::of_table(capacity::written(sizes.max().unwrap_or_default()));
        if let Some(extras) = self.extras(ctx) {
            used.indexes = indexes::keep(ctx, self, &extras, place, new);
            ttl::plan(ctx, self, &extras, place, version, new);
        }
        changes::keep(ctx, self, place, new, cause);
        if deleted && mutants::is(Mutant::TombstoneNotKept) {
            ctx.delete::<Items>((self.table.id.as_str(), place.row()));
            return used;
        }
        let sealed = self
            .key
            .seal(ctx, &self.table.id, place.row(), version, item);
        let stored = ItemRow {
            version: version.clone(),
            deleted,
            sealed,
        };
        ctx.put::<Items>((self.table.id.as_str(), place.row()), &stored);
        if deleted && !strong::is(ctx, &self.table) {
            tombstones::plan(ctx, &self.name, &self.table);
        }
        used
    }
}

impl Place {
    /// Name of its row.
    pub(crate) fn row(&self) -> &[u8] {
        &self.row
    }

    /// Key attributes of the item.
    pub(crate) fn key(&self) -> &Item {
        &self.key
    }

    /// Takes note that something else is stored now.
    pub(crate) fn replaced(&mut self, content: &strong::Content) {
        self.version = Some(content.version.clone());
        self.item = (!content.deleted).then(|| content.item.clone());
    }

    /// The version that is stored, of a tombstone too.
    pub(crate) fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }
}
