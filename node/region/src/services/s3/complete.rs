//! CompleteMultipartUpload: the parts that are named become one object, where they lie.

use faultline_proto::s3;
use md5::{Digest as _, Md5};

use super::checksum::{self, Algorithm};
use super::encryption::{self, Customer};
use super::error::Error;
use super::keyspaces::{ChecksumRow, EncryptionRow, PartRow};
use super::shapes::{checksums_of, quoted, show_whole_checksum};
use super::uploads::{self, Parts, UploadRow, UploadedRow};
use super::{access, lifecycle, put};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Every part but the last has at least so many bytes.
const SMALLEST: u64 = 5 * 1024 * 1024;

pub(super) fn complete(
    ctx: &mut Ctx<'_>,
    request: s3::CompleteMultipartUploadRequest,
) -> Result<s3::CompleteMultipartUploadResponse, Refusal> {
    let (name, key) = (request.bucket().to_owned(), request.key().to_owned());
    let bucket = access::bucket(ctx, &name)?;
    let (at, row) = uploads::find(ctx, &name, &key, request.upload_id())?;
    let conditions = put::Conditions {
        if_match: request.if_match.clone(),
        if_none_match: request.if_none_match.clone(),
    };
    conditions.check(ctx, &name, &key)?;
    let named = request
        .multipart_upload
        .as_ref()
        .map(|said| said.parts.as_slice())
        .unwrap_or_default();
    if named.is_empty() {
        return Err(Error::MalformedXml.into());
    }
    let parts = chosen(ctx, &row, named)?;
    let checksum = checksum_of(&row, &parts, &request)?;
    let size: u64 = parts.iter().map(|uploaded| uploaded.part.length).sum();
    if let Some(said) = request.mpu_object_size
        && u64::try_from(said).ok() != Some(size)
    {
        return Err(Error::Request(format!(
            "The provided 'x-amz-mp-object-size' header does not match what was computed: {size}"
        ))
        .into());
    }
    // The data key is used once more, under the caller's permissions (SSE-011).
    if matches!(
        row.template.encryption,
        EncryptionRow::SseKms { .. } | EncryptionRow::Dsse { .. }
    ) {
        encryption::open(ctx, &row.template.encryption, Customer::default())?;
    }
    let e_tag = e_tag(&parts);
    let kept: Vec<PartRow> = parts.into_iter().map(|uploaded| uploaded.part).collect();
    uploads::remove(ctx, &at, &row, &kept);
    let object = row.template.object(kept, true, e_tag, Some(checksum));
    let version = put::store(ctx, &name, &key, &bucket, object);
    let Some(object) = &version.object else {
        return Err(Refusal::internal("an upload makes an object"));
    };
    let region = ctx.region().to_string();
    let mut answer = s3::CompleteMultipartUploadResponse {
        location: Some(format!(
            "https://{name}.s3.{region}.amazonaws.com/{}",
            super::shapes::url_encoded(&key)
        )),
        e_tag: quoted(&object.e_tag),
        version_id: put::shown_version(&bucket, &version),
        expiration: lifecycle::expiration(&bucket, &key, &version),
        bucket: Some(name),
        key: Some(key),
        ..s3::CompleteMultipartUploadResponse::default()
    };
    show_whole_checksum!(answer, &object.checksum);
    let shown = super::versions::shown(&object.encryption);
    answer.server_side_encryption = shown.algorithm;
    answer.ssekms_key_id = shown.key;
    answer.bucket_key_enabled = shown.bucket_key;
    Ok(answer)
}

/// MD5 of the parts' MD5s, and how many they are, whatever the encryption.
fn e_tag(parts: &[UploadedRow]) -> String {
    let mut all = Md5::new();
    for uploaded in parts {
        all.update(part_digest(uploaded));
    }
    format!("{}-{}", hex::encode(all.finalize()), parts.len())
}

/// What a part brings into the tag: its own tag's bytes, so that it tells no MD5 under KMS.
fn part_digest(uploaded: &UploadedRow) -> Vec<u8> {
    hex::decode(&uploaded.part.e_tag).unwrap_or_else(|_| uploaded.md5.to_vec())
}

