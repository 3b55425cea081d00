//! The one road that every call takes.
//!
//! ```text
//!   credential -> validate -> faults -> what is accessed -> quota -> decide -> overlay -> audit
//!       |             |          |              |             |        |         |        |
//!       +---------------- a refusal anywhere: the overlay goes, the trail stays ---------+
//! ```
//!
//! A service that calls another (`ctx.call`) sends it down the same road, one layer deeper,
//! on behalf of its own caller. A refusal there is an ordinary error to the calling service:
//! it may survive it, and then only the nested part is discarded.

use std::sync::Arc;

use faultline_proto::driving::Call;
use faultline_proto::progress::Progress;
use faultline_proto::tables::OperationDef;
use faultline_proto::{Operation, registry};
use prost::Message as _;

use crate::caller::Caller;
use crate::context::{Ctx, Frame};
use crate::keyspaces::OpenCall;
use crate::refusal::Refusal;
use crate::service::{Access, Service};
use crate::{audit, caller, decide, faults, quotas, saga, services};

/// How deep calls may nest: S3 asks KMS, nothing asks back.
const DEEPEST: usize = 8;

/// Takes a client's call.
pub(crate) fn call(ctx: &mut Ctx<'_>, call: Call) {
    let Some(operation) = registry::find_operation(&call.operation) else {
        let refusal = Refusal::new(
            "UnknownOperationException",
            format!("'{}' is no operation", call.operation),
        );
        let nobody = Caller::anonymous();
        saga::complete(
            ctx,
            "",
            &nobody,
            &call.id,
            Err(refusal.with_status(404)),
            None,
            0,
        );
        return;
    };
    let caller = match caller::resolve(ctx, call.credential.as_ref(), call.context) {
        Ok(caller) => Arc::new(caller),
        Err(refusal) => {
            let nobody = Caller::anonymous();
            saga::complete(
                ctx,
                operation.service,
                &nobody,
                &call.id,
                Err(refusal),
                None,
                0,
            );
            return;
        }
    };
    let request_id = ctx.entropy.uuid("request-id");
    let mut frame = Frame::new(call.id, caller, request_id);
    frame.body_length = call.has_body.then_some(call.body_length);
    ctx.frames.push(frame);
    let outcome = run(ctx, operation, &call.request);
    let outcome = match outcome {
        Ok(Progress::Open(opened)) => {
            let open = open_call(ctx, operation, &call.request);
            saga::open(ctx, operation.service, opened, open);
            ctx.frames.pop();
            return;
        }
        Ok(Progress::Done(response)) => Ok(response),
        Err(refusal) => Err(refusal),
    };
    audit::of_call(ctx, operation, &call.request, &outcome);
    let mut frame = ctx.frames.pop().expect("the frame was pushed above");
    let body = frame.answer_body.take().filter(|_| outcome.is_ok());
    saga::complete(
        ctx,
        operation.service,
        &frame.caller,
        &frame.call,
        outcome,
        body,
        frame.cross_region_calls,
    );
}

fn open_call(ctx: &mut Ctx<'_>, operation: &OperationDef, request: &[u8]) -> OpenCall {
    let parameters = audit::parameters(ctx, operation, request);
    let frame = ctx.frame();
    OpenCall {
        call: frame.call.clone(),
        operation: operation.id.to_owned(),
        request_id: frame.request_id.clone(),
        parameters,
        resources: frame.resources.clone(),
        owners: frame.owners.iter().cloned().collect(),
        body_length: frame.body_length,
    }
}

fn run(
    ctx: &mut Ctx<'_>,
    operation: &'static OperationDef,
    request: &[u8],
) -> Result<Progress<Vec<u8>>, Refusal> {
    services::validate(operation, request)?;
    services::run(ctx, operation, request)
}

