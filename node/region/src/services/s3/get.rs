//! GetObject, HeadObject and DeleteObject.

use faultline_proto::s3;
use serde::{Deserialize, Serialize};

use super::encryption::{self, Customer, ObjectKey};
use super::error::Error;
use super::keyspaces::{ObjectRow, PartRow, VersionRow, Versioning, Versions};
use super::{access, body, put, replication, versions};
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

pub(super) fn get(
    ctx: &mut Ctx<'_>,
    request: s3::GetObjectRequest,
) -> Result<s3::GetObjectResponse, Refusal> {
    let row = versions::wanted(
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
    let customer = Customer {
        algorithm: request.sse_customer_algorithm.as_deref(),
        key: request.sse_customer_key.as_deref(),
        key_md5: request.sse_customer_key_md5.as_deref(),
    };
    encryption::check_read(&object.encryption, customer)?;
    let data_key = encryption::open(ctx, &object.encryption, customer)?;
    let (from, to) = range(request.range.as_deref(), object.length)?;
    let reading = Reading {
        data_key: data_key.keep(ctx, KEY, b""),
        parts: object.parts.clone(),
        from,
        to,
    };
    ctx.answer_body(to - from, encode(&reading));
    let shown = versions::shown(&object.encryption);
    let bucket = access::bucket(ctx, request.bucket())?;
    Ok(s3::GetObjectResponse {
        accept_ranges: Some("bytes".to_owned()),
        last_modified: Some(row.modified.div_euclid(1000)),
        content_length: i64::try_from(to - from).ok(),
        e_tag: Some(format!("\"{}\"", object.e_tag)),
        version_id: Some(row.version_id.clone()).filter(|_| bucket.versioning != Versioning::Off),
        content_range: request
            .range
            .is_some()
            .then(|| format!("bytes {from}-{}/{}", to.saturating_sub(1), object.length)),
        content_type: object.headers.content_type.clone(),
        cache_control: object.headers.cache_control.clone(),
        content_disposition: object.headers.content_disposition.clone(),
        content_encoding: object.headers.content_encoding.clone(),
        content_language: object.headers.content_language.clone(),
        expires: object.headers.expires,
        metadata: object.metadata.clone(),
        server_side_encryption: shown.algorithm,
        ssekms_key_id: shown.key,
        bucket_key_enabled: shown.bucket_key,
        sse_customer_algorithm: shown.customer_algorithm,
        sse_customer_key_md5: shown.customer_key_md5,
        storage_class: class(object),
        replication_status: versions::replication_status(&row),
        tag_count: i32::try_from(object.tags.len())
            .ok()
            .filter(|count| *count > 0),
        ..s3::GetObjectResponse::default()
    })
}

fn class(object: &ObjectRow) -> Option<String> {
    Some(object.storage_class.clone()).filter(|class| class != "STANDARD")
}

/// HEAD needs no KMS permission (SSE-021), and its errors have no body (SSE-020).
pub(super) fn head(
    ctx: &mut Ctx<'_>,
    request: s3::HeadObjectRequest,
) -> Result<s3::HeadObjectResponse, Refusal> {
    let found = read_head(ctx, &request).map_err(bare);
    let row = found?;
    let object = row.object.as_ref().ok_or(Error::NoSuchKey)?;
    let shown = versions::shown(&object.encryption);
    let bucket = access::bucket(ctx, request.bucket())?;
    Ok(s3::HeadObjectResponse {
        accept_ranges: Some("bytes".to_owned()),
        last_modified: Some(row.modified.div_euclid(1000)),
        content_length: i64::try_from(object.length).ok(),
        e_tag: Some(format!("\"{}\"", object.e_tag)),
        version_id: Some(row.version_id.clone()).filter(|_| bucket.versioning != Versioning::Off),
        content_type: object.headers.content_type.clone(),
        cache_control: object.headers.cache_control.clone(),
        content_disposition: object.headers.content_disposition.clone(),
        content_encoding: object.headers.content_encoding.clone(),
        content_language: object.headers.content_language.clone(),
        expires: object.headers.expires,
        metadata: object.metadata.clone(),
        server_side_encryption: shown.algorithm,
        ssekms_key_id: shown.key,
        bucket_key_enabled: shown.bucket_key,
        sse_customer_algorithm: shown.customer_algorithm,
        sse_customer_key_md5: shown.customer_key_md5,
        storage_class: class(object),
        replication_status: versions::replication_status(&row),
        ..s3::HeadObjectResponse::default()
    })
}

fn read_head(ctx: &mut Ctx<'_>, request: &s3::HeadObjectRequest) -> Result<VersionRow, Refusal> {
    let row = versions::wanted(
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
    let customer = Customer {
        algorithm: request.sse_customer_algorithm.as_deref(),
        key: request.sse_customer_key.as_deref(),
        key_md5: request.sse_customer_key_md5.as_deref(),
    };
    encryption::check_read(&object.encryption, customer)?;
    Ok(row)
}

/// An error of HEAD: the status alone, named as SDKs name it (SSE-020, SSE-045, SSE-047).
fn bare(refusal: Refusal) -> Refusal {
    let (code, message) = match refusal.http_status {
        400 => ("400", "Bad Request"),
        403 => ("403", "Forbidden"),
        404 => ("404", "Not Found"),
        _ => return refusal,
    };
    Refusal {
        code: code.into(),
        message: message.to_owned(),
        ..refusal
    }
}

struct Conditions<'a> {
    if_match: Option<&'a str>,
    if_none_match: Option<&'a str>,
    if_modified_since: Option<i64>,
    if_unmodified_since: Option<i64>,
}

impl Conditions<'_> {
    fn check(&self, row: &VersionRow, object: &ObjectRow) -> Result<(), Error> {
        let same = |wanted: &str| wanted == "*" || wanted.trim_matches('"') == object.e_tag;
        let modified = row.modified.div_euclid(1_000_000);
        if self.if_match.is_some_and(|wanted| !same(wanted)) {
            return Err(Error::PreconditionFailed);
        }
        if self.if_match.is_none()
            && self
                .if_unmodified_since
                .is_some_and(|since| modified > since.div_euclid(1000))
        {
            return Err(Error::PreconditionFailed);
        }
        if self.if_none_match.is_some_and(same) {
            return Err(Error::NotModified);
        }
        if self.if_none_match.is_none()
            && self
                .if_modified_since
                .is_some_and(|since| modified <= since.div_euclid(1000))
        {
            return Err(Error::NotModified);
        }
        Ok(())
    }
}

