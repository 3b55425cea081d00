//! What the world's names stand for, once the world exists.
//!
//! A file says `payments`; AWS wants a key id, or the ARN of the Region asked, and answers
//! with either. [`Asked`] writes names right for one call, and knows a name again in
//! whatever form an answer has it.

use std::collections::BTreeMap;

use faultline_proto::driving::Credential;
use faultline_proto::names::{AccountId, RegionName};

pub use super::names::Asked;

/// Everything that has a name.
#[derive(Debug, Clone)]
pub struct World {
    /// Regions in the order of the file.
    pub regions: Vec<RegionName>,
    /// Where the partition directory is at home.
    pub home: RegionName,
    /// Accounts.
    pub accounts: BTreeMap<String, AccountId>,
    /// Access keys of root users.
    pub roots: BTreeMap<AccountId, Credential>,
    /// Users and roles.
    pub principals: BTreeMap<String, Principal>,
    /// KMS keys.
    pub keys: BTreeMap<String, Key>,
    /// Buckets.
    pub buckets: BTreeMap<String, Bucket>,
    /// Tables.
    pub tables: BTreeMap<String, Table>,
    /// Volumes.
    pub volumes: BTreeMap<String, Volume>,
}

/// A user or role.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Its account.
    pub account: AccountId,
    /// ARN of the user or role.
    pub arn: String,
    /// Whether it is a role.
    pub role: bool,
    /// A user's access key; for a role, the access key of whoever assumes it.
    pub credential: Option<Credential>,
    /// The policy that its sessions are opened with.
    pub session_policy: Option<String>,
}

/// A KMS key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its account.
    pub account: AccountId,
    /// Its id, the same in every Region.
    pub id: String,
    /// Where it was made.
    pub region: RegionName,
    /// Whether other Regions may have it too.
    pub multi_region: bool,
    /// Where it is after set-up, its birthplace first.
    pub regions: Vec<RegionName>,
}

/// A bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Its account.
    pub account: AccountId,
    /// Its Region.
    pub region: RegionName,
}

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its account.
    pub account: AccountId,
    /// Where it has replicas.
    pub regions: Vec<RegionName>,
}

/// A volume.
#[derive(Debug, Clone)]
pub struct Volume {
    /// Its account.
    pub account: AccountId,
    /// Its Region.
    pub region: RegionName,
    /// Its id.
    pub id: String,
}

impl Key {
    /// Its ARN, in `region` if it can be there.
    #[must_use]
    pub fn arn(&self, region: &RegionName) -> String {
        let region = if self.multi_region {
            region
        } else {
            &self.region
        };
        format!("arn:aws:kms:{region}:{}:key/{}", self.account, self.id)
    }

    /// Whether an id or ARN means this key, in whatever Region.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        let Some(rest) = text.strip_prefix("arn:aws:kms:") else {
            return text == self.id;
        };
        let mut parts = rest.splitn(3, ':');
        let (region, account, resource) = (parts.next(), parts.next(), parts.next());
        account == Some(self.account.as_str())
            && resource.and_then(|text| text.strip_prefix("key/")) == Some(self.id.as_str())
            && (self.multi_region || region == Some(self.region.as_str()))
    }
}

impl Principal {
    /// Whether an ARN means this user or role, or a session of it.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        if text == self.arn {
            return true;
        }
        let name = self.arn.rsplit('/').next().unwrap_or_default();
        let session = format!("arn:aws:sts::{}:assumed-role/{name}/", self.account);
        self.role && text.starts_with(&session)
    }
}

impl World {
    /// The world name that a principal's ARN has, else the ARN.
    #[must_use]
    pub fn principal_name<'a>(&'a self, arn: &'a str) -> &'a str {
        let known = self
            .principals
            .iter()
            .find(|(_, principal)| principal.is(arn));
        known.map_or(arn, |(name, _)| name)
    }

    /// The world name that a resource's id or ARN has, else the text.
    #[must_use]
    pub fn resource_name<'a>(&'a self, text: &'a str) -> &'a str {
        let key = self.keys.iter().find(|(_, key)| key.is(text));
        if let Some((name, _)) = key {
            return name;
        }
        let last = text.rsplit(['/', ':']).next().unwrap_or(text);
        let volume = self.volumes.iter().find(|(_, volume)| volume.id == last);
        if let Some((name, _)) = volume {
            return name;
        }
        let whole = text
            .strip_prefix("arn:aws:s3:::")
            .or_else(|| text.split_once(":table/").map(|(_, name)| name))
            .unwrap_or(text);
        let known = |name: &str| self.buckets.contains_key(name) || self.tables.contains_key(name);
        if known(whole) {
            whole
        } else {
            self.principal_name(text)
        }
    }

    /// What a name of any kind is called in the trail's resources: the last part of its ARN.
    #[must_use]
    pub fn trail_name(&self, name: &str) -> String {
        if let Some(key) = self.keys.get(name) {
            return key.id.clone();
        }
        if let Some(volume) = self.volumes.get(name) {
            return volume.id.clone();
        }
        name.to_owned()
    }

    /// What every name stands for, for the journal.
    #[must_use]
    pub fn told(&self) -> crate::journal::event::World {
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, principal) in &self.principals {
            names.insert(name.clone(), vec![principal.arn.clone()]);
        }
        for (name, key) in &self.keys {
            let arns = key.regions.iter().map(|region| key.arn(region)).collect();
            names.entry(name.clone()).or_insert(arns);
        }
        for name in self.buckets.keys() {
            names
                .entry(name.clone())
                .or_insert_with(|| vec![format!("arn:aws:s3:::{name}")]);
        }
        for (name, table) in &self.tables {
            let arn = |region| format!("arn:aws:dynamodb:{region}:{}:table/{name}", table.account);
            names
                .entry(name.clone())
                .or_insert_with(|| table.regions.iter().map(arn).collect());
        }
        for (name, volume) in &self.volumes {
            names
                .entry(name.clone())
                .or_insert_with(|| vec![volume.id.clone()]);
        }
        let accounts = self.accounts.iter();
        crate::journal::event::World {
            regions: self.regions.clone(),
            home: self.home.to_string(),
            accounts: accounts
                .map(|(name, id)| (name.clone(), id.to_string()))
                .collect(),
            names,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multi_region_key_is_known_in_every_region_and_another_only_in_its_own() {
        let account = AccountId::new("111111111111").expect("an account");
        let ireland = RegionName::new("eu-west-1").expect("a Region");
        let virginia = RegionName::new("us-east-1").expect("a Region");
        let mut key = Key {
            account,
            id: "mrk-1".into(),
            region: ireland.clone(),
            multi_region: true,
            regions: vec![ireland],
        };
        assert!(key.is("mrk-1") && key.is(&key.arn(&virginia)));
        let elsewhere = key.arn(&virginia);
        key.multi_region = false;
        assert!(!key.is(&elsewhere));
        assert!(key.is(&key.arn(&virginia)), "it is always in its Region");
    }

    #[test]
    fn a_session_is_its_role() {
        let role = Principal {
            account: AccountId::new("111111111111").expect("an account"),
            arn: "arn:aws:iam::111111111111:role/replicator".into(),
            role: true,
            credential: None,
            session_policy: None,
        };
        assert!(role.is("arn:aws:sts::111111111111:assumed-role/replicator/s3"));
        assert!(!role.is("arn:aws:sts::111111111111:assumed-role/other/s3"));
    }
}
