//! Requests that are made to hurt, from the definitions' own tables: every operation, members
//! missing, of the wrong length or type, huge, odd, or almost right.
//!
//! Whatever is asked, a Region does not panic, it answers, and with a code that the operation
//! lists or that any service may give; and what it refuses leaves no trace but in the trail.
//! Seeds are fixed; a finding names operation, seed and number, and so can be made again.

use std::collections::BTreeMap;

use faultline::scenario::vocabulary::verbs::COMMON_CODES;
use faultline_node::StoreChoice;
use faultline_node::config::MAX_MESSAGE;
use faultline_node::store::Shelf;
use faultline_proto::driving::step::Input;
use faultline_proto::driving::{Look, completed::Outcome};
use faultline_proto::kms::CreateKeyResponse;
use faultline_proto::registry::operations;
use faultline_proto::tables::{Card, FieldDef, Kind, MessageDef, OperationDef};
use faultline_tests::Findings;
use faultline_tests::driven::Driven;
use prost::Message as _;
use serde_json::{Value, json};

const SEEDS: [u64; 2] = [1, 20_260_101];
/// Requests for each operation and seed.
const EACH: u64 = 24;
/// What a refusal may change: the trail, and where the Region's counts stand.
const KEPT: &[&str] = &["cloudtrail.", "core.head", "store."];

/// Codes beside those that an operation's definition lists and [`COMMON_CODES`]: what cannot be
/// decoded has one code everywhere; the models of S3 and EC2 list few errors or none, and name
/// these for the whole service.
fn of_service(service: &str) -> &'static [&'static str] {
    match service {
        "s3" => &[
            "SerializationException",
            // HEAD has no document: the status is all that is said.
            "400",
            "403",
            "404",
            "IllegalLocationConstraintException",
            "InvalidArgument",
            "InvalidBucketName",
            "MalformedXML",
            "NoSuchBucket",
        ],
        "s3control" => &[
            "SerializationException",
            "InvalidArgument",
            "MalformedXML",
            "NoSuchBucket",
        ],
        "ec2" => &[
            "SerializationException",
            "DryRunOperation",
            "InvalidAMIID.Malformed",
            "InvalidAMIName.Duplicate",
            "InvalidInstanceID.Malformed",
            "InvalidParameterDependency",
            "InvalidParameterValue",
            "InvalidSnapshotID.Malformed",
            "InvalidVolumeID.Malformed",
            "MissingParameter",
        ],
        _ => &["SerializationException"],
    }
}

/// SplitMix64: small, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let at = self.below(of.len() as u64);
        of[usize::try_from(at).expect("small")]
    }
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).expect("seven bits") | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).expect("seven bits"));
}

fn delimited(tag: u32, bytes: &[u8], out: &mut Vec<u8>) {
    varint(u64::from(tag) << 3 | 2, out);
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn text(chance: &mut Chance, field: &FieldDef, known: &[String]) -> String {
    let shape = field.shape;
    if !shape.values.is_empty() && chance.below(3) > 0 {
        return chance.pick(shape.values).to_owned();
    }
    let length = |chance: &mut Chance| {
        let most = shape.max_length.unwrap_or(64).min(8_192);
        let least = shape.min_length.unwrap_or(0);
        chance.pick(&[0, 1, least.saturating_sub(1), least, most, most + 1])
    };
    match chance.below(9) {
        0 => String::new(),
        1 => "x".repeat(usize::try_from(length(chance)).expect("small")),
        2 => "\u{202e}\u{0}\u{feff}e\u{301}\u{10ffff}".to_owned(),
        3 => "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":1}]}".to_owned(),
        4 => "arn:aws:kms:eu-west-1:111111111111:key/../*".to_owned(),
        5 => "y".repeat(70_000),
        6 => "-1e999".to_owned(),
        _ if !known.is_empty() => {
            let at = usize::try_from(chance.below(known.len() as u64)).expect("small");
            known[at].clone()
        }
        _ => "plain".to_owned(),
    }
}

