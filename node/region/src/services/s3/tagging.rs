//! Tags of objects.

use std::collections::BTreeMap;

use faultline_proto::s3;

use super::error::Error;
use super::keyspaces::{Versioning, Versions};
use super::{access, replication, tags, versions};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Sets an object's tags; the version id to answer.
fn set(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    version_id: Option<&str>,
    tags: BTreeMap<String, String>,
) -> Result<Option<String>, Refusal> {
    let row = access::bucket(ctx, bucket)?;
    let (at, mut version) = versions::wanted_with_key(ctx, bucket, key, version_id)?;
    let object = version.object.as_mut().ok_or(Error::MethodNotAllowed)?;
    object.tags = tags;
    ctx.put::<Versions>(&at, &version);
    replication::changed(ctx, &at);
    Ok(Some(version.version_id).filter(|_| row.versioning != Versioning::Off))
}

pub(super) fn put(
    ctx: &mut Ctx<'_>,
    request: s3::PutObjectTaggingRequest,
) -> Result<s3::PutObjectTaggingResponse, Refusal> {
    let given = request.tagging.clone().unwrap_or_default().tag_set;
    let tags = tags::of_object(given)?;
    let id = request.version_id.as_deref();
    let version_id = set(ctx, request.bucket(), request.key(), id, tags)?;
    Ok(s3::PutObjectTaggingResponse { version_id })
}

pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: s3::DeleteObjectTaggingRequest,
) -> Result<s3::DeleteObjectTaggingResponse, Refusal> {
    let id = request.version_id.as_deref();
    let version_id = set(ctx, request.bucket(), request.key(), id, BTreeMap::new())?;
    Ok(s3::DeleteObjectTaggingResponse { version_id })
}

pub(super) fn get(
    ctx: &mut Ctx<'_>,
    request: s3::GetObjectTaggingRequest,
) -> Result<s3::GetObjectTaggingResponse, Refusal> {
    let row = access::bucket(ctx, request.bucket())?;
    let id = request.version_id.as_deref();
    let version = versions::wanted(ctx, request.bucket(), request.key(), id)?;
    let object = version.object.ok_or(Error::MethodNotAllowed)?;
    Ok(s3::GetObjectTaggingResponse {
        version_id: Some(version.version_id).filter(|_| row.versioning != Versioning::Off),
        tag_set: tags::shown(&object.tags),
    })
}
