//! How deliveries end: status, counts, events, and what the journal is told.

use super::offer::Arrived;
use super::reasons::Why;
use super::rows::{Deliveries, DeliveryKey, DeliveryRow, Kind, Stage};
use super::{jobs, owe, rtc, tally};
use crate::context::Ctx;
use crate::services::s3::keyspaces::{Status, Versions};

/// It has arrived.
pub(super) fn arrived(ctx: &mut Ctx<'_>, id: &DeliveryKey, row: DeliveryRow, what: &Arrived) {
    mark(ctx, id, &row, &Status::Completed);
    tell(ctx, id, &row, "COMPLETED", "", &what.words());
    tally::settled(ctx, &id.0, &row, true);
    if row.missed {
        rtc::event(ctx, id, &row, "OperationReplicatedAfterThreshold", "");
    }
    if let Some(job) = &row.job {
        jobs::settled(ctx, job, true);
    }
    ctx.delete::<Deliveries>(id);
    if row.again {
        // It changed while it was on its way.
        owe::change(ctx, id, row.order, &row.rule);
    }
}

/// It is refused for good (S3-066).
pub(super) fn failed(ctx: &mut Ctx<'_>, id: &DeliveryKey, row: &DeliveryRow, why: Why) {
    mark(ctx, id, row, &Status::Failed(why.reason.clone()));
    tell(ctx, id, row, "FAILED", &why.reason, &why.words);
    tally::settled(ctx, &id.0, row, false);
    if row.tracked {
        rtc::event(ctx, id, row, "OperationFailedReplication", &why.reason);
    }
    if let Some(job) = &row.job {
        jobs::settled(ctx, job, false);
    }
    let mut row = row.clone();
    row.stage = Stage::Failed {
        reason: why.reason,
        why: why.words,
    };
    ctx.put::<Deliveries>(id, &row);
}

/// Writes the status of one destination, if the version is still there.
fn mark(ctx: &mut Ctx<'_>, id: &DeliveryKey, row: &DeliveryRow, status: &Status) {
    let key = (id.0.clone(), id.1.clone(), std::cmp::Reverse(row.order));
    let Some(mut version) = ctx
        .get::<Versions>(&key)
        .filter(|version| version.version_id == id.2)
    else {
        return;
    };
    let meant = version
        .destinations
        .iter_mut()
        .filter(|destination| destination.bucket == id.3);
    for destination in meant {
        destination.status = status.clone();
    }
    ctx.put::<Versions>(&key, &version);
}

fn tell(
    ctx: &mut Ctx<'_>,
    id: &DeliveryKey,
    row: &DeliveryRow,
    outcome: &str,
    reason: &str,
    why: &str,
) {
    let lag = ctx.elapsed().0.saturating_sub(row.since).to_string();
    let (attempts, bytes) = (row.attempts.to_string(), row.bytes.to_string());
    let fields = [
        ("service", "s3"),
        ("bucket", id.0.as_str()),
        ("key", id.1.as_str()),
        ("version_id", id.2.as_str()),
        ("to", id.3.as_str()),
        ("rule", row.rule.as_str()),
        ("operation", row.kind.operation()),
        ("outcome", outcome),
        ("reason", reason),
        ("why", why),
        ("attempts", &attempts),
        ("bytes", &bytes),
        ("lag_us", &lag),
        ("job", row.job.as_deref().unwrap_or_default()),
    ];
    let told = |field: &&(&str, &str)| !(field.1.is_empty() && matches!(field.0, "why" | "job"));
    let fields: Vec<(&str, &str)> = fields.iter().filter(told).copied().collect();
    ctx.note("replicated", &fields);
}

/// What is owed of a bucket that is gone, and what came to it, goes with it.
pub fn forget(ctx: &mut Ctx<'_>, bucket: &str) {
    use super::rows::{Configured, Lanes, Queue};
    use crate::store::Range;
    for (id, row) in ctx.all(Range::<Deliveries>::under((bucket,))) {
        if !matches!(row.stage, Stage::Failed { .. }) && row.kind != Kind::Change {
            let why = Why::plain("SrcBucketNotFound", "the bucket was deleted");
            tell(ctx, &id, &row, "FAILED", &why.reason, &why.words);
        }
        ctx.delete::<Deliveries>(&id);
    }
    for (place, ()) in ctx.all(Range::<Queue>::under((bucket,))) {
        ctx.delete::<Queue>(&place);
    }
    for (key, _) in ctx.all(Range::<Lanes>::under((bucket,))) {
        ctx.delete::<Lanes>(&key);
    }
    ctx.delete::<Configured>(bucket);
    super::replica::forget(ctx, bucket);
}
