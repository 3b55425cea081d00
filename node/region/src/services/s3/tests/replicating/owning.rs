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
