//! RSA: PSS, PKCS#1 v1.5 and OAEP.

use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _};
use rsa::traits::PublicKeyParts as _;
use rsa::{Error, PrivateKey};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use super::algorithms::Hash;
use super::{Draw, Failure, Family, Oaep, Secret, Signable, Signing};

pub(super) struct Modulus(PrivateKey);

/// A pair with the exponent 65,537.
pub(super) fn generate(bits: usize, draw: &mut Draw) -> Modulus {
    Modulus(PrivateKey::new(draw, bits).expect("a modulus of at least 2,048 bits is found"))
}

pub(super) fn from_pkcs8(bits: usize, der: &[u8]) -> Option<Modulus> {
    let key = PrivateKey::from_pkcs8_der(der).ok()?;
    let fits = key.n().bit_width() as usize == bits && key.validate().is_ok();
    fits.then_some(Modulus(key))
}

fn digest(message: &Signable) -> Result<&[u8], Failure> {
    match message {
        Signable::Digest(digest) => Ok(digest),
        Signable::Whole(_) | Signable::Mu(_) => Err(Failure::Unfit),
    }
}

fn invalid<T>(result: Result<T, Error>) -> Result<T, Failure> {
    result.map_err(|_| Failure::Invalid)
}

impl Family for Modulus {
    fn pkcs8(&self) -> Option<Secret> {
        Some(Secret::new(self.0.to_pkcs8_der().ok()?.as_bytes().to_vec()))
    }

    fn public_key(&self) -> Option<Vec<u8>> {
        Some(self.0.as_public_key().to_public_key_der().ok()?.into_vec())
    }

    fn sign(
        &self,
        algorithm: Signing,
        message: &Signable,
        draw: &mut Draw,
    ) -> Result<Vec<u8>, Failure> {
        let (key, digest) = (&self.0, digest(message)?);
        invalid(match algorithm {
            Signing::Pss(Hash::Sha256) => key.pss_sign_prehash_with_rng::<Sha256, _>(draw, digest),
            Signing::Pss(Hash::Sha384) => key.pss_sign_prehash_with_rng::<Sha384, _>(draw, digest),
            Signing::Pss(Hash::Sha512) => key.pss_sign_prehash_with_rng::<Sha512, _>(draw, digest),
            Signing::Pkcs1(Hash::Sha256) => {
                key.pkcs1v15_sign_prehash_with_rng::<Sha256, _>(draw, digest)
            }
            Signing::Pkcs1(Hash::Sha384) => {
                key.pkcs1v15_sign_prehash_with_rng::<Sha384, _>(draw, digest)
            }
            Signing::Pkcs1(Hash::Sha512) => {
                key.pkcs1v15_sign_prehash_with_rng::<Sha512, _>(draw, digest)
            }
            _ => return Err(Failure::Unfit),
        })
    }

    fn verify(
        &self,
        algorithm: Signing,
        message: &Signable,
        signature: &[u8],
    ) -> Result<(), Failure> {
        let (key, digest) = (self.0.as_public_key(), digest(message)?);
        invalid(match algorithm {
            Signing::Pss(Hash::Sha256) => key.pss_verify_prehash::<Sha256>(digest, signature),
            Signing::Pss(Hash::Sha384) => key.pss_verify_prehash::<Sha384>(digest, signature),
            Signing::Pss(Hash::Sha512) => key.pss_verify_prehash::<Sha512>(digest, signature),
            Signing::Pkcs1(Hash::Sha256) => {
                key.pkcs1v15_verify_prehash::<Sha256>(digest, signature)
            }
            Signing::Pkcs1(Hash::Sha384) => {
                key.pkcs1v15_verify_prehash::<Sha384>(digest, signature)
            }
            Signing::Pkcs1(Hash::Sha512) => {
                key.pkcs1v15_verify_prehash::<Sha512>(digest, signature)
            }
            _ => return Err(Failure::Unfit),
        })
    }

    fn encrypt(
        &self,
        algorithm: Oaep,
        plaintext: &[u8],
        draw: &mut Draw,
    ) -> Result<Vec<u8>, Failure> {
        let key = self.0.as_public_key();
        invalid(match algorithm {
            Oaep::Sha1 => key.oaep_encrypt_with_rng::<Sha1, _>(draw, plaintext),
            Oaep::Sha256 => key.oaep_encrypt_with_rng::<Sha256, _>(draw, plaintext),
        })
    }

    fn decrypt(
        &self,
        algorithm: Oaep,
        ciphertext: &[u8],
        draw: &mut Draw,
    ) -> Result<Secret, Failure> {
        let plaintext = match algorithm {
            Oaep::Sha1 => self.0.oaep_decrypt_with_rng::<Sha1, _>(draw, ciphertext),
            Oaep::Sha256 => self.0.oaep_decrypt_with_rng::<Sha256, _>(draw, ciphertext),
        };
        invalid(plaintext).map(Secret::new)
    }
}
