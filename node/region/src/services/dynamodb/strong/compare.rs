//! What two members have of many items, compared without sending it: for reads of more than one.
//!
//! The asker sorts the registers that it has by a hash of their keys into [`BUCKETS`] and sends a
//! sum for each, over keys and ballots. The other member does the same and tells, of those buckets
//! that differ, which ballots it has. What it tells is no more than a reason to ask: an item whose
//! ballot there is above what is known to be chosen here goes through its register (`many`).
//!
//! Keys are sealed where they are stored, so a comparison opens all items that are meant.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::keyspaces::{Ballot, Items, RegisterRow, Registers};
use super::super::shelf::Shelf;
use super::super::value::{Item, Value};
use super::Reply;
use crate::context::{Ctx, encode};
use crate::refusal::Refusal;
use crate::store::Range;

/// Parts into which the keys of a comparison fall.
const BUCKETS: u16 = 256;
/// Registers and bytes of keys after which the buckets that are left must be asked for again.
const MOST: usize = 1000;
const MOST_BYTES: usize = 128 << 10;

/// Which items of a table are meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Extent {
    Table,
    /// Those of one partition key.
    Partition(Value),
    Keys(Vec<Item>),
}

/// The sum over a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sum {
    pub(crate) bucket: u8,
    sum: u128,
}

/// A register of an item that was ever written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    pub(super) key: Item,
    pub(super) accepted: Ballot,
    /// Whether it is not known to be chosen.
    pub(super) pending: bool,
}

/// All buckets.
pub(super) fn all() -> Vec<u8> {
    (0..BUCKETS)
        .filter_map(|bucket| u8::try_from(bucket).ok())
        .collect()
}

/// What this member has of the items that are meant.
pub(super) fn registers(
    ctx: &mut Ctx<'_>,
    shelf: &Shelf,
    extent: &Extent,
) -> Result<Vec<Known>, Refusal> {
    let id = shelf.table.id.as_str();
    let rows = match extent {
        Extent::Table => ctx.all(Range::<Registers>::under((id,))),
        Extent::Partition(hash) => {
            let part = shelf.key.partition(hash);
            ctx.all(Range::<Registers>::under((id,)).begins_with(&part))
        }
        Extent::Keys(keys) => {
            let mut rows = Vec::new();
            for key in keys {
                shelf.table.schema.check_key(key)?;
                let row = shelf.key.row(&shelf.table.schema, key);
                if let Some(register) = ctx.get::<Registers>((id, row.as_slice())) {
                    rows.push(((id.to_owned(), row), register));
                }
            }
            rows
        }
    };
    let mut known = Vec::new();
    for ((_, row), register) in rows {
        if let Some(key) = key_of(ctx, shelf, &row, &register)? {
            known.push(Known {
                key,
                accepted: register.accepted,
                pending: register.pending.is_some(),
            });
        }
    }
    Ok(known)
}

/// The key of a register's item; `None` when nothing was ever accepted.
fn key_of(
    ctx: &mut Ctx<'_>,
    shelf: &Shelf,
    row: &[u8],
    register: &RegisterRow,
) -> Result<Option<Item>, Refusal> {
    if register.accepted == Ballot::default() {
        return Ok(None);
    }
    let item = match &register.pending {
        Some(pending) => Some(shelf.opened_as(row, &pending.version, &pending.sealed)?),
        None => match ctx.get::<Items>((shelf.table.id.as_str(), row)) {
            Some(found) => Some(shelf.opened(row, &found)?),
            None => None,
        },
    };
    Ok(match item {
        Some(item) => Some(shelf.table.schema.key_of(&item)?),
        None => None,
    })
}

fn bucket_of(key: &Item) -> u8 {
    Sha256::digest(encode(key))[0]
}

fn by_bucket(known: Vec<Known>) -> BTreeMap<u8, Vec<Known>> {
    let mut buckets: BTreeMap<u8, Vec<Known>> = BTreeMap::new();
    for one in known {
        buckets.entry(bucket_of(&one.key)).or_default().push(one);
    }
    buckets
}

/// A sum that does not depend on the order, which is another in each Region.
fn sum_of(known: &[Known]) -> u128 {
    known.iter().fold(0, |sum, one| {
        let digest = Sha256::digest(encode(&(&one.key, &one.accepted)));
        let first = digest.first_chunk().copied().unwrap_or_default();
        u128::from_be_bytes(first).wrapping_add(sum)
    })
}

/// The sums over these buckets.
pub(super) fn sums(known: Vec<Known>, wanted: &[u8]) -> Vec<Sum> {
    let buckets = by_bucket(known);
    wanted
        .iter()
        .map(|bucket| Sum {
            bucket: *bucket,
            sum: buckets.get(bucket).map_or(0, |known| sum_of(known)),
        })
        .collect()
}

/// Answers which registers another member may not have as they are here.
pub(super) fn answer(
    ctx: &mut Ctx<'_>,
    shelf: &Shelf,
    extent: &Extent,
    theirs: &[Sum],
) -> Result<Reply, Refusal> {
    let mut ours = by_bucket(registers(ctx, shelf, extent)?);
    let (mut told, mut left, mut bytes) = (Vec::new(), Vec::new(), 0);
    for sum in theirs {
        let known = ours.remove(&sum.bucket).unwrap_or_default();
        if sum_of(&known) == sum.sum {
            continue;
        }
        if told.len() >= MOST || bytes >= MOST_BYTES {
            left.push(sum.bucket);
            continue;
        }
        for one in known {
            bytes += encode(&one.key).len();
            told.push((one.key, one.accepted));
        }
    }
    if told.is_empty() && left.is_empty() {
        return Ok(Reply::Current);
    }
    Ok(Reply::Differs { told, left })
}
