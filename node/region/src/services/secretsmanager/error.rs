//! Every way Secrets Manager says no.
//!
//! Texts that the facts or AWS's own answers give are exact; where the facts leave one open, it
//! says so here.

use crate::refusal::Refusal;

/// Secrets Manager's refusals, in its words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// SEC-019.
    #[error("Secrets Manager can't find the specified secret.")]
    NoSecret,
    /// SEC-019: neither the label nor the version has a value.
    #[error("Secrets Manager can't find the specified secret value for {0}")]
    NoValue(String),
    /// SEC-018.
    #[error("The operation failed because the secret {0} already exists.")]
    Exists(String),
    /// The version is there with another value.
    #[error(
        "You can't use ClientRequestToken {0} because that value is already in use for a version of secret {1}."
    )]
    TokenInUse(String, String),
    /// SEC-017.
    #[error(
        "You can't create this secret because a secret with this name is already scheduled for deletion."
    )]
    NameScheduled,
    /// SEC-016.
    #[error("You can't perform this operation on the secret because it was marked for deletion.")]
    Marked,
    /// DeleteSecret of a secret that is scheduled.
    #[error(
        "You can't perform this operation on the secret because it was already scheduled for deletion."
    )]
    Scheduled,
    /// SEC-015; the text is not confirmed.
    #[error("You can't delete secret {0} that still has replica regions [{1}]")]
    HasReplicas(String, String),
    /// SEC-003.
    #[error(
        "Operation not permitted on a replica secret. Call must be made in primary secret's region."
    )]
    Replica,
    /// SEC-004.
    #[error("Invalid replica region.")]
    ReplicaRegion,
    /// SEC-022, on a write.
    #[error(
        "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is available, enabled, and not in an invalid state."
    )]
    Encryption,
    /// SEC-022, on a read.
    #[error(
        "Secrets Manager can't decrypt the protected secret text using the provided KMS key. Check that the KMS key is available, enabled, and not in an invalid state."
    )]
    Decryption,
    /// SEC-022, SEC-024.
    #[error("Access to KMS is not allowed")]
    KmsDenied,
    /// A value that cannot be.
    #[error("{0}")]
    InvalidParameter(String),
    /// A request that cannot be in this state.
    #[error("{0}")]
    InvalidRequest(String),
    /// A name with characters that it must not have.
    #[error(
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
    )]
    Name,
    /// SEC-025: too much of something.
    #[error("{0}")]
    Limit(String),
    /// A resource policy that is none.
    #[error("This resource policy contains a syntax error: {0}")]
    MalformedPolicy(String),
    /// A resource policy that lets everybody in, and that was to be refused then.
    #[error("You can't attach a resource policy that allows broad access to the secret.")]
    PublicPolicy,
    /// A token that no answer gave.
    #[error("The NextToken is invalid.")]
    NextToken,
}

impl Error {
    /// AWS code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSecret | Self::NoValue(_) => "ResourceNotFoundException",
            Self::Exists(_) | Self::TokenInUse(..) => "ResourceExistsException",
            Self::NameScheduled
            | Self::Marked
            | Self::Scheduled
            | Self::HasReplicas(..)
            | Self::InvalidRequest(_) => "InvalidRequestException",
            Self::Replica | Self::ReplicaRegion | Self::InvalidParameter(_) => {
                "InvalidParameterException"
            }
            Self::Encryption => "EncryptionFailure",
            Self::Decryption => "DecryptionFailure",
            Self::KmsDenied => "AccessDeniedException",
            Self::Name => "ValidationException",
            Self::Limit(_) => "LimitExceededException",
            Self::MalformedPolicy(_) => "MalformedPolicyDocumentException",
            Self::PublicPolicy => "PublicPolicyException",
            Self::NextToken => "InvalidNextTokenException",
        }
    }

    /// InvalidParameterException.
    pub fn parameter(text: impl Into<String>) -> Self {
        Self::InvalidParameter(text.into())
    }

    /// InvalidRequestException.
    pub fn request(text: impl Into<String>) -> Self {
        Self::InvalidRequest(text.into())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// KMS's refusal in Secrets Manager's words (SEC-022); its reasons go along. `unusable` is what
/// the call says when the key cannot be used.
#[must_use]
pub fn told(refusal: Refusal, unusable: Error) -> Refusal {
    match &*refusal.code {
        "AccessDeniedException" => refusal.in_words(Error::KmsDenied),
        _ if refusal.says_key_unusable() => refusal.in_words(unusable),
        _ => refusal,
    }
}
