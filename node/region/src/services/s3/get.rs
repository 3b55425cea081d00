//! GetObject and HeadObject.

use faultline_proto::s3;
use serde::{Deserialize, Serialize};

use super::conditions::{self, Conditions};
use super::encryption::{self, Customer, ObjectKey};
use super::error::Error;
use super::keyspaces::{BucketRow, ObjectRow, PartRow, VersionRow, Versioning};
use super::shapes::{
    customer_of, quoted, show_checksum, show_encryption, show_whole_checksum, shown_time,
};
use super::{access, body, lifecycle, lock, versions};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::{BodyChunk, CHUNK};

/// What a pull needs to read a body.
#[derive(Debug, Serialize, Deserialize)]
struct Reading {
    parts: Vec<PartRow>,
    /// The object's key sealed under the Region's root key.
    data_key: Vec<u8>,
    /// First byte of the answer, and one after the last.
    from: u64,
    to: u64,
}

const KEY: &str = "s3.reading";
const BOTH: &str = "Cannot specify both Range header and partNumber query parameter";

/// The stretch of an object that a read wants.
struct Wanted {
    from: u64,
    to: u64,
    /// Whether it was asked for: then the answer says where it is.
    partial: bool,
    parts_count: Option<i32>,
}

fn wanted(object: &ObjectRow, range: Option<&str>, part: Option<i32>) -> Result<Wanted, Error> {
    let whole = Wanted {
        from: 0,
        to: object.length,
        partial: false,
        parts_count: None,
    };
    let Some(number) = part else {
        let Some(text) = range else { return Ok(whole) };
        return Ok(match conditions::range(text, object.length)? {
            Some((from, to)) => Wanted {
                from,
                to,
                partial: true,
                parts_count: None,
            },
            None => whole,
        });
    };
    if range.is_some() {
        return Err(Error::InvalidRequest(BOTH));
    }
    if !(1..=10_000).contains(&number) {
        return Err(Error::PartNumber);
    }
    let mut from = 0;
    for part in &object.parts {
        if i64::from(part.number) == i64::from(number) {
            return Ok(Wanted {
                from,
                to: from + part.length,
                partial: part.length > 0,
                parts_count: object
                    .multipart
                    .then(|| i32::try_from(object.parts.len()).unwrap_or(i32::MAX)),
            });
        }
        from += part.length;
    }
    Err(Error::NoSuchPartNumber)
}

/// Members that GetObject and HeadObject answer alike.
macro_rules! describe {
    ($answer:expr, $ctx:expr, $row:expr, $object:expr, $bucket:expr, $wanted:expr, $request:expr) => {{
        let headers = &$object.headers;
        $answer.accept_ranges = Some("bytes".to_owned());
        $answer.last_modified = shown_time($row.modified);
        $answer.content_length = i64::try_from($wanted.to - $wanted.from).ok();
        $answer.e_tag = quoted(&$object.e_tag);
        $answer.version_id = shown_version($bucket, $row);
        $answer.content_range = $wanted.partial.then(|| {
            let last = $wanted.to.saturating_sub(1);
            format!("bytes {}-{last}/{}", $wanted.from, $object.length)
        });
        $answer.parts_count = $wanted.parts_count;
        $answer.content_type = $request
            .response_content_type
            .clone()
            .or_else(|| headers.content_type.clone())
            .or_else(|| Some("binary/octet-stream".to_owned()));
        $answer.cache_control = $request
            .response_cache_control
            .clone()
            .or_else(|| headers.cache_control.clone());
        $answer.content_disposition = $request
            .response_content_disposition
            .clone()
            .or_else(|| headers.content_disposition.clone());
        $answer.content_encoding = $request
            .response_content_encoding
            .clone()
            .or_else(|| headers.content_encoding.clone());
        $answer.content_language = $request
            .response_content_language
            .clone()
            .or_else(|| headers.content_language.clone());
        $answer.expires = $request.response_expires.or(headers.expires);
        $answer.website_redirect_location = headers.website_redirect.clone();
        $answer.metadata = $object.metadata.clone();
        show_encryption!($answer, &$object.encryption);
        $answer.storage_class =
            Some($object.storage_class.clone()).filter(|class| class != "STANDARD");
        $answer.replication_status = versions::replication_status($row);
        $answer.tag_count = i32::try_from($object.tags.len())
            .ok()
            .filter(|count| *count > 0);
        $answer.expiration = lifecycle::expiration($bucket, $request.key(), $row);
        let lock = lock::shown(&$object.lock);
        $answer.object_lock_mode = lock.mode;
        $answer.object_lock_retain_until_date = lock.until;
        $answer.object_lock_legal_hold_status = lock.legal_hold;
        if $request.checksum_mode() == "ENABLED" {
            if !$wanted.partial {
                show_whole_checksum!($answer, &$object.checksum);
            } else if let (Some(number), Some(row)) = ($request.part_number, &$object.checksum) {
                let part = $object
                    .parts
                    .iter()
                    .find(|part| i64::from(part.number) == i64::from(number));
                if let Some(part) = part.filter(|part| !part.checksum.is_empty()) {
                    show_checksum!($answer, row.algorithm, part.checksum.clone());
                    $answer.checksum_type = Some(super::shapes::kind(row.composite).to_owned());
                }
            }
        }
    }};
}

