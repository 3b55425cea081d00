//! What a page asks of a live world.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;

use super::super::acts::{Act, Fault};
use super::super::dial::Wish;
use super::super::server::{done, file, read, refuse};
use super::house::House;
use super::seen::shown;
use super::watch::{look_for_faults, watch};
use crate::live::acting;
use crate::live::as_scenario::as_scenario;
use crate::live::trouble::{self, Active};
use crate::scenario::emit;

const PAGE: &str = include_str!("../page/live.html");
const SCRIPT: &str = include_str!("../page/live.js");
/// Between two things that a page is sent.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a fault lasts in the YAML that is shown before it begins.
const SHOWN: u64 = 10_000_000;

/// The routes of a console over a live world, which is watched from now on.
pub fn routes(house: &Arc<House>) -> Router {
    watch(house);
    Router::new()
        .route("/", file("text/html; charset=utf-8", PAGE))
        .route("/live.js", file("text/javascript", SCRIPT))
        .route("/api/live", get(now))
        .route("/api/live/changes", get(changes))
        .route("/api/live/preview", post(preview))
        .route("/api/live/faults", post(start))
        .route("/api/live/faults/{id}", delete(heal))
        .route("/api/live/dial", post(turn))
        .route("/api/live/scenario", get(scenario))
        .route("/api/live/save", post(save))
        .with_state(Arc::clone(house))
}

async fn now(State(house): State<Arc<House>>) -> Response {
    Json(shown(&house, 0).0).into_response()
}

async fn changes(State(house): State<Arc<House>>) -> Response {
    let (out, events) = mpsc::channel::<Result<Event, Infallible>>(1);
    tokio::spawn(follow(house, out));
    Sse::new(ReceiverStream::new(events))
        .keep_alive(KeepAlive::default())
        .into_response()
}

/// Sends a page what it sees, until it goes away.
async fn follow(house: Arc<House>, out: mpsc::Sender<Result<Event, Infallible>>) {
    let _looks = house.enter();
    let (mut changed, mut from) = (house.follow(), 0);
    loop {
        changed.mark_unchanged();
        let (value, next) = shown(&house, from);
        from = next;
        let event = Event::default().data(value.to_string());
        if out.send(Ok(event)).await.is_err() {
            return;
        }
        sleep(PAUSE).await;
        tokio::select! {
            changed = changed.changed() => if changed.is_err() { return },
            () = out.closed() => return,
        }
    }
}

/// A fault that somebody wants.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    kind: String,
    arguments: BTreeMap<String, String>,
}

/// The fault as a file has it, and as a command; or what is wrong with it.
async fn preview(State(house): State<Arc<House>>, body: Bytes) -> Response {
    let wanted: Wanted = match read(&body) {
        Ok(wanted) => wanted,
        Err(response) => return *response,
    };
    let regions = house.known.regions();
    let fault = Active {
        id: 0,
        kind: wanted.kind,
        arguments: wanted.arguments,
    };
    let all = [fault];
    let mut regions_alone = regions.iter();
    let sensible = regions_alone.try_for_each(|me| trouble::for_node(&all, me, &regions).map(drop));
    let [fault] = all;
    let written = sensible.and_then(|()| {
        let entry = as_scenario(&fault, &house.known.saved.keys)?;
        let act = Act::Fault(Fault {
            at: 0,
            lasts: SHOWN,
            fault: emit::file(&[entry]).trim_end().to_owned(),
        });
        act.yaml(house.seen().record.len() + 1, &[])
    });
    match written {
        Ok(yaml) => Json(json!({ "yaml": yaml, "command": command(&fault) })).into_response(),
        Err(problem) => refuse(StatusCode::UNPROCESSABLE_ENTITY, problem),
    }
}

/// What a shell would do.
fn command(fault: &Active) -> String {
    let mut command = format!("faultline fault start {}", fault.kind);
    for (name, value) in &fault.arguments {
        command += &format!(" {name}={value}");
    }
    command
}

async fn start(State(house): State<Arc<House>>, body: Bytes) -> Response {
    let wanted: Wanted = match read(&body) {
        Ok(wanted) => wanted,
        Err(response) => return *response,
    };
    let _alone = house.acting.lock().await;
    let started = acting::start(&house.known, &wanted.kind, wanted.arguments).await;
    look_for_faults(&house);
    match started {
        Ok((fault, later)) => {
            Json(json!({ "done": true, "fault": fault.id, "later": later })).into_response()
        }
        Err(problem) => refuse(StatusCode::UNPROCESSABLE_ENTITY, problem),
    }
}

async fn heal(State(house): State<Arc<House>>, Path(id): Path<u64>) -> Response {
    let _alone = house.acting.lock().await;
    let healed = acting::heal(&house.known, &[id]).await;
    look_for_faults(&house);
    match healed {
        Ok(later) => Json(json!({ "done": true, "later": later })).into_response(),
        Err(problem) => refuse(StatusCode::UNPROCESSABLE_ENTITY, problem),
    }
}

async fn turn(State(house): State<Arc<House>>, body: Bytes) -> Response {
    match read::<Option<Wish>>(&body) {
        Ok(wish) => done(house.dial.turn(&house, wish)),
        Err(response) => *response,
    }
}

fn text(house: &House) -> Result<String, String> {
    let source = house.source.as_ref().ok_or(
        "this world was made before its file was kept: a scenario of it cannot be written",
    )?;
    let now = house.now();
    let keys = &house.known.saved.keys;
    let record = &house.seen().record;
    record.scenario(now, source, &house.targets, keys)
}

async fn scenario(State(house): State<Arc<House>>) -> Response {
    match text(&house) {
        Ok(text) => Json(json!({ "text": text })).into_response(),
        Err(problem) => refuse(StatusCode::UNPROCESSABLE_ENTITY, problem),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    file: String,
}

async fn save(State(house): State<Arc<House>>, body: Bytes) -> Response {
    let named: Named = match read(&body) {
        Ok(named) => named,
        Err(response) => return *response,
    };
    match text(&house) {
        Ok(text) => super::super::server::save(&house.saves, &named.file, &text),
        Err(problem) => refuse(StatusCode::UNPROCESSABLE_ENTITY, problem),
    }
}
