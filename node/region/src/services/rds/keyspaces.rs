//! Every row that RDS stores.

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::names::{AccountId, RegionName};
use serde::{Deserialize, Serialize};

/// What has storage of its own: a database of RDS, or a cluster of Aurora.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Family {
    /// A DB instance; also an instance of a cluster, which has no storage.
    Instance,
    /// An Aurora cluster.
    Cluster,
    /// A Redshift cluster.
    Warehouse,
}

/// How content is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sealing {
    /// Not at all.
    Clear,
    /// By a data key under an AWS owned key (EBS-042): the Region's own.
    Owned {
        /// The data key, sealed.
        sealed: Vec<u8>,
    },
    /// By a data key under a KMS key.
    Kms {
        /// ARN of the KMS key.
        key: String,
        /// Whether it is aws/rds.
        managed: bool,
        /// KMS's ciphertext of the data key.
        data_key: Vec<u8>,
        /// What it is bound to: the value of `aws:rds:db-id` (EBS-046), or a warehouse's ARN and
        /// the moment of its birth.
        bound: String,
    },
}

/// A grant that RDS made and must retire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRow {
    /// ARN of the key.
    pub key: String,
    /// Grant id.
    pub id: String,
}

/// How far a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Being made.
    Creating,
    /// Runs.
    Available,
    /// Comes up.
    Starting,
    /// Was stopped; starts by itself at that moment, unskewed microseconds.
    Stopped(u64),
    /// Its key cannot be used; it ends at that moment unless it is started before (EBS-043).
    Recoverable(u64),
    /// Its key could not be used for too long (EBS-043, EBS-044).
    Inaccessible,
    /// Hands the role of the primary over; takes no writes (EBS-054).
    Switching,
    /// Was the primary when another became it, and is rebuilt (EBS-055).
    Rebuilding,
}

/// A cluster's place in a global database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Name of the global database.
    pub global: String,
    /// Number of the reign that it knows.
    pub epoch: u64,
    /// Whether it is the primary.
    pub is_writer: bool,
    /// When the last commit that it has was made, unskewed microseconds.
    pub committed: u64,
    /// How long that one was under way, microseconds.
    pub lag: u64,
    /// Whether its storage has been filled once.
    pub is_filled: bool,
}

/// A database, an instance of a cluster, or a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseRow {
    /// Account that owns it.
    pub account: AccountId,
    /// What it is.
    pub family: Family,
    /// Name.
    pub name: String,
    /// `db-...` or `cluster-...`: no other has it.
    pub resource: String,
    /// Engine.
    pub engine: String,
    /// Its version.
    pub version: String,
    /// First user.
    pub user: Option<String>,
    /// Database inside.
    pub database: Option<String>,
    /// GiB.
    pub gib: i32,
    /// Class of an instance.
    pub class: Option<String>,
    /// Zone of an instance.
    pub zone: Option<String>,
    /// Kind of storage.
    pub storage: String,
    /// Days that backups would be kept.
    pub retention: i32,
    /// Whether a standby runs.
    pub multi_az: bool,
    /// Whether deletion is refused.
    pub protected: bool,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Milliseconds since 1970.
    pub created: i64,
    /// How far it is.
    pub state: State,
    /// The cluster that an instance belongs to.
    pub cluster: Option<String>,
    /// How its storage is encrypted.
    pub sealing: Sealing,
    /// The grant for its life (EBS-045).
    pub grant: Option<GrantRow>,
    /// The data key as its hosts have it, sealed under the Region's own key.
    pub host: Option<Vec<u8>>,
    /// When its key was last looked at, unskewed microseconds.
    pub checked: u64,
    /// Number of its last commit.
    pub lsn: u64,
    /// Its place in a global database.
    pub global: Option<Membership>,
}

/// How far a snapshot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SnapshotState {
    /// Being made.
    Creating,
    /// A copy under way.
    Copying,
    /// Done.
    Available,
    /// Came to nothing.
    Failed,
}

