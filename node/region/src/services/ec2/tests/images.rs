//! What becomes of images, and organisations that may launch them.

use faultline_proto::organizations as api;

use super::launching::{launch, name_of};
use super::*;

fn describe(id: &str) -> ec2::DescribeImagesRequest {
    ec2::DescribeImagesRequest {
        image_ids: vec![id.to_owned()],
        ..Default::default()
    }
}

fn an_image(world: &mut World, who: &Credential, key: Option<&str>) -> (String, String) {
    let id = volume(world, who, key);
    let snap = snapshot(world, who, &id);
    (sharing::image(world, who, &snap), snap)
}

fn delete(id: &str) -> ec2::DeleteSnapshotRequest {
    ec2::DeleteSnapshotRequest {
        snapshot_id: text(id),
        dry_run: None,
    }
}

/// EBS-035, EBS-040: an image keeps its snapshot until it is deregistered.
#[test]
fn ebs_035_and_040_a_deregistered_image_lets_its_snapshots_go() {
    let mut world = World::new(&[HERE]);
    let (ops, partner) = people(&mut world);
    let (image, snap) = an_image(&mut world, &ops, None);
    assert_eq!(
        world.call(HERE, &ops, &delete(&snap)).unwrap_err().code,
        "InvalidSnapshot.InUse"
    );
    let deregister = |all: Option<bool>, id: &str| ec2::DeregisterImageRequest {
        image_id: text(id),
        delete_associated_snapshots: all,
        dry_run: None,
    };
    world
        .call(HERE, &ops, &sharing::share_image(&image))
        .unwrap();
    let refused = world
        .call(HERE, &partner, &deregister(None, &image))
        .unwrap_err();
    assert_eq!(refused.code, "AuthFailure");
    let done = world.call(HERE, &ops, &deregister(None, &image)).unwrap();
    assert_eq!(
        (done.r#return, done.delete_snapshot_results.len()),
        (Some(true), 0)
    );
    assert_eq!(
        world.call(HERE, &ops, &describe(&image)).unwrap_err().code,
        "InvalidAMIID.NotFound"
    );
    // A second image of it, deregistered with its snapshots.
    let again = sharing::image(&mut world, &ops, &snap);
    let done = world
        .call(HERE, &ops, &deregister(Some(true), &again))
        .unwrap();
    assert_eq!(
        done.delete_snapshot_results[0].return_code.as_deref(),
        Some("success")
    );
    let gone = world.call(HERE, &ops, &delete(&snap)).unwrap_err();
    assert_eq!(gone.code, "InvalidSnapshot.NotFound");
}

/// EBS-040: a disabled image is launched by nobody, and shared with nobody when it is enabled.
#[test]
fn ebs_040_a_disabled_image_is_not_launched() {
    let mut world = World::new(&[HERE]);
    let (ops, partner) = people(&mut world);
    let (image, _) = an_image(&mut world, &ops, None);
    world
        .call(HERE, &ops, &sharing::share_image(&image))
        .unwrap();
    let disable = ec2::DisableImageRequest {
        image_id: text(&image),
        dry_run: None,
    };
    world.call(HERE, &ops, &disable).unwrap();
    let seen = world.call(HERE, &ops, &describe(&image)).unwrap();
    assert_eq!(seen.images[0].state.as_deref(), Some("disabled"));
    let run = ec2::RunInstancesRequest {
        image_id: text(&image),
        min_count: Some(1),
        max_count: Some(1),
        ..Default::default()
    };
    assert_eq!(
        world.call(HERE, &ops, &run).unwrap_err().code,
        "IncorrectState"
    );
    let enable = ec2::EnableImageRequest {
        image_id: text(&image),
        dry_run: None,
    };
    world.call(HERE, &ops, &enable).unwrap();
    assert_eq!(
        world.call(HERE, &partner, &run).unwrap_err().code,
        "InvalidAMIID.NotFound"
    );
    assert_eq!(name_of(&launch(&mut world, &ops, &image)), Some("running"));
}

/// EBS-016, EBS-040: an image of a running instance has snapshots of its disks under their keys.
#[test]
fn ebs_016_an_image_of_an_instance_is_pending_until_its_snapshots_are_there() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let key = key(&mut world, HERE, ACCOUNT, None);
    let (image, _) = an_image(&mut world, &ops, Some(&key));
    let machine = launch(&mut world, &ops, &image).instance_id;
    let create = ec2::CreateImageRequest {
        instance_id: machine,
        name: text("as it runs"),
        ..Default::default()
    };
    let made = world.call(HERE, &ops, &create).unwrap().image_id.unwrap();
    let state = |world: &mut World| {
        let mut seen = world.call(HERE, &ops, &describe(&made)).unwrap();
        let seen = seen.images.remove(0);
        let ebs = seen.block_device_mappings[0].ebs.clone().unwrap();
        (seen.state.unwrap(), ebs.encrypted, ebs.snapshot_id.unwrap())
    };
    assert_eq!(state(&mut world).0, "pending");
    world.advance(10);
    let (now, encrypted, snap) = state(&mut world);
    assert_eq!((now.as_str(), encrypted), ("available", Some(true)));
    assert_eq!(seen(&mut world, HERE, &ops, &snap).kms_key_id, Some(key));
    assert_eq!(name_of(&launch(&mut world, &ops, &made)), Some("running"));
}

