//! Who needs which permission, and what the trail and the events say.

use super::*;

/// The owner's key with all of EBS-005 for the partner but `missing`.
fn without(missing: Option<&str>) -> Value {
    let actions: Vec<&str> = super::super::keys::NEEDED
        .into_iter()
        .filter(|action| Some(*action) != missing)
        .collect();
    policy(&[
        statement(ACCOUNT, &["kms:*"], false),
        statement(PARTNER, &actions, false),
    ])
}

/// EBS-005 and EBS-031: the caller needs each of the five; without one, what is asked fails later.
#[test]
fn ebs_005_and_031_each_of_the_five_permissions_is_needed() {
    for missing in super::super::keys::NEEDED
        .map(Some)
        .into_iter()
        .chain([None])
    {
        let mut world = World::new(&[HERE]);
        let (ops, partner) = people(&mut world);
        let vault = key(&mut world, HERE, ACCOUNT, Some(&without(missing)));
        let id = volume(&mut world, &ops, Some(&vault));
        let snap = snapshot(&mut world, &ops, &id);
        world.call(HERE, &ops, &share(&snap, PARTNER)).unwrap();
        // Another key reads with Decrypt; the same key rebinds with ReEncrypt; a new volume
        // needs a data key.
        let own = key(&mut world, HERE, PARTNER, None);
        let other = copied(&mut world, HERE, &partner, &copy(HERE, &snap, Some(&own)));
        let same = copied(&mut world, HERE, &partner, &copy(HERE, &snap, Some(&vault)));
        let fresh = ec2::CreateVolumeRequest {
            availability_zone: text("eu-west-1a"),
            size: Some(1),
            encrypted: Some(true),
            kms_key_id: text(&vault),
            ..Default::default()
        };
        world.call(HERE, &partner, &fresh).unwrap();
        world.advance(3);
        let volumes = world
            .call(HERE, &partner, &ec2::DescribeVolumesRequest::default())
            .unwrap();
        let outcomes = (
            other.state.as_deref().unwrap(),
            same.state.as_deref().unwrap(),
            volumes.volumes[0].state.as_deref().unwrap(),
        );
        let wanted = match missing {
            None => ("completed", "completed", "available"),
            Some("kms:CreateGrant") => ("error", "error", "available"),
            Some("kms:Decrypt") => ("error", "completed", "available"),
            Some("kms:DescribeKey") => ("completed", "error", "error"),
            Some("kms:GenerateDataKeyWithoutPlaintext") => ("completed", "completed", "error"),
            _ => ("completed", "error", "available"),
        };
        assert_eq!(outcomes, wanted, "without {missing:?}");
        assert_eq!(grants(&mut world, &vault), 0, "without {missing:?}");
    }
}

/// EBS-003: a key that is not symmetric is refused later.
#[test]
fn ebs_003_an_asymmetric_key_ends_in_an_error() {
    let mut world = World::new(&[HERE]);
    let (ops, _) = people(&mut world);
    let root = world.root(ACCOUNT);
    let create = kms::CreateKeyRequest {
        key_spec: text("ECC_NIST_P256"),
        key_usage: text("SIGN_VERIFY"),
        ..Default::default()
    };
    let made = world
        .call(HERE, &root, &create)
        .unwrap()
        .key_metadata
        .unwrap();
    let vault = key(&mut world, HERE, ACCOUNT, None);
    let id = volume(&mut world, &ops, Some(&vault));
    let snap = snapshot(&mut world, &ops, &id);
    let found = copied(
        &mut world,
        HERE,
        &ops,
        &copy(HERE, &snap, made.arn.as_deref()),
    );
    assert_eq!(found.state.as_deref(), Some("error"));
    assert_eq!(grants(&mut world, &vault), 0);
}

