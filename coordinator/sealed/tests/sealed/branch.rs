//! The hierarchical keyring: how branch keys are made, fetched, kept and rotated.

use std::collections::BTreeMap;

use crate::world::*;
use faultline_sealed::{
    BranchKeyCache, BranchKeyId, Hierarchy, KeyStore, Keyring, KmsConfiguration, SealedError,
    TableAt, Value,
};

fn store(kms: KmsConfiguration) -> KeyStore {
    KeyStore {
        table: TableAt {
            name: "keys".to_owned(),
            ..table("eu-west-1")
        },
        logical_name: "branch-keys".to_owned(),
        kms,
    }
}

fn west() -> KmsConfiguration {
    KmsConfiguration::MrkArn(MRK_WEST.parse().unwrap())
}

fn hierarchy(kms: KmsConfiguration, id: &str) -> Hierarchy {
    Hierarchy {
        store: store(kms),
        branch_key: BranchKeyId::Fixed(id.to_owned()),
        time_to_live: 600,
        cache: BranchKeyCache::default(),
    }
}

fn custom() -> BTreeMap<String, String> {
    [("tenant".to_owned(), "a".to_owned())].into()
}

fn create(world: &World, id: &str) {
    let created =
        now(store(west()).create_key(world, &mut Repeatable::default(), Some(id), &custom()));
    assert_eq!(created.unwrap(), id);
}

fn put(world: &World, keyring: Keyring) -> Result<(), SealedError> {
    let client = client(orders(), keyring);
    now(client.put_item(
        world,
        &mut Repeatable::default(),
        &table("eu-west-1"),
        &order(),
    ))
    .map(|_| ())
}

fn get(world: &World, keyring: Keyring) -> Result<String, SealedError> {
    let client = client(orders(), keyring);
    let opened = now(client.get_item(world, &table("eu-west-1"), &key(), true))?.unwrap();
    assert_eq!(opened.item["card"], order()["card"]);
    Ok(opened.opened_with.unwrap().key.to_string())
}

#[test]
fn cse_033_a_branch_key_is_made_without_being_seen() {
    let world = World::default();
    create(&world, "tenant-a");
    assert_eq!(
        world.calls(),
        [
            &format!("kms.GenerateDataKeyWithoutPlaintext eu-west-1 {MRK_WEST}"),
            &format!("kms.ReEncrypt eu-west-1 {MRK_WEST}"),
            &format!("kms.GenerateDataKeyWithoutPlaintext eu-west-1 {MRK_WEST}"),
            "dynamodb.TransactWriteItems eu-west-1",
        ]
    );
    let rows = world.key_rows();
    let kinds: Vec<&str> = rows.keys().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(kinds[..2], ["beacon:ACTIVE", "branch:ACTIVE"]);
    let version = kinds[2];
    // What there is is not overwritten, and nothing of a second one is left.
    let again = store(west());
    let again = now(again.create_key(
        &world,
        &mut Repeatable::default(),
        Some("tenant-a"),
        &custom(),
    ));
    assert_eq!(again.unwrap_err().code(), "TransactionCanceledException");
    assert_eq!(world.key_rows(), rows);
    assert!(version.starts_with("branch:version:") && version.len() == 15 + 36);
    let active = &rows[&("tenant-a".to_owned(), "branch:ACTIVE".to_owned())];
    assert_eq!(active["version"], Value::S(version.to_owned()));
    assert_eq!(active["kms-arn"], Value::S(MRK_WEST.to_owned()));
    assert_eq!(active["aws-crypto-ec:tenant"], Value::S("a".to_owned()));
    let context = &world.contexts()[0];
    assert_eq!(context["tablename"], "branch-keys");
    assert_eq!(context["type"], version);
}

#[test]
fn cse_033_kms_is_asked_once_for_a_time_to_live() {
    let world = World::default();
    create(&world, "tenant-a");
    world.calls();
    let keyring = Keyring::Hierarchy(hierarchy(west(), "tenant-a"));
    put(&world, keyring.clone()).unwrap();
    let fetch = [
        "dynamodb.GetItem eu-west-1".to_owned(),
        format!("kms.Decrypt eu-west-1 {MRK_WEST}"),
    ];
    assert_eq!(world.calls()[..2], fetch);
    put(&world, keyring.clone()).unwrap();
    assert_eq!(world.calls(), ["dynamodb.PutItem eu-west-1"]);
    // Reading asks for the version, not for the active key: one more call, then none.
    assert_eq!(get(&world, keyring.clone()).unwrap(), "tenant-a");
    assert_eq!(world.calls()[1..], fetch);
    get(&world, keyring.clone()).unwrap();
    assert_eq!(world.calls(), ["dynamodb.GetItem eu-west-1"]);
    world.pass(601);
    put(&world, keyring).unwrap();
    assert_eq!(world.calls()[..2], fetch);
}

