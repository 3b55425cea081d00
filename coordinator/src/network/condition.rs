//! What a fault does to the network while it lasts, as data and pure questions.

use std::collections::BTreeSet;

use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::Message;
use super::link::{Bandwidth, Link};
use crate::clock::Span;
use crate::seed::Ratio;

/// Which messages a condition concerns; whatever is empty concerns all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Regions they come from.
    pub from: BTreeSet<RegionName>,
    /// Regions they go to.
    pub to: BTreeSet<RegionName>,
    /// The other direction as well.
    pub both_ways: bool,
    /// Streams (`kms`, `s3`, `dynamodb`, `iam`...); `call` is what clients send and hear.
    pub streams: BTreeSet<String>,
}

impl Scope {
    /// Whether `message` is meant.
    #[must_use]
    pub fn covers(&self, message: &Message<'_>) -> bool {
        let within = |set: &BTreeSet<RegionName>, region| set.is_empty() || set.contains(region);
        let there = within(&self.from, message.from) && within(&self.to, message.to);
        let back =
            self.both_ways && within(&self.from, message.to) && within(&self.to, message.from);
        (there || back) && (self.streams.is_empty() || self.streams.contains(message.stream))
    }
}

/// What happens to single messages, each by its own chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mischief {
    /// Lost.
    pub lose: Ratio,
    /// Arrives twice.
    pub duplicate: Ratio,
    /// Kept back for up to `by`, so that later messages overtake it.
    pub reorder: Ratio,
    /// Longest time that a reordered or repeated message is late.
    pub by: Span,
    /// Kept for `hold_for`.
    pub hold: Ratio,
    /// How long a held message waits; until the fault heals when absent.
    pub hold_for: Option<Span>,
}

impl Default for Mischief {
    fn default() -> Self {
        let never = Ratio::NEVER;
        Self {
            lose: never,
            duplicate: never,
            reorder: never,
            by: Span::millis(500),
            hold: never,
            hold_for: None,
        }
    }
}

/// What is the matter with the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Nothing reaches the Region and nothing leaves it, clients inside included; its
    /// processes and its state remain.
    RegionDown(RegionName),
    /// Nothing passes from one side to the other.
    Cut {
        /// One side.
        from: BTreeSet<RegionName>,
        /// The other side.
        to: BTreeSet<RegionName>,
        /// Neither there nor back.
        both_ways: bool,
    },
    /// Links are slower than they were; what is absent stays as it was.
    Slow {
        /// Which messages are slower.
        scope: Scope,
        /// In place of the usual one-way latency.
        latency: Option<Span>,
        /// In place of the usual jitter.
        jitter: Option<Span>,
        /// In place of the usual bandwidth.
        bandwidth: Option<Bandwidth>,
    },
    /// Messages are lost, repeated, reordered or held.
    Messages {
        /// Which messages.
        scope: Scope,
        /// What happens to them.
        mischief: Mischief,
    },
}

impl Condition {
    /// Whether nothing passes from one Region to another (or inside one) now.
    #[must_use]
    pub fn cuts(&self, from: &RegionName, to: &RegionName) -> bool {
        match self {
            Self::RegionDown(region) => from == region || to == region,
            Self::Cut {
                from: left,
                to: right,
                both_ways,
            } => {
                (left.contains(from) && right.contains(to))
                    || (*both_ways && left.contains(to) && right.contains(from))
            }
            Self::Slow { .. } | Self::Messages { .. } => false,
        }
    }

    /// The link as `message` finds it.
    #[must_use]
    pub fn bend(&self, link: Link, message: &Message<'_>) -> Link {
        match self {
            Self::Slow {
                scope,
                latency,
                jitter,
                bandwidth,
            } if scope.covers(message) => Link {
                latency: latency.unwrap_or(link.latency),
                jitter: jitter.unwrap_or(link.jitter),
                bandwidth: bandwidth.unwrap_or(link.bandwidth),
            },
            Self::Slow { .. } | Self::RegionDown(_) | Self::Cut { .. } | Self::Messages { .. } => {
                link
            }
        }
    }

    /// What may happen to `message`.
    #[must_use]
    pub fn mischief(&self, message: &Message<'_>) -> Option<&Mischief> {
        match self {
            // What stays inside a Region crosses no link.
            Self::Messages { scope, mischief }
                if message.from != message.to && scope.covers(message) =>
            {
                Some(mischief)
            }
            Self::Messages { .. } | Self::RegionDown(_) | Self::Cut { .. } | Self::Slow { .. } => {
                None
            }
        }
    }
}
