//! Objects, their encryption, versions and listings.

use faultline_proto::s3;

use super::*;

fn world() -> (World, Credential) {
    let mut world = World::new(&[THERE, HERE]);
    let root = world.root(ACCOUNT);
    bucket(&mut world, &root, HERE, "photos");
    (world, root)
}

#[test]
fn sse_001_sse_027_a_put_is_sse_s3_by_default_and_its_tag_is_the_md5() {
    let (mut world, root) = world();
    let sent = body(200_000);
    let answer = world
        .upload(HERE, &root, &put("photos", "a"), &sent)
        .unwrap();
    assert_eq!(answer.server_side_encryption.as_deref(), Some("AES256"));
    assert_eq!(
        answer.e_tag,
        Some(format!("\"{}\"", hex::encode(Md5::digest(&sent))))
    );
    let (found, received) = world.download(HERE, &root, &get("photos", "a")).unwrap();
    assert_eq!(received, sent);
    assert_eq!(found.content_length, Some(200_000));
}

#[test]
fn a_range_may_begin_and_end_in_the_middle_of_chunks() {
    let (mut world, root) = world();
    let sent = body(200_000);
    world
        .upload(HERE, &root, &put("photos", "a"), &sent)
        .unwrap();
    let request = s3::GetObjectRequest {
        range: text("bytes=65530-140000"),
        ..get("photos", "a")
    };
    let (found, received) = world.download(HERE, &root, &request).unwrap();
    assert_eq!(received, sent[65_530..=140_000]);
    assert_eq!(
        found.content_range.as_deref(),
        Some("bytes 65530-140000/200000")
    );
}

#[test]
fn sse_011_sse_017_kms_seals_an_object_and_a_disabled_key_closes_it() {
    let (mut world, root) = world();
    let arn = key(&mut world, HERE);
    let request = s3::PutObjectRequest {
        server_side_encryption: text("aws:kms"),
        ssekms_key_id: Some(arn.clone()),
        ..put("photos", "a")
    };
    let answer = world.upload(HERE, &root, &request, b"the sea").unwrap();
    assert_eq!(answer.ssekms_key_id.as_deref(), Some(arn.as_str()));
    assert_eq!(
        world.download(HERE, &root, &get("photos", "a")).unwrap().1,
        b"the sea"
    );
    world
        .call(
            HERE,
            &root,
            &kms::DisableKeyRequest {
                key_id: Some(arn.clone()),
            },
        )
        .unwrap();
    let refused = world
        .download(HERE, &root, &get("photos", "a"))
        .unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.http_status),
        ("KMS.DisabledException", 400)
    );
    assert_eq!(refused.message, format!("{arn} is disabled."));
    let refused = world.upload(HERE, &root, &request, b"the sea").unwrap_err();
    assert_eq!(refused.code, "KMS.DisabledException");
}

#[test]
fn sse_014_a_key_of_another_region_is_refused() {
    let (mut world, root) = world();
    let arn = key(&mut world, THERE);
    let request = s3::PutObjectRequest {
        server_side_encryption: text("aws:kms"),
        ssekms_key_id: Some(arn),
        ..put("photos", "a")
    };
    let refused = world.upload(HERE, &root, &request, b"x").unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        ("KMS.NotFoundException", "Invalid arn us-east-1")
    );
}

#[test]
fn sse_053_new_buckets_block_sse_c() {
    let (mut world, root) = world();
    let refused = world
        .upload(HERE, &root, &with_customer_key(put("photos", "a")), b"x")
        .unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.http_status),
        ("AccessDenied", 403)
    );
}

#[test]
fn sse_038_to_sse_043_a_put_under_sse_c_and_its_misuses() {
    let (mut world, root) = world();
    allow_sse_c(&mut world, &root, HERE, "photos");
    let good = with_customer_key(put("photos", "a"));
    let cases = [
        (
            s3::PutObjectRequest {
                sse_customer_algorithm: None,
                ..good.clone()
            },
            "InvalidArgument",
            "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.",
        ),
        (
            s3::PutObjectRequest {
                sse_customer_key: None,
                ..good.clone()
            },
            "InvalidArgument",
            "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.",
        ),
        (
            s3::PutObjectRequest {
                sse_customer_key: text("c2hvcnQ="),
                ..good.clone()
            },
            "InvalidArgument",
            "The secret key was invalid for the specified algorithm.",
        ),
        (
            s3::PutObjectRequest {
                sse_customer_key_md5: text("AAAA"),
                ..good.clone()
            },
            "InvalidArgument",
            "The calculated MD5 hash of the key did not match the hash that was provided.",
        ),
        (
            s3::PutObjectRequest {
                sse_customer_algorithm: text("AES128"),
                ..good.clone()
            },
            "InvalidEncryptionAlgorithmError",
            "The encryption request you specified is not valid. Supported value: AES256.",
        ),
        (
            s3::PutObjectRequest {
                server_side_encryption: text("AES256"),
                ..good.clone()
            },
            "InvalidArgument",
            "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
        ),
    ];
    for (request, code, message) in cases {
        let refused = world.upload(HERE, &root, &request, b"x").unwrap_err();
        assert_eq!(
            (refused.code.as_str(), refused.message.as_str()),
            (code, message)
        );
    }
}

