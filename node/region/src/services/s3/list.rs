//! Listings, in key order, with prefix, delimiter and paging.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use faultline_proto::s3;

use super::error::Error;
use super::keyspaces::Versions;
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;

/// Most keys in one answer.
const MOST: i32 = 1000;

/// The part of `key` up to the delimiter after the prefix, which a listing rolls up.
fn common(key: &str, prefix: &str, delimiter: &str) -> Option<String> {
    if delimiter.is_empty() {
        return None;
    }
    let rest = key.strip_prefix(prefix)?;
    rest.find(delimiter)
        .map(|at| format!("{prefix}{}", &rest[..at + delimiter.len()]))
}

pub(super) fn objects(
    ctx: &mut Ctx<'_>,
    request: s3::ListObjectsV2Request,
) -> Result<s3::ListObjectsV2Response, Refusal> {
    let bucket = request.bucket().to_owned();
    let (prefix, delimiter) = (request.prefix().to_owned(), request.delimiter().to_owned());
    let limit = request.max_keys.unwrap_or(MOST).clamp(0, MOST);
    let after = match &request.continuation_token {
        Some(token) => {
            let wrong = || {
                Error::InvalidArgument("The continuation token provided is incorrect".to_owned())
            };
            String::from_utf8(BASE64.decode(token).map_err(|_| wrong())?).map_err(|_| wrong())?
        }
        None => request.start_after.clone().unwrap_or_default(),
    };
    let mut contents = Vec::new();
    let mut rolled = BTreeSet::new();
    let mut last = String::new();
    let mut seen: Option<String> = None;
    let mut is_truncated = false;
    for ((_, key, _), row) in ctx.all(Range::<Versions>::under((bucket.as_str(),)).begins(&prefix))
    {
        if seen.as_ref() == Some(&key) {
            continue;
        }
        seen = Some(key.clone());
        let group = common(&key, &prefix, &delimiter);
        let name = group.as_deref().unwrap_or(&key);
        let Some(object) = row.object else { continue };
        if name <= after.as_str()
            || (!after.is_empty() && group.is_none() && key <= after)
            || rolled.contains(name)
        {
            continue;
        }
        if i32::try_from(contents.len() + rolled.len()).unwrap_or(MOST) >= limit {
            is_truncated = true;
            break;
        }
        name.clone_into(&mut last);
        match group {
            Some(group) => {
                rolled.insert(group);
            }
            None => contents.push(s3::Object {
                key: Some(key),
                last_modified: Some(row.modified.div_euclid(1000)),
                e_tag: Some(format!("\"{}\"", object.e_tag)),
                size: i64::try_from(object.length).ok(),
                storage_class: Some(object.storage_class),
                ..s3::Object::default()
            }),
        }
    }
    let key_count = i32::try_from(contents.len() + rolled.len()).unwrap_or(MOST);
    Ok(s3::ListObjectsV2Response {
        is_truncated: Some(is_truncated),
        contents,
        name: Some(bucket),
        prefix: Some(prefix),
        delimiter: request.delimiter,
        max_keys: Some(limit),
        common_prefixes: rolled
            .into_iter()
            .map(|prefix| s3::CommonPrefix {
                prefix: Some(prefix),
            })
            .collect(),
        key_count: Some(key_count),
        continuation_token: request.continuation_token,
        next_continuation_token: is_truncated.then(|| BASE64.encode(&last)),
        start_after: request.start_after,
    })
}

pub(super) fn versions(
    ctx: &mut Ctx<'_>,
    request: s3::ListObjectVersionsRequest,
) -> Result<s3::ListObjectVersionsResponse, Refusal> {
    if request.delimiter.is_some() || request.version_id_marker.is_some() {
        return Err(Refusal::not_built(
            "ListObjectVersions with Delimiter or VersionIdMarker",
        ));
    }
    let bucket = request.bucket().to_owned();
    let prefix = request.prefix().to_owned();
    let limit =
        usize::try_from(request.max_keys.unwrap_or(MOST).clamp(0, MOST)).unwrap_or_default();
    let mut answer = s3::ListObjectVersionsResponse {
        is_truncated: Some(false),
        name: Some(bucket.clone()),
        prefix: Some(prefix.clone()),
        key_marker: request.key_marker.clone(),
        max_keys: i32::try_from(limit).ok(),
        ..s3::ListObjectVersionsResponse::default()
    };
    let mut previous = String::new();
    for ((_, key, _), row) in ctx.all(Range::<Versions>::under((bucket.as_str(),)).begins(&prefix))
    {
        let is_latest = Some(key != previous);
        if request
            .key_marker
            .as_ref()
            .is_some_and(|marker| key <= *marker)
        {
            continue;
        }
        // A page ends between keys, so that a marker names a whole key.
        if answer.versions.len() + answer.delete_markers.len() >= limit && key != previous {
            answer.is_truncated = Some(true);
            answer.next_key_marker = Some(previous);
            break;
        }
        previous.clone_from(&key);
        let last_modified = Some(row.modified.div_euclid(1000));
        match row.object {
            Some(object) => answer.versions.push(s3::ObjectVersion {
                e_tag: Some(format!("\"{}\"", object.e_tag)),
                size: i64::try_from(object.length).ok(),
                storage_class: Some(object.storage_class),
                key: Some(key),
                version_id: Some(row.version_id),
                is_latest,
                last_modified,
                ..s3::ObjectVersion::default()
            }),
            None => answer.delete_markers.push(s3::DeleteMarkerEntry {
                key: Some(key),
                version_id: Some(row.version_id),
                is_latest,
                last_modified,
                ..s3::DeleteMarkerEntry::default()
            }),
        }
    }
    Ok(answer)
}
