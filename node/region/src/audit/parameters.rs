//! Request parameters as the trail shows them (K-257, K-258).

use faultline_proto::codec;
use faultline_proto::tables::{MessageDef, OperationDef};
use serde_json::Value;

use crate::context::Ctx;
use crate::mutants::{self, Mutant};
use crate::services;

/// Bytes of request parameters above which a record leaves them out, as CloudTrail does.
const MOST: usize = 100 << 10;

/// Request parameters as the trail shows them: AWS member names, lower camel case, without
/// secrets and bytes. JSON text.
pub(crate) fn parameters(ctx: &mut Ctx<'_>, operation: &OperationDef, request: &[u8]) -> String {
    let Value::Object(mut members) = shown(operation.input, request) else {
        return "null".to_owned();
    };
    members.remove("grantTokens");
    if mutants::is(Mutant::TrailShowsSecrets) {
        let text = String::from_utf8_lossy(request);
        members.insert("request".to_owned(), Value::from(text.into_owned()));
    }
    services::trail(ctx, operation, &mut members);
    // AWS writes null for a request without members.
    if members.is_empty() {
        return "null".to_owned();
    }
    let text = Value::Object(members).to_string();
    if text.len() > MOST {
        return "null".to_owned();
    }
    text
}

/// A message as the trail shows it: lower camel case, no secrets and no bytes, dates as text.
pub(crate) fn shown(def: &'static MessageDef, message: &[u8]) -> Value {
    codec::trail(def, message).unwrap_or(Value::Null)
}
