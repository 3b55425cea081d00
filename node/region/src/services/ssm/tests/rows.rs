//! Rows of today are in the file of rows that must decode for ever.

use super::*;
use crate::services::ssm::keyspaces::KEYSPACES;
use crate::store::golden;

#[test]
fn every_keyspace_has_a_line_in_the_goldens() {
    let (mut world, root) = world();
    let policies = serde_json::json!([
        { "Type": "NoChangeNotification", "Version": "1.0", "Attributes": { "After": "1", "Unit": "Days" } },
    ]);
    let request = api::PutParameterRequest {
        tier: some("Advanced"),
        policies: Some(policies.to_string()),
        tags: vec![api::Tag {
            key: some("team"),
            value: some("shop"),
        }],
        ..put("/shop/a", "SecureString", "value")
    };
    world.call(HERE, &root, &request).unwrap();
    world.advance(2 * 86_400);
    let file = include_str!("../../../../goldens/rows.txt");
    let lines = golden::harvest(world.store(HERE)).unwrap();
    let missing = golden::unlisted(file, KEYSPACES, &lines);
    assert!(missing.is_empty(), "add to the file:\n{missing}");
}
