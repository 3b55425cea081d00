//! UpdatePrimaryRegion: a role changes hands, and never has two holders (K-111 to K-114).
//!
//! ```text
//!   old primary                                      chosen replica
//!   Updating (open)          -- promote? -->         its own policy, its own state
//!                            <-- yes ------          Updating (open)
//!   gives the role away, answers the call
//!   Updating, some seconds   -- promoted -->         takes the role; Updating, some seconds
//! ```
//!
//! Between the two there is no primary for a moment: "DescribeKey may list both as replicas".
//! When no answer comes, the old primary takes everything back and says so to the other; that
//! message stands behind the question in the same stream, so the other cannot stay open.

use faultline_proto::kms::{UpdatePrimaryRegionRequest, UpdatePrimaryRegionResponse};
use faultline_proto::names::{AccountId, RegionName};
use faultline_proto::progress::{Progress, Saga};
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::access::{Reach, to_row};
use super::error::KmsError;
use super::identifiers::KeyId;
use super::journal;
use super::keyspaces::KeyRow;
use super::members::Members;
use super::quotas;
use super::relatives::{take_view, tell};
use super::replicas::{PATIENCE, check_primary};
use super::resolve::{self, Accepts, allows, by_id, usable};
use super::rotation::{self, Shared, Travelling};
use super::states::{KeyState, Use};
use crate::context::{Ctx, decode, encode};
use crate::mutants::{self, Mutant};
use crate::quotas::Quota;
use crate::refusal::Refusal;
use crate::service::{RemoteCall, SagaInput, Wording};

/// Shortest and longest time in Creating or Updating, microseconds (K-047: "some seconds").
const SETTLING: (u64, u64) = (3_000_000, 9_000_000);

/// A promotion under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Handover {
    account: AccountId,
    id: KeyId,
    to: RegionName,
    operation: String,
}

/// A key leaves Creating or Updating after some seconds.
pub(crate) fn settle_later(ctx: &mut Ctx<'_>, row: &KeyRow, operation: String) {
    let micros = SETTLING.0 + ctx.entropy().below("kms.settling", SETTLING.1 - SETTLING.0);
    let at = ctx.elapsed().plus_micros(micros);
    ctx.schedule(
        "kms",
        at,
        "settle",
        encode(&(&row.account, &row.id, operation)),
    );
}

/// The timer of [`settle_later`]; a state that changed meanwhile stays.
pub(crate) fn settle(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok((account, id, moment)) = decode::<(AccountId, KeyId, String)>(payload) else {
        return;
    };
    let Some(row) = resolve::current(ctx, &account, &id) else {
        return;
    };
    let settles = match &row.state {
        KeyState::Creating => moment.is_empty(),
        KeyState::Updating { operation, open } => *operation == moment && !open,
        KeyState::Enabled
        | KeyState::Disabled
        | KeyState::PendingDeletion { .. }
        | KeyState::PendingReplicaDeletion { .. }
        | KeyState::PendingImport => false,
    };
    if settles {
        rest(ctx, row);
    }
}

/// A key is usable again, unless its imported material is not here.
fn rest(ctx: &mut Ctx<'_>, row: KeyRow) -> KeyRow {
    let state = row.rest(KeyState::Enabled);
    change(ctx, row, state)
}

fn change(ctx: &mut Ctx<'_>, row: KeyRow, state: KeyState) -> KeyRow {
    let row = KeyRow { state, ..row };
    resolve::save(ctx, &row);
    journal::state(ctx, &row);
    row
}

/// A promotion whose outcome is not known yet lets no second one begin.
fn check_open(row: &KeyRow) -> Result<(), KmsError> {
    match row.state {
        KeyState::Updating { open: true, .. } => Err(KmsError::Updating(row.arn.to_string())),
        _ => Ok(()),
    }
}

/// UpdatePrimaryRegion.
pub(crate) fn update_primary_region(
    ctx: &mut Ctx<'_>,
    request: UpdatePrimaryRegionRequest,
) -> Result<Progress<UpdatePrimaryRegionResponse>, Refusal> {
    let row = usable(
        ctx,
        request.key_id.as_deref(),
        Accepts::Keys,
        Use::UpdatePrimary,
    )?;
    check_open(&row)?;
    let members = match &row.members {
        Some(members) if mutants::is(Mutant::ReplicaPromotesItself) => members.clone(),
        _ => check_primary(&row)?,
    };
    let wanted = request.primary_region.unwrap_or_default();
    let Some(to) = members
        .replicas()
        .find(|region| region.as_str() == wanted)
        .cloned()
    else {
        return Err(KmsError::NoReplica(row.arn.to_string(), wanted).into());
    };
    let operation = ctx.frame().request_id.clone();
    let row = change(
        ctx,
        KeyRow::clone(&row),
        KeyState::Updating {
            operation: operation.clone(),
            open: true,
        },
    );
    journal::answers_key(ctx, &row);
    let handover = Handover {
        account: row.account,
        id: row.id,
        to: to.clone(),
        operation,
    };
    ctx.ask(&to, "promote", encode(&handover));
    ctx.give_up_after(PATIENCE);
    Ok(Progress::Open(Saga {
        kind: "update_primary_region",
        state: encode(&handover),
    }))
}

