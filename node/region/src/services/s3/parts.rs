//! UploadPart, ListParts and ListMultipartUploads.

use std::collections::BTreeSet;

use faultline_proto::progress::{Progress, Saga};
use faultline_proto::s3;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::checksum::Algorithm;
use super::encryption;
use super::error::Error;
use super::intake::{self, Intake, Taken};
use super::keyspaces::EncryptionRow;
use super::shapes::{
    self, checksums_of, customer_of, quoted, show_checksum, show_encryption, shown_time,
};
use super::uploads::{self, Parts, UploadRow, UploadedRow};
use super::{access, content, list};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;
use crate::store::Range;

/// A part whose body is on its way.
#[derive(Debug, Serialize, Deserialize)]
struct Uploading {
    bucket: String,
    key: String,
    upload: String,
    number: u32,
    encryption: EncryptionRow,
    intake: Intake,
}

/// The number of a part.
///
/// # Errors
/// InvalidArgument.
pub(super) fn number(given: i32) -> Result<u32, Error> {
    u32::try_from(given)
        .ok()
        .filter(|number| (1..=10_000).contains(number))
        .ok_or(Error::PartNumber)
}

pub(super) fn upload(
    ctx: &mut Ctx<'_>,
    request: s3::UploadPartRequest,
) -> Result<Progress<s3::UploadPartResponse>, Refusal> {
    let number = number(request.part_number())?;
    let (_, row) = uploads::find(ctx, request.bucket(), request.key(), request.upload_id())?;
    let mut said = intake::said(
        request.content_md5.as_deref(),
        request.checksum_algorithm.as_deref(),
        checksums_of!(request),
        row.algorithm,
    )?;
    if said.algorithm != row.algorithm {
        if row.chosen {
            return Err(mismatch(row.algorithm, said.algorithm).into());
        }
        said.kept = Some(row.algorithm);
    }
    let data_key = uploads::open(ctx, &row, customer_of!(request))?;
    let expected = ctx.frame().body_length;
    let mut uploading = Uploading {
        intake: Intake::begin(ctx, &data_key, said, expected.unwrap_or_default()),
        bucket: request.bucket().to_owned(),
        key: request.key().to_owned(),
        upload: row.id,
        number,
        encryption: row.template.encryption,
    };
    if expected.is_none() {
        let taken = uploading.intake.take(ctx, 0, &[], true)?;
        let taken = taken.ok_or_else(|| Refusal::internal("an empty body is whole"))?;
        return end(ctx, &uploading, taken).map(Progress::Done);
    }
    Ok(waiting(&uploading))
}

fn mismatch(wanted: Algorithm, given: Algorithm) -> Error {
    Error::Request(format!(
        "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
        wanted.name().to_ascii_lowercase(),
        given.name().to_ascii_lowercase()
    ))
}

fn waiting<T>(uploading: &Uploading) -> Progress<T> {
    Progress::Open(Saga {
        kind: "upload-part",
        state: encode(uploading),
    })
}

pub(super) fn resume(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let mut uploading: Uploading = decode(state)?;
    let SagaInput::Chunk { index, bytes, last } = input else {
        uploading.intake.give_up(ctx);
        return Err(intake::timed_out());
    };
    let Some(taken) = uploading.intake.take(ctx, index, bytes, last)? else {
        return Ok(waiting(&uploading));
    };
    let response = end(ctx, &uploading, taken)?;
    Ok(Progress::Done(response.encode_to_vec()))
}

fn end(
    ctx: &mut Ctx<'_>,
    uploading: &Uploading,
    taken: Taken,
) -> Result<s3::UploadPartResponse, Refusal> {
    // The upload may have ended while this body came.
    uploads::find(ctx, &uploading.bucket, &uploading.key, &uploading.upload)?;
    let checksum = taken.checksum.clone();
    let row = keep(
        ctx,
        &uploading.upload,
        uploading.number,
        &uploading.encryption,
        taken,
    );
    let mut answer = s3::UploadPartResponse {
        e_tag: quoted(&row.part.e_tag),
        ..s3::UploadPartResponse::default()
    };
    show_encryption!(answer, &uploading.encryption);
    show_checksum!(answer, uploading.intake.algorithm(), checksum);
    Ok(answer)
}

/// Keeps a part; an earlier one of the same number goes.
pub(super) fn keep(
    ctx: &mut Ctx<'_>,
    upload: &str,
    number: u32,
    encryption: &EncryptionRow,
    taken: Taken,
) -> UploadedRow {
    let at = (upload.to_owned(), u64::from(number));
    if let Some(old) = ctx.get::<Parts>(&at) {
        content::remove_part(ctx, &old.part);
    }
    let mut part = taken.part;
    part.number = number;
    part.e_tag = encryption::e_tag(ctx, encryption, taken.md5);
    content::commit(ctx, &part.content);
    let row = UploadedRow {
        modified: ctx.now().0,
        part,
        md5: taken.md5,
    };
    ctx.put::<Parts>(&at, &row);
    row
}

