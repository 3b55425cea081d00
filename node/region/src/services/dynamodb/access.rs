//! What each call touches.
//!
//! Tables and indexes are named in requests, so a refusal comes before the question whether they
//! exist. Condition keys of a call are in `conditions`.

use std::collections::BTreeMap;

use faultline_proto::dynamodb::{self, AttributeValue, ReplicationGroupUpdate};
use faultline_proto::handlers::DynamoDbRequest;

use super::conditions;
use super::keyspaces::Tables;
use super::names::TableName;
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::{Access, Wording};

type All = Result<Vec<Access>, Refusal>;

/// The accesses of a request.
pub(super) fn of(ctx: &mut Ctx<'_>, request: &DynamoDbRequest) -> All {
    use DynamoDbRequest as R;
    Ok(match request {
        R::CreateTable(request) => create(ctx, request)?,
        R::DescribeTable(request) => table(ctx, "DescribeTable", &request.table_name)?,
        R::UpdateTable(request) => {
            let mut all = table(ctx, "UpdateTable", &request.table_name)?;
            let leaves = |it: &ReplicationGroupUpdate| it.disassociate.is_some();
            if request.replica_updates.iter().any(leaves) {
                // DDB-027.
                let action = "DisassociateTableReplica";
                all.extend(table(ctx, action, &request.table_name)?);
            }
            all
        }
        R::DeleteTable(request) => table(ctx, "DeleteTable", &request.table_name)?,
        R::UpdateTimeToLive(request) => table(ctx, "UpdateTimeToLive", &request.table_name)?,
        R::DescribeTimeToLive(request) => table(ctx, "DescribeTimeToLive", &request.table_name)?,
        R::TagResource(request) => {
            let mut all = table(ctx, "TagResource", &request.resource_arn)?;
            conditions::tags(&mut all, &request.tags);
            all
        }
        R::UntagResource(request) => table(ctx, "UntagResource", &request.resource_arn)?,
        R::ListTagsOfResource(request) => table(ctx, "ListTagsOfResource", &request.resource_arn)?,
        R::ListTables(_) => account(ctx, "ListTables"),
        R::DescribeLimits(_) => account(ctx, "DescribeLimits"),
        R::DescribeEndpoints(_) => account(ctx, "DescribeEndpoints"),
        R::PutItem(request) => vec![put(ctx, request)?],
        R::GetItem(request) => {
            let mut access = item(ctx, "GetItem", &request.table_name, &request.key)?;
            conditions::of_get(&mut access, request);
            vec![access]
        }
        R::UpdateItem(request) => {
            let mut access = item(ctx, "UpdateItem", &request.table_name, &request.key)?;
            conditions::of_update(&mut access, request);
            vec![access]
        }
        R::DeleteItem(request) => {
            let mut access = item(ctx, "DeleteItem", &request.table_name, &request.key)?;
            conditions::of_delete(&mut access, request);
            vec![access]
        }
        R::Query(request) => {
            let (name, index) = (&request.table_name, &request.index_name);
            let mut access = indexed(ctx, "Query", name, index)?;
            conditions::of_query(ctx, &mut access, request)?;
            vec![access]
        }
        R::Scan(request) => {
            let (name, index) = (&request.table_name, &request.index_name);
            let mut access = indexed(ctx, "Scan", name, index)?;
            conditions::of_scan(&mut access, request);
            vec![access]
        }
        R::BatchGetItem(request) => batch_get(ctx, request)?,
        R::BatchWriteItem(request) => batch_write(ctx, request)?,
        R::TransactGetItems(request) => transact_get(ctx, request)?,
        R::TransactWriteItems(request) => transact_write(ctx, request)?,
    })
}

fn put(ctx: &mut Ctx<'_>, request: &dynamodb::PutItemRequest) -> Result<Access, Refusal> {
    let mut access = item(ctx, "PutItem", &request.table_name, &request.item)?;
    conditions::of_put(&mut access, request);
    Ok(access)
}

