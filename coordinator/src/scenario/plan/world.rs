//! The world as it is to be set up.
//!
//! Names of other things stay names: who sets the world up knows what they stand for.
//! Policies are documents in AWS's own form whose principals are filled in when accounts
//! and principals exist, by [`PolicyPlan::document`].

use std::collections::BTreeMap;
use std::time::Duration;

use faultline_proto::names::{AccountId, RegionName};
use faultline_region::quotas;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::scenario::policy::{self, ShortPolicy};
use crate::scenario::source::Span;
use crate::scenario::template::WorldNames;

use super::sealed::SealedClientPlan;
use super::step::Client;

/// Everything that exists at t = 0.
#[derive(Debug, Clone, Default)]
pub struct WorldPlan {
    /// The Regions, in the order of the file.
    pub regions: Vec<RegionName>,
    /// The Region that holds the partition's directory.
    pub home: Option<RegionName>,
    /// What chance in the set-up comes from, when it is not the run's seed.
    pub seed: Option<u64>,
    /// What links are like, where the file says so.
    pub links: Vec<LinkPlan>,
    /// How late DynamoDB's writes leave, where the file says so.
    pub replication_lag: Vec<LagPlan>,
    /// Service quotas that differ from AWS's own.
    pub quotas: Vec<QuotaPlan>,
    /// Accounts by name.
    pub accounts: BTreeMap<String, AccountId>,
    /// Users and roles by name.
    pub principals: BTreeMap<String, Named<PrincipalPlan>>,
    /// IAM groups by name.
    pub groups: BTreeMap<String, Named<GroupPlan>>,
    /// How long a change of the directory waits before it leaves its home.
    pub iam_propagation: Duration,
    /// KMS keys by name.
    pub keys: BTreeMap<String, Named<KeyPlan>>,
    /// Buckets by name.
    pub buckets: BTreeMap<String, Named<BucketPlan>>,
    /// Tables by name.
    pub tables: BTreeMap<String, Named<TablePlan>>,
    /// Volumes by name.
    pub volumes: BTreeMap<String, Named<VolumePlan>>,
    /// Replication configurations in the order of the file.
    pub replication: Vec<ReplicationPlan>,
    /// Sealed clients by table.
    pub sealed_clients: BTreeMap<String, SealedClientPlan>,
    /// How clients wait, unless a step says otherwise.
    pub client: Client,
}

/// Something with a name, its policy and its place in the file.
#[derive(Debug, Clone)]
pub struct Named<T> {
    /// What it is.
    pub what: T,
    /// Its policy, where it has one.
    pub policy: Option<PolicyPlan>,
    /// Where its name is written.
    pub span: Span,
}

/// A policy as written.
#[derive(Debug, Clone)]
pub enum PolicyPlan {
    /// In the short form.
    Short(ShortPolicy),
    /// A document's text.
    Document(String),
}

impl PolicyPlan {
    /// The document's text.
    #[must_use]
    pub fn document(&self, names: &dyn WorldNames) -> String {
        match self {
            Self::Short(short) => short.document(names).to_string(),
            Self::Document(text) => text.clone(),
        }
    }
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPlan {
    /// Its two ends.
    pub between: (RegionName, RegionName),
    /// One-way delay.
    #[serde(with = "one_duration_text")]
    pub latency: Duration,
    /// Most that chance adds.
    #[serde(default, with = "duration_text")]
    pub jitter: Option<Duration>,
    /// `1Gbit/s`; see [`bits_per_second`](crate::scenario::quantity::bits_per_second).
    #[serde(default)]
    pub bandwidth: Option<String>,
}

/// How late DynamoDB's writes leave one of two Regions for the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LagPlan {
    /// The two Regions.
    pub between: (RegionName, RegionName),
    /// Half are shorter.
    #[serde(with = "one_duration_text")]
    pub median: Duration,
    /// Of a hundred one is longer; the median when absent.
    #[serde(default, with = "duration_text")]
    pub p99: Option<Duration>,
}

