//! Doctored journals: what must hold, and what must not.

use serde_json::{Value, json};

use crate::oracles::testing::{ACCOUNT, Doctored, key_arn, unknown, violated};

const PARTNER: &str = "222222222222";
const HERE: &str = "eu-west-1";

fn run() -> Doctored {
    Doctored::new("audit_complete", json!({}))
}

/// An event of the call `call-1` by `app`.
fn event(name: &str) -> Value {
    json!({ "eventName": name, "call": "call-1", "eventID": format!("id of {name}"),
        "eventSource": "s3.amazonaws.com", "awsRegion": HERE, "requestID": "r1",
        "identityType": "IAMUser", "principal": format!("arn:aws:iam::{ACCOUNT}:user/app"),
        "account": ACCOUNT, "recipientAccountId": ACCOUNT })
}

fn with(mut event: Value, members: Value) -> Value {
    for (name, value) in members.as_object().expect("members") {
        event[name] = value.clone();
    }
    event
}

/// What is in the trails of a put that S3 encrypts under a key of the partner.
fn put() -> Vec<Value> {
    let key = key_arn(HERE).replace(ACCOUNT, PARTNER);
    let asked = with(
        event("GenerateDataKey"),
        json!({ "eventSource": "kms.amazonaws.com", "invokedBy": "s3.amazonaws.com",
            "resources": [key], "sharedEventID": "shared" }),
    );
    let copy = with(
        asked.clone(),
        json!({ "eventID": "copy", "recipientAccountId": PARTNER, "identityType": "AWSAccount" }),
    );
    vec![asked, copy, event("PutObject")]
}

/// Plays the put with these lines of the trail; the key is used once.
fn played(lines: Vec<Value>, code: &str) -> Doctored {
    let mut run = run();
    run.sent("s3.PutObject", json!({}));
    let key = key_arn(HERE).replace(ACCOUNT, PARTNER);
    let used = [
        ("call", "call-1"),
        ("operation", "GenerateDataKey"),
        ("key", &key),
        ("via", "s3.eu-west-1.amazonaws.com"),
    ];
    run.note(HERE, "key_used", &used);
    for line in lines {
        run.audit(line);
    }
    run.answered("s3.PutObject", code);
    run
}

#[test]
fn k_263_a_call_with_its_events_and_their_copies_holds() {
    played(put(), "").holds(1);
}

#[test]
fn k_264_a_refused_call_is_in_the_callers_trail_with_its_error() {
    let mut lines = put();
    lines[2]["errorCode"] = "AccessDenied".into();
    played(lines.clone(), "AccessDeniedException").holds(1);
    lines[1]["errorCode"] = "AccessDenied".into();
    let (because, _) = violated(played(lines, "AccessDenied").finding());
    assert!(
        because.contains("the owner of the resource sees it"),
        "{because}"
    );
}

/// Each way to doctor the trail of an honest put, and what is said of it.
#[test]
fn every_doctored_trail_is_found() {
    type Doctor = fn(&mut Vec<Value>);
    let cases: [(&str, Doctor); 15] = [
        ("is in no trail", |lines| drop(lines.remove(2))),
        ("2 times in the trail", |lines| {
            lines.push(with(event("PutObject"), json!({ "eventID": "again" })));
        }),
        ("have the id", |lines| lines[2]["eventID"] = "copy".into()),
        ("says that it was in us-east-1", |lines| {
            lines[2]["awsRegion"] = "us-east-1".into();
        }),
        ("and the trail says AccessDenied", |lines| {
            lines[2]["errorCode"] = "AccessDenied".into();
        }),
        ("the trail says by arn", |lines| {
            lines[2]["principal"] = format!("arn:aws:iam::{ACCOUNT}:user/eve").into();
        }),
        ("nobody made such a call", |lines| {
            lines.push(with(
                event("GetObject"),
                json!({ "call": "call-9", "eventID": "x" }),
            ));
        }),
        ("does not say by which", |lines| {
            lines[0]["invokedBy"] = "".into();
            lines[1]["invokedBy"] = "".into();
        }),
        ("and no trail has it", |lines| drop(lines.drain(..2))),
        ("whose trail does not have it", |lines| {
            drop(lines.remove(1))
        }),
        ("no caller's trail has it", |lines| {
            lines[0]["sharedEventID"] = "another".into();
            lines[0]["resources"] = json!([key_arn(HERE)]);
            lines[0]["eventSource"] = "s3.amazonaws.com".into();
        }),
        ("tells of something else", |lines| {
            lines[1]["requestID"] = "r2".into()
        }),
        ("and has no shared id", |lines| {
            lines[0]["sharedEventID"] = "".into();
            lines.remove(1);
        }),
        ("twice in an owner's trail", |lines| {
            let again = with(lines[1].clone(), json!({ "eventID": "third" }));
            lines.push(again);
        }),
        ("which nobody used for it", |lines| {
            let decrypted = json!({ "eventName": "Decrypt", "eventID": "made up", "sharedEventID": "" ,
                "resources": [key_arn(HERE)] });
            let made_up = with(lines[0].clone(), decrypted);
            lines.push(made_up);
        }),
    ];
    for (words, doctor) in cases {
        let mut lines = put();
        doctor(&mut lines);
        let (because, at) = violated(played(lines, "").finding());
        assert!(because.contains(words), "wanted '{words}', got: {because}");
        assert!(!at.is_empty(), "{words}");
    }
}

#[test]
fn a_session_speaks_for_its_role_and_a_question_abroad_for_its_call() {
    let mut run = run();
    run.sent("kms.UpdatePrimaryRegion", json!({}));
    let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/app/work");
    run.audit(with(
        event("UpdatePrimaryRegion"),
        json!({ "principal": session }),
    ));
    let abroad =
        json!({ "call": "call-1@eu-west-1", "eventID": "2", "invokedBy": "kms.amazonaws.com" });
    run.audit(with(event("UpdatePrimaryRegion"), abroad));
    run.answered("kms.UpdatePrimaryRegion", "");
    let (because, _) = violated(run.finding());
    assert!(
        because.contains("the trail says by"),
        "a user is no role: {because}"
    );
    assert!(super::speaks_for(
        &format!("arn:aws:iam::{ACCOUNT}:role/team/app"),
        &session
    ));
}

#[test]
fn k_272_what_a_service_does_by_itself_needs_no_call() {
    let mut run = run();
    run.sent("kms.DescribeKey", json!({}));
    run.audit(
        json!({ "eventName": "DeleteKey", "call": "-", "eventID": "1",
        "invokedBy": "AWS Internal", "account": ACCOUNT, "recipientAccountId": ACCOUNT,
        "eventSource": "kms.amazonaws.com", "resources": [key_arn(HERE)] }),
    );
    run.audit(event("DescribeKey"));
    run.answered("kms.DescribeKey", "");
    run.holds(1);
}

#[test]
fn it_looks_at_one_account_when_told_to() {
    let mut run = Doctored::new("audit_complete", json!({ "account": PARTNER }));
    run.sent("kms.Encrypt", json!({}));
    run.answered("kms.Encrypt", "");
    unknown(run.finding());
}

#[test]
fn calls_that_nobody_answered_or_nobody_owns_leave_it_unknown() {
    let mut run = run();
    run.sent("kms.Encrypt", json!({}));
    unknown(run.finding());
    run.answered("kms.Encrypt", "UnrecognizedClientException");
    unknown(run.finding());
}
