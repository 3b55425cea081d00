//! S3: buckets, versions of objects, server-side encryption, cross-Region replication.
//!
//! - [`buckets`]: names in the partition directory, versioning, encryption; [`settings`]: the rest;
//!   [`lifecycle`]: rules, and [`expiring`]: what they do.
//! - [`put`], [`get`], [`copy`], [`delete`], [`list`], [`attributes`], [`tagging`], [`lock`]: objects;
//!   [`uploads`], [`parts`], [`complete`]: uploads in parts; [`update_encryption`].
//! - [`versions`], [`template`], [`tags`], [`conditions`], [`shapes`]: what these share.
//! - [`intake`]: bodies on their way in; [`content`]: chunks; [`body`]: an object's parts as one
//!   row of chunks; [`checksum`].
//! - [`encryption`], [`object_key`], [`bucket_key`], [`customer`]: SSE-S3, SSE-KMS, DSSE-KMS, SSE-C.
//! - [`replication`]: rules, the source's side and the destination's.
//! - [`access`]: what each request touches. [`error`]: every way S3 says no. [`keyspaces`]: rows.
//!
//! Left out: ACLs, restoring from archives, copies from another Region, websites, inventories.

pub mod access;
mod attributes;
pub mod body;
pub mod bucket_key;
pub mod buckets;
pub mod checksum;
mod complete;
mod conditions;
pub mod content;
pub mod control;
mod copy;
pub mod customer;
mod delete;
pub mod encryption;
pub mod error;
pub mod expiring;
mod get;
pub mod intake;
pub mod keyspaces;
pub mod lifecycle;
mod list;
mod lock;
mod look;
pub mod object_key;
mod older;
mod parts;
mod put;
pub mod replication;
pub mod settings;
mod shapes;
mod tagging;
pub mod tags;
pub mod template;
mod update_encryption;
pub mod uploads;
pub mod versions;

#[cfg(test)]
mod tests;

use faultline_proto::handlers::{S3Handler, S3Request, dispatch_s3};
use faultline_proto::names::RegionName;
use faultline_proto::progress::Progress;
use faultline_proto::s3;

use crate::context::{Ctx, decode};
use crate::refusal::Refusal;
use crate::service::{Access, BodyChunk, RemoteCall, SagaInput, Service, handlers, no_record};

/// S3.
#[derive(Debug)]
pub struct S3;

impl Service for S3 {
    const PREFIX: &'static str = "s3";
    const PRINCIPAL: &'static str = "s3.amazonaws.com";
    type Request = S3Request;

    fn decode(operation: &str, bytes: &[u8]) -> Option<Result<S3Request, prost::DecodeError>> {
        S3Request::decode(operation, bytes)
    }

    fn access(ctx: &mut Ctx<'_>, request: &S3Request) -> Result<Vec<Access>, Refusal> {
        access::of(ctx, request)
    }

    fn handle(ctx: &mut Ctx<'_>, request: S3Request) -> Result<Progress<Vec<u8>>, Refusal> {
        dispatch_s3::<Self>(ctx, request)
    }

    fn resume(
        ctx: &mut Ctx<'_>,
        kind: &str,
        state: &[u8],
        input: SagaInput<'_>,
    ) -> Result<Progress<Vec<u8>>, Refusal> {
        if replication::is_saga(kind) {
            return replication::resume(ctx, kind, state, input);
        }
        match kind {
            "put-object" => put::resume(ctx, state, input),
            "upload-part" => parts::resume(ctx, state, input),
            "copy" => copy::resume(ctx, state, input),
            "create-bucket" => buckets::created(ctx, state, input),
            "delete-bucket" => buckets::deleted(ctx, state, input),
            other => Err(Refusal::internal(format!("s3 keeps no saga '{other}'"))),
        }
    }

    fn remote_access(ctx: &mut Ctx<'_>, kind: &str, body: &[u8]) -> Result<RemoteCall, Refusal> {
        if let Some(answer) = replication::remote_access(ctx, kind, body) {
            return answer;
        }
        match kind {
            // Plumbing between Regions that no policy speaks of: the call it belongs to was decided.
            "claim-name" | "free-name" => Ok(RemoteCall {
                event: None,
                read_only: true,
                accesses: Vec::new(),
                charge: None,
            }),
            other => Err(Refusal::internal(format!(
                "s3 answers no question '{other}'"
            ))),
        }
    }

