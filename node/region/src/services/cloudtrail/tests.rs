//! What CloudTrail promises.

use faultline_proto::cloudtrail as api;
use faultline_proto::ec2::CreateVolumeRequest;
use faultline_proto::iam::{CreateUserRequest, GetUserRequest};
use faultline_proto::kms::CreateKeyRequest;
use faultline_proto::s3::{CreateBucketRequest, HeadObjectRequest};
use serde_json::{Value, json};

use crate::testing::people::{ALLOW_ALL, allow, trust};
use crate::testing::{ACCOUNT, Credential, PARTNER, World};

const HOME: &str = "us-east-1";
const AWAY: &str = "eu-west-1";

fn world() -> World {
    World::new(&[HOME, AWAY])
}

fn where_is(key: &str, value: &str) -> api::LookupEventsRequest {
    api::LookupEventsRequest {
        lookup_attributes: vec![api::LookupAttribute {
            attribute_key: Some(key.to_owned()),
            attribute_value: Some(value.to_owned()),
        }],
        ..Default::default()
    }
}

fn names(answer: &api::LookupEventsResponse) -> Vec<&str> {
    answer
        .events
        .iter()
        .map(|event| event.event_name.as_deref().unwrap())
        .collect()
}

fn record(event: &api::Event) -> Value {
    serde_json::from_str(event.cloud_trail_event.as_deref().unwrap()).unwrap()
}

#[test]
fn events_come_newest_first_in_pages_and_stay_in_their_region_k_275() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    world.user(ACCOUNT, "ann", ALLOW_ALL);
    let request = api::LookupEventsRequest {
        max_results: Some(2),
        ..Default::default()
    };
    let first = world.call(HOME, &root, &request).unwrap();
    assert_eq!(names(&first), ["CreateAccessKey", "PutUserPolicy"]);
    let next = api::LookupEventsRequest {
        next_token: first.next_token,
        ..request
    };
    let second = world.call(HOME, &root, &next).unwrap();
    assert_eq!(
        (names(&second), second.next_token.is_none()),
        (vec!["CreateUser"], true)
    );
    let away = world
        .call(AWAY, &root, &api::LookupEventsRequest::default())
        .unwrap();
    assert!(away.events.is_empty());
    let partner = world.root(PARTNER);
    assert!(
        world
            .call(HOME, &partner, &api::LookupEventsRequest::default())
            .unwrap()
            .events
            .is_empty()
    );
}

#[test]
fn one_attribute_narrows_a_lookup() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    world.call(HOME, &ann, &GetUserRequest::default()).unwrap();
    for (key, value, found) in [
        ("EventName", "CreateUser", vec!["CreateUser"]),
        ("Username", "ann", vec!["GetUser"]),
        ("AccessKeyId", ann.access_key.as_str(), vec!["GetUser"]),
        ("ReadOnly", "true", vec!["GetUser"]),
        (
            "ResourceName",
            "ann",
            vec!["GetUser", "CreateAccessKey", "PutUserPolicy", "CreateUser"],
        ),
        ("ResourceType", "AWS::IAM::Role", vec![]),
        ("EventSource", "kms.amazonaws.com", vec![]),
    ] {
        let mut world_root_events = world.call(HOME, &root, &where_is(key, value)).unwrap();
        world_root_events
            .events
            .retain(|event| event.event_name.as_deref() != Some("LookupEvents"));
        assert_eq!(names(&world_root_events), found, "{key}={value}");
    }
    let mut two = where_is("EventName", "CreateUser");
    two.lookup_attributes
        .extend(where_is("Username", "ann").lookup_attributes);
    assert_eq!(
        world.call(HOME, &root, &two).unwrap_err().code,
        "InvalidLookupAttributesException"
    );
}

