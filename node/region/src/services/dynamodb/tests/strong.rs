//! Global tables with strong consistency (MRSC).

use faultline_proto::dynamodb::{
    CreateGlobalTableWitnessGroupMemberAction, DeleteGlobalTableWitnessGroupMemberAction,
    DeleteTableRequest, GlobalTableWitnessGroupUpdate,
};

use super::*;

pub(super) const NEAR: &str = "eu-central-1";
const ALL: [&str; 3] = [HOME, FAR, NEAR];

pub(super) fn strong_request(replicas: &[&str], witness: Option<&str>) -> UpdateTableRequest {
    let replica_updates = replicas
        .iter()
        .flat_map(|region| create_in(region).replica_updates);
    let witness = witness.map(|region| GlobalTableWitnessGroupUpdate {
        create: Some(CreateGlobalTableWitnessGroupMemberAction {
            region_name: some(region),
        }),
        delete: None,
    });
    UpdateTableRequest {
        table_name: some(TABLE),
        multi_region_consistency: some("STRONG"),
        replica_updates: replica_updates.collect(),
        global_table_witness_updates: witness.into_iter().collect(),
        ..Default::default()
    }
}

pub(super) fn strong(replicas: &[&str], witness: Option<&str>) -> World {
    let mut world = World::new(&ALL);
    let root = table(&mut world);
    let request = strong_request(replicas, witness);
    world.call(HOME, &root, &request).unwrap();
    world.advance(100);
    world
}

fn code<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> String {
    no(outcome).0
}

#[test]
fn three_replicas_are_made_by_one_call_on_an_empty_table_ddb_002_ddb_069_ddb_078_ddb_080() {
    let mut world = World::new(&ALL);
    let root = table(&mut world);
    let request = strong_request(&[FAR, NEAR], None);
    let made = world.call(HOME, &root, &request).unwrap();
    let made = made.table_description.unwrap();
    assert_eq!(made.multi_region_consistency.as_deref(), Some("STRONG"));
    assert_eq!(status(&mut world, NEAR), "CREATING");
    world.advance(20);
    for region in ALL {
        let table = describe(&mut world, region).unwrap();
        assert_eq!(table.table_status.as_deref(), Some("ACTIVE"), "{region}");
        assert_eq!(table.multi_region_consistency.as_deref(), Some("STRONG"));
        assert_eq!(table.replicas.len(), 2);
        let active = |it: &faultline_proto::dynamodb::ReplicaDescription| {
            it.replica_status.as_deref() == Some("ACTIVE")
        };
        assert!(table.replicas.iter().all(active), "{:?}", table.replicas);
        assert_eq!(table.stream_specification, None, "DDB-078");
    }
    let again = world.call(HOME, &root, &create_in("ap-northeast-1"));
    assert_eq!(code(again), "ValidationException", "DDB-073");
}

#[test]
fn the_request_must_name_three_regions_and_the_table_must_be_empty_ddb_069_ddb_077() {
    let mut world = World::new(&[HOME, FAR, NEAR, THIRD]);
    let root = table(&mut world);
    for wrong in [
        strong_request(&[FAR], None),
        strong_request(&[FAR, FAR], None),
        strong_request(&[], Some(FAR)),
        strong_request(&[FAR, NEAR], Some(THIRD)),
        strong_request(&[FAR, THIRD], None),
        UpdateTableRequest {
            multi_region_consistency: None,
            ..strong_request(&[FAR], Some(NEAR))
        },
    ] {
        let outcome = world.call(HOME, &root, &wrong);
        assert_eq!(code(outcome), "ValidationException", "{wrong:?}");
    }
    put(&mut world, HOME, &[("id", "a")]).unwrap();
    let request = strong_request(&[FAR, NEAR], None);
    assert_eq!(
        code(world.call(HOME, &root, &request)),
        "ValidationException"
    );
    delete(&mut world, HOME, "a").unwrap();
    world.call(HOME, &root, &request).unwrap();
}

#[test]
fn a_name_that_is_taken_undoes_the_whole_group_ddb_034() {
    let mut world = World::new(&ALL);
    let root = table(&mut world);
    world.call(NEAR, &root, &table_request()).unwrap();
    let request = strong_request(&[FAR, NEAR], None);
    assert_eq!(
        code(world.call(HOME, &root, &request)),
        "ValidationException"
    );
    world.advance(60);
    assert_eq!(status(&mut world, FAR), "ResourceNotFoundException");
    assert!(describe(&mut world, HOME).unwrap().replicas.is_empty());
    put(&mut world, HOME, &[("id", "a"), ("v", "1")]).unwrap();
    assert_eq!(read(&mut world, HOME, "a", "v"), "1");
}

