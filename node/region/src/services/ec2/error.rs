//! Every way EC2 says no.

use crate::refusal::Refusal;

/// EC2's refusals, in its words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// EBS-035.
    #[error("The snapshot '{0}' does not exist.")]
    NoSnapshot(String),
    /// No such volume of the caller's account here.
    #[error("The volume '{0}' does not exist.")]
    NoVolume(String),
    /// No such image that the caller may see here.
    #[error("The image id '[{0}]' does not exist")]
    NoImage(String),
    /// No such instance of the caller's account here.
    #[error("The instance ID '{0}' does not exist")]
    NoInstance(String),
    /// EBS-035: an id of the wrong shape; the code's first word says of what.
    #[error("Invalid id: \"{1}\" (expecting \"{2}-...\")")]
    Malformed(&'static str, String, &'static str),
    /// EBS-035.
    #[error("The snapshot {0} is currently in use by {1}")]
    SnapshotInUse(String, String),
    /// EBS-017: what is asked needs another state.
    #[error("{0}")]
    IncorrectState(String),
    /// EBS-011, EBS-039.
    #[error("The parameter KmsKeyId requires the parameter Encrypted to be set.")]
    KeyWithoutEncrypted,
    /// A value that cannot be; the text is ours where the facts leave it open.
    #[error("{0}")]
    InvalidValue(String),
    /// A combination that cannot be.
    #[error("{0}")]
    InvalidCombination(String),
    /// A member that must be there.
    #[error("The request must contain the parameter {0}")]
    Missing(&'static str),
    /// EBS-028.
    #[error("Encrypted snapshots with EBS default key cannot be shared")]
    DefaultKeyNotShared,
    /// EBS-030: code and text unconfirmed.
    #[error("Encrypted snapshots cannot be made public")]
    EncryptedNotPublic,
    /// EBS-029.
    #[error(
        "Snapshots encrypted with the AWS Managed CMK can't be shared. Specify another snapshot."
    )]
    ManagedNotShared,
    /// Another account's thing, shared for use only.
    #[error("Not authorized for {0}")]
    NotYours(String),
    /// EBS-023.
    #[error(
        "You have exceeded the limit of {0} concurrent snapshot copies for this destination Region."
    )]
    TooManyCopies(usize),
    /// A lock holds the snapshot. Code and text unconfirmed.
    #[error("The snapshot {0} is locked")]
    Locked(String),
    /// There is no lock to undo. Code and text unconfirmed.
    #[error("The snapshot {0} is not locked")]
    NotLocked(String),
    /// EBS-009: the key of a volume that is to be attached cannot be used. The text is unconfirmed.
    #[error(
        "Volume {0} cannot be attached. The encrypted volume was unable to access the KMS key."
    )]
    KeyRevoked(String),
    /// The volume is at an instance: volume and instance.
    #[error("Volume {0} is currently attached to {1}")]
    VolumeInUse(String, String),
    /// The volume is at an instance already.
    #[error("{0} is already attached to an instance")]
    VolumeTaken(String),
    /// Volume and instance are in different zones.
    #[error("The volume '{0}' is not in the same availability zone as instance '{1}'")]
    ZoneMismatch(String, String),
    /// An instance in another state: instance, and the word for what was to be done.
    #[error("The instance '{0}' is not in a state from which it can be {1}.")]
    InstanceState(String, &'static str),
    /// Volume, instance and device do not fit.
    #[error("Volume '{0}' is not attached to instance '{1}' as device '{2}'.")]
    NotAttached(String, String, String),
    /// A name that the account uses already.
    #[error("AMI name {0} is already in use by AMI {1}")]
    NameTaken(String, String),
    /// The permission is there, and only asked for.
    #[error("Request would have succeeded, but DryRun flag is set.")]
    DryRun,
}

impl Error {
    /// AWS code and HTTP status.
    #[must_use]
    pub fn code(&self) -> (String, u16) {
        let code = match self {
            Self::NoSnapshot(_) => "InvalidSnapshot.NotFound",
            Self::NoVolume(_) => "InvalidVolume.NotFound",
            Self::NoImage(_) => "InvalidAMIID.NotFound",
            Self::NoInstance(_) => "InvalidInstanceID.NotFound",
            Self::Malformed(what, ..) => return (format!("{what}.Malformed"), 400),
            Self::SnapshotInUse(..) => "InvalidSnapshot.InUse",
            Self::IncorrectState(_) => "IncorrectState",
            Self::KeyWithoutEncrypted => "InvalidParameterDependency",
            Self::InvalidValue(_) => "InvalidParameterValue",
            Self::InvalidCombination(_) => "InvalidParameterCombination",
            Self::Missing(_) => "MissingParameter",
            Self::DefaultKeyNotShared | Self::EncryptedNotPublic => "OperationNotPermitted",
            Self::ManagedNotShared => "InvalidParameter",
            Self::NotYours(_) => return ("AuthFailure".to_owned(), 403),
            Self::Locked(_) => "OperationNotPermitted",
            Self::NotLocked(_) => "IncorrectState",
            Self::KeyRevoked(_) => "CustomerKeyHasBeenRevoked",
            Self::VolumeInUse(..) | Self::VolumeTaken(_) => "VolumeInUse",
            Self::ZoneMismatch(..) => "InvalidVolume.ZoneMismatch",
            Self::InstanceState(..) => "IncorrectInstanceState",
            Self::NotAttached(..) => "InvalidAttachment.NotFound",
            Self::TooManyCopies(_) => "ResourceLimitExceeded",
            Self::NameTaken(..) => "InvalidAMIName.Duplicate",
            Self::DryRun => return ("DryRunOperation".to_owned(), 412),
        };
        (code.to_owned(), 400)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let (code, status) = error.code();
        Self::new(code, error.to_string()).with_status(status)
    }
}
