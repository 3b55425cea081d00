//! Lanes: the traffic from one bucket to another, each with its own queue and its own credit.
//!
//! ```text
//!   owed --> queue by moment --(at most SLOTS transfers)--> under way --> settled
//!              ^                                              |
//!              +---------- what will pass: again later -------+
//! ```
//!
//! A lane whose destination is dead has its few transfers out and goes on asking nothing else, so
//! a backlog costs its rows and no time; other lanes do not notice. When an answer comes, the next
//! ones leave, many small objects in one message.

use faultline_proto::names::Elapsed;
use faultline_proto::s3;

use super::rows::{Deliveries, DeliveryKey, DeliveryRow, LaneRow, Lanes, Queue, Stage};
use super::{rtc, select, transfer};
use crate::context::{Ctx, decode, encode};
use crate::services::s3::buckets;
use crate::store::Range;

/// Transfers under way on one lane.
const SLOTS: u32 = 8;
/// Objects in one transfer.
const TOGETHER: usize = 64;
/// Bytes in one transfer of small objects.
const TOGETHER_BYTES: u64 = 128 << 10;
/// Pause before something temporary is tried again, microseconds.
const AGAIN: u64 = 5_000_000;
/// A destination that has not answered for so long is called silent, microseconds.
pub(super) const SILENT: u64 = 30_000_000;

/// One delivery with its key.
pub(super) type Owed = (DeliveryKey, DeliveryRow);

/// Sees to it that the lane wakes when its first delivery is due.
pub(super) fn arm(ctx: &mut Ctx<'_>, bucket: &str, to: &str) {
    let lane = ctx.get::<Lanes>((bucket, to)).unwrap_or_default();
    if lane.under_way >= SLOTS {
        // The next answer sees to it.
        return;
    }
    if let Some(((_, _, at, _, _), ())) = ctx.first(Range::<Queue>::under((bucket, to))) {
        wake_at(ctx, bucket, to, lane, at);
    }
}

fn wake_at(ctx: &mut Ctx<'_>, bucket: &str, to: &str, mut lane: LaneRow, at: u64) {
    let at = at.max(ctx.elapsed().0);
    if lane.wake != 0 && lane.wake <= at {
        return;
    }
    lane.wake = at;
    ctx.put::<Lanes>((bucket, to), &lane);
    ctx.schedule("s3", Elapsed(at), "lane", encode(&(bucket, to, at)));
}

/// The timer of a lane has come.
pub(super) fn due(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok((bucket, to, at)) = decode::<(String, String, u64)>(payload) else {
        return;
    };
    let Some(mut lane) = ctx.get::<Lanes>((bucket.as_str(), to.as_str())) else {
        return;
    };
    // A timer that another one overtook.
    if lane.wake != at {
        return;
    }
    lane.wake = 0;
    ctx.put::<Lanes>((bucket.as_str(), to.as_str()), &lane);
    pump(ctx, &bucket, &to);
}

/// Sends what is due, as far as the lane's credit and the step's room go.
pub(super) fn pump(ctx: &mut Ctx<'_>, bucket: &str, to: &str) {
    let region = buckets::region_of(ctx, to);
    if let Some(region) = &region
        && (ctx.is_paused(region, "s3") || ctx.is_paused(region, &format!("s3/{bucket}")))
    {
        return hold(ctx, bucket, to);
    }
    release(ctx, bucket, to);
    let mut sender = transfer::Sender::new(bucket, to, region);
    loop {
        let lane = ctx.get::<Lanes>((bucket, to)).unwrap_or_default();
        if lane.under_way >= SLOTS || ctx.effects.are_enough() {
            break;
        }
        let batch = gather(ctx, bucket, to);
        if batch.is_empty() {
            break;
        }
        sender.send(ctx, batch);
    }
    caught_up(ctx, bucket, to);
    arm(ctx, bucket, to);
}

/// A fault holds the lane back: it looks again later.
fn hold(ctx: &mut Ctx<'_>, bucket: &str, to: &str) {
    let mut lane = ctx.get::<Lanes>((bucket, to)).unwrap_or_default();
    if lane.held == 0 {
        lane.held = ctx.elapsed().0;
    }
    let at = ctx.elapsed().plus_micros(AGAIN).0;
    wake_at(ctx, bucket, to, lane, at);
}

fn release(ctx: &mut Ctx<'_>, bucket: &str, to: &str) {
    let Some(mut lane) = ctx.get::<Lanes>((bucket, to)) else {
        return;
    };
    if lane.held != 0 {
        let held = std::mem::take(&mut lane.held);
        recover(ctx, &mut lane, held);
        ctx.put::<Lanes>((bucket, to), &lane);
    }
}

/// The lane was silent since `from` and moves again.
fn recover(ctx: &Ctx<'_>, lane: &mut LaneRow, from: u64) {
    if lane.recovering == 0 {
        lane.recovering = ctx.elapsed().0.max(1);
        lane.silence = ctx.elapsed().0.saturating_sub(from);
        lane.recovered = 0;
    }
}

