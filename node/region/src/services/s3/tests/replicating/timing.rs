//! Fifteen minutes, events, metrics, and a backlog.

use super::*;

impl Setup {
    fn events(&mut self) -> Vec<(String, String)> {
        let look = self.world.look(
            HERE,
            "replication_events",
            &serde_json::json!({ "bucket": "photos" }),
        );
        let word = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let events = look["events"].as_array().unwrap();
        events
            .iter()
            .map(|event| (word(event, "event_name"), word(event, "object")))
            .collect()
    }

    fn metrics(&mut self) -> Value {
        let look = self.world.look(
            HERE,
            "replication_metrics",
            &serde_json::json!({ "bucket": "photos" }),
        );
        look["metrics"][0].clone()
    }

    fn lane(&mut self) -> Value {
        let look = self.world.look(
            HERE,
            "replication_lanes",
            &serde_json::json!({ "bucket": "photos" }),
        );
        look["lanes"][0].clone()
    }
}

fn named(name: &str, key: &str) -> (String, String) {
    (format!("Replication:{name}"), key.to_owned())
}

/// S3-077, S3-083, S3-084: an operation that is late, and then arrives.
#[test]
fn s3_077_s3_083_s3_084_an_operation_that_misses_its_fifteen_minutes() {
    let mut setup = setup();
    setup.replicate(vec![timed()]);
    setup.put("quick");
    setup.world.advance(60);
    setup.world.cut(HERE, THERE);
    let version = setup.put("late");
    setup.world.advance(899);
    assert!(setup.events().is_empty());
    setup.world.advance(2);
    assert_eq!(setup.events(), [named("OperationMissedThreshold", "late")]);
    setup.world.advance(3600);
    setup.world.heal(HERE, THERE);
    setup.world.advance(60);
    assert_eq!(setup.status("late").as_deref(), Some("COMPLETED"));
    assert_eq!(
        setup.events(),
        [
            named("OperationMissedThreshold", "late"),
            named("OperationReplicatedAfterThreshold", "late")
        ]
    );
    let look = setup.world.look(
        HERE,
        "replication_events",
        &serde_json::json!({ "bucket": "photos" }),
    );
    let event = &look["events"][0];
    for (member, value) in [
        ("event_version", "2.2"),
        ("user_identity", "s3.amazonaws.com"),
        ("source_ip_address", "s3.amazonaws.com"),
        ("destination_bucket", "arn:aws:s3:::photos-copy"),
        ("s3_operation", "OBJECT_PUT"),
        ("version_id", &version),
    ] {
        assert_eq!(event[member], value);
    }
}

/// S3-057: a delete marker has no fifteen minutes; S3-083: no failure event without metrics.
#[test]
fn s3_057_s3_083_who_gets_events() {
    let mut setup = setup();
    let mut markers = timed();
    markers.delete_marker_replication = Some(s3::DeleteMarkerReplication { status: enabled() });
    setup.replicate(vec![markers]);
    setup.world.cut(HERE, THERE);
    setup.delete(HERE, "photos", "gone", None);
    setup.world.advance(3600);
    assert!(setup.events().is_empty());
    setup.world.heal(HERE, THERE);
    setup.world.advance(60);
    setup.versioning(THERE, "photos-copy", "Suspended").unwrap();
    setup.put("a");
    setup.world.advance(600);
    assert_eq!(setup.events(), [named("OperationFailedReplication", "a")]);
    setup.versioning(THERE, "photos-copy", "Enabled").unwrap();
    setup.replicate(vec![rule("", None)]);
    setup.versioning(THERE, "photos-copy", "Suspended").unwrap();
    setup.put("b");
    setup.world.advance(600);
    assert_eq!(setup.reason("b").0, "DstBucketUnversioned");
    assert_eq!(setup.events().len(), 1);
}

/// S3-085: metrics are switched off while something is owed.
#[test]
fn s3_085_what_is_no_longer_tracked_is_told() {
    let mut setup = setup();
    setup.replicate(vec![timed()]);
    setup.world.cut(HERE, THERE);
    setup.put("a");
    setup.world.advance(60);
    let delete = s3::DeleteBucketReplicationRequest {
        bucket: text("photos"),
        ..Default::default()
    };
    setup.world.call(HERE, &setup.root, &delete).unwrap();
    assert_eq!(setup.events(), [named("OperationNotTracked", "a")]);
}

