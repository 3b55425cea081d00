//! Every way DynamoDB says no, in AWS's words.
//!
//! Texts that the facts or DynamoDB's own answers give are exact. KMS errors (DDB-051 to
//! DDB-057) keep AWS's first words and then KMS's own message; what stands between them in
//! AWS is not known.

use serde_json::json;

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
    /// A part that this build does not have.
    #[error("{0} is not built in this version of Faultline")]
    NotBuilt(&'static str),
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
            Self::NotFound | Self::NoTable(_) => "ResourceNotFoundException",
            Self::TableExists(_) | Self::InUse(..) => "ResourceInUseException",
            Self::ConditionFailed(_) => "ConditionalCheckFailedException",
            Self::Limit(_) => "LimitExceededException",
            Self::KeyDenied(_) => "AccessDeniedException",
            Self::Internal => "InternalServerError",
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
            DynamoError::Internal => refusal.with_status(500),
            DynamoError::NotBuilt(_) => refusal.with_status(501),
            DynamoError::Validation(_)
            | DynamoError::NotFound
            | DynamoError::NoTable(_)
            | DynamoError::TableExists(_)
            | DynamoError::InUse(..)
            | DynamoError::ConditionFailed(None)
            | DynamoError::Limit(_)
            | DynamoError::KeyDenied(_) => refusal,
        }
    }
}
