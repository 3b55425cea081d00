//! Bucket keys, DSSE-KMS, changes of encryption, and the policies that enforce it.

use faultline_proto::{kms, s3};

use super::encrypting::{OTHER, default_of, kms_events, under, world};
use super::*;
use crate::testing::people::allow;

#[test]
fn sse_031_sse_032_sse_034_a_bucket_key_is_made_once_and_kms_hears_nothing_meanwhile() {
    let (mut world, root) = world();
    let arn = key(&mut world, HERE);
    world
        .upload(HERE, &root, &under("aws:kms", Some(&arn), "before"), b"x")
        .unwrap();
    world
        .call(HERE, &root, &default_of("aws:kms", Some(&arn), true))
        .unwrap();
    assert_eq!(kms_events(&mut world, "GenerateDataKey"), 1);
    for key in ["a", "b", "c"] {
        let answer = world
            .upload(HERE, &root, &put("photos", key), b"x")
            .unwrap();
        assert_eq!(answer.bucket_key_enabled, Some(true));
    }
    assert_eq!(kms_events(&mut world, "GenerateDataKey"), 2);
    let own = s3::PutObjectRequest {
        bucket_key_enabled: Some(false),
        ..put("photos", "own")
    };
    assert_eq!(
        world
            .upload(HERE, &root, &own, b"x")
            .unwrap()
            .bucket_key_enabled,
        None
    );
    let before = head(&mut world, HERE, &root, "photos", "before");
    assert_eq!(before.bucket_key_enabled, None);
    for key in ["a", "b", "c"] {
        world.download(HERE, &root, &get("photos", key)).unwrap();
    }
    assert_eq!(kms_events(&mut world, "Decrypt"), 1);
    let disable = kms::DisableKeyRequest { key_id: Some(arn) };
    world.call(HERE, &root, &disable).unwrap();
    assert!(world.download(HERE, &root, &get("photos", "a")).is_ok());
    assert!(world.upload(HERE, &root, &put("photos", "d"), b"x").is_ok());
    let refused = world
        .download(HERE, &root, &get("photos", "own"))
        .unwrap_err();
    assert_eq!(refused.code, "KMS.DisabledException");
    // Another requester has a bucket key of its own to ask for.
    let reader = world.user(ACCOUNT, "reader", &allow(&["s3:*", "kms:*"], &["*"]));
    let refused = world
        .download(HERE, &reader, &get("photos", "a"))
        .unwrap_err();
    assert_eq!(refused.code, "KMS.DisabledException");
    world.advance(301);
    let refused = world
        .download(HERE, &root, &get("photos", "a"))
        .unwrap_err();
    assert_eq!(refused.code, "KMS.DisabledException");
}

#[test]
fn sse_050_sse_054_sse_055_versions_have_their_own_keys_and_blocking_leaves_what_is_stored() {
    let (mut world, root) = world();
    allow_sse_c(&mut world, &root, HERE, "photos");
    let one = with_customer_key(put("photos", "a"));
    let first = world.upload(HERE, &root, &one, b"one").unwrap().version_id;
    let second = [9; 32];
    let two = s3::PutObjectRequest {
        sse_customer_key: Some(BASE64.encode(second)),
        sse_customer_key_md5: Some(BASE64.encode(Md5::digest(second))),
        ..one.clone()
    };
    world.upload(HERE, &root, &two, b"two").unwrap();
    let block = s3::ServerSideEncryptionRule {
        blocked_encryption_types: Some(s3::BlockedEncryptionTypes {
            encryption_type: vec!["SSE-C".to_owned()],
        }),
        ..Default::default()
    };
    let block = s3::PutBucketEncryptionRequest {
        server_side_encryption_configuration: Some(s3::ServerSideEncryptionConfiguration {
            rules: vec![block],
        }),
        ..default_of("AES256", None, false)
    };
    world.call(HERE, &root, &block).unwrap();
    assert_eq!(
        world.upload(HERE, &root, &one, b"x").unwrap_err().code,
        "AccessDenied"
    );
    let with_first = |version_id: Option<String>| s3::GetObjectRequest {
        version_id,
        sse_customer_algorithm: text("AES256"),
        sse_customer_key: one.sse_customer_key.clone(),
        sse_customer_key_md5: one.sse_customer_key_md5.clone(),
        ..get("photos", "a")
    };
    assert_eq!(
        world.download(HERE, &root, &with_first(first)).unwrap().1,
        b"one"
    );
    let refused = world.download(HERE, &root, &with_first(None)).unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.http_status),
        ("AccessDenied", 403)
    );
}

#[test]
fn sse_057_sse_058_two_layers_and_never_a_bucket_key() {
    let (mut world, root) = world();
    let arn = key(&mut world, HERE);
    let request = s3::PutObjectRequest {
        bucket_key_enabled: Some(true),
        ..under("aws:kms:dsse", Some(&arn), "a")
    };
    let sent = body(150_000);
    let answer = world.upload(HERE, &root, &request, &sent).unwrap();
    assert_eq!(
        answer.server_side_encryption.as_deref(),
        Some("aws:kms:dsse")
    );
    assert_eq!(
        (answer.ssekms_key_id, answer.bucket_key_enabled),
        (Some(arn.clone()), None)
    );
    assert!(world.download(HERE, &root, &get("photos", "a")).unwrap().1 == sent);
    let disable = kms::DisableKeyRequest { key_id: Some(arn) };
    world.call(HERE, &root, &disable).unwrap();
    let refused = world
        .download(HERE, &root, &get("photos", "a"))
        .unwrap_err();
    assert_eq!(refused.code, "KMS.DisabledException");
}

