//! Everything that DynamoDB stores.
//!
//! An item's row is found by HMACs of its partition and of its key under the table's key, so that
//! a partition is one range of rows in no order that tells anything; its content is
//! sealed under the same: nothing of an item can be read in a store. What replication compares
//! (stamp, writer, version vector) is in the clear.

use std::collections::BTreeMap;

use faultline_proto::names::{AccountId, RegionName, Timestamp};
use serde::{Deserialize, Serialize};

use super::schema::KeySchema;

/// A table of this Region: a whole one, or a replica of a global table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableRow {
    /// TableId, a UUID; other in every Region.
    pub(crate) id: String,
    /// Shared by all replicas, so that a late record of an older table of this name is known.
    pub(crate) group: String,
    pub(crate) created: Timestamp,
    pub(crate) status: TableStatus,
    pub(crate) schema: KeySchema,
    pub(crate) billing: Billing,
    /// View type of the change stream, when there is one.
    pub(crate) stream: Option<Stream>,
    pub(crate) class: Option<String>,
    pub(crate) deletion_protection: bool,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) encryption: Encryption,
    /// The other replicas.
    pub(crate) replicas: BTreeMap<RegionName, Replica>,
    /// Elapsed moment at which it last was the source of a new replica (DDB-028).
    pub(crate) source_since: Option<u64>,
    /// Elapsed moments of encryption changes (DDB-050).
    pub(crate) encryption_changes: Vec<u64>,
    pub(crate) counted: Counted,
    /// Since when DynamoDB has found the table's KMS key unusable (DDB-058).
    pub(crate) inaccessible: Option<Inaccessible>,
}

/// When a table's KMS key was found unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inaccessible {
    pub(crate) elapsed: u64,
    pub(crate) at: Timestamp,
}

/// Where a table stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TableStatus {
    Creating,
    /// A replica that fills: from `at` on it is ready if its source has sent everything.
    Filling {
        at: u64,
        complete: bool,
    },
    Active,
    Updating,
    Deleting,
    /// Its key was unusable for a week: it becomes a backup (DDB-062).
    Archiving,
    Archived,
}

/// How capacity is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Billing {
    PayPerRequest,
    Provisioned { read: i64, write: i64 },
}

/// A change stream. Its records are left out so far; that it is on is not (DDB-006).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stream {
    pub(crate) view: String,
    pub(crate) since: Timestamp,
}

/// How the table's key is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Encryption {
    /// AWS owned key: the table's key sealed under the Region's own.
    Owned { sealed: Vec<u8> },
    /// The table's key wrapped by KMS.
    Kms {
        arn: String,
        /// Whether it is aws/dynamodb.
        managed: bool,
        wrapped: Vec<u8>,
        grant: String,
    },
}

/// Another replica, as this Region sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replica {
    /// TableId there; empty until its Region has answered.
    pub(crate) id: String,
    pub(crate) status: ReplicaStatus,
    /// Its own KMS key, when it has one (DDB-047).
    pub(crate) key: Option<String>,
    /// Since when its Region has found that key unusable.
    pub(crate) inaccessible: Option<Timestamp>,
}

/// Where another replica stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ReplicaStatus {
    /// Its Region was asked and has not answered: nothing is sent to it yet.
    Asked,
    Creating,
    Active,
    Deleting,
}

/// ItemCount and TableSizeBytes, which AWS brings up to date every six hours or so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(crate) at: u64,
    pub(crate) items: u64,
    pub(crate) bytes: u64,
}

/// The identity of a write: which Region wrote, when, and what it knowingly wrote over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    /// max(clock, stamp of what was overwritten + 1), microseconds since 1970. So a Region never
    /// gives two writes of an item one stamp.
    pub(crate) stamp: i64,
    pub(crate) writer: RegionName,
    /// For each Region the stamp of its last write that this one was written over, directly or
    /// through others; its own stamp too.
    pub(crate) knew: BTreeMap<RegionName, i64>,
}

/// An item, or the tombstone of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ItemRow {
    pub(crate) version: Version,
    /// A tombstone keeps the key attributes alone.
    pub(crate) deleted: bool,
    #[serde(with = "serde_bytes")]
    pub(crate) sealed: Vec<u8>,
}

/// A table's key in the clear but for the Region's own seal, as DynamoDB caches it (DDB-056).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CachedKeyRow {
    #[serde(with = "serde_bytes")]
    pub(crate) sealed: Vec<u8>,
    /// Elapsed moment at which KMS must be asked again.
    pub(crate) until: u64,
}

/// A replicated write that waits for the table's key to be usable again (DDB-059).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct WaitingRow {
    pub(crate) from: RegionName,
    /// The record, sealed under the Region's own key.
    #[serde(with = "serde_bytes")]
    pub(crate) sealed: Vec<u8>,
}

