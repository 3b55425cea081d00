//! ScheduleKeyDeletion, CancelKeyDeletion, and the end of a key (K-040 to K-048, K-115 to K-119).
//!
//! A window runs in unskewed time; the DeletionDate that is shown is on the Region's own clock.
//! The real deletion comes at the end of the window (AWS: up to a day later, K-048).

use faultline_proto::kms::{
    CancelKeyDeletionRequest, CancelKeyDeletionResponse, ScheduleKeyDeletionRequest,
    ScheduleKeyDeletionResponse,
};
use faultline_proto::names::{AccountId, Elapsed};
use faultline_proto::progress::Progress;
use serde_json::json;

use super::error::KmsError;
use super::identifiers::KeyId;
use super::keyspaces::{KeyRow, Keys, LastUses};
use super::resolve::{self, Accepts, usable};
use super::states::{KeyState, Use};
use super::{aliases, grants, import_tokens, journal, material, quotas, relatives, unsettled};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;

const DAY: u64 = 24 * 60 * 60;

/// The state of a key whose window of `days` begins now; sets the timer of its end.
pub(crate) fn window(ctx: &mut Ctx<'_>, account: &AccountId, id: &KeyId, days: u8) -> KeyState {
    let seconds = u64::from(days) * DAY;
    let at = ctx.elapsed().plus_seconds(seconds);
    let date = ctx
        .now()
        .plus_seconds(i64::try_from(seconds).expect("30 days fit"));
    ctx.schedule("kms", at, "delete", encode(&(account, id, at)));
    KeyState::PendingDeletion { date, at, days }
}

/// ScheduleKeyDeletion.
pub(crate) fn schedule(
    ctx: &mut Ctx<'_>,
    request: ScheduleKeyDeletionRequest,
) -> Result<Progress<ScheduleKeyDeletionResponse>, Refusal> {
    let days = request.pending_window_in_days.unwrap_or(30);
    let row = usable(
        ctx,
        request.key_id.as_deref(),
        Accepts::Keys,
        Use::ScheduleDeletion,
    )?;
    let days = u8::try_from(days)
        .ok()
        .filter(|days| (7..=30).contains(days))
        .ok_or_else(|| {
            // K-048: the text is ours.
            KmsError::Validation(
                "PendingWindowInDays must be between 7 and 30 (inclusive).".to_owned(),
            )
        })?;
    let has_replicas = row.is_primary()
        && row
            .members
            .as_ref()
            .is_some_and(|members| members.replicas().count() > 0);
    let state = if has_replicas {
        KeyState::PendingReplicaDeletion { days }
    } else {
        window(ctx, &row.account, &row.id, days)
    };
    let row = KeyRow {
        state,
        ..KeyRow::clone(&row)
    };
    resolve::save(ctx, &row);
    journal::state(ctx, &row);
    let shown = row.metadata();
    let mut elements = json!({
        "keyId": row.arn.as_str(), "keyState": row.state.text(), "pendingWindowInDays": days,
    });
    if let KeyState::PendingDeletion { date, .. } = row.state {
        elements["deletionDate"] = json!(journal::trail_date(date));
    }
    ctx.frame_mut().response_elements = Some(elements);
    Ok(Progress::Done(ScheduleKeyDeletionResponse {
        key_id: Some(row.arn.to_string()),
        deletion_date: shown.deletion_date,
        key_state: shown.key_state,
        pending_window_in_days: Some(i32::from(days)),
    }))
}

/// CancelKeyDeletion: leaves the key disabled (K-041, K-348).
pub(crate) fn cancel(
    ctx: &mut Ctx<'_>,
    request: CancelKeyDeletionRequest,
) -> Result<Progress<CancelKeyDeletionResponse>, Refusal> {
    let row = usable(
        ctx,
        request.key_id.as_deref(),
        Accepts::Keys,
        Use::CancelDeletion,
    )?;
    // K-042: an imported key without its material waits for it again; our choice.
    let row = KeyRow {
        state: row.rest(KeyState::Disabled),
        ..KeyRow::clone(&row)
    };
    resolve::save(ctx, &row);
    journal::state(ctx, &row);
    journal::answers_key(ctx, &row);
    Ok(Progress::Done(CancelKeyDeletionResponse {
        key_id: Some(row.arn.to_string()),
    }))
}

/// The end of a window: the key goes, unless the window was cancelled (or began anew).
pub(crate) fn due(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok((account, id, moment)) = decode::<(AccountId, KeyId, Elapsed)>(payload) else {
        return;
    };
    let Some(row) = resolve::current(ctx, &account, &id) else {
        return;
    };
    if !matches!(row.state, KeyState::PendingDeletion { at, .. } if at == moment) {
        return;
    }
    material::destroy(ctx, &row);
    import_tokens::forget(ctx, &row);
    aliases::destroy(ctx, &row);
    grants::destroy(ctx, &row);
    unsettled::destroy(ctx, &row);
    quotas::uncount_key(ctx, &account);
    ctx.delete::<Keys>((&account, id.as_str()));
    ctx.delete::<LastUses>((&account, id.as_str()));
    relatives::left(ctx, &row);
    journal::gone(ctx, &row);
    // K-272: KMS does it by itself, and says so in the trail.
    journal::service_event(ctx, &row, row.arn.as_str(), "DeleteKey", json!({}));
}