#[test]
fn k_259_a_record_has_the_fields_of_aws() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    world
        .call(
            HOME,
            &ann,
            &GetUserRequest {
                user_name: Some("bob".to_owned()),
            },
        )
        .unwrap_err();
    let found = world
        .call(HOME, &root, &where_is("EventName", "GetUser"))
        .unwrap();
    let record = record(&found.events[0]);
    assert_eq!(record["eventVersion"], "1.11");
    assert_eq!(record["userIdentity"]["type"], "IAMUser");
    assert_eq!(
        record["userIdentity"]["arn"],
        "arn:aws:iam::111111111111:user/ann"
    );
    assert_eq!(record["userIdentity"]["userName"], "ann");
    assert!(
        record["userIdentity"]["principalId"]
            .as_str()
            .unwrap()
            .starts_with("AIDA")
    );
    assert_eq!(record["errorCode"], "NoSuchEntity");
    assert_eq!(record["requestParameters"]["userName"], "bob");
    assert_eq!(
        record["resources"][0]["ARN"],
        "arn:aws:iam::111111111111:user/bob"
    );
    assert_eq!(
        (&record["readOnly"], &record["managementEvent"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(record["recipientAccountId"], ACCOUNT);
    assert!(
        record["eventTime"]
            .as_str()
            .unwrap()
            .starts_with("2026-10-01T00:00:0"),
        "{}",
        record["eventTime"]
    );
    assert!(record.get("sharedEventID").is_none());
}

#[test]
fn a_session_is_recorded_with_the_role_that_issued_it() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", ALLOW_ALL);
    let role = world.role(ACCOUNT, "app", &trust(ACCOUNT), ALLOW_ALL);
    let session = world.assume(HOME, &ann, &role, "work").unwrap();
    world
        .call(
            HOME,
            &session,
            &CreateUserRequest {
                user_name: Some("cid".to_owned()),
                ..Default::default()
            },
        )
        .unwrap();
    let found = world
        .call(HOME, &session, &where_is("Username", "work"))
        .unwrap();
    let record = record(&found.events[0]);
    assert_eq!(record["userIdentity"]["type"], "AssumedRole");
    assert_eq!(
        record["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"],
        role
    );
    assert_eq!(
        record["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"],
        "app"
    );
}

#[test]
fn k_263_and_k_265_a_foreign_call_is_in_both_trails_under_one_shared_id() {
    let mut world = world();
    let ann = world.user(PARTNER, "ann", ALLOW_ALL);
    let role = world.role(ACCOUNT, "app", &trust(PARTNER), ALLOW_ALL);
    world.assume(AWAY, &ann, &role, "work").unwrap();
    let mut found = Vec::new();
    for account in [PARTNER, ACCOUNT] {
        let root = world.root(account);
        let answer = world
            .call(AWAY, &root, &where_is("EventName", "AssumeRole"))
            .unwrap();
        assert_eq!(answer.events.len(), 1, "{account}");
        found.push(record(&answer.events[0]));
    }
    assert!(found[0]["sharedEventID"].is_string());
    assert_eq!(found[0]["sharedEventID"], found[1]["sharedEventID"]);
    assert_ne!(found[0]["eventID"], found[1]["eventID"]);
    assert_eq!(found[1]["recipientAccountId"], ACCOUNT);
    let foreign = &found[1]["userIdentity"];
    assert_eq!(
        (&foreign["type"], &foreign["accountId"]),
        (&json!("AWSAccount"), &json!(PARTNER))
    );
    assert!(foreign.get("arn").is_none() && foreign.get("accessKeyId").is_none());
}

#[test]
fn k_264_a_foreign_call_that_was_denied_is_only_in_the_callers_trail() {
    let mut world = world();
    let ann = world.user(PARTNER, "ann", ALLOW_ALL);
    let role = world.role(ACCOUNT, "app", &trust(ACCOUNT), ALLOW_ALL);
    world.assume(AWAY, &ann, &role, "work").unwrap_err();
    let found = world.look(AWAY, "audit", &json!({ "event_name": "AssumeRole" }));
    let events = found["events"].as_array().unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["account"], &events[0]["denied_by"]),
        (&json!(PARTNER), &json!("trust_policy"))
    );
    assert_eq!(events[0]["error_code"], "AccessDenied");
    assert!(!events[0]["missing"].as_str().unwrap().is_empty());
}

#[test]
fn the_simulators_own_question_narrows_by_what_it_knows() {
    let mut world = world();
    let ann = world.user(ACCOUNT, "ann", &allow(&["sts:*"], &["*"]));
    let role = world.role(ACCOUNT, "app", &trust(ACCOUNT), ALLOW_ALL);
    let session = world.assume(HOME, &ann, &role, "work").unwrap();
    world
        .call(
            HOME,
            &session,
            &GetUserRequest {
                user_name: Some("ann".to_owned()),
            },
        )
        .unwrap();
    let count = |world: &mut World, arguments: Value| {
        world.look(HOME, "audit", &arguments)["events"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(
        count(&mut world, json!({ "principal": role })),
        1,
        "a role's ARN finds its sessions"
    );
    assert_eq!(
        count(
            &mut world,
            json!({ "resource": "app", "event_name": "CreateRole" })
        ),
        1
    );
    assert_eq!(count(&mut world, json!({ "account": PARTNER })), 0);
    assert_eq!(count(&mut world, json!({ "since": i64::MAX })), 0);
    assert_eq!(count(&mut world, json!({})), world.audit.len());
}

#[test]
fn events_are_gone_after_90_days() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    world.call(HOME, &root, &GetUserRequest::default()).unwrap();
    world.advance(91 * 86_400);
    for _ in 0..64 {
        world
            .call(
                HOME,
                &root,
                &GetUserRequest {
                    user_name: Some("nobody".to_owned()),
                },
            )
            .unwrap_err();
    }
    let found = world.look(HOME, "audit", &json!({}));
    assert_eq!(
        found["events"].as_array().unwrap().len(),
        64,
        "the first is pruned"
    );
}

#[test]
fn a_lookup_is_bounded_by_time() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    world.call(HOME, &root, &GetUserRequest::default()).unwrap();
    world.advance(60);
    let middle = world.wall(HOME) / 1_000 - 30_000;
    let bounded = |start, end| api::LookupEventsRequest {
        start_time: start,
        end_time: end,
        ..Default::default()
    };
    assert_eq!(
        names(
            &world
                .call(HOME, &root, &bounded(None, Some(middle)))
                .unwrap()
        ),
        ["GetUser"]
    );
    assert_eq!(
        names(
            &world
                .call(HOME, &root, &bounded(Some(middle), None))
                .unwrap()
        ),
        ["LookupEvents"]
    );
    let refused = world
        .call(HOME, &root, &bounded(Some(middle), Some(middle - 1)))
        .unwrap_err();
    assert_eq!(refused.code, "InvalidTimeRangeException");
}

