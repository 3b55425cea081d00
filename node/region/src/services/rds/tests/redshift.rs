//! Snapshots of a warehouse go into another Region by a grant of that Region, or not at all.

use faultline_proto::redshift as api;

use super::*;

fn warehouse(world: &mut World, key: Option<&str>) {
    let root = world.root(ACCOUNT);
    let request = api::CreateClusterRequest {
        cluster_identifier: some("sales"),
        node_type: some("ra3.large"),
        master_username: some("dba"),
        number_of_nodes: Some(2),
        kms_key_id: key.map(str::to_owned),
        ..Default::default()
    };
    world.call(HERE, &root, &request).unwrap();
    world.advance(300);
    put(world, HERE, &root, "sales", "ledger", SECRET).unwrap();
}

fn grant(world: &mut World, region: &str, name: &str, key: Option<&str>) -> String {
    let root = world.root(ACCOUNT);
    let request = api::CreateSnapshotCopyGrantRequest {
        snapshot_copy_grant_name: some(name),
        kms_key_id: key.map(str::to_owned),
        ..Default::default()
    };
    let made = world.call(region, &root, &request).unwrap();
    made.snapshot_copy_grant.unwrap().kms_key_id.unwrap()
}

fn delete_grant(world: &mut World, region: &str, name: &str) -> Result<(), String> {
    let root = world.root(ACCOUNT);
    let request = api::DeleteSnapshotCopyGrantRequest {
        snapshot_copy_grant_name: some(name),
    };
    let gone = world.call(region, &root, &request);
    gone.map(|_| ()).map_err(told)
}

fn enable(to: &str, grant: Option<&str>) -> api::EnableSnapshotCopyRequest {
    api::EnableSnapshotCopyRequest {
        cluster_identifier: some("sales"),
        destination_region: some(to),
        snapshot_copy_grant_name: grant.map(str::to_owned),
        ..Default::default()
    }
}

fn take(world: &mut World, name: &str) {
    let root = world.root(ACCOUNT);
    let request = api::CreateClusterSnapshotRequest {
        cluster_identifier: some("sales"),
        snapshot_identifier: some(name),
        ..Default::default()
    };
    world.call(HERE, &root, &request).unwrap();
    world.advance(600);
    world.settle();
    world.advance(1);
}

fn seen(world: &mut World, region: &str, name: &str) -> Result<api::Snapshot, String> {
    let root = world.root(ACCOUNT);
    let request = api::DescribeClusterSnapshotsRequest {
        snapshot_identifier: some(name),
        ..Default::default()
    };
    let mut found = world.call(region, &root, &request).map_err(told)?;
    Ok(found.snapshots.remove(0))
}

fn restore(name: &str, of: &str, key: Option<&str>) -> api::RestoreFromClusterSnapshotRequest {
    api::RestoreFromClusterSnapshotRequest {
        cluster_identifier: some(name),
        snapshot_identifier: some(of),
        kms_key_id: key.map(str::to_owned),
        ..Default::default()
    }
}

// EBS-060
#[test]
fn a_copy_into_another_region_needs_a_grant_of_that_region() {
    let (mut world, root) = world();
    let own = key(&mut world, HERE, ACCOUNT, None);
    let there = key(&mut world, THERE, ACCOUNT, None);
    warehouse(&mut world, Some(&own));
    assert_eq!(
        refused(world.call(HERE, &root, &enable(THERE, None))),
        "InvalidParameterValue: SnapshotCopyGrantName is required for Snapshot Copy on KMS encrypted clusters."
    );
    // The trap: a grant of the source's Region is no grant of the destination's.
    grant(&mut world, HERE, "wrong", Some(&own));
    assert_eq!(
        refused(world.call(HERE, &root, &enable(THERE, Some("wrong")))),
        "SnapshotCopyGrantNotFoundFault: Snapshot copy grant not found: wrong"
    );
    assert_eq!(
        refused(world.call(HERE, &root, &enable(HERE, Some("wrong")))),
        "UnknownSnapshotCopyRegionFault: Invalid region eu-west-1"
    );
    assert_eq!(grant(&mut world, THERE, "right", Some(&there)), there);
    let on = world
        .call(HERE, &root, &enable(THERE, Some("right")))
        .unwrap();
    let status = on.cluster.unwrap().cluster_snapshot_copy_status.unwrap();
    assert_eq!(status.destination_region.as_deref(), Some(THERE));
    assert_eq!(status.retention_period, Some(7));
    assert_eq!(
        refused(world.call(HERE, &root, &enable(THERE, Some("right")))),
        "SnapshotCopyAlreadyEnabledFault: Snapshot Copy is already enabled on Cluster sales."
    );
    take(&mut world, "daily");
    let copy = seen(&mut world, THERE, "daily").unwrap();
    assert_eq!(copy.status.as_deref(), Some("available"));
    assert_eq!(copy.kms_key_id.as_deref(), Some(there.as_str()));
    assert_eq!(copy.source_region.as_deref(), Some(HERE));
    assert_eq!(copy.number_of_nodes, Some(2));
    world
        .call(THERE, &root, &restore("back", "daily", None))
        .unwrap();
    world.advance(600);
    let back = get(&mut world, THERE, &root, "back", "ledger").unwrap();
    assert_eq!(back.as_deref(), Some(SECRET));
    assert!(!lies_open(&world, HERE, SECRET) && !lies_open(&world, THERE, SECRET));
}

