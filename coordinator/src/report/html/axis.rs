//! Time from left to right, with idle stretches shortened.
//!
//! A run waits an hour between two milliseconds in which everything happens. So a gap takes
//! room as it is long up to a limit that most gaps keep, and from there on as its logarithm.
//! Labels stand at moments and say the true time. All whole numbers: the same run is the same
//! picture everywhere.

use crate::clock::SimTime;

/// Bends in the axis at most; between them time is even.
const KNOTS: usize = 1_200;
/// Parts of a unit that a gap is counted in.
const UNIT: u64 = 1_000;
/// The least that two different moments are apart.
const LEAST: u64 = 40;

/// From moments to places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    /// Moments and their places, both rising.
    knots: Vec<(SimTime, u64)>,
}

impl Axis {
    /// An axis of this width over these moments.
    #[must_use]
    pub fn over(mut times: Vec<SimTime>, from: SimTime, to: SimTime, width: u64) -> Self {
        times.extend([from, to]);
        times.retain(|t| (from..=to).contains(t));
        times.sort_unstable();
        times.dedup();
        let step = times.len().div_ceil(KNOTS).max(1);
        let last = times.last().copied();
        let mut chosen: Vec<SimTime> = times.iter().copied().step_by(step).collect();
        if chosen.last().copied() != last {
            chosen.extend(last);
        }
        let gap = |pair: &[SimTime]| pair[1].since(pair[0]).0;
        let mut gaps: Vec<u64> = chosen.windows(2).map(gap).collect();
        let lengths = gaps.clone();
        gaps.sort_unstable();
        let usual = gaps
            .get(gaps.len().saturating_sub(1) * 3 / 4)
            .copied()
            .unwrap_or(1)
            .max(1_000);
        let mut sum = 0;
        let mut sums = vec![0];
        for length in lengths {
            sum += room(length, usual);
            sums.push(sum);
        }
        let place = |at: u64| at * width / sum.max(1);
        let knots = chosen
            .into_iter()
            .zip(sums.into_iter().map(place))
            .collect();
        Self { knots }
    }

    /// Where a moment is.
    #[must_use]
    pub fn place(&self, t: SimTime) -> u64 {
        let after = self.knots.partition_point(|(knot, _)| *knot <= t);
        let Some(before) = after.checked_sub(1) else {
            return self.knots.first().map_or(0, |(_, x)| *x);
        };
        let (from, x) = self.knots[before];
        match self.knots.get(after) {
            Some((to, end)) => {
                let part = u128::from(t.since(from).0) * u128::from(end - x);
                let whole = u128::from(to.since(from).0.max(1));
                x + u64::try_from(part / whole).unwrap_or_default()
            }
            None => x,
        }
    }

    /// Moments that are labelled, at least `apart` from each other.
    #[must_use]
    pub fn labels(&self, apart: u64) -> Vec<(SimTime, u64)> {
        let mut labels: Vec<(SimTime, u64)> = Vec::new();
        for knot in &self.knots {
            if labels.last().is_none_or(|last| knot.1 >= last.1 + apart) {
                labels.push(*knot);
            }
        }
        labels
    }

    /// The bends, for a viewer that draws by itself.
    #[must_use]
    pub fn knots(&self) -> &[(SimTime, u64)] {
        &self.knots
    }
}

/// The room that a gap takes.
fn room(gap: u64, usual: u64) -> u64 {
    let times = gap.saturating_mul(UNIT) / usual;
    if times <= UNIT {
        return times.max(LEAST);
    }
    // Between two powers of two the logarithm is taken as a straight line.
    let doublings = u64::from((times / UNIT).ilog2());
    let rest = times / (1 << doublings.min(60));
    doublings * UNIT + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_hour_is_shortened_and_order_is_kept() {
        let times: Vec<SimTime> = [0, 1, 2, 3, 3_600_000, 3_600_001]
            .map(|ms| SimTime(ms * 1_000))
            .to_vec();
        let axis = Axis::over(times.clone(), times[0], times[5], 1_000);
        let places: Vec<u64> = times.iter().map(|t| axis.place(*t)).collect();
        assert!(
            places.windows(2).all(|pair| pair[0] < pair[1]),
            "{places:?}"
        );
        assert_eq!((places[0], places[5]), (0, 1_000));
        assert!(
            places[4] - places[3] < 900,
            "the hour does not take it all: {places:?}"
        );
        let middle = axis.place(SimTime(1_800_000_000));
        assert!(places[3] < middle && middle < places[4]);
    }

    #[test]
    fn a_run_without_a_moment_has_an_axis() {
        let axis = Axis::over(Vec::new(), SimTime(5), SimTime(5), 1_000);
        assert_eq!(axis.place(SimTime(9)), 0);
        assert_eq!(axis.labels(50).len(), 1);
    }

    #[test]
    fn many_moments_have_few_bends() {
        let times: Vec<SimTime> = (0..100_000).map(SimTime).collect();
        let axis = Axis::over(times, SimTime(0), SimTime(99_999), 1_000);
        assert!(axis.knots().len() <= KNOTS + 1);
        assert_eq!(axis.place(SimTime(99_999)), 1_000);
    }
}
