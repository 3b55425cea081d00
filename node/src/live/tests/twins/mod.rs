//! Entrances are equal: twin Regions, with the same seed and the same clock, get the same calls
//! in the same order, one over AWS's wire and one over typed gRPC. Whatever they say must be the
//! same: every value of an answer, codes, messages, status and headers.
//!
//! Calls are made from the tables of all operations, so that services which come later are
//! compared without a line here. What one call answered is asked for by later ones.
//!
//! It takes seconds, for it asks every operation several times at both twins. With 120 calls of
//! each (26,000 calls) nothing differed either.
//!
//! Left out: what an entrance judges alone, before there is a call (checksums of bodies).

mod entrances;
mod make;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use faultline_proto::codec::{self, Encoded, Face};
use faultline_proto::names::RegionName;
use faultline_proto::registry::{self, SERVICES};
use faultline_proto::tables::{Kind, OperationDef, Protocol, ServiceDef};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::gateway::limits::Limits;
use crate::gateway::sigv4::http_date;
use crate::gateway::{Gateway, GatewayConfig};
use crate::live::actor::LiveActor;
use crate::live::aws::AwsRoute;
use crate::live::clock::LiveClock;
use crate::live::intake::Intake;
use crate::live::{Handle, LiveStart};
use crate::store::Shelf;
use entrances::{Grpc, Said, Wire};
use make::Maker;

/// Calls of each operation.
const EACH: usize = 5;
/// When it begins: microseconds since 1970.
const BEGIN: u64 = 1_800_000_000_000_000;
/// What passes between two calls, microseconds.
const BETWEEN: u64 = 100_000;
/// S3 Control's paths are not routed by the gateway yet.
const NOT_ON_THE_WIRE: [&str; 1] = ["s3control"];

/// One call, as both entrances make it.
struct Case {
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    asked: Value,
    body: Vec<u8>,
    message: Vec<u8>,
}

/// A Region and the clock that it shares with its twin.
fn region(
    told: &LiveStart,
    now: &Arc<AtomicU64>,
) -> (LiveActor<impl faultline_region::store::Store>, Handle) {
    let store = Shelf::default().take(&told.region).expect("a store");
    let (outbox, _posts) = mpsc::channel(16);
    let mut start = told.input().expect("random bytes");
    start.seed = vec![42; 32];
    let clock = LiveClock::fixed(Arc::clone(now));
    LiveActor::begin(store, told, start, |_| clock, outbox).expect("a Region")
}

/// Two Regions take a step each, which brings what is due, until they have made equally many.
async fn in_step(one: &Handle, other: &Handle) {
    for handle in [one, other] {
        handle.set_faults(Vec::new()).await.expect("it lives");
    }
    loop {
        let steps = |it: &Handle| it.shared.steps.load(Ordering::Relaxed);
        let (left, right) = (steps(one), steps(other));
        let behind = match left.cmp(&right) {
            std::cmp::Ordering::Equal => return,
            std::cmp::Ordering::Less => one,
            std::cmp::Ordering::Greater => other,
        };
        behind.set_faults(Vec::new()).await.expect("it lives");
    }
}

/// What came of all calls.
#[derive(Default)]
struct Tally {
    answered: BTreeMap<&'static str, u64>,
    refused: BTreeMap<&'static str, u64>,
    different: Vec<String>,
}

async fn compare(wire: &Wire, grpc: &Grpc, now: &AtomicU64) -> Tally {
    let mut maker = Maker::new(20_260_101);
    let mut tally = Tally::default();
    for (id, asked, body) in first() {
        let operation = registry::find_operation(id).expect("it is built");
        let case = case(operation, asked, body.as_bytes().to_vec()).expect("it is a request");
        let said = one(wire, grpc, now, &case, &mut tally).await;
        assert!(matches!(said, Said::Answered { .. }), "{id}: {said:?}");
        maker.learn(&case.asked);
        maker.learn(&said.value());
        // Tables and volumes take their time.
        now.fetch_add(60_000_000, Ordering::Relaxed);
    }
    for turn in 0..EACH {
        for operation in order() {
            let asked = maker.request(operation, turn);
            let body = if turn == 0 {
                Vec::new()
            } else {
                b"waves".to_vec()
            };
            let Some(case) = case(operation, asked, body) else {
                continue;
            };
            let said = one(wire, grpc, now, &case, &mut tally).await;
            if let Said::Answered { .. } = said {
                maker.learn(&case.asked);
                maker.learn(&said.value());
            }
        }
    }
    tally
}

async fn one(wire: &Wire, grpc: &Grpc, now: &AtomicU64, case: &Case, tally: &mut Tally) -> Said {
    now.fetch_add(BETWEEN, Ordering::Relaxed);
    in_step(wire.handle(), grpc.handle()).await;
    let ours = wire.ask(case).await;
    let other = grpc.ask(case).await;
    in_step(wire.handle(), grpc.handle()).await;
    if ours != other {
        tally.different.push(format!(
            "{} of {}\n  wire {ours:?}\n  gRPC {other:?}",
            case.operation.id, case.asked
        ));
    }
    let counted = match ours {
        Said::Answered { .. } => &mut tally.answered,
        Said::Refused { .. } => &mut tally.refused,
    };
    *counted.entry(case.operation.id).or_default() += 1;
    other
}

