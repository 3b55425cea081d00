//! Items: written, read, changed and deleted in one Region.

use faultline_proto::dynamodb::PutItemRequest;

use super::*;
use crate::store::Store as _;
use crate::testing::Crash;

#[test]
fn an_item_comes_back_as_it_was_written() {
    let mut world = world();
    table(&mut world);
    put(&mut world, HOME, &[("id", "a"), ("card", "4242")]).unwrap();
    assert_eq!(
        get(&mut world, HOME, "a").unwrap(),
        members(&[("id", "a"), ("card", "4242")])
    );
    assert!(get(&mut world, HOME, "b").unwrap().is_empty());
    put(&mut world, HOME, &[("id", "a"), ("status", "paid")]).unwrap();
    assert_eq!(
        read(&mut world, HOME, "a", "card"),
        "",
        "a put replaces the whole item"
    );
    delete(&mut world, HOME, "a").unwrap();
    assert!(get(&mut world, HOME, "a").unwrap().is_empty());
    delete(&mut world, HOME, "a").unwrap();
}

#[test]
fn nothing_of_an_item_is_readable_in_the_store_but_keys_in_the_trail() {
    let mut world = world();
    let root = table(&mut world);
    let (id, secret) = ("order-77", "4242-4242-4242-4242");
    put(&mut world, HOME, &[("id", id), ("card", secret)]).unwrap();
    world.call(HOME, &root, &set(id, "copy", secret)).unwrap();
    put(&mut world, HOME, &[("id", "order-78"), ("card", secret)]).unwrap();
    delete(&mut world, HOME, "order-78").unwrap();
    let (mut cards, mut keys) = (0, 0);
    for row in world.store(HOME).raw() {
        let (key, value) = row.unwrap();
        let is_trail = key.starts_with(&[0x04]);
        for place in [key, value] {
            let holds = |text: &str| {
                place
                    .windows(text.len())
                    .any(|part| part == text.as_bytes())
            };
            cards += u32::from(holds(secret));
            keys += u32::from(!is_trail && (holds("order-77") || holds("order-78")));
        }
    }
    assert_eq!((cards, keys), (0, 0));
    let event = world
        .audit
        .iter()
        .find(|event| event.event_name == "PutItem");
    assert_eq!(
        event.unwrap().request_parameters,
        r#"{"key":{"id":"order-77"},"tableName":"orders"}"#
    );
}

#[test]
fn conditions_guard_writes_and_may_show_the_item() {
    let mut world = world();
    let root = table(&mut world);
    let once = PutItemRequest {
        table_name: some(TABLE),
        item: members(&[("id", "a"), ("card", "1")]),
        condition_expression: some("attribute_not_exists(id)"),
        return_values_on_condition_check_failure: some("ALL_OLD"),
        ..Default::default()
    };
    world.call(HOME, &root, &once).unwrap();
    let failure = world.call(HOME, &root, &once).unwrap_err();
    assert_eq!(failure.code, "ConditionalCheckFailedException");
    assert_eq!(failure.message, "The conditional request failed");
    assert_eq!(
        failure.members,
        r#"{"Item":{"card":{"S":"1"},"id":{"S":"a"}}}"#
    );
    let only_paid = DeleteItemRequest {
        table_name: some(TABLE),
        key: members(&[("id", "a")]),
        condition_expression: some("card = :two"),
        expression_attribute_values: members(&[(":two", "2")]),
        ..Default::default()
    };
    assert_eq!(
        no(world.call(HOME, &root, &only_paid)).0,
        "ConditionalCheckFailedException"
    );
    assert_eq!(read(&mut world, HOME, "a", "card"), "1");
}

#[test]
fn update_item_makes_counts_and_answers_as_return_values_asks() {
    let mut world = world();
    let root = table(&mut world);
    let count = |wanted: &str| UpdateItemRequest {
        table_name: some(TABLE),
        key: members(&[("id", "a")]),
        update_expression: some("ADD seen :one"),
        expression_attribute_values: BTreeMap::from([(":one".to_owned(), number("1"))]),
        return_values: some(wanted),
        ..Default::default()
    };
    let shown = |world: &mut World, wanted: &str| {
        world.call(HOME, &root, &count(wanted)).unwrap().attributes
    };
    assert!(shown(&mut world, "UPDATED_OLD").is_empty());
    assert_eq!(
        shown(&mut world, "UPDATED_NEW"),
        BTreeMap::from([("seen".to_owned(), number("2"))])
    );
    assert_eq!(shown(&mut world, "ALL_OLD").len(), 2);
    assert_eq!(shown(&mut world, "ALL_NEW")["seen"], number("4"));
    assert!(shown(&mut world, "NONE").is_empty());
    let key = set("a", "id", "b");
    let words = "One or more parameter values were invalid: Cannot update attribute id. This attribute is part of the key";
    assert_eq!(
        no(world.call(HOME, &root, &key)),
        ("ValidationException".to_owned(), words.to_owned())
    );
}

