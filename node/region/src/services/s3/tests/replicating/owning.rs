//! Other accounts, ownership, and two-way rules.

use super::*;
use crate::testing::PARTNER;

impl Setup {
    fn owner(&mut self, key: &str) -> String {
        let look = serde_json::json!({ "bucket": "their-copy", "key": key });
        let seen = self.world.look(THERE, "stored_object", &look);
        seen["owner"].as_str().unwrap_or_default().to_owned()
    }
}

/// A bucket of another account, with a policy that lets the role write.
fn theirs(actions: &[&str]) -> Setup {
    let mut setup = setup();
    let partner = setup.world.root(PARTNER);
    bucket(&mut setup.world, &partner, THERE, "their-copy");
    let root = std::mem::replace(&mut setup.root, partner);
    let role = setup.role.clone();
    setup.policy(
        THERE,
        "their-copy",
        serde_json::json!([{
            "Effect": "Allow", "Principal": { "AWS": role }, "Action": actions,
            "Resource": "arn:aws:s3:::their-copy/*",
        }]),
    );
    setup.root = root;
    setup
}

/// S3-007, S3-090: the destination's policy must let the role in; by default the bucket's owner
/// owns what comes.
#[test]
fn s3_007_s3_090_another_accounts_bucket() {
    let mut setup = theirs(&["s3:ReplicateDelete"]);
    setup.replicate(vec![to(rule("", None), "their-copy", 1)]);
    setup.put("a");
    setup.world.advance(600);
    let (reason, why) = setup.reason("a");
    assert_eq!(reason, "DstPutObjectNotPermitted");
    assert!(why.contains("s3:ReplicateObject"), "{why}");
    let mut setup = theirs(&["s3:ReplicateObject"]);
    setup.replicate(vec![to(rule("", None), "their-copy", 1)]);
    setup.put("a");
    setup.world.advance(600);
    assert_eq!(setup.status("a").as_deref(), Some("COMPLETED"));
    assert_eq!(setup.owner("a"), PARTNER);
}

/// S3-038: aws/s3 of another account cannot work, nor a key whose policy does not know the role.
#[test]
fn s3_038_the_key_of_another_account() {
    let mut setup = theirs(&["s3:ReplicateObject"]);
    let here = key(&mut setup.world, HERE);
    let partner = setup.world.root(PARTNER);
    let make = kms::CreateKeyRequest::default();
    let made = setup.world.call(THERE, &partner, &make).unwrap();
    let closed = made.key_metadata.unwrap().arn.unwrap();
    let managed = format!("arn:aws:kms:{THERE}:{PARTNER}:alias/aws/s3");
    let request = |name: &str| s3::PutObjectRequest {
        server_side_encryption: text("aws:kms"),
        ssekms_key_id: Some(here.clone()),
        ..put("photos", name)
    };
    // The partner uses aws/s3, so that it is there.
    let own = s3::PutObjectRequest {
        server_side_encryption: text("aws:kms"),
        ..put("their-copy", "own")
    };
    setup.world.upload(THERE, &partner, &own, b"x").unwrap();
    for (at, named) in [closed, managed].iter().enumerate() {
        let mut sealed = to(rule("", Some(named)), "their-copy", 1);
        sealed.destination.as_mut().unwrap().account = text(PARTNER);
        setup.replicate(vec![sealed]);
        let name = format!("a{at}");
        setup.put_as(&request(&name));
        setup.world.advance(600);
        let (reason, why) = setup.reason(&name);
        assert_eq!(reason, "DstPutObjectNotPermitted", "{why}");
    }
}

