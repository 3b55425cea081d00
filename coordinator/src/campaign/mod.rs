//! Campaigns: one file, thousands of seeds, the property that broke, and a short scenario
//! that breaks it again.
//!
//! The idea: **every run of a campaign is a scenario.** A seed is turned into a
//! [`Recorded`](recorded::Recorded) plan (which client asks what and when, which fault
//! begins when and how long it lasts), the plan is written as a scenario file, and that file
//! is run like any other. So nothing is judged twice, a failing run can be kept as it is,
//! and shrinking works on the plan and proves itself by running what it writes.
//!
//! ```text
//!   campaign file --read--> Campaign --generate(seed)--> Recorded --compose--> scenario text
//!                                                           ^                      |
//!                                                        shrink <---- fails? <--- trial
//! ```
//!
//! - [`read`]: the file, strictly, with carets. [`check`]: its rows, as the steps they become.
//! - [`dice`], [`targets`], [`generate`]: from a seed to a plan. [`compounds`]: faults of
//!   several parts.
//! - [`recorded`], [`compose`]: from a plan to a scenario file, which [`emit`] writes.
//!
//! [`emit`]: crate::scenario::emit
//! - [`trial`]: one run, and what is kept of it. [`reach`]: what a campaign must have seen.
//! - [`guide`]: plans that follow what earlier runs saw. `marks`: what tells two states apart.
//! - [`search`]: all cores. [`tally`]: what the runs come to; joined over shards.
//! - [`shrink`]: the smallest plan that fails in the same way.
//! - [`kills`]: no campaign of scenarios, but of kills: real processes over real stores.
//!
//! - [`worlds`]: what every run goes on from, made once.
//!
//! Left out: several worlds in one campaign.

pub mod check;
pub mod compose;
pub mod compounds;
pub mod dice;
pub mod generate;
pub mod guide;
pub mod kills;
mod marks;
pub mod reach;
pub mod read;
pub mod recorded;
pub mod search;
pub mod shrink;
pub mod tally;
pub mod targets;
pub mod trial;
pub mod worlds;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Span;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::source::{Entry, Node, Source};
use crate::scenario::vocabulary::verbs::{self, Verb};

use reach::Reach;

/// A campaign file that can run.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// The file.
    pub source: Arc<Source>,
    /// Its stem, for the names of runs.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// `world`, `vars`, `client` and `defaults` of every scenario that is made.
    pub shared: Vec<Entry>,
    /// What `any` can mean.
    pub names: targets::Names,
    /// First seed, and how many.
    pub seeds: (u64, u64),
    /// How long it may take.
    pub budget: Budget,
    /// What clients do.
    pub workload: Workload,
    /// What goes wrong.
    pub faults: Faults,
    /// `always:`, as a scenario has it.
    pub always: Option<Node>,
    /// `goals:`, as a scenario has it; judged over the samples of all runs.
    pub goals: Option<Node>,
    /// What must become true when the storm is over.
    pub settle: Option<Settle>,
    /// What must have happened in some run.
    pub reach: Vec<Reach>,
    /// Failures after which no more seeds are begun.
    pub stop_after: Option<u64>,
    /// How a failing run is made small.
    pub shrink: ShrinkPlan,
    /// What is surely not meant, but runs.
    pub warnings: Vec<Diagnostic>,
    /// What its runs begin in.
    pub worlds: worlds::Worlds,
}

impl Campaign {
    /// Ids of the operations of its workload.
    fn operations(&self) -> BTreeSet<&'static str> {
        let words = self.workload.mix.iter().flat_map(|row| &row.step);
        let found = words.filter_map(|entry| verbs::find(&entry.key.text));
        found
            .filter_map(|verb| match verb {
                Verb::Operation(def) => Some(def.id),
                Verb::BuiltIn(_) => None,
            })
            .collect()
    }
}

/// How long a campaign may take.
#[derive(Debug, Clone, Copy, Default)]
pub struct Budget {
    /// Wall time for all runs.
    pub wall: Option<std::time::Duration>,
    /// Virtual time of one run.
    pub simulated: Option<Span>,
    /// Threads; all cores when absent.
    pub workers: Option<u64>,
}

/// What clients do.
#[derive(Debug, Clone)]
pub struct Workload {
    /// How long they go on.
    pub lasts: Span,
    /// How many.
    pub clients: u64,
    /// Mean time between two operations of one client.
    pub pause: Span,
    /// How many keys `$key` may be.
    pub keys: u64,
    /// Whether half of all operations meet the first key.
    pub hot: bool,
    /// `in`, `as`, `from` and `client` of rows that do not say.
    pub adverbs: Vec<Entry>,
    /// What they do, by weight.
    pub mix: Vec<MixRow>,
}

/// A verb with its adverbs.
#[derive(Debug, Clone)]
pub struct MixRow {
    /// How often, beside the others.
    pub weight: u64,
    /// The step's entries.
    pub step: Vec<Entry>,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub struct Faults {
    /// How many at once at the most.
    pub at_once: u64,
    /// How long nothing new goes wrong after a fault has healed.
    pub calm: (Span, Span),
    /// Whether each seed takes only some of the rows.
    pub swarm: bool,
    /// What may go wrong, by weight.
    pub pick: Vec<PickRow>,
}

/// A fault, not yet aimed.
#[derive(Debug, Clone)]
pub struct PickRow {
    /// How often, beside the others.
    pub weight: u64,
    /// How long it lasts.
    pub lasts: (Span, Span),
    /// Its name and members, `any` for what chance decides.
    pub fault: Entry,
}

/// What must become true when everything is healed.
#[derive(Debug, Clone)]
pub struct Settle {
    /// How long each step may take.
    pub within: Option<Node>,
    /// Steps.
    pub then: Vec<Node>,
}

/// How a failing run is made small.
#[derive(Debug, Clone)]
pub struct ShrinkPlan {
    /// Whether it is.
    pub wanted: bool,
    /// What may be taken away.
    pub by: Vec<shrink::By>,
    /// How long that may take.
    pub budget: std::time::Duration,
    /// Where the scenario is put; beside the results when absent.
    pub keep_as: Option<PathBuf>,
}
