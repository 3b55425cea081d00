//! What has been sent and what still waits, for a look.

use serde_json::{Value, json};

use crate::context::Ctx;
use crate::keyspaces::{OutHeads, Outbox};
use crate::store::Range;

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
/// that no peer has acknowledged).
pub(crate) fn look(ctx: &mut Ctx<'_>, what: &str, arguments: &Value) -> Option<Value> {
    match what {
        "replication" => Some(streams(ctx, arguments)),
        "replication_queue" => Some(queue(ctx, arguments)),
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
