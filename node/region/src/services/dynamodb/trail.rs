//! What CloudTrail shows of a call about an item: its key in plain values, no other attribute
//! ("non key attribute values will not appear in logs of actions using the classic API").

use serde_json::{Map, Value};

use super::keyspaces::Tables;
use super::names::TableName;
use crate::context::Ctx;

/// Takes values out of the parameters of a call.
pub(super) fn shown(ctx: &mut Ctx<'_>, operation: &str, parameters: &mut Map<String, Value>) {
    if !operation.ends_with("Item") {
        return;
    }
    parameters.remove("expressionAttributeValues");
    let item = parameters.remove("item");
    let members = parameters.remove("key").or(item);
    let name = parameters.get("tableName").and_then(Value::as_str);
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
            let plain = value.as_object()?.values().next()?.clone();
            Some((attribute.name.clone(), plain))
        })
        .collect();
    parameters.insert("key".to_owned(), Value::Object(key));
}
