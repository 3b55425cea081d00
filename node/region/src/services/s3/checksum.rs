//! Checksums of bodies: measured chunk by chunk, with a state that is stored between steps.
//!
//! S3 keeps one checksum of each object: the one that the client chose, or CRC-64/NVME. That of a
//! multipart upload is composite (over the checksums of the parts), or, for the CRCs, that of the
//! whole object, which is computed from the parts' alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::digest::common::hazmat::{SerializableState, SerializedState};
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

/// A checksum's algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// CRC-32 of ISO-HDLC.
    Crc32,
    /// CRC-32C.
    Crc32C,
    /// CRC-64/NVME.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// Reversed polynomials.
const CRC32: u64 = 0xedb8_8320;
const CRC32C: u64 = 0x82f6_3b78;
const CRC64NVME: u64 = 0x9a6c_9329_ac4b_c9b5;

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32C,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// As S3 writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32C => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// What a name in a request means.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == text)
    }

    /// Whether that of a whole object follows from those of its parts.
    #[must_use]
    pub fn is_linear(self) -> bool {
        self.polynomial().is_some()
    }

    fn polynomial(self) -> Option<u64> {
        match self {
            Self::Crc32 => Some(CRC32),
            Self::Crc32C => Some(CRC32C),
            Self::Crc64Nvme => Some(CRC64NVME),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    fn width(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32C => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Whether `text` can be a checksum of this kind.
    #[must_use]
    pub fn fits(self, text: &str) -> bool {
        BASE64
            .decode(text)
            .is_ok_and(|bytes| bytes.len() == self.width())
    }

    /// That of bytes at hand.
    #[must_use]
    pub fn of(self, bytes: &[u8]) -> String {
        let mut running = Running::new(self);
        running.add(bytes);
        running.end()
    }
}

/// A checksum over chunks that arrive in different steps.
#[derive(Debug, Clone)]
pub struct Running {
    algorithm: Algorithm,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Crc(u64),
    Sha1(Box<Sha1>),
    Sha256(Box<Sha256>),
}

impl Running {
    /// Of no bytes yet.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        let state = match algorithm {
            Algorithm::Crc32 | Algorithm::Crc32C | Algorithm::Crc64Nvme => State::Crc(0),
            Algorithm::Sha1 => State::Sha1(Box::default()),
            Algorithm::Sha256 => State::Sha256(Box::default()),
        };
        Self { algorithm, state }
    }

    /// From stored bytes; a fresh one when there are none.
    #[must_use]
    pub fn restore(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let fresh = Self::new(algorithm);
        let state = match fresh.state {
            State::Crc(_) => bytes
                .try_into()
                .ok()
                .map(|bytes| State::Crc(u64::from_be_bytes(bytes))),
            State::Sha1(_) => bytes
                .try_into()
                .ok()
                .and_then(|state: SerializedState<Sha1>| Sha1::deserialize(&state).ok())
                .map(|state| State::Sha1(Box::new(state))),
            State::Sha256(_) => bytes
                .try_into()
                .ok()
                .and_then(|state: SerializedState<Sha256>| Sha256::deserialize(&state).ok())
                .map(|state| State::Sha256(Box::new(state))),
        };
        state.map_or_else(|| Self::new(algorithm), |state| Self { algorithm, state })
    }

    /// For storing.
    #[must_use]
    pub fn store(&self) -> Vec<u8> {
        match &self.state {
            State::Crc(sum) => sum.to_be_bytes().to_vec(),
            State::Sha1(state) => state.serialize().to_vec(),
            State::Sha256(state) => state.serialize().to_vec(),
        }
    }

    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Crc(sum) => {
                *sum = match self.algorithm {
                    Algorithm::Crc32 => {
                        let mut hasher =
                            crc32fast::Hasher::new_with_initial(u32::try_from(*sum).unwrap_or(0));
                        hasher.update(bytes);
                        u64::from(hasher.finalize())
                    }
                    Algorithm::Crc32C => u64::from(crc32c::crc32c_append(
                        u32::try_from(*sum).unwrap_or(0),
                        bytes,
                    )),
                    _ => crc64nvme(*sum, bytes),
                }
            }
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
        }
    }

    /// The checksum in base64.
    #[must_use]
    pub fn end(self) -> String {
        match self.state {
            State::Crc(sum) => text_of(self.algorithm, sum),
            State::Sha1(state) => BASE64.encode(state.finalize()),
            State::Sha256(state) => BASE64.encode(state.finalize()),
        }
    }
}

fn text_of(algorithm: Algorithm, sum: u64) -> String {
    let bytes = sum.to_be_bytes();
    BASE64.encode(&bytes[8 - algorithm.width()..])
}

/// The composite checksum of parts: that of their checksums, and how many they are.
#[must_use]
pub fn composite<'a>(algorithm: Algorithm, parts: impl Iterator<Item = &'a str>) -> String {
    let mut running = Running::new(algorithm);
    let mut count = 0;
    for part in parts {
        running.add(&BASE64.decode(part).unwrap_or_default());
        count += 1;
    }
    format!("{}-{count}", running.end())
}

