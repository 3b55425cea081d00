//! Every way CloudTrail says no.

use crate::refusal::Refusal;

/// A refusal of CloudTrail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CloudTrailError {
    #[error("You can specify only one lookup attribute.")]
    ManyAttributes,
    #[error("The start time of the events is after their end time.")]
    TimeRange,
    #[error("Invalid token or no longer valid: repeat the lookup without it.")]
    NextToken,
}

impl From<CloudTrailError> for Refusal {
    fn from(error: CloudTrailError) -> Self {
        let code = match error {
            CloudTrailError::ManyAttributes => "InvalidLookupAttributesException",
            CloudTrailError::TimeRange => "InvalidTimeRangeException",
            CloudTrailError::NextToken => "InvalidNextTokenException",
        };
        Self::new(code, error.to_string())
    }
}
