//! Volumes at instances: what hosts know, and for how long.

use super::launching::{disk, launch, name_of};
use super::*;

fn attach(volume: &str, instance: &str) -> ec2::AttachVolumeRequest {
    ec2::AttachVolumeRequest {
        device: text("/dev/sdf"),
        instance_id: text(instance),
        volume_id: text(volume),
        dry_run: None,
    }
}

fn detach(volume: &str) -> ec2::DetachVolumeRequest {
    ec2::DetachVolumeRequest {
        volume_id: text(volume),
        ..Default::default()
    }
}

fn volume_now(world: &mut World, who: &Credential, id: &str) -> Option<ec2::Volume> {
    let request = ec2::DescribeVolumesRequest {
        volume_ids: vec![id.to_owned()],
        ..Default::default()
    };
    let found = world.call(HERE, who, &request).ok()?;
    found.volumes.into_iter().next()
}

/// An image without encryption, and an instance of it.
fn plain_instance(world: &mut World, who: &Credential) -> String {
    let root = volume(world, who, None);
    let snap = snapshot(world, who, &root);
    let image = sharing::image(world, who, &snap);
    launch(world, who, &image).instance_id.unwrap()
}

/// EBS-001, EBS-006, EBS-009, EBS-010: an attached volume lives through its key's end; the next
/// attach does not.
#[test]
fn ebs_006_and_009_a_disabled_key_changes_nothing_until_the_volume_is_detached() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let key = key(&mut world, HERE, ACCOUNT, None);
    let machine = plain_instance(&mut world, &ops);
    let id = volume(&mut world, &ops, Some(&key));
    let at = world.call(HERE, &ops, &attach(&id, &machine)).unwrap();
    assert_eq!(at.state.as_deref(), Some("attaching"));
    assert_eq!(grants(&mut world, &key), 1, "EBS-001: the host's grant");
    world.advance(2);
    let now = volume_now(&mut world, &ops, &id).unwrap();
    assert_eq!(now.state.as_deref(), Some("in-use"));
    assert_eq!(now.attachments[0].state.as_deref(), Some("attached"));
    let taken = world.call(HERE, &ops, &attach(&id, &machine)).unwrap_err();
    assert_eq!(taken.code, "VolumeInUse");
    let delete = ec2::DeleteVolumeRequest {
        volume_id: text(&id),
        dry_run: None,
    };
    assert_eq!(
        world.call(HERE, &ops, &delete).unwrap_err().code,
        "VolumeInUse"
    );

    disable(&mut world, HERE, &key);
    assert_eq!(content(&mut world, HERE, &id)["content"], SECRET);
    let at = world.call(HERE, &ops, &detach(&id)).unwrap();
    assert_eq!(at.state.as_deref(), Some("detaching"));
    world.advance(2);
    let now = volume_now(&mut world, &ops, &id).unwrap();
    assert_eq!(
        (now.state.as_deref(), now.attachments.len()),
        (Some("available"), 0)
    );
    let refused = world.call(HERE, &ops, &attach(&id, &machine)).unwrap_err();
    assert_eq!(refused.code, "CustomerKeyHasBeenRevoked");
    let told = events(&mut world, HERE).pop().unwrap();
    let cause = format!("{key} is disabled.");
    assert_eq!(told, ("attachVolume".into(), "failed".into(), cause));
    assert_eq!(content(&mut world, HERE, &id)["content"], Value::Null);
    let root = world.root(ACCOUNT);
    let enable = kms::EnableKeyRequest { key_id: text(&key) };
    world.call(HERE, &root, &enable).unwrap();
    assert_eq!(grants(&mut world, &key), 0, "retired when it was detached");
    world.call(HERE, &ops, &attach(&id, &machine)).unwrap();
    world.call(HERE, &ops, &detach(&id)).unwrap();
    world.advance(2);
    world.call(HERE, &ops, &delete).unwrap();
    assert_eq!(
        volume_now(&mut world, &ops, &id).unwrap().state.as_deref(),
        Some("deleting")
    );
    world.advance(2);
    assert!(volume_now(&mut world, &ops, &id).is_none());
}

