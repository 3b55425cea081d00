//! Key policies, IAM, other accounts, services.

use faultline_proto::kms::{
    CreateKeyRequest, DisableKeyRequest, GetKeyPolicyRequest, PutKeyPolicyRequest,
};
use serde_json::{Value, json};

use super::*;
use crate::testing::PARTNER;
use crate::testing::people::{ALLOW_ALL, allow};

fn policy(statements: &[Value]) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

fn admit(principal: &str, actions: &[&str]) -> Value {
    json!({ "Effect": "Allow", "Principal": { "AWS": principal }, "Action": actions, "Resource": "*" })
}

fn root_arn(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

#[test]
fn k_165_k_166_k_168_k_337_iam_counts_only_when_the_key_policy_delegates() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let delegating = id(&key(&mut world, false));
    assert!(encrypt(&mut world, HOME, &ann, &delegating, b"4242").is_ok());
    let closed = key_with_policy(
        &mut world,
        &policy(&[admit(
            &format!("arn:aws:iam::{ACCOUNT}:user/bob"),
            &["kms:*"],
        )]),
    );
    let (code, message) = no(encrypt(&mut world, HOME, &ann, &id(&closed), b"4242"));
    assert_eq!(code, "AccessDeniedException");
    let text = format!(
        "User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: kms:Encrypt on resource: {} \
         because no resource-based policy allows the kms:Encrypt action",
        arn(&closed)
    );
    assert_eq!(message, text);
}

#[test]
fn k_214_no_identity_policy() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", &allow(&["kms:Encrypt"], &["*"]));
    let key = key(&mut world, false);
    let blob = encrypt(&mut world, HOME, &ann, &id(&key), b"4242").unwrap();
    let request = DecryptRequest {
        ciphertext_blob: Some(blob),
        key_id: key.key_id.clone(),
        ..Default::default()
    };
    let text = format!(
        "User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: kms:Decrypt on resource: {} \
         because no identity-based policy allows the kms:Decrypt action",
        arn(&key)
    );
    assert_eq!(
        no(world.call(HOME, &ann, &request)),
        ("AccessDeniedException".to_owned(), text)
    );
}

#[test]
fn k_180_k_181_k_216_another_account_needs_both_sides() {
    let mut world = world();
    let ann = world.user(PARTNER, "ann", ALLOW_ALL);
    let eve = world.user(PARTNER, "eve", &allow(&["s3:*"], &["*"]));
    let own = admit(&root_arn(ACCOUNT), &["kms:*"]);
    let shared = key_with_policy(
        &mut world,
        &policy(&[own.clone(), admit(&root_arn(PARTNER), &["kms:*"])]),
    );
    let closed = key_with_policy(&mut world, &policy(&[own]));
    let blob = encrypt(&mut world, HOME, &ann, &arn(&shared), b"4242").unwrap();
    assert_eq!(decrypt(&mut world, HOME, &ann, &blob).unwrap(), b"4242");
    assert_eq!(
        code(encrypt(&mut world, HOME, &eve, &arn(&shared), b"4242")),
        "AccessDeniedException"
    );
    // K-024: a bare id is looked up in the caller's own account.
    assert_eq!(
        code(encrypt(&mut world, HOME, &ann, &id(&shared), b"4242")),
        "NotFoundException"
    );
    let hidden = |action: &str| {
        format!(
            "User: arn:aws:iam::{PARTNER}:user/ann is not authorized to perform: kms:{action} on this resource because \
             the resource does not exist in this Region, no resource-based policies allow access, or a resource-based \
             policy explicitly denies access"
        )
    };
    assert_eq!(
        no(encrypt(&mut world, HOME, &ann, &arn(&closed), b"4242")).1,
        hidden("Encrypt")
    );
    let missing = format!("arn:aws:kms:{HOME}:{ACCOUNT}:key/134f2428-cec1-4b25-a1ae-9048164dba47");
    assert_eq!(
        no(encrypt(&mut world, HOME, &ann, &missing, b"4242")).1,
        hidden("Encrypt")
    );
    // K-181: managing does not cross accounts, whatever the policies say.
    let disable = DisableKeyRequest {
        key_id: some(&arn(&shared)),
    };
    assert_eq!(
        code(world.call(HOME, &ann, &disable)),
        "AccessDeniedException"
    );
}

#[test]
fn k_217_a_ciphertext_of_an_unknown_or_closed_key_tells_nothing() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let key = key(&mut world, false);
    let blob = encrypt(&mut world, HOME, &root, &id(&key), b"4242").unwrap();
    let text = format!(
        "User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: kms:Decrypt on the resource associated \
         with this ciphertext because the resource does not exist in this Region, no resource-based policies allow \
         access, or a resource-based policy explicitly denies access"
    );
    let denied = ("AccessDeniedException".to_owned(), text);
    assert_eq!(no(decrypt(&mut world, FAR, &ann, &blob)), denied);
    let close = PutKeyPolicyRequest {
        key_id: key.key_id.clone(),
        policy: some(&policy(&[admit(
            &format!("arn:aws:iam::{ACCOUNT}:user/bob"),
            &["kms:*"],
        )])),
        bypass_policy_lockout_safety_check: Some(true),
        ..Default::default()
    };
    world.call(HOME, &root, &close).unwrap();
    assert_eq!(no(decrypt(&mut world, HOME, &ann, &blob)), denied);
}

