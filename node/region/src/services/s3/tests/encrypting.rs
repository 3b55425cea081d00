//! Server-side encryption as a writer and a reader meet it, fact by fact.

use faultline_proto::{kms, s3};

use super::*;
use crate::testing::people::allow;

pub(super) const OTHER: &str = "222222222222";

pub(super) fn world() -> (World, Credential) {
    let mut world = World::new(&[THERE, HERE]);
    let root = world.root(ACCOUNT);
    bucket(&mut world, &root, HERE, "photos");
    (world, root)
}

pub(super) fn default_of(
    algorithm: &str,
    key: Option<&str>,
    bucket_key: bool,
) -> s3::PutBucketEncryptionRequest {
    let rule = s3::ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(s3::ServerSideEncryptionByDefault {
            sse_algorithm: text(algorithm),
            kms_master_key_id: key.and_then(text),
        }),
        bucket_key_enabled: Some(bucket_key),
        ..Default::default()
    };
    s3::PutBucketEncryptionRequest {
        bucket: text("photos"),
        server_side_encryption_configuration: Some(s3::ServerSideEncryptionConfiguration {
            rules: vec![rule],
        }),
        ..Default::default()
    }
}

pub(super) fn under(method: &str, arn: Option<&str>, key: &str) -> s3::PutObjectRequest {
    s3::PutObjectRequest {
        server_side_encryption: text(method),
        ssekms_key_id: arn.and_then(text),
        ..put("photos", key)
    }
}

/// How often the trail of the Region has this event of KMS since it was last asked.
pub(super) fn kms_events(world: &mut World, name: &str) -> usize {
    world
        .audit
        .iter()
        .filter(|event| event.event_name == name)
        .count()
}

#[test]
fn sse_004_sse_005_sse_006_sse_010_what_a_default_may_say() {
    let (mut world, root) = world();
    let arn = key(&mut world, HERE);
    let both = default_of("AES256", Some(&arn), false);
    let refused = world.call(HERE, &root, &both).unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        (
            "InvalidArgument",
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"
        )
    );
    let mut two = default_of("AES256", None, false);
    let rules = &mut two
        .server_side_encryption_configuration
        .as_mut()
        .unwrap()
        .rules;
    rules.push(rules[0].clone());
    assert_eq!(
        world.call(HERE, &root, &two).unwrap_err().code,
        "MalformedXML"
    );
    two.server_side_encryption_configuration
        .as_mut()
        .unwrap()
        .rules
        .clear();
    assert_eq!(
        world.call(HERE, &root, &two).unwrap_err().code,
        "MalformedXML"
    );
    // A key that is nowhere is taken, and felt by the next put (SSE-006).
    let nowhere = arn.replace(&arn[arn.len() - 12..], "000000000000");
    world
        .call(HERE, &root, &default_of("aws:kms", Some(&nowhere), false))
        .unwrap();
    let refused = world
        .upload(HERE, &root, &put("photos", "a"), b"x")
        .unwrap_err();
    assert_eq!(refused.code, "KMS.NotFoundException");
    let odd = under("rot13", None, "a");
    assert_eq!(
        world.upload(HERE, &root, &odd, b"x").unwrap_err().code,
        "InvalidArgument"
    );
}

#[test]
fn sse_003_sse_007_a_default_counts_for_later_writes_and_the_trail_says_whose_choice_it_was() {
    let (mut world, root) = world();
    world
        .upload(HERE, &root, &put("photos", "old"), b"x")
        .unwrap();
    world
        .call(HERE, &root, &default_of("aws:kms", None, false))
        .unwrap();
    world
        .upload(HERE, &root, &put("photos", "new"), b"x")
        .unwrap();
    world
        .upload(HERE, &root, &under("AES256", None, "said"), b"x")
        .unwrap();
    let old = head(&mut world, HERE, &root, "photos", "old");
    let new = head(&mut world, HERE, &root, "photos", "new");
    assert_eq!(old.server_side_encryption.as_deref(), Some("AES256"));
    assert_eq!(new.server_side_encryption.as_deref(), Some("aws:kms"));
    let applied: Vec<String> = world
        .audit
        .iter()
        .filter(|event| event.event_name == "PutObject")
        .map(|event| event.additional.clone())
        .collect();
    let wanted = ["Default_SSE_S3", "Default_SSE_KMS", "SSE_S3"];
    for (said, wanted) in applied.iter().zip(wanted) {
        assert!(
            said.contains(&format!("\"SSEApplied\":\"{wanted}\"")),
            "{said}"
        );
    }
    assert_eq!(applied.len(), 3);
}

