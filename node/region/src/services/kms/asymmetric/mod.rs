//! Key pairs: made, kept, signed with, encrypted with, agreed with. No rule of KMS is here.
//!
//! [`algorithms`] has the names and what fits what, [`draw`] the random bytes; the other files
//! are one family of key pairs each, over the crates of RustCrypto and dalek. A private key is
//! kept as PKCS#8 DER and a public key is told as SubjectPublicKeyInfo DER (K-087), as AWS does;
//! ML-DSA and ML-KEM private keys are kept in seed format.
//!
//! Left out: SM2, which AWS has in China Regions only.

mod algorithms;
mod curves;
mod draw;
mod edwards;
mod lattices;
mod moduli;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use zeroize::Zeroizing;

pub(crate) use algorithms::{BadMessage, Oaep, PairSpec, Signable, Signing};
pub(crate) use draw::Draw;

/// Secret bytes, zeroed on drop.
pub(crate) type Secret = Zeroizing<Vec<u8>>;

/// Why an operation on a key pair gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The family of the key pair does not have the operation; callers check that before.
    Unfit,
    /// The bytes given are not what the operation takes.
    Invalid,
}

/// What a family of key pairs can do; what it does not say it cannot.
trait Family: Send + Sync {
    fn pkcs8(&self) -> Option<Secret>;
    fn public_key(&self) -> Option<Vec<u8>>;

    fn sign(&self, _: Signing, _: &Signable, _: &mut Draw) -> Result<Vec<u8>, Failure> {
        Err(Failure::Unfit)
    }
    fn verify(&self, _: Signing, _: &Signable, _signature: &[u8]) -> Result<(), Failure> {
        Err(Failure::Unfit)
    }
    fn encrypt(&self, _: Oaep, _plaintext: &[u8], _: &mut Draw) -> Result<Vec<u8>, Failure> {
        Err(Failure::Unfit)
    }
    fn decrypt(&self, _: Oaep, _ciphertext: &[u8], _: &mut Draw) -> Result<Secret, Failure> {
        Err(Failure::Unfit)
    }
    fn agree(&self, _peer: &[u8]) -> Result<Secret, Failure> {
        Err(Failure::Unfit)
    }
    fn encapsulate(&self, _: &mut Draw) -> Result<(Secret, Vec<u8>), Failure> {
        Err(Failure::Unfit)
    }
    fn decapsulate(&self, _ciphertext: &[u8]) -> Result<Secret, Failure> {
        Err(Failure::Unfit)
    }
}

/// A private key with its public key. Clones share it.
#[derive(Clone)]
pub(crate) struct KeyPair {
    spec: PairSpec,
    family: Arc<dyn Family>,
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyPair({})", self.spec.text())
    }
}

impl KeyPair {
    /// A fresh pair. RSA takes from a tenth of a second to seconds.
    pub(crate) fn generate(spec: PairSpec, draw: &mut Draw) -> Self {
        let family: Arc<dyn Family> = match spec {
            PairSpec::Rsa2048 | PairSpec::Rsa3072 | PairSpec::Rsa4096 => {
                Arc::new(moduli::generate(spec.modulus().unwrap_or_default(), draw))
            }
            PairSpec::NistP256 => Arc::new(curves::P256::generate(draw)),
            PairSpec::NistP384 => Arc::new(curves::P384::generate(draw)),
            PairSpec::NistP521 => Arc::new(curves::P521::generate(draw)),
            PairSpec::SecgP256k1 => Arc::new(curves::K256::generate(draw)),
            PairSpec::Edwards25519 => Arc::new(edwards::generate(draw)),
            PairSpec::MlDsa44 => Arc::new(lattices::Dsa44::generate(draw)),
            PairSpec::MlDsa65 => Arc::new(lattices::Dsa65::generate(draw)),
            PairSpec::MlDsa87 => Arc::new(lattices::Dsa87::generate(draw)),
            PairSpec::MlKem512 => Arc::new(lattices::Kem512::generate(draw)),
            PairSpec::MlKem768 => Arc::new(lattices::Kem768::generate(draw)),
            PairSpec::MlKem1024 => Arc::new(lattices::Kem1024::generate(draw)),
        };
        Self { spec, family }
    }

