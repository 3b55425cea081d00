//! How the Region says no.
//!
//! Every service has its own error enum, in its words; at the edge of the service it becomes a
//! [`Refusal`]: AWS code, AWS message, HTTP status, and, when a policy decided, the reasons.

use std::borrow::Cow;

use faultline_proto::driving::{Denial, Failure};

/// A call that was refused, with all that the caller may learn of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// AWS error code, for example `NotFoundException`.
    pub code: Cow<'static, str>,
    /// AWS's message, exactly where the facts have it; may be empty (K-064).
    pub message: String,
    /// HTTP status on AWS's wire.
    pub http_status: u16,
    /// Whether the call certainly left no trace.
    pub definite: bool,
    /// Who said no and what would have helped, when a policy decided.
    pub denial: Option<Box<Denial>>,
    /// Extra members of the error as a JSON object, when it has any.
    pub members: Option<String>,
    /// Name of the injected fault that caused it.
    pub fault: Option<String>,
}

impl Refusal {
    /// A definite refusal with status 400, the usual one.
    #[must_use]
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            http_status: 400,
            definite: true,
            denial: None,
            members: None,
            fault: None,
        }
    }

    /// The same with another HTTP status.
    #[must_use]
    pub fn with_status(mut self, http_status: u16) -> Self {
        self.http_status = http_status;
        self
    }

    /// The same with the reasons of a decision.
    #[must_use]
    pub fn with_denial(mut self, denial: Denial) -> Self {
        self.denial = Some(Box::new(denial));
        self
    }

    /// The same refusal in other words: what decided it, and the fault that caused it, go along.
    #[must_use]
    pub fn in_words(self, words: impl Into<Self>) -> Self {
        Self {
            denial: self.denial,
            fault: self.fault,
            ..words.into()
        }
    }

    /// Whether KMS says that the key cannot be used as it is: absent, disabled, on its way out, of
    /// another kind or not that of the ciphertext. A missing permission is another thing.
    #[must_use]
    pub fn says_key_unusable(&self) -> bool {
        matches!(
            &*self.code,
            "DisabledException"
                | "KMSInvalidStateException"
                | "NotFoundException"
                | "InvalidArnException"
                | "InvalidKeyUsageException"
                | "InvalidCiphertextException"
                | "IncorrectKeyException"
                | "KeyUnavailableException"
                | "UnsupportedOperationException"
                | "ValidationException"
        )
    }

    /// A part that this build does not have: says so rather than pretending.
    #[must_use]
    pub fn not_built(what: &str) -> Self {
        Self::new(
            "NotImplemented",
            format!("{what} is not built in this version of Faultline"),
        )
        .with_status(501)
    }

    /// What AWS answers when the service itself broke.
    #[must_use]
    pub fn internal(what: impl Into<String>) -> Self {
        let mut refusal = Self::new("InternalFailure", what).with_status(500);
        refusal.definite = false;
        refusal
    }

    /// The wire form.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        Failure {
            code: self.code.into_owned(),
            message: self.message,
            http_status: u32::from(self.http_status),
            definite: self.definite,
            denial: self.denial.map(|denial| *denial),
            members: self.members.unwrap_or_default(),
            fault: self.fault.unwrap_or_default(),
        }
    }

    /// From the wire form, as another Region answered.
    #[must_use]
    pub fn from_failure(failure: Failure) -> Self {
        Self {
            code: Cow::Owned(failure.code),
            message: failure.message,
            http_status: u16::try_from(failure.http_status).unwrap_or(500),
            definite: failure.definite,
            denial: failure.denial.map(Box::new),
            members: Some(failure.members).filter(|members| !members.is_empty()),
            fault: Some(failure.fault).filter(|fault| !fault.is_empty()),
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Refusal {}
