//! A scenario carried out by live nodes: `faultline run --live`.
//!
//! Each Region is a process on the wall clock with a store and ports of its own, started for
//! this run and gone after it. The simulator still has the file in hand: it waits until a
//! moment has come, its clients ask over gRPC, and what it knows of faults it passes on. Links
//! and clocks are broken in the nodes themselves, a crash is SIGKILL.
//!
//! What happens between the nodes happens as it happens: nobody promises it again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use faultline_node::store::{SledStore, StoreOptions};
use faultline_proto::driving::{self, Crash, Reply, Start, Started, Step, Trouble, step::Input};
use faultline_proto::names::{AccountId, RegionName};
use faultline_region::store::{Store as _, own};
use tokio::runtime::Runtime;

use super::conditions::of_conditions;
use super::folder::Folder;
use super::saved::{Saved, SavedAccount, SavedRegion};
use super::supervisor::Supervisor;
use super::transport::LiveTransport;
use crate::clock::{BASE_WALL, SimTime};
use crate::network::condition::Condition;
use crate::transport::{StepError, Transport, TransportError};

/// See the module.
pub struct LiveRun {
    program: PathBuf,
    folder: Folder,
    runtime: Runtime,
    world: Option<World>,
    alive: BTreeSet<RegionName>,
    conditions: Vec<Condition>,
    rules: BTreeMap<RegionName, Vec<driving::Fault>>,
    skews: BTreeMap<RegionName, i64>,
}

/// The processes, and the way to them.
struct World {
    supervisor: Supervisor,
    carrier: LiveTransport,
    regions: Vec<RegionName>,
}

impl LiveRun {
    /// Nodes of `program` (this program) with all that is theirs in `folder`.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn new(program: PathBuf, folder: &Path) -> std::io::Result<Self> {
        Ok(Self {
            program,
            folder: Folder::new(folder),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            world: None,
            alive: BTreeSet::new(),
            conditions: Vec::new(),
            rules: BTreeMap::new(),
            skews: BTreeMap::new(),
        })
    }

    /// Starts the process of a Region; the first one settles where all of them listen.
    fn begin(&mut self, region: &RegionName, start: &Start) -> Result<(), String> {
        if self.world.is_none() {
            self.world = Some(self.make(start)?);
        }
        if let Some(world) = &mut self.world {
            self.runtime.block_on(world.supervisor.launch_one(region))?;
        }
        self.alive.insert(region.clone());
        self.tell(region)
    }

    fn make(&self, start: &Start) -> Result<World, String> {
        let saved = saved(start)?;
        let secret = hex::encode(&start.partition_secret);
        self.folder.write_private("partition.key", &secret)?;
        self.folder.save(&saved)?;
        let supervisor = Supervisor::new(self.program.clone(), &self.folder, &saved)?;
        let carrier = LiveTransport::new(&saved, &self.folder.access(&saved)?)?;
        Ok(World {
            supervisor,
            carrier,
            regions: saved.regions.into_iter().map(|it| it.region).collect(),
        })
    }

    /// Tells a node all its trouble.
    fn tell(&self, region: &RegionName) -> Result<(), String> {
        let Some(world) = self.world.as_ref().filter(|_| self.alive.contains(region)) else {
            return Ok(());
        };
        let trouble = Trouble {
            links: of_conditions(&self.conditions, region, &world.regions),
            skew: self.skews.get(region).copied().unwrap_or_default(),
            faults: self.rules.get(region).cloned().unwrap_or_default(),
        };
        world.carrier.set_trouble(region, trouble)
    }

    fn crash(&mut self, region: &RegionName) {
        if let Some(world) = &mut self.world {
            self.runtime.block_on(world.supervisor.kill_one(region));
            world.carrier.forget(region);
        }
        self.alive.remove(region);
    }

    /// The clock of a node is wrong by what the simulator's is.
    fn skew(&mut self, region: &RegionName, step: &Step) -> Result<(), String> {
        let right = BASE_WALL.saturating_add(i64::try_from(step.elapsed).unwrap_or(i64::MAX));
        let skew = step.wall.saturating_sub(right);
        if self.skews.get(region).copied().unwrap_or_default() == skew {
            return Ok(());
        }
        self.skews.insert(region.clone(), skew);
        self.tell(region)
    }
}

