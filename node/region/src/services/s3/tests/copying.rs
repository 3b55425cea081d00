//! CopyObject, deletes of many, tags, locks, and what time brings.

use faultline_proto::s3;

use super::*;

fn world() -> (World, Credential) {
    let mut world = World::new(&[HERE]);
    let root = world.root(ACCOUNT);
    bucket(&mut world, &root, HERE, "album");
    (world, root)
}

fn copy(from: &str, to: &str) -> s3::CopyObjectRequest {
    s3::CopyObjectRequest {
        bucket: text("album"),
        key: text(to),
        copy_source: text(from),
        ..Default::default()
    }
}

#[test]
fn sse_024_sse_029_a_copy_is_sealed_anew_as_its_target_wants() {
    let (mut world, root) = world();
    let arn = key(&mut world, HERE);
    let request = s3::PutObjectRequest {
        server_side_encryption: text("aws:kms"),
        ssekms_key_id: Some(arn),
        content_type: text("text/plain"),
        tagging: text("a=1"),
        ..put("album", "one")
    };
    let sent = body(300_000);
    world.upload(HERE, &root, &request, &sent).unwrap();
    let answer = world.call(HERE, &root, &copy("album/one", "two")).unwrap();
    // The bucket's default, not the source's key.
    assert_eq!(answer.server_side_encryption.as_deref(), Some("AES256"));
    let tag = format!("\"{}\"", hex::encode(Md5::digest(&sent)));
    assert_eq!(answer.copy_object_result.unwrap().e_tag, Some(tag));
    let (got, bytes) = world.download(HERE, &root, &get("album", "two")).unwrap();
    assert!(bytes == sent);
    assert_eq!(got.content_type.as_deref(), Some("text/plain"));
    assert_eq!(got.tag_count, Some(1));
    let replaced = s3::CopyObjectRequest {
        metadata_directive: text("REPLACE"),
        tagging_directive: text("REPLACE"),
        content_type: text("image/x"),
        ..copy("album/one", "three")
    };
    world.call(HERE, &root, &replaced).unwrap();
    let (got, _) = world.download(HERE, &root, &get("album", "three")).unwrap();
    assert_eq!(
        (got.content_type.as_deref(), got.tag_count),
        (Some("image/x"), None)
    );
}

#[test]
fn a_copy_to_itself_must_change_something() {
    let (mut world, root) = world();
    world
        .upload(HERE, &root, &put("album", "one"), b"x")
        .unwrap();
    let same = world
        .call(HERE, &root, &copy("album/one", "one"))
        .unwrap_err();
    assert_eq!(same.code, "InvalidRequest");
    assert!(same.message.starts_with("This copy request is illegal"));
    let class = s3::CopyObjectRequest {
        storage_class: text("STANDARD_IA"),
        ..copy("album/one", "one")
    };
    world.call(HERE, &root, &class).unwrap();
    let head = head(&mut world, HERE, &root, "album", "one");
    assert_eq!(head.storage_class.as_deref(), Some("STANDARD_IA"));
}

#[test]
fn a_large_copy_goes_on_in_steps() {
    let (mut world, root) = world();
    let sent = body(9 * 1024 * 1024);
    world
        .upload(HERE, &root, &put("album", "one"), &sent)
        .unwrap();
    world.call(HERE, &root, &copy("album/one", "two")).unwrap();
    let (_, bytes) = world.download(HERE, &root, &get("album", "two")).unwrap();
    assert!(bytes == sent);
}

#[test]
fn sse_048_a_source_under_sse_c_needs_its_key() {
    let (mut world, root) = world();
    allow_sse_c(&mut world, &root, HERE, "album");
    let with_key = with_customer_key(put("album", "one"));
    world.upload(HERE, &root, &with_key, b"secret").unwrap();
    let bare = world
        .call(HERE, &root, &copy("album/one", "two"))
        .unwrap_err();
    assert_eq!(
        (bare.code.as_str(), bare.message.as_str()),
        (
            "InvalidRequest",
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."
        )
    );
    let keyed = s3::CopyObjectRequest {
        copy_source_sse_customer_algorithm: with_key.sse_customer_algorithm,
        copy_source_sse_customer_key: with_key.sse_customer_key,
        copy_source_sse_customer_key_md5: with_key.sse_customer_key_md5,
        ..copy("album/one", "two")
    };
    world.call(HERE, &root, &keyed).unwrap();
    let (got, bytes) = world.download(HERE, &root, &get("album", "two")).unwrap();
    assert_eq!(bytes, b"secret");
    assert_eq!(got.server_side_encryption.as_deref(), Some("AES256"));
}

#[test]
fn conditions_of_a_copy_are_412_and_of_a_write_too() {
    let (mut world, root) = world();
    world
        .upload(HERE, &root, &put("album", "one"), b"x")
        .unwrap();
    let none = s3::CopyObjectRequest {
        copy_source_if_none_match: text("*"),
        ..copy("album/one", "two")
    };
    let refused = world.call(HERE, &root, &none).unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.http_status),
        ("PreconditionFailed", 412)
    );
    let once = s3::PutObjectRequest {
        if_none_match: text("*"),
        ..put("album", "one")
    };
    let refused = world.upload(HERE, &root, &once, b"y").unwrap_err();
    assert_eq!(refused.http_status, 412);
    let gone = s3::PutObjectRequest {
        if_match: text("\"x\""),
        ..put("album", "none")
    };
    assert_eq!(
        world.upload(HERE, &root, &gone, b"y").unwrap_err().code,
        "NoSuchKey"
    );
}