fn value(chance: &mut Chance, field: &FieldDef, tag: u32, depth: u32, known: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    match field.kind {
        Kind::Str => delimited(tag, text(chance, field, known).as_bytes(), &mut out),
        Kind::Bytes => {
            let most = field.shape.max_length.unwrap_or(64).min(70_000);
            let length = chance.pick(&[0, 1, 16, 32, most, most + 1]);
            let byte = u8::try_from(chance.below(256)).expect("a byte");
            delimited(
                tag,
                &vec![byte; usize::try_from(length).expect("small")],
                &mut out,
            );
        }
        Kind::Bool | Kind::I32 | Kind::I64 | Kind::Timestamp => {
            varint(u64::from(tag) << 3, &mut out);
            let least = field.shape.min.unwrap_or(0).cast_unsigned();
            let most = field.shape.max.unwrap_or(1_000).cast_unsigned();
            let number = chance.pick(&[
                0,
                1,
                least,
                least.wrapping_sub(1),
                most,
                most + 1,
                u64::MAX,
                i64::MAX.cast_unsigned(),
                i64::MIN.cast_unsigned(),
                1 << 31,
            ]);
            varint(number, &mut out);
        }
        Kind::F64 => {
            varint(u64::from(tag) << 3 | 1, &mut out);
            let number = chance.pick(&[0.0, -1.0, f64::NAN, f64::INFINITY, 1e308]);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Kind::Message(def) => {
            let inner = if depth == 0 {
                Vec::new()
            } else {
                message(chance, def, depth - 1, known)
            };
            delimited(tag, &inner, &mut out);
        }
    }
    out
}

fn message(chance: &mut Chance, def: &MessageDef, depth: u32, known: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    for field in def.fields {
        // Most of the required members, fewer of the others.
        let present = if field.shape.required {
            chance.below(12) > 0
        } else {
            chance.below(4) == 0
        };
        if !present || field.shape.body {
            continue;
        }
        // Now and then something of another type stands where the member should.
        if chance.below(60) == 0 {
            varint(u64::from(field.tag) << 3 | chance.pick(&[0, 2]), &mut out);
            varint(chance.below(3), &mut out);
            continue;
        }
        match field.card {
            Card::One => out.extend(value(chance, field, field.tag, depth, known)),
            Card::List => {
                for _ in 0..chance.pick(&[0, 1, 1, 2, 120]) {
                    out.extend(value(chance, field, field.tag, depth, known));
                }
            }
            Card::Map => {
                for _ in 0..chance.pick(&[0, 1, 2]) {
                    let mut entry = Vec::new();
                    delimited(1, text(chance, field, known).as_bytes(), &mut entry);
                    entry.extend(value(chance, field, 2, depth, known));
                    delimited(field.tag, &entry, &mut out);
                }
            }
        }
    }
    out
}

async fn look(driven: &mut Driven, arguments: Value) -> Value {
    let look = Look {
        what: "state".to_owned(),
        arguments: arguments.to_string(),
    };
    let reply = driven.step(Input::Look(look)).await.expect("it answers");
    serde_json::from_str(&reply.look).expect("JSON")
}

/// A digest of each keyspace's rows, without those that a refusal may add to.
async fn rows(driven: &mut Driven) -> BTreeMap<String, String> {
    let seen = look(driven, json!({})).await;
    let names = seen["rows"].as_object().expect("rows by keyspace").clone();
    let mut digests = BTreeMap::new();
    for name in names.keys() {
        if !KEPT.iter().any(|kept| name.starts_with(kept)) {
            let of = look(driven, json!({ "keyspace": name })).await;
            digests.insert(name.clone(), of["digest"].to_string());
        }
    }
    digests
}

/// A world with one key, and texts that mean something in it.
async fn furnished() -> (Driven, Vec<String>) {
    let mut driven = Driven::new(StoreChoice::Memory(Shelf::default())).await;
    let made = driven.call("kms.CreateKey", &[]).await;
    let done = made.expect("a key is made").completed.remove(0);
    let Some(Outcome::Success(success)) = done.outcome else {
        panic!("a key is made: {:?}", done.outcome)
    };
    let made = CreateKeyResponse::decode(success.response.as_slice()).expect("it decodes");
    let arn = made.key_metadata.and_then(|key| key.arn).expect("an ARN");
    let own = ["111111111111", "us-east-1", "alias/plain", "plain", "{}"];
    let known = own.iter().map(|text| (*text).to_owned());
    (driven, known.chain([arn]).collect())
}

async fn torment(operation: &OperationDef, seed: u64, findings: &mut Findings) {
    let (mut driven, known) = furnished().await;
    let salt = operation.id.bytes();
    let mut chance = Chance(salt.fold(seed, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(byte))
    }));
    let mut before = rows(&mut driven).await;
    for number in 0..EACH {
        let request = message(&mut chance, operation.input, 3, &known);
        // What is larger than a message cannot be sent at all.
        if request.len() > MAX_MESSAGE / 2 {
            continue;
        }
        let what = format!("{} seed {seed} request {number}", operation.id);
        let reply = match driven.call(operation.id, &request).await {
            Ok(reply) => reply,
            Err(status) => {
                findings.add(format!("{what}: {status}"));
                return;
            }
        };
        let done = reply.completed.into_iter().next();
        let outcome = done.and_then(|done| done.outcome);
        let after = rows(&mut driven).await;
        // What asks another Region, or waits for a body, has no outcome yet.
        if let Some(Outcome::Failure(failure)) = outcome {
            let code = failure.code.as_str();
            let listed = [
                operation.errors,
                COMMON_CODES,
                of_service(operation.service),
            ]
            .iter()
            .any(|codes| codes.contains(&code));
            findings.check(listed, || {
                let words: String = failure.message.chars().take(120).collect();
                format!("{what}: {code} is not listed: {words}")
            });
            findings.check(before == after, || {
                format!("{what}: {code} left {after:?}, before {before:?}")
            });
        }
        before = after;
    }
}

#[test]
fn hostile_requests_are_answered_with_known_codes_and_leave_no_trace() {
    let all: Vec<_> = SEEDS
        .into_iter()
        .flat_map(|seed| operations().map(move |operation| (operation, seed)))
        .collect();
    let findings = Findings::over(&all, |(operation, seed), findings| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime
            .expect("a runtime")
            .block_on(torment(operation, *seed, findings));
    });
    findings.assert_none();
}
