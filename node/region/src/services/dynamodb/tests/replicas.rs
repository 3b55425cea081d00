//! Replicas of global tables: added, filled, removed.

use faultline_proto::dynamodb::{
    DeleteTableRequest, DisassociateReplicationGroupMemberAction, ProvisionedThroughput,
    StreamSpecification,
};

use super::*;
use crate::testing::people::allow;

#[test]
fn an_empty_replica_is_active_within_a_minute_and_the_source_stays_active_ddb_040_ddb_041() {
    let mut world = world();
    table(&mut world);
    assert!(describe(&mut world, HOME).unwrap().replicas.is_empty());
    let answer = add_replica(&mut world, FAR)
        .unwrap()
        .table_description
        .unwrap();
    assert_eq!(answer.table_status.as_deref(), Some("ACTIVE"));
    assert_eq!(answer.global_table_version.as_deref(), Some("2019.11.21"));
    let replica = &answer.replicas[0];
    assert_eq!(
        (
            replica.region_name.as_deref(),
            replica.replica_status.as_deref()
        ),
        (Some(FAR), Some("CREATING"))
    );
    assert_eq!(status(&mut world, FAR), "CREATING");
    assert_eq!(
        no(put(&mut world, FAR, &[("id", "a")])).0,
        "ResourceNotFoundException"
    );
    world.advance(14);
    assert_eq!(status(&mut world, FAR), "CREATING");
    world.advance(36);
    assert_eq!(status(&mut world, FAR), "ACTIVE");
    let (here, there) = (
        describe(&mut world, HOME).unwrap(),
        describe(&mut world, FAR).unwrap(),
    );
    assert_eq!(here.replicas[0].replica_status.as_deref(), Some("ACTIVE"));
    assert_eq!(there.replicas[0].region_name.as_deref(), Some(HOME));
    let both = |table: &TableDescription| {
        table
            .stream_specification
            .as_ref()
            .unwrap()
            .stream_view_type
            .clone()
    };
    assert_eq!(both(&here), some("NEW_AND_OLD_IMAGES"), "DDB-006");
    assert_eq!(
        both(&there),
        some("NEW_AND_OLD_IMAGES"),
        "DDB-007: no stream was needed before"
    );
}

#[test]
fn a_table_with_items_takes_ten_minutes_and_loses_no_write_meanwhile_ddb_040() {
    let mut world = world();
    let root = global_table(&mut world, &[FAR]);
    for at in 0..150 {
        put(
            &mut world,
            HOME,
            &[("id", &format!("item-{at}")), ("v", "1")],
        )
        .unwrap();
    }
    delete(&mut world, HOME, "item-3").unwrap();
    world.settle();
    // What Virginia writes now does not reach the source before the filling is over.
    world.network.hold(FAR, HOME);
    put(&mut world, FAR, &[("id", "item-7"), ("v", "far")]).unwrap();
    world.call(HOME, &root, &create_in(THIRD)).unwrap();
    put(&mut world, HOME, &[("id", "item-8"), ("v", "late")]).unwrap();
    world.advance(300);
    assert_eq!(status(&mut world, THIRD), "CREATING");
    world.network.heal(FAR, HOME);
    world.advance(370);
    assert_eq!(status(&mut world, THIRD), "ACTIVE");
    assert_eq!(read(&mut world, THIRD, "item-7", "v"), "far");
    assert_eq!(read(&mut world, THIRD, "item-8", "v"), "late");
    equal(&mut world, &[HOME, FAR, THIRD]);
    let digest = look(&mut world, THIRD, "table_digest");
    assert_eq!(
        (digest["items"].clone(), digest["tombstones"].clone()),
        (json!(149), json!(1))
    );
    put(&mut world, FAR, &[("id", "item-9"), ("v", "2")]).unwrap();
    world.settle();
    assert_eq!(
        read(&mut world, THIRD, "item-9", "v"),
        "2",
        "members know each other"
    );
}