#[test]
fn wrong_items_and_keys_are_refused() {
    let mut world = world();
    let root = table(&mut world);
    let invalid = |text: &str| format!("One or more parameter values were invalid: {text}");
    let told = |outcome: Result<(), Failure>| no(outcome).1;
    assert_eq!(
        told(put(&mut world, HOME, &[("card", "1")])),
        invalid("Missing the key id in the item")
    );
    assert_eq!(
        told(put(&mut world, HOME, &[("id", "")])),
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: id"
    );
    let mut item = members(&[]);
    item.insert("id".to_owned(), number("1"));
    let request = PutItemRequest {
        table_name: some(TABLE),
        item,
        ..Default::default()
    };
    assert_eq!(
        no(world.call(HOME, &root, &request)).1,
        invalid("Type mismatch for key id expected: S actual: N")
    );
    let request = GetItemRequest {
        table_name: some(TABLE),
        key: members(&[("id", "a"), ("more", "b")]),
        ..Default::default()
    };
    assert_eq!(
        no(world.call(HOME, &root, &request)).1,
        "The provided key element does not match the schema"
    );
    let large = "x".repeat(400 * 1024);
    assert_eq!(
        told(put(&mut world, HOME, &[("id", "a"), ("body", &large)])),
        "Item size has exceeded the maximum allowed size"
    );
    let almost = "x".repeat(400 * 1024 - 20);
    put(&mut world, HOME, &[("id", "a"), ("body", &almost)]).unwrap();
    let more = set("a", "more", "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy");
    assert_eq!(
        no(world.call(HOME, &root, &more)).1,
        "Item size to update has exceeded the maximum allowed size"
    );
}

#[test]
fn a_crash_before_or_after_the_commit_loses_nothing_that_was_acknowledged() {
    let mut world = world();
    table(&mut world);
    put(&mut world, HOME, &[("id", "a"), ("card", "1")]).unwrap();
    world.crash_next(HOME, Crash::BeforeCommit);
    assert_eq!(
        no(put(&mut world, HOME, &[("id", "a"), ("card", "2")])).0,
        "ConnectionReset"
    );
    world.restart(HOME);
    assert_eq!(read(&mut world, HOME, "a", "card"), "1");
    world.crash_next(HOME, Crash::AfterCommit);
    assert_eq!(
        no(put(&mut world, HOME, &[("id", "a"), ("card", "3")])).0,
        "ConnectionReset"
    );
    world.restart(HOME);
    assert_eq!(read(&mut world, HOME, "a", "card"), "3");
    let last = notes(&world, "accepted").pop().unwrap();
    assert_eq!(
        last.fields["region"], HOME,
        "what nobody heard is told again at the start"
    );
}

#[test]
fn permissions_are_asked_for_the_table_and_its_leading_keys() {
    let mut world = world();
    table(&mut world);
    let arn = format!("arn:aws:dynamodb:{HOME}:{ACCOUNT}:table/{TABLE}");
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": arn,
        "Condition": { "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["mine"] } },
    }]});
    let ann = world.user(ACCOUNT, "ann", &policy.to_string());
    let ask = |world: &mut World, id: &str| {
        let request = GetItemRequest {
            table_name: some(TABLE),
            key: members(&[("id", id)]),
            ..Default::default()
        };
        world.call(HOME, &ann, &request)
    };
    assert!(ask(&mut world, "mine").is_ok());
    let refused = ask(&mut world, "yours").unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.http_status),
        ("AccessDeniedException", 400)
    );
    assert!(
        refused
            .message
            .contains("is not authorized to perform: dynamodb:GetItem on resource: "),
        "{}",
        refused.message
    );
}
