//! The metrics that goals are about.

use faultline_proto::tables::{Kind, MessageDef, Shape};

use super::shapes::{BUCKET, COUNT, FREE, KEY, PRINCIPAL, REGION, TABLE};
use super::{ANY, message, one};

/// In which unit a metric is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Microseconds of virtual time; written as durations.
    Time,
    /// Parts per million; written as percent.
    Share,
    /// Things.
    Count,
}

/// One metric.
#[derive(Debug)]
pub struct MetricDef {
    /// As it is written.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// What `where:` may say.
    pub filter: &'static MessageDef,
}

/// What a goal may bound: the value, or a statistic of many samples.
pub const STATISTICS: &[(&str, &str)] = &[
    ("value", "The metric itself; for times the mean."),
    ("min", "The smallest sample."),
    ("mean", "The mean of all samples."),
    ("p50", "Half of the samples are at or below."),
    ("p90", "90 % of the samples are at or below."),
    ("p95", "95 % of the samples are at or below."),
    ("p99", "99 % of the samples are at or below."),
    ("max", "The largest sample."),
];

/// The metric of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static MetricDef> {
    METRICS.iter().find(|metric| metric.name == name)
}

static ATTEMPT: Shape = Shape {
    values: &["first", "last", "each"],
    ..ANY
};
static WHILE: Shape = Shape {
    values: &["no_faults", "faults"],
    ..ANY
};
static STATUS: Shape = Shape {
    values: &["COMPLETED", "FAILED", "REPLICA"],
    ..ANY
};

static CALLS: MessageDef = message(
    "where.calls",
    "Which calls are counted.",
    &[
        one(
            "operation",
            Kind::Str,
            &FREE,
            "Calls of this verb, `kms.decrypt`.",
        ),
        one(
            "principal",
            Kind::Str,
            &PRINCIPAL,
            "Calls of this principal.",
        ),
        one("region", Kind::Str, &REGION, "Calls to this Region."),
        one(
            "attempt",
            Kind::Str,
            &ATTEMPT,
            "Of a repeated step: the first try, the last, or each (default).",
        ),
        one(
            "while",
            Kind::Str,
            &WHILE,
            "Only while no fault, or only while a fault lasts.",
        ),
    ],
);
static REPLICATIONS: MessageDef = message(
    "where.replications",
    "Which replicated things are counted.",
    &[
        one("table", Kind::Str, &TABLE, "Items of this global table."),
        one(
            "bucket",
            Kind::Str,
            &BUCKET,
            "Objects of this source bucket.",
        ),
        one("key", Kind::Str, &KEY, "Changes of this multi-Region key."),
        one(
            "to",
            Kind::Str,
            &REGION,
            "Only those that go to this Region.",
        ),
        one("outcome", Kind::Str, &STATUS, "Only objects that ended so."),
        one(
            "while",
            Kind::Str,
            &WHILE,
            "Only while no fault, or only while a fault lasts.",
        ),
    ],
);

/// All metrics.
pub static METRICS: &[MetricDef] = &[
    MetricDef {
        name: "success_rate",
        doc: "Share of the calls that were answered without an error.",
        unit: Unit::Share,
        filter: &CALLS,
    },
    MetricDef {
        name: "latency",
        doc: "From the first byte that a client sent to the answer.",
        unit: Unit::Time,
        filter: &CALLS,
    },
    MetricDef {
        name: "cross_region_calls",
        doc: "Calls and messages to other Regions that one call waited for.",
        unit: Unit::Count,
        filter: &CALLS,
    },
    MetricDef {
        name: "replication_lag",
        doc: "From a write's commit in its Region to its commit in another one.",
        unit: Unit::Time,
        filter: &REPLICATIONS,
    },
    MetricDef {
        name: "replication_backlog",
        doc: "Most envelopes that waited for acknowledgement at one moment.",
        unit: Unit::Count,
        filter: &REPLICATIONS,
    },
];

/// `samples:` of a goal.
pub static SAMPLES: &Shape = &COUNT;
