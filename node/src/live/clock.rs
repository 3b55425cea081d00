//! The two times of a live node.
//!
//! `elapsed` counts microseconds since 1970 as the system's clock had it when the process
//! started, and from then on by the monotonic clock. So it goes on while a node is down (a
//! deletion window does not wait for it), compares between nodes as well as their clocks do,
//! and never goes back: a store that has seen a later moment wins over a clock that was set
//! back. `wall` is the system's clock, plus what a fault skews it by.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use faultline_proto::names::{Elapsed, Timestamp};

/// A live node's clock. Clones share the skew.
#[derive(Debug, Clone)]
pub struct LiveClock {
    source: Source,
    skew: Arc<AtomicI64>,
}

/// Where time comes from.
#[derive(Debug, Clone)]
enum Source {
    /// The system: a monotonic clock that began at `base`, and the calendar.
    System { started: Instant, base: u64 },
    /// A test: microseconds since 1970, for both times.
    #[cfg(test)]
    Fixed(Arc<std::sync::atomic::AtomicU64>),
}

impl LiveClock {
    /// A clock that starts now, after everything that a store has seen.
    #[must_use]
    pub fn start(seen: Elapsed) -> Self {
        let now = u64::try_from(micros_since_1970()).unwrap_or(0);
        Self {
            source: Source::System {
                started: Instant::now(),
                base: now.max(seen.0.saturating_add(1)),
            },
            skew: Arc::default(),
        }
    }

    /// A clock that shows what it is told.
    #[cfg(test)]
    pub(crate) fn fixed(now: Arc<std::sync::atomic::AtomicU64>) -> Self {
        Self {
            source: Source::Fixed(now),
            skew: Arc::default(),
        }
    }

    /// Monotone, unskewed time.
    #[must_use]
    pub fn elapsed(&self) -> Elapsed {
        match &self.source {
            Source::System { started, base } => {
                let since = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
                Elapsed(base.saturating_add(since))
            }
            #[cfg(test)]
            Source::Fixed(now) => Elapsed(now.load(Ordering::Relaxed)),
        }
    }

    /// What this node's clock shows.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        let now = match &self.source {
            Source::System { .. } => micros_since_1970(),
            #[cfg(test)]
            Source::Fixed(now) => i64::try_from(now.load(Ordering::Relaxed)).unwrap_or(i64::MAX),
        };
        Timestamp(now.saturating_add(self.skew()))
    }

    /// How long until `moment`; zero when it has passed.
    #[must_use]
    pub fn until(&self, moment: Elapsed) -> Duration {
        Duration::from_micros(moment.0.saturating_sub(self.elapsed().0))
    }

    /// Microseconds that the wall clock is wrong by.
    #[must_use]
    pub fn skew(&self) -> i64 {
        self.skew.load(Ordering::Relaxed)
    }

    /// Makes the wall clock wrong by so many microseconds.
    pub fn set_skew(&self, micros: i64) {
        self.skew.store(micros, Ordering::Relaxed);
    }
}

fn micros_since_1970() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elapsed_never_goes_back_behind_what_a_store_has_seen() {
        let far = Elapsed(u64::MAX / 2);
        let clock = LiveClock::start(far);
        let first = clock.elapsed();
        assert!(first > far);
        assert!(clock.elapsed() >= first);
    }

    #[test]
    fn a_skew_moves_the_wall_and_nothing_else() {
        let clock = LiveClock::start(Elapsed(0));
        let (wall, elapsed) = (clock.wall(), clock.elapsed());
        clock.set_skew(-3_600_000_000);
        assert!(clock.wall().0 < wall.0 - 3_500_000_000);
        assert!(clock.elapsed() >= elapsed);
        assert_eq!(clock.until(Elapsed(0)), Duration::ZERO);
    }
}
