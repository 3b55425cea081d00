//! Server-side encryption: what a put asked for, and the data key that seals its chunks.
//!
//! Each object has a data key of its own. SSE-S3 keeps it sealed under the Region's root key,
//! SSE-KMS has KMS wrap it (the caller needs kms:GenerateDataKey to write and kms:Decrypt to
//! read, SSE-011), SSE-C derives it from the key that the caller sends and S3 forgets.
//! Left out: DSSE-KMS and the caching of bucket keys.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use faultline_proto::kms;
use hmac::{Hmac, Mac as _};
use md5::{Digest as _, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::error::{Error, from_kms};
use super::keyspaces::{BucketRow, EncryptionRow};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::vault::SecretKey;

/// The encryption members of a request that writes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// `x-amz-server-side-encryption`.
    pub algorithm: Option<&'a str>,
    /// KMS key.
    pub key: Option<&'a str>,
    /// Extra encryption context: base64 of JSON.
    pub context: Option<&'a str>,
    /// Bucket key.
    pub bucket_key: Option<bool>,
    /// SSE-C.
    pub customer: Customer<'a>,
}

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

/// ARN of an object.
#[must_use]
pub fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

/// Decides the encryption of a new object and obtains its data key.
///
/// # Errors
/// The SSE-C errors of SSE-038 to SSE-043, a blocked SSE-C (SSE-053), KMS's refusals.
pub fn begin(
    ctx: &mut Ctx<'_>,
    bucket_name: &str,
    key_name: &str,
    bucket: &BucketRow,
    asked: Asked<'_>,
) -> Result<(EncryptionRow, SecretKey), Refusal> {
    if asked.customer.is_given() {
        if asked.algorithm.is_some() {
            return Err(Error::InvalidArgument(
                "Server Side Encryption with Customer provided key is incompatible with the encryption method specified".to_owned(),
            )
            .into());
        }
        if bucket.blocks_sse_c {
            return Err(Error::AccessDenied(
                "SSE-C is blocked by the encryption configuration of this bucket.",
            )
            .into());
        }
        return customer(ctx, asked.customer);
    }
    let default = &bucket.default_encryption;
    match asked.algorithm.unwrap_or(&default.algorithm) {
        "AES256" if asked.key.is_some() => Err(Error::InvalidArgument(
            "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms".to_owned(),
        )
        .into()),
        "AES256" => {
            let data_key = SecretKey::new(ctx.entropy().bytes("s3.data-key"));
            let sealed = ctx.seal_local("s3.data-key", b"", data_key.expose());
            Ok((EncryptionRow::SseS3 { data_key: sealed }, data_key))
        }
        "aws:kms" => {
            let named = asked.key.or(default.key.as_deref().filter(|_| default.algorithm == "aws:kms"));
            let bucket_key = asked.bucket_key.unwrap_or(default.bucket_key);
            let context = kms_context(bucket_name, key_name, bucket_key, asked.context)?;
            with_kms(ctx, named.unwrap_or("alias/aws/s3"), context, bucket_key)
        }
        "aws:kms:dsse" => Err(Refusal::not_built("DSSE-KMS")),
        other => Err(Error::InvalidArgument(format!("The encryption method '{other}' is not supported")).into()),
    }
}

/// The context that S3 binds a data key to (SSE-022, SSE-023).
fn kms_context(
    bucket: &str,
    key: &str,
    bucket_key: bool,
    extra: Option<&str>,
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut context = BTreeMap::new();
    if let Some(extra) = extra {
        let wrong = || {
            Error::InvalidArgument("The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map".to_owned())
        };
        let text = BASE64.decode(extra).map_err(|_| wrong())?;
        context = serde_json::from_slice(&text).map_err(|_| wrong())?;
    }
    let arn = if bucket_key {
        format!("arn:aws:s3:::{bucket}")
    } else {
        object_arn(bucket, key)
    };
    context.insert("aws:s3:arn".to_owned(), arn);
    Ok(context)
}

fn with_kms(
    ctx: &mut Ctx<'_>,
    key: &str,
    context: BTreeMap<String, String>,
    bucket_key: bool,
) -> Result<(EncryptionRow, SecretKey), Refusal> {
    let request = kms::GenerateDataKeyRequest {
        key_id: Some(key.to_owned()),
        key_spec: Some("AES_256".to_owned()),
        encryption_context: context.clone(),
        ..kms::GenerateDataKeyRequest::default()
    };
    let answer = ctx.call("s3", &request).map_err(from_kms)?;
    let data_key = data_key(answer.plaintext.as_deref())?;
    let row = EncryptionRow::SseKms {
        key: answer.key_id.unwrap_or_default(),
        data_key: answer.ciphertext_blob.unwrap_or_default(),
        context,
        bucket_key,
    };
    Ok((row, data_key))
}

