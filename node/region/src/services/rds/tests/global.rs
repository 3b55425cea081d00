//! One database in several Regions.

use super::*;

/// A global database `shop` with the primary `orders` here and the secondary `orders` there.
pub(super) fn two_regions(world: &mut World, keys: (Option<&str>, Option<&str>)) {
    let root = world.root(ACCOUNT);
    let first = api::CreateDbClusterRequest {
        storage_encrypted: keys.0.map(|_| true),
        kms_key_id: keys.0.map(str::to_owned),
        ..cluster("orders")
    };
    world.call(HERE, &root, &first).unwrap();
    world
        .call(HERE, &root, &instance_of("orders-1", "orders"))
        .unwrap();
    world.advance(300);
    put(world, HERE, &root, "orders", "ledger", SECRET).unwrap();
    let request = api::CreateGlobalClusterRequest {
        global_cluster_identifier: some("shop"),
        source_db_cluster_identifier: some("orders"),
        ..Default::default()
    };
    world.call(HERE, &root, &request).unwrap();
    world.settle();
    world.call(THERE, &root, &second(keys.1)).unwrap();
    world
        .call(THERE, &root, &instance_of("orders-2", "orders"))
        .unwrap();
    world.advance(300);
    world.settle();
}

fn second(key: Option<&str>) -> api::CreateDbClusterRequest {
    api::CreateDbClusterRequest {
        storage_encrypted: key.map(|_| true),
        kms_key_id: key.map(str::to_owned),
        global_cluster_identifier: some("shop"),
        ..cluster("orders")
    }
}

fn arn(region: &str) -> Option<String> {
    Some(format!("arn:aws:rds:{region}:{ACCOUNT}:cluster:orders"))
}

fn switchover(to: &str) -> api::SwitchoverGlobalClusterRequest {
    api::SwitchoverGlobalClusterRequest {
        global_cluster_identifier: some("shop"),
        target_db_cluster_identifier: arn(to),
    }
}

fn failover(to: &str) -> api::FailoverGlobalClusterRequest {
    api::FailoverGlobalClusterRequest {
        global_cluster_identifier: some("shop"),
        target_db_cluster_identifier: arn(to),
        allow_data_loss: Some(true),
        switchover: None,
    }
}

fn remove(region: &str) -> api::RemoveFromGlobalClusterRequest {
    api::RemoveFromGlobalClusterRequest {
        global_cluster_identifier: some("shop"),
        db_cluster_identifier: arn(region),
    }
}

fn global(world: &mut World, region: &str) -> api::GlobalCluster {
    let root = world.root(ACCOUNT);
    let request = api::DescribeGlobalClustersRequest {
        global_cluster_identifier: some("shop"),
        ..Default::default()
    };
    let found = world.call(region, &root, &request).unwrap();
    found.global_clusters[0].clone()
}

fn seen_by(world: &mut World, region: &str) -> Value {
    world.look(region, "global_database", &json!({ "name": "shop" }))
}

// EBS-051, EBS-052, EBS-058, TRAP-028
#[test]
fn a_secondary_has_the_rows_under_a_key_of_its_own_and_takes_no_writes() {
    let (mut world, root) = world();
    let here = key(&mut world, HERE, ACCOUNT, None);
    let there = key(&mut world, THERE, ACCOUNT, None);
    two_regions(&mut world, (Some(&here), Some(&there)));
    put(&mut world, HERE, &root, "orders", "more", "row").unwrap();
    world.settle();
    for (name, value) in [("ledger", SECRET), ("more", "row")] {
        let read = get(&mut world, THERE, &root, "orders", name);
        assert_eq!(read.unwrap().as_deref(), Some(value));
    }
    assert_eq!(
        put(&mut world, THERE, &root, "orders", "mine", "row").unwrap_err(),
        "ReadOnly: cannot execute INSERT in a read-only transaction"
    );
    assert!(!lies_open(&world, THERE, SECRET));
    let shown = global(&mut world, THERE);
    let members = shown.global_cluster_members;
    assert_eq!(members[0].db_cluster_arn, arn(HERE));
    assert_eq!(members[0].readers, [arn(THERE).unwrap()]);
    assert_eq!(
        members[1].synchronization_status.as_deref(),
        Some("connected")
    );
    disable(&mut world, HERE, &here);
    let read = get(&mut world, THERE, &root, "orders", "ledger");
    assert_eq!(read.unwrap().as_deref(), Some(SECRET));
    let lag = &seen_by(&mut world, THERE)["here"]["replication_lag_ms"];
    assert!(lag.as_u64().unwrap() < 1000, "{lag}");
}

