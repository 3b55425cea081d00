//! Calls and work that wait: for another Region, for a body, for time.
//!
//! A handler that cannot end now leaves a [`Saga`](faultline_proto::progress::Saga): a kind and
//! a state of its own. It is stored with the change that opened it, so a crash does not lose it.
//! What arrives (an answer, a chunk, the deadline) resumes it in a transaction of its own; no
//! overlay stays open between steps. A refusal ends it, and the call learns of it.

use std::sync::Arc;

use faultline_proto::driving::{Body, Completed, Success, completed};
use faultline_proto::names::{Elapsed, RegionName};
use faultline_proto::progress::{Progress, Saga};
use faultline_proto::replication::{Ask, payload};

use crate::audit;
use crate::caller::{Caller, CallerRow};
use crate::context::{Ctx, Frame, PendingAsk, encode};
use crate::keyspaces::{AnswerRow, Answers, OpenCall, SagaRow, Sagas};
use crate::refusal::Refusal;
use crate::service::{BodyChunk, CHUNK, SagaInput};
use crate::services;

/// Longest a saga waits unless its handler says otherwise, microseconds.
const PATIENCE: u64 = 60_000_000;
/// Chunks of an answer that go out without being asked for: 512 KiB, since a reply is one message of
/// at most 1 MiB.
const FIRST_CREDIT: u64 = 8;

impl Ctx<'_> {
    /// Asks the same service in `to`; the answer resumes the saga that the handler leaves open.
    ///
    /// The question carries the caller: the other Region decides by its own policies and writes
    /// its own trail. Returns the number by which the answer will be known.
    pub fn ask(&mut self, to: &RegionName, kind: &str, body: Vec<u8>) -> u32 {
        let frame = self.frame_mut();
        let next = match &mut frame.saga {
            Some((_, next)) => {
                *next += 1;
                *next - 1
            }
            None => u32::try_from(frame.asks.len()).expect("a call asks a handful of questions"),
        };
        frame.asks.push(PendingAsk {
            to: to.clone(),
            ordinal: next,
            kind: kind.to_owned(),
            body,
        });
        next
    }

    /// Does `work` as `caller`: what it asks of other services and Regions is on that one's behalf.
    pub fn as_caller<T>(&mut self, caller: &Arc<Caller>, work: impl FnOnce(&mut Self) -> T) -> T {
        let request_id = self.frame().request_id.clone();
        let call = self.frame().call.clone();
        self.frames
            .push(Frame::new(call, Arc::clone(caller), request_id));
        let done = work(self);
        self.frames.pop();
        done
    }

    /// Waits at most this long for the saga that the handler leaves open.
    pub fn give_up_after(&mut self, micros: u64) {
        let at = Elapsed(self.elapsed().0.saturating_add(micros));
        self.frame_mut().deadline = Some(at);
    }

    /// Opens background work of `service` on behalf of the present caller: nobody waits for it.
    ///
    /// `asks` are its first questions: Region, kind, body; they are numbered from 0. Without
    /// `patience` (microseconds) it waits for ever, as replication through an outage must.
    pub fn spawn(
        &mut self,
        service: &str,
        saga: Saga,
        asks: Vec<(RegionName, String, Vec<u8>)>,
        patience: Option<u64>,
    ) {
        let id = format!("bg-{}", self.entropy.hex::<8>("saga.id"));
        let row = SagaRow {
            service: service.to_owned(),
            kind: saga.kind.to_owned(),
            state: saga.state,
            caller: CallerRow::of(&self.frame().caller),
            call: None,
            asks: u32::try_from(asks.len()).expect("a saga asks a handful of questions"),
            next_chunk: 0,
            cross_region_calls: 0,
            deadline: patience.map_or(u64::MAX, |patience| self.elapsed.0.saturating_add(patience)),
        };
        arm(self, &id, row.deadline);
        let asks = asks
            .into_iter()
            .zip(0..)
            .map(|((to, kind, body), ordinal)| PendingAsk {
                to,
                ordinal,
                kind,
                body,
            });
        post(self, &id, &row, asks.collect());
        self.put::<Sagas>(&id, &row);
    }
}

fn arm(ctx: &mut Ctx<'_>, id: &str, deadline: u64) {
    if deadline == u64::MAX {
        return;
    }
    ctx.schedule("core", Elapsed(deadline), "saga", encode(&id));
}

