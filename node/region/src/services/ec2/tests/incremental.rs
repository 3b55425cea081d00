//! What a snapshot or a copy must store, and what it has in common with others.

use super::*;

fn numbers(value: &Value) -> (u64, u64) {
    (
        value["blocks"].as_u64().unwrap(),
        value["to_move"].as_u64().unwrap(),
    )
}

/// EBS-015: the first snapshot is full, the next stores what has changed since.
#[test]
fn ebs_015_the_second_snapshot_of_a_volume_stores_what_has_changed() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let key = key(&mut world, HERE, ACCOUNT, None);
    let id = volume(&mut world, &ops, Some(&key));
    write(&mut world, &id, 1..10, "first");
    let first = snapshot(&mut world, &ops, &id);
    assert_eq!(numbers(&stored(&mut world, HERE, &first)), (10, 10));
    write(&mut world, &id, 4..6, "second");
    // What is written as it was is no change.
    write(&mut world, &id, 1..2, "first");
    let second = snapshot(&mut world, &ops, &id);
    let seen = stored(&mut world, HERE, &second);
    assert_eq!((numbers(&seen), &seen["own"]), ((10, 2), &json!(0)));
    // The first one is deleted: its own two old blocks go, the shared eight stay.
    assert_eq!(stored(&mut world, HERE, &first)["own"], 2);
    let blocks = |world: &World| {
        let all = world.store(HERE).scan(&Span::everything(), Order::Forward);
        all.filter(|row| row.as_ref().unwrap().0.starts_with(&[0x08, 0x06]))
            .count()
    };
    assert_eq!(blocks(&world), 12);
    let delete = ec2::DeleteSnapshotRequest {
        snapshot_id: text(&first),
        dry_run: None,
    };
    world.call(HERE, &ops, &delete).unwrap();
    assert_eq!(blocks(&world), 10);
    let read = read_snapshot(&mut world, HERE, &ops, &second);
    let content = read["content"].as_str().unwrap();
    assert!(content.contains("second 5") && content.contains("first 9"));
}

/// EBS-002 and EBS-022: later copies move what has changed, and share the data key of the copy
/// before them; another key, or a last copy that is gone, makes the next one full.
#[test]
fn ebs_022_a_later_copy_moves_what_has_changed_until_a_key_or_the_last_copy_changes() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, _) = people(&mut world);
    let vault = key(&mut world, HERE, ACCOUNT, None);
    let (one, other) = (
        key(&mut world, THERE, ACCOUNT, None),
        key(&mut world, THERE, ACCOUNT, None),
    );
    let id = volume(&mut world, &ops, Some(&vault));
    write(&mut world, &id, 1..10, "v1");
    let take = |world: &mut World, ops: &Credential, key: &str, nth: u64| {
        write(world, &id, nth..nth + 1, &format!("change {nth}"));
        let snap = snapshot(world, ops, &id);
        let made = copied(world, THERE, ops, &copy(HERE, &snap, Some(key)));
        assert_eq!(made.state.as_deref(), Some("completed"));
        assert_eq!(made.kms_key_id.as_deref(), Some(key));
        let far = made.snapshot_id.unwrap();
        let (here, there) = (stored(world, HERE, &snap), stored(world, THERE, &far));
        assert_eq!(
            here["content"], there["content"],
            "a copy is what its source was"
        );
        (far, there)
    };
    let (_, seen) = take(&mut world, &ops, &one, 1);
    assert_eq!(
        (numbers(&seen), &seen["based_on"]),
        ((10, 10), &Value::Null)
    );
    let (second, seen) = take(&mut world, &ops, &one, 2);
    assert_eq!(numbers(&seen), (10, 1));
    let (third, seen) = take(&mut world, &ops, &one, 3);
    assert_eq!(
        (numbers(&seen), &seen["based_on"]),
        ((10, 1), &json!(second))
    );
    let read = read_snapshot(&mut world, THERE, &ops, &third);
    assert!(read["content"].as_str().unwrap().contains("change 3"));
    // The last copy is deleted.
    let delete = ec2::DeleteSnapshotRequest {
        snapshot_id: text(&third),
        dry_run: None,
    };
    world.call(THERE, &ops, &delete).unwrap();
    let (_, seen) = take(&mut world, &ops, &one, 4);
    assert_eq!(numbers(&seen), (10, 10));
    // Another key is full, and so are all copies from then on: there are two keys now.
    let (_, seen) = take(&mut world, &ops, &other, 5);
    assert_eq!(numbers(&seen), (10, 10));
    let (_, seen) = take(&mut world, &ops, &one, 6);
    assert_eq!(numbers(&seen), (10, 10));
}

/// EBS-022 within the Region: a copy under the same key moves nothing, under another everything,
/// and the next one under that other what has changed. Its progress is that of its blocks.
#[test]
fn ebs_022_copies_within_the_region_and_their_progress() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let (vault, other) = (
        key(&mut world, HERE, ACCOUNT, None),
        key(&mut world, HERE, ACCOUNT, None),
    );
    let id = volume(&mut world, &ops, Some(&vault));
    write(&mut world, &id, 1..200, "v1");
    let snap = snapshot(&mut world, &ops, &id);
    let same = copied(&mut world, HERE, &ops, &copy(HERE, &snap, Some(&vault)));
    assert_eq!(
        numbers(&stored(&mut world, HERE, &same.snapshot_id.unwrap())),
        (200, 0)
    );
    let request = copy(HERE, &snap, Some(&other));
    let begun = world
        .call(HERE, &ops, &request)
        .unwrap()
        .snapshot_id
        .unwrap();
    let mut progress = Vec::new();
    for _ in 0..5 {
        let now = seen(&mut world, HERE, &ops, &begun);
        assert_eq!(now.state.as_deref(), Some("pending"));
        progress.push(now.progress.unwrap());
        world.advance_micros(270_000);
    }
    assert_eq!(progress[0], "0%");
    world.advance(20);
    let done = seen(&mut world, HERE, &ops, &begun);
    assert_eq!(done.progress.as_deref(), Some("100%"));
    assert_eq!(numbers(&stored(&mut world, HERE, &begun)), (200, 200));
    write(&mut world, &id, 7..8, "v2");
    let snap = snapshot(&mut world, &ops, &id);
    let next = copied(&mut world, HERE, &ops, &copy(HERE, &snap, Some(&other)));
    let next = stored(&mut world, HERE, &next.snapshot_id.unwrap());
    assert_eq!(
        next["moved"], 200,
        "the copy under the first key is one under another key"
    );
    for key in [&vault, &other] {
        assert_eq!(grants(&mut world, key), 0);
    }
}

