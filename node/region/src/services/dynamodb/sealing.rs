//! A table's key at work: names rows, seals items.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::keyspaces::Version;
use super::schema::KeySchema;
use super::value::{Item, Value};
use crate::context::{Ctx, decode, encode};
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;
use crate::vault::SecretKey;

/// Bytes of a row's name that tell its partition.
pub(crate) const PART: usize = 16;

/// The key of a table, in the clear.
#[derive(Debug, Clone)]
pub(crate) struct TableKey {
    items: SecretKey,
    rows: SecretKey,
}

impl From<[SecretKey; 2]> for TableKey {
    fn from([items, rows]: [SecretKey; 2]) -> Self {
        Self { items, rows }
    }
}

impl From<TableKey> for [SecretKey; 2] {
    fn from(key: TableKey) -> Self {
        [key.items, key.rows]
    }
}

impl TableKey {
    /// From the 32 bytes that KMS or the Region keeps.
    pub(crate) fn new(secret: &SecretKey) -> Self {
        Self {
            items: secret.derive("dynamodb items", b""),
            rows: secret.derive("dynamodb rows", b""),
        }
    }

    /// Under which name an item with this key is stored: 16 bytes for its partition, 16 for it.
    pub(crate) fn row(&self, schema: &KeySchema, key: &Item) -> Vec<u8> {
        let mut row = self.partition(&key[&schema.hash.name]).to_vec();
        row.extend_from_slice(&self.rows.derive("row", &encode(key)).expose()[..PART]);
        row
    }

    /// How the rows of a partition begin.
    pub(crate) fn partition(&self, hash: &Value) -> [u8; PART] {
        self.part("partition", &encode(hash))
    }

    /// Under which name an index keeps an item.
    pub(crate) fn entry(&self, index: &str, hash: &Value, key: &Item) -> Vec<u8> {
        let mut row = self.entries(index, hash).to_vec();
        row.extend_from_slice(&self.part("entry", &encode(&(index, key))));
        row
    }

    /// How the entries of a partition of an index begin.
    pub(crate) fn entries(&self, index: &str, hash: &Value) -> [u8; PART] {
        self.part("entries", &encode(&(index, hash)))
    }

    fn part(&self, purpose: &str, of: &[u8]) -> [u8; PART] {
        let mut part = [0; PART];
        part.copy_from_slice(&self.rows.derive(purpose, of).expose()[..PART]);
        part
    }

    /// Seals what belongs to an item, at a place of its own.
    pub(crate) fn seal_at<T: Serialize>(
        &self,
        ctx: &mut Ctx<'_>,
        place: (&str, &[u8]),
        what: &T,
    ) -> Vec<u8> {
        let nonce = ctx.entropy().bytes("dynamodb.beside-nonce");
        self.items.seal(nonce, &encode(&place), &encode(what))
    }

    /// Opens what [`TableKey::seal_at`] sealed.
    pub(crate) fn open_at<T: DeserializeOwned>(
        &self,
        place: (&str, &[u8]),
        sealed: &[u8],
    ) -> Result<T, Refusal> {
        let opened = self
            .items
            .open(&encode(&place), sealed)
            .ok_or_else(|| Refusal::internal("a row does not open under its table's key"))?;
        decode(&opened)
    }

    /// Seals an item for its row.
    pub(crate) fn seal(
        &self,
        ctx: &mut Ctx<'_>,
        table: &str,
        row: &[u8],
        version: &Version,
        item: &Item,
    ) -> Vec<u8> {
        let nonce = ctx.entropy().bytes("dynamodb.item-nonce");
        if mutants::is(Mutant::ItemNotSealed) {
            return encode(item);
        }
        let aad = encode(&(table, row, version.stamp, &version.writer));
        self.items.seal(nonce, &aad, &encode(item))
    }

    /// Opens an item of its row.
    pub(crate) fn open(
        &self,
        table: &str,
        row: &[u8],
        version: &Version,
        sealed: &[u8],
    ) -> Result<Item, Refusal> {
        if mutants::is(Mutant::ItemNotSealed) {
            return decode(sealed);
        }
        let aad = encode(&(table, row, version.stamp, &version.writer));
        let opened = self
            .items
            .open(&aad, sealed)
            .ok_or_else(|| Refusal::internal("an item does not open under its table's key"))?;
        decode(&opened)
    }
}
