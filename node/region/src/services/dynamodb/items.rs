//! PutItem, GetItem, UpdateItem, DeleteItem: all against the local replica alone (DDB-013,
//! DDB-014).

use std::collections::BTreeMap;

use faultline_proto::dynamodb::{
    AttributeValue, DeleteItemRequest, DeleteItemResponse, GetItemRequest, GetItemResponse,
    PutItemRequest, PutItemResponse, UpdateItemRequest, UpdateItemResponse,
};
use faultline_proto::progress::Progress;

use super::actions::{self, Action, After, Asked, Terms};
use super::capacity::{self, Kind, Used};
use super::error::DynamoError;
use super::expression::Scope;
use super::expression::path::{Path, project};
use super::names::TableName;
use super::shelf::{self, Shelf};
use super::value::{self, Item};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// The terms of a request, which all name alike.
macro_rules! terms {
    ($request:ident) => {
        Terms {
            condition: $request.condition_expression.as_ref(),
            names: &$request.expression_attribute_names,
            values: &$request.expression_attribute_values,
            on_failure: $request.return_values_on_condition_check_failure.as_deref(),
        }
    };
}
pub(super) use terms;

/// Writes a whole item.
pub(super) fn put(
    ctx: &mut Ctx<'_>,
    request: PutItemRequest,
) -> Result<Progress<PutItemResponse>, Refusal> {
    old_or_none(request.return_values.as_deref())?;
    let table = request.table_name.as_deref();
    let action = Action::read(ctx, table, &Asked::Put(&request.item), &terms!(request))?;
    let (attributes, consumed_capacity) = replaced(
        ctx,
        &action,
        request.return_values.as_deref(),
        request.return_consumed_capacity.as_deref(),
    )?;
    Ok(Progress::Done(PutItemResponse {
        attributes,
        consumed_capacity,
    }))
}

/// Deletes one item; one that is not there is no error and no write.
pub(super) fn delete(
    ctx: &mut Ctx<'_>,
    request: DeleteItemRequest,
) -> Result<Progress<DeleteItemResponse>, Refusal> {
    old_or_none(request.return_values.as_deref())?;
    let table = request.table_name.as_deref();
    let action = Action::read(ctx, table, &Asked::Delete(&request.key), &terms!(request))?;
    let (attributes, consumed_capacity) = replaced(
        ctx,
        &action,
        request.return_values.as_deref(),
        request.return_consumed_capacity.as_deref(),
    )?;
    Ok(Progress::Done(DeleteItemResponse {
        attributes,
        consumed_capacity,
    }))
}

type Members = BTreeMap<String, AttributeValue>;

fn replaced(
    ctx: &mut Ctx<'_>,
    action: &Action,
    values: Option<&str>,
    capacity: Option<&str>,
) -> Result<(Members, Option<faultline_proto::dynamodb::ConsumedCapacity>), Refusal> {
    let prepared = actions::prepare(ctx, action)?;
    let used = actions::commit(ctx, &prepared);
    let old = prepared.place.item.filter(|_| values == Some("ALL_OLD"));
    Ok((
        old.as_ref().map(value::wire_of).unwrap_or_default(),
        used.shown(capacity, &action.name, Kind::Plain),
    ))
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
    let size = place.item.as_ref().map_or(0, value::size);
    let units = capacity::read(size, request.consistent_read.unwrap_or_default());
    let item = place.item.map(|item| match &projection {
        Some(paths) => project(paths, &item),
        None => item,
    });
    let wanted = request.return_consumed_capacity.as_deref();
    Ok(Progress::Done(GetItemResponse {
        item: item.as_ref().map(value::wire_of).unwrap_or_default(),
        consumed_capacity: Used::of_table(units).shown(wanted, &shelf.name, Kind::Plain),
    }))
}

/// Changes attributes of an item, or makes it.
pub(super) fn update(
    ctx: &mut Ctx<'_>,
    request: UpdateItemRequest,
) -> Result<Progress<UpdateItemResponse>, Refusal> {
    let asked = Asked::Update(&request.key, request.update_expression.as_ref());
    let table = request.table_name.as_deref();
    let action = Action::read(ctx, table, &asked, &terms!(request))?;
    let prepared = actions::prepare(ctx, &action)?;
    let used = actions::commit(ctx, &prepared);
    let none = Item::new();
    let after = match &prepared.after {
        After::Item(item) => item,
        After::Gone | After::Unchanged => &none,
    };
    let attributes = shown(
        request.return_values.as_deref(),
        prepared.place.item.as_ref(),
        after,
        &action.change.paths(),
    );
    let wanted = request.return_consumed_capacity.as_deref();
    Ok(Progress::Done(UpdateItemResponse {
        attributes,
        consumed_capacity: used.shown(wanted, &action.name, Kind::Plain),
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