/// EBS-008: a stopped instance's host forgets its keys; a start under a disabled key goes back.
#[test]
fn ebs_008_a_start_under_a_disabled_key_ends_stopped() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let key = key(&mut world, HERE, ACCOUNT, None);
    let id = volume(&mut world, &ops, Some(&key));
    let snap = snapshot(&mut world, &ops, &id);
    let image = sharing::image(&mut world, &ops, &snap);
    let machine = launch(&mut world, &ops, &image);
    let ids = vec![machine.instance_id.clone().unwrap()];
    let see = ec2::DescribeInstancesRequest {
        instance_ids: ids.clone(),
        ..Default::default()
    };
    let now = |world: &mut World| {
        let mut found = world.call(HERE, &ops, &see).unwrap();
        found.reservations.remove(0).instances.remove(0)
    };
    let stop = ec2::StopInstancesRequest {
        instance_ids: ids.clone(),
        ..Default::default()
    };
    let start = ec2::StartInstancesRequest {
        instance_ids: ids.clone(),
        ..Default::default()
    };
    let change = world
        .call(HERE, &ops, &stop)
        .unwrap()
        .stopping_instances
        .remove(0);
    assert_eq!(
        change.current_state.unwrap().name.as_deref(),
        Some("stopping")
    );
    assert_eq!(change.previous_state.unwrap().code, Some(16));
    world.advance(6);
    assert_eq!(name_of(&now(&mut world)), Some("stopped"));
    assert_eq!(grants(&mut world, &key), 0);
    world.call(HERE, &ops, &start).unwrap();
    world.advance(6);
    assert_eq!(name_of(&now(&mut world)), Some("running"));
    assert_eq!(grants(&mut world, &key), 1);
    world.call(HERE, &ops, &stop).unwrap();
    world.advance(6);
    disable(&mut world, HERE, &key);
    world.call(HERE, &ops, &start).unwrap();
    assert_eq!(name_of(&now(&mut world)), Some("pending"));
    world.advance(6);
    let dead = now(&mut world);
    assert_eq!(name_of(&dead), Some("stopped"));
    let reason = dead.state_reason.unwrap();
    assert_eq!(
        reason.message.as_deref(),
        Some("Client.InternalError: Client error on launch")
    );
    let terminate = ec2::TerminateInstancesRequest {
        instance_ids: ids,
        ..Default::default()
    };
    world.call(HERE, &ops, &terminate).unwrap();
    world.advance(6);
    assert_eq!(name_of(&now(&mut world)), Some("terminated"));
    let gone = volume_now(&mut world, &ops, &disk(&machine));
    assert!(gone.is_none(), "it goes with its instance");
    let refused = world.call(HERE, &ops, &start).unwrap_err();
    assert_eq!(refused.code, "IncorrectInstanceState");
}

/// EBS-014: the default key of the account encrypts what names none, and when it is disabled
/// launches fail.
#[test]
fn ebs_014_the_default_key_can_be_chosen_and_launches_need_it() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, _) = people(&mut world);
    let chosen = key(&mut world, HERE, ACCOUNT, None);
    let get = ec2::GetEbsDefaultKmsKeyIdRequest::default();
    let default = |world: &mut World, region: &str| {
        world.call(region, &ops, &get).unwrap().kms_key_id.unwrap()
    };
    assert_eq!(default(&mut world, HERE), "alias/aws/ebs");
    let root = volume(&mut world, &ops, None);
    let snap = snapshot(&mut world, &ops, &root);
    let image = sharing::image(&mut world, &ops, &snap);
    let modify = ec2::ModifyEbsDefaultKmsKeyIdRequest {
        kms_key_id: chosen.rsplit('/').next().map(str::to_owned),
        dry_run: None,
    };
    let set = world.call(HERE, &ops, &modify).unwrap().kms_key_id.unwrap();
    assert_eq!((&set, &default(&mut world, HERE)), (&chosen, &chosen));
    assert_eq!(default(&mut world, THERE), "alias/aws/ebs");
    let on = ec2::EnableEbsEncryptionByDefaultRequest::default();
    world.call(HERE, &ops, &on).unwrap();
    let machine = launch(&mut world, &ops, &image);
    let read = content(&mut world, HERE, &disk(&machine));
    assert_eq!(
        (&read["kms_key_id"], &read["content"]),
        (&json!(chosen), &json!(SECRET))
    );
    disable(&mut world, HERE, &chosen);
    let dead = launch(&mut world, &ops, &image);
    assert_eq!(name_of(&dead), Some("terminated"));
    assert_eq!(
        dead.state_reason.unwrap().code.as_deref(),
        Some("Client.InternalError")
    );
    let reset = ec2::ResetEbsDefaultKmsKeyIdRequest::default();
    world.call(HERE, &ops, &reset).unwrap();
    assert_eq!(name_of(&launch(&mut world, &ops, &image)), Some("running"));
}