/// A service quota that differs from AWS's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaPlan {
    /// Its name, `kms.Symmetric`.
    pub quota: String,
    /// A number, or `none`.
    pub limit: String,
    /// Its Region, when not all.
    #[serde(default)]
    pub region: Option<RegionName>,
    /// Its account by name, when not all.
    #[serde(default)]
    pub account: Option<String>,
}

impl QuotaPlan {
    /// The limit in thousandths.
    #[must_use]
    pub fn thousandths(&self) -> u64 {
        match (self.limit.as_str(), self.limit.parse::<f64>()) {
            ("aws", _) => quotas::USUAL,
            // Saturates, and the checker has seen that it is no negative number.
            (_, Ok(number)) => (number * 1_000.0).round() as u64,
            (_, Err(_)) => quotas::UNLIMITED,
        }
    }
}

/// A user or role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrincipalPlan {
    /// Its account by name.
    pub account: String,
    /// User or role, where the file says so.
    #[serde(default)]
    pub kind: Option<PrincipalKind>,
    /// Actions that its identity policy allows on everything.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Actions that its identity policy denies on everything.
    #[serde(default)]
    pub deny: Vec<String>,
    /// Who may assume the role.
    #[serde(default)]
    pub assumed_by: Option<String>,
    /// Actions that its permissions boundary lets through.
    #[serde(default)]
    pub boundary: Vec<String>,
    /// Actions that the policy of its sessions lets through.
    #[serde(default)]
    pub session: Vec<String>,
}

/// Kinds of principals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrincipalKind {
    /// An IAM user with an access key.
    User,
    /// An IAM role with a session.
    Role,
}

impl Named<PrincipalPlan> {
    /// Whether it is a role.
    #[must_use]
    pub fn is_role(&self) -> bool {
        self.what.kind.unwrap_or(if self.what.assumed_by.is_some() {
            PrincipalKind::Role
        } else {
            PrincipalKind::User
        }) == PrincipalKind::Role
    }

    /// Its identity policy; `None` when it has no permission at all.
    #[must_use]
    pub fn identity_policy(&self, names: &dyn WorldNames) -> Option<Value> {
        identity_policy(
            &self.what.allow,
            &self.what.deny,
            self.policy.as_ref(),
            names,
        )
    }
}

/// A group of users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupPlan {
    /// Its account by name.
    pub account: String,
    /// Its users by name.
    #[serde(default)]
    pub members: Vec<String>,
    /// Actions that its policy allows on everything.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Actions that its policy denies on everything.
    #[serde(default)]
    pub deny: Vec<String>,
}

impl Named<GroupPlan> {
    /// Its policy; `None` when it gives and takes nothing.
    #[must_use]
    pub fn identity_policy(&self, names: &dyn WorldNames) -> Option<Value> {
        identity_policy(
            &self.what.allow,
            &self.what.deny,
            self.policy.as_ref(),
            names,
        )
    }
}

fn identity_policy(
    allow: &[String],
    deny: &[String],
    more: Option<&PolicyPlan>,
    names: &dyn WorldNames,
) -> Option<Value> {
    let more = more.and_then(|policy| serde_json::from_str::<Value>(&policy.document(names)).ok());
    if allow.is_empty() && deny.is_empty() && more.is_none() {
        return None;
    }
    Some(policy::identity_document(allow, deny, more.as_ref()))
}

/// A KMS key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPlan {
    /// Its account by name.
    pub account: String,
    /// Its Region, for a key of one Region.
    #[serde(default)]
    pub region: Option<RegionName>,
    /// Whether it is a multi-Region key.
    #[serde(default)]
    pub multi_region: Option<bool>,
    /// The primary's Region.
    #[serde(default)]
    pub primary: Option<RegionName>,
    /// The replicas' Regions.
    #[serde(default)]
    pub replicas: Vec<RegionName>,
    /// KeySpec.
    #[serde(default)]
    pub spec: Option<String>,
    /// KeyUsage.
    #[serde(default)]
    pub usage: Option<String>,
    /// Description.
    #[serde(default)]
    pub description: Option<String>,
    /// An alias, `alias/...`.
    #[serde(default)]
    pub alias: Option<String>,
}

