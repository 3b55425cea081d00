//! The key of an object's chunks, and how it is kept between steps.

use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::vault::SecretKey;

/// What seals the chunks of an object: one layer, or the two of DSSE-KMS (SSE-057).
#[derive(Debug)]
pub struct ObjectKey {
    outer: SecretKey,
    inner: Option<SecretKey>,
}

impl From<SecretKey> for ObjectKey {
    fn from(outer: SecretKey) -> Self {
        Self { outer, inner: None }
    }
}

impl ObjectKey {
    /// Two independent layers.
    #[must_use]
    pub fn two(outer: SecretKey, inner: SecretKey) -> Self {
        Self {
            outer,
            inner: Some(inner),
        }
    }

    /// The outer layer, which KMS or S3 wraps.
    #[must_use]
    pub fn outer(&self) -> &SecretKey {
        &self.outer
    }

    /// Seals a chunk.
    #[must_use]
    pub fn seal(&self, ctx: &mut Ctx<'_>, aad: &[u8], bytes: &[u8]) -> Vec<u8> {
        let nonce = ctx.entropy().bytes("s3.chunk-nonce");
        match &self.inner {
            None => self.outer.seal(nonce, aad, bytes),
            Some(inner) => {
                let first = ctx.entropy().bytes("s3.inner-nonce");
                self.outer.seal(nonce, aad, &inner.seal(first, aad, bytes))
            }
        }
    }

    /// Opens a chunk; `None` when it is not what was sealed.
    #[must_use]
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let opened = self.outer.open(aad, sealed)?;
        match &self.inner {
            None => Some(opened),
            Some(inner) => inner.open(aad, &opened),
        }
    }

    /// Keeps the key for a later step: sealed under the Region's root key.
    #[must_use]
    pub fn keep(&self, ctx: &mut Ctx<'_>, purpose: &str, aad: &[u8]) -> Vec<u8> {
        let mut bytes = zeroize::Zeroizing::new(self.outer.expose().to_vec());
        if let Some(inner) = &self.inner {
            bytes.extend_from_slice(inner.expose());
        }
        ctx.seal_local(purpose, aad, &bytes)
    }

    /// The key that [`ObjectKey::keep`] kept.
    ///
    /// # Errors
    /// An internal refusal when the bytes are not ours.
    pub fn kept(ctx: &Ctx<'_>, purpose: &str, aad: &[u8], sealed: &[u8]) -> Result<Self, Refusal> {
        let opened = zeroize::Zeroizing::new(ctx.open_local(purpose, aad, sealed)?);
        let whole = || Refusal::internal("a data key has 32 bytes");
        let (outer, inner) = opened.split_at_checked(32).ok_or_else(whole)?;
        Ok(Self {
            outer: SecretKey::from_slice(outer).ok_or_else(whole)?,
            inner: SecretKey::from_slice(inner),
        })
    }
}
