//! What only a simulator can see: storage, and how far the members of a global database are.

use faultline_proto::names::AccountId;
use serde_json::{Value, json};

use super::keyspaces::{DatabaseRow, Databases, GlobalRow, Globals};
use super::{cells, global, health, keys, names};
use crate::context::Ctx;
use crate::store::Range;

/// `stored_database` of `name`, `global_database` of `name`; in `account` when given.
pub(super) fn look(
    ctx: &mut Ctx<'_>,
    what: &str,
    arguments: &Value,
) -> Option<Result<Value, String>> {
    match what {
        "stored_database" => Some(stored(ctx, arguments)),
        "global_database" => Some(global_database(ctx, arguments)),
        _ => None,
    }
}

fn text<'a>(arguments: &'a Value, name: &str) -> Option<&'a str> {
    arguments.get(name).and_then(Value::as_str)
}

fn is_of(arguments: &Value, account: &AccountId) -> bool {
    text(arguments, "account").is_none_or(|asked| asked == account.as_str())
}

fn stored(ctx: &mut Ctx<'_>, arguments: &Value) -> Result<Value, String> {
    let name = text(arguments, "name").unwrap_or_default();
    let all = ctx.all(Range::<Databases>::all()).into_iter();
    let mut named = all
        .map(|(_, row)| row)
        .filter(|row| row.name == name && row.cluster.is_none() && is_of(arguments, &row.account));
    let Some(row) = named.next() else {
        return Ok(json!({ "exists": false }));
    };
    Ok(shown(ctx, &row))
}

fn shown(ctx: &mut Ctx<'_>, row: &DatabaseRow) -> Value {
    let rows = cells::all(ctx, &row.resource);
    let bytes: usize = rows.iter().map(|(_, cell)| cell.bytes.len()).sum();
    json!({
        "exists": true,
        "arn": names::arn(ctx, row),
        "status": health::word(row.state),
        "encryption": keys::word(&row.sealing),
        "kms_key_id": keys::arn(&row.sealing),
        "rows": rows.len(),
        "stored_bytes": bytes,
        "lsn": row.lsn,
    })
}

fn global_database(ctx: &mut Ctx<'_>, arguments: &Value) -> Result<Value, String> {
    let name = text(arguments, "name").unwrap_or_default();
    let all = ctx.all(Range::<Globals>::all()).into_iter();
    let mut named = all
        .map(|(_, row)| row)
        .filter(|row| row.name == name && is_of(arguments, &row.account));
    let row = named
        .next()
        .ok_or_else(|| format!("no global database '{name}' is known here"))?;
    let cluster = global::local(ctx, &row);
    let member = cluster.as_ref().map(|(cluster, member)| {
        json!({
            "lsn": cluster.lsn,
            "is_writer": member.is_writer,
            "replication_lag_ms": (!member.is_writer).then_some(member.lag / 1000),
        })
    });
    let changes: Vec<Value> = row.outcomes.iter().map(change).collect();
    Ok(json!({
        "primary_region": row.writer.as_ref().map(ToString::to_string),
        "reign": row.epoch,
        "here": member,
        "secondaries": secondaries(ctx, &row),
        "changes": changes,
    }))
}

fn secondaries(ctx: &mut Ctx<'_>, row: &GlobalRow) -> Vec<Value> {
    let found = global::local(ctx, row).filter(|(_, member)| member.is_writer);
    let Some((cluster, _)) = found else {
        return Vec::new();
    };
    let mut seen = Vec::new();
    for region in global::flow::others(ctx, row) {
        let confirmed = row.members.get(&region).map_or(0, |one| one.confirmed);
        let lag = global::flow::rpo_lag(ctx, &cluster, confirmed);
        seen.push(json!({
            "region": region.as_str(),
            "confirmed_lsn": confirmed,
            "rpo_lag_ms": lag / 1000,
        }));
    }
    seen
}

fn change(outcome: &super::keyspaces::OutcomeRow) -> Value {
    json!({
        "from": outcome.change.from.as_str(),
        "to": outcome.change.to.as_str(),
        "kind": if outcome.change.loss { "failover" } else { "switchover" },
        "lost_commits": outcome.lost,
        "rpo_ms": outcome.rpo.map(|rpo| rpo / 1000),
    })
}
