//! DescribeParameters.

use faultline_proto::ssm::{
    DescribeParametersRequest, DescribeParametersResponse, ParameterInlinePolicy,
    ParameterMetadata, ParameterStringFilter,
};
use serde_json::Value;

use super::filters;
use super::keyspaces::Parameters;
use super::names::{self, Named};
use super::put::{kind_word, tier_word};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;

/// A policy as an answer has it.
#[must_use]
pub fn inline(text: &str, has_told: bool) -> ParameterInlinePolicy {
    let policy: Value = serde_json::from_str(text).unwrap_or_default();
    let kind = policy
        .get("Type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let status = if has_told { "Finished" } else { "Pending" };
    ParameterInlinePolicy {
        policy_text: Some(text.to_owned()),
        policy_type: Some(kind.to_owned()),
        policy_status: Some(status.to_owned()),
    }
}

/// DescribeParameters: the account's, by name.
pub(super) fn describe(
    ctx: &mut Ctx<'_>,
    request: DescribeParametersRequest,
) -> Result<DescribeParametersResponse, Refusal> {
    let mut wanted = request.parameter_filters;
    filters::check(&wanted, filters::DESCRIBING)?;
    // The older form: what a name or key begins with, or a type.
    wanted.extend(request.filters.into_iter().map(|old| {
        let option = (old.key.as_deref() == Some("Name")).then(|| "BeginsWith".to_owned());
        ParameterStringFilter {
            key: old.key,
            option,
            values: old.values,
        }
    }));
    let account = ctx.account();
    let all = ctx.all(Range::<Parameters>::under((&account,)));
    let mut found = Vec::new();
    for ((_, name), row) in all {
        if filters::pass(ctx, &wanted, &account, &name, &row) {
            found.push((name, row));
        }
    }
    let token = request.next_token.as_deref();
    let (page, next_token) = filters::page(found, request.max_results, 50, token)?;
    let mut parameters = Vec::new();
    for (name, row) in page {
        let named = Named {
            account: account.clone(),
            name,
            selector: None,
        };
        let Some(version) = names::version_of(ctx, &named, row.versions.1) else {
            continue;
        };
        parameters.push(ParameterMetadata {
            arn: Some(names::arn(ctx, &account, &named.name)),
            name: Some(named.name),
            r#type: Some(kind_word(row.kind).to_owned()),
            key_id: version.key,
            last_modified_date: Some(version.modified),
            last_modified_user: Some(version.by),
            description: version.description,
            allowed_pattern: version.pattern,
            version: Some(row.versions.1),
            tier: Some(tier_word(row.tier).to_owned()),
            policies: row
                .policies
                .iter()
                .map(|policy| inline(&policy.text, policy.has_told))
                .collect(),
            data_type: Some(row.data_type),
        });
    }
    Ok(DescribeParametersResponse {
        parameters,
        next_token,
    })
}
