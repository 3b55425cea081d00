//! Who says no, what S3 calls it, and what goes on without.

use faultline_proto::driving::{Fault, Note, Refuse, fault};

use super::*;

fn without(action: &str) -> Vec<&'static str> {
    ROLE_ACTIONS
        .into_iter()
        .filter(|known| *known != action)
        .collect()
}

/// S3-028: each permission at the source has its own reason, and the look names who said no.
#[test]
fn s3_028_s3_041_what_the_role_may_not_read_has_its_reason() {
    for (action, reason) in [
        ("s3:ListBucket", "SrcHeadObjectNotPermitted"),
        (
            "s3:GetReplicationConfiguration",
            "SrcBucketReplicationConfigMissing",
        ),
        (
            "s3:GetObjectVersionForReplication",
            "SrcGetObjectNotPermitted",
        ),
        ("s3:GetObjectVersionAcl", "SrcGetAclNotPermitted"),
    ] {
        let mut setup = with_role(&without(action));
        setup.replicate(vec![rule("", None)]);
        setup.put("a");
        setup.world.advance(600);
        let (found, why) = setup.reason("a");
        assert_eq!(found, reason);
        assert!(
            why.contains(action) && why.contains("identity_policy"),
            "{why}"
        );
        assert!(setup.versions(THERE, "photos-copy").is_empty());
    }
}

/// S3-041, S3-027: a role that is gone, or that does not trust S3.
#[test]
fn s3_027_s3_041_a_role_that_cannot_be_assumed() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    let name = text("replicator");
    let remove = faultline_proto::iam::DeleteRolePolicyRequest {
        role_name: name.clone(),
        policy_name: text("inline"),
    };
    setup.world.call(THERE, &setup.root, &remove).unwrap();
    let delete = faultline_proto::iam::DeleteRoleRequest { role_name: name };
    setup.world.call(THERE, &setup.root, &delete).unwrap();
    setup.put("a");
    setup.world.advance(600);
    assert_eq!(setup.reason("a").0, "AssumeRoleNotPermitted");
    setup.role = setup.world.role(
        ACCOUNT,
        "other",
        &trust("ec2.amazonaws.com"),
        &allow(&ROLE_ACTIONS, &["*"]),
    );
    setup.replicate(vec![rule("", None)]);
    setup.put("b");
    setup.world.advance(600);
    assert_eq!(setup.reason("b").0, "AssumeRoleNotPermitted");
}

/// S3-032: GetObjectVersion will do, but not for objects under KMS.
#[test]
fn s3_032_get_object_version_will_do_without_kms() {
    let actions: Vec<&str> = without("s3:GetObjectVersionForReplication")
        .into_iter()
        .chain(["s3:GetObjectVersion"])
        .collect();
    let mut setup = with_role(&actions);
    let (here, there) = (key(&mut setup.world, HERE), key(&mut setup.world, THERE));
    setup.replicate(vec![rule("", Some(&there))]);
    setup.put("plain");
    let request = s3::PutObjectRequest {
        server_side_encryption: text("aws:kms"),
        ssekms_key_id: Some(here),
        ..put("photos", "sealed")
    };
    setup.put_as(&request);
    setup.world.advance(600);
    assert_eq!(setup.status("plain").as_deref(), Some("COMPLETED"));
    assert_eq!(setup.reason("sealed").0, "SrcGetObjectNotPermitted");
}

/// S3-030, S3-031: what concerns tags alone leaves out tags alone.
#[test]
fn s3_030_s3_031_a_missing_permission_for_tags_leaves_out_the_tags() {
    let tags = |setup: &mut Setup| {
        let look = serde_json::json!({ "bucket": "photos-copy", "key": "a" });
        setup.world.look(THERE, "stored_object", &look)["tags"].clone()
    };
    let tagged = || s3::PutObjectRequest {
        tagging: text("team=sea"),
        ..put("photos", "a")
    };
    for (may_read, is_denied, found) in [
        (false, false, serde_json::json!({})),
        (true, false, serde_json::json!({ "team": "sea" })),
        (true, true, serde_json::json!({})),
    ] {
        let mut actions = ROLE_ACTIONS.to_vec();
        if may_read {
            actions.push("s3:GetObjectVersionTagging");
        }
        let mut setup = with_role(&actions);
        if is_denied {
            let role = setup.role.clone();
            setup.policy(
                THERE,
                "photos-copy",
                serde_json::json!([{
                    "Effect": "Deny", "Principal": { "AWS": role }, "Action": "s3:ReplicateTags",
                    "Resource": "arn:aws:s3:::photos-copy/*",
                }]),
            );
        }
        setup.replicate(vec![rule("", None)]);
        setup.put_as(&tagged());
        setup.world.advance(600);
        assert_eq!(setup.status("a").as_deref(), Some("COMPLETED"));
        assert_eq!(tags(&mut setup), found);
    }
}

