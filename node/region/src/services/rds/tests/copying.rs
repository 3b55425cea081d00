//! Copies in and across Regions.

use super::*;

// EBS-048
#[test]
fn an_encrypted_copy_into_another_region_needs_a_key_there() {
    let (mut world, root) = world();
    let own = key(&mut world, HERE, ACCOUNT, None);
    let there = key(&mut world, THERE, ACCOUNT, None);
    filled(&mut world, "shop", Some(&own));
    let arn = snapshot(&mut world, "shop", "snap");
    assert_eq!(
        refused(world.call(THERE, &root, &copy(&arn, "copy", None))),
        "InvalidParameterValue: Must specify new KMS key for cross region encrypted snapshot copy."
    );
    let wrong = refused(world.call(THERE, &root, &copy(&arn, "copy", Some(&own))));
    assert!(
        wrong.starts_with("KMSKeyNotAccessibleFault: Specified KMS key"),
        "{wrong}"
    );
    let made = world.call(THERE, &root, &copy(&arn, "copy", Some(&there)));
    let made = made.unwrap().db_snapshot.unwrap();
    assert_eq!(made.status.as_deref(), Some("copying"));
    assert_eq!(made.source_region.as_deref(), Some(HERE));
    assert_eq!(made.kms_key_id.as_deref(), Some(there.as_str()));
    world.advance(499);
    let shown = seen(&mut world, THERE, &root, "copy").unwrap();
    assert_eq!(shown.percent_progress, Some(99));
    world.advance(1);
    world.settle();
    let shown = seen(&mut world, THERE, &root, "copy").unwrap();
    assert_eq!(shown.status.as_deref(), Some("available"));
    // What was read for the refused call was let go too.
    assert_eq!(grants(&mut world, HERE, &own), 1);
    let back = restored(&mut world, THERE, &root, "copy");
    assert_eq!(back.as_deref(), Some(SECRET));
    assert!(!lies_open(&world, THERE, SECRET));
}

// EBS-048, EBS-041
#[test]
fn an_unencrypted_snapshot_is_encrypted_by_its_copy() {
    let (mut world, root) = world();
    let there = key(&mut world, THERE, ACCOUNT, None);
    filled(&mut world, "open", None);
    let arn = snapshot(&mut world, "open", "snap");
    world
        .call(THERE, &root, &copy(&arn, "sealed", Some(&there)))
        .unwrap();
    world.advance(500);
    assert!(!lies_open(&world, THERE, SECRET));
    let back = restored(&mut world, THERE, &root, "sealed");
    assert_eq!(back.as_deref(), Some(SECRET));
    let request = api::DescribeDbInstancesRequest {
        db_instance_identifier: some("restored"),
        ..Default::default()
    };
    let found = world.call(THERE, &root, &request).unwrap();
    assert_eq!(found.db_instances[0].storage_encrypted, Some(true));
    world.call(THERE, &root, &copy(&arn, "open", None)).unwrap();
    world.advance(500);
    assert!(lies_open(&world, THERE, SECRET));
}

// EBS-049, EBS-041
#[test]
fn an_unencrypted_cluster_snapshot_is_encrypted_by_restoring_it_not_by_copying_it() {
    let (mut world, root) = world();
    let own = key(&mut world, HERE, ACCOUNT, None);
    let old = api::CreateDbClusterRequest {
        storage_encrypted: Some(false),
        ..cluster("old")
    };
    world.call(HERE, &root, &old).unwrap();
    world.advance(60);
    let arn = cluster_snapshot(&mut world, "old", "snap");
    assert_eq!(
        refused(world.call(HERE, &root, &cluster_copy(&arn, "sealed", Some(&own)))),
        "InvalidParameterCombination: KmsKeyId cannot be specified when copying an unencrypted DB cluster snapshot"
    );
    let restore = api::RestoreDbClusterFromSnapshotRequest {
        db_cluster_identifier: some("sealed"),
        snapshot_identifier: some("snap"),
        engine: some("aurora-postgresql"),
        kms_key_id: some(&own),
        ..Default::default()
    };
    let made = world.call(HERE, &root, &restore).unwrap();
    let made = made.db_cluster.unwrap();
    assert_eq!(made.kms_key_id.as_deref(), Some(own.as_str()));
}

// EBS-050
#[test]
fn five_copies_are_under_way_at_most_and_those_of_one_region_wait_for_each_other() {
    let (mut world, root) = world();
    world.call(HERE, &root, &cluster("orders")).unwrap();
    world.advance(60);
    let arn = cluster_snapshot(&mut world, "orders", "snap");
    for n in 0..5 {
        let request = cluster_copy(&arn, &format!("copy-{n}"), None);
        world.call(THERE, &root, &request).unwrap();
    }
    assert_eq!(
        refused(world.call(THERE, &root, &cluster_copy(&arn, "copy-5", None))),
        "SnapshotQuotaExceeded: Cannot have more than 5 snapshot copies in progress in this Region."
    );
    world.advance(311);
    world.settle();
    let all = world.call(
        THERE,
        &root,
        &api::DescribeDbClusterSnapshotsRequest::default(),
    );
    let all = all.unwrap().db_cluster_snapshots;
    let done = all
        .iter()
        .filter(|one| one.status.as_deref() == Some("available"));
    assert_eq!(done.count(), 1);
    world
        .call(THERE, &root, &cluster_copy(&arn, "copy-5", None))
        .unwrap();
}

#[test]
fn a_copy_waits_for_a_region_that_is_cut_off_and_is_whole_in_the_end() {
    let (mut world, root) = world();
    filled(&mut world, "open", None);
    let more = "x".repeat(60_000);
    for n in 0..5 {
        put(&mut world, HERE, &root, "open", &format!("row-{n}"), &more).unwrap();
    }
    let arn = snapshot(&mut world, "open", "snap");
    let id = world.begin(THERE, &root, &copy(&arn, "copy", None));
    while world.outcome(&id).is_none() {
        assert!(world.deliver_one());
    }
    world.network.cut(HERE, THERE);
    world.advance(3600);
    let shown = seen(&mut world, THERE, &root, "copy").unwrap();
    assert_eq!(shown.status.as_deref(), Some("copying"));
    world.network.heal(HERE, THERE);
    world.advance(3600);
    world.settle();
    world.advance(1);
    let back = restored(&mut world, THERE, &root, "copy");
    assert_eq!(back.as_deref(), Some(SECRET));
    let last = get(&mut world, THERE, &root, "restored", "row-4").unwrap();
    assert_eq!(last.map(|row| row.len()), Some(60_000));
}
