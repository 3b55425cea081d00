//! What each call touches.
//!
//! Tables are named in requests, so a refusal comes before the question whether they exist.
//! `dynamodb:LeadingKeys` has the partition key of a call about one item.

use std::collections::BTreeMap;

use faultline_proto::dynamodb::AttributeValue;
use faultline_proto::handlers::DynamoDbRequest;

use super::keyspaces::Tables;
use super::names::TableName;
use super::value::Value;
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::{Access, Wording};

/// The accesses of a request.
pub(super) fn of(ctx: &mut Ctx<'_>, request: &DynamoDbRequest) -> Result<Vec<Access>, Refusal> {
    use DynamoDbRequest as R;
    Ok(match request {
        R::CreateTable(request) => {
            let name = TableName::read(ctx, request.table_name.as_deref())?;
            let mut all = vec![on(ctx, "CreateTable", &name)];
            if !request.tags.is_empty() {
                all.push(on(ctx, "TagResource", &name));
            }
            for access in &mut all {
                for tag in &request.tags {
                    let (key, value) = (tag.key.as_deref(), tag.value.as_deref());
                    let key = format!("aws:requesttag/{}", key.unwrap_or_default());
                    access.context.set(key, value.unwrap_or_default());
                }
            }
            all
        }
        R::DescribeTable(request) => table(ctx, "DescribeTable", &request.table_name)?,
        R::UpdateTable(request) => table(ctx, "UpdateTable", &request.table_name)?,
        R::DeleteTable(request) => table(ctx, "DeleteTable", &request.table_name)?,
        R::PutItem(request) => item(ctx, "PutItem", &request.table_name, &request.item)?,
        R::GetItem(request) => item(ctx, "GetItem", &request.table_name, &request.key)?,
        R::UpdateItem(request) => item(ctx, "UpdateItem", &request.table_name, &request.key)?,
        R::DeleteItem(request) => item(ctx, "DeleteItem", &request.table_name, &request.key)?,
    })
}

/// An action on a table of this Region.
pub(super) fn on(ctx: &mut Ctx<'_>, action: &str, name: &TableName) -> Access {
    let resource = name.arn(ctx);
    let mut access = Access::new(
        ctx,
        format!("dynamodb:{action}"),
        resource,
        name.account.clone(),
        Wording::AccessDeniedException,
    );
    if let Some(row) = ctx.get_cached::<Tables>((&name.account, name.name.as_str())) {
        for (key, value) in &row.tags {
            access
                .context
                .set(format!("aws:resourcetag/{key}"), value.as_str());
        }
    }
    access
}

fn table(ctx: &mut Ctx<'_>, action: &str, name: &Option<String>) -> Result<Vec<Access>, Refusal> {
    let name = TableName::read(ctx, name.as_deref())?;
    Ok(vec![on(ctx, action, &name)])
}

fn item(
    ctx: &mut Ctx<'_>,
    action: &str,
    name: &Option<String>,
    members: &BTreeMap<String, AttributeValue>,
) -> Result<Vec<Access>, Refusal> {
    let name = TableName::read(ctx, name.as_deref())?;
    let mut access = on(ctx, action, &name);
    let row = ctx.get_cached::<Tables>((&name.account, name.name.as_str()));
    if let Some(value) = row.and_then(|row| members.get(&row.schema.hash.name).cloned()) {
        let text = match Value::read(&value) {
            Ok(Value::S(text)) => Some(text),
            Ok(Value::N(number)) => Some(number.to_string()),
            _ => None,
        };
        if let Some(text) = text {
            access.context.set_all("dynamodb:leadingkeys", [text]);
        }
    }
    Ok(vec![access])
}
