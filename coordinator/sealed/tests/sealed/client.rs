//! The client against a small AWS: what is written, what opens, what is noticed.

use crate::world::*;
use faultline_sealed::{Item, Keyring, PlaintextPolicy, SchemaConfig, SealedError, Suite, Value};

/// What somebody does to a stored item, in words and in code.
type Change = (&'static str, fn(&mut Item));

fn written(world: &World, config: SchemaConfig, keyring: Keyring) -> Item {
    let client = client(config, keyring);
    let put = now(client.put_item(
        world,
        &mut Repeatable::default(),
        &table("eu-west-1"),
        &order(),
    ))
    .unwrap();
    put.stored
}

fn read(world: &World, config: SchemaConfig, keyring: Keyring) -> Result<Item, SealedError> {
    let client = client(config, keyring);
    now(client.get_item(world, &table("us-east-1"), &key(), true))
        .map(|opened| opened.unwrap().item)
}

#[test]
fn cse_026_cse_030_an_item_written_in_one_region_opens_with_the_replica_key_of_another() {
    let world = World::default();
    let stored = written(&world, orders(), mrk(MRK_WEST));
    assert_eq!(
        world.calls(),
        [
            format!("kms.GenerateDataKey eu-west-1 {MRK_WEST}"),
            "dynamodb.PutItem eu-west-1".to_owned()
        ]
    );
    for hidden in ["card", "more"] {
        assert!(matches!(&stored[hidden], Value::B(_)));
    }
    for left in ["id", "at", "state", "note"] {
        assert_eq!(stored[left], order()[left]);
    }

    let reader = client(orders(), mrk(MRK_EAST));
    let opened = now(reader.get_item(&world, &table("us-east-1"), &key(), false))
        .unwrap()
        .unwrap();
    assert_eq!(opened.item, order_again());
    let with = opened.opened_with.unwrap();
    assert_eq!(
        (
            with.key.to_string(),
            with.region.unwrap().as_str(),
            with.data_key
        ),
        (MRK_EAST.to_owned(), "us-east-1", 0)
    );
    assert_eq!(
        world.calls(),
        [
            "dynamodb.GetItem us-east-1".to_owned(),
            format!("kms.Decrypt us-east-1 {MRK_EAST}")
        ]
    );
}

#[test]
fn cse_042_kms_sees_the_keys_of_the_item_and_the_same_context_at_both_ends() {
    let world = World::default();
    written(&world, orders(), mrk(MRK_WEST));
    read(&world, orders(), mrk(MRK_EAST)).unwrap();
    let contexts = world.contexts();
    assert_eq!(contexts[0], contexts[1]);
    let public_key = &contexts[0]["aws-crypto-public-key"];
    assert_eq!(public_key.len(), 68);
    let rest: Vec<(&str, &str)> = contexts[0]
        .iter()
        .filter(|(name, _)| *name != "aws-crypto-public-key")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        rest,
        [
            ("aws-crypto-attr.at", "AAIx"),
            ("aws-crypto-attr.id", "AAFh"),
            ("aws-crypto-partition-name", "id"),
            ("aws-crypto-sort-name", "at"),
            ("aws-crypto-table-name", "orders"),
        ]
    );
}

#[test]
fn cse_022_only_the_public_key_is_stored_in_the_header() {
    let world = World::default();
    let stored = written(&world, orders(), mrk(MRK_WEST));
    let Value::B(head) = &stored["aws_dbe_head"] else {
        panic!()
    };
    // version, flavor, message id, legend of five letters; then one pair of context
    assert_eq!(head[34..43], [0, 5, b's', b's', b'e', b'e', b's', 0, 1]);
    assert_eq!(head[45..66], *b"aws-crypto-public-key");
    // a 64 byte blob makes a data key of 112 bytes (CSE-023)
    let at = head.len() - 32 - 112;
    assert_eq!(head[at - 2..at], [0, 112]);
    let Value::B(foot) = &stored["aws_dbe_foot"] else {
        panic!()
    };
    assert_eq!(foot.len(), 48 + 103);
}

