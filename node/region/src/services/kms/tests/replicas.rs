//! ReplicateKey and what members know of each other.

use faultline_proto::kms::{DisableKeyRequest, GetKeyPolicyRequest, PutKeyPolicyRequest};
use serde_json::json;

use super::*;
use crate::testing::Crash;
use crate::testing::people::allow;

fn members(world: &mut World, region: &str, key: &str) -> Vec<String> {
    let set = describe(world, region, key)
        .unwrap()
        .multi_region_configuration
        .unwrap();
    let mut regions: Vec<String> = set
        .replica_keys
        .into_iter()
        .filter_map(|replica| replica.region)
        .collect();
    regions.insert(0, format!("{}*", set.primary_key.unwrap().region.unwrap()));
    regions
}

#[test]
fn k_104_k_105_a_replica_begins_in_creating_with_the_defaults() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = id(&key(&mut world, true));
    let made = replicate(&mut world, HOME, &id, FAR).unwrap();
    assert_eq!(
        made.arn.unwrap(),
        format!("arn:aws:kms:{FAR}:{ACCOUNT}:key/{id}")
    );
    assert_eq!(
        (made.key_state.as_deref(), made.enabled),
        (Some("Creating"), Some(false))
    );
    assert_eq!(
        (made.current_key_material_id, made.description.as_deref()),
        (None, Some(""))
    );
    assert_eq!(
        members(&mut world, HOME, &id),
        [format!("{HOME}*"), FAR.to_owned()]
    );
    let creating = format!("arn:aws:kms:{FAR}:{ACCOUNT}:key/{id} is creating.");
    assert_eq!(
        no(encrypt(&mut world, FAR, &root, &id, b"4242")),
        ("KMSInvalidStateException".to_owned(), creating)
    );
    world.advance(10);
    assert_eq!(state(&mut world, FAR, &id), "Enabled");
    let policy = world
        .call(
            FAR,
            &root,
            &GetKeyPolicyRequest {
                key_id: some(&id),
                ..Default::default()
            },
        )
        .unwrap();
    let policy = policy.policy.unwrap();
    assert!(policy.contains("key-default-1") && policy.contains("Enable IAM User Permissions"));
}

#[test]
fn k_074_k_075_related_keys_open_each_others_ciphertext() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = id(&key(&mut world, true));
    let before = encrypt(&mut world, HOME, &root, &id, b"4242").unwrap();
    replicate(&mut world, HOME, &id, FAR).unwrap();
    world.advance(10);
    let call = DecryptRequest {
        ciphertext_blob: Some(before),
        ..Default::default()
    };
    let opened = world.call(FAR, &root, &call).unwrap();
    assert_eq!(opened.plaintext.as_deref(), Some(b"4242".as_slice()));
    assert_eq!(
        opened.key_id.unwrap(),
        format!("arn:aws:kms:{FAR}:{ACCOUNT}:key/{id}")
    );
    let after = encrypt(&mut world, FAR, &root, &id, b"2424").unwrap();
    assert_eq!(decrypt(&mut world, HOME, &root, &after).unwrap(), b"2424");
    let look =
        |world: &mut World, region: &str| world.look(region, "replicas", &json!({ "key": id }));
    let (home, far) = (look(&mut world, HOME), look(&mut world, FAR));
    assert_eq!(home["materials"], far["materials"]);
    assert_eq!(look(&mut world, THIRD)["here"], json!(false));
}

#[test]
fn k_076_the_primarys_arn_is_invalid_elsewhere() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = family(&mut world, &[FAR]);
    let primary = format!("arn:aws:kms:{HOME}:{ACCOUNT}:key/{id}");
    let refused = no(encrypt(&mut world, FAR, &root, &primary, b"4242"));
    assert_eq!(
        refused,
        (
            "NotFoundException".to_owned(),
            format!("Invalid arn {HOME}")
        )
    );
}

#[test]
fn k_097_k_098_k_099_k_100_what_replicatekey_refuses() {
    let mut world = world();
    let id_multi = family(&mut world, &[FAR]);
    let text =
        format!("arn:aws:kms:{FAR}:{ACCOUNT}:key/{id_multi} is not a multi-region primary key.");
    let unsupported = ("UnsupportedOperationException".to_owned(), text);
    assert_eq!(
        no(replicate(&mut world, FAR, &id_multi, THIRD)),
        unsupported
    );
    let single = id(&key(&mut world, false));
    assert_eq!(
        code(replicate(&mut world, HOME, &single, FAR)),
        "UnsupportedOperationException"
    );
    assert_eq!(
        code(replicate(&mut world, HOME, &id_multi, FAR)),
        "AlreadyExistsException"
    );
    assert_eq!(
        code(replicate(&mut world, HOME, &id_multi, HOME)),
        "AlreadyExistsException"
    );
    assert_eq!(
        code(replicate(&mut world, HOME, &id_multi, "eu-north-1")),
        "UnsupportedOperationException"
    );
}

#[test]
fn k_107_k_109_k_125_state_and_policy_are_each_members_own() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = family(&mut world, &[FAR]);
    world
        .call(HOME, &root, &DisableKeyRequest { key_id: some(&id) })
        .unwrap();
    assert_eq!(
        code(encrypt(&mut world, HOME, &root, &id, b"4242")),
        "DisabledException"
    );
    world.isolate(HOME);
    assert!(encrypt(&mut world, FAR, &root, &id, b"4242").is_ok());
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") },
        "Action": ["kms:PutKeyPolicy", "kms:Describe*"], "Resource": "*",
    }] });
    let put = PutKeyPolicyRequest {
        key_id: some(&id),
        policy: some(&policy.to_string()),
        ..Default::default()
    };
    world.call(FAR, &root, &put).unwrap();
    assert_eq!(
        code(encrypt(&mut world, FAR, &root, &id, b"4242")),
        "AccessDeniedException"
    );
    assert_eq!(state(&mut world, HOME, &id), "Disabled");
}

