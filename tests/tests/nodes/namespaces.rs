//! Two nodes in network namespaces of their own, with a real link between them that `tc` makes
//! slow and lossy, and that is taken down. Needs root and iproute2; says why it was skipped
//! where it may not run.
//!
//! ```text
//!   test --- r0/a0 --- eu-west-1 (a) --- a1/b1 --- (b) us-east-1, home --- b0/r1 --- test
//! ```

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use faultline_node::gateway::sigv4::sign::Signer;
use faultline_tests::program;
use faultline_tests::wire::{Asked, Node, ask, folder, root};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);
const IRELAND: &str = "eu-west-1";
const VIRGINIA: &str = "us-east-1";

/// A link that is slow and loses; where the kernel has no `netem`, one of few bits a second, whose
/// short queue loses what has no room.
const SLOW: [&str; 2] = [
    "netem delay 80ms 10ms loss 5%",
    "tbf rate 400kbit burst 1600 latency 120ms",
];
/// A link that swallows all: no packet is as small as that burst.
const SWALLOWS: [&str; 2] = ["netem loss 100%", "tbf rate 1kbit burst 10 latency 1ms"];

/// What the system said when it would not.
type Refused = String;

fn system(line: &str) -> Result<(), Refused> {
    let mut words = line.split_whitespace();
    let program = words.next().expect("a program");
    let output = Command::new(program).args(words).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{line}: {}", said.trim()))
}

/// Two namespaces; gone with the test.
struct Net {
    name: String,
    /// Third numbers of the three networks.
    at: u32,
}

impl Net {
    fn new() -> Result<Self, Refused> {
        let id = std::process::id();
        let net = Self {
            name: format!("fl{id}"),
            at: id % 80 * 3,
        };
        net.make()?;
        Ok(net)
    }

    fn make(&self) -> Result<(), Refused> {
        let (name, at) = (&self.name, self.at);
        for (end, side, third) in [("a", "r0", at), ("b", "r1", at + 1)] {
            system(&format!("ip netns add {name}{end}"))?;
            let inside = format!("ip -n {name}{end}");
            system(&format!(
                "ip link add {name}{side} type veth peer name {end}0 netns {name}{end}"
            ))?;
            system(&format!("ip addr add 10.213.{third}.1/24 dev {name}{side}"))?;
            system(&format!("ip link set {name}{side} up"))?;
            system(&format!("{inside} addr add 10.213.{third}.2/24 dev {end}0"))?;
            system(&format!("{inside} link set {end}0 up"))?;
            system(&format!("{inside} link set lo up"))?;
        }
        let third = at + 2;
        system(&format!(
            "ip -n {name}a link add a1 type veth peer name b1 netns {name}b"
        ))?;
        for (end, last) in [("a", 1), ("b", 2)] {
            let inside = format!("ip -n {name}{end}");
            system(&format!(
                "{inside} addr add 10.213.{third}.{last}/24 dev {end}1"
            ))?;
            system(&format!("{inside} link set {end}1 up"))?;
        }
        Ok(())
    }

    /// Puts a queue before the link between the nodes, both ways.
    fn queue(&self, how: &str) -> Result<(), Refused> {
        for end in ["a", "b"] {
            let name = &self.name;
            system(&format!(
                "tc -n {name}{end} qdisc replace dev {end}1 root {how}"
            ))?;
        }
        Ok(())
    }

    /// The first of these queues that this kernel has.
    fn first(&self, queues: &[&str]) -> Option<String> {
        let known = queues.iter().find(|queue| self.queue(queue).is_ok());
        known.map(|queue| (*queue).to_owned())
    }

    fn link(&self, state: &str) {
        system(&format!("ip -n {}a link set a1 {state}", self.name)).expect("a link");
    }

    /// Starts a node in one of the namespaces.
    fn node(&self, end: &str, region: &str, peer: &str, folder: &Path) -> Node {
        let third = self.at + 2;
        let (own, other) = if end == "a" { (1, 2) } else { (2, 1) };
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &format!("{}{end}", self.name)]);
        command.arg(program::path());
        std::fs::create_dir_all(folder).expect("a folder");
        Node::launch(
            command,
            folder,
            region,
            "info",
            &[
                "--home",
                VIRGINIA,
                "--grpc",
                &format!("10.213.{third}.{own}:7000"),
                "--aws",
                "0.0.0.0:8000",
                "--peer",
                &format!("{peer}=http://10.213.{third}.{other}:7000"),
            ],
        )
    }

    /// Where the test reaches a node.
    fn aws(&self, end: &str) -> SocketAddr {
        let third = if end == "a" { self.at } else { self.at + 1 };
        format!("10.213.{third}.2:8000")
            .parse()
            .expect("an address")
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for end in ["a", "b"] {
            drop(system(&format!("ip netns del {}{end}", self.name)));
        }
    }
}

fn signer(service: &str, region: &str) -> Signer {
    Signer {
        region: region.into(),
        ..root(service)
    }
}

/// A KMS call; the code of its refusal.
fn kms(at: SocketAddr, signer: &Signer, operation: &str, body: &Value) -> Result<Value, String> {
    let body = body.to_string();
    let asked = Asked {
        method: "POST",
        uri: "/",
        headers: &[("x-amz-target", &format!("TrentService.{operation}"))],
        body: body.as_bytes(),
    };
    let got = ask(at, signer, &asked).ok_or("no answer")?;
    let said: Value = serde_json::from_str(&got.body).unwrap_or_default();
    if got.status == 200 {
        return Ok(said);
    }
    Err(said["__type"].as_str().unwrap_or_default().to_owned())
}

