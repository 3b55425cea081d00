//! The trail of every operation (K-253 to K-257).

use super::super::trail::records;
use super::*;

/// What CloudTrail calls a read: whatever changes nothing, cryptography included (K-255).
fn is_read(name: &str) -> bool {
    let beginnings = [
        "Get",
        "List",
        "Describe",
        "Generate",
        "Encrypt",
        "Decrypt",
        "ReEncrypt",
        "Sign",
        "Verify",
        "Derive",
        "Encapsulate",
        "Decapsulate",
    ];
    beginnings.iter().any(|word| name.starts_with(word))
}

/// The newest record of the row's operation in the account's trail.
fn newest(world: &mut World, row: &Row) -> Value {
    let name = row.name.trim_start_matches("kms.");
    let found = records(world, HOME, ACCOUNT, name).into_iter().next();
    found.unwrap_or_else(|| panic!("{} left nothing", row.id()))
}

#[test]
fn k_253_k_254_k_255_k_257_every_operation_leaves_a_management_event_without_secrets() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let eve = world.user(ACCOUNT, "eve", &allow(&["s3:*"], &["*"]));
    for row in ROWS {
        let name = row.name.trim_start_matches("kms.");
        let case = prepare(&mut world, row, &[]).by(ACCOUNT, "eve");
        let case = Case {
            caller: format!("arn:aws:iam::{ACCOUNT}:root"),
            ..case
        };
        let (code, _) = told((row.ask)(&mut world, &root, &case));
        let event = newest(&mut world, row);
        assert_eq!(event["eventSource"], "kms.amazonaws.com", "{}", row.id());
        assert_eq!(event["managementEvent"], true, "{}", row.id());
        assert_eq!(event["eventCategory"], "Management", "{}", row.id());
        assert_eq!(event["eventType"], "AwsApiCall", "{}", row.id());
        assert_eq!(event["readOnly"], is_read(name), "{}", row.id());
        assert_eq!(event["errorCode"].as_str().unwrap_or_default(), code);
        if is_read(name) {
            // Neither plaintext nor ciphertext nor signature, nor the policy of GetKeyPolicy.
            assert_eq!(event["responseElements"], Value::Null, "{}", row.id());
        }
        let asked = event["requestParameters"].to_string();
        for secret in [
            "plaintext\"",
            "ciphertextBlob",
            "message\"",
            "signature\"",
            "mac\"",
            "CiphertextBlob",
            "encryptedKeyMaterial",
            "importToken",
            "grantTokens",
        ] {
            assert!(!asked.contains(secret), "{}: {secret} in {asked}", row.id());
        }
        // K-254: who is refused is in the trail too, with code and message.
        let case = prepare(&mut world, row, &[]).by(ACCOUNT, "eve");
        let (_, message) = told((row.ask)(&mut world, &eve, &case));
        let event = newest(&mut world, row);
        assert_eq!(event["errorCode"], "AccessDenied", "{}", row.id());
        assert_eq!(event["errorMessage"], message, "{}", row.id());
        assert_eq!(event["responseElements"], Value::Null, "{}", row.id());
        assert_eq!(event["userIdentity"]["userName"], "eve", "{}", row.id());
    }
}

/// K-254: a wrong key is recorded with its error.
#[test]
fn k_254_a_wrong_key_is_in_the_trail() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let (right, wrong) = (id(&key(&mut world, false)), id(&key(&mut world, false)));
    let blob = encrypt(&mut world, HOME, &root, &right, b"x").unwrap();
    let request = DecryptRequest {
        key_id: some(&wrong),
        ciphertext_blob: Some(blob),
        ..Default::default()
    };
    world.call(HOME, &root, &request).unwrap_err();
    let event = records(&mut world, HOME, ACCOUNT, "Decrypt").remove(0);
    assert_eq!(event["errorCode"], "IncorrectKeyException");
    let text = "The key ID in the request does not identify a CMK that can perform this operation.";
    assert_eq!(event["errorMessage"], text);
}
