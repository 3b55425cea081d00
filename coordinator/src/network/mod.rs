//! The network between Regions, and between them and their clients.
//!
//! A message has a *fate*: it is delivered at a moment, delivered twice, held, or dropped,
//! and whoever caused the last two is known by name. Fate follows from the link, the
//! faults in force, and chance derived from the message's place in its stream; nothing
//! else. The network holds no message: the caller queues what is to arrive and asks again
//! with [`Network::cut`] at the moment of arrival, for a cable that is cut loses what was
//! on it.
//!
//! - [`distances`]: LAT-A, the default links.
//! - [`link`]: latency, jitter, bandwidth.
//! - [`condition`]: what faults do.
//!
//! Messages of one stream from one Region to another arrive in order, as over one
//! connection, unless a `messages` fault reorders them. Left out: routing (each pair of
//! Regions has its own link) and loss without a fault.

pub mod condition;
pub mod distances;
pub mod link;

use std::collections::BTreeMap;

use faultline_proto::names::RegionName;

use crate::clock::{SimTime, Span};
use crate::seed::{Draw, RunSeed};
use condition::Condition;
use link::Link;

/// The stream of what clients send and hear.
pub const CALL_STREAM: &str = "call";

/// A message, as far as the network sees it.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Region that it leaves.
    pub from: &'a RegionName,
    /// Region that it is meant for.
    pub to: &'a RegionName,
    /// Replication stream, or [`CALL_STREAM`].
    pub stream: &'a str,
    /// What shares one connection and so its order: a lane's name for calls, else empty.
    pub flow: &'a str,
    /// Size on the wire.
    pub bytes: u64,
}

/// A fault that is in force, as causes are told: by number and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// Number of the fault in the run.
    pub fault: u64,
    /// Kind of the fault, `region_down`.
    pub kind: &'static str,
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Deliver(SimTime),
    /// It arrives twice.
    Duplicate(SimTime, SimTime),
    /// It waits until the fault heals, and is sent then.
    Hold(Cause),
    /// It is lost.
    Drop(Cause),
}

/// The two ends of one direction.
type Way = (RegionName, RegionName);
/// What keeps its order: a way, a stream and a flow.
type Connection = (Way, String, String);

/// All links, and what is the matter with them.
#[derive(Debug)]
pub struct Network {
    seed: RunSeed,
    links: BTreeMap<Way, Link>,
    busy: BTreeMap<Way, SimTime>,
    connections: BTreeMap<Connection, Order>,
    conditions: BTreeMap<u64, (Cause, Condition)>,
}

/// How far a connection is.
#[derive(Debug, Default)]
struct Order {
    sent: u64,
    not_before: SimTime,
}

impl Network {
    /// A network whose chance derives from `seed`. `links` replace the defaults, one way each.
    #[must_use]
    pub fn new(seed: RunSeed, links: BTreeMap<Way, Link>) -> Self {
        Self {
            seed,
            links,
            busy: BTreeMap::new(),
            connections: BTreeMap::new(),
            conditions: BTreeMap::new(),
        }
    }

    /// A fault begins.
    pub fn begin(&mut self, cause: Cause, condition: Condition) {
        self.conditions.insert(cause.fault, (cause, condition));
    }

    /// A fault ends.
    pub fn heal(&mut self, fault: u64) {
        self.conditions.remove(&fault);
    }

    /// What is the matter now.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.conditions.values().map(|(_, condition)| condition)
    }

    /// The link in one direction, without faults.
    #[must_use]
    pub fn link(&self, from: &RegionName, to: &RegionName) -> Link {
        let way = (from.clone(), to.clone());
        self.links
            .get(&way)
            .copied()
            .unwrap_or_else(|| distances::default_link(from, to))
    }

    /// The fault that lets nothing pass from one Region to another now.
    #[must_use]
    pub fn cut(&self, from: &RegionName, to: &RegionName) -> Option<Cause> {
        self.conditions
            .values()
            .find(|(_, condition)| condition.cuts(from, to))
            .map(|(cause, _)| cause.clone())
    }

    /// When the last message that was sent has left: the next one can begin.
    #[must_use]
    pub fn free_at(&self, from: &RegionName, to: &RegionName) -> SimTime {
        self.busy
            .get(&(from.clone(), to.clone()))
            .copied()
            .unwrap_or_default()
    }

    /// Decides the fate of a message sent at `now`.
    pub fn send(&mut self, now: SimTime, message: &Message<'_>) -> Fate {
        let way = (message.from.clone(), message.to.clone());
        let mut link = self.link(message.from, message.to);
        for (_, condition) in self.conditions.values() {
            link = condition.bend(link, message);
        }
        let connection = (
            way.clone(),
            message.stream.to_owned(),
            message.flow.to_owned(),
        );
        let order = self.connections.entry(connection).or_default();
        order.sent += 1;
        let chance = Chance {
            seed: self.seed,
            message,
            number: order.sent,
        };
        if let Some((cause, _)) = self
            .conditions
            .values()
            .find(|(_, it)| it.cuts(message.from, message.to))
        {
            return Fate::Drop(cause.clone());
        }
        let busy = self.busy.entry(way).or_default();
        let passage = link.pass(now, *busy, message.bytes, chance.of("jitter"));
        *busy = passage.departs;
        let at = passage.arrives.max(order.not_before);
        let fate = disturb(self.conditions.values(), message, &chance, at);
        if fate == Fate::Deliver(at) {
            order.not_before = at;
        }
        fate
    }
}

/// Chance for one message: by its place in its connection.
struct Chance<'a> {
    seed: RunSeed,
    message: &'a Message<'a>,
    number: u64,
}

impl Chance<'_> {
    fn of(&self, what: &str) -> Draw {
        let Message {
            from,
            to,
            stream,
            flow,
            ..
        } = self.message;
        self.seed.draw(
            &format!("network {what} {from}>{to} {stream} {flow}"),
            self.number,
        )
    }
}

/// What `messages` faults make of a message that would arrive at `at`.
fn disturb<'a>(
    conditions: impl Iterator<Item = &'a (Cause, Condition)>,
    message: &Message<'_>,
    chance: &Chance<'_>,
    at: SimTime,
) -> Fate {
    for (cause, condition) in conditions {
        let Some(mischief) = condition.mischief(message) else {
            continue;
        };
        let happens = |what, ratio| chance.of(&format!("{what} {}", cause.fault)).happens(ratio);
        let late = |what| {
            chance
                .of(&format!("{what} {}", cause.fault))
                .span(Span(1), mischief.by.max(Span(1)))
        };
        if happens("lose", mischief.lose) {
            return Fate::Drop(cause.clone());
        }
        if happens("hold", mischief.hold) {
            return mischief.hold_for.map_or_else(
                || Fate::Hold(cause.clone()),
                |wait| Fate::Deliver(at + wait),
            );
        }
        if happens("duplicate", mischief.duplicate) {
            return Fate::Duplicate(at, at + late("repeat"));
        }
        if happens("reorder", mischief.reorder) {
            return Fate::Deliver(at + late("late"));
        }
    }
    Fate::Deliver(at)
}

#[cfg(test)]
mod tests;
