//! Large rows, cut into pieces: a chunk of a body is 64 KiB.
//!
//! sled keeps up to sixteen rows in a page. A page beyond 128 KiB becomes a file beside its log, is
//! written anew with each row that joins it, and counts in sled's cache by what the log knows of it,
//! a few bytes: such pages never leave memory. So a large row is a head under its own key, which
//! says how long it is, and pieces under keys of a prefix that no keyspace has. Head and pieces are
//! written in one batch. Rows of older stores that lie there whole are read as they are.

use bytes::Bytes;
use faultline_region::store::StoreError;

use super::failed;

/// A row of so many bytes is cut.
const LARGE: usize = 16 << 10;
/// Bytes of a piece: sixteen of them stay below 128 KiB.
const PIECE: usize = 6 << 10;
/// First bytes of the keys of pieces.
const PREFIX: [u8; 2] = [0xff, 0xff];
/// First byte of a head. A row begins with its version, which is never 0.
const MARK: u8 = 0;
/// How often a row is looked at again.
///
/// sled asks which pages may leave its cache only after 64 accesses to one of its 256 shards; pages
/// that are written or read once would fill much memory before that. Looking again makes a shard
/// look sooner.
const AGAIN: usize = 24;

/// Whether a key is one of a piece.
pub(super) fn is_piece(key: &[u8]) -> bool {
    key.starts_with(&PREFIX)
}

fn piece_key(key: &[u8], index: usize) -> Vec<u8> {
    let index = u16::try_from(index).expect("a row has at most 65,536 pieces");
    [&PREFIX, key, &index.to_be_bytes()].concat()
}

/// How many bytes the row has, if this is the head of a large one.
fn length_of(head: &[u8]) -> Option<usize> {
    let length = head.strip_prefix(&[MARK])?;
    let length = u32::from_be_bytes(length.try_into().ok()?);
    usize::try_from(length).ok()
}

/// How many pieces belong to what lies under a key.
pub(super) fn pieces_of(head: &[u8]) -> usize {
    length_of(head).map_or(0, |length| length.div_ceil(PIECE))
}

/// Writes a row over what was there; whether it was cut.
pub(super) fn write(batch: &mut sled::Batch, key: &[u8], was: Option<&[u8]>, value: &[u8]) -> bool {
    let before = was.map_or(0, pieces_of);
    let is_large = value.len() >= LARGE;
    let pieces = if is_large {
        value.len().div_ceil(PIECE)
    } else {
        0
    };
    for index in pieces..before {
        batch.remove(piece_key(key, index));
    }
    if !is_large {
        batch.insert(key, value);
        return false;
    }
    let length = u32::try_from(value.len()).expect("a row has less than 4 GiB");
    let head = [&[MARK], length.to_be_bytes().as_slice()].concat();
    batch.insert(key, head);
    for (index, piece) in value.chunks(PIECE).enumerate() {
        batch.insert(piece_key(key, index), piece);
    }
    true
}

/// Removes a row and its pieces.
pub(super) fn remove(batch: &mut sled::Batch, key: &[u8], was: Option<&[u8]>) {
    for index in 0..was.map_or(0, pieces_of) {
        batch.remove(piece_key(key, index));
    }
    batch.remove(key);
}

/// The whole row, given what lies under its key.
pub(super) fn read(db: &sled::Db, key: &[u8], found: sled::IVec) -> Result<Bytes, StoreError> {
    let Some(length) = length_of(&found) else {
        return Ok(Bytes::from_owner(found));
    };
    let mut whole = Vec::with_capacity(length);
    for index in 0..length.div_ceil(PIECE) {
        let piece = db
            .get(piece_key(key, index))
            .map_err(|error| failed("read a row", error))?;
        whole.extend_from_slice(&piece.unwrap_or_default());
    }
    if whole.len() != length {
        return Err(StoreError::damaged_row(
            faultline_region::store::registry::name_of(key),
            key,
            "a piece of the row is missing",
        ));
    }
    look_again(db, key)?;
    Ok(Bytes::from(whole))
}

/// Lets the pages of a large row leave sled's cache: see [`AGAIN`].
pub(super) fn look_again(db: &sled::Db, key: &[u8]) -> Result<(), StoreError> {
    let first = piece_key(key, 0);
    for _ in 0..AGAIN {
        db.contains_key(&first)
            .map_err(|error| failed("read a row", error))?;
    }
    Ok(())
}
