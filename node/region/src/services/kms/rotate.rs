//! EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand and
//! ListKeyRotations (K-120, K-146 to K-164).

use faultline_proto::kms::{
    DisableKeyRotationRequest, DisableKeyRotationResponse, EnableKeyRotationRequest,
    EnableKeyRotationResponse, GetKeyRotationStatusRequest, GetKeyRotationStatusResponse,
    ListKeyRotationsRequest, ListKeyRotationsResponse, RotateKeyOnDemandRequest,
    RotateKeyOnDemandResponse, RotationsListEntry,
};
use faultline_proto::progress::Progress;

use super::error::KmsError;
use super::journal;
use super::key_materials::{KeyMaterial, Standing};
use super::keyspaces::KeyRow;
use super::paging::{limit, page, read_marker};
use super::resolve::{Accepts, usable};
use super::rotation::{self, leads};
use super::specs::Origin;
use super::states::{KeyState, Use};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Most rotations on demand in a key's life (K-156).
pub(crate) const MOST_ON_DEMAND: u32 = 25;
/// An automatic rotation this near blocks one on demand, microseconds (K-157).
const NEAR: u64 = 20 * 60 * 1_000_000;

/// A key whose automatic rotation can be switched here (K-120, K-146).
fn switched(row: &KeyRow) -> Result<(), KmsError> {
    if !row.kind.spec.is_symmetric() {
        return Err(KmsError::Unsupported(String::new()));
    }
    if !leads(row) {
        return Err(KmsError::NotPrimary(row.arn.to_string()));
    }
    Ok(())
}

/// EnableKeyRotation; called again it changes the period (K-147) and begins it anew (K-154).
pub(crate) fn enable(
    ctx: &mut Ctx<'_>,
    request: EnableKeyRotationRequest,
) -> Result<Progress<EnableKeyRotationResponse>, Refusal> {
    let row = usable(
        ctx,
        request.key_id.as_deref(),
        Accepts::Keys,
        Use::SwitchRotation,
    )?;
    switched(&row)?;
    // The definition holds 90 to 2,560.
    let period = request
        .rotation_period_in_days
        .and_then(|days| u32::try_from(days).ok());
    let mut row = KeyRow::clone(&row);
    let (account, id) = (row.account.clone(), row.id.clone());
    row.rotation.automatic = Some(rotation::schedule(
        ctx,
        &account,
        &id,
        period.unwrap_or(365),
    ));
    rotation::publish(ctx, &mut row);
    journal::answers_key(ctx, &row);
    Ok(Progress::Done(EnableKeyRotationResponse {}))
}

/// DisableKeyRotation: materials stay (K-151).
pub(crate) fn disable(
    ctx: &mut Ctx<'_>,
    request: DisableKeyRotationRequest,
) -> Result<Progress<DisableKeyRotationResponse>, Refusal> {
    let row = usable(
        ctx,
        request.key_id.as_deref(),
        Accepts::Keys,
        Use::SwitchRotation,
    )?;
    switched(&row)?;
    let mut row = KeyRow::clone(&row);
    row.rotation.automatic = None;
    rotation::publish(ctx, &mut row);
    journal::answers_key(ctx, &row);
    Ok(Progress::Done(DisableKeyRotationResponse {}))
}

/// GetKeyRotationStatus, of any member (K-120, K-148).
pub(crate) fn status(
    ctx: &mut Ctx<'_>,
    request: GetKeyRotationStatusRequest,
) -> Result<Progress<GetKeyRotationStatusResponse>, Refusal> {
    let row = usable(
        ctx,
        request.key_id.as_deref(),
        Accepts::Keys,
        Use::RotationStatus,
    )?;
    // K-153: it reads false until the deletion is cancelled.
    let leaving = matches!(
        row.state,
        KeyState::PendingDeletion { .. } | KeyState::PendingReplicaDeletion { .. }
    );
    let schedule = row.rotation.automatic.as_ref().filter(|_| !leaving);
    let on_demand = row
        .rotation
        .running
        .as_ref()
        .filter(|running| running.cause.text() == "ON_DEMAND");
    Ok(Progress::Done(GetKeyRotationStatusResponse {
        key_rotation_enabled: Some(schedule.is_some()),
        key_id: Some(row.arn.to_string()),
        rotation_period_in_days: schedule.and_then(|one| i32::try_from(one.period_days).ok()),
        next_rotation_date: schedule.map(|one| one.date.millis()),
        on_demand_rotation_start_date: on_demand.map(|running| running.started.millis()),
    }))
}

