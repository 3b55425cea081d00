//! The definitions of Faultline: one per operation, and every face made from it.
//!
//! Generated from `defs/` at build time:
//! - [`kms`], [`iam`], [`sts`], [`s3`], [`s3control`], [`dynamodb`], [`dynamodbstreams`], [`ec2`], [`cloudtrail`], [`organizations`],
//!   [`secretsmanager`], [`ssm`], [`rds`], [`redshift`], [`database`]: messages
//!   (`kms::EncryptRequest`) and typed gRPC clients (`kms::kms_client::KmsClient`).
//! - [`handlers`]: per service a request enum, a handler trait, a dispatch
//!   (`KmsRequest::decode`, `KmsHandler`, `dispatch_kms`); [`Operation`] ties a request
//!   to its id, tables and response.
//! - [`registry`]: the tables: [`registry::SERVICES`], [`registry::find_operation`],
//!   [`registry::find_verb`].
//! - [`driving`]: the protocol that drives a Region (`Step`, `Reply`), client and server;
//!   [`replication`]: what travels inside an envelope.
//!
//! Over the tables, by hand:
//! - [`tables`]: their shape; [`wire`]: protobuf's wire, read in place.
//! - [`validate`]: a refusal in the service's words.
//! - [`codec`]: AWS JSON, scenario values, the trail's parameters, bodies apart.
//! - [`schema`]: JSON Schema of arguments and results; [`explain`]: pages of operations.
//!
//! And [`names`], checked at birth, and [`progress`], what a handler answers.

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
    /// Messages and client of DynamoDB Streams.
    dynamodbstreams,
    "faultline.aws.dynamodbstreams.v1"
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
    /// Messages and client of Organizations.
    organizations,
    "faultline.aws.organizations.v1"
);
with_client!(
    /// Messages and client of S3.
    s3,
    "faultline.aws.s3.v1"
);
with_client!(
    /// Messages and client of S3's control plane.
    s3control,
    "faultline.aws.s3control.v1"
);
with_client!(
    /// Messages and client of Secrets Manager.
    secretsmanager,
    "faultline.aws.secretsmanager.v1"
);
with_client!(
    /// Messages and client of Systems Manager's Parameter Store.
    ssm,
    "faultline.aws.ssm.v1"
);
with_client!(
    /// Messages and client of RDS and Aurora.
    rds,
    "faultline.aws.rds.v1"
);
with_client!(
    /// Messages and client of Redshift.
    redshift,
    "faultline.aws.redshift.v1"
);
with_client!(
    /// Messages and client of what a database's own clients say.
    database,
    "faultline.aws.database.v1"
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
        clippy::too_many_lines,
        reason = "tonic writes them into its servers; a refusal is rarer than an answer"
    )]
    /// How a Region is driven: `Step` in, `Reply` out, with client and server.
    driving,
    "faultline.region.v1"
);
