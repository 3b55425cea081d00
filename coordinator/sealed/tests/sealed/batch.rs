//! Batches and transactions: each item is sealed and opened by itself (CSE-009).

use crate::world::*;
use faultline_sealed::{Client, Item, SealedError, Value, Write};

fn named(id: &str) -> Item {
    let mut item = order();
    item.insert("id".to_owned(), Value::S(id.to_owned()));
    item
}

fn key_named(id: &str) -> Item {
    let mut key = key();
    key.insert("id".to_owned(), Value::S(id.to_owned()));
    key
}

fn ours() -> Client {
    client(orders(), mrk(MRK_WEST))
}

#[test]
fn cse_009_a_batch_is_sealed_item_by_item_and_what_is_left_comes_back_as_it_was() {
    let world = World::default();
    let (mut chance, table) = (Repeatable::default(), table("eu-west-1"));
    let writes = ["a", "b", "c"].map(|id| Write::Put(named(id)));
    let left = now(ours().batch_write(&world, &mut chance, &table, &writes)).unwrap();
    assert_eq!(left, [Write::Put(named("c"))]);
    let generated = format!("kms.GenerateDataKey eu-west-1 {MRK_WEST}");
    let batch = "dynamodb.BatchWriteItem eu-west-1".to_owned();
    assert_eq!(
        world.calls(),
        [generated.clone(), generated.clone(), generated, batch]
    );
    for stored in world.items() {
        assert!(matches!(stored["card"], Value::B(_)));
        assert!(stored.contains_key("aws_dbe_head"));
    }
    let keys = ["a", "b", "c"].map(key_named);
    let got = now(ours().batch_get(&world, &table, &keys, true)).unwrap();
    let opened: Vec<&Value> = got
        .items
        .iter()
        .map(|opened| &opened.item["card"])
        .collect();
    assert_eq!(opened, [&order()["card"], &order()["card"]]);
    assert_eq!(got.unprocessed, [key_named("c")]);
    let gone = [Write::Delete(key_named("a")), Write::Delete(key_named("b"))];
    let left = now(ours().batch_write(&world, &mut chance, &table, &gone)).unwrap();
    assert_eq!(left, [Write::Delete(key_named("b"))]);
    assert_eq!(world.items().len(), 1);
}

#[test]
fn cse_009_transactions_are_sealed_and_opened() {
    let world = World::default();
    let (mut chance, table) = (Repeatable::default(), table("eu-west-1"));
    let writes = ["a", "b"].map(|id| Write::Put(named(id)));
    now(ours().transact_write(&world, &mut chance, &table, &writes)).unwrap();
    assert!(
        world
            .items()
            .iter()
            .all(|item| matches!(item["card"], Value::B(_)))
    );
    let keys = ["b", "none", "a"].map(key_named);
    let got = now(ours().transact_get(&world, &table, &keys)).unwrap();
    let ids: Vec<Option<&Value>> = got
        .iter()
        .map(|it| it.as_ref().map(|it| &it.item["id"]))
        .collect();
    let (a, b) = (Value::S("a".to_owned()), Value::S("b".to_owned()));
    assert_eq!(ids, [Some(&b), None, Some(&a)]);
    // One item that does not fit, and no call is made.
    world.calls();
    let mut wrong = named("c");
    wrong.insert("unknown".to_owned(), Value::Bool(true));
    let wrong = [Write::Put(wrong)];
    let refused = now(ours().transact_write(&world, &mut chance, &table, &wrong)).unwrap_err();
    assert!(matches!(refused, SealedError::SchemaViolation(_)));
    assert!(world.calls().is_empty());
}