#[test]
fn many_are_deleted_and_each_may_fail_by_itself() {
    let (mut world, root) = world();
    for key in ["a", "b"] {
        world.upload(HERE, &root, &put("album", key), b"x").unwrap();
    }
    let policy = crate::testing::people::allow(&["s3:DeleteObject"], &["arn:aws:s3:::album/a"]);
    let some = world.user(ACCOUNT, "some", &policy);
    let one = |key: &str| s3::ObjectIdentifier {
        key: text(key),
        ..Default::default()
    };
    let request = s3::DeleteObjectsRequest {
        bucket: text("album"),
        delete: Some(s3::Delete {
            objects: vec![one("a"), one("b")],
            quiet: None,
        }),
        ..Default::default()
    };
    let answer = world.call(HERE, &some, &request).unwrap();
    assert_eq!(answer.deleted.len(), 1);
    assert_eq!(answer.deleted[0].delete_marker, Some(true));
    assert_eq!(answer.errors[0].key.as_deref(), Some("b"));
    assert_eq!(answer.errors[0].code.as_deref(), Some("AccessDenied"));
}

#[test]
fn a_lock_keeps_a_version_and_bypass_needs_its_permission() {
    let (mut world, root) = world();
    let create = s3::CreateBucketRequest {
        bucket: text("kept"),
        object_lock_enabled_for_bucket: Some(true),
        ..Default::default()
    };
    world.call(HERE, &root, &create).unwrap();
    let until = (world.wall(HERE) + 10 * 86_400_000_000) / 1000;
    let request = s3::PutObjectRequest {
        object_lock_mode: text("GOVERNANCE"),
        object_lock_retain_until_date: Some(until),
        ..put("kept", "k")
    };
    let id = world
        .upload(HERE, &root, &request, b"x")
        .unwrap()
        .version_id;
    let delete = s3::DeleteObjectRequest {
        bucket: text("kept"),
        key: text("k"),
        version_id: id.clone(),
        ..Default::default()
    };
    let refused = world.call(HERE, &root, &delete).unwrap_err();
    assert_eq!(
        refused.message,
        "Access Denied because object protected by object lock."
    );
    let weak = crate::testing::people::allow(&["s3:DeleteObjectVersion"], &["*"]);
    let weak = world.user(ACCOUNT, "weak", &weak);
    let bypass = s3::DeleteObjectRequest {
        bypass_governance_retention: Some(true),
        ..delete
    };
    let refused = world.call(HERE, &weak, &bypass).unwrap_err();
    assert_eq!(
        refused.denial.unwrap().action,
        "s3:BypassGovernanceRetention"
    );
    world.call(HERE, &root, &bypass).unwrap();
}

fn rule(expiration: s3::LifecycleExpiration) -> s3::LifecycleRule {
    s3::LifecycleRule {
        id: text("old"),
        status: text("Enabled"),
        filter: Some(s3::LifecycleRuleFilter {
            prefix: text("log/"),
            ..Default::default()
        }),
        expiration: Some(expiration),
        noncurrent_version_expiration: Some(s3::NoncurrentVersionExpiration {
            noncurrent_days: Some(2),
            newer_noncurrent_versions: None,
        }),
        abort_incomplete_multipart_upload: Some(s3::AbortIncompleteMultipartUpload {
            days_after_initiation: Some(1),
        }),
        ..Default::default()
    }
}

#[test]
fn days_turn_objects_into_markers_and_remove_old_versions_and_uploads() {
    let (mut world, root) = world();
    let days = s3::LifecycleExpiration {
        days: Some(3),
        ..Default::default()
    };
    let configure = s3::PutBucketLifecycleConfigurationRequest {
        bucket: text("album"),
        lifecycle_configuration: Some(s3::BucketLifecycleConfiguration {
            rules: vec![rule(days)],
        }),
        ..Default::default()
    };
    world.call(HERE, &root, &configure).unwrap();
    let answer = world
        .upload(HERE, &root, &put("album", "log/1"), b"x")
        .unwrap();
    assert!(answer.expiration.unwrap().ends_with("rule-id=\"old\""));
    world
        .upload(HERE, &root, &put("album", "kept"), b"x")
        .unwrap();
    let upload = s3::CreateMultipartUploadRequest {
        bucket: text("album"),
        key: text("log/2"),
        ..Default::default()
    };
    let id = world.call(HERE, &root, &upload).unwrap().upload_id;
    world.advance(5 * 86_400);
    let gone = world
        .download(HERE, &root, &get("album", "log/1"))
        .unwrap_err();
    assert_eq!(gone.code, "NoSuchKey");
    assert!(world.download(HERE, &root, &get("album", "kept")).is_ok());
    let parts = s3::ListPartsRequest {
        bucket: text("album"),
        key: text("log/2"),
        upload_id: id,
        ..Default::default()
    };
    assert_eq!(
        world.call(HERE, &root, &parts).unwrap_err().code,
        "NoSuchUpload"
    );
    let list = s3::ListObjectVersionsRequest {
        bucket: text("album"),
        prefix: text("log/"),
        ..Default::default()
    };
    let now = world.call(HERE, &root, &list).unwrap();
    assert_eq!((now.versions.len(), now.delete_markers.len()), (1, 1));
    world.advance(4 * 86_400);
    let later = world.call(HERE, &root, &list).unwrap();
    // The version went two days after it became an old one; the marker then hid nothing.
    assert_eq!((later.versions.len(), later.delete_markers.len()), (0, 0));
}
