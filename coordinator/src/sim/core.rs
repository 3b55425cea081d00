//! The loop: the next event, and who handles it.

use std::collections::BTreeMap;

use faultline_proto::driving::{Completed, Envelope};
use faultline_proto::names::{RegionName, Timestamp};

use super::call::{Call, Part, Side};
use super::executor::Promise;
use super::frozen::Orphan;
use super::nodes::Node;
use super::tap::Tap;
use super::trouble::Active;
use super::{Broken, SimConfig};
use crate::clock::SimTime;
use crate::faults::{Fault, RootCall};
use crate::journal::redact::Canaries;
use crate::journal::{Journal, What};
use crate::network::Network;
use crate::queue::Queue;
use crate::transport::Transport;

/// What is going to happen.
pub(super) enum Next {
    /// Somebody has waited long enough.
    Wake(Promise<()>),
    /// A Region wanted to be woken.
    Tick(RegionName),
    /// A Region has written what it sends.
    Post(u64, Box<Envelope>),
    /// A message reaches its Region.
    Arrive(u64, Box<Envelope>),
    /// A part of a call reaches the other side.
    Part {
        call: u64,
        side: Side,
        seq: u64,
        part: Part,
    },
    /// A Region that was frozen reads a part of a call.
    Thawed {
        call: u64,
        seq: u64,
        part: Part,
        orphan: Option<Box<Orphan>>,
    },
    /// A part of a call is sent again, for the network took it.
    Again {
        call: u64,
        side: Side,
        seq: u64,
        part: Part,
        tries: u32,
    },
    /// A client tries to connect.
    Connect(u64, u32),
    /// The link is free for the next chunk of a call's body.
    Chunk(u64),
    /// A client may have waited too long.
    Deadline(u64),
    /// A Region's process starts again.
    Revive(RegionName),
    /// A fault begins, and ends by itself if it has an end.
    BeginFault(Box<Fault>, Option<SimTime>),
    /// A fault ends.
    HealFault(u64),
}

/// Ticks of one Region at one moment that are too many.
const RESTLESS: u32 = 10_000;

/// All of a run's state.
pub(super) struct Core {
    pub config: SimConfig,
    pub queue: Queue<Next>,
    pub network: Network,
    pub transport: Box<dyn Transport>,
    pub journal: Journal,
    pub canaries: Canaries,
    pub taps: Vec<Box<dyn Tap>>,
    pub nodes: BTreeMap<RegionName, Node>,
    pub calls: BTreeMap<u64, Call>,
    pub call_ids: BTreeMap<String, u64>,
    pub next_call: u64,
    pub direct: BTreeMap<String, Completed>,
    pub messages: u64,
    pub held: Vec<(u64, u64, Box<Envelope>)>,
    pub held_parts: Vec<(u64, Next)>,
    pub faults: BTreeMap<u64, Active>,
    pub next_fault: u64,
    /// What root takes back when the Region's process lives again.
    pub late_heals: Vec<(Fault, RootCall)>,
    /// Whether somebody who waits could go on.
    pub woken: bool,
    pub broken: Option<Broken>,
    ticks: (SimTime, u32),
}

impl Core {
    pub fn new(config: SimConfig, transport: Box<dyn Transport>, journal: Journal) -> Self {
        let nodes = config
            .regions
            .iter()
            .map(|region| (region.clone(), Node::default()))
            .collect();
        Self {
            network: Network::new(config.seed, config.links.clone()),
            config,
            queue: Queue::default(),
            transport,
            journal,
            canaries: Canaries::default(),
            taps: Vec::new(),
            nodes,
            calls: BTreeMap::new(),
            call_ids: BTreeMap::new(),
            next_call: 0,
            direct: BTreeMap::new(),
            messages: 0,
            held: Vec::new(),
            held_parts: Vec::new(),
            faults: BTreeMap::new(),
            next_fault: 0,
            late_heals: Vec::new(),
            woken: false,
            broken: None,
            ticks: (SimTime::ZERO, 0),
        }
    }

    pub fn now(&self) -> SimTime {
        self.queue.now()
    }

    pub fn record(&mut self, what: What) -> u64 {
        self.journal.record(self.queue.now(), what)
    }

    pub fn wall(&self, region: &RegionName) -> Timestamp {
        let now = self.now();
        self.nodes.get(region).map_or_else(
            || crate::clock::Clock::default().wall(now),
            |node| node.clock.wall(now),
        )
    }

    /// The first thing that went wrong, if one did.
    pub fn verdict(&mut self) -> Result<(), Broken> {
        self.broken.take().map_or(Ok(()), Err)
    }

    pub fn break_off(&mut self, broken: impl Into<Broken>) {
        self.broken.get_or_insert(broken.into());
    }

    /// Takes events until somebody who waits could go on.
    pub fn advance(&mut self) -> Result<(), Broken> {
        loop {
            self.verdict()?;
            if std::mem::take(&mut self.woken) {
                return Ok(());
            }
            if let (Some(budget), Some(next)) = (self.config.budget, self.queue.next_at())
                && next > SimTime::ZERO + budget
            {
                return Err(Broken::Budget(budget));
            }
            let Some((at, next)) = self.queue.pop() else {
                return Err(Broken::Stuck(self.now()));
            };
            self.handle(at, next);
        }
    }

    fn handle(&mut self, at: SimTime, next: Next) {
        match next {
            Next::Wake(promise) => {
                promise.keep(());
                self.woken = true;
            }
            Next::Tick(region) => {
                self.ticks = if self.ticks.0 == at {
                    (at, self.ticks.1 + 1)
                } else {
                    (at, 0)
                };
                if self.ticks.1 > RESTLESS {
                    self.break_off(Broken::Restless { region, at });
                } else {
                    self.tick(&region);
                }
            }
            Next::Post(message, envelope) => self.post_written(message, *envelope),
            Next::Arrive(message, envelope) => self.arrive(message, *envelope),
            Next::Part {
                call,
                side,
                seq,
                part,
            } => self.part_arrives(call, side, seq, part),
            Next::Thawed {
                call,
                seq,
                part,
                orphan,
            } => self.thawed(call, seq, part, orphan),
            Next::Again {
                call,
                side,
                seq,
                part,
                tries,
            } => self.transmit(call, side, seq, part, tries),
            Next::Connect(call, tries) => self.connect(call, tries),
            Next::Chunk(call) => self.send_chunk(call),
            Next::Deadline(call) => self.deadline(call),
            Next::Revive(region) => self.revive(&region),
            Next::BeginFault(fault, until) => self.begin_scheduled(&fault, until),
            Next::HealFault(fault) => {
                // What root could not take back is a line of the journal.
                drop(self.heal_fault(fault));
            }
        }
    }
}
