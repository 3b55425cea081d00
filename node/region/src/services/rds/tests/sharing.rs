//! Snapshots for other accounts.

use super::*;

const FOR_RDS: &[&str] = &["kms:DescribeKey", "kms:CreateGrant"];

fn attributes(world: &mut World, id: &str) -> Vec<String> {
    let root = world.root(ACCOUNT);
    let request = api::DescribeDbSnapshotAttributesRequest {
        db_snapshot_identifier: some(id),
    };
    let found = world.call(HERE, &root, &request).unwrap();
    let result = found.db_snapshot_attributes_result.unwrap();
    result.db_snapshot_attributes[0].attribute_values.clone()
}

// EBS-047
#[test]
fn the_default_key_cannot_be_shared_and_an_encrypted_snapshot_cannot_be_public() {
    let (mut world, root) = world();
    filled(&mut world, "shop", Some("alias/aws/rds"));
    snapshot(&mut world, "shop", "default-key");
    assert_eq!(
        refused(world.call(HERE, &root, &share("default-key", PARTNER))),
        "InvalidDBSnapshotState: Sharing snapshots encrypted with the default service key for RDS is currently not supported."
    );
    let own = key(&mut world, HERE, ACCOUNT, None);
    world
        .call(HERE, &root, &copy("default-key", "own-key", Some(&own)))
        .unwrap();
    world.advance(300);
    assert_eq!(
        refused(world.call(HERE, &root, &share("own-key", "all"))),
        "InvalidDBSnapshotState: Encrypted snapshots cannot be shared publicly."
    );
    world.call(HERE, &root, &share("own-key", PARTNER)).unwrap();
    assert_eq!(attributes(&mut world, "own-key"), [PARTNER]);
    filled(&mut world, "open", None);
    snapshot(&mut world, "open", "for-all");
    world.call(HERE, &root, &share("for-all", "all")).unwrap();
    assert_eq!(attributes(&mut world, "for-all"), ["all"]);
}

// EBS-047
#[test]
fn twenty_accounts_share_a_snapshot_and_a_wrong_one_is_refused() {
    let (mut world, root) = world();
    filled(&mut world, "open", None);
    snapshot(&mut world, "open", "snap");
    let many = api::ModifyDbSnapshotAttributeRequest {
        values_to_add: (0..21).map(|n| format!("{:012}", 300 + n)).collect(),
        ..share("snap", PARTNER)
    };
    assert_eq!(
        refused(world.call(HERE, &root, &many)),
        "SharedSnapshotQuotaExceeded: Cannot share the snapshot with more than 20 accounts."
    );
    let wrong = refused(world.call(HERE, &root, &share("snap", "me")));
    assert!(wrong.starts_with("InvalidParameterValue"), "{wrong}");
    world.call(HERE, &root, &share("snap", PARTNER)).unwrap();
    let back = api::ModifyDbSnapshotAttributeRequest {
        values_to_add: Vec::new(),
        values_to_remove: vec![PARTNER.to_owned()],
        ..share("snap", PARTNER)
    };
    world.call(HERE, &root, &back).unwrap();
    assert_eq!(attributes(&mut world, "snap"), Vec::<String>::new());
}

// EBS-047, EBS-048
#[test]
fn a_shared_snapshot_needs_its_key_shared_and_is_copied_under_ones_own() {
    let (mut world, root) = world();
    let partner = world.root(PARTNER);
    let shared = key(&mut world, HERE, ACCOUNT, Some(&policy(&[])));
    let own = key(&mut world, HERE, PARTNER, None);
    filled(&mut world, "shop", Some(&shared));
    let arn = snapshot(&mut world, "shop", "snap");
    let unseen = refused(seen(&mut world, HERE, &partner, &arn));
    assert!(unseen.starts_with("DBSnapshotNotFound"), "{unseen}");
    world.call(HERE, &root, &share("snap", PARTNER)).unwrap();
    let shown = seen(&mut world, HERE, &partner, &arn).unwrap();
    assert_eq!(shown.snapshot_type.as_deref(), Some("shared"));
    assert_eq!(
        refused(world.call(HERE, &partner, &copy(&arn, "mine", None))),
        "InvalidParameterValue: Must specify new KMS key for copy of a shared encrypted snapshot."
    );
    assert_eq!(
        refused(world.call(HERE, &partner, &copy(&arn, "mine", Some(&own)))),
        format!(
            "KMSKeyNotAccessibleFault: The source snapshot KMS key [{shared}] does not exist, is not enabled or you do not have permissions to access it."
        )
    );
    put_policy(&mut world, &shared, &policy(FOR_RDS));
    world
        .call(HERE, &partner, &copy(&arn, "mine", Some(&own)))
        .unwrap();
    world.advance(300);
    assert_eq!(grants(&mut world, HERE, &shared), 1);
    let restore = api::RestoreDbInstanceFromDbSnapshotRequest {
        db_instance_identifier: some("direct"),
        db_snapshot_identifier: some(&arn),
        ..Default::default()
    };
    let direct = refused(world.call(HERE, &partner, &restore));
    assert!(direct.starts_with("InvalidDBSnapshotState"), "{direct}");
    // The copy is the partner's own, whatever the owner does then.
    put_policy(&mut world, &shared, &policy(&[]));
    let back = restored(&mut world, HERE, &partner, "mine");
    assert_eq!(back.as_deref(), Some(SECRET));
}
