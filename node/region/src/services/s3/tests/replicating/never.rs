//! What never replicates, what waits, and what the objects of a locked bucket need.

use super::*;

fn lifecycle(setup: &mut Setup, region: &str, name: &str) {
    let request = s3::PutBucketLifecycleConfigurationRequest {
        bucket: text(name),
        lifecycle_configuration: Some(s3::BucketLifecycleConfiguration {
            rules: vec![s3::LifecycleRule {
                id: text("old"),
                status: enabled(),
                filter: Some(s3::LifecycleRuleFilter {
                    prefix: text(""),
                    ..Default::default()
                }),
                expiration: Some(s3::LifecycleExpiration {
                    days: Some(1),
                    ..Default::default()
                }),
                ..Default::default()
            }],
        }),
        ..Default::default()
    };
    setup.world.call(region, &setup.root, &request).unwrap();
}

/// S3-054, S3-068: what a lifecycle rule deletes is not deleted there, and what still replicates, or
/// FAILED, is not deleted here.
#[test]
fn s3_054_s3_068_lifecycle_acts_here_alone_and_waits() {
    let mut setup = setup();
    let mut markers = rule("", None);
    markers.delete_marker_replication = Some(s3::DeleteMarkerReplication { status: enabled() });
    setup.replicate(vec![markers]);
    lifecycle(&mut setup, HERE, "photos");
    setup.put("sent");
    setup.world.advance(600);
    setup.versioning(THERE, "photos-copy", "Suspended").unwrap();
    setup.put("failed");
    setup.world.advance(600);
    setup.versioning(THERE, "photos-copy", "Enabled").unwrap();
    setup.world.advance(3 * 86_400);
    let count = |setup: &mut Setup, region: &str, name: &str, key: &str| {
        let found = setup.versions(region, name);
        found
            .iter()
            .filter(|version| version.starts_with(&format!("{key}@")))
            .count()
    };
    // A delete marker of the lifecycle rule, and none for what FAILED.
    assert_eq!(count(&mut setup, HERE, "photos", "sent"), 2);
    assert_eq!(count(&mut setup, HERE, "photos", "failed"), 1);
    assert_eq!(count(&mut setup, THERE, "photos-copy", "sent"), 1);
}

/// S3-053: settings of a bucket stay at home.
#[test]
fn s3_053_settings_of_a_bucket_do_not_replicate() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    lifecycle(&mut setup, HERE, "photos");
    setup.policy(
        HERE,
        "photos",
        serde_json::json!([{ "Effect": "Allow", "Principal": { "AWS": ACCOUNT },
            "Action": "s3:GetObject", "Resource": "arn:aws:s3:::photos/*" }]),
    );
    setup.world.advance(3600);
    let policy = s3::GetBucketPolicyRequest {
        bucket: text("photos-copy"),
        ..Default::default()
    };
    let none = setup.world.call(THERE, &setup.root, &policy).unwrap_err();
    assert_eq!(none.code, "NoSuchBucketPolicy");
    let rules = s3::GetBucketLifecycleConfigurationRequest {
        bucket: text("photos-copy"),
        ..Default::default()
    };
    let none = setup.world.call(THERE, &setup.root, &rules).unwrap_err();
    assert_eq!(none.code, "NoSuchLifecycleConfiguration");
}

/// S3-061: a change of the key in place sends nothing.
#[test]
fn s3_061_update_object_encryption_sends_nothing() {
    let mut setup = setup();
    let here = key(&mut setup.world, HERE);
    setup.replicate(vec![rule("", None)]);
    setup.put("a");
    setup.world.advance(600);
    let request = s3::UpdateObjectEncryptionRequest {
        bucket: text("photos"),
        key: text("a"),
        object_encryption: Some(s3::ObjectEncryption {
            ssekms: Some(s3::SsekmsEncryption {
                kms_key_arn: Some(here),
                bucket_key_enabled: Some(false),
            }),
        }),
        ..Default::default()
    };
    setup.world.call(HERE, &setup.root, &request).unwrap();
    assert_eq!(setup.status("a").as_deref(), Some("COMPLETED"));
    setup.world.advance(3600);
    let found = head(&mut setup.world, THERE, &setup.root, "photos-copy", "a");
    assert_eq!(found.server_side_encryption.as_deref(), Some("AES256"));
}

/// A bucket with Object Lock.
fn locked(setup: &mut Setup, region: &str, name: &str) {
    let request = s3::CreateBucketRequest {
        bucket: text(name),
        object_lock_enabled_for_bucket: Some(true),
        ..Default::default()
    };
    setup.world.call(region, &setup.root, &request).unwrap();
    setup.world.settle();
}

