//! What only a simulator can see of keys.

use faultline_proto::names::AccountId;
use serde_json::{Value, json};

use super::journal;
use super::keyspaces::{KeyRow, Keys};
use super::material;
use super::resolve;
use crate::context::Ctx;
use crate::store::Range;

/// Keys that are listed.
const MOST: usize = 500;

/// `keys`, or `state` and `replicas` of a key, by id or ARN, for any account.
pub(crate) fn look(
    ctx: &mut Ctx<'_>,
    what: &str,
    arguments: &Value,
) -> Option<Result<Value, String>> {
    if what == "keys" {
        let rows = ctx.page(Range::<Keys>::all(), MOST);
        let keys: Vec<Value> = rows.iter().map(|(_, row)| state(row)).collect();
        return Some(Ok(json!({ "region": ctx.region().as_str(), "keys": keys })));
    }
    let key = arguments.get("key")?.as_str()?;
    match what {
        "state" if arguments.get("key").is_some() => Some(
            found(ctx, key)
                .map(|row| state(&row))
                .ok_or_else(|| format!("no key '{key}' here")),
        ),
        // A Region without a member is an answer, not an error: the set is judged as a whole.
        "replicas" | "replicas_equal" => Some(Ok(match found(ctx, key) {
            None => json!({ "region": ctx.region().as_str(), "here": false }),
            Some(row) => member(ctx, &row),
        })),
        _ => None,
    }
}

/// Notes every key: the notes of a step whose process died after its commit were heard by nobody.
pub(crate) fn note_all(ctx: &mut Ctx<'_>) {
    for (_, row) in ctx.all(Range::<Keys>::all()) {
        journal::born(ctx, &row);
    }
}

/// Gives a key the policy that it had, where its own policy lets nobody do that any more: what
/// AWS Support does for a key that locked its account out (K-176).
pub(crate) fn plant_policy(ctx: &mut Ctx<'_>, arguments: &Value) -> Result<Value, String> {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str);
    let (Some(key), Some(policy)) = (text("key"), text("policy")) else {
        return Err("`key` and `policy` are needed".to_owned());
    };
    let row = found(ctx, key).ok_or_else(|| format!("no key '{key}' here"))?;
    let row = KeyRow {
        policy: policy.to_owned(),
        ..row
    };
    resolve::save(ctx, &row);
    ctx.note(
        "key_policy",
        &[("key", row.arn.as_str()), ("policy", policy)],
    );
    Ok(json!({ "key": row.arn.as_str() }))
}

/// The key with this id or ARN; an ARN of another Region means the related key here.
fn found(ctx: &mut Ctx<'_>, text: &str) -> Option<KeyRow> {
    let id = text.rsplit('/').next().unwrap_or(text);
    if let Some(account) = text
        .split(':')
        .nth(4)
        .and_then(|account| AccountId::new(account).ok())
    {
        let id = super::identifiers::KeyId::new(id).ok()?;
        return resolve::current(ctx, &account, &id);
    }
    ctx.all(Range::<Keys>::all())
        .into_iter()
        .map(|(_, row)| row)
        .find(|row| row.id.as_str() == id)
}

fn state(row: &KeyRow) -> Value {
    let members = row.members.as_ref();
    let regions = members.map(|members| {
        members
            .regions()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    });
    json!({
        "key_id": row.id.as_str(),
        "arn": row.arn.as_str(),
        "account": row.account.as_str(),
        "region": row.arn.region(),
        "key_state": row.state.text(),
        "role": row.role(),
        "primary_region": members.map(|members| members.primary.as_str()),
        "regions": regions,
        "key_material_id": row.current_material().ok(),
        "aliases": row.aliases,
        "grants": row.grants,
    })
}

fn member(ctx: &mut Ctx<'_>, row: &KeyRow) -> Value {
    let materials = material::digests(ctx, row);
    let mut seen = state(row);
    if let Value::Object(seen) = &mut seen {
        seen.insert("here".to_owned(), json!(true));
        seen.insert("materials".to_owned(), json!(materials));
    }
    seen
}
