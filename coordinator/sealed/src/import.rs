//! Key material on its way into KMS, as its owner wraps it (K-131).
//!
//! ```text
//!   kms.GetParametersForImport -> public key, token
//!   wrap(public key, material)                        here, where KMS cannot look
//!   kms.ImportKeyMaterial(token, wrapped material)
//! ```
//!
//! Two ways, each with SHA-1 or SHA-256: RSA-OAEP around the material itself, or around a one-off
//! AES key that wraps the material (RFC 5649), which is how a long private key gets in.

use std::convert::Infallible;

use aes_kw::{KeyInit as _, KwpAes256};
use rsa::pkcs8::DecodePublicKey as _;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::{Oaep, PublicKey};
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::entropy::Entropy;

/// A `WrappingAlgorithm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrapping {
    sha_256: bool,
    with_aes: bool,
}

/// Why material was not wrapped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrapError {
    /// None of [`Wrapping::NAMES`].
    #[error("there is no wrapping algorithm {0}; there are {names}", names = Wrapping::NAMES.join(", "))]
    UnknownAlgorithm(String),
    /// Not SubjectPublicKeyInfo DER of an RSA key.
    #[error("the public key is none that GetParametersForImport gives")]
    NoPublicKey,
    /// RSA-OAEP takes less than a modulus; or there is nothing to wrap.
    #[error("{algorithm} cannot wrap {length} bytes under this public key")]
    WrongLength {
        /// How it was to be wrapped.
        algorithm: &'static str,
        /// Bytes of the material.
        length: usize,
    },
}

impl WrapError {
    /// The code that a scenario names.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownAlgorithm(_) => "UnknownAlgorithm",
            Self::NoPublicKey => "NoPublicKey",
            Self::WrongLength { .. } => "WrongLength",
        }
    }
}

impl Wrapping {
    /// All there are, in AWS's words.
    pub const NAMES: &'static [&'static str] = &[
        "RSAES_OAEP_SHA_1",
        "RSAES_OAEP_SHA_256",
        "RSA_AES_KEY_WRAP_SHA_1",
        "RSA_AES_KEY_WRAP_SHA_256",
    ];

    /// Reads AWS's words.
    pub fn named(name: &str) -> Result<Self, WrapError> {
        let (sha_256, with_aes) = match name {
            "RSAES_OAEP_SHA_1" => (false, false),
            "RSAES_OAEP_SHA_256" => (true, false),
            "RSA_AES_KEY_WRAP_SHA_1" => (false, true),
            "RSA_AES_KEY_WRAP_SHA_256" => (true, true),
            other => return Err(WrapError::UnknownAlgorithm(other.to_owned())),
        };
        Ok(Self { sha_256, with_aes })
    }

    fn name(self) -> &'static str {
        match (self.with_aes, self.sha_256) {
            (false, false) => "RSAES_OAEP_SHA_1",
            (false, true) => "RSAES_OAEP_SHA_256",
            (true, false) => "RSA_AES_KEY_WRAP_SHA_1",
            (true, true) => "RSA_AES_KEY_WRAP_SHA_256",
        }
    }

    /// Wraps `material` under `public_key` (SubjectPublicKeyInfo DER): the EncryptedKeyMaterial.
    pub fn wrap(
        self,
        entropy: &mut impl Entropy,
        public_key: &[u8],
        material: &[u8],
    ) -> Result<Vec<u8>, WrapError> {
        let public_key =
            PublicKey::from_public_key_der(public_key).map_err(|_| WrapError::NoPublicKey)?;
        let wrong_length = || WrapError::WrongLength {
            algorithm: self.name(),
            length: material.len(),
        };
        if material.is_empty() {
            return Err(wrong_length());
        }
        if !self.with_aes {
            let sealed = self.oaep(entropy, &public_key, material);
            return sealed.ok_or_else(wrong_length);
        }
        let mut one_off = Zeroizing::new([0; 32]);
        entropy.fill("import.aes-key", one_off.as_mut());
        let mut wrapped = vec![0; material.len().div_ceil(8) * 8 + 8];
        let cipher = KwpAes256::new(&(*one_off).into());
        cipher
            .wrap_key(material, &mut wrapped)
            .map_err(|_| wrong_length())?;
        let key = self.oaep(entropy, &public_key, one_off.as_ref());
        Ok([key.ok_or_else(wrong_length)?, wrapped].concat())
    }

    fn oaep(self, entropy: &mut impl Entropy, key: &PublicKey, message: &[u8]) -> Option<Vec<u8>> {
        let mut chance = Padding(entropy);
        if self.sha_256 {
            key.encrypt(&mut chance, Oaep::<Sha256>::new(), message)
                .ok()
        } else {
            key.encrypt(&mut chance, Oaep::<Sha1>::new(), message).ok()
        }
    }
}

