//! S3: buckets, versions of objects, server-side encryption, cross-Region replication.
//!
//! - [`buckets`]: names in the partition directory, settings.
//! - [`put`], [`get`], [`list`], [`versions`], [`tags`], [`template`]: objects.
//! - [`intake`]: bodies on their way in; [`content`]: chunks; [`body`]: an object's parts as one
//!   row of chunks; [`checksum`].
//! - [`encryption`], [`object_key`], [`bucket_key`], [`customer`]: SSE-S3, SSE-KMS, DSSE-KMS, SSE-C.
//! - [`replication`]: rules, the source's side and the destination's.
//! - [`access`]: what each request touches. [`error`]: every way S3 says no. [`keyspaces`]: rows.
//!
//! Left out: multipart upload, CopyObject, ACLs, Object Lock, lifecycle, DSSE-KMS, checksums
//! beyond Content-MD5.

pub mod access;
pub mod body;
pub mod bucket_key;
pub mod buckets;
pub mod checksum;
pub mod content;
pub mod customer;
pub mod encryption;
pub mod error;
pub mod get;
pub mod intake;
pub mod keyspaces;
pub mod list;
mod look;
pub mod object_key;
mod older;
pub mod put;
pub mod replication;
pub mod tags;
pub mod template;
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
            "create-bucket" => buckets::created(ctx, state, input),
            other => Err(Refusal::internal(format!("s3 keeps no saga '{other}'"))),
        }
    }

    fn remote_access(ctx: &mut Ctx<'_>, kind: &str, body: &[u8]) -> Result<RemoteCall, Refusal> {
        if let Some(answer) = replication::remote_access(ctx, kind, body) {
            return answer;
        }
        match kind {
            // Plumbing between Regions that no policy speaks of: the call it belongs to was decided.
            "claim-name" => Ok(RemoteCall {
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
            other => Err(Refusal::internal(format!(
                "s3 answers no question '{other}'"
            ))),
        }
    }

    fn apply(ctx: &mut Ctx<'_>, _from: &RegionName, kind: &str, body: &[u8]) {
        if kind == "name" {
            buckets::name_taken(ctx, body);
        }
    }

    fn due(ctx: &mut Ctx<'_>, kind: &str, payload: &[u8]) {
        match (kind, decode::<String>(payload)) {
            ("collect", Ok(id)) => content::collect(ctx, &id),
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
    create_bucket: CreateBucketRequest -> CreateBucketResponse = buckets::create;
    put_bucket_versioning: PutBucketVersioningRequest -> PutBucketVersioningResponse = buckets::put_versioning;
    get_bucket_versioning: GetBucketVersioningRequest -> GetBucketVersioningResponse = buckets::get_versioning;
    put_bucket_replication: PutBucketReplicationRequest -> PutBucketReplicationResponse = replication::config::put;
    get_bucket_replication: GetBucketReplicationRequest -> GetBucketReplicationResponse = replication::config::get;
    delete_bucket_replication: DeleteBucketReplicationRequest -> DeleteBucketReplicationResponse = replication::config::delete;
    put_bucket_encryption: PutBucketEncryptionRequest -> PutBucketEncryptionResponse = buckets::put_encryption;
    get_bucket_encryption: GetBucketEncryptionRequest -> GetBucketEncryptionResponse = buckets::get_encryption;
    put_bucket_policy: PutBucketPolicyRequest -> PutBucketPolicyResponse = buckets::put_policy;
    get_bucket_policy: GetBucketPolicyRequest -> GetBucketPolicyResponse = buckets::get_policy;
    put_object: PutObjectRequest -> PutObjectResponse = put::begin;
    get_object: GetObjectRequest -> GetObjectResponse = get::get;
    head_object: HeadObjectRequest -> HeadObjectResponse = get::head;
    delete_object: DeleteObjectRequest -> DeleteObjectResponse = get::delete;
    list_objects_v2: ListObjectsV2Request -> ListObjectsV2Response = list::objects;
    list_object_versions: ListObjectVersionsRequest -> ListObjectVersionsResponse = list::versions;
}
