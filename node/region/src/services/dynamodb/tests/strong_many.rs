//! Calls about many items of tables with strong consistency (MRSC).

use faultline_proto::dynamodb::{
    AttributeMap, BatchGetItemRequest, BatchWriteItemRequest, DeleteRequest, Key,
    KeysAndAttributes, PutRequest, QueryRequest, ScanRequest, WriteRequest, WriteRequests,
};

use super::strong::{NEAR, strong, strong_request};
use super::*;
use crate::testing::Crash;

const ALL: [&str; 3] = [HOME, FAR, NEAR];

/// A table of orders of customers, in three Regions.
fn customers() -> World {
    let mut world = World::new(&ALL);
    let root = world.root(ACCOUNT);
    let mut request = table_request();
    request.key_schema.push(KeySchemaElement {
        attribute_name: some("at"),
        key_type: some("RANGE"),
    });
    request.attribute_definitions.push(AttributeDefinition {
        attribute_name: some("at"),
        attribute_type: some("S"),
    });
    world.call(HOME, &root, &request).unwrap();
    world.advance(10);
    let request = strong_request(&[FAR, NEAR], None);
    world.call(HOME, &root, &request).unwrap();
    world.advance(100);
    world
}

fn of_customer(id: &str, consistent: bool) -> QueryRequest {
    QueryRequest {
        table_name: some(TABLE),
        key_condition_expression: some("id = :id"),
        expression_attribute_values: BTreeMap::from([(":id".to_owned(), text(id))]),
        consistent_read: Some(consistent),
        ..Default::default()
    }
}

/// One attribute of each item.
fn column(items: &[AttributeMap], name: &str) -> Vec<String> {
    let values = items.iter().map(|item| match &item.items[name].value {
        Some(Wire::S(text)) => text.clone(),
        other => panic!("{other:?}"),
    });
    values.collect()
}

fn query(world: &mut World, region: &str, consistent: bool) -> Vec<String> {
    let root = world.root(ACCOUNT);
    let answer = world.call(region, &root, &of_customer("ann", consistent));
    column(&answer.unwrap().items, "at")
}

fn scan(world: &mut World, region: &str) -> Result<Vec<String>, Failure> {
    let root = world.root(ACCOUNT);
    let request = ScanRequest {
        table_name: some(TABLE),
        consistent_read: Some(true),
        ..Default::default()
    };
    let mut found = column(&world.call(region, &root, &request)?.items, "id");
    found.sort();
    Ok(found)
}

fn order(world: &mut World, region: &str, customer: &str, at: &str) {
    put(world, region, &[("id", customer), ("at", at)]).unwrap();
}

fn batch(writes: &[(&str, Option<&str>)]) -> BatchWriteItemRequest {
    let items = writes.iter().map(|(id, value)| WriteRequest {
        put_request: value.map(|value| PutRequest {
            item: members(&[("id", id), ("v", value)]),
        }),
        delete_request: value.is_none().then(|| DeleteRequest {
            key: members(&[("id", id)]),
        }),
    });
    let items = items.collect();
    BatchWriteItemRequest {
        request_items: BTreeMap::from([(TABLE.to_owned(), WriteRequests { items })]),
        return_consumed_capacity: some("TOTAL"),
    }
}

#[test]
fn a_strong_query_sees_what_the_two_other_regions_have_ddb_070() {
    let mut world = customers();
    order(&mut world, HOME, "ann", "2");
    order(&mut world, HOME, "ann", "9");
    world.settle();
    // Ireland hears nothing from Virginia, only from Frankfurt, which does not pass it on.
    world.network.hold(FAR, HOME);
    for (customer, at) in [("ann", "3"), ("bob", "1"), ("ann", "1")] {
        order(&mut world, FAR, customer, at);
    }
    let gone = DeleteItemRequest {
        table_name: some(TABLE),
        key: members(&[("id", "ann"), ("at", "2")]),
        ..Default::default()
    };
    let root = world.root(ACCOUNT);
    world.call(FAR, &root, &gone).unwrap();
    assert_eq!(query(&mut world, HOME, false), ["2", "9"]);
    assert_eq!(query(&mut world, HOME, true), ["1", "3", "9"]);
    assert_eq!(
        query(&mut world, HOME, false),
        ["1", "3", "9"],
        "it took them"
    );
    // Bob's order was in nobody's way.
    let all = scan(&mut world, HOME).unwrap();
    assert_eq!(all, ["ann", "ann", "ann", "bob"]);
}

