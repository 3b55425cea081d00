//! The Regions of a test, their steps and their time.

use std::collections::BTreeMap;

use faultline_proto::driving::{
    AuditEvent, Crash, Credential, Fault, Note, Quota, Reply, SetFaults, Settings, Step, Tick, step,
};

use super::calls::Calls;
use super::{Network, lifecycle};
use crate::quotas::UNLIMITED;
use crate::region::{Died, Region};
use crate::store::MemoryStore;

/// The first account.
pub const ACCOUNT: &str = "111111111111";
/// The second account.
pub const PARTNER: &str = "222222222222";
/// Wall time at which every world begins, microseconds: 2026-10-01T00:00:00Z.
pub const EPOCH: i64 = 1_790_812_800_000_000;

/// Microseconds that pass before each call, so that two calls never share a moment.
const BETWEEN_CALLS: u64 = 1_000;
/// Bytes that a reply may have, as over gRPC.
const MESSAGE: usize = 1 << 20;
/// Ticks in one `advance` after which the world says that time stands still.
const RESTLESS: u32 = 200_000;

/// Regions in one process, driven by hand.
pub struct World {
    /// What travels.
    pub network: Network,
    /// Every trail event of every Region, in the order of the steps.
    pub audit: Vec<AuditEvent>,
    /// Every note of every Region, with its Region.
    pub notes: Vec<(String, Note)>,
    pub(super) calls: Calls,
    pub(super) nodes: BTreeMap<String, Node>,
    pub(super) home: String,
    pub(super) settings: Settings,
    pub(super) address: Option<String>,
    elapsed: u64,
    steps: u64,
}

pub(super) struct Node {
    /// `None` while it is down.
    pub(super) region: Option<Region<MemoryStore>>,
    /// What a dead Region left.
    pub(super) left: Option<MemoryStore>,
    pub(super) wake: Option<u64>,
    pub(super) skew: i64,
    pub(super) crash: Crash,
    pub(super) epoch: u64,
}

impl World {
    /// Regions with two accounts. `us-east-1` is home of the directory if it is one of them,
    /// else the first. No request quota counts: time stands still in most tests.
    ///
    /// # Panics
    /// When a name is no Region's.
    #[must_use]
    pub fn new(regions: &[&str]) -> Self {
        Self::with_settings(
            regions,
            Settings {
                quotas: vec![Quota {
                    thousandths: UNLIMITED,
                    ..Quota::default()
                }],
                ..Settings::default()
            },
        )
    }

    /// The same with settings.
    ///
    /// # Panics
    /// When a name is no Region's.
    #[must_use]
    pub fn with_settings(regions: &[&str], settings: Settings) -> Self {
        let home = regions
            .iter()
            .find(|name| **name == "us-east-1")
            .or(regions.first());
        let node = || Node {
            region: None,
            left: None,
            wake: None,
            skew: 0,
            crash: Crash::None,
            epoch: 0,
        };
        let mut world = Self {
            network: Network::default(),
            audit: Vec::new(),
            notes: Vec::new(),
            calls: Calls::default(),
            nodes: regions
                .iter()
                .map(|name| ((*name).to_owned(), node()))
                .collect(),
            home: (*home.expect("a world has a Region")).to_owned(),
            settings,
            address: None,
            elapsed: 0,
            steps: 0,
        };
        for name in regions {
            world.restart(name);
        }
        world
    }

    /// Region that owns the directory.
    #[must_use]
    pub fn home(&self) -> &str {
        &self.home
    }

    /// The root user of an account.
    #[must_use]
    pub fn root(&self, account: &str) -> Credential {
        Credential {
            access_key: lifecycle::root_key(account),
            session_token: String::new(),
        }
    }

    /// Address that clients call from: `aws:SourceIp` of every later call.
    pub fn stand_at(&mut self, address: &str) {
        self.address = Some(address.to_owned());
    }

    /// Microseconds since the world began.
    #[must_use]
    pub fn elapsed(&self) -> u64 {
        self.elapsed
    }

    /// A Region's own clock, microseconds since 1970.
    #[must_use]
    pub fn wall(&self, region: &str) -> i64 {
        EPOCH + i64::try_from(self.elapsed).expect("worlds are short") + self.node(region).skew
    }

    /// Sets a Region's clock wrong by so many microseconds.
    pub fn skew(&mut self, region: &str, micros: i64) {
        self.node_mut(region).skew = micros;
    }

