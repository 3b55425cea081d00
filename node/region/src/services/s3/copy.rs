//! CopyObject and UploadPartCopy: an object's bytes read, opened, and sealed anew.
//!
//! The target's encryption comes from the request or its bucket, never from the source (SSE-029),
//! and the data key is another one, bound to another name (SSE-024). A large copy goes on in steps
//! of 4 MiB, so that no step holds more than that.

use faultline_proto::progress::{Progress, Saga};
use faultline_proto::s3;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::checksum::Algorithm;
use super::conditions::Conditions;
use super::encryption::{self, Customer, ObjectKey};
use super::error::Error;
use super::intake::{Intake, Said, Taken};
use super::keyspaces::{ChecksumRow, EncryptionRow, ObjectRow, PartRow, VersionRow, Versioning};
use super::shapes::{
    self, asked_of, customer_of, headers_of, quoted, show_checksum, show_encryption,
    show_whole_checksum, shown_time, source_customer_of,
};
use super::template::{self, Template};
use super::{access, body, get, lock, parts, put, tags, uploads, versions};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::{CHUNK, SagaInput};

/// Chunks in one step.
const STEP: u64 = 64;
/// Largest source, in bytes.
const LARGEST: u64 = 5 * 1024 * 1024 * 1024;
const KEY: &str = "s3.copying";

/// The object that a copy reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
}

impl Source {
    /// Reads `BUCKET/KEY?versionId=VERSION`.
    ///
    /// # Errors
    /// InvalidArgument.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |words: &str| Error::InvalidArgument(words.to_owned());
        let (path, version_id) = match text.split_once("?versionId=") {
            Some((path, id)) => (path, Some(id.to_owned())),
            None => (text, None),
        };
        let path = shapes::url_decoded(path.strip_prefix('/').unwrap_or(path))
            .ok_or_else(|| wrong("Invalid copy source encoding."))?;
        let (bucket, key) = path
            .split_once('/')
            .filter(|(bucket, _)| !bucket.is_empty())
            .ok_or_else(|| {
                wrong("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
            })?;
        if key.is_empty() {
            return Err(wrong("Invalid copy source object key"));
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version_id,
        })
    }
}

/// A copy on its way.
#[derive(Debug, Serialize, Deserialize)]
struct Copying {
    from: Vec<PartRow>,
    /// The source's key sealed under the Region's root key.
    source_key: Vec<u8>,
    /// Bytes of the source that are wanted.
    begin: u64,
    end: u64,
    next: u64,
    intake: Intake,
    source_version: Option<String>,
    target: Target,
}

#[derive(Debug, Serialize, Deserialize)]
enum Target {
    Object {
        bucket: String,
        key: String,
        template: Box<Template>,
        conditions: put::Conditions,
    },
    Part {
        bucket: String,
        key: String,
        upload: String,
        number: u32,
        encryption: EncryptionRow,
    },
}

/// The source of a copy, with the key that opens it.
struct Opened {
    row: VersionRow,
    object: ObjectRow,
    key: ObjectKey,
    version: Option<String>,
}

fn open_source(
    ctx: &mut Ctx<'_>,
    source: &Source,
    conditions: Conditions<'_>,
    customer: Customer<'_>,
) -> Result<Opened, Refusal> {
    let bucket = access::bucket(ctx, &source.bucket)?;
    let id = source.version_id.as_deref();
    let row = versions::wanted(ctx, &source.bucket, &source.key, id).map_err(|refusal| {
        if refusal.code == "MethodNotAllowed" {
            return Error::InvalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.").into();
        }
        refusal
    })?;
    let object = row.object.clone().ok_or(Error::NoSuchKey)?;
    conditions.check_source(&row, &object)?;
    get::in_reach(&object)?;
    encryption::check_read(&object.encryption, customer)?;
    let key = encryption::open(ctx, &object.encryption, customer)?;
    let version = Some(row.version_id.clone()).filter(|_| bucket.versioning != Versioning::Off);
    Ok(Opened {
        row,
        object,
        key,
        version,
    })
}

