//! What only a simulator can see of replication: why each object did or did not arrive, what
//! waits for whom, the metrics and the events.

use serde_json::{Value, json};

use super::lane::SILENT;
use super::rows::{
    Configured, Deliveries, DeliveryRow, Events, LaneRow, Lanes, Queue, Stage, Tallies,
};
use super::select::{self, Seen};
use super::{replica, validate};
use crate::context::Ctx;
use crate::services::s3::keyspaces::{BucketRow, Buckets, Contents, Status, VersionRow, Versions};
use crate::services::s3::{buckets, versions};
use crate::store::Range;

/// Metrics begin so long after they were switched on, microseconds (S3-082).
const METRICS_AFTER: u64 = 15 * 60 * 1_000_000;

/// Answers `bucket_replication`, `replication_lanes`, `replication_metrics` and
/// `replication_events` of a source bucket.
pub(in crate::services::s3) fn answer(
    ctx: &mut Ctx<'_>,
    what: &str,
    bucket: &str,
    arguments: &Value,
) -> Option<Result<Value, String>> {
    if !matches!(
        what,
        "bucket_replication" | "replication_lanes" | "replication_metrics" | "replication_events"
    ) {
        return None;
    }
    let Some(row) = ctx.get::<Buckets>(bucket) else {
        return Some(Err(format!("bucket {bucket} is not in this Region")));
    };
    Some(Ok(match what {
        "bucket_replication" => objects(ctx, bucket, &row, arguments),
        "replication_lanes" => json!({ "lanes": lanes(ctx, bucket) }),
        "replication_metrics" => json!({ "metrics": metrics(ctx, bucket, &row) }),
        _ => json!({ "events": events(ctx, bucket) }),
    }))
}

/// Every version with its replication, one entry a destination.
fn objects(ctx: &mut Ctx<'_>, bucket: &str, row: &BucketRow, arguments: &Value) -> Value {
    let wanted = |name: &str| arguments.get(name).and_then(Value::as_str);
    let range = match wanted("object") {
        Some(key) => Range::<Versions>::under((bucket, key)),
        None => Range::<Versions>::under((bucket,)),
    };
    let lanes: Vec<(String, LaneRow)> = ctx
        .all(Range::<Lanes>::under((bucket,)))
        .into_iter()
        .map(|((_, to), lane)| (to, lane))
        .collect();
    let mut entries = Vec::new();
    for ((_, key, _), version) in ctx.all(range) {
        if wanted("version_id").is_some_and(|id| id != version.version_id) {
            continue;
        }
        if version.destinations.is_empty() {
            let why = without(ctx, bucket, row, &key, &version);
            entries.push(json!({
                "object": key,
                "version_id": version.version_id,
                "status": versions::replication_status(&version),
                "why": why,
            }));
        }
        for known in &version.destinations {
            let id = (
                bucket,
                key.as_str(),
                version.version_id.as_str(),
                known.bucket.as_str(),
            );
            let delivery = ctx.get::<Deliveries>(id);
            let lane = lanes.iter().find(|(to, _)| *to == known.bucket);
            entries.push(json!({
                "object": key,
                "version_id": version.version_id,
                "destination": known.bucket,
                "rule": known.rule,
                "status": word(&known.status),
                "failure_reason": reason(&known.status),
                "why": why(ctx, &known.status, delivery.as_ref(), lane.map(|(_, lane)| lane)),
                "attempts": delivery.as_ref().map(|row| row.attempts),
                "pending_seconds": pending(ctx, &known.status, delivery.as_ref()),
            }));
        }
    }
    let uncommitted = ctx
        .all(Range::<Contents>::all())
        .iter()
        .filter(|(_, row)| !row.committed)
        .count();
    json!({
        "objects": entries,
        "replicas_under_way": replica::under_way(ctx),
        "uncommitted_contents": uncommitted,
    })
}

fn word(status: &Status) -> &'static str {
    match status {
        Status::Pending => "PENDING",
        Status::Completed => "COMPLETED",
        Status::Failed(_) => "FAILED",
    }
}

fn reason(status: &Status) -> Option<&str> {
    match status {
        Status::Failed(reason) => Some(reason),
        Status::Pending | Status::Completed => None,
    }
}

fn pending(ctx: &Ctx<'_>, status: &Status, row: Option<&DeliveryRow>) -> Option<u64> {
    row.filter(|_| *status == Status::Pending)
        .map(|row| seconds(ctx.elapsed().0.saturating_sub(row.since)))
}

fn seconds(micros: u64) -> u64 {
    micros / 1_000_000
}

/// Why a version that no rule took is not replicated.
fn without(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    row: &BucketRow,
    key: &str,
    version: &VersionRow,
) -> String {
    if version.replica {
        return "it is a replica, and replicas are not sent on (S3-049)".to_owned();
    }
    let Some(config) = select::of(row) else {
        return "the bucket has no replication configuration".to_owned();
    };
    let since = ctx.get::<Configured>(bucket).map_or(0, |known| known.at);
    let seen = Seen {
        key,
        object: version.object.as_ref(),
    };
    let why = select::why_not(&config, seen);
    if version.modified < since {
        format!("it was written before the configuration (S3-051); {why}")
    } else {
        why
    }
}

