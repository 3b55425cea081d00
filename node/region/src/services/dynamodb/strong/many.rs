//! Calls about more than one item of MRSC tables: strongly consistent Query, Scan and
//! BatchGetItem, and BatchWriteItem.
//!
//! ```text
//!   read:  compare with the nearest member --> confirm what differs, item by item --> the handler
//!   write: each item for itself, all at once ---------------------------------------> the answer
//! ```
//!
//! Each item is as current as one that GetItem reads: after the call began a quorum (this Region
//! and one other) had nothing above what is known to be chosen here. The items of one answer are
//! not of one moment, which DynamoDB does not promise either.

use faultline_proto::driving::Failure;
use faultline_proto::dynamodb::GetItemRequest;
use faultline_proto::handlers::DynamoDbRequest;
use faultline_proto::names::AccountId;
use faultline_proto::progress::{Progress, Saga};
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::super::keyspaces::{Ballot, Registers};
use super::super::query;
use super::super::value::{self, Item};
use super::background::{self, Unsettled};
use super::compare::{self, Extent};
use super::entry::{Op, PATIENCE, Step, open_table, run, seated, unreachable, usable};
use super::{Question, Reply, What, seat, writes};
use crate::context::{Ctx, decode, encode};
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;
use crate::service::SagaInput;

/// Calls about single items under way at one time.
const AT_ONCE: usize = 25;
/// Bytes of their requests that one step begins: a reply is one message, and each goes to two members.
const BYTES: usize = 96 << 10;

/// Items of one table.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Part {
    table: String,
    group: String,
    extent: Extent,
}

/// A comparison under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Comparing {
    part: Part,
    /// Number of its first question.
    first: u32,
    /// Members that could not say.
    no: u8,
}

/// A call about a single item, and its place among those of a batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Single {
    pub(super) nth: u32,
    pub(super) op: Op,
    /// Elapsed moment at which it wants to go on by itself.
    pub(super) wakes: u64,
}

/// A call about a single item that has ended: its place, and its answer or an encoded failure.
type Ended = (u32, Result<Vec<u8>, Vec<u8>>);

/// A call about many items, under way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Many {
    account: AccountId,
    operation: String,
    #[serde(with = "serde_bytes")]
    pub(super) request: Vec<u8>,
    pub(super) until: u64,
    /// Still to be compared, last first.
    parts: Vec<Part>,
    comparing: Option<Comparing>,
    heard: bool,
    /// Not begun, last first.
    pub(super) waiting: Vec<Single>,
    running: Vec<Single>,
    pub(super) ended: Vec<Ended>,
    /// The answer about tables of one Region.
    #[serde(with = "serde_bytes")]
    pub(super) local: Vec<u8>,
    /// Whether a call about a single item went on in this step.
    #[serde(skip)]
    touched: bool,
}

/// Takes a call about many items; `None` when no MRSC table has to do with it, or the local
/// replica alone.
pub(super) fn begin(
    ctx: &mut Ctx<'_>,
    request: &DynamoDbRequest,
) -> Result<Option<Progress<Vec<u8>>>, Refusal> {
    use DynamoDbRequest as R;
    let mut many = match request {
        R::BatchWriteItem(request) => match writes::asked(ctx, request)? {
            Some(many) => many,
            None => return Ok(None),
        },
        R::Query(_) | R::Scan(_) | R::BatchGetItem(_) => {
            let (parts, operation, bytes) = reads(ctx, request)?;
            if parts.is_empty() || mutants::is(Mutant::StrongReadStaysHome) {
                return Ok(None);
            }
            // What is wrong with it is said before anybody is asked.
            run(ctx, operation, &bytes)?;
            Many {
                parts,
                ..Many::new(ctx, operation, bytes)
            }
        }
        _ => return Ok(None),
    };
    many.go_on(ctx).map(Some)
}

/// What a read must compare, if it is a strongly consistent one.
fn reads(
    ctx: &mut Ctx<'_>,
    request: &DynamoDbRequest,
) -> Result<(Vec<Part>, &'static str, Vec<u8>), Refusal> {
    use DynamoDbRequest as R;
    let mut parts = Vec::new();
    let (operation, bytes) = match request {
        R::Query(request) => {
            if request.consistent_read == Some(true)
                && let Some((name, row)) = open_table(ctx, request.table_name.as_deref())?
            {
                usable(ctx, &row)?;
                // An index refuses strongly consistent reads, in the handler's words.
                let extent = match &request.index_name {
                    None => query::extent(request, &row.schema)?,
                    Some(_) => Extent::Keys(Vec::new()),
                };
                parts.push(Part::of(name.name, &row.group, extent));
            }
            ("dynamodb.Query", request.encode_to_vec())
        }
        R::Scan(request) => {
            if request.consistent_read == Some(true)
                && let Some((name, row)) = open_table(ctx, request.table_name.as_deref())?
            {
                usable(ctx, &row)?;
                parts.push(Part::of(name.name, &row.group, Extent::Table));
            }
            ("dynamodb.Scan", request.encode_to_vec())
        }
        R::BatchGetItem(request) => {
            for (table, asked) in &request.request_items {
                if asked.consistent_read == Some(true)
                    && let Some((name, row)) = open_table(ctx, Some(table))?
                {
                    usable(ctx, &row)?;
                    let keys = asked.keys.iter().map(|key| value::read(&key.items));
                    let extent = Extent::Keys(keys.collect::<Result<_, _>>()?);
                    parts.push(Part::of(name.name, &row.group, extent));
                }
            }
            ("dynamodb.BatchGetItem", request.encode_to_vec())
        }
        _ => ("", Vec::new()),
    };
    Ok((parts, operation, bytes))
}

