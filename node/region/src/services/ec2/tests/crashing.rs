//! A Region dies in the middle of a copy, a launch or an attach: it is whole in the end.

use faultline_proto::driving::Crash;

use super::launching::name_of;
use super::*;

const CRASHES: [Crash; 2] = [Crash::BeforeCommit, Crash::AfterCommit];

/// A snapshot of a volume of so many blocks.
fn source(world: &mut World, who: &Credential, key: &str, blocks: u64) -> String {
    let id = volume(world, who, Some(key));
    write(world, &id, 1..blocks, "block");
    snapshot(world, who, &id)
}

#[test]
fn a_copy_within_the_region_survives_a_crash_at_any_of_its_steps() {
    for crash in CRASHES {
        // Before it begins; before its first 64 blocks, its last six, and its completion.
        for moment in [500_000, 1_030_000, 1_066_000, 1_100_000] {
            let mut world = World::new(&[HERE]);
            let (ops, _) = people(&mut world);
            let (one, other) = (
                key(&mut world, HERE, ACCOUNT, None),
                key(&mut world, HERE, ACCOUNT, None),
            );
            let snap = source(&mut world, &ops, &one, 70);
            let request = copy(HERE, &snap, Some(&other));
            let made = world
                .call(HERE, &ops, &request)
                .unwrap()
                .snapshot_id
                .unwrap();
            world.advance_micros(moment);
            world.crash_next(HERE, crash);
            world.advance(5);
            world.restart(HERE);
            world.advance(20);
            let place = format!("{crash:?} after {moment} us");
            let done = seen(&mut world, HERE, &ops, &made);
            assert_eq!(done.state.as_deref(), Some("completed"), "{place}");
            let (from, to) = (
                stored(&mut world, HERE, &snap),
                stored(&mut world, HERE, &made),
            );
            assert_eq!(
                (&from["content"], &to["moved"]),
                (&to["content"], &json!(70)),
                "{place}"
            );
            for key in [&one, &other] {
                assert_eq!(grants(&mut world, key), 0, "{place}");
            }
        }
    }
}

#[test]
fn a_copy_between_regions_survives_a_crash_of_either_at_any_message() {
    for region in [HERE, THERE] {
        for crash in CRASHES {
            for messages in [2, 9, 20] {
                let mut world = World::new(&[HERE, THERE]);
                let (ops, _) = people(&mut world);
                let (near, far) = (
                    key(&mut world, HERE, ACCOUNT, None),
                    key(&mut world, THERE, ACCOUNT, None),
                );
                let snap = source(&mut world, &ops, &near, 20);
                let call = world.begin(THERE, &ops, &copy(HERE, &snap, Some(&far)));
                for _ in 0..2 {
                    world.deliver_one();
                }
                let made = world.finish::<ec2::CopySnapshotRequest>(&call).unwrap();
                let made = made.snapshot_id.unwrap();
                for _ in 0..messages {
                    world.deliver_one();
                }
                world.crash_next(region, crash);
                world.settle();
                world.restart(region);
                world.advance(60);
                let place = format!("{region} {crash:?} after {messages}");
                let done = seen(&mut world, THERE, &ops, &made);
                assert_eq!(done.state.as_deref(), Some("completed"), "{place}");
                let (from, to) = (
                    stored(&mut world, HERE, &snap),
                    stored(&mut world, THERE, &made),
                );
                assert_eq!(from["content"], to["content"], "{place}");
                assert_eq!(grants(&mut world, &near), 0, "{place}");
            }
        }
    }
}

#[test]
fn a_launch_survives_a_crash_and_makes_its_disk_once() {
    for crash in CRASHES {
        let mut world = World::new(&[HERE]);
        let (ops, _) = people(&mut world);
        let key = key(&mut world, HERE, ACCOUNT, None);
        let snap = source(&mut world, &ops, &key, 3);
        let image = sharing::image(&mut world, &ops, &snap);
        let run = ec2::RunInstancesRequest {
            image_id: text(&image),
            min_count: Some(1),
            max_count: Some(1),
            ..Default::default()
        };
        world.call(HERE, &ops, &run).unwrap();
        world.crash_next(HERE, crash);
        world.advance(6);
        world.restart(HERE);
        world.advance(6);
        let mut found = world
            .call(HERE, &ops, &ec2::DescribeInstancesRequest::default())
            .unwrap();
        let machine = found.reservations.remove(0).instances.remove(0);
        assert_eq!(name_of(&machine), Some("running"), "{crash:?}");
        assert_eq!(grants(&mut world, &key), 1, "{crash:?}");
        let volumes = world
            .call(HERE, &ops, &ec2::DescribeVolumesRequest::default())
            .unwrap();
        assert_eq!(
            volumes.volumes.len(),
            2,
            "{crash:?}: the source and one disk"
        );
    }
}

/// A copy that is deleted, or whose source is, while it is made leaves nothing behind.
#[test]
fn a_deletion_in_the_middle_leaves_no_block_and_no_grant() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let (one, other) = (
        key(&mut world, HERE, ACCOUNT, None),
        key(&mut world, HERE, ACCOUNT, None),
    );
    let snap = source(&mut world, &ops, &one, 70);
    let delete = |id: &str| ec2::DeleteSnapshotRequest {
        snapshot_id: text(id),
        dry_run: None,
    };
    let request = copy(HERE, &snap, Some(&other));
    let gone = world
        .call(HERE, &ops, &request)
        .unwrap()
        .snapshot_id
        .unwrap();
    let kept = world
        .call(HERE, &ops, &request)
        .unwrap()
        .snapshot_id
        .unwrap();
    world.advance_micros(1_010_000);
    world.call(HERE, &ops, &delete(&gone)).unwrap();
    world.call(HERE, &ops, &delete(&snap)).unwrap();
    world.advance(20);
    assert_eq!(
        seen(&mut world, HERE, &ops, &kept).state.as_deref(),
        Some("completed")
    );
    let rows = |world: &World, keyspace: u8| {
        let all = world.store(HERE).scan(&Span::everything(), Order::Forward);
        all.filter(|row| row.as_ref().unwrap().0.starts_with(&[0x08, keyspace]))
            .count()
    };
    // The volume's seventy and the copy's; no work, no list.
    assert_eq!(
        (rows(&world, 0x06), rows(&world, 0x0e), rows(&world, 0x14)),
        (140, 0, 0)
    );
    for key in [&one, &other] {
        assert_eq!(grants(&mut world, key), 0);
    }
}
