//! PutObject: opened by the call, fed by chunks, committed by the last one.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use faultline_proto::progress::{Progress, Saga};
use faultline_proto::s3;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::content::{self, Fingerprint};
use super::encryption::{self, Asked, Customer};
use super::error::Error;
use super::keyspaces::{BucketRow, EncryptionRow, ObjectRow, VersionRow, Versioning};
use super::{access, buckets, replication, versions};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::{CHUNK, SagaInput};
use crate::vault::SecretKey;

/// A put whose body is on its way.
#[derive(Debug, Serialize, Deserialize)]
struct Upload {
    bucket: String,
    key: String,
    content: String,
    /// Data key sealed under the Region's root key.
    data_key: Vec<u8>,
    encryption: EncryptionRow,
    fingerprint: Vec<u8>,
    received: u64,
    expected: u64,
    content_md5: Option<String>,
    content_type: Option<String>,
    metadata: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    storage_class: String,
}

pub(super) fn begin(
    ctx: &mut Ctx<'_>,
    request: s3::PutObjectRequest,
) -> Result<Progress<s3::PutObjectResponse>, Refusal> {
    let (name, key) = (request.bucket().to_owned(), request.key().to_owned());
    if key.len() > 1024 {
        return Err(Refusal::new("KeyTooLongError", "Your key is too long"));
    }
    let bucket = access::bucket(ctx, &name)?;
    check_conditions(ctx, &request)?;
    let asked = Asked {
        algorithm: request.server_side_encryption.as_deref(),
        key: request.ssekms_key_id.as_deref(),
        context: request.ssekms_encryption_context.as_deref(),
        bucket_key: request.bucket_key_enabled,
        customer: Customer {
            algorithm: request.sse_customer_algorithm.as_deref(),
            key: request.sse_customer_key.as_deref(),
            key_md5: request.sse_customer_key_md5.as_deref(),
        },
    };
    let (encryption, data_key) = encryption::begin(ctx, &name, &key, &bucket, asked)?;
    let content = content::begin(ctx);
    let sealed_key = ctx.seal_local("s3.upload", content.as_bytes(), data_key.expose());
    let expected = ctx.frame().body_length;
    let mut upload = Upload {
        content,
        data_key: sealed_key,
        encryption,
        fingerprint: Vec::new(),
        received: 0,
        expected: expected.unwrap_or_default(),
        content_md5: request.content_md5,
        content_type: request.content_type,
        metadata: request.metadata.into_iter().collect(),
        tags: request
            .tagging
            .as_deref()
            .map(buckets::tags)
            .transpose()?
            .unwrap_or_default(),
        storage_class: request
            .storage_class
            .unwrap_or_else(|| "STANDARD".to_owned()),
        bucket: name,
        key,
    };
    if expected.is_none() {
        content::write(ctx, &upload.content, &data_key, 0, &[], true)?;
        return end(ctx, &mut upload, Fingerprint::default()).map(Progress::Done);
    }
    Ok(Progress::Open(Saga {
        kind: "put-object",
        state: encode(&upload),
    }))
}

fn check_conditions(ctx: &mut Ctx<'_>, request: &s3::PutObjectRequest) -> Result<(), Refusal> {
    let current =
        versions::latest(ctx, request.bucket(), request.key()).and_then(|(_, row)| row.object);
    if request.if_none_match.as_deref() == Some("*") && current.is_some() {
        return Err(Error::PreconditionFailed.into());
    }
    match (&request.if_match, current) {
        (Some(_), None) => Err(Error::NoSuchKey.into()),
        (Some(wanted), Some(object)) if wanted.trim_matches('"') != object.e_tag => {
            Err(Error::PreconditionFailed.into())
        }
        _ => Ok(()),
    }
}

