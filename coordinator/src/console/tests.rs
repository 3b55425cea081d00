//! What a click does, and who may click.

use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::acts::{Act, Fault};
use super::runs::routes;
use super::server::{Access, guarded};
use super::stage::{Stage, findings};
use crate::scenario::load;
use crate::scenario::source::Source;

const FILE: &str = r#"scenario: 1
title: Two Regions
world:
  regions: [eu-west-1, us-east-1]
  accounts: { shop: "111111111111" }
  principals:
    app: { account: shop, allow: ["kms:*"] }
  keys:
    cards: { account: shop, multi_region: true, primary: eu-west-1, replicas: [us-east-1] }
steps:
  - { in: us-east-1, as: app, kms.encrypt: { key_id: cards, plaintext: x } }
  - wait: 20s
  - { in: us-east-1, as: app, kms.encrypt: { key_id: cards, plaintext: y } }
"#;

fn clicked(at: u64, fault: &str) -> Act {
    Act::Fault(Fault {
        at,
        lasts: 15_000_000,
        fault: fault.to_owned(),
    })
}

#[test]
fn a_click_changes_what_comes_after_it_and_nothing_before() {
    let mut stage = Stage::new("two.yaml", FILE);
    let run = |stage: &Stage| stage.shown()["run"].clone();
    let calm = run(&stage);
    assert_eq!(calm["verdict"], "pass");
    assert_eq!(calm["keys"][0]["name"], "cards");
    let dark = clicked(10_000_000, "region_down: us-east-1");
    stage.act(dark).expect("it can be done");
    let storm = run(&stage);
    assert_eq!(storm["verdict"], "fail", "{}", storm["because"]);
    let before = |run: &Value| -> Vec<Value> {
        let events = run["events"].as_array().cloned().unwrap_or_default();
        let mut early: Vec<Value> = events
            .into_iter()
            .filter(|event| event["t"].as_i64().is_some_and(|t| t < 10_000_000))
            .collect();
        // A lane has another name for the same step.
        early
            .iter_mut()
            .for_each(|event| event["step"] = Value::Null);
        early.iter_mut().for_each(|event| event["n"] = Value::Null);
        early
    };
    assert_eq!(before(&calm), before(&storm));

    let text = stage.scenario().expect("it is a scenario");
    assert!(
        text.contains("clicked_1") && text.contains("region_down: us-east-1"),
        "{text}"
    );
    load(&Source::new("saved.yaml", text)).expect("what is saved passes `check`");
    stage.undo(0);
    assert_eq!(run(&stage)["verdict"], "pass");
}

#[test]
fn what_cannot_be_done_is_said_and_not_done() {
    let mut stage = Stage::new("two.yaml", FILE);
    for fault in ["region_down: mars-1", "no_such_fault: x", "a: 1\nb: 2", "["] {
        let problem = stage.act(clicked(0, fault)).expect_err(fault);
        assert!(!problem.is_empty());
    }
    assert!(stage.acts.is_empty());
    let problem = stage.edit("scenario: 1".to_owned(), None);
    assert!(problem.is_err_and(|it| it.contains("needs the key")));
    assert_eq!(stage.text, FILE);
    let found = findings("two.yaml", "scenario: 1\ntitel: x\n");
    assert_eq!(found[0]["line"], 1, "{found}");
}

