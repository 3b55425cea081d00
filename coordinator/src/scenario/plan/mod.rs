//! What will run: a checked file in the form that a runner walks.
//!
//! A [`Plan`] has one [`Case`] for each combination of the matrix, variables already put
//! in. What only a run knows (saved answers, loop variables) stays a
//! [`Template`](super::template::Template), to be evaluated with the
//! [`Bindings`](super::template::Bindings) of the moment. Every part keeps its span, so
//! that a report can point at it.

pub mod faults;
pub mod later;
pub mod sealed;
pub mod step;
pub mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::diagnostic::Diagnostic;
use super::matchers::Matcher;
use super::source::{Source, Span};
use super::vocabulary::metrics::MetricDef;
use super::vocabulary::oracles::OracleDef;

pub use faults::{FaultPlan, FaultSpec};
pub use later::Later;
pub use step::{Action, Call, Client, Failure, Lane, Patience, Step};
pub use world::WorldPlan;

/// A scenario file that can run.
#[derive(Debug)]
pub struct Plan {
    /// The file.
    pub source: Arc<Source>,
    /// One line for people.
    pub title: String,
    /// Markdown for people.
    pub story: Option<String>,
    /// Words to choose scenarios by.
    pub tags: Vec<String>,
    /// The file's seed.
    pub seed: Option<u64>,
    /// Oracles that must be violated, and no others, for the file to pass.
    pub meant_to_violate: Vec<String>,
    /// One for each combination of the matrix; at least one.
    pub cases: Vec<Case>,
    /// What is surely not meant, but runs.
    pub warnings: Vec<Diagnostic>,
}

/// One combination of the matrix, or all there is without one.
#[derive(Debug)]
pub struct Case {
    /// `region=eu-west-1, size=2`; empty without a matrix.
    pub label: String,
    /// Values of `vars` and of this combination.
    pub vars: BTreeMap<String, Value>,
    /// The world.
    pub world: WorldPlan,
    /// What happens.
    pub steps: Vec<Step>,
    /// What must hold all the time.
    pub always: Vec<OracleSpec>,
    /// What happens after all, whatever happened.
    pub finally: Vec<Step>,
    /// Bounds on what was measured.
    pub goals: Vec<Goal>,
}

/// An oracle as a file calls it.
#[derive(Debug, Clone)]
pub struct OracleSpec {
    /// Which.
    pub def: &'static OracleDef,
    /// Its arguments, world names as names.
    pub arguments: Map<String, Value>,
    /// Where it is written.
    pub span: Span,
}

impl OracleSpec {
    /// An argument's text.
    #[must_use]
    pub fn text(&self, argument: &str) -> Option<&str> {
        self.arguments.get(argument).and_then(Value::as_str)
    }
    /// An argument's texts.
    #[must_use]
    pub fn texts(&self, argument: &str) -> Vec<&str> {
        let items = self.arguments.get(argument).and_then(Value::as_array);
        items
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }
}

/// A bound on a metric.
#[derive(Debug, Clone)]
pub struct Goal {
    /// Which metric.
    pub metric: &'static MetricDef,
    /// Which of the things measured count.
    pub filter: Map<String, Value>,
    /// The statistics that are bound, `p99`, each by a matcher; times are in microseconds,
    /// shares in parts per million.
    pub bounds: Vec<(&'static str, Matcher)>,
    /// How many samples there must be; without enough the goal is unknown.
    pub samples: Option<Matcher>,
    /// Where it is written.
    pub span: Span,
}
