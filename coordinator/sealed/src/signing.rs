//! The signature of an item: ECDSA over P-384, in DER, of one fixed length.
//!
//! The key pair lives for one item; its public half travels in the encryption context
//! as `aws-crypto-public-key` (CSE-021). The SDK reads exactly 103 bytes of signature
//! (CSE-020), while DER signatures of this curve vary in length, so the signer picks
//! among equally valid ones: `s` and `order - s` verify alike and differ in their
//! highest bit.

use std::convert::Infallible;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p384::SecretKey;
use p384::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier, RandomizedPrehashSigner};
use p384::ecdsa::{Signature, SigningKey, VerifyingKey};
use p384::elliptic_curve::rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha384};
use zeroize::Zeroizing;

use crate::entropy::Entropy;

/// Length of a signature in the footer.
pub const SIGNATURE: usize = 103;

/// Signs one item.
pub struct Signer(SigningKey);

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// Makes a key pair.
    #[must_use]
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 48]);
        loop {
            entropy.fill("sealed.signing-key", bytes.as_mut());
            // Zero and the few values beyond the curve's order are no keys: draw again.
            if let Ok(key) = SecretKey::from_slice(bytes.as_ref()) {
                return Self(SigningKey::from(key));
            }
        }
    }

    /// The public key as the encryption context holds it: base64 of the compressed point.
    #[must_use]
    pub fn public_key(&self) -> String {
        STANDARD.encode(self.0.verifying_key().to_sec1_point(true).as_bytes())
    }

    /// Signs the canonical hash of an item: 103 bytes of DER, the same for the same input.
    #[must_use]
    pub fn sign(&self, canonical_hash: &[u8]) -> Vec<u8> {
        let digest = Sha384::digest(canonical_hash);
        let mut signature: Signature = self
            .0
            .sign_prehash(&digest)
            .expect("a SHA-384 digest is long enough for P-384");
        let mut retries = Retries(0);
        loop {
            for candidate in [signature, mirrored(&signature)] {
                let der = candidate.to_der();
                if der.as_bytes().len() == SIGNATURE {
                    return der.as_bytes().to_vec();
                }
            }
            // r began with a zero byte: another nonce, still a function of key and digest.
            signature = self
                .0
                .sign_prehash_with_rng(&mut retries, &digest)
                .expect("a SHA-384 digest is long enough for P-384");
        }
    }
}

/// The other signature with the same `r`: `order - s` in place of `s`.
fn mirrored(signature: &Signature) -> Signature {
    let (r, s) = signature.split_scalars();
    Signature::from_scalars(*r, -*s).expect("the negative of a number that is not zero is not zero")
}

/// Whether `signature` was made over `canonical_hash` by the key in the context.
#[must_use]
pub fn verify(public_key: &str, canonical_hash: &[u8], signature: &[u8]) -> bool {
    let checked = || {
        let point = STANDARD.decode(public_key).ok()?;
        let key = VerifyingKey::from_sec1_bytes(&point).ok()?;
        let signature = Signature::from_der(signature).ok()?;
        key.verify_prehash(&Sha384::digest(canonical_hash), &signature)
            .ok()
    };
    checked().is_some()
}

/// Distinct additional data for RFC 6979, one value per retry; not a source of secrets.
struct Retries(u64);

impl TryRng for Retries {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0 += 1;
        Ok(u32::try_from(self.0 & 0xffff_ffff).unwrap_or_default())
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 += 1;
        Ok(self.0)
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0 += 1;
        out.fill(0);
        for (to, from) in out.iter_mut().zip(self.0.to_be_bytes()) {
            *to = from;
        }
        Ok(())
    }
}

impl TryCryptoRng for Retries {}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(u8);
    impl Entropy for Counting {
        fn fill(&mut self, _purpose: &str, out: &mut [u8]) {
            self.0 += 1;
            out.fill(self.0);
        }
    }

    #[test]
    fn cse_020_every_signature_has_103_bytes_and_verifies() {
        let signer = Signer::generate(&mut Counting(0));
        for number in 0_u32..600 {
            let hash = Sha384::digest(number.to_be_bytes());
            let signature = signer.sign(&hash);
            assert_eq!(signature.len(), SIGNATURE);
            assert_eq!(signature[..2], [0x30, 0x65]);
            assert!(verify(&signer.public_key(), &hash, &signature));
        }
    }

    #[test]
    fn a_signature_is_deterministic_and_bound_to_its_hash() {
        let signer = Signer::generate(&mut Counting(0));
        let signature = signer.sign(b"hash");
        assert_eq!(signature, signer.sign(b"hash"));
        assert!(!verify(&signer.public_key(), b"other", &signature));
        assert!(!verify("bm8ga2V5", b"hash", &signature));
        assert!(!verify(
            &Signer::generate(&mut Counting(7)).public_key(),
            b"hash",
            &signature
        ));
        assert_eq!(format!("{signer:?}"), "Signer");
    }

    #[test]
    fn values_that_are_no_keys_are_drawn_again() {
        struct FirstZero(bool);
        impl Entropy for FirstZero {
            fn fill(&mut self, _purpose: &str, out: &mut [u8]) {
                out.fill(u8::from(self.0));
                self.0 = true;
            }
        }
        assert_eq!(
            Signer::generate(&mut FirstZero(false)).public_key().len(),
            68
        );
    }
}