/// First byte and one after the last; a range that does not parse is the whole object, as in HTTP.
fn range(text: Option<&str>, length: u64) -> Result<(u64, u64), Error> {
    let Some((first, last)) = text
        .and_then(|text| text.strip_prefix("bytes="))
        .and_then(|text| text.split_once('-'))
    else {
        return Ok((0, length));
    };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), _) if first >= length => Err(Error::InvalidRange),
        (Ok(first), Ok(last)) if last >= first => Ok((first, length.min(last + 1))),
        (Ok(first), Err(_)) if last.is_empty() => Ok((first, length)),
        (Err(_), Ok(suffix)) if first.is_empty() && suffix > 0 => {
            Ok((length.saturating_sub(suffix), length))
        }
        _ => Ok((0, length)),
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

pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: s3::DeleteObjectRequest,
) -> Result<s3::DeleteObjectResponse, Refusal> {
    let (name, key) = (request.bucket(), request.key());
    let bucket = access::bucket(ctx, name)?;
    if let Some(id) = &request.version_id {
        // Never replicated (S3-055).
        let Some((version, row)) = versions::find(ctx, name, key, id) else {
            return Ok(s3::DeleteObjectResponse {
                version_id: Some(id.clone()),
                ..s3::DeleteObjectResponse::default()
            });
        };
        if let Some(object) = &row.object {
            body::remove(ctx, object);
        }
        ctx.delete::<Versions>(&version);
        replication::hard_deleted(ctx, name, key, &row);
        return Ok(s3::DeleteObjectResponse {
            delete_marker: row.object.is_none().then_some(true),
            version_id: Some(id.clone()),
        });
    }
    if bucket.versioning == Versioning::Off {
        if let Some((version, row)) = versions::latest(ctx, name, key) {
            if let Some(object) = &row.object {
                body::remove(ctx, object);
            }
            ctx.delete::<Versions>(&version);
        }
        return Ok(s3::DeleteObjectResponse::default());
    }
    let version_id = put::new_version_id(ctx, &bucket);
    let row = VersionRow {
        version_id: version_id.clone(),
        modified: ctx.now().0,
        object: None,
        destinations: Vec::new(),
        replica: false,
    };
    let order = versions::add(ctx, name, key, row);
    replication::consider(ctx, name, key, order, &bucket);
    Ok(s3::DeleteObjectResponse {
        delete_marker: Some(true),
        version_id: Some(version_id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_http_ranges() {
        assert_eq!(range(Some("bytes=0-0"), 10), Ok((0, 1)));
        assert_eq!(range(Some("bytes=4-"), 10), Ok((4, 10)));
        assert_eq!(range(Some("bytes=-3"), 10), Ok((7, 10)));
        assert_eq!(range(Some("bytes=2-99"), 10), Ok((2, 10)));
        assert_eq!(range(Some("bytes=10-"), 10), Err(Error::InvalidRange));
        assert_eq!(range(Some("lines=1-2"), 10), Ok((0, 10)));
    }
}