#[test]
fn every_region_reads_what_any_region_wrote_last_ddb_070_ddb_079() {
    let mut world = strong(&[FAR, NEAR], None);
    for (at, region) in [HOME, FAR, FAR, NEAR, HOME].into_iter().enumerate() {
        let value = at.to_string();
        put(&mut world, region, &[("id", "a"), ("v", &value)]).unwrap();
        for reader in ALL {
            assert_eq!(read(&mut world, reader, "a", "v"), value, "{reader}");
        }
    }
    delete(&mut world, NEAR, "a").unwrap();
    assert!(get(&mut world, HOME, "a").unwrap().is_empty());
}

#[test]
fn conditions_are_globally_current_so_one_region_alone_passes_ddb_070() {
    let mut world = strong(&[FAR, NEAR], None);
    let root = world.root(ACCOUNT);
    let book = |guest: &str| PutItemRequest {
        table_name: some(TABLE),
        item: members(&[("id", "seat"), ("guest", guest)]),
        condition_expression: some("attribute_not_exists(id)"),
        ..Default::default()
    };
    world.call(FAR, &root, &book("ann")).unwrap();
    let second = world.call(HOME, &root, &book("bob"));
    assert_eq!(code(second), "ConditionalCheckFailedException");
    assert_eq!(read(&mut world, NEAR, "seat", "guest"), "ann");
}

#[test]
fn two_regions_at_once_and_one_hears_of_a_conflict_ddb_071() {
    let mut world = strong(&[FAR, NEAR], None);
    let root = world.root(ACCOUNT);
    let write = |value: &str| PutItemRequest {
        table_name: some(TABLE),
        item: members(&[("id", "a"), ("v", value)]),
        ..Default::default()
    };
    for (one, other) in [(HOME, FAR), (FAR, HOME)] {
        world.network.hold(one, other);
        world.network.hold(one, NEAR);
        let slow = world.begin(one, &root, &write("slow"));
        world.call(other, &root, &write("fast")).unwrap();
        world.network.heal(one, other);
        world.network.heal(one, NEAR);
        let outcome = world.finish::<PutItemRequest>(&slow);
        let won = read(&mut world, NEAR, "a", "v");
        match outcome {
            Ok(_) => assert_eq!(won, "slow", "it came later"),
            Err(failure) => {
                assert_eq!(failure.code, "ReplicatedWriteConflictException");
                assert!(failure.definite);
                assert_eq!(won, "fast");
            }
        }
        for reader in ALL {
            assert_eq!(read(&mut world, reader, "a", "v"), won);
        }
    }
}

#[test]
fn one_lost_region_stops_nothing_and_two_stop_all_but_eventual_reads_ddb_075_ddb_076() {
    let mut world = strong(&[FAR, NEAR], None);
    put(&mut world, HOME, &[("id", "a"), ("v", "0")]).unwrap();
    world.settle();
    world.isolate(NEAR);
    put(&mut world, HOME, &[("id", "a"), ("v", "1")]).unwrap();
    put(&mut world, FAR, &[("id", "a"), ("v", "2")]).unwrap();
    assert_eq!(read(&mut world, HOME, "a", "v"), "2");
    // The Region that is alone reads what it had, and eventually alone.
    assert_eq!(code(get(&mut world, NEAR, "a")), "InternalServerError");
    let root = world.root(ACCOUNT);
    let eventual = GetItemRequest {
        table_name: some(TABLE),
        key: members(&[("id", "a")]),
        ..Default::default()
    };
    let old = world.call(NEAR, &root, &eventual).unwrap().item;
    assert_eq!(old["v"], text("0"));
    let cut = world.elapsed();
    let refused = put(&mut world, NEAR, &[("id", "b")]).unwrap_err();
    assert_eq!(refused.code, "InternalServerError");
    assert!(refused.definite);
    assert!(
        world.elapsed() < cut + 10_000,
        "it knows that it is cut off"
    );
    world.isolate(FAR);
    let lost = put(&mut world, HOME, &[("id", "a"), ("v", "3")]).unwrap_err();
    assert_eq!(lost.code, "InternalServerError");
    assert!(lost.definite, "it only asked");
    for one in ALL {
        for other in ALL.into_iter().filter(|other| *other != one) {
            world.heal(one, other);
        }
    }
    world.advance(30);
    let found = read(&mut world, NEAR, "a", "v");
    assert_eq!(found, "2");
    for reader in ALL {
        assert_eq!(read(&mut world, reader, "a", "v"), found);
    }
    put(&mut world, NEAR, &[("id", "a"), ("v", "4")]).unwrap();
    assert_eq!(read(&mut world, HOME, "a", "v"), "4");
    world.settle();
    equal(&mut world, &ALL);
}