#[test]
fn pages_and_wrong_requests_are_those_of_any_table() {
    let mut world = customers();
    let root = world.root(ACCOUNT);
    for at in ["1", "2", "3"] {
        order(&mut world, FAR, "ann", at);
    }
    let first = QueryRequest {
        limit: Some(2),
        scan_index_forward: Some(false),
        ..of_customer("ann", true)
    };
    let page = world.call(HOME, &root, &first).unwrap();
    assert_eq!(column(&page.items, "at"), ["3", "2"]);
    let next = QueryRequest {
        exclusive_start_key: page.last_evaluated_key,
        ..first
    };
    let page = world.call(NEAR, &root, &next).unwrap();
    assert_eq!(column(&page.items, "at"), ["1"]);
    let wrong = QueryRequest {
        key_condition_expression: some("id > :id"),
        ..of_customer("ann", true)
    };
    assert_eq!(no(world.call(HOME, &root, &wrong)).0, "ValidationException");
    let index = QueryRequest {
        index_name: some("none"),
        ..of_customer("ann", true)
    };
    assert_eq!(no(world.call(HOME, &root, &index)).0, "ValidationException");
}

#[test]
fn without_a_second_region_only_eventual_queries_are_answered_ddb_075() {
    let mut world = customers();
    order(&mut world, HOME, "ann", "1");
    world.settle();
    world.isolate(HOME);
    let root = world.root(ACCOUNT);
    let refused = world
        .call(HOME, &root, &of_customer("ann", true))
        .unwrap_err();
    assert_eq!(refused.code, "InternalServerError");
    assert!(refused.definite);
    assert_eq!(query(&mut world, HOME, false), ["1"]);
    let cut = world.elapsed();
    assert_eq!(no(scan(&mut world, HOME)).0, "InternalServerError");
    assert!(
        world.elapsed() < cut + 10_000,
        "it knows that it is cut off"
    );
    for other in [FAR, NEAR] {
        world.heal(HOME, other);
    }
    world.advance(30);
    assert_eq!(query(&mut world, HOME, true), ["1"]);
}

#[test]
fn a_scan_takes_over_all_that_a_region_missed_and_a_witness_can_tell_it_ddb_074() {
    let mut world = strong(&[FAR], Some(NEAR));
    world.cut(HOME, FAR);
    for nth in 0..60 {
        put(&mut world, FAR, &[("id", &format!("item-{nth:02}"))]).unwrap();
    }
    let found = scan(&mut world, HOME).unwrap();
    assert_eq!(found.len(), 60);
    assert_eq!(
        (found[0].as_str(), found[59].as_str()),
        ("item-00", "item-59")
    );
}

#[test]
fn a_batch_reads_each_item_as_getitem_does_ddb_070() {
    let mut world = strong(&[FAR, NEAR], None);
    put(&mut world, HOME, &[("id", "a"), ("v", "1")]).unwrap();
    world.settle();
    world.network.hold(FAR, HOME);
    put(&mut world, FAR, &[("id", "a"), ("v", "2")]).unwrap();
    put(&mut world, FAR, &[("id", "b"), ("v", "2")]).unwrap();
    let keys = ["a", "b", "c"].map(|id| Key {
        items: members(&[("id", id)]),
    });
    let asked = KeysAndAttributes {
        keys: keys.into(),
        consistent_read: Some(true),
        ..Default::default()
    };
    let request = BatchGetItemRequest {
        request_items: BTreeMap::from([(TABLE.to_owned(), asked)]),
        ..Default::default()
    };
    let root = world.root(ACCOUNT);
    let answer = world.call(HOME, &root, &request).unwrap();
    assert_eq!(column(&answer.responses[TABLE].items, "v"), ["2", "2"]);
    assert!(answer.unprocessed_keys.is_empty());
}