/// A world's file from what a Region is told at its start.
fn saved(start: &Start) -> Result<Saved, String> {
    let region = |text: &str| RegionName::new(text).map_err(|error| error.to_string());
    // Held until all are chosen, so that no port is given twice.
    let mut held = Vec::new();
    let mut port = || -> Result<SocketAddr, String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let listener = listener.map_err(|error| format!("no port is free: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        held.push(listener);
        Ok(address)
    };
    let mut regions = Vec::new();
    for name in &start.regions {
        regions.push(SavedRegion {
            region: region(name)?,
            aws: port()?,
            grpc: port()?,
        });
    }
    let mut accounts = BTreeMap::new();
    for account in &start.accounts {
        let id = AccountId::new(&account.id).map_err(|error| error.to_string())?;
        let saved = SavedAccount {
            id,
            root_access_key: account.root_access_key.clone(),
        };
        accounts.insert(account.id.clone(), saved);
    }
    Ok(Saved {
        form: 1,
        asked: String::new(),
        made: true,
        home: region(&start.home)?,
        regions,
        accounts,
        principals: BTreeMap::new(),
        keys: BTreeMap::new(),
        volumes: BTreeMap::new(),
        front: None,
        tls: None,
    })
}

impl Transport for LiveRun {
    fn start(&mut self, _region: &RegionName) -> Result<(), TransportError> {
        // Its first step says who it is.
        Ok(())
    }

    fn step(&mut self, region: &RegionName, step: Step) -> Result<Reply, StepError> {
        let fail = |problem: String| TransportError::new(region, problem);
        if let Some(Input::Start(start)) = &step.input {
            self.begin(region, start).map_err(fail)?;
            return Ok(Reply {
                step: step.id,
                started: Some(Started::default()),
                ..Reply::default()
            });
        }
        self.skew(region, &step).map_err(fail)?;
        if let Some(Input::SetFaults(set)) = &step.input {
            self.rules.insert(region.clone(), set.faults.clone());
            self.tell(region).map_err(fail)?;
        }
        let crash = Crash::try_from(step.crash).unwrap_or(Crash::None);
        if crash == Crash::BeforeCommit {
            self.crash(region);
            return Err(StepError::Died(region.clone()));
        }
        let world = self.world.as_mut();
        let world = world.ok_or_else(|| fail("it is asked before it was started".to_owned()))?;
        let reply = world.carrier.step(region, step);
        if crash == Crash::AfterCommit {
            self.crash(region);
            return Err(StepError::Died(region.clone()));
        }
        reply
    }

    fn network(&mut self, now: SimTime, conditions: &[Condition]) -> Result<(), TransportError> {
        self.conditions = conditions.to_vec();
        if let Some(world) = &mut self.world {
            world.carrier.pace(now.0);
        }
        for region in &self.alive {
            self.tell(region)
                .map_err(|problem| TransportError::new(region, problem))?;
        }
        Ok(())
    }

    fn kill(&mut self, region: &RegionName) -> Result<(), TransportError> {
        self.crash(region);
        Ok(())
    }

    fn stop(&mut self, region: &RegionName) -> Result<(), TransportError> {
        self.alive.remove(region);
        let Some(world) = &mut self.world else {
            return Ok(());
        };
        world.carrier.forget(region);
        let stopped = self.runtime.block_on(world.supervisor.stop_one(region));
        stopped.map_err(|problem| TransportError::new(region, problem))
    }

    fn rows_at_rest(
        &mut self,
        region: &RegionName,
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), TransportError> {
        let fail = |error: faultline_region::store::StoreError| {
            TransportError::new(region, error.to_string())
        };
        let store = self.folder.of(region).join("store");
        let store = SledStore::open(&StoreOptions::new(store, region.clone())).map_err(fail)?;
        for row in store.raw() {
            let (key, value) = row.map_err(fail)?;
            if !own::is_own(&key) {
                visit(&key, &value);
            }
        }
        Ok(())
    }
}