pub(super) fn list(
    ctx: &mut Ctx<'_>,
    request: s3::ListPartsRequest,
) -> Result<s3::ListPartsResponse, Refusal> {
    let (_, row) = uploads::find(ctx, request.bucket(), request.key(), request.upload_id())?;
    let most = request.max_parts.unwrap_or(1000).clamp(0, 1000);
    let marker = request.part_number_marker.unwrap_or_default();
    let after = u64::try_from(marker).unwrap_or_default();
    let wanted = usize::try_from(most).unwrap_or_default();
    let mut rows = ctx.page(
        Range::<Parts>::under((row.id.as_str(),)).after(&(row.id.clone(), after)),
        wanted + 1,
    );
    let is_truncated = rows.len() > wanted;
    rows.truncate(wanted);
    let parts: Vec<s3::Part> = rows
        .into_iter()
        .map(|(_, uploaded)| shown(&row, &uploaded))
        .collect();
    let last = parts.last().and_then(|part| part.part_number);
    Ok(s3::ListPartsResponse {
        bucket: request.bucket.clone(),
        key: request.key.clone(),
        upload_id: Some(row.id.clone()),
        part_number_marker: Some(marker),
        next_part_number_marker: last.or(Some(0)),
        max_parts: Some(most),
        is_truncated: Some(is_truncated),
        parts,
        initiator: uploads::initiator(&row.initiator),
        owner: shapes::owner(&row.template.owner),
        storage_class: Some(row.template.storage_class.clone()),
        checksum_algorithm: row.chosen.then(|| row.algorithm.name().to_owned()),
        checksum_type: row.chosen.then(|| shapes::kind(row.composite).to_owned()),
        ..s3::ListPartsResponse::default()
    })
}

fn shown(upload: &UploadRow, row: &UploadedRow) -> s3::Part {
    let mut part = s3::Part {
        part_number: i32::try_from(row.part.number).ok(),
        last_modified: shown_time(row.modified),
        e_tag: quoted(&row.part.e_tag),
        size: i64::try_from(row.part.length).ok(),
        ..s3::Part::default()
    };
    if upload.chosen {
        show_checksum!(part, upload.algorithm, row.part.checksum.clone());
    }
    part
}

pub(super) fn list_uploads(
    ctx: &mut Ctx<'_>,
    request: s3::ListMultipartUploadsRequest,
) -> Result<s3::ListMultipartUploadsResponse, Refusal> {
    let name = request.bucket().to_owned();
    access::bucket(ctx, &name)?;
    let (prefix, delimiter) = (request.prefix().to_owned(), request.delimiter().to_owned());
    let most = request.max_uploads.unwrap_or(1000).clamp(0, 1000);
    let limit = usize::try_from(most).unwrap_or_default();
    let encoded = list::Encoding::of(request.encoding_type.as_deref());
    let key_marker = request.key_marker().to_owned();
    let id_marker = request.upload_id_marker().to_owned();
    let mut answer = s3::ListMultipartUploadsResponse {
        bucket: Some(name.clone()),
        key_marker: Some(encoded.key(&key_marker)),
        upload_id_marker: Some(id_marker.clone()),
        prefix: Some(encoded.key(&prefix)),
        delimiter: request.delimiter.as_deref().map(|text| encoded.key(text)),
        max_uploads: Some(most),
        is_truncated: Some(false),
        encoding_type: request.encoding_type.clone(),
        next_key_marker: Some(String::new()),
        next_upload_id_marker: Some(String::new()),
        ..s3::ListMultipartUploadsResponse::default()
    };
    let mut rolled: BTreeSet<String> = BTreeSet::new();
    let mut past_marker = id_marker.is_empty();
    for ((_, key, _), row) in uploads::of_bucket(ctx, &name) {
        if !key.starts_with(&prefix) || key < key_marker {
            continue;
        }
        if key == key_marker && !key_marker.is_empty() {
            // Of the marker's key come those after the marked upload, if one is marked.
            let skip = !past_marker || id_marker.is_empty();
            past_marker |= row.id == id_marker;
            if skip {
                continue;
            }
        }
        let group = list::common(&key, &prefix, &delimiter);
        if group
            .as_ref()
            .is_some_and(|group| rolled.contains(group) || *group <= key_marker)
        {
            continue;
        }
        if answer.uploads.len() + rolled.len() >= limit {
            answer.is_truncated = Some(limit > 0);
            break;
        }
        answer.next_key_marker = Some(encoded.key(group.as_deref().unwrap_or(&key)));
        answer.next_upload_id_marker = Some(row.id.clone());
        match group {
            Some(group) => {
                rolled.insert(group);
            }
            None => answer.uploads.push(entry(&encoded, &key, row)),
        }
    }
    if answer.is_truncated != Some(true) {
        answer.next_upload_id_marker = Some(String::new());
        answer.next_key_marker = Some(String::new());
    }
    answer.common_prefixes = list::prefixes(&encoded, &rolled);
    Ok(answer)
}

fn entry(encoded: &list::Encoding, key: &str, row: UploadRow) -> s3::MultipartUpload {
    s3::MultipartUpload {
        upload_id: Some(row.id),
        key: Some(encoded.key(key)),
        initiated: shown_time(row.initiated),
        storage_class: Some(row.template.storage_class),
        owner: shapes::owner(&row.template.owner),
        initiator: uploads::initiator(&row.initiator),
        checksum_algorithm: row.chosen.then(|| row.algorithm.name().to_owned()),
        checksum_type: row.chosen.then(|| shapes::kind(row.composite).to_owned()),
    }
}
