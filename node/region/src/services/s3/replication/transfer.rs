//! Transfers: what leaves for a destination in one go, and what becomes of the answers.
//!
//! Small objects, delete markers and changes go many in one message, each decided and recorded at
//! the destination for itself. An object of several chunks goes alone, some chunks under way at a
//! time. A transfer is a saga: it survives crashes of both ends and waits for ever, since an
//! outage leaves PENDING (S3-065).

use std::sync::Arc;

use faultline_proto::names::RegionName;
use faultline_proto::progress::{Progress, Saga};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::lane::{self, Owed};
use super::offer::{self, Outcome};
use super::reading::{self, Fate, Read};
use super::reasons::{self, Why};
use super::rows::{Deliveries, DeliveryKey, DeliveryRow, Stage};
use super::settle;
use crate::caller::Caller;
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;

/// Chunks of one object under way at one time.
const CREDIT: u64 = 8;

/// A transfer whose answers are awaited.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Transfer {
    bucket: String,
    to: String,
    region: RegionName,
    /// When it left, microseconds since the run began.
    sent: u64,
    /// Object keys and versions, in the order of the message.
    items: Vec<(String, String)>,
    /// The rest of an object of several chunks.
    rest: Option<Rest>,
}

/// How far an object of several chunks is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Rest {
    /// Name of this attempt: the destination keeps no chunk of another.
    pub attempt: String,
    /// Source's data key sealed under the Region's root key; empty under SSE-C.
    #[serde(with = "serde_bytes")]
    pub data_key: Vec<u8>,
    /// Next chunk to send.
    pub next: u64,
    /// Answers that came.
    pub answered: u64,
    /// All there are.
    pub chunks: u64,
}

impl Transfer {
    fn id(&self, at: usize) -> DeliveryKey {
        let (key, version_id) = self.items.get(at).cloned().unwrap_or_default();
        (self.bucket.clone(), key, version_id, self.to.clone())
    }

    fn open<T>(&self) -> Progress<T> {
        Progress::Open(Saga {
            kind: "replicate",
            state: encode(self),
        })
    }
}

/// Sends the batches of one waking of a lane; the role is assumed once for all of them.
pub(super) struct Sender<'l> {
    bucket: &'l str,
    to: &'l str,
    region: Option<RegionName>,
    role: Option<Result<Arc<Caller>, Refusal>>,
}

impl<'l> Sender<'l> {
    pub(super) fn new(bucket: &'l str, to: &'l str, region: Option<RegionName>) -> Self {
        Self {
            bucket,
            to,
            region,
            role: None,
        }
    }

