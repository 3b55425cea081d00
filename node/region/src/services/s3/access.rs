//! What each request touches, and under whose policies.

use faultline_proto::handlers::S3Request;

use super::encryption::object_arn;
use super::error::Error;
use super::keyspaces::{BucketRow, Buckets, Names};
use super::settings;
use crate::context::Ctx;
use crate::identity::DocumentKind;
use crate::refusal::Refusal;
use crate::service::{Access, Wording};

mod read;

mod write;

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
        .filter(|text| !is_closed_to(ctx, row, text))
        .and_then(|text| ctx.caches.policy(DocumentKind::Bucket, "bucket", text).ok());
    access.context.set_flag("aws:securetransport", true);
    access
}

/// Whether Block Public Access closes a bucket with a public policy to this caller.
fn is_closed_to(ctx: &Ctx<'_>, row: &BucketRow, policy: &str) -> bool {
    row.public_access.is_some_and(|block| block.restrict)
        && ctx.account() != row.owner
        && settings::is_public(policy)
}

/// The accesses of requests that concern a bucket as such, each by its action.
macro_rules! of_buckets {
    ($ctx:expr, $request:expr, $action:expr, $($variant:ident)*) => {
        match $request {
            $(S3Request::$variant(request) => {
                let expected = request.expected_bucket_owner.as_deref();
                Some(on_bucket($ctx, request.bucket(), expected, $action))
            })*
            _ => None,
        }
    };
}

/// The accesses of requests that concern one object: the action, or that of a version.
macro_rules! of_objects {
    ($ctx:expr, $request:expr, $action:expr, $($variant:ident: $version:literal)*) => {
        match $request {
            $(S3Request::$variant(request) => {
                let action = if request.version_id.is_some() { $version } else { $action };
                let object = Named {
                    bucket: request.bucket(),
                    key: request.key(),
                    version_id: request.version_id.as_deref(),
                    expected: request.expected_bucket_owner.as_deref(),
                };
                Some(on_object($ctx, &object, action).map(|access| vec![access]))
            })*
            _ => None,
        }
    };
}

/// The accesses of requests that concern an upload.
macro_rules! of_uploads {
    ($ctx:expr, $request:expr, $action:expr, $($variant:ident)*) => {
        match $request {
            $(S3Request::$variant(request) => {
                let object = Named {
                    bucket: request.bucket(),
                    key: request.key(),
                    version_id: None,
                    expected: request.expected_bucket_owner.as_deref(),
                };
                Some(on_object($ctx, &object, $action).map(|access| vec![access]))
            })*
            _ => None,
        }
    };
}

/// An object as a request names it.
struct Named<'a> {
    bucket: &'a str,
    key: &'a str,
    version_id: Option<&'a str>,
    /// The account that should own the bucket.
    expected: Option<&'a str>,
}

pub(super) fn of(ctx: &mut Ctx<'_>, request: &S3Request) -> Result<Vec<Access>, Refusal> {
    // The definition names the action, which is not always the operation's name.
    let action = request.operation().action;
    let found = of_buckets!(ctx, request, action,
        HeadBucket DeleteBucket GetBucketLocation PutBucketVersioning GetBucketVersioning
        GetBucketReplication DeleteBucketReplication PutBucketEncryption GetBucketEncryption
        DeleteBucketEncryption PutBucketPolicy GetBucketPolicy DeleteBucketPolicy
        GetBucketPolicyStatus PutBucketOwnershipControls GetBucketOwnershipControls
        DeleteBucketOwnershipControls PutPublicAccessBlock GetPublicAccessBlock
        DeletePublicAccessBlock PutBucketLifecycleConfiguration GetBucketLifecycleConfiguration
        DeleteBucketLifecycle PutBucketTagging GetBucketTagging DeleteBucketTagging
        PutObjectLockConfiguration GetObjectLockConfiguration ListMultipartUploads
    )
    .or_else(|| {
        of_objects!(ctx, request, action,
            PutObjectTagging: "s3:PutObjectVersionTagging"
            GetObjectTagging: "s3:GetObjectVersionTagging"
            DeleteObjectTagging: "s3:DeleteObjectVersionTagging"
            GetObjectRetention: "s3:GetObjectRetention"
            GetObjectLegalHold: "s3:GetObjectLegalHold"
            PutObjectLegalHold: "s3:PutObjectLegalHold"
        )
    })
    .or_else(|| {
        of_uploads!(ctx, request, action,
            UploadPart CompleteMultipartUpload AbortMultipartUpload ListParts
        )
    });
    if let Some(accesses) = found {
        return if matches!(request, S3Request::HeadBucket(_)) {
            accesses.map_err(super::get::bare)
        } else {
            accesses
        };
    }
    match request {
        S3Request::GetObject(_) | S3Request::HeadObject(_) | S3Request::GetObjectAttributes(_) => {
            read::of(ctx, request, action)
        }
        S3Request::ListObjectsV2(_)
        | S3Request::ListObjects(_)
        | S3Request::ListObjectVersions(_) => listing(ctx, request, action),
        _ => write::of(ctx, request, action),
    }
}

/// Condition keys of a listing: what it asks for.
fn listing(ctx: &mut Ctx<'_>, request: &S3Request, action: &str) -> Result<Vec<Access>, Refusal> {
    let (name, expected, prefix, delimiter, most) = match request {
        S3Request::ListObjectsV2(request) => (
            request.bucket(),
            request.expected_bucket_owner.as_deref(),
            request.prefix.as_deref(),
            request.delimiter.as_deref(),
            request.max_keys,
        ),
        S3Request::ListObjects(request) => (
            request.bucket(),
            request.expected_bucket_owner.as_deref(),
            request.prefix.as_deref(),
            request.delimiter.as_deref(),
            request.max_keys,
        ),
        S3Request::ListObjectVersions(request) => (
            request.bucket(),
            request.expected_bucket_owner.as_deref(),
            request.prefix.as_deref(),
            request.delimiter.as_deref(),
            request.max_keys,
        ),
        _ => return Err(Refusal::not_built(action)),
    };
    let mut accesses = on_bucket(ctx, name, expected, action)?;
    for access in &mut accesses {
        let most = most.map(|most| most.to_string());
        let said = [
            ("s3:prefix", prefix),
            ("s3:delimiter", delimiter),
            ("s3:max-keys", most.as_deref()),
        ];
        for (key, value) in said {
            if let Some(value) = value {
                access.context.set(key, value);
            }
        }
    }
    Ok(accesses)
}

/// A bucket whose owner is the one that was expected.
fn expected(ctx: &mut Ctx<'_>, name: &str, owner: Option<&str>) -> Result<BucketRow, Refusal> {
    let row = bucket(ctx, name)?;
    if owner.is_some_and(|owner| owner != row.owner.as_str()) {
        return Err(Error::AccessDenied("Access Denied").into());
    }
    Ok(row)
}

fn on_bucket(
    ctx: &mut Ctx<'_>,
    name: &str,
    owner: Option<&str>,
    action: &str,
) -> Result<Vec<Access>, Refusal> {
    let row = expected(ctx, name, owner)?;
    Ok(vec![on(ctx, action, format!("arn:aws:s3:::{name}"), &row)])
}

fn on_object(ctx: &mut Ctx<'_>, named: &Named<'_>, action: &str) -> Result<Access, Refusal> {
    let row = expected(ctx, named.bucket, named.expected)?;
    let mut access = on(ctx, action, object_arn(named.bucket, named.key), &row);
    if let Some(id) = named.version_id {
        access.context.set("s3:versionid", id);
    }
    Ok(access)
}
