//! Images, and instances of them.

use super::sharing::{image, share_image, shared_fully};
use super::*;

pub(super) fn launch(world: &mut World, who: &Credential, image: &str) -> ec2::Instance {
    let request = ec2::RunInstancesRequest {
        image_id: text(image),
        min_count: Some(1),
        max_count: Some(1),
        ..Default::default()
    };
    let begun = world.call(HERE, who, &request).unwrap().instances.remove(0);
    assert_eq!(begun.state.unwrap().name.as_deref(), Some("pending"));
    world.advance(10);
    let request = ec2::DescribeInstancesRequest {
        instance_ids: vec![begun.instance_id.unwrap()],
        ..Default::default()
    };
    world
        .call(HERE, who, &request)
        .unwrap()
        .reservations
        .remove(0)
        .instances
        .remove(0)
}

pub(super) fn disk(instance: &ec2::Instance) -> String {
    instance.block_device_mappings[0]
        .ebs
        .as_ref()
        .unwrap()
        .volume_id
        .clone()
        .unwrap()
}

pub(super) fn name_of(instance: &ec2::Instance) -> Option<&str> {
    instance.state.as_ref().unwrap().name.as_deref()
}

/// EBS-036, EBS-008.
#[test]
fn ebs_036_and_008_a_shared_image_runs_under_the_launchers_default_key_until_the_key_is_withdrawn()
{
    let mut world = World::new(&[HERE]);
    let (ops, partner) = people(&mut world);
    let vault = key(&mut world, HERE, ACCOUNT, Some(&shared_fully()));
    let id = volume(&mut world, &ops, Some(&vault));
    let snap = snapshot(&mut world, &ops, &id);
    let image = image(&mut world, &ops, &snap);
    let see = ec2::DescribeImagesRequest {
        image_ids: vec![image.clone()],
        ..Default::default()
    };
    assert_eq!(
        world.call(HERE, &partner, &see).unwrap_err().code,
        "InvalidAMIID.NotFound"
    );
    world.call(HERE, &ops, &share_image(&image)).unwrap();
    assert!(world.call(HERE, &partner, &see).is_ok());

    let running = launch(&mut world, &partner, &image);
    assert_eq!(name_of(&running), Some("running"));
    let read = content(&mut world, HERE, &disk(&running));
    assert_eq!(
        (&read["content"], &read["state"]),
        (&json!(SECRET), &json!("in-use"))
    );
    assert!(read["kms_key_id"].as_str().unwrap().contains(PARTNER));

    put_policy(
        &mut world,
        &vault,
        &policy(&[statement(ACCOUNT, &["kms:*"], false)]),
    );
    let dead = launch(&mut world, &partner, &image);
    assert_eq!(name_of(&dead), Some("terminated"));
    let reason = dead.state_reason.unwrap();
    assert_eq!(reason.code.as_deref(), Some("Client.InternalError"));
    assert_eq!(
        reason.message.as_deref(),
        Some("Client.InternalError: Client error on launch")
    );
    // What runs goes on.
    assert_eq!(
        content(&mut world, HERE, &disk(&running))["content"],
        SECRET
    );
}

#[test]
fn ebs_006_a_disabled_key_stops_the_next_launch_and_not_what_runs() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let key = key(&mut world, HERE, ACCOUNT, None);
    let id = volume(&mut world, &ops, Some(&key));
    let snap = snapshot(&mut world, &ops, &id);
    let image = image(&mut world, &ops, &snap);
    let running = launch(&mut world, &ops, &image);
    assert_eq!(
        grants(&mut world, &key),
        1,
        "the grant of the attached volume"
    );
    let root = world.root(ACCOUNT);
    world
        .call(HERE, &root, &kms::DisableKeyRequest { key_id: text(&key) })
        .unwrap();
    assert_eq!(
        content(&mut world, HERE, &disk(&running))["content"],
        SECRET
    );
    world.plant(
        HERE,
        "volume_content",
        &json!({ "volume_id": disk(&running), "content": "goes on" }),
    );
    assert_eq!(
        content(&mut world, HERE, &disk(&running))["content"],
        "goes on"
    );
    assert_eq!(content(&mut world, HERE, &id)["content"], Value::Null);
    assert_eq!(
        name_of(&launch(&mut world, &ops, &image)),
        Some("terminated")
    );
}

#[test]
fn ebs_035_an_image_holds_its_snapshots() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let id = volume(&mut world, &ops, None);
    let snap = snapshot(&mut world, &ops, &id);
    let image = image(&mut world, &ops, &snap);
    let delete = ec2::DeleteSnapshotRequest {
        snapshot_id: text(&snap),
        dry_run: None,
    };
    let refused = world.call(HERE, &ops, &delete).unwrap_err();
    assert_eq!(refused.code, "InvalidSnapshot.InUse");
    assert!(refused.message.ends_with(&image));
}

#[test]
fn a_repeated_launch_with_its_token_launches_once() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let id = volume(&mut world, &ops, None);
    let snap = snapshot(&mut world, &ops, &id);
    let image = image(&mut world, &ops, &snap);
    let request = ec2::RunInstancesRequest {
        image_id: text(&image),
        min_count: Some(1),
        max_count: Some(2),
        client_token: text("once"),
        ..Default::default()
    };
    let first = world.call(HERE, &ops, &request).unwrap();
    let again = world.call(HERE, &ops, &request).unwrap();
    assert_eq!(first, again);
    assert_eq!(first.instances.len(), 2);
}

/// K-266: EC2's own hands are a session of `aws:ec2-infrastructure` that is named after the instance.
#[test]
fn k_266_a_launch_decrypts_as_the_instances_infrastructure() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let key = key(&mut world, HERE, ACCOUNT, None);
    let id = volume(&mut world, &ops, Some(&key));
    let snap = snapshot(&mut world, &ops, &id);
    let image = image(&mut world, &ops, &snap);
    let running = launch(&mut world, &ops, &image);
    let name = running.instance_id.unwrap();
    let lookup = faultline_proto::cloudtrail::LookupEventsRequest {
        lookup_attributes: vec![faultline_proto::cloudtrail::LookupAttribute {
            attribute_key: text("EventName"),
            attribute_value: text("Decrypt"),
        }],
        ..Default::default()
    };
    let root = world.root(ACCOUNT);
    let found = world.call(HERE, &root, &lookup).unwrap().events;
    let hands = format!("arn:aws:sts::{ACCOUNT}:assumed-role/aws:ec2-infrastructure/{name}");
    let record = found
        .iter()
        .filter_map(|event| event.cloud_trail_event.as_deref())
        .map(|record| serde_json::from_str::<Value>(record).unwrap())
        .find(|record| record["userIdentity"]["arn"] == hands)
        .expect("the launch has decrypted as the instance");
    assert_eq!(record["userIdentity"]["type"], "AssumedRole");
    assert_eq!(record["userIdentity"]["invokedBy"], "ec2.amazonaws.com");
    assert_eq!(record["sourceIPAddress"], "ec2.amazonaws.com");
    assert_eq!(record["userAgent"], "ec2.amazonaws.com");
    assert_eq!(record.get("tlsDetails"), None);
    assert!(record["requestParameters"]["encryptionContext"]["aws:ebs:id"].is_string());
}
