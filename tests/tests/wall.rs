//! Nodes never see what a client sealed. That they could not open it is the compiler's
//! matter (`layers.rs`); here all bytes are searched that a node is asked, answers, sends to
//! its peers and keeps, without any code of the oracles that claim the same.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline::cli::jobs::{Job, Seeds};
use faultline::journal::event::Judgement;
use faultline::transport::{self, Loopback, Transport};
use faultline_tests::overheard::Overheard;
use faultline_tests::runs::Ran;
use faultline_tests::{runs, shipped};
use prost::Message as _;

const CARD: &str = "4242-4242-4242-4242-wall";

/// A scenario in which `verb` puts an item with the card.
fn scenario(verb: &str, oracle: &str) -> String {
    format!(
        r#"scenario: 1
title: A card behind a wall
seed: 5
world:
  regions: [eu-west-1, us-east-1]
  accounts: {{ shop: "111111111111" }}
  principals:
    app: {{ account: shop, allow: ["kms:*", "dynamodb:*"] }}
  keys:
    orders-mrk: {{ account: shop, multi_region: true, primary: eu-west-1, replicas: [us-east-1] }}
  tables:
    orders: {{ account: shop, replicas: [eu-west-1, us-east-1], partition_key: id }}
  sealed_clients:
    orders:
      keyring: {{ kms_mrk: orders-mrk }}
      attributes: {{ id: sign_only, card: encrypt_and_sign }}
defaults: {{ as: app }}
steps:
  - in: eu-west-1
    {verb}: {{ table_name: orders, item: {{ id: one, card: "{CARD}" }} }}
  - in: us-east-1
    dynamodb.get_item: {{ table_name: orders, key: {{ id: one }} }}
    within: 10s
    expect: {{ item: {{ id: one }} }}
always:
  - {oracle}: {{ values: ["{CARD}"] }}
"#
    )
}

fn job(folder: &Path, verb: &str, oracle: &str) -> Job {
    let file = folder.join("wall.yaml");
    std::fs::write(&file, scenario(verb, oracle)).expect("it is written");
    shipped::of(&file, Seeds::OfTheFile).remove(0)
}

/// Where the card was found, and how often.
type Found = BTreeMap<&'static str, u64>;

/// The card as it is, and as base64 and hex have it.
fn forms() -> Vec<Vec<u8>> {
    let hex = hex::encode(CARD);
    // Three ways to stand in base64, without the ends that depend on the neighbours.
    let base64 = (0..3).map(|skip| {
        let text = STANDARD.encode([&b"xyz"[..skip], CARD.as_bytes()].concat());
        text.as_bytes()[4..text.len() - 4].to_owned()
    });
    base64
        .chain([CARD.into(), hex.to_uppercase().into(), hex.into()])
        .collect()
}

fn holds(bytes: &[u8], forms: &[Vec<u8>]) -> bool {
    let found = |form: &Vec<u8>| bytes.windows(form.len()).any(|window| window == form);
    forms.iter().any(found)
}

fn search<T: Transport + 'static>(job: &Job, inner: T) -> (Ran, Found) {
    let found = Rc::new(RefCell::new(Found::new()));
    let finds = Rc::clone(&found);
    let forms = forms();
    let transport = Overheard {
        inner,
        ear: move |_: &_,
                   step: &faultline_proto::driving::Step,
                   reply: Option<&faultline_proto::driving::Reply>| {
            let mut finds = finds.borrow_mut();
            let mut look = |place, bytes: &[u8]| {
                let count: &mut u64 = finds.entry(place).or_default();
                *count += u64::from(holds(bytes, &forms));
            };
            look("steps", &step.encode_to_vec());
            if let Some(reply) = reply {
                look("replies", &reply.encode_to_vec());
                for envelope in &reply.outbox {
                    look("envelopes", &envelope.encode_to_vec());
                }
            }
        },
    };
    let ran = runs::over(job, Box::new(transport)).expect("the machinery works");
    let found = found.borrow().clone();
    (ran, found)
}

/// Whether the card stands in any file below a folder.
fn on_disk(folder: &Path, forms: &[Vec<u8>]) -> bool {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries.into_iter().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            on_disk(&path, forms)
        } else {
            holds(&std::fs::read(path).expect("a file"), forms)
        }
    })
}

#[test]
fn what_a_client_seals_is_in_no_byte_that_a_node_sees() {
    let folder = tempfile::tempdir().expect("a folder");
    let job = job(folder.path(), "sealed.put_item", "node_never_sees");
    let (ran, found) = search(&job, Loopback::new());
    assert_eq!(
        ran.outcome.judgement,
        Judgement::Pass,
        "{}",
        ran.outcome.because
    );
    let nothing = Found::from([("steps", 0), ("replies", 0), ("envelopes", 0)]);
    assert_eq!(found, nothing);
}

#[test]
fn and_on_no_disk_of_a_node() {
    let folder = tempfile::tempdir().expect("a folder");
    let stores = tempfile::tempdir().expect("a folder");
    let job = job(folder.path(), "sealed.put_item", "no_plaintext_at_rest");
    let nodes = transport::embedded(stores.path()).expect("a runtime");
    let ran = runs::over(&job, nodes).expect("the machinery works");
    assert_eq!(
        ran.outcome.judgement,
        Judgement::Pass,
        "{}",
        ran.outcome.because
    );
    assert!(!on_disk(stores.path(), &forms()));
}

#[test]
fn what_a_client_does_not_seal_is_found_by_the_search_and_by_the_oracle() {
    let folder = tempfile::tempdir().expect("a folder");
    let job = job(folder.path(), "dynamodb.put_item", "node_never_sees");
    let (ran, found) = search(&job, Loopback::new());
    assert!(found["steps"] > 0 && found["replies"] > 0, "{found:?}");
    assert_eq!(found["envelopes"], 0, "links are sealed");
    assert_eq!(ran.outcome.judgement, Judgement::Fail);
    assert!(
        ran.outcome.because.starts_with("node_never_sees"),
        "{}",
        ran.outcome.because
    );
}
