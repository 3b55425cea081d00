//! Tags, descriptions, aliases that move, and pages of lists.

use faultline_proto::kms::{
    CreateAliasRequest, CreateGrantRequest, ListAliasesRequest, ListGrantsRequest,
    ListKeyPoliciesRequest, ListKeysRequest, ListResourceTagsRequest, ListRetirableGrantsRequest,
    Tag, TagResourceRequest, UntagResourceRequest, UpdateAliasRequest, UpdateKeyDescriptionRequest,
};

use super::*;
use crate::testing::PARTNER;
use crate::testing::people::allow;

fn tag(key: &str, value: &str) -> Tag {
    Tag {
        tag_key: some(key),
        tag_value: some(value),
    }
}

fn put(world: &mut World, key: &str, tags: Vec<Tag>) -> Result<(), Failure> {
    let root = world.root(ACCOUNT);
    let request = TagResourceRequest {
        key_id: some(key),
        tags,
    };
    world.call(HOME, &root, &request).map(|_| ())
}

fn tags(world: &mut World, key: &str, limit: Option<i32>) -> Vec<String> {
    let root = world.root(ACCOUNT);
    let mut names = Vec::new();
    let mut marker = None;
    loop {
        let request = ListResourceTagsRequest {
            key_id: some(key),
            limit,
            marker,
        };
        let answer = world.call(HOME, &root, &request).unwrap();
        names.extend(
            answer
                .tags
                .into_iter()
                .map(|tag| format!("{}={}", tag.tag_key.unwrap(), tag.tag_value.unwrap())),
        );
        assert_eq!(answer.truncated, Some(answer.next_marker.is_some()));
        match answer.next_marker {
            None => return names,
            next => marker = next,
        }
    }
}

#[test]
fn k_031_tags_are_added_replaced_removed_and_listed_in_pages() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = id(&key(&mut world, false));
    put(&mut world, &key, vec![tag("a", "1"), tag("b", "2")]).unwrap();
    put(&mut world, &key, vec![tag("b", "3"), tag("c", "")]).unwrap();
    assert_eq!(tags(&mut world, &key, Some(2)), ["a=1", "b=3", "c="]);
    let request = UntagResourceRequest {
        key_id: some(&key),
        tag_keys: vec!["a".to_owned(), "never".to_owned()],
    };
    world.call(HOME, &root, &request).unwrap();
    assert_eq!(tags(&mut world, &key, None), ["b=3", "c="]);
}

#[test]
fn k_031_reserved_duplicate_and_too_many_tags_are_refused() {
    let mut world = world();
    let key = id(&key(&mut world, false));
    let refused = |text: &str| ("TagException".to_owned(), text.to_owned());
    for reserved in ["aws:x", "AWS:x", "Aws:"] {
        let got = put(&mut world, &key, vec![tag(reserved, "1")]);
        assert_eq!(no(got), refused("Tags beginning with aws: are reserved"));
    }
    let twice = put(&mut world, &key, vec![tag("a", "1"), tag("a", "2")]);
    assert_eq!(no(twice), refused("Duplicate tag keys"));
    let many: Vec<Tag> = (0..50).map(|at| tag(&format!("k{at}"), "v")).collect();
    put(&mut world, &key, many).unwrap();
    let more = put(&mut world, &key, vec![tag("one-more", "v")]);
    assert_eq!(no(more), refused("Too many tags"));
    assert_eq!(
        code(put(&mut world, &key, vec![tag(&"x".repeat(129), "v")])),
        "ValidationException"
    );
}

#[test]
fn k_333_a_description_is_replaced() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = id(&key(&mut world, false));
    let request = UpdateKeyDescriptionRequest {
        key_id: some(&key),
        description: some("cards"),
    };
    world.call(HOME, &root, &request).unwrap();
    let described = describe(&mut world, HOME, &key).unwrap();
    assert_eq!(described.description.as_deref(), Some("cards"));
}

fn alias(world: &mut World, name: &str, key: &str) -> Result<(), Failure> {
    let root = world.root(ACCOUNT);
    let request = CreateAliasRequest {
        alias_name: some(name),
        target_key_id: some(key),
    };
    world.call(HOME, &root, &request).map(|_| ())
}

fn move_alias(world: &mut World, name: &str, key: &str) -> Result<(), Failure> {
    let root = world.root(ACCOUNT);
    let request = UpdateAliasRequest {
        alias_name: some(name),
        target_key_id: some(key),
    };
    world.call(HOME, &root, &request).map(|_| ())
}

#[test]
fn k_071_k_163_an_alias_moves_to_another_key_and_decrypt_by_alias_breaks() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let (old, new) = (id(&key(&mut world, false)), id(&key(&mut world, false)));
    alias(&mut world, "alias/cards", &old).unwrap();
    let blob = encrypt(&mut world, HOME, &root, "alias/cards", b"4242").unwrap();
    move_alias(&mut world, "alias/cards", &new).unwrap();
    let by_alias = DecryptRequest {
        key_id: some("alias/cards"),
        ciphertext_blob: Some(blob.clone()),
        ..Default::default()
    };
    assert_eq!(
        code(world.call(HOME, &root, &by_alias)),
        "IncorrectKeyException"
    );
    assert_eq!(decrypt(&mut world, HOME, &root, &blob).unwrap(), b"4242");
    let described = describe(&mut world, HOME, "alias/cards").unwrap();
    assert_eq!(described.key_id, some(&new));
    let missing = move_alias(&mut world, "alias/none", &new);
    let text = format!("Alias arn:aws:kms:{HOME}:{ACCOUNT}:alias/none is not found");
    assert_eq!(no(missing), ("NotFoundException".to_owned(), text));
}

