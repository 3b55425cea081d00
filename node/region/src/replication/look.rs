//! What has been sent and what still waits, for a look.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::context::Ctx;
use crate::keyspaces::{OutHeads, Outbox};
use crate::store::{Range, registry};

/// Which streams a look asks for: those to `to`, those of a table, a bucket, multi-Region keys.
fn wanted(stream: &str, to: &str, arguments: &Value) -> bool {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str);
    text("to").is_none_or(|wanted| wanted == to)
        && text("table_name").is_none_or(|table| {
            let name = table.rsplit("table/").next().unwrap_or(table);
            stream.strip_prefix("dynamodb/") == Some(name)
        })
        && text("bucket").is_none_or(|_| stream == "s3" || stream.starts_with("s3/"))
        && text("key").is_none_or(|_| stream == "kms")
}

/// Answers `replication` (streams that this Region sends) and `replication_queue` (envelopes
/// that no peer has acknowledged), and `state` of the whole Region.
pub(crate) fn look(ctx: &mut Ctx<'_>, what: &str, arguments: &Value) -> Option<Value> {
    match what {
        "replication" => Some(streams(ctx, arguments)),
        "replication_queue" => Some(queue(ctx, arguments)),
        "state" if arguments.get("key").is_none() => Some(state(
            ctx,
            arguments.get("keyspace").and_then(Value::as_str),
        )),
        _ => None,
    }
}

fn streams(ctx: &mut Ctx<'_>, arguments: &Value) -> Value {
    let from = ctx.region().to_string();
    let heads = ctx.all(Range::<OutHeads>::all()).into_iter();
    let streams: Vec<Value> = heads
        .filter(|((to, stream), _)| wanted(stream, to.as_str(), arguments))
        .map(|((to, stream), head)| {
            json!({
                "stream": stream,
                "from": from,
                "to": to.as_str(),
                "sent": head.last,
                "acknowledged": head.acked,
                "waiting": head.last - head.acked,
            })
        })
        .collect();
    json!({ "region": from, "here": true, "streams": streams })
}

/// The envelopes that wait, by peer and stream.
pub(crate) fn queue(ctx: &mut Ctx<'_>, arguments: &Value) -> Value {
    let from = ctx.region().to_string();
    let rows = ctx.all(Range::<Outbox>::all()).into_iter();
    let envelopes: Vec<Value> = rows
        .filter(|((to, stream, _), _)| wanted(stream, to.as_str(), arguments))
        .map(|((to, stream, seq), row)| {
            json!({
                "stream": stream,
                "from": from,
                "to": to.as_str(),
                "seq": seq,
                "length": row.payload.len(),
            })
        })
        .collect();
    json!({ "region": from, "here": true, "count": envelopes.len(), "envelopes": envelopes })
}

/// Rows by keyspace, and one hash over them.
fn state(ctx: &mut Ctx<'_>, keyspace: Option<&str>) -> Value {
    let mut hash = Sha256::new();
    let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
    for (key, value) in ctx.txn.store().raw().flatten() {
        let name = registry::name_of(&key);
        if keyspace.is_some_and(|wanted| wanted != name) {
            continue;
        }
        *rows.entry(name).or_default() += 1;
        for part in [&key, &value] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    json!({ "rows": rows, "digest": hex::encode(hash.finalize()) })
}
