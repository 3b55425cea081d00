//! Expiry and streams.

use faultline_proto::dynamodb::{DescribeTimeToLiveRequest, UpdateTimeToLiveRequest};
use faultline_proto::dynamodbstreams::{
    DescribeStreamRequest, GetRecordsRequest, GetShardIteratorRequest, ListStreamsRequest,
};

use super::asking::*;
use super::*;

const HOUR: u64 = 3600;

fn ttl(on: bool) -> Json {
    json!({ "table_name": TABLE, "time_to_live_specification": { "enabled": on, "attribute_name": "ends" } })
}

fn put_ending(world: &mut World, region: &str, id: &str, seconds: i64) {
    let ends = world.wall(region) / 1_000_000 + seconds;
    let put = json!({ "table_name": TABLE, "item": { "id": id, "ends": ends } });
    ask::<PutItemRequest>(world, region, &put).unwrap();
}

#[test]
fn expired_items_are_read_until_they_are_deleted_within_days_ddb_020() {
    let mut world = world();
    table(&mut world);
    put_ending(&mut world, HOME, "before", 60);
    ask::<UpdateTimeToLiveRequest>(&mut world, HOME, &ttl(true)).unwrap();
    let describe = json!({ "table_name": TABLE });
    let status = |world: &mut World| {
        let answer = ask::<DescribeTimeToLiveRequest>(world, HOME, &describe).unwrap();
        answer["time_to_live_description"].clone()
    };
    assert_eq!(status(&mut world)["time_to_live_status"], "ENABLING");
    world.advance(130);
    assert_eq!(
        status(&mut world),
        json!({ "time_to_live_status": "ENABLED", "attribute_name": "ends" })
    );
    put_ending(&mut world, HOME, "soon", 10);
    put_ending(&mut world, HOME, "ages ago", -6 * 365 * 24 * 3600);
    put(&mut world, HOME, &[("id", "text"), ("ends", "1")]).unwrap();
    put_ending(&mut world, HOME, "renewed", 10);
    world.advance(15);
    assert!(
        !get(&mut world, HOME, "soon").unwrap().is_empty(),
        "its time is over and it is there"
    );
    put_ending(&mut world, HOME, "renewed", 1_000_000);
    world.advance(49 * HOUR);
    assert!(get(&mut world, HOME, "soon").unwrap().is_empty());
    assert!(
        get(&mut world, HOME, "before").unwrap().is_empty(),
        "it was there before"
    );
    for stays in ["ages ago", "text", "renewed"] {
        assert!(!get(&mut world, HOME, stays).unwrap().is_empty(), "{stays}");
    }
    let no = |world: &mut World, request: &Json| invalid::<UpdateTimeToLiveRequest>(world, request);
    assert_eq!(no(&mut world, &ttl(true)), "TimeToLive is already enabled");
    let mut other = ttl(true);
    other["time_to_live_specification"]["attribute_name"] = json!("gone");
    assert_eq!(
        no(&mut world, &other),
        "TimeToLive is active on a different AttributeName: current AttributeName is ends"
    );
    ask::<UpdateTimeToLiveRequest>(&mut world, HOME, &ttl(false)).unwrap();
    assert_eq!(
        no(&mut world, &ttl(true)),
        "Time to live has been modified multiple times within a fixed interval"
    );
}

#[test]
fn deletions_go_on_for_half_an_hour_after_the_key_was_disabled_ddb_064() {
    use faultline_proto::kms::EnableKeyRequest;
    let mut world = world();
    let key = encryption::kms_key(&mut world, false);
    let root = encryption::kms_table(&mut world, Some(&key));
    ask::<UpdateTimeToLiveRequest>(&mut world, HOME, &ttl(true)).unwrap();
    world.advance(200);
    for nth in 0..400 {
        put_ending(&mut world, HOME, &format!("item-{nth}"), 10);
    }
    let left = |world: &mut World| look(world, HOME, "table_digest")["items"].as_u64().unwrap();
    world.advance(2 * HOUR);
    put(&mut world, HOME, &[("id", "used")]).unwrap();
    let before = left(&mut world);
    encryption::disable(&mut world, HOME, &key);
    // Calls fail by now, and more is deleted nonetheless.
    world.advance(360);
    assert_eq!(
        no(put(&mut world, HOME, &[("id", "b")])).0,
        "ValidationException"
    );
    let early = left(&mut world);
    world.advance(1_400);
    let late = left(&mut world);
    assert!(late < early && early <= before, "{before} {early} {late}");
    world.advance(60);
    let then = left(&mut world);
    world.advance(HOUR);
    assert_eq!(left(&mut world), then, "the half hour is over");
    let enable = EnableKeyRequest { key_id: some(&key) };
    world.call(HOME, &root, &enable).unwrap();
    world.advance(120);
    assert!(left(&mut world) < then);
}

