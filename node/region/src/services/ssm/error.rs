//! Every way Parameter Store says no.
//!
//! Texts that the facts or AWS's own answers give are exact.

use crate::refusal::Refusal;

/// Parameter Store's refusals, in its words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No such parameter; AWS says no more.
    #[error("")]
    NotFound,
    /// No such version.
    #[error("Systems Manager could not find version {1} of {0}. Verify the version and try again.")]
    NoVersion(String, String),
    /// SEC-036.
    #[error(
        "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."
    )]
    Exists,
    /// SEC-030.
    #[error(
        "Parameter Store does not support changing a parameter type in a hierarchy. For example, you can't change a parameter from a String type to a SecureString type. You must create a new, unique parameter."
    )]
    Type,
    /// A request that cannot be.
    #[error("{0}")]
    Validation(String),
    /// SEC-037.
    #[error("No access to reserved parameter name: {0}.")]
    Reserved(String),
    /// SEC-037.
    #[error("A hierarchy can have a maximum of 15 levels.")]
    Levels,
    /// SEC-028.
    #[error(
        "You have exceeded the number of parameters for this Amazon Web Services account. Delete one or more parameters and try again."
    )]
    TooMany,
    /// SEC-039.
    #[error(
        "You attempted to create a new version of {0} by calling the PutParameter API with the overwrite flag. Version {1}, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again."
    )]
    MaxVersions(String, i64),
    /// SEC-039.
    #[error(
        "A parameter version can have a maximum of 10 labels. Move one or more labels to another version and try again."
    )]
    MaxLabels,
    /// SEC-033: KMS's own words.
    #[error("{0}")]
    Key(String),
    /// A pattern that is none.
    #[error("The request does not meet the regular expression requirement: {0}")]
    BadPattern(String),
    /// A value that its pattern refuses.
    #[error("Parameter value, cannot be validated against allowedPattern: {0}")]
    Pattern(String),
    /// SEC-040.
    #[error(
        "You specified more than the maximum number of allowed policies for the parameter. The maximum is 10."
    )]
    TooManyPolicies,
    /// SEC-040.
    #[error(
        "The policy type isn't supported. Parameter Store supports the following policy types: Expiration, ExpirationNotification, and NoChangeNotification."
    )]
    PolicyType,
    /// SEC-040.
    #[error("A policy attribute or its value is invalid: {0}")]
    PolicyAttribute(String),
    /// SEC-040.
    #[error("There is a conflict in the policies specified for this parameter. {0}")]
    Incompatible(&'static str),
    /// A filter that the call does not have.
    #[error("The following filter key is not valid: {0}. Valid filter keys include: [{1}].")]
    FilterKey(String, &'static str),
    /// An option that the filter does not have.
    #[error("The following filter option is not valid: {0}. Valid options include: [{1}].")]
    FilterOption(String, &'static str),
    /// A token that no answer gave.
    #[error("The specified token isn't valid.")]
    NextToken,
    /// Tags of something that is not there.
    #[error("The resource ID {0} is not valid. Verify the ID and try again.")]
    ResourceId(String),
    /// Tags of something that is not a parameter.
    #[error("The resource type {0} is not valid: only parameters are built.")]
    ResourceType(String),
    /// Too many tags.
    #[error(
        "The Targets parameter includes too many tags. Remove one or more tags and try the command again."
    )]
    TooManyTags,
}

impl Error {
    /// AWS code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "ParameterNotFound",
            Self::NoVersion(..) => "ParameterVersionNotFound",
            Self::Exists => "ParameterAlreadyExists",
            Self::Type => "HierarchyTypeMismatchException",
            Self::Validation(_) => "ValidationException",
            Self::Reserved(_) => "AccessDeniedException",
            Self::Levels => "HierarchyLevelLimitExceededException",
            Self::TooMany => "ParameterLimitExceeded",
            Self::MaxVersions(..) => "ParameterMaxVersionLimitExceeded",
            Self::MaxLabels => "ParameterVersionLabelLimitExceeded",
            Self::Key(_) => "InvalidKeyId",
            Self::BadPattern(_) => "InvalidAllowedPatternException",
            Self::Pattern(_) => "ParameterPatternMismatchException",
            Self::TooManyPolicies => "PoliciesLimitExceededException",
            Self::PolicyType => "InvalidPolicyTypeException",
            Self::PolicyAttribute(_) => "InvalidPolicyAttributeException",
            Self::Incompatible(_) => "IncompatiblePolicyException",
            Self::FilterKey(..) => "InvalidFilterKey",
            Self::FilterOption(..) => "InvalidFilterOption",
            Self::NextToken => "InvalidNextToken",
            Self::ResourceId(_) => "InvalidResourceId",
            Self::ResourceType(_) => "InvalidResourceType",
            Self::TooManyTags => "TooManyTagsError",
        }
    }

    /// ValidationException.
    pub fn validation(text: impl Into<String>) -> Self {
        Self::Validation(text.into())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
