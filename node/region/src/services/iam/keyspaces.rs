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

/// A group of users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupRow {
    /// Name as it was given.
    pub name: String,
    /// `/` or `/PATH/`.
    pub path: String,
    /// `AGPA...`.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// Inline policies by name, as they were sent.
    pub policies: BTreeMap<String, String>,
    /// ARNs of its managed policies, oldest first.
    pub attached: Vec<String>,
}

/// The groups of a user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupsOfUserRow {
    /// Names in lower case, in the order joined.
    pub groups: Vec<String>,
}

/// A managed policy. Its ARN says name and path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyRow {
    /// `ANPA...`.
    pub id: String,
    /// Free text.
    pub description: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When a version was last made or put in force.
    pub updated: Timestamp,
    /// Tags in the order given.
    pub tags: Vec<(String, String)>,
    /// Its versions, oldest first; never none.
    pub versions: Vec<PolicyVersionRow>,
    /// Number of the version in force.
    pub in_force: u32,
    /// Number of the next version: numbers are never used again.
    pub next: u32,
}

impl PolicyRow {
    /// A policy with its first version.
    pub(super) fn new(id: String, document: String, created: Timestamp) -> Self {
        let first = PolicyVersionRow {
            number: 1,
            document,
            created,
        };
        Self {
            id,
            description: None,
            created,
            updated: created,
            tags: Vec::new(),
            versions: vec![first],
            in_force: 1,
            next: 2,
        }
    }

    /// The document in force.
    pub(super) fn document(&self) -> &str {
        let current = self
            .versions
            .iter()
            .find(|version| version.number == self.in_force);
        current.map_or("", |version| &version.document)
    }
}

/// A version of a managed policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyVersionRow {
    /// 2 for `v2`.
    pub number: u32,
    /// The document as it was sent.
    pub document: String,
    /// When it was made.
    pub created: Timestamp,
}

/// Reads a managed policy of version 1, which was an id and a document.
fn older_policy(version: u8, body: &[u8]) -> Option<PolicyRow> {
    if version != 1 {
        return None;
    }
    let (id, document) = postcard::from_bytes(body).ok()?;
    Some(PolicyRow::new(id, document, Timestamp(0)))
}

crate::keyspaces! {
    /// Users by account and name in lower case.
    pub Users = 0x0201, "iam.users", version 1: (AccountId, String) => UserRow;
    /// Roles by account and name in lower case.
    pub Roles = 0x0202, "iam.roles", version 1: (AccountId, String) => RoleRow;
    /// Access keys of users by id.
    pub AccessKeys = 0x0203, "iam.access-keys", version 1: String => AccessKeyRow;
    /// Managed policies by ARN.
    pub ManagedPolicies = 0x0204, "iam.managed-policies", version 2: String => PolicyRow, migrate older_policy;
    /// When the last delayed change leaves for a Region, unskewed microseconds.
    pub LastLeft = 0x0205, "iam.last-left", version 1: RegionName => u64;
    /// Groups by account and name in lower case.
    pub Groups = 0x0206, "iam.groups", version 1: (AccountId, String) => GroupRow;
    /// The groups of users by account and user name in lower case; users in none have no row.
    pub GroupsOfUsers = 0x0207, "iam.groups-of-users", version 1: (AccountId, String) => GroupsOfUserRow;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_managed_policy_of_the_past_has_one_version() {
        let body = postcard::to_allocvec(&("ANPA1", "{}")).unwrap();
        let row = older_policy(1, &body).unwrap();
        assert_eq!((row.document(), row.in_force, row.next), ("{}", 1, 2));
        assert_eq!(older_policy(3, &body), None);
    }
}