fn batch_get(ctx: &mut Ctx<'_>, request: &dynamodb::BatchGetItemRequest) -> All {
    let mut all = Vec::new();
    for (name, asked) in &request.request_items {
        let name = TableName::read(ctx, Some(name))?;
        let mut access = on(ctx, "BatchGetItem", &name);
        let keys: Vec<_> = asked.keys.iter().map(|key| &key.items).collect();
        conditions::leading(ctx, &mut access, &name, &keys);
        let projection = asked.projection_expression.as_deref();
        let names = &asked.expression_attribute_names;
        conditions::attributes(&mut access, &keys, &[projection], names);
        all.push(access);
    }
    Ok(all)
}

fn batch_write(ctx: &mut Ctx<'_>, request: &dynamodb::BatchWriteItemRequest) -> All {
    let mut all = Vec::new();
    for (name, asked) in &request.request_items {
        let name = TableName::read(ctx, Some(name))?;
        let mut access = on(ctx, "BatchWriteItem", &name);
        let puts = asked
            .items
            .iter()
            .filter_map(|one| one.put_request.as_ref());
        let deletes = asked
            .items
            .iter()
            .filter_map(|one| one.delete_request.as_ref());
        let items: Vec<_> = puts
            .map(|put| &put.item)
            .chain(deletes.map(|delete| &delete.key))
            .collect();
        conditions::leading(ctx, &mut access, &name, &items);
        conditions::attributes(&mut access, &items, &[], &BTreeMap::new());
        all.push(access);
    }
    Ok(all)
}

fn transact_get(ctx: &mut Ctx<'_>, request: &dynamodb::TransactGetItemsRequest) -> All {
    let mut all = Vec::new();
    for one in &request.transact_items {
        let get = one.get.clone().unwrap_or_default();
        let mut access = item(ctx, "GetItem", &get.table_name, &get.key)?;
        let projection = get.projection_expression.as_deref();
        let names = &get.expression_attribute_names;
        conditions::attributes(&mut access, &[&get.key], &[projection], names);
        conditions::enclosed(&mut access, "TransactGetItems");
        all.push(access);
    }
    Ok(all)
}

fn transact_write(ctx: &mut Ctx<'_>, request: &dynamodb::TransactWriteItemsRequest) -> All {
    let mut all = Vec::new();
    for one in &request.transact_items {
        for (action, table, members, texts, names) in conditions::parts(one) {
            let mut access = item(ctx, action, table, members)?;
            conditions::attributes(&mut access, &[members], &texts, names);
            conditions::enclosed(&mut access, "TransactWriteItems");
            all.push(access);
        }
    }
    Ok(all)
}

fn create(ctx: &mut Ctx<'_>, request: &dynamodb::CreateTableRequest) -> All {
    let name = TableName::read(ctx, request.table_name.as_deref())?;
    let mut all = vec![on(ctx, "CreateTable", &name)];
    if !request.tags.is_empty() {
        all.push(on(ctx, "TagResource", &name));
    }
    conditions::tags(&mut all, &request.tags);
    Ok(all)
}

/// An action without a table.
fn account(ctx: &mut Ctx<'_>, action: &str) -> Vec<Access> {
    let owner = ctx.account();
    let wording = Wording::AccessDeniedException;
    let action = format!("dynamodb:{action}");
    vec![Access::new(ctx, action, "*".to_owned(), owner, wording)]
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

fn table(ctx: &mut Ctx<'_>, action: &str, name: &Option<String>) -> All {
    let name = TableName::read(ctx, name.as_deref())?;
    Ok(vec![on(ctx, action, &name)])
}

/// A read of a table or of one of its indexes.
fn indexed(
    ctx: &mut Ctx<'_>,
    action: &str,
    name: &Option<String>,
    index: &Option<String>,
) -> Result<Access, Refusal> {
    let name = TableName::read(ctx, name.as_deref())?;
    let mut access = on(ctx, action, &name);
    if let Some(index) = index {
        access.resource = format!("{}/index/{index}", access.resource);
    }
    Ok(access)
}

fn item(
    ctx: &mut Ctx<'_>,
    action: &str,
    name: &Option<String>,
    members: &BTreeMap<String, AttributeValue>,
) -> Result<Access, Refusal> {
    let name = TableName::read(ctx, name.as_deref())?;
    let mut access = on(ctx, action, &name);
    conditions::leading(ctx, &mut access, &name, &[members]);
    Ok(access)
}
