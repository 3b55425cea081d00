//! SecureStrings under KMS.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_proto::kms;
use serde_json::Value;

use super::*;
use crate::store::{Order, Span, Store as _};

const SECRET: &str = "the pin of the vault";

fn key(world: &mut World, region: &str) -> String {
    let root = world.root(ACCOUNT);
    let made = world
        .call(region, &root, &kms::CreateKeyRequest::default())
        .unwrap();
    made.key_metadata.unwrap().arn.unwrap()
}

fn secure(name: &str, key: Option<&str>, tier: &str) -> api::PutParameterRequest {
    api::PutParameterRequest {
        key_id: key.map(str::to_owned),
        tier: some(tier),
        ..put(name, "SecureString", SECRET)
    }
}

/// The ciphertext that an answer without decryption has.
fn ciphertext(world: &mut World, name: &str) -> Vec<u8> {
    let root = world.root(ACCOUNT);
    let request = api::GetParameterRequest {
        with_decryption: None,
        ..get(name)
    };
    let found = world.call(HERE, &root, &request).unwrap();
    STANDARD
        .decode(found.parameter.unwrap().value.unwrap())
        .unwrap()
}

fn kms_events(world: &World) -> Vec<(String, Value)> {
    world
        .audit
        .iter()
        .filter(|event| {
            event.event_source == "kms.amazonaws.com" && event.event_name != "CreateKey"
        })
        .map(|event| {
            let parameters: Value = serde_json::from_str(&event.request_parameters).unwrap();
            (
                event.event_name.clone(),
                parameters["encryptionContext"].clone(),
            )
        })
        .collect()
}

// SEC-032, SEC-034
#[test]
fn a_standard_value_goes_to_kms_itself_and_an_advanced_one_under_a_data_key() {
    let (mut world, root) = world();
    world
        .call(HERE, &root, &secure("/shop/a", None, "Standard"))
        .unwrap();
    world
        .call(HERE, &root, &secure("/shop/b", None, "Advanced"))
        .unwrap();
    for name in ["/shop/a", "/shop/b"] {
        assert_eq!(read(&mut world, name).unwrap(), SECRET);
    }
    let arn = |name: &str| format!("arn:aws:ssm:eu-west-1:111111111111:parameter{name}");
    let context = |name: &str| serde_json::json!({ "PARAMETER_ARN": arn(name) });
    assert_eq!(
        kms_events(&world),
        [
            ("Encrypt".to_owned(), context("/shop/a")),
            ("GenerateDataKey".to_owned(), context("/shop/b")),
            ("Decrypt".to_owned(), context("/shop/a")),
            ("Decrypt".to_owned(), context("/shop/b")),
        ]
    );
    let clear = world
        .store(HERE)
        .scan(&Span::everything(), Order::Forward)
        .any(|row| {
            let (_, bytes) = row.unwrap();
            bytes
                .windows(SECRET.len())
                .any(|some| some == SECRET.as_bytes())
        });
    assert!(!clear, "no SecureString is stored in the clear");
}

// SEC-034, SEC-035
#[test]
fn a_ciphertext_opens_under_its_own_name_and_region_only() {
    let (mut world, root) = world();
    let key = key(&mut world, HERE);
    world
        .call(HERE, &root, &secure("/shop/a", Some(&key), "Standard"))
        .unwrap();
    let blob = ciphertext(&mut world, "/shop/a");
    let decrypt = |name: &str| kms::DecryptRequest {
        ciphertext_blob: Some(blob.clone()),
        encryption_context: BTreeMap::from([(
            "PARAMETER_ARN".to_owned(),
            format!("arn:aws:ssm:eu-west-1:111111111111:parameter{name}"),
        )])
        .into_iter()
        .collect(),
        ..Default::default()
    };
    let opened = world.call(HERE, &root, &decrypt("/shop/a")).unwrap();
    assert_eq!(opened.plaintext.as_deref(), Some(SECRET.as_bytes()));
    assert_eq!(
        code(world.call(HERE, &root, &decrypt("/shop/b"))),
        "InvalidCiphertextException"
    );
    assert!(world.call(THERE, &root, &decrypt("/shop/a")).is_err());
}

// SEC-033
#[test]
fn a_key_that_cannot_be_used_is_an_invalid_key_id() {
    let (mut world, root) = world();
    let far = key(&mut world, THERE);
    let near = key(&mut world, HERE);
    assert_eq!(
        code(world.call(HERE, &root, &secure("/a", Some(&far), "Standard"))),
        "InvalidKeyId"
    );
    world
        .call(HERE, &root, &secure("/a", Some(&near), "Standard"))
        .unwrap();
    let disable = kms::DisableKeyRequest {
        key_id: Some(near.clone()),
    };
    world.call(HERE, &root, &disable).unwrap();
    let text = read(&mut world, "/a").unwrap_err();
    assert!(
        text.starts_with("InvalidKeyId: ") && text.contains("DisabledException"),
        "{text}"
    );
    assert_eq!(
        code(world.call(HERE, &root, &secure("/b", Some(&near), "Advanced"))),
        "InvalidKeyId"
    );
    let delete = kms::ScheduleKeyDeletionRequest {
        key_id: Some(near),
        pending_window_in_days: Some(7),
    };
    world.call(HERE, &root, &delete).unwrap();
    assert!(
        read(&mut world, "/a")
            .unwrap_err()
            .starts_with("InvalidKeyId")
    );
}

#[test]
fn without_a_permission_kms_says_no_in_its_own_words() {
    let (mut world, root) = world();
    let key = key(&mut world, HERE);
    world
        .call(HERE, &root, &secure("/a", Some(&key), "Standard"))
        .unwrap();
    let reader = world.user(
        ACCOUNT,
        "reader",
        &crate::testing::people::allow(&["ssm:*"], &["*"]),
    );
    let refused = world.call(HERE, &reader, &get("/a")).unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException");
    assert!(
        refused.message.contains("kms:Decrypt"),
        "{}",
        refused.message
    );
    let closed = api::GetParameterRequest {
        with_decryption: None,
        ..get("/a")
    };
    world.call(HERE, &reader, &closed).unwrap();
    // The managed key is open to everybody of the account, through the service.
    world
        .call(HERE, &root, &secure("/b", None, "Standard"))
        .unwrap();
    world.call(HERE, &reader, &get("/b")).unwrap();
}