/// The old primary hears of the replica, or does not.
pub(crate) fn resume(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    match input {
        SagaInput::Answer { outcome: Ok(_), .. } => {
            give_away(ctx, decode(state)?);
            Ok(Progress::Done(
                UpdatePrimaryRegionResponse {}.encode_to_vec(),
            ))
        }
        SagaInput::Answer {
            outcome: Err(refusal),
            ..
        } => {
            // The refusal discards what is written here; a timer is kept.
            let now = ctx.elapsed();
            ctx.schedule("kms", now, "promotion_refused", state.to_vec());
            Err(refusal)
        }
        SagaInput::Deadline => {
            let now = ctx.elapsed();
            ctx.schedule("kms", now, "promotion_abandoned", state.to_vec());
            Err(KmsError::DependencyTimeout.into())
        }
        SagaInput::Chunk { .. } => Err(Refusal::internal("UpdatePrimaryRegion has no body")),
    }
}

fn is_ours(row: &KeyRow, handover: &Handover) -> bool {
    matches!(&row.state, KeyState::Updating { operation, open: true } if *operation == handover.operation)
}

/// The old primary gives the role away; from here on the other may take it.
fn give_away(ctx: &mut Ctx<'_>, handover: Handover) {
    let Some(mut row) = resolve::current(ctx, &handover.account, &handover.id) else {
        return;
    };
    if !is_ours(&row, &handover) {
        return;
    }
    let Some(members) = &mut row.members else {
        return;
    };
    members.promote(&handover.to);
    let told = members.clone();
    let operation = handover.operation.clone();
    let row = change(
        ctx,
        row,
        KeyState::Updating {
            operation: operation.clone(),
            open: false,
        },
    );
    journal::role(ctx, &row);
    journal::answers_key(ctx, &row);
    settle_later(ctx, &row, operation);
    let travelling = rotation::hand_over(ctx, &row);
    let body = encode(&(&handover, told, Shared::of(&row), travelling));
    let saga = Saga {
        kind: "handed_over",
        state: Vec::new(),
    };
    ctx.spawn(
        "kms",
        saga,
        vec![(handover.to.clone(), "promoted".to_owned(), body)],
        None,
    );
    tell(ctx, &row);
}

/// Nothing came of it: the old primary is as it was.
pub(crate) fn take_back(ctx: &mut Ctx<'_>, payload: &[u8], tell_other: bool) {
    let Ok(handover) = decode::<Handover>(payload) else {
        return;
    };
    if let Some(row) = resolve::current(ctx, &handover.account, &handover.id)
        && is_ours(&row, &handover)
    {
        rest(ctx, row);
    }
    if tell_other {
        let saga = Saga {
            kind: "handed_over",
            state: Vec::new(),
        };
        ctx.spawn(
            "kms",
            saga,
            vec![(
                handover.to.clone(),
                "not_promoted".to_owned(),
                payload.to_vec(),
            )],
            None,
        );
    }
}

/// What a promotion touches in the replica's Region: the same action on its own key (K-112, K-268).
pub(crate) fn promote_access(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<RemoteCall, Refusal> {
    let handover: Handover = decode(body)?;
    let row = by_id(ctx, handover.account, &handover.id).present()?;
    let reach = Reach::OwnAccount;
    let access = to_row(
        ctx,
        "kms:UpdatePrimaryRegion",
        &row,
        reach,
        Wording::AccessDeniedException,
    )?;
    let access = access.with("kms:primaryregion", handover.to.as_str());
    ctx.audit_parameters(serde_json::json!({
        "keyId": row.arn.as_str(),
        "primaryRegion": handover.to.as_str(),
    }));
    Ok(RemoteCall {
        event: Some("UpdatePrimaryRegion"),
        read_only: false,
        accesses: vec![access],
        charge: Some(quotas::charge(Quota::UpdatePrimaryRegion, 1)),
    })
}

/// The replica agrees (K-113), and waits to be told.
pub(crate) fn promote(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let handover: Handover = decode(body)?;
    let row = by_id(ctx, handover.account, &handover.id).present()?;
    allows(&row, Use::UpdatePrimary)?;
    check_open(&row)?;
    let mut row = KeyRow::clone(&row);
    if mutants::is(Mutant::PromotedTooSoon) {
        let here = ctx.region().clone();
        row.members.iter_mut().for_each(|it| it.promote(&here));
        journal::role(ctx, &row);
    }
    let row = change(
        ctx,
        row,
        KeyState::Updating {
            operation: handover.operation,
            open: true,
        },
    );
    journal::answers_key(ctx, &row);
    Ok(Vec::new())
}

/// The replica is the primary now.
pub(crate) fn promoted(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    type Told = (Handover, Members, Shared, Option<Travelling>);
    let (handover, members, shared, travelling): Told = decode(body)?;
    let Some(row) = resolve::current(ctx, &handover.account, &handover.id) else {
        return Ok(Vec::new());
    };
    let mut row = take_view(ctx, row, &members);
    rotation::take_over(ctx, &mut row, travelling);
    rotation::take(ctx, &mut row, shared);
    rotation::lead(ctx, &row);
    if is_ours(&row, &handover) {
        let row = change(
            ctx,
            row,
            KeyState::Updating {
                operation: handover.operation.clone(),
                open: false,
            },
        );
        settle_later(ctx, &row, handover.operation);
    }
    Ok(Vec::new())
}

/// The replica stays what it was.
pub(crate) fn not_promoted(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let handover: Handover = decode(body)?;
    if let Some(row) = resolve::current(ctx, &handover.account, &handover.id)
        && is_ours(&row, &handover)
    {
        rest(ctx, row);
    }
    Ok(Vec::new())
}
