//! Rows of copies, locks, events and volumes on their way.

use faultline_proto::names::{AccountId, RegionName};
use serde::{Deserialize, Serialize};

use super::copies::Task;
use super::keyspaces::{GrantRow, Sealing};
use crate::caller::CallerRow;

/// Where the content of a snapshot comes from in the first place: copies keep it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// Region of the volume.
    pub region: RegionName,
    /// The volume.
    pub volume: String,
}

/// How a snapshot is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakingRow {
    /// Where its content comes from.
    pub origin: Origin,
    /// The copy that it takes unchanged blocks from (EBS-022).
    pub base: Option<String>,
    /// Blocks that were moved so far.
    pub moved: u64,
    /// Blocks that are to be moved; `None` until that is known.
    pub total: Option<u64>,
    /// Minutes in which the copy is to be complete (EBS-026).
    pub minutes: Option<i32>,
}

/// A copy within the Region, some blocks at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkRow {
    /// What is copied.
    pub task: Task,
    /// On whose behalf.
    pub who: CallerRow,
    /// Whose map holds the source's blocks meanwhile.
    pub hold: String,
    /// The source's data key, sealed under the Region's own key.
    pub source_key: Option<Vec<u8>>,
    /// The copy's data key, sealed likewise.
    pub data_key: Option<Vec<u8>>,
    /// How the copy is encrypted.
    pub sealing: Option<Sealing>,
    /// Grants to be retired.
    pub grants: Vec<GrantRow>,
    /// How many of the blocks in its list were moved.
    pub done: u64,
}

/// A restore from the archive tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreRow {
    /// When it began, milliseconds since 1970.
    pub began: i64,
    /// Days that it is for; `None`: for good.
    pub days: Option<i32>,
}

/// A snapshot that was archived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierRow {
    /// When that began, milliseconds since 1970.
    pub began: i64,
    /// Its last restore.
    pub restore: Option<RestoreRow>,
}

/// How a snapshot is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockMode {
    /// Can be undone by who may.
    Governance,
    /// Cannot be undone once its cool-off period is over.
    Compliance,
}

/// The lock of a snapshot; times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockRow {
    /// Account that owns the snapshot.
    pub owner: AccountId,
    /// How it is locked.
    pub mode: LockMode,
    /// When it was locked.
    pub created: i64,
    /// Hours of the cool-off period.
    pub cool_off: Option<i32>,
    /// Days, when a duration was given.
    pub days: Option<i32>,
    /// When it ends, when a date was given.
    pub until: Option<i64>,
}

/// An event as EventBridge has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Account that gets it.
    pub account: AccountId,
    /// `createVolume`, `copySnapshot`...
    pub event: String,
    /// `available`, `succeeded`, `failed`...
    pub result: String,
    /// Why it failed.
    pub cause: String,
    /// What it is about.
    pub resource: String,
    /// What that was made of.
    pub source: String,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// Where a volume is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transit {
    /// To its instance.
    Attaching,
    /// From its instance.
    Detaching,
}

/// A volume on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitRow {
    /// Where to.
    pub transit: Transit,
    /// Microseconds since the run began: when it is there.
    pub until: u64,
}
