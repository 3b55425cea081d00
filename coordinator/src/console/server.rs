//! Who may ask, and what every area answers with.
//!
//! Only this machine, unless told otherwise; then everybody needs the token. A request must
//! name this server as its host and, when it changes something, come from this page: another
//! page in the same browser can do nothing here.
//!
//! Each area of the console is a router of its own ([`super::runs`]: a scenario's runs);
//! [`guarded`] puts them behind one door.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::stage::LONGEST;
use crate::report::html::PLACES;

const VIEWER: &str = include_str!("page/viewer.js");
const STYLE: &str = include_str!("page/console.css");

/// Nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// How a page that was opened with the token brings it again.
const COOKIE: &str = "faultline-console=";

/// Who is served.
#[derive(Debug, Clone)]
pub struct Access {
    /// Where the server listens.
    pub address: SocketAddr,
    /// What everybody must bring who is not on this machine; absent when nobody else can come.
    pub token: Option<String>,
}

/// The console's areas behind one door, with the files that every page has.
pub fn guarded(areas: Router, access: Access) -> Router {
    areas
        .route("/viewer.js", file("text/javascript", VIEWER))
        .route("/places.js", file("text/javascript", PLACES))
        .route("/console.css", file("text/css", STYLE))
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "there is nothing here") })
        .layer(from_fn_with_state(Arc::new(access), guard))
        .layer(DefaultBodyLimit::max(LONGEST + 4096))
}

/// A file of the page, from the program itself.
pub fn file<S: Clone + Send + Sync + 'static>(
    kind: &'static str,
    text: &'static str,
) -> MethodRouter<S> {
    get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
}

/// A problem, for the page to show.
pub fn refuse(status: StatusCode, problem: impl Into<String>) -> Response {
    (status, Json(json!({ "problem": problem.into() }))).into_response()
}

/// What was done, or why it could not be.
pub fn done(done: Result<(), String>) -> Response {
    match done {
        Ok(()) => Json(json!({ "done": true })).into_response(),
        Err(problem) => refuse(StatusCode::UNPROCESSABLE_ENTITY, problem),
    }
}

/// A body as what it should be; the problem is the page's to show.
///
/// # Errors
/// The answer to a body that is something else.
pub fn read<'b, T: Deserialize<'b>>(body: &'b Bytes) -> Result<T, Box<Response>> {
    let refused = |error: serde_json::Error| refuse(StatusCode::BAD_REQUEST, error.to_string());
    serde_json::from_slice(body).map_err(|error| Box::new(refused(error)))
}

/// Writes a new file of the folder; somebody's file is never written over.
pub fn save(folder: &Path, name: &str, text: &str) -> Response {
    let plain = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
    if !plain || !name.ends_with(".yaml") || name.starts_with('.') {
        let problem = "a file's name is letters, digits, - and _, and ends with .yaml";
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, problem);
    }
    let path = folder.join(name);
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path);
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => Json(json!({ "file": path })).into_response(),
        Err(error) => refuse(StatusCode::CONFLICT, format!("{}: {error}", path.display())),
    }
}

/// Lets nobody in who should not be here, and puts the policy on every answer.
async fn guard(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let mut response = match allowed(
        &access,
        request.method(),
        request.headers(),
        request.uri().query(),
    ) {
        Ok(()) => next.run(request).await,
        Err(problem) => refuse(StatusCode::FORBIDDEN, problem),
    };
    let status = response.status();
    let headers = response.headers_mut();
    if let Some(token) = &access.token
        && status != StatusCode::FORBIDDEN
        && let Ok(value) = format!("{COOKIE}{token}; HttpOnly; SameSite=Strict; Path=/").parse()
    {
        headers.insert(header::SET_COOKIE, value);
    }
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in fixed {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    response
}

fn allowed(
    access: &Access,
    method: &Method,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<(), &'static str> {
    let text = |name| headers.get(name).and_then(|it| it.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let port = access.address.port();
    if let Some(token) = &access.token {
        let cookie = || {
            let all = text(header::COOKIE)?.split("; ");
            all.into_iter().find_map(|part| part.strip_prefix(COOKIE))
        };
        let brought = query
            .and_then(|query| {
                query
                    .split('&')
                    .find_map(|part| part.strip_prefix("token="))
            })
            .or_else(cookie);
        if brought != Some(token) {
            return Err("this console is opened with the token that `faultline console` printed");
        }
    } else {
        // Another name for this machine is how a foreign page gets here.
        let names = [
            format!("127.0.0.1:{port}"),
            format!("localhost:{port}"),
            format!("[::1]:{port}"),
        ];
        if !names.iter().any(|name| name == host) {
            return Err("open the console by the address that `faultline console` printed");
        }
    }
    let changes = method != Method::GET && method != Method::HEAD;
    let own = text(header::ORIGIN).is_none_or(|origin| origin == format!("http://{host}"));
    if changes && !own {
        return Err("this comes from another page");
    }
    Ok(())
}