/// S3-006, S3-042: a locked bucket replicates to locked buckets, and its role needs two more
/// permissions; holds travel.
#[test]
fn s3_006_s3_042_object_lock_wants_object_lock() {
    let more = ["s3:GetObjectRetention", "s3:GetObjectLegalHold"];
    for (given, is_locked, reason) in [
        (&more[..], true, ""),
        (&more[1..], true, "SrcGetRetentionNotPermitted"),
        (&more[..1], true, "SrcGetLegalHoldNotPermitted"),
        (&more[..], false, "DstBucketObjectLockConfigMissing"),
    ] {
        let actions: Vec<&str> = ROLE_ACTIONS
            .into_iter()
            .chain(given.iter().copied())
            .collect();
        let mut setup = with_role(&actions);
        locked(&mut setup, HERE, "vault");
        let copy = if is_locked {
            "vault-copy"
        } else {
            "photos-copy"
        };
        if is_locked {
            locked(&mut setup, THERE, "vault-copy");
        }
        let from = (HERE, "vault");
        setup
            .try_replicate(from, vec![to(rule("", None), copy, 1)])
            .unwrap();
        let request = s3::PutObjectRequest {
            object_lock_legal_hold_status: text("ON"),
            ..put("vault", "a")
        };
        setup.put_as(&request);
        setup.world.advance(600);
        let look = serde_json::json!({ "bucket": "vault" });
        let look = setup.world.look(HERE, "bucket_replication", &look);
        let found = look["objects"][0]["failure_reason"].as_str();
        assert_eq!(found.unwrap_or_default(), reason);
        if reason.is_empty() {
            let found = head(&mut setup.world, THERE, &setup.root, "vault-copy", "a");
            assert_eq!(found.object_lock_legal_hold_status.as_deref(), Some("ON"));
        }
    }
}

/// S3-039: a key that lets calls in by address shuts S3 out, which calls by itself.
#[test]
fn s3_039_a_key_with_a_fence_of_addresses_shuts_s3_out() {
    let mut setup = setup();
    let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") }, "Action": "kms:*", "Resource": "*" },
        { "Effect": "Deny", "Principal": { "AWS": &setup.role }, "Action": "kms:Encrypt", "Resource": "*",
          "Condition": { "NotIpAddress": { "aws:SourceIp": "10.0.0.0/8" } } },
    ]});
    let make = kms::CreateKeyRequest {
        policy: Some(policy.to_string()),
        ..Default::default()
    };
    let made = setup.world.call(THERE, &setup.root, &make).unwrap();
    let there = made.key_metadata.unwrap().arn.unwrap();
    let here = key(&mut setup.world, HERE);
    setup.replicate(vec![rule("", Some(&there))]);
    let request = s3::PutObjectRequest {
        server_side_encryption: text("aws:kms"),
        ssekms_key_id: Some(here),
        ..put("photos", "a")
    };
    setup.put_as(&request);
    setup.world.advance(600);
    assert_eq!(setup.reason("a").0, "DstPutObjectNotPermitted");
}

/// S3-046, S3-096: DSSE stays DSSE, and the tag of a KMS replica is one of its own; that of SSE-S3
/// is its source's.
#[test]
fn s3_046_s3_096_two_layers_stay_two_and_tags_are_their_own() {
    let mut setup = setup();
    let (here, there) = (key(&mut setup.world, HERE), key(&mut setup.world, THERE));
    setup.replicate(vec![rule("", Some(&there))]);
    for (name, algorithm) in [
        ("two", "aws:kms:dsse"),
        ("one", "aws:kms"),
        ("none", "AES256"),
    ] {
        let request = s3::PutObjectRequest {
            server_side_encryption: text(algorithm),
            ssekms_key_id: (algorithm != "AES256").then(|| here.clone()),
            ..put("photos", name)
        };
        setup.put_as(&request);
        setup.world.advance(600);
        let source = head(&mut setup.world, HERE, &setup.root, "photos", name);
        let copy = head(&mut setup.world, THERE, &setup.root, "photos-copy", name);
        assert_eq!(copy.server_side_encryption.as_deref(), Some(algorithm));
        assert_eq!(copy.e_tag == source.e_tag, algorithm == "AES256");
        let (_, body) = setup
            .world
            .download(THERE, &setup.root, &get("photos-copy", name))
            .unwrap();
        assert_eq!(body, name.as_bytes());
    }
}

/// S3-080, LAT-003, LAT-004: most come in seconds, all within a quarter of an hour, and no two alike.
#[test]
fn s3_080_the_lag_has_a_median_of_seconds_and_a_tail() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    for at in 0..60 {
        setup.put(&format!("a{at}"));
    }
    setup.world.advance(900);
    let mut lags: Vec<u64> = setup
        .world
        .notes
        .iter()
        .filter(|(_, note)| note.kind == "replicated")
        .map(|(_, note)| note.fields["lag_us"].parse().unwrap())
        .collect();
    lags.sort_unstable();
    assert_eq!(lags.len(), 60);
    assert!((500_000..8_000_000).contains(&lags[30]), "{}", lags[30]);
    assert!(lags[59] > 2 * lags[30], "{lags:?}");
}
