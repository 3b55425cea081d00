//! What only days bring: tombstones go, tables without a key are archived.

use faultline_proto::dynamodb::DeleteTableRequest;

use super::encryption::{disable, kms_key, kms_table};
use super::*;

const DAY: u64 = 24 * 3600;

fn tombstones(world: &mut World, region: &str) -> Json {
    look(world, region, "table_digest")["tombstones"].clone()
}

#[test]
fn tombstones_go_when_all_members_have_them_and_a_late_write_still_loses_ddb_011() {
    let mut world = world();
    global_table(&mut world, &[FAR, THIRD]);
    put(&mut world, HOME, &[("id", "a"), ("v", "1")]).unwrap();
    put(&mut world, HOME, &[("id", "b"), ("v", "1")]).unwrap();
    world.settle();
    // Sydney writes what is older than the delete, and is heard of a day later.
    world.isolate(THIRD);
    put(&mut world, THIRD, &[("id", "a"), ("v", "late")]).unwrap();
    world.advance(1);
    delete(&mut world, HOME, "a").unwrap();
    world.advance(DAY + 600);
    assert_eq!(
        tombstones(&mut world, HOME),
        json!(1),
        "one does not answer"
    );
    for region in [HOME, FAR] {
        world.heal(region, THIRD);
    }
    world.advance(DAY + 60);
    assert!(get(&mut world, FAR, "a").unwrap().is_empty());
    world.advance(3 * DAY);
    for region in [HOME, FAR, THIRD] {
        assert_eq!(tombstones(&mut world, region), json!(0), "{region}");
    }
    // A write over nothing knows the delete: no conflict is found.
    let before = notes(&world, "conflict").len();
    put(&mut world, FAR, &[("id", "a"), ("v", "new")]).unwrap();
    world.settle();
    assert_eq!(read(&mut world, THIRD, "a", "v"), "new");
    assert_eq!(notes(&world, "conflict").len(), before);
    equal(&mut world, &[HOME, FAR, THIRD]);
}

#[test]
fn a_table_of_one_region_asks_nobody() {
    let mut world = world();
    table(&mut world);
    put(&mut world, HOME, &[("id", "a")]).unwrap();
    delete(&mut world, HOME, "a").unwrap();
    assert_eq!(tombstones(&mut world, HOME), json!(1));
    world.advance(2 * DAY);
    assert_eq!(tombstones(&mut world, HOME), json!(0));
    put(&mut world, HOME, &[("id", "a"), ("v", "2")]).unwrap();
    assert_eq!(read(&mut world, HOME, "a", "v"), "2");
}

#[test]
fn a_week_without_its_key_and_a_table_is_archived_ddb_062() {
    let mut world = world();
    let key = kms_key(&mut world, false);
    let root = kms_table(&mut world, Some(&key));
    put(&mut world, HOME, &[("id", "a")]).unwrap();
    disable(&mut world, HOME, &key);
    world.advance(6 * DAY);
    assert_eq!(
        status(&mut world, HOME),
        "INACCESSIBLE_ENCRYPTION_CREDENTIALS"
    );
    world.advance(2 * DAY);
    assert_eq!(status(&mut world, HOME), "ARCHIVED");
    let refused = no(get(&mut world, HOME, "a"));
    assert_eq!(refused.0, "ResourceNotFoundException");
    let gone = DeleteTableRequest {
        table_name: some(TABLE),
    };
    world.call(HOME, &root, &gone).unwrap();
}

#[test]
fn a_key_disabled_right_after_the_add_makes_the_add_disappear_ddb_065() {
    let mut world = world();
    let key = kms_key(&mut world, true);
    let id = key.rsplit('/').next().unwrap().to_owned();
    let root = kms_table(&mut world, Some(&id));
    let replicate = faultline_proto::kms::ReplicateKeyRequest {
        key_id: some(&id),
        replica_region: some(FAR),
        ..Default::default()
    };
    world.call(HOME, &root, &replicate).unwrap();
    world.advance(60);
    let mut create = create_in(FAR);
    if let Some(create) = &mut create.replica_updates[0].create {
        create.kms_master_key_id = some(&id);
    }
    world.call(HOME, &root, &create).unwrap();
    disable(&mut world, FAR, &id);
    world.advance(120);
    assert!(describe(&mut world, HOME).unwrap().replicas.is_empty());
    assert_eq!(status(&mut world, FAR), "ResourceNotFoundException");
}

#[test]
fn keys_that_cannot_encrypt_tables_and_keys_disabled_before_the_add_ddb_052_ddb_066_ddb_067() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let hmac = faultline_proto::kms::CreateKeyRequest {
        key_spec: some("HMAC_256"),
        key_usage: some("GENERATE_VERIFY_MAC"),
        ..Default::default()
    };
    let hmac = world.call(HOME, &root, &hmac).unwrap().key_metadata;
    let request = CreateTableRequest {
        sse_specification: encryption::sse(hmac.and_then(|key| key.arn).as_deref()),
        ..table_request()
    };
    let refused = no(world.call(HOME, &root, &request));
    assert_eq!(refused.0, "InternalServerError", "DDB-052");
    let key = kms_key(&mut world, true);
    let id = key.rsplit('/').next().unwrap().to_owned();
    kms_table(&mut world, Some(&id));
    let replicate = faultline_proto::kms::ReplicateKeyRequest {
        key_id: some(&id),
        replica_region: some(FAR),
        ..Default::default()
    };
    world.call(HOME, &root, &replicate).unwrap();
    world.advance(60);
    let mut create = create_in(FAR);
    if let Some(create) = &mut create.replica_updates[0].create {
        create.kms_master_key_id = some(&id);
    }
    disable(&mut world, FAR, &id);
    let refused = no(world.call(HOME, &root, &create)).1;
    assert!(refused.contains("in UPDATING state"), "DDB-066: {refused}");
    let enable = faultline_proto::kms::EnableKeyRequest { key_id: some(&id) };
    world.call(FAR, &root, &enable).unwrap();
    world.call(HOME, &root, &create).unwrap();
    world.advance(60);
    disable(&mut world, FAR, &id);
    world.advance(600);
    // A direct DeleteTable in that Region works without the key.
    let gone = DeleteTableRequest {
        table_name: some(TABLE),
    };
    world.call(FAR, &root, &gone).unwrap();
    world.advance(300);
    assert!(describe(&mut world, HOME).unwrap().replicas.is_empty());
}

#[test]
fn a_global_table_may_be_in_every_region_one_replica_each_ddb_003_ddb_005_ddb_042() {
    let mut world = world();
    let root = global_table(&mut world, &[FAR, THIRD]);
    let again = no(world.call(HOME, &root, &create_in(FAR)));
    assert!(again.1.contains("already existed as tables"));
    for region in [HOME, FAR, THIRD] {
        let table = describe(&mut world, region).unwrap();
        assert_eq!(table.table_name.as_deref(), Some(TABLE));
        let others: Vec<_> = table
            .replicas
            .iter()
            .map(|it| (it.region_name.clone(), it.replica_status.clone()))
            .collect();
        assert_eq!(others.len(), 2, "{region}");
        assert!(others.iter().all(|(name, status)| {
            name.as_deref() != Some(region) && status.as_deref() == Some("ACTIVE")
        }));
    }
}
