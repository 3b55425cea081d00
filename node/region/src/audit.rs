//! The trail: one event for every call, also refused ones and those services make.
//!
//! The core makes the events, since it alone sees caller, outcome and nesting of every call; the
//! `cloudtrail` service keeps and finds them. Secrets and ciphertext are never in them (K-257);
//! the encryption context is, in the clear (K-258).

use faultline_proto::codec;
use faultline_proto::driving::AuditEvent;
use faultline_proto::names::AccountId;
use faultline_proto::registry;
use faultline_proto::tables::{EventKind, OperationDef};
use serde_json::Value;

use crate::caller::Caller;
use crate::context::Ctx;
use crate::keyspaces::OpenCall;
use crate::refusal::Refusal;
use crate::services;

/// Request parameters as the trail shows them: AWS member names, lower camel case, without
/// secrets and bytes. JSON text.
pub(crate) fn parameters(ctx: &mut Ctx<'_>, operation: &OperationDef, request: &[u8]) -> String {
    let Ok(Value::Object(mut members)) = codec::trail(operation.input, request) else {
        return "null".to_owned();
    };
    members.remove("grantTokens");
    // AWS writes null for a request without members.
    if members.is_empty() {
        return "null".to_owned();
    }
    services::trail(ctx, operation, &mut members);
    Value::Object(members).to_string()
}

/// Records a call of the present frame.
pub(crate) fn of_call<T>(
    ctx: &mut Ctx<'_>,
    operation: &OperationDef,
    request: &[u8],
    outcome: &Result<T, Refusal>,
) {
    let mut event = event(ctx, operation.service, operation.name, operation.read_only);
    event.category = category(operation.event);
    event.request_parameters = parameters(ctx, operation, request);
    keep(ctx, event, outcome.as_ref().err());
}

/// Records a call that a saga completes.
pub(crate) fn of_saga(
    ctx: &mut Ctx<'_>,
    caller: &std::sync::Arc<Caller>,
    open: &OpenCall,
    outcome: &Result<Vec<u8>, Refusal>,
) {
    let Some(operation) = registry::find_operation(&open.operation) else {
        return;
    };
    let mut frame = crate::context::Frame::new(
        open.call.clone(),
        std::sync::Arc::clone(caller),
        open.request_id.clone(),
    );
    frame.resources.clone_from(&open.resources);
    if let Some(resumed) = ctx.frames.last_mut() {
        frame.additional = std::mem::take(&mut resumed.additional);
        frame.response_elements = resumed.response_elements.take();
    }
    ctx.frames.push(frame);
    let mut event = event(ctx, operation.service, operation.name, operation.read_only);
    event.category = category(operation.event);
    event.request_parameters.clone_from(&open.parameters);
    keep(ctx, event, outcome.as_ref().err());
    ctx.frames.pop();
}

/// Records the remote half of a call under the name that AWS gives it here (K-267, K-268).
pub(crate) fn of_remote<T>(
    ctx: &mut Ctx<'_>,
    service: &str,
    name: &str,
    read_only: bool,
    outcome: &Result<T, Refusal>,
) {
    let mut event = event(ctx, service, name, read_only);
    event.category = category(EventKind::Management);
    event.invoked_by = services::principal(service).to_owned();
    keep(ctx, event, outcome.as_ref().err());
}

/// Records what a service does by itself, without a request (K-269, K-272); the ARNs are the
/// frame's.
pub(crate) fn of_itself(ctx: &mut Ctx<'_>, service: &str, name: &str, account: &AccountId) {
    let made = event(ctx, service, name, false);
    let event = AuditEvent {
        category: category(EventKind::Management),
        principal: String::new(),
        account: account.to_string(),
        recipient_account: account.to_string(),
        identity_type: String::new(),
        invoked_by: "AWS Internal".to_owned(),
        request_id: String::new(),
        ..made
    };
    keep(ctx, event, None);
}

fn category(kind: EventKind) -> String {
    match kind {
        EventKind::Management => "Management".to_owned(),
        EventKind::Data => "Data".to_owned(),
    }
}

fn event(ctx: &mut Ctx<'_>, service: &str, name: &str, read_only: bool) -> AuditEvent {
    let event_id = ctx.entropy.uuid("audit.event-id");
    let frame = ctx.frame();
    let caller = &frame.caller;
    AuditEvent {
        event_id,
        event_time: ctx.now().0,
        event_source: services::principal(service).to_owned(),
        event_name: name.to_owned(),
        region: ctx.region().to_string(),
        principal: caller.arn(),
        account: caller.account().to_string(),
        identity_type: caller.identity_type().to_owned(),
        access_key: caller.access_key.clone(),
        invoked_by: caller.via.last().cloned().unwrap_or_default(),
        resources: frame.resources.clone(),
        read_only,
        recipient_account: caller.account().to_string(),
        request_id: frame.request_id.clone(),
        call: frame.call.clone(),
        response_elements: frame
            .response_elements
            .as_ref()
            .map(Value::to_string)
            .unwrap_or_default(),
        additional: if frame.additional.is_empty() {
            String::new()
        } else {
            Value::Object(frame.additional.clone()).to_string()
        },
        ..AuditEvent::default()
    }
}

/// Keeps the event, and for a successful cross-account call a second one in the owner's account
/// with the same sharedEventID (K-263). A denied one leaves nothing there (K-264).
fn keep(ctx: &mut Ctx<'_>, mut event: AuditEvent, refusal: Option<&Refusal>) {
    if let Some(refusal) = refusal {
        event.error_code = shown_code(&refusal.code);
        event.error_message.clone_from(&refusal.message);
        event.denial = refusal.denial.as_deref().cloned();
    } else {
        let owner = foreign_owner(&event);
        if let Some(owner) = owner {
            event.shared_event_id = ctx.entropy.uuid("audit.shared-event-id");
            let copy = AuditEvent {
                event_id: ctx.entropy.uuid("audit.event-id"),
                recipient_account: owner,
                identity_type: "AWSAccount".to_owned(),
                access_key: String::new(),
                ..event.clone()
            };
            store(ctx, copy);
        }
    }
    store(ctx, event);
}

/// The trail's spelling: one word for a denial in every service (K-273), and EC2's prefix.
fn shown_code(code: &str) -> String {
    match code {
        "AccessDeniedException" => "AccessDenied".to_owned(),
        "UnauthorizedOperation" => "Client.UnauthorizedOperation".to_owned(),
        other => other.to_owned(),
    }
}

fn foreign_owner(event: &AuditEvent) -> Option<String> {
    let owners = event
        .resources
        .iter()
        .filter_map(|arn| arn.split(':').nth(4));
    owners
        .filter(|owner| !owner.is_empty() && *owner != event.account)
        .map(str::to_owned)
        .next()
}

fn store(ctx: &mut Ctx<'_>, mut event: AuditEvent) {
    services::cloudtrail::keep(ctx, &event);
    event.traceparent.clone_from(&ctx.traceparent);
    ctx.effects.audit.push(event);
}
