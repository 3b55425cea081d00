//! Randomness by purpose.
//!
//! A Region has no random source. Every random byte is HMAC-SHA-256 of what it is for:
//! seed, epoch, step, purpose and how often that purpose was asked in this step. So one more
//! draw shifts nothing else, and since a step number is never used twice (also not after a
//! crash before the commit), no (key, nonce) pair ever recurs.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// The draws of one step.
#[derive(Clone)]
pub struct Entropy {
    keyed: Hmac<Sha256>,
    step: u64,
    draws: Vec<(&'static str, u64)>,
}

impl Entropy {
    /// Randomness of `step`, from a 32-byte seed and the epoch of the store.
    #[must_use]
    pub fn new(root: &EntropyRoot, step: u64) -> Self {
        Self {
            keyed: root.0.clone(),
            step,
            draws: Vec::new(),
        }
    }

    /// Fills `out` with bytes for `purpose`, for example `kms.key-id`.
    pub fn fill(&mut self, purpose: &'static str, out: &mut [u8]) {
        let draw = match self.draws.iter_mut().find(|(known, _)| *known == purpose) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                self.draws.push((purpose, 0));
                0
            }
        };
        for (block, chunk) in out.chunks_mut(32).enumerate() {
            let mut mac = self.keyed.clone();
            mac.update(&self.step.to_be_bytes());
            mac.update(&draw.to_be_bytes());
            mac.update(&(block as u64).to_be_bytes());
            mac.update(purpose.as_bytes());
            chunk.copy_from_slice(&mac.finalize().into_bytes()[..chunk.len()]);
        }
    }

    /// `N` bytes for `purpose`.
    pub fn bytes<const N: usize>(&mut self, purpose: &'static str) -> [u8; N] {
        let mut out = [0; N];
        self.fill(purpose, &mut out);
        out
    }

    /// Lower-case hex text of `N` bytes for `purpose`.
    pub fn hex<const N: usize>(&mut self, purpose: &'static str) -> String {
        hex::encode(self.bytes::<N>(purpose))
    }

    /// A lower-case UUID for `purpose`, 8-4-4-4-12 (K-017).
    pub fn uuid(&mut self, purpose: &'static str) -> String {
        let mut raw = self.bytes::<16>(purpose);
        raw[6] = (raw[6] & 0x0f) | 0x40;
        raw[8] = (raw[8] & 0x3f) | 0x80;
        uuid_text(&raw)
    }

    /// A number below `bound` for `purpose`; 0 when `bound` is 0.
    pub fn below(&mut self, purpose: &'static str, bound: u64) -> u64 {
        let raw = u64::from_be_bytes(self.bytes(purpose));
        u64::try_from((u128::from(raw) * u128::from(bound)) >> 64)
            .expect("a product shifted by 64 bits fits")
    }
}

/// These bytes as a UUID, 8-4-4-4-12 lower-case hex digits.
#[must_use]
pub fn uuid_text(raw: &[u8; 16]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(36);
    for (at, byte) in raw.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Seed and epoch, absorbed once per process.
#[derive(Clone)]
pub struct EntropyRoot(Hmac<Sha256>);

impl EntropyRoot {
    /// From a seed of any length (32 bytes as a rule) and the store's epoch.
    #[must_use]
    pub fn new(seed: &[u8], epoch: u64) -> Self {
        let root = crate::vault::derive(seed, "entropy", &epoch.to_be_bytes());
        Self(
            <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&root)
                .expect("HMAC takes a key of any length"),
        )
    }
}

impl std::fmt::Debug for EntropyRoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EntropyRoot")
    }
}

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_draw_of_another_purpose_shifts_nothing() {
        let root = EntropyRoot::new(&[7; 32], 0);
        let mut plain = Entropy::new(&root, 9);
        let mut busy = Entropy::new(&root, 9);
        busy.bytes::<16>("other");
        assert_eq!(plain.bytes::<40>("key"), busy.bytes::<40>("key"));
        assert_ne!(plain.bytes::<16>("key"), busy.bytes::<16>("other"));
    }

    #[test]
    fn step_and_epoch_separate_draws() {
        let root = EntropyRoot::new(&[7; 32], 0);
        let restored = EntropyRoot::new(&[7; 32], 1);
        let first = Entropy::new(&root, 1).bytes::<16>("nonce");
        assert_ne!(first, Entropy::new(&root, 2).bytes::<16>("nonce"));
        assert_ne!(first, Entropy::new(&restored, 1).bytes::<16>("nonce"));
    }

    #[test]
    fn key_ids_are_uuids_k_017() {
        let id = Entropy::new(&EntropyRoot::new(&[1; 32], 0), 1).uuid("kms.key-id");
        assert_eq!(id.len(), 36);
        assert_eq!(
            id.split('-').map(str::len).collect::<Vec<_>>(),
            [8, 4, 4, 4, 12]
        );
    }
}
