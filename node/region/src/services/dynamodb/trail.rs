//! What CloudTrail shows of a call about items: their keys in plain values, no other attribute
//! ("non key attribute values will not appear in logs of actions using the classic API"), and
//! never a value of an expression.

use serde_json::{Map, Value};

use super::keyspaces::Tables;
use super::names::TableName;
use crate::context::Ctx;

/// Takes values out of the parameters of a call.
pub(super) fn shown(ctx: &mut Ctx<'_>, operation: &str, parameters: &mut Map<String, Value>) {
    match operation {
        "PutItem" | "GetItem" | "UpdateItem" | "DeleteItem" => one(ctx, parameters, None),
        "Query" | "Scan" => {
            parameters.remove("expressionAttributeValues");
            if let Some(key) = parameters.get_mut("exclusiveStartKey") {
                *key = plain(key);
            }
        }
        "BatchGetItem" | "BatchWriteItem" => {
            let tables = parameters
                .get_mut("requestItems")
                .and_then(Value::as_object_mut);
            for (table, asked) in tables.into_iter().flatten() {
                batch(ctx, table, asked);
            }
        }
        "TransactGetItems" | "TransactWriteItems" => {
            let items = parameters
                .get_mut("transactItems")
                .and_then(Value::as_array_mut);
            for item in items.into_iter().flatten() {
                let actions = item.as_object_mut().into_iter().flat_map(Map::values_mut);
                for action in actions.filter_map(Value::as_object_mut) {
                    one(ctx, action, None);
                }
            }
        }
        _ => {}
    }
}

fn batch(ctx: &mut Ctx<'_>, table: &str, asked: &mut Value) {
    if let Some(keys) = asked.get_mut("keys").and_then(Value::as_array_mut) {
        keys.iter_mut().for_each(|key| *key = plain(key));
    }
    let requests = asked.as_array_mut().into_iter().flatten();
    for request in requests {
        let kinds = request
            .as_object_mut()
            .into_iter()
            .flat_map(Map::values_mut);
        for kind in kinds.filter_map(Value::as_object_mut) {
            one(ctx, kind, Some(table));
        }
    }
}

/// Leaves the key of an action about one item.
fn one(ctx: &mut Ctx<'_>, parameters: &mut Map<String, Value>, table: Option<&str>) {
    parameters.remove("expressionAttributeValues");
    let item = parameters.remove("item");
    let members = parameters.remove("key").or(item);
    let name = table.or(parameters.get("tableName").and_then(Value::as_str));
    let Ok(name) = TableName::read(ctx, name) else {
        return;
    };
    // Without a table nobody knows which attributes are its key.
    let Some(table) = ctx.get_cached::<Tables>((&name.account, name.name.as_str())) else {
        return;
    };
    let key: Map<String, Value> = table
        .schema
        .attributes()
        .filter_map(|attribute| {
            let value = members.as_ref()?.get(&attribute.name)?;
            Some((attribute.name.clone(), bare(value)?))
        })
        .collect();
    parameters.insert("key".to_owned(), Value::Object(key));
}

fn bare(value: &Value) -> Option<Value> {
    value.as_object()?.values().next().cloned()
}

/// A key without its types.
fn plain(key: &Value) -> Value {
    let members = key.as_object().into_iter().flatten();
    members
        .filter_map(|(name, value)| Some((name.clone(), bare(value)?)))
        .collect::<Map<_, _>>()
        .into()
}