#[test]
fn sse_044_to_sse_051_only_the_right_key_opens_an_sse_c_object() {
    let (mut world, root) = world();
    allow_sse_c(&mut world, &root, HERE, "photos");
    let good = with_customer_key(put("photos", "a"));
    let answer = world.upload(HERE, &root, &good, b"secret sea").unwrap();
    assert_eq!(
        (
            answer.server_side_encryption,
            answer.sse_customer_algorithm.as_deref()
        ),
        (None, Some("AES256"))
    );
    let refused = world
        .download(HERE, &root, &get("photos", "a"))
        .unwrap_err();
    assert_eq!(refused.code, "InvalidRequest", "SSE-044");
    let request = s3::GetObjectRequest {
        sse_customer_algorithm: text("AES256"),
        sse_customer_key: good.sse_customer_key.clone(),
        sse_customer_key_md5: good.sse_customer_key_md5.clone(),
        ..get("photos", "a")
    };
    assert_eq!(
        world.download(HERE, &root, &request).unwrap().1,
        b"secret sea"
    );
    let wrong = s3::GetObjectRequest {
        sse_customer_key: Some(BASE64.encode([7; 32])),
        sse_customer_key_md5: Some(BASE64.encode(Md5::digest([7; 32]))),
        ..request
    };
    let refused = world.download(HERE, &root, &wrong).unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.http_status),
        ("AccessDenied", 403),
        "SSE-046"
    );
    let head = s3::HeadObjectRequest {
        bucket: text("photos"),
        key: text("a"),
        ..Default::default()
    };
    assert_eq!(
        world.call(HERE, &root, &head).unwrap_err().code,
        "400",
        "SSE-045"
    );
}

#[test]
fn a_delete_marker_hides_what_its_version_still_holds() {
    let (mut world, root) = world();
    let first = world
        .upload(HERE, &root, &put("photos", "a"), b"one")
        .unwrap()
        .version_id;
    let request = s3::DeleteObjectRequest {
        bucket: text("photos"),
        key: text("a"),
        ..Default::default()
    };
    assert_eq!(
        world.call(HERE, &root, &request).unwrap().delete_marker,
        Some(true)
    );
    assert_eq!(
        world
            .download(HERE, &root, &get("photos", "a"))
            .unwrap_err()
            .code,
        "NoSuchKey"
    );
    let old = s3::GetObjectRequest {
        version_id: first,
        ..get("photos", "a")
    };
    assert_eq!(world.download(HERE, &root, &old).unwrap().1, b"one");
}

#[test]
fn listings_roll_up_and_page() {
    let (mut world, root) = world();
    for key in ["a/1", "a/2", "b", "c/1"] {
        world
            .upload(HERE, &root, &put("photos", key), b"x")
            .unwrap();
    }
    let all = s3::ListObjectsV2Request {
        bucket: text("photos"),
        delimiter: text("/"),
        ..Default::default()
    };
    let found = world.call(HERE, &root, &all).unwrap();
    let rolled: Vec<_> = found
        .common_prefixes
        .iter()
        .map(|common| common.prefix().to_owned())
        .collect();
    assert_eq!(
        (rolled, found.contents.len()),
        (vec!["a/".to_owned(), "c/".to_owned()], 1)
    );
    let mut keys = Vec::new();
    let mut token = None;
    loop {
        let page = s3::ListObjectsV2Request {
            bucket: text("photos"),
            max_keys: Some(2),
            continuation_token: token,
            ..Default::default()
        };
        let found = world.call(HERE, &root, &page).unwrap();
        keys.extend(found.contents.iter().map(|object| object.key().to_owned()));
        token = found.next_continuation_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(keys, ["a/1", "a/2", "b", "c/1"]);
}

#[test]
fn a_bucket_of_another_region_is_redirected() {
    let (mut world, root) = world();
    let refused = world
        .download(THERE, &root, &get("photos", "a"))
        .unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.http_status),
        ("PermanentRedirect", 301)
    );
    let create = s3::CreateBucketRequest {
        bucket: text("photos"),
        ..Default::default()
    };
    assert_eq!(
        world.call(THERE, &root, &create).unwrap_err().code,
        "BucketAlreadyOwnedByYou"
    );
}

#[test]
fn an_empty_bucket_goes_and_its_name_is_free_everywhere() {
    let (mut world, root) = world();
    world
        .upload(HERE, &root, &put("photos", "a"), b"x")
        .unwrap();
    let delete = s3::DeleteBucketRequest {
        bucket: text("photos"),
        ..Default::default()
    };
    let refused = world.call(HERE, &root, &delete).unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.http_status),
        ("BucketNotEmpty", 409)
    );
    let list = s3::ListObjectVersionsRequest {
        bucket: text("photos"),
        ..Default::default()
    };
    for version in world.call(HERE, &root, &list).unwrap().versions {
        let one = s3::DeleteObjectRequest {
            bucket: text("photos"),
            key: version.key,
            version_id: version.version_id,
            ..Default::default()
        };
        world.call(HERE, &root, &one).unwrap();
    }
    world.call(HERE, &root, &delete).unwrap();
    world.settle();
    bucket(&mut world, &root, THERE, "photos");
    let listed = world.call(HERE, &root, &s3::ListBucketsRequest::default());
    assert_eq!(listed.unwrap().buckets.len(), 1);
}
