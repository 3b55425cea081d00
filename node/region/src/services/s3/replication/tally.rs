//! Counts of one rule: what CloudWatch shows of replication (S3-081).

use super::rows::{DeliveryRow, Tallies};
use crate::context::Ctx;

/// Minutes with failures that are kept.
const MINUTES: usize = 60;

/// Something became owed.
pub(super) fn owed(ctx: &mut Ctx<'_>, bucket: &str, row: &DeliveryRow) {
    let mut tally = ctx
        .get::<Tallies>((bucket, row.rule.as_str()))
        .unwrap_or_default();
    tally.pending += 1;
    tally.pending_bytes += row.bytes;
    ctx.put::<Tallies>((bucket, row.rule.as_str()), &tally);
}

/// It is owed no more.
pub(super) fn settled(ctx: &mut Ctx<'_>, bucket: &str, row: &DeliveryRow, is_completed: bool) {
    let mut tally = ctx
        .get::<Tallies>((bucket, row.rule.as_str()))
        .unwrap_or_default();
    tally.pending = tally.pending.saturating_sub(1);
    tally.pending_bytes = tally.pending_bytes.saturating_sub(row.bytes);
    if is_completed {
        tally.completed += 1;
    } else {
        tally.failed += 1;
        let minute = ctx.elapsed().0 / 60_000_000;
        match tally.failed_by_minute.last_mut() {
            Some((last, count)) if *last == minute => *count += 1,
            _ => tally.failed_by_minute.push((minute, 1)),
        }
        let over = tally.failed_by_minute.len().saturating_sub(MINUTES);
        tally.failed_by_minute.drain(..over);
    }
    ctx.put::<Tallies>((bucket, row.rule.as_str()), &tally);
}
