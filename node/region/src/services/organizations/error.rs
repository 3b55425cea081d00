//! Every way Organizations says no.

use faultline_proto::names::RegionName;

use crate::identity::PolicyError;
use crate::refusal::Refusal;

/// A refusal of Organizations.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum OrganizationsError {
    #[error("Your account is not a member of an organization.")]
    NotInUse,
    #[error("The AWS account is already a member of an organization.")]
    AlreadyIn,
    #[error("You don't have permissions to access this resource.")]
    NotManagement,
    #[error("You can't remove the management account from an organization.")]
    ManagementCannotLeave,
    #[error("You specified an account that doesn't exist.")]
    NoSuchAccount,
    #[error("We can't find an invitation with the HandshakeId that you specified.")]
    NoSuchHandshake,
    #[error("We can't find a root or OU with the ParentId that you specified.")]
    NoSuchParent,
    #[error("We can't find the source root or OU that you specified.")]
    NoSuchSource,
    #[error("We can't find the destination container (a root or OU) that you specified.")]
    NoSuchDestination,
    #[error("We can't find a root with the RootId that you specified.")]
    NoSuchRoot,
    #[error("An OU with the same name already exists.")]
    DuplicateUnit,
    #[error("We can't find a policy with the PolicyId that you specified.")]
    NoSuchPolicy,
    #[error("A policy with the same name already exists.")]
    DuplicatePolicy,
    #[error("We can't find a root, OU, account, or policy with the TargetId that you specified.")]
    NoSuchTarget,
    #[error("The selected policy is already attached to the specified target.")]
    AlreadyAttached,
    #[error("The policy isn't attached to the specified target in the specified root.")]
    NotAttached,
    #[error(
        "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts before performing this operation."
    )]
    InUse,
    #[error("The policy type is not enabled in this root.")]
    TypeNotEnabled,
    #[error("The specified policy type is already enabled.")]
    TypeAlreadyEnabled,
    #[error("The organization has no policies: it was created with CONSOLIDATED_BILLING.")]
    NoPolicies,
    #[error(
        "You can't remove the last service control policy from a target: at least one must stay attached."
    )]
    LastPolicy,
    #[error("You can't change or detach {0}: AWS manages it.")]
    AwsManaged(String),
    #[error("You have attached the most policies that a target can have: {0}.")]
    TooMany(usize),
    #[error(
        "The provided policy document does not meet the requirements of the specified policy type: {0}"
    )]
    Malformed(PolicyError),
    #[error("The policy has {0} characters, white space included; 5120 are the most.")]
    TooLarge(usize),
    #[error(
        "Policies of type {0} are not built in this version of Faultline; there are SERVICE_CONTROL_POLICY and RESOURCE_CONTROL_POLICY"
    )]
    TypeNotBuilt(String),
    #[error(
        "Only accounts of this world can be invited: Target is {{\"Type\": \"ACCOUNT\", \"Id\": the account's 12 digits}}."
    )]
    NotAnAccount,
    #[error(
        "Organizations is served by {home} for all Regions; {here} only holds a copy. Send its calls to {home}."
    )]
    NotHome { home: RegionName, here: RegionName },
    #[error("{0}")]
    Other(Refusal),
}

impl OrganizationsError {
    fn code(&self) -> (&'static str, u16) {
        match self {
            Self::NotInUse => ("AWSOrganizationsNotInUseException", 400),
            Self::AlreadyIn => ("AlreadyInOrganizationException", 400),
            Self::NotManagement => ("AccessDeniedException", 400),
            Self::ManagementCannotLeave => ("MasterCannotLeaveOrganizationException", 400),
            Self::NoSuchAccount => ("AccountNotFoundException", 400),
            Self::NoSuchHandshake => ("HandshakeNotFoundException", 400),
            Self::NoSuchParent => ("ParentNotFoundException", 400),
            Self::NoSuchSource => ("SourceParentNotFoundException", 400),
            Self::NoSuchDestination => ("DestinationParentNotFoundException", 400),
            Self::NoSuchRoot => ("RootNotFoundException", 400),
            Self::DuplicateUnit => ("DuplicateOrganizationalUnitException", 400),
            Self::NoSuchPolicy => ("PolicyNotFoundException", 400),
            Self::DuplicatePolicy => ("DuplicatePolicyException", 400),
            Self::NoSuchTarget => ("TargetNotFoundException", 400),
            Self::AlreadyAttached => ("DuplicatePolicyAttachmentException", 400),
            Self::NotAttached => ("PolicyNotAttachedException", 400),
            Self::InUse => ("PolicyInUseException", 400),
            Self::TypeNotEnabled => ("PolicyTypeNotEnabledException", 400),
            Self::TypeAlreadyEnabled => ("PolicyTypeAlreadyEnabledException", 400),
            Self::NoPolicies => ("PolicyTypeNotAvailableForOrganizationException", 400),
            Self::AwsManaged(_) | Self::LastPolicy | Self::TooMany(_) | Self::TooLarge(_) => {
                ("ConstraintViolationException", 400)
            }
            Self::Malformed(_) => ("MalformedPolicyDocumentException", 400),
            Self::NotAnAccount => ("InvalidInputException", 400),
            Self::TypeNotBuilt(_) => ("NotImplemented", 501),
            Self::NotHome { .. } => ("InvalidEndpoint", 400),
            Self::Other(_) => ("InternalFailure", 500),
        }
    }
}

impl From<OrganizationsError> for Refusal {
    fn from(error: OrganizationsError) -> Self {
        let (code, status) = error.code();
        match error {
            OrganizationsError::Other(refusal) => refusal,
            error => Self::new(code, error.to_string()).with_status(status),
        }
    }
}

impl From<Refusal> for OrganizationsError {
    fn from(refusal: Refusal) -> Self {
        Self::Other(refusal)
    }
}
