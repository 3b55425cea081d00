//! How sealed clients encrypt: what stands under `world.sealed_clients`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::world::duration_text;

/// How a sealed client encrypts the items of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedClientPlan {
    /// How data keys are wrapped.
    pub keyring: KeyringPlan,
    /// What is done with each attribute.
    pub attributes: BTreeMap<String, String>,
    /// The name bound into every item; the table's own if there is none.
    #[serde(default)]
    pub logical_table_name: Option<String>,
    /// `0x6700` or `0x6701`.
    #[serde(default)]
    pub suite: Option<String>,
    /// Whether items that are not encrypted may be written or read.
    #[serde(default)]
    pub plaintext: Option<String>,
    /// Names that begin so are neither encrypted nor signed.
    #[serde(default)]
    pub allowed_unsigned_prefix: Option<String>,
    /// Beacons.
    #[serde(default)]
    pub beacons: Option<BeaconsPlan>,
}

/// A keyring; keys by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyringPlan {
    /// One key, asked in its own Region.
    Kms(String),
    /// A multi-Region key, asked where the client stands.
    KmsMrk(String),
    /// Several keys.
    KmsMulti(MultiKeyringPlan),
    /// Several multi-Region keys.
    MrkMulti(MultiKeyringPlan),
    /// Whatever key the item names, asked where the client stands; reads only.
    MrkDiscovery(DiscoveryPlan),
    /// Branch keys in a table.
    Hierarchy(HierarchyPlan),
}

/// Several keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MultiKeyringPlan {
    /// Makes the data key.
    pub generator: Option<String>,
    /// Can unwrap it as well.
    pub others: Vec<String>,
}

/// Which keys discovery takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DiscoveryPlan {
    /// Accounts by name; any if there are none.
    pub accounts: Vec<String>,
}

/// Branch keys in a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HierarchyPlan {
    /// The table, by name.
    pub key_store: String,
    /// The name bound into every branch key; the table's own if there is none.
    #[serde(default)]
    pub logical_key_store_name: Option<String>,
    /// The KMS key, by name; a multi-Region key is asked where the client stands.
    pub key: String,
    /// Id of the branch key.
    #[serde(default)]
    pub branch_key: Option<String>,
    /// Or an attribute whose value says it.
    #[serde(default)]
    pub branch_key_by: Option<BranchKeyByPlan>,
    /// How long a branch key is used once it is fetched.
    #[serde(default, with = "duration_text")]
    pub ttl: Option<Duration>,
}

/// A branch key for each value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchKeyByPlan {
    /// The attribute.
    pub attribute: String,
    /// Ids of branch keys by value.
    pub ids: BTreeMap<String, String>,
}

/// Beacons of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeaconsPlan {
    /// Id of the branch key whose beacon key they are made with.
    pub branch_key: String,
    /// Standard beacons.
    pub standard: Vec<StandardBeaconPlan>,
    /// Compound beacons.
    #[serde(default)]
    pub compound: Vec<CompoundBeaconPlan>,
    /// Virtual fields.
    #[serde(default)]
    pub virtual_fields: Vec<VirtualFieldPlan>,
}

/// A standard beacon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandardBeaconPlan {
    /// Its name.
    pub name: String,
    /// Bits.
    pub length: u8,
    /// Where its value is; its name if it does not say.
    #[serde(default)]
    pub location: Option<String>,
}

/// A compound beacon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompoundBeaconPlan {
    /// Its name.
    pub name: String,
    /// One character.
    pub split: String,
    /// Parts in plain.
    #[serde(default)]
    pub signed: Vec<BeaconPartPlan>,
    /// Parts that are standard beacons.
    #[serde(default)]
    pub encrypted: Vec<BeaconPartPlan>,
    /// Ways to make it.
    #[serde(default)]
    pub constructors: Vec<ConstructorPlan>,
}

/// A part of a compound beacon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeaconPartPlan {
    /// Its name.
    pub name: String,
    /// What it begins with.
    pub prefix: String,
    /// Where its value is, for a signed part.
    #[serde(default)]
    pub location: Option<String>,
}

/// A way to make a compound beacon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConstructorPlan {
    /// Names of parts; optional ones end with `?`.
    pub parts: Vec<String>,
}

/// A virtual field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualFieldPlan {
    /// Its name.
    pub name: String,
    /// Its parts.
    pub parts: Vec<VirtualPartPlan>,
}

/// A part of a virtual field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualPartPlan {
    /// Where it is read.
    pub location: String,
    /// What is done with it.
    #[serde(default)]
    pub transforms: Vec<TransformPlan>,
}

/// A change of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransformPlan {
    /// To capitals.
    Upper(bool),
    /// To small letters.
    Lower(bool),
    /// With this behind it.
    Insert(String),
    /// The first characters.
    Prefix(i32),
    /// The last characters.
    Suffix(i32),
    /// From one position to another.
    Substring(RangePlan),
    /// One piece.
    Segment(PiecePlan),
    /// Some pieces.
    Segments(PiecePlan),
}

/// Positions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangePlan {
    /// From here.
    pub low: i32,
    /// To before here.
    pub high: i32,
}

/// Pieces of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PiecePlan {
    /// The character between them.
    pub split: String,
    /// The piece, or the first one.
    pub low: i32,
    /// The one behind the last.
    #[serde(default)]
    pub high: Option<i32>,
}
