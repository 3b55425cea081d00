//! S3 as its users see it, fact by fact.

mod carried;
mod copying;
mod encrypting;
mod multipart;
mod objects;
mod rekeying;
mod replicating;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use faultline_proto::{kms, s3};
use md5::{Digest as _, Md5};

use crate::testing::{ACCOUNT, Credential, World};

pub(super) const HERE: &str = "eu-west-1";
pub(super) const THERE: &str = "us-east-1";
const CUSTOMER_KEY: [u8; 32] = *b"0123456789abcdef0123456789abcdef";

pub(super) fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A bucket with versions that accepts SSE-C.
pub(super) fn bucket(world: &mut World, root: &Credential, region: &str, name: &str) {
    let create = s3::CreateBucketRequest {
        bucket: text(name),
        ..Default::default()
    };
    world.call(region, root, &create).unwrap();
    let versioning = s3::PutBucketVersioningRequest {
        bucket: text(name),
        versioning_configuration: Some(s3::VersioningConfiguration {
            status: text("Enabled"),
            mfa_delete: None,
        }),
        ..Default::default()
    };
    world.call(region, root, &versioning).unwrap();
    world.settle();
}

pub(super) fn allow_sse_c(world: &mut World, root: &Credential, region: &str, name: &str) {
    let rule = s3::ServerSideEncryptionRule {
        blocked_encryption_types: Some(s3::BlockedEncryptionTypes {
            encryption_type: vec!["NONE".to_owned()],
        }),
        ..Default::default()
    };
    let request = s3::PutBucketEncryptionRequest {
        bucket: text(name),
        server_side_encryption_configuration: Some(s3::ServerSideEncryptionConfiguration {
            rules: vec![rule],
        }),
        ..Default::default()
    };
    world.call(region, root, &request).unwrap();
}

pub(super) fn key(world: &mut World, region: &str) -> String {
    let root = world.root(ACCOUNT);
    let made = world
        .call(region, &root, &kms::CreateKeyRequest::default())
        .unwrap();
    made.key_metadata.unwrap().arn.unwrap()
}

pub(super) fn put(name: &str, key: &str) -> s3::PutObjectRequest {
    s3::PutObjectRequest {
        bucket: text(name),
        key: text(key),
        ..Default::default()
    }
}

pub(super) fn with_customer_key(mut request: s3::PutObjectRequest) -> s3::PutObjectRequest {
    request.sse_customer_algorithm = text("AES256");
    request.sse_customer_key = Some(BASE64.encode(CUSTOMER_KEY));
    request.sse_customer_key_md5 = Some(BASE64.encode(Md5::digest(CUSTOMER_KEY)));
    request
}

pub(super) fn get(name: &str, key: &str) -> s3::GetObjectRequest {
    s3::GetObjectRequest {
        bucket: text(name),
        key: text(key),
        ..Default::default()
    }
}

pub(super) fn head(
    world: &mut World,
    region: &str,
    root: &Credential,
    name: &str,
    key: &str,
) -> s3::HeadObjectResponse {
    let request = s3::HeadObjectRequest {
        bucket: text(name),
        key: text(key),
        ..Default::default()
    };
    world.call(region, root, &request).unwrap()
}

/// A body whose every 64 KiB differ.
pub(super) fn body(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| u8::try_from((at / 7 + at / 65_536) % 251).unwrap())
        .collect()
}

pub(super) fn metadata(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}
