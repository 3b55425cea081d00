//! Condition keys, the trail, tags, ListTables.

use faultline_proto::dynamodb::{
    BatchGetItemRequest, DescribeLimitsRequest, ListTablesRequest, ListTagsOfResourceRequest,
    QueryRequest, ScanRequest, TagResourceRequest, TransactWriteItemsRequest, UntagResourceRequest,
};

use super::asking::*;
use super::*;

fn policy(action: &str, conditions: &Json) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": action, "Resource": "*", "Condition": conditions }],
    })
    .to_string()
}

#[test]
fn leading_keys_bind_queries_batches_and_transactions() {
    let mut world = world();
    music(&mut world);
    table(&mut world);
    let only = json!({ "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["nina"] } });
    let nina = world.user(ACCOUNT, "nina", &policy("dynamodb:*", &only));
    let query = |artist: &str| {
        json!({
            "table_name": "music",
            "key_condition_expression": "#a = :a",
            "expression_attribute_names": { "#a": "artist" },
            "expression_attribute_values": { ":a": artist },
        })
    };
    ask_as::<QueryRequest>(&mut world, HOME, &nina, &query("nina")).unwrap();
    let (code, message) =
        ask_as::<QueryRequest>(&mut world, HOME, &nina, &query("ella")).unwrap_err();
    assert_eq!(code, "AccessDeniedException", "{message}");
    let keys = |artists: &[&str]| {
        let keys: Vec<Json> = artists
            .iter()
            .map(|artist| json!({ "artist": artist, "song": "a" }))
            .collect();
        json!({ "request_items": { "music": { "keys": keys } } })
    };
    ask_as::<BatchGetItemRequest>(&mut world, HOME, &nina, &keys(&["nina"])).unwrap();
    ask_as::<BatchGetItemRequest>(&mut world, HOME, &nina, &keys(&["nina", "ella"])).unwrap_err();
    let write = |artist: &str| {
        json!({ "transact_items": [
            { "put": { "table_name": "music", "item": { "artist": artist, "song": "t" } } },
        ] })
    };
    ask_as::<TransactWriteItemsRequest>(&mut world, HOME, &nina, &write("nina")).unwrap();
    ask_as::<TransactWriteItemsRequest>(&mut world, HOME, &nina, &write("ella")).unwrap_err();
}

#[test]
fn attributes_and_select_bind_reads() {
    let mut world = world();
    music(&mut world);
    let some = json!({
        "ForAllValues:StringEquals": { "dynamodb:Attributes": ["artist", "song"] },
        "StringEqualsIfExists": { "dynamodb:Select": "SPECIFIC_ATTRIBUTES" },
    });
    let reader = world.user(ACCOUNT, "reader", &policy("dynamodb:Scan", &some));
    let scan =
        |projection: &str| json!({ "table_name": "music", "projection_expression": projection });
    ask_as::<ScanRequest>(&mut world, HOME, &reader, &scan("artist, song")).unwrap();
    ask_as::<ScanRequest>(&mut world, HOME, &reader, &scan("artist, label")).unwrap_err();
    ask_as::<ScanRequest>(&mut world, HOME, &reader, &json!({ "table_name": "music" }))
        .unwrap_err();
}

#[test]
fn the_trail_has_keys_and_no_values_of_many_items() {
    let mut world = world();
    table(&mut world);
    let write = json!({ "transact_items": [{ "put": {
        "table_name": TABLE,
        "item": { "id": "a", "card": "4242" },
        "condition_expression": "card <> :c",
        "expression_attribute_values": { ":c": "4343" },
    } }] });
    ask::<TransactWriteItemsRequest>(&mut world, HOME, &write).unwrap();
    let get = json!({ "request_items": { TABLE: { "keys": [{ "id": "a" }] } } });
    ask::<BatchGetItemRequest>(&mut world, HOME, &get).unwrap();
    let of = |name: &str| {
        let event = world
            .audit
            .iter()
            .find(|event| event.event_name == name)
            .unwrap();
        event.request_parameters.clone()
    };
    let written = of("TransactWriteItems");
    assert!(
        written.contains(r#""key":{"id":"a"}"#)
            && !written.contains("4242")
            && !written.contains("4343"),
        "{written}"
    );
    let read = of("BatchGetItem");
    assert!(read.contains(r#""keys":[{"id":"a"}]"#), "{read}");
}

#[test]
fn tables_are_listed_in_pages_and_tags_come_and_go() {
    let mut world = world();
    table(&mut world);
    music(&mut world);
    let first = ask::<ListTablesRequest>(&mut world, HOME, &json!({ "limit": 1 })).unwrap();
    assert_eq!(
        first,
        json!({ "table_names": ["music"], "last_evaluated_table_name": "music" })
    );
    let rest = json!({ "exclusive_start_table_name": "music" });
    let rest = ask::<ListTablesRequest>(&mut world, HOME, &rest).unwrap();
    assert_eq!(rest, json!({ "table_names": [TABLE] }));
    let arn = describe(&mut world, HOME).unwrap().table_arn.unwrap();
    let tag = json!({ "resource_arn": arn, "tags": [{ "key": "team", "value": "a" }, { "key": "x", "value": "" }] });
    ask::<TagResourceRequest>(&mut world, HOME, &tag).unwrap();
    let untag = json!({ "resource_arn": arn, "tag_keys": ["x", "unknown"] });
    ask::<UntagResourceRequest>(&mut world, HOME, &untag).unwrap();
    let tags = ask::<ListTagsOfResourceRequest>(&mut world, HOME, &json!({ "resource_arn": arn }))
        .unwrap();
    assert_eq!(tags, json!({ "tags": [{ "key": "team", "value": "a" }] }));
    let missing = json!({ "resource_arn": arn.replace(TABLE, "nothing") });
    let (code, message) = ask::<ListTagsOfResourceRequest>(&mut world, HOME, &missing).unwrap_err();
    assert_eq!(code, "ResourceNotFoundException");
    assert!(message.starts_with("Requested resource not found: ResourceArn: "));
    let limits = ask::<DescribeLimitsRequest>(&mut world, HOME, &json!({})).unwrap();
    assert_eq!(limits["table_max_read_capacity_units"], json!(40_000));
}