/// All operations: what makes things first, what ends them last.
fn order() -> Vec<&'static OperationDef> {
    let ends = [
        "Delete",
        "Schedule",
        "Terminate",
        "Deregister",
        "Disable",
        "Remove",
        "Detach",
    ];
    let makes = [
        "Create", "Put", "Run", "Import", "Register", "Upload", "Add", "Attach",
    ];
    let rank = |operation: &OperationDef| {
        let begins = |words: &[&str]| words.iter().any(|word| operation.name.starts_with(word));
        match (begins(&makes), begins(&ends)) {
            (true, _) => 0,
            (_, true) => 2,
            _ => 1,
        }
    };
    let mut all: Vec<_> = SERVICES
        .iter()
        .filter(|service| !NOT_ON_THE_WIRE.contains(&service.prefix))
        .flat_map(|service| service.operations)
        .collect();
    all.sort_by_key(|operation| rank(operation));
    all
}

/// The call, if its members can be said in its protocol at all.
fn case(operation: &'static OperationDef, mut asked: Value, body: Vec<u8>) -> Option<Case> {
    let service = SERVICES
        .iter()
        .find(|service| service.prefix == operation.service)?;
    let takes = codec::body_member(operation.input).is_some();
    let body = if takes { body } else { Vec::new() };
    if takes
        && operation
            .input
            .fields
            .iter()
            .any(|field| field.aws == "ContentLength")
    {
        asked["ContentLength"] = body.len().into();
    }
    let face = match service.protocol {
        Protocol::RestXml => codec::xml::FACE,
        _ => Face::AWS_JSON,
    };
    let encoded = codec::encode(operation.input, &dated(operation, &asked), face).ok()?;
    let Encoded { mut message, .. } = encoded;
    if takes {
        codec::join_body(operation.input, &mut message, &body);
    }
    Some(Case {
        service,
        operation,
        asked,
        body,
        message,
    })
}

/// Dates of headers as the tables want them.
fn dated(operation: &'static OperationDef, asked: &Value) -> Value {
    let mut asked = asked.clone();
    for field in operation.input.fields {
        if matches!(field.kind, Kind::Timestamp)
            && let Some(seconds) = asked[field.aws].as_str().and_then(http_date)
        {
            asked[field.aws] = seconds.into();
        }
    }
    asked
}

/// Things that nobody makes by chance, for the calls that follow to find.
fn first() -> Vec<(&'static str, Value, &'static str)> {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;
    vec![
        ("kms.CreateKey", json!({ "Description": "first" }), ""),
        (
            "kms.CreateKey",
            json!({ "KeyUsage": "SIGN_VERIFY", "KeySpec": "ECC_NIST_P256" }),
            "",
        ),
        ("iam.CreateUser", json!({ "UserName": "ann" }), ""),
        (
            "iam.CreateRole",
            json!({ "RoleName": "reader", "AssumeRolePolicyDocument": trust }),
            "",
        ),
        (
            "dynamodb.CreateTable",
            json!({
                "TableName": "ledger", "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
                "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
            }),
            "",
        ),
        (
            "dynamodb.PutItem",
            json!({ "TableName": "ledger", "Item": { "pk": { "S": "a" } } }),
            "",
        ),
        (
            "s3.CreateBucket",
            json!({ "Bucket": "bucket-one", "CreateBucketConfiguration": { "LocationConstraint": "eu-west-1" } }),
            "",
        ),
        (
            "s3.PutObject",
            json!({ "Bucket": "bucket-one", "Key": "a b" }),
            "waves",
        ),
        (
            "ec2.CreateVolume",
            json!({ "AvailabilityZone": "eu-west-1a", "Size": 1 }),
            "",
        ),
    ]
}

#[test]
fn twins_say_the_same_over_the_wire_and_over_grpc() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let tally = runtime.block_on(async {
        let now = Arc::new(AtomicU64::new(BEGIN));
        let told = super::told();
        let (one, wire) = region(&told, &now);
        let (other, grpc) = region(&told, &now);
        let (stop_one, one_stops) = oneshot::channel();
        let (stop_other, other_stops) = oneshot::channel();
        let limits = Limits::default();
        let route = AwsRoute {
            handle: grpc.clone(),
            tls: false,
            intake: Intake::new(&limits),
        };
        let regions: Vec<RegionName> = told.regions.clone();
        let gateway = Gateway::new(wire.clone(), GatewayConfig { regions, limits });
        let local = async {
            let tally = compare(&Wire::new(gateway, wire), &Grpc::new(route, grpc), &now).await;
            let _ = (stop_one.send(()), stop_other.send(()));
            tally
        };
        let (one, other, tally) = tokio::join!(one.run(one_stops), other.run(other_stops), local);
        one.expect("it ended well");
        other.expect("it ended well");
        tally
    });
    let answered: u64 = tally.answered.values().sum();
    let refused: u64 = tally.refused.values().sum();
    assert!(
        tally.different.is_empty(),
        "{} of {} differ:\n{}",
        tally.different.len(),
        answered + refused,
        tally.different[..tally.different.len().min(40)].join("\n")
    );
    let kinds = tally.answered.len();
    assert!(
        answered > 200 && kinds > 90,
        "only {answered} calls of {kinds} operations were answered: requests hit too little"
    );
    for operation in order() {
        let id = operation.id;
        assert!(
            tally.answered.contains_key(id) || tally.refused.contains_key(id),
            "{id} was never asked"
        );
    }
}
