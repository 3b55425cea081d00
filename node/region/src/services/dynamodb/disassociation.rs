//! A replica that leaves its global table and stays as a table of its Region, because its owner
//! wants it to (DDB-027).
//!
//! It is protected against that until the protection is taken away. It waits until the other members
//! have taken all that it wrote before it was asked to leave; what is written meanwhile still
//! travels.

use faultline_proto::dynamodb::{
    ReplicationGroupUpdate, TableDescription, UpdateTableRequest, UpdateTableResponse,
};
use faultline_proto::names::RegionName;
use faultline_proto::progress::Progress;
use serde::{Deserialize, Serialize};

use super::error::DynamoError;
use super::keyspaces::{Disassociable, TableRow, TableStatus};
use super::names::TableName;
use super::tables::{self, TableTimer};
use super::{describe, global, lagging, members, strong};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;

/// Until it looks again whether everything has been taken, microseconds.
const AGAIN: u64 = 1_000_000;

/// What must be acknowledged by whom; the payload of the timer.
#[derive(Debug, Serialize, Deserialize)]
struct Leaving {
    table: TableTimer,
    marks: Vec<(RegionName, u64)>,
}

/// Whether a call is about this.
pub(super) fn is_meant(request: &UpdateTableRequest) -> bool {
    let leaves = |update: &ReplicationGroupUpdate| update.disassociate.is_some();
    request.disassociation_protection_enabled.is_some()
        || request.replica_updates.iter().any(leaves)
}

/// Whether a replica is protected; nothing for what is none.
pub(crate) fn protection(ctx: &mut Ctx<'_>, row: &TableRow) -> Option<bool> {
    let replica = !row.replicas.is_empty() && !strong::is(ctx, row);
    replica.then(|| ctx.get::<Disassociable>(row.id.as_str()).is_none())
}

/// Changes the protection, or lets the replica leave.
pub(super) fn update(
    ctx: &mut Ctx<'_>,
    name: TableName,
    mut row: TableRow,
    request: &UpdateTableRequest,
) -> Result<Progress<UpdateTableResponse>, Refusal> {
    let alone = UpdateTableRequest {
        table_name: request.table_name.clone(),
        ..Default::default()
    };
    let protects = UpdateTableRequest {
        disassociation_protection_enabled: request.disassociation_protection_enabled,
        ..alone.clone()
    };
    let leaves = UpdateTableRequest {
        replica_updates: request.replica_updates.clone(),
        ..alone
    };
    if *request != protects && *request != leaves {
        return Err(DynamoError::validation(
            "Disassociation of a replica and DisassociationProtectionEnabled must be the only \
             update in the request",
        )
        .into());
    }
    let Some(protected) = protection(ctx, &row) else {
        return Err(DynamoError::validation(
            "Only a replica of a global table with MultiRegionConsistency EVENTUAL can be \
             disassociated or protected from it",
        )
        .into());
    };
    if row.status != TableStatus::Active || !global::is_settled(&row) {
        return Err(DynamoError::InUse("updated", name.name).into());
    }
    match request.disassociation_protection_enabled {
        Some(true) => ctx.delete::<Disassociable>(row.id.as_str()),
        Some(false) => ctx.put::<Disassociable>(row.id.as_str(), &true),
        None => {
            check(ctx, &request.replica_updates, protected)?;
            row.status = TableStatus::Updating;
            tables::save(ctx, &name, &row);
            lagging::push(ctx, &name, &row, None);
            wait(ctx, &name, &row);
        }
    }
    let description: TableDescription = describe::of(ctx, &name, &row);
    Ok(Progress::Done(UpdateTableResponse {
        table_description: Some(description),
    }))
}

fn check(
    ctx: &Ctx<'_>,
    updates: &[ReplicationGroupUpdate],
    protected: bool,
) -> Result<(), DynamoError> {
    let [
        ReplicationGroupUpdate {
            create: None,
            update: None,
            delete: None,
            disassociate: Some(leaves),
        },
    ] = updates
    else {
        return Err(DynamoError::validation(
            "A Disassociate action must be the only replica update in the request",
        ));
    };
    if leaves.region_name.as_deref() != Some(ctx.region().as_str()) {
        return Err(DynamoError::validation(
            "Only the replica in the Region of the request can be disassociated",
        ));
    }
    if protected {
        return Err(DynamoError::validation(
            "Replica cannot be disassociated as it is currently protected against \
             disassociation. Disable disassociation protection first.",
        ));
    }
    Ok(())
}

fn wait(ctx: &mut Ctx<'_>, name: &TableName, row: &TableRow) {
    let stream = name.stream();
    let marks = row.replicas.keys();
    let leaving = Leaving {
        table: TableTimer::of(name, row),
        marks: marks
            .map(|region| (region.clone(), ctx.sent(region, &stream).0))
            .collect(),
    };
    let at = ctx.elapsed().plus_micros(AGAIN);
    ctx.schedule("dynamodb", at, "disassociate", encode(&leaving));
}

/// Looks whether everything has been taken.
pub(super) fn due(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok(leaving) = decode::<Leaving>(payload) else {
        return;
    };
    let Some((name, mut row)) = leaving.table.found(ctx) else {
        return;
    };
    if row.status != TableStatus::Updating || row.replicas.is_empty() {
        return;
    }
    let stream = name.stream();
    let mut marks = leaving.marks.iter();
    let taken = marks.all(|(region, mark)| {
        !row.replicas.contains_key(region) || ctx.sent(region, &stream).1 >= *mark
    });
    if !taken {
        let at = ctx.elapsed().plus_micros(AGAIN);
        return ctx.schedule("dynamodb", at, "disassociate", payload.to_vec());
    }
    members::leave(ctx, &name, &mut row);
    row.status = TableStatus::Active;
    tables::save(ctx, &name, &row);
    ctx.delete::<Disassociable>(row.id.as_str());
}
