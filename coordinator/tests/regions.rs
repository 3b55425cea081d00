//! The simulator over real Regions: keys, replicas, faults, and the same journal over every
//! transport.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use faultline::clock::{SimTime, Span};
use faultline::faults::{
    CrashPoint, Fault, KeyAt, KeyDisabled, KmsThrottled, NodeCrash, PolicyOf, PolicyReplaced,
    RegionDown,
};
use faultline::journal::{Journal, Memory, What};
use faultline::seed::RunSeed;
use faultline::sim::answer::{Answer, Answered, CallSpec, Timeouts};
use faultline::sim::{Sim, SimConfig};
use faultline::transport::{self, Loopback, Transport};
use faultline_proto::driving::{Account, Credential, Settings};
use faultline_proto::kms;
use faultline_proto::names::{AccountId, RegionName};
use faultline_proto::registry::find_operation;
use prost::Message;

const ACCOUNT: &str = "111111111111";

fn region(text: &str) -> RegionName {
    RegionName::new(text).expect("a Region")
}
fn ireland() -> RegionName {
    region("eu-west-1")
}
fn virginia() -> RegionName {
    region("us-east-1")
}

struct World {
    sim: Sim,
    journal: Memory,
}

impl World {
    fn over(transport: Box<dyn Transport>) -> Self {
        let config = SimConfig {
            seed: RunSeed(7),
            world: RunSeed(7),
            regions: vec![ireland(), virginia()],
            home: virginia(),
            links: BTreeMap::new(),
            accounts: vec![Account {
                id: ACCOUNT.to_owned(),
                root_access_key: "AKIAROOT".to_owned(),
            }],
            settings: Settings::default(),
            budget: None,
        };
        let journal = Memory::default();
        let sim = Sim::start(config, transport, Journal::new().heard_by(journal.clone()))
            .expect("it starts");
        Self { sim, journal }
    }

    fn loopback() -> Self {
        Self::over(Box::new(Loopback::new()))
    }

    fn call(&self, operation: &str, at: RegionName, request: &impl Message) -> Answer {
        let spec = CallSpec {
            step: "1".to_owned(),
            lane: String::new(),
            principal: "root".to_owned(),
            credential: Credential {
                access_key: "AKIAROOT".to_owned(),
                session_token: String::new(),
            },
            from: at.clone(),
            region: at,
            operation: find_operation(operation).expect("it is defined"),
            request: request.encode_to_vec().into(),
            body: None,
            context: BTreeMap::new(),
            timeouts: Timeouts::default(),
            attempt: 1,
        };
        self.sim.run(self.sim.call(spec)).expect("the run goes on")
    }

    /// A multi-Region key in Ireland.
    fn key(&self) -> String {
        let request = kms::CreateKeyRequest {
            multi_region: Some(true),
            ..kms::CreateKeyRequest::default()
        };
        let response: kms::CreateKeyResponse = ok(&self.call("kms.CreateKey", ireland(), &request));
        response
            .key_metadata
            .and_then(|it| it.key_id)
            .expect("a key has an id")
    }

    fn encrypt(&self, key: &str) -> Answer {
        let request = kms::EncryptRequest {
            key_id: Some(key.to_owned()),
            plaintext: Some(b"4242".to_vec()),
            ..kms::EncryptRequest::default()
        };
        self.call("kms.Encrypt", ireland(), &request)
    }

    fn sleep(&self, span: Span) {
        self.sim.run(self.sim.sleep(span)).expect("the run goes on");
    }

    fn begin(&self, fault: Fault) -> u64 {
        self.sim.begin_fault(&fault).expect("nobody refuses it")
    }

    fn heal(&self, fault: u64) {
        self.sim.heal_fault(fault).expect("nobody refuses it");
    }
}

fn ok<M: Message + Default>(answer: &Answer) -> M {
    match &answer.result {
        Answered::Success { response, .. } => {
            M::decode(Bytes::clone(response)).expect("it is its response")
        }
        other => panic!("it failed: {other:?}"),
    }
}

fn at(key: &str) -> KeyAt {
    KeyAt {
        region: ireland(),
        account: AccountId::new(ACCOUNT).expect("an account"),
        key: key.to_owned(),
    }
}

#[test]
fn a_disabled_key_refuses_with_its_cause_until_it_heals() {
    let world = World::loopback();
    let key = world.key();
    let fault = world.begin(Fault::KeyDisabled(KeyDisabled {
        name: "k".to_owned(),
        at: vec![at(&key)],
    }));
    let answer = world.encrypt(&key);
    assert_eq!(
        (answer.code(), answer.caused_by()),
        (Some("DisabledException"), Some("key_disabled"))
    );
    world.heal(fault);
    assert_eq!(world.encrypt(&key).code(), None);
}

