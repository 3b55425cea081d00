//! Condition keys of DynamoDB: `dynamodb:LeadingKeys`, `Attributes`, `Select`, `ReturnValues`,
//! `ReturnConsumedCapacity`, `FullTableScan`, `EnclosingOperation`.
//!
//! `Attributes` has the top-level attributes that a call names, in its item, its key and its
//! expressions. Expressions are read here for their names alone, whether they are right or not.

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::dynamodb::{
    AttributeValue, DeleteItemRequest, GetItemRequest, PutItemRequest, QueryRequest, ScanRequest,
    Tag, TransactWriteItem, UpdateItemRequest,
};

use super::expression::{Scope, heads, key};
use super::keyspaces::{Extras, Tables};
use super::names::TableName;
use super::value::Value;
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::Access;

type Members = BTreeMap<String, AttributeValue>;
type Names = BTreeMap<String, String>;

/// Tags of the request.
pub(super) fn tags(all: &mut [Access], tags: &[Tag]) {
    for access in all {
        for tag in tags {
            let (key, value) = (tag.key.as_deref(), tag.value.as_deref());
            let key = format!("aws:requesttag/{}", key.unwrap_or_default());
            access.context.set(key, value.unwrap_or_default());
        }
        let keys = tags.iter().filter_map(|tag| tag.key.clone());
        access.context.set_all("aws:tagkeys", keys);
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::S(text) => Some(text.clone()),
        Value::N(number) => Some(number.to_string()),
        Value::B(_)
        | Value::Ss(_)
        | Value::Ns(_)
        | Value::Bs(_)
        | Value::M(_)
        | Value::L(_)
        | Value::Null
        | Value::Bool(_) => None,
    }
}

/// The partition keys of the items of a call.
pub(super) fn leading(ctx: &mut Ctx<'_>, access: &mut Access, name: &TableName, all: &[&Members]) {
    let Some(row) = ctx.get_cached::<Tables>((&name.account, name.name.as_str())) else {
        return;
    };
    let keys: BTreeSet<String> = all
        .iter()
        .filter_map(|members| text(&Value::read(members.get(&row.schema.hash.name)?).ok()?))
        .collect();
    if !keys.is_empty() {
        access.context.set_all("dynamodb:leadingkeys", keys);
    }
}

/// The attributes that items and expressions name.
pub(super) fn attributes(
    access: &mut Access,
    items: &[&Members],
    expressions: &[Option<&str>],
    names: &Names,
) {
    let mut all: BTreeSet<String> = items.iter().flat_map(|item| item.keys().cloned()).collect();
    for text in expressions.iter().flatten() {
        all.extend(heads(text, names));
    }
    if !all.is_empty() {
        access.context.set_all("dynamodb:attributes", all);
    }
}

fn returns(access: &mut Access, values: Option<&str>, capacity: Option<&str>) {
    let values = values.unwrap_or("NONE");
    access.context.set("dynamodb:returnvalues", values);
    told(access, capacity);
}

fn told(access: &mut Access, capacity: Option<&str>) {
    let capacity = capacity.unwrap_or("NONE");
    access
        .context
        .set("dynamodb:returnconsumedcapacity", capacity);
}

/// Of which call an action is a part.
pub(super) fn enclosed(access: &mut Access, operation: &str) {
    access.context.set("dynamodb:enclosingoperation", operation);
}

/// PutItem.
pub(super) fn of_put(access: &mut Access, request: &PutItemRequest) {
    let texts = [request.condition_expression.as_deref()];
    attributes(
        access,
        &[&request.item],
        &texts,
        &request.expression_attribute_names,
    );
    let capacity = request.return_consumed_capacity.as_deref();
    returns(access, request.return_values.as_deref(), capacity);
}

/// GetItem.
pub(super) fn of_get(access: &mut Access, request: &GetItemRequest) {
    let texts = [request.projection_expression.as_deref()];
    attributes(
        access,
        &[&request.key],
        &texts,
        &request.expression_attribute_names,
    );
    select(access, None, request.projection_expression.is_some());
    told(access, request.return_consumed_capacity.as_deref());
}

/// UpdateItem.
pub(super) fn of_update(access: &mut Access, request: &UpdateItemRequest) {
    let texts = [
        request.update_expression.as_deref(),
        request.condition_expression.as_deref(),
    ];
    attributes(
        access,
        &[&request.key],
        &texts,
        &request.expression_attribute_names,
    );
    let capacity = request.return_consumed_capacity.as_deref();
    returns(access, request.return_values.as_deref(), capacity);
}

