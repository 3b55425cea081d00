//! AWS's JSON protocols: request text to bytes, answer bytes to text.

use serde_json::Value;

use super::{Face, decode, encode};
use crate::tables::{OperationDef, Protocol};
use crate::validate::{Refusal, validate};
use crate::wire::Malformed;

/// Reads and checks a request.
///
/// # Errors
/// As [`message`], and ValidationException.
pub fn request(operation: &'static OperationDef, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let message = message(operation, body)?;
    validate(operation, &message)?;
    Ok(message)
}

/// Reads a request; whether it is valid is left to the Region, whose trail records it. An
/// empty body is `{}`; members that AWS does not have either are ignored.
///
/// # Errors
/// SerializationException in AWS's words; NotImplemented for members that are not built.
pub fn message(operation: &'static OperationDef, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let body = if body.is_empty() {
        b"{}".as_slice()
    } else {
        body
    };
    let value: Value = serde_json::from_slice(body).map_err(|_| serialization(String::new()))?;
    let encoded = encode(operation.input, &value, Face::AWS_JSON).map_err(|problems| {
        problems.first().map_or_else(
            || serialization(String::new()),
            |problem| problem.refusal(Protocol::Json11),
        )
    })?;
    Ok(encoded.message)
}

/// Writes an answer; an operation without answer members has an empty body.
///
/// # Errors
/// [`Malformed`] when the bytes are not the operation's response.
pub fn response(operation: &'static OperationDef, message: &[u8]) -> Result<String, Malformed> {
    if operation.output.fields.is_empty() {
        return Ok(String::new());
    }
    Ok(decode(operation.output, message, Face::AWS_JSON)?.to_string())
}

fn serialization(message: String) -> Refusal {
    Refusal {
        code: "SerializationException",
        message,
        http_status: 400,
    }
}