fn post(ctx: &mut Ctx<'_>, id: &str, row: &SagaRow, asks: Vec<PendingAsk>) {
    for ask in asks {
        let question = Ask {
            saga: id.to_owned(),
            ordinal: ask.ordinal,
            service: row.service.clone(),
            kind: ask.kind,
            body: ask.body,
            caller: Some(row.caller.to_wire()),
            request_id: row
                .call
                .as_ref()
                .map(|call| call.request_id.clone())
                .unwrap_or_default(),
        };
        ctx.post(&ask.to, "saga", payload::Kind::Ask(question));
    }
}

/// Stores what a handler left open.
pub(crate) fn open(ctx: &mut Ctx<'_>, service: &str, saga: Saga, call: OpenCall) {
    let frame = ctx.frame_mut();
    let asks = std::mem::take(&mut frame.asks);
    let deadline = frame.deadline;
    let id = frame.call.clone();
    let row = SagaRow {
        service: service.to_owned(),
        kind: saga.kind.to_owned(),
        state: saga.state,
        caller: CallerRow::of(&frame.caller),
        asks: u32::try_from(asks.len()).expect("a call asks a handful of questions"),
        call: Some(call),
        next_chunk: 0,
        cross_region_calls: frame.cross_region_calls
            + u32::try_from(asks.len()).unwrap_or_default(),
        deadline: deadline.map_or(ctx.elapsed.0.saturating_add(PATIENCE), |at| at.0),
    };
    arm(ctx, &id, row.deadline);
    post(ctx, &id, &row, asks);
    ctx.put::<Sagas>(&id, &row);
}

/// An answer has come for ask `ordinal` of saga `id`; for a saga that is gone it is dropped.
pub(crate) fn answered(
    ctx: &mut Ctx<'_>,
    id: &str,
    ordinal: u32,
    outcome: Result<Vec<u8>, Refusal>,
) {
    let outcome = outcome.as_ref().map(Vec::as_slice).map_err(Clone::clone);
    resume(ctx, id, SagaInput::Answer { ordinal, outcome });
}

/// The deadline timer of saga `id` has come.
pub(crate) fn expired(ctx: &mut Ctx<'_>, id: &str) {
    let Some(row) = ctx.get::<Sagas>(id) else {
        return;
    };
    if row.deadline > ctx.elapsed.0 {
        arm(ctx, id, row.deadline);
    } else {
        resume(ctx, id, SagaInput::Deadline);
    }
}

/// A chunk of a call's body. Chunks come in order; a repeated one is ignored.
pub(crate) fn body(ctx: &mut Ctx<'_>, chunk: &Body) {
    let Some(row) = ctx.get::<Sagas>(chunk.call.as_str()) else {
        return;
    };
    let Some(call) = &row.call else { return };
    if call.body_length.is_none() || chunk.index < row.next_chunk {
        return;
    }
    if chunk.index > row.next_chunk || chunk.bytes.len() > CHUNK {
        let why = format!(
            "chunk {} of at most {CHUNK} bytes was expected",
            row.next_chunk
        );
        finish(
            ctx,
            &chunk.call,
            row,
            Err(Refusal::new("IncompleteBody", why)),
        );
        return;
    }
    resume(
        ctx,
        &chunk.call,
        SagaInput::Chunk {
            index: chunk.index,
            bytes: &chunk.bytes,
            last: chunk.last,
        },
    );
}

