//! Replicas: what they have, what they refuse, how they fail, and promotion.

use faultline_proto::driving::Crash;

use super::*;

const READ_ONLY: &str = "InvalidParameterException: Operation not permitted on a replica secret. Call must be made in primary secret's region.";

/// A secret with a replica in sync.
fn replicated(key: Option<&str>) -> (World, Credential, String) {
    let (mut world, root) = world();
    let arn = world
        .call(HERE, &root, &create("db", key))
        .unwrap()
        .arn
        .unwrap();
    world
        .call(HERE, &root, &replicate("db", THERE, None))
        .unwrap();
    world.settle();
    (world, root, arn)
}

// SEC-001, SEC-005, SEC-007, SEC-023
#[test]
fn a_replica_has_the_same_name_value_labels_tags_and_policy_under_its_own_key() {
    let (mut world, root) = world();
    let request = api::CreateSecretRequest {
        description: some("of the shop"),
        tags: vec![api::Tag {
            key: some("team"),
            value: some("shop"),
        }],
        add_replica_regions: replicate("db", THERE, None).add_replica_regions,
        ..create("db", None)
    };
    let made = world.call(HERE, &root, &request).unwrap();
    assert_eq!(
        made.replication_status[0].status.as_deref(),
        Some("InProgress")
    );
    world.settle();
    assert_eq!(
        status(&mut world, "db"),
        ("InSync".to_owned(), "Replication succeeded".to_owned())
    );
    world.call(HERE, &root, &put("db", 2, "two")).unwrap();
    assert_eq!(status(&mut world, "db").0, "InProgress");
    world.settle();
    let (here, there) = (
        describe(&mut world, HERE, "db"),
        describe(&mut world, THERE, "db"),
    );
    assert_eq!(there.arn, here.arn.map(|arn| arn.replace(HERE, THERE)));
    assert_eq!(there.version_ids_to_stages, here.version_ids_to_stages);
    assert_eq!(
        (&there.tags, &there.description),
        (&here.tags, &here.description)
    );
    assert_eq!(there.primary_region.as_deref(), Some(HERE));
    assert_eq!(
        here.replication_status[0].kms_key_id.as_deref(),
        Some("alias/aws/secretsmanager")
    );
    world.stop(HERE);
    assert_eq!(read(&mut world, THERE, "db").unwrap(), "two");
}

// SEC-002, SEC-003
#[test]
fn a_replica_refuses_every_change_but_that_of_its_key() {
    let (mut world, root, _) = replicated(None);
    let update = api::UpdateSecretRequest {
        secret_id: some("db"),
        description: some("mine"),
        ..Default::default()
    };
    assert_eq!(
        told(world.call(THERE, &root, &put("db", 2, "two")).unwrap_err()),
        READ_ONLY
    );
    assert_eq!(
        told(world.call(THERE, &root, &update).unwrap_err()),
        READ_ONLY
    );
    assert_eq!(
        told(world.call(THERE, &root, &delete("db")).unwrap_err()),
        READ_ONLY
    );
    assert_eq!(
        told(world.call(THERE, &root, &force("db")).unwrap_err()),
        READ_ONLY
    );
    let own = key(&mut world, THERE, None);
    let rekey = api::UpdateSecretRequest {
        secret_id: some("db"),
        kms_key_id: Some(own.clone()),
        ..Default::default()
    };
    world.call(THERE, &root, &rekey).unwrap();
    world.settle();
    let known = describe(&mut world, HERE, "db").replication_status;
    assert_eq!(known[0].kms_key_id.as_deref(), Some(own.as_str()));
    world.call(HERE, &root, &put("db", 2, "two")).unwrap();
    world.settle();
    let disable = kms::DisableKeyRequest { key_id: Some(own) };
    world.call(THERE, &root, &disable).unwrap();
    assert!(
        read(&mut world, THERE, "db")
            .unwrap_err()
            .starts_with("DecryptionFailure")
    );
    assert_eq!(read(&mut world, HERE, "db").unwrap(), "two");
}

// SEC-004, SEC-027
#[test]
fn a_region_of_ones_own_or_of_another_partition_is_no_replica_region() {
    let (mut world, root) = world();
    world.call(HERE, &root, &create("db", None)).unwrap();
    let refused = "InvalidParameterException: Invalid replica region.";
    for region in [HERE, "cn-north-1", "us-gov-west-1"] {
        let outcome = world.call(HERE, &root, &replicate("db", region, None));
        assert_eq!(told(outcome.unwrap_err()), refused);
        let create = api::CreateSecretRequest {
            add_replica_regions: replicate("db", region, None).add_replica_regions,
            ..create("other", None)
        };
        assert_eq!(told(world.call(HERE, &root, &create).unwrap_err()), refused);
    }
    world
        .call(HERE, &root, &replicate("db", "ap-south-1", None))
        .unwrap();
    assert_eq!(
        status(&mut world, "db").0,
        "Failed",
        "a Region that is not enabled"
    );
}

