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
use crate::service::{Access, BodyChunk, RemoteCall, SagaInput, Service};

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

    fn apply(ctx: &mut Ctx<'_>, _from: &RegionName, kind: &str, body: &[u8]) {
        match kind {
            "name" => buckets::name_taken(ctx, body),
            "name-freed" => buckets::name_freed(ctx, body),
            _ => {}
        }
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

macro_rules! handlers {
    ($($name:ident: $request:ident -> $response:ident = $handler:path;)*) => {
        impl S3Handler for S3 {
            type Ctx<'a> = Ctx<'a>;
            type Error = Refusal;
            $(fn $name(ctx: &mut Ctx<'_>, request: s3::$request) -> Result<Progress<s3::$response>, Refusal> {
                $handler(ctx, request).map(Into::into)
            })*
        }
    };
}

handlers! {
    list_buckets: ListBucketsRequest -> ListBucketsResponse = buckets::list;
    create_bucket: CreateBucketRequest -> CreateBucketResponse = buckets::create;
    head_bucket: HeadBucketRequest -> HeadBucketResponse = settings::head;
    delete_bucket: DeleteBucketRequest -> DeleteBucketResponse = buckets::delete;
    get_bucket_location: GetBucketLocationRequest -> GetBucketLocationResponse = settings::location;
    put_bucket_versioning: PutBucketVersioningRequest -> PutBucketVersioningResponse = buckets::put_versioning;
    get_bucket_versioning: GetBucketVersioningRequest -> GetBucketVersioningResponse = buckets::get_versioning;
    put_bucket_replication: PutBucketReplicationRequest -> PutBucketReplicationResponse = replication::config::put;
    get_bucket_replication: GetBucketReplicationRequest -> GetBucketReplicationResponse = replication::config::get;
    delete_bucket_replication: DeleteBucketReplicationRequest -> DeleteBucketReplicationResponse = replication::config::delete;
    put_bucket_encryption: PutBucketEncryptionRequest -> PutBucketEncryptionResponse = buckets::put_encryption;
    get_bucket_encryption: GetBucketEncryptionRequest -> GetBucketEncryptionResponse = buckets::get_encryption;
    delete_bucket_encryption: DeleteBucketEncryptionRequest -> DeleteBucketEncryptionResponse = buckets::delete_encryption;
    put_bucket_policy: PutBucketPolicyRequest -> PutBucketPolicyResponse = settings::put_policy;
    get_bucket_policy: GetBucketPolicyRequest -> GetBucketPolicyResponse = settings::get_policy;
    delete_bucket_policy: DeleteBucketPolicyRequest -> DeleteBucketPolicyResponse = settings::delete_policy;
    get_bucket_policy_status: GetBucketPolicyStatusRequest -> GetBucketPolicyStatusResponse = settings::policy_status;
    put_bucket_ownership_controls: PutBucketOwnershipControlsRequest -> PutBucketOwnershipControlsResponse = settings::put_ownership;
    get_bucket_ownership_controls: GetBucketOwnershipControlsRequest -> GetBucketOwnershipControlsResponse = settings::get_ownership;
    delete_bucket_ownership_controls: DeleteBucketOwnershipControlsRequest -> DeleteBucketOwnershipControlsResponse = settings::delete_ownership;
    put_public_access_block: PutPublicAccessBlockRequest -> PutPublicAccessBlockResponse = settings::put_public_access;
    get_public_access_block: GetPublicAccessBlockRequest -> GetPublicAccessBlockResponse = settings::get_public_access;
    delete_public_access_block: DeletePublicAccessBlockRequest -> DeletePublicAccessBlockResponse = settings::delete_public_access;
    put_bucket_lifecycle_configuration: PutBucketLifecycleConfigurationRequest -> PutBucketLifecycleConfigurationResponse = lifecycle::put;
    get_bucket_lifecycle_configuration: GetBucketLifecycleConfigurationRequest -> GetBucketLifecycleConfigurationResponse = lifecycle::get;
    delete_bucket_lifecycle: DeleteBucketLifecycleRequest -> DeleteBucketLifecycleResponse = lifecycle::delete;
    put_bucket_tagging: PutBucketTaggingRequest -> PutBucketTaggingResponse = settings::put_tags;
    get_bucket_tagging: GetBucketTaggingRequest -> GetBucketTaggingResponse = settings::get_tags;
    delete_bucket_tagging: DeleteBucketTaggingRequest -> DeleteBucketTaggingResponse = settings::delete_tags;
    put_object_lock_configuration: PutObjectLockConfigurationRequest -> PutObjectLockConfigurationResponse = lock::put_configuration;
    get_object_lock_configuration: GetObjectLockConfigurationRequest -> GetObjectLockConfigurationResponse = lock::get_configuration;
    put_object: PutObjectRequest -> PutObjectResponse = put::begin;
    get_object: GetObjectRequest -> GetObjectResponse = get::get;
    head_object: HeadObjectRequest -> HeadObjectResponse = get::head;
    get_object_attributes: GetObjectAttributesRequest -> GetObjectAttributesResponse = attributes::get;
    copy_object: CopyObjectRequest -> CopyObjectResponse = copy::copy;
    update_object_encryption: UpdateObjectEncryptionRequest -> UpdateObjectEncryptionResponse = update_encryption::update;
    delete_object: DeleteObjectRequest -> DeleteObjectResponse = delete::delete;
    delete_objects: DeleteObjectsRequest -> DeleteObjectsResponse = delete::delete_many;
    put_object_tagging: PutObjectTaggingRequest -> PutObjectTaggingResponse = tagging::put;
    get_object_tagging: GetObjectTaggingRequest -> GetObjectTaggingResponse = tagging::get;
    delete_object_tagging: DeleteObjectTaggingRequest -> DeleteObjectTaggingResponse = tagging::delete;
    put_object_retention: PutObjectRetentionRequest -> PutObjectRetentionResponse = lock::put_retention;
    get_object_retention: GetObjectRetentionRequest -> GetObjectRetentionResponse = lock::get_retention;
    put_object_legal_hold: PutObjectLegalHoldRequest -> PutObjectLegalHoldResponse = lock::put_legal_hold;
    get_object_legal_hold: GetObjectLegalHoldRequest -> GetObjectLegalHoldResponse = lock::get_legal_hold;
    create_multipart_upload: CreateMultipartUploadRequest -> CreateMultipartUploadResponse = uploads::create;
    upload_part: UploadPartRequest -> UploadPartResponse = parts::upload;
    upload_part_copy: UploadPartCopyRequest -> UploadPartCopyResponse = copy::copy_part;
    complete_multipart_upload: CompleteMultipartUploadRequest -> CompleteMultipartUploadResponse = complete::complete;
    abort_multipart_upload: AbortMultipartUploadRequest -> AbortMultipartUploadResponse = uploads::abort;
    list_parts: ListPartsRequest -> ListPartsResponse = parts::list;
    list_multipart_uploads: ListMultipartUploadsRequest -> ListMultipartUploadsResponse = parts::list_uploads;
    list_objects: ListObjectsRequest -> ListObjectsResponse = list::older_objects;
    list_objects_v2: ListObjectsV2Request -> ListObjectsV2Response = list::objects;
    list_object_versions: ListObjectVersionsRequest -> ListObjectVersionsResponse = list::versions;
}