#[test]
fn a_witness_votes_is_not_seen_and_saves_what_one_lost_region_had_ddb_074() {
    let mut world = strong(&[FAR], Some(NEAR));
    let table = describe(&mut world, HOME).unwrap();
    let witness = &table.global_table_witnesses[0];
    assert_eq!(witness.region_name.as_deref(), Some(NEAR));
    assert_eq!(witness.witness_status.as_deref(), Some("ACTIVE"));
    assert_eq!(table.replicas.len(), 1);
    assert_eq!(status(&mut world, NEAR), "ResourceNotFoundException");
    assert_eq!(
        code(get(&mut world, NEAR, "a")),
        "ResourceNotFoundException"
    );
    // Only the witness hears of it before the writer is lost.
    world.cut(HOME, FAR);
    put(&mut world, HOME, &[("id", "a"), ("v", "1")]).unwrap();
    world.isolate(HOME);
    assert_eq!(read(&mut world, FAR, "a", "v"), "1", "RPO zero (DDB-079)");
    put(&mut world, FAR, &[("id", "a"), ("v", "2")]).unwrap();
}

#[test]
fn members_go_two_at_a_time_and_leave_a_table_of_one_region_ddb_073() {
    let mut world = strong(&[FAR], Some(NEAR));
    let root = world.root(ACCOUNT);
    put(&mut world, FAR, &[("id", "a"), ("v", "1")]).unwrap();
    let alone = delete_in(FAR);
    assert_eq!(code(world.call(HOME, &root, &alone)), "ValidationException");
    let here = DeleteTableRequest {
        table_name: some(TABLE),
    };
    assert_eq!(code(world.call(FAR, &root, &here)), "ValidationException");
    let both = UpdateTableRequest {
        global_table_witness_updates: vec![GlobalTableWitnessGroupUpdate {
            create: None,
            delete: Some(DeleteGlobalTableWitnessGroupMemberAction {
                region_name: some(NEAR),
            }),
        }],
        ..delete_in(FAR)
    };
    let left = world.call(HOME, &root, &both).unwrap();
    let left = left.table_description.unwrap();
    assert_eq!(left.multi_region_consistency, None);
    world.advance(300);
    assert_eq!(status(&mut world, FAR), "ResourceNotFoundException");
    let left = describe(&mut world, HOME).unwrap();
    assert!(left.replicas.is_empty() && left.global_table_witnesses.is_empty());
    assert_eq!(read(&mut world, HOME, "a", "v"), "1");
    world.isolate(HOME);
    put(&mut world, HOME, &[("id", "a"), ("v", "2")]).unwrap();
}

#[test]
fn writes_of_one_region_wait_for_each_other_and_all_happen_ddb_070() {
    let mut world = strong(&[FAR, NEAR], None);
    let root = world.root(ACCOUNT);
    let add = UpdateItemRequest {
        table_name: some(TABLE),
        key: members(&[("id", "n")]),
        update_expression: some("ADD hits :one"),
        expression_attribute_values: BTreeMap::from([(":one".to_owned(), number("1"))]),
        ..Default::default()
    };
    let calls: Vec<_> = (0..5).map(|_| world.begin(FAR, &root, &add)).collect();
    for call in calls {
        world.finish::<UpdateItemRequest>(&call).unwrap();
    }
    assert_eq!(read(&mut world, HOME, "n", "hits"), "5");
}

