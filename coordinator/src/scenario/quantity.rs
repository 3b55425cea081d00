//! Quantities as they are written: durations, shares, bandwidths, rates.
//!
//! Everything becomes an integer of one unit, so that no comparison and no schedule
//! depends on floating point.

use std::time::Duration;

/// A chance as a ratio of integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Chance {
    /// Times that it happens...
    pub numerator: u64,
    /// ...of so many.
    pub denominator: u64,
}

/// How many in which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rate {
    /// Events, in millionths.
    pub millionths: u64,
    /// The time, in microseconds.
    pub per_micros: u64,
}

/// Microseconds of `1m30s`, `-5m`, `400ms`.
#[must_use]
pub fn micros(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_i64;
    while !rest.is_empty() {
        let end = rest.find(|char: char| !char.is_ascii_digit() && char != '.')?;
        let (number, after) = rest.split_at(end);
        let end = after
            .find(|char: char| char.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let scale = match unit {
            "us" => 1,
            "ms" => 1_000,
            "s" => 1_000_000,
            "m" => 60_000_000,
            "h" => 3_600_000_000,
            "d" => 86_400_000_000,
            _ => return None,
        };
        total = total.checked_add(scaled(number, scale)?)?;
        rest = after;
    }
    Some(sign * total)
}

/// A duration that does not point backwards.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    micros(text)
        .and_then(|micros| u64::try_from(micros).ok())
        .map(Duration::from_micros)
}

/// A decimal number times a scale, without rounding errors; digits below one are cut.
fn scaled(number: &str, scale: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut value = whole.parse::<i64>().ok()?.checked_mul(scale)?;
    let mut unit = scale;
    for digit in fraction.chars() {
        unit /= 10;
        value = value.checked_add(unit.checked_mul(i64::from(digit.to_digit(10)?))?)?;
    }
    Some(value)
}

/// Parts per million of `99.9%` or `200ppm`.
#[must_use]
pub fn parts_per_million(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match (rest.strip_suffix('%'), rest.strip_suffix("ppm")) {
        (Some(number), _) => scaled(number, 10_000),
        (None, Some(number)) => scaled(number, 1),
        (None, None) => None,
    };
    value.map(|value| sign * value)
}

/// Bits per second of `1Gbit/s`.
#[must_use]
pub fn bits_per_second(text: &str) -> Option<u64> {
    let number = text.strip_suffix("bit/s")?;
    let (number, scale) = match number.as_bytes().last()? {
        b'k' => (&number[..number.len() - 1], 1_000),
        b'M' => (&number[..number.len() - 1], 1_000_000),
        b'G' => (&number[..number.len() - 1], 1_000_000_000),
        _ => (number, 1),
    };
    u64::try_from(scaled(number, scale)?).ok()
}

/// A chance of `1/10` or `10%`.
#[must_use]
pub fn chance(text: &str) -> Option<Chance> {
    if let Some((numerator, denominator)) = text.split_once('/') {
        let (numerator, denominator) = (numerator.parse().ok()?, denominator.parse().ok()?);
        return (numerator <= denominator && denominator > 0).then_some(Chance {
            numerator,
            denominator,
        });
    }
    let numerator = u64::try_from(parts_per_million(text)?).ok()?;
    (numerator <= 1_000_000).then_some(Chance {
        numerator,
        denominator: 1_000_000,
    })
}

/// A rate of `20/s`.
#[must_use]
pub fn rate(text: &str) -> Option<Rate> {
    let (number, unit) = text.split_once('/')?;
    let per_micros = match unit {
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        _ => return None,
    };
    Some(Rate {
        millionths: u64::try_from(scaled(number, 1_000_000)?).ok()?,
        per_micros,
    })
}

/// A number with or without a unit, to be compared: bare numbers take the unit of what
/// they are compared with (microseconds, parts per million, bits per second).
#[must_use]
pub fn comparable(value: &serde_json::Value) -> Option<f64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "quantities of runs are far below 2^52 of their unit"
    )]
    let exact = |number: i64| number as f64;
    match value {
        serde_json::Value::Number(number) => number.as_f64(),
        serde_json::Value::String(text) => micros(text)
            .or_else(|| parts_per_million(text))
            .or_else(|| bits_per_second(text).and_then(|bits| i64::try_from(bits).ok()))
            .map(exact)
            .or_else(|| text.parse().ok()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact() {
        for (text, wanted) in [
            ("400ms", Some(400_000)),
            ("1m30s", Some(90_000_000)),
            ("0.5s", Some(500_000)),
            ("-5m", Some(-300_000_000)),
            ("15", None),
            ("s", None),
            ("", None),
            ("1.5.2s", None),
            ("99999999999999d", None),
        ] {
            assert_eq!(micros(text), wanted, "{text}");
        }
        assert_eq!(duration("-1s"), None);
    }

    #[test]
    fn shares_bandwidths_chances_and_rates() {
        assert_eq!(parts_per_million("99.9%"), Some(999_000));
        assert_eq!(parts_per_million("-200ppm"), Some(-200));
        assert_eq!(bits_per_second("1Gbit/s"), Some(1_000_000_000));
        assert_eq!(bits_per_second("0.5Mbit/s"), Some(500_000));
        assert_eq!(
            chance("1/10"),
            Some(Chance {
                numerator: 1,
                denominator: 10
            })
        );
        assert_eq!(
            chance("10%"),
            Some(Chance {
                numerator: 100_000,
                denominator: 1_000_000
            })
        );
        assert_eq!(chance("3/2"), None);
        assert_eq!(
            rate("0.5/s"),
            Some(Rate {
                millionths: 500_000,
                per_micros: 1_000_000
            })
        );
    }
}