/// Why a delivery is where it is.
fn why(
    ctx: &Ctx<'_>,
    status: &Status,
    row: Option<&DeliveryRow>,
    lane: Option<&LaneRow>,
) -> Option<String> {
    let row = row?;
    let now = ctx.elapsed().0;
    let lane = lane.cloned().unwrap_or_default();
    Some(match (&row.stage, status) {
        (Stage::Failed { why, .. }, Status::Failed(_)) => why.clone(),
        (Stage::Failed { .. }, _) => return None,
        (Stage::Parked, _) => format!("rule {} is off (S3-025)", row.rule),
        (Stage::UnderWay(at), _) => format!(
            "sent {} s ago, and {}",
            seconds(now.saturating_sub(*at)),
            mood(ctx, &lane)
        ),
        (Stage::Queued(_), _) if lane.held != 0 => {
            "a fault holds the replication of the bucket back".to_owned()
        }
        (Stage::Queued(at), _) if *at > now => match row.met.as_str() {
            "" => format!("its turn comes in {} s", seconds(at - now)),
            met => format!("tried again in {} s: {met}", seconds(at - now)),
        },
        (Stage::Queued(_), _) => format!(
            "it waits behind {} transfers, and {}",
            lane.under_way,
            mood(ctx, &lane)
        ),
    })
}

/// How the destination does: a slow one is told from a dead one.
fn mood(ctx: &Ctx<'_>, lane: &LaneRow) -> String {
    let quiet = ctx
        .elapsed()
        .0
        .saturating_sub(lane.heard.max(first_sent(lane)));
    match state(ctx, lane) {
        "silent" => format!(
            "the destination has been silent for {} s: it goes on by itself when it answers (S3-065)",
            seconds(quiet)
        ),
        _ => format!(
            "the destination answered {} s ago: it is slow, not dead",
            seconds(quiet)
        ),
    }
}

/// What never heard anything counts from its last sending.
fn first_sent(lane: &LaneRow) -> u64 {
    if lane.heard == 0 { lane.sent } else { 0 }
}

fn state(ctx: &Ctx<'_>, lane: &LaneRow) -> &'static str {
    let now = ctx.elapsed().0;
    if lane.held != 0 {
        return "held";
    }
    if lane.under_way == 0 {
        return "idle";
    }
    if now.saturating_sub(lane.heard.max(lane.sent)) > SILENT {
        "silent"
    } else {
        "moving"
    }
}

/// The lanes of a bucket: backlog, and how long the last catching up took.
fn lanes(ctx: &mut Ctx<'_>, bucket: &str) -> Vec<Value> {
    let rows = ctx.all(Range::<Lanes>::under((bucket,)));
    rows.into_iter()
        .map(|((_, to), lane)| {
            let waiting = ctx.all(Range::<Queue>::under((bucket, to.as_str()))).len();
            json!({
                "to": to,
                "region": buckets::region_of(ctx, &to).map(|region| region.to_string()),
                "state": state(ctx, &lane),
                "transfers_under_way": lane.under_way,
                "waiting": waiting,
                "delivered": lane.delivered,
                "catching_up": lane.recovering != 0,
                "silent_seconds": seconds(lane.silence),
                "caught_up_in_ms": lane.caught_up_in / 1000,
                "caught_up_with": lane.recovered,
            })
        })
        .collect()
}

/// The metrics of each rule under CloudWatch's names (S3-081).
fn metrics(ctx: &mut Ctx<'_>, bucket: &str, row: &BucketRow) -> Vec<Value> {
    let config = select::of(row).unwrap_or_default();
    let now = ctx.elapsed().0;
    let mut oldest = std::collections::BTreeMap::<String, u64>::new();
    for (_, delivery) in ctx.all(Range::<Deliveries>::under((bucket,))) {
        if !matches!(delivery.stage, Stage::Failed { .. }) {
            let since = oldest.entry(delivery.rule).or_insert(delivery.since);
            *since = delivery.since.min(*since);
        }
    }
    let configured = ctx.get::<Configured>(bucket).map_or(now, |row| row.elapsed);
    config
        .rules
        .iter()
        .map(|rule| {
            let tally = ctx.get::<Tallies>((bucket, rule.id())).unwrap_or_default();
            let to = select::destination(rule).unwrap_or_default();
            let old = oldest.get(rule.id()).map_or(0, |since| now - since);
            let is_on = select::is_tracked(rule);
            let is_old = now.saturating_sub(configured) >= METRICS_AFTER;
            let is_there = buckets::region_of(ctx, to).is_some();
            json!({
                "rule": rule.id(),
                "to": to,
                "schema": if validate::is_v2(rule) { "V2" } else { "V1" },
                "enabled": is_on,
                "published": is_on && is_old && is_there,
                "bytes_pending_replication": tally.pending_bytes,
                "operations_pending_replication": tally.pending,
                "replication_latency": seconds(old),
                "operations_failed_replication": tally.failed,
                "operations_completed": tally.completed,
                "failed_by_minute": tally.failed_by_minute,
            })
        })
        .collect()
}

/// The events of a bucket, oldest first (S3-084).
fn events(ctx: &mut Ctx<'_>, bucket: &str) -> Vec<Value> {
    let region = ctx.region().to_string();
    let rows = ctx.all(Range::<Events>::under((bucket,)));
    rows.into_iter()
        .map(|(_, event)| {
            json!({
                "event_version": "2.2",
                "event_source": "aws:s3",
                "aws_region": region,
                "event_time": event.at / 1000,
                "event_name": event.name,
                "user_identity": "s3.amazonaws.com",
                "source_ip_address": "s3.amazonaws.com",
                "bucket": bucket,
                "object": event.key,
                "version_id": event.version_id,
                "replication_rule_id": event.rule,
                "destination_bucket": format!("arn:aws:s3:::{}", event.to),
                "s3_operation": event.operation,
                "request_time": event.requested / 1000,
                "failure_reason": Some(event.reason).filter(|reason| !reason.is_empty()),
            })
        })
        .collect()
}
