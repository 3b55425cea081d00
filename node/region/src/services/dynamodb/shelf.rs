//! Items of an open table: read, and written so that replicas hear of it.

use std::sync::Arc;

use super::encryption;
use super::error::DynamoError;
use super::journal;
use super::keyspaces::{ItemRow, Items, ReplicaStatus, TableRow, TableStatus, Tables, Version};
use super::names::TableName;
use super::records::ItemRecord;
use super::sealing::TableKey;
use super::value::Item;
use crate::context::{Ctx, encode};
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;

/// A table that is ready, with its key.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) name: TableName,
    pub(crate) table: Arc<TableRow>,
    key: TableKey,
}

/// The place of one item and what is there.
#[derive(Debug)]
pub(crate) struct Place {
    row: Vec<u8>,
    key: Item,
    version: Option<Version>,
    /// The live item.
    pub(crate) item: Option<Item>,
}

impl TableStatus {
    /// Whether items can be read and written.
    pub(crate) fn is_open(self) -> bool {
        match self {
            Self::Active | Self::Updating => true,
            Self::Creating | Self::Filling { .. } | Self::Deleting => false,
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
        let row = self.key.row(&key);
        let found = ctx.get::<Items>((self.table.id.as_str(), row.as_slice()));
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

    /// Writes an item, or a tombstone, as the next write of this Region.
    pub(crate) fn write(&self, ctx: &mut Ctx<'_>, place: &Place, item: Option<&Item>) {
        let here = ctx.region().clone();
        let version = Version::next(place.version.as_ref(), &here, ctx.now());
        journal::accepted(ctx, &self.name, &place.key, &version, item);
        self.store(
            ctx,
            &place.row,
            &version,
            (item.is_none(), item.unwrap_or(&place.key)),
        );
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
        let (stream, body) = (self.name.stream(), encode(&record));
        for region in members {
            ctx.replicate(&region, &stream, "dynamodb", "item", body.clone());
        }
    }

    /// Stores a version, whoever wrote it.
    pub(crate) fn store(
        &self,
        ctx: &mut Ctx<'_>,
        row: &[u8],
        version: &Version,
        (deleted, item): (bool, &Item),
    ) {
        if deleted && mutants::is(Mutant::TombstoneNotKept) {
            ctx.delete::<Items>((self.table.id.as_str(), row));
            return;
        }
        let sealed = self.key.seal(ctx, &self.table.id, row, version, item);
        let stored = ItemRow {
            version: version.clone(),
            deleted,
            sealed,
        };
        ctx.put::<Items>((self.table.id.as_str(), row), &stored);
    }
}

impl Place {
    /// Name of its row.
    pub(crate) fn row(&self) -> &[u8] {
        &self.row
    }

    /// The version that is stored, of a tombstone too.
    pub(crate) fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }
}