/// ACCOUNT's organisation, with nobody else in it; its id.
fn organisation(world: &mut World) -> String {
    let manager = world.root(ACCOUNT);
    let made = world
        .call(HERE, &manager, &api::CreateOrganizationRequest::default())
        .unwrap();
    made.organization.unwrap().id.unwrap()
}

/// PARTNER joins it.
fn joins(world: &mut World) {
    let (manager, member) = (world.root(ACCOUNT), world.root(PARTNER));
    let invite = api::InviteAccountToOrganizationRequest {
        target: Some(api::HandshakeParty {
            id: text(PARTNER),
            r#type: text("ACCOUNT"),
        }),
    };
    let invited = world.call(HERE, &manager, &invite).unwrap().handshake;
    let accept = api::AcceptHandshakeRequest {
        handshake_id: invited.unwrap().id,
    };
    world.call(HERE, &member, &accept).unwrap();
    world.settle();
}

/// A launch permission for an organisation: membership decides, now.
#[test]
fn an_image_is_shared_with_an_organisation() {
    let mut world = World::new(&[HERE]);
    let (ops, partner) = people(&mut world);
    let id = organisation(&mut world);
    let (image, _) = an_image(&mut world, &ops, None);
    let mut permit = ec2::ModifyImageAttributeRequest {
        image_id: text(&image),
        operation_type: text("add"),
        organization_arns: vec![format!(
            "arn:aws:organizations::{ACCOUNT}:organization/{id}"
        )],
        ..Default::default()
    };
    world.call(HERE, &ops, &permit).unwrap();
    let sees = |world: &mut World| world.call(HERE, &partner, &describe(&image)).is_ok();
    assert!(!sees(&mut world), "it is no member yet");
    joins(&mut world);
    assert!(sees(&mut world));
    assert_eq!(
        name_of(&launch(&mut world, &partner, &image)),
        Some("running")
    );
    permit.operation_type = text("remove");
    world.call(HERE, &ops, &permit).unwrap();
    assert!(!sees(&mut world));
}

