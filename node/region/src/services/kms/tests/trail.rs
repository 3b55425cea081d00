//! What the trail says of KMS, as LookupEvents answers it.

use faultline_proto::cloudtrail::{LookupAttribute, LookupEventsRequest};
use faultline_proto::kms::{
    CreateGrantRequest, EnableKeyRotationRequest, GenerateDataKeyRequest, ReEncryptRequest,
    RotateKeyOnDemandRequest, ScheduleKeyDeletionRequest, UpdatePrimaryRegionRequest,
};
use serde_json::{Value, json};

use super::*;
use crate::testing::PARTNER;
use crate::testing::people::ALLOW_ALL;

/// The records of one event name in an account's trail, newest first.
pub(super) fn records(world: &mut World, region: &str, account: &str, name: &str) -> Vec<Value> {
    let root = world.root(account);
    let request = LookupEventsRequest {
        lookup_attributes: vec![LookupAttribute {
            attribute_key: some("EventName"),
            attribute_value: some(name),
        }],
        ..Default::default()
    };
    let found = world.call(region, &root, &request).expect("root looks up");
    let records = found.events.into_iter().map(|event| {
        let text = event.cloud_trail_event.expect("every event has a record");
        serde_json::from_str(&text).expect("a record is JSON")
    });
    records.collect()
}

fn only(mut records: Vec<Value>) -> Value {
    assert_eq!(records.len(), 1, "{records:#?}");
    records.remove(0)
}

#[test]
fn k_253_k_257_k_258_k_260_a_decryption_is_a_management_event_without_secrets() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = arn(&key(&mut world, false));
    let context = pairs(&[("tenant", "7")]);
    let request = EncryptRequest {
        key_id: some(&key),
        plaintext: Some(b"4242 4242 4242".to_vec()),
        encryption_context: context.clone(),
        ..Default::default()
    };
    let sealed = world.call(HOME, &root, &request).unwrap().ciphertext_blob;
    let request = DecryptRequest {
        ciphertext_blob: sealed,
        encryption_context: context,
        ..Default::default()
    };
    world.call(HOME, &root, &request).unwrap();
    let event = only(records(&mut world, HOME, ACCOUNT, "Decrypt"));
    assert_eq!(
        event["requestParameters"],
        json!({ "encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": { "tenant": "7" } })
    );
    assert_eq!(event["responseElements"], Value::Null);
    let material = event["additionalEventData"]["keyMaterialId"].as_str();
    assert_eq!(material.map(str::len), Some(64));
    assert_eq!(
        event["resources"],
        json!([{ "accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key }])
    );
    assert_eq!(
        (
            &event["managementEvent"],
            &event["eventCategory"],
            &event["readOnly"]
        ),
        (&json!(true), &json!("Management"), &json!(true)),
        "K-255"
    );
    assert_eq!(event["eventType"], "AwsApiCall");
    let encrypted = only(records(&mut world, HOME, ACCOUNT, "Encrypt"));
    assert_eq!(
        encrypted["requestParameters"]["encryptionAlgorithm"],
        "SYMMETRIC_DEFAULT"
    );
    assert_eq!(encrypted["requestParameters"].get("plaintext"), None);
    assert!(!encrypted.to_string().contains("NDI0"), "no plaintext");
}

#[test]
fn k_261_a_re_encryption_names_the_source_first() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let (source, destination) = (arn(&key(&mut world, false)), arn(&key(&mut world, false)));
    let sealed = encrypt(&mut world, HOME, &root, &source, b"x").unwrap();
    let request = ReEncryptRequest {
        ciphertext_blob: Some(sealed),
        destination_key_id: some(&destination),
        destination_encryption_context: pairs(&[("level", "3A")]),
        ..Default::default()
    };
    world.call(HOME, &root, &request).unwrap();
    let event = only(records(&mut world, HOME, ACCOUNT, "ReEncrypt"));
    let touched: Vec<_> = event["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| &resource["ARN"])
        .collect();
    assert_eq!(touched, [&json!(source), &json!(destination)]);
    let asked = &event["requestParameters"];
    assert_eq!(asked["sourceEncryptionAlgorithm"], "SYMMETRIC_DEFAULT");
    assert_eq!(asked["destinationEncryptionAlgorithm"], "SYMMETRIC_DEFAULT");
    assert_eq!(
        asked["destinationEncryptionContext"],
        json!({ "level": "3A" })
    );
}

#[test]
fn k_263_each_owner_has_a_copy_under_one_shared_id() {
    let mut world = world();
    let open = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["{ACCOUNT}","{PARTNER}"]}},"Action":"kms:*","Resource":"*"}}]}}"#
    );
    let ours = arn(&key_with_policy(&mut world, &open));
    let ann = world.user(PARTNER, "ann", ALLOW_ALL);
    let request = GenerateDataKeyRequest {
        key_id: some(&ours),
        key_spec: some("AES_256"),
        ..Default::default()
    };
    world.call(HOME, &ann, &request).unwrap();
    let (caller, owner) = (
        only(records(&mut world, HOME, PARTNER, "GenerateDataKey")),
        only(records(&mut world, HOME, ACCOUNT, "GenerateDataKey")),
    );
    assert!(caller["sharedEventID"].is_string());
    assert_eq!(caller["sharedEventID"], owner["sharedEventID"]);
    assert_ne!(caller["eventID"], owner["eventID"]);
    assert_eq!(caller["requestID"], owner["requestID"]);
    assert_eq!(caller["userIdentity"]["type"], "IAMUser");
    let foreign = owner["userIdentity"].as_object().unwrap();
    assert_eq!(foreign["type"], "AWSAccount", "K-265");
    assert_eq!(
        foreign.keys().collect::<Vec<_>>(),
        ["accountId", "principalId", "type"]
    );
    // K-264, K-363: a refusal stays with the caller.
    let request = ScheduleKeyDeletionRequest {
        key_id: some(&ours),
        ..Default::default()
    };
    world.call(HOME, &ann, &request).unwrap_err();
    let denied = only(records(&mut world, HOME, PARTNER, "ScheduleKeyDeletion"));
    assert_eq!(denied["errorCode"], "AccessDenied", "K-273");
    assert!(records(&mut world, HOME, ACCOUNT, "ScheduleKeyDeletion").is_empty());
}

