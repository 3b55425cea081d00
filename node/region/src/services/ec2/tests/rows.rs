//! Rows of today are in the file of rows that must decode for ever.

use super::*;
use crate::services::ec2::keyspaces::KEYSPACES;
use crate::store::golden;

/// An instance with two volumes, a locked snapshot, settings; the snapshot.
fn things(world: &mut World, ops: &Credential, one: &str) -> String {
    let id = volume(world, ops, Some(one));
    let snap = snapshot(world, ops, &id);
    let image = sharing::image(world, ops, &snap);
    let run = ec2::RunInstancesRequest {
        image_id: text(&image),
        min_count: Some(1),
        max_count: Some(1),
        client_token: text("once"),
        ..Default::default()
    };
    world.call(HERE, ops, &run).unwrap();
    world.advance(6);
    let machine = world
        .call(HERE, ops, &ec2::DescribeInstancesRequest::default())
        .unwrap();
    let attach = ec2::AttachVolumeRequest {
        device: text("/dev/sdf"),
        instance_id: machine.reservations[0].instances[0].instance_id.clone(),
        volume_id: text(&id),
        dry_run: None,
    };
    let lock = ec2::LockSnapshotRequest {
        snapshot_id: text(&snap),
        lock_mode: text("governance"),
        lock_duration: Some(1),
        ..Default::default()
    };
    let choose = ec2::ModifyEbsDefaultKmsKeyIdRequest {
        kms_key_id: text(one),
        dry_run: None,
    };
    let permit = ec2::ModifyImageAttributeRequest {
        image_id: text(&image),
        operation_type: text("add"),
        organization_arns: vec![format!(
            "arn:aws:organizations::{ACCOUNT}:organization/o-abcde12345"
        )],
        ..Default::default()
    };
    world.call(HERE, ops, &attach).unwrap();
    world.call(HERE, ops, &lock).unwrap();
    world.call(HERE, ops, &choose).unwrap();
    world.call(HERE, ops, &permit).unwrap();
    world
        .call(
            HERE,
            ops,
            &ec2::EnableEbsEncryptionByDefaultRequest::default(),
        )
        .unwrap();
    snap
}

#[test]
fn every_keyspace_has_a_line_in_the_goldens() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, _) = people(&mut world);
    let (one, other) = (
        key(&mut world, HERE, ACCOUNT, None),
        key(&mut world, HERE, ACCOUNT, None),
    );
    let snap = things(&mut world, &ops, &one);
    let second = copied(&mut world, HERE, &ops, &copy(HERE, &snap, Some(&other)));
    // One copy has begun here, and one is read from elsewhere.
    let third = key(&mut world, HERE, ACCOUNT, None);
    world
        .call(HERE, &ops, &copy(HERE, &snap, Some(&third)))
        .unwrap();
    let file = include_str!("../../../../goldens/rows.txt");
    let mut lines = golden::harvest(world.store(HERE)).unwrap();
    let mut more = |world: &World| {
        for (name, line) in golden::harvest(world.store(HERE)).unwrap() {
            lines.entry(name).or_insert(line);
        }
    };
    world.advance_micros(1_000_001);
    more(&world);
    let call = world.begin(THERE, &ops, &copy(HERE, &snap, None));
    for _ in 0..12 {
        world.deliver_one();
        more(&world);
    }
    world.finish::<ec2::CopySnapshotRequest>(&call).unwrap();
    let second = second.snapshot_id.unwrap();
    world
        .call(HERE, &ops, &archiving::archive(&second))
        .unwrap();
    more(&world);
    let missing = golden::unlisted(file, KEYSPACES, &lines);
    assert!(missing.is_empty(), "add to the file:\n{missing}");
}