#[test]
fn cse_021_version_two_puts_chosen_attributes_readable_into_the_context() {
    let include = "sign_and_include_in_encryption_context";
    let config = config(&[
        ("id", include),
        ("at", include),
        ("state", include),
        ("card", "encrypt_and_sign"),
        ("more", "sign_only"),
        ("note", "do_nothing"),
    ]);
    let world = World::default();
    let stored = written(&world, config.clone(), mrk(MRK_WEST));
    let Value::B(head) = &stored["aws_dbe_head"] else {
        panic!()
    };
    assert_eq!(head[..2], [2, 1]);
    let context = &world.contexts()[0];
    assert_eq!(context["aws-crypto-attr.id"], "a");
    assert_eq!(context["aws-crypto-attr.at"], "1");
    assert_eq!(context["aws-crypto-attr.state"], "paid");
    assert_eq!(context["aws-crypto-legend"], "NSS");
    assert_eq!(read(&world, config, mrk(MRK_EAST)), Ok(order()));
}

#[test]
fn cse_013_the_suite_without_signature_has_tags_only() {
    let config = SchemaConfig {
        suite: Suite::SymmetricOnly,
        ..orders()
    };
    let world = World::default();
    let stored = written(&world, config.clone(), mrk(MRK_WEST));
    let Value::B(foot) = &stored["aws_dbe_foot"] else {
        panic!()
    };
    assert_eq!(foot.len(), 48);
    assert!(!world.contexts()[0].contains_key("aws-crypto-public-key"));
    // What was written decides, not what the reader would write.
    assert_eq!(read(&world, orders(), mrk(MRK_EAST)), Ok(order_again()));
}

#[test]
fn cse_004_changes_of_what_is_signed_are_noticed_and_of_what_is_not_are_not() {
    let changes: [Change; 8] = [
        ("a signed value", |item| {
            drop(item.insert("state".into(), Value::S("refunded".into())))
        }),
        ("a signed value's type", |item| {
            drop(item.insert("state".into(), Value::B(b"paid".to_vec())))
        }),
        ("a ciphertext", |item| {
            let Some(Value::B(bytes)) = item.get_mut("card") else {
                panic!()
            };
            bytes[5] ^= 1;
        }),
        ("the hidden type", |item| {
            let Some(Value::B(bytes)) = item.get_mut("card") else {
                panic!()
            };
            bytes[1] ^= 3;
        }),
        ("a ciphertext swapped for another", |item| {
            let (card, more) = (item["card"].clone(), item["more"].clone());
            item.insert("card".into(), more);
            item.insert("more".into(), card);
        }),
        ("an attribute removed", |item| drop(item.remove("state"))),
        ("an attribute added", |item| {
            drop(item.insert("extra".into(), Value::Null))
        }),
        ("a ciphertext replaced by plaintext", |item| {
            drop(item.insert("card".into(), Value::S("4000".into())))
        }),
    ];
    for (what, change) in changes {
        let world = World::default();
        written(&world, orders(), mrk(MRK_WEST));
        world.edit(change);
        let error = read(&world, orders(), mrk(MRK_EAST)).unwrap_err();
        assert_eq!(error.code(), "SignatureInvalid", "{what}: {error}");
    }

    let world = World::default();
    written(&world, orders(), mrk(MRK_WEST));
    world.edit(|item| drop(item.insert("note".into(), Value::S("changed".into()))));
    let item = read(&world, orders(), mrk(MRK_EAST)).unwrap();
    assert_eq!(item["note"], Value::S("changed".into()));
}

#[test]
fn cse_016_cse_020_changes_of_header_and_footer_are_noticed_everywhere() {
    let world = World::default();
    let stored = written(&world, orders(), mrk(MRK_WEST));
    for name in ["aws_dbe_head", "aws_dbe_foot"] {
        let Value::B(bytes) = &stored[name] else {
            panic!()
        };
        for at in 0..bytes.len() {
            world.edit(|item| {
                *item = stored.clone();
                let Some(Value::B(bytes)) = item.get_mut(name) else {
                    panic!()
                };
                bytes[at] ^= 0x01;
            });
            let error = read(&world, orders(), mrk(MRK_EAST)).expect_err(&format!("{name} {at}"));
            let codes = [
                "SignatureInvalid",
                "InvalidHeader",
                "NoMatchingKey",
                "InvalidCiphertextException",
            ];
            assert!(codes.contains(&error.code()), "{name} {at}: {error}");
        }
    }
}