/// K-259, K-266: every kind of caller in its own form.
#[test]
fn k_259_k_266_root_and_services_are_recorded_each_in_its_form() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    world
        .call(
            AWAY,
            &root,
            &CreateKeyRequest {
                multi_region: Some(false),
                ..Default::default()
            },
        )
        .unwrap();
    let made = world
        .call(AWAY, &root, &where_is("EventName", "CreateKey"))
        .unwrap();
    let own = record(&made.events[0]);
    assert_eq!(
        own["userIdentity"],
        json!({
            "type": "Root",
            "principalId": ACCOUNT,
            "arn": format!("arn:aws:iam::{ACCOUNT}:root"),
            "accountId": ACCOUNT,
            "accessKeyId": root.access_key,
        })
    );
    assert_eq!(
        own["tlsDetails"]["clientProvidedHostHeader"],
        "kms.eu-west-1.amazonaws.com"
    );
    assert_eq!(made.events[0].username.as_deref(), Some("root"));
    // A volume is encrypted under the account's key by EC2, on root's behalf.
    let volume = CreateVolumeRequest {
        availability_zone: Some(format!("{AWAY}a")),
        size: Some(1),
        encrypted: Some(true),
        ..Default::default()
    };
    world.call(AWAY, &root, &volume).unwrap();
    let name = "GenerateDataKeyWithoutPlaintext";
    let asked = world
        .call(AWAY, &root, &where_is("EventName", name))
        .unwrap();
    let nested = record(&asked.events[0]);
    assert_eq!(nested["userIdentity"]["type"], "Root");
    for said in [
        &nested["userIdentity"]["invokedBy"],
        &nested["sourceIPAddress"],
        &nested["userAgent"],
    ] {
        assert_eq!(said, "ec2.amazonaws.com");
    }
    assert!(nested.get("tlsDetails").is_none());
}

#[test]
fn a_token_of_another_lookup_is_refused() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    world.user(ACCOUNT, "ann", ALLOW_ALL);
    let page = api::LookupEventsRequest {
        max_results: Some(1),
        ..Default::default()
    };
    let token = world.call(HOME, &root, &page).unwrap().next_token;
    assert!(token.is_some());
    let mut other = where_is("EventName", "CreateUser");
    other.next_token = token.clone();
    for request in [
        other,
        api::LookupEventsRequest {
            next_token: Some("made up".to_owned()),
            ..page.clone()
        },
    ] {
        assert_eq!(
            world.call(HOME, &root, &request).unwrap_err().code,
            "InvalidNextTokenException"
        );
    }
    let bigger = api::LookupEventsRequest {
        max_results: Some(50),
        next_token: token,
        ..Default::default()
    };
    assert!(!world.call(HOME, &root, &bigger).unwrap().events.is_empty());
}

/// K-264 does not spare who has no account: the owner is the only one who can see it.
#[test]
fn an_anonymous_request_is_in_the_owners_trail() {
    let mut world = world();
    let root = world.root(ACCOUNT);
    let bucket = CreateBucketRequest {
        bucket: Some("open-house".to_owned()),
        ..Default::default()
    };
    world.call(HOME, &root, &bucket).unwrap();
    let nobody = Credential::default();
    let head = HeadObjectRequest {
        bucket: Some("open-house".to_owned()),
        key: Some("a".to_owned()),
        ..Default::default()
    };
    world.call(HOME, &nobody, &head).unwrap_err();
    let found = world.look(HOME, "audit", &json!({ "event_name": "HeadObject" }));
    let events = found["events"].as_array().unwrap();
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0]["account"], ACCOUNT);
}