/// EBS-026, and the progress of a copy that a link holds up.
#[test]
fn ebs_026_a_duration_is_in_quarters_of_an_hour_and_may_be_missed() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, _) = people(&mut world);
    let id = volume(&mut world, &ops, None);
    let snap = snapshot(&mut world, &ops, &id);
    let mut request = copy(HERE, &snap, None);
    for wrong in [1, 20, 2881] {
        request.completion_duration_minutes = Some(wrong);
        let refused = world.call(THERE, &ops, &request).unwrap_err();
        assert!(
            refused.message.contains("ompletionDurationMinutes"),
            "{}",
            refused.message
        );
    }
    request.completion_duration_minutes = Some(15);
    let begun = world
        .call(THERE, &ops, &request)
        .unwrap()
        .snapshot_id
        .unwrap();
    world.cut(HERE, THERE);
    world.advance(16 * 60);
    let now = seen(&mut world, THERE, &ops, &begun);
    assert_eq!(now.transfer_type.as_deref(), Some("time-based"));
    assert_eq!(now.completion_duration_minutes, Some(15));
    world.heal(HERE, THERE);
    world.advance(600);
    let told = events(&mut world, THERE);
    let missed = |told: &&(String, String, String)| told.0 == "copyMissedCompletionDuration";
    assert_eq!(told.iter().filter(missed).count(), 1, "{told:?}");
}

/// EBS-023: the twenty-first copy at a time is one too many; when they are done there is room.
#[test]
fn ebs_023_twenty_copies_at_a_time() {
    let mut world = World::new(&[HERE]);
    let (ops, partner) = people(&mut world);
    let id = volume(&mut world, &ops, None);
    let snap = snapshot(&mut world, &ops, &id);
    for _ in 0..20 {
        world.call(HERE, &ops, &copy(HERE, &snap, None)).unwrap();
    }
    let refused = world
        .call(HERE, &ops, &copy(HERE, &snap, None))
        .unwrap_err();
    assert_eq!(refused.code, "ResourceLimitExceeded");
    world.call(HERE, &ops, &share(&snap, PARTNER)).unwrap();
    world
        .call(HERE, &partner, &copy(HERE, &snap, None))
        .unwrap();
    world.advance(10);
    world.call(HERE, &ops, &copy(HERE, &snap, None)).unwrap();
}

/// EBS-017: only a complete snapshot is copied, or made a volume of.
#[test]
fn ebs_017_a_pending_snapshot_is_not_copied() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, _) = people(&mut world);
    let id = volume(&mut world, &ops, None);
    let request = ec2::CreateSnapshotRequest {
        volume_id: text(&id),
        ..Default::default()
    };
    let snap = world
        .call(HERE, &ops, &request)
        .unwrap()
        .snapshot_id
        .unwrap();
    for region in [HERE, THERE] {
        let refused = world
            .call(region, &ops, &copy(HERE, &snap, None))
            .unwrap_err();
        assert_eq!(refused.code, "IncorrectState");
    }
    let refused = world
        .call(HERE, &ops, &from_snapshot(HERE, &snap))
        .unwrap_err();
    assert_eq!(refused.code, "IncorrectState");
    // EBS-018: elsewhere there is no such snapshot to share.
    let refused = world.call(THERE, &ops, &share(&snap, PARTNER)).unwrap_err();
    assert_eq!(refused.code, "InvalidSnapshot.NotFound");
}

/// EBS-021: related multi-Region keys are two keys to EBS.
#[test]
fn ebs_021_a_multi_region_key_brings_no_shortcut() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, _) = people(&mut world);
    let root = world.root(ACCOUNT);
    let create = kms::CreateKeyRequest {
        multi_region: Some(true),
        ..Default::default()
    };
    let made = world
        .call(HERE, &root, &create)
        .unwrap()
        .key_metadata
        .unwrap();
    let replicate = kms::ReplicateKeyRequest {
        key_id: made.key_id,
        replica_region: text(THERE),
        ..Default::default()
    };
    world.call(HERE, &root, &replicate).unwrap();
    world.advance(60);
    let near = made.arn.unwrap();
    let far = near.replace(HERE, THERE);
    let id = volume(&mut world, &ops, Some(&near));
    let snap = snapshot(&mut world, &ops, &id);
    let made = copied(&mut world, THERE, &ops, &copy(HERE, &snap, Some(&far)));
    assert_eq!(made.kms_key_id.as_deref(), Some(far.as_str()));
    assert_eq!(
        stored(&mut world, THERE, &made.snapshot_id.unwrap())["moved"],
        1
    );
    let anew = world.audit.iter().any(|event| {
        event.event_name == "GenerateDataKeyWithoutPlaintext"
            && event.region == THERE
            && event.resources.contains(&far)
    });
    assert!(anew, "the copy has a data key of its own");
}
