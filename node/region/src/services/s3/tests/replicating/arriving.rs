//! What arrives, and how.

use super::*;

#[test]
fn s3_042_s3_063_a_large_object_arrives_as_a_replica() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    let sent = body(700_000);
    let request = s3::PutObjectRequest {
        metadata: metadata(&[("camera", "old")]),
        ..put("photos", "a")
    };
    let source = setup
        .world
        .upload(HERE, &setup.root, &request, &sent)
        .unwrap();
    assert_eq!(setup.status("a").as_deref(), Some("PENDING"));
    setup.world.advance(600);
    assert_eq!(setup.status("a").as_deref(), Some("COMPLETED"));
    let (found, received) = setup
        .world
        .download(THERE, &setup.root, &get("photos-copy", "a"))
        .unwrap();
    assert_eq!(received, sent);
    assert_eq!(found.replication_status.as_deref(), Some("REPLICA"));
    assert_eq!(found.version_id, source.version_id, "S3-048");
    assert_eq!(found.metadata, metadata(&[("camera", "old")]));
}

/// Twelve objects wait for a link and for a Region that was down: what then leaves at one time is
/// never more than a reply may have, which the test world holds of every step.
#[test]
fn many_large_objects_leave_in_steps_that_fit_into_a_message() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    setup.world.cut(HERE, THERE);
    let sent = body(100_000);
    let names: Vec<String> = (0..12).map(|at| format!("photo-{at:02}")).collect();
    for name in &names {
        setup
            .world
            .upload(HERE, &setup.root, &put("photos", name), &sent)
            .unwrap();
    }
    setup.world.advance(60);
    setup.world.stop(HERE);
    setup.world.advance(60);
    setup.world.restart(HERE);
    setup.world.advance(60);
    setup.world.heal(HERE, THERE);
    setup.world.network.hold(THERE, HERE);
    setup.world.advance(60);
    setup.world.network.reverse();
    setup.world.heal(HERE, THERE);
    setup.world.advance(600);
    for name in &names {
        assert_eq!(setup.status(name).as_deref(), Some("COMPLETED"), "{name}");
    }
}

#[test]
fn s3_043_a_kms_object_without_opt_in_is_never_eligible() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    let arn = key(&mut setup.world, HERE);
    let request = s3::PutObjectRequest {
        server_side_encryption: text("aws:kms"),
        ssekms_key_id: Some(arn),
        ..put("photos", "a")
    };
    setup
        .world
        .upload(HERE, &setup.root, &request, b"x")
        .unwrap();
    setup.world.advance(3600);
    assert_eq!(setup.status("a"), None);
}

#[test]
fn s3_062_s3_066_a_kms_replica_is_sealed_anew_and_a_refused_key_is_failed_for_good() {
    let mut setup = setup();
    let (here, there) = (key(&mut setup.world, HERE), key(&mut setup.world, THERE));
    setup.replicate(vec![rule("", Some(&there))]);
    let request = |name: &str| s3::PutObjectRequest {
        server_side_encryption: text("aws:kms"),
        ssekms_key_id: Some(here.clone()),
        ..put("photos", name)
    };
    setup
        .world
        .upload(HERE, &setup.root, &request("a"), b"the sea")
        .unwrap();
    setup.world.advance(600);
    let (found, received) = setup
        .world
        .download(THERE, &setup.root, &get("photos-copy", "a"))
        .unwrap();
    assert_eq!(
        (received.as_slice(), found.ssekms_key_id.as_deref()),
        (b"the sea".as_slice(), Some(there.as_str()))
    );
    setup
        .world
        .call(
            THERE,
            &setup.root,
            &kms::DisableKeyRequest {
                key_id: Some(there.clone()),
            },
        )
        .unwrap();
    setup
        .world
        .upload(HERE, &setup.root, &request("b"), b"the sea")
        .unwrap();
    setup.world.advance(600);
    assert_eq!(setup.status("b").as_deref(), Some("FAILED"));
    let look = setup.world.look(
        HERE,
        "bucket_replication",
        &serde_json::json!({ "bucket": "photos" }),
    );
    assert!(
        look.to_string().contains("DstKmsKeyInvalidState"),
        "S3-070: {look}"
    );
    setup
        .world
        .call(
            THERE,
            &setup.root,
            &kms::EnableKeyRequest {
                key_id: Some(there),
            },
        )
        .unwrap();
    setup.world.advance(3600);
    assert_eq!(setup.status("b").as_deref(), Some("FAILED"));
}

#[test]
fn s3_044_an_sse_c_replica_opens_with_the_customers_key_only() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    let sent = body(150_000);
    let request = with_customer_key(put("photos", "a"));
    setup
        .world
        .upload(HERE, &setup.root, &request, &sent)
        .unwrap();
    setup.world.advance(600);
    assert_eq!(
        setup
            .world
            .download(THERE, &setup.root, &get("photos-copy", "a"))
            .unwrap_err()
            .code,
        "InvalidRequest"
    );
    let with_key = s3::GetObjectRequest {
        sse_customer_algorithm: request.sse_customer_algorithm.clone(),
        sse_customer_key: request.sse_customer_key.clone(),
        sse_customer_key_md5: request.sse_customer_key_md5.clone(),
        ..get("photos-copy", "a")
    };
    assert_eq!(
        setup
            .world
            .download(THERE, &setup.root, &with_key)
            .unwrap()
            .1,
        sent
    );
}