/// The service's part of the road; reached through the table in `services`.
pub(crate) fn serve<S: Service>(
    ctx: &mut Ctx<'_>,
    operation: &'static OperationDef,
    request: &[u8],
) -> Result<Progress<Vec<u8>>, Refusal> {
    let request = match S::decode(operation.id, request) {
        Some(Ok(request)) => request,
        Some(Err(error)) => return Err(Refusal::new("SerializationException", error.to_string())),
        None => return Err(Refusal::not_built(operation.id)),
    };
    faults::stage(ctx, operation, &[])?;
    let touched = S::access(ctx, &request);
    let known = touched.as_deref().unwrap_or_default();
    if let Some(charge) = S::charge(&request, known) {
        quotas::charge(ctx, charge, known)?;
    }
    let mut accesses = touched?;
    permit(ctx, operation, &mut accesses)?;
    ctx.txn.push();
    let progress = S::handle(ctx, request);
    if progress.is_ok() {
        ctx.txn.pop_keep()
    } else {
        ctx.txn.pop_discard()
    }
    progress
}

fn permit(
    ctx: &mut Ctx<'_>,
    operation: &'static OperationDef,
    accesses: &mut [Access],
) -> Result<(), Refusal> {
    for access in &*accesses {
        if access.resource != "*" {
            ctx.touches_access(access);
        }
    }
    for access in &mut *accesses {
        decide::decide(ctx, access)?;
    }
    if ctx.faults.iter().any(|fault| !fault.resource.is_empty()) {
        let touched: Vec<String> = accesses
            .iter()
            .map(|access| access.resource.clone())
            .collect();
        faults::stage(ctx, operation, &touched)?;
    }
    Ok(())
}

impl Ctx<'_> {
    /// Calls another service of this Region on behalf of the present caller, as `service` does
    /// (`s3`): same checks, same trail, `kms:ViaService` and `invokedBy` set.
    ///
    /// # Errors
    /// The other service's refusal; what that call changed is gone, what it left in the trail stays.
    pub fn call<R: Operation>(
        &mut self,
        service: &str,
        request: &R,
    ) -> Result<R::Response, Refusal> {
        let via = format!("{service}.{}.amazonaws.com", self.region());
        let caller = Arc::new(self.frame().caller.through(via));
        self.call_as(&caller, request)
    }

    /// Calls another service of this Region as `caller`: a role that a service assumed.
    ///
    /// # Errors
    /// The other service's refusal.
    pub fn call_as<R: Operation>(
        &mut self,
        caller: &Arc<Caller>,
        request: &R,
    ) -> Result<R::Response, Refusal> {
        let operation = registry::find_operation(R::ID).ok_or_else(|| Refusal::not_built(R::ID))?;
        if self.frames.len() > DEEPEST {
            return Err(Refusal::internal("services call each other too deeply"));
        }
        let bytes = request.encode_to_vec();
        let request_id = self.entropy.uuid("request-id");
        let call = self
            .frames
            .last()
            .map_or_else(|| "-".to_owned(), |frame| frame.call.clone());
        self.frames
            .push(Frame::new(call, Arc::clone(caller), request_id));
        let outcome = match run(self, operation, &bytes) {
            Ok(Progress::Done(response)) => Ok(response),
            Ok(Progress::Open(_)) => Err(Refusal::internal(format!(
                "{} waits, and a nested call cannot",
                R::ID
            ))),
            Err(refusal) => Err(refusal),
        };
        audit::of_call(self, operation, &bytes, &outcome);
        let nested = self.frames.pop().expect("the frame was pushed above");
        if let Some(frame) = self.frames.last_mut() {
            frame.cross_region_calls += nested.cross_region_calls;
        }
        let response = outcome?;
        R::Response::decode(response.as_slice())
            .map_err(|error| Refusal::internal(error.to_string()))
    }
}

/// Runs work that no client asked for (a timer, a record) in a frame of its own.
pub(crate) fn in_background(ctx: &mut Ctx<'_>, work: impl FnOnce(&mut Ctx<'_>)) {
    let request_id = ctx.entropy.uuid("request-id");
    ctx.frames
        .push(Frame::new("-", Arc::new(Caller::internal()), request_id));
    work(ctx);
    ctx.frames.pop();
}