    fn remote(ctx: &mut Ctx<'_>, kind: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        if let Some(answer) = replication::remote(ctx, kind, body) {
            return answer;
        }
        match kind {
            "claim-name" => {
                let claim = decode(body)?;
                buckets::take_name(ctx, &claim).map(|()| Vec::new())
            }
            "free-name" => {
                buckets::free_name(ctx, &String::from_utf8_lossy(body));
                Ok(Vec::new())
            }
            other => Err(Refusal::internal(format!(
                "s3 answers no question '{other}'"
            ))),
        }
    }

    fn apply(
        ctx: &mut Ctx<'_>,
        _from: &RegionName,
        kind: &str,
        body: &[u8],
    ) -> Result<(), Refusal> {
        match kind {
            "name" => buckets::name_taken(ctx, body),
            "name-freed" => buckets::name_freed(ctx, body),
            other => return Err(no_record(other)),
        }
        Ok(())
    }

    fn started(ctx: &mut Ctx<'_>) {
        replication::started(ctx);
    }

    fn due(ctx: &mut Ctx<'_>, kind: &str, payload: &[u8]) {
        match (kind, decode::<String>(payload)) {
            ("collect", Ok(id)) => content::collect(ctx, &id),
            ("collect-all", _) => content::collect_all(ctx, decode(payload).unwrap_or_default()),
            ("lifecycle", Ok(name)) => expiring::run(ctx, &name),
            _ => replication::due(ctx, kind, payload),
        }
    }

    fn read_body(ctx: &mut Ctx<'_>, state: &[u8], index: u64) -> Result<BodyChunk, Refusal> {
        get::read_body(ctx, state, index)
    }

    fn look(
        ctx: &mut Ctx<'_>,
        what: &str,
        arguments: &serde_json::Value,
    ) -> Option<Result<serde_json::Value, String>> {
        look::answer(ctx, what, arguments)
    }
}

