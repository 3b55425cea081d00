//! What time brings: durable timers.
//!
//! Rotation, deletion windows, retries and expiry happen without a call. A service schedules
//! them as rows ordered by their moment, so the earliest is one look-up away, a crash loses
//! none, and the reply's `wake` says when a Tick is wanted. A timer is never cancelled: the
//! service checks its state when the timer comes.

use faultline_proto::names::Elapsed;
use serde::{Deserialize, Serialize};

use crate::context::Ctx;
use crate::keyspaces::Timers;
use crate::store::Range;
use crate::{pipeline, services};

/// A stored timer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimerRow {
    /// Service prefix, or `core`.
    pub service: String,
    /// The service's word for it.
    pub kind: String,
    /// The service's own bytes.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
    /// Trace context of what set it: the work it brings belongs to the same trace.
    pub traceparent: String,
}

impl Ctx<'_> {
    /// Calls the service's `due` at `at` (or in the next step, when that is past).
    pub fn schedule(&mut self, service: &str, at: Elapsed, kind: &str, payload: Vec<u8>) {
        let row = TimerRow {
            service: service.to_owned(),
            kind: kind.to_owned(),
            payload,
            traceparent: self.traceparent.clone(),
        };
        let key = (at.0, self.step, self.timer_ordinal);
        self.timer_ordinal += 1;
        self.put_kept::<Timers>(&key, &row);
    }
}

/// Reads a timer of version 1, which knew no trace.
pub(crate) fn older(version: u8, body: &[u8]) -> Option<TimerRow> {
    let (service, kind, payload) = match version {
        1 => postcard::from_bytes(body).ok()?,
        _ => return None,
    };
    Some(TimerRow {
        service,
        kind,
        payload,
        traceparent: String::new(),
    })
}

/// Runs every timer whose moment has come, earliest first; what is left when the step has enough
/// to send waits for the next one, which [`next_wake`] asks for at once.
pub(crate) fn run_due(ctx: &mut Ctx<'_>) {
    // What else the step brings is of its own trace again.
    let own = ctx.traceparent.clone();
    run_each(ctx);
    ctx.traceparent = own;
}

fn run_each(ctx: &mut Ctx<'_>) {
    loop {
        let Some((key, row)) = ctx.first(Range::<Timers>::all()) else {
            return;
        };
        if key.0 > ctx.elapsed().0 || ctx.damage.is_some() || ctx.effects.are_enough() {
            return;
        }
        ctx.delete::<Timers>(&key);
        ctx.traceparent.clone_from(&row.traceparent);
        pipeline::in_background(ctx, |ctx| {
            services::due(ctx, &row.service, &row.kind, &row.payload)
        });
    }
}

/// When the next timer comes.
pub(crate) fn next_wake(ctx: &mut Ctx<'_>) -> Option<Elapsed> {
    let (at, _, _) = ctx.first(Range::<Timers>::all())?.0;
    Some(Elapsed(at).max(ctx.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_of_version_1_is_one_without_a_trace() {
        let body = postcard::to_stdvec(&("s3", "replicate", vec![7_u8])).unwrap();
        let row = older(1, &body).unwrap();
        assert_eq!(
            (row.kind.as_str(), row.payload.as_slice()),
            ("replicate", &[7][..])
        );
        assert!(row.traceparent.is_empty());
        assert_eq!(older(9, &body), None);
    }
}
