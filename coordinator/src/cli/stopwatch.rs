//! The wall clock, for the one thing that it may say: how long a person waited.

use std::time::Duration;

/// Runs from when it is made.
#[derive(Debug)]
#[expect(
    clippy::disallowed_types,
    reason = "a person's time; nothing in a run depends on it"
)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts.
    #[must_use]
    #[expect(
        clippy::disallowed_types,
        reason = "a person's time; nothing in a run depends on it"
    )]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Time since its start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