#[test]
fn k_267_a_replication_is_recorded_in_both_regions() {
    let mut world = world();
    let id = family(&mut world, &[FAR]);
    let here = only(records(&mut world, HOME, ACCOUNT, "ReplicateKey"));
    assert_eq!(
        here["requestParameters"],
        json!({ "keyId": id, "replicaRegion": FAR, "description": "", "bypassPolicyLockoutSafetyCheck": false })
    );
    let made = &here["responseElements"]["replicaKeyMetadata"];
    assert_eq!(
        (&made["keyState"], &made["enabled"]),
        (&json!("Creating"), &json!(false))
    );
    assert_eq!(made["aWSAccountId"], ACCOUNT);
    assert_eq!(
        made["multiRegionConfiguration"]["multiRegionKeyType"],
        "REPLICA"
    );
    let born = made["creationDate"].as_str().unwrap();
    assert!(
        born.starts_with("Oct 1, 2026, 12:00:0") && born.ends_with(" AM"),
        "K-274: {born}"
    );
    assert!(here["responseElements"]["replicaPolicy"].is_string());
    assert_eq!(here["resources"].as_array().unwrap().len(), 1);
    let there = only(records(&mut world, FAR, ACCOUNT, "CreateKey"));
    assert_eq!(there["requestParameters"]["multiRegion"], true);
    assert_eq!(there["userIdentity"]["invokedBy"], "kms.amazonaws.com");
    assert_eq!(there["awsRegion"], FAR, "K-275");
}

#[test]
fn k_268_a_promotion_is_two_events_of_one_request() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = family(&mut world, &[FAR]);
    let request = UpdatePrimaryRegionRequest {
        key_id: some(&id),
        primary_region: some(FAR),
    };
    world.call(HOME, &root, &request).unwrap();
    let old = only(records(&mut world, HOME, ACCOUNT, "UpdatePrimaryRegion"));
    let new = only(records(&mut world, FAR, ACCOUNT, "UpdatePrimaryRegion"));
    assert_eq!(old["requestID"], new["requestID"]);
    assert_ne!(old["eventID"], new["eventID"]);
    assert_eq!(old["userIdentity"].get("invokedBy"), None);
    assert_eq!(new["userIdentity"]["invokedBy"], "kms.amazonaws.com");
    assert_eq!(
        old["requestParameters"],
        json!({ "keyId": id, "primaryRegion": FAR })
    );
    let asked = &new["requestParameters"];
    assert_eq!(asked["primaryRegion"], FAR);
    assert!(
        asked["keyId"]
            .as_str()
            .unwrap()
            .starts_with(&format!("arn:aws:kms:{FAR}:"))
    );
    assert!(
        !new.to_string().contains(HOME),
        "it does not name the previous Region"
    );
}

