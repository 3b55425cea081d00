//! A table's key at work: names rows, seals items.

use super::keyspaces::Version;
use super::value::Item;
use crate::context::{Ctx, decode, encode};
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;
use crate::vault::SecretKey;

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

    /// Under which name an item with this key is stored.
    pub(crate) fn row(&self, key: &Item) -> Vec<u8> {
        self.rows.derive("row", &encode(key)).expose().to_vec()
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
