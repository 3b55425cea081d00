//! What the harness promises, shown with IAM, which every world has.

use faultline_proto::iam::{CreateUserRequest, GetUserRequest};
use faultline_proto::sts::GetCallerIdentityRequest;

use serde_json::json;

use super::people::ALLOW_ALL;
use super::{ACCOUNT, Crash, World};

const HOME: &str = "us-east-1";
const AWAY: &str = "eu-west-1";

fn create(name: &str) -> CreateUserRequest {
    CreateUserRequest {
        user_name: Some(name.to_owned()),
        ..Default::default()
    }
}

fn get(name: &str) -> GetUserRequest {
    GetUserRequest {
        user_name: Some(name.to_owned()),
    }
}

#[test]
fn a_region_that_dies_before_its_commit_has_done_nothing() {
    let mut world = World::new(&[HOME, AWAY]);
    let root = world.root(ACCOUNT);
    world.crash_next(HOME, Crash::BeforeCommit);
    let lost = world.call(HOME, &root, &create("ann")).unwrap_err();
    assert_eq!(
        (lost.code.as_str(), lost.definite),
        ("ConnectionReset", false)
    );
    assert_eq!(
        world.call(HOME, &root, &get("ann")).unwrap_err().code,
        "ConnectionRefused"
    );
    world.restart(HOME);
    assert_eq!(
        world.call(HOME, &root, &get("ann")).unwrap_err().code,
        "NoSuchEntity"
    );
}

#[test]
fn a_region_that_dies_after_its_commit_has_done_all_of_it_and_tells_the_others() {
    let mut world = World::new(&[HOME, AWAY]);
    let root = world.root(ACCOUNT);
    world.crash_next(HOME, Crash::AfterCommit);
    assert_eq!(
        world.call(HOME, &root, &create("ann")).unwrap_err().code,
        "ConnectionReset"
    );
    world.restart(HOME);
    world.call(HOME, &root, &get("ann")).unwrap();
    assert_eq!(world.network.carried(), 0);
    world.advance(10);
    assert!(
        world
            .notes
            .iter()
            .any(|(region, note)| region == AWAY && note.kind == "directory_updated")
    );
}

#[test]
fn what_a_cut_link_loses_comes_again_once_it_heals() {
    let mut world = World::new(&[HOME, AWAY]);
    world.cut(HOME, AWAY);
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    world.advance(30);
    assert!(
        world
            .call(AWAY, &ann, &GetCallerIdentityRequest {})
            .is_err()
    );
    world.heal(HOME, AWAY);
    world.advance(10);
    world
        .call(AWAY, &ann, &GetCallerIdentityRequest {})
        .unwrap();
}

#[test]
fn a_backlog_goes_with_the_acknowledgements_and_never_more_than_a_window_is_under_way() {
    let mut world = World::new(&[HOME, AWAY]);
    let root = world.root(ACCOUNT);
    world.cut(HOME, AWAY);
    for number in 0..300 {
        let name = format!("user-{number}");
        world.call(HOME, &root, &create(&name)).unwrap();
    }
    world.advance(60);
    world.heal(HOME, AWAY);
    // A probe finds the peer within five seconds; what follows needs no timer.
    let until = world.elapsed() + 5_000_000;
    let mut most = 0;
    while world.wake_one(until) {
        while world.deliver_one() {
            let flying = world.network.in_flight();
            most = most.max(flying.filter(|it| !it.payload.is_empty()).count());
        }
    }
    let streams = &world.look(HOME, "replication", &json!({ "to": AWAY }))["streams"];
    assert_eq!(
        (&streams[0]["sent"], &streams[0]["waiting"]),
        (&json!(300), &json!(0))
    );
    assert!((32..=64).contains(&most), "{most} were under way");
    // A stream that has caught up sends at once again.
    world.call(HOME, &root, &create("late")).unwrap();
    assert_eq!(world.network.in_flight().count(), 1);
}

#[test]
fn a_step_is_the_same_in_every_run() {
    let run = || {
        let mut world = World::new(&[HOME, AWAY, "ap-south-1"]);
        world.network.duplicate(true);
        world.user(ACCOUNT, "ann", ALLOW_ALL);
        world.advance(5);
        world
            .audit
            .iter()
            .map(|event| event.event_id.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}
