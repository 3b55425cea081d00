//! AES-256-GCM, key derivation, and the two families of keys that a Region has of its own.
//!
//! The *root key* seals what the Region must keep secret in its own store: KMS key material,
//! data keys of open calls. A *link key* seals what travels to one peer, so that a captured
//! envelope never shows plaintext. Everything sealed is `nonce (12) || ciphertext || tag (16)`.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroize as _;

use crate::entropy::Entropy;

/// What sealing adds to a plaintext: nonce and tag.
pub const OVERHEAD: usize = 12 + 16;

/// 32 secret bytes: never printed, never stored in the clear, zeroed on drop.
#[derive(Clone)]
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// Takes 32 bytes as a key.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Takes a slice as a key; `None` unless it has 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, for wrapping under another key.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Another key, derived from this one for a purpose.
    #[must_use]
    pub fn derive(&self, purpose: &str, context: &[u8]) -> Self {
        Self(derive(&self.0, purpose, context))
    }

    /// Seals `plaintext`; `aad` is bound and must be given again to open.
    #[must_use]
    pub fn seal(&self, nonce: [u8; 12], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let cipher = Aes256Gcm::new(&self.0.into());
        let sealed = cipher
            .encrypt(
                &Nonce::from(nonce),
                Payload {
                    msg: plaintext,
                    aad,
                },
            )
            .expect("AES-GCM seals anything shorter than 64 GiB");
        let mut out = Vec::with_capacity(12 + sealed.len());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    /// Opens what [`SecretKey::seal`] made; `None` when key, `aad` or bytes differ.
    #[must_use]
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_first_chunk::<12>()?;
        let cipher = Aes256Gcm::new(&self.0.into());
        cipher
            .decrypt(&Nonce::from(*nonce), Payload { msg: rest, aad })
            .ok()
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey")
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// HMAC-SHA-256 as a key derivation: purpose and context are length-separated.
#[must_use]
pub fn derive(secret: &[u8], purpose: &str, context: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(secret)
        .expect("HMAC takes a key of any length");
    mac.update(&(purpose.len() as u64).to_be_bytes());
    mac.update(purpose.as_bytes());
    mac.update(context);
    mac.finalize().into_bytes().into()
}

/// The keys of one Region.
#[derive(Debug, Clone)]
pub struct Vault {
    root: SecretKey,
    partition: SecretKey,
}

impl Vault {
    /// From the Region's seed and the secret that all Regions of a run share.
    #[must_use]
    pub fn new(seed: &[u8], partition_secret: &[u8]) -> Self {
        Self {
            root: SecretKey::new(derive(seed, "region root key", b"")),
            partition: SecretKey::new(derive(partition_secret, "partition", b"")),
        }
    }

    /// Seals for this Region's own store.
    #[must_use]
    pub fn seal_local(
        &self,
        entropy: &mut Entropy,
        purpose: &str,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Vec<u8> {
        self.root
            .derive(purpose, b"")
            .seal(entropy.bytes("vault.local-nonce"), aad, plaintext)
    }

    /// Opens what [`Vault::seal_local`] made for the same purpose and `aad`.
    #[must_use]
    pub fn open_local(&self, purpose: &str, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        self.root.derive(purpose, b"").open(aad, sealed)
    }

    /// The key of the link `from` -> `to`; both ends derive the same.
    #[must_use]
    pub fn link(&self, from: &str, to: &str) -> SecretKey {
        self.partition
            .derive("link", format!("{from}>{to}").as_bytes())
    }

    /// A digest of a secret by which every Region knows it again, and nobody else can.
    #[must_use]
    pub fn fingerprint(&self, purpose: &str, secret: &[u8]) -> [u8; 32] {
        let key = self.partition.derive(purpose, b"");
        derive(key.expose(), purpose, secret)
    }

    /// The key under which session tokens are sealed; every Region holds it.
    #[must_use]
    pub fn session_tokens(&self) -> SecretKey {
        self.partition.derive("session tokens", b"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealing_binds_key_and_context() {
        let key = SecretKey::new([3; 32]);
        let sealed = key.seal([1; 12], b"context", b"secret");
        assert_eq!(
            key.open(b"context", &sealed).as_deref(),
            Some(b"secret".as_slice())
        );
        assert_eq!(key.open(b"other", &sealed), None);
        assert_eq!(SecretKey::new([4; 32]).open(b"context", &sealed), None);
        assert_eq!(key.open(b"context", &sealed[..20]), None);
    }

    #[test]
    fn secrets_print_their_type_only() {
        assert_eq!(format!("{:?}", SecretKey::new([3; 32])), "SecretKey");
    }
}
