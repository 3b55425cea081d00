//! Whatever bytes come over the wire or lie on the disk: no panic, no hang, and words that
//! say what is wrong. The node's own tests look at single messages; here every operation gets
//! nonsense, and the program is asked about damaged stores.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use faultline_node::StoreChoice;
use faultline_node::config::MAX_MESSAGE;
use faultline_proto::driving::step::Input;
use faultline_proto::driving::{
    Body, Call, Envelope, Fault, Look, Plant, Pull, SetFaults, Start, Step, completed::Outcome,
};
use faultline_proto::registry::operations;
use faultline_tests::driven::{Driven, REGION, outcome, start};
use faultline_tests::{Findings, program};
use tonic::Code;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}

/// Field `number` as bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).expect("seven bits"));
    out.extend_from_slice(bytes);
    out
}

/// Requests that no operation can like.
fn nonsense() -> Vec<(&'static str, Vec<u8>)> {
    let long = "x".repeat(60_000);
    let texts = |text: &[u8]| (1..=15).flat_map(|number| field(number, text)).collect();
    vec![
        ("nothing", vec![]),
        ("a cut message", vec![0x0a, 0x20, b'x']),
        ("no message", vec![0xff; 64]),
        ("an endless number", [vec![0x08], vec![0x80; 20]].concat()),
        ("a group that is never closed", vec![0x0b; 100]),
        ("texts that are no UTF-8", texts(&[0xc3, 0x28])),
        ("long texts everywhere", texts(long.as_bytes())),
        (
            "strange texts everywhere",
            texts("\u{0}/../\u{202e}arn:aws:::*\"{}".as_bytes()),
        ),
        (
            "numbers everywhere",
            (1..=15)
                .flat_map(|it: u8| vec![it << 3, 0xff, 0xff, 0x7f])
                .collect(),
        ),
    ]
}

#[test]
fn nonsense_is_refused_by_every_operation_and_the_node_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut findings = Findings::default();
    block_on(async {
        let mut driven = Driven::new(StoreChoice::Folder(folder.path().to_owned())).await;
        for operation in operations() {
            for (what, request) in nonsense() {
                if let Err(status) = driven.call(operation.id, &request).await {
                    findings.add(format!("{} with {what}: {status}", operation.id));
                    if status.code() == Code::Unavailable {
                        return;
                    }
                    driven.again().await;
                }
            }
        }
        findings.check(driven.works().await, || "the node does not work".to_owned());
    });
    findings.assert_none();
}

/// A `PutItemRequest` with a list in a list and so on.
fn nested(depth: usize) -> Vec<u8> {
    // AttributeValue.l = 8, ListAttributeValue.items = 1; lengths are known from the inside.
    let mut lengths = vec![0];
    for level in 0..2 * depth {
        let inner: usize = lengths[level];
        let digits =
            field(1, &[]).len() + usize::from(inner >= 0x80) + usize::from(inner >= 0x4000);
        lengths.push(inner + digits);
    }
    let mut value = Vec::new();
    for level in (0..2 * depth).rev() {
        value.push(if level % 2 == 1 {
            8 << 3 | 2
        } else {
            1 << 3 | 2
        });
        let mut length = lengths[level];
        while length >= 0x80 {
            value.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
            length >>= 7;
        }
        value.push(u8::try_from(length).expect("seven bits"));
    }
    let entry = [field(1, b"id"), field(2, &value)].concat();
    [field(1, b"orders"), field(2, &entry)].concat()
}

/// An attribute value inside a list inside a list, as deep as a message can hold.
#[test]
fn a_value_nested_without_end_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for depth in [40, 1_000, 20_000] {
        let request = nested(depth);
        assert!(request.len() < MAX_MESSAGE);
        block_on(async {
            let mut driven = Driven::new(StoreChoice::Folder(folder.path().join("store"))).await;
            let reply = driven.call("dynamodb.PutItem", &request).await;
            let reply = reply.unwrap_or_else(|status| panic!("depth {depth}: {status}"));
            assert!(
                !matches!(outcome(&reply), Some(Outcome::Success(_))),
                "depth {depth}: it was taken"
            );
            assert!(driven.works().await, "depth {depth}");
            driven.node.stop().await.expect("it stops");
        });
        fs::remove_dir_all(folder.path().join("store")).expect("it can be removed");
    }
}

