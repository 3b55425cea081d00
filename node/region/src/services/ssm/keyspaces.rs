//! Every row that Parameter Store keeps.

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::names::AccountId;
use serde::{Deserialize, Serialize};

/// What a parameter holds (SEC-030).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Text.
    String,
    /// Texts with commas between them.
    StringList,
    /// Text under KMS.
    SecureString,
}

/// How much a parameter may hold (SEC-028).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tier {
    /// 4 KB, no policies.
    Standard,
    /// 8 KB, policies.
    Advanced,
}

/// A value as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stored {
    /// In the clear: String and StringList.
    Clear(String),
    /// KMS's ciphertext of the value (SEC-032).
    Direct {
        /// ARN of the key.
        key: String,
        /// The ciphertext.
        #[serde(with = "serde_bytes")]
        blob: Vec<u8>,
    },
    /// Sealed under a data key of its own (SEC-032).
    Envelope {
        /// ARN of the key.
        key: String,
        /// KMS's ciphertext of the data key.
        #[serde(with = "serde_bytes")]
        data_key: Vec<u8>,
        /// The sealed value.
        #[serde(with = "serde_bytes")]
        sealed: Vec<u8>,
    },
}

/// What a policy does (SEC-040).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Does {
    /// Deletes at this moment, milliseconds since 1970.
    Expire(i64),
    /// Tells so many milliseconds before the expiration.
    TellBefore(i64),
    /// Tells so many milliseconds after the last change.
    TellUnchanged(i64),
}

/// A policy of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRow {
    /// As it was written.
    pub text: String,
    /// What it does.
    pub does: Does,
    /// Whether it has told, for the present value.
    pub has_told: bool,
}

/// A version of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRow {
    /// The value.
    pub value: Stored,
    /// Milliseconds since 1970.
    pub modified: i64,
    /// ARN of who wrote it.
    pub by: String,
    /// Free text.
    pub description: Option<String>,
    /// What the value must match.
    pub pattern: Option<String>,
    /// Key, as named.
    pub key: Option<String>,
    /// Tier at that time.
    pub tier: Tier,
    /// Policies at that time, as they were written.
    pub policies: Vec<String>,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterRow {
    /// What it holds.
    pub kind: Kind,
    /// How much it may hold.
    pub tier: Tier,
    /// Kind of data.
    pub data_type: String,
    /// First version that is kept, and the last.
    pub versions: (i64, i64),
    /// Version by label.
    pub labels: BTreeMap<String, i64>,
    /// Policies.
    pub policies: Vec<PolicyRow>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Which of the parameters of this name it is: a timer of an older one means nothing.
    pub born: u64,
}

impl ParameterRow {
    /// Labels of a version.
    #[must_use]
    pub fn labels_of(&self, version: i64) -> BTreeSet<String> {
        self.labels
            .iter()
            .filter(|(_, at)| **at == version)
            .map(|(label, _)| label.clone())
            .collect()
    }
}

/// Parameters of an account by tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountRow {
    /// Standard ones.
    pub standard: u64,
    /// Advanced ones.
    pub advanced: u64,
}

/// What a policy did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Name of the parameter.
    pub name: String,
    /// Kind of policy.
    pub policy: String,
    /// Milliseconds since 1970.
    pub at: i64,
}

crate::keyspaces! {
    /// Parameters by account and name.
    pub Parameters = 0x0b01, "ssm.parameters", version 1: (AccountId, String) => ParameterRow;
    /// Versions by account, name and number.
    pub Versions = 0x0b02, "ssm.versions", version 1: (AccountId, String, i64) => VersionRow;
    /// How many there are, by account.
    pub Counts = 0x0b03, "ssm.counts", version 1: AccountId => CountRow;
    /// What policies did, by account and number.
    pub Events = 0x0b04, "ssm.events", version 1: (AccountId, u64) => EventRow;
}