/// Conditions that a copy puts on its source.
macro_rules! source_conditions {
    ($request:expr) => {
        Conditions {
            if_match: $request.copy_source_if_match.as_deref(),
            if_none_match: $request.copy_source_if_none_match.as_deref(),
            if_modified_since: $request.copy_source_if_modified_since,
            if_unmodified_since: $request.copy_source_if_unmodified_since,
        }
    };
}

pub(super) fn copy(
    ctx: &mut Ctx<'_>,
    request: s3::CopyObjectRequest,
) -> Result<Progress<s3::CopyObjectResponse>, Refusal> {
    let (name, key) = (request.bucket().to_owned(), request.key().to_owned());
    put::check_key(&key)?;
    let bucket = access::bucket(ctx, &name)?;
    let source = Source::parse(request.copy_source())?;
    let conditions = put::Conditions {
        if_match: request.if_match.clone(),
        if_none_match: request.if_none_match.clone(),
    };
    conditions.check(ctx, &name, &key)?;
    let opened = open_source(
        ctx,
        &source,
        source_conditions!(request),
        source_customer_of!(request),
    )?;
    check_copy(&request, &source, opened.object.length)?;
    let lock = lock::asked(
        ctx,
        &bucket,
        request.object_lock_mode.as_deref(),
        request.object_lock_retain_until_date,
        request.object_lock_legal_hold_status.as_deref(),
    )?;
    let replaces = request.metadata_directive() == "REPLACE";
    let tags = match (request.tagging_directive(), &request.tagging) {
        ("REPLACE", Some(tagging)) => tags::of_header(tagging)?,
        ("REPLACE", None) => std::collections::BTreeMap::new(),
        _ => opened.object.tags.clone(),
    };
    let metadata = template::metadata(request.metadata.clone())?;
    let algorithm = checksum_of(&request, &opened.object)?;
    let asked = asked_of!(request);
    let (encryption, data_key) = encryption::begin(ctx, &name, &key, &bucket, asked)?;
    let applied = encryption::applied(&asked, &encryption);
    let mut headers = if replaces {
        headers_of!(request)
    } else {
        opened.object.headers.clone()
    };
    headers
        .website_redirect
        .clone_from(&request.website_redirect_location);
    let template = Template {
        headers,
        metadata: if replaces {
            metadata
        } else {
            opened.object.metadata.clone()
        },
        tags,
        storage_class: request
            .storage_class
            .clone()
            .unwrap_or_else(template::standard),
        lock,
        owner: template::owner(ctx, &bucket),
        encryption,
        applied,
    };
    let target = Target::Object {
        bucket: name,
        key,
        template: Box::new(template),
        conditions,
    };
    let length = opened.object.length;
    let copying = begin(ctx, opened, (0, length), algorithm, &data_key, target);
    go_on(ctx, copying, |bytes| s3::CopyObjectResponse::decode(bytes))
}