#[test]
fn what_no_driver_sends_is_refused_and_the_node_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut findings = Findings::default();
    block_on(async {
        let mut driven = Driven::new(StoreChoice::Folder(folder.path().to_owned())).await;
        for (what, input) in strange() {
            match driven.step(input).await {
                Ok(_) => {}
                Err(status) => {
                    findings.check(status.code() == Code::InvalidArgument, || {
                        format!("{what}: {status}")
                    });
                    findings.check(status.message().len() > 15, || {
                        format!("{what}: no words: {status}")
                    });
                    if status.code() == Code::Unavailable {
                        return;
                    }
                    driven.again().await;
                }
            }
        }
        // Numbers go on: what came before was taken or refused, never both.
        let old = Step {
            id: 1,
            input: Some(Input::Tick(faultline_proto::driving::Tick {})),
            ..Step::default()
        };
        let refused = driven.send(old).await.expect_err("it was taken before");
        findings.check(refused.message().contains("already taken"), || {
            refused.to_string()
        });
        driven.again().await;
        let large = Look {
            what: "x".repeat(MAX_MESSAGE),
            arguments: String::new(),
        };
        let refused = driven
            .step(Input::Look(large))
            .await
            .expect_err("it is too large");
        findings.check(refused.code() == Code::OutOfRange, || refused.to_string());
        findings.check(
            refused.message().contains("larger than the 1048576 bytes"),
            || refused.to_string(),
        );
        driven.again().await;
        findings.check(driven.works().await, || "the node does not work".to_owned());
    });
    findings.assert_none();
}

/// Steps that a driver would not send, and a name for each.
#[expect(clippy::too_many_lines, reason = "a table of inputs")]
fn strange() -> Vec<(&'static str, Input)> {
    let envelope = |from: &str, to: &str, stream: &str, seq: u64| Envelope {
        from: from.to_owned(),
        to: to.to_owned(),
        stream: stream.to_owned(),
        seq,
        ack: u64::MAX,
        payload: vec![0xa5; 100],
        ..Envelope::default()
    };
    let look = |what: &str, arguments: &str| {
        Input::Look(Look {
            what: what.to_owned(),
            arguments: arguments.to_owned(),
        })
    };
    let plant = |what: &str, arguments: &str| {
        Input::Plant(Plant {
            what: what.to_owned(),
            arguments: arguments.to_owned(),
        })
    };
    vec![
        (
            "an envelope with a forged payload",
            Input::Deliver(envelope("us-east-1", REGION, "kms", 1)),
        ),
        (
            "an envelope from nowhere",
            Input::Deliver(envelope("mars-north-1", REGION, "kms", 1)),
        ),
        (
            "an envelope from no Region",
            Input::Deliver(envelope("", "", "", 0)),
        ),
        (
            "an envelope for another Region",
            Input::Deliver(envelope(REGION, "us-east-1", "kms", 1)),
        ),
        (
            "an envelope of an unknown stream",
            Input::Deliver(envelope("us-east-1", REGION, "tea", u64::MAX)),
        ),
        (
            "a bare acknowledgement of what was never sent",
            Input::Deliver(envelope("us-east-1", REGION, "iam", 0)),
        ),
        ("an unknown look", look("the future", "{}")),
        ("a look without JSON", look("stored_item", "{{{{")),
        (
            "a look with JSON nested without end",
            look("stored_item", &"[".repeat(100_000)),
        ),
        ("a look at nothing", look("", "null")),
        ("an unknown plant", plant("a tree", "{}")),
        ("a plant without JSON", plant("volume_content", "]")),
        (
            "a plant with wrong arguments",
            plant("key_policy", r#"{"key": 7, "policy": []}"#),
        ),
        (
            "a chunk of no call",
            Input::Body(Body {
                call: "none".to_owned(),
                index: 9,
                last: true,
                ..Body::default()
            }),
        ),
        (
            "a pull of no call",
            Input::Pull(Pull {
                call: "none".to_owned(),
                from_index: u64::MAX,
                credit: u64::MAX,
            }),
        ),
        (
            "an operation that does not exist",
            Input::Call(Call {
                id: "a".to_owned(),
                operation: "tea.Brew".to_owned(),
                ..Call::default()
            }),
        ),
        (
            "a call of nobody",
            Input::Call(Call {
                id: "b".to_owned(),
                operation: "kms.ListKeys".to_owned(),
                ..Call::default()
            }),
        ),
        (
            "a call without an id",
            Input::Call(Call {
                operation: "kms.ListKeys".to_owned(),
                ..Call::default()
            }),
        ),
        (
            "a body of impossible length",
            Input::Call(Call {
                id: "c".to_owned(),
                operation: "s3.PutObject".to_owned(),
                has_body: true,
                body_length: u64::MAX,
                ..Call::default()
            }),
        ),
        (
            "a fault without effect",
            Input::SetFaults(SetFaults {
                faults: vec![Fault::default()],
            }),
        ),
        ("no faults again", Input::SetFaults(SetFaults::default())),
        (
            "a start without seed",
            Input::Start(Start {
                region: REGION.to_owned(),
                ..Start::default()
            }),
        ),
        (
            "a start of another Region",
            Input::Start(Start {
                region: "us-east-1".to_owned(),
                ..Start::default()
            }),
        ),
        ("a start of no Region", Input::Start(Start::default())),
        ("a start as it should be", start()),
    ]
}

/// A store with something in it.
fn store(folder: &Path) {
    block_on(async {
        let mut driven = Driven::new(StoreChoice::Folder(folder.to_owned())).await;
        for _ in 0..5 {
            let reply = driven
                .call("kms.CreateKey", &[])
                .await
                .expect("it is answered");
            assert!(
                matches!(outcome(&reply), Some(Outcome::Success(_))),
                "{reply:?}"
            );
        }
        driven.node.stop().await.expect("it stops");
    });
}

/// What `faultline node` says of a store that it does not open, and its status.
fn refusal(folder: &Path) -> (Option<i32>, String) {
    let output = Command::new(program::path())
        .args(["node", "--region", REGION, "--store"])
        .arg(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), words)
}