/// RotateKeyOnDemand (K-155 to K-160).
pub(crate) fn on_demand(
    ctx: &mut Ctx<'_>,
    request: RotateKeyOnDemandRequest,
) -> Result<Progress<RotateKeyOnDemandResponse>, Refusal> {
    let row = usable(
        ctx,
        request.key_id.as_deref(),
        Accepts::Keys,
        Use::RotateOnDemand,
    )?;
    switched(&row)?;
    let arn = row.arn.to_string();
    if row.rotation.on_demand >= MOST_ON_DEMAND {
        return Err(KmsError::Limit(format!(
            "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: {arn}"
        ))
        .into());
    }
    let now = ctx.elapsed();
    let near = row
        .rotation
        .automatic
        .as_ref()
        .is_some_and(|schedule| schedule.at.0.saturating_sub(now.0) <= NEAR);
    if row.rotation.running.is_some() || near {
        return Err(KmsError::Rotating(arn).into());
    }
    if row.kind.origin == Origin::External
        && row.materials.with(Standing::PendingRotation).is_none()
    {
        return Err(KmsError::NothingPending(arn).into());
    }
    let mut row = KeyRow::clone(&row);
    rotation::begin_on_demand(ctx, &mut row);
    journal::answers_key(ctx, &row);
    Ok(Progress::Done(RotateKeyOnDemandResponse {
        key_id: Some(arn),
    }))
}

fn entry(row: &KeyRow, material: &KeyMaterial) -> RotationsListEntry {
    let imported = row.kind.origin == Origin::External;
    let (expiration_model, valid_to) = material.expiration();
    RotationsListEntry {
        key_id: Some(row.arn.to_string()),
        key_material_id: Some(material.id.clone()),
        key_material_description: material.description.clone(),
        import_state: imported.then(|| {
            if material.is_here() {
                "IMPORTED"
            } else {
                "PENDING_IMPORT"
            }
            .to_owned()
        }),
        key_material_state: material.standing.text().map(str::to_owned),
        expiration_model: expiration_model.filter(|_| imported),
        valid_to: valid_to.filter(|_| imported),
        rotation_date: material.rotated.map(|(_, date)| date.millis()),
        rotation_type: material.rotated.map(|(cause, _)| cause.text().to_owned()),
    }
}

/// ListKeyRotations: completed rotations; with ALL_KEY_MATERIAL also the first material and a
/// pending one (K-161).
pub(crate) fn list(
    ctx: &mut Ctx<'_>,
    request: ListKeyRotationsRequest,
) -> Result<Progress<ListKeyRotationsResponse>, Refusal> {
    let row = usable(
        ctx,
        request.key_id.as_deref(),
        Accepts::Keys,
        Use::ListRotations,
    )?;
    if !row.kind.spec.is_symmetric() {
        return Err(KmsError::Unsupported(String::new()).into());
    }
    let limit = limit(request.limit, 100, 1000)?;
    let after = read_marker(request.marker.as_deref())?;
    let all = request.include_key_material.as_deref() == Some("ALL_KEY_MATERIAL");
    let mut seen = after.is_none();
    let mut found = Vec::new();
    for material in row.materials.iter() {
        let listed = material.standing.text().is_some() && (all || material.rotated.is_some());
        if listed && seen && found.len() <= limit {
            found.push(material);
        }
        seen = seen || after.as_ref() == Some(&material.id);
    }
    let (found, next_marker) = page(found, limit, |material| material.id.as_str());
    Ok(Progress::Done(ListKeyRotationsResponse {
        rotations: found.into_iter().map(|one| entry(&row, one)).collect(),
        truncated: Some(next_marker.is_some()),
        next_marker,
    }))
}
