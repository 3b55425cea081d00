//! Messages between Regions, in the order in which they were sent, and what happens to them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use faultline_proto::driving::Envelope;

use super::World;

/// Sender and receiver.
type Link = (String, String);

/// What is in flight. Links are one way; a link without a rule delivers.
#[derive(Debug, Default)]
pub struct Network {
    flying: VecDeque<Envelope>,
    cut: BTreeSet<Link>,
    held: BTreeSet<Link>,
    drop_next: BTreeMap<Link, u32>,
    duplicate: bool,
    carried: u64,
}

impl Network {
    /// Loses everything from `from` to `to` from now on.
    pub fn cut(&mut self, from: &str, to: &str) {
        self.cut.insert(link(from, to));
        self.flying
            .retain(|envelope| envelope.from != from || envelope.to != to);
    }

    /// Keeps everything from `from` to `to` in flight from now on.
    pub fn hold(&mut self, from: &str, to: &str) {
        self.held.insert(link(from, to));
    }

    /// Ends a cut and a hold from `from` to `to`.
    pub fn heal(&mut self, from: &str, to: &str) {
        self.cut.remove(&link(from, to));
        self.held.remove(&link(from, to));
    }

    /// Loses the next `count` messages from `from` to `to`, acknowledgements included.
    pub fn drop_next(&mut self, from: &str, to: &str, count: u32) {
        *self.drop_next.entry(link(from, to)).or_default() += count;
    }

    /// Delivers every message twice, or no longer.
    pub fn duplicate(&mut self, on: bool) {
        self.duplicate = on;
    }

    /// Turns the order of what is in flight around.
    pub fn reverse(&mut self) {
        self.flying.make_contiguous().reverse();
    }

    /// Forgets everything in flight.
    pub fn lose_all(&mut self) {
        self.flying.clear();
    }

    /// What is in flight, as captured on the wire.
    pub fn in_flight(&self) -> impl Iterator<Item = &Envelope> {
        self.flying.iter()
    }

    /// How many messages were delivered so far.
    #[must_use]
    pub fn carried(&self) -> u64 {
        self.carried
    }

    pub(super) fn send(&mut self, envelope: Envelope) {
        let link = link(&envelope.from, &envelope.to);
        if self.cut.contains(&link) {
            return;
        }
        if let Some(left) = self.drop_next.get_mut(&link).filter(|left| **left > 0) {
            *left -= 1;
            return;
        }
        if self.duplicate {
            self.flying.push_back(envelope.clone());
        }
        self.flying.push_back(envelope);
    }

    /// The oldest message that nothing holds back.
    pub(super) fn next(&mut self) -> Option<Envelope> {
        let held = &self.held;
        let at = self
            .flying
            .iter()
            .position(|envelope| !held.contains(&link(&envelope.from, &envelope.to)))?;
        self.carried += 1;
        self.flying.remove(at)
    }
}

/// Links, both ways at once.
impl World {
    /// Loses everything between two Regions, both ways.
    pub fn cut(&mut self, one: &str, other: &str) {
        self.network.cut(one, other);
        self.network.cut(other, one);
    }

    /// Ends cuts and holds between two Regions. What was lost comes again by retransmission.
    pub fn heal(&mut self, one: &str, other: &str) {
        self.network.heal(one, other);
        self.network.heal(other, one);
    }

    /// Cuts a Region off from all others.
    pub fn isolate(&mut self, region: &str) {
        for other in self.nodes.keys().filter(|name| *name != region) {
            self.network.cut(region, other);
            self.network.cut(other, region);
        }
    }
}

fn link(from: &str, to: &str) -> Link {
    (from.to_owned(), to.to_owned())
}
