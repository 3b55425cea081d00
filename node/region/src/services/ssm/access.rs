//! What each request touches. A parameter has no policy of its own: its account decides.
//!
//! Left out: parameters that other accounts share by AWS RAM.

use faultline_proto::handlers::SsmRequest as Request;
use faultline_proto::ssm::{PutParameterRequest, Tag};

use super::keyspaces::Parameters;
use super::names;
use crate::context::Ctx;
use crate::service::{Access, Wording};

fn on(ctx: &Ctx<'_>, action: &str, resource: &str) -> Access {
    let account = ctx.account();
    let action = format!("ssm:{action}");
    Access::new(
        ctx,
        action,
        resource,
        account,
        Wording::AccessDeniedException,
    )
}

fn named(ctx: &mut Ctx<'_>, action: &str, name: Option<&str>) -> Access {
    let named = names::read(ctx, name.unwrap_or_default());
    let arn = names::arn(ctx, &named.account, &named.name);
    let account = named.account.clone();
    let mut access = Access {
        owner: named.account.clone(),
        ..on(ctx, action, &arn)
    };
    let row = ctx.get::<Parameters>((&account, named.name.as_str()));
    for (key, value) in row.into_iter().flat_map(|row| row.tags) {
        access
            .context
            .set(format!("aws:ResourceTag/{key}"), value.as_str());
        access
            .context
            .set(format!("ssm:resourceTag/{key}"), value.as_str());
    }
    access
}

type Pair<'t> = (Option<&'t str>, Option<&'t str>);

fn pairs(tags: &[Tag]) -> impl Iterator<Item = Pair<'_>> {
    tags.iter()
        .map(|tag| (tag.key.as_deref(), tag.value.as_deref()))
}

fn put(ctx: &mut Ctx<'_>, request: &PutParameterRequest) -> Vec<Access> {
    let name = request.name.as_deref();
    let mut actions = vec!["PutParameter"];
    if !request.tags.is_empty() {
        actions.push("AddTagsToResource");
    }
    let overwrite = request.overwrite.unwrap_or_default();
    let mut all = Vec::new();
    for action in actions {
        let mut access = named(ctx, action, name);
        access.context.set_flag("ssm:Overwrite", overwrite);
        if let Some(policies) = &request.policies {
            access = access.with("ssm:Policies", policies);
        }
        access.set_request_tags(pairs(&request.tags));
        all.push(access);
    }
    all
}

/// What `request` touches.
pub(super) fn of(ctx: &mut Ctx<'_>, request: &Request) -> Vec<Access> {
    match request {
        Request::PutParameter(request) => put(ctx, request),
        Request::GetParameter(request) => vec![named(ctx, "GetParameter", request.name.as_deref())],
        Request::GetParameters(request) => each(ctx, "GetParameters", &request.names),
        Request::GetParametersByPath(request) => {
            // SEC-038: the path is asked about, and nothing below it.
            let recursive = request.recursive.unwrap_or_default();
            let mut access = named(ctx, "GetParametersByPath", request.path.as_deref());
            access.context.set_flag("ssm:Recursive", recursive);
            vec![access]
        }
        Request::GetParameterHistory(request) => {
            vec![named(ctx, "GetParameterHistory", request.name.as_deref())]
        }
        Request::DescribeParameters(_) => vec![on(ctx, "DescribeParameters", "*")],
        Request::DeleteParameter(request) => {
            vec![named(ctx, "DeleteParameter", request.name.as_deref())]
        }
        Request::DeleteParameters(request) => each(ctx, "DeleteParameters", &request.names),
        Request::LabelParameterVersion(request) => {
            vec![named(ctx, "LabelParameterVersion", request.name.as_deref())]
        }
        Request::UnlabelParameterVersion(request) => {
            vec![named(
                ctx,
                "UnlabelParameterVersion",
                request.name.as_deref(),
            )]
        }
        Request::AddTagsToResource(request) => {
            let id = request.resource_id.as_deref();
            let mut access = named(ctx, "AddTagsToResource", id);
            access.set_request_tags(pairs(&request.tags));
            vec![access]
        }
        Request::RemoveTagsFromResource(request) => {
            let id = request.resource_id.as_deref();
            vec![named(ctx, "RemoveTagsFromResource", id)]
        }
        Request::ListTagsForResource(request) => {
            let id = request.resource_id.as_deref();
            vec![named(ctx, "ListTagsForResource", id)]
        }
    }
}

fn each(ctx: &mut Ctx<'_>, action: &str, names: &[String]) -> Vec<Access> {
    names
        .iter()
        .map(|name| named(ctx, action, Some(name)))
        .collect()
}
