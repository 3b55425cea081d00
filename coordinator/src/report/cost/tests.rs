//! Bills, by the ids of the facts.

use std::collections::BTreeMap;

use faultline_proto::names::RegionName;
use serde_json::{Value, json};

use super::*;
use crate::clock::Span;
use crate::journal::Journal;
use crate::journal::Memory;

const SHOP: &str = "111111111111";
/// A month of 730 hours.
const MONTH: u64 = 730 * 3_600;

/// A journal made by hand.
#[derive(Default)]
struct Run {
    at: SimTime,
    events: Vec<(SimTime, What)>,
}

fn arn(region: &str, id: &str) -> String {
    format!("arn:aws:kms:{region}:{SHOP}:key/{id}")
}

impl Run {
    fn wait(&mut self, seconds: u64) {
        self.at = self.at + Span::secs(seconds);
    }

    fn audit(&mut self, region: &str, name: &str, more: Value) {
        let mut event = json!({ "eventSource": "kms.amazonaws.com", "eventName": name,
            "awsRegion": region, "account": SHOP, "recipientAccountId": SHOP,
            "identityType": "IAMUser" });
        for (member, value) in more.as_object().expect("members") {
            event[member] = value.clone();
        }
        let region = RegionName::new(region).expect("a Region");
        let trace = String::new();
        self.events.push((
            self.at,
            What::Audit {
                region,
                event,
                trace,
            },
        ));
    }

    fn key(&mut self, region: &str, id: &str, more: Value) {
        let mut metadata = json!({ "arn": arn(region, id), "keySpec": "SYMMETRIC_DEFAULT" });
        for (member, value) in more.as_object().expect("members") {
            metadata[member] = value.clone();
        }
        let elements = json!({ "responseElements": { "keyMetadata": metadata } });
        self.audit(region, "CreateKey", elements);
    }

    fn note(&mut self, region: &str, id: &str, note: &str, field: (&str, &str)) {
        let fields = BTreeMap::from([
            ("key".to_owned(), arn(region, id)),
            (field.0.to_owned(), field.1.to_owned()),
        ]);
        let region = RegionName::new(region).expect("a Region");
        let (note, trace) = (note.to_owned(), String::new());
        self.events.push((
            self.at,
            What::Note {
                region,
                note,
                fields,
                trace,
            },
        ));
    }

    fn bill(mut self) -> Bill {
        self.events.push((self.at, What::SetUpDone));
        let memory = Memory::default();
        let mut journal = Journal::new().heard_by(memory.clone());
        for (at, what) in self.events {
            journal.record(at, what);
        }
        let mut ledger = Ledger::default();
        memory.with(|events| events.iter().for_each(|event| ledger.take(event)));
        ledger.bill()
    }
}

const DOLLAR: u64 = 1_000_000_000;

fn requests(count: u64, cost: u64) -> Requests {
    Requests { count, cost }
}

#[test]
fn k_247_k_367_each_member_of_a_set_is_a_dollar_a_month() {
    let mut run = Run::default();
    run.key("eu-west-1", "mrk-1", json!({}));
    let replica = json!({ "multiRegionConfiguration": { "multiRegionKeyType": "REPLICA" } });
    run.key("us-east-1", "mrk-1", replica);
    run.wait(MONTH / 2);
    let bill = run.bill();
    assert_eq!((bill.a_month(), bill.places.len()), (2 * DOLLAR, 2));
    let place = &bill.places[1];
    assert_eq!(
        (place.region.as_str(), place.keys, place.replicas),
        ("us-east-1", 1, 1)
    );
    assert_eq!(place.so_far, DOLLAR / 2, "by the hour");
}

#[test]
fn k_248_the_first_two_rotations_add_a_dollar_each() {
    let mut run = Run::default();
    run.key("eu-west-1", "a", json!({}));
    for (materials, shares) in [("1", 1), ("1,2", 2), ("1,2,3", 3), ("1,2,3,4", 3)] {
        run.note("eu-west-1", "a", "key_material", ("materials", materials));
        let events = Run {
            at: run.at,
            events: run.events.clone(),
        };
        assert_eq!(events.bill().a_month(), shares * DOLLAR, "{materials}");
        run.wait(MONTH);
    }
    let bill = run.bill();
    assert_eq!(bill.places[0].so_far, (1 + 2 + 3 + 3) * DOLLAR);
    assert_eq!(bill.places[0].rotations, 3);
}