#[test]
fn expiry_is_set_everywhere_and_its_deletions_are_replicated_ddb_019() {
    let mut world = world();
    global_table(&mut world, &[FAR]);
    ask::<UpdateTimeToLiveRequest>(&mut world, HOME, &ttl(true)).unwrap();
    world.advance(200);
    let answer = ask::<DescribeTimeToLiveRequest>(&mut world, FAR, &json!({ "table_name": TABLE }));
    assert_eq!(
        answer.unwrap()["time_to_live_description"]["time_to_live_status"],
        "ENABLED"
    );
    put_ending(&mut world, HOME, "a", 10);
    put_ending(&mut world, FAR, "b", 10);
    world.advance(49 * HOUR);
    equal(&mut world, &[HOME, FAR]);
    assert_eq!(look(&mut world, FAR, "table_digest")["items"], json!(0));
    assert_eq!(look(&mut world, FAR, "conflicts")["count"], json!(0));
    let (mine, theirs) = (changes(&mut world, HOME), changes(&mut world, FAR));
    let service = |records: &[Json], id: &str| {
        let mut removed = records
            .iter()
            .filter(|record| record["event_name"] == "REMOVE");
        let found = removed
            .find(|record| record["dynamodb"]["keys"]["id"] == id)
            .unwrap();
        found.get("user_identity").is_some()
    };
    assert!(
        service(&mine, "a") && !service(&mine, "b"),
        "in the Region of expiry alone"
    );
    assert!(!service(&theirs, "a") && service(&theirs, "b"));
}

/// Every record that a table's stream has.
fn changes(world: &mut World, region: &str) -> Vec<Json> {
    let list = ask::<ListStreamsRequest>(world, region, &json!({ "table_name": TABLE })).unwrap();
    let arn = list["streams"][0]["stream_arn"].clone();
    let described =
        ask::<DescribeStreamRequest>(world, region, &json!({ "stream_arn": arn })).unwrap();
    let mut all = Vec::new();
    for shard in described["stream_description"]["shards"]
        .as_array()
        .unwrap()
    {
        let request = json!({ "stream_arn": arn, "shard_id": shard["shard_id"], "shard_iterator_type": "TRIM_HORIZON" });
        let iterator = ask::<GetShardIteratorRequest>(world, region, &request).unwrap();
        let request = json!({ "shard_iterator": iterator["shard_iterator"] });
        let got = ask::<GetRecordsRequest>(world, region, &request).unwrap();
        all.extend(got["records"].as_array().unwrap().clone());
        let open = shard["sequence_number_range"]
            .get("ending_sequence_number")
            .is_none();
        assert_eq!(got.get("next_shard_iterator").is_some(), open);
    }
    all
}

fn streaming(view: &str) -> World {
    let mut world = world();
    let mut request = table_request();
    request.stream_specification = Some(faultline_proto::dynamodb::StreamSpecification {
        stream_enabled: Some(true),
        stream_view_type: some(view),
    });
    let root = world.root(ACCOUNT);
    world.call(HOME, &root, &request).unwrap();
    world.advance(10);
    put(&mut world, HOME, &[("id", "a"), ("v", "1")]).unwrap();
    put(&mut world, HOME, &[("id", "a"), ("v", "2")]).unwrap();
    put(&mut world, HOME, &[("id", "a"), ("v", "2")]).unwrap();
    delete(&mut world, HOME, "a").unwrap();
    delete(&mut world, HOME, "a").unwrap();
    world
}