#[test]
fn a_turn_of_the_dial_is_lanes_of_steps_and_the_same_each_time() {
    let file = FILE.replace(
        "steps:\n",
        "  tables:\n    orders: { account: shop, replicas: [eu-west-1, us-east-1], partition_key: id }\nsteps:\n",
    );
    let file = file.replace("allow: [\"kms:*\"]", "allow: [\"kms:*\", \"dynamodb:*\"]");
    let mut stage = Stage::new("two.yaml", &file);
    let names: Vec<&str> = stage.targets.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["orders", "cards"]);
    let turned = |kind: &str, name: &str, region: &str, reads: u32| {
        let load = json!({ "kind": kind, "name": name, "in": region, "as": "app", "writes": 10, "reads": reads });
        let act = json!({ "at": 2_000_000, "lasts": 3_000_000, "load": load });
        serde_json::from_value::<Act>(act).expect("an act")
    };
    let mut long = turned("table", "orders", "us-east-1", 0);
    if let Act::Load(load) = &mut long {
        load.lasts = 600_000_000;
    }
    for wrong in [
        turned("bucket", "orders", "us-east-1", 0),
        turned("table", "orders", "mars-north-1", 0),
        turned("key", "cards", "us-east-1", 1),
        turned("table", "orders", "us-east-1", 1_000),
        long,
    ] {
        assert!(stage.act(wrong).is_err());
    }
    stage
        .act(turned("table", "orders", "us-east-1", 5))
        .expect("it can be done");
    stage
        .act(turned("key", "cards", "eu-west-1", 0))
        .expect("it can be done");
    let run = stage.shown()["run"].clone();
    assert_eq!(run["verdict"], "pass", "{}", run["because"]);
    let count = |run: &Value, operation: &str| {
        let events = run["events"].as_array().cloned().unwrap_or_default();
        let dialled = |event: &&Value| {
            let step = event["step"].as_str().unwrap_or_default();
            event["operation"] == operation && step.contains(".dial_")
        };
        events.iter().filter(dialled).count()
    };
    // Thirty writes and fifteen reads were asked for; eight names go in whole rounds.
    assert_eq!(count(&run, "dynamodb.PutItem"), 24);
    assert_eq!(count(&run, "dynamodb.GetItem"), 8);
    assert_eq!(count(&run, "kms.Encrypt"), 30);
    let text = stage.scenario().expect("it is a scenario");
    let mut again = Stage::new("saved.yaml", &text);
    assert_eq!(again.shown()["run"]["verdict"], "pass");
    assert!(
        text.contains("dial_1_writes") && text.contains("may_fail: true"),
        "{text}"
    );
    // Under a fault the file's own step fails; the dial's requests may.
    again
        .act(clicked(0, "region_down: eu-west-1"))
        .expect("it can be done");
    assert_eq!(
        again.shown()["run"]["verdict"],
        "pass",
        "{}",
        again.shown()["run"]["because"]
    );
}

async fn ask(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Value,
) -> (StatusCode, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("there.yaml"), "mine").expect("it is written");
    let access = Access {
        address: SocketAddr::from(([127, 0, 0, 1], 4711)),
        token: None,
    };
    let stage = Stage::new("two.yaml", FILE);
    let router = guarded(routes(stage, folder.path().to_owned()), access);
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Body::from(body.to_string()))
        .expect("a request");
    let response = router.oneshot(request).await.expect("it answers");
    assert!(
        response
            .headers()
            .contains_key(header::CONTENT_SECURITY_POLICY)
    );
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 22)
        .await
        .expect("a body");
    let mine = std::fs::read_to_string(folder.path().join("there.yaml"));
    assert_eq!(mine.expect("it is there"), "mine");
    (
        status,
        serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    )
}

#[test]
fn only_this_page_on_this_machine_may_do_anything() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(async {
        let own = [
            ("host", "127.0.0.1:4711"),
            ("origin", "http://127.0.0.1:4711"),
        ];
        let act = json!({ "at": 0, "lasts": 1000, "fault": "region_down: us-east-1" });
        let (status, _) = ask("POST", "/api/acts", &own, act.clone()).await;
        assert_eq!(status, StatusCode::OK);
        for foreign in [
            [
                ("host", "evil.example:4711"),
                ("origin", "http://evil.example:4711"),
            ],
            [
                ("host", "127.0.0.1:4711"),
                ("origin", "http://evil.example"),
            ],
        ] {
            let (status, answer) = ask("POST", "/api/acts", &foreign, act.clone()).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
        }
        for (file, wanted) in [
            ("new.yaml", StatusCode::OK),
            ("there.yaml", StatusCode::CONFLICT),
            ("../out.yaml", StatusCode::UNPROCESSABLE_ENTITY),
            (".hidden.yaml", StatusCode::UNPROCESSABLE_ENTITY),
            ("new.sh", StatusCode::UNPROCESSABLE_ENTITY),
        ] {
            let (status, answer) = ask("POST", "/api/save", &own, json!({ "file": file })).await;
            assert_eq!(status, wanted, "{file}: {answer}");
        }
        let (status, _) = ask("POST", "/api/acts", &own, json!({ "at": -1 })).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let (status, answer) = ask("GET", "/nowhere", &own, Value::Null).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(answer["problem"].is_string());
        let (status, shown) = ask("GET", "/api/stage", &own, Value::Null).await;
        assert_eq!(
            (status, &shown["run"]["verdict"]),
            (StatusCode::OK, &json!("pass"))
        );
    });
}

#[test]
fn the_viewer_is_small() {
    let files = [
        include_str!("page/index.html"),
        include_str!("page/live.html"),
        include_str!("page/viewer.js"),
        include_str!("page/console.js"),
        include_str!("page/live.js"),
        include_str!("page/console.css"),
        crate::report::html::PLACES,
    ];
    let size: usize = files.iter().map(|file| file.len()).sum();
    assert!(size < 150_000, "{size} bytes");
}