    /// What a Region's store holds: for searches of its raw bytes.
    ///
    /// # Panics
    /// When the Region was never started.
    #[must_use]
    pub fn store(&self, region: &str) -> &MemoryStore {
        let node = self.node(region);
        node.region
            .as_ref()
            .map(Region::store)
            .or(node.left.as_ref())
            .expect("a Region is up or left something")
    }

    /// Sets the faults in force in a Region, in place of those before.
    pub fn set_faults(&mut self, region: &str, faults: Vec<Fault>) {
        self.step(region, step::Input::SetFaults(SetFaults { faults }));
    }

    /// Delivers everything that is in flight and what it causes, in no time.
    ///
    /// # Panics
    /// When messages never cease.
    pub fn settle(&mut self) {
        for _ in 0..RESTLESS {
            if !self.deliver_one() {
                return;
            }
        }
        panic!("messages never cease");
    }

    /// Delivers the oldest message that can travel; `false` when there is none.
    pub fn deliver_one(&mut self) -> bool {
        let Some(envelope) = self.network.next() else {
            return false;
        };
        let to = envelope.to.clone();
        if self.nodes.contains_key(&to) {
            self.step(&to, step::Input::Deliver(envelope));
        }
        true
    }

    /// Lets time pass: delivers, runs every timer at its moment, and delivers what that causes.
    pub fn advance(&mut self, seconds: u64) {
        self.advance_micros(seconds * 1_000_000);
    }

    /// The same in microseconds.
    ///
    /// # Panics
    /// When a Region wants to be woken again and again at one moment.
    pub fn advance_micros(&mut self, micros: u64) {
        let until = self.elapsed + micros;
        self.settle();
        for _ in 0..RESTLESS {
            if !self.wake_one(until) {
                self.elapsed = until;
                return;
            }
            self.settle();
        }
        panic!("timers never cease");
    }

    /// Moves time to the next timer up to `until` and runs it; `false` when there is none.
    pub(super) fn wake_one(&mut self, until: u64) -> bool {
        let due = self
            .nodes
            .iter()
            .filter_map(|(name, node)| Some((node.wake?, name.clone())))
            .min();
        let Some((at, name)) = due.filter(|(at, _)| *at <= until) else {
            return false;
        };
        self.elapsed = self.elapsed.max(at);
        self.step(&name, step::Input::Tick(Tick {}));
        true
    }

    /// Makes time pass as it does between two calls.
    pub(super) fn between_calls(&mut self) {
        self.elapsed += BETWEEN_CALLS;
    }

    /// Takes a step; `None` when the Region is down or dies of it.
    pub(super) fn step(&mut self, region: &str, input: step::Input) -> Option<Reply> {
        self.steps += 1;
        let (id, elapsed, wall) = (self.steps, self.elapsed, self.wall(region));
        let node = self.node_mut(region);
        let machine = node.region.as_mut()?;
        let crash = std::mem::replace(&mut node.crash, Crash::None);
        let traceparent = String::new();
        let step = Step {
            id,
            elapsed,
            wall,
            crash: crash.into(),
            traceparent,
            input: Some(input),
        };
        match machine.step(step) {
            Ok(reply) => {
                let length = prost::Message::encoded_len(&reply);
                assert!(length <= MESSAGE, "{region} replies {length} bytes");
                node.wake = reply.wake;
                self.take(region, &reply);
                Some(reply)
            }
            Err(Died::Crashed(_)) => {
                self.stop(region);
                None
            }
            Err(other) => panic!("{region} died: {other}"),
        }
    }

    fn take(&mut self, region: &str, reply: &Reply) {
        for envelope in &reply.outbox {
            self.network.send(envelope.clone());
        }
        self.audit.extend(reply.audit.iter().cloned());
        self.notes.extend(
            reply
                .notes
                .iter()
                .map(|note| (region.to_owned(), note.clone())),
        );
        self.calls.take(reply);
    }

    pub(super) fn node(&self, region: &str) -> &Node {
        self.nodes
            .get(region)
            .unwrap_or_else(|| panic!("this world has no Region {region}"))
    }

    pub(super) fn node_mut(&mut self, region: &str) -> &mut Node {
        self.nodes
            .get_mut(region)
            .unwrap_or_else(|| panic!("this world has no Region {region}"))
    }

    pub(super) fn is_up(&self, region: &str) -> bool {
        self.node(region).region.is_some()
    }
}
