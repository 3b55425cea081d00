//! The rows of Organizations. In the home Region they are the truth, elsewhere a copy.

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::names::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};

/// Service or resource control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PolicyType {
    /// Binds the principals of the accounts.
    ServiceControl,
    /// Binds the resources of the accounts.
    ResourceControl,
}

/// A unit of accounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitRow {
    /// Its name.
    pub name: String,
    /// The root or unit above.
    pub parent: String,
}

/// An account in an organisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountRow {
    /// The root or unit above.
    pub parent: String,
    /// When it joined, on the home Region's clock.
    pub joined: Timestamp,
}

/// A control policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlPolicyRow {
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// What it binds.
    pub kind: PolicyType,
    /// The document as it was sent.
    pub content: String,
}

/// An organisation, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrganizationRow {
    /// `o-...`
    pub id: String,
    /// `r-...`
    pub root: String,
    /// The account that made it; control policies do not bind it.
    pub management: AccountId,
    /// Whether it has policies at all (`ALL`).
    pub all_features: bool,
    /// Policy types that are switched on.
    pub enabled: BTreeSet<PolicyType>,
    /// Units by id.
    pub units: BTreeMap<String, UnitRow>,
    /// Accounts, the management account included.
    pub accounts: BTreeMap<AccountId, AccountRow>,
    /// Policies by id; AWS's own are not among them.
    pub policies: BTreeMap<String, ControlPolicyRow>,
    /// Ids of policies by the root, unit or account that they are attached to.
    pub attached: BTreeMap<String, Vec<String>>,
    /// Invited accounts by handshake.
    pub invited: BTreeMap<String, AccountId>,
}

crate::keyspaces! {
    /// Organisations by management account.
    pub Organizations = 0x0220, "organizations.organizations", version 1: AccountId => OrganizationRow;
    /// The organisation's management account, by account.
    pub Memberships = 0x0221, "organizations.memberships", version 1: AccountId => AccountId;
}