// SEC-005, SEC-006, SEC-014
#[test]
fn a_replica_whose_key_refuses_is_failed_until_the_call_is_repeated() {
    let (mut world, root) = world();
    world.call(HERE, &root, &create("db", None)).unwrap();
    let far = key(&mut world, HERE, None);
    world
        .call(HERE, &root, &replicate("db", THERE, Some(&far)))
        .unwrap();
    world.settle();
    assert_eq!(
        status(&mut world, "db").0,
        "Failed",
        "a key of the wrong Region"
    );
    let own = key(&mut world, THERE, None);
    let may = crate::testing::people::allow(&["secretsmanager:*", "kms:GenerateDataKey"], &["*"]);
    let admin = world.user(ACCOUNT, "admin", &may);
    world
        .call(HERE, &admin, &replicate("db", THERE, Some(&own)))
        .unwrap();
    world.settle();
    assert_eq!(
        status(&mut world, "db"),
        (
            "Failed".to_owned(),
            "Access to KMS is not allowed".to_owned()
        ),
        "kms:Encrypt is missing"
    );
    world
        .call(HERE, &root, &replicate("db", THERE, Some(&own)))
        .unwrap();
    world.settle();
    assert_eq!(status(&mut world, "db").0, "InSync");
    let disable = kms::DisableKeyRequest {
        key_id: Some(own.clone()),
    };
    world.call(THERE, &root, &disable).unwrap();
    world.call(HERE, &root, &put("db", 2, "two")).unwrap();
    world.settle();
    assert_eq!(status(&mut world, "db").0, "Failed");
    let enable = kms::EnableKeyRequest {
        key_id: Some(own.clone()),
    };
    world.call(THERE, &root, &enable).unwrap();
    world.advance(3600);
    assert_eq!(
        status(&mut world, "db").0,
        "Failed",
        "nothing repairs it by itself"
    );
    assert_eq!(read(&mut world, THERE, "db").unwrap(), VALUE, "it is stale");
    world
        .call(HERE, &root, &replicate("db", THERE, Some(&own)))
        .unwrap();
    world.settle();
    assert_eq!(read(&mut world, THERE, "db").unwrap(), "two");
}

// SEC-006
#[test]
fn who_cannot_read_the_primary_cannot_replicate_it() {
    let (mut world, root) = world();
    let key = key(&mut world, HERE, None);
    world.call(HERE, &root, &create("db", Some(&key))).unwrap();
    let may = crate::testing::people::allow(&["secretsmanager:*"], &["*"]);
    let admin = world.user(ACCOUNT, "admin", &may);
    assert_eq!(
        told(
            world
                .call(HERE, &admin, &replicate("db", THERE, None))
                .unwrap_err()
        ),
        "InvalidRequestException: Access to KMS is not allowed"
    );
    assert!(
        describe(&mut world, HERE, "db")
            .replication_status
            .is_empty()
    );
}

// SEC-008
#[test]
fn a_secret_of_that_name_is_overwritten_only_when_the_call_says_so() {
    let (mut world, root) = world();
    let there = api::CreateSecretRequest {
        secret_string: some("another"),
        ..create("db", None)
    };
    world.call(THERE, &root, &there).unwrap();
    world.call(HERE, &root, &create("db", None)).unwrap();
    let request = replicate("db", THERE, None);
    world.call(HERE, &root, &request).unwrap();
    world.settle();
    assert_eq!(
        status(&mut world, "db"),
        (
            "Failed".to_owned(),
            "Secret with this name already exists in this region".to_owned()
        )
    );
    assert_eq!(read(&mut world, THERE, "db").unwrap(), "another");
    let forced = api::ReplicateSecretToRegionsRequest {
        force_overwrite_replica_secret: Some(true),
        ..request
    };
    world.call(HERE, &root, &forced).unwrap();
    world.settle();
    assert_eq!(status(&mut world, "db").0, "InSync");
    assert_eq!(read(&mut world, THERE, "db").unwrap(), VALUE);
}

// SEC-010
#[test]
fn promotion_needs_nothing_of_the_primary() {
    let (mut world, root, _) = replicated(None);
    assert_eq!(
        code(world.call(HERE, &root, &promote("db"))),
        "InvalidRequestException"
    );
    world.cut(HERE, THERE);
    world.call(HERE, &root, &put("db", 2, "late")).unwrap();
    world.call(THERE, &root, &promote("db")).unwrap();
    world.call(THERE, &root, &put("db", 3, "new")).unwrap();
    assert_eq!(
        status(&mut world, "db").0,
        "InProgress",
        "the primary cannot know"
    );
    world.heal(HERE, THERE);
    world.advance(30);
    assert!(
        describe(&mut world, HERE, "db")
            .replication_status
            .is_empty()
    );
    assert_eq!(read(&mut world, THERE, "db").unwrap(), "new");
    assert_eq!(read(&mut world, HERE, "db").unwrap(), "late");
    // It can be joined again by overwriting, and only so.
    let again = api::ReplicateSecretToRegionsRequest {
        force_overwrite_replica_secret: Some(true),
        ..replicate("db", THERE, None)
    };
    world.call(HERE, &root, &again).unwrap();
    world.settle();
    assert_eq!(read(&mut world, THERE, "db").unwrap(), "late");
}

#[test]
fn a_crash_before_or_after_the_commit_loses_no_change_and_doubles_none() {
    for crash in [Crash::BeforeCommit, Crash::AfterCommit] {
        let (mut world, root, _) = replicated(None);
        world.call(HERE, &root, &put("db", 2, "two")).unwrap();
        world.crash_next(THERE, crash);
        world.settle();
        world.restart(THERE);
        world.advance(30);
        assert_eq!(status(&mut world, "db").0, "InSync", "{crash:?}");
        assert_eq!(read(&mut world, THERE, "db").unwrap(), "two");
        world.crash_next(HERE, crash);
        let _ = world.call(HERE, &root, &put("db", 3, "three"));
        world.restart(HERE);
        world.advance(30);
        let here = read(&mut world, HERE, "db").unwrap();
        assert_eq!(read(&mut world, THERE, "db").unwrap(), here, "{crash:?}");
        let wanted = if crash == Crash::BeforeCommit {
            "two"
        } else {
            "three"
        };
        assert_eq!(here, wanted);
    }
}