#[test]
fn k_269_k_271_k_272_what_kms_does_by_itself_has_no_caller() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let id = family(&mut world, &[FAR, THIRD]);
    let synchronized = records(&mut world, FAR, ACCOUNT, "SynchronizeMultiRegionKey");
    assert!(
        !synchronized.is_empty(),
        "the replica's Region heard of the set"
    );
    for event in &synchronized {
        assert_eq!(
            event["userIdentity"],
            json!({ "accountId": ACCOUNT, "invokedBy": "AWS Internal" })
        );
        assert_eq!(event["eventType"], "AwsApiCall");
        assert_eq!(event["requestParameters"], Value::Null);
        let primary = format!("arn:aws:kms:{HOME}:{ACCOUNT}:key/{id}");
        assert_eq!(event["resources"][0]["ARN"], primary);
        assert_eq!(
            event["resources"].as_array().map(Vec::len),
            Some(1),
            "K-269: replicas are not listed"
        );
        assert_eq!(event["responseElements"]["keyId"], primary, "K-262");
    }
    let single = arn(&key(&mut world, false));
    let request = ScheduleKeyDeletionRequest {
        key_id: some(&single),
        pending_window_in_days: Some(7),
    };
    world.call(HOME, &root, &request).unwrap();
    let scheduled = only(records(&mut world, HOME, ACCOUNT, "ScheduleKeyDeletion"));
    let elements = &scheduled["responseElements"];
    assert_eq!(elements["keyState"], "PendingDeletion");
    assert_eq!(elements["keyId"], single);
    assert!(
        elements["deletionDate"]
            .as_str()
            .unwrap()
            .starts_with("Oct 8, 2026")
    );
    world.advance(8 * 86_400);
    let deleted = only(records(&mut world, HOME, ACCOUNT, "DeleteKey"));
    assert_eq!(
        deleted["userIdentity"],
        json!({ "accountId": ACCOUNT, "invokedBy": "AWS Internal" })
    );
    assert_eq!(deleted["eventType"], "AwsServiceEvent");
    assert_eq!(
        (&deleted["sourceIPAddress"], &deleted["userAgent"]),
        (&json!("AWS Internal"), &json!("AWS Internal"))
    );
    assert_eq!(deleted.get("requestID"), None);
    assert_eq!(deleted["readOnly"], false);
    assert!(single.ends_with(deleted["serviceEventDetails"]["keyId"].as_str().unwrap()));
}

#[test]
fn k_257_a_grants_token_is_not_in_the_trail() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let key = arn(&key(&mut world, false));
    let request = CreateGrantRequest {
        key_id: some(&key),
        grantee_principal: some("arn:aws:iam::222222222222:root"),
        operations: vec!["Encrypt".to_owned()],
        ..Default::default()
    };
    let token = world
        .call(HOME, &root, &request)
        .unwrap()
        .grant_token
        .unwrap();
    let request = EncryptRequest {
        key_id: some(&key),
        plaintext: Some(b"x".to_vec()),
        grant_tokens: vec![token.clone()],
        ..Default::default()
    };
    world.call(HOME, &root, &request).unwrap();
    for name in ["CreateGrant", "Encrypt"] {
        let event = only(records(&mut world, HOME, ACCOUNT, name));
        assert!(!event.to_string().contains(&token), "{name}");
    }
    let made = only(records(&mut world, HOME, ACCOUNT, "CreateGrant"));
    assert!(made["responseElements"]["grantId"].is_string());
}

#[test]
fn k_253_k_270_a_rotation_is_an_event_of_kms_itself() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let made = key(&mut world, false);
    let (arn, key_id) = (arn(&made), made.key_id.clone());
    let first = made.current_key_material_id.unwrap();
    let request = RotateKeyOnDemandRequest {
        key_id: key_id.clone(),
    };
    world.call(HOME, &root, &request).unwrap();
    world.advance(60);
    let request = EnableKeyRotationRequest {
        key_id,
        rotation_period_in_days: Some(90),
    };
    world.call(HOME, &root, &request).unwrap();
    // The trail keeps ninety days.
    world.advance(90 * 86_400 + 60);
    let automatic = records(&mut world, HOME, ACCOUNT, "RotateKey").remove(0);
    let names: Vec<&str> = world
        .audit
        .iter()
        .map(|event| event.event_name.as_str())
        .filter(|name| name.starts_with("RotateKey"))
        .collect();
    assert_eq!(names, ["RotateKeyOnDemand", "RotateKey", "RotateKey"]);
    let mut on_demand = world
        .audit
        .iter()
        .filter(|event| event.event_name == "RotateKey");
    let on_demand: Value = serde_json::from_str(&on_demand.next().unwrap().additional).unwrap();
    let second = on_demand["serviceEventDetails"]["currentKeyMaterialId"].clone();
    let third = automatic["serviceEventDetails"]["currentKeyMaterialId"].clone();
    for (details, rotation, before, after) in [
        (
            &on_demand["serviceEventDetails"],
            "ON_DEMAND",
            &json!(first),
            &second,
        ),
        (
            &automatic["serviceEventDetails"],
            "AUTOMATIC",
            &second,
            &third,
        ),
    ] {
        assert_eq!(details["rotationType"], rotation);
        assert_eq!(details["keyOrigin"], "AWS_KMS");
        assert_eq!(&details["previousKeyMaterialId"], before);
        assert_eq!(&details["currentKeyMaterialId"], after);
        assert_ne!(before, after);
        assert!(arn.ends_with(details["keyId"].as_str().unwrap()));
    }
    assert_eq!(automatic["eventType"], "AwsServiceEvent");
    assert_eq!(
        automatic["userIdentity"],
        json!({ "accountId": ACCOUNT, "invokedBy": "AWS Internal" })
    );
    assert_eq!(automatic["eventSource"], "kms.amazonaws.com");
}
