//! What Redshift stores beside the rows of databases and snapshots.

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::names::{AccountId, RegionName};
use serde::{Deserialize, Serialize};

use crate::services::rds::keyspaces::GrantRow;

/// Where a warehouse's snapshots are copied to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyRow {
    /// Region.
    pub to: RegionName,
    /// Name of a snapshot copy grant there.
    pub grant: Option<String>,
    /// Days that copies of automated snapshots are kept.
    pub automated: i32,
    /// Days that copies of manual snapshots are kept; -1: for ever.
    pub manual: i32,
}

/// What a warehouse has that other databases have not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarehouseRow {
    /// Number of its nodes.
    pub nodes: i32,
    /// Days that manual snapshots are kept; -1: for ever.
    pub manual: i32,
    /// Where its snapshots are copied to.
    pub copy: Option<CopyRow>,
}

/// What a warehouse's snapshot has that other snapshots have not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarehouseSnapshotRow {
    /// Type of the nodes.
    pub node: String,
    /// Their number.
    pub nodes: i32,
    /// Database inside.
    pub database: String,
    /// Days that it is kept; -1: for ever.
    pub days: i32,
    /// When it was there, milliseconds since 1970.
    pub kept_from: Option<i64>,
}

/// A snapshot copy grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyGrantRow {
    /// Name.
    pub name: String,
    /// ARN of the key.
    pub key: String,
    /// Whether it is aws/redshift.
    pub managed: bool,
    /// The grant of KMS.
    pub grant: GrantRow,
    /// Warehouses that copy by it: Region and name.
    pub users: BTreeSet<(RegionName, String)>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

crate::keyspaces! {
    /// Warehouses by account and name.
    pub Warehouses = 0x0d01, "redshift.warehouses", version 1: (AccountId, String) => WarehouseRow;
    /// Their snapshots by account and name.
    pub WarehouseSnapshots = 0x0d02, "redshift.snapshots", version 1: (AccountId, String) => WarehouseSnapshotRow;
    /// Snapshot copy grants by account and name.
    pub CopyGrants = 0x0d03, "redshift.copy-grants", version 1: (AccountId, String) => CopyGrantRow;
}
