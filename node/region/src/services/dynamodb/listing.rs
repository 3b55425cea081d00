//! ListTables, tags, DescribeLimits, DescribeEndpoints.

use faultline_proto::dynamodb::{
    DescribeEndpointsRequest, DescribeEndpointsResponse, DescribeLimitsRequest,
    DescribeLimitsResponse, Endpoint, ListTablesRequest, ListTablesResponse,
    ListTagsOfResourceRequest, ListTagsOfResourceResponse, Tag, TagResourceRequest,
    TagResourceResponse, UntagResourceRequest, UntagResourceResponse,
};
use faultline_proto::progress::Progress;

use super::error::DynamoError;
use super::keyspaces::{TableRow, TableStatus, Tables};
use super::names::TableName;
use super::tables;
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;

/// Tables on a page, tags of a table and tags on a page.
const MOST: i32 = 100;
const MOST_TAGS: usize = 50;
const TAGS_ON_PAGE: usize = 10;
/// Units that an account and a table may buy, as an account begins.
const ACCOUNT_UNITS: i64 = 80_000;
const TABLE_UNITS: i64 = 40_000;

/// Lists the names of the account's tables.
pub(super) fn tables(
    ctx: &mut Ctx<'_>,
    request: ListTablesRequest,
) -> Result<Progress<ListTablesResponse>, Refusal> {
    let account = ctx.account();
    let range = Range::<Tables>::under((&account,));
    let range = match &request.exclusive_start_table_name {
        Some(name) => range.after((&account, name.as_str())),
        None => range,
    };
    let limit = usize::try_from(request.limit.unwrap_or(MOST)).unwrap_or_default();
    let found = ctx.page(range, limit + 1);
    let more = found.len() > limit;
    let names: Vec<String> = found
        .into_iter()
        .take(limit)
        .map(|((_, name), _)| name)
        .collect();
    Ok(Progress::Done(ListTablesResponse {
        last_evaluated_table_name: names.last().cloned().filter(|_| more),
        table_names: names,
    }))
}

fn tagged(ctx: &mut Ctx<'_>, arn: Option<&str>) -> Result<(TableName, TableRow), DynamoError> {
    let arn = arn.unwrap_or_default();
    if !arn.starts_with("arn:") {
        return Err(DynamoError::Validation(format!(
            "Invalid TableArn: Invalid ResourceArn provided as input {arn}"
        )));
    }
    let name = TableName::read(ctx, Some(arn))?;
    let missing = || DynamoError::NoResource(arn.to_owned());
    let row = tables::row_of(ctx, &name).ok_or_else(missing)?;
    match row.status {
        TableStatus::Active | TableStatus::Updating => Ok((name, row)),
        TableStatus::Creating | TableStatus::Filling { .. } => {
            Err(DynamoError::InUse("created", name.name))
        }
        TableStatus::Deleting => Err(DynamoError::InUse("deleted", name.name)),
        TableStatus::Archiving | TableStatus::Archived => {
            Err(DynamoError::InUse("archived", name.name))
        }
    }
}

/// Puts tags on a table.
pub(super) fn tag(
    ctx: &mut Ctx<'_>,
    request: TagResourceRequest,
) -> Result<Progress<TagResourceResponse>, Refusal> {
    let (name, mut row) = tagged(ctx, request.resource_arn.as_deref())?;
    row.tags.extend(tables::tags(&request.tags)?);
    if row.tags.len() > MOST_TAGS {
        return Err(DynamoError::Validation(format!(
            "The number of tags exceeds the limit of {MOST_TAGS}"
        ))
        .into());
    }
    tables::save(ctx, &name, &row);
    Ok(Progress::Done(TagResourceResponse {}))
}

/// Takes tags off a table.
pub(super) fn untag(
    ctx: &mut Ctx<'_>,
    request: UntagResourceRequest,
) -> Result<Progress<UntagResourceResponse>, Refusal> {
    let (name, mut row) = tagged(ctx, request.resource_arn.as_deref())?;
    row.tags.retain(|key, _| !request.tag_keys.contains(key));
    tables::save(ctx, &name, &row);
    Ok(Progress::Done(UntagResourceResponse {}))
}

/// Lists the tags of a table, ten on a page.
pub(super) fn tags_of(
    ctx: &mut Ctx<'_>,
    request: ListTagsOfResourceRequest,
) -> Result<Progress<ListTagsOfResourceResponse>, Refusal> {
    let (_, row) = tagged(ctx, request.resource_arn.as_deref())?;
    let after = request.next_token.as_deref();
    let mut rest = row
        .tags
        .iter()
        .filter(|(key, _)| after.is_none_or(|after| key.as_str() > after))
        .peekable();
    let tags: Vec<Tag> = rest
        .by_ref()
        .take(TAGS_ON_PAGE)
        .map(|(key, value)| Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        })
        .collect();
    let more = rest.peek().is_some();
    Ok(Progress::Done(ListTagsOfResourceResponse {
        next_token: tags.last().and_then(|tag| tag.key.clone()).filter(|_| more),
        tags,
    }))
}

/// Tells what the account may buy.
pub(super) fn limits(
    _ctx: &mut Ctx<'_>,
    _request: DescribeLimitsRequest,
) -> Result<Progress<DescribeLimitsResponse>, Refusal> {
    Ok(Progress::Done(DescribeLimitsResponse {
        account_max_read_capacity_units: Some(ACCOUNT_UNITS),
        account_max_write_capacity_units: Some(ACCOUNT_UNITS),
        table_max_read_capacity_units: Some(TABLE_UNITS),
        table_max_write_capacity_units: Some(TABLE_UNITS),
    }))
}

/// Tells the endpoint of this Region.
pub(super) fn endpoints(
    ctx: &mut Ctx<'_>,
    _request: DescribeEndpointsRequest,
) -> Result<Progress<DescribeEndpointsResponse>, Refusal> {
    Ok(Progress::Done(DescribeEndpointsResponse {
        endpoints: vec![Endpoint {
            address: Some(format!("dynamodb.{}.amazonaws.com", ctx.region())),
            cache_period_in_minutes: Some(1440),
        }],
    }))
}