// EBS-052
#[test]
fn an_encrypted_primary_wants_encrypted_secondaries_with_a_key_of_their_region() {
    let (mut world, root) = world();
    let here = key(&mut world, HERE, ACCOUNT, None);
    let there = key(&mut world, THERE, ACCOUNT, None);
    two_regions(&mut world, (Some(&here), Some(&there)));
    world.call(THERE, &root, &remove(THERE)).unwrap();
    world.settle();
    let named = |key: Option<&str>| api::CreateDbClusterRequest {
        db_cluster_identifier: some("other"),
        ..second(key)
    };
    let without = refused(world.call(THERE, &root, &named(None)));
    assert!(
        without.starts_with("InvalidParameterCombination: The primary cluster is encrypted"),
        "{without}"
    );
    let wrong = refused(world.call(THERE, &root, &named(Some(&here))));
    assert!(wrong.starts_with("KMSKeyNotAccessibleFault"), "{wrong}");
    world.call(THERE, &root, &named(Some(&there))).unwrap();
}

// EBS-044
#[test]
fn a_cluster_with_members_elsewhere_cannot_stop_and_ends_at_once() {
    let (mut world, root) = world();
    let here = key(&mut world, HERE, ACCOUNT, None);
    let there = key(&mut world, THERE, ACCOUNT, None);
    two_regions(&mut world, (Some(&here), Some(&there)));
    let stop = api::StopDbClusterRequest {
        db_cluster_identifier: some("orders"),
    };
    assert_eq!(
        refused(world.call(HERE, &root, &stop)),
        "InvalidDBClusterStateFault: DB cluster orders is part of a global cluster"
    );
    disable(&mut world, HERE, &here);
    world.advance(300);
    assert_eq!(
        state(&mut world, HERE, "orders"),
        "inaccessible-encryption-credentials"
    );
}

// EBS-053
#[test]
fn each_secondary_costs_the_primary_a_reader() {
    let (mut world, root) = world();
    two_regions(&mut world, (None, None));
    for n in 2..=15 {
        let request = instance_of(&format!("reader-{n}"), "orders");
        world.call(HERE, &root, &request).unwrap();
    }
    assert_eq!(
        refused(world.call(HERE, &root, &instance_of("one-more", "orders"))),
        "InstanceQuotaExceeded: DB cluster orders can have at most 15 DB instances"
    );
    for n in 2..=16 {
        let request = instance_of(&format!("reader-{n}"), "orders");
        world.call(THERE, &root, &request).unwrap();
    }
    let more = refused(world.call(THERE, &root, &instance_of("one-more", "orders")));
    assert!(more.starts_with("InstanceQuotaExceeded"), "{more}");
}

// EBS-054
#[test]
fn a_switchover_loses_nothing_and_keeps_the_topology() {
    let (mut world, root) = world();
    two_regions(&mut world, (None, None));
    world.network.hold(HERE, THERE);
    put(&mut world, HERE, &root, "orders", "late", "row").unwrap();
    let begun = world.call(HERE, &root, &switchover(THERE)).unwrap();
    let begun = begun.global_cluster.unwrap();
    assert_eq!(begun.status.as_deref(), Some("switching-over"));
    assert_eq!(
        put(&mut world, HERE, &root, "orders", "later", "row").unwrap_err(),
        "CannotConnect: could not connect to server: orders is switching-over"
    );
    let twice = refused(world.call(HERE, &root, &switchover(THERE)));
    assert!(
        twice.starts_with("InvalidGlobalClusterStateFault"),
        "{twice}"
    );
    world.network.heal(HERE, THERE);
    world.advance(60);
    world.settle();
    let read = get(&mut world, THERE, &root, "orders", "late");
    assert_eq!(read.unwrap().as_deref(), Some("row"));
    put(&mut world, THERE, &root, "orders", "after", "row").unwrap();
    world.settle();
    let back = get(&mut world, HERE, &root, "orders", "after");
    assert_eq!(back.unwrap().as_deref(), Some("row"));
    assert!(
        put(&mut world, HERE, &root, "orders", "x", "y")
            .unwrap_err()
            .starts_with("ReadOnly")
    );
    let shown = global(&mut world, HERE);
    assert_eq!(shown.status.as_deref(), Some("available"));
    assert_eq!(shown.global_cluster_members.len(), 2);
    assert_eq!(shown.global_cluster_members[0].db_cluster_arn, arn(THERE));
    let change = &seen_by(&mut world, HERE)["changes"][0];
    assert_eq!(
        (&change["kind"], &change["lost_commits"]),
        (&json!("switchover"), &json!(0))
    );
}