fn iam(at: SocketAddr, form: &str) -> String {
    let asked = Asked {
        method: "POST",
        uri: "/",
        headers: &[("content-type", "application/x-www-form-urlencoded")],
        body: form.as_bytes(),
    };
    let got = ask(at, &signer("iam", VIRGINIA), &asked).expect("an answer");
    assert_eq!(got.status, 200, "{got:?}");
    got.body
}

fn element(body: &str, name: &str) -> String {
    let rest = body.split(&format!("<{name}>")).nth(1).expect("an element");
    rest.split('<').next().expect("its text").to_owned()
}

/// Again and again until it works; how long that took.
fn until<T>(what: &str, mut work: impl FnMut() -> Result<T, String>) -> (T, Duration) {
    let began = Instant::now();
    loop {
        match work() {
            Ok(done) => return (done, began.elapsed()),
            Err(why) => assert!(began.elapsed() < PATIENCE, "{what}: {why}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Credentials of a user made at the home, who may do everything.
fn user(at: SocketAddr, name: &str) -> Signer {
    iam(at, &format!("Action=CreateUser&UserName={name}"));
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let policy: String = policy.bytes().map(|byte| format!("%{byte:02X}")).collect();
    iam(
        at,
        &format!("Action=PutUserPolicy&UserName={name}&PolicyName=all&PolicyDocument={policy}"),
    );
    let made = iam(at, &format!("Action=CreateAccessKey&UserName={name}"));
    Signer {
        access_key: element(&made, "AccessKeyId"),
        secret_access_key: element(&made, "SecretAccessKey"),
        ..signer("kms", IRELAND)
    }
}

/// The network with its nodes, and a key that both Regions have.
struct World {
    net: Net,
    a: SocketAddr,
    b: SocketAddr,
    key: Value,
}

impl World {
    /// What Ireland says to somebody who lists keys.
    fn list(&self, who: &Signer) -> Result<Value, String> {
        kms(self.a, who, "ListKeys", &json!({}))
    }

    fn encrypt(&self, at: SocketAddr, region: &str) -> Value {
        let asked = json!({ "KeyId": self.key, "Plaintext": "aGVsbG8=" });
        kms(at, &signer("kms", region), "Encrypt", &asked).expect("a ciphertext")
    }

    /// A link that is slow and loses: all arrives, late.
    fn slow(&self) {
        let began = Instant::now();
        let sealed = self.encrypt(self.a, IRELAND);
        let near = began.elapsed();
        let asked = json!({ "CiphertextBlob": sealed["CiphertextBlob"] });
        let opens = || kms(self.b, &signer("kms", VIRGINIA), "Decrypt", &asked);
        let (opened, _) = until("the replica decrypts", opens);
        assert_eq!(opened["Plaintext"], "aGVsbG8=");
        say(&format!(
            "a client's call took {near:.1?}, for it does not cross that link"
        ));
        let ann = user(self.b, "ann");
        until("ann is known in Ireland", || self.list(&ann));
    }

    /// No link: each side goes on alone, and learns of the other's changes afterwards.
    fn apart(&self) {
        self.net.link("down");
        let bob = user(self.b, "bob");
        let apart = Instant::now();
        while apart.elapsed() < Duration::from_secs(3) {
            let refused = self.list(&bob).expect_err("nobody told Ireland");
            assert_eq!(refused, "UnrecognizedClientException");
            self.encrypt(self.a, IRELAND);
            self.encrypt(self.b, VIRGINIA);
            std::thread::sleep(Duration::from_millis(200));
        }
        self.net.link("up");
        let (_, healed) = until("bob is known in Ireland", || self.list(&bob));
        say(&format!(
            "a link that was down for 3 s healed in {healed:.1?}"
        ));
    }

    /// A link that swallows everything, while a node dies behind it.
    fn swallowed(&self, virginia: Node, folder: &Path) {
        let Some(how) = self.net.first(&SWALLOWS) else {
            return;
        };
        say(&format!("a link that swallows all: {how}"));
        let eve = user(self.b, "eve");
        drop(virginia);
        let _virginia = self.net.node("b", VIRGINIA, IRELAND, folder);
        assert!(self.list(&eve).is_err(), "nobody told Ireland");
        self.net.queue("pfifo").expect("the link is good again");
        until("eve is known in Ireland", || self.list(&eve));
    }
}

/// Past libtest's capture: what was not checked is said in a passing run too.
fn say(words: &str) {
    writeln!(std::io::stderr(), "{words}").expect("standard error");
}

#[test]
fn nodes_live_with_links_that_delay_lose_and_break() {
    let net = match Net::new() {
        Ok(net) => net,
        Err(why) => {
            say(&format!(
                "skipped: network namespaces may not be made here ({why})"
            ));
            return;
        }
    };
    let (_root, folder) = folder();
    let _ireland = net.node("a", IRELAND, VIRGINIA, &folder.join("a"));
    let virginia = net.node("b", VIRGINIA, IRELAND, &folder.join("b"));
    let slow = net.first(&SLOW);
    let slow = slow.unwrap_or_else(|| "none, for tc has no such queue here".to_owned());
    say(&format!("a slow link: {slow}"));
    let (a, b) = (net.aws("a"), net.aws("b"));
    let here = signer("kms", IRELAND);
    let made = kms(a, &here, "CreateKey", &json!({ "MultiRegion": true })).expect("a key");
    let key = made["KeyMetadata"]["KeyId"].clone();
    let asked = json!({ "KeyId": key, "ReplicaRegion": VIRGINIA });
    kms(a, &here, "ReplicateKey", &asked).expect("a replica");
    let world = World { net, a, b, key };
    world.slow();
    world.apart();
    world.swallowed(virginia, &folder.join("b"));
}