impl Part {
    fn of(table: String, group: &str, extent: Extent) -> Self {
        Self {
            table,
            group: group.to_owned(),
            extent,
        }
    }
}

/// Something has come for a call.
pub(in super::super) fn resume(ctx: &mut Ctx<'_>, state: &[u8], input: SagaInput<'_>) -> Step {
    let mut many: Many = decode(state)?;
    match input {
        SagaInput::Answer { ordinal, outcome } => {
            many.heard |= outcome.is_ok();
            let compared = |it: &Comparing| ordinal >= it.first && ordinal < it.first + 2;
            if many.comparing.as_ref().is_some_and(compared) {
                many.compared(ctx, outcome.and_then(decode::<Reply>))?;
            } else {
                let asked = |it: &Single| ordinal >= it.op.first && ordinal < it.op.first + 2;
                if let Some(at) = many.running.iter().position(asked) {
                    let single = many.running.remove(at);
                    many.step(ctx, single, SagaInput::Answer { ordinal, outcome });
                }
            }
        }
        SagaInput::Deadline => many.late(ctx)?,
        SagaInput::Chunk { .. } => return Err(Refusal::internal("items have no body")),
    }
    many.go_on(ctx)
}

impl Many {
    pub(super) fn new(ctx: &Ctx<'_>, operation: &str, request: Vec<u8>) -> Self {
        Self {
            account: ctx.account(),
            operation: operation.to_owned(),
            request,
            until: ctx.elapsed().0.saturating_add(PATIENCE),
            parts: Vec::new(),
            comparing: None,
            heard: false,
            waiting: Vec::new(),
            running: Vec::new(),
            ended: Vec::new(),
            local: Vec::new(),
            touched: false,
        }
    }

    /// Does what can be done now; ends when nothing is left.
    fn go_on(&mut self, ctx: &mut Ctx<'_>) -> Step {
        while self.comparing.is_none()
            && let Some(part) = self.parts.pop()
        {
            self.compare(ctx, part, None)?;
        }
        let mut bytes = 0;
        while self.comparing.is_none()
            && self.running.len() < AT_ONCE
            && bytes < BYTES
            && let Some(single) = self.waiting.pop()
        {
            bytes += single.op.request.len();
            self.begin(ctx, single);
        }
        let over = self.comparing.is_none() && self.running.is_empty() && self.waiting.is_empty();
        if over {
            return self.conclude(ctx);
        }
        let wakes = self.running.iter().map(|single| single.wakes).min();
        // What did not fit into this step goes on with the next one.
        let fits = self.comparing.is_some() || self.waiting.is_empty() || !self.running.is_empty();
        let at = if fits { wakes.unwrap_or(self.until) } else { 0 };
        ctx.give_up_after(at.saturating_sub(ctx.elapsed().0));
        Ok(self.open())
    }

    fn open(&self) -> Progress<Vec<u8>> {
        Progress::Open(Saga {
            kind: "strong_many",
            state: encode(self),
        })
    }

    /// Asks the other members what they have of a part, of some buckets or of all.
    fn compare(
        &mut self,
        ctx: &mut Ctx<'_>,
        part: Part,
        buckets: Option<Vec<u8>>,
    ) -> Result<(), Refusal> {
        let shelf = seat::shelf(ctx, &self.account, &part.table, &part.group)?;
        let strong = usable(ctx, &shelf.table)?;
        let known = compare::registers(ctx, &shelf, &part.extent)?;
        if buckets.is_none() {
            // A proposal of this Region may be chosen and not known to be.
            for one in known.iter().filter(|it| it.pending) {
                self.doubt(&part, one.key.clone());
            }
        }
        let question = encode(&Question {
            account: self.account.clone(),
            table: part.table.clone(),
            group: part.group.clone(),
            key: Item::new(),
            what: What::Compare {
                extent: part.extent.clone(),
                sums: compare::sums(known, &buckets.unwrap_or_else(compare::all)),
            },
        });
        let mut first = None;
        for peer in super::peers(&shelf.table, &strong) {
            let ordinal = ctx.ask(&peer, "register", question.clone());
            first.get_or_insert(ordinal);
        }
        self.comparing = Some(Comparing {
            part,
            first: first.unwrap_or_default(),
            no: 0,
        });
        Ok(())
    }

