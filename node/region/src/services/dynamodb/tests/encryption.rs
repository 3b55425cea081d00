//! Tables under KMS keys.

use faultline_proto::dynamodb::{SseSpecification, UpdateTableRequest};
use faultline_proto::kms::{
    CreateKeyRequest, DisableKeyRequest, EnableKeyRequest, ReplicateKeyRequest,
};

use super::*;

pub(super) fn kms_key(world: &mut World, multi_region: bool) -> String {
    let root = world.root(ACCOUNT);
    let request = CreateKeyRequest {
        multi_region: Some(multi_region),
        ..Default::default()
    };
    let made = world.call(HOME, &root, &request).unwrap();
    made.key_metadata.and_then(|key| key.arn).unwrap()
}

pub(super) fn sse(key: Option<&str>) -> Option<SseSpecification> {
    Some(SseSpecification {
        enabled: Some(true),
        sse_type: some("KMS"),
        kms_master_key_id: key.map(str::to_owned),
    })
}

pub(super) fn kms_table(world: &mut World, key: Option<&str>) -> Credential {
    let root = world.root(ACCOUNT);
    let request = CreateTableRequest {
        sse_specification: sse(key),
        ..table_request()
    };
    world.call(HOME, &root, &request).unwrap();
    world.advance(10);
    root
}

pub(super) fn disable(world: &mut World, region: &str, key: &str) {
    let root = world.root(ACCOUNT);
    world
        .call(region, &root, &DisableKeyRequest { key_id: some(key) })
        .unwrap();
}

#[test]
fn kms_is_asked_with_the_table_in_its_context_and_not_for_each_call_ddb_055_ddb_056() {
    let mut world = world();
    let key = kms_key(&mut world, false);
    kms_table(&mut world, Some(&key));
    let shown = describe(&mut world, HOME).unwrap().sse_description.unwrap();
    assert_eq!(
        (
            shown.sse_type.as_deref(),
            shown.kms_master_key_arn.as_deref()
        ),
        (Some("KMS"), Some(key.as_str()))
    );
    world.advance(300);
    let before = world.audit.len();
    for _ in 0..3 {
        put(&mut world, HOME, &[("id", "a")]).unwrap();
    }
    let asked: Vec<_> = world.audit[before..]
        .iter()
        .filter(|event| event.event_source == "kms.amazonaws.com")
        .collect();
    assert_eq!(asked.len(), 1, "one Decrypt in five minutes");
    assert_eq!(asked[0].event_name, "Decrypt");
    assert_eq!(asked[0].invoked_by, "dynamodb.amazonaws.com");
    assert!(
        asked[0]
            .request_parameters
            .contains("\"aws:dynamodb:tableName\":\"orders\""),
        "{}",
        asked[0].request_parameters
    );
    assert!(
        asked[0]
            .request_parameters
            .contains("\"aws:dynamodb:subscriberId\":\"111111111111\"")
    );
}

#[test]
fn aws_dynamodb_is_the_key_when_none_is_named_ddb_043() {
    let mut world = world();
    kms_table(&mut world, None);
    put(&mut world, HOME, &[("id", "a"), ("v", "1")]).unwrap();
    assert_eq!(read(&mut world, HOME, "a", "v"), "1");
    let shown = describe(&mut world, HOME).unwrap().sse_description.unwrap();
    assert!(shown.kms_master_key_arn.unwrap().contains(":key/"));
}

#[test]
fn a_disabled_key_is_felt_after_five_minutes_ddb_057() {
    let mut world = world();
    let key = kms_key(&mut world, false);
    let root = kms_table(&mut world, Some(&key));
    put(&mut world, HOME, &[("id", "a"), ("v", "1")]).unwrap();
    disable(&mut world, HOME, &key);
    world.advance(200);
    assert_eq!(
        read(&mut world, HOME, "a", "v"),
        "1",
        "the key is still in use"
    );
    world.advance(130);
    let (code, text) = no(get(&mut world, HOME, "a"));
    assert_eq!(code, "ValidationException");
    assert!(
        text.starts_with("KMS key disabled error: ")
            && text.contains("DisabledException")
            && text.ends_with("is disabled."),
        "{text}"
    );
    assert_eq!(status(&mut world, HOME), "ACTIVE");
    world
        .call(HOME, &root, &EnableKeyRequest { key_id: some(&key) })
        .unwrap();
    assert_eq!(read(&mut world, HOME, "a", "v"), "1", "DDB-063");
}

