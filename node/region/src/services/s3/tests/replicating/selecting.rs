//! Which objects go where, and which never do.

use super::*;

const OTHER: &str = "ap-southeast-2";

/// A world with a third bucket, in a third Region.
fn three() -> Setup {
    let mut world = World::new(&[THERE, HERE, OTHER]);
    let root = world.root(ACCOUNT);
    for (region, name) in [(HERE, "photos"), (THERE, "photos-copy"), (OTHER, "third")] {
        bucket(&mut world, &root, region, name);
    }
    let role = world.role(
        ACCOUNT,
        "replicator",
        &trust("s3.amazonaws.com"),
        &allow(&ROLE_ACTIONS, &["*"]),
    );
    Setup { world, root, role }
}

fn filtered(filter: s3::ReplicationRuleFilter) -> s3::ReplicationRule {
    s3::ReplicationRule {
        filter: Some(filter),
        ..rule("", None)
    }
}

fn tag(key: &str, value: &str) -> s3::Tag {
    s3::Tag {
        key: text(key),
        value: text(value),
    }
}

/// S3-012: all destinations, and of the rules with one destination the largest priority.
#[test]
fn s3_012_s3_064_every_destination_gets_it_and_the_largest_priority_decides() {
    let mut setup = three();
    let mut archived = to(rule("", None), "photos-copy", 9);
    archived.destination.as_mut().unwrap().storage_class = text("STANDARD_IA");
    setup.replicate(vec![
        to(rule("", None), "photos-copy", 1),
        archived,
        to(rule("", None), "third", 3),
    ]);
    setup.world.cut(HERE, OTHER);
    setup.put("a");
    setup.world.advance(600);
    // One has it, one is cut off.
    assert_eq!(setup.status("a").as_deref(), Some("PENDING"));
    let seen = setup.seen("a");
    let status = |at: usize| seen[at]["status"].as_str().unwrap().to_owned();
    assert_eq!(
        (status(0), status(1)),
        ("COMPLETED".to_owned(), "PENDING".to_owned())
    );
    assert_eq!(seen[0]["rule"], "photos-copy-9");
    let why = seen[1]["why"].as_str().unwrap();
    assert!(why.contains("silent"), "{why}");
    setup.world.heal(HERE, OTHER);
    setup.world.advance(60);
    assert_eq!(setup.status("a").as_deref(), Some("COMPLETED"));
    let found = head(&mut setup.world, THERE, &setup.root, "photos-copy", "a");
    assert_eq!(
        found.storage_class.as_deref(),
        Some("STANDARD_IA"),
        "S3-026"
    );
    // S3-064: one that fails makes the whole FAILED.
    setup.versioning(OTHER, "third", "Suspended").unwrap();
    setup.put("b");
    setup.world.advance(600);
    assert_eq!(setup.status("b").as_deref(), Some("FAILED"));
    let reasons: Vec<_> = setup
        .seen("b")
        .iter()
        .map(|seen| seen["failure_reason"].clone())
        .collect();
    assert_eq!(
        reasons,
        [Value::Null, "DstBucketUnversioned".into()],
        "S3-004"
    );
}

/// S3-011, S3-058: prefix and tags as the put brought them.
#[test]
fn s3_011_s3_058_a_filter_wants_prefix_and_tags_together() {
    let mut setup = setup();
    setup.replicate(vec![filtered(s3::ReplicationRuleFilter {
        and: Some(s3::ReplicationRuleAndOperator {
            prefix: text("in/"),
            tags: vec![tag("team", "sea"), tag("keep", "yes")],
        }),
        ..Default::default()
    })]);
    for (name, tagging, status) in [
        ("in/both", "team=sea&keep=yes&more=1", Some("COMPLETED")),
        ("in/one", "team=sea", None),
        ("in/wrong", "team=sea&keep=no", None),
        ("out/both", "team=sea&keep=yes", None),
    ] {
        let request = s3::PutObjectRequest {
            tagging: text(tagging),
            ..put("photos", name)
        };
        setup.put_as(&request);
        setup.world.advance(600);
        assert_eq!(setup.status(name).as_deref(), status, "{name}");
    }
    let seen = setup.seen("in/wrong");
    assert_eq!(
        seen[0]["why"],
        "rule all does not fit: it wants the tag keep=yes"
    );
}

/// S3-056: V1 sends delete markers, V2 only where it says so; S3-055: versions that are deleted
/// by their id stay in the replica.
#[test]
fn s3_055_s3_056_delete_markers_and_deleted_versions() {
    let v1 = s3::ReplicationRule {
        filter: None,
        prefix: text(""),
        priority: None,
        delete_marker_replication: None,
        ..rule("", None)
    };
    let mut v2 = rule("", None);
    v2.delete_marker_replication = Some(s3::DeleteMarkerReplication { status: enabled() });
    for (rule, copies) in [(v1, 2), (rule("", None), 1), (v2, 2)] {
        let mut setup = setup();
        setup.replicate(vec![rule]);
        let version = setup.put("a");
        setup.world.advance(600);
        setup.delete(HERE, "photos", "a", None);
        setup.world.advance(600);
        setup.delete(HERE, "photos", "a", Some(&version));
        setup.world.advance(600);
        assert_eq!(setup.versions(THERE, "photos-copy").len(), copies);
        assert_eq!(setup.versions(HERE, "photos").len(), 1);
    }
}

