//! The remote half of a call: another Region's question, under this Region's own policies and
//! in its own trail.

use std::sync::Arc;

use faultline_proto::names::RegionName;
use faultline_proto::replication::{Answer, Ask, answer, payload};
use prost::Message as _;

use crate::caller::Caller;
use crate::context::{Ctx, Frame};
use crate::refusal::Refusal;
use crate::{audit, caller, decide, quotas, services};

/// Decides, does and answers one question.
pub(crate) fn answer(ctx: &mut Ctx<'_>, from: &RegionName, ask: Ask) {
    let Ask {
        saga,
        ordinal,
        service,
        kind,
        body,
        caller: wire,
        request_id,
    } = ask;
    let caller = match wire.and_then(|wire| caller::CallerRow::from_wire(&wire)) {
        Some(row) => caller::restore(ctx, &row),
        None => return,
    };
    let request_id = if request_id.is_empty() {
        ctx.entropy.uuid("request-id")
    } else {
        request_id
    };
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

impl Ctx<'_> {
    /// Asks a service of this Region as another Region would: `caller` is judged by this Region's
    /// policies and the trail has the event. How S3's replication reads its own source.
    ///
    /// # Errors
    /// The service's refusal; what the question changed is gone.
    pub fn question_as(
        &mut self,
        caller: &Arc<Caller>,
        service: &str,
        kind: &str,
        body: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let request_id = self.entropy.uuid("request-id");
        let call = self
            .frames
            .last()
            .map_or_else(|| "-".to_owned(), |frame| frame.call.clone());
        self.frames
            .push(Frame::new(call, Arc::clone(caller), request_id));
        self.txn.push();
        let outcome = serve(self, service, kind, body);
        if outcome.is_ok() {
            self.txn.pop_keep()
        } else {
            self.txn.pop_discard()
        }
        self.frames.pop();
        outcome
    }
}

fn serve(ctx: &mut Ctx<'_>, service: &str, kind: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut remote = services::remote_access(ctx, service, kind, body)?;
    let mut outcome = match remote.charge {
        Some(charge) => quotas::charge(ctx, charge, &remote.accesses),
        None => Ok(()),
    };
    for access in &mut remote.accesses {
        if access.resource != "*" {
            ctx.touches_access(access);
        }
        outcome = outcome.and_then(|()| decide::decide(ctx, access));
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
