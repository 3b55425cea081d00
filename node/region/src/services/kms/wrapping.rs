//! How material is wrapped for its way into KMS (K-131), and what an import token holds.

use aes_kw::KeyInit as _;
use aes_kw::KwpAes256;
use faultline_proto::names::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::asymmetric::{Draw, KeyPair, Oaep, PairSpec};
use super::error::KmsError;
use super::identifiers::KeyId;
use super::specs::KeySpec;
use crate::entropy::Entropy;

/// A wrapping key's size and what is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wrapping {
    /// Bits of the RSA modulus.
    bits: u16,
    /// Whether OAEP uses SHA-256; else SHA-1.
    sha_256: bool,
    /// Whether RSA wraps a one-off AES key that wraps the material (RFC 5649); else RSA wraps
    /// the material itself.
    with_aes: bool,
}

impl Wrapping {
    /// Reads a request's words for a key of `spec`; what AWS does not take is refused by name.
    pub(crate) fn read(algorithm: &str, key: &str, spec: KeySpec) -> Result<Self, KmsError> {
        let unsupported = |text: String| Err(KmsError::Unsupported(text));
        let bits = match key {
            "RSA_2048" => 2048,
            "RSA_3072" => 3072,
            "RSA_4096" => 4096,
            other => {
                return unsupported(format!(
                    "WrappingKeySpec {other} is not supported in this Region."
                ));
            }
        };
        let (sha_256, with_aes) = match algorithm {
            "RSAES_OAEP_SHA_1" => (false, false),
            "RSAES_OAEP_SHA_256" => (true, false),
            "RSA_AES_KEY_WRAP_SHA_1" => (false, true),
            "RSA_AES_KEY_WRAP_SHA_256" => (true, true),
            other => return unsupported(format!("WrappingAlgorithm {other} is not supported.")),
        };
        let is_rsa = matches!(spec, KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096);
        let too_long = is_rsa || (spec == KeySpec::P521 && bits == 2048);
        if too_long && !with_aes {
            return unsupported(format!(
                "WrappingAlgorithm {algorithm} with WrappingKeySpec {key} cannot wrap the key material of a {} key.",
                spec.text()
            ));
        }
        Ok(Self {
            bits,
            sha_256,
            with_aes,
        })
    }

    fn pair(self) -> PairSpec {
        match self.bits {
            2048 => PairSpec::Rsa2048,
            3072 => PairSpec::Rsa3072,
            _ => PairSpec::Rsa4096,
        }
    }

    fn oaep(self) -> Oaep {
        if self.sha_256 {
            Oaep::Sha256
        } else {
            Oaep::Sha1
        }
    }
}

/// What an import token says; sealed, KMS gives it away and keeps nothing.
#[derive(Serialize, Deserialize)]
pub(crate) struct Token {
    /// Owner of the key that it is for.
    pub account: AccountId,
    /// The key that it is for.
    pub key: KeyId,
    /// How the material will be wrapped.
    pub wrapping: Wrapping,
    /// The private half of the wrapping key, PKCS#8 DER.
    pub private_key: Vec<u8>,
    /// End of its 24 hours, by this Region's clock.
    pub valid_to: Timestamp,
}

impl Drop for Token {
    fn drop(&mut self) {
        self.private_key.zeroize();
    }
}

/// A fresh wrapping key: public half as SubjectPublicKeyInfo DER, private half as PKCS#8 DER.
pub(crate) fn make_pair(
    entropy: &mut Entropy,
    wrapping: Wrapping,
) -> (Vec<u8>, Zeroizing<Vec<u8>>) {
    let mut draw = Draw::new(entropy, "kms.wrapping-key");
    let pair = KeyPair::generate(wrapping.pair(), &mut draw);
    (pair.public_key(), pair.pkcs8())
}

/// Takes wrapped material out; `None` when it does not open.
pub(crate) fn unwrap(
    entropy: &mut Entropy,
    token: &Token,
    wrapped: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let pair = KeyPair::from_pkcs8(token.wrapping.pair(), &token.private_key)?;
    let mut draw = Draw::new(entropy, "kms.unwrapping");
    let oaep = token.wrapping.oaep();
    if !token.wrapping.with_aes {
        return pair.decrypt(oaep, wrapped, &mut draw).ok();
    }
    let (key, rest) = wrapped.split_at_checked(usize::from(token.wrapping.bits / 8))?;
    let key = pair.decrypt(oaep, key, &mut draw).ok()?;
    let cipher = KwpAes256::new_from_slice(&key).ok()?;
    let mut out = Zeroizing::new(vec![0; rest.len().checked_sub(8)?]);
    let length = cipher.unwrap_key(rest, &mut out).ok()?.len();
    out.truncate(length);
    Some(out)
}

/// Whether `bytes` are material of a key of this spec: 32 bytes (K-133), an HMAC key as long as
/// its digest, or a private key as PKCS#8 DER.
pub(crate) fn fits(spec: KeySpec, bytes: &[u8]) -> bool {
    match spec {
        KeySpec::SymmetricDefault => bytes.len() == 32,
        KeySpec::Hmac224 => bytes.len() == 28,
        KeySpec::Hmac256 => bytes.len() == 32,
        KeySpec::Hmac384 => bytes.len() == 48,
        KeySpec::Hmac512 => bytes.len() == 64,
        pair => PairSpec::named(pair.text())
            .is_some_and(|spec| KeyPair::from_pkcs8(spec, bytes).is_some()),
    }
}
