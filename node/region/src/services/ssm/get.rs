//! GetParameter, GetParameters, GetParametersByPath, GetParameterHistory.

use faultline_proto::ssm::{
    GetParameterHistoryRequest, GetParameterHistoryResponse, GetParameterRequest,
    GetParameterResponse, GetParametersByPathRequest, GetParametersByPathResponse,
    GetParametersRequest, GetParametersResponse, Parameter, ParameterHistory,
};

use super::filters::{self, Looked};
use super::keyspaces::{ParameterRow, Parameters, VersionRow};
use super::names::{self, Named};
use super::put::{kind_word, tier_word};
use super::{describe, sealing};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;

/// A version as an answer has it.
fn parameter(
    ctx: &mut Ctx<'_>,
    named: &Named,
    row: &ParameterRow,
    decrypt: bool,
) -> Result<Parameter, Refusal> {
    let (number, version) = names::version(ctx, named, row)?;
    let arn = names::arn(ctx, &named.account, &named.name);
    let value = sealing::shown(ctx, &arn, &version.value, decrypt)?;
    if decrypt && version.key.is_some() {
        ctx.note("parameter_read", &[("arn", &arn)]);
    }
    Ok(Parameter {
        name: Some(named.name.clone()),
        r#type: Some(kind_word(row.kind).to_owned()),
        value: Some(value),
        version: Some(number),
        selector: named.selector.as_ref().map(|text| format!(":{text}")),
        source_result: None,
        last_modified_date: Some(version.modified),
        arn: Some(arn),
        data_type: Some(row.data_type.clone()),
    })
}

/// GetParameter.
pub(super) fn one(
    ctx: &mut Ctx<'_>,
    request: GetParameterRequest,
) -> Result<GetParameterResponse, Refusal> {
    let named = names::read(ctx, request.name.as_deref().unwrap_or_default());
    let row = names::find(ctx, &named)?;
    let decrypt = request.with_decryption.unwrap_or_default();
    let parameter = parameter(ctx, &named, &row, decrypt)?;
    Ok(GetParameterResponse {
        parameter: Some(parameter),
    })
}

/// GetParameters: names that are not there stand in InvalidParameters (SEC-042).
pub(super) fn some(
    ctx: &mut Ctx<'_>,
    request: GetParametersRequest,
) -> Result<GetParametersResponse, Refusal> {
    let decrypt = request.with_decryption.unwrap_or_default();
    let mut answer = GetParametersResponse::default();
    for name in request.names {
        let named = names::read(ctx, &name);
        let found =
            names::find(ctx, &named).and_then(|row| names::version(ctx, &named, &row).map(|_| row));
        match found {
            Ok(row) => answer
                .parameters
                .push(parameter(ctx, &named, &row, decrypt)?),
            Err(_) => answer.invalid_parameters.push(name),
        }
    }
    Ok(answer)
}

/// GetParametersByPath: what lies under a path, whoever may read each of it (SEC-038).
pub(super) fn by_path(
    ctx: &mut Ctx<'_>,
    request: GetParametersByPathRequest,
) -> Result<GetParametersByPathResponse, Refusal> {
    let path = names::check_path(request.path.as_deref().unwrap_or_default())?;
    filters::check(&request.parameter_filters, filters::BY_PATH)?;
    let recursive = request.recursive.unwrap_or_default();
    let account = ctx.account();
    let all = ctx.all(Range::<Parameters>::under((&account,)));
    let mut found = Vec::new();
    for ((_, name), row) in all {
        let Some(below) = name
            .strip_prefix(&path)
            .and_then(|rest| rest.strip_prefix('/'))
        else {
            continue;
        };
        if (recursive || !below.contains('/'))
            && filters::pass(ctx, &request.parameter_filters, &account, &name, &row)
        {
            found.push((name, row));
        }
    }
    let token = request.next_token.as_deref();
    let (page, next_token) = filters::page(found, request.max_results, 10, token)?;
    let decrypt = request.with_decryption.unwrap_or_default();
    let mut parameters = Vec::new();
    for (name, row) in page {
        let labelled = filters::label(&request.parameter_filters);
        let named = Named {
            account: account.clone(),
            name,
            selector: labelled,
        };
        let mut shown = parameter(ctx, &named, &row, decrypt)?;
        shown.selector = None;
        parameters.push(shown);
    }
    Ok(GetParametersByPathResponse {
        parameters,
        next_token,
    })
}

/// GetParameterHistory: the oldest first.
pub(super) fn history(
    ctx: &mut Ctx<'_>,
    request: GetParameterHistoryRequest,
) -> Result<GetParameterHistoryResponse, Refusal> {
    let named = names::read(ctx, request.name.as_deref().unwrap_or_default());
    let row = names::find(ctx, &named)?;
    let decrypt = request.with_decryption.unwrap_or_default();
    let numbers = (row.versions.0..=row.versions.1).map(|number| (number.to_string(), number));
    let token = request.next_token.as_deref();
    let (page, next_token) = filters::page(numbers.collect(), request.max_results, 50, token)?;
    let mut parameters = Vec::new();
    for (_, number) in page {
        let Some(version) = names::version_of(ctx, &named, number) else {
            continue;
        };
        parameters.push(entry(ctx, &named, &row, (number, version), decrypt)?);
    }
    Ok(GetParameterHistoryResponse {
        parameters,
        next_token,
    })
}

fn entry(
    ctx: &mut Ctx<'_>,
    named: &Named,
    row: &ParameterRow,
    (number, version): (i64, VersionRow),
    decrypt: bool,
) -> Result<ParameterHistory, Refusal> {
    let arn = names::arn(ctx, &named.account, &named.name);
    let value = sealing::shown(ctx, &arn, &version.value, decrypt)?;
    Ok(ParameterHistory {
        name: Some(named.name.clone()),
        r#type: Some(kind_word(row.kind).to_owned()),
        key_id: version.key,
        last_modified_date: Some(version.modified),
        last_modified_user: Some(version.by),
        description: version.description,
        value: Some(value),
        allowed_pattern: version.pattern,
        version: Some(number),
        labels: row.labels_of(number).into_iter().collect(),
        tier: Some(tier_word(version.tier).to_owned()),
        policies: version
            .policies
            .iter()
            .map(|text| describe::inline(text, false))
            .collect(),
        data_type: Some(row.data_type.clone()),
    })
}

/// What a filter of DescribeParameters and GetParametersByPath can look at.
pub(super) fn looked(
    ctx: &mut Ctx<'_>,
    named: &Named,
    row: &ParameterRow,
    key: &str,
) -> Option<Looked> {
    let one = |text: &str| Some(Looked::Texts(vec![text.to_owned()]));
    match key {
        "Name" => one(&named.name),
        "Path" => Some(Looked::Path(named.name.clone())),
        "Type" => one(kind_word(row.kind)),
        "Tier" => one(tier_word(row.tier)),
        "DataType" => one(&row.data_type),
        "Label" => Some(Looked::Texts(row.labels.keys().cloned().collect())),
        "KeyId" => {
            let version = names::version_of(ctx, named, row.versions.1)?;
            Some(Looked::Texts(version.key.into_iter().collect()))
        }
        other => {
            let tag = other.strip_prefix("tag:")?;
            Some(Looked::Texts(
                row.tags.get(tag).cloned().into_iter().collect(),
            ))
        }
    }
}
