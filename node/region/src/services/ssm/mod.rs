//! Systems Manager, of which Parameter Store: configuration and secrets by path.
//!
//! A parameter lives in one Region and is copied nowhere (SEC-031).
//!
//! - [`put`], [`get`], [`describe`], [`delete`], [`labels`], [`tags`]: the calls.
//! - [`policies`]: what time brings. [`sealing`]: SecureStrings under KMS.
//! - [`names`]: names, ARNs, selectors. [`filters`]: filters and pages.
//! - [`access`]: what each request touches. [`error`]: every way it says no. [`keyspaces`]: rows.

mod access;
mod delete;
mod describe;
mod error;
mod filters;
mod get;
pub mod keyspaces;
mod labels;
mod look;
mod names;
mod policies;
mod put;
mod sealing;
mod tags;
#[cfg(test)]
mod tests;

use faultline_proto::handlers::{SsmHandler, SsmRequest, dispatch_ssm};
use faultline_proto::names::AccountId;
use faultline_proto::progress::Progress;
use faultline_proto::ssm as api;
use serde_json::Value;

use crate::context::{Ctx, decode};
use crate::refusal::Refusal;
use crate::service::{Access, Service, handlers};

/// AWS Systems Manager.
#[derive(Debug)]
pub struct Ssm;

impl Service for Ssm {
    const PREFIX: &'static str = "ssm";
    const PRINCIPAL: &'static str = "ssm.amazonaws.com";
    type Request = SsmRequest;

    fn decode(operation: &str, bytes: &[u8]) -> Option<Result<SsmRequest, prost::DecodeError>> {
        SsmRequest::decode(operation, bytes)
    }

    fn access(ctx: &mut Ctx<'_>, request: &SsmRequest) -> Result<Vec<Access>, Refusal> {
        Ok(access::of(ctx, request))
    }

    fn handle(ctx: &mut Ctx<'_>, request: SsmRequest) -> Result<Progress<Vec<u8>>, Refusal> {
        dispatch_ssm::<Self>(ctx, request)
    }

    fn due(ctx: &mut Ctx<'_>, kind: &str, payload: &[u8]) {
        match (kind, decode::<(AccountId, String, u64)>(payload)) {
            ("look", Ok((account, name, born))) => policies::look(ctx, &account, &name, born),
            _ => ctx.note(
                "timer_ignored",
                &[("service", Self::PREFIX), ("kind", kind)],
            ),
        }
    }

    fn look(ctx: &mut Ctx<'_>, what: &str, arguments: &Value) -> Option<Result<Value, String>> {
        look::look(ctx, what, arguments)
    }
}

handlers! {
    SsmHandler for Ssm in api, Refusal;
    put_parameter => put::put: PutParameterRequest -> PutParameterResponse;
    get_parameter => get::one: GetParameterRequest -> GetParameterResponse;
    get_parameters => get::some: GetParametersRequest -> GetParametersResponse;
    get_parameters_by_path => get::by_path: GetParametersByPathRequest -> GetParametersByPathResponse;
    get_parameter_history => get::history: GetParameterHistoryRequest -> GetParameterHistoryResponse;
    describe_parameters => describe::describe: DescribeParametersRequest -> DescribeParametersResponse;
    delete_parameter => delete::one: DeleteParameterRequest -> DeleteParameterResponse;
    delete_parameters => delete::some: DeleteParametersRequest -> DeleteParametersResponse;
    label_parameter_version => labels::label: LabelParameterVersionRequest -> LabelParameterVersionResponse;
    unlabel_parameter_version => labels::unlabel: UnlabelParameterVersionRequest -> UnlabelParameterVersionResponse;
    add_tags_to_resource => tags::tag: AddTagsToResourceRequest -> AddTagsToResourceResponse;
    remove_tags_from_resource => tags::untag: RemoveTagsFromResourceRequest -> RemoveTagsFromResourceResponse;
    list_tags_for_resource => tags::list: ListTagsForResourceRequest -> ListTagsForResourceResponse;
}
