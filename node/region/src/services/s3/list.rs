//! Listings of objects and versions, in key order, with prefix, delimiter and paging.
//!
//! A listing reads the store a stretch at a time and steps over what a common prefix rolls up, so
//! a page costs what it shows and not what the bucket holds.

use std::cmp::Reverse;
use std::collections::{BTreeSet, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use faultline_proto::s3;

use super::access;
use super::error::Error;
use super::keyspaces::{VersionKey, VersionRow, Versions};
use super::shapes::{self, kind, quoted, shown_time};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;

/// Most keys in one answer.
const MOST: i32 = 1000;
/// Rows that are read at a time.
const STRETCH: usize = 256;

/// How a listing writes keys: as they are, or percent-encoded.
pub(super) struct Encoding(bool);

impl Encoding {
    pub fn of(asked: Option<&str>) -> Self {
        Self(asked == Some("url"))
    }

    pub fn key(&self, text: &str) -> String {
        if self.0 {
            shapes::url_encoded(text)
        } else {
            text.to_owned()
        }
    }
}

/// The part of `key` up to the delimiter after the prefix, which a listing rolls up.
pub(super) fn common(key: &str, prefix: &str, delimiter: &str) -> Option<String> {
    if delimiter.is_empty() {
        return None;
    }
    let rest = key.strip_prefix(prefix)?;
    rest.find(delimiter)
        .map(|at| format!("{prefix}{}", &rest[..at + delimiter.len()]))
}

pub(super) fn prefixes(encoded: &Encoding, rolled: &BTreeSet<String>) -> Vec<s3::CommonPrefix> {
    rolled
        .iter()
        .map(|prefix| s3::CommonPrefix {
            prefix: Some(encoded.key(prefix)),
        })
        .collect()
}

/// The rows of a bucket in order.
struct Cursor {
    bucket: String,
    prefix: String,
    rows: VecDeque<(VersionKey, VersionRow)>,
    last: Option<VersionKey>,
    past: Option<String>,
    ended: bool,
}

impl Cursor {
    fn new(bucket: &str, prefix: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            rows: VecDeque::new(),
            last: None,
            past: None,
            ended: false,
        }
    }

    /// Goes on after the last version of this key.
    fn after_key(&mut self, key: &str) {
        self.last = Some((self.bucket.clone(), key.to_owned(), Reverse(0)));
        self.rows.clear();
        self.ended = false;
    }

    /// Goes on after all keys that begin so.
    fn past(&mut self, group: &str) {
        self.past = Some(group.to_owned());
        self.rows.clear();
        self.ended = false;
    }

    fn next(&mut self, ctx: &mut Ctx<'_>) -> Option<(VersionKey, VersionRow)> {
        if self.rows.is_empty() && !self.ended {
            let mut range = Range::<Versions>::under((self.bucket.as_str(),));
            if let Some(past) = &self.past {
                range = range.past(past);
            }
            range = range.begins(&self.prefix);
            if let Some(last) = &self.last {
                range = range.after(last);
            }
            self.rows = ctx.page(range, STRETCH).into();
            self.ended = self.rows.len() < STRETCH;
        }
        let row = self.rows.pop_front()?;
        self.last = Some(row.0.clone());
        Some(row)
    }
}

/// One page of current objects.
struct Page {
    objects: Vec<(String, VersionRow)>,
    rolled: BTreeSet<String>,
    /// The last key or prefix, when more follow.
    next: Option<String>,
}

impl Page {
    fn count(&self) -> usize {
        self.objects.len() + self.rolled.len()
    }
}

struct Asked<'a> {
    bucket: &'a str,
    prefix: &'a str,
    delimiter: &'a str,
    after: &'a str,
    limit: usize,
}

fn page(ctx: &mut Ctx<'_>, asked: &Asked<'_>) -> Page {
    let mut cursor = Cursor::new(asked.bucket, asked.prefix);
    if !asked.after.is_empty() {
        cursor.after_key(asked.after);
        let group = common(asked.after, asked.prefix, asked.delimiter);
        if group.as_deref() == Some(asked.after) {
            cursor.past(asked.after);
        }
    }
    let mut page = Page {
        objects: Vec::new(),
        rolled: BTreeSet::new(),
        next: None,
    };
    let mut seen = None;
    let mut last = String::new();
    if asked.limit == 0 {
        return page;
    }
    while let Some(((_, key, _), row)) = cursor.next(ctx) {
        if seen.as_ref() == Some(&key) {
            continue;
        }
        seen = Some(key.clone());
        if row.object.is_none() {
            continue;
        }
        let group = common(&key, asked.prefix, asked.delimiter);
        if page.count() >= asked.limit {
            page.next = Some(last);
            break;
        }
        if let Some(group) = group {
            cursor.past(&group);
            last.clone_from(&group);
            page.rolled.insert(group);
        } else {
            last.clone_from(&key);
            page.objects.push((key, row));
        }
    }
    page
}

