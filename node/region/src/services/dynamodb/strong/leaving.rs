//! How the members of an MRSC group go: both others at once, the witness unseen.

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::dynamodb::{UpdateTableRequest, UpdateTableResponse};
use faultline_proto::names::RegionName;
use faultline_proto::progress::Progress;

use super::super::error::DynamoError;
use super::super::keyspaces::{
    Items, Registers, ReplicaStatus, StrongRow, StrongState, Strongs, Sweeps, TableRow,
    TableStatus, Witnesses,
};
use super::super::names::TableName;
use super::super::records::{DropReplica, MakeReplica};
use super::super::{encryption, global, tables};
use super::group::{Change, PATIENCE, answer, open, wrong};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;
use crate::store::Range;

/// How long the rest of a group is UPDATING, microseconds.
const DISSOLVED_IN: (u64, u64) = (30_000_000, 47_000_000);

/// Takes both other members away.
pub(super) fn dissolve(
    ctx: &mut Ctx<'_>,
    name: TableName,
    row: TableRow,
    request: &UpdateTableRequest,
) -> Result<Progress<UpdateTableResponse>, Refusal> {
    let strong = super::of(ctx, &row).ok_or_else(|| DynamoError::NoTable(name.name.clone()))?;
    let mut going = BTreeSet::new();
    for action in &request.replica_updates {
        if let Some(delete) = &action.delete {
            going.insert(global::other_region(ctx, delete.region_name.as_deref())?);
        }
    }
    for action in &request.global_table_witness_updates {
        if let Some(delete) = &action.delete {
            going.insert(global::other_region(ctx, delete.region_name.as_deref())?);
        }
    }
    let count = request.replica_updates.len() + request.global_table_witness_updates.len();
    let all: BTreeSet<RegionName> = super::peers(&row, &strong).into_iter().collect();
    if count != 2 || going != all {
        return Err(wrong(
            "Replicas and the witness of a global table with MultiRegionConsistency STRONG cannot \
             be added or removed alone. Both other members must be deleted in one request",
        ));
    }
    if !matches!(strong.state, StrongState::Open) {
        return Err(DynamoError::Internal.into());
    }
    let question = DropReplica {
        account: name.account.clone(),
        table: name.name.clone(),
        group: row.group.clone(),
    };
    for region in &all {
        ctx.ask(region, "drop_replica", encode(&question));
    }
    ctx.give_up_after(PATIENCE);
    let change = Change {
        account: name.account,
        table: name.name,
        asked: all.into_iter().map(|region| (region, false)).collect(),
        answers: BTreeMap::new(),
    };
    Ok(open("strong_dissolve", &change))
}

/// A Region has given its member up; when both have, the table is one of a single Region.
pub(in super::super) fn dissolved(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let mut change: Change = decode(state)?;
    let name = change.name();
    let SagaInput::Answer { outcome, .. } = input else {
        let mut refusal: Refusal = DynamoError::Internal.into();
        refusal.definite = false;
        return Err(refusal);
    };
    match outcome {
        Ok(_) => {}
        // It went in an earlier attempt.
        Err(gone) if gone.code == "ResourceNotFoundException" => {}
        Err(going) if going.code == "ResourceInUseException" => {}
        Err(refusal) => return Err(refusal),
    }
    change.asked.pop();
    if !change.asked.is_empty() {
        return Ok(open("strong_dissolve", &change));
    }
    let mut row =
        tables::row_of(ctx, &name).ok_or_else(|| DynamoError::NoTable(name.name.clone()))?;
    let strong = StrongRow {
        witness: None,
        state: StrongState::Dissolved,
    };
    ctx.put::<Strongs>(row.id.as_str(), &strong);
    for replica in row.replicas.values_mut() {
        replica.status = ReplicaStatus::Deleting;
    }
    row.status = TableStatus::Updating;
    tables::wake(ctx, "ready", &name, &row, DISSOLVED_IN);
    tables::save(ctx, &name, &row);
    Ok(answer(ctx, &name, &row))
}

/// Makes a witness: a member that nobody sees (DDB-074).
pub(in super::super) fn make_witness(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let asked: MakeReplica = decode(body)?;
    let id = ctx.entropy().uuid("dynamodb.table-id");
    let encryption = encryption::owned(ctx, &id);
    let row = TableRow {
        status: TableStatus::Active,
        ..super::super::replica::row_of(ctx, &asked, id, encryption)
    };
    let key = (&asked.account, asked.table.as_str());
    ctx.put::<Witnesses>(key, &row);
    Ok(encode(&tables::as_replica(&row, ReplicaStatus::Creating)))
}

/// Gives a witness up; `false` when there is none of this group.
pub(in super::super) fn drop_witness(ctx: &mut Ctx<'_>, name: &TableName, group: &str) -> bool {
    let key = (&name.account, name.name.as_str());
    let Some(row) = ctx.get::<Witnesses>(key).filter(|row| row.group == group) else {
        return false;
    };
    ctx.delete::<Witnesses>(key);
    forget(ctx, &row);
    true
}

/// Removes what a member kept beside its table's row.
pub(in super::super) fn forget(ctx: &mut Ctx<'_>, row: &TableRow) {
    let id = row.id.as_str();
    for ((_, place), _) in ctx.all(Range::<Registers>::under((id,))) {
        ctx.delete::<Registers>((id, place.as_slice()));
        ctx.delete::<Items>((id, place.as_slice()));
    }
    ctx.delete::<Strongs>(id);
    ctx.delete::<Sweeps>(id);
}
