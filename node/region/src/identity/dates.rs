//! Moments in policies: the W3C profile of ISO 8601, or seconds since 1970.
//!
//! Everything is microseconds since 1970 on the Region's own clock.

/// Reads `2026`, `2026-11`, `2026-11-24`, `2026-11-24T02:31Z`, `2026-11-24T02:31:00.5+01:00` or
/// plain seconds; `None` for anything else.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    // Four digits are a year; longer (or signed) plain numbers are seconds.
    if text.len() != 4
        && let Ok(seconds) = text.parse::<i64>()
    {
        return seconds.checked_mul(1_000_000);
    }
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    let day = parts.next().map_or(Some(1), |part| digits(part, 2))?;
    if parts.next().is_some() || !(1..=12).contains(&month) || day < 1 || day > days_of(year, month)
    {
        return None;
    }
    let midnight = days_since_1970(year, month, day) * 86_400_000_000;
    Some(midnight + time.map_or(Some(0), time_of_day)?)
}

/// `micros` as `2026-11-24T02:31:00Z`.
#[must_use]
pub fn format(micros: i64) -> String {
    let seconds = micros.div_euclid(1_000_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

fn digits(text: &str, length: usize) -> Option<i64> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

/// `02:31Z`, `02:31:00Z`, `02:31:00.123+01:00`, in microseconds of UTC (may leave the day).
fn time_of_day(text: &str) -> Option<i64> {
    let (clock, offset_minutes) = match text.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, 0),
        None => {
            let at = text.rfind(['+', '-'])?;
            let (hours, minutes) = text[at + 1..].split_once(':')?;
            let minutes = digits(hours, 2)? * 60 + digits(minutes, 2)?;
            (
                &text[..at],
                if text[at..].starts_with('-') {
                    -minutes
                } else {
                    minutes
                },
            )
        }
    };
    let (clock, fraction) = match clock.split_once('.') {
        Some((clock, fraction)) => (clock, micros_of_fraction(fraction)?),
        None => (clock, 0),
    };
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second = parts.next().map_or(Some(0), |part| digits(part, 2))?;
    if parts.next().is_some() || hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    Some((hour * 3600 + (minute - offset_minutes) * 60 + second) * 1_000_000 + fraction)
}

fn micros_of_fraction(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{text:0<6}")[..6].parse().ok()
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970 of a date of the proleptic Gregorian calendar (years begin in March, so that
/// the leap day is the last day of its year).
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_every_documented_form() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970", Some(0)),
            ("1970-01", Some(0)),
            ("1970-01-02", Some(86_400_000_000)),
            ("1970-01-01T01:00+01:00", Some(0)),
            ("1970-01-01T00:00:00.25Z", Some(250_000)),
            ("2000-02-29", Some(951_782_400_000_000)),
            ("951782400", Some(951_782_400_000_000)),
            ("2001-02-29", None),
            ("2001-13", None),
            ("soon", None),
            ("2001-01-01T10", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for micros in [0, 951_782_400_000_000, 1_795_488_660_000_000, -1_000_000] {
            assert_eq!(parse(&format(micros)), Some(micros));
        }
        assert_eq!(format(951_782_400_000_000), "2000-02-29T00:00:00Z");
    }
}
