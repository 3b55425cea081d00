//! Rows as earlier versions of this program wrote them.

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::names::{AccountId, Arn, Timestamp};
use serde::{Deserialize, Serialize};

use super::identifiers::KeyId;
use super::key_materials::{KeyMaterial, KeyMaterials};
use super::keyspaces::KeyRow;
use super::members::Members;
use super::rotation::Rotation;
use super::specs::Kind;
use super::states::KeyState;

/// Version 1: every key was symmetric and had one material.
#[derive(Serialize, Deserialize)]
struct KeyRow1 {
    id: KeyId,
    arn: Arn,
    account: AccountId,
    managed_for: Option<String>,
    state: KeyState,
    description: String,
    policy: String,
    created: Timestamp,
    material: String,
    tags: BTreeMap<String, String>,
    aliases: BTreeSet<String>,
    grants: u32,
    members: Option<Members>,
}

/// Reads a key of an older version.
pub(crate) fn key(version: u8, body: &[u8]) -> Option<KeyRow> {
    if version != 1 {
        return None;
    }
    let old: KeyRow1 = postcard::from_bytes(body).ok()?;
    Some(KeyRow {
        id: old.id,
        arn: old.arn,
        account: old.account,
        managed_for: old.managed_for,
        kind: Kind::DEFAULT,
        state: old.state,
        description: old.description,
        policy: old.policy,
        created: old.created,
        materials: KeyMaterials::only(KeyMaterial::first(old.material, old.created)),
        rotation: Rotation::default(),
        tags: old.tags,
        aliases: old.aliases,
        grants: old.grants,
        members: old.members,
    })
}