#[test]
fn cse_033_a_new_version_writes_and_the_old_one_still_reads() {
    let world = World::default();
    create(&world, "tenant-a");
    put(&world, Keyring::Hierarchy(hierarchy(west(), "tenant-a"))).unwrap();
    let mut other = Repeatable::default();
    faultline_sealed::Entropy::fill(&mut other, "something", &mut [0]);
    now(store(west()).version_key(&world, &mut other, "tenant-a")).unwrap();
    assert_eq!(world.key_rows().len(), 4);
    get(&world, Keyring::Hierarchy(hierarchy(west(), "tenant-a"))).unwrap();
    put(&world, Keyring::Hierarchy(hierarchy(west(), "tenant-a"))).unwrap();
    get(&world, Keyring::Hierarchy(hierarchy(west(), "tenant-a"))).unwrap();
}

#[test]
fn cse_034_the_kms_configuration_decides_which_key_may_be_asked() {
    let world = World::default();
    create(&world, "tenant-a");
    put(&world, Keyring::Hierarchy(hierarchy(west(), "tenant-a"))).unwrap();
    let read = |kms| get(&world, Keyring::Hierarchy(hierarchy(kms, "tenant-a")));
    let east: faultline_sealed::KeyArn = MRK_EAST.parse().unwrap();
    world.calls();
    read(KmsConfiguration::MrkArn(east.clone())).unwrap();
    assert_eq!(
        world.calls()[2],
        format!("kms.Decrypt us-east-1 {MRK_EAST}")
    );
    read(KmsConfiguration::MrDiscovery(east.region().clone())).unwrap();
    assert_eq!(
        world.calls()[2],
        format!("kms.Decrypt us-east-1 {MRK_EAST}")
    );
    read(KmsConfiguration::Discovery(table("eu-west-1").region)).unwrap();
    let wrong = read(KmsConfiguration::KeyArn(east)).unwrap_err();
    assert_eq!(
        (wrong.code(), wrong.to_string().as_str()),
        (
            "KeyStoreException",
            "AWS KMS Key ARN does not match configured value"
        )
    );
    for kms in [
        KmsConfiguration::Discovery(table("eu-west-1").region),
        KmsConfiguration::MrDiscovery(table("eu-west-1").region),
    ] {
        let error =
            now(store(kms).create_key(&world, &mut Repeatable::default(), None, &BTreeMap::new()));
        assert_eq!(error.unwrap_err().code(), "KeyStoreException");
    }
}

#[test]
fn cse_033_an_edited_row_does_not_open() {
    let world = World::default();
    create(&world, "tenant-a");
    let refused = |name: &str| {
        world.edit_key("tenant-a", "branch:ACTIVE", |row| {
            row.insert(name.to_owned(), Value::S("b".to_owned()));
        });
        put(&world, Keyring::Hierarchy(hierarchy(west(), "tenant-a"))).unwrap_err()
    };
    assert_eq!(
        refused("aws-crypto-ec:tenant").code(),
        "InvalidCiphertextException"
    );
    let corrupt = refused("kms-arn");
    assert_eq!(
        corrupt.to_string(),
        "The `kms-arn` field for the requested branch key identifier is corrupted."
    );
    let missing = put(&world, Keyring::Hierarchy(hierarchy(west(), "tenant-b"))).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "No item found for corresponding branch key identifier."
    );
}

#[test]
fn cse_033_a_branch_key_is_chosen_by_an_attribute_and_another_does_not_match() {
    let world = World::default();
    create(&world, "one");
    create(&world, "two");
    let by = |ids: &[(&str, &str)]| {
        let ids = ids
            .iter()
            .map(|(value, id)| ((*value).to_owned(), (*id).to_owned()));
        Keyring::Hierarchy(Hierarchy {
            branch_key: BranchKeyId::ByAttribute {
                attribute: "id".to_owned(),
                ids: ids.collect(),
            },
            ..hierarchy(west(), "")
        })
    };
    put(&world, by(&[("a", "two"), ("b", "one")])).unwrap();
    assert_eq!(get(&world, by(&[("a", "two")])).unwrap(), "two");
    world.calls();
    let error = get(&world, by(&[("a", "one")])).unwrap_err();
    assert_eq!(error.code(), "NoMatchingKey");
    assert!(
        error
            .to_string()
            .contains("KeyProviderId: aws-kms-hierarchy, KeyProviderInfo: two, BranchKeyVersion: ")
    );
    assert_eq!(world.calls(), ["dynamodb.GetItem eu-west-1"]);
    let error = put(&world, by(&[("c", "one")])).unwrap_err();
    assert_eq!(error.code(), "SchemaViolation");
}

#[test]
fn cse_029_a_branch_key_and_a_kms_key_can_share_an_item() {
    let world = World::default();
    create(&world, "tenant-a");
    let branch = Keyring::Hierarchy(hierarchy(west(), "tenant-a"));
    let both = Keyring::multi(branch.clone(), vec![mrk(SINGLE_EAST)]).unwrap();
    put(&world, both).unwrap();
    assert_eq!(get(&world, branch).unwrap(), "tenant-a");
    assert_eq!(get(&world, mrk(SINGLE_EAST)).unwrap(), SINGLE_EAST);
}
