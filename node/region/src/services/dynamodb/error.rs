//! Every way DynamoDB says no, in AWS's words.
//!
//! Texts that the facts or DynamoDB's own answers give are exact. KMS errors (DDB-051 to
//! DDB-057) keep AWS's first words and then KMS's own message; what stands between them in
//! AWS is not known.

use serde_json::{Value as Json, json};

use super::number::BadNumber;
use super::value::{Item, json_of};
use crate::refusal::Refusal;

/// How DynamoDB refuses.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum DynamoError {
    /// ValidationException with its whole text.
    #[error("{0}")]
    Validation(String),
    /// A data call to a table that is not there or not ready.
    #[error("Requested resource not found")]
    NotFound,
    /// A table call to a table that is not there.
    #[error("Requested resource not found: Table: {0} not found")]
    NoTable(String),
    /// A call about tags of a table that is not there.
    #[error("Requested resource not found: ResourceArn: {0} not found")]
    NoResource(String),
    /// A stream that is not there.
    #[error("Requested resource not found: Stream: {0} not found")]
    NoStream(String),
    /// A shard that is not there.
    #[error("Requested resource not found: Shard does not exist")]
    NoShard,
    /// An iterator that is older than 15 minutes.
    #[error(
        "Iterator expired. The iterator was created more than 15 minutes ago and can no longer be \
         used"
    )]
    IteratorExpired,
    /// A place that is older than 24 hours.
    #[error("The operation attempted to read past the oldest stream record in a shard: {0}")]
    Trimmed(String),
    /// A transaction that was not done, with a reason for each of its actions.
    #[error(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes(.0)
    )]
    Canceled(Vec<Json>),
    /// DDB-018.
    #[error("The provided client token is already in use with different request parameters")]
    TokenMismatch,
    /// CreateTable of a table that is there.
    #[error("Table already exists: {0}")]
    TableExists(String),
    /// A change while another one runs (DDB-033).
    #[error("Attempt to change a resource which is still in use: Table is being {0}: {1}")]
    InUse(&'static str, String),
    /// A condition that did not hold; the item when the call asked for it.
    #[error("The conditional request failed")]
    ConditionFailed(Option<Box<Item>>),
    /// DDB-050.
    #[error("{0}")]
    Limit(String),
    /// DDB-053.
    #[error("KMS key access denied error: {0}")]
    KeyDenied(String),
    /// DDB-052, and a Region that does not answer.
    #[error("Internal server error")]
    Internal,
    /// DDB-071.
    #[error(
        "The request was rejected because one or more items in the request are being modified by \
         a request in another Region."
    )]
    ReplicatedWriteConflict,
    /// A part that this build does not have.
    #[error("{0} is not built in this version of Faultline")]
    NotBuilt(&'static str),
}

fn codes(reasons: &[Json]) -> String {
    let codes = reasons.iter().filter_map(|reason| reason["Code"].as_str());
    codes.collect::<Vec<_>>().join(", ")
}

impl DynamoError {
    /// A ValidationException.
    pub(crate) fn validation(text: impl Into<String>) -> Self {
        Self::Validation(text.into())
    }

    /// A ValidationException about a parameter.
    pub(crate) fn invalid(text: impl AsRef<str>) -> Self {
        Self::Validation(format!(
            "One or more parameter values were invalid: {}",
            text.as_ref()
        ))
    }

    /// AWS's code.
    fn code(&self) -> &'static str {
        match self {
            Self::Validation(_) => "ValidationException",
            Self::NotFound
            | Self::NoTable(_)
            | Self::NoResource(_)
            | Self::NoStream(_)
            | Self::NoShard => "ResourceNotFoundException",
            Self::IteratorExpired => "ExpiredIteratorException",
            Self::Trimmed(_) => "TrimmedDataAccessException",
            Self::Canceled(_) => "TransactionCanceledException",
            Self::TokenMismatch => "IdempotentParameterMismatchException",
            Self::TableExists(_) | Self::InUse(..) => "ResourceInUseException",
            Self::ConditionFailed(_) => "ConditionalCheckFailedException",
            Self::Limit(_) => "LimitExceededException",
            Self::KeyDenied(_) => "AccessDeniedException",
            Self::Internal => "InternalServerError",
            Self::ReplicatedWriteConflict => "ReplicatedWriteConflictException",
            Self::NotBuilt(_) => "NotImplemented",
        }
    }
}

impl From<BadNumber> for DynamoError {
    fn from(bad: BadNumber) -> Self {
        Self::Validation(bad.to_string())
    }
}

impl From<DynamoError> for Refusal {
    fn from(error: DynamoError) -> Self {
        let refusal = Self::new(error.code(), error.to_string());
        match error {
            DynamoError::ConditionFailed(Some(item)) => Self {
                members: Some(json!({ "Item": json_of(&item) }).to_string()),
                ..refusal
            },
            DynamoError::Canceled(reasons) => Self {
                members: Some(json!({ "CancellationReasons": reasons }).to_string()),
                ..refusal
            },
            DynamoError::Internal => refusal.with_status(500),
            DynamoError::NotBuilt(_) => refusal.with_status(501),
            DynamoError::Validation(_)
            | DynamoError::NotFound
            | DynamoError::NoTable(_)
            | DynamoError::NoResource(_)
            | DynamoError::NoStream(_)
            | DynamoError::NoShard
            | DynamoError::IteratorExpired
            | DynamoError::Trimmed(_)
            | DynamoError::TokenMismatch
            | DynamoError::TableExists(_)
            | DynamoError::InUse(..)
            | DynamoError::ConditionFailed(None)
            | DynamoError::Limit(_)
            | DynamoError::KeyDenied(_)
            | DynamoError::ReplicatedWriteConflict => refusal,
        }
    }
}