#[test]
fn cse_007_an_item_does_not_open_under_another_logical_table_name() {
    let world = World::default();
    written(&world, orders(), mrk(MRK_WEST));
    let elsewhere = SchemaConfig {
        logical_table_name: "customers".to_owned(),
        ..orders()
    };
    let error = read(&world, elsewhere, mrk(MRK_EAST)).unwrap_err();
    assert_eq!(error.code(), "InvalidCiphertextException");
    assert_eq!(error.call().unwrap().operation, "kms.Decrypt");
}

#[test]
fn cse_022_a_changed_key_attribute_breaks_the_kms_decrypt() {
    let world = World::default();
    written(&world, orders(), mrk(MRK_WEST));
    world.edit(|item| drop(item.insert("id".into(), Value::S("b".into()))));
    let mut moved = key();
    moved.insert("id".into(), Value::S("b".into()));
    let reader = client(orders(), mrk(MRK_EAST));
    let error = now(reader.get_item(&world, &table("us-east-1"), &moved, false)).unwrap_err();
    assert_eq!(error.code(), "InvalidCiphertextException");
}

#[test]
fn cse_043_without_a_matching_key_kms_is_not_called() {
    let world = World::default();
    written(&world, orders(), Keyring::Kms(SINGLE_WEST.parse().unwrap()));
    world.calls();
    let error = read(&world, orders(), mrk(MRK_EAST)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "Unable to decrypt data key: No Encrypted Data Keys found to match. \
             Expected: KeyProviderId: aws-kms, KeyProviderInfo: {SINGLE_WEST}"
        )
    );
    assert_eq!(world.calls(), ["dynamodb.GetItem us-east-1"]);
}

#[test]
fn cse_030_a_single_region_key_makes_the_reader_call_the_writers_region() {
    let world = World::default();
    written(&world, orders(), Keyring::Kms(SINGLE_WEST.parse().unwrap()));
    world.calls();
    read(&world, orders(), Keyring::Kms(SINGLE_WEST.parse().unwrap())).unwrap();
    assert_eq!(
        world.calls()[1],
        format!("kms.Decrypt eu-west-1 {SINGLE_WEST}")
    );
}

#[test]
fn cse_029_any_key_of_a_multi_keyring_opens_when_another_region_is_down() {
    let multi = || {
        Keyring::mrk_multi(
            SINGLE_WEST.parse().unwrap(),
            vec![SINGLE_EAST.parse().unwrap()],
        )
        .unwrap()
    };
    let world = World::default();
    let stored = written(&world, orders(), multi());
    assert_eq!(
        world.calls()[..2],
        [
            format!("kms.GenerateDataKey eu-west-1 {SINGLE_WEST}"),
            format!("kms.GenerateDataKey us-east-1 {SINGLE_EAST}")
        ]
    );
    let Value::B(foot) = &stored["aws_dbe_foot"] else {
        panic!()
    };
    assert_eq!(foot.len(), 2 * 48 + 103);

    world.kms_down("eu-west-1");
    let reader = client(orders(), multi());
    let opened = now(reader.get_item(&world, &table("us-east-1"), &key(), false))
        .unwrap()
        .unwrap();
    assert_eq!(opened.opened_with.unwrap().data_key, 1);
    assert_eq!(read(&world, orders(), mrk(SINGLE_EAST)), Ok(order_again()));

    world.kms_down("us-east-1");
    let error = read(&world, orders(), multi()).unwrap_err();
    assert_eq!(error.code(), "AllAttemptsFailed");
}

