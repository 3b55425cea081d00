//! What each request touches, and under whose policies.

use faultline_proto::handlers::S3Request;
use faultline_proto::names::AccountId;
use faultline_proto::s3;

use super::encryption::object_arn;
use super::error::Error;
use super::keyspaces::{BucketRow, Buckets, Names};
use super::tags;
use crate::context::Ctx;
use crate::identity::DocumentKind;
use crate::refusal::Refusal;
use crate::service::{Access, Wording};

/// A bucket of this Region, or what S3 answers when it is not here.
///
/// # Errors
/// NoSuchBucket, PermanentRedirect.
pub fn bucket(ctx: &mut Ctx<'_>, name: &str) -> Result<BucketRow, Refusal> {
    if let Some(row) = ctx.get::<Buckets>(name) {
        return Ok(row);
    }
    match ctx.get::<Names>(name) {
        Some(known) if known.region != *ctx.region() => {
            Err(Error::PermanentRedirect(known.region.to_string()).into())
        }
        _ => Err(Error::NoSuchBucket.into()),
    }
}

/// An access to a bucket or its objects under the bucket's policy.
pub fn on(ctx: &mut Ctx<'_>, action: &str, arn: String, row: &BucketRow) -> Access {
    let mut access = Access::new(ctx, action, arn, row.owner.clone(), Wording::AccessDenied);
    access.policy = row
        .policy
        .as_deref()
        .and_then(|text| ctx.caches.policy(DocumentKind::Bucket, "bucket", text).ok());
    access.context.set_flag("aws:securetransport", true);
    access
}

pub(super) fn of(ctx: &mut Ctx<'_>, request: &S3Request) -> Result<Vec<Access>, Refusal> {
    // The definition names the action, which is not always the operation's name.
    let action = request.operation().action;
    match request {
        S3Request::CreateBucket(request) => {
            let arn = format!("arn:aws:s3:::{}", request.bucket());
            let account: AccountId = ctx.account();
            Ok(vec![Access::new(
                ctx,
                action,
                arn,
                account,
                Wording::AccessDenied,
            )])
        }
        S3Request::PutBucketReplication(request) => {
            let mut accesses = on_bucket(ctx, request.bucket(), action)?;
            accesses.extend(pass_role(ctx, request));
            Ok(accesses)
        }
        S3Request::PutBucketVersioning(request) => on_bucket(ctx, request.bucket(), action),
        S3Request::GetBucketVersioning(request) => on_bucket(ctx, request.bucket(), action),
        S3Request::GetBucketReplication(request) => on_bucket(ctx, request.bucket(), action),
        S3Request::DeleteBucketReplication(request) => on_bucket(ctx, request.bucket(), action),
        S3Request::PutBucketEncryption(request) => on_bucket(ctx, request.bucket(), action),
        S3Request::GetBucketEncryption(request) => on_bucket(ctx, request.bucket(), action),
        S3Request::PutBucketPolicy(request) => on_bucket(ctx, request.bucket(), action),
        S3Request::GetBucketPolicy(request) => on_bucket(ctx, request.bucket(), action),
        S3Request::ListObjectsV2(request) => on_bucket(ctx, request.bucket(), action),
        S3Request::ListObjectVersions(request) => on_bucket(ctx, request.bucket(), action),
        S3Request::PutObject(request) => put(ctx, request),
        S3Request::GetObject(request) => {
            let action = versioned(request.version_id.is_some(), action, "s3:GetObjectVersion");
            on_object(ctx, request.bucket(), request.key(), action)
        }
        S3Request::HeadObject(request) => {
            let action = versioned(request.version_id.is_some(), action, "s3:GetObjectVersion");
            on_object(ctx, request.bucket(), request.key(), action)
        }
        S3Request::DeleteObject(request) => {
            let action = versioned(
                request.version_id.is_some(),
                action,
                "s3:DeleteObjectVersion",
            );
            on_object(ctx, request.bucket(), request.key(), action)
        }
    }
}

fn versioned<'t>(is_version: bool, plain: &'t str, version: &'t str) -> &'t str {
    if is_version { version } else { plain }
}

fn on_bucket(ctx: &mut Ctx<'_>, name: &str, action: &str) -> Result<Vec<Access>, Refusal> {
    let row = bucket(ctx, name)?;
    Ok(vec![on(ctx, action, format!("arn:aws:s3:::{name}"), &row)])
}

fn on_object(
    ctx: &mut Ctx<'_>,
    name: &str,
    key: &str,
    action: &str,
) -> Result<Vec<Access>, Refusal> {
    let row = bucket(ctx, name)?;
    Ok(vec![on(ctx, action, object_arn(name, key), &row)])
}

/// The role is passed to S3 (S3-013).
fn pass_role(ctx: &mut Ctx<'_>, request: &s3::PutBucketReplicationRequest) -> Option<Access> {
    let role = request.replication_configuration.as_ref()?.role.clone()?;
    let account = ctx.account();
    Some(
        Access::new(ctx, "iam:PassRole", role, account, Wording::AccessDenied)
            .with("iam:passedtoservice", "s3.amazonaws.com"),
    )
}

/// Condition keys see the request's headers only (SSE-062, SSE-063).
fn put(ctx: &mut Ctx<'_>, request: &s3::PutObjectRequest) -> Result<Vec<Access>, Refusal> {
    let name = request.bucket();
    let row = bucket(ctx, name)?;
    let mut access = on(ctx, "s3:PutObject", object_arn(name, request.key()), &row);
    let headers = [
        (
            "s3:x-amz-server-side-encryption",
            &request.server_side_encryption,
        ),
        (
            "s3:x-amz-server-side-encryption-aws-kms-key-id",
            &request.ssekms_key_id,
        ),
        (
            "s3:x-amz-server-side-encryption-customer-algorithm",
            &request.sse_customer_algorithm,
        ),
        ("s3:x-amz-storage-class", &request.storage_class),
    ];
    for (key, value) in headers {
        if let Some(value) = value {
            access.context.set(key, value.as_str());
        }
    }
    let mut accesses = vec![access];
    if let Some(tagging) = &request.tagging {
        let tags = tags::of_header(tagging)?;
        let mut tagging = on(
            ctx,
            "s3:PutObjectTagging",
            object_arn(name, request.key()),
            &row,
        );
        for (key, value) in &tags {
            tagging
                .context
                .set(format!("s3:requestobjecttag/{key}"), value.as_str());
        }
        accesses.push(tagging);
    }
    Ok(accesses)
}
