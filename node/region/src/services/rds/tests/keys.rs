//! What a key that is shut does to a database, and what a caller's permissions do not.

use super::*;

fn sealed(world: &mut World) -> String {
    let root = world.root(ACCOUNT);
    let key = key(world, HERE, ACCOUNT, None);
    let request = api::CreateDbClusterRequest {
        storage_encrypted: Some(true),
        kms_key_id: some(&key),
        ..cluster("orders")
    };
    world.call(HERE, &root, &request).unwrap();
    let instance = instance_of("orders-1", "orders");
    world.call(HERE, &root, &instance).unwrap();
    world.advance(300);
    put(world, HERE, &root, "orders", "ledger", SECRET).unwrap();
    key
}

fn start(world: &mut World) -> Result<(), String> {
    let root = world.root(ACCOUNT);
    let request = api::StartDbClusterRequest {
        db_cluster_identifier: some("orders"),
    };
    world.call(HERE, &root, &request).map(|_| ()).map_err(told)
}

// EBS-043
#[test]
fn a_key_that_is_shut_stops_a_cluster_for_a_week() {
    let (mut world, root) = world();
    let key = sealed(&mut world);
    disable(&mut world, HERE, &key);
    world.advance(300);
    assert_eq!(
        state(&mut world, HERE, "orders"),
        "inaccessible-encryption-credentials-recoverable"
    );
    let read = get(&mut world, HERE, &root, "orders", "ledger");
    assert!(read.unwrap_err().starts_with("CannotConnect"));
    let shut = format!(
        "KMSKeyNotAccessibleFault: Specified KMS key [{key}] does not exist, is not enabled or you do not have permissions to access it."
    );
    assert_eq!(start(&mut world).unwrap_err(), shut);
    let snapshot = api::CreateDbClusterSnapshotRequest {
        db_cluster_identifier: some("orders"),
        db_cluster_snapshot_identifier: some("late"),
        ..Default::default()
    };
    assert_eq!(refused(world.call(HERE, &root, &snapshot)), shut);
    enable(&mut world, HERE, &key);
    start(&mut world).unwrap();
    world.advance(120);
    let read = get(&mut world, HERE, &root, "orders", "ledger");
    assert_eq!(read.unwrap().as_deref(), Some(SECRET));
}

// EBS-043
#[test]
fn after_a_week_only_a_backup_helps() {
    let (mut world, root) = world();
    let key = sealed(&mut world);
    cluster_snapshot(&mut world, "orders", "backup");
    disable(&mut world, HERE, &key);
    world.advance(300);
    state(&mut world, HERE, "orders");
    world.advance(7 * 24 * 3600);
    enable(&mut world, HERE, &key);
    assert_eq!(
        state(&mut world, HERE, "orders"),
        "inaccessible-encryption-credentials"
    );
    assert!(
        start(&mut world)
            .unwrap_err()
            .starts_with("KMSKeyNotAccessibleFault")
    );
    let restore = api::RestoreDbClusterFromSnapshotRequest {
        db_cluster_identifier: some("again"),
        snapshot_identifier: some("backup"),
        engine: some("aurora-postgresql"),
        ..Default::default()
    };
    world.call(HERE, &root, &restore).unwrap();
    world
        .call(HERE, &root, &instance_of("again-1", "again"))
        .unwrap();
    world.advance(400);
    let read = get(&mut world, HERE, &root, "again", "ledger");
    assert_eq!(read.unwrap().as_deref(), Some(SECRET));
}

// EBS-045
#[test]
fn the_grant_outlives_the_permissions_of_whoever_made_the_database() {
    let (mut world, root) = world();
    let key = key(&mut world, HERE, ACCOUNT, None);
    let may =
        crate::testing::people::allow(&["rds:*", "kms:DescribeKey", "kms:CreateGrant"], &["*"]);
    let maker = world.user(ACCOUNT, "maker", &may);
    world
        .call(HERE, &maker, &database("shop", Some(&key)))
        .unwrap();
    world.advance(300);
    put_policy(
        &mut world,
        &key,
        &json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "AWS": root_arn() },
                "Action": ["kms:EnableKey", "kms:DisableKey", "kms:PutKeyPolicy"],
                "Resource": "*",
            }],
        }),
    );
    world.advance(600);
    put(&mut world, HERE, &root, "shop", "ledger", SECRET).unwrap();
    disable(&mut world, HERE, &key);
    world.advance(300);
    let read = get(&mut world, HERE, &root, "shop", "ledger");
    assert!(read.unwrap_err().starts_with("CannotConnect"));
    let nobody = world.user(
        ACCOUNT,
        "nobody",
        &crate::testing::people::allow(&["rds:*"], &["*"]),
    );
    let another = self::key(&mut world, HERE, ACCOUNT, None);
    let without = refused(world.call(HERE, &nobody, &database("more", Some(&another))));
    assert!(without.starts_with("KMSKeyNotAccessibleFault"), "{without}");
}

fn root_arn() -> String {
    format!("arn:aws:iam::{ACCOUNT}:root")
}