/// EBS-020: the five cases of the default key of a copy.
#[test]
fn ebs_020_which_key_a_copy_has_when_none_is_named() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, _) = people(&mut world);
    let vault = key(&mut world, HERE, ACCOUNT, None);
    let chosen = key(&mut world, THERE, ACCOUNT, None);
    let modify = ec2::ModifyEbsDefaultKmsKeyIdRequest {
        kms_key_id: text(&chosen),
        dry_run: None,
    };
    world.call(THERE, &ops, &modify).unwrap();
    let sealed = volume(&mut world, &ops, Some(&vault));
    let sealed = snapshot(&mut world, &ops, &sealed);
    let clear = volume(&mut world, &ops, None);
    let clear = snapshot(&mut world, &ops, &clear);
    let key_of = |world: &mut World, snap: &str, encrypted: Option<bool>| {
        let request = ec2::CopySnapshotRequest {
            encrypted,
            ..copy(HERE, snap, None)
        };
        let made = copied(world, THERE, &ops, &request);
        assert_eq!(made.state.as_deref(), Some("completed"));
        made.kms_key_id
    };
    // Off: the AWS managed key, whatever the account has chosen (TRAP-024).
    let managed = key_of(&mut world, &sealed, None).unwrap();
    assert!(managed != chosen && managed != vault, "{managed}");
    assert_eq!(key_of(&mut world, &clear, None), None);
    assert_eq!(key_of(&mut world, &clear, Some(true)), Some(chosen.clone()));
    let on = ec2::EnableEbsEncryptionByDefaultRequest::default();
    world.call(THERE, &ops, &on).unwrap();
    assert_eq!(key_of(&mut world, &sealed, None), Some(chosen.clone()));
    assert_eq!(key_of(&mut world, &clear, None), Some(chosen));
}

/// EBS-012: of a shared snapshot without a key, the default key of who makes the volume.
#[test]
fn ebs_012_a_volume_of_a_shared_snapshot_has_the_makers_default_key() {
    let mut world = World::new(&[HERE]);
    let (ops, partner) = people(&mut world);
    let vault = key(&mut world, HERE, ACCOUNT, Some(&sharing::shared_fully()));
    let id = volume(&mut world, &ops, Some(&vault));
    let snap = snapshot(&mut world, &ops, &id);
    world.call(HERE, &ops, &share(&snap, PARTNER)).unwrap();
    let chosen = key(&mut world, HERE, PARTNER, None);
    let managed = read_snapshot(&mut world, HERE, &partner, &snap);
    let arn = managed["kms_key_id"].as_str().unwrap();
    assert!(arn.contains(PARTNER) && arn != chosen);
    let modify = ec2::ModifyEbsDefaultKmsKeyIdRequest {
        kms_key_id: text(&chosen),
        dry_run: None,
    };
    world.call(HERE, &partner, &modify).unwrap();
    let read = read_snapshot(&mut world, HERE, &partner, &snap);
    assert_eq!(
        (&read["kms_key_id"], &read["content"]),
        (&json!(chosen), &json!(SECRET))
    );
    // No word makes it unencrypted.
    let request = ec2::CreateVolumeRequest {
        encrypted: Some(false),
        ..from_snapshot(HERE, &snap)
    };
    assert_eq!(
        world.call(HERE, &partner, &request).unwrap().encrypted,
        Some(true)
    );
}

/// EBS-034: the owner's trail tells who uses a shared snapshot, and who it is shared with gets an
/// event.
#[test]
fn ebs_034_the_owner_sees_what_others_do_with_a_shared_snapshot() {
    let mut world = World::new(&[HERE, THERE]);
    let (ops, partner) = people(&mut world);
    let id = volume(&mut world, &ops, None);
    let snap = snapshot(&mut world, &ops, &id);
    world.call(HERE, &ops, &share(&snap, PARTNER)).unwrap();
    let told = world.look(HERE, "ec2_events", &json!({ "account": PARTNER }));
    assert_eq!(told["events"][0]["event"], "shareSnapshot");
    copied(&mut world, THERE, &ops, &copy(HERE, &snap, None));
    let names = |world: &World| {
        let own = world.audit.iter().filter(|event| {
            event.event_name.starts_with("SharedSnapshot")
                && event.recipient_account == ACCOUNT
                && event.resources.iter().any(|arn| arn.ends_with(&snap))
        });
        own.map(|event| event.event_name.clone())
            .collect::<Vec<_>>()
    };
    assert!(names(&world).is_empty(), "the owner's own copy is no news");
    copied(&mut world, THERE, &partner, &copy(HERE, &snap, None));
    copied(&mut world, HERE, &partner, &copy(HERE, &snap, None));
    read_snapshot(&mut world, HERE, &partner, &snap);
    let (copy, volume) = ("SharedSnapshotCopyInitiated", "SharedSnapshotVolumeCreated");
    assert_eq!(names(&world), [copy, copy, volume]);
}

