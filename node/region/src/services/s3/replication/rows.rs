//! Every row that replication stores.

use serde::{Deserialize, Serialize};

/// What is owed to a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A version with its bytes.
    Object,
    /// A delete marker.
    Marker,
    /// Tags and locks of a version that is there already.
    Change,
}

impl Kind {
    /// The s3Operation of an event (S3-084).
    #[must_use]
    pub fn operation(self) -> &'static str {
        match self {
            Self::Object => "OBJECT_PUT",
            Self::Marker => "OBJECT_DELETE",
            Self::Change => "OBJECT_METADATA",
        }
    }
}

/// Where a delivery is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Its turn comes at this moment (microseconds since the run began) or later.
    Queued(u64),
    /// Its rule is off: it waits for another configuration.
    Parked,
    /// On its way since then.
    UnderWay(u64),
    /// Refused for good: AWS's failureReason, and who said no, in words.
    Failed {
        /// AWS's failureReason (S3-074).
        reason: String,
        /// Policy and statement, or the state of a key.
        why: String,
    },
}

/// One version that is owed to one destination; the row goes when it has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// Rule that sends it.
    pub rule: String,
    /// What is owed.
    pub kind: Kind,
    /// Where its version is among those of its key.
    pub order: u64,
    /// Bytes of plaintext.
    pub bytes: u64,
    /// Chunks that its bytes are sent in.
    pub chunks: u64,
    /// When it became owed, microseconds since the run began.
    pub since: u64,
    /// When it became owed, on the Region's clock.
    pub requested: i64,
    /// Where it is.
    pub stage: Stage,
    /// How often it was sent.
    pub attempts: u32,
    /// What the last attempt met that will pass; empty when nothing did.
    pub met: String,
    /// Whether the rule has metrics, and so events.
    pub tracked: bool,
    /// Whether the rule has Replication Time Control.
    pub timed: bool,
    /// Whether its fifteen minutes are over.
    pub missed: bool,
    /// It changed while it was on its way: it must go again.
    pub again: bool,
    /// Batch job that sends it.
    pub job: Option<String>,
}

/// Traffic from one bucket to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneRow {
    /// Transfers that the destination has not answered.
    pub under_way: u32,
    /// When its timer comes; 0 when none is set.
    pub wake: u64,
    /// Since when a fault holds it back; 0 when none does.
    pub held: u64,
    /// When something was last sent.
    pub sent: u64,
    /// When the destination last answered.
    pub heard: u64,
    /// After a silence: since when it catches up, microseconds since the run began; 0 otherwise.
    pub recovering: u64,
    /// How long the silence was, microseconds.
    pub silence: u64,
    /// What arrived since it ended.
    pub recovered: u64,
    /// How long the last catching up took, microseconds.
    pub caught_up_in: u64,
    /// What arrived in all.
    pub delivered: u64,
}

/// What is counted for one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyRow {
    /// Operations that are owed.
    pub pending: u64,
    /// Bytes that are owed.
    pub pending_bytes: u64,
    /// Operations that arrived.
    pub completed: u64,
    /// Operations that failed, in all.
    pub failed: u64,
    /// Operations that failed by minute since the run began, the last sixty that had any.
    pub failed_by_minute: Vec<(u64, u64)>,
}

/// An event that S3 sent (S3-083).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Name without `s3:`, `Replication:OperationMissedThreshold`.
    pub name: String,
    /// On the Region's clock, microseconds since 1970.
    pub at: i64,
    /// Object key.
    pub key: String,
    /// Version.
    pub version_id: String,
    /// Destination bucket.
    pub to: String,
    /// Rule.
    pub rule: String,
    /// `OBJECT_PUT` and so on.
    pub operation: String,
    /// When the operation was asked for, microseconds since 1970.
    pub requested: i64,
    /// failureReason; empty when there is none.
    pub reason: String,
}

/// When a bucket's configuration was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfiguredRow {
    /// On the Region's clock, microseconds since 1970.
    pub at: i64,
    /// Microseconds since the run began.
    pub elapsed: u64,
}

/// Key of a delivery: source bucket, object key, version, destination bucket.
pub type DeliveryKey = (String, String, String, String);

crate::keyspaces! {
    /// What is owed, and what failed.
    pub Deliveries = 0x0611, "s3.deliveries", version 1: (String, String, String, String) => DeliveryRow;
    /// Whose turn is when: source and destination bucket, moment, object key, version.
    pub Queue = 0x0612, "s3.queue", version 1: (String, String, u64, String, String) => ();
    /// Lanes by source and destination bucket.
    pub Lanes = 0x0613, "s3.lanes", version 1: (String, String) => LaneRow;
    /// Ends of fifteen minutes: source bucket, moment, object key, version, destination bucket.
    pub Thresholds = 0x0614, "s3.thresholds", version 1: (String, u64, String, String, String) => ();
    /// Counts by source bucket and rule.
    pub Tallies = 0x0615, "s3.tallies", version 1: (String, String) => TallyRow;
    /// Events by bucket and number.
    pub Events = 0x0616, "s3.events", version 1: (String, u64) => EventRow;
    /// Number of the last event, by bucket.
    pub EventCounts = 0x061B, "s3.event-counts", version 1: String => u64;
    /// When configurations were put, by bucket.
    pub Configured = 0x0617, "s3.configured", version 1: String => ConfiguredRow;
}
