//! Query and Scan: order, pages, filters, projections, what they cost, what they refuse.

use faultline_proto::dynamodb::{QueryRequest, ScanRequest};

use super::asking::*;
use super::*;

fn query(world: &mut World, more: &Json) -> Result<Json, (String, String)> {
    let mut request = json!({
        "table_name": "music",
        "key_condition_expression": "artist = :a",
        "expression_attribute_values": { ":a": "nina" },
    });
    for (name, value) in more.as_object().unwrap() {
        match (name.as_str(), request[name].as_object_mut()) {
            ("expression_attribute_values", Some(known)) => {
                known.extend(value.as_object().unwrap().clone());
            }
            _ => request[name] = value.clone(),
        }
    }
    ask::<QueryRequest>(world, HOME, &request)
}

fn filled() -> World {
    let mut world = world();
    music(&mut world);
    for (song_name, year) in [("d", 1964), ("b", 1958), ("a", 1971), ("c", 1965)] {
        song(
            &mut world,
            json!({ "artist": "nina", "song": song_name, "year": year, "genre": "jazz", "label": "x" }),
        );
    }
    song(
        &mut world,
        json!({ "artist": "ella", "song": "z", "year": 1956 }),
    );
    song(&mut world, json!({ "artist": "nina", "song": "e" }));
    world.advance(1);
    world
}

#[test]
fn a_query_answers_one_partition_in_the_order_of_the_sort_key() {
    let mut world = filled();
    let all = query(&mut world, &json!({})).unwrap();
    assert_eq!(column(&all, "song"), ["a", "b", "c", "d", "e"]);
    assert_eq!(
        (&all["count"], &all["scanned_count"]),
        (&json!(5), &json!(5))
    );
    assert_eq!(all["last_evaluated_key"], Json::Null);
    let back = query(&mut world, &json!({ "scan_index_forward": false })).unwrap();
    assert_eq!(column(&back, "song"), ["e", "d", "c", "b", "a"]);
    for (condition, values, songs) in [
        ("artist = :a AND song = :s", json!({ ":s": "c" }), vec!["c"]),
        (
            "artist = :a AND song < :s",
            json!({ ":s": "c" }),
            vec!["a", "b"],
        ),
        (
            ":s <= song AND (artist = :a)",
            json!({ ":s": "c" }),
            vec!["c", "d", "e"],
        ),
        (
            "artist = :a AND song BETWEEN :s AND :t",
            json!({ ":s": "b", ":t": "c" }),
            vec!["b", "c"],
        ),
        (
            "artist = :a AND begins_with(song, :s)",
            json!({ ":s": "d" }),
            vec!["d"],
        ),
    ] {
        let more =
            json!({ "key_condition_expression": condition, "expression_attribute_values": values });
        assert_eq!(
            column(&query(&mut world, &more).unwrap(), "song"),
            songs,
            "{condition}"
        );
    }
}

#[test]
fn pages_follow_each_other_in_both_directions_and_a_full_one_always_names_its_end() {
    let mut world = filled();
    for forward in [true, false] {
        let mut seen = Vec::new();
        let mut start = json!({});
        for _ in 0..4 {
            let mut more = json!({ "limit": 2, "scan_index_forward": forward });
            if !start.as_object().unwrap().is_empty() {
                more["exclusive_start_key"] = start.clone();
            }
            let page = query(&mut world, &more).unwrap();
            seen.extend(column(&page, "song"));
            match page.get("last_evaluated_key").filter(|key| !key.is_null()) {
                Some(key) => start = key.clone(),
                None => break,
            }
        }
        seen.sort();
        assert_eq!(seen, ["a", "b", "c", "d", "e"]);
    }
    let exact = query(&mut world, &json!({ "limit": 5 })).unwrap();
    assert_eq!(
        exact["last_evaluated_key"],
        json!({ "artist": "nina", "song": "e" })
    );
    let more = json!({ "limit": 5, "exclusive_start_key": exact["last_evaluated_key"] });
    let end = query(&mut world, &more).unwrap();
    assert_eq!(
        (&end["count"], end["last_evaluated_key"].is_null()),
        (&json!(0), true)
    );
    assert_eq!(end["items"], json!([]));
}