handlers! {
    S3Handler for S3 in s3, Refusal;
    list_buckets => buckets::list: ListBucketsRequest -> ListBucketsResponse;
    create_bucket => buckets::create: CreateBucketRequest -> CreateBucketResponse;
    head_bucket => settings::head: HeadBucketRequest -> HeadBucketResponse;
    delete_bucket => buckets::delete: DeleteBucketRequest -> DeleteBucketResponse;
    get_bucket_location => settings::location: GetBucketLocationRequest -> GetBucketLocationResponse;
    put_bucket_versioning => buckets::put_versioning: PutBucketVersioningRequest -> PutBucketVersioningResponse;
    get_bucket_versioning => buckets::get_versioning: GetBucketVersioningRequest -> GetBucketVersioningResponse;
    put_bucket_replication => replication::config::put: PutBucketReplicationRequest -> PutBucketReplicationResponse;
    get_bucket_replication => replication::config::get: GetBucketReplicationRequest -> GetBucketReplicationResponse;
    delete_bucket_replication => replication::config::delete: DeleteBucketReplicationRequest -> DeleteBucketReplicationResponse;
    put_bucket_encryption => buckets::put_encryption: PutBucketEncryptionRequest -> PutBucketEncryptionResponse;
    get_bucket_encryption => buckets::get_encryption: GetBucketEncryptionRequest -> GetBucketEncryptionResponse;
    delete_bucket_encryption => buckets::delete_encryption: DeleteBucketEncryptionRequest -> DeleteBucketEncryptionResponse;
    put_bucket_policy => settings::put_policy: PutBucketPolicyRequest -> PutBucketPolicyResponse;
    get_bucket_policy => settings::get_policy: GetBucketPolicyRequest -> GetBucketPolicyResponse;
    delete_bucket_policy => settings::delete_policy: DeleteBucketPolicyRequest -> DeleteBucketPolicyResponse;
    get_bucket_policy_status => settings::policy_status: GetBucketPolicyStatusRequest -> GetBucketPolicyStatusResponse;
    put_bucket_ownership_controls => settings::put_ownership: PutBucketOwnershipControlsRequest -> PutBucketOwnershipControlsResponse;
    get_bucket_ownership_controls => settings::get_ownership: GetBucketOwnershipControlsRequest -> GetBucketOwnershipControlsResponse;
    delete_bucket_ownership_controls => settings::delete_ownership: DeleteBucketOwnershipControlsRequest -> DeleteBucketOwnershipControlsResponse;
    put_public_access_block => settings::put_public_access: PutPublicAccessBlockRequest -> PutPublicAccessBlockResponse;
    get_public_access_block => settings::get_public_access: GetPublicAccessBlockRequest -> GetPublicAccessBlockResponse;
    delete_public_access_block => settings::delete_public_access: DeletePublicAccessBlockRequest -> DeletePublicAccessBlockResponse;
    put_bucket_lifecycle_configuration => lifecycle::put: PutBucketLifecycleConfigurationRequest -> PutBucketLifecycleConfigurationResponse;
    get_bucket_lifecycle_configuration => lifecycle::get: GetBucketLifecycleConfigurationRequest -> GetBucketLifecycleConfigurationResponse;
    delete_bucket_lifecycle => lifecycle::delete: DeleteBucketLifecycleRequest -> DeleteBucketLifecycleResponse;
    put_bucket_tagging => settings::put_tags: PutBucketTaggingRequest -> PutBucketTaggingResponse;
    get_bucket_tagging => settings::get_tags: GetBucketTaggingRequest -> GetBucketTaggingResponse;
    delete_bucket_tagging => settings::delete_tags: DeleteBucketTaggingRequest -> DeleteBucketTaggingResponse;
    put_object_lock_configuration => lock::put_configuration: PutObjectLockConfigurationRequest -> PutObjectLockConfigurationResponse;
    get_object_lock_configuration => lock::get_configuration: GetObjectLockConfigurationRequest -> GetObjectLockConfigurationResponse;
    put_object => put::begin: PutObjectRequest -> PutObjectResponse;
    get_object => get::get: GetObjectRequest -> GetObjectResponse;
    head_object => get::head: HeadObjectRequest -> HeadObjectResponse;
    get_object_attributes => attributes::get: GetObjectAttributesRequest -> GetObjectAttributesResponse;
    copy_object => copy::copy: CopyObjectRequest -> CopyObjectResponse;
    update_object_encryption => update_encryption::update: UpdateObjectEncryptionRequest -> UpdateObjectEncryptionResponse;
    delete_object => delete::delete: DeleteObjectRequest -> DeleteObjectResponse;
    delete_objects => delete::delete_many: DeleteObjectsRequest -> DeleteObjectsResponse;
    put_object_tagging => tagging::put: PutObjectTaggingRequest -> PutObjectTaggingResponse;
    get_object_tagging => tagging::get: GetObjectTaggingRequest -> GetObjectTaggingResponse;
    delete_object_tagging => tagging::delete: DeleteObjectTaggingRequest -> DeleteObjectTaggingResponse;
    put_object_retention => lock::put_retention: PutObjectRetentionRequest -> PutObjectRetentionResponse;
    get_object_retention => lock::get_retention: GetObjectRetentionRequest -> GetObjectRetentionResponse;
    put_object_legal_hold => lock::put_legal_hold: PutObjectLegalHoldRequest -> PutObjectLegalHoldResponse;
    get_object_legal_hold => lock::get_legal_hold: GetObjectLegalHoldRequest -> GetObjectLegalHoldResponse;
    create_multipart_upload => uploads::create: CreateMultipartUploadRequest -> CreateMultipartUploadResponse;
    upload_part => parts::upload: UploadPartRequest -> UploadPartResponse;
    upload_part_copy => copy::copy_part: UploadPartCopyRequest -> UploadPartCopyResponse;
    complete_multipart_upload => complete::complete: CompleteMultipartUploadRequest -> CompleteMultipartUploadResponse;
    abort_multipart_upload => uploads::abort: AbortMultipartUploadRequest -> AbortMultipartUploadResponse;
    list_parts => parts::list: ListPartsRequest -> ListPartsResponse;
    list_multipart_uploads => parts::list_uploads: ListMultipartUploadsRequest -> ListMultipartUploadsResponse;
    list_objects => list::older_objects: ListObjectsRequest -> ListObjectsResponse;
    list_objects_v2 => list::objects: ListObjectsV2Request -> ListObjectsV2Response;
    list_object_versions => list::versions: ListObjectVersionsRequest -> ListObjectVersionsResponse;
}
