//! Doctored runs: one that holds, and one for each way to be wrong.

use serde_json::json;

use crate::oracles::testing::{ACCOUNT, Doctored, key_arn, unknown, violated};

fn run(arguments: serde_json::Value) -> Doctored {
    let mut run = Doctored::new("replication_keeps_its_rules", arguments);
    let rule = |prefix: &str, to: &str, priority: u64| {
        json!({ "status": "Enabled", "priority": priority, "filter": { "prefix": prefix },
            "destination": { "bucket": format!("arn:aws:s3:::{to}") } })
    };
    let rules = [rule("in/", "copy", 1), rule("in/", "other", 2)];
    audit(
        &mut run,
        "PutBucketReplication",
        "",
        json!({ "bucket": "photos", "replicationConfiguration": { "rules": rules } }),
    );
    run
}

fn audit(run: &mut Doctored, name: &str, code: &str, asked: serde_json::Value) {
    let mut line = json!({ "eventName": name, "eventSource": "s3.amazonaws.com", "account": ACCOUNT,
        "recipientAccountId": ACCOUNT, "requestParameters": asked });
    if !code.is_empty() {
        line["errorCode"] = code.into();
        line["resources"] = json!(["arn:aws:s3:::copy/in/a"]);
    }
    run.audit(line);
}

const SOURCE: [(&str, &str); 7] = [
    ("bucket", "photos"),
    ("key", "in/a"),
    ("version_id", "v1"),
    ("encryption", "AES256"),
    ("length", "3"),
    ("order", "7"),
    ("tags", ""),
];

fn with(
    fields: &[(&'static str, &'static str)],
    to: &'static str,
) -> Vec<(&'static str, &'static str)> {
    let mut all: Vec<_> = SOURCE
        .iter()
        .map(|(name, value)| {
            let said = fields.iter().find(|(other, _)| other == name);
            (*name, said.map_or(*value, |(_, value)| *value))
        })
        .collect();
    all[0].1 = to;
    all
}

fn wrote(run: &mut Doctored, fields: &[(&'static str, &'static str)]) {
    run.note("eu-west-1", "version_written", &with(fields, "photos"));
}

fn came(run: &mut Doctored, to: &'static str, fields: &[(&'static str, &'static str)]) {
    run.note("us-east-1", "replica_written", &with(fields, to));
}

fn ended(run: &mut Doctored, to: &str, outcome: &str, reason: &str) {
    let fields = [
        ("bucket", "photos"),
        ("key", "in/a"),
        ("version_id", "v1"),
        ("to", to),
        ("outcome", outcome),
        ("reason", reason),
    ];
    run.note("eu-west-1", "replicated", &fields);
}

#[test]
fn what_arrives_everywhere_holds() {
    let mut run = run(json!({}));
    wrote(&mut run, &[]);
    wrote(&mut run, &[("key", "out/a")]);
    wrote(&mut run, &[("version_id", "v0"), ("encryption", "none")]);
    for to in ["copy", "other"] {
        came(&mut run, to, &[]);
        ended(&mut run, to, "COMPLETED", "");
    }
    run.holds(2);
}

#[test]
fn nothing_that_a_rule_takes_is_unknown() {
    let mut run = run(json!({}));
    wrote(&mut run, &[("key", "out/a")]);
    assert_eq!(unknown(run.finding()), "no rule took an object");
}

#[test]
fn what_is_owed_at_the_end_is_a_violation_unless_excepted() {
    for (arguments, is_wrong) in [(json!({}), true), (json!({ "except": "pending" }), false)] {
        let mut run = run(arguments);
        wrote(&mut run, &[]);
        came(&mut run, "copy", &[]);
        ended(&mut run, "copy", "COMPLETED", "");
        if is_wrong {
            let (because, _) = violated(run.finding());
            assert_eq!(
                because,
                "in/a (v1) of photos never came to other, nor FAILED"
            );
        } else {
            run.holds(1);
        }
    }
}

#[test]
fn a_replica_that_differs_is_a_violation() {
    for (field, value, words) in [
        ("length", "2", "has 2 bytes, and 3 were put"),
        (
            "order",
            "8",
            "stands elsewhere among the versions of its key",
        ),
        (
            "encryption",
            "SSE-C",
            "is under SSE-C, and was put under AES256",
        ),
    ] {
        let mut run = run(json!({}));
        wrote(&mut run, &[]);
        came(&mut run, "copy", &[(field, value)]);
        ended(&mut run, "copy", "COMPLETED", "");
        ended(&mut run, "other", "COMPLETED", "");
        let (because, _) = violated(run.finding());
        assert_eq!(because, format!("the replica of in/a (v1) in copy {words}"));
    }
}

#[test]
fn a_replica_of_nothing_and_one_that_is_only_said_are_violations() {
    let mut stray = run(json!({}));
    came(&mut stray, "copy", &[]);
    let (because, _) = violated(stray.finding());
    assert_eq!(
        because,
        "in/a (v1) came to copy, and no rule takes it there"
    );
    let mut kms = run(json!({}));
    let key: &'static str = Box::leak(key_arn("eu-west-1").into_boxed_str());
    wrote(&mut kms, &[("encryption", key)]);
    came(&mut kms, "copy", &[("encryption", key)]);
    violated(kms.finding());
    let mut said = run(json!({}));
    wrote(&mut said, &[]);
    ended(&mut said, "copy", "COMPLETED", "");
    let (because, _) = violated(said.finding());
    assert!(
        because.contains("no replica was written in copy"),
        "{because}"
    );
}

#[test]
fn a_reason_needs_its_cause() {
    let end = |run: &mut Doctored, reason: &str| {
        wrote(run, &[]);
        for to in ["copy", "other"] {
            let reason = if to == "copy" {
                reason
            } else {
                "SrcObjectNotEligible"
            };
            ended(run, to, "FAILED", reason);
        }
    };
    let mut wrong = run(json!({}));
    end(&mut wrong, "DstPutObjectNotPermitted");
    let (because, _) = violated(wrong.finding());
    assert_eq!(
        because,
        "in/a of photos FAILED with DstPutObjectNotPermitted, and nothing was refused at the destination"
    );
    let mut right = run(json!({}));
    audit(&mut right, "PutObject", "AccessDenied", json!({}));
    end(&mut right, "DstPutObjectNotPermitted");
    right.holds(2);
    let mut gone = run(json!({}));
    audit(&mut gone, "DeleteBucket", "", json!({ "bucket": "copy" }));
    end(&mut gone, "DstBucketNotFound");
    gone.holds(2);
    let mut unheard = run(json!({}));
    end(&mut unheard, "DstSomething");
    let (because, _) = violated(unheard.finding());
    assert!(because.ends_with("nobody knows this reason"), "{because}");
}
