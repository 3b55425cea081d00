//! Whole requests: each item is sealed and opened by itself (CSE-009, CSE-010).

use std::collections::BTreeMap;

use crate::world::*;
use faultline_proto::dynamodb::attribute_value::Value as Member;
use faultline_proto::dynamodb::{
    AttributeValue, BatchGetItemRequest, BatchWriteItemRequest, DeleteRequest, Get, Key,
    KeysAndAttributes, Put, PutRequest, TransactGetItem, TransactGetItemsRequest,
    TransactWriteItem, TransactWriteItemsRequest, Update, UpdateItemRequest, WriteRequest,
    WriteRequests,
};
use faultline_sealed::attribute::{AttributeMap, to_attributes};
use faultline_sealed::{Interceptor, Item, SealedError, Value};

fn named(id: &str, mut item: Item) -> AttributeMap {
    item.insert("id".to_owned(), Value::S(id.to_owned()));
    to_attributes(item)
}

fn ours() -> Interceptor {
    let clients = [("orders".to_owned(), client(orders(), mrk(MRK_WEST)))];
    Interceptor {
        region: table("eu-west-1").region,
        clients: clients.into(),
    }
}

fn put(item: AttributeMap) -> WriteRequest {
    WriteRequest {
        put_request: Some(PutRequest { item }),
        ..WriteRequest::default()
    }
}

fn writes(table: &str, items: Vec<WriteRequest>) -> BatchWriteItemRequest {
    BatchWriteItemRequest {
        request_items: [(table.to_owned(), WriteRequests { items })].into(),
        ..BatchWriteItemRequest::default()
    }
}

fn transaction(puts: Vec<AttributeMap>) -> TransactWriteItemsRequest {
    let action = |item| TransactWriteItem {
        put: Some(Put {
            table_name: Some("orders".to_owned()),
            item,
            ..Put::default()
        }),
        ..TransactWriteItem::default()
    };
    TransactWriteItemsRequest {
        transact_items: puts.into_iter().map(action).collect(),
        ..TransactWriteItemsRequest::default()
    }
}

fn sealed(item: &Item) -> bool {
    matches!(item["card"], Value::B(_)) && item.contains_key("aws_dbe_head")
}

#[test]
fn cse_009_a_batch_is_sealed_item_by_item_and_what_is_left_comes_back_as_it_was() {
    let world = World::default();
    let mut chance = Repeatable::default();
    let puts = ["a", "b", "c"].map(|id| put(named(id, order()))).to_vec();
    let batch = writes("orders", puts);
    let written = now(ours().batch_write_item(&world, &mut chance, &batch)).unwrap();
    let left = &written.unprocessed_items["orders"].items;
    assert_eq!(*left, [put(named("c", order()))]);
    let generated = format!("kms.GenerateDataKey eu-west-1 {MRK_WEST}");
    let call = "dynamodb.BatchWriteItem eu-west-1".to_owned();
    assert_eq!(
        world.calls(),
        [generated.clone(), generated.clone(), generated, call]
    );
    assert!(world.items().iter().all(sealed));

    let keys = ["a", "b", "c"].map(|id| Key {
        items: named(id, key()),
    });
    let keys = KeysAndAttributes {
        keys: keys.to_vec(),
        ..KeysAndAttributes::default()
    };
    let asked = BatchGetItemRequest {
        request_items: [("orders".to_owned(), keys.clone())].into(),
        ..BatchGetItemRequest::default()
    };
    let got = now(ours().batch_get_item(&world, &asked)).unwrap();
    let opened = got.responses["orders"].items.iter();
    let opened: Vec<&AttributeMap> = opened.map(|item| &item.items).collect();
    assert_eq!(
        opened,
        [&named("a", order_again()), &named("b", order_again())]
    );
    assert_eq!(got.unprocessed_keys["orders"].keys, [keys.keys[2].clone()]);

    let gone = ["a", "b"].map(|id| WriteRequest {
        delete_request: Some(DeleteRequest {
            key: named(id, key()),
        }),
        ..WriteRequest::default()
    });
    let batch = writes("orders", gone.to_vec());
    let left = now(ours().batch_write_item(&world, &mut chance, &batch)).unwrap();
    assert_eq!(left.unprocessed_items["orders"].items, [gone[1].clone()]);
    assert_eq!(world.items().len(), 1);
}