/// S3-040: a deny in either bucket's policy.
#[test]
fn s3_040_a_deny_of_either_bucket_fails_it_and_is_named() {
    for (region, name, action, reason) in [
        (
            HERE,
            "photos",
            "s3:GetObjectVersionForReplication",
            "SrcGetObjectNotPermitted",
        ),
        (
            THERE,
            "photos-copy",
            "s3:ReplicateObject",
            "DstPutObjectNotPermitted",
        ),
    ] {
        let mut setup = setup();
        let role = setup.role.clone();
        setup.policy(
            region,
            name,
            serde_json::json!([{
                "Sid": "NoCopies", "Effect": "Deny", "Principal": { "AWS": role }, "Action": action,
                "Resource": format!("arn:aws:s3:::{name}/*"),
            }]),
        );
        setup.replicate(vec![rule("", None)]);
        setup.put("a");
        setup.world.advance(600);
        let (found, why) = setup.reason("a");
        assert_eq!(found, reason);
        assert!(why.contains("NoCopies"), "{why}");
    }
}

/// A key's policy for `role`: root does all, the role these actions.
fn key_for(setup: &mut Setup, region: &str, actions: &[&str]) -> String {
    let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") }, "Action": ["kms:*"],
          "Resource": "*", "Condition": { "ArnNotLike": { "aws:PrincipalArn": &setup.role } } },
        { "Effect": "Allow", "Principal": { "AWS": &setup.role }, "Action": actions, "Resource": "*" },
    ]});
    let make = kms::CreateKeyRequest {
        policy: Some(policy.to_string()),
        ..Default::default()
    };
    let made = setup.world.call(region, &setup.root, &make).unwrap();
    made.key_metadata.unwrap().arn.unwrap()
}

/// S3-033, S3-034, S3-036, S3-037: what the keys must allow; a bucket key needs Decrypt there too.
#[test]
fn s3_033_s3_034_s3_036_s3_037_each_key_has_its_say() {
    for (at_source, at_destination, bucket_key, reason) in [
        (&["kms:Decrypt"][..], &["kms:Encrypt"][..], false, None),
        (
            &["kms:Encrypt"],
            &["kms:Encrypt"],
            false,
            Some("SrcGetObjectNotPermitted"),
        ),
        (
            &["kms:Decrypt"],
            &["kms:GenerateDataKey"],
            false,
            Some("DstPutObjectNotPermitted"),
        ),
        (
            &["kms:Decrypt"],
            &["kms:Encrypt"],
            true,
            Some("DstPutObjectNotPermitted"),
        ),
        (
            &["kms:Decrypt"],
            &["kms:Encrypt", "kms:Decrypt"],
            true,
            None,
        ),
    ] {
        let mut setup = setup();
        let here = key_for(&mut setup, HERE, at_source);
        let there = key_for(&mut setup, THERE, at_destination);
        setup.replicate(vec![rule("", Some(&there))]);
        let request = s3::PutObjectRequest {
            server_side_encryption: text("aws:kms"),
            ssekms_key_id: Some(here),
            bucket_key_enabled: Some(bucket_key),
            ..put("photos", "a")
        };
        setup.put_as(&request);
        setup.world.advance(600);
        let (found, why) = setup.reason("a");
        assert_eq!(found, reason.unwrap_or_default(), "{why}");
    }
}