#[test]
fn a_replaced_policy_locks_root_out_and_the_old_one_comes_back() {
    let world = World::loopback();
    let key = world.key();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"kms:Encrypt","Resource":"*"},
        {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"}]}"#;
    let of = PolicyOf::Key(vec![at(&key)]);
    let fault = world.begin(Fault::PolicyReplaced(PolicyReplaced {
        name: "k".to_owned(),
        of,
        policy: policy.to_owned(),
    }));
    let answer = world.encrypt(&key);
    assert_eq!(
        (answer.code(), answer.caused_by()),
        (Some("AccessDeniedException"), Some("policy_replaced"))
    );
    world.heal(fault);
    assert_eq!(world.encrypt(&key).code(), None);
}

#[test]
fn k_243_kms_throttles_above_a_rate() {
    let world = World::loopback();
    let key = world.key();
    world
        .sim
        .run(world.sim.sleep_until(SimTime(2_000_000)))
        .expect("the run goes on");
    world.begin(Fault::KmsThrottled(KmsThrottled {
        region: ireland(),
        passes_per_second: 3,
    }));
    let codes: Vec<Option<String>> = (0..5)
        .map(|_| world.encrypt(&key).code().map(str::to_owned))
        .collect();
    let throttled = codes
        .iter()
        .filter(|code| code.as_deref() == Some("ThrottlingException"))
        .count();
    assert_eq!(throttled, 2, "{codes:?}");
    world.sleep(Span::secs(1));
    assert_eq!(world.encrypt(&key).code(), None);
}

/// Encrypts, replicates, crashes on both sides of a commit, goes dark, and decrypts.
fn story(world: &World) -> (String, u64) {
    let key = world.key();
    let sealed: kms::EncryptResponse = ok(&world.encrypt(&key));
    let request = kms::ReplicateKeyRequest {
        key_id: Some(key.clone()),
        replica_region: Some("us-east-1".to_owned()),
        ..kms::ReplicateKeyRequest::default()
    };
    let replicated = world.call("kms.ReplicateKey", ireland(), &request);
    assert_eq!(replicated.code(), None);
    assert!(
        replicated.latency >= Span::millis(60),
        "it asks the other Region: {}",
        replicated.latency
    );
    for point in [CrashPoint::BeforeCommit, CrashPoint::AfterCommit] {
        let crash = NodeCrash {
            region: ireland(),
            point,
            operation: Some("kms.Encrypt".to_owned()),
            restarts: true,
        };
        world.begin(Fault::NodeCrash(crash));
        assert_eq!(world.encrypt(&key).code(), Some("ConnectionReset"));
        assert_eq!(world.encrypt(&key).code(), None);
    }
    world.sleep(Span::secs(30));
    let fault = world.begin(Fault::RegionDown(RegionDown { region: ireland() }));
    let request = kms::DecryptRequest {
        ciphertext_blob: sealed.ciphertext_blob,
        ..kms::DecryptRequest::default()
    };
    let opened: kms::DecryptResponse = ok(&world.call("kms.Decrypt", virginia(), &request));
    assert_eq!(opened.plaintext.as_deref(), Some(b"4242".as_slice()));
    assert_eq!(world.encrypt(&key).caused_by(), Some("region_down"));
    world.heal(fault);
    world.sleep(Span::secs(600));
    let digest = world.sim.journal_digest();
    world.sim.stop_all().expect("they stop");
    for region in [ireland(), virginia()] {
        let mut rows = 0;
        world
            .sim
            .rows_at_rest(&region, |_, _| rows += 1)
            .expect("the store opens");
        assert!(rows > 0);
    }
    digest
}

#[test]
fn the_journal_is_the_same_over_loopback_grpc_and_processes() {
    let program = Path::new(env!("CARGO_BIN_EXE_faultline"));
    let folder = tempfile::tempdir().expect("a folder");
    let loopback = World::loopback();
    let first = story(&loopback);
    assert_eq!(first, story(&World::loopback()), "and twice");
    let grpc = World::over(transport::embedded(&folder.path().join("grpc")).expect("a runtime"));
    assert_eq!(first, story(&grpc));
    let processes = transport::processes(program.to_owned(), &folder.path().join("processes"));
    let processes = World::over(processes.expect("a runtime"));
    assert_eq!(first, story(&processes));
    let lost = loopback.journal.with(|events| {
        events
            .iter()
            .filter(|it| matches!(it.what, What::NodeDied { .. }))
            .count()
    });
    assert_eq!(lost, 2);
}

#[test]
fn a_killed_process_starts_again_over_what_it_had_acknowledged() {
    let program = Path::new(env!("CARGO_BIN_EXE_faultline"));
    let folder = tempfile::tempdir().expect("a folder");
    let world =
        World::over(transport::processes(program.to_owned(), folder.path()).expect("a runtime"));
    let key = world.key();
    let sealed: kms::EncryptResponse = ok(&world.encrypt(&key));
    world.sim.kill(&ireland());
    assert_eq!(world.encrypt(&key).code(), Some("ConnectionRefused"));
    world.sim.revive(&ireland());
    let request = kms::DecryptRequest {
        ciphertext_blob: sealed.ciphertext_blob,
        ..kms::DecryptRequest::default()
    };
    let opened: kms::DecryptResponse = ok(&world.call("kms.Decrypt", ireland(), &request));
    assert_eq!(opened.plaintext.as_deref(), Some(b"4242".as_slice()));
}
