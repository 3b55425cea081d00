//! Every way the client says no.

use std::fmt;

use faultline_proto::names::RegionName;

/// A call that brought no answer the client can use, exactly as the transport told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFailure {
    /// Where the call went.
    pub region: RegionName,
    /// What was called, for example `kms.Decrypt`.
    pub operation: &'static str,
    /// AWS code (`DisabledException`) or what the client saw (`ConnectTimeout`).
    pub code: String,
    /// The words that came with it.
    pub message: String,
    /// Whatever else the caller of the client wants back; this crate never looks inside.
    pub payload: String,
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} in {}: {}: {}",
            self.operation, self.region, self.code, self.message
        )
    }
}

/// Why an item was not written, or not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    /// The table's configuration, the keyring or the item does not fit; no call was made.
    #[error("{0}")]
    SchemaViolation(String),
    /// The item is not encrypted and the plaintext policy forbids reading such items.
    #[error("{0}")]
    PlaintextItem(String),
    /// `aws_dbe_head` or `aws_dbe_foot` is missing or not what the format allows.
    #[error("{0}")]
    InvalidHeader(String),
    /// Somebody changed what was signed: commitment, recipient tag, signature or a field's tag.
    #[error("{0}")]
    SignatureInvalid(String),
    /// None of the item's encrypted data keys is one this keyring may try (CSE-043).
    #[error("Unable to decrypt data key: No Encrypted Data Keys found to match. Expected:{}", expected(.offered))]
    NoMatchingKey {
        /// Provider id and provider information of each encrypted data key of the item.
        offered: Vec<(String, String)>,
    },
    /// A branch key or beacon key cannot be had from its store.
    #[error("{0}")]
    KeyStore(String),
    /// KMS answered something the client must not trust.
    #[error("{operation} in {region}: {message}")]
    UnexpectedAnswer {
        /// Where the answer came from.
        region: RegionName,
        /// What was called.
        operation: &'static str,
        /// What is wrong with the answer.
        message: String,
    },
    /// More than one key was tried and each attempt failed; the first attempt comes first.
    #[error(
        "No Configured KMS Key was able to decrypt the Data Key. The list of encountered Exceptions is: {}",
        listed(.0)
    )]
    AllAttemptsFailed(Vec<SealedError>),
    /// A call failed; passed on unchanged.
    #[error("{0}")]
    Call(CallFailure),
}

impl SealedError {
    /// The code that scenarios expect: the AWS code for a failed call, else this client's own.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::SchemaViolation(_) => "SchemaViolation",
            Self::PlaintextItem(_) => "PlaintextItem",
            Self::InvalidHeader(_) => "InvalidHeader",
            Self::SignatureInvalid(_) => "SignatureInvalid",
            Self::NoMatchingKey { .. } => "NoMatchingKey",
            Self::KeyStore(_) => "KeyStoreException",
            Self::UnexpectedAnswer { .. } => "UnexpectedAnswer",
            Self::AllAttemptsFailed(_) => "AllAttemptsFailed",
            Self::Call(failure) => &failure.code,
        }
    }

    /// The failed call, if it was one call that failed.
    #[must_use]
    pub fn call(&self) -> Option<&CallFailure> {
        match self {
            Self::Call(failure) => Some(failure),
            Self::SchemaViolation(_)
            | Self::PlaintextItem(_)
            | Self::InvalidHeader(_)
            | Self::SignatureInvalid(_)
            | Self::NoMatchingKey { .. }
            | Self::KeyStore(_)
            | Self::UnexpectedAnswer { .. }
            | Self::AllAttemptsFailed(_) => None,
        }
    }
}

impl From<CallFailure> for SealedError {
    fn from(failure: CallFailure) -> Self {
        Self::Call(failure)
    }
}

fn expected(offered: &[(String, String)]) -> String {
    offered
        .iter()
        .map(|(id, info)| format!(" KeyProviderId: {id}, KeyProviderInfo: {info}"))
        .collect()
}

fn listed(errors: &[SealedError]) -> String {
    let words: Vec<String> = errors.iter().map(ToString::to_string).collect();
    words.join("; ")
}
