//! Paths of our own, beside AWS's: `/_faultline/health`, `/_faultline/reset`. No bucket can be
//! called so.

use faultline_proto::names::RegionName;
use faultline_proto::registry::SERVICES;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::answer::{Answered, full};

/// Where all of them are.
const ROOT: &str = "/_faultline/";
/// How a node is, and what it serves.
pub const HEALTH: &str = "/_faultline/health";
/// Brings the world back to its beginning; the front door's, and only when it is allowed.
pub const RESET: &str = "/_faultline/reset";

/// Answers what a node's own entrance can; `None` for AWS's paths.
pub(super) fn answer(path: &str, region: &RegionName) -> Option<Response<Answered>> {
    match path {
        HEALTH => {
            let mut health = health();
            health["region"] = region.as_str().into();
            Some(say(200, &health))
        }
        RESET => Some(say(
            403,
            &json!({ "error": "a node resets nothing by itself: ask the front door of `faultline up --allow-reset`" }),
        )),
        _ => unknown(path),
    }
}

/// An answer to a path of ours that means nothing.
pub(super) fn unknown(path: &str) -> Option<Response<Answered>> {
    let words = format!("there is no {path}; there are {HEALTH} and {RESET}");
    path.starts_with(ROOT)
        .then(|| say(404, &json!({ "error": words })))
}

/// What every health answer has.
pub(super) fn health() -> Value {
    let services: serde_json::Map<String, Value> = SERVICES
        .iter()
        .map(|service| (service.prefix.to_owned(), "running".into()))
        .collect();
    json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION"), "services": services })
}

/// JSON with a status.
pub(super) fn say(status: u16, value: &Value) -> Response<Answered> {
    let mut response = Response::new(full(format!("{value}\n")));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}
