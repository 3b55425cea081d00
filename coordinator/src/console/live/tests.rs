//! A live world whose nodes are all away: it is shown, and what is done to it is on the record.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use faultline_proto::names::RegionName;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::super::dial::{Kind, Wish, targets, world};
use super::super::server::{Access, guarded};
use super::house::House;
use super::record::Record;
use super::routes::routes;
use crate::live::folder::{Folder, WORLD};
use crate::live::known::Known;
use crate::live::saved::{Saved, SavedRegion};
use crate::live::trouble::Active;
use crate::scenario::load;
use crate::scenario::source::Source;

const FILE: &str = r#"scenario: 1
title: Two Regions
vars: { home: eu-west-1 }
world:
  regions: [$home, us-east-1]
  accounts: { shop: "111111111111" }
  principals:
    app: { account: shop, allow: ["*"] }
  keys:
    cards: { account: shop, multi_region: true, primary: $home, replicas: [us-east-1] }
  tables:
    orders: { account: shop, replicas: [$home, us-east-1], partition_key: id, sort_key: at, key_types: { at: N } }
steps:
  - { in: us-east-1, as: app, kms.encrypt: { key_id: cards, plaintext: x } }
"#;

fn region(name: &str) -> RegionName {
    RegionName::new(name).expect("a Region")
}

/// A world on disk, with ports on which nobody listens.
fn away(path: &std::path::Path) -> Folder {
    let folder = Folder::new(path.join("world"));
    let plan = load(&Source::new(WORLD, FILE)).expect("a scenario");
    let home = region("us-east-1");
    let mut saved = Saved::new(world(&plan).expect("a world"), home, &[], String::new());
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    saved.regions = ["eu-west-1", "us-east-1"]
        .map(|name| SavedRegion {
            region: region(name),
            grpc: nowhere,
            aws: nowhere,
        })
        .into();
    saved.made = true;
    saved.keys.insert("cards".to_owned(), "mrk-1".to_owned());
    folder.partition_secret(true).expect("a secret");
    folder.save(&saved).expect("it is written");
    folder.write(WORLD, FILE).expect("it is written");
    folder
}

async fn ask(house: &Arc<House>, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    let access = Access {
        address: SocketAddr::from(([127, 0, 0, 1], 4711)),
        token: None,
    };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "127.0.0.1:4711");
    let request = request
        .body(Body::from(body.to_string()))
        .expect("a request");
    let router = guarded(routes(house), access);
    let response = router.oneshot(request).await.expect("it answers");
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 22)
        .await
        .expect("a body");
    (
        status,
        serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    )
}

/// Looks until the nodes are known to be away.
async fn until_away(house: &Arc<House>) {
    let _looks = house.enter();
    let mut node = Value::Null;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        node = ask(house, "GET", "/api/live", Value::Null).await.1["nodes"][1].clone();
        if node["state"] == "away" {
            break;
        }
    }
    assert_eq!(node["state"], "away", "{node}");
    assert!(node["problem"].as_str().is_some_and(|it| !it.is_empty()));
}

#[test]
fn nodes_that_are_away_are_shown_so_and_what_is_done_is_on_the_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let known = Known::of(away(folder.path())).expect("a world");
        let house = House::new(known, folder.path().to_owned());
        let (status, seen) = ask(&house, "GET", "/api/live", Value::Null).await;
        assert_eq!((status, &seen["up"]), (StatusCode::OK, &json!(false)));
        until_away(&house).await;
        let cut = json!({ "kind": "partition", "arguments": { "between": "eu-west-1,us-east-1" } });
        let (_, shown) = ask(&house, "POST", "/api/live/preview", cut.clone()).await;
        let yaml = shown["yaml"].as_str().unwrap_or_default();
        assert!(
            yaml.contains("partition: [[eu-west-1], [us-east-1]]"),
            "{shown}"
        );
        assert_eq!(
            shown["command"],
            "faultline fault start partition between=eu-west-1,us-east-1"
        );
        let (_, before) = ask(&house, "GET", "/api/live", Value::Null).await;
        assert_eq!(before["faults"], json!([]), "nothing was done yet");
        let (status, done) = ask(&house, "POST", "/api/live/faults", cut).await;
        assert_eq!(status, StatusCode::OK, "{done}");
        assert!(
            done["later"][0]
                .as_str()
                .is_some_and(|it| it.contains("when it is up"))
        );
        let (_, seen) = ask(&house, "GET", "/api/live", Value::Null).await;
        assert_eq!(
            seen["faults"][0]["regions"],
            json!(["eu-west-1", "us-east-1"])
        );

        // What makes no sense, and what needs a node that is away, is said and not done.
        for (kind, arguments) in [
            ("partition", json!({ "between": "eu-west-1,mars-1" })),
            ("flood", json!({})),
            ("key_disabled", json!({ "key": "cards" })),
        ] {
            let wanted = json!({ "kind": kind, "arguments": arguments });
            let (status, told) = ask(&house, "POST", "/api/live/faults", wanted).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{kind}: {told}");
        }
        let (status, _) = ask(&house, "DELETE", "/api/live/faults/1", Value::Null).await;
        assert_eq!(status, StatusCode::OK);
        let (status, _) = ask(&house, "DELETE", "/api/live/faults/1", Value::Null).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);

        let (status, told) = ask(
            &house,
            "POST",
            "/api/live/save",
            json!({ "file": "s.yaml" }),
        )
        .await;
        assert_eq!(status, StatusCode::OK, "{told}");
        let text = std::fs::read_to_string(folder.path().join("s.yaml")).expect("it is there");
        load(&Source::new("s.yaml", text.clone())).expect("what is saved passes `check`");
        assert!(
            text.contains("partition") && !text.contains("kms.encrypt"),
            "{text}"
        );
    });
}

#[test]
fn what_was_done_becomes_a_scenario_and_what_cannot_is_named() {
    let source = Source::new(WORLD, FILE);
    let plan = load(&source).expect("a scenario");
    let targets = targets(world(&plan).expect("a world"));
    let keys = [("cards".to_owned(), "mrk-1".to_owned())].into();
    let fault = |id, kind: &str, arguments: &[(&str, &str)]| Active {
        id,
        kind: kind.to_owned(),
        arguments: arguments
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    };
    let wish = Wish {
        kind: Kind::Table,
        name: "orders".to_owned(),
        region: region("us-east-1"),
        principal: "app".to_owned(),
        writes: 100,
        reads: 5,
    };
    let mut record = Record::default();
    let calm = record.scenario(0, &source, &targets, &keys).expect("calm");
    assert!(calm.contains("nobody"), "{calm}");
    let dark = fault(1, "region_down", &[("region", "us-east-1")]);
    let paused = fault(2, "pause_replication", &[("in", "us-east-1")]);
    let disabled = fault(3, "key_disabled", &[("key", "mrk-1"), ("in", "us-east-1")]);
    record.faults(7_000_000, &[dark.clone(), paused]);
    record.dial(8_000_000, Some(&wish));
    record.faults(9_000_000, &[disabled]);
    // The same number again is another fault.
    record.faults(12_000_000, &[dark]);
    let text = record
        .scenario(60_000_000, &source, &targets, &keys)
        .expect("it passes `check`");
    for part in [
        "# Left out: fault 2  pause_replication in=us-east-1",
        "# Left out: the dial at 105 requests a second",
        "clicked_1:\n        - { wait: 1s }",
        "key_disabled: { key: cards, in: us-east-1 }",
        "item: { at: 1, id: $name, written_by: the dial }",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!((text.matches("region_down").count(), record.len()), (2, 5));
}
