//! What the page asks about a scenario's runs.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
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
use super::server::{done, file, read, refuse};
use super::stage::{LONGEST, Stage, findings};

const PAGE: &str = include_str!("page/index.html");
const SCRIPT: &str = include_str!("page/console.js");
/// What both pages draw with.

#[derive(Clone)]
struct House {
    stage: Arc<Mutex<Stage>>,
    changed: Arc<watch::Sender<u64>>,
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
pub fn routes(stage: Stage, folder: PathBuf) -> Router {
    let house = House {
        changed: Arc::new(watch::channel(stage.version).0),
        stage: Arc::new(Mutex::new(stage)),
        folder: Arc::new(folder),
    };
    Router::new()
        .route("/", file("text/html; charset=utf-8", PAGE))
        .route("/console.js", file("text/javascript", SCRIPT))
        .route("/api/stage", get(stage_now))
        .route("/api/changes", get(changes))
        .route("/api/run", post(run))
        .route("/api/check", post(check))
        .route("/api/preview", post(preview))
        .route("/api/acts", post(act))
        .route("/api/acts/{index}", delete(undo))
        .route("/api/scenario", get(scenario))
        .route("/api/save", post(save))
        .with_state(house)
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

async fn preview(State(house): State<House>, body: Bytes) -> Response {
    let yaml = |act: Act| {
        let stage = house.stage.lock().unwrap_or_else(PoisonError::into_inner);
        act.yaml(stage.acts.len() + 1, &stage.targets)
    };
    match read::<Act>(&body).map(yaml) {
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
    let text = {
        let stage = house.stage.lock().unwrap_or_else(PoisonError::into_inner);
        stage.scenario()
    };
    match text {
        Ok(text) => super::server::save(&house.folder, &named.file, &text),
        Err(problem) => refuse(StatusCode::UNPROCESSABLE_ENTITY, problem),
    }
}