#[test]
fn k_221_only_who_is_allowed_learns_that_a_key_is_missing() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let eve = world.user(ACCOUNT, "eve", &allow(&["s3:*"], &["*"]));
    let missing = "134f2428-cec1-4b25-a1ae-9048164dba47";
    assert_eq!(
        code(encrypt(&mut world, HOME, &ann, missing, b"4242")),
        "NotFoundException"
    );
    assert_eq!(
        code(encrypt(&mut world, HOME, &eve, missing, b"4242")),
        "AccessDeniedException"
    );
}

#[test]
fn k_175_k_176_k_177_nobody_locks_himself_out_by_accident() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let ann = world.user(ACCOUNT, "ann", &allow(&["kms:CreateKey"], &["*"]));
    let (code, message) = no(world.call(HOME, &ann, &CreateKeyRequest::default()));
    assert_eq!(code, "MalformedPolicyDocumentException");
    assert_eq!(
        message,
        "The new key policy will not allow you to update the key policy in the future."
    );
    let closing = policy(&[admit(
        &format!("arn:aws:iam::{ACCOUNT}:user/bob"),
        &["kms:*"],
    )]);
    let key = key(&mut world, false);
    let mut put = PutKeyPolicyRequest {
        key_id: key.key_id.clone(),
        policy: some(&closing),
        ..Default::default()
    };
    assert_eq!(
        no(world.call(HOME, &root, &put)).0,
        "MalformedPolicyDocumentException"
    );
    put.bypass_policy_lockout_safety_check = Some(true);
    world.call(HOME, &root, &put).unwrap();
    assert_eq!(no(world.call(HOME, &root, &put)).0, "AccessDeniedException");
    let event = world
        .audit
        .iter()
        .find(|event| event.event_name == "CreateKey")
        .unwrap();
    assert_eq!(
        event.error_code, "MalformedPolicyDocumentException",
        "K-273"
    );
}

#[test]
fn k_173_k_174_malformed_policies() {
    let mut world = world();
    let (root, key) = (world.root(ACCOUNT), key(&mut world, false));
    let put = |text: &str| PutKeyPolicyRequest {
        key_id: key.key_id.clone(),
        policy: some(text),
        ..Default::default()
    };
    assert_eq!(
        code(world.call(HOME, &root, &put("{}"))),
        "MalformedPolicyDocumentException"
    );
    assert_eq!(
        code(world.call(HOME, &root, &put(&" ".repeat(32_769)))),
        "LimitExceededException"
    );
    let named = GetKeyPolicyRequest {
        key_id: key.key_id.clone(),
        policy_name: some("other"),
    };
    assert_eq!(code(world.call(HOME, &root, &named)), "NotFoundException");
}

#[test]
fn k_224_k_354_conditions_on_the_context_deny_before_the_ciphertext_is_tried() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let ann = world.user(ACCOUNT, "ann", &allow(&["s3:*"], &["*"]));
    let with_context = json!({
        "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:user/ann") },
        "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": "*",
        "Condition": { "StringEquals": { "kms:EncryptionContext:tenant": "7" } },
    });
    let key = key_with_policy(
        &mut world,
        &policy(&[admit(&root_arn(ACCOUNT), &["kms:*"]), with_context]),
    );
    let ask = |context: &[(&str, &str)]| EncryptRequest {
        key_id: key.key_id.clone(),
        plaintext: Some(b"4242".to_vec()),
        encryption_context: pairs(context),
        ..Default::default()
    };
    assert!(world.call(HOME, &ann, &ask(&[("tenant", "7")])).is_ok());
    assert_eq!(
        code(world.call(HOME, &ann, &ask(&[("tenant", "8")]))),
        "AccessDeniedException"
    );
    assert!(world.call(HOME, &root, &ask(&[("tenant", "8")])).is_ok());
}

#[test]
fn k_229_k_231_condition_keys_of_createkey() {
    let mut world = world();
    let only_single = json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Effect": "Allow", "Action": "kms:*", "Resource": "*" },
            { "Effect": "Deny", "Action": "kms:CreateKey", "Resource": "*",
              "Condition": { "Bool": { "kms:MultiRegion": "true" } } }
        ]
    });
    let ann = world.user(ACCOUNT, "ann", &only_single.to_string());
    assert!(world.call(HOME, &ann, &CreateKeyRequest::default()).is_ok());
    let multi = CreateKeyRequest {
        multi_region: Some(true),
        ..Default::default()
    };
    assert_eq!(
        code(world.call(HOME, &ann, &multi)),
        "AccessDeniedException"
    );
}
