//! Tables of a world in which writes leave late.

use faultline_proto::driving::{Settings, TableLag};
use faultline_proto::dynamodb::DeleteTableRequest;

use super::*;

/// A global table in two Regions between which half of the writes take more than two seconds.
pub(super) fn late() -> World {
    let lag = |from: &str, to: &str| TableLag {
        from: from.to_owned(),
        to: to.to_owned(),
        median: 2_000_000,
        p99: 5_000_000,
    };
    let settings = Settings {
        table_lags: vec![lag(HOME, FAR), lag(FAR, HOME)],
        ..Settings::default()
    };
    let mut world = World::with_settings(&[HOME, FAR], settings);
    global_table(&mut world, &[FAR]);
    world
}

/// Ids in the order in which writes of them arrived.
fn arrivals(world: &World) -> Vec<String> {
    let notes = notes(world, "replicated");
    notes
        .iter()
        .map(|note| note.fields["key"].clone())
        .collect()
}

#[test]
fn writes_overtake_each_other_and_the_lag_is_told_ddb_008_ddb_015_lat_005() {
    let mut world = late();
    let names: Vec<String> = (10..40).map(|nth| format!("item-{nth}")).collect();
    for name in &names {
        put(&mut world, HOME, &[("id", name)]).unwrap();
    }
    world.advance(1);
    let early = arrivals(&world).len();
    assert!(early < 12, "{early}: half take more than two seconds");
    world.advance(12);
    let came = arrivals(&world);
    assert_eq!(came.len(), 30);
    assert!(!came.is_sorted(), "DDB-015");
    equal(&mut world, &[HOME, FAR]);
    let told = look(&mut world, FAR, "replication_latency");
    let pair = &told["pairs"][0];
    assert_eq!(
        (&pair["from"], &pair["samples"]),
        (&json!(HOME), &json!(30))
    );
    let average = pair["average"].as_u64().unwrap();
    assert!((1_500..3_500).contains(&average), "{pair}");
    // DDB-009: nothing arrives, whatever the reason.
    world.advance(130);
    let told = look(&mut world, FAR, "replication_latency");
    let pair = &told["pairs"][0];
    assert_eq!((&pair["samples"], &pair["average"]), (&json!(0), &json!(0)));
}

#[test]
fn quick_changes_of_an_item_become_one_write_elsewhere_ddb_016() {
    let mut world = late();
    for value in ["1", "2", "3"] {
        put(&mut world, HOME, &[("id", "a"), ("v", value)]).unwrap();
    }
    world.advance(10);
    assert_eq!(arrivals(&world).len(), 1);
    assert_eq!(read(&mut world, FAR, "a", "v"), "3");
    put(&mut world, HOME, &[("id", "a"), ("v", "4")]).unwrap();
    world.advance(10);
    assert_eq!(arrivals(&world).len(), 2);
    // A write elsewhere meanwhile did not know of those that wait.
    put(&mut world, HOME, &[("id", "a"), ("v", "5")]).unwrap();
    put(&mut world, FAR, &[("id", "a"), ("v", "6")]).unwrap();
    world.advance(10);
    equal(&mut world, &[HOME, FAR]);
    assert_eq!(look(&mut world, HOME, "conflicts")["count"], 1);
}

#[test]
fn what_waits_goes_before_its_replica_does_and_before_tombstones_are_answered_for() {
    let mut world = late();
    let root = world.root(ACCOUNT);
    put(&mut world, HOME, &[("id", "a")]).unwrap();
    delete(&mut world, HOME, "a").unwrap();
    world.advance(24 * 3600 + 60);
    assert_eq!(look(&mut world, HOME, "table_digest")["tombstones"], 0);
    put(&mut world, FAR, &[("id", "b")]).unwrap();
    let gone = DeleteTableRequest {
        table_name: some(TABLE),
    };
    world.call(FAR, &root, &gone).unwrap();
    world.settle();
    assert_eq!(read(&mut world, HOME, "b", "id"), "b");
    world.advance(60);
}
