//! A delay that chance makes: most are near the median, and a few much longer.

/// A distribution of delays, close to a lognormal one and made of integers alone, so that it is
/// the same on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Half of the delays are shorter, microseconds.
    pub median: u64,
    /// Of a hundred one is longer, microseconds; at least the median.
    pub p99: u64,
}

/// Parts into which chance falls.
pub const PARTS: u64 = 10_000;

impl Lag {
    /// The delay below which `part` of [`PARTS`] lie, microseconds.
    ///
    /// In a lognormal distribution the logarithm grows evenly with the normal quantile. With g the
    /// geometric mean of median and p99: 1 % lie below median^2/p99, 12.2 % below median^2/g,
    /// 50 % below the median, 87.8 % below g, 99 % below p99 and all but 2 of 10,000 below p99^2/g.
    /// Between them it is a straight line.
    #[must_use]
    pub fn at(self, part: u64) -> u64 {
        let median = u128::from(self.median.max(1));
        let p99 = u128::from(self.p99).max(median);
        let middle = (median * p99).isqrt();
        let knots = [
            (0, median * median / p99),
            (1_220, median * median / middle),
            (5_000, median),
            (8_780, middle),
            (9_900, p99),
            (PARTS, p99 * p99 / middle),
        ];
        let part = u128::from(part.min(PARTS));
        let after = knots.iter().position(|(at, _)| u128::from(*at) >= part);
        let after = after.unwrap_or_default().max(1);
        let ((from, low), (to, high)) = (knots[after - 1], knots[after]);
        let (from, to) = (u128::from(from), u128::from(to));
        let lag = low + (high - low) * (part - from) / (to - from);
        u64::try_from(lag).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_lie_below_the_median_and_one_of_a_hundred_above_p99() {
        let lag = Lag {
            median: 400_000,
            p99: 2_500_000,
        };
        assert_eq!(lag.at(5_000), 400_000);
        assert_eq!(lag.at(9_900), 2_500_000);
        assert_eq!(lag.at(0), 64_000);
        assert_eq!(lag.at(8_780), 1_000_000);
        assert_eq!(lag.at(PARTS), 6_250_000);
        let all: Vec<u64> = (0..=PARTS).map(|part| lag.at(part)).collect();
        assert!(all.is_sorted());
    }

    #[test]
    fn a_lag_without_a_tail_is_always_the_same() {
        for (median, p99) in [(7, 0), (7, 7)] {
            let lag = Lag { median, p99 };
            assert_eq!((lag.at(0), lag.at(PARTS)), (7, 7));
        }
        let huge = Lag {
            median: u64::MAX,
            p99: u64::MAX,
        };
        assert_eq!(huge.at(1), u64::MAX);
    }
}
