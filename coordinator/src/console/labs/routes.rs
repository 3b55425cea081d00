//! What the page of the labs asks.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_stream::wrappers::ReceiverStream;

use super::house::House;
use super::room::{Act, Room};
use crate::console::server::{file, read, refuse};

const PAGE: &str = include_str!("../page/labs.html");
const SCRIPT: &str = include_str!("../page/labs.js");
const EDITOR: &str = include_str!("../page/editor.js");
const LABS_STYLE: &str = include_str!("../page/labs.css");

/// How often the learner's file is looked at, for as long as a page is open.
const LOOK: Duration = Duration::from_millis(60);

/// The routes of a console that shows labs.
pub fn routes(house: House) -> Router {
    Router::new()
        .route("/", file("text/html; charset=utf-8", PAGE))
        .route("/labs.js", file("text/javascript", SCRIPT))
        .route("/editor.js", file("text/javascript", EDITOR))
        .route("/labs.css", file("text/css", LABS_STYLE))
        .route("/api/labs", get(list))
        .route("/api/labs/{id}", get(shown))
        .route("/api/labs/{id}/begin", post(begin))
        .route("/api/labs/{id}/act", post(act))
        .route("/api/labs/{id}/run", get(run))
        .route("/api/labs/{id}/look", post(look))
        .route("/api/labs/{id}/changes", get(changes))
        .with_state(house)
}

/// Does something in a lab where it may take a while.
async fn with<T: Send + 'static>(
    house: &House,
    id: String,
    begin: bool,
    act: impl FnOnce(&mut Room) -> T + Send + 'static,
) -> Result<T, Response> {
    let house = house.clone();
    let done = tokio::task::spawn_blocking(move || house.with(&id, begin, act)).await;
    match done {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(problem)) => Err(refuse(StatusCode::NOT_FOUND, problem)),
        Err(broken) => Err(refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("a check broke, which is a bug of the program: {broken}"),
        )),
    }
}

fn told(told: Result<Value, Response>) -> Response {
    told.map_or_else(|refused| refused, |value| Json(value).into_response())
}

async fn list(State(house): State<House>) -> Response {
    let listed = tokio::task::spawn_blocking(move || house.list()).await;
    Json(listed.unwrap_or_default()).into_response()
}

async fn shown(State(house): State<House>, Path(id): Path<String>) -> Response {
    told(with(&house, id, false, |room| room.shown()).await)
}

async fn begin(State(house): State<House>, Path(id): Path<String>) -> Response {
    told(with(&house, id, true, |room| room.shown()).await)
}

async fn act(State(house): State<House>, Path(id): Path<String>, body: Bytes) -> Response {
    let act: Act = match read(&body) {
        Ok(act) => act,
        Err(response) => return *response,
    };
    let acted = with(&house, id, false, |room| {
        room.act(act).map(|()| room.shown())
    });
    match acted.await {
        Ok(Ok(shown)) => Json(shown).into_response(),
        Ok(Err(problem)) => refuse(StatusCode::UNPROCESSABLE_ENTITY, problem),
        Err(refused) => refused,
    }
}

async fn run(State(house): State<House>, Path(id): Path<String>) -> Response {
    told(with(&house, id, false, |room| room.run()).await)
}

/// An editor's text, and where its cursor is when it wants to know what may come.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edited {
    text: String,
    before: Option<String>,
}

async fn look(State(house): State<House>, Path(id): Path<String>, body: Bytes) -> Response {
    let edited: Edited = match read(&body) {
        Ok(edited) => edited,
        Err(response) => return *response,
    };
    let seen = with(&house, id, false, move |room| match edited.before {
        Some(before) => json!(room.offers(&before)),
        None => json!({ "findings": room.findings(&edited.text) }),
    });
    told(seen.await)
}

/// Tells of each change, and looks for what is saved elsewhere for as long as somebody listens.
async fn changes(State(house): State<House>, Path(id): Path<String>) -> Response {
    let (tell, heard) = tokio::sync::mpsc::channel::<Result<Event, Infallible>>(4);
    tokio::spawn(async move {
        let mut last = 0;
        while !tell.is_closed() {
            let looked = with(&house, id.clone(), false, |room| {
                room.look();
                room.version()
            });
            // A lab whose folder is gone has no more changes.
            let Ok(version) = looked.await else { return };
            if version != last {
                last = version;
                let event = Event::default().data(version.to_string());
                if tell.send(Ok(event)).await.is_err() {
                    return;
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    });
    Sse::new(ReceiverStream::new(heard))
        .keep_alive(KeepAlive::default())
        .into_response()
}
