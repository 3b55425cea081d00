//! Milliseconds since 1970 to AWS's forms of time and back: seconds, and ISO 8601.

use serde_json::{Number, Value};

const DAY: i64 = 86_400_000;

/// Whole seconds as an integer, else with three decimals, as AWS's JSON does.
#[must_use]
pub fn to_seconds(millis: i64) -> Value {
    if millis % 1000 == 0 {
        return Value::Number(Number::from(millis / 1000));
    }
    Number::from_f64(millis as f64 / 1000.0).map_or(Value::Null, Value::Number)
}

/// Reads integer, decimal and exponent form.
#[must_use]
pub fn from_seconds(number: &Number) -> Option<i64> {
    if let Some(seconds) = number.as_i64() {
        return seconds.checked_mul(1000);
    }
    let millis = number.as_f64()? * 1000.0;
    (millis.abs() < 9.0e15).then_some(millis.round() as i64)
}

/// `2026-01-31T12:00:00Z`, with milliseconds when there are any.
#[must_use]
pub fn to_iso(millis: i64) -> String {
    let (day, rest) = (millis.div_euclid(DAY), millis.rem_euclid(DAY));
    let (year, month, date) = civil(day);
    let (hour, minute, second, part) = (
        rest / 3_600_000,
        rest / 60_000 % 60,
        rest / 1000 % 60,
        rest % 1000,
    );
    let fraction = if part == 0 {
        String::new()
    } else {
        format!(".{part:03}")
    };
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// As the trail writes a date (K-274): `Nov 18, 2020, 1:29:18 AM`.
#[must_use]
pub fn to_text(millis: i64) -> String {
    let (year, month, date) = civil(millis.div_euclid(DAY));
    let seconds = millis.rem_euclid(DAY) / 1000;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let half = if hour < 12 { "AM" } else { "PM" };
    let month = usize::try_from(month - 1).map_or("", |nth| MONTHS[nth % 12]);
    let hour = (hour + 11) % 12 + 1;
    format!("{month} {date}, {year}, {hour}:{minute:02}:{second:02} {half}")
}

/// Reads `2026-01-31T12:00:00Z`, with or without fraction, time, or an offset of zero.
#[must_use]
pub fn from_iso(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00Z"));
    let mut date = date.splitn(3, '-').map(digits);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let time = time
        .strip_suffix('Z')
        .or_else(|| time.strip_suffix("+00:00"))
        .unwrap_or(time);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut clock = clock.splitn(3, ':').map(digits);
    let (hour, minute, second) = (
        clock.next()??,
        clock.next()??,
        clock.next().unwrap_or(Some(0))?,
    );
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let millis = digits(&format!("{fraction:0<3}")[..3])?;
    Some(days(year, month, day) * DAY + ((hour * 60 + minute) * 60 + second) * 1000 + millis)
}

fn digits(text: &str) -> Option<i64> {
    let plain =
        !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

// Days and dates of the Gregorian calendar, counted from a year that begins in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_to_iso_and_back() {
        for millis in [
            0,
            951_782_400_000,
            1_716_400_000_123,
            -1,
            4_102_444_799_999,
            1_709_164_800_000,
        ] {
            assert_eq!(
                from_iso(&to_iso(millis)),
                Some(millis),
                "{}",
                to_iso(millis)
            );
        }
        assert_eq!(to_iso(1_716_400_000_123), "2024-05-22T17:46:40.123Z");
        assert_eq!(to_iso(1_709_164_800_000), "2024-02-29T00:00:00Z");
        assert_eq!(from_iso("2024-05-22"), Some(1_716_336_000_000));
        assert_eq!(from_iso("yesterday"), None);
    }

    #[test]
    fn seconds_are_whole_when_they_can_be() {
        assert_eq!(to_seconds(1_716_400_000_000).to_string(), "1716400000");
        assert_eq!(to_seconds(1_716_400_000_123).to_string(), "1716400000.123");
        let read = |text: &str| from_seconds(&serde_json::from_str(text).expect("a number"));
        assert_eq!(read("1716400000.123"), Some(1_716_400_000_123));
        assert_eq!(read("1.716400000123E9"), Some(1_716_400_000_123));
    }
}