/// DeleteItem.
pub(super) fn of_delete(access: &mut Access, request: &DeleteItemRequest) {
    let texts = [request.condition_expression.as_deref()];
    attributes(
        access,
        &[&request.key],
        &texts,
        &request.expression_attribute_names,
    );
    let capacity = request.return_consumed_capacity.as_deref();
    returns(access, request.return_values.as_deref(), capacity);
}

fn select(access: &mut Access, asked: Option<&str>, projected: bool) {
    let shown = match (asked, projected) {
        (Some(asked), _) => asked,
        (None, true) => "SPECIFIC_ATTRIBUTES",
        (None, false) => "ALL_ATTRIBUTES",
    };
    access.context.set("dynamodb:select", shown);
}

/// Query: the partition that it reads is its leading key.
pub(super) fn of_query(
    ctx: &mut Ctx<'_>,
    access: &mut Access,
    request: &QueryRequest,
) -> Result<(), Refusal> {
    let texts = [
        request.key_condition_expression.as_deref(),
        request.filter_expression.as_deref(),
        request.projection_expression.as_deref(),
    ];
    attributes(access, &[], &texts, &request.expression_attribute_names);
    let projected = request.projection_expression.is_some();
    select(access, request.select.as_deref(), projected);
    told(access, request.return_consumed_capacity.as_deref());
    let name = TableName::read(ctx, request.table_name.as_deref())?;
    let Some(row) = ctx.get_cached::<Tables>((&name.account, name.name.as_str())) else {
        return Ok(());
    };
    let extras = ctx.get_cached::<Extras>(row.id.as_str());
    let index = extras.as_ref().and_then(|extras| {
        let mut all = extras.indexes.iter();
        all.find(|index| request.index_name.as_ref() == Some(&index.name))
    });
    let schema = index.map_or(&row.schema, |index| &index.schema);
    // One that cannot be read is refused in the handler, in its own words.
    let read = Scope::new(
        &request.expression_attribute_names,
        &request.expression_attribute_values,
        &[("KeyConditionExpression", Some(&String::new()))],
    )
    .and_then(|mut scope| {
        let text = request.key_condition_expression.as_ref();
        scope.condition_of("KeyConditionExpression", text)
    });
    if let Ok(Some(condition)) = read
        && let Ok(condition) = key::read(condition, schema)
        && let Some(key) = text(&condition.hash)
    {
        access.context.set_all("dynamodb:leadingkeys", [key]);
    }
    Ok(())
}

/// Scan.
pub(super) fn of_scan(access: &mut Access, request: &ScanRequest) {
    let texts = [
        request.filter_expression.as_deref(),
        request.projection_expression.as_deref(),
    ];
    attributes(access, &[], &texts, &request.expression_attribute_names);
    let projected = request.projection_expression.is_some();
    select(access, request.select.as_deref(), projected);
    told(access, request.return_consumed_capacity.as_deref());
    access.context.set("dynamodb:fulltablescan", "true");
}

/// Action, table, item or key, expressions, names.
type Part<'r> = (
    &'static str,
    &'r Option<String>,
    &'r Members,
    Vec<Option<&'r str>>,
    &'r Names,
);

/// What an item of TransactWriteItems asks for.
pub(super) fn parts(item: &TransactWriteItem) -> Vec<Part<'_>> {
    let mut all = Vec::new();
    if let Some(put) = &item.put {
        let texts = vec![put.condition_expression.as_deref()];
        let names = &put.expression_attribute_names;
        all.push(("PutItem", &put.table_name, &put.item, texts, names));
    }
    if let Some(update) = &item.update {
        let texts = vec![
            update.update_expression.as_deref(),
            update.condition_expression.as_deref(),
        ];
        let names = &update.expression_attribute_names;
        all.push(("UpdateItem", &update.table_name, &update.key, texts, names));
    }
    if let Some(delete) = &item.delete {
        let texts = vec![delete.condition_expression.as_deref()];
        let names = &delete.expression_attribute_names;
        all.push(("DeleteItem", &delete.table_name, &delete.key, texts, names));
    }
    if let Some(check) = &item.condition_check {
        let texts = vec![check.condition_expression.as_deref()];
        let names = &check.expression_attribute_names;
        all.push((
            "ConditionCheckItem",
            &check.table_name,
            &check.key,
            texts,
            names,
        ));
    }
    all
}
