//! What writes touch, and the condition keys that see their headers only (SSE-062, SSE-063).

use faultline_proto::handlers::S3Request;
use faultline_proto::names::AccountId;
use faultline_proto::s3;

use super::read::reads;
use super::{Named, expected, on, on_bucket, on_object};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::{Access, Wording};
use crate::services::s3::copy::Source;
use crate::services::s3::encryption::object_arn;
use crate::services::s3::{tags, versions};

/// An object that a request names.
macro_rules! named {
    ($request:expr, $version:expr) => {
        Named {
            bucket: $request.bucket(),
            key: $request.key(),
            version_id: $version,
            expected: $request.expected_bucket_owner.as_deref(),
        }
    };
}

/// The headers that condition keys see.
macro_rules! headers {
    ($request:expr) => {
        [
            (
                "s3:x-amz-server-side-encryption",
                &$request.server_side_encryption,
            ),
            (
                "s3:x-amz-server-side-encryption-aws-kms-key-id",
                &$request.ssekms_key_id,
            ),
            (
                "s3:x-amz-server-side-encryption-customer-algorithm",
                &$request.sse_customer_algorithm,
            ),
            ("s3:x-amz-storage-class", &$request.storage_class),
            ("s3:object-lock-mode", &$request.object_lock_mode),
            (
                "s3:object-lock-legal-hold",
                &$request.object_lock_legal_hold_status,
            ),
        ]
    };
}

/// A new bucket, and what it begins with.
fn create_bucket(ctx: &Ctx<'_>, request: &s3::CreateBucketRequest, action: &str) -> Vec<Access> {
    let arn = format!("arn:aws:s3:::{}", request.bucket());
    let mut accesses = vec![of_account(ctx, action, arn.clone())];
    if request.object_lock_enabled_for_bucket == Some(true) {
        let more = [
            "s3:PutBucketVersioning",
            "s3:PutBucketObjectLockConfiguration",
        ];
        accesses.extend(more.map(|action| of_account(ctx, action, arn.clone())));
    }
    if request.object_ownership.is_some() {
        accesses.push(of_account(ctx, "s3:PutBucketOwnershipControls", arn));
    }
    accesses
}

pub(super) fn of(
    ctx: &mut Ctx<'_>,
    request: &S3Request,
    action: &str,
) -> Result<Vec<Access>, Refusal> {
    match request {
        S3Request::ListBuckets(_) => Ok(vec![of_account(ctx, action, "*".to_owned())]),
        S3Request::CreateBucket(request) => Ok(create_bucket(ctx, request, action)),
        S3Request::PutBucketReplication(request) => {
            let owner = request.expected_bucket_owner.as_deref();
            let mut accesses = on_bucket(ctx, request.bucket(), owner, action)?;
            accesses.extend(pass_role(ctx, request));
            Ok(accesses)
        }
        S3Request::PutObject(request) => {
            let headers = headers!(request);
            let named = named!(request, None);
            put(ctx, &named, &headers, request.tagging.as_deref())
        }
        S3Request::CreateMultipartUpload(request) => {
            let headers = headers!(request);
            let named = named!(request, None);
            put(ctx, &named, &headers, request.tagging.as_deref())
        }
        S3Request::CopyObject(request) => copy(ctx, request),
        S3Request::UploadPartCopy(request) => {
            let mut accesses = source(
                ctx,
                request.copy_source(),
                request.expected_source_bucket_owner.as_deref(),
                false,
            )?;
            accesses.push(on_object(ctx, &named!(request, None), action)?);
            Ok(accesses)
        }
        S3Request::UpdateObjectEncryption(request) => {
            let named = named!(request, request.version_id.as_deref());
            Ok(vec![
                on_object(ctx, &named, "s3:PutObject")?,
                on_object(ctx, &named, action)?,
            ])
        }
        S3Request::DeleteObject(request) => {
            let named = named!(request, request.version_id.as_deref());
            delete(ctx, &named, action, request.bypass_governance_retention())
        }
        S3Request::DeleteObjects(request) => {
            // Each key is decided as a delete of its own.
            expected(
                ctx,
                request.bucket(),
                request.expected_bucket_owner.as_deref(),
            )?;
            ctx.touches(format!("arn:aws:s3:::{}", request.bucket()));
            Ok(Vec::new())
        }
        S3Request::PutObjectRetention(request) => {
            let named = named!(request, request.version_id.as_deref());
            let mut accesses = vec![on_object(ctx, &named, action)?];
            if request.bypass_governance_retention() {
                accesses.push(on_object(ctx, &named, "s3:BypassGovernanceRetention")?);
            }
            Ok(accesses)
        }
        _ => Err(Refusal::not_built(action)),
    }
}