/// The checksum of parts in a row, from their own and their lengths; `None` for a hash.
#[must_use]
pub fn joined<'a>(
    algorithm: Algorithm,
    parts: impl Iterator<Item = (&'a str, u64)>,
) -> Option<String> {
    let polynomial = algorithm.polynomial()?;
    let mut whole = 0;
    for (text, length) in parts {
        let bytes = BASE64.decode(text).ok()?;
        let sum = bytes
            .iter()
            .fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
        whole = after_zeros(polynomial, whole, length) ^ sum;
    }
    Some(text_of(algorithm, whole))
}

/// A CRC after `length` bytes of zeros: the operator of one zero bit, squared and multiplied.
fn after_zeros(polynomial: u64, sum: u64, length: u64) -> u64 {
    let bits = 64 - polynomial.leading_zeros() as usize;
    let mut operator = [0u64; 64];
    operator[0] = polynomial;
    for (at, row) in operator.iter_mut().enumerate().take(bits).skip(1) {
        *row = 1 << (at - 1);
    }
    // From one bit to one byte.
    for _ in 0..3 {
        operator = squared(&operator, bits);
    }
    let (mut left, mut sum) = (length, sum);
    while left > 0 {
        if left & 1 == 1 {
            sum = times(&operator, sum);
        }
        operator = squared(&operator, bits);
        left >>= 1;
    }
    sum
}

fn times(operator: &[u64; 64], mut vector: u64) -> u64 {
    let mut sum = 0;
    for row in operator {
        if vector == 0 {
            break;
        }
        if vector & 1 == 1 {
            sum ^= row;
        }
        vector >>= 1;
    }
    sum
}

fn squared(operator: &[u64; 64], bits: usize) -> [u64; 64] {
    let mut out = [0; 64];
    for (row, of) in out.iter_mut().zip(operator).take(bits) {
        *row = times(operator, *of);
    }
    out
}

/// Tables for eight bytes at a time.
const fn crc64_tables() -> [[u64; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut at = 0;
    while at < 256 {
        let mut sum = at as u64;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 {
                (sum >> 1) ^ CRC64NVME
            } else {
                sum >> 1
            };
            bit += 1;
        }
        tables[0][at] = sum;
        at += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut at = 0;
        while at < 256 {
            let before = tables[table - 1][at];
            tables[table][at] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            at += 1;
        }
        table += 1;
    }
    tables
}

static CRC64: [[u64; 256]; 8] = crc64_tables();

fn crc64nvme(sum: u64, bytes: &[u8]) -> u64 {
    let mut sum = !sum;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let mixed = (sum ^ u64::from_le_bytes(*word)).to_le_bytes();
        sum = 0;
        for (table, byte) in CRC64.iter().rev().zip(mixed) {
            sum ^= table[usize::from(byte)];
        }
    }
    for &byte in rest {
        sum = CRC64[0][usize::from(sum.to_le_bytes()[0] ^ byte)] ^ (sum >> 8);
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_their_standards_however_they_are_cut() {
        let standard: [(Algorithm, Vec<u8>); 3] = [
            (Algorithm::Crc32, 0xcbf4_3926_u32.to_be_bytes().to_vec()),
            (Algorithm::Crc32C, 0xe306_9283_u32.to_be_bytes().to_vec()),
            (
                Algorithm::Crc64Nvme,
                0xae8b_1486_0a79_9888_u64.to_be_bytes().to_vec(),
            ),
        ];
        for (algorithm, sum) in standard {
            assert_eq!(algorithm.of(b"123456789"), BASE64.encode(sum));
        }
        let body: Vec<u8> = (0..1000u16).map(|at| at.to_le_bytes()[0]).collect();
        for algorithm in Algorithm::ALL {
            let mut running = Running::new(algorithm);
            for part in body.chunks(77) {
                running = Running::restore(algorithm, &running.store());
                running.add(part);
            }
            assert_eq!(running.end(), algorithm.of(&body), "{algorithm:?}");
        }
    }

    #[test]
    fn the_crc_of_the_whole_follows_from_those_of_the_parts() {
        let body: Vec<u8> = (0..5000u16).map(|at| (at % 251).to_le_bytes()[0]).collect();
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32C, Algorithm::Crc64Nvme] {
            let parts: Vec<(String, u64)> = body
                .chunks(1234)
                .map(|part| (algorithm.of(part), part.len() as u64))
                .collect();
            let whole = joined(
                algorithm,
                parts.iter().map(|(text, length)| (text.as_str(), *length)),
            );
            assert_eq!(whole, Some(algorithm.of(&body)), "{algorithm:?}");
        }
        assert_eq!(joined(Algorithm::Sha256, [].into_iter()), None);
    }
}