#[test]
fn one_replica_change_at_a_time_and_nothing_else_in_the_call_ddb_032_ddb_033() {
    let mut world = world();
    let root = table(&mut world);
    let mut two = create_in(FAR);
    two.replica_updates.extend(create_in(THIRD).replica_updates);
    let words = "more than one create or delete replica actions not allowed";
    assert_eq!(
        no(world.call(HOME, &root, &two)),
        ("ValidationException".to_owned(), words.to_owned())
    );
    let mixed = UpdateTableRequest {
        deletion_protection_enabled: Some(true),
        ..create_in(FAR)
    };
    assert_eq!(no(world.call(HOME, &root, &mixed)).1, words);
    add_replica(&mut world, FAR).unwrap();
    assert_eq!(
        no(add_replica(&mut world, THIRD)).0,
        "ResourceInUseException"
    );
    assert_eq!(
        no(world.call(HOME, &root, &delete_in(FAR))).0,
        "ResourceInUseException"
    );
    let protect = UpdateTableRequest {
        table_name: some(TABLE),
        deletion_protection_enabled: Some(true),
        ..Default::default()
    };
    for region in [HOME, FAR] {
        let (code, _) = no(world.call(region, &root, &protect));
        assert_eq!(code, "ResourceInUseException", "DDB-033: in {region}");
    }
    world.advance(60);
    world.call(HOME, &root, &protect).unwrap();
}

#[test]
fn wrong_replica_changes_are_refused_ddb_034_to_ddb_038() {
    let mut world = world();
    let root = table(&mut world);
    let told = |world: &mut World, request: &UpdateTableRequest| {
        let (code, text) = no(world.call(HOME, &root, request));
        assert_eq!(code, "ValidationException");
        text
    };
    assert!(
        told(&mut world, &create_in(HOME))
            .starts_with("Cannot add or delete the local region through ReplicaUpdates"),
        "DDB-036"
    );
    assert_eq!(
        told(&mut world, &create_in("eu-south-2")),
        "Failed to access the region eu-south-2: region is disabled.",
        "DDB-037"
    );
    assert!(
        told(&mut world, &delete_in(FAR))
            .ends_with("one or more replicas were not part of the global table. [us-east-1]"),
        "DDB-035"
    );
    world.call(FAR, &root, &table_request()).unwrap();
    assert!(
        told(&mut world, &create_in(FAR))
            .ends_with("one or more replicas already existed as tables."),
        "DDB-034"
    );
    assert!(
        describe(&mut world, HOME).unwrap().replicas.is_empty(),
        "a refusal leaves no reservation"
    );
    add_replica(&mut world, THIRD).unwrap();
    world.advance(60);
    assert!(
        told(&mut world, &create_in(THIRD)).ends_with("already existed as tables."),
        "DDB-034"
    );
    let stream = UpdateTableRequest {
        table_name: some(TABLE),
        stream_specification: Some(StreamSpecification {
            stream_enabled: Some(false),
            stream_view_type: None,
        }),
        ..Default::default()
    };
    told(&mut world, &stream); // DDB-006
    let buy = UpdateTableRequest {
        table_name: some(TABLE),
        billing_mode: some("PROVISIONED"),
        provisioned_throughput: Some(ProvisionedThroughput {
            read_capacity_units: Some(1),
            write_capacity_units: Some(1),
        }),
        ..Default::default()
    };
    assert_eq!(
        told(&mut world, &buy),
        "Table/GSI write capacity should either be Pay-Per-Request or AutoScaled",
        "DDB-038"
    );
}

#[test]
fn adding_a_replica_needs_permissions_in_both_regions_ddb_039() {
    let mut world = world();
    table(&mut world);
    let arn = |region: &str| format!("arn:aws:dynamodb:{region}:{ACCOUNT}:table/{TABLE}");
    let half = world.user(ACCOUNT, "half", &allow(&["dynamodb:*"], &[&arn(HOME)]));
    let refused = world.call(HOME, &half, &create_in(FAR)).unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException");
    assert!(refused.message.contains(&arn(FAR)), "{}", refused.message);
    assert!(world.audit.iter().any(|event| event.region == FAR
        && event.event_name == "CreateTableReplica"
        && event.error_code == "AccessDenied"));
    let whole = world.user(
        ACCOUNT,
        "whole",
        &allow(&["dynamodb:*"], &[&arn(HOME), &arn(FAR)]),
    );
    world.call(HOME, &whole, &create_in(FAR)).unwrap();
}

