//! RDS as its users see it, fact by fact.

mod copying;
mod global;
mod keys;
mod lives;
mod parameters;
mod redshift;
mod rows;
mod sharing;

use faultline_proto::driving::Failure;
use faultline_proto::{database, kms, rds as api};
use serde_json::{Value, json};

use crate::store::{Order, Span, Store as _};
use crate::testing::{ACCOUNT, Credential, PARTNER, World};

pub(super) const HERE: &str = "eu-west-1";
pub(super) const THERE: &str = "us-east-1";
pub(super) const SECRET: &str = "the ledger of 2026";

pub(super) fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub(super) fn world() -> (World, Credential) {
    let world = World::new(&[HERE, THERE]);
    let root = world.root(ACCOUNT);
    (world, root)
}

/// A key of `account`; `policy` in place of the default one.
pub(super) fn key(
    world: &mut World,
    region: &str,
    account: &str,
    policy: Option<&Value>,
) -> String {
    let root = world.root(account);
    let request = kms::CreateKeyRequest {
        policy: policy.map(Value::to_string),
        ..Default::default()
    };
    let made = world.call(region, &root, &request).unwrap();
    made.key_metadata.unwrap().arn.unwrap()
}

/// A key policy: all for its account, these actions for the partner.
pub(super) fn policy(actions: &[&str]) -> Value {
    let of = |account: &str, actions: &[&str]| {
        json!({
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
            "Action": actions,
            "Resource": "*",
        })
    };
    let mut statements = vec![of(ACCOUNT, &["kms:*"])];
    if !actions.is_empty() {
        statements.push(of(PARTNER, actions));
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

pub(super) fn put_policy(world: &mut World, key: &str, policy: &Value) {
    let root = world.root(ACCOUNT);
    let request = kms::PutKeyPolicyRequest {
        key_id: some(key),
        policy: Some(policy.to_string()),
        ..Default::default()
    };
    world.call(HERE, &root, &request).unwrap();
}

pub(super) fn disable(world: &mut World, region: &str, key: &str) {
    let root = world.root(ACCOUNT);
    let request = kms::DisableKeyRequest { key_id: some(key) };
    world.call(region, &root, &request).unwrap();
}

pub(super) fn enable(world: &mut World, region: &str, key: &str) {
    let root = world.root(ACCOUNT);
    let request = kms::EnableKeyRequest { key_id: some(key) };
    world.call(region, &root, &request).unwrap();
}

/// A refusal as `Code: message`.
pub(super) fn told(failure: Failure) -> String {
    format!("{}: {}", failure.code, failure.message)
}

pub(super) fn refused<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> String {
    told(outcome.unwrap_err())
}

pub(super) fn database(name: &str, key: Option<&str>) -> api::CreateDbInstanceRequest {
    api::CreateDbInstanceRequest {
        db_instance_identifier: some(name),
        db_instance_class: some("db.r6g.large"),
        engine: some("postgres"),
        allocated_storage: Some(20),
        storage_encrypted: key.map(|_| true),
        kms_key_id: key.map(str::to_owned),
        ..Default::default()
    }
}

pub(super) fn cluster(name: &str) -> api::CreateDbClusterRequest {
    api::CreateDbClusterRequest {
        db_cluster_identifier: some(name),
        engine: some("aurora-postgresql"),
        ..Default::default()
    }
}

pub(super) fn instance_of(name: &str, cluster: &str) -> api::CreateDbInstanceRequest {
    api::CreateDbInstanceRequest {
        db_instance_identifier: some(name),
        db_instance_class: some("db.r6g.large"),
        engine: some("aurora-postgresql"),
        db_cluster_identifier: some(cluster),
        ..Default::default()
    }
}

/// A database with the secret in it.
pub(super) fn filled(world: &mut World, name: &str, key: Option<&str>) {
    let root = world.root(ACCOUNT);
    world.call(HERE, &root, &database(name, key)).unwrap();
    world.advance(300);
    put(world, HERE, &root, name, "ledger", SECRET).unwrap();
}

pub(super) fn put(
    world: &mut World,
    region: &str,
    who: &Credential,
    name: &str,
    key: &str,
    value: &str,
) -> Result<i64, String> {
    let request = database::PutRowRequest {
        database: some(name),
        key: some(key),
        value: some(value),
    };
    let put = world.call(region, who, &request).map_err(told)?;
    Ok(put.lsn.unwrap())
}

pub(super) fn get(
    world: &mut World,
    region: &str,
    who: &Credential,
    name: &str,
    key: &str,
) -> Result<Option<String>, String> {
    let request = database::GetRowRequest {
        database: some(name),
        key: some(key),
    };
    let got = world.call(region, who, &request).map_err(told)?;
    Ok(got.value)
}

/// A snapshot that is there.
pub(super) fn snapshot(world: &mut World, of: &str, name: &str) -> String {
    let root = world.root(ACCOUNT);
    let request = api::CreateDbSnapshotRequest {
        db_instance_identifier: some(of),
        db_snapshot_identifier: some(name),
        ..Default::default()
    };
    let made = world.call(HERE, &root, &request).unwrap();
    world.advance(600);
    made.db_snapshot.unwrap().db_snapshot_arn.unwrap()
}

/// The same of a cluster.
pub(super) fn cluster_snapshot(world: &mut World, of: &str, name: &str) -> String {
    let root = world.root(ACCOUNT);
    let request = api::CreateDbClusterSnapshotRequest {
        db_cluster_identifier: some(of),
        db_cluster_snapshot_identifier: some(name),
        ..Default::default()
    };
    let made = world.call(HERE, &root, &request).unwrap();
    world.advance(600);
    let made = made.db_cluster_snapshot.unwrap();
    made.db_cluster_snapshot_arn.unwrap()
}

pub(super) fn copy(source: &str, target: &str, key: Option<&str>) -> api::CopyDbSnapshotRequest {
    api::CopyDbSnapshotRequest {
        source_db_snapshot_identifier: some(source),
        target_db_snapshot_identifier: some(target),
        kms_key_id: key.map(str::to_owned),
        ..Default::default()
    }
}

pub(super) fn cluster_copy(
    source: &str,
    target: &str,
    key: Option<&str>,
) -> api::CopyDbClusterSnapshotRequest {
    api::CopyDbClusterSnapshotRequest {
        source_db_cluster_snapshot_identifier: some(source),
        target_db_cluster_snapshot_identifier: some(target),
        kms_key_id: key.map(str::to_owned),
        ..Default::default()
    }
}

pub(super) fn seen(
    world: &mut World,
    region: &str,
    who: &Credential,
    id: &str,
) -> Result<api::DbSnapshot, Failure> {
    let request = api::DescribeDbSnapshotsRequest {
        db_snapshot_identifier: some(id),
        ..Default::default()
    };
    let mut found = world.call(region, who, &request)?;
    Ok(found.db_snapshots.remove(0))
}

pub(super) fn share(id: &str, with: &str) -> api::ModifyDbSnapshotAttributeRequest {
    api::ModifyDbSnapshotAttributeRequest {
        db_snapshot_identifier: some(id),
        attribute_name: some("restore"),
        values_to_add: vec![with.to_owned()],
        values_to_remove: Vec::new(),
    }
}

/// A database made of a snapshot, and what is in it.
pub(super) fn restored(
    world: &mut World,
    region: &str,
    who: &Credential,
    snapshot: &str,
) -> Option<String> {
    let request = api::RestoreDbInstanceFromDbSnapshotRequest {
        db_instance_identifier: some("restored"),
        db_snapshot_identifier: some(snapshot),
        ..Default::default()
    };
    world.call(region, who, &request).unwrap();
    world.advance(600);
    get(world, region, who, "restored", "ledger").unwrap()
}

/// Whether a Region's store has these bytes lying open.
pub(super) fn lies_open(world: &World, region: &str, text: &str) -> bool {
    let wanted = text.as_bytes();
    let mut rows = world
        .store(region)
        .scan(&Span::everything(), Order::Forward);
    rows.any(|row| {
        let row = row.unwrap().1;
        row.windows(wanted.len()).any(|part| part == wanted)
    })
}

/// Grants of a key now.
pub(super) fn grants(world: &mut World, region: &str, key: &str) -> usize {
    let root = world.root(ACCOUNT);
    let request = kms::ListGrantsRequest {
        key_id: some(key),
        ..Default::default()
    };
    world.call(region, &root, &request).unwrap().grants.len()
}

pub(super) fn state(world: &mut World, region: &str, name: &str) -> String {
    let root = world.root(ACCOUNT);
    let request = api::DescribeDbClustersRequest {
        db_cluster_identifier: some(name),
        ..Default::default()
    };
    let found = world.call(region, &root, &request).unwrap();
    found.db_clusters[0].status.clone().unwrap()
}
