//! Every way S3 says no.

use crate::refusal::Refusal;

/// S3's refusals, in its words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No bucket of this name.
    #[error("The specified bucket does not exist")]
    NoSuchBucket,
    /// The bucket lives in another Region.
    #[error(
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint: s3.{0}.amazonaws.com"
    )]
    PermanentRedirect(String),
    /// No object of this key.
    #[error("The specified key does not exist.")]
    NoSuchKey,
    /// No such version.
    #[error("The specified version does not exist.")]
    NoSuchVersion,
    /// The version is a delete marker.
    #[error("The specified method is not allowed against this resource.")]
    MethodNotAllowed,
    /// The name is taken by another account.
    #[error(
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."
    )]
    BucketAlreadyExists,
    /// The caller has it already.
    #[error("Your previous request to create the named bucket succeeded and you already own it.")]
    BucketAlreadyOwnedByYou,
    /// A name that no bucket can have.
    #[error("The specified bucket is not valid.")]
    InvalidBucketName,
    /// The location constraint is not the endpoint's Region.
    #[error(
        "The {0} location constraint is incompatible for the region specific endpoint this request was sent to."
    )]
    IllegalLocationConstraint(String),
    /// XML of the wrong shape.
    #[error(
        "The XML you provided was not well-formed or did not validate against our published schema"
    )]
    MalformedXml,
    /// 400 InvalidRequest with its own words.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// 400 InvalidRequest with words of the moment.
    #[error("{0}")]
    Request(String),
    /// 400 InvalidArgument with its own words.
    #[error("{0}")]
    InvalidArgument(String),
    /// SSE-C with another algorithm (SSE-042).
    #[error("The encryption request you specified is not valid. Supported value: AES256.")]
    InvalidEncryptionAlgorithm,
    /// 403 with its own words.
    #[error("{0}")]
    AccessDenied(&'static str),
    /// Versioning cannot be suspended (S3-003).
    #[error(
        "A replication configuration is present on this bucket, so you cannot change the versioning state. To change the versioning state, first delete the replication configuration."
    )]
    InvalidBucketState,
    /// S3-022.
    #[error("The replication configuration was not found")]
    ReplicationConfigurationNotFound,
    /// No bucket policy.
    #[error("The bucket policy does not exist")]
    NoSuchBucketPolicy,
    /// A policy that does not parse.
    #[error("{0}")]
    MalformedPolicy(String),
    /// The range begins after the object ends: what was asked, and its length.
    #[error("The requested range is not satisfiable")]
    InvalidRange(String, u64),
    /// A condition did not hold: which.
    #[error("At least one of the pre-conditions you specified did not hold")]
    FailedCondition(&'static str),
    /// A part that the object does not have.
    #[error("The requested partnumber is not satisfiable")]
    NoSuchPartNumber,
    /// A number that no part can have.
    #[error("Part number must be an integer between 1 and 10000, inclusive")]
    PartNumber,
    /// No upload of this id.
    #[error(
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    )]
    NoSuchUpload(String),
    /// A part that is not there, or is another.
    #[error(
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."
    )]
    InvalidPart {
        /// Id of the upload.
        upload: String,
        /// Number of the part.
        number: u32,
        /// Entity tag that was said.
        e_tag: String,
    },
    /// Parts out of order.
    #[error("The list of parts was not in ascending order. Parts must be ordered by part number.")]
    InvalidPartOrder,
    /// A part of fewer than 5 MiB that is not the last.
    #[error("Your proposed upload is smaller than the minimum allowed size")]
    EntityTooSmall {
        /// Number of the part.
        number: u32,
        /// Its bytes.
        size: u64,
        /// Its entity tag.
        e_tag: String,
    },
    /// A part's checksum of another kind than the upload's.
    #[error("The {0} you specified for part did not match what we received.")]
    BadPartChecksum(&'static str),
    /// An archived object that was not restored.
    #[error("The operation is not valid for the object's storage class")]
    InvalidObjectState,
    /// A bucket with something in it.
    #[error("The bucket you tried to delete is not empty{0}")]
    BucketNotEmpty(&'static str),
    /// 409 InvalidBucketState with its own words.
    #[error("{0}")]
    InvalidState(&'static str),
    /// A bucket without tags.
    #[error("The TagSet does not exist")]
    NoSuchTagSet,
    /// A bucket without lifecycle rules.
    #[error("The lifecycle configuration does not exist")]
    NoLifecycle,
    /// A bucket without ownership controls.
    #[error("The bucket ownership controls were not found")]
    NoOwnershipControls,
    /// A bucket without Block Public Access.
    #[error("The public access block configuration was not found")]
    NoPublicAccessBlock,
    /// A bucket without Object Lock.
    #[error("Object Lock configuration does not exist for this bucket")]
    NoObjectLock,
    /// A version without a lock.
    #[error("The specified object does not have a ObjectLock configuration")]
    NoLockOfObject,
    /// Block Public Access keeps a policy out.
    #[error(
        "User: {caller} is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::{bucket}\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access."
    )]
    PublicPolicyBlocked {
        /// ARN of the caller.
        caller: String,
        /// The bucket.
        bucket: String,
    },
    /// If-Match and the like.
    #[error("At least one of the pre-conditions you specified did not hold")]
    PreconditionFailed,
    /// If-None-Match on a read.
    #[error("Not Modified")]
    NotModified,
    /// Content-MD5 of the body differs.
    #[error("The Content-MD5 you specified did not match what we received.")]
    BadDigest,
    /// Content-MD5 that is none.
    #[error("The Content-MD5 you specified was invalid.")]
    InvalidDigest,
    /// A checksum of the body differs.
    #[error("The {0} you specified did not match the calculated checksum.")]
    BadChecksum(&'static str),
    /// User metadata beyond 2 KB.
    #[error("Your metadata headers exceed the maximum allowed metadata size")]
    MetadataTooLarge,
    /// A key beyond 1,024 bytes.
    #[error("Your key is too long")]
    KeyTooLong,
    /// A tag that cannot be.
    #[error("{0}")]
    InvalidTag(&'static str),
    /// More tags than may be.
    #[error("Object tags cannot be greater than {0}")]
    TooManyTags(usize),
    /// A header that S3 itself does not implement here.
    #[error("A header you provided implies functionality that is not implemented")]
    HeaderNotImplemented,
    /// Fewer or more bytes than announced.
    #[error("You did not provide the number of bytes specified by the Content-Length HTTP header")]
    IncompleteBody,
    /// A refusal of KMS as S3 passes it on (SSE-014 to SSE-019).
    #[error("{message}")]
    Kms {
        /// KMS's code.
        code: String,
        /// KMS's message.
        message: String,
    },
}

impl Error {
    /// AWS code and HTTP status.
    #[must_use]
    pub fn code(&self) -> (String, u16) {
        let (code, status) = match self {
            Self::NoSuchBucket => ("NoSuchBucket", 404),
            Self::PermanentRedirect(_) => ("PermanentRedirect", 301),
            Self::NoSuchKey => ("NoSuchKey", 404),
            Self::NoSuchVersion => ("NoSuchVersion", 404),
            Self::MethodNotAllowed => ("MethodNotAllowed", 405),
            Self::BucketAlreadyExists => ("BucketAlreadyExists", 409),
            Self::BucketAlreadyOwnedByYou => ("BucketAlreadyOwnedByYou", 409),
            Self::InvalidBucketName => ("InvalidBucketName", 400),
            Self::IllegalLocationConstraint(_) => ("IllegalLocationConstraintException", 400),
            Self::MalformedXml => ("MalformedXML", 400),
            Self::InvalidRequest(_) | Self::Request(_) => ("InvalidRequest", 400),
            Self::InvalidArgument(_) => ("InvalidArgument", 400),
            Self::InvalidEncryptionAlgorithm => ("InvalidEncryptionAlgorithmError", 400),
            Self::AccessDenied(_) => ("AccessDenied", 403),
            Self::InvalidBucketState => ("InvalidBucketState", 409),
            Self::ReplicationConfigurationNotFound => {
                ("ReplicationConfigurationNotFoundError", 404)
            }
            Self::NoSuchBucketPolicy => ("NoSuchBucketPolicy", 404),
            Self::MalformedPolicy(_) => ("MalformedPolicy", 400),
            Self::InvalidRange(..) => ("InvalidRange", 416),
            Self::NoSuchPartNumber => ("InvalidPartNumber", 416),
            Self::PartNumber => ("InvalidArgument", 400),
            Self::NoSuchUpload(_) => ("NoSuchUpload", 404),
            Self::InvalidPart { .. } => ("InvalidPart", 400),
            Self::InvalidPartOrder => ("InvalidPartOrder", 400),
            Self::EntityTooSmall { .. } => ("EntityTooSmall", 400),
            Self::BadPartChecksum(_) => ("BadDigest", 400),
            Self::InvalidObjectState => ("InvalidObjectState", 403),
            Self::BucketNotEmpty(_) => ("BucketNotEmpty", 409),
            Self::InvalidState(_) => ("InvalidBucketState", 409),
            Self::NoSuchTagSet => ("NoSuchTagSet", 404),
            Self::NoLifecycle => ("NoSuchLifecycleConfiguration", 404),
            Self::NoOwnershipControls => ("OwnershipControlsNotFoundError", 404),
            Self::NoPublicAccessBlock => ("NoSuchPublicAccessBlockConfiguration", 404),
            Self::NoObjectLock => ("ObjectLockConfigurationNotFoundError", 404),
            Self::NoLockOfObject => ("NoSuchObjectLockConfiguration", 404),
            Self::PublicPolicyBlocked { .. } => ("AccessDenied", 403),
            Self::PreconditionFailed | Self::FailedCondition(_) => ("PreconditionFailed", 412),
            Self::NotModified => ("NotModified", 304),
            Self::BadDigest | Self::BadChecksum(_) => ("BadDigest", 400),
            Self::InvalidDigest => ("InvalidDigest", 400),
            Self::MetadataTooLarge => ("MetadataTooLarge", 400),
            Self::KeyTooLong => ("KeyTooLongError", 400),
            Self::InvalidTag(_) => ("InvalidTag", 400),
            Self::TooManyTags(_) => ("BadRequest", 400),
            Self::HeaderNotImplemented => ("NotImplemented", 501),
            Self::IncompleteBody => ("IncompleteBody", 400),
            Self::Kms { code, .. } => return (format!("KMS.{code}"), 400),
        };
        (code.to_owned(), status)
    }
}

impl Error {
    /// Members of the document beside code and message.
    fn members(&self) -> Option<serde_json::Value> {
        use serde_json::json;
        Some(match self {
            Self::InvalidRange(range, length) => {
                json!({ "RangeRequested": range, "ActualObjectSize": length.to_string() })
            }
            Self::FailedCondition(name) => json!({ "Condition": name }),
            Self::NoSuchUpload(id) => json!({ "UploadId": id }),
            Self::InvalidPart {
                upload,
                number,
                e_tag,
            } => json!({ "UploadId": upload, "PartNumber": number.to_string(), "ETag": e_tag }),
            Self::EntityTooSmall {
                number,
                size,
                e_tag,
            } => json!({
                "ProposedSize": size.to_string(),
                "MinSizeAllowed": "5242880",
                "PartNumber": number.to_string(),
                "ETag": e_tag,
            }),
            _ => return None,
        })
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let (code, status) = error.code();
        Self {
            members: error.members().map(|members| members.to_string()),
            ..Self::new(code, error.to_string()).with_status(status)
        }
    }
}

/// What S3 makes of a refusal of KMS: a denial stays AccessDenied (403), the rest is `KMS.*`.
#[must_use]
pub fn from_kms(refusal: Refusal) -> Refusal {
    if refusal.code == "AccessDeniedException" {
        return Refusal {
            code: "AccessDenied".into(),
            http_status: 403,
            ..refusal
        };
    }
    if refusal.code == "ThrottlingException" {
        return Refusal {
            code: "SlowDown".into(),
            http_status: 503,
            ..refusal
        };
    }
    let passed = Error::Kms {
        code: refusal.code.to_string(),
        // S3 knows of no replicas (SSE-018).
        message: refusal
            .message
            .replace(" (or pending replica deletion)", ""),
    };
    refusal.in_words(passed)
}
