//! Live worlds as processes: what is acknowledged survives kills, a second `up` goes on,
//! and nobody stays behind.

#[path = "live/front.rs"]
mod front;
#[path = "live/replayed.rs"]
mod replayed;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use faultline_tests::program;
use serde_json::Value;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A live world of a test; whatever happens, its processes end with it.
struct World {
    folder: PathBuf,
    up: Option<Child>,
}

impl World {
    fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            up: None,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program::path());
        command.args(arguments).env("FAULTLINE_DIR", &self.folder);
        command
    }

    /// Starts the world and waits until every node is ready.
    fn up(&mut self, arguments: &[&str]) {
        let mut command = self.command(&["up"]);
        let up = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = up.spawn().expect("it starts");
        let began = Instant::now();
        // The table is printed when everything is made.
        let mut first = [0; 1];
        let told = child.stdout.as_mut().expect("piped").read(&mut first);
        if !matches!(told, Ok(1)) {
            let mut words = String::new();
            child
                .stderr
                .take()
                .expect("piped")
                .read_to_string(&mut words)
                .expect("text");
            panic!("it did not come up after {:?}: {words}", began.elapsed());
        }
        self.up = Some(child);
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    /// A command that must work, and what it printed.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {words}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// A command again and again until it works.
    fn until_ok(&self, arguments: &[&str]) -> String {
        let began = Instant::now();
        loop {
            let output = self.run(arguments);
            if output.status.success() {
                return String::from_utf8(output.stdout).expect("text");
            }
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(began.elapsed() < PATIENCE, "{arguments:?}: {words}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn call(&self, arguments: &[&str]) -> Value {
        let arguments = [&["call"][..], arguments].concat();
        serde_json::from_str(&self.until_ok(&arguments)).expect("an answer is JSON")
    }

    fn processes(&self) -> Vec<u32> {
        let status: Value = serde_json::from_str(&self.ok(&["status", "--json"])).expect("JSON");
        let nodes = status["nodes"].as_array().expect("a list").clone();
        let id = |node: &Value| node["node"]["process"].as_u64().expect("it is up");
        nodes
            .iter()
            .map(|node| u32::try_from(id(node)).expect("an id"))
            .collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut up) = self.up.take() {
            drop(up.kill());
            drop(up.wait());
        }
    }
}

fn alive(process: u32) -> bool {
    // A process that ended and was not waited for is a zombie, and no more alive.
    std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .trim_start()
            .starts_with('Z')
    })
}

