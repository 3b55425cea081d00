//! Databases and clusters are made, read and written, and go.

use super::*;

// EBS-041, EBS-046
#[test]
fn a_database_is_sealed_under_its_key_and_an_unencrypted_one_lies_open() {
    let (mut world, root) = world();
    let key = key(&mut world, HERE, ACCOUNT, None);
    world
        .call(HERE, &root, &database("shop", Some(&key)))
        .unwrap();
    let early = put(&mut world, HERE, &root, "shop", "ledger", SECRET);
    assert_eq!(
        early.unwrap_err(),
        "CannotConnect: could not connect to server: shop is creating"
    );
    world.advance(300);
    assert_eq!(
        put(&mut world, HERE, &root, "shop", "ledger", SECRET),
        Ok(1)
    );
    assert!(!lies_open(&world, HERE, SECRET));
    let read = get(&mut world, HERE, &root, "shop", "ledger");
    assert_eq!(read.unwrap().as_deref(), Some(SECRET));
    let found = world
        .call(HERE, &root, &api::DescribeDbInstancesRequest::default())
        .unwrap();
    let shown = &found.db_instances[0];
    assert_eq!(shown.kms_key_id.as_deref(), Some(key.as_str()));
    assert_eq!(shown.storage_encryption_type.as_deref(), Some("sse-kms"));
    let resource = shown.dbi_resource_id.clone().unwrap();
    let request = kms::ListGrantsRequest {
        key_id: some(&key),
        ..Default::default()
    };
    let grants = world.call(HERE, &root, &request).unwrap().grants;
    let bound = &grants[0]
        .constraints
        .as_ref()
        .unwrap()
        .encryption_context_subset;
    assert_eq!(bound.get("aws:rds:db-id"), Some(&resource));
    filled(&mut world, "open", None);
    assert!(lies_open(&world, HERE, SECRET));
}

// EBS-041
#[test]
fn encryption_is_said_at_creation_or_never() {
    let (mut world, root) = world();
    let key = key(&mut world, HERE, ACCOUNT, None);
    let wrong = api::CreateDbInstanceRequest {
        storage_encrypted: None,
        ..database("shop", Some(&key))
    };
    assert_eq!(
        refused(world.call(HERE, &root, &wrong)),
        "InvalidParameterCombination: KmsKeyId can be specified only when StorageEncrypted is true"
    );
    filled(&mut world, "shop", Some(&key));
    assert_eq!(
        refused(world.call(HERE, &root, &database("shop", None))),
        "DBInstanceAlreadyExists: DB instance already exists"
    );
    let bad = refused(world.call(HERE, &root, &database("-shop", None)));
    assert!(bad.starts_with(
        "InvalidParameterValue: The parameter DBInstanceIdentifier is not a valid identifier."
    ));
}

// EBS-042
#[test]
fn a_new_cluster_is_encrypted_under_an_aws_owned_key_unless_it_says_otherwise() {
    let (mut world, root) = world();
    let made = world.call(HERE, &root, &cluster("orders")).unwrap();
    let made = made.db_cluster.unwrap();
    assert_eq!(made.storage_encryption_type.as_deref(), Some("sse-rds"));
    assert_eq!(
        (made.storage_encrypted, made.kms_key_id),
        (Some(true), None)
    );
    world
        .call(HERE, &root, &instance_of("orders-1", "orders"))
        .unwrap();
    let nobody = get(&mut world, HERE, &root, "orders", "ledger");
    assert!(nobody.unwrap_err().starts_with("CannotConnect"));
    world.advance(300);
    put(&mut world, HERE, &root, "orders", "ledger", SECRET).unwrap();
    assert!(!lies_open(&world, HERE, SECRET));
    let old = api::CreateDbClusterRequest {
        storage_encrypted: Some(false),
        ..cluster("old")
    };
    let old = world.call(HERE, &root, &old).unwrap().db_cluster.unwrap();
    assert_eq!(old.storage_encryption_type.as_deref(), Some("none"));
    let managed = api::CreateDbClusterRequest {
        storage_encrypted: Some(true),
        ..cluster("managed")
    };
    let managed = world.call(HERE, &root, &managed).unwrap();
    let managed = managed.db_cluster.unwrap();
    assert_eq!(managed.storage_encryption_type.as_deref(), Some("sse-kms"));
}

#[test]
fn a_cluster_goes_when_its_instances_are_gone_and_its_grant_with_it() {
    let (mut world, root) = world();
    let key = key(&mut world, HERE, ACCOUNT, None);
    let request = api::CreateDbClusterRequest {
        storage_encrypted: Some(true),
        kms_key_id: some(&key),
        ..cluster("orders")
    };
    world.call(HERE, &root, &request).unwrap();
    world
        .call(HERE, &root, &instance_of("orders-1", "orders"))
        .unwrap();
    world.advance(300);
    put(&mut world, HERE, &root, "orders-1", "ledger", SECRET).unwrap();
    assert_eq!(grants(&mut world, HERE, &key), 1);
    let delete = api::DeleteDbClusterRequest {
        db_cluster_identifier: some("orders"),
        final_db_snapshot_identifier: some("last"),
        ..Default::default()
    };
    assert_eq!(
        refused(world.call(HERE, &root, &delete)),
        "InvalidDBClusterStateFault: Cluster cannot be deleted, it still contains DB instances in non-deleting state."
    );
    let gone = api::DeleteDbInstanceRequest {
        db_instance_identifier: some("orders-1"),
        ..Default::default()
    };
    world.call(HERE, &root, &gone).unwrap();
    world.call(HERE, &root, &delete).unwrap();
    assert_eq!(grants(&mut world, HERE, &key), 0);
    world.advance(100);
    let restore = api::RestoreDbClusterFromSnapshotRequest {
        db_cluster_identifier: some("again"),
        snapshot_identifier: some("last"),
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

#[test]
fn who_may_connect_is_an_action_of_its_own() {
    let (mut world, _) = world();
    filled(&mut world, "shop", None);
    let may = crate::testing::people::allow(&["rds:*"], &["*"]);
    let admin = world.user(ACCOUNT, "admin", &may);
    let read = get(&mut world, HERE, &admin, "shop", "ledger");
    assert!(read.unwrap_err().starts_with("AccessDenied: "));
    let root = world.root(ACCOUNT);
    assert_eq!(
        get(&mut world, HERE, &root, "nobody", "ledger").unwrap_err(),
        "DatabaseNotFound: could not translate host name \"nobody\" to address"
    );
}
