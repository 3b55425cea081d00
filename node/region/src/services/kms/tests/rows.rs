//! Rows of today are in the file of rows that must decode for ever.

use faultline_proto::kms::{CreateAliasRequest, CreateGrantRequest, GrantConstraints};

use super::*;
use crate::services::kms::keyspaces::KEYSPACES;
use crate::store::golden;

#[test]
fn every_keyspace_has_a_line_in_the_goldens() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = family(&mut world, &[FAR]);
    // Rows that only an experiment leaves: the alias and the grant do not count yet.
    unsettled::slow(&mut world);
    let alias = CreateAliasRequest {
        alias_name: some("alias/a"),
        target_key_id: some(&id),
    };
    world.call(HOME, &root, &alias).unwrap();
    let grant = CreateGrantRequest {
        key_id: some(&id),
        name: some("once"),
        grantee_principal: some("arn:aws:iam::222222222222:root"),
        retiring_principal: some("arn:aws:iam::222222222222:root"),
        operations: vec!["Decrypt".to_owned()],
        constraints: Some(GrantConstraints {
            encryption_context_equals: pairs(&[("tenant", "7")]),
            ..Default::default()
        }),
        ..Default::default()
    };
    world.call(HOME, &root, &grant).unwrap();
    world.set_faults(HOME, Vec::new());
    import::an_import(&mut world);
    encrypt(&mut world, HOME, &root, &id, b"a use").unwrap();
    let file = include_str!("../../../../goldens/rows.txt");
    let lines = golden::harvest(world.store(HOME)).unwrap();
    let missing = golden::unlisted(file, KEYSPACES, &lines);
    assert!(missing.is_empty(), "add to the file:\n{missing}");
}
