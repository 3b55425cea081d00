//! EC2 as its users see it, fact by fact.

mod copying;
mod disks;
mod launching;
mod sharing;

use faultline_proto::{ec2, kms};
use serde_json::{Value, json};

use crate::store::{Order, Span, Store as _};
use crate::testing::{ACCOUNT, Credential, PARTNER, World};

pub(super) const HERE: &str = "eu-west-1";
pub(super) const THERE: &str = "us-east-1";
pub(super) const SECRET: &str = "the ledger of 2026";

pub(super) fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
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
    world
        .call(region, &root, &request)
        .unwrap()
        .key_metadata
        .unwrap()
        .arn
        .unwrap()
}

/// A statement of a key policy.
pub(super) fn statement(account: &str, actions: &[&str], for_aws_only: bool) -> Value {
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
        "Action": actions,
        "Resource": "*",
    });
    if for_aws_only {
        statement["Condition"] = json!({ "Bool": { "kms:GrantIsForAWSResource": "true" } });
    }
    statement
}

pub(super) fn policy(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

pub(super) fn put_policy(world: &mut World, key: &str, policy: &Value) {
    let root = world.root(ACCOUNT);
    let request = kms::PutKeyPolicyRequest {
        key_id: text(key),
        policy: Some(policy.to_string()),
        ..Default::default()
    };
    world.call(HERE, &root, &request).unwrap();
}

/// A volume of `who` with the secret on it.
pub(super) fn volume(world: &mut World, who: &Credential, key: Option<&str>) -> String {
    let request = ec2::CreateVolumeRequest {
        availability_zone: text("eu-west-1a"),
        size: Some(1),
        encrypted: key.map(|_| true),
        kms_key_id: key.map(str::to_owned),
        ..Default::default()
    };
    let id = world.call(HERE, who, &request).unwrap().volume_id.unwrap();
    world.plant(
        HERE,
        "volume_content",
        &json!({ "volume_id": id, "content": SECRET }),
    );
    world.advance(3);
    id
}

/// A completed snapshot.
pub(super) fn snapshot(world: &mut World, who: &Credential, volume: &str) -> String {
    let request = ec2::CreateSnapshotRequest {
        volume_id: text(volume),
        ..Default::default()
    };
    let made = world.call(HERE, who, &request).unwrap();
    assert_eq!(made.state.as_deref(), Some("pending"));
    world.advance(10);
    made.snapshot_id.unwrap()
}

pub(super) fn seen(world: &mut World, region: &str, who: &Credential, id: &str) -> ec2::Snapshot {
    let request = ec2::DescribeSnapshotsRequest {
        snapshot_ids: vec![id.to_owned()],
        ..Default::default()
    };
    world
        .call(region, who, &request)
        .unwrap()
        .snapshots
        .remove(0)
}

pub(super) fn share(id: &str, account: &str) -> ec2::ModifySnapshotAttributeRequest {
    let add = vec![ec2::CreateVolumePermission {
        user_id: text(account),
        group: None,
    }];
    ec2::ModifySnapshotAttributeRequest {
        snapshot_id: text(id),
        create_volume_permission: Some(ec2::CreateVolumePermissionModifications {
            add,
            remove: Vec::new(),
        }),
        ..Default::default()
    }
}

pub(super) fn copy(from: &str, id: &str, key: Option<&str>) -> ec2::CopySnapshotRequest {
    ec2::CopySnapshotRequest {
        source_region: text(from),
        source_snapshot_id: text(id),
        encrypted: key.map(|_| true),
        kms_key_id: key.map(str::to_owned),
        ..Default::default()
    }
}

pub(super) fn from_snapshot(region: &str, id: &str) -> ec2::CreateVolumeRequest {
    ec2::CreateVolumeRequest {
        availability_zone: Some(format!("{region}a")),
        snapshot_id: text(id),
        ..Default::default()
    }
}

/// What an instance would read from a new volume of a snapshot.
pub(super) fn read_snapshot(world: &mut World, region: &str, who: &Credential, id: &str) -> Value {
    let made = world.call(region, who, &from_snapshot(region, id)).unwrap();
    world.advance(5);
    content(world, region, &made.volume_id.unwrap())
}

pub(super) fn content(world: &mut World, region: &str, volume: &str) -> Value {
    world.look(region, "volume_content", &json!({ "volume_id": volume }))
}

/// Whether the bytes of a text are anywhere in a Region's store.
pub(super) fn is_in_the_clear(world: &World, region: &str, text: &str) -> bool {
    let wanted = text.as_bytes();
    world
        .store(region)
        .scan(&Span::everything(), Order::Forward)
        .any(|row| {
            row.unwrap()
                .1
                .windows(wanted.len())
                .any(|window| window == wanted)
        })
}

/// Grants of a key now.
pub(super) fn grants(world: &mut World, key: &str) -> usize {
    let root = world.root(ACCOUNT);
    let request = kms::ListGrantsRequest {
        key_id: text(key),
        ..Default::default()
    };
    world.call(HERE, &root, &request).unwrap().grants.len()
}

/// A user of each account that may use EC2 and KMS.
pub(super) fn people(world: &mut World) -> (Credential, Credential) {
    let may = crate::testing::people::allow(&["ec2:*", "kms:*"], &["*"]);
    (
        world.user(ACCOUNT, "owner-ops", &may),
        world.user(PARTNER, "partner-ops", &may),
    )
}
