//! UpdateObjectEncryption: another wrapping of the same data key, in place.
//!
//! Entity tag, version and time stay (SSE-059), and nothing replicates (S3-061).

use std::collections::BTreeMap;

use faultline_proto::{kms, s3};

use super::bucket_key;
use super::encryption::{self, Customer, ObjectKey};
use super::error::{Error, from_kms};
use super::keyspaces::{EncryptionRow, Versions};
use super::{access, versions};
use crate::context::Ctx;
use crate::refusal::Refusal;

pub(super) fn update(
    ctx: &mut Ctx<'_>,
    request: s3::UpdateObjectEncryptionRequest,
) -> Result<s3::UpdateObjectEncryptionResponse, Refusal> {
    let (name, key) = (request.bucket(), request.key());
    access::bucket(ctx, name)?;
    let id = request.version_id.as_deref();
    let (at, mut row) = versions::wanted_with_key(ctx, name, key, id)?;
    let object = row.object.as_mut().ok_or(Error::MethodNotAllowed)?;
    let wanted = request
        .object_encryption
        .as_ref()
        .and_then(|wanted| wanted.ssekms.as_ref())
        .ok_or(Error::MalformedXml)?;
    let arn = wanted.kms_key_arn().to_owned();
    check_key(ctx, &arn)?;
    if object.lock.retention.is_some() || object.lock.legal_hold == Some(true) {
        return Err(Error::InvalidRequest(
            "The encryption of an object under Object Lock cannot be updated.",
        )
        .into());
    }
    let bucket_key = wanted.bucket_key_enabled();
    let context = encryption::kms_context(name, key, bucket_key, None)?;
    object.encryption = rewrapped(ctx, name, &object.encryption, &arn, bucket_key, context)?;
    ctx.put::<Versions>(&at, &row);
    Ok(s3::UpdateObjectEncryptionResponse {})
}

/// A full key ARN of the caller's account (SSE-060).
fn check_key(ctx: &Ctx<'_>, arn: &str) -> Result<(), Refusal> {
    let parts: Vec<&str> = arn.split(':').collect();
    let [_, _, "kms", _, account, resource] = parts.as_slice() else {
        return Err(Error::InvalidRequest("The KMS key must be named by its full ARN.").into());
    };
    if !resource.starts_with("key/") {
        return Err(Error::InvalidRequest("The KMS key must be named by its full ARN.").into());
    }
    if *account != ctx.account().as_str() {
        return Err(Error::AccessDenied("Access Denied").into());
    }
    Ok(())
}

fn rewrapped(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    old: &EncryptionRow,
    arn: &str,
    bucket_key: bool,
    context: BTreeMap<String, String>,
) -> Result<EncryptionRow, Refusal> {
    match old {
        EncryptionRow::SseS3 { .. } | EncryptionRow::SseKms { .. } => {}
        EncryptionRow::SseC { .. } | EncryptionRow::Dsse { .. } => {
            return Err(Error::InvalidRequest(
                "The encryption type of the object cannot be updated.",
            )
            .into());
        }
    }
    if let EncryptionRow::SseKms {
        key,
        data_key,
        context: old_context,
        under_bucket_key,
        ..
    } = old
        && !bucket_key
        && under_bucket_key.is_empty()
    {
        let request = kms::ReEncryptRequest {
            ciphertext_blob: Some(data_key.clone()),
            source_key_id: Some(key.clone()),
            source_encryption_context: old_context.clone(),
            destination_key_id: Some(arn.to_owned()),
            destination_encryption_context: context.clone(),
            ..kms::ReEncryptRequest::default()
        };
        let answer = ctx.call("s3", &request).map_err(from_kms)?;
        return Ok(EncryptionRow::SseKms {
            key: answer.key_id.unwrap_or_default(),
            data_key: answer.ciphertext_blob.unwrap_or_default(),
            context,
            bucket_key: false,
            under_bucket_key: Vec::new(),
        });
    }
    let opened: ObjectKey = encryption::open(ctx, old, Customer::default())?;
    if bucket_key {
        return bucket_key::wrap(ctx, bucket, arn, context, opened.outer());
    }
    let request = kms::EncryptRequest {
        key_id: Some(arn.to_owned()),
        plaintext: Some(opened.outer().expose().to_vec()),
        encryption_context: context.clone(),
        ..kms::EncryptRequest::default()
    };
    let answer = ctx.call("s3", &request).map_err(from_kms)?;
    Ok(EncryptionRow::SseKms {
        key: answer.key_id.unwrap_or_default(),
        data_key: answer.ciphertext_blob.unwrap_or_default(),
        context,
        bucket_key: false,
        under_bucket_key: Vec::new(),
    })
}
