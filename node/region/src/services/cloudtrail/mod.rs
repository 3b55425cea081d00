//! CloudTrail: who did what.
//!
//! The core makes an event of every call, also of refused ones and of those that services make
//! ([`audit`](crate::audit)); this service keeps and finds them. Management events are what
//! LookupEvents shows, to the account whose trail they are in and in the Region that served
//! the call (K-275). Data events (objects, items) are kept beside them, as a trail would, and
//! only the simulator's own question `audit` sees them.
//!
//! - [`trail`]: keeping and pruning. [`lookup`]: LookupEvents. [`record`]: the event as AWS
//!   writes it (K-259). [`inspect`]: what a simulator may ask. [`resource`]: types of ARNs.
//!
//! Left out: trails and their delivery to S3 (K-276), event selectors, Insights, Lake.

mod error;
mod inspect;
pub mod keyspaces;
mod lookup;
mod record;
mod resource;
#[cfg(test)]
mod tests;
mod trail;

use faultline_proto::cloudtrail as api;
use faultline_proto::handlers::{CloudTrailHandler, CloudTrailRequest, dispatch_cloudtrail};
use faultline_proto::progress::Progress;
use serde_json::Value;

pub(crate) use trail::keep;

use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::{Access, Service, Wording};
use error::CloudTrailError;

/// CloudTrail.
#[derive(Debug)]
pub(crate) struct CloudTrail;

impl Service for CloudTrail {
    const PREFIX: &'static str = "cloudtrail";
    const PRINCIPAL: &'static str = "cloudtrail.amazonaws.com";
    type Request = CloudTrailRequest;

    fn decode(
        operation: &str,
        bytes: &[u8],
    ) -> Option<Result<CloudTrailRequest, prost::DecodeError>> {
        CloudTrailRequest::decode(operation, bytes)
    }

    fn access(ctx: &mut Ctx<'_>, request: &CloudTrailRequest) -> Result<Vec<Access>, Refusal> {
        let action = request.operation().action;
        Ok(vec![Access::new(
            ctx,
            action,
            "*",
            ctx.account(),
            Wording::AccessDeniedException,
        )])
    }

    fn handle(ctx: &mut Ctx<'_>, request: CloudTrailRequest) -> Result<Progress<Vec<u8>>, Refusal> {
        Ok(dispatch_cloudtrail::<Self>(ctx, request)?)
    }

    fn look(ctx: &mut Ctx<'_>, what: &str, arguments: &Value) -> Option<Result<Value, String>> {
        (what == "audit").then(|| inspect::audit(ctx, arguments))
    }
}

impl CloudTrailHandler for CloudTrail {
    type Ctx<'a> = Ctx<'a>;
    type Error = CloudTrailError;

    fn lookup_events(
        ctx: &mut Ctx<'_>,
        request: api::LookupEventsRequest,
    ) -> Result<Progress<api::LookupEventsResponse>, CloudTrailError> {
        lookup::lookup_events(ctx, request).map(Progress::Done)
    }
}
