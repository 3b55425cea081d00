//! The same run over each transport: one call, a crash, and what is kept.

use std::collections::BTreeMap;

use bytes::Bytes;
use faultline_proto::driving::{Account, Credential, Settings};
use faultline_proto::names::RegionName;
use faultline_proto::registry::find_operation;

use super::*;
use crate::clock::Span;
use crate::faults::{CrashPoint, Fault, NodeCrash};
use crate::journal::Journal;
use crate::seed::RunSeed;
use crate::sim::answer::{Answer, CallSpec, Timeouts};
use crate::sim::{Sim, SimConfig};

fn region(text: &str) -> RegionName {
    RegionName::new(text).expect("a Region")
}

fn call(sim: &Sim, operation: &str, to: &RegionName) -> Answer {
    let spec = CallSpec {
        step: "1".to_owned(),
        lane: String::new(),
        principal: "root".to_owned(),
        credential: Credential {
            access_key: "AKIAROOT".to_owned(),
            session_token: String::new(),
        },
        from: to.clone(),
        region: to.clone(),
        operation: find_operation(operation).expect("it is defined"),
        request: Bytes::new(),
        body: None,
        context: BTreeMap::new(),
        timeouts: Timeouts::default(),
        attempt: 1,
    };
    sim.run(sim.call(spec)).expect("the run goes on")
}

/// A run with a crash on each side of the commit; its journal's digest, and how many rows
/// are at rest.
fn run(transport: Box<dyn Transport>) -> ((String, u64), u64) {
    let (ireland, virginia) = (region("eu-west-1"), region("us-east-1"));
    let config = SimConfig {
        seed: RunSeed(7),
        world: RunSeed(7),
        regions: vec![ireland.clone(), virginia],
        home: ireland.clone(),
        links: BTreeMap::new(),
        accounts: vec![Account {
            id: "111111111111".to_owned(),
            root_access_key: "AKIAROOT".to_owned(),
        }],
        settings: Settings::default(),
        budget: None,
    };
    let sim = Sim::start(config, transport, Journal::new()).expect("it starts");
    for point in [CrashPoint::BeforeCommit, CrashPoint::AfterCommit] {
        let crash = NodeCrash {
            region: ireland.clone(),
            point,
            operation: None,
            restarts: true,
        };
        sim.begin_fault(&Fault::NodeCrash(crash))
            .expect("nobody refuses it");
        assert_eq!(
            call(&sim, "sts.GetCallerIdentity", &ireland).code(),
            Some("ConnectionReset")
        );
        call(&sim, "sts.GetCallerIdentity", &ireland);
    }
    sim.run(sim.sleep(Span::secs(10))).expect("the run goes on");
    let digest = sim.journal_digest();
    sim.stop_all().expect("they stop");
    let mut rows = 0;
    sim.rows_at_rest(&ireland, |_, _| rows += 1)
        .expect("the store opens");
    (digest, rows)
}

#[test]
fn the_journal_is_the_same_over_loopback_and_over_grpc() {
    let folder = tempfile::tempdir().expect("a folder");
    let loopback = run(Box::new(Loopback::new()));
    let grpc = run(embedded(folder.path()).expect("a runtime"));
    assert_eq!(loopback.0, grpc.0);
    assert!(loopback.1 > 0 && grpc.1 > 0);
}

#[test]
fn a_program_that_is_no_node_is_told_and_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut transport = processes(PathBuf::from("/bin/false"), folder.path()).expect("a runtime");
    let error = transport
        .start(&region("eu-west-1"))
        .expect_err("it is no node");
    assert!(
        error
            .to_string()
            .starts_with("eu-west-1: its node did not come up"),
        "{error}"
    );
}
