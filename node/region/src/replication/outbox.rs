//! The durable outbox: written with the change, pruned by the acknowledgement.

use faultline_proto::driving::{Envelope, fault};
use faultline_proto::names::{Elapsed, RegionName};
use faultline_proto::replication::Payload;
use prost::Message as _;

use super::address;
use crate::context::{Ctx, encode};
use crate::keyspaces::{InHeads, OutHeads, OutRow, Outbox};
use crate::mutants::{self, Mutant};
use crate::store::Range;

/// Envelopes sent again at one time, at most.
const WINDOW: usize = 64;
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
    if !paused(ctx, to, stream) {
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

/// Prunes what `to` has applied.
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
    ctx.put::<OutHeads>(&key, &head);
    if was_probing && head.acked < head.last && !paused(ctx, to, stream) {
        resend(ctx, to, stream, WINDOW);
    }
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
    if !paused(ctx, to, stream) {
        let window = if head.attempts < PROBING { WINDOW } else { 1 };
        resend(ctx, to, stream, window);
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

fn resend(ctx: &mut Ctx<'_>, to: &RegionName, stream: &str, window: usize) {
    let range = Range::<Outbox>::under((to, stream));
    for ((_, _, seq), row) in ctx.page(range, window) {
        emit(ctx, to, stream, seq, row);
        if ctx.effects.are_enough() {
            return;
        }
    }
}

impl Ctx<'_> {
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
        if head.acked < head.last && !paused(ctx, &to, &stream) {
            resend(ctx, &to, &stream, WINDOW);
        }
    }
}

/// Sends at once the first window of what `to` has not acknowledged, on `stream` or on all.
pub(crate) fn reached(ctx: &mut Ctx<'_>, to: &str, stream: &str) {
    for ((peer, name), head) in ctx.all(Range::<OutHeads>::all()) {
        let meant = peer.as_str() == to && (stream.is_empty() || stream == name);
        if meant && head.acked < head.last && !paused(ctx, &peer, &name) {
            resend(ctx, &peer, &name, WINDOW);
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