fn data_key(plaintext: Option<&[u8]>) -> Result<SecretKey, Refusal> {
    plaintext
        .and_then(SecretKey::from_slice)
        .ok_or_else(|| Refusal::internal("KMS answered no 256-bit data key"))
}

/// Encryption of a replica under SSE-KMS: a fresh data key, wrapped by kms:Encrypt (S3-034, S3-036).
///
/// # Errors
/// KMS's refusals.
pub fn replica_kms(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    kms_key: &str,
    bucket_key: bool,
) -> Result<(EncryptionRow, SecretKey), Refusal> {
    let context = kms_context(bucket, key, bucket_key, None)?;
    let data_key = SecretKey::new(ctx.entropy().bytes("s3.data-key"));
    let request = kms::EncryptRequest {
        key_id: Some(kms_key.to_owned()),
        plaintext: Some(data_key.expose().to_vec()),
        encryption_context: context.clone(),
        ..kms::EncryptRequest::default()
    };
    let answer = ctx.call("s3", &request)?;
    let row = EncryptionRow::SseKms {
        key: answer.key_id.unwrap_or_default(),
        data_key: answer.ciphertext_blob.unwrap_or_default(),
        context,
        bucket_key,
    };
    Ok((row, data_key))
}

/// The data key of a stored object.
///
/// # Errors
/// KMS's refusals, the SSE-C errors of SSE-044 to SSE-046.
pub fn open(
    ctx: &mut Ctx<'_>,
    row: &EncryptionRow,
    customer: Customer<'_>,
) -> Result<SecretKey, Refusal> {
    match row {
        EncryptionRow::SseS3 { data_key: sealed } => {
            let opened = ctx.open_local("s3.data-key", b"", sealed)?;
            SecretKey::from_slice(&opened)
                .ok_or_else(|| Refusal::internal("a data key has 32 bytes"))
        }
        EncryptionRow::SseKms {
            key,
            data_key: sealed,
            context,
            ..
        } => {
            let request = kms::DecryptRequest {
                key_id: Some(key.clone()),
                ciphertext_blob: Some(sealed.clone()),
                encryption_context: context.clone(),
                ..kms::DecryptRequest::default()
            };
            let answer = ctx.call("s3", &request).map_err(from_kms)?;
            data_key(answer.plaintext.as_deref())
        }
        EncryptionRow::SseC { .. } => check_customer(row, customer),
    }
}

/// Refuses a read whose SSE-C members do not fit the object; what HEAD checks.
///
/// # Errors
/// SSE-042, SSE-044, SSE-046.
pub fn check_read(row: &EncryptionRow, customer: Customer<'_>) -> Result<(), Refusal> {
    match row {
        EncryptionRow::SseC { .. } => check_customer(row, customer).map(drop),
        EncryptionRow::SseS3 { .. } | EncryptionRow::SseKms { .. } if customer.is_given() => Err(
            Error::InvalidRequest("The encryption parameters are not applicable to this object.")
                .into(),
        ),
        EncryptionRow::SseS3 { .. } | EncryptionRow::SseKms { .. } => Ok(()),
    }
}

const NO_ALGORITHM: &str = "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.";
const NO_KEY: &str = "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.";
const WRONG_LENGTH: &str = "The secret key was invalid for the specified algorithm.";
const WRONG_MD5: &str =
    "The calculated MD5 hash of the key did not match the hash that was provided.";
const WRONG_KEY: &str = "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.";
const MISSING: &str = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.";

/// The checks of a put with SSE-C, in the order of SSE-038 to SSE-042.
fn customer(
    ctx: &mut Ctx<'_>,
    customer: Customer<'_>,
) -> Result<(EncryptionRow, SecretKey), Refusal> {
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
        data_key,
    ))
}

fn check_customer(row: &EncryptionRow, customer: Customer<'_>) -> Result<SecretKey, Refusal> {
    let EncryptionRow::SseC {
        salt, proof: kept, ..
    } = row
    else {
        return Err(Refusal::internal("not an SSE-C object"));
    };
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
    Ok(key.derive("s3.sse-c", salt))
}

fn proof(salt: &[u8], key: &SecretKey) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(salt)
        .expect("HMAC takes a key of any length");
    mac.update(key.expose());
    mac.finalize().into_bytes().to_vec()
}
