//! SSE-C: the customer's key, which S3 uses and forgets.
//!
//! Kept is a salt and an HMAC of the key under it (SSE-037); the chunks are sealed under a key
//! that is derived from the customer's with the salt.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac as _};
use md5::{Digest as _, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::error::Error;
use super::keyspaces::EncryptionRow;
use super::object_key::ObjectKey;
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::vault::SecretKey;

/// The SSE-C members of a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Customer<'a> {
    /// `AES256`.
    pub algorithm: Option<&'a str>,
    /// The key in base64.
    pub key: Option<&'a str>,
    /// MD5 of the key in base64.
    pub key_md5: Option<&'a str>,
}

impl Customer<'_> {
    /// Whether any SSE-C member was sent.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.algorithm.is_some() || self.key.is_some() || self.key_md5.is_some()
    }
}

const NO_ALGORITHM: &str = "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.";
const NO_KEY: &str = "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.";
const WRONG_LENGTH: &str = "The secret key was invalid for the specified algorithm.";
const WRONG_MD5: &str =
    "The calculated MD5 hash of the key did not match the hash that was provided.";
const WRONG_KEY: &str = "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.";
const MISSING: &str = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.";

/// The checks of a put with SSE-C, in the order of SSE-038 to SSE-042, and its key.
///
/// # Errors
/// InvalidArgument in the words of each misuse, InvalidEncryptionAlgorithmError.
pub(super) fn begin(
    ctx: &mut Ctx<'_>,
    customer: Customer<'_>,
) -> Result<(EncryptionRow, ObjectKey), Refusal> {
    let argument = |words: &str| Refusal::from(Error::InvalidArgument(words.to_owned()));
    match customer.algorithm {
        None => return Err(argument(NO_ALGORITHM)),
        Some("AES256") => {}
        Some(_) => return Err(Error::InvalidEncryptionAlgorithm.into()),
    }
    let key = customer.key.ok_or_else(|| argument(NO_KEY))?;
    let key = BASE64
        .decode(key)
        .ok()
        .and_then(|key| SecretKey::from_slice(&key))
        .ok_or_else(|| argument(WRONG_LENGTH))?;
    let given = customer.key_md5.ok_or_else(|| argument(WRONG_LENGTH))?;
    let key_md5 = BASE64.encode(Md5::digest(key.expose()));
    if given != key_md5 {
        return Err(argument(WRONG_MD5));
    }
    let salt = ctx.entropy().bytes::<16>("s3.sse-c-salt").to_vec();
    let proof = proof(&salt, &key);
    let data_key = key.derive("s3.sse-c", &salt);
    Ok((
        EncryptionRow::SseC {
            salt,
            proof,
            key_md5,
        },
        data_key.into(),
    ))
}

/// The key of a stored object, when `customer` proves to hold the customer's key.
///
/// # Errors
/// SSE-042, SSE-044, SSE-046.
pub(super) fn open(salt: &[u8], kept: &[u8], customer: Customer<'_>) -> Result<ObjectKey, Refusal> {
    match customer.algorithm {
        None => return Err(Error::InvalidRequest(MISSING).into()),
        Some("AES256") => {}
        Some(_) => return Err(Error::InvalidEncryptionAlgorithm.into()),
    }
    let key = customer.key.ok_or(Error::InvalidRequest(MISSING))?;
    let key = BASE64
        .decode(key)
        .ok()
        .and_then(|key| SecretKey::from_slice(&key))
        .ok_or(Error::AccessDenied(WRONG_KEY))?;
    if customer
        .key_md5
        .is_none_or(|given| given != BASE64.encode(Md5::digest(key.expose())))
    {
        return Err(Error::AccessDenied(WRONG_KEY).into());
    }
    if !bool::from(proof(salt, &key).ct_eq(kept)) {
        return Err(Error::AccessDenied(WRONG_KEY).into());
    }
    Ok(key.derive("s3.sse-c", salt).into())
}

fn proof(salt: &[u8], key: &SecretKey) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(salt)
        .expect("HMAC takes a key of any length");
    mac.update(key.expose());
    mac.finalize().into_bytes().to_vec()
}