#[test]
fn sse_009_names_metadata_and_tags_lie_in_the_clear() {
    let (mut world, root) = world();
    let request = s3::PutObjectRequest {
        metadata: metadata(&[("color", "ultramarine")]).into_iter().collect(),
        tagging: text("season=midsummer"),
        ..put("photos", "sea-name")
    };
    world
        .upload(HERE, &root, &request, b"a long blue sea")
        .unwrap();
    let store: Vec<u8> = crate::store::Store::raw(world.store(HERE))
        .flat_map(|row| {
            let (key, value) = row.unwrap();
            [key.to_vec(), value.to_vec()].concat()
        })
        .collect();
    let has = |text: &str| {
        store
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(has("ultramarine") && has("midsummer") && has("sea-name"));
    assert!(!has("a long blue sea"));
}

#[test]
fn sse_012_sse_013_without_a_name_it_is_aws_s3_which_no_other_account_may_use() {
    let (mut world, root) = world();
    let answer = world
        .upload(HERE, &root, &under("aws:kms", None, "a"), b"x")
        .unwrap();
    let arn = answer.ssekms_key_id.unwrap();
    let described = world
        .call(
            HERE,
            &root,
            &kms::DescribeKeyRequest {
                key_id: Some(arn),
                ..Default::default()
            },
        )
        .unwrap();
    assert_eq!(
        described.key_metadata.unwrap().key_manager.as_deref(),
        Some("AWS")
    );
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{OTHER}"}},"Action":"s3:*","Resource":["arn:aws:s3:::photos","arn:aws:s3:::photos/*"]}}]}}"#
    );
    let request = s3::PutBucketPolicyRequest {
        bucket: text("photos"),
        policy: Some(policy),
        ..Default::default()
    };
    world.call(HERE, &root, &request).unwrap();
    let other = world.root(OTHER);
    let refused = world
        .download(HERE, &other, &get("photos", "a"))
        .unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.http_status),
        ("AccessDenied", 403)
    );
    world
        .upload(HERE, &root, &put("photos", "plain"), b"x")
        .unwrap();
    assert!(
        world
            .download(HERE, &other, &get("photos", "plain"))
            .is_ok()
    );
}

#[test]
fn sse_015_to_sse_019_kms_refuses_in_s3s_words() {
    let (mut world, root) = world();
    let arn = key(&mut world, HERE);
    let there = key(&mut world, THERE);
    let bare = there.rsplit('/').next().unwrap();
    let rsa = world
        .call(
            HERE,
            &root,
            &kms::CreateKeyRequest {
                key_spec: text("RSA_2048"),
                key_usage: text("SIGN_VERIFY"),
                ..Default::default()
            },
        )
        .unwrap();
    let rsa = rsa.key_metadata.unwrap().arn.unwrap();
    let cases = [
        ("nonsense", "KMS.NotFoundException", "Invalid keyId"),
        (bare, "KMS.NotFoundException", "does not exist"),
        (rsa.as_str(), "KMS.InvalidKeyUsageException", ""),
    ];
    for (named, code, words) in cases {
        let refused = world
            .upload(HERE, &root, &under("aws:kms", Some(named), "a"), b"x")
            .unwrap_err();
        assert_eq!(
            (refused.code.as_str(), refused.http_status),
            (code, 400),
            "{named}"
        );
        assert!(refused.message.contains(words), "{}", refused.message);
    }
    world
        .upload(HERE, &root, &under("aws:kms", Some(&arn), "a"), b"x")
        .unwrap();
    let delete = kms::ScheduleKeyDeletionRequest {
        key_id: Some(arn.clone()),
        pending_window_in_days: Some(7),
    };
    world.call(HERE, &root, &delete).unwrap();
    let refused = world
        .download(HERE, &root, &get("photos", "a"))
        .unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.message),
        (
            "KMS.KMSInvalidStateException",
            format!("{arn} is pending deletion.")
        )
    );
}

#[test]
fn sse_020_sse_021_sse_047_head_asks_kms_only_for_checksums_and_says_no_in_a_number() {
    let (mut world, root) = world();
    allow_sse_c(&mut world, &root, HERE, "photos");
    let arn = key(&mut world, HERE);
    world
        .upload(HERE, &root, &under("aws:kms", Some(&arn), "a"), b"x")
        .unwrap();
    let plain = world.user(ACCOUNT, "plain", &allow(&["s3:*"], &["*"]));
    head(&mut world, HERE, &plain, "photos", "a");
    let request = s3::HeadObjectRequest {
        bucket: text("photos"),
        key: text("a"),
        checksum_mode: text("ENABLED"),
        ..Default::default()
    };
    let refused = world.call(HERE, &plain, &request).unwrap_err();
    assert_eq!((refused.code.as_str(), refused.http_status), ("403", 403));
    let checked = world.call(HERE, &root, &request).unwrap();
    assert_eq!(checked.checksum_type.as_deref(), Some("FULL_OBJECT"));
    assert!(checked.checksum_crc64_nvme.is_some());
    world
        .upload(HERE, &root, &with_customer_key(put("photos", "c")), b"x")
        .unwrap();
    let wrong = s3::HeadObjectRequest {
        key: text("c"),
        checksum_mode: None,
        sse_customer_algorithm: text("AES256"),
        sse_customer_key: Some(BASE64.encode([7; 32])),
        sse_customer_key_md5: Some(BASE64.encode(Md5::digest([7; 32]))),
        ..request
    };
    let refused = world.call(HERE, &root, &wrong).unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        ("403", "Forbidden")
    );
}

#[test]
fn sse_022_sse_023_the_context_names_the_object_or_the_bucket() {
    let (mut world, root) = world();
    let arn = key(&mut world, HERE);
    let context = |arn: &str| format!(r#""aws:s3:arn":"{arn}""#);
    let tenant = s3::PutObjectRequest {
        ssekms_encryption_context: Some(BASE64.encode(r#"{"tenant":"7"}"#)),
        ..under("aws:kms", Some(&arn), "a")
    };
    world.upload(HERE, &root, &tenant, b"x").unwrap();
    let with_key = s3::PutObjectRequest {
        bucket_key_enabled: Some(true),
        ..under("aws:kms", Some(&arn), "b")
    };
    world.upload(HERE, &root, &with_key, b"x").unwrap();
    let said: Vec<String> = world
        .audit
        .iter()
        .filter(|event| event.event_name == "GenerateDataKey")
        .map(|event| event.request_parameters.clone())
        .collect();
    assert!(
        said[0].contains(&context("arn:aws:s3:::photos/a")) && said[0].contains(r#""tenant":"7""#)
    );
    assert!(said[1].contains(&context("arn:aws:s3:::photos")));
    let odd = s3::PutObjectRequest {
        ssekms_encryption_context: text("%%%"),
        ..under("aws:kms", Some(&arn), "a")
    };
    assert_eq!(
        world.upload(HERE, &root, &odd, b"x").unwrap_err().code,
        "InvalidArgument"
    );
}

#[test]
fn sse_028_sse_030_answers_name_the_full_arn_and_an_alias_is_the_callers() {
    let (mut world, root) = world();
    let arn = key(&mut world, HERE);
    let alias = kms::CreateAliasRequest {
        alias_name: text("alias/photos"),
        target_key_id: Some(arn.clone()),
    };
    world.call(HERE, &root, &alias).unwrap();
    let answer = world
        .upload(
            HERE,
            &root,
            &under("aws:kms", Some("alias/photos"), "a"),
            b"x",
        )
        .unwrap();
    assert_eq!(answer.ssekms_key_id, Some(arn));
    assert_eq!(answer.bucket_key_enabled, None);
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{OTHER}"}},"Action":"s3:PutObject","Resource":"arn:aws:s3:::photos/*"}}]}}"#
    );
    let request = s3::PutBucketPolicyRequest {
        bucket: text("photos"),
        policy: Some(policy),
        ..Default::default()
    };
    world.call(HERE, &root, &request).unwrap();
    let other = world.root(OTHER);
    let theirs = world
        .call(HERE, &other, &kms::CreateKeyRequest::default())
        .unwrap();
    let theirs = theirs.key_metadata.unwrap().arn.unwrap();
    let alias = kms::CreateAliasRequest {
        alias_name: text("alias/photos"),
        target_key_id: Some(theirs.clone()),
    };
    world.call(HERE, &other, &alias).unwrap();
    let answer = world
        .upload(
            HERE,
            &other,
            &under("aws:kms", Some("alias/photos"), "b"),
            b"x",
        )
        .unwrap();
    assert_eq!(answer.ssekms_key_id, Some(theirs));
}

#[test]
fn sse_035_sse_037_a_customers_key_is_forgotten() {
    let (mut world, root) = world();
    allow_sse_c(&mut world, &root, HERE, "photos");
    let sent = with_customer_key(put("photos", "a"));
    world.upload(HERE, &root, &sent, b"x").unwrap();
    let key = BASE64.decode(sent.sse_customer_key.unwrap()).unwrap();
    let encoded = BASE64.encode(&key);
    for row in crate::store::Store::raw(world.store(HERE)) {
        let (_, value) = row.unwrap();
        let has = |bytes: &[u8]| value.windows(bytes.len()).any(|window| window == bytes);
        assert!(!has(&key) && !has(encoded.as_bytes()));
    }
    let trail: Vec<String> = world
        .audit
        .iter()
        .map(|event| event.request_parameters.clone())
        .collect();
    assert!(!trail.concat().contains(&encoded));
}
