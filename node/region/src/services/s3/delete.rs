//! DeleteObject and DeleteObjects.

use faultline_proto::s3;

use super::error::Error;
use super::keyspaces::{BucketRow, VersionRow, Versioning, Versions};
use super::{access, body, lock, put, replication, versions};
use crate::context::Ctx;
use crate::refusal::Refusal;

pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: s3::DeleteObjectRequest,
) -> Result<s3::DeleteObjectResponse, Refusal> {
    let (name, key) = (request.bucket(), request.key());
    let bucket = access::bucket(ctx, name)?;
    check_conditions(ctx, &request)?;
    let Some(id) = &request.version_id else {
        return Ok(without_version(ctx, name, key, &bucket));
    };
    // Never replicated (S3-055).
    let Some((at, row)) = versions::find(ctx, name, key, id) else {
        return Ok(s3::DeleteObjectResponse {
            version_id: Some(id.clone()),
            ..s3::DeleteObjectResponse::default()
        });
    };
    if let Some(object) = &row.object {
        lock::check_delete(ctx, &object.lock, request.bypass_governance_retention())?;
        body::remove(ctx, object);
    }
    ctx.delete::<Versions>(&at);
    replication::hard_deleted(ctx, name, key, &row);
    Ok(s3::DeleteObjectResponse {
        delete_marker: row.object.is_none().then_some(true),
        version_id: Some(id.clone()),
    })
}

fn check_conditions(ctx: &mut Ctx<'_>, request: &s3::DeleteObjectRequest) -> Result<(), Refusal> {
    if request.if_match.is_none()
        && request.if_match_size.is_none()
        && request.if_match_last_modified_time.is_none()
    {
        return Ok(());
    }
    let found = match &request.version_id {
        Some(id) => versions::find(ctx, request.bucket(), request.key(), id),
        None => versions::latest(ctx, request.bucket(), request.key()),
    };
    let Some((
        _,
        VersionRow {
            object: Some(object),
            modified,
            ..
        },
    )) = found
    else {
        return Err(Error::NoSuchKey.into());
    };
    let tag = request
        .if_match
        .as_deref()
        .is_none_or(|tag| tag == "*" || tag.trim_matches('"') == object.e_tag);
    let size = request
        .if_match_size
        .is_none_or(|size| u64::try_from(size).ok() == Some(object.length));
    let time = request
        .if_match_last_modified_time
        .is_none_or(|millis| millis.div_euclid(1000) == modified.div_euclid(1_000_000));
    if tag && size && time {
        Ok(())
    } else {
        Err(Error::FailedCondition("If-Match").into())
    }
}

/// Removes what has no versions, and puts a delete marker on what has.
pub(super) fn without_version(
    ctx: &mut Ctx<'_>,
    name: &str,
    key: &str,
    bucket: &BucketRow,
) -> s3::DeleteObjectResponse {
    if bucket.versioning == Versioning::Off {
        if let Some((at, row)) = versions::latest(ctx, name, key) {
            if let Some(object) = &row.object {
                body::remove(ctx, object);
            }
            ctx.delete::<Versions>(&at);
        }
        return s3::DeleteObjectResponse::default();
    }
    let (order, version_id) = mark(ctx, name, key, bucket);
    replication::consider(ctx, name, key, order, bucket);
    s3::DeleteObjectResponse {
        delete_marker: Some(true),
        version_id: Some(version_id),
    }
}

/// Puts a delete marker; its order and its version id.
pub(super) fn mark(ctx: &mut Ctx<'_>, name: &str, key: &str, bucket: &BucketRow) -> (u64, String) {
    let version_id = put::new_version_id(ctx, bucket);
    let row = VersionRow {
        version_id: version_id.clone(),
        modified: ctx.now().0,
        object: None,
        destinations: Vec::new(),
        replica: false,
    };
    (versions::add(ctx, name, key, row), version_id)
}

/// Each key is a DeleteObject of its own: decided, written into the trail, and refused by itself.
pub(super) fn delete_many(
    ctx: &mut Ctx<'_>,
    request: s3::DeleteObjectsRequest,
) -> Result<s3::DeleteObjectsResponse, Refusal> {
    let name = request.bucket().to_owned();
    access::bucket(ctx, &name)?;
    let bypass = request.bypass_governance_retention;
    let asked = request.delete.unwrap_or_default();
    if asked.objects.is_empty() || asked.objects.len() > 1000 {
        return Err(Error::MalformedXml.into());
    }
    let caller = ctx.caller();
    let mut answer = s3::DeleteObjectsResponse::default();
    for one in &asked.objects {
        let single = s3::DeleteObjectRequest {
            bucket: Some(name.clone()),
            key: one.key.clone(),
            version_id: one.version_id.clone(),
            if_match: one.e_tag.clone(),
            if_match_last_modified_time: one.last_modified_time,
            if_match_size: one.size,
            bypass_governance_retention: bypass,
            ..s3::DeleteObjectRequest::default()
        };
        match ctx.call_as(&caller, &single) {
            Ok(_) if asked.quiet() => {}
            Ok(done) => answer.deleted.push(s3::DeletedObject {
                key: one.key.clone(),
                version_id: one.version_id.clone(),
                delete_marker: done.delete_marker,
                delete_marker_version_id: done
                    .version_id
                    .filter(|_| done.delete_marker == Some(true)),
            }),
            Err(refusal) if refusal.http_status >= 500 => return Err(refusal),
            Err(refusal) => answer.errors.push(s3::Error {
                key: one.key.clone(),
                version_id: one.version_id.clone(),
                code: Some(refusal.code.to_string()),
                message: Some(refusal.message),
            }),
        }
    }
    Ok(answer)
}
