//! How a set of related keys learns who belongs to it.
//!
//! Every change of a view is told to every member as a record; views merge (see `members`).

use faultline_proto::names::AccountId;
use serde_json::Value;

use super::identifiers::KeyId;
use super::keyspaces::KeyRow;
use super::members::Members;
use super::states::KeyState;
use super::{deletion, journal, resolve, rotation};
use crate::context::{Ctx, decode, encode};

/// Tells this Region's view to every other member.
pub(crate) fn tell(ctx: &mut Ctx<'_>, row: &KeyRow) {
    let Some(members) = &row.members else { return };
    let body = encode(&(&row.account, &row.id, members));
    for region in members
        .regions()
        .filter(|region| region.as_str() != row.arn.region())
    {
        ctx.replicate(region, "kms", "kms", "members", body.clone());
    }
}

/// This Region's member was deleted: the others learn of it (K-115).
pub(crate) fn left(ctx: &mut Ctx<'_>, row: &KeyRow) {
    let mut row = row.clone();
    let region = ctx.region().clone();
    if let Some(members) = &mut row.members {
        members.remove(&region);
    }
    tell(ctx, &row);
}

/// Another member's view has come.
pub(crate) fn apply(ctx: &mut Ctx<'_>, body: &[u8]) {
    let Ok((account, id, theirs)) = decode::<(AccountId, KeyId, Members)>(body) else {
        return;
    };
    if let Some(row) = resolve::current(ctx, &account, &id) {
        take_view(ctx, row, &theirs);
    }
}

/// Merges a view into the key's own, and does what follows from it.
pub(crate) fn take_view(ctx: &mut Ctx<'_>, mut row: KeyRow, theirs: &Members) -> KeyRow {
    let role = row.role();
    let Some(members) = &mut row.members else {
        return row;
    };
    if !members.merge(theirs) {
        return row;
    }
    settle_deletion(ctx, &mut row);
    resolve::save(ctx, &row);
    if row.role() != role {
        journal::role(ctx, &row);
    }
    synchronized(ctx, &row);
    if row.is_primary() {
        tell(ctx, &row);
        rotation::arrived(ctx, &mut row);
    }
    row
}

/// K-108, K-269: the trail names the primary, not the replicas.
fn synchronized(ctx: &mut Ctx<'_>, row: &KeyRow) {
    if let Some(members) = &row.members {
        let primary = row.id.arn(&members.primary, &row.account);
        let name = "SynchronizeMultiRegionKey";
        journal::service_event(ctx, row, primary.as_str(), name, Value::Null);
    }
}

/// A primary that waited for its last replica begins its own window now (K-043, K-117).
pub(crate) fn settle_deletion(ctx: &mut Ctx<'_>, row: &mut KeyRow) {
    let KeyState::PendingReplicaDeletion { days } = row.state else {
        return;
    };
    if row
        .members
        .as_ref()
        .is_some_and(|members| members.replicas().count() == 0)
    {
        row.state = deletion::window(ctx, &row.account, &row.id, days);
        journal::state(ctx, row);
    }
}
