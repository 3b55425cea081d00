//! S3 Bucket Keys: a key of the bucket that KMS wraps once and that wraps data keys for a while.
//!
//! One for each requester and KMS key (SSE-031). It is bound to the bucket's ARN alone, so
//! policies that ask for an object's ARN stop matching (SSE-022, S3-037), and while it is cached,
//! KMS hears nothing: neither a disabled key nor a changed policy is felt (SSE-034).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::encryption::{self, ObjectKey};
use super::keyspaces::EncryptionRow;
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::vault::SecretKey;

/// How long a bucket key is used, microseconds. AWS says only "time-limited"; five minutes is
/// what its other services keep data keys for.
pub const LIFE: u64 = 300_000_000;

/// A bucket key that a requester may use without asking KMS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BucketKeyRow {
    /// ARN of the KMS key.
    key: String,
    /// KMS's ciphertext of it.
    ciphertext: Vec<u8>,
    /// The bucket key sealed under the Region's root key.
    sealed: Vec<u8>,
    /// Microseconds of unskewed time when it is forgotten.
    until: u64,
}

crate::keyspaces! {
    /// Bucket keys for writing by bucket, KMS key as named, context and requester.
    pub Writing = 0x0607, "s3.bucket-keys", version 1: (String, String, String, String) => BucketKeyRow;
    /// Bucket keys for reading by the digest of their ciphertext and requester.
    pub Reading = 0x0608, "s3.opened-bucket-keys", version 1: (String, String) => BucketKeyRow;
}

/// A requester: a session of a role is one of its own.
fn requester(ctx: &Ctx<'_>) -> String {
    ctx.caller().arn()
}

fn digest(ciphertext: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(&sha2::Sha256::digest(ciphertext)[..16])
}

/// A fresh data key under the bucket key.
///
/// # Errors
/// KMS's refusals.
pub(super) fn begin(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    named: &str,
    context: BTreeMap<String, String>,
) -> Result<(EncryptionRow, ObjectKey), Refusal> {
    let data_key = SecretKey::new(ctx.entropy().bytes("s3.data-key"));
    let row = wrap(ctx, bucket, named, context, &data_key)?;
    Ok((row, data_key.into()))
}

/// Wraps a data key under the bucket key, which is made when there is none.
///
/// # Errors
/// KMS's refusals.
pub(super) fn wrap(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    named: &str,
    context: BTreeMap<String, String>,
    data_key: &SecretKey,
) -> Result<EncryptionRow, Refusal> {
    let extra: Vec<String> = context
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let at = (
        bucket.to_owned(),
        named.to_owned(),
        extra.join("\n"),
        requester(ctx),
    );
    let now = ctx.elapsed().0;
    let row = match ctx.get::<Writing>(&at).filter(|row| now < row.until) {
        Some(row) => row,
        None => {
            let made = encryption::generate(ctx, named, &context)?;
            let row = remember(ctx, made.key, made.ciphertext, &made.data_key);
            ctx.put::<Writing>(&at, &row);
            row
        }
    };
    let wrapping = opened(ctx, &row)?;
    let nonce = ctx.entropy().bytes("s3.wrap-nonce");
    let under = wrapping.seal(nonce, b"s3.under-bucket-key", data_key.expose());
    Ok(EncryptionRow::SseKms {
        key: row.key,
        data_key: row.ciphertext,
        context,
        bucket_key: true,
        under_bucket_key: under,
    })
}

/// The data key of an object under a bucket key; KMS opens that once for each requester.
///
/// # Errors
/// KMS's refusals.
pub(super) fn open(
    ctx: &mut Ctx<'_>,
    key: &str,
    ciphertext: &[u8],
    context: &BTreeMap<String, String>,
    under: &[u8],
) -> Result<ObjectKey, Refusal> {
    let at = (digest(ciphertext), requester(ctx));
    let now = ctx.elapsed().0;
    let wrapping = match ctx.get::<Reading>(&at).filter(|row| now < row.until) {
        Some(row) => opened(ctx, &row)?,
        None => {
            let wrapping = encryption::decrypt(ctx, key, ciphertext, context)?;
            let row = remember(ctx, key.to_owned(), ciphertext.to_vec(), &wrapping);
            ctx.put::<Reading>(&at, &row);
            wrapping
        }
    };
    let broken = || Refusal::internal("a data key does not open under its bucket key");
    let data_key = wrapping
        .open(b"s3.under-bucket-key", under)
        .ok_or_else(broken)?;
    SecretKey::from_slice(&data_key)
        .map(Into::into)
        .ok_or_else(broken)
}

fn remember(
    ctx: &mut Ctx<'_>,
    key: String,
    ciphertext: Vec<u8>,
    wrapping: &SecretKey,
) -> BucketKeyRow {
    BucketKeyRow {
        sealed: ctx.seal_local("s3.bucket-key", &ciphertext, wrapping.expose()),
        key,
        ciphertext,
        until: ctx.elapsed().plus_micros(LIFE).0,
    }
}

fn opened(ctx: &Ctx<'_>, row: &BucketKeyRow) -> Result<SecretKey, Refusal> {
    let opened = ctx.open_local("s3.bucket-key", &row.ciphertext, &row.sealed)?;
    SecretKey::from_slice(&opened).ok_or_else(|| Refusal::internal("a bucket key has 32 bytes"))
}
