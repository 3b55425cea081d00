//! A row as bytes: version byte, postcard, and four bytes of CRC-32C.
//!
//! The checksum covers the key too, so that a row found under another's key is damage and
//! not data. An older version goes through its keyspace's `migrate`; a newer one is refused.

use bytes::Bytes;

use super::{Keyspace, StoreError};

const CHECKSUM: usize = 4;

/// The row as a store keeps it under `key`.
///
/// # Panics
/// When the row type cannot be written by postcard (a sequence of unknown length): a bug
/// of that type, found by its first test.
#[must_use]
pub fn encode<K: Keyspace>(key: &[u8], row: &K::Row) -> Bytes {
    let mut out = Vec::with_capacity(128);
    out.push(K::VERSION);
    let mut out = postcard::to_extend(row, out).expect("rows are plain data of known length");
    let sum = checksum(key, &out);
    out.extend_from_slice(&sum);
    Bytes::from(out)
}

/// The row that `raw` holds.
///
/// # Errors
/// [`StoreError::Damaged`] or [`StoreError::Newer`], with keyspace and key.
pub fn decode<K: Keyspace>(key: &[u8], raw: &[u8]) -> Result<K::Row, StoreError> {
    let damaged = |what: &str| StoreError::damaged_row(K::NAME, key, what);
    let (version, body) = open(key, raw).map_err(damaged)?;
    if version == K::VERSION {
        // What follows the row is as wrong as what is missing from it.
        let (row, rest) = postcard::take_from_bytes(body)
            .map_err(|error| damaged(&format!("the row does not decode: {error}")))?;
        if !rest.is_empty() {
            return Err(damaged(
                "the row is longer than its type: its type changed without a new version",
            ));
        }
        return Ok(row);
    }
    if version > K::VERSION {
        return Err(StoreError::Newer {
            place: format!("{} {}", K::NAME, hex::encode(key)),
            found: version.into(),
            known: K::VERSION.into(),
        });
    }
    K::migrate(version, body)
        .ok_or_else(|| damaged(&format!("version {version} of this row cannot be read")))
}

/// Whether the checksum of a row holds, whatever its keyspace.
///
/// # Errors
/// [`StoreError::Damaged`].
pub fn verify(key: &[u8], raw: &[u8]) -> Result<(), StoreError> {
    match open(key, raw) {
        Ok(_) => Ok(()),
        Err(what) => Err(StoreError::damaged_row(
            super::registry::name_of(key),
            key,
            what,
        )),
    }
}

/// Version and body, once the checksum holds.
fn open<'a>(key: &[u8], raw: &'a [u8]) -> Result<(u8, &'a [u8]), &'static str> {
    let (content, sum) = raw
        .split_last_chunk::<CHECKSUM>()
        .ok_or("the row is cut short")?;
    if checksum(key, content) != *sum {
        return Err("the checksum does not match");
    }
    content
        .split_first()
        .map(|(version, body)| (*version, body))
        .ok_or("the row is cut short")
}

fn checksum(key: &[u8], content: &[u8]) -> [u8; CHECKSUM] {
    crc32c::crc32c_append(crc32c::crc32c(key), content).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::keyspace::raw_key;

    mod first {
        crate::keyspaces! { pub Notes = 0xFE01, "test.notes", version 1: u64 => String; }
    }
    mod second {
        crate::keyspaces! {
            pub Notes = 0xFE01, "test.notes", version 2: u64 => (String, bool), migrate super::from_first;
        }
    }
    fn from_first(version: u8, body: &[u8]) -> Option<(String, bool)> {
        (version == 1).then(|| postcard::from_bytes(body).ok().map(|text| (text, false)))?
    }

    #[test]
    fn an_older_row_is_migrated_and_a_newer_one_refused() {
        let key = raw_key::<first::Notes>(&1u64);
        let old = encode::<first::Notes>(&key, &"hello".to_owned());
        assert_eq!(
            decode::<second::Notes>(&key, &old),
            Ok(("hello".to_owned(), false))
        );

        let new = encode::<second::Notes>(&key, &("hello".to_owned(), true));
        assert!(matches!(
            decode::<first::Notes>(&key, &new),
            Err(StoreError::Newer {
                found: 2,
                known: 1,
                ..
            })
        ));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_damage_with_a_name() {
        let key = raw_key::<first::Notes>(&1u64);
        let good = encode::<first::Notes>(&key, &"hello".to_owned());
        for at in 0..good.len() * 8 {
            let mut bad = good.to_vec();
            bad[at / 8] ^= 1 << (at % 8);
            let error = decode::<first::Notes>(&key, &bad).unwrap_err().to_string();
            assert_eq!(
                error,
                "the store is damaged at test.notes fe010000000000000001: the checksum does not match"
            );
        }
        for length in 0..good.len() {
            assert!(decode::<first::Notes>(&key, &good[..length]).is_err());
        }
    }

    #[test]
    fn a_row_under_another_key_is_damage() {
        let key = raw_key::<first::Notes>(&1u64);
        let other = raw_key::<first::Notes>(&2u64);
        let good = encode::<first::Notes>(&key, &"hello".to_owned());
        assert!(verify(&key, &good).is_ok());
        assert!(verify(&other, &good).is_err());
    }
}