fn of_account(ctx: &Ctx<'_>, action: &str, arn: String) -> Access {
    let account: AccountId = ctx.account();
    Access::new(ctx, action, arn, account, Wording::AccessDenied)
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

fn put(
    ctx: &mut Ctx<'_>,
    named: &Named<'_>,
    headers: &[(&'static str, &Option<String>)],
    tagging: Option<&str>,
) -> Result<Vec<Access>, Refusal> {
    let row = expected(ctx, named.bucket, named.expected)?;
    let arn = object_arn(named.bucket, named.key);
    let mut access = on(ctx, "s3:PutObject", arn.clone(), &row);
    let mut locks = Vec::new();
    for (key, value) in headers {
        let Some(value) = value else { continue };
        access.context.set(*key, value.as_str());
        match *key {
            "s3:object-lock-mode" => locks.push("s3:PutObjectRetention"),
            "s3:object-lock-legal-hold" => locks.push("s3:PutObjectLegalHold"),
            _ => {}
        }
    }
    let tags = tagging.map(tags::of_header).transpose()?;
    for (key, value) in tags.iter().flatten() {
        access
            .context
            .set(format!("s3:requestobjecttag/{key}"), value.as_str());
    }
    let mut accesses = vec![access];
    for action in locks {
        accesses.push(on(ctx, action, arn.clone(), &row));
    }
    if let Some(tags) = &tags {
        let mut tagging = on(ctx, "s3:PutObjectTagging", arn, &row);
        for (key, value) in tags {
            tagging
                .context
                .set(format!("s3:requestobjecttag/{key}"), value.as_str());
        }
        accesses.push(tagging);
    }
    Ok(accesses)
}

/// A copy reads its source and writes its target; tags that go along are read and written too.
fn copy(ctx: &mut Ctx<'_>, request: &s3::CopyObjectRequest) -> Result<Vec<Access>, Refusal> {
    let takes_tags = request.tagging_directive() != "REPLACE";
    let mut accesses = source(
        ctx,
        request.copy_source(),
        request.expected_source_bucket_owner.as_deref(),
        takes_tags,
    )?;
    let tagged = accesses
        .iter()
        .any(|access| access.action.ends_with("Tagging"));
    let headers = headers!(request);
    let named = named!(request, None);
    let tagging = request.tagging.as_deref().filter(|_| !takes_tags);
    let mut writes = put(ctx, &named, &headers, tagging)?;
    if let Some(write) = writes.first_mut() {
        write
            .context
            .set("s3:x-amz-copy-source", request.copy_source());
        if let Some(directive) = &request.metadata_directive {
            write
                .context
                .set("s3:x-amz-metadata-directive", directive.as_str());
        }
    }
    accesses.append(&mut writes);
    if tagged {
        accesses.push(on_object(ctx, &named, "s3:PutObjectTagging")?);
    }
    Ok(accesses)
}

fn source(
    ctx: &mut Ctx<'_>,
    text: &str,
    owner: Option<&str>,
    takes_tags: bool,
) -> Result<Vec<Access>, Refusal> {
    let source = Source::parse(text)?;
    let named = Named {
        bucket: &source.bucket,
        key: &source.key,
        version_id: source.version_id.as_deref(),
        expected: owner,
    };
    let mut accesses =
        reads(ctx, &named, "s3:GetObject", "s3:GetObjectVersion").map_err(elsewhere)?;
    let found = match named.version_id {
        Some(id) => versions::find(ctx, named.bucket, named.key, id),
        None => versions::latest(ctx, named.bucket, named.key),
    };
    let tagged = found
        .and_then(|(_, row)| row.object)
        .is_some_and(|object| !object.tags.is_empty());
    if takes_tags && tagged {
        let version = named.version_id.map(|_| "s3:GetObjectVersionTagging");
        let action = version.unwrap_or("s3:GetObjectTagging");
        accesses.push(on_object(ctx, &named, action)?);
    }
    Ok(accesses)
}

/// A source in another Region is not a redirect of the request.
fn elsewhere(refusal: Refusal) -> Refusal {
    if refusal.code == "PermanentRedirect" {
        Refusal::not_built("a copy from another Region")
    } else {
        refusal
    }
}

fn delete(
    ctx: &mut Ctx<'_>,
    named: &Named<'_>,
    plain: &str,
    bypass: bool,
) -> Result<Vec<Access>, Refusal> {
    let version = named.version_id.map(|_| "s3:DeleteObjectVersion");
    let mut accesses = vec![on_object(ctx, named, version.unwrap_or(plain))?];
    if bypass {
        accesses.push(on_object(ctx, named, "s3:BypassGovernanceRetention")?);
    }
    Ok(accesses)
}
