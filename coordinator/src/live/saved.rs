//! What is written about a live world: no secret, so that it may be shown.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use faultline_proto::driving::{Account, Credential};
use faultline_proto::names::{AccountId, RegionName};
use serde::{Deserialize, Serialize};

use crate::runner::world::World;
use crate::scenario::plan::WorldPlan;

/// A live world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Form of this file: 1.
    pub form: u32,
    /// SHA-256 of the world as it was asked for.
    pub asked: String,
    /// Whether the world was made to its end.
    pub made: bool,
    /// Where the partition directory is at home.
    pub home: RegionName,
    /// Regions in the order of the file.
    pub regions: Vec<SavedRegion>,
    /// Accounts by name.
    pub accounts: BTreeMap<String, SavedAccount>,
    /// Users and roles by name.
    pub principals: BTreeMap<String, SavedPrincipal>,
    /// KMS keys by name: their ids.
    pub keys: BTreeMap<String, String>,
    /// EBS volumes by name: their ids.
    #[serde(default)]
    pub volumes: BTreeMap<String, String>,
    /// The front door: one port for all Regions.
    #[serde(default)]
    pub front: Option<SocketAddr>,
    /// TLS, when the world speaks it.
    #[serde(default)]
    pub tls: Option<SavedTls>,
}

/// How a world speaks TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedTls {
    /// Certificate and private key that clients are shown, when they are the user's own.
    pub public: Option<(PathBuf, PathBuf)>,
    /// Names of certificates beside the usual ones.
    pub names: Vec<String>,
}

/// Where a Region listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedRegion {
    /// Its name.
    pub region: RegionName,
    /// gRPC.
    pub grpc: SocketAddr,
    /// AWS's own wire.
    pub aws: SocketAddr,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedAccount {
    /// Its number.
    pub id: AccountId,
    /// Access key of its root user.
    pub root_access_key: String,
}

/// A user or role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPrincipal {
    /// Its ARN.
    pub arn: String,
    /// Whether it is a role.
    pub role: bool,
    /// A user's access key; for a role, that of whoever assumes it. None for a service's role.
    pub access_key: Option<String>,
    /// The policy that a role's sessions are opened with.
    #[serde(default)]
    pub session_policy: Option<String>,
}

impl Saved {
    /// A world that is not made yet.
    #[must_use]
    pub fn new(plan: &WorldPlan, home: RegionName, accounts: &[Account], asked: String) -> Self {
        let root = |id: &AccountId| {
            let found = accounts.iter().find(|account| account.id == id.as_str());
            found.map_or_else(String::new, |account| account.root_access_key.clone())
        };
        Self {
            form: 1,
            asked,
            made: false,
            home,
            regions: Vec::new(),
            accounts: plan
                .accounts
                .iter()
                .map(|(name, id)| {
                    let account = SavedAccount {
                        id: id.clone(),
                        root_access_key: root(id),
                    };
                    (name.clone(), account)
                })
                .collect(),
            principals: BTreeMap::new(),
            keys: BTreeMap::new(),
            volumes: BTreeMap::new(),
            front: None,
            tls: None,
        }
    }

    /// Remembers what was made.
    pub fn remember(&mut self, world: &World) {
        self.principals = world
            .principals
            .iter()
            .map(|(name, principal)| {
                let principal = SavedPrincipal {
                    arn: principal.arn.clone(),
                    role: principal.role,
                    access_key: principal
                        .credential
                        .as_ref()
                        .map(|it| it.access_key.clone()),
                    session_policy: principal.session_policy.clone(),
                };
                (name.clone(), principal)
            })
            .collect();
        self.keys = world
            .keys
            .iter()
            .map(|(name, key)| (name.clone(), key.id.clone()))
            .collect();
        self.volumes = world
            .volumes
            .iter()
            .map(|(name, volume)| (name.clone(), volume.id.clone()))
            .collect();
        self.made = true;
    }

    /// Accounts as nodes are told them.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        let mut accounts: Vec<Account> = self
            .accounts
            .values()
            .map(|account| Account {
                id: account.id.to_string(),
                root_access_key: account.root_access_key.clone(),
            })
            .collect();
        accounts.sort_by(|one, other| one.id.cmp(&other.id));
        accounts.dedup_by(|one, other| one.id == other.id);
        accounts
    }

    /// What its endpoints begin with.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// A Region by name.
    ///
    /// # Errors
    /// A sentence that lists the Regions there are.
    pub fn region(&self, name: &RegionName) -> Result<&SavedRegion, String> {
        self.regions
            .iter()
            .find(|region| region.region == *name)
            .ok_or_else(|| {
                let known: Vec<&str> = self.regions.iter().map(|it| it.region.as_str()).collect();
                format!(
                    "{name} is no Region of this world; it has {}",
                    known.join(", ")
                )
            })
    }

    /// Who signs for a principal: its access key, and the role to assume with it.
    ///
    /// # Errors
    /// A sentence that lists the principals there are.
    pub fn signer(&self, principal: &str) -> Result<(Credential, Option<&SavedPrincipal>), String> {
        let credential = |access_key: &str| Credential {
            access_key: access_key.to_owned(),
            session_token: String::new(),
        };
        if let Some(found) = self.principals.get(principal) {
            let key = found.access_key.as_deref().ok_or_else(|| {
                format!("{principal} is a role that only a service assumes: nobody can act as it")
            })?;
            return Ok((credential(key), found.role.then_some(found)));
        }
        let account = if principal == "root" {
            self.accounts.values().next()
        } else {
            let name = principal.strip_prefix("root of ").unwrap_or(principal);
            self.accounts.get(name)
        };
        if let Some(account) = account {
            return Ok((credential(&account.root_access_key), None));
        }
        let known: Vec<&str> = self.principals.keys().map(String::as_str).collect();
        let roots: Vec<&str> = self.accounts.keys().map(String::as_str).collect();
        Err(format!(
            "nobody here is called '{principal}'; principals: {}; root users, by account: {}",
            known.join(", "),
            roots.join(", ")
        ))
    }
}
