//! The trail: one event for every call, also refused ones and those services make.
//!
//! The core makes the events, since it alone sees caller, outcome and nesting of every call; the
//! `cloudtrail` service keeps and finds them. Secrets and ciphertext are never in them (K-257);
//! the encryption context is, in the clear (K-258).
//!
//! Whose trail an event goes to is decided here too: the caller's account, and for a call that
//! succeeded also each account that owns what was touched, under one shared id (K-263). Who has
//! no account (a service in its own name, an anonymous request) is recorded with the owners.

mod parameters;

use std::collections::BTreeSet;

use faultline_proto::driving::AuditEvent;
use faultline_proto::names::AccountId;
use faultline_proto::registry;
use faultline_proto::tables::{EventKind, OperationDef};
use serde_json::Value;

pub(crate) use parameters::{parameters, shown};

use crate::caller::Caller;
use crate::context::{Ctx, Frame};
use crate::keyspaces::OpenCall;
use crate::mutants::{self, Mutant};
use crate::refusal::Refusal;
use crate::services;

/// The account of callers that have none.
const NOBODY: &str = "000000000000";

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
    let mut frame = Frame::new(
        open.call.clone(),
        std::sync::Arc::clone(caller),
        open.request_id.clone(),
    );
    frame.resources.clone_from(&open.resources);
    frame.owners.extend(open.owners.iter().cloned());
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
    if let Some(shown) = ctx.frame_mut().parameters.take() {
        event.request_parameters = shown.to_string();
    }
    keep(ctx, event, outcome.as_ref().err());
}

/// Something that a service does by itself, without a request (K-269, K-270, K-272).
#[derive(Debug)]
pub(crate) struct OwnDeed<'a> {
    /// Service prefix, `kms`.
    pub service: &'a str,
    /// CloudTrail name, `RotateKey`.
    pub name: &'a str,
    /// Account whose resource it is.
    pub account: &'a AccountId,
    /// ARN of the resource.
    pub resource: String,
    /// responseElements, when AWS records some (K-262).
    pub elements: Option<Value>,
    /// serviceEventDetails, when AWS records some (K-270).
    pub details: Option<Value>,
}

/// Records it. The event belongs to the call that is being served, if one is, but is not its event.
pub(crate) fn of_itself(ctx: &mut Ctx<'_>, deed: OwnDeed<'_>) {
    let call = ctx
        .frames
        .last()
        .map_or_else(|| "-".to_owned(), |frame| frame.call.clone());
    let mut frame = Frame::new(call, std::sync::Arc::new(Caller::internal()), String::new());
    frame.resources.push(deed.resource);
    frame.response_elements = deed.elements;
    if let Some(details) = deed.details {
        frame
            .additional
            .insert("serviceEventDetails".to_owned(), details);
    }
    ctx.frames.push(frame);
    let event = AuditEvent {
        category: category(EventKind::Management),
        principal: String::new(),
        account: deed.account.to_string(),
        recipient_account: deed.account.to_string(),
        identity_type: String::new(),
        invoked_by: "AWS Internal".to_owned(),
        ..event(ctx, deed.service, deed.name, false)
    };
    store(ctx, event);
    ctx.frames.pop();
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
        invoked_by: caller.invoked_by(),
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

/// Keeps the event in every trail that it belongs to.
fn keep(ctx: &mut Ctx<'_>, mut event: AuditEvent, refusal: Option<&Refusal>) {
    if refusal.is_some() && mutants::is(Mutant::RefusalsNotInTrail) {
        return;
    }
    if let Some(refusal) = refusal {
        event.error_code = shown_code(&refusal.code);
        event.error_message.clone_from(&refusal.message);
        event.denial = refusal.denial.as_deref().cloned();
    }
    let owners = owners(ctx, &event);
    if matches!(event.identity_type.as_str(), "AWSService" | "Unknown") && !owners.is_empty() {
        of_nobody(ctx, event, owners);
        return;
    }
    // K-264: a denied call leaves nothing with the owner.
    if refusal.is_none() {
        let foreign: Vec<String> = owners
            .into_iter()
            .filter(|owner| *owner != event.account && !mutants::is(Mutant::OwnerNotTold))
            .collect();
        if !foreign.is_empty() {
            event.shared_event_id = ctx.entropy.uuid("audit.shared-event-id");
        }
        for owner in foreign {
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

/// A caller without an account is recorded with the owners of what it touched, refused or not.
fn of_nobody(ctx: &mut Ctx<'_>, mut event: AuditEvent, owners: BTreeSet<String>) {
    if owners.len() > 1 {
        event.shared_event_id = ctx.entropy.uuid("audit.shared-event-id");
    }
    for (nth, owner) in owners.into_iter().enumerate() {
        if nth > 0 {
            event.event_id = ctx.entropy.uuid("audit.event-id");
        }
        event.recipient_account = owner;
        store(ctx, event.clone());
    }
}

/// The trail's spelling: one word for a denial in every service (K-273), and EC2's prefix.
fn shown_code(code: &str) -> String {
    match code {
        "AccessDeniedException" => "AccessDenied".to_owned(),
        "UnauthorizedOperation" => "Client.UnauthorizedOperation".to_owned(),
        other => other.to_owned(),
    }
}

/// Accounts that own what was touched, in order.
fn owners(ctx: &Ctx<'_>, event: &AuditEvent) -> BTreeSet<String> {
    let mut owners = ctx.frame().owners.clone();
    let accounts = event
        .resources
        .iter()
        .filter_map(|arn| arn.split(':').nth(4));
    for owner in accounts.filter(|owner| !owner.is_empty()) {
        if !owners.contains(owner) {
            owners.insert(owner.to_owned());
        }
    }
    owners.remove(NOBODY);
    owners.remove("aws");
    owners
}

fn store(ctx: &mut Ctx<'_>, mut event: AuditEvent) {
    services::cloudtrail::keep(ctx, &event);
    if event.error_code.is_empty() {
        services::recorded(ctx, &event);
    }
    event.traceparent.clone_from(&ctx.traceparent);
    ctx.effects.audit.push(event);
}
