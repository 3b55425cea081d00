//! Where a call about an item of an MRSC table begins, and where it goes on.

use std::collections::BTreeMap;

use faultline_proto::dynamodb::AttributeValue;
use faultline_proto::handlers::{DynamoDbRequest, dispatch_dynamodb};
use faultline_proto::names::AccountId;
use faultline_proto::progress::Progress;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::super::DynamoDb;
use super::super::error::DynamoError;
use super::super::keyspaces::{Ballot, StrongRow, StrongState, Tables, Term, Version};
use super::super::names::TableName;
use super::super::shelf::Shelf;
use super::super::value::{self, Item};
use super::proposer::Call;
use super::seat::Seat;
use super::{Reply, limits};
use crate::context::{Ctx, decode};
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;
use crate::service::SagaInput;

/// How long a call waits for another Region in all, microseconds.
pub(super) const PATIENCE: u64 = 10_000_000;

pub(super) type Step = Result<Progress<Vec<u8>>, Refusal>;

/// A call under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Op {
    pub(super) account: AccountId,
    pub(super) table: String,
    pub(super) group: String,
    pub(super) operation: String,
    pub(super) request: Vec<u8>,
    pub(super) key: Item,
    pub(super) writes: bool,
    pub(super) phase: Phase,
    /// Answers to earlier questions no longer count.
    pub(super) first: u32,
    /// Members that said no in this phase, or could not say.
    pub(super) no: u8,
    pub(super) heard: bool,
    pub(super) rounds: u8,
    /// Elapsed moment of the end.
    pub(super) until: u64,
    /// The proposal that this call made.
    pub(super) mine: Option<Mine>,
    /// Whether this step has written something that a refusal would take away.
    #[serde(skip)]
    pub(super) dirty: bool,
    /// The term of this Region that another member promised to this call.
    pub(super) promised: Option<Term>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// For an earlier write of this Region, or a moment.
    Waiting,
    /// The item is current here.
    Ready,
    Confirm(Ballot),
    Prepare(Term),
    /// `own`: the proposal of this call, not one found unsettled.
    Accept {
        ballot: Ballot,
        own: bool,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Mine {
    pub(super) ballot: Ballot,
    pub(super) version: Version,
    pub(super) response: Vec<u8>,
}

/// A call about one item, as far as all of them are alike.
struct Asked<'r> {
    operation: &'static str,
    table: Option<&'r str>,
    members: &'r BTreeMap<String, AttributeValue>,
    bytes: Vec<u8>,
    writes: bool,
}

/// What is asked, if it is about one item and needs the other members.
fn asked(request: &DynamoDbRequest) -> Option<Asked<'_>> {
    use DynamoDbRequest as R;
    let (operation, table, members, bytes) = match request {
        R::PutItem(put) => ("PutItem", &put.table_name, &put.item, put.encode_to_vec()),
        R::UpdateItem(update) => {
            let bytes = update.encode_to_vec();
            ("UpdateItem", &update.table_name, &update.key, bytes)
        }
        R::DeleteItem(delete) => {
            let bytes = delete.encode_to_vec();
            ("DeleteItem", &delete.table_name, &delete.key, bytes)
        }
        R::GetItem(get) if get.consistent_read == Some(true) => {
            ("GetItem", &get.table_name, &get.key, get.encode_to_vec())
        }
        _ => return None,
    };
    Some(Asked {
        operation,
        table: table.as_deref(),
        members,
        bytes,
        writes: operation != "GetItem",
    })
}

/// Takes a call about an item of an MRSC table; `None` when it is for the local replica alone.
pub(in super::super) fn begin(
    ctx: &mut Ctx<'_>,
    request: &DynamoDbRequest,
) -> Result<Option<Progress<Vec<u8>>>, Refusal> {
    limits::check(ctx, request)?;
    let Some(asked) = asked(request) else {
        return Ok(None);
    };
    let Asked {
        operation,
        table,
        members,
        bytes,
        writes,
    } = asked;
    let name = TableName::read(ctx, table)?;
    let row = ctx.get_cached::<Tables>((&name.account, name.name.as_str()));
    let Some(row) = row.filter(|row| row.status.is_open()) else {
        return Ok(None);
    };
    let Some(strong) = super::of(ctx, &row) else {
        return Ok(None);
    };
    if !writes && mutants::is(Mutant::StrongReadStaysHome) {
        return Ok(None);
    }
    let item = value::read(members)?;
    let key = if operation == "PutItem" {
        row.schema.key_of(&item)?
    } else {
        row.schema.check_key(&item)?;
        item
    };
    match strong.state {
        StrongState::Open => {}
        // DDB-075, DDB-076.
        StrongState::Forming | StrongState::CutOff | StrongState::Dissolved => {
            return Err(unreachable(true));
        }
    }
    let op = Op {
        account: name.account.clone(),
        table: name.name.clone(),
        group: row.group.clone(),
        operation: format!("dynamodb.{operation}"),
        request: bytes,
        key: key.clone(),
        writes,
        phase: Phase::Waiting,
        first: 0,
        no: 0,
        heard: false,
        rounds: 0,
        until: ctx.elapsed().0.saturating_add(PATIENCE),
        mine: None,
        dirty: false,
        promised: None,
    };
    // As the caller: without the table's key there is nothing to ask others.
    let shelf = Shelf::open(ctx, name, row)?;
    let place = shelf.find(ctx, key)?;
    let mut call = Call {
        op,
        seat: Seat { shelf, place },
        strong: StrongRow::clone(&strong),
    };
    call.start(ctx).map(Some)
}

/// Something has come for a call.
pub(in super::super) fn resume(ctx: &mut Ctx<'_>, state: &[u8], input: SagaInput<'_>) -> Step {
    let op: Op = decode(state)?;
    let found = (
        ctx.get_cached::<Tables>((&op.account, op.table.as_str())),
        Seat::find(ctx, &op.account, &op.table, &op.group, &op.key),
    );
    let (Some(row), Ok(seat)) = found else {
        return Err(unreachable(op.mine.is_none()));
    };
    let Some(strong) = super::of(ctx, &row) else {
        return Err(unreachable(op.mine.is_none()));
    };
    let strong = StrongRow::clone(&strong);
    let mut call = Call { op, seat, strong };
    match input {
        SagaInput::Answer { ordinal, outcome } => {
            if ordinal < call.op.first {
                return Ok(call.open());
            }
            let reply = outcome.and_then(decode::<Reply>);
            call.op.heard |= reply.is_ok();
            match reply {
                Ok(reply) => call.told(ctx, reply),
                Err(_) => call.refused(ctx),
            }
        }
        SagaInput::Deadline => call.late(ctx),
        SagaInput::Chunk { .. } => Err(Refusal::internal("an item has no body")),
    }
}

/// No second Region was reached (DDB-075).
pub(super) fn unreachable(definite: bool) -> Refusal {
    let mut refusal: Refusal = DynamoError::Internal.into();
    refusal.definite = definite;
    refusal
}

/// Runs the handler of a call on the local item.
pub(super) fn run(ctx: &mut Ctx<'_>, op: &Op) -> Result<Vec<u8>, Refusal> {
    let request = DynamoDbRequest::decode(&op.operation, &op.request)
        .and_then(Result::ok)
        .ok_or_else(|| Refusal::internal("a call's request does not decode"))?;
    match dispatch_dynamodb::<DynamoDb>(ctx, request)? {
        Progress::Done(response) => Ok(response),
        Progress::Open(_) => Err(Refusal::internal("a call about one item waits")),
    }
}
