//! The definitions of Faultline: one per operation, and every face made from it.
//!
//! Written by hand:
//! - [`names`]: Regions, accounts, ARNs, moments, checked at birth.
//! - [`tables`]: the shape of the static tables that the generator writes.
//! - [`progress`]: [`Progress`] and [`Saga`], what a handler answers.
//!
//! Generated from `defs/` at build time:
//! - [`kms`], [`iam`], [`sts`], [`s3`], [`dynamodb`], [`ec2`], [`cloudtrail`]: messages
//!   (`kms::EncryptRequest`) and typed gRPC clients (`kms::kms_client::KmsClient`).
//! - [`driving`]: the protocol that drives a Region (`Step`, `Reply`), client and server.
//! - [`replication`]: what travels inside an envelope.
//! - [`registry`]: the tables: [`registry::SERVICES`], [`registry::find_operation`],
//!   [`registry::find_verb`].
//! - [`validate`]: `validate(operation, bytes)`, a refusal in the service's words.
//! - [`codec`]: faces of a message: `json::request`, `json::response` (AWS JSON), `from_snake`,
//!   `to_snake` (scenarios), `trail` (CloudTrail parameters), `split_body`, `join_body`;
//!   `MessageDef::by_snake`, `nearest`, `is_plain_value` for walking tables.
//! - [`schema`]: JSON Schema of arguments and results; [`explain`]: pages of operations.
//! - [`wire`]: protobuf's wire, read in place.
//! - [`handlers`]: per service a request enum, a handler trait, a dispatch:
//!   `KmsRequest::decode`, `KmsHandler`, `dispatch_kms`; [`Operation`] ties a request
//!   to its id, tables and response.

pub mod codec;
pub mod explain;
pub mod handlers;
pub mod names;
pub mod pattern;
pub mod progress;
pub mod registry;
pub mod schema;
pub mod tables;
pub mod validate;
pub mod wire;

pub use handlers::Operation;
pub use progress::{Progress, Saga};

/// The compiled definitions with their options, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

macro_rules! generated {
    ($(#[$attribute:meta])* $name:ident, $package:literal) => {
        $(#[$attribute])*
        #[expect(missing_docs, reason = "what a definition does not say has no comment")]
        pub mod $name {
            include!(concat!(env!("OUT_DIR"), "/", $package, ".rs"));
        }
    };
}
macro_rules! with_client {
    ($(#[$attribute:meta])* $name:ident, $package:literal) => {
        generated!(
            #[expect(
                unused_qualifications,
                clippy::allow_attributes_without_reason,
                reason = "written by tonic"
            )]
            $(#[$attribute])*
            $name,
            $package
        );
    };
}

with_client!(
    /// Messages and client of CloudTrail.
    cloudtrail,
    "faultline.aws.cloudtrail.v1"
);
with_client!(
    /// Messages and client of DynamoDB.
    dynamodb,
    "faultline.aws.dynamodb.v1"
);
with_client!(
    /// Messages and client of EC2.
    ec2,
    "faultline.aws.ec2.v1"
);
with_client!(
    /// Messages and client of IAM.
    iam,
    "faultline.aws.iam.v1"
);
with_client!(
    /// Messages and client of KMS.
    kms,
    "faultline.aws.kms.v1"
);
with_client!(
    /// Messages and client of S3.
    s3,
    "faultline.aws.s3.v1"
);
with_client!(
    /// Messages and client of STS.
    sts,
    "faultline.aws.sts.v1"
);
generated!(
    /// What travels inside an envelope, once the link's seal is off.
    replication,
    "faultline.replication.v1"
);
with_client!(
    #[expect(
        clippy::allow_attributes,
        clippy::large_enum_variant,
        reason = "tonic writes them into its servers; a refusal is rarer than an answer"
    )]
    /// How a Region is driven: `Step` in, `Reply` out, with client and server.
    driving,
    "faultline.region.v1"
);
