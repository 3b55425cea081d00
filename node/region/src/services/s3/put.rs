//! PutObject: opened by the call, fed by chunks, committed by the last one.

use faultline_proto::progress::{Progress, Saga};
use faultline_proto::s3;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::checksum::Algorithm;
use super::encryption;
use super::error::Error;
use super::intake::{self, Intake, Taken};
use super::keyspaces::{BucketRow, ObjectRow, VersionRow, Versioning};
use super::shapes::{
    asked_of, checksums_of, headers_of, quoted, show_encryption, show_whole_checksum,
};
use super::template::{self, Template};
use super::{access, body, copy, lifecycle, lock, replication, tags, versions};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;

/// A put whose body is on its way.
#[derive(Debug, Serialize, Deserialize)]
struct Upload {
    bucket: String,
    key: String,
    intake: Intake,
    template: Template,
    conditions: Conditions,
}

/// Conditions of a write.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Conditions {
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
}

impl Conditions {
    /// Whether the object that is there now lets the write happen.
    ///
    /// # Errors
    /// PreconditionFailed, NoSuchKey, NotImplemented.
    pub fn check(&self, ctx: &mut Ctx<'_>, bucket: &str, key: &str) -> Result<(), Refusal> {
        if self.if_match.is_none() && self.if_none_match.is_none() {
            return Ok(());
        }
        if self.if_none_match.as_deref().is_some_and(|tag| tag != "*") {
            return Err(Error::HeaderNotImplemented.into());
        }
        let current = versions::latest(ctx, bucket, key).and_then(|(_, row)| row.object);
        if self.if_none_match.is_some() && current.is_some() {
            return Err(Error::FailedCondition("If-None-Match").into());
        }
        match (&self.if_match, current) {
            (Some(_), None) => Err(Error::NoSuchKey.into()),
            (Some(wanted), Some(object)) if wanted.trim_matches('"') != object.e_tag => {
                Err(Error::FailedCondition("If-Match").into())
            }
            _ => Ok(()),
        }
    }
}

/// A key that an object can have.
///
/// # Errors
/// KeyTooLongError.
pub(super) fn check_key(key: &str) -> Result<(), Error> {
    if key.len() > 1024 {
        return Err(Error::KeyTooLong);
    }
    Ok(())
}

pub(super) fn begin(
    ctx: &mut Ctx<'_>,
    request: s3::PutObjectRequest,
) -> Result<Progress<s3::PutObjectResponse>, Refusal> {
    let (name, key) = (request.bucket().to_owned(), request.key().to_owned());
    check_key(&key)?;
    let bucket = access::bucket(ctx, &name)?;
    let conditions = Conditions {
        if_match: request.if_match.clone(),
        if_none_match: request.if_none_match.clone(),
    };
    conditions.check(ctx, &name, &key)?;
    let said = intake::said(
        request.content_md5.as_deref(),
        request.checksum_algorithm.as_deref(),
        checksums_of!(request),
        Algorithm::Crc64Nvme,
    )?;
    let lock = lock::asked(
        ctx,
        &bucket,
        request.object_lock_mode.as_deref(),
        request.object_lock_retain_until_date,
        request.object_lock_legal_hold_status.as_deref(),
    )?;
    let tags = request
        .tagging
        .as_deref()
        .map(tags::of_header)
        .transpose()?;
    let metadata = template::metadata(request.metadata.clone())?;
    let asked = asked_of!(request);
    let (encryption, data_key) = encryption::begin(ctx, &name, &key, &bucket, asked)?;
    let applied = encryption::applied(&asked, &encryption);
    let template = Template {
        headers: headers_of!(request),
        metadata,
        tags: tags.unwrap_or_default(),
        storage_class: request.storage_class.unwrap_or_else(template::standard),
        lock,
        owner: template::owner(ctx, &bucket),
        encryption,
        applied,
    };
    let expected = ctx.frame().body_length;
    let mut upload = Upload {
        intake: Intake::begin(ctx, &data_key, said, expected.unwrap_or_default()),
        template,
        conditions,
        bucket: name,
        key,
    };
    if expected.is_none() {
        let taken = upload.intake.take(ctx, 0, &[], true)?;
        let taken = taken.ok_or_else(|| Refusal::internal("an empty body is whole"))?;
        return end(ctx, upload, taken).map(Progress::Done);
    }
    Ok(open(&upload))
}

fn open<T>(upload: &Upload) -> Progress<T> {
    Progress::Open(Saga {
        kind: "put-object",
        state: encode(upload),
    })
}

pub(super) fn resume(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let mut upload: Upload = decode(state)?;
    let SagaInput::Chunk { index, bytes, last } = input else {
        upload.intake.give_up(ctx);
        return Err(intake::timed_out());
    };
    let Some(taken) = upload.intake.take(ctx, index, bytes, last)? else {
        return Ok(open(&upload));
    };
    let response = end(ctx, upload, taken)?;
    Ok(Progress::Done(response.encode_to_vec()))
}

fn end(ctx: &mut Ctx<'_>, upload: Upload, taken: Taken) -> Result<s3::PutObjectResponse, Refusal> {
    let bucket = access::bucket(ctx, &upload.bucket)?;
    // Another write may have ended while this body came.
    upload.conditions.check(ctx, &upload.bucket, &upload.key)?;
    ctx.audit_detail("SSEApplied", upload.template.applied.clone());
    let algorithm = upload.intake.algorithm();
    let object = copy::whole(ctx, upload.template, algorithm, taken);
    let row = store(ctx, &upload.bucket, &upload.key, &bucket, object);
    Ok(answer(&bucket, &upload.key, &row))
}

/// Makes a new version of an object whose bytes are there, and looks whether it replicates.
pub(super) fn store(
    ctx: &mut Ctx<'_>,
    name: &str,
    key: &str,
    bucket: &BucketRow,
    object: ObjectRow,
) -> VersionRow {
    body::commit(ctx, &object);
    let version_id = new_version_id(ctx, bucket);
    let row = VersionRow {
        version_id,
        modified: ctx.now().0,
        object: Some(object),
        destinations: Vec::new(),
        replica: false,
    };
    let order = versions::add(ctx, name, key, row.clone());
    lifecycle::arm(ctx, name, bucket);
    replication::consider(ctx, name, key, order, bucket);
    row
}

/// A new version's id; `null` where versions are not kept.
pub(super) fn new_version_id(ctx: &mut Ctx<'_>, bucket: &BucketRow) -> String {
    match bucket.versioning {
        Versioning::Enabled => ctx.entropy().hex::<16>("s3.version-id"),
        Versioning::Off | Versioning::Suspended => "null".to_owned(),
    }
}

/// The version id of an answer to a write.
pub(super) fn shown_version(bucket: &BucketRow, row: &VersionRow) -> Option<String> {
    match bucket.versioning {
        Versioning::Enabled => Some(row.version_id.clone()),
        Versioning::Suspended | Versioning::Off => None,
    }
}

fn answer(bucket: &BucketRow, key: &str, row: &VersionRow) -> s3::PutObjectResponse {
    let mut answer = s3::PutObjectResponse {
        version_id: shown_version(bucket, row),
        expiration: lifecycle::expiration(bucket, key, row),
        ..s3::PutObjectResponse::default()
    };
    if let Some(object) = &row.object {
        answer.e_tag = quoted(&object.e_tag);
        show_encryption!(answer, &object.encryption);
        show_whole_checksum!(answer, &object.checksum);
    }
    answer
}