fn gone(processes: &[u32]) {
    let began = Instant::now();
    while processes.iter().any(|process| alive(*process)) {
        assert!(began.elapsed() < PATIENCE, "{processes:?} stay behind");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn kill(process: u32) {
    let killed = Command::new("kill")
        .args(["-9", &process.to_string()])
        .status();
    assert!(killed.expect("kill is there").success());
}

const TWO: [&str; 2] = ["--regions", "eu-west-1,us-east-1"];

#[test]
fn a_live_world_survives_kills_restarts_and_the_death_of_its_parent() {
    let root = tempfile::tempdir().expect("a folder");
    let mut world = World::new(&root.path().join("world"));
    world.up(&TWO);
    let made = world.call(&[
        "kms.create_key",
        "multi_region=true",
        "--as",
        "admin",
        "--in",
        "eu-west-1",
    ]);
    let key = made["key_metadata"]["key_id"]
        .as_str()
        .expect("a key")
        .to_owned();
    let key_id = format!("key_id={key}");
    world.call(&[
        "kms.replicate_key",
        &key_id,
        "replica_region=us-east-1",
        "--in",
        "eu-west-1",
    ]);
    let sealed = world.call(&[
        "kms.encrypt",
        &key_id,
        "plaintext=hello",
        "--in",
        "eu-west-1",
        "--as",
        "admin",
    ]);
    let blob = format!(
        "ciphertext_blob={}",
        sealed["ciphertext_blob"].as_str().expect("a blob")
    );
    let open = |world: &World| {
        let opened = world.call(&["kms.decrypt", &blob, "--in", "us-east-1", "--as", "admin"]);
        assert_eq!(opened["plaintext"], "hello");
    };
    open(&world);

    // A node that is killed is started again, and has all that it acknowledged.
    let before = world.processes();
    before.iter().copied().for_each(kill);
    open(&world);
    assert!(
        world
            .processes()
            .iter()
            .all(|process| !before.contains(process))
    );

    // Without a parent nobody stays behind; the next `up` goes on.
    let nodes = world.processes();
    let mut up = world.up.take().expect("it runs");
    up.kill().expect("it is killed");
    up.wait().expect("it ended");
    gone(&nodes);
    world.up(&[]);
    open(&world);

    // Down is down, and says so.
    let nodes = world.processes();
    world.ok(&["down"]);
    gone(&nodes);
    assert_eq!(world.run(&["status"]).status.code(), Some(1));
    let secrets = std::fs::read_to_string(root.path().join("world/partition.key")).expect("a key");
    for region in ["eu-west-1", "us-east-1"] {
        let log = std::fs::read_to_string(root.path().join("world").join(region).join("log.txt"))
            .expect("a log");
        assert!(
            !log.contains(secrets.trim()) && !log.contains("hello"),
            "{log}"
        );
    }
}

#[test]
fn faults_start_and_heal_on_live_nodes() {
    let root = tempfile::tempdir().expect("a folder");
    let mut world = World::new(&root.path().join("world"));
    world.up(&TWO);
    let list = ["call", "kms.list_keys", "--in", "us-east-1"];

    world.ok(&["fault", "start", "kms_throttled", "in=us-east-1"]);
    let refused = world.run(&list);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("ThrottlingException"));
    assert!(
        world
            .ok(&["fault", "list"])
            .contains("kms_throttled in=us-east-1")
    );
    world.ok(&["fault", "heal"]);
    world.ok(&list);

    world.ok(&["fault", "start", "clock_skew", "in=us-east-1", "offset=-1h"]);
    let late = world.run(&list);
    assert!(
        String::from_utf8_lossy(&late.stderr).contains("Signature"),
        "{late:?}"
    );
    world.ok(&["fault", "heal", "1"]);
    world.ok(&list);

    world.ok(&["fault", "start", "node_crash", "in=us-east-1"]);
    let began = Instant::now();
    while world.run(&list).status.success() {
        assert!(began.elapsed() < PATIENCE, "it does not die");
    }
    assert_eq!(world.run(&["status"]).status.code(), Some(1));
    world.ok(&["fault", "heal"]);
    world.until_ok(&list);

    let nonsense = world.run(&[
        "fault",
        "start",
        "partition",
        "between=eu-west-1,mars-north-1",
    ]);
    assert!(String::from_utf8_lossy(&nonsense.stderr).contains("mars-north-1"));
    assert_eq!(world.ok(&["fault", "list"]), "");
}

#[test]
fn an_environment_is_printed_and_other_worlds_are_not_mixed_up() {
    let root = tempfile::tempdir().expect("a folder");
    let mut world = World::new(&root.path().join("world"));
    let none = world.run(&["status"]);
    assert!(String::from_utf8_lossy(&none.stderr).contains("faultline up"));
    world.up(&["--regions", "eu-west-1"]);
    let shell = world.ok(&["env", "--principal", "admin"]);
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL_DYNAMODB_STREAMS",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        "AWS_REGION",
    ] {
        assert!(shell.contains(&format!("export {name}='")), "{shell}");
    }
    let json: Value = serde_json::from_str(&world.ok(&["env", "--format", "json"])).expect("JSON");
    assert_eq!(json["AWS_REGION"], "eu-west-1");
    let twice = world.run(&["up"]);
    assert!(String::from_utf8_lossy(&twice.stderr).contains("already up"));
    world.ok(&["down"]);
    let other = world.run(&["up", "--regions", "eu-west-1,us-east-1"]);
    assert!(String::from_utf8_lossy(&other.stderr).contains("another world"));
}