/// The client's chance in the form that the RSA library takes.
struct Padding<'a, E>(&'a mut E);

impl<E: Entropy> Padding<'_, E> {
    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.0.fill("import.padding", &mut out);
        out
    }
}

impl<E: Entropy> TryRng for Padding<'_, E> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.array()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.array()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill("import.padding", out);
        Ok(())
    }
}

impl<E: Entropy> TryCryptoRng for Padding<'_, E> {}

#[cfg(test)]
mod tests {
    use super::*;
    use rsa::PrivateKey;
    use rsa::pkcs8::EncodePublicKey as _;
    use sha2::Digest as _;

    /// Digests of a counter.
    struct Counting(u64);

    impl Entropy for Counting {
        fn fill(&mut self, _: &str, out: &mut [u8]) {
            for chunk in out.chunks_mut(32) {
                self.0 += 1;
                let digest = Sha256::digest(self.0.to_be_bytes());
                chunk.copy_from_slice(&digest[..chunk.len()]);
            }
        }
    }

    fn unwrap(name: &str, key: &PrivateKey, wrapped: &[u8]) -> Vec<u8> {
        let open = |bytes: &[u8]| {
            if name.ends_with("SHA_1") {
                key.decrypt(Oaep::<Sha1>::new(), bytes).unwrap()
            } else {
                key.decrypt(Oaep::<Sha256>::new(), bytes).unwrap()
            }
        };
        if name.starts_with("RSAES") {
            return open(wrapped);
        }
        let (one_off, rest) = wrapped.split_at(256);
        let cipher = KwpAes256::new_from_slice(&open(one_off)).unwrap();
        let mut out = vec![0; rest.len() - 8];
        cipher.unwrap_key(rest, &mut out).unwrap().to_vec()
    }

    #[test]
    fn k_131_what_is_wrapped_opens_with_the_private_key_in_all_four_ways() {
        let private = PrivateKey::new(&mut Padding(&mut Counting(0)), 2048).unwrap();
        let public = private.as_public_key().to_public_key_der().unwrap();
        for name in Wrapping::NAMES {
            let wrapping = Wrapping::named(name).unwrap();
            assert_eq!(wrapping.name(), *name);
            let wrap = |seed: u64, material: &[u8]| {
                wrapping.wrap(&mut Counting(seed), public.as_bytes(), material)
            };
            for material in [&[5; 32][..], b"odd length", &[1]] {
                let wrapped = wrap(9, material).unwrap();
                assert_eq!(unwrap(name, &private, &wrapped), material, "{name}");
                assert_eq!(wrap(9, material).unwrap(), wrapped, "{name} repeats");
                assert_ne!(wrap(8, material).unwrap(), wrapped, "{name} is random");
            }
            // The least that OAEP with SHA-1 under 2,048 bits does not take is 215 bytes.
            let private_key = vec![4; 1_200];
            match wrap(9, &private_key) {
                Ok(wrapped) => assert_eq!(unwrap(name, &private, &wrapped), private_key),
                Err(error) => assert_eq!(
                    (error.code(), name.starts_with("RSAES")),
                    ("WrongLength", true),
                ),
            }
            assert_eq!(wrap(9, &[]).unwrap_err().code(), "WrongLength");
            let error = wrapping.wrap(&mut Counting(9), b"no key", &[5; 32]);
            assert_eq!(error, Err(WrapError::NoPublicKey));
        }
        let unknown = Wrapping::named("RSAES_PKCS1_V1_5").unwrap_err();
        assert!(
            unknown.to_string().contains("RSAES_OAEP_SHA_256"),
            "{unknown}"
        );
    }
}
