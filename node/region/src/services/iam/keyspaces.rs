//! Every row of the directory. In the home Region they are the truth, elsewhere a copy.

use std::collections::BTreeMap;

use faultline_proto::names::{AccountId, RegionName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::identity::Principal;

/// A user, with everything that is asked about it in one read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserRow {
    /// Name as it was given.
    pub name: String,
    /// `/` or `/PATH/`.
    pub path: String,
    /// `AIDA...`; a user of the same name made later has another.
    pub id: String,
    /// When it was made, on the home Region's clock.
    pub created: Timestamp,
    /// Inline policies by name, as they were sent.
    pub policies: BTreeMap<String, String>,
    /// ARNs of its managed policies, oldest first.
    pub attached: Vec<String>,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// Ids of its access keys, oldest first.
    pub access_keys: Vec<String>,
    /// Tags in the order given.
    pub tags: Vec<(String, String)>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleRow {
    /// Name as it was given.
    pub name: String,
    /// `/` or `/PATH/`.
    pub path: String,
    /// `AROA...`.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// Free text.
    pub description: Option<String>,
    /// Longest session, seconds.
    pub max_session: u32,
    /// The trust policy as it was sent.
    pub trust: String,
    /// Inline policies by name, as they were sent.
    pub policies: BTreeMap<String, String>,
    /// ARNs of its managed policies, oldest first.
    pub attached: Vec<String>,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// Tags in the order given.
    pub tags: Vec<(String, String)>,
}

/// An access key. Its secret half is derived and stored nowhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessKeyRow {
    /// Whose it is.
    pub owner: Principal,
    /// Whether it may be used.
    pub active: bool,
    /// When it was made.
    pub created: Timestamp,
}

/// A managed policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyRow {
    /// `ANPA...`.
    pub id: String,
    /// The document as it was sent.
    pub document: String,
}

crate::keyspaces! {
    /// Users by account and name in lower case.
    pub Users = 0x0201, "iam.users", version 1: (AccountId, String) => UserRow;
    /// Roles by account and name in lower case.
    pub Roles = 0x0202, "iam.roles", version 1: (AccountId, String) => RoleRow;
    /// Access keys of users by id.
    pub AccessKeys = 0x0203, "iam.access-keys", version 1: String => AccessKeyRow;
    /// Managed policies by ARN.
    pub ManagedPolicies = 0x0204, "iam.managed-policies", version 1: String => PolicyRow;
    /// When the last delayed change leaves for a Region, unskewed microseconds.
    pub LastLeft = 0x0205, "iam.last-left", version 1: RegionName => u64;
}
