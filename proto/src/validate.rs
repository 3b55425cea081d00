//! Checks a request against its definition, in AWS's own words (K-015, K-058).
//!
//! It walks the protobuf bytes as they came, so that all entrances get one verdict,
//! and allocates nothing when there is nothing to say: it runs on every call.
//!
//! AWS's order of several violations is not known; ours is the order of the members
//! in the definition. What only a service knows (a bucket's name, an expression) is
//! left to its handlers.

mod walk;
mod words;

use crate::tables::{MessageDef, OperationDef, Protocol};
use crate::wire::Malformed;
use walk::Walk;
pub(crate) use walk::find;

/// Messages inside messages: 32 levels of a DynamoDB map take 96.
pub const MAX_DEPTH: usize = 110;

/// One member that is not as the definition wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where, in AWS's spelling: `tags.1.member.tagKey`.
    pub path: String,
    /// AWS name of the member, `TagKey`.
    pub member: &'static str,
    /// The value as AWS prints it: `Value 'X'`, `Value null`, or `Value` for what is not shown.
    pub value: String,
    /// `Member must not be null` and the like.
    pub constraint: String,
    /// Whether the member is missing.
    pub missing: bool,
}

/// Why a request is refused before its handler sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invalid {
    /// The bytes are not the message.
    Malformed,
    /// Nested deeper than any AWS service allows.
    TooDeep,
    /// A union with none or several members, in DynamoDB's words.
    Union(&'static str),
    /// Members that break a limit.
    Violations(Vec<Violation>),
}

impl From<Malformed> for Invalid {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// A refusal as the service would send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// AWS error code, `ValidationException`.
    pub code: &'static str,
    /// AWS's message.
    pub message: String,
    /// HTTP status.
    pub http_status: u16,
}

impl Refusal {
    /// A member that AWS has and this build does not: said, never ignored.
    #[must_use]
    pub fn not_built_member(name: &str) -> Self {
        Self {
            code: "NotImplemented",
            message: format!("The parameter {name} is not built in this version of Faultline"),
            http_status: 501,
        }
    }
}

/// Checks a request of `operation` and says no as its service would.
///
/// # Errors
/// The refusal.
pub fn validate(operation: &OperationDef, request: &[u8]) -> Result<(), Refusal> {
    check(operation.input, request).map_err(|invalid| refusal(operation, &invalid))
}

/// Checks the bytes of a message.
///
/// # Errors
/// What is wrong, all of it.
pub fn check(def: &'static MessageDef, bytes: &[u8]) -> Result<(), Invalid> {
    let mut walk = Walk::default();
    walk.message(def, bytes, None, 0)?;
    let found = walk.finish();
    if found.is_empty() {
        Ok(())
    } else {
        Err(Invalid::Violations(found))
    }
}

/// The generic validator's sentence: `2 validation errors detected: ...; ...`.
#[must_use]
pub fn sentence(violations: &[Violation]) -> String {
    let each: Vec<String> = violations
        .iter()
        .map(|violation| {
            format!(
                "{} at '{}' failed to satisfy constraint: {}",
                violation.value, violation.path, violation.constraint
            )
        })
        .collect();
    let plural = if each.len() == 1 { "error" } else { "errors" };
    format!(
        "{} validation {plural} detected: {}",
        each.len(),
        each.join("; ")
    )
}

/// What the operation's service answers to an invalid request.
#[must_use]
pub fn refusal(operation: &OperationDef, invalid: &Invalid) -> Refusal {
    let protocol = crate::registry::find_service(operation.service)
        .map_or(Protocol::Json11, |found| found.protocol);
    let (code, message) = match (protocol, invalid) {
        (_, Invalid::Malformed) => ("SerializationException", "The request could not be decoded.".to_owned()),
        (_, Invalid::TooDeep) => (
            "ValidationException",
            "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
                .to_owned(),
        ),
        (_, Invalid::Union(words)) => ("ValidationException", (*words).to_owned()),
        (Protocol::Ec2Query, Invalid::Violations(found)) => ec2(&found[0]),
        (Protocol::RestXml, Invalid::Violations(found)) => s3(&found[0]),
        (Protocol::Query, Invalid::Violations(found)) => ("ValidationError", sentence(found)),
        (Protocol::Json10 | Protocol::Json11, Invalid::Violations(found)) => ("ValidationException", sentence(found)),
    };
    Refusal {
        code,
        message,
        http_status: 400,
    }
}

/// EC2 names one parameter at a time. Wording from memory of AWS, unconfirmed.
fn ec2(violation: &Violation) -> (&'static str, String) {
    let name = violation.member;
    if violation.missing {
        return (
            "MissingParameter",
            format!("The request must contain the parameter {name}"),
        );
    }
    let value = violation
        .value
        .trim_start_matches("Value")
        .trim()
        .trim_matches('\'');
    (
        "InvalidParameterValue",
        format!(
            "Value ({value}) for parameter {name} is invalid. {}.",
            violation.constraint
        ),
    )
}

/// S3 checks documents against their schema and headers one by one.
fn s3(violation: &Violation) -> (&'static str, String) {
    if violation.path.contains('.') || violation.missing {
        let words = "The XML you provided was not well-formed or did not validate against our published schema";
        return ("MalformedXML", words.to_owned());
    }
    (
        "InvalidArgument",
        format!(
            "{} at '{}': {}",
            violation.value, violation.path, violation.constraint
        ),
    )
}

#[cfg(test)]
mod tests;