#[test]
fn a_caller_without_the_key_is_refused_ddb_053_ddb_054() {
    let mut world = world();
    let key = kms_key(&mut world, false);
    let arn = format!("arn:aws:dynamodb:{HOME}:{ACCOUNT}:table/{TABLE}");
    let ann = world.user(
        ACCOUNT,
        "ann",
        &crate::testing::people::allow(&["dynamodb:*"], &[&arn]),
    );
    let request = CreateTableRequest {
        sse_specification: sse(Some(&key)),
        ..table_request()
    };
    let refused = world.call(HOME, &ann, &request).unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException");
    assert!(
        refused.message.starts_with("KMS key access denied error: "),
        "{}",
        refused.message
    );
    assert_eq!(refused.denial.unwrap().action, "kms:DescribeKey");
    kms_table(&mut world, Some(&key));
    let read = GetItemRequest {
        table_name: some(TABLE),
        key: members(&[("id", "a")]),
        ..Default::default()
    };
    assert_eq!(
        no(world.call(HOME, &ann, &read)).0,
        "AccessDeniedException",
        "the cache is per caller"
    );
}

#[test]
fn unusable_keys_are_refused_at_once_ddb_051() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = kms_key(&mut world, false);
    let told = |world: &mut World, key: &str| {
        let request = CreateTableRequest {
            sse_specification: sse(Some(key)),
            ..table_request()
        };
        let (code, text) = no(world.call(HOME, &root, &request));
        assert_eq!(code, "ValidationException");
        text
    };
    assert!(
        told(&mut world, "1234abcd-12ab-34cd-56ef-1234567890ab")
            .starts_with("KMS validation error: ")
    );
    let elsewhere = key.replace(HOME, FAR);
    assert!(
        told(&mut world, &elsewhere).contains("Invalid arn"),
        "DDB-044"
    );
    disable(&mut world, HOME, &key);
    assert!(told(&mut world, &key).starts_with("KMS key disabled error: "));
    let wrong = CreateTableRequest {
        sse_specification: Some(SseSpecification {
            enabled: Some(false),
            sse_type: some("KMS"),
            kms_master_key_id: None,
        }),
        ..table_request()
    };
    assert_eq!(
        no(world.call(HOME, &root, &wrong)).0,
        "ValidationException",
        "DDB-048"
    );
}

#[test]
fn replicas_use_keys_of_their_own_regions_and_of_one_kind_ddb_043_to_ddb_047() {
    let mut world = world();
    let key = kms_key(&mut world, true);
    let root = kms_table(&mut world, Some(&key));
    assert_eq!(
        no(add_replica(&mut world, FAR)).0,
        "ValidationException",
        "DDB-044: a key must be given"
    );
    let with = |key: &str| {
        let mut request = create_in(FAR);
        if let Some(create) = &mut request.replica_updates[0].create {
            create.kms_master_key_id = some(key);
        }
        request
    };
    assert!(
        no(world.call(HOME, &root, &with(&key)))
            .1
            .contains("Invalid arn"),
        "DDB-044: the other Region's ARN"
    );
    assert_eq!(
        no(world.call(HOME, &root, &with("alias/aws/dynamodb"))).0,
        "ValidationException",
        "DDB-043"
    );
    let id = key.rsplit('/').next().unwrap();
    let replicate = ReplicateKeyRequest {
        key_id: some(id),
        replica_region: some(FAR),
        ..Default::default()
    };
    world.call(HOME, &root, &replicate).unwrap();
    world.advance(60);
    world.call(HOME, &root, &with(id)).unwrap();
    world.advance(60);
    let table = describe(&mut world, HOME).unwrap();
    assert_eq!(
        table.replicas[0].kms_master_key_id,
        Some(key.replace(HOME, FAR)),
        "DDB-047"
    );
    put(&mut world, HOME, &[("id", "a"), ("v", "1")]).unwrap();
    world.settle();
    assert_eq!(read(&mut world, FAR, "a", "v"), "1");
    equal(&mut world, &[HOME, FAR]);
    // DDB-046: a replica's key changes in its own Region, and the others show it.
    let other = world.call(FAR, &root, &CreateKeyRequest::default());
    let other = other.unwrap().key_metadata.and_then(|key| key.arn);
    let change = UpdateTableRequest {
        table_name: some(TABLE),
        sse_specification: sse(other.as_deref()),
        ..Default::default()
    };
    world.call(FAR, &root, &change).unwrap();
    world.settle();
    let table = describe(&mut world, HOME).unwrap();
    assert_eq!(table.replicas[0].kms_master_key_id, other);
}

