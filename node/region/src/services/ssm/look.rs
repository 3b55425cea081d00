//! What only a simulator can see: what policies of parameters did, where AWS would send events.

use faultline_proto::names::AccountId;
use serde_json::{Value, json};

use super::keyspaces::{EventRow, Events};
use crate::context::Ctx;
use crate::store::Range;

/// `parameter_events` of `name` in `account`, oldest first.
pub(super) fn look(
    ctx: &mut Ctx<'_>,
    what: &str,
    arguments: &Value,
) -> Option<Result<Value, String>> {
    (what == "parameter_events").then(|| events(ctx, arguments))
}

fn events(ctx: &mut Ctx<'_>, arguments: &Value) -> Result<Value, String> {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str);
    let name = text("name");
    let account = text("account")
        .map(AccountId::new)
        .transpose()
        .map_err(|error| error.to_string())?;
    let range = match &account {
        Some(account) => Range::<Events>::under((account,)),
        None => Range::<Events>::all(),
    };
    let events: Vec<EventRow> = ctx
        .all(range)
        .into_iter()
        .map(|(_, event)| event)
        .filter(|event| name.is_none_or(|name| name == event.name))
        .collect();
    let events: Vec<Value> = events
        .iter()
        .map(|event| {
            json!({
                "name": event.name,
                "policy_type": event.policy,
                "at": event.at,
                "region": ctx.region().as_str(),
            })
        })
        .collect();
    Ok(json!({ "events": events }))
}