// EBS-060
#[test]
fn a_grant_that_is_used_stays_and_one_that_is_not_goes_with_its_grant_of_kms() {
    let (mut world, root) = world();
    let own = key(&mut world, HERE, ACCOUNT, None);
    let there = key(&mut world, THERE, ACCOUNT, None);
    warehouse(&mut world, Some(&own));
    grant(&mut world, THERE, "right", Some(&there));
    assert_eq!(grants(&mut world, THERE, &there), 1);
    let again = api::CreateSnapshotCopyGrantRequest {
        snapshot_copy_grant_name: some("right"),
        ..Default::default()
    };
    assert!(
        refused(world.call(THERE, &root, &again))
            .starts_with("SnapshotCopyGrantAlreadyExistsFault")
    );
    world
        .call(HERE, &root, &enable(THERE, Some("right")))
        .unwrap();
    world.settle();
    let used = delete_grant(&mut world, THERE, "right").unwrap_err();
    assert!(
        used.starts_with("InvalidSnapshotCopyGrantStateFault"),
        "{used}"
    );
    let off = api::DisableSnapshotCopyRequest {
        cluster_identifier: some("sales"),
    };
    world.call(HERE, &root, &off).unwrap();
    world.settle();
    delete_grant(&mut world, THERE, "right").unwrap();
    assert_eq!(grants(&mut world, THERE, &there), 0);
    assert_eq!(
        refused(world.call(HERE, &root, &off)),
        "SnapshotCopyAlreadyDisabledFault: Snapshot Copy is already disabled on Cluster sales."
    );
    assert_eq!(
        delete_grant(&mut world, THERE, "right").unwrap_err(),
        "SnapshotCopyGrantNotFoundFault: Snapshot copy grant not found: right"
    );
    take(&mut world, "late");
    assert!(seen(&mut world, THERE, "late").is_err());
}

// EBS-060
#[test]
fn the_default_key_is_that_of_the_destination_and_a_shut_key_gives_no_copy() {
    let (mut world, root) = world();
    let own = key(&mut world, HERE, ACCOUNT, None);
    let there = key(&mut world, THERE, ACCOUNT, None);
    warehouse(&mut world, Some(&own));
    let default = grant(&mut world, THERE, "default", None);
    assert!(default.starts_with("arn:aws:kms:us-east-1:"), "{default}");
    grant(&mut world, THERE, "right", Some(&there));
    world
        .call(HERE, &root, &enable(THERE, Some("right")))
        .unwrap();
    disable(&mut world, THERE, &there);
    take(&mut world, "lost");
    assert_eq!(
        seen(&mut world, THERE, "lost").unwrap_err(),
        "ClusterSnapshotNotFound: Snapshot lost not found."
    );
    assert_eq!(
        seen(&mut world, HERE, "lost").unwrap().status.as_deref(),
        Some("available")
    );
    super::enable(&mut world, THERE, &there);
    take(&mut world, "found");
    let copy = seen(&mut world, THERE, "found").unwrap();
    assert_eq!(copy.status.as_deref(), Some("available"));
    // The copy is under the destination's key alone: the source's is of no matter any more.
    disable(&mut world, HERE, &own);
    world
        .call(THERE, &root, &restore("back", "found", None))
        .unwrap();
    disable(&mut world, THERE, &there);
    let shut = refused(world.call(THERE, &root, &restore("late", "found", None)));
    assert!(shut.starts_with("DependentServiceAccessDenied"), "{shut}");
}

// EBS-060
#[test]
fn under_an_aws_owned_key_no_grant_is_needed_and_copies_are_kept_as_long_as_is_said() {
    let (mut world, root) = world();
    warehouse(&mut world, None);
    let on = api::EnableSnapshotCopyRequest {
        manual_snapshot_retention_period: Some(0),
        ..enable(THERE, None)
    };
    assert!(refused(world.call(HERE, &root, &on)).starts_with("InvalidRetentionPeriodFault"));
    let days = |days, manual| api::ModifySnapshotCopyRetentionPeriodRequest {
        cluster_identifier: some("sales"),
        retention_period: Some(days),
        manual: Some(manual),
    };
    assert_eq!(
        refused(world.call(HERE, &root, &days(2, true))),
        "SnapshotCopyDisabledFault: Cannot modify retention period because snapshot copy is disabled on Cluster sales."
    );
    world.call(HERE, &root, &enable(THERE, None)).unwrap();
    assert!(
        refused(world.call(HERE, &root, &days(36, false)))
            .starts_with("InvalidRetentionPeriodFault")
    );
    world.call(HERE, &root, &days(2, true)).unwrap();
    take(&mut world, "daily");
    let copy = seen(&mut world, THERE, "daily").unwrap();
    assert_eq!(
        (copy.manual_snapshot_retention_period, copy.encrypted),
        (Some(2), Some(true))
    );
    world.advance(2 * 24 * 3600);
    assert!(seen(&mut world, THERE, "daily").is_err());
    assert!(seen(&mut world, HERE, "daily").is_ok());
    let gone = api::DeleteClusterRequest {
        cluster_identifier: some("sales"),
        skip_final_cluster_snapshot: Some(true),
        ..Default::default()
    };
    world.call(HERE, &root, &gone).unwrap();
    let own = key(&mut world, HERE, ACCOUNT, None);
    let back = world.call(HERE, &root, &restore("sales", "daily", Some(&own)));
    assert_eq!(back.unwrap().cluster.unwrap().kms_key_id, Some(own));
    world.advance(600);
    let read = get(&mut world, HERE, &root, "sales", "ledger").unwrap();
    assert_eq!(read.as_deref(), Some(SECRET));
}

/// The rows of today, for the goldens.
pub(super) fn rows(world: &mut World) {
    warehouse(world, None);
    take(world, "daily");
    grant(world, HERE, "grant", None);
}