/// S3-025, S3-051, S3-050: what was there before a rule, while it was off, or has another
/// destination already, is not sent.
#[test]
fn s3_025_s3_050_s3_051_only_what_comes_after_an_active_rule_is_sent() {
    let mut setup = three();
    setup.put("before");
    setup.world.advance(60);
    setup.replicate(vec![rule("", None)]);
    setup.put("during");
    setup.world.advance(600);
    let mut off = rule("", None);
    off.status = text("Disabled");
    setup.replicate(vec![off]);
    setup.put("paused");
    setup.world.advance(600);
    setup.replicate(vec![to(rule("", None), "third", 1)]);
    setup.world.advance(600);
    let statuses = ["before", "during", "paused"].map(|key| setup.status(key));
    assert_eq!(statuses, [None, Some("COMPLETED".to_owned()), None]);
    assert_eq!(setup.versions(THERE, "photos-copy").len(), 1);
    assert!(setup.versions(OTHER, "third").is_empty());
    let why = setup.seen("before")[0]["why"].as_str().unwrap().to_owned();
    assert!(why.contains("before the configuration (S3-051)"), "{why}");
}

/// What is owed when its rule is switched off waits for the rule, and goes when it is on again.
#[test]
fn s3_025_what_is_owed_waits_for_its_rule() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    setup.put("a");
    let mut off = rule("", None);
    off.status = text("Disabled");
    setup.replicate(vec![off]);
    setup.world.advance(3600);
    assert_eq!(setup.status("a").as_deref(), Some("PENDING"));
    assert_eq!(setup.seen("a")[0]["why"], "rule all is off (S3-025)");
    setup.replicate(vec![rule("", None)]);
    setup.world.advance(60);
    assert_eq!(setup.status("a").as_deref(), Some("COMPLETED"));
}

/// S3-049: A to B and B to C bring nothing of A to C.
#[test]
fn s3_049_chained_rules_do_not_carry_on() {
    let mut setup = three();
    setup.replicate(vec![rule("", None)]);
    setup
        .try_replicate((THERE, "photos-copy"), vec![to(rule("", None), "third", 1)])
        .unwrap();
    setup.put("a");
    setup.world.advance(3600);
    assert_eq!(setup.versions(THERE, "photos-copy").len(), 1);
    assert!(setup.versions(OTHER, "third").is_empty());
    let look = setup.world.look(
        THERE,
        "bucket_replication",
        &serde_json::json!({ "bucket": "photos-copy" }),
    );
    assert_eq!(
        look["objects"][0]["why"],
        "it is a replica, and replicas are not sent on (S3-049)"
    );
}

/// S3-043, S3-012: the winner decides, also when it does not opt in.
#[test]
fn s3_043_a_winner_that_does_not_opt_in_keeps_a_kms_object_at_home() {
    let mut setup = setup();
    let (here, there) = (key(&mut setup.world, HERE), key(&mut setup.world, THERE));
    let winner = to(rule("", None), "photos-copy", 9);
    setup.replicate(vec![to(rule("", Some(&there)), "photos-copy", 1), winner]);
    let request = s3::PutObjectRequest {
        server_side_encryption: text("aws:kms"),
        ssekms_key_id: Some(here),
        ..put("photos", "a")
    };
    setup.put_as(&request);
    setup.world.advance(600);
    assert_eq!(setup.status("a"), None);
    let why = setup.seen("a")[0]["why"].as_str().unwrap().to_owned();
    assert!(
        why.contains("does not opt in to objects under KMS (S3-043)"),
        "{why}"
    );
    assert!(
        why.contains("rule photos-copy-1 yields to rule photos-copy-9 (S3-012)"),
        "{why}"
    );
}

/// S3-052: what is archived does not go.
#[test]
fn s3_052_an_archived_object_is_not_eligible() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    let request = s3::PutObjectRequest {
        storage_class: text("GLACIER"),
        ..put("photos", "a")
    };
    setup.put_as(&request);
    setup.world.advance(600);
    assert_eq!(setup.reason("a").0, "SrcObjectNotEligible");
}

/// S3-048: versions stand in the source's order, whatever order they came in.
#[test]
fn s3_048_the_order_of_versions_is_the_sources() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    for at in 0..6 {
        setup.put("a");
        setup.world.advance_micros(300_000 * at);
    }
    setup.world.advance(900);
    let list = |setup: &mut Setup, region: &str, name: &str| {
        let request = s3::ListObjectVersionsRequest {
            bucket: text(name),
            ..Default::default()
        };
        let found = setup.world.call(region, &setup.root, &request).unwrap();
        found
            .versions
            .into_iter()
            .map(|version| (version.version_id, version.last_modified, version.is_latest))
            .collect::<Vec<_>>()
    };
    let (source, replica) = (
        list(&mut setup, HERE, "photos"),
        list(&mut setup, THERE, "photos-copy"),
    );
    assert_eq!((source.len(), source), (6, replica));
}
