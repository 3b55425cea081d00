//! Secondary indexes: eventual, filled later, alike in all replicas; what CreateTable refuses.

use faultline_proto::dynamodb::QueryRequest;

use super::asking::*;
use super::*;

fn by_genre(world: &mut World, genre: &str) -> Vec<String> {
    let request = json!({
        "table_name": "music",
        "index_name": "by-genre",
        "key_condition_expression": "genre = :g",
        "expression_attribute_values": { ":g": genre },
    });
    let found = ask::<QueryRequest>(world, HOME, &request).unwrap();
    column(&found, "song")
}

#[test]
fn a_global_index_follows_its_table_some_moments_later() {
    let mut world = world();
    music(&mut world);
    let item = |genre: &str| json!({ "artist": "nina", "song": "a", "genre": genre, "year": 1 });
    song(&mut world, item("jazz"));
    assert!(by_genre(&mut world, "jazz").is_empty(), "not yet");
    world.advance(1);
    assert_eq!(by_genre(&mut world, "jazz"), ["a"]);
    song(&mut world, item("soul"));
    assert_eq!(by_genre(&mut world, "jazz"), ["a"], "still");
    assert!(by_genre(&mut world, "soul").is_empty(), "not yet");
    world.advance(1);
    assert!(by_genre(&mut world, "jazz").is_empty());
    assert_eq!(by_genre(&mut world, "soul"), ["a"]);
    let key = json!({ "table_name": "music", "key": { "artist": "nina", "song": "a" } });
    ask::<DeleteItemRequest>(&mut world, HOME, &key).unwrap();
    world.advance(1);
    assert!(by_genre(&mut world, "soul").is_empty());
}

#[test]
fn writes_are_charged_for_the_indexes_that_they_change() {
    let mut world = world();
    music(&mut world);
    let put = json!({
        "table_name": "music",
        "item": { "artist": "nina", "song": "a", "genre": "jazz", "year": 1, "text": "x".repeat(3000) },
        "return_consumed_capacity": "INDEXES",
    });
    let used = |answer: &Json| {
        let used = &answer["consumed_capacity"];
        (
            used["table"]["capacity_units"].as_f64(),
            used["global_secondary_indexes"]["by-genre"]["capacity_units"].as_f64(),
            used["local_secondary_indexes"]["by-year"]["capacity_units"].as_f64(),
            used["capacity_units"].as_f64(),
        )
    };
    let first = ask::<PutItemRequest>(&mut world, HOME, &put).unwrap();
    assert_eq!(used(&first), (Some(3.0), Some(1.0), Some(1.0), Some(5.0)));
    let again = ask::<PutItemRequest>(&mut world, HOME, &put).unwrap();
    assert_eq!(
        used(&again),
        (Some(3.0), None, None, Some(3.0)),
        "no index changes"
    );
    let moved = json!({
        "table_name": "music",
        "key": { "artist": "nina", "song": "a" },
        "update_expression": "SET genre = :g",
        "expression_attribute_values": { ":g": "soul" },
        "return_consumed_capacity": "INDEXES",
    });
    let moved = ask::<UpdateItemRequest>(&mut world, HOME, &moved).unwrap();
    assert_eq!(
        used(&moved),
        (Some(3.0), Some(2.0), None, Some(5.0)),
        "one goes, one comes"
    );
}

#[test]
fn an_index_made_later_fills_and_one_deleted_goes() {
    let mut world = world();
    table(&mut world);
    for at in 0..100 {
        put(
            &mut world,
            HOME,
            &[("id", &format!("{at:03}")), ("kind", "even")],
        )
        .unwrap();
    }
    put(&mut world, HOME, &[("id", "bare")]).unwrap();
    let create = json!({
        "table_name": TABLE,
        "attribute_definitions": [
            { "attribute_name": "id", "attribute_type": "S" },
            { "attribute_name": "kind", "attribute_type": "S" },
        ],
        "global_secondary_index_updates": [{ "create": {
            "index_name": "kinds",
            "key_schema": [{ "attribute_name": "kind", "key_type": "HASH" }],
            "projection": { "projection_type": "ALL" },
        } }],
    });
    let made = ask::<UpdateTableRequest>(&mut world, HOME, &create).unwrap();
    let index = &made["table_description"]["global_secondary_indexes"][0];
    assert_eq!(
        (&index["index_status"], &index["backfilling"]),
        (&json!("CREATING"), &json!(false))
    );
    let query = json!({
        "table_name": TABLE,
        "index_name": "kinds",
        "key_condition_expression": "kind = :k",
        "expression_attribute_values": { ":k": "even" },
    });
    let (_, message) = ask::<QueryRequest>(&mut world, HOME, &query).unwrap_err();
    assert!(message.ends_with("Cannot read from backfilling global secondary index: kinds"));
    world.advance(60);
    let found = ask::<QueryRequest>(&mut world, HOME, &query).unwrap();
    assert_eq!(found["count"], json!(100));
    let described = describe(&mut world, HOME).unwrap();
    assert_eq!(
        described.global_secondary_indexes[0]
            .index_status
            .as_deref(),
        Some("ACTIVE")
    );
    assert_eq!(described.attribute_definitions.len(), 2);
    let delete = json!({
        "table_name": TABLE,
        "global_secondary_index_updates": [{ "delete": { "index_name": "kinds" } }],
    });
    ask::<UpdateTableRequest>(&mut world, HOME, &delete).unwrap();
    world.advance(60);
    assert!(
        describe(&mut world, HOME)
            .unwrap()
            .global_secondary_indexes
            .is_empty()
    );
}