    /// The pair whose PKCS#8 DER this is; `None` for anything else, also for another spec.
    pub(crate) fn from_pkcs8(spec: PairSpec, der: &[u8]) -> Option<Self> {
        let family: Arc<dyn Family> = match spec {
            PairSpec::Rsa2048 | PairSpec::Rsa3072 | PairSpec::Rsa4096 => {
                Arc::new(moduli::from_pkcs8(spec.modulus()?, der)?)
            }
            PairSpec::NistP256 => Arc::new(curves::P256::from_pkcs8(der)?),
            PairSpec::NistP384 => Arc::new(curves::P384::from_pkcs8(der)?),
            PairSpec::NistP521 => Arc::new(curves::P521::from_pkcs8(der)?),
            PairSpec::SecgP256k1 => Arc::new(curves::K256::from_pkcs8(der)?),
            PairSpec::Edwards25519 => Arc::new(edwards::from_pkcs8(der)?),
            PairSpec::MlDsa44 => Arc::new(lattices::Dsa44::from_pkcs8(der)?),
            PairSpec::MlDsa65 => Arc::new(lattices::Dsa65::from_pkcs8(der)?),
            PairSpec::MlDsa87 => Arc::new(lattices::Dsa87::from_pkcs8(der)?),
            PairSpec::MlKem512 => Arc::new(lattices::Kem512::from_pkcs8(der)?),
            PairSpec::MlKem768 => Arc::new(lattices::Kem768::from_pkcs8(der)?),
            PairSpec::MlKem1024 => Arc::new(lattices::Kem1024::from_pkcs8(der)?),
        };
        Some(Self { spec, family })
    }

    /// The private key as PKCS#8 DER (RFC 5958).
    pub(crate) fn pkcs8(&self) -> Secret {
        self.family
            .pkcs8()
            .expect("a key pair that was made or read can be written")
    }

    /// The public key as SubjectPublicKeyInfo DER (RFC 5280; K-087).
    pub(crate) fn public_key(&self) -> Vec<u8> {
        self.family
            .public_key()
            .expect("a public key that was made or read can be written")
    }

    /// Signs; equal messages give different signatures, but for Ed25519 and PKCS#1 v1.5.
    pub(crate) fn sign(
        &self,
        algorithm: Signing,
        message: &Signable,
        draw: &mut Draw,
    ) -> Result<Vec<u8>, Failure> {
        self.family.sign(algorithm, message, draw)
    }

    /// `Invalid` when the signature is not of this message and key.
    pub(crate) fn verify(
        &self,
        algorithm: Signing,
        message: &Signable,
        signature: &[u8],
    ) -> Result<(), Failure> {
        self.family.verify(algorithm, message, signature)
    }

    /// Encrypts under the public key; `Invalid` when the plaintext is too long.
    pub(crate) fn encrypt(
        &self,
        algorithm: Oaep,
        plaintext: &[u8],
        draw: &mut Draw,
    ) -> Result<Vec<u8>, Failure> {
        self.family.encrypt(algorithm, plaintext, draw)
    }

    /// Decrypts; `draw` blinds the private operation.
    pub(crate) fn decrypt(
        &self,
        algorithm: Oaep,
        ciphertext: &[u8],
        draw: &mut Draw,
    ) -> Result<Secret, Failure> {
        self.family.decrypt(algorithm, ciphertext, draw)
    }

    /// ECDH with a peer's SubjectPublicKeyInfo DER; `Invalid` unless it is a point of this curve.
    pub(crate) fn agree(&self, peer: &[u8]) -> Result<Secret, Failure> {
        self.family.agree(peer)
    }

    /// A fresh shared secret and its ciphertext, under the public key.
    pub(crate) fn encapsulate(&self, draw: &mut Draw) -> Result<(Secret, Vec<u8>), Failure> {
        self.family.encapsulate(draw)
    }

    /// The shared secret of a ciphertext; a changed ciphertext of the right length gives another
    /// secret, not an error (FIPS 203, implicit rejection).
    pub(crate) fn decapsulate(&self, ciphertext: &[u8]) -> Result<Secret, Failure> {
        self.family.decapsulate(ciphertext)
    }
}
