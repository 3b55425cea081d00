//! Server-side encryption: what a put asked for, and the data key that seals its chunks.
//!
//! Each object has a data key of its own. SSE-S3 keeps it sealed under the Region's root key,
//! SSE-KMS has KMS wrap it (the caller needs kms:GenerateDataKey to write and kms:Decrypt to
//! read, SSE-011), or wraps it under a bucket key that KMS wrapped ([`super::bucket_key`]),
//! DSSE-KMS adds a second layer (SSE-057), SSE-C derives it from the key that the caller sends
//! and S3 forgets ([`super::customer`]).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use faultline_proto::kms;
use serde::{Deserialize, Serialize};

pub use super::customer::Customer;
use super::error::{Error, from_kms};
use super::keyspaces::{BucketRow, EncryptionRow};
pub use super::object_key::ObjectKey;
use super::{bucket_key, customer};
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

/// ARN of an object.
#[must_use]
pub fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

const INCOMPATIBLE: &str = "Server Side Encryption with Customer provided key is incompatible with the encryption method specified";
const KEY_WITHOUT_KMS: &str = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms";
/// What a bucket that blocks SSE-C says (SSE-053).
pub const BLOCKED: &str = "SSE-C is blocked by the encryption configuration of this bucket.";

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
) -> Result<(EncryptionRow, ObjectKey), Refusal> {
    let argument = |words: &str| Refusal::from(Error::InvalidArgument(words.to_owned()));
    if asked.customer.is_given() {
        if asked.algorithm.is_some() {
            return Err(argument(INCOMPATIBLE));
        }
        if bucket.blocks_sse_c {
            return Err(Error::AccessDenied(BLOCKED).into());
        }
        return customer::begin(ctx, asked.customer);
    }
    let default = &bucket.default_encryption;
    let algorithm = asked.algorithm.unwrap_or(&default.algorithm);
    let is_default = algorithm == default.algorithm;
    let named = asked
        .key
        .or(default.key.as_deref().filter(|_| is_default))
        .unwrap_or("alias/aws/s3");
    match algorithm {
        "AES256" if asked.key.is_some() || asked.context.is_some() => {
            Err(argument(KEY_WITHOUT_KMS))
        }
        "AES256" => {
            let data_key = SecretKey::new(ctx.entropy().bytes("s3.data-key"));
            let sealed = ctx.seal_local("s3.data-key", b"", data_key.expose());
            Ok((EncryptionRow::SseS3 { data_key: sealed }, data_key.into()))
        }
        // A key of its own in the request, and no method: only KMS has keys.
        _ if asked.algorithm.is_none() && asked.key.is_some() => Err(argument(KEY_WITHOUT_KMS)),
        "aws:kms" => {
            let bucket_key = asked.bucket_key.unwrap_or(default.bucket_key);
            let context = kms_context(bucket_name, key_name, bucket_key, asked.context)?;
            if bucket_key {
                return bucket_key::begin(ctx, bucket_name, named, context);
            }
            let wrapped = generate(ctx, named, &context)?;
            Ok((
                EncryptionRow::SseKms {
                    key: wrapped.key,
                    data_key: wrapped.ciphertext,
                    context,
                    bucket_key: false,
                    under_bucket_key: Vec::new(),
                },
                wrapped.data_key.into(),
            ))
        }
        // Bucket keys do not exist here (SSE-058).
        "aws:kms:dsse" => {
            let context = kms_context(bucket_name, key_name, false, asked.context)?;
            let wrapped = generate(ctx, named, &context)?;
            Ok(dsse(ctx, wrapped, context))
        }
        _ => Err(argument("The encryption method specified is not supported")),
    }
}

fn dsse(
    ctx: &mut Ctx<'_>,
    wrapped: Wrapped,
    context: BTreeMap<String, String>,
) -> (EncryptionRow, ObjectKey) {
    let inner = SecretKey::new(ctx.entropy().bytes("s3.inner-key"));
    let sealed = ctx.seal_local("s3.inner-key", b"", inner.expose());
    let row = EncryptionRow::Dsse {
        key: wrapped.key,
        data_key: wrapped.ciphertext,
        context,
        inner: sealed,
    };
    (row, ObjectKey::two(wrapped.data_key, inner))
}

/// The context that S3 binds a data key to (SSE-022, SSE-023).
pub(super) fn kms_context(
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

/// A key that KMS has wrapped.
pub(super) struct Wrapped {
    /// ARN of the KMS key.
    pub key: String,
    /// KMS's ciphertext.
    pub ciphertext: Vec<u8>,
    /// The key itself.
    pub data_key: SecretKey,
}

/// kms:GenerateDataKey on behalf of the caller.
pub(super) fn generate(
    ctx: &mut Ctx<'_>,
    key: &str,
    context: &BTreeMap<String, String>,
) -> Result<Wrapped, Refusal> {
    let request = kms::GenerateDataKeyRequest {
        key_id: Some(key.to_owned()),
        key_spec: Some("AES_256".to_owned()),
        encryption_context: context.clone(),
        ..kms::GenerateDataKeyRequest::default()
    };
    let answer = ctx.call("s3", &request).map_err(from_kms)?;
    Ok(Wrapped {
        key: answer.key_id.unwrap_or_default(),
        data_key: data_key(answer.plaintext.as_deref())?,
        ciphertext: answer.ciphertext_blob.unwrap_or_default(),
    })
}

/// kms:Decrypt on behalf of the caller.
pub(super) fn decrypt(
    ctx: &mut Ctx<'_>,
    key: &str,
    ciphertext: &[u8],
    context: &BTreeMap<String, String>,
) -> Result<SecretKey, Refusal> {
    let request = kms::DecryptRequest {
        key_id: Some(key.to_owned()),
        ciphertext_blob: Some(ciphertext.to_vec()),
        encryption_context: context.clone(),
        ..kms::DecryptRequest::default()
    };
    let answer = ctx.call("s3", &request).map_err(from_kms)?;
    data_key(answer.plaintext.as_deref())
}

fn data_key(plaintext: Option<&[u8]>) -> Result<SecretKey, Refusal> {
    plaintext
        .and_then(SecretKey::from_slice)
        .ok_or_else(|| Refusal::internal("KMS answered no 256-bit data key"))
}

/// How a replica is encrypted under KMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UnderKms {
    /// SSE-KMS.
    Plain,
    /// SSE-KMS with a bucket key: the context names the bucket alone.
    BucketKey,
    /// DSSE-KMS.
    Dsse,
}

