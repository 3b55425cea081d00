//! What PutBucketReplication takes and what it refuses, word for word.

use super::*;
use crate::testing::PARTNER;

/// A rule and what S3 says when it is put.
type Case = (
    &'static str,
    fn(&mut s3::ReplicationRule),
    &'static str,
    &'static str,
);

fn target(rule: &mut s3::ReplicationRule) -> &mut s3::Destination {
    rule.destination.as_mut().unwrap()
}

fn time(rule: &mut s3::ReplicationRule, time: &str, metrics: &str, minutes: i32) {
    let value = |minutes| {
        Some(s3::ReplicationTimeValue {
            minutes: Some(minutes),
        })
    };
    target(rule).replication_time = Some(s3::ReplicationTime {
        status: text(time),
        time: value(minutes),
    });
    target(rule).metrics = Some(s3::Metrics {
        status: text(metrics),
        event_threshold: value(15),
    });
}

fn tag(key: &str) -> s3::Tag {
    s3::Tag {
        key: text(key),
        value: text("v"),
    }
}

fn tags(rule: &mut s3::ReplicationRule, names: &[&str]) {
    rule.filter = Some(s3::ReplicationRuleFilter {
        and: Some(s3::ReplicationRuleAndOperator {
            prefix: None,
            tags: names.iter().map(|name| tag(name)).collect(),
        }),
        ..Default::default()
    });
}

const MALFORMED: &str =
    "The XML you provided was not well-formed or did not validate against our published schema";

const CASES: &[Case] = &[
    (
        "S3-009",
        |rule| rule.id = Some("x".repeat(256)),
        "InvalidArgument",
        "Rule Id cannot be greater than 255",
    ),
    (
        "S3-009",
        |rule| rule.id = text("für"),
        "InvalidArgument",
        "Rule Id must contain only ASCII characters",
    ),
    (
        "S3-009",
        |rule| rule.filter.as_mut().unwrap().prefix = Some("p".repeat(1025)),
        "InvalidRequest",
        "The maximum size of a prefix is 1024.",
    ),
    (
        "S3-010",
        |rule| rule.priority = None,
        "InvalidRequest",
        "Priority must be specified for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.",
    ),
    (
        "S3-010",
        |rule| rule.delete_marker_replication = None,
        "InvalidRequest",
        "DeleteMarkerReplication must be specified for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.",
    ),
    (
        "S3-010",
        |rule| {
            rule.filter = None;
            rule.prefix = text("");
        },
        "InvalidRequest",
        "Priority cannot be used for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.",
    ),
    (
        "S3-010",
        |rule| rule.filter = None,
        "MalformedXML",
        MALFORMED,
    ),
    (
        "S3-010",
        |rule| rule.prefix = text(""),
        "MalformedXML",
        MALFORMED,
    ),
    (
        "S3-010",
        |rule| rule.priority = Some(-1),
        "InvalidRequest",
        "Priority must be between 0 and 2147483647.",
    ),
    (
        "S3-011",
        |rule| rule.filter.as_mut().unwrap().tag = Some(tag("a")),
        "MalformedXML",
        MALFORMED,
    ),
    (
        "S3-011",
        |rule| tags(rule, &["a"]),
        "MalformedXML",
        MALFORMED,
    ),
    (
        "S3-011",
        |rule| tags(rule, &["a", "a"]),
        "InvalidRequest",
        "Duplicate Tag Keys are not allowed.",
    ),
    (
        "S3-015",
        |rule| {
            rule.source_selection_criteria = Some(s3::SourceSelectionCriteria {
                sse_kms_encrypted_objects: Some(s3::SseKmsEncryptedObjects { status: enabled() }),
                ..Default::default()
            })
        },
        "InvalidRequest",
        "ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.",
    ),
    (
        "S3-015",
        |rule| rule.source_selection_criteria = Some(s3::SourceSelectionCriteria::default()),
        "InvalidRequest",
        "SourceSelectionCriteria cannot be empty.",
    ),
    (
        "S3-015",
        |rule| {
            target(rule).encryption_configuration = Some(s3::EncryptionConfiguration {
                replica_kms_key_id: text("arn:aws:kms:us-east-1:111111111111:key/x"),
            })
        },
        "InvalidRequest",
        "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.",
    ),
    (
        "S3-016",
        |rule| *rule = super::rule("", Some("my-key")),
        "InvalidArgument",
        "Invalid ReplicaKmsKeyID ARN.",
    ),
    (
        "S3-017",
        |rule| {
            rule.existing_object_replication =
                Some(s3::ExistingObjectReplication { status: enabled() })
        },
        "MalformedXML",
        MALFORMED,
    ),
    (
        "S3-018",
        |rule| {
            time(rule, "Enabled", "Enabled", 15);
            target(rule).metrics = None;
        },
        "InvalidRequest",
        "Replication destination must contain both ReplicationTime and Metrics or neither.",
    ),
    (
        "S3-018",
        |rule| time(rule, "Enabled", "Disabled", 15),
        "InvalidRequest",
        "ReplicationTime and Metrics must have the same status.",
    ),
    (
        "S3-018",
        |rule| time(rule, "Enabled", "Enabled", 5),
        "InvalidArgument",
        "Invalid time minute value",
    ),
    (
        "S3-018",
        |rule| {
            time(rule, "Enabled", "Enabled", 15);
            target(rule).metrics.as_mut().unwrap().event_threshold = None;
        },
        "InvalidArgument",
        "ReplicationMetrics must contain an event threshold",
    ),
    (
        "S3-018",
        |rule| {
            time(rule, "Enabled", "Enabled", 15);
            target(rule).replication_time = None;
        },
        "InvalidArgument",
        "Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled",
    ),
    (
        "S3-019",
        |rule| {
            target(rule).access_control_translation = Some(s3::AccessControlTranslation {
                owner: text("Destination"),
            })
        },
        "InvalidRequest",
        "Account must be specified if the Owner in AccessControlTranslation has a value",
    ),
    (
        "S3-019",
        |rule| target(rule).account = text(""),
        "InvalidArgument",
        "The Account element is empty. It must contain a valid account ID.",
    ),
    (
        "S3-019",
        |rule| target(rule).account = text(PARTNER),
        "InvalidArgument",
        "The AWS account specified in the Account element must match the destination bucket owner.",
    ),
    (
        "S3-020",
        |rule| {
            tags(rule, &["a", "b"]);
            rule.delete_marker_replication =
                Some(s3::DeleteMarkerReplication { status: enabled() });
        },
        "InvalidRequest",
        "Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide for more information.",
    ),
    (
        "S3-026",
        |rule| target(rule).storage_class = text("FSX_OPENZFS"),
        "MalformedXML",
        MALFORMED,
    ),
    (
        "",
        |rule| target(rule).bucket = text("arn:aws:s3:::photos"),
        "InvalidRequest",
        "Destination bucket cannot be the same as the source bucket.",
    ),
    (
        "",
        |rule| target(rule).bucket = text("photos-copy"),
        "InvalidArgument",
        "Invalid bucket ARN",
    ),
];