fn entries(encoded: &Encoding, page: &Page, owners: bool) -> Vec<s3::Object> {
    let mut entries = Vec::with_capacity(page.objects.len());
    for (key, row) in &page.objects {
        let Some(object) = &row.object else { continue };
        let checksum = object.checksum.as_ref();
        entries.push(s3::Object {
            key: Some(encoded.key(key)),
            last_modified: shown_time(row.modified),
            e_tag: quoted(&object.e_tag),
            checksum_algorithm: checksum
                .map(|checksum| checksum.algorithm.name().to_owned())
                .into_iter()
                .collect(),
            checksum_type: checksum.map(|checksum| kind(checksum.composite).to_owned()),
            size: i64::try_from(object.length).ok(),
            storage_class: Some(object.storage_class.clone()),
            owner: shapes::owner(&object.owner).filter(|_| owners),
        });
    }
    entries
}

/// How many keys an answer may have.
fn limit(asked: Option<i32>) -> Result<i32, Error> {
    match asked {
        Some(asked) if asked < 0 => Err(Error::InvalidArgument(
            "Argument maxKeys must be an integer between 0 and 2147483647".to_owned(),
        )),
        asked => Ok(asked.unwrap_or(MOST).min(MOST)),
    }
}

pub(super) fn objects(
    ctx: &mut Ctx<'_>,
    request: s3::ListObjectsV2Request,
) -> Result<s3::ListObjectsV2Response, Refusal> {
    let bucket = request.bucket().to_owned();
    access::bucket(ctx, &bucket)?;
    let most = limit(request.max_keys)?;
    let after = match &request.continuation_token {
        Some(token) => {
            let wrong = || {
                Error::InvalidArgument("The continuation token provided is incorrect".to_owned())
            };
            String::from_utf8(BASE64.decode(token).map_err(|_| wrong())?).map_err(|_| wrong())?
        }
        None => request.start_after.clone().unwrap_or_default(),
    };
    let asked = Asked {
        bucket: &bucket,
        prefix: request.prefix(),
        delimiter: request.delimiter(),
        after: &after,
        limit: usize::try_from(most).unwrap_or_default(),
    };
    let page = page(ctx, &asked);
    let encoded = Encoding::of(request.encoding_type.as_deref());
    Ok(s3::ListObjectsV2Response {
        is_truncated: Some(page.next.is_some()),
        contents: entries(&encoded, &page, request.fetch_owner()),
        prefix: Some(encoded.key(request.prefix())),
        delimiter: request.delimiter.as_deref().map(|text| encoded.key(text)),
        max_keys: Some(most),
        common_prefixes: prefixes(&encoded, &page.rolled),
        key_count: i32::try_from(page.count()).ok(),
        continuation_token: request.continuation_token.clone(),
        next_continuation_token: page.next.as_ref().map(|next| BASE64.encode(next)),
        start_after: request.start_after.as_deref().map(|text| encoded.key(text)),
        encoding_type: request.encoding_type.clone(),
        name: Some(bucket),
    })
}

pub(super) fn older_objects(
    ctx: &mut Ctx<'_>,
    request: s3::ListObjectsRequest,
) -> Result<s3::ListObjectsResponse, Refusal> {
    let bucket = request.bucket().to_owned();
    access::bucket(ctx, &bucket)?;
    let most = limit(request.max_keys)?;
    let asked = Asked {
        bucket: &bucket,
        prefix: request.prefix(),
        delimiter: request.delimiter(),
        after: request.marker(),
        limit: usize::try_from(most).unwrap_or_default(),
    };
    let page = page(ctx, &asked);
    let encoded = Encoding::of(request.encoding_type.as_deref());
    let with_delimiter = !request.delimiter().is_empty();
    Ok(s3::ListObjectsResponse {
        is_truncated: Some(page.next.is_some()),
        marker: Some(encoded.key(request.marker())),
        // Without a delimiter the last key is marker enough.
        next_marker: page
            .next
            .as_deref()
            .filter(|_| with_delimiter)
            .map(|next| encoded.key(next)),
        contents: entries(&encoded, &page, true),
        prefix: Some(encoded.key(request.prefix())),
        delimiter: request.delimiter.as_deref().map(|text| encoded.key(text)),
        max_keys: Some(most),
        common_prefixes: prefixes(&encoded, &page.rolled),
        encoding_type: request.encoding_type.clone(),
        name: Some(bucket),
    })
}

