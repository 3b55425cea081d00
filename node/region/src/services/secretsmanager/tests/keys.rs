//! Values under KMS.

use serde_json::{Value, json};

use super::*;

fn uses(world: &World, operation: &str) -> Vec<Value> {
    world
        .audit
        .iter()
        .filter(|event| event.event_name == operation)
        .map(|event| serde_json::from_str(&event.request_parameters).unwrap_or(Value::Null))
        .collect()
}

// SEC-020, SEC-021
#[test]
fn every_version_has_its_own_data_key_bound_to_the_secret_and_the_version() {
    let (mut world, root) = world();
    let key = key(&mut world, HERE, None);
    let made = world.call(HERE, &root, &create("db", Some(&key))).unwrap();
    world.call(HERE, &root, &put("db", 2, "two")).unwrap();
    let contexts: Vec<Value> = uses(&world, "GenerateDataKey")
        .into_iter()
        .map(|parameters| parameters["encryptionContext"].clone())
        .collect();
    let arn = made.arn.unwrap();
    let wanted: Vec<Value> = ["RequestToValidateKeyAccess".to_owned(), token(1), token(2)]
        .iter()
        .map(|version| json!({ "SecretARN": arn, "SecretVersionId": version }))
        .collect();
    assert_eq!(contexts, wanted);
}

// SEC-021
#[test]
fn another_key_encrypts_the_versions_in_use_again() {
    let (mut world, root) = world();
    let old = key(&mut world, HERE, None);
    let new = key(&mut world, HERE, None);
    world.call(HERE, &root, &create("db", Some(&old))).unwrap();
    world.call(HERE, &root, &put("db", 2, "two")).unwrap();
    world.call(HERE, &root, &put("db", 3, "three")).unwrap();
    let update = api::UpdateSecretRequest {
        secret_id: some("db"),
        kms_key_id: Some(new.clone()),
        ..Default::default()
    };
    world.call(HERE, &root, &update).unwrap();
    let disable = kms::DisableKeyRequest {
        key_id: Some(old.clone()),
    };
    world.call(HERE, &root, &disable).unwrap();
    assert_eq!(read(&mut world, HERE, "db").unwrap(), "three");
    let version = |n| api::GetSecretValueRequest {
        version_id: Some(token(n)),
        ..get("db")
    };
    world.call(HERE, &root, &version(2)).unwrap();
    assert_eq!(
        code(world.call(HERE, &root, &version(1))),
        "DecryptionFailure",
        "a deprecated version stays under the key that it had"
    );
}

// SEC-022
#[test]
fn a_key_that_cannot_be_used_and_a_caller_who_may_not_use_it() {
    let (mut world, root) = world();
    let key = key(&mut world, HERE, None);
    world.call(HERE, &root, &create("db", Some(&key))).unwrap();
    let may = crate::testing::people::allow(&["secretsmanager:*"], &["*"]);
    let reader = world.user(ACCOUNT, "reader", &may);
    let refused = world.call(HERE, &reader, &get("db")).unwrap_err();
    assert_eq!(refused.denial.as_ref().unwrap().action, "kms:Decrypt");
    assert_eq!(
        told(refused),
        "AccessDeniedException: Access to KMS is not allowed"
    );
    let disable = kms::DisableKeyRequest {
        key_id: Some(key.clone()),
    };
    world.call(HERE, &root, &disable).unwrap();
    assert_eq!(
        code(world.call(HERE, &root, &get("db"))),
        "DecryptionFailure"
    );
    assert_eq!(
        code(world.call(HERE, &root, &put("db", 2, "two"))),
        "EncryptionFailure"
    );
    assert_eq!(stages(&mut world, HERE, "db", 2), Vec::<String>::new());
}

#[test]
fn a_caller_without_kms_permissions_may_use_the_managed_key_through_the_service() {
    let (mut world, root) = world();
    world.call(HERE, &root, &create("db", None)).unwrap();
    let may = crate::testing::people::allow(&["secretsmanager:*"], &["*"]);
    let reader = world.user(ACCOUNT, "reader", &may);
    assert_eq!(
        world
            .call(HERE, &reader, &get("db"))
            .unwrap()
            .secret_string
            .as_deref(),
        Some(VALUE)
    );
}

#[test]
fn a_policy_may_demand_the_service_and_the_secret() {
    let (mut world, root) = world();
    let key = key(&mut world, HERE, None);
    let made = world.call(HERE, &root, &create("db", Some(&key))).unwrap();
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*" },
        { "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": { "StringEquals": {
            "kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com",
            "kms:EncryptionContext:SecretARN": made.arn,
        } } },
    ] });
    let reader = world.user(ACCOUNT, "reader", &policy.to_string());
    world.call(HERE, &reader, &get("db")).unwrap();
    world
        .call(HERE, &root, &create("mail", Some(&key)))
        .unwrap();
    assert_eq!(
        code(world.call(HERE, &reader, &get("mail"))),
        "AccessDeniedException"
    );
}
