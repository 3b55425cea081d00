//! PutItem, GetItem, UpdateItem, DeleteItem: all against the local replica alone (DDB-013,
//! DDB-014).

use std::collections::BTreeMap;

use faultline_proto::dynamodb::{
    AttributeValue, ConsumedCapacity, DeleteItemRequest, DeleteItemResponse, GetItemRequest,
    GetItemResponse, PutItemRequest, PutItemResponse, UpdateItemRequest, UpdateItemResponse,
};
use faultline_proto::progress::Progress;

use super::error::DynamoError;
use super::expression::Scope;
use super::expression::condition::Condition;
use super::expression::path::{Path, project};
use super::names::TableName;
use super::shelf::{self, Shelf};
use super::value::{self, Item};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Largest item, in bytes.
const LARGEST: u64 = 400 * 1024;

/// Writes a whole item.
pub(super) fn put(
    ctx: &mut Ctx<'_>,
    request: PutItemRequest,
) -> Result<Progress<PutItemResponse>, Refusal> {
    let name = TableName::read(ctx, request.table_name.as_deref())?;
    old_or_none(request.return_values.as_deref())?;
    let item = value::read(&request.item)?;
    let expressions = [("ConditionExpression", request.condition_expression.as_ref())];
    let mut scope = Scope::new(
        &request.expression_attribute_names,
        &request.expression_attribute_values,
        &expressions,
    )?;
    let condition = scope.condition(request.condition_expression.as_ref())?;
    scope.all_used()?;
    let table = shelf::ready(ctx, &name)?;
    let key = table.schema.key_of(&item)?;
    if value::size(&item) > LARGEST {
        return Err(
            DynamoError::validation("Item size has exceeded the maximum allowed size").into(),
        );
    }
    let shelf = Shelf::open(ctx, name, table)?;
    let place = shelf.find(ctx, key)?;
    let shows = request.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
    check(condition.as_ref(), place.item.as_ref(), shows)?;
    shelf.write(ctx, &place, Some(&item));
    let size = place
        .item
        .as_ref()
        .map_or(0, value::size)
        .max(value::size(&item));
    let old = place
        .item
        .filter(|_| request.return_values.as_deref() == Some("ALL_OLD"));
    Ok(Progress::Done(PutItemResponse {
        attributes: old.as_ref().map(value::wire_of).unwrap_or_default(),
        consumed_capacity: capacity(request.return_consumed_capacity, &shelf.name, written(size)),
    }))
}

/// Reads one item.
pub(super) fn get(
    ctx: &mut Ctx<'_>,
    request: GetItemRequest,
) -> Result<Progress<GetItemResponse>, Refusal> {
    let name = TableName::read(ctx, request.table_name.as_deref())?;
    let key = value::read(&request.key)?;
    let expressions = [(
        "ProjectionExpression",
        request.projection_expression.as_ref(),
    )];
    let none = BTreeMap::new();
    let mut scope = Scope::new(&request.expression_attribute_names, &none, &expressions)?;
    let projection = scope.projection(request.projection_expression.as_ref())?;
    scope.all_used()?;
    let table = shelf::ready(ctx, &name)?;
    table.schema.check_key(&key)?;
    let shelf = Shelf::open(ctx, name, table)?;
    let place = shelf.find(ctx, key)?;
    let units = place
        .item
        .as_ref()
        .map_or(0, value::size)
        .div_ceil(4096)
        .max(1) as f64;
    let units = if request.consistent_read.unwrap_or_default() {
        units
    } else {
        units / 2.0
    };
    let item = place.item.map(|item| match &projection {
        Some(paths) => project(paths, &item),
        None => item,
    });
    Ok(Progress::Done(GetItemResponse {
        item: item.as_ref().map(value::wire_of).unwrap_or_default(),
        consumed_capacity: capacity(request.return_consumed_capacity, &shelf.name, units),
    }))
}

/// Deletes one item; one that is not there is no error and no write.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: DeleteItemRequest,
) -> Result<Progress<DeleteItemResponse>, Refusal> {
    let name = TableName::read(ctx, request.table_name.as_deref())?;
    old_or_none(request.return_values.as_deref())?;
    let key = value::read(&request.key)?;
    let expressions = [("ConditionExpression", request.condition_expression.as_ref())];
    let mut scope = Scope::new(
        &request.expression_attribute_names,
        &request.expression_attribute_values,
        &expressions,
    )?;
    let condition = scope.condition(request.condition_expression.as_ref())?;
    scope.all_used()?;
    let table = shelf::ready(ctx, &name)?;
    table.schema.check_key(&key)?;
    let shelf = Shelf::open(ctx, name, table)?;
    let place = shelf.find(ctx, key)?;
    let shows = request.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
    check(condition.as_ref(), place.item.as_ref(), shows)?;
    if place.item.is_some() {
        shelf.write(ctx, &place, None);
    }
    let size = place.item.as_ref().map_or(0, value::size);
    let old = place
        .item
        .filter(|_| request.return_values.as_deref() == Some("ALL_OLD"));
    Ok(Progress::Done(DeleteItemResponse {
        attributes: old.as_ref().map(value::wire_of).unwrap_or_default(),
        consumed_capacity: capacity(request.return_consumed_capacity, &shelf.name, written(size)),
    }))
}