fn user(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{name}")
}

/// The policies of the two keys that only the job joins.
fn of_the_job() -> (Value, Value) {
    let grant = |name: &str, actions: &[&str]| json!({ "Effect": "Allow", "Principal": { "AWS": user(name) }, "Action": actions, "Resource": "*" });
    // An administrator as AWS's console makes one: kms:Create* is CreateGrant too.
    let admins = grant(
        "admin",
        &[
            "kms:Create*",
            "kms:Describe*",
            "kms:Enable*",
            "kms:List*",
            "kms:Put*",
            "kms:Disable*",
            "kms:Get*",
        ],
    );
    let root = statement(ACCOUNT, &["kms:PutKeyPolicy"], false);
    let near = policy(&[
        root.clone(),
        admins.clone(),
        grant(
            "re-encryptor",
            &["kms:DescribeKey", "kms:CreateGrant", "kms:Decrypt"],
        ),
        grant(
            "ops",
            &[
                "kms:DescribeKey",
                "kms:CreateGrant",
                "kms:GenerateDataKeyWithoutPlaintext",
            ],
        ),
    ]);
    let far = policy(&[
        root,
        admins,
        grant(
            "re-encryptor",
            &[
                "kms:DescribeKey",
                "kms:CreateGrant",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:ReEncrypt*",
            ],
        ),
    ]);
    (near, far)
}

/// Point 5 of the story, EBS-005 and EBS-025: one principal alone may decrypt under one Region's
/// key and encrypt under the other's; administrators of the keys may not.
#[test]
fn ebs_025_the_re_encrypting_job_alone_copies() {
    let mut world = World::new(&[HERE, THERE]);
    let may = crate::testing::people::allow(&["ec2:*"], &["*"]);
    let job = world.user(ACCOUNT, "re-encryptor", &may);
    let all = crate::testing::people::allow(&["ec2:*", "kms:*"], &["*"]);
    let admin = world.user(ACCOUNT, "admin", &all);
    let ops = world.user(ACCOUNT, "ops", &may);
    let (near, far) = of_the_job();
    let near = key(&mut world, HERE, ACCOUNT, Some(&near));
    let far = key(&mut world, THERE, ACCOUNT, Some(&far));
    let id = volume(&mut world, &ops, Some(&near));
    let snap = snapshot(&mut world, &ops, &id);
    for (who, state) in [(&job, "completed"), (&admin, "error"), (&ops, "error")] {
        let made = copied(&mut world, THERE, who, &copy(HERE, &snap, Some(&far)));
        assert_eq!(made.state.as_deref(), Some(state));
    }
    let used: std::collections::BTreeSet<String> = world
        .audit
        .iter()
        .filter(|event| event.event_name == "Decrypt" && event.error_code.is_empty())
        .filter(|event| event.resources.contains(&near))
        .map(|event| event.principal.clone())
        .collect();
    let by_people: Vec<_> = used.iter().filter(|arn| arn.contains(":user/")).collect();
    assert_eq!(by_people, [&user("re-encryptor")]);
    let denied = world.audit.iter().any(|event| {
        event.event_name == "Decrypt"
            && event.principal == user("admin")
            && event.error_code == "AccessDenied"
    });
    assert!(denied, "the administrator's grant did not help");
}
