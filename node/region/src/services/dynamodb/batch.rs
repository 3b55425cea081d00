//! BatchGetItem and BatchWriteItem: many items in one call, each for itself.

use std::collections::{BTreeMap, BTreeSet};

use faultline_proto::dynamodb::{
    AttributeMap, BatchGetItemRequest, BatchGetItemResponse, BatchWriteItemRequest,
    BatchWriteItemResponse, ItemList, Key, KeysAndAttributes, WriteRequest,
};
use faultline_proto::progress::Progress;

use super::actions::{self, Action, Asked, Prepared, Terms};
use super::capacity::{self, Kind, Used};
use super::error::DynamoError;
use super::expression::Scope;
use super::expression::path::project;
use super::names::TableName;
use super::shelf::{self, Shelf};
use super::value;
use crate::context::Ctx;
use crate::refusal::Refusal;

/// Items that one call reads, and writes.
const MOST_READ: usize = 100;
const MOST_WRITTEN: usize = 25;
/// Bytes that one call answers; what is beyond them must be asked for again.
const LARGEST: u64 = 16 * 1024 * 1024;

fn duplicates() -> DynamoError {
    DynamoError::validation("Provided list of item keys contains duplicates")
}

/// Reads items; those beyond 16 MB are named in the answer.
pub(super) fn get(
    ctx: &mut Ctx<'_>,
    request: BatchGetItemRequest,
) -> Result<Progress<BatchGetItemResponse>, Refusal> {
    let keys = request.request_items.values().map(|table| table.keys.len());
    if keys.sum::<usize>() > MOST_READ {
        return Err(
            DynamoError::validation("Too many items requested for the BatchGetItem call").into(),
        );
    }
    let wanted = request.return_consumed_capacity.as_deref();
    let mut answer = BatchGetItemResponse::default();
    let mut bytes = 0;
    for (text, asked) in &request.request_items {
        let name = TableName::read(ctx, Some(text))?;
        let none = BTreeMap::new();
        let expressions = [("ProjectionExpression", asked.projection_expression.as_ref())];
        let mut scope = Scope::new(&asked.expression_attribute_names, &none, &expressions)?;
        let paths = scope.projection(asked.projection_expression.as_ref())?;
        scope.all_used()?;
        let table = shelf::ready(ctx, &name)?;
        let mut seen = BTreeSet::new();
        let mut keys = Vec::new();
        for key in &asked.keys {
            let key = value::read(&key.items)?;
            table.schema.check_key(&key)?;
            if !seen.insert(key.clone()) {
                return Err(duplicates().into());
            }
            keys.push(key);
        }
        let shelf = Shelf::open(ctx, name, table)?;
        let (mut items, mut left, mut used) = (Vec::new(), Vec::new(), Used::default());
        for key in keys {
            if bytes >= LARGEST {
                left.push(Key {
                    items: value::wire_of(&key),
                });
                continue;
            }
            let found = shelf.find(ctx, key)?.item;
            let size = found.as_ref().map_or(0, value::size);
            bytes += size;
            used.table += capacity::read(size, asked.consistent_read.unwrap_or_default());
            if let Some(item) = found {
                let item = match &paths {
                    Some(paths) => project(paths, &item),
                    None => item,
                };
                items.push(AttributeMap {
                    items: value::wire_of(&item),
                });
            }
        }
        answer.responses.insert(text.clone(), ItemList { items });
        if !left.is_empty() {
            let left = KeysAndAttributes {
                keys: left,
                ..asked.clone()
            };
            answer.unprocessed_keys.insert(text.clone(), left);
        }
        answer
            .consumed_capacity
            .extend(used.shown(wanted, &shelf.name, Kind::Plain));
    }
    Ok(Progress::Done(answer))
}

/// Writes and deletes items, with no condition.
pub(super) fn write(
    ctx: &mut Ctx<'_>,
    request: BatchWriteItemRequest,
) -> Result<Progress<BatchWriteItemResponse>, Refusal> {
    let mut used: BTreeMap<&String, (TableName, Used)> = BTreeMap::new();
    for (text, one) in &prepared(ctx, &request)? {
        let units = actions::commit(ctx, one);
        let (_, sum) = used
            .entry(text)
            .or_insert_with(|| (one.shelf.name.clone(), Used::default()));
        sum.add(&units);
    }
    let wanted = request.return_consumed_capacity.as_deref();
    Ok(Progress::Done(BatchWriteItemResponse {
        unprocessed_items: BTreeMap::new(),
        consumed_capacity: used
            .into_values()
            .filter_map(|(name, used)| used.shown(wanted, &name, Kind::Plain))
            .collect(),
    }))
}

/// Refuses a call of which an item is wrong.
pub(super) fn check(ctx: &mut Ctx<'_>, request: &BatchWriteItemRequest) -> Result<(), Refusal> {
    prepared(ctx, request).map(drop)
}

/// All writes of a call: a wrong item refuses the whole of it, so all are looked at before one is
/// written.
fn prepared<'r>(
    ctx: &mut Ctx<'_>,
    request: &'r BatchWriteItemRequest,
) -> Result<Vec<(&'r String, Prepared)>, Refusal> {
    let count = request
        .request_items
        .values()
        .map(|table| table.items.len());
    if count.sum::<usize>() > MOST_WRITTEN {
        return Err(DynamoError::validation(
            "Too many items requested for the BatchWriteItem call",
        )
        .into());
    }
    let mut all = Vec::new();
    for (text, requests) in &request.request_items {
        let mut seen = BTreeSet::new();
        for one in &requests.items {
            let action = action(ctx, text, one)?;
            let table = shelf::ready(ctx, &action.name)?;
            let item = action.change.item();
            let key: Vec<_> = table
                .schema
                .attributes()
                .map(|attribute| item.get(&attribute.name).cloned())
                .collect();
            if !seen.insert(key) {
                return Err(duplicates().into());
            }
            all.push((text, action));
        }
    }
    let mut prepared = Vec::new();
    for (text, action) in &all {
        prepared.push((*text, actions::prepare(ctx, action)?));
    }
    Ok(prepared)
}

fn action(ctx: &Ctx<'_>, table: &str, request: &WriteRequest) -> Result<Action, DynamoError> {
    let (names, values) = (BTreeMap::new(), BTreeMap::new());
    let terms = Terms {
        condition: None,
        names: &names,
        values: &values,
        on_failure: None,
    };
    match (&request.put_request, &request.delete_request) {
        (Some(put), None) => Action::read(ctx, Some(table), &Asked::Put(&put.item), &terms),
        (None, Some(delete)) => Action::read(ctx, Some(table), &Asked::Delete(&delete.key), &terms),
        (Some(_), Some(_)) => Err(DynamoError::validation(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of \
             the supported datatypes",
        )),
        (None, None) => Err(DynamoError::validation(
            "Supplied AttributeValue is empty, must contain exactly one of the supported \
             datatypes",
        )),
    }
}
