//! What reads of an object touch: the object, and the bucket's listing when it is not there.

use faultline_proto::handlers::S3Request;

use super::{Named, on, on_object};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::Access;
use crate::services::s3::versions;

pub(super) fn of(
    ctx: &mut Ctx<'_>,
    request: &S3Request,
    action: &str,
) -> Result<Vec<Access>, Refusal> {
    match request {
        S3Request::GetObject(request) => {
            let named = Named {
                bucket: request.bucket(),
                key: request.key(),
                version_id: request.version_id.as_deref(),
                expected: request.expected_bucket_owner.as_deref(),
            };
            reads(ctx, &named, action, "s3:GetObjectVersion")
        }
        S3Request::HeadObject(request) => {
            let named = Named {
                bucket: request.bucket(),
                key: request.key(),
                version_id: request.version_id.as_deref(),
                expected: request.expected_bucket_owner.as_deref(),
            };
            reads(ctx, &named, action, "s3:GetObjectVersion")
                .map_err(crate::services::s3::get::bare)
        }
        S3Request::GetObjectAttributes(request) => {
            let named = Named {
                bucket: request.bucket(),
                key: request.key(),
                version_id: request.version_id.as_deref(),
                expected: request.expected_bucket_owner.as_deref(),
            };
            let mut accesses = reads(ctx, &named, "s3:GetObject", "s3:GetObjectVersion")?;
            let version = named.version_id.map(|_| "s3:GetObjectVersionAttributes");
            accesses.push(on_object(ctx, &named, version.unwrap_or(action))?);
            Ok(accesses)
        }
        _ => Err(Refusal::not_built(action)),
    }
}

/// The read itself, with the tags of what is there as condition keys.
pub(super) fn reads(
    ctx: &mut Ctx<'_>,
    named: &Named<'_>,
    plain: &str,
    version: &str,
) -> Result<Vec<Access>, Refusal> {
    let action = if named.version_id.is_some() {
        version
    } else {
        plain
    };
    let mut access = on_object(ctx, named, action)?;
    let found = match named.version_id {
        Some(id) => versions::find(ctx, named.bucket, named.key, id),
        None => versions::latest(ctx, named.bucket, named.key),
    };
    let object = found.and_then(|(_, row)| row.object);
    for (key, value) in object.iter().flat_map(|object| &object.tags) {
        access
            .context
            .set(format!("s3:existingobjecttag/{key}"), value.as_str());
    }
    let mut accesses = vec![access];
    // Who may not list a bucket does not learn what is not in it: 403 instead of 404.
    if object.is_none() {
        let row = super::bucket(ctx, named.bucket)?;
        let arn = format!("arn:aws:s3:::{}", named.bucket);
        accesses.push(on(ctx, "s3:ListBucket", arn, &row));
    }
    Ok(accesses)
}