// EBS-054
#[test]
fn a_switchover_wants_the_same_version() {
    let (mut world, root) = world();
    two_regions(&mut world, (None, None));
    world.call(THERE, &root, &remove(THERE)).unwrap();
    world.settle();
    let older = api::CreateDbClusterRequest {
        db_cluster_identifier: some("older"),
        engine_version: some("16.4"),
        ..second(None)
    };
    world.call(THERE, &root, &older).unwrap();
    world.advance(60);
    world.settle();
    let request = api::SwitchoverGlobalClusterRequest {
        target_db_cluster_identifier: arn(THERE).map(|arn| arn.replace(":orders", ":older")),
        ..switchover(THERE)
    };
    let versions = refused(world.call(HERE, &root, &request));
    assert!(
        versions.starts_with("InvalidGlobalClusterStateFault"),
        "{versions}"
    );
}

// EBS-055, EBS-058, TRAP-027
#[test]
fn a_failover_loses_what_had_not_arrived_and_says_how_much() {
    let (mut world, root) = world();
    two_regions(&mut world, (None, None));
    world.cut(HERE, THERE);
    for n in 0..3 {
        put(
            &mut world,
            HERE,
            &root,
            "orders",
            &format!("late-{n}"),
            "row",
        )
        .unwrap();
        world.advance(2);
    }
    let lag = &seen_by(&mut world, HERE)["secondaries"][0]["rpo_lag_ms"];
    assert!((6000..6100).contains(&lag.as_u64().unwrap()), "{lag}");
    let begun = world.call(THERE, &root, &failover(THERE)).unwrap();
    let begun = begun.global_cluster.unwrap();
    assert_eq!(begun.status.as_deref(), Some("failing-over"));
    assert_eq!(
        begun.failover_state.unwrap().is_data_loss_allowed,
        Some(true)
    );
    world.advance(60);
    put(&mut world, THERE, &root, "orders", "after", "row").unwrap();
    // Nobody could tell the old primary: what it takes now is lost as well.
    put(&mut world, HERE, &root, "orders", "split", "row").unwrap();
    let change = &seen_by(&mut world, THERE)["changes"][0];
    assert_eq!(change["lost_commits"], json!(null));
    world.heal(HERE, THERE);
    world.advance(120);
    world.settle();
    let change = &seen_by(&mut world, THERE)["changes"][0];
    let rpo = change["rpo_ms"].as_u64().unwrap();
    assert_eq!(change["lost_commits"], json!(4));
    assert!((6000..6100).contains(&rpo), "{rpo}");
    assert_eq!(get(&mut world, HERE, &root, "orders", "late-0"), Ok(None));
    let after = get(&mut world, HERE, &root, "orders", "after");
    assert_eq!(after.unwrap().as_deref(), Some("row"));
    let kept = world.call(
        HERE,
        &root,
        &api::DescribeDbClusterSnapshotsRequest::default(),
    );
    let kept = kept.unwrap().db_cluster_snapshots.remove(0);
    let name = kept.db_cluster_snapshot_identifier.unwrap();
    assert!(
        name.starts_with("rds:unplanned-global-failover-orders-"),
        "{name}"
    );
    let restore = api::RestoreDbClusterFromSnapshotRequest {
        db_cluster_identifier: some("salvage"),
        snapshot_identifier: some(&name),
        engine: some("aurora-postgresql"),
        ..Default::default()
    };
    world.call(HERE, &root, &restore).unwrap();
    world
        .call(HERE, &root, &instance_of("salvage-1", "salvage"))
        .unwrap();
    world.advance(400);
    let salvaged = get(&mut world, HERE, &root, "salvage", "split");
    assert_eq!(salvaged.unwrap().as_deref(), Some("row"));
}

