//! Snapshots and images of another account.

use super::*;

#[test]
fn ebs_028_under_the_managed_key_nothing_is_shared() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let id = volume(&mut world, &ops, Some("alias/aws/ebs"));
    let snap = snapshot(&mut world, &ops, &id);
    let refused = world.call(HERE, &ops, &share(&snap, PARTNER)).unwrap_err();
    assert_eq!(refused.code, "OperationNotPermitted");
    assert_eq!(
        refused.message,
        "Encrypted snapshots with EBS default key cannot be shared"
    );
    // EBS-029
    let image = image(&mut world, &ops, &snap);
    let refused = world.call(HERE, &ops, &share_image(&image)).unwrap_err();
    assert_eq!(refused.code, "InvalidParameter");
}

#[test]
fn ebs_030_encrypted_snapshots_are_never_public() {
    let mut world = World::new(&[HERE]);
    let (ops, partner) = people(&mut world);
    let key = key(&mut world, HERE, ACCOUNT, None);
    for (key, is_fine) in [(Some(key.as_str()), false), (None, true)] {
        let id = volume(&mut world, &ops, key);
        let snap = snapshot(&mut world, &ops, &id);
        let mut request = share(&snap, PARTNER);
        request.create_volume_permission = None;
        request.operation_type = text("add");
        request.group_names = vec!["all".to_owned()];
        assert_eq!(world.call(HERE, &ops, &request).is_ok(), is_fine);
        let seen = ec2::DescribeSnapshotsRequest {
            snapshot_ids: vec![snap],
            ..Default::default()
        };
        assert_eq!(world.call(HERE, &partner, &seen).is_ok(), is_fine);
    }
}

#[test]
fn ebs_027_permissions_come_and_go_but_not_in_one_call() {
    let mut world = World::new(&[HERE]);
    let (ops, partner) = people(&mut world);
    let id = volume(&mut world, &ops, None);
    let snap = snapshot(&mut world, &ops, &id);
    let see = ec2::DescribeSnapshotsRequest {
        snapshot_ids: vec![snap.clone()],
        ..Default::default()
    };
    assert_eq!(
        world.call(HERE, &partner, &see).unwrap_err().code,
        "InvalidSnapshot.NotFound"
    );
    world.call(HERE, &ops, &share(&snap, PARTNER)).unwrap();
    assert!(world.call(HERE, &partner, &see).is_ok());
    let attribute = ec2::DescribeSnapshotAttributeRequest {
        attribute: text("createVolumePermission"),
        snapshot_id: text(&snap),
        dry_run: None,
    };
    let found = world
        .call(HERE, &ops, &attribute)
        .unwrap()
        .create_volume_permissions;
    assert_eq!(found[0].user_id.as_deref(), Some(PARTNER));
    let denied = world
        .call(HERE, &partner, &share(&snap, PARTNER))
        .unwrap_err();
    assert_eq!(denied.code, "AuthFailure");
    let mut both = share(&snap, PARTNER);
    let permission = both.create_volume_permission.as_mut().unwrap();
    permission.remove = permission.add.clone();
    assert_eq!(
        world.call(HERE, &ops, &both).unwrap_err().code,
        "InvalidParameterCombination"
    );
    both.create_volume_permission.as_mut().unwrap().add.clear();
    world.call(HERE, &ops, &both).unwrap();
    assert!(world.call(HERE, &partner, &see).is_err());
}

#[test]
fn ebs_025_and_031_a_shared_snapshot_without_its_key_copies_into_an_error_and_the_trail_says_why() {
    let mut world = World::new(&[HERE]);
    let (ops, partner) = people(&mut world);
    let half = policy(&[
        statement(ACCOUNT, &["kms:*"], false),
        statement(PARTNER, &["kms:DescribeKey", "kms:Decrypt"], false),
    ]);
    let vault = key(&mut world, HERE, ACCOUNT, Some(&half));
    let own = key(&mut world, HERE, PARTNER, None);
    let id = volume(&mut world, &ops, Some(&vault));
    let snap = snapshot(&mut world, &ops, &id);
    world.call(HERE, &ops, &share(&snap, PARTNER)).unwrap();

    let first = world
        .call(HERE, &partner, &copy(HERE, &snap, Some(&own)))
        .unwrap()
        .snapshot_id
        .unwrap();
    world.advance(10);
    let found = seen(&mut world, HERE, &partner, &first);
    assert_eq!(found.state.as_deref(), Some("error"));
    assert_eq!(
        found.state_message.as_deref(),
        Some("Given key ID is not accessible")
    );
    let denied = world
        .audit
        .iter()
        .rfind(|event| event.event_name == "CreateGrant")
        .unwrap();
    assert!(denied.error_code.starts_with("AccessDenied"));
    assert!(denied.principal.ends_with("user/partner-ops"));
    assert!(denied.resources.contains(&vault));
    assert_eq!(denied.denial.as_ref().unwrap().denied_by, "key_policy");

    put_policy(&mut world, &vault, &shared_fully());
    let second = world
        .call(HERE, &partner, &copy(HERE, &snap, Some(&own)))
        .unwrap()
        .snapshot_id
        .unwrap();
    world.advance(10);
    let found = seen(&mut world, HERE, &partner, &second);
    assert_eq!(found.state.as_deref(), Some("completed"));
    assert_eq!(found.kms_key_id.as_deref(), Some(own.as_str()));
    // EBS-024
    assert_eq!(found.volume_id.as_deref(), Some("vol-ffffffff"));
    assert_eq!(
        grants(&mut world, &vault),
        0,
        "the grants of the copy are retired"
    );

    // EBS-033: what was copied is the partner's own.
    put_policy(
        &mut world,
        &vault,
        &policy(&[statement(ACCOUNT, &["kms:*"], false)]),
    );
    let read = read_snapshot(&mut world, HERE, &partner, &second);
    assert_eq!(read["content"], SECRET);
    assert_eq!(read["kms_key_id"], own);
    assert!(!is_in_the_clear(&world, HERE, SECRET));
}

/// The owner's key as EBS-031 wants it.
pub(super) fn shared_fully() -> Value {
    policy(&[
        statement(ACCOUNT, &["kms:*"], false),
        statement(
            PARTNER,
            &[
                "kms:DescribeKey",
                "kms:Decrypt",
                "kms:ReEncrypt*",
                "kms:GenerateDataKey*",
            ],
            false,
        ),
        statement(PARTNER, &["kms:CreateGrant"], true),
    ])
}

pub(super) fn image(world: &mut World, who: &Credential, snapshot: &str) -> String {
    let ebs = ec2::EbsBlockDevice {
        snapshot_id: text(snapshot),
        ..Default::default()
    };
    let request = ec2::RegisterImageRequest {
        name: text("ledger-ami"),
        root_device_name: text("/dev/xvda"),
        block_device_mappings: vec![ec2::BlockDeviceMapping {
            device_name: text("/dev/xvda"),
            ebs: Some(ebs),
            ..Default::default()
        }],
        ..Default::default()
    };
    world.call(HERE, who, &request).unwrap().image_id.unwrap()
}

pub(super) fn share_image(id: &str) -> ec2::ModifyImageAttributeRequest {
    let add = vec![ec2::LaunchPermission {
        user_id: text(PARTNER),
        ..Default::default()
    }];
    ec2::ModifyImageAttributeRequest {
        image_id: text(id),
        launch_permission: Some(ec2::LaunchPermissionModifications {
            add,
            remove: Vec::new(),
        }),
        ..Default::default()
    }
}
