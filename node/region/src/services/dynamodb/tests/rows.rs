//! Rows of today are in the file of rows that must decode for ever.

use faultline_proto::dynamodb::{SseSpecification, TransactWriteItemsRequest};
use faultline_proto::kms::{CreateKeyRequest, DisableKeyRequest, ReplicateKeyRequest};

use super::asking::*;
use super::*;
use crate::services::dynamodb::keyspaces::KEYSPACES;
use crate::store::golden;

#[test]
fn every_keyspace_has_a_line_in_the_goldens() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let make = CreateKeyRequest {
        multi_region: Some(true),
        ..Default::default()
    };
    let key = world.call(HOME, &root, &make).unwrap().key_metadata;
    let id = key.and_then(|key| key.key_id).unwrap();
    let replicate = ReplicateKeyRequest {
        key_id: some(&id),
        replica_region: some(FAR),
        ..Default::default()
    };
    world.call(HOME, &root, &replicate).unwrap();
    world.advance(60);
    let request = CreateTableRequest {
        sse_specification: Some(SseSpecification {
            enabled: Some(true),
            sse_type: some("KMS"),
            kms_master_key_id: some(&id),
        }),
        ..table_request()
    };
    world.call(FAR, &root, &request).unwrap();
    world.advance(10);
    let mut create = create_in(HOME);
    if let Some(create) = &mut create.replica_updates[0].create {
        create.kms_master_key_id = some(&id);
    }
    world.call(FAR, &root, &create).unwrap();
    world.advance(60);
    world.cut(HOME, FAR);
    put(&mut world, HOME, &[("id", "a"), ("v", "1")]).unwrap();
    put(&mut world, FAR, &[("id", "a"), ("v", "2")]).unwrap();
    world.heal(HOME, FAR);
    world.advance(10);
    delete(&mut world, HOME, "a").unwrap();
    let disable = DisableKeyRequest { key_id: some(&id) };
    world.call(HOME, &root, &disable).unwrap();
    world.advance(330);
    put(&mut world, FAR, &[("id", "b"), ("v", "2")]).unwrap();
    beside(&mut world);
    world.settle();
    let file = include_str!("../../../../goldens/rows.txt");
    let mut lines = golden::harvest(world.store(HOME)).unwrap();
    let mut mrsc = strong::strong(&[FAR], Some(strong::NEAR));
    put(&mut mrsc, HOME, &[("id", "a"), ("v", "1")]).unwrap();
    lines.extend(golden::harvest(mrsc.store(strong::NEAR)).unwrap());
    let mut late = lagging::late();
    put(&mut late, HOME, &[("id", "a")]).unwrap();
    let unprotected = UpdateTableRequest {
        table_name: some(TABLE),
        disassociation_protection_enabled: Some(false),
        ..Default::default()
    };
    late.call(HOME, &root, &unprotected).unwrap();
    lines.extend(golden::harvest(late.store(HOME)).unwrap());
    lines.extend(golden::harvest(mrsc.store(HOME)).unwrap());
    let missing = golden::unlisted(file, KEYSPACES, &lines);
    assert!(missing.is_empty(), "add to the file:\n{missing}");
}

/// What a table has beside its items: entries, changes, an ended stream, a token.
fn beside(world: &mut World) {
    music(world);
    song(
        world,
        json!({ "artist": "nina", "song": "a", "genre": "jazz", "year": 1 }),
    );
    let write = json!({
        "transact_items": [
            { "put": { "table_name": "music", "item": { "artist": "nina", "song": "b" } } },
        ],
        "client_request_token": "token",
    });
    ask::<TransactWriteItemsRequest>(world, HOME, &write).unwrap();
    let off = json!({ "table_name": "music", "stream_specification": { "stream_enabled": false } });
    ask::<UpdateTableRequest>(world, HOME, &off).unwrap();
}