/// A launch permission for a unit: who is moved into it may launch.
#[test]
fn an_image_is_shared_with_an_organizational_unit() {
    let mut world = World::new(&[HERE]);
    let (ops, partner) = people(&mut world);
    let manager = world.root(ACCOUNT);
    organisation(&mut world);
    joins(&mut world);
    let (image, _) = an_image(&mut world, &ops, None);
    let sees = |world: &mut World| world.call(HERE, &partner, &describe(&image)).is_ok();
    let roots = world
        .call(HERE, &manager, &api::ListRootsRequest::default())
        .unwrap();
    let root = roots.roots[0].id.clone();
    let unit = api::CreateOrganizationalUnitRequest {
        parent_id: root.clone(),
        name: text("builders"),
    };
    let made = world.call(HERE, &manager, &unit).unwrap();
    let unit = made.organizational_unit.unwrap();
    let launch_permission = ec2::LaunchPermission {
        organizational_unit_arn: unit.arn.clone(),
        ..Default::default()
    };
    let permit = ec2::ModifyImageAttributeRequest {
        image_id: text(&image),
        launch_permission: Some(ec2::LaunchPermissionModifications {
            add: vec![launch_permission.clone()],
            remove: Vec::new(),
        }),
        ..Default::default()
    };
    world.call(HERE, &ops, &permit).unwrap();
    assert!(!sees(&mut world), "it is in the root");
    let shift = api::MoveAccountRequest {
        account_id: text(PARTNER),
        source_parent_id: root,
        destination_parent_id: unit.id,
    };
    world.call(HERE, &manager, &shift).unwrap();
    world.settle();
    assert!(sees(&mut world));
    let attribute = ec2::DescribeImageAttributeRequest {
        attribute: text("launchPermission"),
        image_id: text(&image),
        dry_run: None,
    };
    let told = world.call(HERE, &ops, &attribute).unwrap();
    assert_eq!(told.launch_permissions, [launch_permission]);
    let reset = ec2::ResetImageAttributeRequest {
        attribute: text("launchPermission"),
        image_id: text(&image),
        dry_run: None,
    };
    world.call(HERE, &ops, &reset).unwrap();
    assert!(!sees(&mut world));
}

/// EBS-036, EBS-037: a copy of an encrypted image stays encrypted, under a key of its Region.
#[test]
fn ebs_036_and_037_an_encrypted_image_launches_where_it_was_copied_to() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, _) = people(&mut world);
    let vault = key(&mut world, HERE, ACCOUNT, None);
    let far = key(&mut world, THERE, ACCOUNT, None);
    let (image, snap) = an_image(&mut world, &ops, Some(&vault));
    let never = ec2::CopyImageRequest {
        name: text("far"),
        source_image_id: text(&image),
        source_region: text(HERE),
        encrypted: Some(false),
        ..Default::default()
    };
    let copy = ec2::CopyImageRequest {
        encrypted: Some(true),
        kms_key_id: text(&far),
        ..never.clone()
    };
    let made = world.call(THERE, &ops, &copy).unwrap().image_id.unwrap();
    world.advance(20);
    let seen = world
        .call(THERE, &ops, &describe(&made))
        .unwrap()
        .images
        .remove(0);
    assert_eq!(seen.source_image_id.as_deref(), Some(image.as_str()));
    let copied = seen.block_device_mappings[0]
        .ebs
        .clone()
        .unwrap()
        .snapshot_id
        .unwrap();
    let (here, there) = (
        stored(&mut world, HERE, &snap),
        stored(&mut world, THERE, &copied),
    );
    assert_eq!(here["content"], there["content"]);
    assert_eq!(there["kms_key_id"], far);
    // Encrypted to unencrypted: no word makes it so.
    let never = ec2::CopyImageRequest {
        name: text("never"),
        ..never
    };
    let made = world.call(THERE, &ops, &never).unwrap().image_id.unwrap();
    world.advance(20);
    let seen = world
        .call(THERE, &ops, &describe(&made))
        .unwrap()
        .images
        .remove(0);
    let ebs = seen.block_device_mappings[0].ebs.clone().unwrap();
    assert_eq!(
        (seen.state.as_deref(), ebs.encrypted),
        (Some("available"), Some(true))
    );
}
