//! The durable outbox: written with the change, pruned by the acknowledgement.
//!
//! An envelope leaves with the change that made it. What is lost comes again by a timer, at most
//! [`WINDOW`] envelopes at one time. When more than that waits, the stream *catches up*: each
//! acknowledgement lets the next ones go, so that a backlog takes a round trip for each window,
//! and never more than a window is under way. Meanwhile new envelopes wait for their turn.

use faultline_proto::driving::{Envelope, fault};
use faultline_proto::names::{Elapsed, RegionName};
use faultline_proto::replication::Payload;
use prost::Message as _;

use super::address;
use crate::context::{Ctx, encode};
use crate::keyspaces::{InHeads, OutHeadRow, OutHeads, OutRow, Outbox};
use crate::mutants::{self, Mutant};
use crate::store::Range;

/// Envelopes sent again that are under way on one stream, at most.
const WINDOW: u64 = 64;
/// Attempts without an answer after which only the first envelope is sent again: a peer that is
/// cut off is asked whether it is back, not told everything again and again.
const PROBING: u32 = 4;
/// Longest pause between retransmissions, microseconds.
const LONGEST: u64 = 5_000_000;

pub(super) fn send(ctx: &mut Ctx<'_>, to: &RegionName, stream: &str, payload: &Payload) {
    let head_key = (to.clone(), stream.to_owned());
    let mut head = ctx.get::<OutHeads>(&head_key).unwrap_or_default();
    head.last += 1;
    let from = ctx.core.region.clone();
    let aad = address(
        from.as_str(),
        to.as_str(),
        stream,
        ctx.core.epoch,
        head.last,
    );
    let nonce = ctx.entropy.bytes("link.nonce");
    let mut sealed = ctx
        .core
        .link(&from, to)
        .seal(nonce, &aad, &payload.encode_to_vec());
    if mutants::is(Mutant::PayloadNotSealed) {
        sealed = payload.encode_to_vec();
    }
    let row = OutRow {
        payload: sealed,
        traceparent: ctx.traceparent.clone(),
    };
    ctx.put::<Outbox>(&(to.clone(), stream.to_owned(), head.last), &row);
    if let Some(frame) = ctx.frames.last_mut() {
        frame.cross_region_calls += 1;
    }
    if head.resent == 0 && !paused(ctx, to, stream) {
        emit(ctx, to, stream, head.last, row);
    }
    if !head.armed {
        head.armed = true;
        arm(ctx, to, stream, ctx.core.retransmit_after);
    }
    ctx.put::<OutHeads>(&head_key, &head);
}

fn arm(ctx: &mut Ctx<'_>, to: &RegionName, stream: &str, after: u64) {
    let at = Elapsed(ctx.elapsed.0 + after);
    ctx.schedule("core", at, "retransmit", encode(&(to, stream)));
}

fn emit(ctx: &mut Ctx<'_>, to: &RegionName, stream: &str, seq: u64, row: OutRow) {
    let ack = ctx
        .get::<InHeads>(&(to.clone(), stream.to_owned()))
        .unwrap_or_default()
        .applied;
    ctx.effects.outbox.push(Envelope {
        from: ctx.core.region.to_string(),
        to: to.to_string(),
        stream: stream.to_owned(),
        epoch: ctx.core.epoch,
        seq,
        ack,
        payload: row.payload,
        traceparent: row.traceparent,
    });
}

/// Says how far a stream was applied.
pub(super) fn acknowledge(ctx: &mut Ctx<'_>, to: &RegionName, stream: &str, applied: u64) {
    ctx.effects.outbox.push(Envelope {
        from: ctx.core.region.to_string(),
        to: to.to_string(),
        stream: stream.to_owned(),
        epoch: ctx.core.epoch,
        seq: 0,
        ack: applied,
        payload: Vec::new(),
        traceparent: String::new(),
    });
}

/// Prunes what `to` has applied, and goes on with what waits behind it.
pub(super) fn acknowledged(ctx: &mut Ctx<'_>, to: &RegionName, stream: &str, ack: u64) {
    let key = (to.clone(), stream.to_owned());
    let Some(mut head) = ctx.get::<OutHeads>(&key) else {
        return;
    };
    if ack <= head.acked || ack > head.last {
        return;
    }
    for seq in head.acked + 1..=ack {
        ctx.delete::<Outbox>(&(to.clone(), stream.to_owned(), seq));
    }
    head.acked = ack;
    let was_probing = head.attempts >= PROBING;
    head.attempts = 0;
    if head.acked == head.last {
        head.resent = 0;
    } else if (was_probing || head.resent != 0) && !paused(ctx, to, stream) {
        let sent = if was_probing { ack } else { head.resent };
        head.resent = resend(ctx, to, stream, &head, sent);
    }
    ctx.put::<OutHeads>(&key, &head);
}

