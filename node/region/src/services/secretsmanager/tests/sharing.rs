//! Resource policies and other accounts.

use serde_json::json;

use super::*;
use crate::testing::PARTNER;

fn policy_for(account: &str, action: &str) -> String {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
        "Action": action,
        "Resource": "*",
    }] })
    .to_string()
}

fn attach(world: &mut World, id: &str, policy: String) {
    let root = world.root(ACCOUNT);
    let request = api::PutResourcePolicyRequest {
        secret_id: some(id),
        resource_policy: Some(policy),
        ..Default::default()
    };
    world.call(HERE, &root, &request).unwrap();
}

fn open_key() -> String {
    json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111111111111:root" }, "Action": "kms:*", "Resource": "*" },
        { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::222222222222:root" }, "Action": "kms:Decrypt", "Resource": "*" },
    ] })
    .to_string()
}

// SEC-024
#[test]
fn another_account_needs_a_resource_policy_and_a_key_of_ones_own() {
    let (mut world, root) = world();
    let may = crate::testing::people::allow(&["secretsmanager:*", "kms:Decrypt"], &["*"]);
    let partner = world.user(PARTNER, "partner", &may);
    let default = world
        .call(HERE, &root, &create("plain", None))
        .unwrap()
        .arn
        .unwrap();
    let key = key(&mut world, HERE, Some(open_key()));
    let shared = world
        .call(HERE, &root, &create("shared", Some(&key)))
        .unwrap()
        .arn
        .unwrap();
    let refused = world.call(HERE, &partner, &get(&shared)).unwrap_err();
    assert_eq!(
        refused.denial.unwrap().action,
        "secretsmanager:GetSecretValue"
    );
    for arn in [&default, &shared] {
        attach(
            &mut world,
            arn,
            policy_for(PARTNER, "secretsmanager:GetSecretValue"),
        );
    }
    assert_eq!(
        told(world.call(HERE, &partner, &get(&default)).unwrap_err()),
        "AccessDeniedException: Access to KMS is not allowed"
    );
    let found = world.call(HERE, &partner, &get(&shared)).unwrap();
    assert_eq!(found.secret_string.as_deref(), Some(VALUE));
    // Nobody learns of a secret by its name, or what there is.
    assert_eq!(
        code(world.call(HERE, &partner, &get("shared"))),
        "ResourceNotFoundException"
    );
    let invented = shared.replace("shared", "other");
    assert_eq!(
        code(world.call(HERE, &partner, &get(&invented))),
        "AccessDeniedException"
    );
}

#[test]
fn a_resource_policy_may_deny_ones_own_people() {
    let (mut world, root) = world();
    world.call(HERE, &root, &create("db", None)).unwrap();
    let may = crate::testing::people::allow(&["secretsmanager:*"], &["*"]);
    let reader = world.user(ACCOUNT, "reader", &may);
    let deny = policy_for(ACCOUNT, "secretsmanager:GetSecretValue").replace("Allow", "Deny");
    attach(&mut world, "db", deny);
    let refused = world.call(HERE, &reader, &get("db")).unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException");
    assert!(
        refused.message.contains("explicit deny"),
        "{}",
        refused.message
    );
    let batch = api::BatchGetSecretValueRequest {
        secret_id_list: vec!["db".to_owned(), "none".to_owned()],
        ..Default::default()
    };
    let found = world.call(HERE, &reader, &batch).unwrap();
    let codes: Vec<_> = found
        .errors
        .iter()
        .filter_map(|one| one.error_code.clone())
        .collect();
    assert_eq!(
        codes,
        ["AccessDeniedException", "ResourceNotFoundException"]
    );
    assert!(found.secret_values.is_empty());
}

#[test]
fn a_policy_is_checked_before_it_is_taken() {
    let (mut world, root) = world();
    world.call(HERE, &root, &create("db", None)).unwrap();
    let wide = policy_for(ACCOUNT, "secretsmanager:GetSecretValue")
        .replace("arn:aws:iam::111111111111:root", "*");
    let put = |policy: &str, block: bool| api::PutResourcePolicyRequest {
        secret_id: some("db"),
        resource_policy: some(policy),
        block_public_policy: Some(block),
    };
    assert_eq!(
        code(world.call(HERE, &root, &put("{\"Version\"", false))),
        "MalformedPolicyDocumentException"
    );
    assert_eq!(
        code(world.call(HERE, &root, &put(&wide, true))),
        "PublicPolicyException"
    );
    let validate = api::ValidateResourcePolicyRequest {
        secret_id: some("db"),
        resource_policy: Some(wide.clone()),
    };
    let said = world.call(HERE, &root, &validate).unwrap();
    assert_eq!(said.policy_validation_passed, Some(false));
    world.call(HERE, &root, &put(&wide, false)).unwrap();
    let ask = api::GetResourcePolicyRequest {
        secret_id: some("db"),
    };
    assert_eq!(
        world.call(HERE, &root, &ask).unwrap().resource_policy,
        Some(wide)
    );
}
