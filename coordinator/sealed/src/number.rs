//! Numbers, written the way DynamoDB writes them back.
//!
//! A signature over a number only verifies if writer and reader spell it alike, so the
//! spelling is fixed before anything is signed: no exponent, no superfluous zeros, no
//! plus sign, no minus zero (CSE-019).

use std::cmp::Ordering;

/// Significant decimal digits that DynamoDB keeps.
const PRECISION: usize = 38;
/// Largest position of the decimal point behind the first digit: 9.9...E125.
const LARGEST: i64 = 126;
/// Smallest: 1E-130.
const SMALLEST: i64 = -129;

/// The canonical spelling of `text`.
///
/// # Errors
/// Words that say why `text` is no DynamoDB number.
pub fn normalize(text: &str) -> Result<String, String> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent, text)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return Err(format!("'{text}' is not a valid number."));
    }

    // value = 0.DIGITS * 10^point, DIGITS without zeros at either end
    let digits = format!("{whole}{fraction}");
    let without_leading = digits.trim_start_matches('0');
    let leading = digits.len() - without_leading.len();
    let digits = without_leading.trim_end_matches('0');
    if digits.is_empty() {
        return Ok("0".to_owned());
    }
    if digits.len() > PRECISION {
        return Err(format!(
            "Attempting to store more than 38 significant digits in a Number. when parsing '{text}'."
        ));
    }
    let point = exponent
        .saturating_add(signed(whole.len()))
        .saturating_sub(signed(leading));
    if point > LARGEST {
        return Err(format!(
            "Attempting to store a number with magnitude larger than supported range. when parsing '{text}'."
        ));
    }
    if point < SMALLEST {
        return Err(format!(
            "Attempting to store a number with magnitude smaller than supported range. when parsing '{text}'."
        ));
    }
    Ok(spell(negative, digits, point))
}

/// The order of two numbers; `None` if one of them is none.
#[must_use]
pub fn compare(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (normalize(left).ok()?, normalize(right).ok()?);
    let parts = |text: &str| {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        (negative, whole.len(), whole.to_owned(), fraction.to_owned())
    };
    let (left, right) = (parts(&left), parts(&right));
    // Normalised, so more whole digits are more, and digits compare as text.
    let size = |of: &(bool, usize, String, String)| (of.1, of.2.clone(), of.3.clone());
    Some(match (left.0, right.0) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => size(&left).cmp(&size(&right)),
        (true, true) => size(&right).cmp(&size(&left)),
    })
}

fn spell(negative: bool, digits: &str, point: i64) -> String {
    let sign = if negative { "-" } else { "" };
    match usize::try_from(point) {
        Ok(point) if point >= digits.len() => {
            let zeros = "0".repeat(point - digits.len());
            format!("{sign}{digits}{zeros}")
        }
        Ok(point) if point > 0 => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
        _ => {
            let zeros = "0".repeat(usize::try_from(point.unsigned_abs()).unwrap_or(0));
            format!("{sign}0.{zeros}{digits}")
        }
    }
}

fn parse_exponent(text: &str, number: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("'{number}' is not a valid number."));
    }
    // Longer than any exponent in range: saturate, the range check refuses it.
    let size = digits
        .parse::<i64>()
        .unwrap_or(i64::MAX / 4)
        .min(i64::MAX / 4);
    Ok(if text.starts_with('-') { -size } else { size })
}

fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::{compare, normalize};

    #[test]
    fn numbers_are_ordered_by_value() {
        let ordered = [
            "-10", "-9.5", "-9.05", "-0.1", "0", "0.09", "1E-1", "2", "10", "1e2",
        ];
        for (at, low) in ordered.iter().enumerate() {
            for high in &ordered[at + 1..] {
                assert_eq!(compare(low, high), Some(Ordering::Less), "{low} {high}");
                assert_eq!(compare(high, low), Some(Ordering::Greater));
            }
        }
        assert_eq!(compare("1.0", "1"), Some(Ordering::Equal));
        assert_eq!(compare("x", "1"), None);
    }

    #[test]
    fn cse_019_numbers_have_one_spelling() {
        let cases = [
            ("0", "0"),
            ("-0", "0"),
            ("+0.000", "0"),
            ("0e500", "0"),
            ("0000", "0"),
            ("1", "1"),
            ("+1", "1"),
            ("-1", "-1"),
            ("001", "1"),
            ("00.0011", "0.0011"),
            ("2000.000", "2000"),
            ("10.01", "10.01"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("1.23E+2", "123"),
            ("123e-1", "12.3"),
            ("1.0E-3", "0.001"),
            ("-1.50e1", "-15"),
        ];
        for (written, canonical) in cases {
            assert_eq!(normalize(written).as_deref(), Ok(canonical), "{written}");
        }
        assert_eq!(normalize("1e125").unwrap().len(), 126);
        assert_eq!(normalize("1e-130").unwrap().len(), 132);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for bad in [
            "",
            "-",
            "+",
            ".",
            "e1",
            "1e",
            "1e+",
            "0x1",
            "1 ",
            "1_0",
            "--1",
            "1e126",
            "1e-131",
            "1e99999999999999999999",
        ] {
            assert!(normalize(bad).is_err(), "{bad}");
        }
        let digits = "1".repeat(39);
        assert!(
            normalize(&digits)
                .unwrap_err()
                .contains("38 significant digits")
        );
        assert_eq!(
            normalize(&format!("{}000", "1".repeat(38))).unwrap().len(),
            41
        );
    }
}