#[test]
fn s3_065_an_outage_leaves_pending_and_goes_on_by_itself() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    setup.world.cut(HERE, THERE);
    setup
        .world
        .upload(HERE, &setup.root, &put("photos", "a"), b"x")
        .unwrap();
    setup.world.advance(7200);
    assert_eq!(setup.status("a").as_deref(), Some("PENDING"));
    setup.world.heal(HERE, THERE);
    setup.world.advance(60);
    assert_eq!(setup.status("a").as_deref(), Some("COMPLETED"));
}

#[test]
fn s3_001_s3_002_a_destination_without_versions_or_existence_is_refused_in_the_same_words() {
    let mut setup = setup();
    let root = setup.root.clone();
    setup
        .world
        .call(
            THERE,
            &root,
            &s3::CreateBucketRequest {
                bucket: text("plain"),
                ..Default::default()
            },
        )
        .unwrap();
    setup.world.settle();
    for name in ["plain", "nowhere"] {
        let mut wrong = rule("", None);
        wrong.destination.as_mut().unwrap().bucket = Some(format!("arn:aws:s3:::{name}"));
        let request = s3::PutBucketReplicationRequest {
            bucket: text("photos"),
            replication_configuration: Some(s3::ReplicationConfiguration {
                role: Some(setup.role.clone()),
                rules: vec![wrong],
            }),
            ..Default::default()
        };
        let refused = setup.world.call(HERE, &root, &request).unwrap_err();
        assert_eq!(
            (refused.code.as_str(), refused.message.as_str()),
            (
                "InvalidRequest",
                "Destination bucket must have versioning enabled."
            )
        );
    }
}

#[test]
fn s3_029_a_role_without_replicate_object_is_refused_by_the_destination() {
    let mut setup = setup();
    setup.role = setup.world.role(
        ACCOUNT,
        "reader",
        &trust("s3.amazonaws.com"),
        &allow(&ROLE_ACTIONS[..4], &["*"]),
    );
    setup.replicate(vec![rule("", None)]);
    setup
        .world
        .upload(HERE, &setup.root, &put("photos", "a"), b"x")
        .unwrap();
    setup.world.advance(600);
    assert_eq!(setup.status("a").as_deref(), Some("FAILED"));
    let look = setup.world.look(
        HERE,
        "bucket_replication",
        &serde_json::json!({ "bucket": "photos" }),
    );
    assert!(
        look.to_string().contains("DstPutObjectNotPermitted"),
        "{look}"
    );
}

/// K-236: S3 says for which bucket of whom it asks, so that a role can tell its own from others'.
#[test]
fn k_236_a_role_may_ask_for_which_bucket_it_is_assumed() {
    for (source, account, status) in [
        ("arn:aws:s3:::photos", ACCOUNT, "COMPLETED"),
        ("arn:aws:s3:::videos", ACCOUNT, "FAILED"),
        ("arn:aws:s3:::photos", crate::testing::PARTNER, "FAILED"),
    ] {
        let mut setup = setup();
        let condition = serde_json::json!({
            "ArnLike": { "aws:SourceArn": source },
            "StringEquals": { "aws:SourceAccount": account },
        });
        let mut trusting: Value = serde_json::from_str(&trust("s3.amazonaws.com")).unwrap();
        trusting["Statement"][0]["Condition"] = condition;
        setup.role = setup.world.role(
            ACCOUNT,
            "careful",
            &trusting.to_string(),
            &allow(&ROLE_ACTIONS, &["*"]),
        );
        setup.replicate(vec![rule("", None)]);
        setup
            .world
            .upload(HERE, &setup.root, &put("photos", "a"), b"x")
            .unwrap();
        setup.world.advance(600);
        let got = setup.status("a");
        assert_eq!(got.as_deref(), Some(status), "{source} of {account}");
    }
}

#[test]
fn s3_049_a_replica_is_not_replicated_onward() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    let back = s3::ReplicationRule {
        destination: Some(s3::Destination {
            bucket: text("arn:aws:s3:::photos"),
            ..Default::default()
        }),
        ..rule("", None)
    };
    let request = s3::PutBucketReplicationRequest {
        bucket: text("photos-copy"),
        replication_configuration: Some(s3::ReplicationConfiguration {
            role: Some(setup.role.clone()),
            rules: vec![back],
        }),
        ..Default::default()
    };
    setup.world.call(THERE, &setup.root, &request).unwrap();
    setup
        .world
        .upload(HERE, &setup.root, &put("photos", "a"), b"x")
        .unwrap();
    setup.world.advance(3600);
    let request = s3::ListObjectVersionsRequest {
        bucket: text("photos"),
        ..Default::default()
    };
    assert_eq!(
        setup
            .world
            .call(HERE, &setup.root, &request)
            .unwrap()
            .versions
            .len(),
        1
    );
}