/// The parts that the client names, as they are here.
fn chosen(
    ctx: &mut Ctx<'_>,
    row: &UploadRow,
    named: &[s3::CompletedPart],
) -> Result<Vec<UploadedRow>, Refusal> {
    let mut parts: Vec<UploadedRow> = Vec::with_capacity(named.len());
    for said in named {
        let number = said.part_number.ok_or(Error::MalformedXml)?;
        let number = u32::try_from(number).map_err(|_| Error::PartNumber)?;
        if parts.last().is_some_and(|last| last.part.number >= number) {
            return Err(Error::InvalidPartOrder.into());
        }
        let e_tag = said.e_tag.as_deref().unwrap_or_default().trim_matches('"');
        let invalid = || Error::InvalidPart {
            upload: row.id.clone(),
            number,
            e_tag: e_tag.to_owned(),
        };
        let uploaded = ctx
            .get::<Parts>(&(row.id.clone(), u64::from(number)))
            .filter(|uploaded| uploaded.part.e_tag == e_tag)
            .ok_or_else(invalid)?;
        check_checksum(row, said, &uploaded)?;
        parts.push(uploaded);
    }
    for uploaded in parts.iter().rev().skip(1).rev() {
        if uploaded.part.length < SMALLEST {
            return Err(Error::EntityTooSmall {
                number: uploaded.part.number,
                size: uploaded.part.length,
                e_tag: uploaded.part.e_tag.clone(),
            }
            .into());
        }
    }
    Ok(parts)
}

fn check_checksum(
    row: &UploadRow,
    said: &s3::CompletedPart,
    uploaded: &UploadedRow,
) -> Result<(), Error> {
    if !row.chosen {
        return Ok(());
    }
    let given = checksums_of!(said);
    let at = Algorithm::ALL
        .iter()
        .position(|one| *one == row.algorithm)
        .unwrap_or_default();
    if let Some(other) = (0..given.len()).find(|other| *other != at && given[*other].is_some()) {
        return Err(Error::BadPartChecksum(Algorithm::ALL[other].name()));
    }
    match given[at] {
        Some(value) if value != uploaded.part.checksum => Err(Error::InvalidPart {
            upload: row.id.clone(),
            number: uploaded.part.number,
            e_tag: uploaded.part.e_tag.clone(),
        }),
        None if row.composite => Err(Error::Request(format!(
            "The upload was created using a {} checksum. The complete request must include the checksum for each part. It was missing for part {} in the request.",
            row.algorithm.name().to_ascii_lowercase(),
            uploaded.part.number
        ))),
        _ => Ok(()),
    }
}

/// The object's checksum, compared with what the client says it is.
fn checksum_of(
    row: &UploadRow,
    parts: &[UploadedRow],
    request: &s3::CompleteMultipartUploadRequest,
) -> Result<ChecksumRow, Error> {
    if let Some(kind) = &request.checksum_type
        && kind != super::shapes::kind(row.composite)
    {
        return Err(Error::Request(format!(
            "The upload was created using the {} checksum mode. The complete request must use the same checksum mode.",
            super::shapes::kind(row.composite)
        )));
    }
    let texts = || parts.iter().map(|uploaded| uploaded.part.checksum.as_str());
    let value = if row.composite {
        checksum::composite(row.algorithm, texts())
    } else {
        let lengths = parts.iter().map(|uploaded| uploaded.part.length);
        checksum::joined(row.algorithm, texts().zip(lengths)).unwrap_or_default()
    };
    let given = checksums_of!(request);
    for (algorithm, said) in Algorithm::ALL.into_iter().zip(given) {
        let Some(said) = said else { continue };
        let fits = algorithm == row.algorithm
            && (said == value || value.strip_suffix(&format!("-{}", parts.len())) == Some(said));
        if !fits {
            return Err(Error::BadChecksum(algorithm.name()));
        }
    }
    Ok(ChecksumRow {
        algorithm: row.algorithm,
        value,
        composite: row.composite,
    })
}
