//! A node that is told to stop finishes what was begun, and has afterwards all that it said it
//! has; one that is killed has all that it said as well.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use faultline_tests::wire::{Asked, Node, ask, folder, head, heard, root};

const BUCKET: &[u8] = b"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";

fn put<'a>(uri: &'a str, body: &'a [u8]) -> Asked<'a> {
    Asked {
        method: "PUT",
        uri,
        headers: &[],
        body,
    }
}

/// Clients that put objects until told to stop; what was acknowledged, with its content.
struct Load {
    over: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<BTreeMap<String, String>>>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Load {
    fn start(node: &Node) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let acknowledged: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
        let address = node.aws;
        let threads = (0..4)
            .map(|client| {
                let (over, acknowledged) = (Arc::clone(&over), Arc::clone(&acknowledged));
                std::thread::spawn(move || {
                    let signer = root("s3");
                    for number in 0.. {
                        if over.load(Ordering::Relaxed) {
                            return;
                        }
                        let uri = format!("/kept/{client}-{number}");
                        let body = format!("content of {uri}");
                        let Some(got) = ask(address, &signer, &put(&uri, body.as_bytes())) else {
                            continue; // Nobody there, or no whole answer: nothing was said.
                        };
                        // Whoever answers while it stops answers in good order.
                        assert_eq!(got.status, 200, "{got:?}");
                        acknowledged.lock().expect("no panic").insert(uri, body);
                    }
                })
            })
            .collect();
        Self {
            over,
            acknowledged,
            threads,
        }
    }

    fn ended(self) -> BTreeMap<String, String> {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("no client saw anything odd");
        }
        let acknowledged = self.acknowledged.lock().expect("no panic");
        acknowledged.clone()
    }
}

fn holds(node: &Node, acknowledged: &BTreeMap<String, String>) {
    assert!(acknowledged.len() > 10, "only {}", acknowledged.len());
    for (uri, body) in acknowledged {
        let asked = Asked {
            method: "GET",
            uri,
            ..Asked::default()
        };
        let got = ask(node.aws, &root("s3"), &asked).expect("an answer");
        assert_eq!((got.status, &got.body), (200, body), "{uri}");
    }
}

#[test]
fn a_node_that_stops_finishes_calls_in_flight_and_loses_nothing_acknowledged() {
    let (_root, folder) = folder();
    let mut node = Node::start(&folder, "info");
    let made = ask(node.aws, &root("s3"), &put("/kept", BUCKET)).expect("an answer");
    assert_eq!(made.status, 200, "{made:?}");

    let load = Load::start(&node);
    // An upload that is under way when the signal comes.
    let body = vec![b'w'; 300_000];
    let slow = put("/kept/slow", &body);
    let mut stream = TcpStream::connect(node.aws).expect("connects");
    let first = head(&root("s3"), &slow);
    stream.write_all(first.as_bytes()).expect("writes");
    stream.write_all(&body[..100_000]).expect("writes");
    std::thread::sleep(Duration::from_millis(300));
    node.signal("TERM");
    std::thread::sleep(Duration::from_millis(300));
    stream.write_all(&body[100_000..]).expect("is still read");
    let got = heard(&mut stream).expect("is answered");
    assert_eq!(got.status, 200, "{got:?}");
    assert!(node.ended().success(), "it ends well");
    let acknowledged = load.ended();
    assert!(TcpStream::connect(node.aws).is_err(), "nobody listens");

    let node = Node::start(&folder, "info");
    holds(&node, &acknowledged);
    let asked = Asked {
        method: "GET",
        uri: "/kept/slow",
        ..Asked::default()
    };
    let got = ask(node.aws, &root("s3"), &asked).expect("an answer");
    assert_eq!((got.status, got.body.len()), (200, body.len()));
}

#[test]
fn a_client_that_never_ends_does_not_keep_a_node_from_stopping() {
    let (_root, folder) = folder();
    let mut node = Node::start(&folder, "info");
    let mut stream = TcpStream::connect(node.aws).expect("connects");
    stream
        .write_all(b"POST / HTTP/1.1\r\nhost: h\r\nx-amz-target: TrentService.ListKeys\r\ncontent-length: 9\r\n\r\n{")
        .expect("writes");
    let _silent = TcpStream::connect(node.grpc).expect("connects");
    let _idle = TcpStream::connect(node.aws).expect("connects");
    std::thread::sleep(Duration::from_millis(100));
    node.signal("TERM");
    assert!(node.ended().success(), "it ends well, after its patience");
}

#[test]
fn a_node_that_is_killed_has_all_that_it_acknowledged() {
    let (_root, folder) = folder();
    let mut node = Node::start(&folder, "info");
    let made = ask(node.aws, &root("s3"), &put("/kept", BUCKET)).expect("an answer");
    assert_eq!(made.status, 200, "{made:?}");
    let load = Load::start(&node);
    std::thread::sleep(Duration::from_millis(500));
    node.signal("KILL");
    assert!(!node.ended().success());
    let acknowledged = load.ended();
    let node = Node::start(&folder, "info");
    holds(&node, &acknowledged);
}
