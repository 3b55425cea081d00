//! Nodes as processes of their own: the same story, nothing acknowledged is lost by kill -9,
//! and no process is left behind however the coordinator ends.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use faultline::journal::event::Judgement;
use faultline::transport::{self, StepError, Transport, TransportError};
use faultline_proto::driving::{Reply, Step};
use faultline_proto::names::RegionName;
use faultline_tests::mortal::{Death, Mortal};
use faultline_tests::{program, runs, shipped};

/// How long processes may take to come or to go.
const PATIENCE: Duration = Duration::from_secs(30);

/// A boxed transport as a transport.
struct Boxed(Box<dyn Transport>);

impl Transport for Boxed {
    fn start(&mut self, region: &RegionName) -> Result<(), TransportError> {
        self.0.start(region)
    }
    fn step(&mut self, region: &RegionName, step: Step) -> Result<Reply, StepError> {
        self.0.step(region, step)
    }
    fn kill(&mut self, region: &RegionName) -> Result<(), TransportError> {
        self.0.kill(region)
    }
    fn stop(&mut self, region: &RegionName) -> Result<(), TransportError> {
        self.0.stop(region)
    }
    fn rows_at_rest(
        &mut self,
        region: &RegionName,
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), TransportError> {
        self.0.rows_at_rest(region, visit)
    }
}

#[test]
fn processes_tell_the_story_that_regions_in_memory_tell() {
    let job = &shipped::one("01-region-outage.yaml")[0];
    let stores = tempfile::tempdir().expect("a folder");
    let processes = transport::processes(program::path(), stores.path()).expect("a runtime");
    let ran = runs::over(job, processes).expect("the machinery works");
    assert_eq!(
        ran.outcome.judgement,
        Judgement::Pass,
        "{}",
        ran.outcome.because
    );
    let memory = runs::loopback(job).expect("the machinery works");
    assert_eq!(ran.outcome.digest, memory.outcome.digest);
}

/// The scenario reads in both Regions what was written before and between the kills, so it
/// passes only when acknowledged writes are there and undelivered envelopes arrive.
#[test]
fn what_was_acknowledged_survives_kill_9_and_what_was_not_delivered_arrives() {
    let job = &shipped::one("02-global-table-conflict.yaml")[0];
    let stores = tempfile::tempdir().expect("a folder");
    let processes = transport::processes(program::path(), stores.path()).expect("a runtime");
    let steps: RefCell<BTreeMap<RegionName, u64>> = RefCell::default();
    let undelivered = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&undelivered);
    let mortal = Mortal::new(
        Boxed(processes),
        move |region, _| {
            let mut steps = steps.borrow_mut();
            let count = steps.entry(region.clone()).or_default();
            *count += 1;
            (*count).is_multiple_of(25).then_some(Death::Killed)
        },
        move |_, unacknowledged| told.borrow_mut().push(unacknowledged),
    );
    let ran = runs::over(job, Box::new(mortal)).expect("the machinery works");
    assert_eq!(
        ran.outcome.judgement,
        Judgement::Pass,
        "{}",
        ran.outcome.because
    );
    let undelivered = undelivered.borrow();
    assert!(undelivered.len() >= 8, "kills: {undelivered:?}");
    assert!(
        undelivered.iter().any(|count| *count > 0),
        "no process died with envelopes on their way: {undelivered:?}"
    );
}

/// A coordinator that is busy for long enough, and its nodes.
struct Busy {
    coordinator: Child,
    nodes: Vec<u32>,
    _runs: tempfile::TempDir,
}

impl Busy {
    fn new() -> Self {
        let runs = tempfile::tempdir().expect("a folder");
        let scenario: PathBuf = shipped::root().join("scenarios/s3/outage.yaml");
        let coordinator = Command::new(program::path())
            .arg("run")
            .arg(scenario)
            .args(["--processes", "--seeds", "1..500", "-q", "--out"])
            .arg(runs.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut busy = Self {
            coordinator,
            nodes: Vec::new(),
            _runs: runs,
        };
        let pid = busy.coordinator.id();
        until("two nodes run", || {
            busy.nodes = children(pid);
            busy.nodes.len() == 2
        });
        busy
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.coordinator.kill();
        let _ = self.coordinator.wait();
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(
            since.elapsed() < PATIENCE,
            "{what}: not within {PATIENCE:?}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Parent and state of a process, unless it is gone.
fn parent(pid: u32) -> Option<(u32, char)> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    // `pid (name) state parent ...`; a name may hold anything.
    let mut rest = stat.rsplit(") ").next()?.split(' ');
    let state = rest.next()?.chars().next()?;
    Some((rest.next()?.parse().ok()?, state))
}

fn children(of: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").expect("this test knows processes by /proc");
    all.flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| parent(*pid).is_some_and(|(parent, state)| parent == of && state != 'Z'))
        .collect()
}

/// Whether a process runs; one that waits to be buried does not.
fn runs(pid: u32) -> bool {
    parent(pid).is_some_and(|(_, state)| state != 'Z')
}

#[test]
fn no_node_outlives_a_coordinator_that_is_killed() {
    let mut busy = Busy::new();
    busy.coordinator.kill().expect("it can be killed");
    busy.coordinator.wait().expect("it is dead");
    let nodes = busy.nodes.clone();
    until("the nodes are gone", || !nodes.iter().any(|pid| runs(*pid)));
}

#[test]
fn ctrl_c_ends_the_run_and_its_nodes_in_good_order() {
    let mut busy = Busy::new();
    let told = Command::new("kill")
        .args(["-INT", &busy.coordinator.id().to_string()])
        .status();
    assert!(told.expect("there is a kill").success());
    let mut status = None;
    until("the coordinator ends", || {
        status = busy.coordinator.try_wait().expect("it can be asked");
        status.is_some()
    });
    assert_eq!(status.and_then(|it| it.code()), Some(130));
    let nodes = busy.nodes.clone();
    until("the nodes are gone", || !nodes.iter().any(|pid| runs(*pid)));
}

/// The writes are many at once, so kills meet groups of commits; the moments are the clock's.
#[test]
fn a_store_that_was_killed_at_any_moment_holds_what_was_acknowledged_and_nothing_torn() {
    let mut kills = Command::new(program::path());
    let kills = kills.args(["kills", "--rounds", "12"]).output();
    let kills = kills.expect("the program starts");
    let told = String::from_utf8_lossy(&kills.stdout).into_owned();
    assert!(kills.status.success(), "{told}");
    assert!(told.starts_with("12 kills"), "{told}");
}