impl KeyPlan {
    /// The Region in which the key is made.
    #[must_use]
    pub fn birthplace(&self) -> Option<&RegionName> {
        self.primary.as_ref().or(self.region.as_ref())
    }
    /// Whether it is a multi-Region key, said or shown.
    #[must_use]
    pub fn is_multi_region(&self) -> bool {
        self.multi_region.unwrap_or(self.primary.is_some())
    }
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketPlan {
    /// Its account by name.
    pub account: String,
    /// Its Region.
    pub region: RegionName,
    /// Whether it keeps versions.
    #[serde(default)]
    pub versioned: bool,
    /// Whether SSE-C is allowed.
    #[serde(default)]
    pub allow_sse_c: bool,
    /// Default encryption.
    #[serde(default)]
    pub encryption: Option<BucketEncryptionPlan>,
}

/// Default encryption of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketEncryptionPlan {
    /// `AES256` or `aws:kms`.
    pub sse_algorithm: String,
    /// The key by name.
    #[serde(default)]
    pub kms_master_key_id: Option<String>,
    /// Whether an S3 Bucket Key is used.
    #[serde(default)]
    pub bucket_key_enabled: bool,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablePlan {
    /// Its account by name.
    pub account: String,
    /// Its Region, when it has one.
    #[serde(default)]
    pub region: Option<RegionName>,
    /// The Regions of a global table.
    #[serde(default)]
    pub replicas: Vec<RegionName>,
    /// `eventual` or `strong`.
    #[serde(default)]
    pub consistency: Option<String>,
    /// The witness of a table with strong consistency.
    #[serde(default)]
    pub witness: Option<RegionName>,
    /// Name of the partition key.
    pub partition_key: String,
    /// Name of the sort key.
    #[serde(default)]
    pub sort_key: Option<String>,
    /// Types of keys that are not text.
    #[serde(default)]
    pub key_types: BTreeMap<String, String>,
    /// Encryption at rest.
    #[serde(default)]
    pub sse: Option<TableSsePlan>,
}

/// How a table is encrypted at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSsePlan {
    /// `aws_owned`, `aws_managed` or `customer_managed`.
    pub kind: String,
    /// The key by name.
    #[serde(default)]
    pub kms_master_key_id: Option<String>,
}

/// A volume with content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumePlan {
    /// Its account by name.
    pub account: String,
    /// Its Region.
    pub region: RegionName,
    /// The key by name, alias or id.
    #[serde(default)]
    pub kms_key_id: Option<String>,
    /// Whether it is encrypted; a key says yes.
    #[serde(default)]
    pub encrypted: Option<bool>,
    /// `base64:...`.
    #[serde(default)]
    pub content: Option<String>,
    /// GiB.
    #[serde(default)]
    pub size: Option<u64>,
}

/// A bucket's replication configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicationPlan {
    /// The source bucket.
    pub from: String,
    /// The destination bucket.
    pub to: String,
    /// The role by name.
    pub role: String,
    /// Its rules in order.
    pub rules: Vec<RulePlan>,
}

/// A replication rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RulePlan {
    /// Its id.
    pub id: Option<String>,
    /// Only keys that begin so.
    pub prefix: Option<String>,
    /// The higher wins.
    pub priority: Option<i64>,
    /// `Enabled` or `Disabled`.
    pub status: Option<String>,
    /// `Enabled` or `Disabled`.
    pub sse_kms_encrypted_objects: Option<String>,
    /// The key for replicas of KMS objects, by name.
    pub replica_kms_key_id: Option<String>,
    /// `Enabled` or `Disabled`.
    pub delete_marker_replication: Option<String>,
}

/// A duration as it is written, `15s`.
pub(crate) mod one_duration_text {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{}us", value.as_micros()))
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        crate::scenario::quantity::duration(&text)
            .ok_or_else(|| D::Error::custom("a duration such as `15s`"))
    }
}

/// A duration that may be absent.
pub(crate) mod duration_text {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(
        value: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::one_duration_text::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let read = |text: String| {
            crate::scenario::quantity::duration(&text)
                .ok_or_else(|| D::Error::custom("a duration such as `15s`"))
        };
        Option::<String>::deserialize(deserializer)?
            .map(read)
            .transpose()
    }
}
