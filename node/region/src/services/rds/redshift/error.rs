//! Refusals of Redshift that RDS does not have. Codes are those of the service model; texts are
//! AWS's where somebody has seen one.

use crate::refusal::Refusal;

/// Redshift's refusals, in its words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// EBS-060: no such grant in the destination Region.
    #[error("Snapshot copy grant not found: {0}")]
    NoGrant(String),
    /// The name is taken.
    #[error(
        "Cannot create the snapshot copy grant because a grant with the identifier '{0}' already exists"
    )]
    GrantExists(String),
    /// A warehouse copies by it.
    #[error(
        "The snapshot copy grant {0} can't be deleted because it is used by one or more clusters."
    )]
    GrantUsed(String),
    /// EBS-060: a warehouse under a KMS key copies by a grant only.
    #[error("SnapshotCopyGrantName is required for Snapshot Copy on KMS encrypted clusters.")]
    GrantRequired,
    /// EBS-060.
    #[error("Snapshot Copy is already enabled on Cluster {0}.")]
    Enabled(String),
    /// Nothing to disable.
    #[error("Snapshot Copy is already disabled on Cluster {0}.")]
    Disabled(String),
    /// Nothing to modify.
    #[error("Cannot modify retention period because snapshot copy is disabled on Cluster {0}.")]
    CopyDisabled(String),
    /// The warehouse's own Region, or none.
    #[error("Invalid region {0}")]
    Region(String),
    /// Days that cannot be.
    #[error("The retention period {0} is not valid: it must be {1}.")]
    Retention(i32, &'static str),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let (code, status) = match &error {
            Error::NoGrant(_) => ("SnapshotCopyGrantNotFoundFault", 400),
            Error::GrantExists(_) => ("SnapshotCopyGrantAlreadyExistsFault", 400),
            Error::GrantUsed(_) => ("InvalidSnapshotCopyGrantStateFault", 400),
            Error::GrantRequired => ("InvalidParameterValue", 400),
            Error::Enabled(_) => ("SnapshotCopyAlreadyEnabledFault", 400),
            Error::Disabled(_) => ("SnapshotCopyAlreadyDisabledFault", 400),
            Error::CopyDisabled(_) => ("SnapshotCopyDisabledFault", 400),
            Error::Region(_) => ("UnknownSnapshotCopyRegionFault", 404),
            Error::Retention(..) => ("InvalidRetentionPeriodFault", 400),
        };
        Self::new(code, error.to_string()).with_status(status)
    }
}