#[test]
fn k_102_k_267_replicating_needs_createkey_in_the_other_region_and_is_recorded_there() {
    let mut world = world();
    let half = world.user(ACCOUNT, "half", &allow(&["kms:ReplicateKey"], &["*"]));
    let whole = world.user(
        ACCOUNT,
        "whole",
        &allow(
            &["kms:ReplicateKey", "kms:CreateKey", "kms:PutKeyPolicy"],
            &["*"],
        ),
    );
    let id = id(&key(&mut world, true));
    let request = ReplicateKeyRequest {
        key_id: some(&id),
        replica_region: some(FAR),
        ..Default::default()
    };
    let (refused, message) = no(world.call(HOME, &half, &request));
    assert_eq!(refused, "AccessDeniedException");
    assert!(
        message.contains("not authorized to perform: kms:CreateKey"),
        "{message}"
    );
    world.advance(1);
    assert_eq!(members(&mut world, HOME, &id), [format!("{HOME}*")]);
    world.call(HOME, &whole, &request).unwrap();
    let events: Vec<(&str, &str, &str)> = world
        .audit
        .iter()
        .filter(|event| ["ReplicateKey", "CreateKey"].contains(&event.event_name.as_str()))
        .map(|event| {
            (
                event.event_name.as_str(),
                event.region.as_str(),
                event.error_code.as_str(),
            )
        })
        .collect();
    let denied = "AccessDenied";
    assert_eq!(
        events,
        [
            ("CreateKey", HOME, ""),
            ("CreateKey", FAR, denied),
            ("ReplicateKey", HOME, denied),
            ("CreateKey", FAR, ""),
            ("ReplicateKey", HOME, "")
        ]
    );
    let event = world
        .audit
        .iter()
        .rfind(|event| event.event_name == "ReplicateKey")
        .unwrap();
    assert!(
        event.response_elements.contains("Creating"),
        "{}",
        event.response_elements
    );
    assert_eq!(
        event.resources,
        [format!("arn:aws:kms:{HOME}:{ACCOUNT}:key/{id}")]
    );
}

#[test]
fn all_members_learn_of_each_other_whatever_the_order() {
    let mut world = world();
    let id = id(&key(&mut world, true));
    let root = world.root(ACCOUNT);
    world.network.duplicate(true);
    let ask = |region: &str| ReplicateKeyRequest {
        key_id: some(&id),
        replica_region: some(region),
        ..Default::default()
    };
    let one = world.begin(HOME, &root, &ask(FAR));
    let two = world.begin(HOME, &root, &ask(THIRD));
    world.network.reverse();
    world.finish::<ReplicateKeyRequest>(&one).unwrap();
    world.finish::<ReplicateKeyRequest>(&two).unwrap();
    world.advance(10);
    let mut all = vec![format!("{HOME}*"), THIRD.to_owned(), FAR.to_owned()];
    all[1..].sort();
    for region in [HOME, FAR, THIRD] {
        assert_eq!(members(&mut world, region, &id), all, "as {region} sees it");
    }
}

#[test]
fn a_replica_whose_region_does_not_answer_is_found_later() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = id(&key(&mut world, true));
    world.cut(HOME, FAR);
    let failure = replicate(&mut world, HOME, &id, FAR).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.definite),
        ("DependencyTimeoutException", false)
    );
    world.advance(300);
    world.heal(HOME, FAR);
    world.advance(120);
    assert_eq!(state(&mut world, FAR, &id), "Enabled");
    assert_eq!(
        members(&mut world, HOME, &id),
        [format!("{HOME}*"), FAR.to_owned()]
    );
    let blob = encrypt(&mut world, HOME, &root, &id, b"4242").unwrap();
    assert_eq!(decrypt(&mut world, FAR, &root, &blob).unwrap(), b"4242");
}

#[test]
fn a_crash_at_any_point_of_a_replication_ends_with_views_that_agree() {
    for region in [HOME, FAR] {
        for crash in [Crash::BeforeCommit, Crash::AfterCommit] {
            for messages in 0..4 {
                let mut world = world();
                let root = world.root(ACCOUNT);
                let id = id(&key(&mut world, true));
                let request = ReplicateKeyRequest {
                    key_id: some(&id),
                    replica_region: some(FAR),
                    ..Default::default()
                };
                let call = world.begin(HOME, &root, &request);
                for _ in 0..messages {
                    world.deliver_one();
                }
                world.crash_next(region, crash);
                world.settle();
                world.restart(region);
                world.advance(180);
                let place = format!("{region} {crash:?} after {messages}");
                let seen = members(&mut world, HOME, &id);
                assert_eq!(seen, [format!("{HOME}*"), FAR.to_owned()], "{place}");
                assert_eq!(members(&mut world, FAR, &id), seen, "{place}");
                assert_eq!(state(&mut world, FAR, &id), "Enabled", "{place}");
                assert!(world.outcome(&call).is_some(), "{place}");
            }
        }
    }
}