#[test]
fn a_batch_of_writes_is_many_writes_and_what_met_another_may_be_sent_again_ddb_071() {
    let mut world = strong(&[FAR, NEAR], None);
    let root = world.root(ACCOUNT);
    let plain = CreateTableRequest {
        table_name: some("plain"),
        ..table_request()
    };
    world.call(HOME, &root, &plain).unwrap();
    world.advance(10);
    let first = batch(&[("a", Some("1")), ("b", Some("1")), ("c", Some("1"))]);
    let answer = world.call(HOME, &root, &first).unwrap();
    assert!(answer.unprocessed_items.is_empty());
    assert_eq!(answer.consumed_capacity[0].capacity_units, Some(3.0));
    // Virginia takes one of them over while the second batch is on its way.
    world.network.hold(HOME, FAR);
    world.network.hold(HOME, NEAR);
    let mut second = batch(&[("a", Some("2")), ("b", Some("2")), ("c", None)]);
    let other = second.request_items[TABLE].clone();
    second.request_items.insert("plain".to_owned(), other);
    let slow = world.begin(HOME, &root, &second);
    put(&mut world, FAR, &[("id", "a"), ("v", "fast")]).unwrap();
    world.network.heal(HOME, FAR);
    world.network.heal(HOME, NEAR);
    let answer = world.finish::<BatchWriteItemRequest>(&slow).unwrap();
    let left = &answer.unprocessed_items[TABLE].items;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0], second.request_items[TABLE].items[0]);
    assert_eq!(answer.consumed_capacity.len(), 2);
    for reader in ALL {
        let found = ["a", "b", "c"].map(|id| read(&mut world, reader, id, "v"));
        assert_eq!(found, ["fast", "2", ""], "{reader}");
    }
    // One that met another and nothing else is refused as PutItem is.
    world.network.hold(HOME, FAR);
    world.network.hold(HOME, NEAR);
    let slow = world.begin(HOME, &root, &batch(&[("b", Some("3"))]));
    put(&mut world, FAR, &[("id", "b"), ("v", "fast")]).unwrap();
    world.network.heal(HOME, FAR);
    world.network.heal(HOME, NEAR);
    let refused = no(world.finish::<BatchWriteItemRequest>(&slow));
    assert_eq!(refused.0, "ReplicatedWriteConflictException");
    assert_eq!(read(&mut world, HOME, "b", "v"), "fast");
}

#[test]
fn a_wrong_item_refuses_the_whole_batch_and_large_ones_go_in_portions() {
    let mut world = strong(&[FAR, NEAR], None);
    let root = world.root(ACCOUNT);
    let twice = batch(&[("a", Some("1")), ("a", None)]);
    assert_eq!(no(world.call(HOME, &root, &twice)).0, "ValidationException");
    assert!(get(&mut world, FAR, "a").unwrap().is_empty());
    let long = "x".repeat(5_000);
    let names: Vec<String> = (0..25).map(|nth| format!("item-{nth:02}")).collect();
    let writes: Vec<_> = names
        .iter()
        .map(|id| (id.as_str(), Some(long.as_str())))
        .collect();
    let answer = world.call(FAR, &root, &batch(&writes)).unwrap();
    assert!(answer.unprocessed_items.is_empty());
    assert_eq!(answer.consumed_capacity[0].capacity_units, Some(25.0 * 5.0));
    assert_eq!(scan(&mut world, NEAR).unwrap(), names);
}

#[test]
fn a_process_that_dies_under_a_batch_loses_nothing_that_was_answered_ddb_070() {
    for region in ALL {
        for crash in [Crash::BeforeCommit, Crash::AfterCommit] {
            let mut world = strong(&[FAR, NEAR], None);
            let root = world.root(ACCOUNT);
            let first = batch(&[("a", Some("0")), ("b", Some("0"))]);
            world.call(HOME, &root, &first).unwrap();
            world.crash_next(region, crash);
            let second = batch(&[("a", Some("1")), ("b", Some("1"))]);
            let outcome = world.call(FAR, &root, &second);
            world.restart(region);
            world.advance(30);
            let found = ["a", "b"].map(|id| read(&mut world, NEAR, id, "v"));
            if outcome.is_ok_and(|answer| answer.unprocessed_items.is_empty()) {
                assert_eq!(found, ["1", "1"], "{region} {crash:?}");
            }
            for reader in ALL {
                assert_eq!(scan(&mut world, reader).unwrap(), ["a", "b"]);
                assert_eq!(
                    ["a", "b"].map(|id| read(&mut world, reader, id, "v")),
                    found
                );
            }
            world.settle();
            equal(&mut world, &ALL);
        }
    }
}
