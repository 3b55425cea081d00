//! What Regions tell each other: records of the stream `dynamodb/TABLE`, and questions.

use std::collections::BTreeMap;

use faultline_proto::names::{AccountId, RegionName, Timestamp};
use serde::{Deserialize, Serialize};

use super::keyspaces::{ExtrasRow, Replica, Version, Written};
use super::names::TableName;
use super::schema::KeySchema;
use super::value::Item;

/// A write: the whole item, or the key of a deleted one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ItemRecord {
    pub(crate) account: AccountId,
    pub(crate) table: String,
    pub(crate) group: String,
    pub(crate) version: Version,
    pub(crate) deleted: bool,
    pub(crate) item: Item,
    /// Elapsed moment of the write.
    pub(crate) accepted: u64,
    /// Sent to fill a new replica, not because it was written now.
    pub(crate) backfill: bool,
}

impl ItemRecord {
    pub(crate) fn name(&self) -> TableName {
        TableName {
            account: self.account.clone(),
            name: self.table.clone(),
        }
    }
}

/// A conflict that the loser's Region found, for the looks of the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ConflictRecord {
    pub(crate) account: AccountId,
    pub(crate) table: String,
    pub(crate) group: String,
    pub(crate) id: String,
    pub(crate) winner: Written,
    pub(crate) loser: Written,
    pub(crate) at: Timestamp,
    pub(crate) found: u64,
    pub(crate) key: Item,
}

/// Something about the group that all members must know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct GroupRecord {
    pub(crate) account: AccountId,
    pub(crate) table: String,
    pub(crate) group: String,
    pub(crate) change: GroupChange,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum GroupChange {
    /// A replica joins, or stands elsewhere than before.
    Member {
        region: RegionName,
        replica: Replica,
    },
    /// A replica is gone; its TableId, for another may have come in its place.
    Left { region: RegionName, id: String },
    /// The source has sent everything to the receiver.
    Filled,
    /// Everything that `from` sent before shall be answered for (see `tombstones`).
    Sweep { from: RegionName, round: u64 },
    /// It is here, and what this Region wrote before has been sent.
    Swept { region: RegionName, round: u64 },
    /// Indexes and expiry, which all members have alike (DDB-029).
    Extras(ExtrasRow),
}

/// Asks a Region to make a replica.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MakeReplica {
    pub(crate) account: AccountId,
    pub(crate) table: String,
    pub(crate) group: String,
    pub(crate) schema: KeySchema,
    pub(crate) class: Option<String>,
    /// KMS key in the asked Region; `None` for AWS owned keys.
    pub(crate) key: Option<String>,
    /// The members there are, the asking one included.
    pub(crate) members: BTreeMap<RegionName, Replica>,
    /// Whether there is anything to send over (DDB-040).
    pub(crate) has_items: bool,
    /// Whether the group has strong consistency (MRSC).
    pub(crate) strong: bool,
    /// Region of its witness.
    pub(crate) witness: Option<RegionName>,
}

/// Asks a Region to give its replica up, or to forget one that nobody waits for any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DropReplica {
    pub(crate) account: AccountId,
    pub(crate) table: String,
    pub(crate) group: String,
}
