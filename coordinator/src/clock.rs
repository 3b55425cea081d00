//! Virtual time, and the clocks of Regions, which may be wrong.
//!
//! [`SimTime`] is the simulator's own time: it starts at zero, only the event queue moves
//! it, and nobody can skew it. A Region never sees it except as `elapsed`; what a Region
//! calls "now" is a [`Timestamp`], and only a [`Clock`] turns the one into the other.
//! The base of all clocks is fixed, so a run of today and one of next year are the same.

use std::fmt;
use std::ops::Add;

use faultline_proto::names::{Elapsed, Timestamp};
use serde::{Deserialize, Serialize};

/// 2026-01-01T00:00:00Z in microseconds since 1970: when every run begins.
pub const BASE_WALL: i64 = 1_767_225_600_000_000;

/// A length of virtual time in microseconds.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Span(pub u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// So many microseconds.
    #[must_use]
    pub const fn micros(micros: u64) -> Self {
        Self(micros)
    }
    /// So many milliseconds.
    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }
    /// So many seconds.
    #[must_use]
    pub const fn secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }
    /// This span `times` times.
    #[must_use]
    pub const fn times(self, times: u64) -> Self {
        Self(self.0.saturating_mul(times))
    }
    /// Both spans one after the other.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
    /// What is left of this span after `other`, at least nothing.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl From<std::time::Duration> for Span {
    fn from(duration: std::time::Duration) -> Self {
        Self(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Span {
    /// As people write it: `400ms`, `3s`, `1.5s`, `15m`, `2h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0;
        for (unit, size) in [
            ("d", 86_400_000_000),
            ("h", 3_600_000_000),
            ("m", 60_000_000),
        ] {
            if micros >= size && micros.is_multiple_of(size) {
                return write!(f, "{}{unit}", micros / size);
            }
        }
        match micros {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{micros}us"),
            1_000..1_000_000 => decimal(f, micros, 1_000, "ms"),
            _ => decimal(f, micros, 1_000_000, "s"),
        }
    }
}

/// Writes `micros / unit` without trailing zeros and without floating point.
fn decimal(f: &mut fmt::Formatter<'_>, micros: u64, unit: u64, name: &str) -> fmt::Result {
    let (whole, mut rest) = (micros / unit, micros % unit);
    if rest == 0 {
        return write!(f, "{whole}{name}");
    }
    let mut width = if unit == 1_000 { 3 } else { 6 };
    while rest % 10 == 0 {
        rest /= 10;
        width -= 1;
    }
    write!(f, "{whole}.{rest:0width$}{name}")
}

/// A moment of virtual time: microseconds since the first Region started.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SimTime(pub u64);

impl SimTime {
    /// The beginning of the run.
    pub const ZERO: Self = Self(0);
    /// Later than every moment of a run.
    pub const NEVER: Self = Self(u64::MAX);

    /// Time since `earlier`; nothing when it is in fact later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
    /// The same moment as a Region is told it.
    #[must_use]
    pub const fn elapsed(self) -> Elapsed {
        Elapsed(self.0)
    }
}

impl Add<Span> for SimTime {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl fmt::Display for SimTime {
    /// Seconds with milliseconds: `41.200s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0 / 1_000;
        write!(f, "{}.{:03}s", millis / 1_000, millis % 1_000)
    }
}

/// How a Region's clock is wrong while a fault lasts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Skew {
    /// Microseconds ahead (or behind, when negative) for as long as the fault lasts.
    pub offset: i64,
    /// Microseconds gained (or lost) in each second of the fault.
    pub drift_ppm: i64,
    /// Microseconds that the clock leaps at the start; healing does not take them back.
    pub jump: i64,
}

/// One Region's clock: right, until a fault says otherwise.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    kept: i64,
    active: Vec<(u64, SimTime, Skew)>,
}

impl Clock {
    /// The fault numbered `fault` begins at `now`.
    pub fn begin(&mut self, fault: u64, now: SimTime, skew: Skew) {
        self.active.push((fault, now, skew));
    }

    /// The fault ends: offset and drift are gone (the clock is set right), a jump stays.
    pub fn heal(&mut self, fault: u64) {
        for (id, _, skew) in &self.active {
            if *id == fault {
                self.kept = self.kept.saturating_add(skew.jump);
            }
        }
        self.active.retain(|(id, ..)| *id != fault);
    }

    /// What this clock shows at `now`.
    #[must_use]
    pub fn wall(&self, now: SimTime) -> Timestamp {
        let mut wall = i128::from(BASE_WALL) + i128::from(now.0) + i128::from(self.kept);
        for (_, since, skew) in &self.active {
            let run = i128::from(now.since(*since).0);
            wall += i128::from(skew.offset) + i128::from(skew.jump);
            wall += run * i128::from(skew.drift_ppm) / 1_000_000;
        }
        Timestamp(i64::try_from(wall).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_print_as_people_write_them() {
        let cases = [
            (Span::ZERO, "0s"),
            (Span(17), "17us"),
            (Span(1_500), "1.5ms"),
            (Span::millis(400), "400ms"),
            (Span(1_000_250), "1.00025s"),
            (Span::secs(90), "90s"),
            (Span::secs(900), "15m"),
            (Span::secs(7_200), "2h"),
        ];
        for (span, text) in cases {
            assert_eq!(span.to_string(), text);
        }
    }

    #[test]
    fn the_base_is_new_year_2026() {
        // 56 years of 365 days and 14 leap days after 1970.
        assert_eq!(BASE_WALL, (56 * 365 + 14) * 86_400 * 1_000_000);
        assert_eq!(Clock::default().wall(SimTime(5)), Timestamp(BASE_WALL + 5));
    }

    #[test]
    fn offset_and_drift_end_with_the_fault_and_a_jump_stays() {
        let mut clock = Clock::default();
        let at = |clock: &Clock, t| clock.wall(SimTime(t)).0 - BASE_WALL;
        clock.begin(
            1,
            SimTime(1_000_000),
            Skew {
                offset: -100,
                drift_ppm: 50,
                jump: 7,
            },
        );
        assert_eq!(at(&clock, 1_000_000), 1_000_000 - 100 + 7);
        assert_eq!(
            at(&clock, 3_000_000),
            3_000_000 - 100 + 7 + 100,
            "two seconds at 50 us each"
        );
        clock.heal(1);
        assert_eq!(at(&clock, 3_000_000), 3_000_007);
    }

    #[test]
    fn two_skews_add_up() {
        let mut clock = Clock::default();
        clock.begin(
            1,
            SimTime::ZERO,
            Skew {
                offset: 10,
                ..Skew::default()
            },
        );
        clock.begin(
            2,
            SimTime::ZERO,
            Skew {
                offset: 5,
                ..Skew::default()
            },
        );
        assert_eq!(clock.wall(SimTime::ZERO).0, BASE_WALL + 15);
    }
}