/// S3-081, S3-082: what is owed, how far behind, and from when it is published.
#[test]
fn s3_081_s3_082_metrics_count_what_is_owed() {
    let mut setup = setup();
    setup.replicate(vec![timed()]);
    assert_eq!(setup.metrics()["published"], false);
    setup.world.cut(HERE, THERE);
    for key in ["one", "three"] {
        setup.put(key);
    }
    setup.world.advance(1000);
    let metrics = setup.metrics();
    assert_eq!(metrics["published"], true);
    assert_eq!(metrics["operations_pending_replication"], 2);
    assert_eq!(metrics["bytes_pending_replication"], 8);
    let behind = metrics["replication_latency"].as_u64().unwrap();
    assert!((1000..1010).contains(&behind), "{behind}");
    assert_eq!(setup.lane()["state"], "silent");
    setup.world.heal(HERE, THERE);
    setup.world.advance(60);
    setup.versioning(THERE, "photos-copy", "Suspended").unwrap();
    setup.put("b");
    setup.world.advance(600);
    let metrics = setup.metrics();
    assert_eq!(metrics["operations_pending_replication"], 0);
    assert_eq!(metrics["operations_failed_replication"], 1);
    assert_eq!(metrics["operations_completed"], 2);
    assert_eq!(metrics["replication_latency"], 0);
}

/// A destination that is dead holds a few transfers and nothing else: puts go on at once, another
/// destination does not notice, and the backlog goes in order and at once when it is back.
#[test]
fn a_dead_destination_costs_its_rows_and_catches_up() {
    let mut world = World::new(&[THERE, HERE, "ap-southeast-2"]);
    let root = world.root(ACCOUNT);
    for (region, name) in [
        (HERE, "photos"),
        (THERE, "photos-copy"),
        ("ap-southeast-2", "third"),
    ] {
        bucket(&mut world, &root, region, name);
    }
    let role = world.role(
        ACCOUNT,
        "replicator",
        &trust("s3.amazonaws.com"),
        &allow(&ROLE_ACTIONS, &["*"]),
    );
    let mut setup = Setup { world, root, role };
    setup.replicate(vec![
        to(rule("", None), "photos-copy", 1),
        to(rule("", None), "third", 2),
    ]);
    setup.world.cut(HERE, THERE);
    for at in 0..160 {
        setup.put(&format!("photo-{at:03}"));
    }
    setup.world.advance(7200);
    let look = setup.world.look(
        HERE,
        "replication_lanes",
        &serde_json::json!({ "bucket": "photos" }),
    );
    let lane = |at: usize, name: &str| look["lanes"][at][name].clone();
    assert_eq!(
        (lane(0, "state"), lane(1, "state")),
        ("silent".into(), "idle".into())
    );
    assert_eq!(
        (lane(1, "delivered"), lane(1, "waiting")),
        (160.into(), 0.into())
    );
    assert!(
        lane(0, "transfers_under_way")
            .as_u64()
            .is_some_and(|out| out <= 8)
    );
    setup.world.heal(HERE, THERE);
    setup.world.advance(30);
    let lane = setup.lane();
    assert_eq!(
        (&lane["delivered"], &lane["catching_up"]),
        (&160.into(), &false.into())
    );
    assert!(lane["silent_seconds"].as_u64().unwrap() >= 7000, "{lane}");
    let caught = |(_, note): &&(String, faultline_proto::driving::Note)| {
        note.kind == "replication_caught_up"
    };
    let note = setup.world.notes.iter().find(caught).unwrap();
    assert_eq!(note.1.fields["operations"], "160");
    let keys: Vec<&String> = setup
        .world
        .notes
        .iter()
        .filter(|(region, note)| region == THERE && note.kind == "replica_written")
        .map(|(_, note)| &note.fields["key"])
        .collect();
    assert_eq!(keys.len(), 160);
}
