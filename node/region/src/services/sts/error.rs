//! Every way STS says no.

use faultline_proto::driving::Denial;

use crate::identity::PolicyError;
use crate::refusal::Refusal;

/// A refusal of STS, or of a session's credentials.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum StsError {
    #[error("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}")]
    NoSuchRole { caller: String, role: String },
    #[error("{0} is invalid")]
    BadRoleArn(String),
    #[error("Roles may not be assumed by root accounts.")]
    ByRoot,
    #[error("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")]
    TooLong,
    #[error(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    )]
    TooLongForChain,
    #[error("{}", .0.message)]
    MalformedPolicy(PolicyError),
    #[error("The session policy has {0} characters; 2048 are the most.")]
    PolicyTooLarge(usize),
    #[error("{what} has more than {limit} entries.")]
    TooMany { what: &'static str, limit: usize },
    #[error("The managed policy {0} does not exist in this Region's copy of the directory.")]
    NoSuchPolicy(String),
    #[error(
        "The session tag {0} is given twice, or was passed on by the session that asks and cannot be changed."
    )]
    TagTwice(String),
    #[error("The transitive tag key {0} is not among the tags of the request.")]
    NoSuchTag(String),
    #[error("The source identity is {0} already and cannot be changed.")]
    SourceIdentityIsSet(String),
    #[error("Cannot call GetSessionToken with session credentials")]
    BySession,
    #[error("Request is missing Authentication Token")]
    Unsigned,
    #[error("The security token included in the request is invalid.")]
    InvalidToken,
    #[error("The security token included in the request is expired")]
    ExpiredToken,
}

impl StsError {
    fn code(&self) -> (&'static str, u16) {
        match self {
            Self::NoSuchRole { .. }
            | Self::ByRoot
            | Self::BySession
            | Self::SourceIdentityIsSet(_) => ("AccessDenied", 403),
            Self::BadRoleArn(_)
            | Self::TooLong
            | Self::TooLongForChain
            | Self::TooMany { .. }
            | Self::NoSuchPolicy(_)
            | Self::NoSuchTag(_) => ("ValidationError", 400),
            Self::TagTwice(_) => ("InvalidParameterValue", 400),
            Self::MalformedPolicy(_) => ("MalformedPolicyDocument", 400),
            Self::PolicyTooLarge(_) => ("PackedPolicyTooLarge", 400),
            Self::Unsigned => ("MissingAuthenticationToken", 403),
            Self::InvalidToken => ("UnrecognizedClientException", 400),
            Self::ExpiredToken => ("ExpiredTokenException", 400),
        }
    }
}

impl From<StsError> for Refusal {
    fn from(error: StsError) -> Self {
        let (code, status) = error.code();
        let refusal = Self::new(code, error.to_string()).with_status(status);
        match error {
            StsError::NoSuchRole { caller, role } => refusal.with_denial(Denial {
                principal: caller,
                action: "sts:AssumeRole".to_owned(),
                denied_by: "trust_policy".to_owned(),
                explicit: false,
                statement: String::new(),
                missing: vec![format!(
                    "{role} to exist in this Region's copy of the directory"
                )],
                resource: role,
            }),
            StsError::BadRoleArn(_)
            | StsError::ByRoot
            | StsError::TooLong
            | StsError::TooLongForChain
            | StsError::MalformedPolicy(_)
            | StsError::PolicyTooLarge(_)
            | StsError::TooMany { .. }
            | StsError::NoSuchPolicy(_)
            | StsError::TagTwice(_)
            | StsError::NoSuchTag(_)
            | StsError::SourceIdentityIsSet(_)
            | StsError::BySession
            | StsError::Unsigned
            | StsError::InvalidToken
            | StsError::ExpiredToken => refusal,
        }
    }
}