/// S3-070, S3-072: keys that are disabled or wait for their deletion, at either end.
#[test]
fn s3_070_s3_072_a_key_that_cannot_be_used_has_its_reason() {
    for (at_source, is_pending, reason) in [
        (true, false, "SrcKmsKeyInvalidState"),
        (true, true, "SrcKmsKeyInvalidState"),
        (false, false, "DstKmsKeyInvalidState"),
        (false, true, "DstKmsKeyInvalidState"),
    ] {
        let mut setup = setup();
        let (here, there) = (key(&mut setup.world, HERE), key(&mut setup.world, THERE));
        setup.replicate(vec![rule("", Some(&there))]);
        let request = s3::PutObjectRequest {
            server_side_encryption: text("aws:kms"),
            ssekms_key_id: Some(here.clone()),
            ..put("photos", "a")
        };
        setup.put_as(&request);
        let (region, id) = if at_source {
            (HERE, here)
        } else {
            (THERE, there)
        };
        let root = setup.root.clone();
        if is_pending {
            let request = kms::ScheduleKeyDeletionRequest {
                key_id: Some(id),
                ..Default::default()
            };
            setup.world.call(region, &root, &request).unwrap();
        } else {
            let request = kms::DisableKeyRequest { key_id: Some(id) };
            setup.world.call(region, &root, &request).unwrap();
        }
        setup.world.advance(600);
        assert_eq!(setup.reason("a").0, reason);
    }
}

/// S3-069: the source is deleted before its turn comes.
#[test]
fn s3_069_a_source_that_is_deleted_first() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    let gone = setup.put("a");
    setup.delete(HERE, "photos", "a", Some(&gone));
    let first = setup.put("b");
    setup.put("b");
    setup.delete(HERE, "photos", "b", Some(&first));
    setup.world.advance(600);
    let reasons: Vec<String> = setup
        .world
        .notes
        .iter()
        .filter(|(_, note)| note.kind == "replicated" && note.fields["outcome"] == "FAILED")
        .map(|(_, note)| note.fields["reason"].clone())
        .collect();
    assert_eq!(reasons, ["SrcKeyNotFound", "SrcVersionNotFound"]);
    assert_eq!(setup.versions(THERE, "photos-copy").len(), 1);
}

/// S3-069: the source of many chunks is deleted while they are sent.
#[test]
fn s3_069_a_large_source_that_is_deleted_on_the_way() {
    let mut setup = setup();
    setup.replicate(vec![rule("", None)]);
    let sent = body(2_000_000);
    let made = setup
        .world
        .upload(HERE, &setup.root, &put("photos", "a"), &sent)
        .unwrap();
    setup.world.network.hold(THERE, HERE);
    setup.world.advance(600);
    setup.delete(HERE, "photos", "a", made.version_id.as_deref());
    setup.world.heal(THERE, HERE);
    setup.world.advance(600);
    assert!(setup.versions(THERE, "photos-copy").is_empty());
    let failed = |(_, note): &&(String, Note)| note.kind == "replicated";
    let note = setup.world.notes.iter().find(failed).unwrap();
    assert_eq!(note.1.fields["reason"], "SrcVersionNotFound");
    // What was on its way there is given up after a day.
    setup.world.advance(2 * 86_400);
    let look = setup.world.look(
        THERE,
        "bucket_replication",
        &serde_json::json!({ "bucket": "photos-copy" }),
    );
    assert_eq!(
        (&look["replicas_under_way"], &look["uncommitted_contents"]),
        (&0.into(), &0.into())
    );
}

fn kms_is_out() -> Fault {
    Fault {
        name: "service_errors".to_owned(),
        service: "kms".to_owned(),
        effect: Some(fault::Effect::Refuse(Refuse {
            code: "ThrottlingException".to_owned(),
            message: "Rate exceeded".to_owned(),
            http_status: 400,
            chance: 1,
            per: 1,
            passes_per_second: 0,
        })),
        ..Default::default()
    }
}

/// S3-075, S3-065: throttling and an outage of KMS are waited out.
#[test]
fn s3_065_s3_075_an_outage_of_kms_is_waited_out() {
    let mut setup = setup();
    let (here, there) = (key(&mut setup.world, HERE), key(&mut setup.world, THERE));
    setup.replicate(vec![rule("", Some(&there))]);
    let request = s3::PutObjectRequest {
        server_side_encryption: text("aws:kms"),
        ssekms_key_id: Some(here),
        ..put("photos", "a")
    };
    setup.put_as(&request);
    setup.world.set_faults(THERE, vec![kms_is_out()]);
    setup.world.advance(600);
    assert_eq!(setup.status("a").as_deref(), Some("PENDING"));
    let why = setup.seen("a")[0]["why"].as_str().unwrap().to_owned();
    assert!(why.starts_with("tried again in"), "{why}");
    setup.world.set_faults(THERE, Vec::new());
    setup.world.advance(60);
    assert_eq!(setup.status("a").as_deref(), Some("COMPLETED"));
}
