//! What a world can hold, and with which members.

use faultline_proto::tables::MessageDef;

use super::entries::{
    BUCKET_ENTRY, GROUP_ENTRY, KEY_ENTRY, PRINCIPAL_ENTRY, REPLICATION, TABLE_ENTRY, VOLUME_ENTRY,
};
pub use super::entries::{CLIENT, RETRIES_PATTERN};
use super::links::{LAG, LINK};
use super::quotas::QUOTA;
use super::sealed_clients::SEALED_CLIENT;

/// One section of `world:`.
#[derive(Debug)]
pub struct SectionDef {
    /// Key under `world:`.
    pub name: &'static str,
    /// One entry, in words.
    pub entry: &'static str,
    /// Members of an entry.
    pub members: &'static MessageDef,
    /// Whether entries have names (a map) or not (a list).
    pub named: bool,
    /// Sets of members of which exactly one must be there.
    pub one_of: &'static [&'static [&'static str]],
}

/// The section of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static SectionDef> {
    SECTIONS.iter().find(|section| section.name == name)
}

/// Everything under `world:` that is no section of entries.
pub const PLAIN: &[(&str, &str)] = &[
    ("regions", "The Regions of the world, in a list."),
    (
        "accounts",
        "Accounts by name; each id is 12 digits in quotes.",
    ),
    (
        "home",
        "Region that holds the directory of the partition: IAM and bucket names. Default: us-east-1, else the first.",
    ),
    (
        "seed",
        "What chance in the set-up comes from, instead of the run's seed: runs of all seeds begin in the same world. Nodes start anew after it.",
    ),
    (
        "iam_propagation",
        "How long a change of IAM or Organizations waits before it leaves its home for other Regions; default 0s.",
    ),
    (
        "client",
        "How clients behave that no step says otherwise of.",
    ),
    ("clients", "The same as `client`."),
];

/// The sections of `world:` that hold entries.
pub static SECTIONS: &[SectionDef] = &[
    SectionDef {
        name: "links",
        entry: "a link",
        members: &LINK,
        named: false,
        one_of: &[],
    },
    SectionDef {
        name: "replication_lag",
        entry: "a lag",
        members: &LAG,
        named: false,
        one_of: &[],
    },
    SectionDef {
        name: "principals",
        entry: "a principal",
        members: &PRINCIPAL_ENTRY,
        named: true,
        one_of: &[],
    },
    SectionDef {
        name: "groups",
        entry: "a group",
        members: &GROUP_ENTRY,
        named: true,
        one_of: &[],
    },
    SectionDef {
        name: "keys",
        entry: "a key",
        members: &KEY_ENTRY,
        named: true,
        one_of: &[&["region", "primary"]],
    },
    SectionDef {
        name: "buckets",
        entry: "a bucket",
        members: &BUCKET_ENTRY,
        named: true,
        one_of: &[],
    },
    SectionDef {
        name: "tables",
        entry: "a table",
        members: &TABLE_ENTRY,
        named: true,
        one_of: &[&["region", "replicas"]],
    },
    SectionDef {
        name: "volumes",
        entry: "a volume",
        members: &VOLUME_ENTRY,
        named: true,
        one_of: &[],
    },
    SectionDef {
        name: "replication",
        entry: "a replication configuration",
        members: &REPLICATION,
        named: false,
        one_of: &[],
    },
    SectionDef {
        name: "quotas",
        entry: "a quota",
        members: &QUOTA,
        named: false,
        one_of: &[],
    },
    SectionDef {
        name: "sealed_clients",
        entry: "a sealed client",
        members: &SEALED_CLIENT,
        named: true,
        one_of: &[],
    },
];
