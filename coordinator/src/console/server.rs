//! What the page asks, and who may ask.
//!
//! Only this machine, unless told otherwise; then everybody needs the token. A request must
//! name this server as its host and, when it changes something, come from this page: another
//! page in the same browser can do nothing here.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::watch;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::WatchStream;

use super::acts::Act;
use super::stage::{LONGEST, Stage, findings};
use crate::report::html::PLACES;

const PAGE: &str = include_str!("page/index.html");
const SCRIPT: &str = include_str!("page/console.js");
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

#[derive(Clone)]
struct House {
    stage: Arc<Mutex<Stage>>,
    changed: Arc<watch::Sender<u64>>,
    access: Arc<Access>,
    folder: Arc<PathBuf>,
}

impl House {
    /// Does something with the stage where it may take a while, and tells all pages.
    async fn with<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Stage) -> T + Send + 'static,
    ) -> T {
        let house = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut stage = house.stage.lock().unwrap_or_else(PoisonError::into_inner);
            let done = act(&mut stage);
            house.changed.send_replace(stage.version);
            done
        });
        done.await.expect("a stage catches what breaks in a run")
    }
}

/// The routes of a console that saves into `folder`.
pub fn routes(stage: Stage, access: Access, folder: PathBuf) -> Router {
    let house = House {
        changed: Arc::new(watch::channel(stage.version).0),
        stage: Arc::new(Mutex::new(stage)),
        access: Arc::new(access),
        folder: Arc::new(folder),
    };
    Router::new()
        .route(
            "/",
            get(|| async { typed("text/html; charset=utf-8", PAGE) }),
        )
        .route(
            "/console.js",
            get(|| async { typed("text/javascript", SCRIPT) }),
        )
        .route(
            "/places.js",
            get(|| async { typed("text/javascript", PLACES) }),
        )
        .route("/console.css", get(|| async { typed("text/css", STYLE) }))
        .route("/api/stage", get(stage_now))
        .route("/api/changes", get(changes))
        .route("/api/run", post(run))
        .route("/api/check", post(check))
        .route("/api/preview", post(preview))
        .route("/api/acts", post(act))
        .route("/api/acts/{index}", delete(undo))
        .route("/api/scenario", get(scenario))
        .route("/api/save", post(save))
        .fallback(|| async { refuse(StatusCode::NOT_FOUND, "there is nothing here") })
        .layer(from_fn_with_state(house.clone(), guard))
        .layer(DefaultBodyLimit::max(LONGEST + 4096))
        .with_state(house)
}

fn typed(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

fn refuse(status: StatusCode, problem: impl Into<String>) -> Response {
    (status, Json(json!({ "problem": problem.into() }))).into_response()
}

/// Lets nobody in who should not be here, and puts the policy on every answer.
async fn guard(State(house): State<House>, request: Request, next: Next) -> Response {
    let mut response = match allowed(
        &house.access,
        request.method(),
        request.headers(),
        request.uri().query(),
    ) {
        Ok(()) => next.run(request).await,
        Err(problem) => refuse(StatusCode::FORBIDDEN, problem),
    };
    let status = response.status();
    let headers = response.headers_mut();
    if let Some(token) = &house.access.token
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

async fn stage_now(State(house): State<House>) -> Response {
    let stage = house.stage.lock().unwrap_or_else(PoisonError::into_inner);
    Json(stage.shown()).into_response()
}

async fn changes(State(house): State<House>) -> Response {
    let versions = WatchStream::new(house.changed.subscribe());
    let events =
        versions.map(|version| Ok::<_, Infallible>(Event::default().data(version.to_string())));
    Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edited {
    text: String,
    seed: Option<u64>,
}

/// A body as what it should be; the problem is the page's to show.
fn read<'b, T: Deserialize<'b>>(body: &'b Bytes) -> Result<T, Box<Response>> {
    let refused = |error: serde_json::Error| refuse(StatusCode::BAD_REQUEST, error.to_string());
    serde_json::from_slice(body).map_err(|error| Box::new(refused(error)))
}

async fn run(State(house): State<House>, body: Bytes) -> Response {
    let edited: Edited = match read(&body) {
        Ok(edited) => edited,
        Err(response) => return *response,
    };
    if edited.text.len() > LONGEST {
        return refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the file is longer than 1 MiB",
        );
    }
    done(
        house
            .with(move |stage| stage.edit(edited.text, edited.seed))
            .await,
    )
}

async fn check(State(house): State<House>, body: Bytes) -> Response {
    match read::<Edited>(&body) {
        Ok(edited) => {
            let found = house
                .with(move |stage| findings(&stage.name, &edited.text))
                .await;
            Json(json!({ "findings": found })).into_response()
        }
        Err(response) => *response,
    }
}

async fn preview(body: Bytes) -> Response {
    match read::<Act>(&body).map(|act| act.yaml()) {
        Ok(Ok(yaml)) => Json(json!({ "yaml": yaml })).into_response(),
        Ok(Err(problem)) => refuse(StatusCode::UNPROCESSABLE_ENTITY, problem),
        Err(response) => *response,
    }
}

async fn act(State(house): State<House>, body: Bytes) -> Response {
    match read::<Act>(&body) {
        Ok(act) => done(house.with(move |stage| stage.act(act)).await),
        Err(response) => *response,
    }
}

async fn undo(State(house): State<House>, Path(index): Path<usize>) -> Response {
    house.with(move |stage| stage.undo(index)).await;
    done(Ok(()))
}

fn done(done: Result<(), String>) -> Response {
    match done {
        Ok(()) => Json(json!({ "done": true })).into_response(),
        Err(problem) => refuse(StatusCode::UNPROCESSABLE_ENTITY, problem),
    }
}

async fn scenario(State(house): State<House>) -> Response {
    let stage = house.stage.lock().unwrap_or_else(PoisonError::into_inner);
    match stage.scenario() {
        Ok(text) => Json(json!({ "text": text })).into_response(),
        Err(problem) => refuse(StatusCode::UNPROCESSABLE_ENTITY, problem),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    file: String,
}

async fn save(State(house): State<House>, body: Bytes) -> Response {
    let named: Named = match read(&body) {
        Ok(named) => named,
        Err(response) => return *response,
    };
    let plain = named
        .file
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
    if !plain || !named.file.ends_with(".yaml") || named.file.starts_with('.') {
        let problem = "a file's name is letters, digits, - and _, and ends with .yaml";
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, problem);
    }
    let path = house.folder.join(&named.file);
    let text = {
        let stage = house.stage.lock().unwrap_or_else(PoisonError::into_inner);
        stage.scenario()
    };
    let text = match text {
        Ok(text) => text,
        Err(problem) => return refuse(StatusCode::UNPROCESSABLE_ENTITY, problem),
    };
    // Somebody's file is never written over.
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path);
    match file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes())) {
        Ok(()) => Json(json!({ "file": path })).into_response(),
        Err(error) => refuse(StatusCode::CONFLICT, format!("{}: {error}", path.display())),
    }
}
