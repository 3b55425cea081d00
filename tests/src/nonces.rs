//! Sealed blobs in whatever bytes a Region lets out, and whether a nonce recurs.
//!
//! Everything sealed is `nonce (12) || ciphertext || tag (16)`. Three kinds are found:
//! payloads of envelopes (from the start), KMS ciphertext blobs (behind their header, which
//! names the key material), and what rows hold (behind a length, as postcard writes bytes,
//! when twelve bytes follow that look random). Nonces are drawn from 96 bits and mean
//! nothing, so the test is stronger than the rule: no two different ciphertexts have one
//! nonce, whatever their keys. Ciphertexts are different when their tags are: a tag depends
//! on every bit before it.
//!
//! It cannot see blobs inside other sealed blobs, what a row holds without a length, and the
//! few nonces that look like text by chance.

use std::collections::BTreeMap;

const NONCE: usize = 12;
const TAG: usize = 16;
/// Beginning of every KMS ciphertext blob, and how much stands before its nonce.
const KMS: [u8; 5] = [0x01, 0x02, 0x02, 0x00, 0x78];
const KMS_HEADER: usize = 5 + 1 + 16 + 12 + 32 + 16;

/// Every nonce seen, with what was sealed under it.
#[derive(Debug, Default)]
pub struct Nonces {
    seen: BTreeMap<[u8; NONCE], (Vec<u8>, String)>,
    recurrences: Vec<String>,
}

impl Nonces {
    /// How many nonces were seen.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether none was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Every nonce with two ciphertexts, in words.
    #[must_use]
    pub fn recurrences(&self) -> &[String] {
        &self.recurrences
    }

    /// One sealed blob.
    pub fn blob(&mut self, sealed: &[u8], place: &str) {
        let Some((nonce, rest)) = sealed.split_first_chunk::<NONCE>() else {
            return;
        };
        if rest.len() < TAG {
            return;
        }
        match self.seen.get(nonce) {
            None => {
                self.seen
                    .insert(*nonce, (rest.to_owned(), place.to_owned()));
            }
            Some((known, _)) if !other_tag(known, rest) => {}
            Some((_, before)) => {
                let nonce = hex::encode(nonce);
                self.recurrences
                    .push(format!("{nonce}: {before}, and {place}"));
            }
        }
    }

    /// All blobs in a row's value.
    pub fn row(&mut self, value: &[u8], place: &str) {
        self.search(value, place, length);
    }

    /// All KMS ciphertext blobs in an answer.
    pub fn answer(&mut self, bytes: &[u8], place: &str) {
        self.search(bytes, place, |_| None);
    }

    fn search(
        &mut self,
        bytes: &[u8],
        place: &str,
        length: impl Fn(&[u8]) -> Option<(usize, &[u8])>,
    ) {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            // The end of a word, such as the 1 of eu-west-1, is no length.
            let word = at > 3 && bytes[at - 4..=at].iter().all(u8::is_ascii_graphic);
            let counted = if word { None } else { length(rest) };
            at += match (kms(rest), counted) {
                (Some(sealed), _) => {
                    // Where a blob ends only its holder knows; its first block is enough.
                    self.blob(&sealed[..NONCE + TAG], &format!("KMS blob in {place}"));
                    KMS_HEADER + NONCE + TAG
                }
                (None, Some((prefix, sealed))) => {
                    self.blob(sealed, place);
                    prefix + sealed.len()
                }
                (None, None) => 1,
            };
        }
    }
}

/// Whether the last sixteen bytes differ as random bytes do.
fn other_tag(one: &[u8], other: &[u8]) -> bool {
    let ends = one.iter().rev().zip(other.iter().rev()).take(TAG);
    ends.filter(|(one, other)| one != other).count() >= TAG - 4
}

/// What follows the header of a KMS ciphertext blob.
fn kms(bytes: &[u8]) -> Option<&[u8]> {
    bytes.strip_prefix(&KMS)?;
    let sealed = bytes.get(KMS_HEADER..)?;
    (sealed.len() >= NONCE + TAG).then_some(sealed)
}

/// A length, and a sealed blob of that length behind it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut length = 0_usize;
    let mut prefix = 0;
    for byte in bytes.iter().take(3) {
        length |= usize::from(byte & 0x7f) << (7 * prefix);
        prefix += 1;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let sealed = bytes.get(prefix..prefix + length)?;
    // A KMS blob begins with its header; its own nonce stands behind that.
    let random = length >= NONCE + TAG && !sealed.starts_with(&KMS) && looks_random(sealed);
    random.then_some((prefix, sealed))
}

/// Random bytes are rarely text, rarely small, and rarely repeat.
fn looks_random(sealed: &[u8]) -> bool {
    let text = |byte: &&u8| (0x20..0x7f).contains(*byte);
    let nonce = &sealed[..NONCE];
    let different: std::collections::BTreeSet<&u8> = nonce.iter().collect();
    let texts = sealed.iter().filter(text).count();
    let high = sealed.iter().filter(|byte| **byte >= 0x80).count();
    // The name of a Region or a table in the first bytes is a field, not a nonce.
    let words = nonce.split(|byte| !byte.is_ascii_graphic());
    let longest = words.map(<[u8]>::len).max().unwrap_or_default();
    // 37 % and 50 % of random bytes.
    longest < 7
        && !nonce[..2].iter().all(|byte| text(&byte))
        && different.len() >= 10
        && texts * 100 <= sealed.len() * 55
        && high * 100 >= sealed.len() * 32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `nonce || 20 bytes` as if sealed.
    fn sealed(nonce: u8, ciphertext: u8) -> Vec<u8> {
        let random = |seed: u8, count: u8| {
            (0..count).map(move |index| index.wrapping_mul(151).wrapping_add(seed) ^ 0xa5)
        };
        random(nonce, 12).chain(random(ciphertext, 20)).collect()
    }

    fn row(sealed: &[u8]) -> Vec<u8> {
        let mut row = b"\x01\x06orders".to_vec();
        row.push(u8::try_from(sealed.len()).expect("it is short"));
        row.extend_from_slice(sealed);
        row.extend_from_slice(&[9, 8, 7, 6]);
        row
    }

    #[test]
    fn a_nonce_with_two_ciphertexts_is_found_in_rows() {
        let mut nonces = Nonces::default();
        nonces.row(&row(&sealed(1, 1)), "one");
        nonces.row(&row(&sealed(1, 1)), "the same again");
        nonces.row(&row(&sealed(2, 1)), "another nonce");
        assert_eq!((nonces.len(), nonces.recurrences().len()), (2, 0));
        nonces.row(&row(&sealed(1, 2)), "other");
        assert_eq!(nonces.recurrences().len(), 1);
        assert!(nonces.recurrences()[0].ends_with("one, and other"));
    }

    #[test]
    fn and_in_kms_blobs() {
        let blob = |ciphertext| {
            let mut blob = KMS.to_vec();
            blob.resize(KMS_HEADER, 0);
            blob.extend(sealed(1, ciphertext));
            blob
        };
        let mut nonces = Nonces::default();
        nonces.answer(&blob(1), "one");
        nonces.answer(&blob(2), "other");
        assert_eq!(nonces.recurrences().len(), 1);
    }
}