#[test]
fn a_stream_has_what_its_view_type_says_and_no_write_that_changed_nothing() {
    for (view, new, old) in [
        ("KEYS_ONLY", false, false),
        ("NEW_IMAGE", true, false),
        ("OLD_IMAGE", false, true),
        ("NEW_AND_OLD_IMAGES", true, true),
    ] {
        let mut world = streaming(view);
        let records = changes(&mut world, HOME);
        let names: Vec<_> = records
            .iter()
            .map(|record| record["event_name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"]);
        let modified = &records[1]["dynamodb"];
        assert_eq!(modified["keys"], json!({ "id": "a" }));
        assert_eq!(modified.get("new_image").is_some(), new, "{view}");
        assert_eq!(modified.get("old_image").is_some(), old, "{view}");
        if new && old {
            assert_eq!(modified["old_image"]["v"], "1");
            assert_eq!(modified["new_image"]["v"], "2");
        }
        let numbers: Vec<_> = records
            .iter()
            .map(|record| record["dynamodb"]["sequence_number"].as_str().unwrap())
            .collect();
        assert!(numbers.is_sorted() && numbers[0].len() == 21);
    }
}

#[test]
fn iterators_begin_where_they_are_told_and_end_after_a_quarter_of_an_hour() {
    let mut world = streaming("NEW_IMAGE");
    let list = ask::<ListStreamsRequest>(&mut world, HOME, &json!({})).unwrap();
    let arn = list["streams"][0]["stream_arn"].clone();
    let described =
        ask::<DescribeStreamRequest>(&mut world, HOME, &json!({ "stream_arn": arn })).unwrap();
    let shard = described["stream_description"]["shards"][0]["shard_id"].clone();
    let from = |world: &mut World, kind: &str, number: Option<&str>| {
        let mut request =
            json!({ "stream_arn": arn, "shard_id": shard, "shard_iterator_type": kind });
        if let Some(number) = number {
            request["sequence_number"] = json!(number);
        }
        let iterator = ask::<GetShardIteratorRequest>(world, HOME, &request).unwrap();
        iterator["shard_iterator"].clone()
    };
    let read = |world: &mut World, iterator: &Json| {
        ask::<GetRecordsRequest>(world, HOME, &json!({ "shard_iterator": iterator }))
    };
    let count = |got: &Json| got["records"].as_array().unwrap().len();
    let horizon = from(&mut world, "TRIM_HORIZON", None);
    let all = read(&mut world, &horizon).unwrap();
    let second = all["records"][1]["dynamodb"]["sequence_number"]
        .as_str()
        .unwrap()
        .to_owned();
    let at = from(&mut world, "AT_SEQUENCE_NUMBER", Some(&second));
    assert_eq!(count(&read(&mut world, &at).unwrap()), 2);
    let after = from(&mut world, "AFTER_SEQUENCE_NUMBER", Some(&second));
    assert_eq!(count(&read(&mut world, &after).unwrap()), 1);
    let latest = from(&mut world, "LATEST", None);
    assert_eq!(count(&read(&mut world, &latest).unwrap()), 0);
    put(&mut world, HOME, &[("id", "new")]).unwrap();
    assert_eq!(count(&read(&mut world, &latest).unwrap()), 1);
    world.advance(901);
    let (code, _) = read(&mut world, &latest).unwrap_err();
    assert_eq!(code, "ExpiredIteratorException");
    world.advance(20 * HOUR);
    put(&mut world, HOME, &[("id", "later")]).unwrap();
    assert_eq!(changes(&mut world, HOME).len(), 5);
    world.advance(5 * HOUR);
    assert_eq!(changes(&mut world, HOME).len(), 1, "24 hours");
}

#[test]
fn a_stream_that_is_off_is_read_for_a_day_more() {
    let mut world = streaming("NEW_IMAGE");
    let off = json!({ "table_name": TABLE, "stream_specification": { "stream_enabled": false } });
    ask::<UpdateTableRequest>(&mut world, HOME, &off).unwrap();
    world.advance(60);
    put(&mut world, HOME, &[("id", "unseen")]).unwrap();
    assert_eq!(changes(&mut world, HOME).len(), 3);
    world.advance(25 * HOUR);
    let list = ask::<ListStreamsRequest>(&mut world, HOME, &json!({})).unwrap();
    assert_eq!(list["streams"], json!([]));
}
