//! Every row that Secrets Manager stores.

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::names::{AccountId, RegionName};
use serde::{Deserialize, Serialize};

/// How a version's value is encrypted: under its own data key (SEC-021).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealing {
    /// ARN of the KMS key.
    pub key: String,
    /// KMS's ciphertext of the data key.
    pub data_key: Vec<u8>,
    /// Whether the value is text.
    pub is_text: bool,
    /// By which every Region knows the value again, and nobody else.
    pub mark: [u8; 32],
}

/// A version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRow {
    /// Milliseconds since 1970.
    pub created: i64,
    /// The day of the last read, milliseconds since 1970.
    pub accessed: Option<i64>,
    /// Staging labels.
    pub stages: BTreeSet<String>,
    /// `None` until a rotation has put its value.
    pub sealing: Option<Sealing>,
}

/// A deletion that is to come (SEC-016).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// By the Region's clock, milliseconds since 1970.
    pub at: i64,
    /// Unskewed microseconds.
    pub due: u64,
}

/// How a secret rotates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// ARN of the function.
    pub function: String,
    /// Days between rotations, when given so.
    pub days: Option<i64>,
    /// The rate, when given so.
    pub schedule: Option<String>,
    /// Length of the window.
    pub duration: Option<String>,
    /// Whether it is on.
    pub is_on: bool,
    /// Milliseconds since 1970 of the next one.
    pub next: Option<i64>,
    /// Unskewed microseconds of the next one; a timer of another moment means nothing.
    pub due: u64,
}

/// How far a replica is (SEC-007).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// A change is on its way.
    InProgress,
    /// The replica has confirmed the last change.
    InSync,
    /// The replica refused, and says why.
    Failed(String),
}

/// A replica, as its primary knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaRow {
    /// Key there, as named; `None` is aws/secretsmanager.
    pub key: Option<String>,
    /// How far it is.
    pub progress: Progress,
    /// Number of this replication of the secret: an older one's messages mean nothing.
    pub join: u64,
    /// Number of the last change sent.
    pub revision: u64,
    /// Whether a secret of that name there may be overwritten.
    pub force: bool,
    /// Versions whose values were sent.
    pub sent: BTreeSet<String>,
}

/// Where a secret stands among its copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// A secret of its own, with replicas or none.
    Primary(BTreeMap<RegionName, ReplicaRow>),
    /// A copy (SEC-002).
    Replica {
        /// Region of the primary.
        primary: RegionName,
        /// Number of this replication.
        join: u64,
    },
}

/// A secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRow {
    /// Account that owns it.
    pub account: AccountId,
    /// Name.
    pub name: String,
    /// The six random characters of its ARN, the same for all replicas (SEC-001).
    pub suffix: String,
    /// Free text.
    pub description: Option<String>,
    /// Key, as named; `None` is aws/secretsmanager.
    pub key: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Resource policy.
    pub policy: Option<String>,
    /// Milliseconds since 1970.
    pub created: i64,
    /// Milliseconds since 1970.
    pub changed: i64,
    /// The day of the last read, milliseconds since 1970.
    pub accessed: Option<i64>,
    /// Milliseconds since 1970.
    pub rotated: Option<i64>,
    /// Versions by id.
    pub versions: BTreeMap<String, VersionRow>,
    /// The deletion that is to come.
    pub deletion: Option<Deletion>,
    /// How it rotates.
    pub rotation: Option<Rotation>,
    /// Where it stands among its copies.
    pub place: Place,
    /// Replications begun so far.
    pub joins: u64,
}

impl SecretRow {
    /// The replicas that it has.
    #[must_use]
    pub fn replicas(&self) -> Option<&BTreeMap<RegionName, ReplicaRow>> {
        match &self.place {
            Place::Primary(replicas) => Some(replicas),
            Place::Replica { .. } => None,
        }
    }

    /// The version that has a staging label.
    #[must_use]
    pub fn staged(&self, stage: &str) -> Option<&str> {
        self.versions
            .iter()
            .find(|(_, version)| version.stages.contains(stage))
            .map(|(id, _)| id.as_str())
    }
}

crate::keyspaces! {
    /// Secrets by account and name.
    pub Secrets = 0x0a01, "secretsmanager.secrets", version 1: (AccountId, String) => SecretRow;
    /// Sealed values by account, name and version.
    pub Values = 0x0a02, "secretsmanager.values", version 1: (AccountId, String, String) => serde_bytes::ByteBuf;
}