/// Deliveries that are due, out of the queue: many small ones, or one that needs several chunks.
fn gather(ctx: &mut Ctx<'_>, bucket: &str, to: &str) -> Vec<Owed> {
    let now = ctx.elapsed().0;
    let mut batch: Vec<Owed> = Vec::new();
    let mut bytes = 0;
    for (place, ()) in ctx.page(Range::<Queue>::under((bucket, to)), TOGETHER) {
        if place.2 > now {
            break;
        }
        let id = (
            bucket.to_owned(),
            place.3.clone(),
            place.4.clone(),
            to.to_owned(),
        );
        let row = ctx.get::<Deliveries>(&id);
        let Some(row) = row.filter(|row| row.stage == Stage::Queued(place.2)) else {
            ctx.delete::<Queue>(&place);
            continue;
        };
        let alone = row.chunks > 1;
        if !batch.is_empty() && (alone || bytes + row.bytes > TOGETHER_BYTES) {
            break;
        }
        bytes += row.bytes;
        ctx.delete::<Queue>(&place);
        batch.push((id, row));
        if alone {
            break;
        }
    }
    batch
}

/// Puts a delivery back: what it met will pass.
pub(super) fn later(ctx: &mut Ctx<'_>, id: &DeliveryKey, mut row: DeliveryRow, met: String) {
    let at = ctx.elapsed().plus_micros(AGAIN).0;
    row.met = met;
    queue(ctx, id, row, at);
}

/// Queues a delivery for a moment; the caller arms the lane.
pub(super) fn queue(ctx: &mut Ctx<'_>, id: &DeliveryKey, mut row: DeliveryRow, at: u64) {
    row.stage = Stage::Queued(at);
    ctx.put::<Deliveries>(id, &row);
    ctx.put::<Queue>(
        (
            id.0.as_str(),
            id.3.as_str(),
            at,
            id.1.as_str(),
            id.2.as_str(),
        ),
        &(),
    );
}

/// A transfer has left.
pub(super) fn left(ctx: &mut Ctx<'_>, bucket: &str, to: &str) {
    let mut lane = ctx.get::<Lanes>((bucket, to)).unwrap_or_default();
    lane.under_way += 1;
    lane.sent = ctx.elapsed().0;
    ctx.put::<Lanes>((bucket, to), &lane);
}

/// The destination has answered something that was sent at `sent`; `ended` says how many
/// deliveries of a transfer that is over arrived.
pub(super) fn heard(ctx: &mut Ctx<'_>, bucket: &str, to: &str, sent: u64, ended: Option<u64>) {
    let mut lane = ctx.get::<Lanes>((bucket, to)).unwrap_or_default();
    let now = ctx.elapsed().0;
    let from = sent.max(lane.heard);
    if now.saturating_sub(from) > SILENT {
        recover(ctx, &mut lane, from);
    }
    lane.heard = now;
    if let Some(arrived) = ended {
        lane.under_way = lane.under_way.saturating_sub(1);
        lane.delivered += arrived;
        if lane.recovering != 0 {
            lane.recovered += arrived;
        }
    }
    ctx.put::<Lanes>((bucket, to), &lane);
}

/// Whether a lane that was silent owes nothing any more.
fn caught_up(ctx: &mut Ctx<'_>, bucket: &str, to: &str) {
    let Some(mut lane) = ctx.get::<Lanes>((bucket, to)) else {
        return;
    };
    if lane.recovering == 0 || lane.under_way > 0 {
        return;
    }
    let first = ctx.first(Range::<Queue>::under((bucket, to)));
    if first.is_some_and(|((_, _, at, _, _), ())| at <= ctx.elapsed().0) {
        return;
    }
    lane.caught_up_in = ctx.elapsed().0.saturating_sub(lane.recovering);
    lane.recovering = 0;
    ctx.put::<Lanes>((bucket, to), &lane);
    let (took, silence, objects) = (
        lane.caught_up_in.to_string(),
        lane.silence.to_string(),
        lane.recovered.to_string(),
    );
    ctx.note(
        "replication_caught_up",
        &[
            ("service", "s3"),
            ("bucket", bucket),
            ("to", to),
            ("silent_us", &silence),
            ("took_us", &took),
            ("operations", &objects),
        ],
    );
}

/// A bucket has another configuration, or none: what was parked looks again, and what its rules
/// no longer watch is told (S3-085).
pub(super) fn reconfigured(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    config: Option<&s3::ReplicationConfiguration>,
) {
    let now = ctx.elapsed().0;
    let mut lanes = std::collections::BTreeSet::new();
    for (id, mut row) in ctx.all(Range::<Deliveries>::under((bucket,))) {
        if matches!(row.stage, Stage::Failed { .. }) {
            continue;
        }
        let rule = config.and_then(|config| select::rule_of(config, &row.rule, &id.3));
        if row.tracked && !rule.is_some_and(select::is_tracked) {
            row.tracked = false;
            ctx.put::<Deliveries>(&id, &row);
            rtc::event(ctx, &id, &row, "OperationNotTracked", "");
        }
        if row.stage == Stage::Parked {
            lanes.insert(id.3.clone());
            queue(ctx, &id, row, now);
        }
    }
    for to in lanes {
        arm(ctx, bucket, &to);
    }
}