/// Encryption of a replica under KMS: a fresh data key, wrapped by kms:Encrypt (S3-034, S3-036).
///
/// # Errors
/// KMS's refusals.
pub fn replica_kms(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    kms_key: &str,
    how: UnderKms,
) -> Result<(EncryptionRow, ObjectKey), Refusal> {
    let bucket_key = how == UnderKms::BucketKey;
    let context = kms_context(bucket, key, bucket_key, None)?;
    let data_key = SecretKey::new(ctx.entropy().bytes("s3.data-key"));
    let request = kms::EncryptRequest {
        key_id: Some(kms_key.to_owned()),
        plaintext: Some(data_key.expose().to_vec()),
        encryption_context: context.clone(),
        ..kms::EncryptRequest::default()
    };
    let answer = ctx.call("s3", &request)?;
    let wrapped = Wrapped {
        key: answer.key_id.unwrap_or_default(),
        ciphertext: answer.ciphertext_blob.unwrap_or_default(),
        data_key,
    };
    if how == UnderKms::Dsse {
        return Ok(dsse(ctx, wrapped, context));
    }
    let row = EncryptionRow::SseKms {
        key: wrapped.key,
        data_key: wrapped.ciphertext,
        context,
        bucket_key,
        under_bucket_key: Vec::new(),
    };
    Ok((row, wrapped.data_key.into()))
}

/// The data key of a stored object.
///
/// # Errors
/// KMS's refusals, the SSE-C errors of SSE-044 to SSE-046.
pub fn open(
    ctx: &mut Ctx<'_>,
    row: &EncryptionRow,
    customer: Customer<'_>,
) -> Result<ObjectKey, Refusal> {
    match row {
        EncryptionRow::SseS3 { data_key: sealed } => {
            let opened = ctx.open_local("s3.data-key", b"", sealed)?;
            SecretKey::from_slice(&opened)
                .map(Into::into)
                .ok_or_else(|| Refusal::internal("a data key has 32 bytes"))
        }
        EncryptionRow::SseKms {
            key,
            data_key: sealed,
            context,
            under_bucket_key,
            ..
        } => {
            if !under_bucket_key.is_empty() {
                return bucket_key::open(ctx, key, sealed, context, under_bucket_key);
            }
            decrypt(ctx, key, sealed, context).map(Into::into)
        }
        EncryptionRow::SseC { salt, proof, .. } => customer::open(salt, proof, customer),
        EncryptionRow::Dsse {
            key,
            data_key: sealed,
            context,
            inner,
        } => {
            let outer = decrypt(ctx, key, sealed, context)?;
            let inner = ctx.open_local("s3.inner-key", b"", inner)?;
            let inner = SecretKey::from_slice(&inner)
                .ok_or_else(|| Refusal::internal("a data key has 32 bytes"))?;
            Ok(ObjectKey::two(outer, inner))
        }
    }
}

/// CloudTrail's SSEApplied: the method, and whether it was the bucket's choice (SSE-003).
#[must_use]
pub fn applied(asked: &Asked<'_>, row: &EncryptionRow) -> String {
    let method = match row {
        EncryptionRow::SseS3 { .. } => "SSE_S3",
        EncryptionRow::SseKms { .. } => "SSE_KMS",
        EncryptionRow::Dsse { .. } => "DSSE_KMS",
        EncryptionRow::SseC { .. } => "SSE_C",
    };
    if asked.algorithm.is_some() || asked.customer.is_given() {
        method.to_owned()
    } else {
        format!("Default_{method}")
    }
}

/// Refuses a read whose SSE-C members do not fit the object; what HEAD checks.
///
/// # Errors
/// SSE-042, SSE-044, SSE-046.
pub fn check_read(row: &EncryptionRow, customer: Customer<'_>) -> Result<(), Refusal> {
    match row {
        EncryptionRow::SseC { salt, proof, .. } => customer::open(salt, proof, customer).map(drop),
        EncryptionRow::SseS3 { .. } | EncryptionRow::SseKms { .. } | EncryptionRow::Dsse { .. }
            if customer.is_given() =>
        {
            Err(Error::InvalidRequest(
                "The encryption parameters are not applicable to this object.",
            )
            .into())
        }
        EncryptionRow::SseS3 { .. } | EncryptionRow::SseKms { .. } | EncryptionRow::Dsse { .. } => {
            Ok(())
        }
    }
}

/// The entity tag of bytes with this MD5: the MD5 itself only under SSE-S3 (SSE-027).
pub fn e_tag(ctx: &mut Ctx<'_>, row: &EncryptionRow, md5: [u8; 16]) -> String {
    match row {
        EncryptionRow::SseS3 { .. } => hex::encode(md5),
        EncryptionRow::SseKms { .. } | EncryptionRow::SseC { .. } | EncryptionRow::Dsse { .. } => {
            ctx.entropy().hex::<16>("s3.e-tag")
        }
    }
}
