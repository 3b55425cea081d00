//! The inbox: in order, once, and only from a Region that holds the link's key.

use faultline_proto::driving::{Envelope, Failure};
use faultline_proto::names::RegionName;
use faultline_proto::replication::{Payload, answer, payload};
use prost::Message as _;

use super::{HOLD, address, outbox};
use crate::context::Ctx;
use crate::keyspaces::{Held, InHeadRow, InHeads};
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;
use crate::{pipeline, remote, saga, services};

/// Takes an envelope: prunes by its acknowledgement, applies what is next, holds what is early.
pub(crate) fn deliver(ctx: &mut Ctx<'_>, envelope: &Envelope) {
    let Some(from) = ctx
        .core
        .regions
        .iter()
        .find(|name| name.as_str() == envelope.from)
        .cloned()
    else {
        ctx.note(
            "envelope_refused",
            &[("from", &envelope.from), ("why", "unknown Region")],
        );
        return;
    };
    if envelope.to != ctx.core.region.as_str() {
        ctx.note(
            "envelope_refused",
            &[
                ("from", &envelope.from),
                ("why", "addressed to another Region"),
            ],
        );
        return;
    }
    outbox::acknowledged(ctx, &from, &envelope.stream, envelope.ack);
    if envelope.seq == 0 {
        return;
    }
    let key = (from.clone(), envelope.stream.clone());
    let mut head = ctx.get::<InHeads>(&key).unwrap_or_default();
    if envelope.epoch > head.epoch {
        // The sender's store was restored: it counts anew from where its copy stood.
        head = InHeadRow {
            epoch: envelope.epoch,
            applied: envelope.seq - 1,
        };
    }
    let early = envelope.seq > head.applied + 1;
    if envelope.seq == head.applied + 1 || early && mutants::is(Mutant::InboxSkipsGaps) {
        if !apply(ctx, &from, envelope) {
            return;
        }
        head.applied = envelope.seq;
        let early = (from.clone(), envelope.stream.clone(), envelope.seq);
        if ctx.get::<Held>(&early).is_some() {
            ctx.delete::<Held>(&early);
        }
        drain(ctx, &from, &envelope.stream, &mut head);
        ctx.put::<InHeads>(&key, &head);
    } else if envelope.seq > head.applied && envelope.seq <= head.applied + HOLD {
        ctx.put::<Held>(
            &(from.clone(), envelope.stream.clone(), envelope.seq),
            &serde_bytes::ByteBuf::from(envelope.encode_to_vec()),
        );
        if mutants::is(Mutant::HeldAcknowledged) {
            outbox::acknowledge(ctx, &from, &envelope.stream, envelope.seq);
            return;
        }
    }
    outbox::acknowledge(ctx, &from, &envelope.stream, head.applied);
}

/// Applies held envelopes that have become next, until the step has enough to send: the next one
/// comes again, since it is not acknowledged.
fn drain(ctx: &mut Ctx<'_>, from: &RegionName, stream: &str, head: &mut InHeadRow) {
    while !ctx.effects.are_enough() {
        let key = (from.clone(), stream.to_owned(), head.applied + 1);
        let Some(bytes) = ctx.get::<Held>(&key) else {
            return;
        };
        ctx.delete::<Held>(&key);
        let Ok(envelope) = Envelope::decode(bytes.as_slice()) else {
            return;
        };
        ctx.traceparent.clone_from(&envelope.traceparent);
        if !apply(ctx, from, &envelope) {
            return;
        }
        head.applied += 1;
    }
}

/// Opens and applies one envelope; `false` when its seal is not the link's.
fn apply(ctx: &mut Ctx<'_>, from: &RegionName, envelope: &Envelope) -> bool {
    let me = ctx.core.region.clone();
    let aad = address(
        from.as_str(),
        me.as_str(),
        &envelope.stream,
        envelope.epoch,
        envelope.seq,
    );
    let opened = if mutants::is(Mutant::PayloadNotSealed) {
        Some(envelope.payload.clone())
    } else {
        ctx.core.link(from, &me).open(&aad, &envelope.payload)
    };
    let Some(opened) = opened else {
        ctx.note(
            "envelope_refused",
            &[
                ("from", from.as_str()),
                ("why", "the link's seal does not open"),
            ],
        );
        return false;
    };
    let Ok(Payload { kind: Some(kind) }) = Payload::decode(opened.as_slice()) else {
        ctx.note(
            "envelope_refused",
            &[("from", from.as_str()), ("why", "payload does not decode")],
        );
        return false;
    };
    match kind {
        payload::Kind::Record(record) => pipeline::in_background(ctx, |ctx| {
            services::apply(ctx, &record.service, from, &record.kind, &record.body);
        }),
        payload::Kind::Ask(ask) => remote::answer(ctx, from, ask),
        payload::Kind::Answer(found) => {
            let outcome = match found.outcome {
                Some(answer::Outcome::Response(bytes)) => Ok(bytes),
                Some(answer::Outcome::Failure(bytes)) => Err(Failure::decode(bytes.as_slice())
                    .map_or_else(
                        |_| Refusal::internal("the other Region's refusal does not decode"),
                        Refusal::from_failure,
                    )),
                None => Err(Refusal::internal("the other Region answered nothing")),
            };
            saga::answered(ctx, &found.saga, found.ordinal, outcome);
        }
    }
    true
}
