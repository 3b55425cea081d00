//! TransactWriteItems, TransactGetItems, BatchWriteItem, BatchGetItem.

use faultline_proto::dynamodb::{
    BatchGetItemRequest, BatchWriteItemRequest, TransactGetItemsRequest, TransactWriteItemsRequest,
};

use super::asking::*;
use super::*;

fn stock(world: &mut World, id: &str, left: u32) {
    let put = json!({ "table_name": TABLE, "item": { "id": id, "stock": left } });
    ask::<PutItemRequest>(world, HOME, &put).unwrap();
}

/// Takes one of `id` if there is one, and writes an order.
fn order(id: &str, order: &str, token: &str) -> Json {
    json!({
        "transact_items": [
            { "update": {
                "table_name": TABLE,
                "key": { "id": id },
                "update_expression": "SET stock = stock - :one",
                "condition_expression": "stock >= :one",
                "expression_attribute_values": { ":one": 1 },
                "return_values_on_condition_check_failure": "ALL_OLD",
            } },
            { "put": {
                "table_name": TABLE,
                "item": { "id": order, "of": id },
                "condition_expression": "attribute_not_exists(id)",
            } },
        ],
        "client_request_token": token,
        "return_consumed_capacity": "TOTAL",
    })
}

#[test]
fn a_transaction_is_done_whole_or_not_at_all_and_says_why() {
    let mut world = world();
    table(&mut world);
    stock(&mut world, "book", 1);
    let done = ask::<TransactWriteItemsRequest>(&mut world, HOME, &order("book", "o-1", "t-1"));
    let used = &done.unwrap()["consumed_capacity"][0];
    assert_eq!(
        (&used["capacity_units"], &used["write_capacity_units"]),
        (&json!(4.0), &json!(4.0))
    );
    assert_eq!(read(&mut world, HOME, "book", "stock"), "0");
    let root = world.root(ACCOUNT);
    let encoded = faultline_proto::codec::from_snake(
        <TransactWriteItemsRequest as faultline_proto::Operation>::def().input,
        &order("book", "o-2", "t-2"),
    );
    let message = encoded.unwrap().message;
    let request = <TransactWriteItemsRequest as prost::Message>::decode(&message[..]).unwrap();
    let failure = world.call(HOME, &root, &request).unwrap_err();
    assert_eq!(failure.code, "TransactionCanceledException");
    assert_eq!(
        failure.message,
        "Transaction cancelled, please refer cancellation reasons for specific reasons [ConditionalCheckFailed, None]"
    );
    let members: Json = serde_json::from_str(&failure.members).unwrap();
    assert_eq!(
        members["CancellationReasons"],
        json!([
            { "Code": "ConditionalCheckFailed", "Message": "The conditional request failed",
              "Item": { "id": { "S": "book" }, "stock": { "N": "0" } } },
            { "Code": "None" },
        ])
    );
    assert!(
        get(&mut world, HOME, "o-2").unwrap().is_empty(),
        "nothing of it is there"
    );
}

#[test]
fn a_token_is_good_for_ten_minutes_ddb_018() {
    let mut world = world();
    table(&mut world);
    stock(&mut world, "book", 5);
    let write =
        |world: &mut World, request: &Json| ask::<TransactWriteItemsRequest>(world, HOME, request);
    write(&mut world, &order("book", "o-1", "t")).unwrap();
    let again = write(&mut world, &order("book", "o-1", "t")).unwrap();
    let used = &again["consumed_capacity"][0];
    assert_eq!(
        (&used["read_capacity_units"], &used["capacity_units"]),
        (&json!(4.0), &json!(4.0))
    );
    assert_eq!(read(&mut world, HOME, "book", "stock"), "4", "done once");
    assert_eq!(
        write(&mut world, &order("book", "o-9", "t")).unwrap_err(),
        (
            "IdempotentParameterMismatchException".to_owned(),
            "The provided client token is already in use with different request parameters"
                .to_owned()
        )
    );
    world.advance(601);
    let (code, _) = write(&mut world, &order("book", "o-1", "t")).unwrap_err();
    assert_eq!(
        code, "TransactionCanceledException",
        "forgotten: it is a new call, and o-1 is there"
    );
}

