//! A put of 64 MiB and its replication: how long, and how much memory beside what is stored.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use faultline::clock::{SimTime, Span};
use faultline::faults::{Fault, partition::Partition};
use faultline::journal::Journal;
use faultline::network::link::Link;
use faultline::seed::RunSeed;
use faultline::sim::answer::{Answered, CallSpec, Timeouts};
use faultline::sim::{Sim, SimConfig};
use faultline::transport;
use faultline_proto::driving::{Account, Credential, Settings};
use faultline_proto::names::RegionName;
use faultline_proto::{Operation, iam, registry, s3};
use prost::Message as _;

use crate::clock::peak_memory;
use crate::table::{Aim, Table};

const LENGTH: usize = 64 << 20;
pub const HERE: &str = "eu-west-1";
pub const THERE: &str = "us-east-1";
const ROOT: &str = "AKIAROOT000000000001";
const NAME: &str = "64 MiB put and its replication, a process each over sled";

/// All rows.
pub fn all(table: &mut Table) {
    if !table.wants(NAME) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let program = std::env::current_exe().expect("this program");
    let carried = transport::processes(program, folder.path()).expect("a runtime");
    let world = World::over(carried);
    world.set_up();
    let before = nodes();
    let begin = Instant::now();
    world.put();
    let put = begin.elapsed().as_secs_f64();
    let simulated = world.wait_until_replicated();
    let whole = begin.elapsed().as_secs_f64();
    let after = nodes();
    table.row(&format!("{NAME}: the put"), put, "s", None, Aim::None);
    table.row(
        &format!("{NAME}: until COMPLETED"),
        whole,
        "s",
        None,
        Aim::None,
    );
    let simulated = simulated.0 as f64 / 1e6;
    table.row(
        &format!("{NAME}: simulated time"),
        simulated,
        "s",
        None,
        Aim::None,
    );
    for (region, peak) in &after {
        let name = format!("{NAME}: peak memory of the node in {region}");
        table.row(&name, *peak, "MiB", None, Aim::Below(50.0));
        let name = format!("{NAME}: what the put added in {region}");
        table.row(&name, peak - before[region], "MiB", None, Aim::None);
    }
    world.sim.stop_all().expect("they stop");
}

/// Peak memory of each node, by its Region, in MiB.
fn nodes() -> BTreeMap<String, f64> {
    let own = std::process::id().to_string();
    let mut found = BTreeMap::new();
    for process in std::fs::read_dir("/proc")
        .expect("Linux tells of processes")
        .flatten()
    {
        let name = process.file_name().to_string_lossy().into_owned();
        if !is_child(&process.path(), &own) {
            continue;
        }
        let line = std::fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
        let mut words = line.split('\0').skip_while(|word| *word != "--region");
        if let Some(region) = words.nth(1) {
            found.insert(region.to_owned(), peak_memory(&name));
        }
    }
    found
}

fn is_child(process: &Path, of: &str) -> bool {
    let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    parent.is_some_and(|parent| parent.trim() == of)
}

/// Two Regions with a bucket each.
pub struct World {
    sim: Sim,
}

impl World {
    fn over(carried: Box<dyn transport::Transport>) -> Self {
        Self::with(carried, Settings::default())
    }

    /// With settings of its own.
    pub fn with(carried: Box<dyn transport::Transport>, settings: Settings) -> Self {
        Self::linked(carried, settings, None)
    }

    /// With settings and a link of its own.
    pub fn linked(
        carried: Box<dyn transport::Transport>,
        settings: Settings,
        link: Option<Link>,
    ) -> Self {
        let region = |name: &str| RegionName::new(name).expect("a Region name");
        let config = SimConfig {
            seed: RunSeed(7),
            world: RunSeed(7),
            regions: vec![region(HERE), region(THERE)],
            home: region(THERE),
            links: link
                .into_iter()
                .flat_map(|link| {
                    let (here, there) = (region(HERE), region(THERE));
                    [((here.clone(), there.clone()), link), ((there, here), link)]
                })
                .collect(),
            accounts: vec![Account {
                id: "111111111111".to_owned(),
                root_access_key: ROOT.to_owned(),
            }],
            settings,
            budget: None,
        };
        Self {
            sim: Sim::start(config, carried, Journal::new()).expect("it starts"),
        }
    }

    /// The answer to a call of root.
    pub fn call<R: Operation>(&self, at: &str, request: &R, body: Option<Bytes>) -> R::Response {
        let at = RegionName::new(at).expect("a Region name");
        let spec = CallSpec {
            step: "1".to_owned(),
            lane: String::new(),
            principal: "root".to_owned(),
            credential: Credential {
                access_key: ROOT.to_owned(),
                session_token: String::new(),
            },
            from: at.clone(),
            region: at,
            operation: registry::find_operation(R::ID).expect("it is defined"),
            request: request.encode_to_vec().into(),
            body,
            context: BTreeMap::new(),
            timeouts: Timeouts::default(),
            attempt: 1,
        };
        let answer = self.sim.run(self.sim.call(spec)).expect("the run goes on");
        match answer.result {
            Answered::Success { response, .. } => R::Response::decode(response).expect("an answer"),
            other => panic!("{}: {other:?}", R::ID),
        }
    }

