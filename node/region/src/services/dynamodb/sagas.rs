//! What follows the question of UpdateTable to another Region: its answer, or none.

use faultline_proto::dynamodb::UpdateTableResponse;
use faultline_proto::names::RegionName;
use faultline_proto::progress::{Progress, Saga};
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::error::DynamoError;
use super::keyspaces::{Replica, ReplicaStatus, Stream, TableRow, TableStatus, Tables};
use super::names::TableName;
use super::records::{DropReplica, GroupChange};
use super::{backfill, describe, members, tables};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;

/// How long the source is UPDATING after a replica was removed (DDB-040), microseconds.
const REMOVED_IN: (u64, u64) = (30_000_000, 47_000_000);

/// What a saga remembers.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    account: faultline_proto::names::AccountId,
    table: String,
    region: RegionName,
}

impl Asked {
    fn name(&self) -> TableName {
        TableName {
            account: self.account.clone(),
            name: self.table.clone(),
        }
    }
}

/// The state of a saga about the replica in `region`.
pub(super) fn state(name: TableName, region: RegionName) -> Vec<u8> {
    encode(&Asked {
        account: name.account,
        table: name.name,
        region,
    })
}

/// View type of the stream that replication reads.
pub(super) const BOTH_IMAGES: &str = "NEW_AND_OLD_IMAGES";

/// The new Region has answered, or has not.
pub(super) fn resume_create(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let asked: Asked = decode(state)?;
    let name = asked.name();
    let row = tables::row_of(ctx, &name);
    let refusal = match (input, row) {
        (
            SagaInput::Answer {
                outcome: Ok(bytes), ..
            },
            Some(row),
        ) => {
            let replica: Replica = decode(bytes)?;
            return Ok(joined(ctx, &name, row, &asked.region, replica));
        }
        (
            SagaInput::Answer {
                outcome: Err(refusal),
                ..
            },
            _,
        ) => refusal,
        (SagaInput::Answer { .. }, None) => {
            ctx.schedule("dynamodb", ctx.elapsed(), "abandon", state.to_vec());
            DynamoError::NoTable(name.name.clone()).into()
        }
        (SagaInput::Deadline, _) => {
            // Whether the replica was made is not known: it is told that nobody wants it.
            ctx.schedule("dynamodb", ctx.elapsed(), "abandon", state.to_vec());
            let mut refusal: Refusal = DynamoError::Internal.into();
            refusal.definite = false;
            refusal
        }
        (SagaInput::Chunk { .. }, _) => return Err(Refusal::internal("a table has no body")),
    };
    unreserve(ctx, &asked);
    Err(refusal)
}

/// A refusal discards what this call wrote, so the reservation goes by a write that stays.
fn unreserve(ctx: &mut Ctx<'_>, asked: &Asked) {
    let name = asked.name();
    let Some(mut row) = tables::row_of(ctx, &name) else {
        return;
    };
    let reserved = row
        .replicas
        .get(&asked.region)
        .is_some_and(|replica| replica.status == ReplicaStatus::Asked);
    if reserved {
        row.replicas.remove(&asked.region);
        ctx.put_kept::<Tables>((&name.account, name.name.as_str()), &row);
    }
}

/// Tells a Region that a replica which it may have made is not wanted.
pub(super) fn abandon(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok(asked) = decode::<Asked>(payload) else {
        return;
    };
    let group = tables::row_of(ctx, &asked.name()).map(|row| row.group);
    let question = DropReplica {
        account: asked.account,
        table: asked.table,
        group: group.unwrap_or_default(),
    };
    let saga = Saga {
        kind: "abandoned",
        state: Vec::new(),
    };
    let ask = (asked.region, "forget_replica".to_owned(), encode(&question));
    ctx.spawn("dynamodb", saga, vec![ask], None);
}

fn joined(
    ctx: &mut Ctx<'_>,
    name: &TableName,
    mut row: TableRow,
    region: &RegionName,
    replica: Replica,
) -> Progress<Vec<u8>> {
    row.source_since = Some(ctx.elapsed().0);
    // DDB-006, DDB-007: a stream of both images, whatever there was.
    if row
        .stream
        .as_ref()
        .is_none_or(|stream| stream.view != BOTH_IMAGES)
    {
        row.stream = Some(Stream {
            view: BOTH_IMAGES.to_owned(),
            since: ctx.now(),
        });
    }
    let change = GroupChange::Member {
        region: region.clone(),
        replica: replica.clone(),
    };
    members::tell(ctx, name, &row, &change);
    // Its word that it is ready may have overtaken its answer.
    let ready = row
        .replicas
        .get(region)
        .is_some_and(|known| known.id == replica.id);
    if !ready {
        row.replicas.insert(region.clone(), replica);
    }
    tables::save(ctx, name, &row);
    backfill::begin(ctx, name, &row, region, false);
    answer(ctx, name, &row)
}

fn answer(ctx: &mut Ctx<'_>, name: &TableName, row: &TableRow) -> Progress<Vec<u8>> {
    let response = UpdateTableResponse {
        table_description: Some(describe::of(ctx, name, row)),
    };
    Progress::Done(response.encode_to_vec())
}

/// The Region of a replica that is to go has answered, or has not.
pub(super) fn resume_delete(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let asked: Asked = decode(state)?;
    let name = asked.name();
    match input {
        SagaInput::Answer { outcome, .. } => outcome?,
        SagaInput::Deadline => {
            let mut refusal: Refusal = DynamoError::Internal.into();
            refusal.definite = false;
            return Err(refusal);
        }
        SagaInput::Chunk { .. } => return Err(Refusal::internal("a table has no body")),
    };
    let mut row =
        tables::row_of(ctx, &name).ok_or_else(|| DynamoError::NoTable(name.name.clone()))?;
    if let Some(replica) = row.replicas.get_mut(&asked.region) {
        replica.status = ReplicaStatus::Deleting;
    }
    if row.status == TableStatus::Active {
        row.status = TableStatus::Updating;
        tables::wake(ctx, "ready", &name, &row, REMOVED_IN);
    }
    tables::save(ctx, &name, &row);
    Ok(answer(ctx, &name, &row))
}
