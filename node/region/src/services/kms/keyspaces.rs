//! Every row that KMS keeps in a Region.
//!
//! Key material is stored sealed under the Region's root key and nowhere else. What AWS leaves
//! readable (policies, descriptions, tags, grants) is stored readable.

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::names::{AccountId, Arn, Timestamp};
use serde::{Deserialize, Serialize};

use super::identifiers::KeyId;
use super::key_materials::KeyMaterials;
use super::members::Members;
use super::rotation::Rotation;
use super::specs::Kind;
use super::states::KeyState;
use super::unsettled::UnsettledRow;

/// A KMS key as one Region knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyRow {
    /// Its id; equal for all members of a multi-Region set (K-018).
    pub id: KeyId,
    /// Its ARN in this Region.
    pub arn: Arn,
    /// Account that owns it.
    pub account: AccountId,
    /// The service whose AWS managed key it is; `None` for a customer managed key.
    pub managed_for: Option<String>,
    /// Its spec, usage and origin.
    pub kind: Kind,
    /// Its state.
    pub state: KeyState,
    /// Free text.
    pub description: String,
    /// Its key policy, as text.
    pub policy: String,
    /// When it was made here.
    pub created: Timestamp,
    /// Its key materials.
    pub materials: KeyMaterials,
    /// Its rotation settings.
    pub rotation: Rotation,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Names of its aliases, at most 50.
    pub aliases: BTreeSet<String>,
    /// How many grants it has: most keys have none, and need not be asked for them.
    pub grants: u32,
    /// What is known of its relatives; `None` for a single-Region key.
    pub members: Option<Members>,
}

/// The bytes of a key material, sealed under the Region's root key: 32 of a symmetric key, those
/// of an HMAC key, or a private key as PKCS#8 DER.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MaterialRow {
    /// The sealed bytes.
    pub sealed: Vec<u8>,
    /// When it was made in the primary.
    pub created: Timestamp,
}

/// An alias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AliasRow {
    /// The key that it stands for.
    pub target: KeyId,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

/// What a grant demands of the encryption context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Constraint {
    /// Nothing.
    None,
    /// Exactly these pairs.
    Equals(BTreeMap<String, String>),
    /// At least these pairs.
    Subset(BTreeMap<String, String>),
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GrantRow {
    /// 64 hex digits.
    pub id: String,
    /// Makes a repeated CreateGrant give the same grant (K-202).
    pub name: Option<String>,
    /// Who may use the key.
    pub grantee: String,
    /// Whether the grantee is an AWS service.
    pub grantee_is_service: bool,
    /// Who may retire the grant.
    pub retiring: Option<String>,
    /// Whether that is an AWS service.
    pub retiring_is_service: bool,
    /// Account whose principal made it.
    pub issuing_account: AccountId,
    /// What it allows, in AWS's spelling without a prefix.
    pub operations: Vec<String>,
    /// What the encryption context must be.
    pub constraint: Constraint,
    /// The SourceArn constraint.
    pub source_arn: Option<String>,
    /// When it was made.
    pub created: Timestamp,
}

/// An import token that brought material in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UsedTokenRow {
    /// When it would have expired, by this Region's clock.
    pub until: Timestamp,
}

/// The last successful cryptographic operation of a key (K-278).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LastUseRow {
    /// CloudTrail name, `Decrypt`.
    pub operation: String,
    /// When, on the Region's clock.
    pub at: Timestamp,
    /// Its event in the trail of the key's account.
    pub event_id: String,
    /// Its request.
    pub request_id: String,
}

crate::keyspaces! {
    /// Keys by account and id.
    pub(crate) Keys = 0x0501, "kms.keys", version 2: (AccountId, String) => KeyRow, migrate super::older::key;
    /// Key materials by account, key and material id.
    pub(crate) Materials = 0x0502, "kms.materials", version 1: (AccountId, String, String) => MaterialRow;
    /// Aliases by account and name.
    pub(crate) Aliases = 0x0503, "kms.aliases", version 1: (AccountId, String) => AliasRow;
    /// Grants by account, key and grant id.
    pub(crate) Grants = 0x0504, "kms.grants", version 1: (AccountId, String, String) => GrantRow;
    /// Import tokens that were used, by account, key and digest.
    pub(crate) UsedTokens = 0x0505, "kms.used-import-tokens", version 1: (AccountId, String, String) => UsedTokenRow;
    /// Changes that do not count yet, by account and key.
    pub(crate) Unsettled = 0x0506, "kms.unsettled", version 1: (AccountId, String) => UnsettledRow;
    /// How many customer managed keys an account has here.
    pub(crate) KeyCounts = 0x0507, "kms.key-counts", version 1: AccountId => u64;
    /// The last cryptographic operation of a key, by account and id.
    pub(crate) LastUses = 0x0508, "kms.last-uses", version 1: (AccountId, String) => LastUseRow;
}