#[test]
fn a_member_that_refused_a_proposal_hears_later_what_came_of_it_ddb_076() {
    let mut world = strong(&[FAR, NEAR], None);
    let root = world.root(ACCOUNT);
    put(&mut world, HOME, &[("id", "a"), ("v", "0")]).unwrap();
    world.settle();
    // Frankfurt hears of the write only when it has promised Virginia to take no such thing.
    world.network.hold(HOME, NEAR);
    put(&mut world, HOME, &[("id", "a"), ("v", "1")]).unwrap();
    let failing = PutItemRequest {
        table_name: some(TABLE),
        item: members(&[("id", "a"), ("v", "9")]),
        condition_expression: some("attribute_not_exists(id)"),
        ..Default::default()
    };
    let refused = world.call(FAR, &root, &failing);
    assert_eq!(code(refused), "ConditionalCheckFailedException");
    world.network.heal(HOME, NEAR);
    world.advance(5);
    equal(&mut world, &ALL);
    assert_eq!(read(&mut world, NEAR, "a", "v"), "1");
}

#[test]
fn a_process_that_dies_at_any_message_loses_nothing_that_was_answered_ddb_070() {
    use crate::testing::Crash;
    for region in ALL {
        for crash in [Crash::BeforeCommit, Crash::AfterCommit] {
            let mut world = strong(&[FAR, NEAR], None);
            put(&mut world, HOME, &[("id", "a"), ("v", "0")]).unwrap();
            world.crash_next(region, crash);
            let outcome = put(&mut world, FAR, &[("id", "a"), ("v", "1")]);
            world.restart(region);
            world.advance(30);
            let found = read(&mut world, NEAR, "a", "v");
            match outcome {
                Ok(()) => assert_eq!(found, "1", "{region} {crash:?}"),
                Err(failure) => assert!(found == "1" || found == "0", "{failure:?}"),
            }
            for reader in ALL {
                assert_eq!(read(&mut world, reader, "a", "v"), found);
            }
            world.settle();
            equal(&mut world, &ALL);
        }
    }
}

#[test]
fn what_strong_consistency_does_not_have_ddb_072() {
    use faultline_proto::dynamodb::{
        Put, TimeToLiveSpecification, TransactWriteItem, TransactWriteItemsRequest,
        UpdateTimeToLiveRequest,
    };
    let mut world = strong(&[FAR, NEAR], None);
    let root = world.root(ACCOUNT);
    let transaction = TransactWriteItemsRequest {
        transact_items: vec![TransactWriteItem {
            put: Some(Put {
                table_name: some(TABLE),
                item: members(&[("id", "a")]),
                ..Default::default()
            }),
            ..Default::default()
        }],
        ..Default::default()
    };
    assert_eq!(
        code(world.call(HOME, &root, &transaction)),
        "ValidationException"
    );
    let expiry = UpdateTimeToLiveRequest {
        table_name: some(TABLE),
        time_to_live_specification: Some(TimeToLiveSpecification {
            enabled: Some(true),
            attribute_name: some("at"),
        }),
    };
    assert_eq!(code(world.call(FAR, &root, &expiry)), "ValidationException");
}

#[test]
fn a_member_without_its_key_fails_alone_and_learns_later_what_it_missed_ddb_061() {
    use super::encryption::{disable, kms_key, sse};
    let mut world = World::new(&ALL);
    let root = world.root(ACCOUNT);
    let key = kms_key(&mut world, true);
    let id = key.rsplit('/').next().unwrap().to_owned();
    for region in [FAR, NEAR] {
        let replicate = faultline_proto::kms::ReplicateKeyRequest {
            key_id: some(&id),
            replica_region: some(region),
            ..Default::default()
        };
        world.call(HOME, &root, &replicate).unwrap();
        world.advance(60);
    }
    let request = CreateTableRequest {
        sse_specification: sse(Some(&id)),
        ..table_request()
    };
    world.call(HOME, &root, &request).unwrap();
    world.advance(10);
    let mut request = strong_request(&[FAR, NEAR], None);
    for action in &mut request.replica_updates {
        if let Some(create) = &mut action.create {
            create.kms_master_key_id = some(&id);
        }
    }
    world.call(HOME, &root, &request).unwrap();
    world.advance(60);
    put(&mut world, NEAR, &[("id", "a"), ("v", "1")]).unwrap();
    disable(&mut world, NEAR, &id);
    world.advance(330);
    assert_eq!(code(get(&mut world, NEAR, "a")), "ValidationException");
    put(&mut world, FAR, &[("id", "a"), ("v", "2")]).unwrap();
    assert_eq!(read(&mut world, HOME, "a", "v"), "2");
    let enable = faultline_proto::kms::EnableKeyRequest { key_id: some(&id) };
    world.call(NEAR, &root, &enable).unwrap();
    world.advance(130);
    assert_eq!(read(&mut world, NEAR, "a", "v"), "2");
    equal(&mut world, &ALL);
}