/// EBS-007, EBS-010: the causes as EventBridge has them, and a volume in `error` can be deleted.
#[test]
fn ebs_007_and_010_a_volume_in_error_tells_its_cause_and_can_be_deleted() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let (off, gone) = (
        key(&mut world, HERE, ACCOUNT, None),
        key(&mut world, HERE, ACCOUNT, None),
    );
    disable(&mut world, HERE, &off);
    let root = world.root(ACCOUNT);
    let schedule = kms::ScheduleKeyDeletionRequest {
        key_id: text(&gone),
        pending_window_in_days: Some(7),
    };
    world.call(HERE, &root, &schedule).unwrap();
    for (key, cause) in [(off, "is disabled."), (gone, "is pending deletion.")] {
        let request = ec2::CreateVolumeRequest {
            availability_zone: text("eu-west-1a"),
            size: Some(1),
            encrypted: Some(true),
            kms_key_id: text(&key),
            ..Default::default()
        };
        let id = world.call(HERE, &ops, &request).unwrap().volume_id.unwrap();
        world.advance(3);
        let told = events(&mut world, HERE).pop().unwrap();
        assert_eq!(
            told,
            (
                "createVolume".into(),
                "failed".into(),
                format!("{key} {cause}")
            )
        );
        assert_eq!(
            volume_now(&mut world, &ops, &id).unwrap().state.as_deref(),
            Some("error")
        );
        let delete = ec2::DeleteVolumeRequest {
            volume_id: text(&id),
            dry_run: None,
        };
        world.call(HERE, &ops, &delete).unwrap();
        world.advance(2);
        assert!(volume_now(&mut world, &ops, &id).is_none());
    }
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let machine = plain_instance(&mut world, &ops);
    let far = ec2::CreateVolumeRequest {
        availability_zone: text("eu-west-1b"),
        size: Some(1),
        ..Default::default()
    };
    let far = world.call(HERE, &ops, &far).unwrap().volume_id.unwrap();
    let young = world.call(HERE, &ops, &attach(&far, &machine)).unwrap_err();
    assert_eq!(young.code, "IncorrectState");
    world.advance(3);
    let refused = world.call(HERE, &ops, &attach(&far, &machine)).unwrap_err();
    assert_eq!(refused.code, "InvalidVolume.ZoneMismatch");
    let refused = world.call(HERE, &ops, &detach(&far)).unwrap_err();
    assert_eq!(refused.code, "IncorrectState");
    let near = volume(&mut world, &ops, None);
    world.call(HERE, &ops, &attach(&near, &machine)).unwrap();
    let other = volume(&mut world, &ops, None);
    let refused = world
        .call(HERE, &ops, &attach(&other, &machine))
        .unwrap_err();
    assert_eq!(refused.code, "InvalidParameterValue");
    let mut wrong = detach(&near);
    wrong.device = text("/dev/sdz");
    let refused = world.call(HERE, &ops, &wrong).unwrap_err();
    assert_eq!(refused.code, "InvalidAttachment.NotFound");
}