#[test]
fn cse_009_a_table_without_a_client_passes_as_it_is() {
    let world = World::default();
    let plain = ["a", "b"].map(|id| put(named(id, order()))).to_vec();
    let batch = writes("stock", plain);
    now(ours().batch_write_item(&world, &mut Repeatable::default(), &batch)).unwrap();
    assert_eq!(world.calls(), ["dynamodb.BatchWriteItem eu-west-1"]);
    assert!(!world.items().iter().any(sealed));
}

#[test]
fn cse_009_transactions_are_sealed_and_opened() {
    let world = World::default();
    let mut chance = Repeatable::default();
    let puts = transaction(["a", "b"].map(|id| named(id, order())).to_vec());
    now(ours().transact_write_items(&world, &mut chance, &puts)).unwrap();
    assert!(world.items().iter().all(sealed));
    let gets = ["b", "none", "a"].map(|id| TransactGetItem {
        get: Some(Get {
            table_name: Some("arn:aws:dynamodb:eu-west-1:111111111111:table/orders".to_owned()),
            key: named(id, key()),
            ..Get::default()
        }),
    });
    let gets = TransactGetItemsRequest {
        transact_items: gets.to_vec(),
        ..TransactGetItemsRequest::default()
    };
    let got = now(ours().transact_get_items(&world, &gets)).unwrap();
    let items: Vec<&AttributeMap> = got.responses.iter().map(|it| &it.item).collect();
    let (a, b) = (named("a", order_again()), named("b", order_again()));
    assert_eq!(items, [&b, &AttributeMap::new(), &a]);
    // One item that does not fit, and no call is made.
    world.calls();
    let mut wrong = order();
    wrong.insert("unknown".to_owned(), Value::Bool(true));
    let wrong = transaction(vec![named("c", wrong)]);
    let refused = now(ours().transact_write_items(&world, &mut chance, &wrong)).unwrap_err();
    assert!(matches!(refused, SealedError::SchemaViolation(_)));
    assert!(world.calls().is_empty());
}

#[test]
fn cse_010_an_update_of_what_is_signed_is_never_sent() {
    let world = World::default();
    let state = [(":s".to_owned(), text("paid"))];
    let asked = UpdateItemRequest {
        table_name: Some("orders".to_owned()),
        key: to_attributes(key()),
        update_expression: Some("SET card = :s".to_owned()),
        expression_attribute_values: BTreeMap::from(state),
        ..UpdateItemRequest::default()
    };
    let says = "Update Expressions forbidden on signed attributes : card";
    let refused = now(ours().update_item(&world, &asked)).unwrap_err();
    assert_eq!(refused.to_string(), says);
    let update = TransactWriteItem {
        update: Some(Update {
            table_name: asked.table_name,
            key: asked.key,
            update_expression: asked.update_expression,
            ..Update::default()
        }),
        ..TransactWriteItem::default()
    };
    let mut all = transaction(vec![named("a", order())]);
    all.transact_items.push(update);
    let mut chance = Repeatable::default();
    let refused = now(ours().transact_write_items(&world, &mut chance, &all)).unwrap_err();
    assert_eq!(refused.to_string(), says);
    // A condition sees ciphertext.
    let mut all = transaction(vec![named("a", order())]);
    let put = all.transact_items[0].put.as_mut().unwrap();
    put.condition_expression = Some("card = :s".to_owned());
    let refused = now(ours().transact_write_items(&world, &mut chance, &all)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Condition Expressions forbidden on encrypted attributes : card"
    );
    assert!(world.calls().is_empty());
}

fn text(text: &str) -> AttributeValue {
    AttributeValue {
        value: Some(Member::S(text.to_owned())),
    }
}
