//! A stream of random bytes for the libraries that ask for a generator.
//!
//! It begins at 32 bytes that the Region draws by purpose, so the same step makes the same key
//! pair and the same signature, however many bytes the library takes.

use std::convert::Infallible;

use hmac::{Hmac, Mac as _};
use rsa::rand_core::{TryCryptoRng, TryRng};
use sha2::Sha256;

use crate::entropy::Entropy;

/// HMAC-SHA-256 of a counter, under a seed.
pub(crate) struct Draw {
    keyed: Hmac<Sha256>,
    block: u64,
    left: Vec<u8>,
}

impl Draw {
    /// A stream of its own for `purpose`.
    pub(crate) fn new(entropy: &mut Entropy, purpose: &'static str) -> Self {
        Self::seeded(&entropy.bytes::<32>(purpose))
    }

    /// A stream that begins at `seed`.
    pub(crate) fn seeded(seed: &[u8; 32]) -> Self {
        Self {
            keyed: <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(seed)
                .expect("HMAC takes a key of any length"),
            block: 0,
            left: Vec::new(),
        }
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    /// Fills `out`.
    pub(crate) fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            if self.left.is_empty() {
                let mut mac = self.keyed.clone();
                mac.update(&self.block.to_be_bytes());
                self.block += 1;
                self.left = mac.finalize().into_bytes().to_vec();
            }
            *byte = self.left.pop().unwrap_or_default();
        }
    }
}

impl TryRng for Draw {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.array()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.array()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.fill(out);
        Ok(())
    }
}

impl TryCryptoRng for Draw {}

impl std::fmt::Debug for Draw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Draw")
    }
}
