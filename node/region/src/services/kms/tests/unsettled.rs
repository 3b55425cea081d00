//! Changes that count late (K-194, K-203, K-251, K-252, K-359).

use faultline_proto::driving::{DelayEffects, Fault, fault};
use faultline_proto::kms::{
    CreateAliasRequest, CreateGrantRequest, GetParametersForImportRequest, ListResourceTagsRequest,
    Tag, TagResourceRequest, UpdateAliasRequest,
};

use super::*;
use crate::testing::people::allow;

const MINUTE: u64 = 60;

/// Changes at home count five minutes later from now on.
pub(super) fn slow(world: &mut World) {
    let fault = Fault {
        name: "kms_propagation_delay".to_owned(),
        service: "kms".to_owned(),
        effect: Some(fault::Effect::DelayEffects(DelayEffects {
            by: 5 * MINUTE * 1_000_000,
        })),
        ..Default::default()
    };
    world.set_faults(HOME, vec![fault]);
}

fn grant(key: &str, name: &str) -> CreateGrantRequest {
    CreateGrantRequest {
        key_id: some(key),
        operations: vec!["Encrypt".to_owned()],
        grantee_principal: some(&format!("arn:aws:iam::{ACCOUNT}:user/{name}")),
        ..Default::default()
    }
}

#[test]
fn k_252_k_359_a_new_grant_needs_its_token_for_a_while() {
    let mut world = world();
    let (root, ann) = (
        world.root(ACCOUNT),
        world.user(ACCOUNT, "ann", &allow(&["s3:*"], &["*"])),
    );
    let key = id(&key(&mut world, false));
    let ask = |tokens: Vec<String>| EncryptRequest {
        key_id: some(&key),
        plaintext: Some(b"4242".to_vec()),
        grant_tokens: tokens,
        ..Default::default()
    };
    slow(&mut world);
    let made = world.call(HOME, &root, &grant(&key, "ann")).unwrap();
    // What was changed under the fault stays late when it heals.
    world.set_faults(HOME, Vec::new());
    let token = made.grant_token.unwrap();
    assert_eq!(
        code(world.call(HOME, &ann, &ask(vec![]))),
        "AccessDeniedException"
    );
    world.call(HOME, &ann, &ask(vec![token.clone()])).unwrap();
    assert_eq!(
        code(world.call(HOME, &ann, &ask(vec![]))),
        "AccessDeniedException",
        "a token helps the call that brings it"
    );
    world.advance(5 * MINUTE);
    world.call(HOME, &ann, &ask(vec![])).unwrap();
    // Another's token is no help.
    let bob = world.user(ACCOUNT, "bob", &allow(&["s3:*"], &["*"]));
    assert_eq!(
        code(world.call(HOME, &bob, &ask(vec![token]))),
        "AccessDeniedException"
    );
}

#[test]
fn k_194_k_252_decisions_see_tags_and_aliases_late_and_lists_at_once() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let only_when = |key: &str, value: &str| {
        serde_json::json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*",
              "Condition": { "ForAnyValue:StringEquals": { key: value } } },
        ] })
        .to_string()
    };
    let by_tag = world.user(ACCOUNT, "by-tag", &only_when("aws:ResourceTag/team", "pay"));
    let by_alias = only_when("kms:ResourceAliases", "alias/cards");
    let by_alias = world.user(ACCOUNT, "by-alias", &by_alias);
    let (old, new) = (id(&key(&mut world, false)), id(&key(&mut world, false)));
    let request = CreateAliasRequest {
        alias_name: some("alias/cards"),
        target_key_id: some(&old),
    };
    world.call(HOME, &root, &request).unwrap();
    let may = |world: &mut World, who: &Credential, key: &str| {
        encrypt(world, HOME, who, key, b"4242").is_ok()
    };
    assert!(
        may(&mut world, &by_alias, &old),
        "without the fault at once"
    );
    slow(&mut world);
    let request = TagResourceRequest {
        key_id: some(&new),
        tags: vec![Tag {
            tag_key: some("team"),
            tag_value: some("pay"),
        }],
    };
    world.call(HOME, &root, &request).unwrap();
    world.advance(MINUTE);
    let request = UpdateAliasRequest {
        alias_name: some("alias/cards"),
        target_key_id: some(&new),
    };
    world.call(HOME, &root, &request).unwrap();
    let request = ListResourceTagsRequest {
        key_id: some(&new),
        ..Default::default()
    };
    assert_eq!(world.call(HOME, &root, &request).unwrap().tags.len(), 1);
    let seen = |world: &mut World| {
        (
            may(world, &by_tag, &new),
            may(world, &by_alias, &new),
            may(world, &by_alias, &old),
        )
    };
    assert_eq!(seen(&mut world), (false, false, true), "as it was");
    world.advance(4 * MINUTE);
    assert_eq!(seen(&mut world), (true, false, true), "the tag counts");
    world.advance(MINUTE);
    assert_eq!(seen(&mut world), (true, true, false), "the alias has moved");
}

#[test]
fn k_251_a_new_key_is_not_found_for_a_while() {
    let mut world = world();
    slow(&mut world);
    let root = world.root(ACCOUNT);
    let request = CreateKeyRequest {
        origin: some("EXTERNAL"),
        ..Default::default()
    };
    let made = world.call(HOME, &root, &request).unwrap();
    let key = id(&made.key_metadata.unwrap());
    let request = GetParametersForImportRequest {
        key_id: some(&key),
        wrapping_algorithm: some("RSAES_OAEP_SHA_256"),
        wrapping_key_spec: some("RSA_2048"),
    };
    let text = format!("Key 'arn:aws:kms:{HOME}:{ACCOUNT}:key/{key}' does not exist");
    assert_eq!(
        no(world.call(HOME, &root, &request)),
        ("NotFoundException".to_owned(), text)
    );
    world.advance(5 * MINUTE);
    world.call(HOME, &root, &request).unwrap();
}
