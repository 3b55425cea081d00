//! Locks of snapshots, by mode and by time.

use super::*;

fn lock(id: &str, mode: &str, days: i32, cool_off: Option<i32>) -> ec2::LockSnapshotRequest {
    ec2::LockSnapshotRequest {
        snapshot_id: text(id),
        lock_mode: text(mode),
        lock_duration: Some(days),
        cool_off_period: cool_off,
        ..Default::default()
    }
}

fn delete(id: &str) -> ec2::DeleteSnapshotRequest {
    ec2::DeleteSnapshotRequest {
        snapshot_id: text(id),
        dry_run: None,
    }
}

fn unlock(id: &str) -> ec2::UnlockSnapshotRequest {
    ec2::UnlockSnapshotRequest {
        snapshot_id: text(id),
        dry_run: None,
    }
}

#[test]
fn a_governance_lock_holds_until_it_is_undone_or_over() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let id = volume(&mut world, &ops, None);
    let snap = snapshot(&mut world, &ops, &id);
    let locked = world
        .call(HERE, &ops, &lock(&snap, "governance", 1, None))
        .unwrap();
    assert_eq!(locked.lock_state.as_deref(), Some("governance"));
    assert_eq!(
        locked.lock_expires_on.unwrap() - locked.lock_duration_start_time.unwrap(),
        86_400_000
    );
    let refused = world.call(HERE, &ops, &delete(&snap)).unwrap_err();
    assert_eq!(refused.message, format!("The snapshot {snap} is locked"));
    world.call(HERE, &ops, &unlock(&snap)).unwrap();
    assert_eq!(
        world.call(HERE, &ops, &unlock(&snap)).unwrap_err().code,
        "IncorrectState"
    );
    world
        .call(HERE, &ops, &lock(&snap, "governance", 1, None))
        .unwrap();
    world.advance(86_401);
    let seen = world
        .call(HERE, &ops, &ec2::DescribeLockedSnapshotsRequest::default())
        .unwrap();
    assert_eq!(seen.snapshots[0].lock_state.as_deref(), Some("expired"));
    world.call(HERE, &ops, &delete(&snap)).unwrap();
    let seen = world
        .call(HERE, &ops, &ec2::DescribeLockedSnapshotsRequest::default())
        .unwrap();
    assert!(seen.snapshots.is_empty());
}

#[test]
fn a_compliance_lock_cools_off_and_then_only_grows() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let id = volume(&mut world, &ops, None);
    let snap = snapshot(&mut world, &ops, &id);
    let cool = lock(&snap, "compliance", 10, Some(2));
    let locked = world.call(HERE, &ops, &cool).unwrap();
    assert_eq!(locked.lock_state.as_deref(), Some("compliance-cooloff"));
    world.call(HERE, &ops, &unlock(&snap)).unwrap();
    world.call(HERE, &ops, &cool).unwrap();
    world.advance(2 * 3600 + 1);
    // Not even root.
    let root = world.root(ACCOUNT);
    for who in [&ops, &root] {
        let refused = world.call(HERE, who, &unlock(&snap)).unwrap_err();
        assert_eq!(refused.code, "OperationNotPermitted");
        assert!(world.call(HERE, who, &delete(&snap)).is_err());
    }
    for worse in [
        lock(&snap, "compliance", 9, None),
        lock(&snap, "governance", 20, None),
        lock(&snap, "compliance", 20, Some(1)),
    ] {
        assert!(world.call(HERE, &ops, &worse).is_err());
    }
    let longer = world
        .call(HERE, &ops, &lock(&snap, "compliance", 20, None))
        .unwrap();
    assert_eq!(longer.lock_state.as_deref(), Some("compliance"));
    assert_eq!(longer.lock_duration, Some(20));
    world.advance(10 * 86_400);
    assert!(world.call(HERE, &ops, &delete(&snap)).is_err());
    world.advance(10 * 86_400);
    world.call(HERE, &ops, &delete(&snap)).unwrap();
}

#[test]
fn a_pending_snapshots_lock_counts_from_its_completion_and_nonsense_is_refused() {
    let mut world = World::new(&[HERE]);
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
    let locked = world
        .call(HERE, &ops, &lock(&snap, "governance", 1, None))
        .unwrap();
    assert_eq!(
        (locked.lock_duration_start_time, locked.lock_expires_on),
        (None, None)
    );
    world.advance(10);
    let see = ec2::DescribeLockedSnapshotsRequest {
        snapshot_ids: vec![snap.clone()],
        ..Default::default()
    };
    let seen = world.call(HERE, &ops, &see).unwrap().snapshots.remove(0);
    assert!(seen.lock_duration_start_time.unwrap() > locked.lock_created_on.unwrap());
    let mut both = lock(&snap, "governance", 1, None);
    both.expiration_date = Some(i64::MAX / 2);
    let neither = ec2::LockSnapshotRequest {
        lock_duration: None,
        ..lock(&snap, "governance", 1, None)
    };
    let cool = lock(&snap, "governance", 1, Some(1));
    for (request, code) in [
        (both, "InvalidParameterCombination"),
        (neither, "MissingParameter"),
        (cool, "InvalidParameterCombination"),
    ] {
        assert_eq!(world.call(HERE, &ops, &request).unwrap_err().code, code);
    }
}