// EBS-056
#[test]
fn data_loss_and_switchover_exclude_each_other() {
    let (mut world, root) = world();
    two_regions(&mut world, (None, None));
    let both = api::FailoverGlobalClusterRequest {
        switchover: Some(true),
        ..failover(THERE)
    };
    let both = refused(world.call(THERE, &root, &both));
    assert!(both.starts_with("InvalidParameterCombination"), "{both}");
    // Without either it is a switchover; the primary's Region does it, wherever it is asked.
    let neither = api::FailoverGlobalClusterRequest {
        allow_data_loss: None,
        ..failover(THERE)
    };
    let begun = world.call(THERE, &root, &neither).unwrap();
    let begun = begun.global_cluster.unwrap();
    assert_eq!(
        begun.failover_state.unwrap().is_data_loss_allowed,
        Some(false)
    );
}

// EBS-051
#[test]
fn a_headless_secondary_is_storage_only_and_serves_when_it_gets_an_instance() {
    let (mut world, root) = world();
    two_regions(&mut world, (None, None));
    let gone = api::DeleteDbInstanceRequest {
        db_instance_identifier: some("orders-2"),
        ..Default::default()
    };
    world.call(THERE, &root, &gone).unwrap();
    put(&mut world, HERE, &root, "orders", "more", "row").unwrap();
    world.settle();
    assert_eq!(
        get(&mut world, THERE, &root, "orders", "more").unwrap_err(),
        "CannotConnect: could not connect to server: orders has no instance"
    );
    world
        .call(THERE, &root, &instance_of("orders-3", "orders"))
        .unwrap();
    world.advance(300);
    let read = get(&mut world, THERE, &root, "orders", "more");
    assert_eq!(read.unwrap().as_deref(), Some("row"));
}

#[test]
fn a_member_leaves_without_the_primary_and_becomes_a_cluster_of_its_own() {
    let (mut world, root) = world();
    two_regions(&mut world, (None, None));
    let delete = api::DeleteGlobalClusterRequest {
        global_cluster_identifier: some("shop"),
    };
    let early = refused(world.call(HERE, &root, &delete));
    assert!(
        early.starts_with("InvalidGlobalClusterStateFault"),
        "{early}"
    );
    let first = refused(world.call(HERE, &root, &remove(HERE)));
    assert!(
        first.starts_with("InvalidGlobalClusterStateFault"),
        "{first}"
    );
    world.network.cut(HERE, THERE);
    put(&mut world, HERE, &root, "orders", "late", "row").unwrap();
    world.call(THERE, &root, &remove(THERE)).unwrap();
    put(&mut world, THERE, &root, "orders", "mine", "row").unwrap();
    world.network.heal(HERE, THERE);
    world.advance(60);
    world.settle();
    assert_eq!(get(&mut world, THERE, &root, "orders", "late"), Ok(None));
    assert_eq!(get(&mut world, HERE, &root, "orders", "mine"), Ok(None));
    world.call(HERE, &root, &remove(HERE)).unwrap();
    world.call(HERE, &root, &delete).unwrap();
    world.settle();
    let request = api::DescribeGlobalClustersRequest::default();
    let left = world.call(THERE, &root, &request).unwrap();
    assert!(left.global_clusters.is_empty());
}

#[test]
fn a_cluster_whose_joining_is_refused_goes_again() {
    let (mut world, root) = world();
    two_regions(&mut world, (None, None));
    world.call(THERE, &root, &remove(THERE)).unwrap();
    world.settle();
    let other = api::CreateDbClusterRequest {
        db_cluster_identifier: some("other"),
        ..second(None)
    };
    world.call(HERE, &root, &switchover(THERE)).unwrap_err();
    world.network.cut(HERE, THERE);
    let id = world.begin(THERE, &root, &other);
    world.advance(61);
    let outcome = world.outcome(&id).unwrap().unwrap_err();
    assert_eq!(outcome.http_status, 503);
    world.network.heal(HERE, THERE);
    world.advance(60);
    world.settle();
    assert_eq!(global(&mut world, HERE).global_cluster_members.len(), 1);
    world.call(THERE, &root, &other).unwrap();
    world.settle();
    assert_eq!(global(&mut world, HERE).global_cluster_members.len(), 2);
}