#[test]
fn a_removed_replica_goes_with_its_items_ddb_026_ddb_040() {
    let mut world = world();
    let root = global_table(&mut world, &[FAR]);
    put(&mut world, HOME, &[("id", "a")]).unwrap();
    world.settle();
    let source = DeleteTableRequest {
        table_name: some(TABLE),
    };
    assert!(
        no(world.call(HOME, &root, &source))
            .1
            .contains("acted as a source region"),
        "DDB-028"
    );
    world.call(HOME, &root, &delete_in(FAR)).unwrap();
    assert_eq!(status(&mut world, HOME), "UPDATING");
    assert_eq!(status(&mut world, FAR), "DELETING");
    world.advance(50);
    assert_eq!(status(&mut world, HOME), "ACTIVE");
    assert_eq!(
        describe(&mut world, HOME).unwrap().replicas[0]
            .replica_status
            .as_deref(),
        Some("DELETING")
    );
    world.advance(200);
    assert_eq!(status(&mut world, FAR), "ResourceNotFoundException");
    assert!(describe(&mut world, HOME).unwrap().replicas.is_empty());
    assert_eq!(read(&mut world, HOME, "a", "id"), "a");
    // The same name may come back, and late records of the old replica do no harm.
    add_replica(&mut world, FAR).unwrap();
    world.advance(700);
    assert_eq!(read(&mut world, FAR, "a", "id"), "a");
}

#[test]
fn a_replica_leaves_when_it_may_and_everything_it_wrote_has_arrived_ddb_027() {
    let mut world = world();
    let root = global_table(&mut world, &[FAR]);
    let protection = |on: bool| UpdateTableRequest {
        table_name: some(TABLE),
        disassociation_protection_enabled: Some(on),
        ..Default::default()
    };
    let leave = |region: &str| UpdateTableRequest {
        table_name: some(TABLE),
        replica_updates: vec![ReplicationGroupUpdate {
            disassociate: Some(DisassociateReplicationGroupMemberAction {
                region_name: some(region),
                disassociation_mode: some("WAIT_FOR_REPLICATION"),
            }),
            ..Default::default()
        }],
        ..Default::default()
    };
    let shown = |world: &mut World| {
        let table = describe(world, FAR).unwrap();
        table.disassociation_protection_enabled
    };
    assert_eq!(shown(&mut world), Some(true), "protected by default");
    let refused = no(world.call(FAR, &root, &leave(FAR)));
    assert_eq!(refused.0, "ValidationException");
    assert!(refused.1.contains("protected"), "{}", refused.1);
    let mixed = UpdateTableRequest {
        deletion_protection_enabled: Some(true),
        ..protection(false)
    };
    assert_eq!(no(world.call(FAR, &root, &mixed)).0, "ValidationException");
    world.call(FAR, &root, &protection(false)).unwrap();
    assert_eq!(shown(&mut world), Some(false));
    assert_eq!(
        no(world.call(FAR, &root, &leave(HOME))).0,
        "ValidationException",
        "only the local replica"
    );
    let without = allow(
        &["dynamodb:UpdateTable"],
        &[&format!("arn:aws:dynamodb:{FAR}:{ACCOUNT}:table/{TABLE}")],
    );
    let without = world.user(ACCOUNT, "without", &without);
    let refused = world.call(FAR, &without, &leave(FAR)).unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException");
    assert!(refused.message.contains("DisassociateTableReplica"));
    // What the others have not taken is waited for.
    world.cut(HOME, FAR);
    put(&mut world, FAR, &[("id", "a")]).unwrap();
    world.call(FAR, &root, &leave(FAR)).unwrap();
    world.advance(600);
    assert_eq!(status(&mut world, FAR), "UPDATING");
    world.heal(HOME, FAR);
    world.advance(10);
    assert_eq!(status(&mut world, FAR), "ACTIVE");
    assert_eq!(read(&mut world, HOME, "a", "id"), "a");
    for region in [HOME, FAR] {
        assert!(describe(&mut world, region).unwrap().replicas.is_empty());
    }
    assert_eq!(shown(&mut world), None);
    put(&mut world, FAR, &[("id", "b")]).unwrap();
    world.settle();
    assert_eq!(read(&mut world, HOME, "b", "id"), "", "no more of it");
    assert_eq!(read(&mut world, FAR, "b", "id"), "b");
}

#[test]
fn a_region_that_does_not_answer_leaves_nothing_behind() {
    let mut world = world();
    table(&mut world);
    // The question arrives, the answer does not.
    world.network.cut(FAR, HOME);
    let failure = add_replica(&mut world, FAR).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.definite),
        ("InternalServerError", false)
    );
    assert!(describe(&mut world, HOME).unwrap().replicas.is_empty());
    world.network.heal(FAR, HOME);
    world.advance(60);
    assert_eq!(status(&mut world, FAR), "ResourceNotFoundException");
    add_replica(&mut world, FAR).unwrap();
    world.advance(60);
    assert_eq!(status(&mut world, FAR), "ACTIVE");
}