/// Cuts or changes the store's largest file.
fn damage(folder: &Path, how: impl Fn(&mut Vec<u8>)) {
    let files = fs::read_dir(folder.join("sled")).or_else(|_| fs::read_dir(folder));
    let files = files.expect("a folder").flatten().map(|entry| entry.path());
    let largest = files
        .filter(|path| path.is_file())
        .max_by_key(|path| fs::metadata(path).map_or(0, |it| it.len()))
        .expect("a store has files");
    let mut bytes = fs::read(&largest).expect("it can be read");
    how(&mut bytes);
    fs::write(&largest, bytes).expect("it can be written");
}

#[test]
fn a_damaged_store_is_refused_in_clear_words() {
    type Damage = (&'static str, fn(&mut Vec<u8>));
    let damages: [Damage; 4] = [
        ("emptied", Vec::clear),
        ("cut to a tenth", |bytes| bytes.truncate(bytes.len() / 10)),
        ("overwritten", |bytes| bytes.fill(0xa5)),
        ("zeroed in the middle", |bytes| {
            let (from, to) = (bytes.len() / 200, bytes.len() / 2);
            bytes[from..to].fill(0);
        }),
    ];
    let mut findings = Findings::default();
    for (what, how) in damages {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("store");
        store(&place);
        damage(&place, how);
        let (status, words) = refusal(&place);
        findings.check(status == Some(6), || {
            format!("{what}: status {status:?}: {words}")
        });
        findings.check(!words.contains("panicked"), || format!("{what}: {words}"));
        let clear = words.contains("store") && words.contains("damaged");
        findings.check(clear, || format!("{what}: {words}"));
    }
    findings.assert_none();
}

#[test]
fn a_folder_that_is_no_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("thesis.txt"), "years of work").expect("it is written");
    let (status, words) = refusal(folder.path());
    assert_eq!(status, Some(6), "{words}");
    assert!(words.contains("thesis.txt"), "{words}");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}