#[test]
fn transactions_have_limits_ddb_018() {
    let mut world = world();
    table(&mut world);
    let put = |id: String, text: &str| json!({ "put": { "table_name": TABLE, "item": { "id": id, "text": text } } });
    let many: Vec<Json> = (0..101).map(|at| put(at.to_string(), "x")).collect();
    let message =
        invalid::<TransactWriteItemsRequest>(&mut world, &json!({ "transact_items": many }));
    assert!(
        message.ends_with("Member must have length less than or equal to 100"),
        "{message}"
    );
    let long = "x".repeat(390_000);
    let large: Vec<Json> = (0..11).map(|at| put(at.to_string(), &long)).collect();
    let message =
        invalid::<TransactWriteItemsRequest>(&mut world, &json!({ "transact_items": large }));
    assert!(message.contains("4 MB"));
    let twice = json!({ "transact_items": [put("a".to_owned(), "x"), put("a".to_owned(), "y")] });
    assert_eq!(
        invalid::<TransactWriteItemsRequest>(&mut world, &twice),
        "Transaction request cannot include multiple operations on one item"
    );
    let both = json!({ "transact_items": [{
        "put": { "table_name": TABLE, "item": { "id": "a" } },
        "delete": { "table_name": TABLE, "key": { "id": "b" } },
    }] });
    assert_eq!(
        invalid::<TransactWriteItemsRequest>(&mut world, &both),
        "TransactItems can only contain one of Check, Put, Update or Delete"
    );
    let hundred: Vec<Json> = (0..100).map(|at| put(at.to_string(), "x")).collect();
    ask::<TransactWriteItemsRequest>(&mut world, HOME, &json!({ "transact_items": hundred }))
        .unwrap();
    let get = json!({ "transact_items": [
        { "get": { "table_name": TABLE, "key": { "id": "7" }, "projection_expression": "id" } },
        { "get": { "table_name": TABLE, "key": { "id": "none" } } },
    ] });
    let got = ask::<TransactGetItemsRequest>(&mut world, HOME, &get).unwrap();
    assert_eq!(got["responses"], json!([{ "item": { "id": "7" } }, {}]));
}

#[test]
fn other_regions_see_a_transaction_item_by_item_ddb_017() {
    let mut world = world();
    global_table(&mut world, &[FAR]);
    stock(&mut world, "book", 1);
    world.advance(5);
    world.network.hold(HOME, FAR);
    ask::<TransactWriteItemsRequest>(&mut world, HOME, &order("book", "o-1", "t")).unwrap();
    let mut halves = 0;
    world.network.heal(HOME, FAR);
    while world.deliver_one() {
        let taken = read(&mut world, FAR, "book", "stock") == "0";
        let ordered = !read(&mut world, FAR, "o-1", "of").is_empty();
        halves += u32::from(taken != ordered);
    }
    assert!(halves > 0, "half of it was to be seen");
    world.advance(5);
    equal(&mut world, &[HOME, FAR]);
}

#[test]
fn batches_write_and_read_many_items_each_for_itself() {
    let mut world = world();
    table(&mut world);
    let puts: Vec<Json> = (0..25)
        .map(|at| json!({ "put_request": { "item": { "id": at.to_string(), "n": at } } }))
        .collect();
    let written = json!({ "request_items": { TABLE: puts }, "return_consumed_capacity": "TOTAL" });
    let written = ask::<BatchWriteItemRequest>(&mut world, HOME, &written).unwrap();
    assert_eq!(written["unprocessed_items"], json!({}));
    assert_eq!(
        written["consumed_capacity"][0]["capacity_units"],
        json!(25.0)
    );
    let delete =
        json!({ "request_items": { TABLE: [{ "delete_request": { "key": { "id": "3" } } }] } });
    ask::<BatchWriteItemRequest>(&mut world, HOME, &delete).unwrap();
    let keys: Vec<Json> = ["1", "2", "3"]
        .iter()
        .map(|id| json!({ "id": id }))
        .collect();
    let get = json!({ "request_items": { TABLE: { "keys": keys, "consistent_read": true } }, "return_consumed_capacity": "TOTAL" });
    let got = ask::<BatchGetItemRequest>(&mut world, HOME, &get).unwrap();
    assert_eq!(
        got["responses"][TABLE],
        json!([{ "id": "1", "n": 1 }, { "id": "2", "n": 2 }])
    );
    assert_eq!(got["consumed_capacity"][0]["capacity_units"], json!(3.0));
    let many: Vec<Json> = (0..26)
        .map(|at| json!({ "delete_request": { "key": { "id": at.to_string() } } }))
        .collect();
    let message =
        invalid::<BatchWriteItemRequest>(&mut world, &json!({ "request_items": { TABLE: many } }));
    assert_eq!(
        message,
        "Too many items requested for the BatchWriteItem call"
    );
    let twice = json!({ "request_items": { TABLE: { "keys": [{ "id": "1" }, { "id": "1" }] } } });
    assert_eq!(
        invalid::<BatchGetItemRequest>(&mut world, &twice),
        "Provided list of item keys contains duplicates"
    );
    let wrong = json!({ "request_items": { TABLE: [
        { "put_request": { "item": { "id": "new" } } },
        { "put_request": { "item": { "other": "key" } } },
    ] } });
    invalid::<BatchWriteItemRequest>(&mut world, &wrong);
    assert!(
        get_item_is_missing(&mut world, "new"),
        "a wrong item refuses all"
    );
}

fn get_item_is_missing(world: &mut World, id: &str) -> bool {
    get(world, HOME, id).unwrap().is_empty()
}
