//! Every verb: AWS's from the definitions, ours from [`built_in`](super::built_in).

use faultline_proto::registry;
use faultline_proto::tables::{MessageDef, OperationDef};

use super::built_in::{BUILT_IN, BuiltIn};

/// A verb that a step may use.
#[derive(Debug, Clone, Copy)]
pub enum Verb {
    /// An operation of AWS.
    Operation(&'static OperationDef),
    /// A verb that AWS does not have.
    BuiltIn(&'static BuiltIn),
}

impl Verb {
    /// As it is written, `kms.encrypt`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Operation(operation) => operation.verb,
            Self::BuiltIn(built_in) => built_in.verb,
        }
    }
    /// One sentence.
    #[must_use]
    pub fn doc(self) -> &'static str {
        match self {
            Self::Operation(operation) => operation.doc,
            Self::BuiltIn(built_in) => built_in.doc,
        }
    }
    /// Its arguments.
    #[must_use]
    pub fn input(self) -> &'static MessageDef {
        match self {
            Self::Operation(operation) => operation.input,
            Self::BuiltIn(built_in) => built_in.input,
        }
    }
    /// Its answer.
    #[must_use]
    pub fn output(self) -> &'static MessageDef {
        match self {
            Self::Operation(operation) => operation.output,
            Self::BuiltIn(built_in) => built_in.output,
        }
    }
    /// Error codes that it is known to give.
    #[must_use]
    pub fn errors(self) -> &'static [&'static str] {
        match self {
            Self::Operation(operation) => operation.errors,
            Self::BuiltIn(built_in) => built_in.errors,
        }
    }
    /// Whether somebody must be named who calls (`as:`).
    #[must_use]
    pub fn needs_caller(self) -> bool {
        match self {
            Self::Operation(_) => true,
            Self::BuiltIn(built_in) => built_in.called,
        }
    }
}

impl PartialEq for Verb {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}
impl Eq for Verb {}

/// All verbs, AWS's first, each family in the order of its definition.
pub fn all() -> impl Iterator<Item = Verb> {
    registry::operations()
        .map(Verb::Operation)
        .chain(BUILT_IN.iter().map(Verb::BuiltIn))
}

/// The verb of that name.
#[must_use]
pub fn find(name: &str) -> Option<Verb> {
    let built_in = || {
        BUILT_IN
            .iter()
            .find(|verb| verb.verb == name)
            .map(Verb::BuiltIn)
    };
    registry::find_verb(name)
        .map(Verb::Operation)
        .or_else(built_in)
}

/// Codes that a client gives itself, without any answer from AWS.
pub const CLIENT_CODES: &[&str] = &["ConnectTimeout", "ReadTimeout", "ConnectionReset"];

/// Codes that any AWS service may give.
pub const COMMON_CODES: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InternalError",
    "InternalFailure",
    "InvalidClientTokenId",
    "InvalidParameterCombination",
    "InvalidParameterValue",
    "InvalidRequest",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
    "ValidationError",
    "ValidationException",
];
