//! Grants.

use faultline_proto::kms::{
    CreateGrantRequest, CreateGrantResponse, GrantConstraints, ListGrantsRequest,
    RetireGrantRequest, RevokeGrantRequest,
};

use super::*;
use crate::testing::PARTNER;
use crate::testing::people::allow;

fn user_arn(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:user/{name}")
}

fn wanted(key: &str, grantee: &str, operations: &[&str]) -> CreateGrantRequest {
    CreateGrantRequest {
        key_id: some(key),
        grantee_principal: some(grantee),
        operations: operations
            .iter()
            .map(|operation| (*operation).to_owned())
            .collect(),
        ..Default::default()
    }
}

fn grant(world: &mut World, request: &CreateGrantRequest) -> CreateGrantResponse {
    let root = world.root(ACCOUNT);
    world.call(HOME, &root, request).unwrap()
}

#[test]
fn k_195_k_204_k_205_a_grant_allows_until_it_is_revoked() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let ann = world.user(ACCOUNT, "ann", &allow(&["s3:*"], &["*"]));
    let id = id(&key(&mut world, false));
    assert_eq!(
        code(encrypt(&mut world, HOME, &ann, &id, b"4242")),
        "AccessDeniedException"
    );
    let made = grant(
        &mut world,
        &wanted(&id, &user_arn(ACCOUNT, "ann"), &["Encrypt"]),
    );
    assert_eq!(made.grant_id.as_ref().unwrap().len(), 64);
    let blob = encrypt(&mut world, HOME, &ann, &id, b"4242").unwrap();
    assert_eq!(
        code(decrypt(&mut world, HOME, &ann, &blob)),
        "AccessDeniedException"
    );
    let revoke = RevokeGrantRequest {
        key_id: some(&id),
        grant_id: made.grant_id.clone(),
        ..Default::default()
    };
    world.call(HOME, &root, &revoke).unwrap();
    assert_eq!(
        code(encrypt(&mut world, HOME, &ann, &id, b"4242")),
        "AccessDeniedException"
    );
    assert_eq!(
        code(world.call(HOME, &root, &revoke)),
        "InvalidGrantIdException"
    );
}

#[test]
fn k_198_a_context_constraint_fences_the_grant() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", &allow(&["s3:*"], &["*"]));
    let id = id(&key(&mut world, false));
    let mut request = wanted(&id, &user_arn(ACCOUNT, "ann"), &["Encrypt"]);
    request.constraints = Some(GrantConstraints {
        encryption_context_subset: pairs(&[("tenant", "7")]),
        ..Default::default()
    });
    grant(&mut world, &request);
    let ask = |context: &[(&str, &str)]| EncryptRequest {
        key_id: some(&id),
        plaintext: Some(b"4242".to_vec()),
        encryption_context: pairs(context),
        ..Default::default()
    };
    assert!(
        world
            .call(HOME, &ann, &ask(&[("tenant", "7"), ("more", "x")]))
            .is_ok()
    );
    assert_eq!(
        code(world.call(HOME, &ann, &ask(&[("Tenant", "7")]))),
        "AccessDeniedException"
    );
    assert_eq!(
        code(world.call(HOME, &ann, &ask(&[]))),
        "AccessDeniedException"
    );
}

#[test]
fn k_201_a_grantee_passes_on_no_more_than_it_has() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", &allow(&["s3:*"], &["*"]));
    let id = id(&key(&mut world, false));
    grant(
        &mut world,
        &wanted(&id, &user_arn(ACCOUNT, "ann"), &["Encrypt", "CreateGrant"]),
    );
    let bob = user_arn(ACCOUNT, "bob");
    assert!(
        world
            .call(HOME, &ann, &wanted(&id, &bob, &["Encrypt"]))
            .is_ok()
    );
    assert_eq!(
        code(world.call(HOME, &ann, &wanted(&id, &bob, &["Decrypt"]))),
        "AccessDeniedException"
    );
}