    /// Reads what is owed as the role, and sends it.
    pub(super) fn send(&mut self, ctx: &mut Ctx<'_>, batch: Vec<Owed>) {
        let mut transfer = None;
        let (mut items, mut bodies, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for (id, mut row) in batch {
            row.attempts += 1;
            let read = self.read(ctx, &id, &row);
            match read {
                Ok((caller, Read { offer, rest })) => {
                    row.stage = Stage::UnderWay(ctx.elapsed().0);
                    ctx.put::<Deliveries>(&id, &row);
                    items.push((id.1.clone(), id.2.clone()));
                    bodies.push(ByteBuf::from(encode(&offer)));
                    rows.push((id, row));
                    transfer = Some((caller, rest));
                }
                Err(Fate::Failed(why)) => settle::failed(ctx, &id, &row, why),
                Err(Fate::Later(met)) => lane::later(ctx, &id, row, met),
                Err(Fate::Parked) => {
                    row.stage = Stage::Parked;
                    ctx.put::<Deliveries>(&id, &row);
                }
            }
        }
        if let (Some((caller, rest)), Some(region)) = (transfer, self.region.clone()) {
            let transfer = Transfer {
                bucket: self.bucket.to_owned(),
                to: self.to.to_owned(),
                region,
                sent: ctx.elapsed().0,
                items,
                rest,
            };
            lane::left(ctx, self.bucket, self.to);
            depart(ctx, &caller, transfer, encode(&bodies));
        }
    }

    fn read(
        &mut self,
        ctx: &mut Ctx<'_>,
        id: &DeliveryKey,
        row: &DeliveryRow,
    ) -> Result<(Arc<Caller>, Read), Fate> {
        if self.region.is_none() {
            let words = format!("there is no bucket {}", self.to);
            return Err(Fate::Failed(Why::plain("DstBucketNotFound", words)));
        }
        let (source, rule, version) = reading::find(ctx, id, row)?;
        let bucket = self.bucket;
        let role = self
            .role
            .get_or_insert_with(|| reading::assume(ctx, bucket, &source))
            .clone();
        let role = role.map_err(|refusal| {
            if reasons::is_temporary(&refusal) {
                Fate::Later(reasons::words(&refusal))
            } else {
                let words = reasons::words(&refusal);
                Fate::Failed(Why::plain("AssumeRoleNotPermitted", words))
            }
        })?;
        let read = reading::read(ctx, &role, id, row, &rule, &version)?;
        Ok((role, read))
    }
}

/// Same-Region replication needs no link: the same questions, asked here.
fn depart(ctx: &mut Ctx<'_>, role: &Arc<Caller>, transfer: Transfer, body: Vec<u8>) {
    if transfer.region == *ctx.region() {
        let outcome = ctx.question_as(role, "s3", "replicas", &body);
        return here(ctx, role, transfer, outcome);
    }
    let saga = Saga {
        kind: "replicate",
        state: encode(&transfer),
    };
    let asks = vec![(transfer.region.clone(), "replicas".to_owned(), body)];
    ctx.as_caller(role, |ctx| ctx.spawn("s3", saga, asks, None));
}

fn here(
    ctx: &mut Ctx<'_>,
    role: &Arc<Caller>,
    mut transfer: Transfer,
    mut outcome: Result<Vec<u8>, Refusal>,
) {
    loop {
        let answer = outcome.as_ref().map(Vec::as_slice).map_err(Clone::clone);
        let next = answered(ctx, &mut transfer, answer);
        let Some(piece) = next.into_iter().next() else {
            return;
        };
        outcome = ctx.question_as(role, "s3", "replica-chunk", &piece);
    }
}

/// The destination has answered.
pub(in crate::services::s3) fn resume(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let mut transfer: Transfer = decode(state)?;
    let SagaInput::Answer { outcome, .. } = input else {
        return Ok(Progress::Done(Vec::new()));
    };
    let pieces = answered(ctx, &mut transfer, outcome);
    for piece in pieces {
        ctx.ask(&transfer.region.clone(), "replica-chunk", piece);
    }
    if transfer.items.is_empty() {
        lane::pump(ctx, &transfer.bucket, &transfer.to);
        return Ok(Progress::Done(Vec::new()));
    }
    Ok(transfer.open())
}

/// Takes one answer; gives the chunks that may leave now. A transfer that is over has no items.
fn answered(
    ctx: &mut Ctx<'_>,
    transfer: &mut Transfer,
    outcome: Result<&[u8], Refusal>,
) -> Vec<Vec<u8>> {
    let outcomes: Vec<Outcome> = match outcome {
        Ok(bytes) => decode(bytes).unwrap_or_default(),
        Err(refusal) => vec![Outcome::refused(refusal); transfer.items.len()],
    };
    if let (Some(rest), Some(first)) = (&mut transfer.rest, outcomes.first()) {
        rest.answered += 1;
        let done = first.is_over() || rest.answered >= rest.chunks;
        if !done {
            let pieces = pieces(ctx, transfer);
            if let Ok(pieces) = pieces {
                lane::heard(ctx, &transfer.bucket, &transfer.to, transfer.sent, None);
                transfer.sent = ctx.elapsed().0;
                return pieces;
            }
        }
    }
    let mut arrived = 0;
    for (at, outcome) in outcomes.into_iter().enumerate().take(transfer.items.len()) {
        let id = transfer.id(at);
        arrived += u64::from(one(ctx, &id, outcome));
    }
    transfer.items.clear();
    lane::heard(
        ctx,
        &transfer.bucket,
        &transfer.to,
        transfer.sent,
        Some(arrived),
    );
    Vec::new()
}

/// What became of one delivery; whether it arrived.
fn one(ctx: &mut Ctx<'_>, id: &DeliveryKey, outcome: Outcome) -> bool {
    let Some(row) = ctx.get::<Deliveries>(id) else {
        return false;
    };
    match outcome {
        // An object of several chunks whose next chunk could not be read.
        Outcome::More => {
            let why = Why::plain("SrcVersionNotFound", "it was deleted while it was sent");
            settle::failed(ctx, id, &row, why);
            false
        }
        Outcome::Arrived(arrived) => {
            settle::arrived(ctx, id, row, &arrived);
            true
        }
        Outcome::Refused(failure) => {
            let refusal = offer::refusal(&failure);
            if reasons::is_temporary(&refusal) {
                lane::later(ctx, id, row, reasons::words(&refusal));
            } else {
                let is_multipart = row.chunks > 1 && reading::is_multipart(ctx, id, &row);
                let why = reasons::at_destination(&refusal, is_multipart);
                settle::failed(ctx, id, &row, why);
            }
            false
        }
    }
}

/// The chunks that may leave, as far as the credit goes.
fn pieces(ctx: &mut Ctx<'_>, transfer: &mut Transfer) -> Result<Vec<Vec<u8>>, Refusal> {
    let id = transfer.id(0);
    let Some(rest) = &mut transfer.rest else {
        return Ok(Vec::new());
    };
    let row = ctx.get::<Deliveries>(&id);
    let order = row.map_or(0, |row| row.order);
    let mut pieces = Vec::new();
    let object = reading::object(ctx, &id, order)?;
    while rest.next < rest.chunks && rest.next - rest.answered < CREDIT {
        pieces.push(encode(&reading::piece(ctx, &id, &object, rest)?));
        rest.next += 1;
    }
    Ok(pieces)
}
