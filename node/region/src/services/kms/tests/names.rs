//! Identifiers and aliases.

use faultline_proto::kms::{
    CreateAliasRequest, CreateKeyRequest, DeleteAliasRequest, DisableKeyRequest,
    ListAliasesRequest, ListKeysRequest, Tag,
};

use super::*;

#[test]
fn k_017_k_032_k_093_ids_and_metadata_of_both_kinds() {
    let mut world = world();
    let single = key(&mut world, false);
    assert_eq!(
        arn(&single),
        format!("arn:aws:kms:{HOME}:{ACCOUNT}:key/{}", id(&single))
    );
    assert_eq!(
        (single.multi_region, single.multi_region_configuration),
        (Some(false), None)
    );
    assert_eq!(single.current_key_material_id.map(|id| id.len()), Some(64));
    let multi = key(&mut world, true);
    assert!(id(&multi).starts_with("mrk-") && id(&multi).len() == 36);
    let set = multi.multi_region_configuration.clone().unwrap();
    assert_eq!(set.multi_region_key_type.as_deref(), Some("PRIMARY"));
    assert_eq!(set.primary_key.unwrap().arn, multi.arn);
    assert!(set.replica_keys.is_empty());
}

#[test]
fn k_019_k_020_k_021_k_028_what_is_not_there() {
    let mut world = world();
    let not_found = |message: &str| ("NotFoundException".to_owned(), message.to_owned());
    let uuid = "134f2428-cec1-4b25-a1ae-9048164dba47";
    let here = format!("arn:aws:kms:{HOME}:{ACCOUNT}:key/{uuid}");
    assert_eq!(
        no(describe(&mut world, HOME, "fake-key-id")),
        not_found("Invalid keyId 'fake-key-id'")
    );
    assert_eq!(
        no(describe(&mut world, HOME, uuid)),
        not_found(&format!("Key '{here}' does not exist"))
    );
    let there = format!("arn:aws:kms:{FAR}:{ACCOUNT}:key/{uuid}");
    assert_eq!(
        no(describe(&mut world, HOME, &there)),
        not_found(&format!("Invalid arn {FAR}"))
    );
    let alias = format!("Alias arn:aws:kms:{HOME}:{ACCOUNT}:alias/none is not found");
    assert_eq!(
        no(describe(&mut world, HOME, "alias/none")),
        not_found(&alias)
    );
}

#[test]
fn k_022_a_key_is_not_seen_from_another_region() {
    let mut world = world();
    let id = id(&key(&mut world, true));
    assert_eq!(code(describe(&mut world, FAR, &id)), "NotFoundException");
}

#[test]
fn k_023_k_027_k_030_aliases_are_names_of_one_key() {
    let mut world = world();
    let (root, key) = (world.root(ACCOUNT), key(&mut world, false));
    let create = |name: &str| CreateAliasRequest {
        alias_name: some(name),
        target_key_id: key.key_id.clone(),
    };
    world.call(HOME, &root, &create("alias/payments")).unwrap();
    let again = no(world.call(HOME, &root, &create("alias/payments")));
    let text = format!(
        "An alias with the name arn:aws:kms:{HOME}:{ACCOUNT}:alias/payments already exists"
    );
    assert_eq!(again, ("AlreadyExistsException".to_owned(), text));
    assert_eq!(
        code(world.call(HOME, &root, &create("payments"))),
        "ValidationException"
    );
    assert_eq!(
        code(world.call(HOME, &root, &create("alias/aws/mine"))),
        "InvalidAliasNameException"
    );

    let blob = encrypt(&mut world, HOME, &root, "alias/payments", b"4242").unwrap();
    assert_eq!(decrypt(&mut world, HOME, &root, &blob).unwrap(), b"4242");
    let disable = DisableKeyRequest {
        key_id: some("alias/payments"),
    };
    assert_eq!(
        no(world.call(HOME, &root, &disable)).1,
        "Invalid keyId 'alias/payments'"
    );

    let listed = world
        .call(HOME, &root, &ListAliasesRequest::default())
        .unwrap()
        .aliases;
    // K-007: AWS's own names are listed too, without a key.
    let targets: Vec<_> = listed
        .into_iter()
        .filter_map(|entry| entry.target_key_id)
        .collect();
    assert_eq!(targets, [id(&key)]);
    world
        .call(
            HOME,
            &root,
            &DeleteAliasRequest {
                alias_name: some("alias/payments"),
            },
        )
        .unwrap();
    assert_eq!(state(&mut world, HOME, &id(&key)), "Enabled");
    let gone = no(world.call(
        HOME,
        &root,
        &DeleteAliasRequest {
            alias_name: some("alias/payments"),
        },
    ));
    assert_eq!(gone.0, "NotFoundException");
}

#[test]
fn k_013_k_014_k_031_requests_that_createkey_refuses() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let mut refuse = |request: CreateKeyRequest| no(world.call(HOME, &root, &request));
    let spec = |spec: &str, usage: Option<&str>| CreateKeyRequest {
        key_spec: some(spec),
        key_usage: usage.map(str::to_owned),
        ..Default::default()
    };
    let validation = |text: &str| ("ValidationException".to_owned(), text.to_owned());
    let must =
        "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.";
    assert_eq!(refuse(spec("HMAC_256", None)), validation(must));
    let unfit = "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048";
    assert_eq!(
        refuse(spec("RSA_2048", Some("KEY_AGREEMENT"))),
        validation(unfit)
    );
    assert_eq!(
        refuse(spec("SM2", Some("SIGN_VERIFY"))).0,
        "UnsupportedOperationException"
    );
    let tagged = |tags: &[&str]| CreateKeyRequest {
        tags: tags
            .iter()
            .map(|key| Tag {
                tag_key: some(key),
                tag_value: some("v"),
            })
            .collect(),
        ..Default::default()
    };
    let tag = |text: &str| ("TagException".to_owned(), text.to_owned());
    assert_eq!(
        refuse(tagged(&["AWS:mine"])),
        tag("Tags beginning with aws: are reserved")
    );
    assert_eq!(refuse(tagged(&["a", "a"])), tag("Duplicate tag keys"));
}

#[test]
fn k_034_listkeys_pages() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    for _ in 0..5 {
        key(&mut world, false);
    }
    let mut seen = Vec::new();
    let mut marker = None;
    loop {
        let page = world
            .call(
                HOME,
                &root,
                &ListKeysRequest {
                    limit: Some(2),
                    marker,
                },
            )
            .unwrap();
        seen.extend(page.keys.into_iter().map(|entry| entry.key_arn));
        assert_eq!(page.truncated, Some(page.next_marker.is_some()));
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 5);
    let bad = ListKeysRequest {
        limit: None,
        marker: some("?"),
    };
    assert_eq!(
        code(world.call(HOME, &root, &bad)),
        "InvalidMarkerException"
    );
}
