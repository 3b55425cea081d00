//! Where a call about an item of an MRSC table begins, and where it goes on.

use std::collections::BTreeMap;
use std::sync::Arc;

use faultline_proto::dynamodb::AttributeValue;
use faultline_proto::handlers::{DynamoDbRequest, dispatch_dynamodb};
use faultline_proto::names::AccountId;
use faultline_proto::progress::Progress;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::super::DynamoDb;
use super::super::error::DynamoError;
use super::super::keyspaces::{Ballot, StrongRow, StrongState, TableRow, Tables, Term, Version};
use super::super::names::TableName;
use super::super::shelf::Shelf;
use super::super::value::{self, Item};
use super::proposer::Call;
use super::seat::Seat;
use super::{Reply, limits, many};
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
    #[serde(with = "serde_bytes")]
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
    #[serde(with = "serde_bytes")]
    pub(super) response: Vec<u8>,
}

impl Op {
    /// A call about the item with this key, not yet begun.
    pub(super) fn new(
        (account, table, group): (AccountId, String, String),
        (operation, request): (&str, Vec<u8>),
        key: Item,
        until: u64,
    ) -> Self {
        Self {
            account,
            table,
            group,
            writes: operation != "GetItem",
            operation: format!("dynamodb.{operation}"),
            request,
            key,
            phase: Phase::Waiting,
            first: 0,
            no: 0,
            heard: false,
            rounds: 0,
            until,
            mine: None,
            dirty: false,
            promised: None,
        }
    }
}

/// A call about one item, as far as all of them are alike.
struct Asked<'r> {
    operation: &'static str,
    table: Option<&'r str>,
    members: &'r BTreeMap<String, AttributeValue>,
    bytes: Vec<u8>,
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
    })
}

/// Takes a call about an item of an MRSC table; `None` when it is for the local replica alone.
pub(in super::super) fn begin(
    ctx: &mut Ctx<'_>,
    request: &DynamoDbRequest,
) -> Result<Option<Progress<Vec<u8>>>, Refusal> {
    limits::check(ctx, request)?;
    if let Some(progress) = many::begin(ctx, request)? {
        return Ok(Some(progress));
    }
    let Some(asked) = asked(request) else {
        return Ok(None);
    };
    let Some((name, row)) = open_table(ctx, asked.table)? else {
        return Ok(None);
    };
    let until = ctx.elapsed().0.saturating_add(PATIENCE);
    let item = value::read(asked.members)?;
    let key = if asked.operation == "PutItem" {
        row.schema.key_of(&item)?
    } else {
        row.schema.check_key(&item)?;
        item
    };
    let op = Op::new(
        (name.account.clone(), name.name.clone(), row.group.clone()),
        (asked.operation, asked.bytes),
        key.clone(),
        until,
    );
    if !op.writes && mutants::is(Mutant::StrongReadStaysHome) {
        return Ok(None);
    }
    let strong = usable(ctx, &row)?;
    // As the caller: without the table's key there is nothing to ask others.
    let shelf = Shelf::open(ctx, name, row)?;
    let place = shelf.find(ctx, key)?;
    let seat = Seat { shelf, place };
    Call { op, seat, strong }.start(ctx).map(Some)
}

/// The table of a call, when it is open and has strong consistency.
pub(super) fn open_table(
    ctx: &mut Ctx<'_>,
    table: Option<&str>,
) -> Result<Option<(TableName, Arc<TableRow>)>, Refusal> {
    let name = TableName::read(ctx, table)?;
    let row = ctx
        .get_cached::<Tables>((&name.account, name.name.as_str()))
        .filter(|row| row.status.is_open());
    Ok(match row {
        Some(row) if super::is(ctx, &row) => Some((name, row)),
        _ => None,
    })
}

/// The group of a table that takes strong calls now (DDB-075, DDB-076).
pub(super) fn usable(ctx: &mut Ctx<'_>, row: &TableRow) -> Result<StrongRow, Refusal> {
    let strong = super::of(ctx, row).ok_or_else(|| unreachable(true))?;
    match strong.state {
        StrongState::Open => Ok(StrongRow::clone(&strong)),
        StrongState::Forming | StrongState::CutOff | StrongState::Dissolved => {
            Err(unreachable(true))
        }
    }
}

/// Something has come for a call.
pub(in super::super) fn resume(ctx: &mut Ctx<'_>, state: &[u8], input: SagaInput<'_>) -> Step {
    let mut call = seated(ctx, decode(state)?)?;
    call.take(ctx, input)
}

/// A call that goes on, where its item is.
pub(super) fn seated(ctx: &mut Ctx<'_>, op: Op) -> Result<Call, Refusal> {
    let definite = op.mine.is_none();
    let row = ctx.get_cached::<Tables>((&op.account, op.table.as_str()));
    let seat = Seat::find(ctx, &op.account, &op.table, &op.group, &op.key);
    let (Some(row), Ok(seat)) = (row, seat) else {
        return Err(unreachable(definite));
    };
    let strong = super::of(ctx, &row).ok_or_else(|| unreachable(definite))?;
    let strong = StrongRow::clone(&strong);
    Ok(Call { op, seat, strong })
}

impl Call {
    /// Takes what has come.
    pub(super) fn take(&mut self, ctx: &mut Ctx<'_>, input: SagaInput<'_>) -> Step {
        match input {
            SagaInput::Answer { ordinal, outcome } => {
                if ordinal < self.op.first {
                    return Ok(self.open());
                }
                let reply = outcome.and_then(decode::<Reply>);
                self.op.heard |= reply.is_ok();
                match reply {
                    Ok(reply) => self.told(ctx, reply),
                    Err(_) => self.refused(ctx),
                }
            }
            SagaInput::Deadline => self.late(ctx),
            SagaInput::Chunk { .. } => Err(Refusal::internal("an item has no body")),
        }
    }
}

/// No second Region was reached (DDB-075).
pub(super) fn unreachable(definite: bool) -> Refusal {
    let mut refusal: Refusal = DynamoError::Internal.into();
    refusal.definite = definite;
    refusal
}

/// Runs the handler of a call on what is here.
pub(super) fn run(ctx: &mut Ctx<'_>, operation: &str, request: &[u8]) -> Result<Vec<u8>, Refusal> {
    let request = DynamoDbRequest::decode(operation, request)
        .and_then(Result::ok)
        .ok_or_else(|| Refusal::internal("a call's request does not decode"))?;
    match dispatch_dynamodb::<DynamoDb>(ctx, request)? {
        Progress::Done(response) => Ok(response),
        Progress::Open(_) => Err(Refusal::internal("a call about items of one Region waits")),
    }
}