#[test]
fn sse_059_sse_060_sse_061_encryption_changes_in_place() {
    let (mut world, root) = world();
    let (one, two) = (key(&mut world, HERE), key(&mut world, HERE));
    world
        .upload(HERE, &root, &put("photos", "a"), b"the sea")
        .unwrap();
    let before = head(&mut world, HERE, &root, "photos", "a");
    let to = |arn: &str, bucket_key: bool| s3::UpdateObjectEncryptionRequest {
        bucket: text("photos"),
        key: text("a"),
        object_encryption: Some(s3::ObjectEncryption {
            ssekms: Some(s3::SsekmsEncryption {
                kms_key_arn: text(arn),
                bucket_key_enabled: Some(bucket_key),
            }),
        }),
        ..Default::default()
    };
    for (arn, bucket_key) in [(&one, false), (&two, false), (&two, true), (&one, false)] {
        world.call(HERE, &root, &to(arn, bucket_key)).unwrap();
        let after = head(&mut world, HERE, &root, "photos", "a");
        assert_eq!(after.ssekms_key_id.as_ref(), Some(arn));
        assert_eq!(after.bucket_key_enabled, bucket_key.then_some(true));
        assert_eq!(
            (after.e_tag, after.version_id, after.last_modified),
            (
                before.e_tag.clone(),
                before.version_id.clone(),
                before.last_modified
            )
        );
        assert_eq!(
            world.download(HERE, &root, &get("photos", "a")).unwrap().1,
            b"the sea"
        );
    }
    let alias = world
        .call(
            HERE,
            &root,
            &to("arn:aws:kms:eu-west-1:111111111111:alias/photos", false),
        )
        .unwrap_err();
    assert_eq!(alias.code, "InvalidRequest");
    let foreign = one.replace(ACCOUNT, OTHER);
    assert_eq!(
        world
            .call(HERE, &root, &to(&foreign, false))
            .unwrap_err()
            .code,
        "AccessDenied"
    );
    let dsse = under("aws:kms:dsse", Some(&one), "a");
    world.upload(HERE, &root, &dsse, b"x").unwrap();
    assert_eq!(
        world.call(HERE, &root, &to(&one, false)).unwrap_err().code,
        "InvalidRequest"
    );
    let weak = world.user(ACCOUNT, "weak", &allow(&["s3:PutObject", "kms:*"], &["*"]));
    let refused = world.call(HERE, &weak, &to(&one, false)).unwrap_err();
    assert_eq!(refused.denial.unwrap().action, "s3:UpdateObjectEncryption");
}

#[test]
fn sse_062_to_sse_065_policies_see_headers_only() {
    let (mut world, root) = world();
    let arn = key(&mut world, HERE);
    let deny = |operator: &str, key: &str, value: &str| {
        format!(
            r#"{{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::photos/*","Condition":{{"{operator}":{{"{key}":"{value}"}}}}}}"#
        )
    };
    let policy = |statement: String| s3::PutBucketPolicyRequest {
        bucket: text("photos"),
        policy: Some(format!(
            r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#
        )),
        ..Default::default()
    };
    world
        .call(HERE, &root, &default_of("aws:kms", Some(&arn), false))
        .unwrap();
    let statement = deny(
        "StringNotEquals",
        "s3:x-amz-server-side-encryption",
        "aws:kms",
    );
    world.call(HERE, &root, &policy(statement)).unwrap();
    // The bucket would encrypt under KMS, but the header does not say so (SSE-063).
    let refused = world
        .upload(HERE, &root, &put("photos", "a"), b"x")
        .unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.http_status),
        ("AccessDenied", 403)
    );
    world
        .upload(HERE, &root, &under("aws:kms", None, "a"), b"x")
        .unwrap();
    let named = "s3:x-amz-server-side-encryption-aws-kms-key-id";
    // A typo is no key, and denies everything (SSE-064).
    let typo = deny("StringNotEquals", named, &format!("{arn}x"));
    world.call(HERE, &root, &policy(typo)).unwrap();
    assert!(
        world
            .upload(HERE, &root, &under("aws:kms", Some(&arn), "a"), b"x")
            .is_err()
    );
    world
        .call(HERE, &root, &policy(deny("StringNotEquals", named, &arn)))
        .unwrap();
    assert!(
        world
            .upload(HERE, &root, &under("aws:kms", Some(&arn), "a"), b"x")
            .is_ok()
    );
    allow_sse_c(&mut world, &root, HERE, "photos");
    let customer = "s3:x-amz-server-side-encryption-customer-algorithm";
    world
        .call(HERE, &root, &policy(deny("Null", customer, "false")))
        .unwrap();
    let refused = world.upload(HERE, &root, &with_customer_key(put("photos", "a")), b"x");
    assert_eq!(refused.unwrap_err().code, "AccessDenied");
    assert!(world.upload(HERE, &root, &put("photos", "a"), b"x").is_ok());
    let statement = deny("Bool", "aws:SecureTransport", "true");
    world.call(HERE, &root, &policy(statement)).unwrap();
    // The tests' calls are all over TLS; a deny on it closes, a deny on its lack does not (SSE-065).
    assert!(
        world
            .upload(HERE, &root, &put("photos", "a"), b"x")
            .is_err()
    );
    let statement = deny("Bool", "aws:SecureTransport", "false");
    world.call(HERE, &root, &policy(statement)).unwrap();
    assert!(world.upload(HERE, &root, &put("photos", "a"), b"x").is_ok());
}