#[test]
fn s3_009_to_s3_020_and_s3_026_each_mistake_has_its_words() {
    let mut setup = setup();
    for (fact, change, code, message) in CASES {
        let mut wrong = rule("", None);
        change(&mut wrong);
        let refused = setup
            .try_replicate((HERE, "photos"), vec![wrong])
            .expect_err(message);
        assert_eq!(
            (refused.code.as_str(), refused.message.as_str()),
            (*code, *message),
            "{fact}"
        );
    }
}

/// S3-008, S3-010, S3-021: rules that contradict each other, and none at all.
#[test]
fn s3_008_s3_010_s3_021_rules_are_checked_together() {
    let mut setup = setup();
    let schema = "cannot be used for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.";
    let v1 = || s3::ReplicationRule {
        filter: None,
        prefix: text("a/"),
        priority: None,
        delete_marker_replication: None,
        ..rule("v1", None)
    };
    let modifies = |mut rule: s3::ReplicationRule| {
        rule.source_selection_criteria = Some(s3::SourceSelectionCriteria {
            replica_modifications: Some(s3::ReplicaModifications { status: enabled() }),
            ..Default::default()
        });
        rule
    };
    let other = |id: &str, priority| s3::ReplicationRule {
        id: text(id),
        priority: Some(priority),
        ..rule("", None)
    };
    for (rules, words) in [
        (
            vec![other("a", 1), other("a", 2)],
            "Rule Id must be unique".to_owned(),
        ),
        (
            vec![other("a", 1), other("b", 1)],
            "Found duplicate priority 1.".to_owned(),
        ),
        (vec![v1(), other("b", 1)], format!("Priority {schema}")),
        (
            vec![modifies(v1())],
            format!("ReplicaModifications {schema}"),
        ),
        (
            (0..1001).map(|at| other(&format!("r{at}"), at)).collect(),
            "The number of replication rules must not exceed the allowed limit of 1000 rules."
                .to_owned(),
        ),
    ] {
        let refused = setup.try_replicate((HERE, "photos"), rules).unwrap_err();
        assert_eq!(refused.message, words);
    }
    let none = setup
        .try_replicate((HERE, "photos"), Vec::new())
        .unwrap_err();
    assert_eq!(none.code, "MalformedXML");
    setup.replicate(vec![v1()]);
    // S3-010, S3-015: AWS's own example leaves two members out.
    let mut sync = modifies(rule("", None));
    sync.delete_marker_replication = None;
    setup.replicate(vec![sync]);
}

