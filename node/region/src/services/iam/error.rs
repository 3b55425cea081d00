//! Every way IAM says no.

use faultline_proto::names::RegionName;

use crate::identity::PolicyError;
use crate::refusal::Refusal;

/// A user, a group or a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entity {
    User,
    Group,
    Role,
}

impl Entity {
    /// As messages begin: `User`.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::Role => "Role",
        }
    }

    /// In the middle of a message: `user`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }
}

/// A refusal of IAM.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum IamError {
    #[error("{} with name {name} already exists.", kind.title())]
    AlreadyExists { kind: Entity, name: String },
    #[error("The {} with name {name} cannot be found.", kind.word())]
    NoSuchEntity { kind: Entity, name: String },
    #[error("The {} policy with name {name} cannot be found.", kind.word())]
    NoSuchPolicy { kind: Entity, name: String },
    #[error("Scope ARN: {0} does not exist or is not attachable.")]
    NoSuchBoundary(String),
    #[error("Policy {0} does not exist or is not attachable.")]
    NotAttachable(String),
    #[error("The {} {name} has no permissions boundary.", kind.word())]
    NoBoundary { kind: Entity, name: String },
    #[error("Policy {0} was not found.")]
    NotAttached(String),
    #[error("Policy {0} version {1} does not exist or is not attachable.")]
    NoSuchVersion(String, String),
    #[error(
        "A managed policy can have up to {0} versions. Before you create a new version, you must delete an existing version."
    )]
    TooManyVersions(usize),
    #[error("Cannot delete the default version of a policy.")]
    VersionInForce,
    #[error("Cannot delete a policy attached to entities.")]
    PolicyInUse,
    #[error(
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy."
    )]
    PolicyHasVersions,
    #[error("Policy {0} is managed by AWS and cannot be changed.")]
    AwsManaged(String),
    #[error("User {user} not in group {group}")]
    NotInGroup { user: String, group: String },
    #[error("The number of tags has reached the maximum limit.")]
    TooManyTags,
    #[error("Duplicate tag keys found. Please note that Tag keys are case insensitive.")]
    DuplicateTags,
    #[error("{0}")]
    InvalidInput(String),
    #[error("A policy called {0} already exists. Duplicate names are not allowed.")]
    PolicyExists(String),
    #[error("The Access Key with id {0} cannot be found.")]
    NoSuchAccessKey(String),
    #[error("Cannot delete entity, must {0} first.")]
    DeleteFirst(&'static str),
    #[error("{0} is no status that a key can be given: Active or Inactive.")]
    BadStatus(String),
    #[error("{}", .0.message)]
    MalformedPolicy(PolicyError),
    #[error("Invalid principal in policy: \"{kind}\":\"{name}\"")]
    InvalidPrincipal { kind: &'static str, name: String },
    #[error("Maximum policy size of {limit} bytes exceeded for {} {name}", kind.word())]
    PoliciesTooLarge {
        kind: Entity,
        name: String,
        limit: usize,
    },
    #[error("Cannot exceed quota for {what}: {limit}")]
    Quota { what: &'static str, limit: usize },
    #[error("Must specify userName when calling with non-User credentials")]
    NoUserName,
    #[error("Invalid Marker.")]
    InvalidMarker,
    #[error(
        "IAM is served by {home} for all Regions; {here} only holds a copy of the directory. Send IAM calls to {home}."
    )]
    NotHome { home: RegionName, here: RegionName },
    #[error("{0}")]
    Other(Refusal),
}

impl IamError {
    fn code(&self) -> (&'static str, u16) {
        match self {
            Self::AlreadyExists { .. } | Self::PolicyExists(_) => ("EntityAlreadyExists", 409),
            Self::NoSuchEntity { .. }
            | Self::NoSuchPolicy { .. }
            | Self::NoSuchBoundary(_)
            | Self::NotAttachable(_)
            | Self::NoBoundary { .. }
            | Self::NotAttached(_)
            | Self::NoSuchVersion(..)
            | Self::NotInGroup { .. }
            | Self::NoSuchAccessKey(_) => ("NoSuchEntity", 404),
            Self::MalformedPolicy(_) | Self::InvalidPrincipal { .. } => {
                ("MalformedPolicyDocument", 400)
            }
            Self::PoliciesTooLarge { .. }
            | Self::Quota { .. }
            | Self::TooManyVersions(_)
            | Self::TooManyTags => ("LimitExceeded", 409),
            Self::DeleteFirst(_)
            | Self::VersionInForce
            | Self::PolicyInUse
            | Self::PolicyHasVersions => ("DeleteConflict", 409),
            Self::DuplicateTags | Self::InvalidInput(_) => ("InvalidInput", 400),
            Self::AwsManaged(_) => ("AccessDenied", 403),
            Self::NoUserName | Self::InvalidMarker | Self::BadStatus(_) => ("ValidationError", 400),
            Self::NotHome { .. } => ("InvalidEndpoint", 400),
            Self::Other(_) => ("InternalFailure", 500),
        }
    }
}

impl From<IamError> for Refusal {
    fn from(error: IamError) -> Self {
        let (code, status) = error.code();
        match error {
            IamError::Other(refusal) => refusal,
            error => Self::new(code, error.to_string()).with_status(status),
        }
    }
}

impl From<Refusal> for IamError {
    fn from(refusal: Refusal) -> Self {
        Self::Other(refusal)
    }
}