#[test]
fn k_249_requests_are_counted_for_the_account_in_all_regions() {
    let mut run = Run::default();
    for _ in 0..15_000 {
        run.audit("eu-west-1", "Decrypt", json!({}));
        run.audit(
            "us-east-1",
            "Decrypt",
            json!({ "invokedBy": "s3.amazonaws.com" }),
        );
    }
    let bill = run.bill();
    assert_eq!(
        bill.requests(),
        requests(30_000, 30_000_000),
        "20,000 are free, 10,000 cost 3 cents"
    );
}

#[test]
fn k_249_asymmetric_keys_and_pairs_have_prices_of_their_own() {
    let mut run = Run::default();
    run.key("eu-west-1", "ec", json!({ "keySpec": "ECC_NIST_P256" }));
    run.key("eu-west-1", "rsa", json!({ "keySpec": "RSA_2048" }));
    run.key("eu-west-1", "mac", json!({ "keySpec": "HMAC_256" }));
    for key in ["ec", "rsa", "mac"] {
        run.audit(
            "eu-west-1",
            "Sign",
            json!({ "resources": [arn("eu-west-1", key)] }),
        );
    }
    let pair = json!({ "requestParameters": { "keyPairSpec": "RSA_2048" } });
    run.audit("eu-west-1", "GenerateDataKeyPair", pair);
    let bill = run.bill();
    let kinds = &bill.accounts[SHOP];
    assert_eq!(
        kinds[&RequestKind::Standard],
        requests(5, 0),
        "three births and two cheap signatures"
    );
    assert_eq!(kinds[&RequestKind::Asymmetric], requests(1, 15_000));
    assert_eq!(kinds[&RequestKind::PairsRsa], requests(1, 1_200_000));
}

#[test]
fn k_250_a_scheduled_key_is_free_unless_the_deletion_is_cancelled() {
    for (end, so_far, a_month) in [
        ("Deleted", 1, 0),
        ("PendingDeletion", 1, 0),
        ("Disabled", 2, 1),
    ] {
        let mut run = Run::default();
        run.key("eu-west-1", "a", json!({}));
        run.wait(MONTH);
        run.note("eu-west-1", "a", "key_state", ("state", "PendingDeletion"));
        run.wait(MONTH);
        run.note("eu-west-1", "a", "key_state", ("state", end));
        let bill = run.bill();
        assert_eq!(
            (bill.so_far(), bill.a_month()),
            (so_far * DOLLAR, a_month * DOLLAR),
            "{end}"
        );
    }
}

#[test]
fn what_is_no_request_of_a_customer_is_not_counted() {
    let mut run = Run::default();
    run.key("eu-west-1", "aws", json!({ "keyManager": "AWS" }));
    run.audit("eu-west-1", "DeleteKey", json!({ "identityType": "" }));
    run.audit(
        "eu-west-1",
        "Decrypt",
        json!({ "recipientAccountId": "222222222222" }),
    );
    run.audit(
        "eu-west-1",
        "Decrypt",
        json!({ "errorCode": "ThrottlingException" }),
    );
    run.audit(
        "us-east-1",
        "UpdatePrimaryRegion",
        json!({ "invokedBy": "kms.amazonaws.com" }),
    );
    run.audit(
        "eu-west-1",
        "PutObject",
        json!({ "eventSource": "s3.amazonaws.com" }),
    );
    let bill = run.bill();
    assert_eq!(
        (bill.requests().count, bill.a_month()),
        (1, 0),
        "the CreateKey of the AWS managed key"
    );
}

#[test]
fn the_report_says_its_prices_day_and_adds_up() {
    let mut run = Run::default();
    run.key("eu-west-1", "a", json!({}));
    run.wait(MONTH);
    let bill = run.bill();
    let text = table(std::slice::from_ref(&bill));
    assert!(text.contains("prices of 2026-10-01"), "{text}");
    assert!(text.contains("111111111111 eu-west-1           1         0          0          1      $1.00      $1.00"), "{text}");
    assert!(
        text.ends_with("together $1.00, and $1.00 a month for keys\n"),
        "{text}"
    );
    let document = document(&[bill]);
    assert_eq!(document["as_of"], "2026-10-01");
    assert_eq!(document["runs"][0]["places"][0]["run_nano_usd"], DOLLAR);
    assert_eq!(
        document["runs"][0]["accounts"][SHOP]["standard"],
        json!({ "count": 1, "nano_usd": 0 })
    );
}