/// S3-086: two configurations, one a bucket, and no loop.
#[test]
fn s3_086_two_way_rules_do_not_loop() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    setup
        .try_replicate(
            (THERE, "photos-copy"),
            vec![to(rule("", None), "photos", 1)],
        )
        .unwrap();
    setup.put("a");
    let other = put("photos-copy", "b");
    setup
        .world
        .upload(THERE, &setup.root, &other, b"b")
        .unwrap();
    setup.world.advance(3600);
    assert_eq!(
        setup.versions(HERE, "photos"),
        setup.versions(THERE, "photos-copy")
    );
    assert_eq!(setup.versions(HERE, "photos").len(), 2);
    let statuses =
        [(HERE, "photos", "b"), (THERE, "photos-copy", "b")].map(|(region, name, key)| {
            head(&mut setup.world, region, &setup.root, name, key).replication_status
        });
    assert_eq!(statuses, [text("REPLICA"), text("COMPLETED")]);
}

/// S3-046: the type of encryption is the source's, whatever the destination's default.
#[test]
fn s3_046_the_destinations_default_is_ignored() {
    let mut setup = setup();
    let there = key(&mut setup.world, THERE);
    let default = s3::PutBucketEncryptionRequest {
        bucket: text("photos-copy"),
        server_side_encryption_configuration: Some(s3::ServerSideEncryptionConfiguration {
            rules: vec![s3::ServerSideEncryptionRule {
                apply_server_side_encryption_by_default: Some(s3::ServerSideEncryptionByDefault {
                    sse_algorithm: text("aws:kms"),
                    kms_master_key_id: Some(there),
                }),
                ..Default::default()
            }],
        }),
        ..Default::default()
    };
    setup.world.call(THERE, &setup.root, &default).unwrap();
    setup.replicate(vec![rule("", None)]);
    setup.put("a");
    setup.world.advance(600);
    let found = head(&mut setup.world, THERE, &setup.root, "photos-copy", "a");
    assert_eq!(found.server_side_encryption.as_deref(), Some("AES256"));
}

/// Tags of an object.
fn tags(setup: &mut Setup, region: &str, name: &str) -> Value {
    let look = serde_json::json!({ "bucket": name, "key": "a" });
    setup.world.look(region, "stored_object", &look)["tags"].clone()
}

fn tag(setup: &mut Setup, region: &str, name: &str, value: &str) {
    let request = s3::PutObjectTaggingRequest {
        bucket: text(name),
        key: text("a"),
        tagging: Some(s3::Tagging {
            tag_set: vec![s3::Tag {
                key: text("team"),
                value: text(value),
            }],
        }),
        ..Default::default()
    };
    setup.world.call(region, &setup.root, &request).unwrap();
}

fn tagging_role() -> Setup {
    let mut actions = ROLE_ACTIONS.to_vec();
    actions.push("s3:GetObjectVersionTagging");
    with_role(&actions)
}

/// S3-042, S3-058: a change of tags follows its object, and does not make one eligible.
#[test]
fn s3_042_s3_058_tags_that_are_changed_follow() {
    let mut setup = tagging_role();
    setup.put("before");
    setup.replicate(vec![rule("", None)]);
    setup.put("a");
    setup.world.advance(600);
    tag(&mut setup, HERE, "photos", "sea");
    assert_eq!(setup.status("a").as_deref(), Some("PENDING"));
    setup.world.advance(600);
    assert_eq!(setup.status("a").as_deref(), Some("COMPLETED"));
    let found = tags(&mut setup, THERE, "photos-copy");
    assert_eq!(found, serde_json::json!({ "team": "sea" }));
    // The replica was deleted there: the change has nowhere to go.
    let version = setup.seen("a")[0]["version_id"]
        .as_str()
        .unwrap()
        .to_owned();
    setup.delete(THERE, "photos-copy", "a", Some(&version));
    tag(&mut setup, HERE, "photos", "hill");
    setup.world.advance(600);
    assert_eq!(setup.reason("a").0, "DstVersionNotFound");
}

