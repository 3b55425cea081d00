//! Two Regions, one item.

use proptest::prelude::*;

use super::*;
use crate::testing::Crash;

#[test]
fn a_write_is_everywhere_and_its_lag_is_told() {
    let mut world = world();
    global_table(&mut world, &[FAR, THIRD]);
    put(&mut world, HOME, &[("id", "a"), ("card", "1")]).unwrap();
    world.settle();
    assert_eq!(read(&mut world, FAR, "a", "card"), "1");
    assert_eq!(read(&mut world, THIRD, "a", "card"), "1");
    delete(&mut world, THIRD, "a").unwrap();
    world.settle();
    assert!(get(&mut world, HOME, "a").unwrap().is_empty());
    let arrived = notes(&world, "replicated");
    assert_eq!(arrived.len(), 4);
    assert_eq!(arrived[0].fields["outcome"], "applied");
    assert_eq!(arrived[0].fields["lag_us"], "0");
    assert_eq!(arrived[0].fields["key"], r#"{"id":{"S":"a"}}"#);
    assert!(notes(&world, "conflict").is_empty());
}

#[test]
fn a_region_that_is_cut_off_keeps_writing_and_the_last_writer_wins_whole_items_ddb_012_ddb_021() {
    let mut world = world();
    let root = global_table(&mut world, &[FAR, THIRD]);
    put(
        &mut world,
        HOME,
        &[("id", "a"), ("status", "placed"), ("card", "1")],
    )
    .unwrap();
    world.settle();
    world.isolate(FAR);
    world
        .call(HOME, &root, &set("a", "status", "shipped"))
        .unwrap();
    world.advance_micros(400_000);
    world
        .call(FAR, &root, &set("a", "note", "cancelled"))
        .unwrap();
    assert_eq!(
        read(&mut world, HOME, "a", "status"),
        "shipped",
        "DDB-013: each side reads its own"
    );
    assert_eq!(read(&mut world, FAR, "a", "status"), "placed");
    for region in [HOME, THIRD] {
        world.heal(FAR, region);
    }
    world.advance(10);
    for region in [HOME, FAR, THIRD] {
        assert_eq!(
            read(&mut world, region, "a", "status"),
            "placed",
            "the whole item of {FAR} won"
        );
        assert_eq!(read(&mut world, region, "a", "note"), "cancelled");
        let seen = look(&mut world, region, "conflicts");
        assert_eq!(seen["count"], 1, "{region}");
        assert_eq!(
            (&seen["first"]["won_by"], &seen["first"]["lost_by"]),
            (&json!(FAR), &json!(HOME))
        );
    }
    equal(&mut world, &[HOME, FAR, THIRD]);
    let told = notes(&world, "conflict");
    assert_eq!(told.len(), 1, "one conflict is told once");
    let lost = &told[0].fields;
    let accepted = notes(&world, "accepted");
    assert!(
        accepted
            .iter()
            .any(|note| note.fields["stamp"] == lost["loser_time"]
                && note.fields["digest"] == lost["loser_digest"])
    );
}

#[test]
fn both_regions_may_pass_the_same_condition_ddb_014() {
    let mut world = world();
    let root = global_table(&mut world, &[FAR]);
    world.cut(HOME, FAR);
    let once = |card: &str| PutItemRequest {
        table_name: some(TABLE),
        item: members(&[("id", "a"), ("card", card)]),
        condition_expression: some("attribute_not_exists(id)"),
        ..Default::default()
    };
    world.call(HOME, &root, &once("here")).unwrap();
    world.call(FAR, &root, &once("there")).unwrap();
    world.heal(HOME, FAR);
    world.advance(10);
    assert_eq!(read(&mut world, HOME, "a", "card"), "there");
    assert_eq!(look(&mut world, FAR, "conflicts")["count"], 1);
}

#[test]
fn a_skewed_clock_wins_conflicts_but_makes_none_ddb_011() {
    let mut world = world();
    global_table(&mut world, &[FAR]);
    world.skew(HOME, 3_600_000_000);
    put(&mut world, HOME, &[("id", "a"), ("v", "fast")]).unwrap();
    world.settle();
    put(&mut world, FAR, &[("id", "a"), ("v", "seen")]).unwrap();
    world.settle();
    assert_eq!(
        read(&mut world, HOME, "a", "v"),
        "seen",
        "a write that was seen is overwritten"
    );
    assert!(notes(&world, "conflict").is_empty());
    world.cut(HOME, FAR);
    put(&mut world, HOME, &[("id", "a"), ("v", "early")]).unwrap();
    world.advance(60);
    put(&mut world, FAR, &[("id", "a"), ("v", "late")]).unwrap();
    world.heal(HOME, FAR);
    world.advance(10);
    assert_eq!(
        read(&mut world, FAR, "a", "v"),
        "early",
        "the clock that is ahead wins"
    );
    assert_eq!(notes(&world, "conflict").len(), 1);
}

#[test]
fn a_delete_is_a_tombstone_that_late_writes_do_not_wake() {
    let mut world = world();
    global_table(&mut world, &[FAR]);
    world.network.hold(FAR, HOME);
    put(&mut world, FAR, &[("id", "a"), ("v", "1")]).unwrap();
    world.settle();
    put(&mut world, HOME, &[("id", "a"), ("v", "2")]).unwrap();
    delete(&mut world, HOME, "a").unwrap();
    world.network.heal(FAR, HOME);
    world.advance(10);
    for region in [HOME, FAR] {
        assert!(get(&mut world, region, "a").unwrap().is_empty(), "{region}");
    }
    equal(&mut world, &[HOME, FAR]);
    assert_eq!(
        notes(&world, "conflict").len(),
        1,
        "Virginia's write was lost"
    );
    put(&mut world, FAR, &[("id", "a"), ("v", "3")]).unwrap();
    world.settle();
    assert_eq!(read(&mut world, HOME, "a", "v"), "3");
}

#[test]
fn a_crash_loses_no_acknowledged_write_on_its_way() {
    let mut world = world();
    global_table(&mut world, &[FAR]);
    world.cut(HOME, FAR);
    put(&mut world, HOME, &[("id", "a"), ("v", "1")]).unwrap();
    assert_eq!(look(&mut world, HOME, "table_queue")["count"], 1);
    world.stop(HOME);
    world.restart(HOME);
    world.heal(HOME, FAR);
    world.crash_next(FAR, Crash::AfterCommit);
    world.advance(10);
    world.restart(FAR);
    world.advance(30);
    assert_eq!(read(&mut world, FAR, "a", "v"), "1");
    assert_eq!(look(&mut world, HOME, "table_queue")["count"], 0);
    equal(&mut world, &[HOME, FAR]);
}

/// What a random storm does.
#[derive(Debug, Clone)]
enum Act {
    Put(usize, u8),
    Delete(usize, u8),
    Cut(usize, usize),
    Heal(usize, usize),
    Reverse,
    Deliver,
    Crash(usize, bool),
    Wait(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let region = 0usize..3;
    prop_oneof![
        6 => (region.clone(), 0u8..3).prop_map(|(at, key)| Act::Put(at, key)),
        2 => (region.clone(), 0u8..3).prop_map(|(at, key)| Act::Delete(at, key)),
        1 => (region.clone(), 0usize..3).prop_map(|(one, other)| Act::Cut(one, other)),
        1 => (region.clone(), 0usize..3).prop_map(|(one, other)| Act::Heal(one, other)),
        1 => Just(Act::Reverse),
        2 => Just(Act::Deliver),
        1 => (region, any::<bool>()).prop_map(|(at, before)| Act::Crash(at, before)),
        1 => (1u64..3_000_000).prop_map(Act::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn after_any_storm_replicas_are_equal_and_no_acknowledged_write_vanished(
        acts in proptest::collection::vec(act(), 1..60),
        skew in -5_000_000i64..5_000_000,
    ) {
        let regions = [HOME, FAR, THIRD];
        let mut world = world();
        global_table(&mut world, &[FAR, THIRD]);
        world.skew(FAR, skew);
        world.network.duplicate(true);
        let mut turn = 0u32;
        for act in acts {
            turn += 1;
            match act {
                Act::Put(at, key) => {
                    let _ = put(&mut world, regions[at], &[("id", &key.to_string()), ("v", &turn.to_string())]);
                }
                Act::Delete(at, key) => {
                    let _ = delete(&mut world, regions[at], &key.to_string());
                }
                Act::Cut(one, other) if one != other => world.network.cut(regions[one], regions[other]),
                Act::Heal(one, other) if one != other => world.network.heal(regions[one], regions[other]),
                Act::Cut(..) | Act::Heal(..) => {}
                Act::Reverse => world.network.reverse(),
                Act::Deliver => { world.deliver_one(); }
                Act::Crash(at, before) => {
                    world.crash_next(regions[at], if before { Crash::BeforeCommit } else { Crash::AfterCommit });
                    let _ = put(&mut world, regions[at], &[("id", "crash"), ("v", &turn.to_string())]);
                    world.restart(regions[at]);
                }
                Act::Wait(micros) => world.advance_micros(micros),
            }
        }
        for one in regions {
            for other in regions.iter().filter(|other| **other != one) {
                world.network.heal(one, other);
            }
        }
        world.advance(60);
        equal(&mut world, &regions);
        nothing_vanished(&mut world)?;
    }
}

/// Each acknowledged write is what is stored, known to another write, or the loser of one conflict.
fn nothing_vanished(world: &mut World) -> Result<(), TestCaseError> {
    let accepted = notes(world, "accepted");
    let conflicts = notes(world, "conflict");
    let ids: std::collections::BTreeSet<_> = conflicts
        .iter()
        .map(|note| note.fields["id"].clone())
        .collect();
    for write in &accepted {
        let (key, region, stamp) = (
            &write.fields["key"],
            &write.fields["region"],
            &write.fields["stamp"],
        );
        let known = accepted.iter().any(|later| {
            later.fields["key"] == *key
                && (&later.fields["region"], &later.fields["stamp"]) != (region, stamp)
                && later.fields["knew"].split(' ').any(|pair| {
                    pair.split_once('@').is_some_and(|(at, seen)| {
                        at == region
                            && seen.parse::<i64>().unwrap() >= stamp.parse::<i64>().unwrap()
                    })
                })
        });
        let lost = conflicts.iter().any(|note| {
            note.fields["key"] == *key
                && note.fields["loser_time"] == *stamp
                && note.fields["lost_by"] == *region
        });
        let key: Json = serde_json::from_str(key).unwrap();
        let stored = world.look(
            HOME,
            "stored_item",
            &json!({ "table_name": TABLE, "key": { "id": key["id"]["S"] } }),
        );
        let is_stored =
            stored["writer"] == region.as_str() && stored["stamp"].as_i64() == stamp.parse().ok();
        prop_assert!(is_stored || known || lost, "vanished: {write:?}");
        prop_assert!(!(is_stored && lost), "stored and lost: {write:?}");
    }
    for region in [HOME, FAR, THIRD] {
        prop_assert_eq!(
            look(world, region, "conflicts")["count"].as_u64().unwrap(),
            ids.len() as u64
        );
    }
    Ok(())
}