#[test]
fn k_202_a_name_makes_a_repetition_harmless() {
    let mut world = world();
    let id = id(&key(&mut world, false));
    let mut request = wanted(&id, &user_arn(ACCOUNT, "ann"), &["Encrypt", "Decrypt"]);
    let (one, two) = (grant(&mut world, &request), grant(&mut world, &request));
    assert_ne!(one.grant_id, two.grant_id);
    request.name = some("once");
    let (one, two) = (grant(&mut world, &request), grant(&mut world, &request));
    assert_eq!(one.grant_id, two.grant_id);
    assert_ne!(one.grant_token, two.grant_token);
    request.operations.pop();
    assert_ne!(grant(&mut world, &request).grant_id, one.grant_id);
    let root = world.root(ACCOUNT);
    let list = |limit: i32| ListGrantsRequest {
        key_id: some(&id),
        limit: Some(limit),
        ..Default::default()
    };
    assert_eq!(world.call(HOME, &root, &list(10)).unwrap().grants.len(), 4);
    let page = world.call(HOME, &root, &list(3)).unwrap();
    assert_eq!((page.grants.len(), page.truncated), (3, Some(true)));
}

#[test]
fn k_203_tokens_are_checked() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", &allow(&["s3:*"], &["*"]));
    let id = id(&key(&mut world, false));
    let made = grant(
        &mut world,
        &wanted(&id, &user_arn(ACCOUNT, "ann"), &["Encrypt"]),
    );
    let ask = |token: &str| EncryptRequest {
        key_id: some(&id),
        plaintext: Some(b"4242".to_vec()),
        grant_tokens: vec![token.to_owned()],
        ..Default::default()
    };
    assert!(
        world
            .call(HOME, &ann, &ask(&made.grant_token.unwrap()))
            .is_ok()
    );
    assert_eq!(
        code(world.call(HOME, &ann, &ask("forged"))),
        "InvalidGrantTokenException"
    );
}

#[test]
fn k_205_k_206_the_retiring_principal_and_an_able_grantee_retire() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", &allow(&["s3:*"], &["*"]));
    let bob = world.user(ACCOUNT, "bob", &allow(&["kms:*"], &["*"]));
    let id = id(&key(&mut world, false));
    let mut request = wanted(&id, &user_arn(PARTNER, "far"), &["Encrypt"]);
    request.retiring_principal = Some(user_arn(ACCOUNT, "ann"));
    let made = grant(&mut world, &request);
    let retire = RetireGrantRequest {
        grant_token: made.grant_token,
        ..Default::default()
    };
    assert_eq!(
        code(world.call(HOME, &bob, &retire)),
        "AccessDeniedException"
    );
    world.call(HOME, &ann, &retire).unwrap();
    assert_eq!(
        code(world.call(HOME, &ann, &retire)),
        "InvalidGrantIdException"
    );
    let made = grant(
        &mut world,
        &wanted(&id, &user_arn(ACCOUNT, "ann"), &["Encrypt", "RetireGrant"]),
    );
    let retire = RetireGrantRequest {
        key_id: some(&id),
        grant_id: made.grant_id,
        ..Default::default()
    };
    world.call(HOME, &ann, &retire).unwrap();
}

#[test]
fn k_196_k_199_requests_that_creategrant_refuses() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = id(&key(&mut world, false));
    let ann = user_arn(ACCOUNT, "ann");
    assert_eq!(
        code(world.call(HOME, &root, &wanted(&id, &ann, &["Sign"]))),
        "ValidationException"
    );
    let mut long = wanted(&id, &ann, &["Encrypt"]);
    long.constraints = Some(GrantConstraints {
        encryption_context_equals: pairs(&[("a", &"x".repeat(385))]),
        ..Default::default()
    });
    assert_eq!(code(world.call(HOME, &root, &long)), "ValidationException");
    let mut nobody = wanted(&id, &ann, &["Encrypt"]);
    nobody.grantee_principal = None;
    assert_eq!(
        code(world.call(HOME, &root, &nobody)),
        "ValidationException"
    );
}

#[test]
fn k_210_a_grant_to_another_account_needs_no_more() {
    let mut world = world();
    let far = world.user(PARTNER, "far", &allow(&["s3:*"], &["*"]));
    let key = key(&mut world, false);
    grant(
        &mut world,
        &wanted(&id(&key), &user_arn(PARTNER, "far"), &["Encrypt"]),
    );
    assert!(encrypt(&mut world, HOME, &far, &arn(&key), b"4242").is_ok());
}
