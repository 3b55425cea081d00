//! One direction of a link between two Regions: latency, jitter, bandwidth.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::{SimTime, Span};
use crate::seed::Draw;

/// Bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bandwidth(pub u64);

impl Bandwidth {
    /// So many times 10^9 bits per second.
    #[must_use]
    pub const fn gbit(gbit: u64) -> Self {
        Self(gbit.saturating_mul(1_000_000_000))
    }
    /// So many times 10^6 bits per second.
    #[must_use]
    pub const fn mbit(mbit: u64) -> Self {
        Self(mbit.saturating_mul(1_000_000))
    }

    /// How long `bytes` take to be put on the wire, rounded up; for ever without bandwidth.
    #[must_use]
    pub fn serialise(self, bytes: u64) -> Span {
        let micros = (u128::from(bytes) * 8_000_000)
            .checked_add(u128::from(self.0.saturating_sub(1)))
            .and_then(|bits| bits.checked_div(u128::from(self.0)));
        Span(
            micros
                .and_then(|micros| u64::try_from(micros).ok())
                .unwrap_or(u64::MAX),
        )
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, size) in [
            ("Gbit", 1_000_000_000),
            ("Mbit", 1_000_000),
            ("kbit", 1_000),
        ] {
            if self.0 >= size && self.0.is_multiple_of(size) {
                return write!(f, "{}{unit}/s", self.0 / size);
            }
        }
        write!(f, "{}bit/s", self.0)
    }
}

/// What one direction of a link is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// One way, for the first bit.
    pub latency: Span,
    /// Most that chance adds to the latency.
    pub jitter: Span,
    /// What fits through in a second.
    pub bandwidth: Bandwidth,
}

/// What a message sent now meets on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passage {
    /// When its last bit has left: the next message begins then.
    pub departs: SimTime,
    /// When its last bit is there.
    pub arrives: SimTime,
}

impl Link {
    /// Sends `bytes` at `now` over a link that is busy until `busy`.
    #[must_use]
    pub fn pass(&self, now: SimTime, busy: SimTime, bytes: u64, chance: Draw) -> Passage {
        let departs = now.max(busy) + self.bandwidth.serialise(bytes);
        let delay = chance.span(self.latency, self.latency.plus(self.jitter));
        Passage {
            departs,
            arrives: departs + delay,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::RunSeed;

    const QUIET: Link = Link {
        latency: Span::millis(40),
        jitter: Span::ZERO,
        bandwidth: Bandwidth::gbit(1),
    };

    fn draw(counter: u64) -> Draw {
        RunSeed(1).draw("test", counter)
    }

    #[test]
    fn bytes_take_their_time() {
        let cases = [
            (Bandwidth::gbit(1), 0, 0),
            (Bandwidth::gbit(1), 1, 1),
            (Bandwidth::gbit(1), 125, 1),
            (Bandwidth::gbit(1), 126, 2),
            (Bandwidth::mbit(10), 1_250_000, 1_000_000),
            (Bandwidth(0), 1, u64::MAX),
        ];
        for (bandwidth, bytes, micros) in cases {
            assert_eq!(
                bandwidth.serialise(bytes),
                Span(micros),
                "{bytes} bytes at {bandwidth}"
            );
        }
    }

    #[test]
    fn a_message_waits_for_the_one_before_it() {
        let first = QUIET.pass(SimTime::ZERO, SimTime::ZERO, 125_000, draw(0));
        assert_eq!(
            (first.departs, first.arrives),
            (SimTime(1_000), SimTime(41_000))
        );
        let second = QUIET.pass(SimTime::ZERO, first.departs, 125_000, draw(1));
        assert_eq!(second.arrives, SimTime(42_000));
    }

    #[test]
    fn jitter_stays_within_its_bounds() {
        let link = Link {
            jitter: Span::millis(10),
            ..QUIET
        };
        for counter in 0..500 {
            let arrives = link
                .pass(SimTime::ZERO, SimTime::ZERO, 0, draw(counter))
                .arrives;
            assert!(
                (SimTime(40_000)..=SimTime(50_000)).contains(&arrives),
                "{arrives}"
            );
        }
    }
}