/// The retransmission timer of a stream has come.
pub(crate) fn retransmit(ctx: &mut Ctx<'_>, to: &RegionName, stream: &str) {
    let key = (to.clone(), stream.to_owned());
    let Some(mut head) = ctx.get::<OutHeads>(&key) else {
        return;
    };
    if head.acked >= head.last {
        head.armed = false;
        head.attempts = 0;
        ctx.put::<OutHeads>(&key, &head);
        return;
    }
    if mutants::is(Mutant::ResendGivesUp) && head.attempts >= 3 {
        return;
    }
    if head.resent != 0 && head.attempts == 0 {
        // It catches up and has come further since: the next timer looks again.
        head.attempts = 1;
    } else if !paused(ctx, to, stream) {
        if head.attempts < PROBING {
            head.resent = resend(ctx, to, stream, &head, head.acked);
        } else {
            probe(ctx, to, stream);
        }
        head.attempts = (head.attempts + 1).min(16);
    }
    let pause = ctx
        .core
        .retransmit_after
        .saturating_mul(1 << head.attempts.min(8))
        .min(LONGEST);
    arm(ctx, to, stream, pause.max(1));
    ctx.put::<OutHeads>(&key, &head);
}

/// Sends again what follows on `sent`, as far as the window and the step's room go. Returns how
/// far it came, or 0 when all that waits is under way.
fn resend(ctx: &mut Ctx<'_>, to: &RegionName, stream: &str, head: &OutHeadRow, sent: u64) -> u64 {
    let mut sent = sent.max(head.acked);
    let room = (head.acked + WINDOW).saturating_sub(sent);
    let range = Range::<Outbox>::under((to, stream)).after(&(to.clone(), stream.to_owned(), sent));
    let rows = ctx.page(range, usize::try_from(room).unwrap_or_default());
    for ((_, _, seq), row) in rows {
        emit(ctx, to, stream, seq, row);
        sent = seq;
        if ctx.effects.are_enough() {
            break;
        }
    }
    if sent < head.last { sent } else { 0 }
}

/// Asks a peer that is silent whether it is back, with the first envelope that waits.
fn probe(ctx: &mut Ctx<'_>, to: &RegionName, stream: &str) {
    for ((_, _, seq), row) in ctx.page(Range::<Outbox>::under((to, stream)), 1) {
        emit(ctx, to, stream, seq, row);
    }
}

impl Ctx<'_> {
    /// How far `stream` to `to` was written, and how far it was acknowledged.
    pub(crate) fn sent(&mut self, to: &RegionName, stream: &str) -> (u64, u64) {
        let head = self.get::<OutHeads>(&(to.clone(), stream.to_owned()));
        head.map_or((0, 0), |head| (head.last, head.acked))
    }

    /// Whether an injected fault holds `stream` to `to` back.
    #[must_use]
    pub fn is_paused(&self, to: &RegionName, stream: &str) -> bool {
        paused(self, to, stream)
    }
}

/// Whether a fault holds this stream back. Sagas' questions are calls, not replication.
fn paused(ctx: &Ctx<'_>, to: &RegionName, stream: &str) -> bool {
    stream != "saga"
        && ctx.faults.iter().any(|fault| match &fault.effect {
            Some(fault::Effect::PauseReplication(pause)) => {
                (pause.to.is_empty() || pause.to == to.as_str())
                    && (pause.stream.is_empty()
                        || stream == pause.stream
                        || stream.starts_with(&format!("{}/", pause.stream)))
            }
            _ => false,
        })
}

/// Sends at once what a fault held back and no longer does.
pub(crate) fn release_paused(ctx: &mut Ctx<'_>) {
    for ((to, stream), head) in ctx.all(Range::<OutHeads>::all()) {
        if !paused(ctx, &to, &stream) {
            begin_again(ctx, to, stream, head);
        }
    }
}

/// Sends the first window of what a peer has not acknowledged.
fn begin_again(ctx: &mut Ctx<'_>, to: RegionName, stream: String, mut head: OutHeadRow) {
    if head.acked < head.last {
        head.resent = resend(ctx, &to, &stream, &head, head.acked);
        ctx.put::<OutHeads>(&(to, stream), &head);
    }
}

/// Sends at once the first window of what `to` has not acknowledged, on `stream` or on all.
pub(crate) fn reached(ctx: &mut Ctx<'_>, to: &str, stream: &str) {
    for ((peer, name), head) in ctx.all(Range::<OutHeads>::all()) {
        let meant = peer.as_str() == to && (stream.is_empty() || stream == name);
        if meant && !paused(ctx, &peer, &name) {
            begin_again(ctx, peer, name, head);
        }
    }
}

/// What planted bugs do to streams when a process starts.
pub(crate) fn slip_at_start(ctx: &mut Ctx<'_>) {
    if mutants::is(Mutant::OutboxNotDurable) {
        for ((peer, stream), mut head) in ctx.all(Range::<OutHeads>::all()) {
            for seq in head.acked + 1..=head.last {
                ctx.delete::<Outbox>(&(peer.clone(), stream.clone(), seq));
            }
            head.acked = head.last;
            ctx.put::<OutHeads>(&(peer, stream), &head);
        }
    }
    if mutants::is(Mutant::InboxForgetsAtRestart) {
        for (key, _) in ctx.all(Range::<InHeads>::all()) {
            ctx.delete::<InHeads>(&key);
        }
    }
}

/// Envelopes that no peer has acknowledged.
pub(crate) fn unacknowledged(ctx: &mut Ctx<'_>) -> u64 {
    ctx.all(Range::<OutHeads>::all())
        .iter()
        .map(|(_, head)| head.last - head.acked)
        .sum()
}