/// A write that another one won against. No AWS call shows it (DDB-011).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConflictRow {
    pub(crate) winner: Written,
    pub(crate) loser: Written,
    /// Clock of the Region that found it.
    pub(crate) at: Timestamp,
    /// Elapsed moment at which it was found.
    pub(crate) found: u64,
    /// The item's key, sealed under the Region's own key.
    pub(crate) sealed_key: Vec<u8>,
}

/// One side of a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Written {
    pub(crate) stamp: i64,
    pub(crate) region: RegionName,
    pub(crate) deleted: bool,
    /// SHA-256 of the item as written.
    pub(crate) digest: String,
}

/// What a table has beside its row: indexes, and when its items expire.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExtrasRow {
    pub(crate) indexes: Vec<Index>,
    pub(crate) ttl: Option<Ttl>,
}

/// A secondary index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Index {
    pub(crate) name: String,
    /// Names its entries; an index that is made again has another one.
    pub(crate) id: String,
    /// Global, or local to the table's partitions.
    pub(crate) global: bool,
    pub(crate) schema: KeySchema,
    pub(crate) projection: Projection,
    pub(crate) billing: Billing,
    pub(crate) status: IndexStatus,
    pub(crate) counted: Counted,
}

/// Which attributes an index has beside the keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Projection {
    All,
    KeysOnly,
    Include(Vec<String>),
}

/// Where an index stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum IndexStatus {
    /// It is being made; `backfilling` once it takes what the table had before.
    Creating {
        backfilling: bool,
    },
    Active,
    Updating,
    Deleting,
}

/// Which attribute says when an item expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ttl {
    pub(crate) attribute: String,
    pub(crate) status: TtlStatus,
    /// Elapsed moment of the last change.
    pub(crate) changed: u64,
}

/// Where the expiry of a table stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TtlStatus {
    Enabling,
    Enabled,
    Disabling,
    Disabled,
}

/// An entry of an index. A global index is written later than its table: until `since` readers
/// see what was there before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EntryRow {
    /// The projected item, sealed; `None` when it has left this place.
    pub(crate) now: Option<Vec<u8>>,
    pub(crate) before: Option<Vec<u8>>,
    /// Elapsed moment.
    pub(crate) since: u64,
}

/// A change stream of a table, for 24 hours after its end too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamRow {
    /// TableId.
    pub(crate) table: String,
    pub(crate) schema: KeySchema,
    pub(crate) view: String,
    pub(crate) since: Timestamp,
    /// Elapsed moment of its end.
    pub(crate) ended: Option<u64>,
}

/// One change of an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChangeRow {
    /// Elapsed moment of the change.
    pub(crate) elapsed: u64,
    pub(crate) at: Timestamp,
    /// Its eventID.
    pub(crate) event: String,
    /// Keys and images, sealed under the table's key.
    #[serde(with = "serde_bytes")]
    pub(crate) sealed: Vec<u8>,
}

/// A transaction that was done under a token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TokenRow {
    /// SHA-256 of the request.
    pub(crate) digest: Vec<u8>,
    /// Elapsed moment at which it is forgotten.
    pub(crate) until: u64,
    /// Bytes read again by an answer from memory, by table.
    pub(crate) sizes: BTreeMap<String, u64>,
}

/// The strong consistency of a table (MRSC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StrongRow {
    /// Region of the witness, and whether it is shown as ACTIVE.
    pub(crate) witness: Option<(RegionName, bool)>,
    pub(crate) state: StrongState,
}

/// Where the three members of an MRSC table stand, as one of them sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StrongState {
    /// The others were asked and have not answered.
    Forming,
    Open,
    /// No other member answered: strong calls are refused until one has handed over what it had
    /// (DDB-076).
    CutOff,
    /// It is a table of one Region again.
    Dissolved,
}

/// A Region's right to propose for an item, until a higher term is promised.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Term {
    pub(crate) number: u64,
    /// Nobody's before the first.
    pub(crate) region: Option<RegionName>,
}

/// A proposal's place in the order of all proposals for an item.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Ballot {
    pub(crate) term: Term,
    /// Number within the term, from 1.
    pub(crate) seq: u64,
}

/// What a member of an MRSC table keeps of an item beside the item itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RegisterRow {
    /// Proposals of earlier terms are no longer taken.
    pub(crate) promised: Term,
    /// The last proposal that this member stored.
    pub(crate) accepted: Ballot,
    /// The last one that two members are known to have: the item that readers see.
    pub(crate) chosen: Ballot,
    /// The content of `accepted` while nobody else is known to have it.
    pub(crate) pending: Option<PendingRow>,
    /// Elapsed moment until which a call of this Region is writing.
    pub(crate) busy: Option<u64>,
}

