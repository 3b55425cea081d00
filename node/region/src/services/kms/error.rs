//! Every way KMS says no, in AWS's words.
//!
//! Texts marked in the facts as recorded are exact; where the facts leave the text open the
//! nearest plain sentence stands, and the variant says so.

use faultline_proto::kms::RecipientInfo;

use crate::refusal::Refusal;

/// How KMS refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KmsError {
    /// K-019: neither a UUID nor an mrk id.
    #[error("Invalid keyId '{0}'")]
    InvalidKeyId(String),
    /// K-021: an ARN of another Region; the text names that Region.
    #[error("Invalid arn {0}")]
    InvalidArn(String),
    /// K-020: well-formed, but not here.
    #[error("Key '{0}' does not exist")]
    NoSuchKey(String),
    /// K-028.
    #[error("Alias {0} is not found")]
    NoSuchAlias(String),
    /// K-027.
    #[error("An alias with the name {0} already exists")]
    AliasExists(String),
    /// K-025.
    #[error(
        "Alias must start with the prefix \"alias/\". Please see \
         https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
    )]
    AliasPrefix,
    /// K-025: the reserved prefix; the text is ours.
    #[error("The alias name {0} is reserved for AWS managed keys.")]
    ReservedAlias(String),
    /// K-049 [1].
    #[error("{0} is disabled.")]
    Disabled(String),
    /// K-049 [3]; K-050: our choice of the two that the documentation allows.
    #[error("{0} is pending deletion (or pending replica deletion).")]
    PendingDeletion(String),
    /// K-049 [4].
    #[error("{0} is not pending deletion (or pending replica deletion).")]
    NotPendingDeletion(String),
    /// K-049 [5].
    #[error("{0} is pending import.")]
    PendingImport(String),
    /// K-049 [6], K-129: imported keys where only others go, or the other way round.
    #[error("{0} origin is {1} which is not valid for this operation.")]
    WrongOrigin(String, &'static str),
    /// An operation or algorithm that such a key does not have; K-155: sometimes without a word.
    #[error("{0}")]
    Unsupported(String),
    /// K-157, K-158; the text is ours.
    #[error(
        "{0} has a rotation in progress, or an automatic rotation is scheduled within 20 minutes."
    )]
    Rotating(String),
    /// K-159.
    #[error("No available key material pending rotation for the key: {0}.")]
    NothingPending(String),
    /// K-137.
    #[error(
        "New key material (id: {new}) cannot be imported into KMS key {key}, because another key \
         material (id: {pending}) is pending rotation."
    )]
    AnotherPending {
        /// The material brought.
        new: String,
        /// The key's id.
        key: String,
        /// The material that waits.
        pending: String,
    },
    /// K-133, K-134; the texts are ours.
    #[error("{0}")]
    IncorrectKeyMaterial(String),
    /// K-132; the text is ours.
    #[error("The import token is not valid for this KMS key.")]
    InvalidImportToken,
    /// K-132; the text is ours.
    #[error("The import token has expired.")]
    ExpiredImportToken,
    /// A KeyMaterialId that the key does not know; the text is ours.
    #[error("Key material {0} does not exist for the key {1}.")]
    NoSuchMaterial(String, String),
    /// K-029: our choice of type; the text is ours.
    #[error("Alias {0} can be moved only to a KMS key of the same type and key usage.")]
    AliasOfAnotherKind(String),
    /// K-049 [11].
    #[error("{0} is unavailable.")]
    Unavailable(String),
    /// K-049 [14].
    #[error("{0} is creating.")]
    Creating(String),
    /// K-049 [15].
    #[error("{0} is updating.")]
    Updating(String),
    /// K-064, K-065: wrong context and tampered bytes look alike; no message at all.
    #[error("")]
    InvalidCiphertext,
    /// K-068.
    #[error("The key ID in the request does not identify a CMK that can perform this operation.")]
    IncorrectKey,
    /// K-070.
    #[error("{key} key usage is {usage} which is not valid for {operation}.")]
    WrongUsage {
        /// ARN.
        key: String,
        /// What the key is for.
        usage: &'static str,
        /// What was asked.
        operation: &'static str,
    },
    /// K-083: an algorithm that the key's type cannot do.
    #[error("Algorithm {0} is incompatible with key spec {1}.")]
    WrongAlgorithm(String, &'static str),
    /// K-059.
    #[error(
        "Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {most} bytes."
    )]
    TooLong {
        /// The algorithm.
        algorithm: &'static str,
        /// The key's type.
        spec: &'static str,
        /// What the two can carry.
        most: usize,
    },
    /// K-063; the text is ours.
    #[error("EncryptionContext is supported only for symmetric encryption KMS keys.")]
    ContextOfPair,
    /// K-085.
    #[error("Digest is invalid length for algorithm {0}.")]
    DigestLength(String),
    /// K-012, K-085; the text is ours.
    #[error("MessageType {message_type} is not valid for algorithm {algorithm}.")]
    MessageType {
        /// What the request says of the message.
        message_type: String,
        /// The algorithm.
        algorithm: String,
    },
    /// K-086: no message at all.
    #[error("")]
    InvalidSignature,
    /// K-084: no message at all.
    #[error("")]
    InvalidMac,
    /// K-087; the text is ours.
    #[error("{0} key spec is {1} which has no public key.")]
    NoPublicKey(String, &'static str),
    /// DeriveSharedSecret with a key of another curve, or with none; the text is ours.
    #[error("PublicKey is not the DER of a public key on the curve of key spec {0}.")]
    PublicKey(&'static str),
    /// K-097.
    #[error("{0} is not a multi-region primary key.")]
    NotPrimary(String),
    /// K-099; the text is ours.
    #[error("A key with the key ID of {0} already exists in {1}.")]
    ReplicaExists(String, String),
    /// K-111; the text is ours.
    #[error("{0} has no replica key in {1}.")]
    NoReplica(String, String),
    /// K-100: not a Region of this world; the text is ours.
    #[error("{0} is not a Region that keys can be replicated to.")]
    NoSuchRegion(String),
    /// K-175.
    #[error("The new key policy will not allow you to update the key policy in the future.")]
    Lockout,
    /// K-173, and whatever else is wrong with a document.
    #[error("{0}")]
    MalformedPolicy(String),
    /// K-088 and others: a request that no schema can refuse.
    #[error("{0}")]
    Validation(String),
    /// K-031.
    #[error("{0}")]
    Tag(&'static str),
    /// K-089.
    #[error("The request would have succeeded, but the DryRun option is set.")]
    DryRun,
    /// K-203; the text is ours.
    #[error("The grant token is not valid.")]
    InvalidGrantToken,
    /// K-205; the text is ours.
    #[error("The grant ID {0} is not valid for this key.")]
    InvalidGrantId(String),
    /// K-034; the text is ours.
    #[error("The marker is not one that a previous answer gave.")]
    InvalidMarker,
    /// K-246.
    #[error("{0}")]
    Limit(String),
    /// The other Region did not answer in time; what happened there is not known.
    #[error("The system timed out while trying to fulfill the request. You can retry the request.")]
    DependencyTimeout,
    /// GetKeyPolicy and PutKeyPolicy know one name only.
    #[error("No such policy exists")]
    NoSuchPolicy,
    /// What this build does not have, in the words of the service.
    #[error("{0} is not built in this version of Faultline.")]
    NotBuilt(String),
}

impl KmsError {
    /// Refuses a request that wants its answer encrypted to a Nitro enclave.
    pub(crate) fn recipient(asked: Option<&RecipientInfo>) -> Result<(), Self> {
        let what = "Recipient (attestation by AWS Nitro Enclaves or NitroTPM)";
        asked.map_or(Ok(()), |_| Err(Self::NotBuilt(what.to_owned())))
    }

    /// The AWS code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::InvalidKeyId(_)
            | Self::InvalidArn(_)
            | Self::NoSuchKey(_)
            | Self::NoSuchAlias(_)
            | Self::NoSuchPolicy
            | Self::NoReplica(..)
            | Self::NoSuchMaterial(..) => "NotFoundException",
            Self::AliasExists(_) | Self::ReplicaExists(..) => "AlreadyExistsException",
            Self::AliasPrefix
            | Self::Validation(_)
            | Self::TooLong { .. }
            | Self::ContextOfPair
            | Self::DigestLength(_)
            | Self::MessageType { .. }
            | Self::AliasOfAnotherKind(_)
            | Self::PublicKey(_) => "ValidationException",
            Self::ReservedAlias(_) => "InvalidAliasNameException",
            Self::Disabled(_) => "DisabledException",
            Self::PendingDeletion(_)
            | Self::NotPendingDeletion(_)
            | Self::PendingImport(_)
            | Self::Unavailable(_)
            | Self::Creating(_)
            | Self::Updating(_)
            | Self::NothingPending(_)
            | Self::AnotherPending { .. } => "KMSInvalidStateException",
            Self::IncorrectKeyMaterial(_) => "IncorrectKeyMaterialException",
            Self::InvalidImportToken => "InvalidImportTokenException",
            Self::ExpiredImportToken => "ExpiredImportTokenException",
            Self::Rotating(_) => "ConflictException",
            Self::InvalidCiphertext => "InvalidCiphertextException",
            Self::WrongAlgorithm(..) | Self::WrongUsage { .. } => "InvalidKeyUsageException",
            Self::InvalidSignature => "KMSInvalidSignatureException",
            Self::InvalidMac => "KMSInvalidMacException",
            Self::IncorrectKey => "IncorrectKeyException",
            Self::NotPrimary(_)
            | Self::NoPublicKey(..)
            | Self::NoSuchRegion(_)
            | Self::NotBuilt(_)
            | Self::WrongOrigin(..)
            | Self::Unsupported(_) => "UnsupportedOperationException",
            Self::Lockout | Self::MalformedPolicy(_) => "MalformedPolicyDocumentException",
            Self::Tag(_) => "TagException",
            Self::DryRun => "DryRunOperationException",
            Self::InvalidGrantToken => "InvalidGrantTokenException",
            Self::InvalidGrantId(_) => "InvalidGrantIdException",
            Self::InvalidMarker => "InvalidMarkerException",
            Self::Limit(_) => "LimitExceededException",
            Self::DependencyTimeout => "DependencyTimeoutException",
        }
    }
}

impl From<KmsError> for Refusal {
    fn from(error: KmsError) -> Self {
        let refusal = Self::new(error.code(), error.to_string());
        match error {
            KmsError::DependencyTimeout => Self {
                definite: false,
                ..refusal.with_status(503)
            },
            _ => refusal,
        }
    }
}