#[test]
fn k_026_a_key_has_at_most_fifty_aliases_however_they_come() {
    let mut world = world();
    let (full, other) = (id(&key(&mut world, false)), id(&key(&mut world, false)));
    for at in 0..50 {
        alias(&mut world, &format!("alias/a{at}"), &full).unwrap();
    }
    assert_eq!(
        code(alias(&mut world, "alias/more", &full)),
        "LimitExceededException"
    );
    alias(&mut world, "alias/other", &other).unwrap();
    assert_eq!(
        code(move_alias(&mut world, "alias/other", &full)),
        "LimitExceededException"
    );
}

#[test]
fn k_332_update_alias_asks_for_the_alias_and_both_keys() {
    let mut world = world();
    let (old, new) = (key(&mut world, false), key(&mut world, false));
    alias(&mut world, "alias/cards", &id(&old)).unwrap();
    let on_alias = format!("arn:aws:kms:{HOME}:{ACCOUNT}:alias/cards");
    let all = [on_alias, arn(&old), arn(&new)];
    let request = UpdateAliasRequest {
        alias_name: some("alias/cards"),
        target_key_id: new.key_id.clone(),
    };
    for (at, left_out) in all.iter().enumerate() {
        let rest: Vec<&str> = all
            .iter()
            .filter(|one| *one != left_out)
            .map(String::as_str)
            .collect();
        let policy = allow(&["kms:UpdateAlias"], &rest);
        let user = world.user(ACCOUNT, &format!("user{at}"), &policy);
        assert_eq!(
            code(world.call(HOME, &user, &request)),
            "AccessDeniedException",
            "{left_out}"
        );
    }
    let every: Vec<&str> = all.iter().map(String::as_str).collect();
    let user = world.user(ACCOUNT, "all", &allow(&["kms:UpdateAlias"], &every));
    world.call(HOME, &user, &request).unwrap();
}

#[test]
fn k_034_pages_have_the_limits_of_their_list() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = id(&key(&mut world, false));
    let too_long = |limit: i32, most: i32| {
        let text = format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value less than or equal to {most}"
        );
        ("ValidationException".to_owned(), text)
    };
    let aliases = ListAliasesRequest {
        limit: Some(101),
        ..Default::default()
    };
    assert_eq!(no(world.call(HOME, &root, &aliases)), too_long(101, 100));
    let grants = ListGrantsRequest {
        key_id: some(&key),
        limit: Some(101),
        ..Default::default()
    };
    assert_eq!(no(world.call(HOME, &root, &grants)), too_long(101, 100));
    let tags = ListResourceTagsRequest {
        key_id: some(&key),
        limit: Some(51),
        ..Default::default()
    };
    assert_eq!(no(world.call(HOME, &root, &tags)), too_long(51, 50));
    let keys = ListKeysRequest {
        limit: Some(1000),
        ..Default::default()
    };
    assert_eq!(
        world.call(HOME, &root, &keys).unwrap().truncated,
        Some(false)
    );
    let junk = ListKeysRequest {
        marker: some("%%%"),
        ..Default::default()
    };
    assert_eq!(
        code(world.call(HOME, &root, &junk)),
        "InvalidMarkerException"
    );
    let policies = ListKeyPoliciesRequest {
        key_id: some(&key),
        ..Default::default()
    };
    let answer = world.call(HOME, &root, &policies).unwrap();
    assert_eq!(
        (answer.policy_names, answer.truncated),
        (vec!["default".to_owned()], Some(false))
    );
    let policies = ListKeyPoliciesRequest {
        marker: some("ZGVmYXVsdA=="),
        ..policies
    };
    assert_eq!(
        code(world.call(HOME, &root, &policies)),
        "InvalidMarkerException"
    );
}

#[test]
fn k_207_retirable_grants_are_listed_over_all_keys_by_iam_of_the_principals_account() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let retiring = format!("arn:aws:iam::{PARTNER}:root");
    for _ in 0..3 {
        let key = id(&key(&mut world, false));
        for name in [&retiring, &format!("arn:aws:iam::{ACCOUNT}:root")] {
            let request = CreateGrantRequest {
                key_id: some(&key),
                operations: vec!["Decrypt".to_owned()],
                grantee_principal: some(&format!("arn:aws:iam::{ACCOUNT}:root")),
                retiring_principal: some(name),
                ..Default::default()
            };
            world.call(HOME, &root, &request).unwrap();
        }
    }
    let partner = world.root(PARTNER);
    let mut request = ListRetirableGrantsRequest {
        retiring_principal: some(&retiring),
        limit: Some(2),
        ..Default::default()
    };
    assert_eq!(
        code(world.call(HOME, &root, &request)),
        "AccessDeniedException"
    );
    let first = world.call(HOME, &partner, &request).unwrap();
    request.marker.clone_from(&first.next_marker);
    let second = world.call(HOME, &partner, &request).unwrap();
    assert_eq!((first.grants.len(), second.grants.len()), (2, 1));
    assert_eq!(
        (first.truncated, second.truncated),
        (Some(true), Some(false))
    );
    let nobody = ListRetirableGrantsRequest::default();
    assert_eq!(
        code(world.call(HOME, &partner, &nobody)),
        "ValidationException"
    );
    let on_others = allow(
        &["kms:ListRetirableGrants"],
        &["arn:aws:iam::222222222222:user/somebody"],
    );
    let user = world.user(PARTNER, "clerk", &on_others);
    request.marker = None;
    assert_eq!(
        code(world.call(HOME, &user, &request)),
        "AccessDeniedException"
    );
}