/// A snapshot of a database or a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRow {
    /// Account that owns it.
    pub account: AccountId,
    /// What it is of.
    pub family: Family,
    /// Name.
    pub name: String,
    /// Under which its rows are stored.
    pub holder: String,
    /// Name of what it was taken of.
    pub source: String,
    /// That one's resource id.
    pub resource: String,
    /// Engine.
    pub engine: String,
    /// Its version.
    pub version: String,
    /// First user.
    pub user: Option<String>,
    /// GiB.
    pub gib: i32,
    /// Zone.
    pub zone: Option<String>,
    /// Kind of storage.
    pub storage: String,
    /// Milliseconds since 1970: when the database was made.
    pub source_created: i64,
    /// Milliseconds since 1970: when this one was made.
    pub created: i64,
    /// Milliseconds since 1970: when the first of a chain of copies was made.
    pub first_created: i64,
    /// How far it is.
    pub state: SnapshotState,
    /// Unskewed microseconds: when it began, and when it is to be done.
    pub span: (u64, u64),
    /// Whether all its rows are here.
    pub is_filled: bool,
    /// How it is encrypted.
    pub sealing: Sealing,
    /// ARN of the source of a copy.
    pub copied_from: Option<String>,
    /// `manual` or `automated`.
    pub kind: String,
    /// Accounts that may copy and restore it.
    pub shared_with: BTreeSet<AccountId>,
    /// Whether everybody may.
    pub public: bool,
    /// Number of the last commit in it.
    pub lsn: u64,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A row of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellRow {
    /// Number of the commit that wrote it.
    pub lsn: u64,
    /// The value: sealed, or as it is in unencrypted storage.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// A snapshot that another Region reads: with rows of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadRow {
    /// The data key, sealed under the Region's own key; `None` for clear content.
    pub data_key: Option<Vec<u8>>,
    /// The grant to be retired.
    pub grant: Option<GrantRow>,
}

/// A cluster of a global database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    /// Name of the cluster.
    pub cluster: String,
    /// Version of its engine.
    pub version: String,
    /// Number of the last commit that it has confirmed to the primary.
    pub confirmed: u64,
    /// Whether it has been filled in this reign.
    pub is_filled: bool,
}

/// A change of the primary under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRow {
    /// Region that gives the role up.
    pub from: RegionName,
    /// Region that takes it.
    pub to: RegionName,
    /// Whether what has not arrived is given up.
    pub loss: bool,
}

/// What a change of the primary came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeRow {
    /// Number of the reign that began.
    pub epoch: u64,
    /// What it was.
    pub change: ChangeRow,
    /// Number of the last commit that the new primary had.
    pub lsn: u64,
    /// Commits of the old primary that are lost; `None` until it has told.
    pub lost: Option<u64>,
    /// From the first lost commit to the takeover, microseconds; `None` until it has told.
    pub rpo: Option<u64>,
    /// The takeover, unskewed microseconds.
    pub at: u64,
}

/// A global database, as each Region knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalRow {
    /// Account that owns it.
    pub account: AccountId,
    /// Name.
    pub name: String,
    /// `cluster-...`: no other has it.
    pub resource: String,
    /// Engine.
    pub engine: String,
    /// Its version.
    pub version: String,
    /// Database inside.
    pub database: Option<String>,
    /// Whether it is encrypted, and how: `none`, `sse-rds`, `sse-kms`.
    pub encryption: String,
    /// Whether deletion is refused.
    pub protected: bool,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// The Region that writes; `None` while it has no member.
    pub writer: Option<RegionName>,
    /// Number of the reign.
    pub epoch: u64,
    /// Number of the change within the reign.
    pub revision: u64,
    /// Its clusters.
    pub members: BTreeMap<RegionName, MemberRow>,
    /// A change of the primary under way.
    pub change: Option<ChangeRow>,
    /// Changes of the primary so far.
    pub outcomes: Vec<OutcomeRow>,
    /// Whether it is gone: so that an older record does not bring it back.
    pub is_deleted: bool,
}

/// A parameter group of clusters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterGroupRow {
    /// Name.
    pub name: String,
    /// `aurora-postgresql16` and the like.
    pub family: String,
    /// Free text.
    pub description: String,
    /// Parameters that somebody has set.
    pub values: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

crate::keyspaces! {
    /// Databases and clusters by account, family and name.
    pub Databases = 0x0c01, "rds.databases", version 1: (AccountId, String, String) => DatabaseRow;
    /// Snapshots by account, family and name.
    pub Snapshots = 0x0c02, "rds.snapshots", version 1: (AccountId, String, String) => SnapshotRow;
    /// Rows by database, snapshot or read, and key.
    pub Cells = 0x0c03, "rds.cells", version 1: (String, String) => CellRow;
    /// Reads by other Regions.
    pub Reads = 0x0c04, "rds.reads", version 1: String => ReadRow;
    /// Global databases by account and name.
    pub Globals = 0x0c05, "rds.globals", version 1: (AccountId, String) => GlobalRow;
    /// When each commit was made that a secondary has not confirmed, by cluster and number.
    pub Commits = 0x0c06, "rds.commits", version 1: (String, u64) => u64;
    /// Parameter groups of clusters, by account and name.
    pub ParameterGroups = 0x0c07, "rds.parameter-groups", version 1: (AccountId, String) => ParameterGroupRow;
    /// Account and name of the parameter group that a cluster has, by its resource id.
    pub GroupOf = 0x0c08, "rds.group-of", version 1: String => String;
}