/// Refuses what is too large for one copy, and what would change nothing.
fn check_copy(
    request: &s3::CopyObjectRequest,
    source: &Source,
    length: u64,
) -> Result<(), Refusal> {
    if length > LARGEST {
        return Err(Error::Request(format!(
            "The specified copy source is larger than the maximum allowable size for a copy source: {LARGEST}"
        ))
        .into());
    }
    if changes_nothing(request, source) {
        return Err(Error::InvalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.").into());
    }
    Ok(())
}

fn changes_nothing(request: &s3::CopyObjectRequest, source: &Source) -> bool {
    source.bucket == request.bucket()
        && source.key == request.key()
        && source.version_id.is_none()
        && request.metadata_directive() != "REPLACE"
        && request.tagging_directive() != "REPLACE"
        && request.storage_class.is_none()
        && request.website_redirect_location.is_none()
        && request.server_side_encryption.is_none()
        && !customer_of!(request).is_given()
}

fn checksum_of(request: &s3::CopyObjectRequest, source: &ObjectRow) -> Result<Algorithm, Error> {
    match &request.checksum_algorithm {
        Some(name) => Algorithm::parse(name).ok_or(Error::InvalidRequest(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
        )),
        None => Ok(source
            .checksum
            .as_ref()
            .map_or(Algorithm::Crc64Nvme, |row| row.algorithm)),
    }
}

pub(super) fn copy_part(
    ctx: &mut Ctx<'_>,
    request: s3::UploadPartCopyRequest,
) -> Result<Progress<s3::UploadPartCopyResponse>, Refusal> {
    let number = parts::number(request.part_number())?;
    let (name, key) = (request.bucket().to_owned(), request.key().to_owned());
    let (_, upload) = uploads::find(ctx, &name, &key, request.upload_id())?;
    let source = Source::parse(request.copy_source())?;
    let opened = open_source(
        ctx,
        &source,
        source_conditions!(request),
        source_customer_of!(request),
    )?;
    let range = match &request.copy_source_range {
        Some(text) => copy_range(text, opened.object.length)?,
        None => (0, opened.object.length),
    };
    let data_key = uploads::open(ctx, &upload, customer_of!(request))?;
    let target = Target::Part {
        bucket: name,
        key,
        upload: upload.id.clone(),
        number,
        encryption: upload.template.encryption.clone(),
    };
    let copying = begin(ctx, opened, range, upload.algorithm, &data_key, target);
    go_on(ctx, copying, |bytes| {
        s3::UploadPartCopyResponse::decode(bytes)
    })
}

/// The range of a copy must be whole and inside the source.
fn copy_range(text: &str, length: u64) -> Result<(u64, u64), Error> {
    let bounds = text
        .strip_prefix("bytes=")
        .and_then(|text| text.split_once('-'))
        .and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)))
        .filter(|(first, last)| first <= last);
    let Some((first, last)) = bounds else {
        return Err(Error::InvalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy".to_owned()));
    };
    if last >= length {
        return Err(Error::InvalidArgument(format!(
            "Range specified is not valid for source object of size: {length}"
        )));
    }
    Ok((first, last + 1))
}

fn begin(
    ctx: &mut Ctx<'_>,
    opened: Opened,
    (begin, end): (u64, u64),
    algorithm: Algorithm,
    data_key: &ObjectKey,
    target: Target,
) -> Copying {
    let said = Said {
        content_md5: None,
        algorithm,
        checksum: None,
        kept: None,
    };
    Copying {
        source_key: opened.key.keep(ctx, KEY, b""),
        from: opened.object.parts,
        begin,
        end,
        next: 0,
        intake: Intake::begin(ctx, data_key, said, end - begin),
        source_version: opened.version.filter(|_| !opened.row.version_id.is_empty()),
        target,
    }
}

/// Copies a step's worth; the answer when that was all.
fn go_on<T>(
    ctx: &mut Ctx<'_>,
    mut copying: Copying,
    read: impl Fn(&[u8]) -> Result<T, prost::DecodeError>,
) -> Result<Progress<T>, Refusal> {
    let key = ObjectKey::kept(ctx, KEY, b"", &copying.source_key)?;
    let size = CHUNK as u64;
    for _ in 0..STEP {
        let from = copying.begin + copying.next * size;
        let to = copying.end.min(from + size);
        let bytes = body::read_range(ctx, &copying.from, &key, from, to)?;
        let last = to == copying.end;
        let taken = copying.intake.take(ctx, copying.next, &bytes, last)?;
        copying.next += 1;
        if let Some(taken) = taken {
            let answer = end(ctx, copying, taken)?;
            return read(&answer)
                .map(Progress::Done)
                .map_err(|error| Refusal::internal(error.to_string()));
        }
    }
    ctx.give_up_after(1);
    Ok(Progress::Open(Saga {
        kind: "copy",
        state: encode(&copying),
    }))
}