#[test]
fn a_failed_call_is_passed_on_unchanged() {
    let world = World::default();
    written(&world, orders(), mrk(MRK_WEST));
    world.kms_down("us-east-1");
    let error = read(&world, orders(), mrk(MRK_EAST)).unwrap_err();
    let failure = error.call().unwrap();
    assert_eq!(
        (error.code(), failure.operation, failure.region.as_str()),
        ("ConnectTimeout", "kms.Decrypt", "us-east-1")
    );
    assert_eq!(failure.payload, "reply 7");
    let error = now(client(orders(), mrk(MRK_EAST)).put_item(
        &world,
        &mut Repeatable::default(),
        &table("eu-west-1"),
        &order(),
    ));
    assert_eq!(
        error.unwrap_err().call().unwrap().operation,
        "kms.GenerateDataKey"
    );
}

#[test]
fn cse_006_cse_008_the_plaintext_policy_decides_about_items_without_header() {
    let policy = |plaintext_policy| SchemaConfig {
        plaintext_policy,
        ..orders()
    };
    let force = || policy(PlaintextPolicy::ForceWriteAllowRead);
    let world = World::default();
    let stored = written(&world, force(), mrk(MRK_WEST));
    assert_eq!(stored, order());
    assert_eq!(world.calls(), ["dynamodb.PutItem eu-west-1"]);
    for reading in [force(), policy(PlaintextPolicy::ForbidWriteAllowRead)] {
        assert_eq!(read(&world, reading, mrk(MRK_EAST)), Ok(order()));
    }
    let error = read(&world, orders(), mrk(MRK_EAST)).unwrap_err();
    assert_eq!(error.code(), "PlaintextItem");
    assert_eq!(
        error.to_string(),
        "Encrypted item missing expected header and footer attributes"
    );
}

#[test]
fn what_does_not_fit_the_schema_is_refused_before_any_call() {
    let mut without_key = order();
    without_key.remove("at");
    let mut unknown = order();
    unknown.insert("surprise".into(), Value::Null);
    let mut reserved = order();
    reserved.insert("aws_dbe_x".into(), Value::Null);
    let mut no_number = order();
    no_number.insert("card".into(), Value::N("four".into()));
    let refusals = [
        (
            without_key,
            "On Encrypt : Sort key 'at' does not exist in item. Item contains these attributes : card id more note state.",
        ),
        (
            unknown,
            "No Crypto Action configured for attribute surprise",
        ),
        (
            reserved,
            "Writing reserved attributes not allowed : aws_dbe_x",
        ),
        (no_number, "'four' is not a valid number."),
    ];
    let world = World::default();
    for (item, words) in refusals {
        let client = client(orders(), mrk(MRK_WEST));
        let error = now(client.put_item(
            &world,
            &mut Repeatable::default(),
            &table("eu-west-1"),
            &item,
        ))
        .unwrap_err();
        assert_eq!(
            (error.code(), error.to_string().as_str()),
            ("SchemaViolation", words)
        );
    }
    assert!(world.calls().is_empty());
}

#[test]
fn an_item_that_is_not_there_is_none() {
    let world = World::default();
    let reader = client(orders(), mrk(MRK_EAST));
    assert_eq!(
        now(reader.get_item(&world, &table("us-east-1"), &key(), true)),
        Ok(None)
    );
    assert_eq!(world.calls(), ["dynamodb.GetItem us-east-1"]);
}

/// Golden bytes: the same entropy gives the same item, in every run and every version.
/// A difference means that items written before can no longer be read, or runs no longer
/// be compared. `UPDATE_GOLDENS=1` writes the file again.
#[test]
fn the_same_entropy_gives_the_same_item_for_ever() {
    let stored = written(&World::default(), orders(), mrk(MRK_WEST));
    let mut golden = String::new();
    for name in ["card", "more", "aws_dbe_head", "aws_dbe_foot"] {
        let Value::B(bytes) = &stored[name] else {
            panic!("{name} is stored as bytes")
        };
        golden += &format!("{name}\n");
        for line in bytes.chunks(32) {
            golden += &format!("  {}\n", hex::encode(line));
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sealed/golden/order.txt");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(path, &golden).unwrap();
    }
    assert_eq!(golden, std::fs::read_to_string(path).unwrap());
}