    /// Lets an item be confirmed by itself.
    fn doubt(&mut self, part: &Part, key: Item) {
        let known = |it: &Single| it.op.table == part.table && it.op.key == key;
        if self.waiting.iter().any(known) {
            return;
        }
        let get = GetItemRequest {
            table_name: Some(part.table.clone()),
            key: value::wire_of(&key),
            consistent_read: Some(true),
            ..Default::default()
        };
        let of = (self.account.clone(), part.table.clone(), part.group.clone());
        let op = Op::new(of, ("GetItem", get.encode_to_vec()), key, self.until);
        let nth = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        self.waiting.push(Single { nth, op, wakes: 0 });
    }

    /// A member has compared.
    fn compared(
        &mut self,
        ctx: &mut Ctx<'_>,
        reply: Result<Reply, Refusal>,
    ) -> Result<(), Refusal> {
        let Some(mut comparing) = self.comparing.take() else {
            return Ok(());
        };
        let (told, left) = match reply {
            Ok(Reply::Current) => return Ok(()),
            Ok(Reply::Differs { told, left }) => (told, left),
            _ => {
                comparing.no += 1;
                if comparing.no >= 2 {
                    return Err(unreachable(true));
                }
                self.comparing = Some(comparing);
                return Ok(());
            }
        };
        let part = comparing.part;
        let shelf = seat::shelf(ctx, &self.account, &part.table, &part.group)?;
        for (key, ballot) in told {
            let row = shelf.key.row(&shelf.table.schema, &key);
            let here = ctx.get::<Registers>((shelf.table.id.as_str(), row.as_slice()));
            // What is only pending here is shown to nobody.
            if ballot > here.map_or_else(Ballot::default, |register| register.chosen) {
                self.doubt(&part, key);
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        self.compare(ctx, part, Some(left))
    }

    fn begin(&mut self, ctx: &mut Ctx<'_>, single: Single) {
        self.touched = true;
        match seated(ctx, single.op.clone()) {
            Ok(mut call) => {
                let step = call.start(ctx);
                self.stepped(ctx, single.nth, call.op, step);
            }
            Err(refusal) => self.stepped(ctx, single.nth, single.op, Err(refusal)),
        }
    }

    fn step(&mut self, ctx: &mut Ctx<'_>, single: Single, input: SagaInput<'_>) {
        self.touched = true;
        match seated(ctx, single.op.clone()) {
            Ok(mut call) => {
                let step = call.take(ctx, input);
                self.stepped(ctx, single.nth, call.op, step);
            }
            Err(refusal) => self.stepped(ctx, single.nth, single.op, Err(refusal)),
        }
    }

    /// Keeps a single call that goes on, or how it ended.
    fn stepped(&mut self, ctx: &mut Ctx<'_>, nth: u32, op: Op, step: Step) {
        // Each has a deadline of its own; that of the whole is the first of them.
        let wakes = ctx.frame_mut().deadline.take();
        match step {
            Ok(Progress::Open(_)) => {
                let wakes = wakes.map_or(self.until, |at| at.0);
                self.running.push(Single { nth, op, wakes });
            }
            Ok(Progress::Done(response)) => self.ended.push((nth, Ok(response))),
            Err(refusal) => {
                let failure = refusal.into_failure().encode_to_vec();
                self.ended.push((nth, Err(failure)));
            }
        }
    }

    /// Time has come for something.
    fn late(&mut self, ctx: &mut Ctx<'_>) -> Result<(), Refusal> {
        let now = ctx.elapsed().0;
        if let Some(comparing) = &self.comparing
            && now >= self.until
        {
            let part = &comparing.part;
            if !self.heard {
                let shelf = seat::shelf(ctx, &self.account, &part.table, &part.group)?;
                let strong = usable(ctx, &shelf.table)?;
                let about = Unsettled {
                    account: self.account.clone(),
                    table: part.table.clone(),
                    group: part.group.clone(),
                    key: Item::new(),
                };
                background::cut_off(ctx, &shelf.table.id, &strong, &about);
            }
            return Err(unreachable(true));
        }
        let (due, rest) = std::mem::take(&mut self.running)
            .into_iter()
            .partition(|single| single.wakes <= now);
        self.running = rest;
        for single in due {
            self.step(ctx, single, SagaInput::Deadline);
        }
        Ok(())
    }

    /// Everything has ended.
    fn conclude(&mut self, ctx: &mut Ctx<'_>) -> Step {
        let outcome = if self.operation == "dynamodb.BatchWriteItem" {
            self.written().map(|answer| answer.encode_to_vec())
        } else {
            match self.ended.iter().find_map(|(_, it)| it.as_ref().err()) {
                Some(failure) => Err(refusal_of(failure)),
                None => run(ctx, &self.operation, &self.request),
            }
        };
        if outcome.is_err() && self.touched {
            // A refusal must not take away what this step has learned.
            ctx.give_up_after(0);
            return Ok(self.open());
        }
        outcome.map(Progress::Done)
    }
}

pub(super) fn refusal_of(failure: &[u8]) -> Refusal {
    Failure::decode(failure).map_or_else(
        |_| Refusal::internal("a refusal does not decode"),
        Refusal::from_failure,
    )
}