    /// Lets simulated time pass.
    pub fn sleep(&self, span: Span) {
        self.sim.run(self.sim.sleep(span)).expect("the run goes on");
    }

    /// Simulated time.
    pub fn now(&self) -> SimTime {
        self.sim.now()
    }

    /// Lets nothing pass between the two Regions until `heal`.
    pub fn cut(&self) -> u64 {
        let sides = [HERE, THERE].map(|name| [RegionName::new(name).expect("a Region name")]);
        let groups = sides.map(BTreeSet::from).to_vec();
        let fault = Fault::Partition(Partition::Groups(groups));
        self.sim.begin_fault(&fault).expect("nobody refuses it")
    }

    /// Ends a cut.
    pub fn heal(&self, cut: u64) {
        self.sim.heal_fault(cut).expect("it heals");
    }

    /// What a Region tells of itself.
    pub fn look(
        &self,
        region: &RegionName,
        what: &str,
        arguments: &serde_json::Value,
    ) -> serde_json::Value {
        self.sim.look(region, what, arguments).expect("it is alive")
    }

    /// Puts something where AWS has no call for it.
    pub fn plant(
        &self,
        region: &str,
        what: &str,
        arguments: &serde_json::Value,
    ) -> serde_json::Value {
        let region = RegionName::new(region).expect("a Region name");
        self.sim
            .plant(&region, what, arguments)
            .expect("it is alive")
    }

    /// Buckets, the role and a rule for all.
    pub fn set_up(&self) {
        for (region, name) in [(HERE, "photos"), (THERE, "photos-copy")] {
            let create = s3::CreateBucketRequest {
                bucket: text(name),
                ..Default::default()
            };
            self.call(region, &create, None);
            let versioning = s3::PutBucketVersioningRequest {
                bucket: text(name),
                versioning_configuration: Some(s3::VersioningConfiguration {
                    status: text("Enabled"),
                    mfa_delete: None,
                }),
                ..Default::default()
            };
            self.call(region, &versioning, None);
            self.sleep(Span::secs(2));
        }
        let role = self.role();
        self.sleep(Span::secs(2));
        let replication = s3::PutBucketReplicationRequest {
            bucket: text("photos"),
            replication_configuration: Some(s3::ReplicationConfiguration {
                role: Some(role),
                rules: vec![s3::ReplicationRule {
                    id: text("all"),
                    priority: Some(1),
                    filter: Some(s3::ReplicationRuleFilter {
                        prefix: text(""),
                        ..Default::default()
                    }),
                    status: text("Enabled"),
                    delete_marker_replication: Some(s3::DeleteMarkerReplication {
                        status: text("Disabled"),
                    }),
                    destination: Some(s3::Destination {
                        bucket: text("arn:aws:s3:::photos-copy"),
                        ..Default::default()
                    }),
                    ..Default::default()
                }],
            }),
            ..Default::default()
        };
        self.call(HERE, &replication, None);
    }

    /// The role that replicates; its ARN.
    fn role(&self) -> String {
        let name = text("replicator");
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","kms:*"],"Resource":"*"}]}"#;
        let create = iam::CreateRoleRequest {
            role_name: name.clone(),
            assume_role_policy_document: text(trust),
            ..Default::default()
        };
        let made = self.call(THERE, &create, None);
        let put = iam::PutRolePolicyRequest {
            role_name: name,
            policy_name: text("replicate"),
            policy_document: text(policy),
        };
        self.call(THERE, &put, None);
        made.role
            .and_then(|role| role.arn)
            .expect("a role has an ARN")
    }

    fn put(&self) {
        let body: Vec<u8> = (0..LENGTH).map(|at| (at / 7 % 251) as u8).collect();
        let request = s3::PutObjectRequest {
            bucket: text("photos"),
            key: text("sea"),
            ..Default::default()
        };
        self.call(HERE, &request, Some(body.into()));
    }

    /// Waits for the replica; how long that was in simulated time, microseconds.
    fn wait_until_replicated(&self) -> SimTime {
        let since = self.sim.now();
        let head = s3::HeadObjectRequest {
            bucket: text("photos"),
            key: text("sea"),
            ..Default::default()
        };
        for _ in 0..3600 {
            let found = self.call(HERE, &head, None);
            if found.replication_status.as_deref() == Some("COMPLETED") {
                return SimTime(self.sim.now().0 - since.0);
            }
            self.sleep(Span::secs(1));
        }
        panic!("the replica never comes");
    }
}

/// An optional member.
pub fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}