#[test]
fn a_replica_whose_key_is_disabled_fails_alone_and_catches_up_ddb_059() {
    let mut world = world();
    let key = kms_key(&mut world, true);
    let root = kms_table(&mut world, Some(&key));
    let id = key.rsplit('/').next().unwrap().to_owned();
    let replicate = ReplicateKeyRequest {
        key_id: some(&id),
        replica_region: some(FAR),
        ..Default::default()
    };
    world.call(HOME, &root, &replicate).unwrap();
    world.advance(60);
    let mut create = create_in(FAR);
    if let Some(create) = &mut create.replica_updates[0].create {
        create.kms_master_key_id = some(&id);
    }
    world.call(HOME, &root, &create).unwrap();
    world.advance(60);
    put(&mut world, HOME, &[("id", "a"), ("v", "1")]).unwrap();
    world.settle();
    disable(&mut world, FAR, &id);
    world.advance(330);
    put(&mut world, HOME, &[("id", "a"), ("v", "2")]).unwrap();
    put(&mut world, HOME, &[("id", "b"), ("v", "2")]).unwrap();
    world.settle();
    assert_eq!(read(&mut world, HOME, "a", "v"), "2");
    assert_eq!(no(get(&mut world, FAR, "a")).0, "ValidationException");
    assert_eq!(look(&mut world, FAR, "table_queue")["waiting_for_key"], 2);
    world
        .call(FAR, &root, &EnableKeyRequest { key_id: some(&id) })
        .unwrap();
    world.advance(70);
    assert_eq!(read(&mut world, FAR, "a", "v"), "2");
    equal(&mut world, &[HOME, FAR]);
}

#[test]
fn the_key_changes_and_items_stay_ddb_049_ddb_050() {
    let mut world = world();
    let (first, second) = (kms_key(&mut world, false), kms_key(&mut world, false));
    let root = table(&mut world);
    put(&mut world, HOME, &[("id", "a"), ("v", "1")]).unwrap();
    let change = |key: Option<&str>| UpdateTableRequest {
        table_name: some(TABLE),
        sse_specification: sse(key),
        ..Default::default()
    };
    for key in [
        Some(first.as_str()),
        Some(second.as_str()),
        None,
        Some(first.as_str()),
    ] {
        world.call(HOME, &root, &change(key)).unwrap();
        world.advance(15);
        assert_eq!(read(&mut world, HOME, "a", "v"), "1");
    }
    assert!(
        no(world.call(HOME, &root, &change(Some(&first))))
            .1
            .contains("Table is already encrypted with given KMSMasterKeyId")
    );
    let (code, text) = no(world.call(HOME, &root, &change(Some(&second))));
    assert_eq!(code, "LimitExceededException");
    assert!(text.starts_with("Subscriber limit exceeded: Encryption mode changes are limited"));
}

#[test]
fn the_status_of_a_table_follows_its_key_late_ddb_058_ddb_063() {
    let mut world = world();
    let key = kms_key(&mut world, false);
    let root = kms_table(&mut world, Some(&key));
    disable(&mut world, HOME, &key);
    world.advance(12 * 60);
    assert_eq!(status(&mut world, HOME), "ACTIVE");
    world.advance(63 * 60);
    let table = describe(&mut world, HOME).unwrap();
    assert_eq!(
        table.table_status.as_deref(),
        Some("INACCESSIBLE_ENCRYPTION_CREDENTIALS")
    );
    let sse = table.sse_description.unwrap();
    assert_eq!(sse.status.as_deref(), Some("ENABLED"));
    assert!(sse.inaccessible_encryption_date_time.is_some());
    let enable = EnableKeyRequest { key_id: some(&key) };
    world.call(HOME, &root, &enable).unwrap();
    put(&mut world, HOME, &[("id", "a")]).unwrap();
    world.advance(58 * 60);
    assert_eq!(status(&mut world, HOME), "ACTIVE");
}

#[test]
fn a_replica_without_its_key_for_20_hours_is_a_table_of_its_own_ddb_060() {
    let mut world = world();
    let root = kms_table(&mut world, None);
    let key = kms_key(&mut world, true);
    let id = key.rsplit('/').next().unwrap().to_owned();
    let replicate = ReplicateKeyRequest {
        key_id: some(&id),
        replica_region: some(FAR),
        ..Default::default()
    };
    world.call(HOME, &root, &replicate).unwrap();
    world.advance(60);
    let own = UpdateTableRequest {
        table_name: some(TABLE),
        sse_specification: sse(Some(&id)),
        ..Default::default()
    };
    world.call(HOME, &root, &own).unwrap();
    world.advance(15);
    let mut create = create_in(FAR);
    if let Some(create) = &mut create.replica_updates[0].create {
        create.kms_master_key_id = some(&id);
    }
    world.call(HOME, &root, &create).unwrap();
    world.advance(60);
    disable(&mut world, FAR, &id);
    world.advance(95 * 60);
    let seen = describe(&mut world, HOME).unwrap().replicas;
    assert_eq!(
        seen[0].replica_status.as_deref(),
        Some("INACCESSIBLE_ENCRYPTION_CREDENTIALS")
    );
    put(&mut world, HOME, &[("id", "a")]).unwrap();
    world.advance(21 * 3600);
    assert!(describe(&mut world, HOME).unwrap().replicas.is_empty());
    assert!(describe(&mut world, FAR).unwrap().replicas.is_empty());
}