#[test]
fn replicas_have_the_same_indexes_ddb_029() {
    let mut world = world();
    music(&mut world);
    song(
        &mut world,
        json!({ "artist": "nina", "song": "a", "genre": "jazz", "year": 1 }),
    );
    let mut create = create_in(FAR);
    create.table_name = some("music");
    let root = world.root(ACCOUNT);
    world.call(HOME, &root, &create).unwrap();
    world.advance(700);
    let query = json!({
        "table_name": "music",
        "index_name": "by-genre",
        "key_condition_expression": "genre = :g",
        "expression_attribute_values": { ":g": "jazz" },
    });
    let there = ask::<QueryRequest>(&mut world, FAR, &query).unwrap();
    assert_eq!(column(&there, "song"), ["a"]);
    let add = json!({
        "table_name": "music",
        "attribute_definitions": [{ "attribute_name": "label", "attribute_type": "S" }],
        "global_secondary_index_updates": [{ "create": {
            "index_name": "by-label",
            "key_schema": [{ "attribute_name": "label", "key_type": "HASH" }],
            "projection": { "projection_type": "KEYS_ONLY" },
        } }],
    });
    ask::<UpdateTableRequest>(&mut world, FAR, &add).unwrap();
    world.advance(60);
    let request = DescribeTableRequest {
        table_name: some("music"),
    };
    let home = world.call(HOME, &root, &request).unwrap().table.unwrap();
    assert_eq!(home.global_secondary_indexes.len(), 2);
    assert_eq!(
        home.global_secondary_indexes[1].index_status.as_deref(),
        Some("ACTIVE")
    );
}

#[test]
fn wrong_indexes_and_wrong_keys_of_indexes_are_refused() {
    let mut world = world();
    let base = |indexes: Json| {
        let mut request = json!({
            "table_name": TABLE,
            "attribute_definitions": [
                { "attribute_name": "id", "attribute_type": "S" },
                { "attribute_name": "kind", "attribute_type": "S" },
            ],
            "key_schema": [{ "attribute_name": "id", "key_type": "HASH" }],
            "billing_mode": "PAY_PER_REQUEST",
        });
        request["global_secondary_indexes"] = indexes;
        request
    };
    let index = |key: &str, projection: Json| json!([{ "index_name": "kinds", "key_schema": [{ "attribute_name": key, "key_type": "HASH" }], "projection": projection }]);
    let all = json!({ "projection_type": "ALL" });
    for (request, message) in [
        (
            base(index("size", all.clone())),
            "One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [size], AttributeDefinitions: [id, kind]",
        ),
        (
            base(index("id", all.clone())),
            "One or more parameter values were invalid: Some AttributeDefinitions are not used. AttributeDefinitions: [id, kind], keys used: [id]",
        ),
        (
            base(index(
                "kind",
                json!({ "projection_type": "ALL", "non_key_attributes": ["a"] }),
            )),
            "One or more parameter values were invalid: ProjectionType is ALL, but NonKeyAttributes is specified",
        ),
        (
            base(index("kind", json!({}))),
            "One or more parameter values were invalid: Unknown ProjectionType: null",
        ),
    ] {
        assert_eq!(invalid::<CreateTableRequest>(&mut world, &request), message);
    }
    ask::<CreateTableRequest>(&mut world, HOME, &base(index("kind", all))).unwrap();
    world.advance(10);
    let put = json!({ "table_name": TABLE, "item": { "id": "a", "kind": 7 } });
    assert_eq!(
        invalid::<PutItemRequest>(&mut world, &put),
        "One or more parameter values were invalid: Type mismatch for Index Key kind Expected: S Actual: N IndexName: kinds"
    );
    let put = json!({ "table_name": TABLE, "item": { "id": "a", "kind": "" } });
    assert_eq!(
        invalid::<PutItemRequest>(&mut world, &put),
        "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: kinds, IndexKey: kind"
    );
}