/// S3-013: the role is passed to S3, and must look like one.
#[test]
fn s3_013_the_role_is_passed() {
    let mut setup = setup();
    for (role, words) in [
        (
            "nobody",
            "Invalid Role specified in replication configuration",
        ),
        (
            "arn:aws:iam::111111111111:user/me",
            "The relative id should start with role",
        ),
    ] {
        let right = std::mem::replace(&mut setup.role, role.to_owned());
        let refused = setup
            .try_replicate((HERE, "photos"), vec![rule("", None)])
            .unwrap_err();
        assert_eq!(refused.message, words);
        setup.role = right;
    }
    let only_half = allow(&["s3:PutReplicationConfiguration"], &["*"]);
    let user = setup.world.user(ACCOUNT, "half", &only_half);
    let root = std::mem::replace(&mut setup.root, user);
    let refused = setup
        .try_replicate((HERE, "photos"), vec![rule("", None)])
        .unwrap_err();
    let denial = refused.denial.unwrap();
    assert_eq!(
        (refused.code.as_str(), denial.action.as_str()),
        ("AccessDenied", "iam:PassRole")
    );
    setup.root = root;
}

/// S3-003, S3-022, S3-023: a configuration holds versioning on, and goes twice.
#[test]
fn s3_003_s3_022_s3_023_a_configuration_comes_and_goes() {
    let mut setup = setup();
    let get = s3::GetBucketReplicationRequest {
        bucket: text("photos"),
        ..Default::default()
    };
    let none = setup.world.call(HERE, &setup.root, &get).unwrap_err();
    assert_eq!(
        (none.code.as_str(), none.http_status, none.message.as_str()),
        (
            "ReplicationConfigurationNotFoundError",
            404,
            "The replication configuration was not found"
        )
    );
    let mut nameless = rule("", None);
    nameless.id = None;
    setup.replicate(vec![nameless]);
    let found = setup.world.call(HERE, &setup.root, &get).unwrap();
    let config = found.replication_configuration.unwrap();
    assert!(!config.rules[0].id().is_empty(), "S3 names a rule");
    let held = setup.versioning(HERE, "photos", "Suspended").unwrap_err();
    assert_eq!(
        (held.code.as_str(), held.http_status),
        ("InvalidBucketState", 409)
    );
    assert_eq!(
        held.message,
        "A replication configuration is present on this bucket, so you cannot change the versioning state. To change the versioning state, first delete the replication configuration."
    );
    let delete = s3::DeleteBucketReplicationRequest {
        bucket: text("photos"),
        ..Default::default()
    };
    for _ in 0..2 {
        setup.world.call(HERE, &setup.root, &delete).unwrap();
    }
    setup.versioning(HERE, "photos", "Suspended").unwrap();
    let refused = setup
        .try_replicate((HERE, "photos"), vec![rule("", None)])
        .unwrap_err();
    assert_eq!(
        refused.message,
        "Versioning must be 'Enabled' on the bucket to apply a replication configuration"
    );
}

/// S3-014, S3-071: whatever stands there as a key is taken, and only objects tell.
#[test]
fn s3_014_s3_062_s3_071_a_key_of_another_region_is_taken_and_fails_later() {
    let mut setup = setup();
    let (here, there) = (key(&mut setup.world, HERE), key(&mut setup.world, THERE));
    for (at, named) in [
        here.clone(),
        there.replace("key/", "key/0"),
        format!("arn:aws:kms:{THERE}:{ACCOUNT}:alias/none"),
    ]
    .iter()
    .enumerate()
    {
        setup.replicate(vec![rule("", Some(named))]);
        let name = format!("a{at}");
        let request = s3::PutObjectRequest {
            server_side_encryption: text("aws:kms"),
            ssekms_key_id: Some(here.clone()),
            ..put("photos", &name)
        };
        setup.put_as(&request);
        setup.world.advance(600);
        assert_eq!(setup.reason(&name).0, "DstKmsKeyNotFound", "{named}");
    }
}
