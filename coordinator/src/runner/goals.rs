//! Goals: bounds on what was measured, from the journal alone.
//!
//! Only what happened after set-up counts. A goal without samples, or with fewer than it
//! asks for, is unknown.

use serde_json::Value;

use super::problem;
use crate::clock::Span;
use crate::journal::Event;
use crate::journal::event::{GoalVerdict, Judgement};
use crate::scenario::matchers::{Judge, Matcher, Test, Unmet, matches};
use crate::scenario::plan::Goal;
use crate::scenario::quantity::comparable;
use crate::scenario::template::{Bindings, Nameless, Template, as_text};
use crate::scenario::vocabulary::metrics::Unit;

use super::measure::{self, Sample};

/// Judges a goal over a run's events. `key` turns a world name into a key's id.
#[must_use]
pub fn judge(goal: &Goal, events: &[Event], key: &dyn Fn(&str) -> String) -> Vec<GoalVerdict> {
    judge_samples(goal, &samples(goal, events, key))
}

/// What a goal bounds, from a run's events, in order of size: microseconds, parts per
/// million or counts.
#[must_use]
pub fn samples(goal: &Goal, events: &[Event], key: &dyn Fn(&str) -> String) -> Vec<i64> {
    let mut samples = measure::measure(goal, events, key);
    samples.sort_unstable();
    samples
}

/// Judges a goal over samples in order of size, of one run or of many.
#[must_use]
pub fn judge_samples(goal: &Goal, samples: &[i64]) -> Vec<GoalVerdict> {
    let bindings = Bindings::default();
    let judge = Judge {
        bindings: &bindings,
        names: &Nameless,
    };
    let count = Value::from(samples.len());
    let enough = !samples.is_empty()
        && goal
            .samples
            .as_ref()
            .is_none_or(|wanted| matches(wanted, Some(&count), judge).is_ok());
    goal.bounds
        .iter()
        .map(|(statistic, bound)| {
            let measured = self::statistic(statistic, samples, goal.metric.unit);
            let shown = measured.map(|value| in_unit(value, goal.metric.unit));
            let value = measured.map(Value::from);
            let met = match (&bound.test, measured) {
                // A bare value is a quantity: 0% is not the text of it.
                (Test::Equals(wanted), Some(measured)) if same(wanted, measured) => Ok(()),
                _ => matches(bound, value.as_ref(), judge),
            };
            let judgement = match (enough, &met) {
                (false, _) => Judgement::Unknown,
                (true, Ok(())) => Judgement::Pass,
                (true, Err(Unmet::Mismatch(_))) => Judgement::Fail,
                (true, Err(Unmet::Evaluate(_))) => Judgement::Error,
            };
            let name = match *statistic {
                "value" => goal.metric.name.to_owned(),
                other => format!("{other} of {}", goal.metric.name),
            };
            let wanted = wanted(bound, goal.metric.unit);
            let problem = (judgement == Judgement::Fail).then(|| {
                let got = shown.clone().unwrap_or_default();
                problem::goal(&name, bound.span, &wanted, &got, samples.len())
            });
            GoalVerdict {
                goal: name,
                wanted,
                measured: shown.unwrap_or_default(),
                samples: samples.len() as u64,
                judgement,
                problem,
            }
        })
        .collect()
}

/// Whether a written quantity is that number of its unit.
fn same(wanted: &Template, measured: Sample) -> bool {
    let measured = Value::from(measured);
    let written = wanted.written().and_then(|value| comparable(&value));
    written.is_some() && written == comparable(&measured)
}

/// A statistic of sorted samples.
fn statistic(name: &str, samples: &[Sample], unit: Unit) -> Option<Sample> {
    let mean = || {
        let sum: i128 = samples.iter().map(|sample| i128::from(*sample)).sum();
        let count = i128::try_from(samples.len())
            .ok()
            .filter(|count| *count > 0)?;
        i64::try_from(sum / count).ok()
    };
    let percentile = |percent: usize| {
        let rank = (samples.len() * percent).div_ceil(100).max(1);
        samples.get(rank - 1).copied()
    };
    match (name, unit) {
        ("min", _) => samples.first().copied(),
        ("max", _) | ("value", Unit::Count) => samples.last().copied(),
        ("p50", _) => percentile(50),
        ("p90", _) => percentile(90),
        ("p95", _) => percentile(95),
        ("p99", _) => percentile(99),
        _ => mean(),
    }
}

fn in_unit(value: Sample, unit: Unit) -> String {
    match unit {
        Unit::Time => Span(value.unsigned_abs()).to_string(),
        Unit::Share => {
            let text = format!("{}.{:04}", value / 10_000, value % 10_000);
            format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
        }
        Unit::Count => value.to_string(),
    }
}

/// A bound as a person writes it.
fn wanted(bound: &Matcher, unit: Unit) -> String {
    let value = |template: &Template| {
        template.written().map_or_else(String::new, |value| {
            value
                .as_i64()
                .map_or_else(|| as_text(&value), |value| in_unit(value, unit))
        })
    };
    match &bound.test {
        Test::AtLeast(least) => format!("at_least {}", value(least)),
        Test::AtMost(most) => format!("at_most {}", value(most)),
        Test::Equals(wanted) => value(wanted),
        _ => bound.in_words(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let samples: Vec<i64> = (1..=100).collect();
        for (name, wanted) in [
            ("min", 1),
            ("p50", 50),
            ("p99", 99),
            ("max", 100),
            ("mean", 50),
        ] {
            assert_eq!(
                statistic(name, &samples, Unit::Time),
                Some(wanted),
                "{name}"
            );
        }
        assert_eq!(statistic("p99", &[7], Unit::Time), Some(7));
        assert_eq!(statistic("p99", &[], Unit::Time), None);
    }

    #[test]
    fn shares_are_percent() {
        assert_eq!(in_unit(1_000_000, Unit::Share), "100%");
        assert_eq!(in_unit(995_000, Unit::Share), "99.5%");
        assert_eq!(in_unit(0, Unit::Share), "0%");
    }
}
