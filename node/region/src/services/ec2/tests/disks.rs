//! Volumes, snapshots and their blocks.

use super::*;

#[test]
fn ebs_001_content_is_sealed_under_a_data_key_and_an_unencrypted_volume_lies_open() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let key = key(&mut world, HERE, ACCOUNT, None);
    let sealed = volume(&mut world, &ops, Some(&key));
    assert!(!is_in_the_clear(&world, HERE, SECRET));
    let read = content(&mut world, HERE, &sealed);
    assert_eq!(read["content"], SECRET);
    assert_eq!(read["kms_key_id"], key);
    assert_eq!(read["state"], "available");
    let open = volume(&mut world, &ops, None);
    assert!(is_in_the_clear(&world, HERE, SECRET));
    assert_eq!(content(&mut world, HERE, &open)["encrypted"], false);
    assert_eq!(grants(&mut world, &key), 0, "nothing is attached");
}

#[test]
fn ebs_004_the_data_key_is_bound_to_the_volume() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let key = key(&mut world, HERE, ACCOUNT, None);
    let id = volume(&mut world, &ops, Some(&key));
    let made = world
        .audit
        .iter()
        .find(|event| event.event_name == "GenerateDataKeyWithoutPlaintext")
        .unwrap();
    assert!(
        made.request_parameters
            .contains(&format!(r#""aws:ebs:id":"{id}""#)),
        "{}",
        made.request_parameters
    );
    assert_eq!(made.invoked_by, "ec2.amazonaws.com");
}

#[test]
fn ebs_007_a_refused_key_is_told_later() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let key = key(&mut world, HERE, ACCOUNT, None);
    let root = world.root(ACCOUNT);
    world
        .call(HERE, &root, &kms::DisableKeyRequest { key_id: text(&key) })
        .unwrap();
    let request = ec2::CreateVolumeRequest {
        availability_zone: text("eu-west-1a"),
        size: Some(1),
        encrypted: Some(true),
        kms_key_id: text(&key),
        ..Default::default()
    };
    let made = world.call(HERE, &ops, &request).unwrap();
    assert_eq!(made.state.as_deref(), Some("creating"));
    world.advance(5);
    let found = world
        .call(HERE, &ops, &ec2::DescribeVolumesRequest::default())
        .unwrap()
        .volumes;
    assert_eq!(found[0].state.as_deref(), Some("error"));
}

#[test]
fn ebs_011_a_key_needs_encrypted() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let request = ec2::CreateVolumeRequest {
        availability_zone: text("eu-west-1a"),
        size: Some(1),
        kms_key_id: text("alias/aws/ebs"),
        ..Default::default()
    };
    let refused = world.call(HERE, &ops, &request).unwrap_err();
    assert_eq!(refused.code, "InvalidParameterDependency");
}

#[test]
fn ebs_012_a_volume_of_an_own_snapshot_has_its_key_and_its_blocks() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let key = key(&mut world, HERE, ACCOUNT, None);
    let id = volume(&mut world, &ops, Some(&key));
    let snap = snapshot(&mut world, &ops, &id);
    let read = read_snapshot(&mut world, HERE, &ops, &snap);
    assert_eq!(read["content"], SECRET);
    assert_eq!(read["kms_key_id"], key);
    assert!(
        world
            .audit
            .iter()
            .any(|event| event.event_name == "ReEncrypt" && event.error_code.is_empty())
    );
    assert_eq!(grants(&mut world, &key), 0, "every grant was retired");
}

#[test]
fn ebs_013_encryption_by_default_is_for_new_volumes_and_has_no_opt_out() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, partner) = people(&mut world);
    let old = volume(&mut world, &ops, None);
    world
        .call(
            HERE,
            &ops,
            &ec2::EnableEbsEncryptionByDefaultRequest::default(),
        )
        .unwrap();
    let request = ec2::CreateVolumeRequest {
        availability_zone: text("eu-west-1a"),
        size: Some(1),
        encrypted: Some(false),
        ..Default::default()
    };
    let new = world.call(HERE, &ops, &request).unwrap();
    assert_eq!(new.encrypted, Some(true));
    assert_eq!(content(&mut world, HERE, &old)["encrypted"], false);
    for (region, who) in [(THERE, &ops), (HERE, &partner)] {
        let set = world
            .call(
                region,
                who,
                &ec2::GetEbsEncryptionByDefaultRequest::default(),
            )
            .unwrap();
        assert_eq!(set.ebs_encryption_by_default, Some(false));
    }
}

#[test]
fn ebs_015_a_snapshot_keeps_its_moment_and_a_deletion_takes_only_its_own_blocks() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let id = volume(&mut world, &ops, None);
    let first = snapshot(&mut world, &ops, &id);
    let second = snapshot(&mut world, &ops, &id);
    world.plant(
        HERE,
        "volume_content",
        &json!({ "volume_id": id, "content": "later" }),
    );
    let delete = |id: &str| ec2::DeleteSnapshotRequest {
        snapshot_id: text(id),
        dry_run: None,
    };
    world.call(HERE, &ops, &delete(&first)).unwrap();
    assert_eq!(
        read_snapshot(&mut world, HERE, &ops, &second)["content"],
        SECRET
    );
    assert_eq!(content(&mut world, HERE, &id)["content"], "later");
}

#[test]
fn ebs_016_a_snapshot_has_the_key_of_its_volume_and_becomes_complete() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let key = key(&mut world, HERE, ACCOUNT, None);
    let id = volume(&mut world, &ops, Some(&key));
    let snap = snapshot(&mut world, &ops, &id);
    let found = seen(&mut world, HERE, &ops, &snap);
    assert_eq!(found.state.as_deref(), Some("completed"));
    assert_eq!(found.progress.as_deref(), Some("100%"));
    assert_eq!(found.kms_key_id.as_deref(), Some(key.as_str()));
}

#[test]
fn ebs_035_ids_that_are_not_here() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    for (id, code) in [
        ("snap-0123456789abcdef0", "InvalidSnapshot.NotFound"),
        ("snapshot", "InvalidSnapshotID.Malformed"),
    ] {
        let request = ec2::DescribeSnapshotsRequest {
            snapshot_ids: vec![id.to_owned()],
            ..Default::default()
        };
        assert_eq!(world.call(HERE, &ops, &request).unwrap_err().code, code);
    }
    let nobody = world.user(
        ACCOUNT,
        "nobody",
        &crate::testing::people::allow(&["s3:*"], &["*"]),
    );
    let refused = world
        .call(HERE, &nobody, &ec2::DescribeVolumesRequest::default())
        .unwrap_err();
    assert_eq!(refused.code, "UnauthorizedOperation");
    let dry = ec2::DescribeVolumesRequest {
        dry_run: Some(true),
        ..Default::default()
    };
    assert_eq!(
        world.call(HERE, &ops, &dry).unwrap_err().code,
        "DryRunOperation"
    );
}
