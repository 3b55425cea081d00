//! AWS's JSON protocols: request text to bytes, answer bytes to text.

use serde_json::Value;

use super::{Face, decode, encode};
use crate::tables::OperationDef;
use crate::validate::{Refusal, validate};
use crate::wire::Malformed;

/// Reads and checks a request. An empty body is `{}`; unknown members are ignored.
///
/// # Errors
/// SerializationException or ValidationException, in AWS's words.
pub fn request(operation: &'static OperationDef, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let body = if body.is_empty() {
        b"{}".as_slice()
    } else {
        body
    };
    let value: Value = serde_json::from_slice(body).map_err(|_| serialization(String::new()))?;
    let encoded = encode(operation.input, &value, Face::AWS_JSON).map_err(|problems| {
        serialization(
            problems
                .first()
                .map(|problem| problem.kind.serialization_words())
                .unwrap_or_default(),
        )
    })?;
    validate(operation, &encoded.message)?;
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
