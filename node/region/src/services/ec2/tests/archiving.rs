//! The archive tier: what is in it is not read, and no copy is incremental to it.

use super::*;

pub(super) fn archive(id: &str) -> ec2::ModifySnapshotTierRequest {
    ec2::ModifySnapshotTierRequest {
        snapshot_id: text(id),
        storage_tier: text("archive"),
        dry_run: None,
    }
}

fn restore(id: &str, days: Option<i32>) -> ec2::RestoreSnapshotTierRequest {
    ec2::RestoreSnapshotTierRequest {
        snapshot_id: text(id),
        temporary_restore_days: days,
        permanent_restore: days.is_none().then_some(true),
        dry_run: None,
    }
}

fn status(world: &mut World, region: &str, who: &Credential) -> (String, String) {
    let request = ec2::DescribeSnapshotTierStatusRequest::default();
    let mut found = world.call(region, who, &request).unwrap();
    let one = found.snapshot_tier_statuses.remove(0);
    (
        one.storage_tier.unwrap(),
        one.last_tiering_operation_status.unwrap(),
    )
}

const DAY: u64 = 24 * 3600;

#[test]
fn an_archived_snapshot_is_read_again_when_it_is_restored() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let id = volume(&mut world, &ops, None);
    let snap = snapshot(&mut world, &ops, &id);
    let early = world.call(HERE, &ops, &restore(&snap, None)).unwrap_err();
    assert_eq!(early.code, "IncorrectState");
    world.call(HERE, &ops, &archive(&snap)).unwrap();
    let is = |tier: &str, status: &str| (tier.to_owned(), status.to_owned());
    assert_eq!(
        status(&mut world, HERE, &ops),
        is("standard", "archival-in-progress")
    );
    world.call(HERE, &ops, &from_snapshot(HERE, &snap)).unwrap();
    world.advance(DAY);
    assert_eq!(
        seen(&mut world, HERE, &ops, &snap).storage_tier.as_deref(),
        Some("archive")
    );
    let refused = world
        .call(HERE, &ops, &from_snapshot(HERE, &snap))
        .unwrap_err();
    assert_eq!(refused.code, "IncorrectState");
    let again = world.call(HERE, &ops, &archive(&snap)).unwrap_err();
    assert_eq!(again.code, "IncorrectState");
    world.call(HERE, &ops, &restore(&snap, Some(2))).unwrap();
    assert_eq!(
        status(&mut world, HERE, &ops),
        is("archive", "temporary-restore-in-progress")
    );
    world.advance(DAY);
    world.call(HERE, &ops, &from_snapshot(HERE, &snap)).unwrap();
    world.advance(2 * DAY);
    assert_eq!(
        status(&mut world, HERE, &ops),
        is("archive", "archival-completed")
    );
    world.call(HERE, &ops, &restore(&snap, None)).unwrap();
    world.advance(DAY);
    assert_eq!(
        status(&mut world, HERE, &ops),
        is("standard", "permanent-restore-completed")
    );
}

#[test]
fn ebs_022_a_copy_is_full_when_the_last_one_is_archived() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, _) = people(&mut world);
    let id = volume(&mut world, &ops, None);
    let based_on = |world: &mut World, nth: u64| {
        write(world, &id, nth..nth + 1, &format!("change {nth}"));
        let snap = snapshot(world, &ops, &id);
        let far = copied(world, THERE, &ops, &copy(HERE, &snap, None));
        let far = far.snapshot_id.unwrap();
        (stored(world, THERE, &far)["based_on"].clone(), far)
    };
    let (_, first) = based_on(&mut world, 1);
    let (base, second) = based_on(&mut world, 2);
    assert_eq!(base, json!(first));
    world.call(THERE, &ops, &archive(&second)).unwrap();
    world.advance(DAY);
    let (base, third) = based_on(&mut world, 3);
    assert_eq!(base, Value::Null);
    let (base, _) = based_on(&mut world, 4);
    assert_eq!(base, json!(third));
}