fn resume(ctx: &mut Ctx<'_>, id: &str, input: SagaInput<'_>) {
    let Some(mut row) = ctx.get::<Sagas>(id) else {
        return;
    };
    let chunk = matches!(input, SagaInput::Chunk { .. });
    let deadline = matches!(input, SagaInput::Deadline);
    let caller = crate::caller::restore(ctx, &row.caller);
    let (call, request_id) = match &row.call {
        Some(open) => (open.call.clone(), open.request_id.clone()),
        None => ("-".to_owned(), ctx.entropy.uuid("request-id")),
    };
    let mut frame = Frame::new(call, Arc::new(caller), request_id);
    frame.saga = Some((id.to_owned(), row.asks));
    frame.body_length = row.call.as_ref().and_then(|open| open.body_length);
    ctx.frames.push(frame);
    ctx.txn.push();
    let progress = services::resume(ctx, &row.service, &row.kind, &row.state, input);
    if progress.is_ok() {
        ctx.txn.pop_keep()
    } else {
        ctx.txn.pop_discard()
    }
    let frame = ctx.frames.pop().expect("the frame was pushed above");
    row.cross_region_calls +=
        frame.cross_region_calls + u32::try_from(frame.asks.len()).unwrap_or_default();
    if let Some(open) = &mut row.call {
        open.resources.extend(
            frame
                .resources
                .iter()
                .filter(|arn| !open.resources.contains(arn))
                .cloned()
                .collect::<Vec<_>>(),
        );
    }
    match progress {
        // A handler that gives itself another deadline goes on by itself.
        Ok(Progress::Open(saga)) if !deadline || frame.deadline.is_some() => {
            row.kind = saga.kind.to_owned();
            row.state = saga.state;
            row.asks = frame.saga.as_ref().map_or(row.asks, |(_, next)| *next);
            row.next_chunk += u64::from(chunk);
            if chunk {
                // A slow client is not a silent one.
                row.deadline = row.deadline.max(ctx.elapsed.0.saturating_add(PATIENCE));
            }
            if let Some(at) = frame.deadline {
                let sooner = at.0 < row.deadline;
                row.deadline = at.0;
                if deadline || sooner {
                    arm(ctx, id, row.deadline);
                }
            }
            ctx.frames.push(Frame::new(
                "-",
                Arc::clone(&frame.caller),
                frame.request_id.clone(),
            ));
            post(ctx, id, &row, frame.asks);
            ctx.frames.pop();
            ctx.put::<Sagas>(id, &row);
        }
        Ok(Progress::Open(_)) => {
            let late = Refusal::internal("nothing answered in time").with_status(503);
            finish(ctx, id, row, Err(late));
        }
        Ok(Progress::Done(response)) => {
            ctx.frames.push(frame);
            finish(ctx, id, row, Ok(response));
            ctx.frames.pop();
        }
        Err(refusal) => finish(ctx, id, row, Err(refusal)),
    }
}

fn finish(ctx: &mut Ctx<'_>, id: &str, row: SagaRow, outcome: Result<Vec<u8>, Refusal>) {
    ctx.delete::<Sagas>(id);
    let Some(open) = row.call else {
        if let Err(refusal) = outcome {
            ctx.note(
                "background_failed",
                &[
                    ("service", &row.service),
                    ("kind", &row.kind),
                    ("why", &refusal.to_string()),
                ],
            );
        }
        return;
    };
    let caller = Arc::new(crate::caller::restore(ctx, &row.caller));
    audit::of_saga(ctx, &caller, &open, &outcome);
    let body_state = match (&outcome, ctx.frames.last_mut()) {
        (Ok(_), Some(frame)) => frame.answer_body.take(),
        _ => None,
    };
    complete(
        ctx,
        &row.service,
        &caller,
        &open.call,
        outcome,
        body_state,
        row.cross_region_calls,
    );
}

/// Tells the client how its call ended; the first chunks of an answer go along.
pub(crate) fn complete(
    ctx: &mut Ctx<'_>,
    service: &str,
    caller: &Caller,
    call: &str,
    outcome: Result<Vec<u8>, Refusal>,
    answer_body: Option<(u64, Vec<u8>)>,
    cross_region_calls: u32,
) {
    let outcome = match outcome {
        Ok(response) => completed::Outcome::Success(Success {
            response,
            body_length: answer_body.as_ref().map(|(length, _)| *length),
        }),
        Err(refusal) => completed::Outcome::Failure(refusal.into_failure()),
    };
    ctx.effects.completed.push(Completed {
        call: call.to_owned(),
        outcome: Some(outcome),
        cross_region_calls,
    });
    if let Some((_, state)) = answer_body {
        let row = AnswerRow {
            service: service.to_owned(),
            state,
            caller: CallerRow::of(caller),
        };
        ctx.put::<Answers>(call, &row);
        pull(ctx, call, 0, FIRST_CREDIT);
    }
}

/// Hands out chunks of an answer's body, at most `credit`; the row goes with the last one.
pub(crate) fn pull(ctx: &mut Ctx<'_>, call: &str, from_index: u64, credit: u64) {
    let Some(row) = ctx.get::<Answers>(call) else {
        return;
    };
    let caller = Arc::new(crate::caller::restore(ctx, &row.caller));
    ctx.frames.push(Frame::new(call, caller, String::new()));
    for index in from_index..from_index.saturating_add(credit.min(FIRST_CREDIT)) {
        match services::read_body(ctx, &row.service, &row.state, index) {
            Ok(BodyChunk { bytes, last }) => {
                ctx.effects.body.push(Body {
                    call: call.to_owned(),
                    index,
                    bytes,
                    last,
                });
                if last {
                    ctx.delete::<Answers>(call);
                    break;
                }
            }
            Err(refusal) => {
                ctx.note(
                    "body_lost",
                    &[("call", call), ("why", &refusal.to_string())],
                );
                ctx.delete::<Answers>(call);
                break;
            }
        }
    }
    ctx.frames.pop();
}