/// Changes attributes of an item, or makes it.
pub(super) fn update(
    ctx: &mut Ctx<'_>,
    request: UpdateItemRequest,
) -> Result<Progress<UpdateItemResponse>, Refusal> {
    let name = TableName::read(ctx, request.table_name.as_deref())?;
    let key = value::read(&request.key)?;
    let expressions = [
        ("UpdateExpression", request.update_expression.as_ref()),
        ("ConditionExpression", request.condition_expression.as_ref()),
    ];
    let mut scope = Scope::new(
        &request.expression_attribute_names,
        &request.expression_attribute_values,
        &expressions,
    )?;
    let update = scope.update(request.update_expression.as_ref())?;
    let condition = scope.condition(request.condition_expression.as_ref())?;
    scope.all_used()?;
    let table = shelf::ready(ctx, &name)?;
    table.schema.check_key(&key)?;
    let paths: Vec<&Path> = update.iter().flat_map(|update| update.paths()).collect();
    if let Some(part) = paths.iter().find(|path| table.schema.has(path.head())) {
        return Err(DynamoError::invalid(format!(
            "Cannot update attribute {}. This attribute is part of the key",
            part.head()
        ))
        .into());
    }
    let shelf = Shelf::open(ctx, name, table)?;
    let place = shelf.find(ctx, key.clone())?;
    let shows = request.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
    check(condition.as_ref(), place.item.as_ref(), shows)?;
    let before = place.item.clone().unwrap_or(key);
    let after = match &update {
        Some(update) => update.apply(&before)?,
        None => before,
    };
    if value::size(&after) > LARGEST {
        return Err(DynamoError::validation(
            "Item size to update has exceeded the maximum allowed size",
        )
        .into());
    }
    shelf.write(ctx, &place, Some(&after));
    let size = place
        .item
        .as_ref()
        .map_or(0, value::size)
        .max(value::size(&after));
    let shown = shown(
        request.return_values.as_deref(),
        place.item.as_ref(),
        &after,
        &paths,
    );
    Ok(Progress::Done(UpdateItemResponse {
        attributes: shown,
        consumed_capacity: capacity(request.return_consumed_capacity, &shelf.name, written(size)),
    }))
}

/// What ReturnValues asks for.
fn shown(
    wanted: Option<&str>,
    before: Option<&Item>,
    after: &Item,
    paths: &[&Path],
) -> BTreeMap<String, AttributeValue> {
    let changed = |item: &Item| value::wire_of(&project(paths.iter().copied(), item));
    match wanted {
        Some("ALL_OLD") => before.map(value::wire_of).unwrap_or_default(),
        Some("UPDATED_OLD") => before.map(changed).unwrap_or_default(),
        Some("ALL_NEW") => value::wire_of(after),
        Some("UPDATED_NEW") => changed(after),
        _ => BTreeMap::new(),
    }
}

fn old_or_none(wanted: Option<&str>) -> Result<(), DynamoError> {
    match wanted {
        None | Some("NONE" | "ALL_OLD") => Ok(()),
        Some(_) => Err(DynamoError::validation(
            "ReturnValues can only be ALL_OLD or NONE",
        )),
    }
}

/// Refuses when the condition does not hold for the local item (DDB-014).
fn check(
    condition: Option<&Condition>,
    item: Option<&Item>,
    shows: bool,
) -> Result<(), DynamoError> {
    let none = Item::new();
    match condition {
        Some(condition) if !condition.holds(item.unwrap_or(&none)) => {
            let shown = item.filter(|_| shows).cloned().map(Box::new);
            Err(DynamoError::ConditionFailed(shown))
        }
        _ => Ok(()),
    }
}

/// Write units: one for each started KB.
fn written(size: u64) -> f64 {
    size.div_ceil(1024).max(1) as f64
}

fn capacity(wanted: Option<String>, name: &TableName, units: f64) -> Option<ConsumedCapacity> {
    match wanted.as_deref() {
        Some("TOTAL" | "INDEXES") => Some(ConsumedCapacity {
            table_name: Some(name.name.clone()),
            capacity_units: Some(units),
        }),
        _ => None,
    }
}
