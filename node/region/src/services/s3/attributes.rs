//! GetObjectAttributes: facts about an object, each where it was asked for.

use faultline_proto::s3;

use super::encryption;
use super::error::Error;
use super::keyspaces::{ObjectRow, Versioning};
use super::shapes::{customer_of, show_checksum, show_whole_checksum, shown_time};
use super::{access, versions};
use crate::context::Ctx;
use crate::refusal::Refusal;

pub(super) fn get(
    ctx: &mut Ctx<'_>,
    request: s3::GetObjectAttributesRequest,
) -> Result<s3::GetObjectAttributesResponse, Refusal> {
    let bucket = access::bucket(ctx, request.bucket())?;
    let id = request.version_id.as_deref();
    let row = versions::wanted(ctx, request.bucket(), request.key(), id)?;
    let object = row.object.as_ref().ok_or(Error::NoSuchKey)?;
    encryption::check_read(&object.encryption, customer_of!(request))?;
    let asked = |name: &str| {
        request
            .object_attributes
            .iter()
            .any(|attribute| attribute == name)
    };
    let checksum = object
        .checksum
        .as_ref()
        .filter(|_| asked("Checksum"))
        .map(|row| {
            let mut shown = s3::Checksum::default();
            show_whole_checksum!(shown, &Some(row));
            shown
        });
    Ok(s3::GetObjectAttributesResponse {
        last_modified: shown_time(row.modified),
        version_id: Some(row.version_id.clone()).filter(|_| bucket.versioning != Versioning::Off),
        // Here, and only here, without quotes.
        e_tag: Some(object.e_tag.clone()).filter(|_| asked("ETag")),
        checksum,
        object_parts: asked("ObjectParts")
            .then(|| parts(object, &request))
            .flatten(),
        storage_class: Some(object.storage_class.clone()).filter(|_| asked("StorageClass")),
        object_size: i64::try_from(object.length)
            .ok()
            .filter(|_| asked("ObjectSize")),
        ..s3::GetObjectAttributesResponse::default()
    })
}

/// The parts of a multipart upload; one by one only where they have composite checksums.
fn parts(
    object: &ObjectRow,
    request: &s3::GetObjectAttributesRequest,
) -> Option<s3::GetObjectAttributesParts> {
    if !object.multipart {
        return None;
    }
    let total = i32::try_from(object.parts.len()).ok();
    let row = object.checksum.as_ref().filter(|row| row.composite);
    let Some(row) = row else {
        return Some(s3::GetObjectAttributesParts {
            total_parts_count: total,
            ..s3::GetObjectAttributesParts::default()
        });
    };
    let marker = request.part_number_marker.unwrap_or_default();
    let most = request.max_parts.unwrap_or(1000).clamp(0, 1000);
    let wanted = usize::try_from(most).unwrap_or_default();
    let after: Vec<_> = object
        .parts
        .iter()
        .filter(|part| i64::from(part.number) > i64::from(marker))
        .collect();
    let shown: Vec<s3::ObjectPart> = after
        .iter()
        .take(wanted)
        .map(|part| {
            let mut shown = s3::ObjectPart {
                part_number: i32::try_from(part.number).ok(),
                size: i64::try_from(part.length).ok(),
                ..s3::ObjectPart::default()
            };
            show_checksum!(shown, row.algorithm, part.checksum.clone());
            shown
        })
        .collect();
    Some(s3::GetObjectAttributesParts {
        total_parts_count: total,
        part_number_marker: Some(marker),
        next_part_number_marker: shown.last().and_then(|part| part.part_number).or(Some(0)),
        max_parts: Some(most),
        is_truncated: Some(after.len() > wanted),
        parts: shown,
    })
}