#[test]
fn a_filter_comes_after_the_limit_and_costs_what_it_looked_at() {
    let mut world = filled();
    let more = json!({
        "filter_expression": "#y > :y",
        "expression_attribute_names": { "#y": "year" },
        "expression_attribute_values": { ":y": 1970 },
        "limit": 2,
        "return_consumed_capacity": "TOTAL",
    });
    let page = query(&mut world, &more).unwrap();
    assert_eq!(column(&page, "song"), ["a"]);
    assert_eq!(
        (&page["count"], &page["scanned_count"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(page["last_evaluated_key"]["song"], "b");
    assert_eq!(page["consumed_capacity"]["capacity_units"], json!(0.5));
    let count = query(
        &mut world,
        &json!({ "select": "COUNT", "consistent_read": true }),
    )
    .unwrap();
    assert_eq!((&count["count"], &count["items"]), (&json!(5), &json!([])));
}

#[test]
fn a_page_ends_at_one_megabyte() {
    let mut world = world();
    music(&mut world);
    let long = "x".repeat(300_000);
    for at in 0..6 {
        song(
            &mut world,
            json!({ "artist": "nina", "song": format!("{at}"), "text": long }),
        );
    }
    let more = json!({ "return_consumed_capacity": "TOTAL", "projection_expression": "song" });
    let page = query(&mut world, &more).unwrap();
    assert_eq!(column(&page, "song"), ["0", "1", "2", "3"]);
    assert_eq!(page["last_evaluated_key"]["song"], "3");
    assert_eq!(page["consumed_capacity"]["capacity_units"], json!(146.5));
}

#[test]
fn indexes_order_by_their_own_sort_key_and_are_sparse() {
    let mut world = filled();
    let by_year = query(
        &mut world,
        &json!({ "index_name": "by-year", "consistent_read": true }),
    )
    .unwrap();
    assert_eq!(
        column(&by_year, "song"),
        ["b", "d", "c", "a"],
        "no year, no entry"
    );
    assert_eq!(by_year["items"][0].get("label"), None, "KEYS_ONLY");
    let whole = json!({ "index_name": "by-year", "select": "ALL_ATTRIBUTES", "return_consumed_capacity": "INDEXES" });
    let whole = query(&mut world, &whole).unwrap();
    assert_eq!(
        column(&whole, "label"),
        ["x", "x", "x", "x"],
        "a local index asks its table"
    );
    let used = &whole["consumed_capacity"];
    assert_eq!(used["table"]["capacity_units"], json!(2.0));
    assert_eq!(
        used["local_secondary_indexes"]["by-year"]["capacity_units"],
        json!(0.5)
    );
    let genre = json!({
        "table_name": "music",
        "index_name": "by-genre",
        "key_condition_expression": "genre = :g AND #y BETWEEN :from AND :to",
        "expression_attribute_names": { "#y": "year" },
        "expression_attribute_values": { ":g": "jazz", ":from": 1958, ":to": 1965 },
    });
    let genre = ask::<QueryRequest>(&mut world, HOME, &genre).unwrap();
    assert_eq!(column(&genre, "song"), ["b", "d", "c"]);
    assert_eq!(column(&genre, "label"), ["x", "x", "x"]);
}

#[test]
fn a_scan_meets_every_item_once_whole_or_in_segments_or_pages() {
    let mut world = filled();
    for at in 0..60 {
        song(
            &mut world,
            json!({ "artist": format!("artist {at}"), "song": "s" }),
        );
    }
    let whole = ask::<ScanRequest>(&mut world, HOME, &json!({ "table_name": "music" })).unwrap();
    assert_eq!(whole["count"], json!(66));
    let order = column(&whole, "artist");
    let mut parts = Vec::new();
    for segment in 0..4 {
        let request =
            json!({ "table_name": "music", "segment": segment, "total_segments": 4, "limit": 7 });
        let mut request = request;
        loop {
            let page = ask::<ScanRequest>(&mut world, HOME, &request).unwrap();
            parts.extend(column(&page, "artist"));
            match page.get("last_evaluated_key").filter(|key| !key.is_null()) {
                Some(key) => request["exclusive_start_key"] = key.clone(),
                None => break,
            }
        }
    }
    assert_eq!(parts, order, "segments are ranges, in order");
    let index = json!({ "table_name": "music", "index_name": "by-genre" });
    let index = ask::<ScanRequest>(&mut world, HOME, &index).unwrap();
    assert_eq!(index["count"], json!(4));
}

#[test]
fn wrong_queries_are_refused_in_the_words_of_dynamodb() {
    let mut world = filled();
    let mut no = |more: &Json| {
        let (code, message) = query(&mut world, more).expect_err("refused");
        assert_eq!(code, "ValidationException");
        message
    };
    for (condition, message) in [
        ("artist > :a", "Query key condition not supported"),
        (
            "song = :a",
            "Query condition missed key schema element: artist",
        ),
        (
            "artist = :a AND label = :a",
            "Query condition missed key schema element: song",
        ),
        (
            "artist = :a OR song = :a",
            "Invalid operator used in KeyConditionExpression: OR",
        ),
        (
            "artist = :a AND song <> :a",
            "Invalid operator used in KeyConditionExpression: <>",
        ),
        (
            "artist = :a AND contains(song, :a)",
            "Invalid operator used in KeyConditionExpression: contains",
        ),
        (
            "artist = :a AND artist = :a",
            "KeyConditionExpressions must only contain one condition per key",
        ),
        (
            "artist = :a AND status = :a",
            "Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: status",
        ),
    ] {
        assert_eq!(
            no(&json!({ "key_condition_expression": condition })),
            message,
            "{condition}"
        );
    }
}

#[test]
fn what_does_not_fit_the_table_is_refused_in_the_words_of_dynamodb() {
    let mut world = filled();
    let mut no = |more: &Json| {
        let (code, message) = query(&mut world, more).expect_err("refused");
        assert_eq!(code, "ValidationException");
        message
    };
    for (more, message) in [
        (
            json!({ "expression_attribute_values": { ":a": 7 } }),
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            json!({ "expression_attribute_values": { ":z": 7 } }),
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:z}",
        ),
        (
            json!({ "filter_expression": "song = :a" }),
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: song",
        ),
        (
            json!({ "index_name": "nowhere" }),
            "The table does not have the specified index: nowhere",
        ),
        (
            json!({ "index_name": "by-genre", "consistent_read": true }),
            "Consistent reads are not supported on global secondary indexes",
        ),
        (
            json!({ "exclusive_start_key": { "artist": "nina" } }),
            "The provided starting key is invalid: The provided key element does not match the schema",
        ),
        (
            json!({ "exclusive_start_key": { "artist": "ella", "song": "z" } }),
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
        (
            json!({ "select": "SPECIFIC_ATTRIBUTES" }),
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
        ),
        (
            json!({ "select": "ALL_PROJECTED_ATTRIBUTES" }),
            "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
        ),
    ] {
        assert_eq!(no(&more), message, "{more}");
    }
    let bare = json!({ "table_name": "music" });
    assert_eq!(
        invalid::<QueryRequest>(&mut world, &bare),
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
    );
    for (more, message) in [
        (
            json!({ "segment": 0 }),
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
        ),
        (
            json!({ "segment": 4, "total_segments": 4 }),
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 4 is not less than TotalSegments: 4",
        ),
    ] {
        let mut request = more;
        request["table_name"] = json!("music");
        assert_eq!(invalid::<ScanRequest>(&mut world, &request), message);
    }
}

#[test]
fn many_items_of_one_partition_come_in_order() {
    let mut world = world();
    music(&mut world);
    for at in 0..300 {
        let name = format!("{:03}", (at * 7) % 300);
        song(&mut world, json!({ "artist": "nina", "song": name }));
    }
    let all = query(&mut world, &json!({})).unwrap();
    let songs = column(&all, "song");
    assert!(songs.is_sorted() && songs.len() == 300);
}