/// The next step's time has come.
pub(super) fn resume(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    match input {
        SagaInput::Deadline => go_on(ctx, decode(state)?, |bytes| Ok(bytes.to_vec())),
        SagaInput::Answer { .. } | SagaInput::Chunk { .. } => {
            Err(Refusal::internal("a copy asks nobody"))
        }
    }
}

fn end(ctx: &mut Ctx<'_>, copying: Copying, taken: Taken) -> Result<Vec<u8>, Refusal> {
    let algorithm = copying.intake.algorithm();
    match copying.target {
        Target::Object {
            bucket: name,
            key,
            template,
            conditions,
        } => {
            let bucket = access::bucket(ctx, &name)?;
            conditions.check(ctx, &name, &key)?;
            ctx.audit_detail("SSEApplied", template.applied.clone());
            let object = whole(ctx, *template, algorithm, taken);
            let version = put::store(ctx, &name, &key, &bucket, object);
            let answer = copied(&bucket, &version, copying.source_version);
            Ok(answer.encode_to_vec())
        }
        Target::Part {
            bucket,
            key,
            upload,
            number,
            encryption,
        } => {
            let (_, row) = uploads::find(ctx, &bucket, &key, &upload)?;
            let kept = parts::keep(ctx, &upload, number, &encryption, taken);
            let mut result = s3::CopyPartResult {
                e_tag: quoted(&kept.part.e_tag),
                last_modified: shown_time(kept.modified),
                ..s3::CopyPartResult::default()
            };
            if row.chosen {
                show_checksum!(result, algorithm, kept.part.checksum.clone());
            }
            let mut answer = s3::UploadPartCopyResponse {
                copy_part_result: Some(result),
                copy_source_version_id: copying.source_version,
                ..s3::UploadPartCopyResponse::default()
            };
            show_encryption!(answer, &encryption);
            Ok(answer.encode_to_vec())
        }
    }
}

/// The object of one part that a body became.
pub(super) fn whole(
    ctx: &mut Ctx<'_>,
    template: Template,
    algorithm: Algorithm,
    mut taken: Taken,
) -> ObjectRow {
    let e_tag = encryption::e_tag(ctx, &template.encryption, taken.md5);
    taken.part.e_tag.clone_from(&e_tag);
    let checksum = ChecksumRow {
        algorithm,
        value: taken.part.checksum.clone(),
        composite: false,
    };
    template.object(vec![taken.part], false, e_tag, Some(checksum))
}

fn copied(
    bucket: &super::keyspaces::BucketRow,
    version: &VersionRow,
    source_version: Option<String>,
) -> s3::CopyObjectResponse {
    let mut answer = s3::CopyObjectResponse {
        copy_source_version_id: source_version,
        version_id: put::shown_version(bucket, version),
        ..s3::CopyObjectResponse::default()
    };
    if let Some(object) = &version.object {
        let mut result = s3::CopyObjectResult {
            e_tag: quoted(&object.e_tag),
            last_modified: shown_time(version.modified),
            ..s3::CopyObjectResult::default()
        };
        show_whole_checksum!(result, &object.checksum);
        answer.copy_object_result = Some(result);
        show_encryption!(answer, &object.encryption);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_bucket_key_and_perhaps_a_version() {
        let source = Source::parse("/album/a%20b/c?versionId=7").expect("a source");
        assert_eq!(
            (
                source.bucket.as_str(),
                source.key.as_str(),
                source.version_id.as_deref()
            ),
            ("album", "a b/c", Some("7"))
        );
        assert!(Source::parse("album").is_err() && Source::parse("album/").is_err());
    }

    #[test]
    fn the_range_of_a_copy_lies_in_its_source() {
        assert_eq!(copy_range("bytes=0-9", 10), Ok((0, 10)));
        for wrong in ["bytes=0-10", "bytes=5-2", "bytes=5-", "0-5"] {
            assert!(copy_range(wrong, 10).is_err(), "{wrong}");
        }
    }
}