/// The version id of an answer to a read.
fn shown_version(bucket: &BucketRow, row: &VersionRow) -> Option<String> {
    Some(row.version_id.clone()).filter(|_| bucket.versioning != Versioning::Off)
}

pub(super) fn get(
    ctx: &mut Ctx<'_>,
    request: s3::GetObjectRequest,
) -> Result<s3::GetObjectResponse, Refusal> {
    let (row, bucket) = found(
        ctx,
        request.bucket(),
        request.key(),
        request.version_id.as_deref(),
    )?;
    let object = row.object.as_ref().ok_or(Error::NoSuchKey)?;
    let conditions = Conditions {
        if_match: request.if_match.as_deref(),
        if_none_match: request.if_none_match.as_deref(),
        if_modified_since: request.if_modified_since,
        if_unmodified_since: request.if_unmodified_since,
    };
    conditions.check(&row, object)?;
    in_reach(object)?;
    let customer = customer_of!(request);
    encryption::check_read(&object.encryption, customer)?;
    let wanted = wanted(object, request.range.as_deref(), request.part_number)?;
    let data_key = encryption::open(ctx, &object.encryption, customer)?;
    let reading = Reading {
        data_key: data_key.keep(ctx, KEY, b""),
        parts: object.parts.clone(),
        from: wanted.from,
        to: wanted.to,
    };
    ctx.answer_body(wanted.to - wanted.from, encode(&reading));
    let mut answer = s3::GetObjectResponse::default();
    describe!(answer, ctx, &row, object, &bucket, wanted, request);
    Ok(answer)
}

/// What lies in an archive must be restored first, which is not built.
pub(super) fn in_reach(object: &ObjectRow) -> Result<(), Error> {
    match object.storage_class.as_str() {
        "GLACIER" | "DEEP_ARCHIVE" => Err(Error::InvalidObjectState),
        _ => Ok(()),
    }
}

fn found(
    ctx: &mut Ctx<'_>,
    name: &str,
    key: &str,
    version_id: Option<&str>,
) -> Result<(VersionRow, BucketRow), Refusal> {
    let bucket = access::bucket(ctx, name)?;
    let row = versions::wanted(ctx, name, key, version_id)?;
    Ok((row, bucket))
}

/// HEAD needs no KMS permission unless it asks for checksums (SSE-021), and its errors have no
/// body (SSE-020).
pub(super) fn head(
    ctx: &mut Ctx<'_>,
    request: s3::HeadObjectRequest,
) -> Result<s3::HeadObjectResponse, Refusal> {
    read_head(ctx, &request).map_err(bare)
}

fn read_head(
    ctx: &mut Ctx<'_>,
    request: &s3::HeadObjectRequest,
) -> Result<s3::HeadObjectResponse, Refusal> {
    let (row, bucket) = found(
        ctx,
        request.bucket(),
        request.key(),
        request.version_id.as_deref(),
    )?;
    let object = row.object.as_ref().ok_or(Error::NoSuchKey)?;
    let conditions = Conditions {
        if_match: request.if_match.as_deref(),
        if_none_match: request.if_none_match.as_deref(),
        if_modified_since: request.if_modified_since,
        if_unmodified_since: request.if_unmodified_since,
    };
    conditions.check(&row, object)?;
    let customer = customer_of!(request);
    encryption::check_read(&object.encryption, customer)?;
    let is_customers = customer.is_given();
    if request.checksum_mode() == "ENABLED" && !is_customers {
        encryption::open(ctx, &object.encryption, Customer::default())?;
    }
    let wanted = wanted(object, request.range.as_deref(), request.part_number)?;
    let mut answer = s3::HeadObjectResponse::default();
    describe!(answer, ctx, &row, object, &bucket, wanted, request);
    Ok(answer)
}

/// An error of HEAD: the status alone, named as SDKs name it (SSE-020, SSE-045, SSE-047).
pub(super) fn bare(refusal: Refusal) -> Refusal {
    let (code, message) = match refusal.http_status {
        304 => ("304", "Not Modified"),
        400 => ("400", "Bad Request"),
        403 => ("403", "Forbidden"),
        404 => ("404", "Not Found"),
        405 => ("405", "Method Not Allowed"),
        412 => ("412", "Precondition Failed"),
        416 => ("416", "Requested Range Not Satisfiable"),
        _ => return refusal,
    };
    Refusal {
        code: code.into(),
        message: message.to_owned(),
        ..refusal
    }
}

/// Chunk `index` of an answer: it may begin in the middle of a stored chunk.
pub(super) fn read_body(ctx: &mut Ctx<'_>, state: &[u8], index: u64) -> Result<BodyChunk, Refusal> {
    let reading: Reading = decode(state)?;
    let data_key = ObjectKey::kept(ctx, KEY, b"", &reading.data_key)?;
    let size = CHUNK as u64;
    let begin = reading.from + index * size;
    let end = reading.to.min(begin + size);
    let bytes = body::read_range(ctx, &reading.parts, &data_key, begin, end)?;
    Ok(BodyChunk {
        bytes,
        last: end >= reading.to,
    })
}