pub(super) fn resume(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let mut upload: Upload = decode(state)?;
    let SagaInput::Chunk { index, bytes, last } = input else {
        content::remove(ctx, &upload.content);
        return Err(Refusal::new(
            "RequestTimeout",
            "Your socket connection to the server was not read from or written to within the timeout period.",
        ));
    };
    if bytes.len() != CHUNK && !last {
        return Err(Error::IncompleteBody.into());
    }
    let opened = ctx.open_local("s3.upload", upload.content.as_bytes(), &upload.data_key)?;
    let data_key = SecretKey::from_slice(&opened)
        .ok_or_else(|| Refusal::internal("a data key has 32 bytes"))?;
    content::write(ctx, &upload.content, &data_key, index, bytes, last)?;
    let mut fingerprint = Fingerprint::restore(&upload.fingerprint);
    fingerprint.add(bytes);
    upload.received += bytes.len() as u64;
    if !last {
        upload.fingerprint = fingerprint.store();
        return Ok(Progress::Open(Saga {
            kind: "put-object",
            state: encode(&upload),
        }));
    }
    if upload.received != upload.expected {
        return Err(Error::IncompleteBody.into());
    }
    let response = end(ctx, &mut upload, fingerprint)?;
    Ok(Progress::Done(response.encode_to_vec()))
}

fn end(
    ctx: &mut Ctx<'_>,
    upload: &mut Upload,
    fingerprint: Fingerprint,
) -> Result<s3::PutObjectResponse, Refusal> {
    let md5 = fingerprint.end();
    if upload
        .content_md5
        .as_ref()
        .is_some_and(|given| *given != BASE64.encode(md5))
    {
        return Err(Error::BadDigest.into());
    }
    let bucket = access::bucket(ctx, &upload.bucket)?;
    // The tag is the MD5 of the plaintext only under SSE-S3 (SSE-027).
    let e_tag = match &upload.encryption {
        EncryptionRow::SseS3 { .. } => hex::encode(md5),
        EncryptionRow::SseKms { .. } | EncryptionRow::SseC { .. } => {
            ctx.entropy().hex::<16>("s3.e-tag")
        }
    };
    let object = ObjectRow {
        content: upload.content.clone(),
        length: upload.received,
        e_tag,
        encryption: upload.encryption.clone(),
        content_type: upload.content_type.take(),
        metadata: std::mem::take(&mut upload.metadata),
        tags: std::mem::take(&mut upload.tags),
        storage_class: std::mem::take(&mut upload.storage_class),
    };
    content::commit(ctx, &upload.content);
    let version_id = new_version_id(ctx, &bucket);
    let row = VersionRow {
        version_id,
        modified: ctx.now().0,
        object: Some(object),
        destinations: Vec::new(),
        replica: false,
    };
    let order = versions::add(ctx, &upload.bucket, &upload.key, row.clone());
    replication::consider(ctx, &upload.bucket, &upload.key, order, &bucket);
    Ok(answer(&bucket, &row))
}

/// A new version's id; `null` where versions are not kept.
pub(super) fn new_version_id(ctx: &mut Ctx<'_>, bucket: &BucketRow) -> String {
    match bucket.versioning {
        Versioning::Enabled => ctx.entropy().hex::<16>("s3.version-id"),
        Versioning::Off | Versioning::Suspended => "null".to_owned(),
    }
}

fn answer(bucket: &BucketRow, row: &VersionRow) -> s3::PutObjectResponse {
    let object = row.object.as_ref().expect("a put makes an object");
    let shown = versions::shown(&object.encryption);
    s3::PutObjectResponse {
        e_tag: Some(format!("\"{}\"", object.e_tag)),
        version_id: Some(row.version_id.clone())
            .filter(|_| bucket.versioning == Versioning::Enabled),
        server_side_encryption: shown.algorithm,
        ssekms_key_id: shown.key,
        bucket_key_enabled: shown.bucket_key,
        sse_customer_algorithm: shown.customer_algorithm,
        sse_customer_key_md5: shown.customer_key_md5,
        ..s3::PutObjectResponse::default()
    }
}