/// S3-087, S3-067, S3-086: a change of the replica goes back where both rules say so, and only there.
#[test]
fn s3_067_s3_087_replica_modification_sync_needs_both_rules() {
    let sync = |mut rule: s3::ReplicationRule| {
        rule.source_selection_criteria = Some(s3::SourceSelectionCriteria {
            replica_modifications: Some(s3::ReplicaModifications { status: enabled() }),
            ..Default::default()
        });
        rule
    };
    for (here, there, goes_back) in [
        (true, true, true),
        (false, true, false),
        (true, false, false),
    ] {
        let mut setup = tagging_role();
        let one = if here {
            sync(rule("", None))
        } else {
            rule("", None)
        };
        setup.replicate(vec![one]);
        let back = to(rule("", None), "photos", 1);
        let back = if there { sync(back) } else { back };
        setup
            .try_replicate((THERE, "photos-copy"), vec![back])
            .unwrap();
        setup.put("a");
        setup.world.advance(600);
        tag(&mut setup, THERE, "photos-copy", "sea");
        let status = |setup: &mut Setup| {
            head(&mut setup.world, THERE, &setup.root, "photos-copy", "a").replication_status
        };
        let during = status(&mut setup);
        assert_eq!(
            during.as_deref(),
            Some(if there { "PENDING" } else { "REPLICA" })
        );
        setup.world.advance(3600);
        assert_eq!(status(&mut setup).as_deref(), Some("REPLICA"));
        let found = tags(&mut setup, HERE, "photos");
        let wanted = if goes_back {
            serde_json::json!({ "team": "sea" })
        } else {
            serde_json::json!({})
        };
        assert_eq!(found, wanted);
        // The later change stays, on both sides.
        tag(&mut setup, HERE, "photos", "hill");
        setup.world.advance(3600);
        assert_eq!(
            tags(&mut setup, THERE, "photos-copy"),
            serde_json::json!({ "team": "hill" })
        );
    }
}

fn owned_by_writers(setup: &mut Setup) {
    let partner = setup.world.root(PARTNER);
    let request = s3::PutBucketOwnershipControlsRequest {
        bucket: text("their-copy"),
        ownership_controls: Some(s3::OwnershipControls {
            rules: vec![s3::OwnershipControlsRule {
                object_ownership: text("ObjectWriter"),
            }],
        }),
        ..Default::default()
    };
    setup.world.call(THERE, &partner, &request).unwrap();
}

/// S3-088, S3-089, S3-091: without the override the source's account owns the replica; with it the
/// role needs one more permission on both sides.
#[test]
fn s3_088_s3_089_who_owns_the_replica() {
    let override_action = "s3:ObjectOwnerOverrideToBucketOwner";
    for (overrides, role_may, bucket_may, owner) in [
        (false, false, false, Some(ACCOUNT)),
        (true, false, true, None),
        (true, true, false, None),
        (true, true, true, Some(PARTNER)),
    ] {
        let actions = if bucket_may {
            vec!["s3:ReplicateObject", override_action]
        } else {
            vec!["s3:ReplicateObject"]
        };
        let mut setup = theirs(&actions);
        if role_may {
            let policy = faultline_proto::iam::PutRolePolicyRequest {
                role_name: text("replicator"),
                policy_name: text("more"),
                policy_document: Some(allow(&[override_action], &["*"])),
            };
            setup.world.call(THERE, &setup.root, &policy).unwrap();
            setup.world.settle();
        }
        owned_by_writers(&mut setup);
        let mut rule = to(rule("", None), "their-copy", 1);
        let target = rule.destination.as_mut().unwrap();
        target.account = text(PARTNER);
        target.access_control_translation = overrides.then(|| s3::AccessControlTranslation {
            owner: text("Destination"),
        });
        setup.replicate(vec![rule]);
        setup.put("a");
        setup.world.advance(600);
        match owner {
            Some(owner) => assert_eq!(setup.owner("a"), owner),
            None => {
                let (reason, why) = setup.reason("a");
                assert_eq!(reason, "DstPutObjectNotPermitted", "S3-089");
                assert!(why.contains(override_action), "{why}");
            }
        }
    }
}
