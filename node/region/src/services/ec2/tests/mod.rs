//! EC2 as its users see it, fact by fact.

mod archiving;
mod attaching;
mod copying;
mod crashing;
mod disks;
mod images;
mod incremental;
mod launching;
mod locking;
mod permissions;
mod rows;
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

/// What a snapshot is made of.
pub(super) fn stored(world: &mut World, region: &str, id: &str) -> Value {
    world.look(region, "snapshot_blocks", &json!({ "snapshot_id": id }))
}

/// Writes a few bytes to blocks of a volume.
pub(super) fn write(world: &mut World, volume: &str, blocks: std::ops::Range<u64>, text: &str) {
    for block in blocks {
        let content = format!("{text} {block}");
        let plant = json!({ "volume_id": volume, "content": content, "block": block });
        world.plant(HERE, "volume_content", &plant);
    }
}

/// A copy that has ended.
pub(super) fn copied(
    world: &mut World,
    region: &str,
    who: &Credential,
    request: &ec2::CopySnapshotRequest,
) -> ec2::Snapshot {
    let id = world
        .call(region, who, request)
        .unwrap()
        .snapshot_id
        .unwrap();
    world.advance(20);
    seen(world, region, who, &id)
}

pub(super) fn disable(world: &mut World, region: &str, key: &str) {
    let root = world.root(ACCOUNT);
    let request = kms::DisableKeyRequest { key_id: text(key) };
    world.call(region, &root, &request).unwrap();
}

/// What EBS told EventBridge: event, result and cause.
pub(super) fn events(world: &mut World, region: &str) -> Vec<(String, String, String)> {
    let seen = world.look(region, "ec2_events", &json!({}));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let events = seen["events"].as_array().unwrap().iter();
    events
        .map(|event| {
            (
                text(&event["event"]),
                text(&event["result"]),
                text(&event["cause"]),
            )
        })
        .collect()
}