/// A proposal of this Region that nobody else is known to have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PendingRow {
    pub(crate) version: Version,
    pub(crate) deleted: bool,
    #[serde(with = "serde_bytes")]
    pub(crate) sealed: Vec<u8>,
    /// Whether another member was told of it other than by the proposal, so that it may be
    /// proposed again.
    pub(crate) shown: bool,
}

/// The removal of a table's tombstones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SweepRow {
    /// Whether a timer is set.
    pub(crate) planned: bool,
    pub(crate) round: u64,
    /// Members that have not answered in this round.
    pub(crate) waiting: std::collections::BTreeSet<RegionName>,
    /// Rows and stamps of the tombstones of this round.
    pub(crate) rows: Vec<(Vec<u8>, i64)>,
    /// For each Region the latest write that a removed tombstone knew.
    pub(crate) floor: BTreeMap<RegionName, i64>,
}

/// A write that waits for its turn to leave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LagRow {
    /// Elapsed microseconds.
    pub(crate) due: u64,
    #[serde(with = "serde_bytes")]
    pub(crate) sealed: Vec<u8>,
}

/// How late writes of another Region arrived, by minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LatencyRow {
    /// Number of the present minute.
    pub(crate) minute: u64,
    pub(crate) present: Minute,
    pub(crate) last: Minute,
}

/// Microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Minute {
    pub(crate) samples: u64,
    pub(crate) sum: u64,
    pub(crate) most: u64,
}

/// The payload of the timer that shows a witness as ACTIVE.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WitnessTimer {
    pub(crate) id: String,
    pub(crate) region: RegionName,
}

crate::keyspaces! {
    /// Tables by account and name.
    pub(crate) Tables = 0x0701, "dynamodb.tables", version 1: (AccountId, String) => TableRow;
    /// Items by table id and the HMACs of their partition and of their key.
    pub(crate) Items = 0x0702, "dynamodb.items", version 1: (String, Vec<u8>) => ItemRow;
    /// Table keys in use, by table id and caller.
    pub(crate) CachedKeys = 0x0703, "dynamodb.cached-keys", version 1: (String, String) => CachedKeyRow;
    /// Lost writes by table id and the conflict's id.
    pub(crate) Conflicts = 0x0704, "dynamodb.conflicts", version 1: (String, String) => ConflictRow;
    /// Replicated writes that wait, by table id and arrival.
    pub(crate) Waiting = 0x0705, "dynamodb.waiting", version 1: (String, u64) => WaitingRow;
    /// Writes that wait for their turn to leave, by table id, receiver and row.
    pub(crate) Lagging = 0x0706, "dynamodb.lagging", version 1: (String, RegionName, Vec<u8>) => LagRow;
    /// How late writes arrived, by table id and sender.
    pub(crate) Latencies = 0x0707, "dynamodb.latencies", version 1: (String, RegionName) => LatencyRow;
    /// Replicas that are not protected against leaving their global table, by table id.
    pub(crate) Disassociable = 0x0708, "dynamodb.disassociable", version 1: String => bool;
    /// Indexes and expiry by table id.
    pub(crate) Extras = 0x0710, "dynamodb.extras", version 1: String => ExtrasRow;
    /// Entries of indexes by index id and the HMAC of their keys.
    pub(crate) Entries = 0x0711, "dynamodb.entries", version 1: (String, Vec<u8>) => EntryRow;
    /// Streams by account, table and label.
    pub(crate) Streams = 0x0712, "dynamodb.streams", version 1: (AccountId, String, String) => StreamRow;
    /// Changes by table id, the stream's beginning and their number.
    pub(crate) Changes = 0x0713, "dynamodb.changes", version 1: (String, i64, u64) => ChangeRow;
    /// Transactions by account and token.
    pub(crate) Tokens = 0x0714, "dynamodb.tokens", version 1: (AccountId, String) => TokenRow;
    /// Strong consistency by table id.
    pub(crate) Strongs = 0x0720, "dynamodb.strongs", version 1: String => StrongRow;
    /// Registers of items by table id and the item's row.
    pub(crate) Registers = 0x0721, "dynamodb.registers", version 1: (String, Vec<u8>) => RegisterRow;
    /// Removals of tombstones by table id.
    pub(crate) Sweeps = 0x0723, "dynamodb.sweeps", version 1: String => SweepRow;
    /// Witnesses by account and name of the table.
    pub(crate) Witnesses = 0x0722, "dynamodb.witnesses", version 1: (AccountId, String) => TableRow;
}