/// Puts the cursor where the previous page of versions ended; the key that it is in the middle of.
fn resume_at(
    ctx: &mut Ctx<'_>,
    cursor: &mut Cursor,
    request: &s3::ListObjectVersionsRequest,
) -> Result<Option<String>, Error> {
    let Some(key) = request.key_marker.clone().filter(|key| !key.is_empty()) else {
        if request.version_id_marker.is_some() {
            return Err(Error::InvalidArgument(
                "A version-id marker cannot be specified without a key marker.".to_owned(),
            ));
        }
        return Ok(None);
    };
    let Some(id) = request
        .version_id_marker
        .as_deref()
        .filter(|id| !id.is_empty())
    else {
        cursor.after_key(&key);
        if common(&key, request.prefix(), request.delimiter()).as_deref() == Some(key.as_str()) {
            cursor.past(&key);
        }
        return Ok(None);
    };
    let found = super::versions::find(ctx, request.bucket(), &key, id);
    let (at, _) =
        found.ok_or_else(|| Error::InvalidArgument("Invalid version id specified".to_owned()))?;
    cursor.last = Some(at);
    Ok(Some(key))
}

pub(super) fn versions(
    ctx: &mut Ctx<'_>,
    request: s3::ListObjectVersionsRequest,
) -> Result<s3::ListObjectVersionsResponse, Refusal> {
    let bucket = request.bucket().to_owned();
    access::bucket(ctx, &bucket)?;
    let most = limit(request.max_keys)?;
    let limit = usize::try_from(most).unwrap_or_default();
    let encoded = Encoding::of(request.encoding_type.as_deref());
    let mut answer = s3::ListObjectVersionsResponse {
        is_truncated: Some(false),
        name: Some(bucket.clone()),
        prefix: Some(encoded.key(request.prefix())),
        key_marker: Some(encoded.key(request.key_marker())),
        version_id_marker: Some(request.version_id_marker().to_owned()),
        delimiter: request.delimiter.as_deref().map(|text| encoded.key(text)),
        max_keys: Some(most),
        encoding_type: request.encoding_type.clone(),
        ..s3::ListObjectVersionsResponse::default()
    };
    let mut cursor = Cursor::new(&bucket, request.prefix());
    let mut previous = resume_at(ctx, &mut cursor, &request)?;
    let mut rolled = BTreeSet::new();
    let mut last = (String::new(), None);
    while let Some(((_, key, _), row)) = cursor.next(ctx).filter(|_| limit > 0) {
        let shown = answer.versions.len() + answer.delete_markers.len() + rolled.len();
        if shown >= limit {
            answer.is_truncated = Some(true);
            answer.next_key_marker = Some(encoded.key(&last.0));
            answer.next_version_id_marker = last.1;
            break;
        }
        if let Some(group) = common(&key, request.prefix(), request.delimiter()) {
            cursor.past(&group);
            last = (group.clone(), None);
            rolled.insert(group);
            continue;
        }
        let is_latest = previous.as_ref() != Some(&key);
        previous = Some(key.clone());
        last = (key.clone(), Some(row.version_id.clone()));
        push(&mut answer, encoded.key(&key), row, is_latest);
    }
    answer.common_prefixes = prefixes(&encoded, &rolled);
    Ok(answer)
}

fn push(
    answer: &mut s3::ListObjectVersionsResponse,
    key: String,
    row: VersionRow,
    is_latest: bool,
) {
    let last_modified = shown_time(row.modified);
    let Some(object) = row.object else {
        answer.delete_markers.push(s3::DeleteMarkerEntry {
            key: Some(key),
            version_id: Some(row.version_id),
            is_latest: Some(is_latest),
            last_modified,
            owner: None,
        });
        return;
    };
    let checksum = object.checksum.as_ref();
    answer.versions.push(s3::ObjectVersion {
        e_tag: quoted(&object.e_tag),
        checksum_algorithm: checksum
            .map(|checksum| checksum.algorithm.name().to_owned())
            .into_iter()
            .collect(),
        checksum_type: checksum.map(|checksum| kind(checksum.composite).to_owned()),
        size: i64::try_from(object.length).ok(),
        storage_class: Some(object.storage_class),
        key: Some(key),
        version_id: Some(row.version_id),
        is_latest: Some(is_latest),
        last_modified,
        owner: shapes::owner(&object.owner),
    });
}
