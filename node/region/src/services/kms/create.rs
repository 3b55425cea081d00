//! CreateKey, and what it shares with the making of a replica.

use std::collections::BTreeSet;

use faultline_proto::kms::{CreateKeyRequest, CreateKeyResponse};
use faultline_proto::progress::Progress;
use serde_json::json;

use super::error::KmsError;
use super::identifiers::KeyId;
use super::key_materials::KeyMaterials;
use super::keyspaces::KeyRow;
use super::members::Members;
use super::rotation::Rotation;
use super::specs::{KeySpec, Kind, Origin};
use super::states::KeyState;
use super::{journal, key_pairs, policies, quotas, resolve, tags, trail, unsettled};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// CreateKey.
pub(crate) fn create_key(
    ctx: &mut Ctx<'_>,
    request: CreateKeyRequest,
) -> Result<Progress<CreateKeyResponse>, Refusal> {
    let kind = read_kind(&request)?;
    let tags = tags::read(&request.tags)?;
    let account = ctx.account();
    let multi_region = request.multi_region.unwrap_or(false);
    let id = new_id(ctx, multi_region);
    let policy = request
        .policy
        .unwrap_or_else(|| policies::default_policy(&account));
    policies::read(ctx, &policy)?;
    let row = KeyRow {
        arn: id.arn(ctx.region(), &account),
        managed_for: None,
        kind,
        // K-037: an imported key waits for its material.
        state: match kind.origin {
            Origin::External => KeyState::PendingImport,
            _ => KeyState::Enabled,
        },
        description: request.description.unwrap_or_default(),
        policy,
        created: ctx.now(),
        materials: match kind.origin {
            Origin::External => KeyMaterials::default(),
            _ => KeyMaterials::only(key_pairs::make(ctx, kind.spec, &account, &id)),
        },
        rotation: Rotation::default(),
        tags,
        aliases: BTreeSet::new(),
        grants: 0,
        members: multi_region.then(|| Members::alone(ctx.region())),
        account,
        id,
    };
    policies::check_lockout(ctx, &row, request.bypass_policy_lockout_safety_check)?;
    quotas::count_key(ctx, &row.account)?;
    resolve::save(ctx, &row);
    unsettled::made(ctx, &row);
    journal::born(ctx, &row);
    ctx.touches(row.arn.as_str());
    ctx.frame_mut().response_elements = Some(json!({ "keyMetadata": shown(&row) }));
    Ok(Progress::Done(CreateKeyResponse {
        key_metadata: Some(row.metadata()),
    }))
}

fn new_id(ctx: &mut Ctx<'_>, multi_region: bool) -> KeyId {
    let text = if multi_region {
        format!("mrk-{}", ctx.entropy().hex::<16>("kms.key-id"))
    } else {
        ctx.entropy().uuid("kms.key-id")
    };
    KeyId::new(&text).expect("both forms are made right")
}

/// A key's metadata as trail events show it (K-274: lower camel case, dates as text).
pub(crate) fn shown(row: &KeyRow) -> serde_json::Value {
    trail::metadata(&row.metadata())
}

/// Which kinds of key can be made: K-009 to K-016; SM2 is for China Regions only.
fn read_kind(request: &CreateKeyRequest) -> Result<Kind, KmsError> {
    let kind = Kind::read(
        request.key_spec.as_deref(),
        request.customer_master_key_spec.as_deref(),
        request.key_usage.as_deref(),
        request.origin.as_deref(),
    )?;
    if kind.spec == KeySpec::Sm2 {
        return Err(KmsError::NotBuilt(format!("KeySpec {}", kind.spec.text())));
    }
    match kind.origin {
        Origin::AwsKms | Origin::External => Ok(kind),
        origin => Err(KmsError::NotBuilt(format!("Origin {}", origin.text()))),
    }
}
