//! Replication Time Control: fifteen minutes for each operation, and the events that S3 sends.
//!
//! An operation of a rule with RTC has a row at the end of its fifteen minutes; all that end in
//! one second share a timer. Left out: delivery of events to queues, topics and functions; they
//! are seen by `look.replication_events`, and stand in the journal.

use faultline_proto::names::Elapsed;

use super::rows::{
    Deliveries, DeliveryKey, DeliveryRow, EventCounts, EventRow, Events, Stage, Thresholds,
};
use crate::context::{Ctx, decode, encode};
use crate::store::Range;

/// The promise, microseconds (S3-077).
const PROMISE: u64 = 15 * 60 * 1_000_000;
/// Ends of fifteen minutes are looked at once a second.
const GRAIN: u64 = 1_000_000;

/// Watches an operation that became owed at `since`.
pub(super) fn watch(ctx: &mut Ctx<'_>, id: &DeliveryKey, since: u64) {
    let at = (since + PROMISE).div_ceil(GRAIN) * GRAIN;
    let bucket = id.0.as_str();
    let armed = ctx
        .first(Range::<Thresholds>::under((bucket, at)))
        .is_some();
    if !armed {
        ctx.schedule("s3", Elapsed(at), "threshold", encode(&(bucket, at)));
    }
    ctx.put::<Thresholds>(
        (bucket, at, id.1.as_str(), id.2.as_str(), id.3.as_str()),
        &(),
    );
}

/// The fifteen minutes of some operations are over.
pub(super) fn due(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok((bucket, at)) = decode::<(String, u64)>(payload) else {
        return;
    };
    let over = ctx.all(Range::<Thresholds>::under((bucket.as_str(), at)));
    for (place, ()) in over {
        ctx.delete::<Thresholds>(&place);
        let (bucket, _, key, version_id, to) = place;
        let id = (bucket, key, version_id, to);
        let Some(mut row) = ctx.get::<Deliveries>(&id) else {
            continue;
        };
        let ended = matches!(row.stage, Stage::Failed { .. });
        // An operation that was owed anew has an end of its own.
        let another = (row.since + PROMISE).div_ceil(GRAIN) * GRAIN != at;
        if ended || another || row.missed || !row.tracked {
            continue;
        }
        row.missed = true;
        ctx.put::<Deliveries>(&id, &row);
        event(ctx, &id, &row, "OperationMissedThreshold", "");
    }
}

/// S3 sends an event (S3-083, S3-084).
pub(super) fn event(
    ctx: &mut Ctx<'_>,
    id: &DeliveryKey,
    row: &DeliveryRow,
    name: &str,
    reason: &str,
) {
    let number = ctx.get::<EventCounts>(id.0.as_str()).unwrap_or_default() + 1;
    ctx.put::<EventCounts>(id.0.as_str(), &number);
    let event = EventRow {
        name: format!("Replication:{name}"),
        at: ctx.now().0,
        key: id.1.clone(),
        version_id: id.2.clone(),
        to: id.3.clone(),
        rule: row.rule.clone(),
        operation: row.kind.operation().to_owned(),
        requested: row.requested,
        reason: reason.to_owned(),
    };
    ctx.put::<Events>((id.0.as_str(), number), &event);
    ctx.note(
        "s3_event",
        &[
            ("service", "s3"),
            ("name", &event.name),
            ("bucket", &id.0),
            ("key", &id.1),
            ("version_id", &id.2),
            ("to", &id.3),
            ("rule", &row.rule),
            ("reason", reason),
        ],
    );
}
