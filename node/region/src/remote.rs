//! The remote half of a call: another Region's question, under this Region's own policies and
//! in its own trail.

use std::sync::Arc;

use faultline_proto::names::RegionName;
use faultline_proto::replication::{Answer, Ask, answer, payload};
use prost::Message as _;

use crate::context::{Ctx, Frame};
use crate::refusal::Refusal;
use crate::{audit, caller, decide, services};

/// Decides, does and answers one question.
pub(crate) fn answer(ctx: &mut Ctx<'_>, from: &RegionName, ask: Ask) {
    let Ask {
        saga,
        ordinal,
        service,
        kind,
        body,
        caller: wire,
    } = ask;
    let caller = match wire.and_then(|wire| caller::CallerRow::from_wire(&wire)) {
        Some(row) => caller::restore(ctx, &row),
        None => return,
    };
    let request_id = ctx.entropy.uuid("request-id");
    ctx.frames.push(Frame::new(
        format!("{saga}@{from}"),
        Arc::new(caller),
        request_id,
    ));
    ctx.txn.push();
    let outcome = serve(ctx, &service, &kind, &body);
    if outcome.is_ok() {
        ctx.txn.pop_keep()
    } else {
        ctx.txn.pop_discard()
    }
    ctx.frames.pop();
    let outcome = match outcome {
        Ok(bytes) => answer::Outcome::Response(bytes),
        Err(refusal) => answer::Outcome::Failure(refusal.into_failure().encode_to_vec()),
    };
    ctx.post(
        from,
        "saga",
        payload::Kind::Answer(Answer {
            saga,
            ordinal,
            outcome: Some(outcome),
        }),
    );
}

fn serve(ctx: &mut Ctx<'_>, service: &str, kind: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let remote = services::remote_access(ctx, service, kind, body)?;
    let mut outcome = Ok(());
    for access in &remote.accesses {
        ctx.touches(access.resource.clone());
        outcome = decide::decide(ctx, access);
        if outcome.is_err() {
            break;
        }
    }
    let outcome = outcome.and_then(|()| services::remote(ctx, service, kind, body));
    if let Some(event) = remote.event {
        audit::of_remote(ctx, service, event, remote.read_only, &outcome);
    }
    outcome
}
