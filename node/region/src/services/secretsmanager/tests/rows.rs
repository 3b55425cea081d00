//! Rows of today are in the file of rows that must decode for ever.

use super::*;
use crate::services::secretsmanager::keyspaces::KEYSPACES;
use crate::store::golden;

#[test]
fn every_keyspace_has_a_line_in_the_goldens() {
    let (mut world, root) = world();
    let request = api::CreateSecretRequest {
        add_replica_regions: replicate("db", THERE, None).add_replica_regions,
        description: some("of the shop"),
        tags: vec![api::Tag {
            key: some("team"),
            value: some("shop"),
        }],
        ..create("db", None)
    };
    world.call(HERE, &root, &request).unwrap();
    world.settle();
    let file = include_str!("../../../../goldens/rows.txt");
    let lines = golden::harvest(world.store(HERE)).unwrap();
    let missing = golden::unlisted(file, KEYSPACES, &lines);
    assert!(missing.is_empty(), "add to the file:\n{missing}");
}
