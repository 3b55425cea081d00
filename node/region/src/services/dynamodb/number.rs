//! DynamoDB's numbers: decimal, exact, 38 significant digits.
//!
//! A number is `±digits × 10^exponent` with no zero at the end of its digits, so that equal
//! numbers are equal values and have one text. Range: 1E-130 to 9.99...E+125, and zero.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Most significant digits.
const DIGITS: usize = 38;
/// Exponent of the largest and the smallest number in scientific notation.
const HIGHEST: i32 = 125;
const LOWEST: i32 = -130;

/// A decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Number {
    negative: bool,
    /// Below 10^38; zero only for zero.
    digits: u128,
    exponent: i16,
}

/// Why a text or a result is no DynamoDB number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadNumber {
    #[error("The parameter cannot be converted to a numeric value{}", tail(.0))]
    NoNumber(String),
    #[error("Attempting to store more than 38 significant digits in a Number")]
    Precision,
    #[error(
        "Number overflow. Attempting to store a number with magnitude larger than supported range"
    )]
    Overflow,
    #[error(
        "Number underflow. Attempting to store a number with magnitude smaller than supported range"
    )]
    Underflow,
}

fn tail(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(": {text}")
    }
}

impl Number {
    const ZERO: Self = Self {
        negative: false,
        digits: 0,
        exponent: 0,
    };

    /// Reads `-12.50e3` and the like.
    pub(crate) fn parse(text: &str) -> Result<Self, BadNumber> {
        let wrong = || BadNumber::NoNumber(text.to_owned());
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, power) = match rest.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, exponent(power).ok_or_else(wrong)?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = || whole.bytes().chain(fraction.bytes());
        if all().next().is_none() || !all().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let digits = all().map(|byte| byte - b'0').collect();
        let point = i64::try_from(fraction.len()).map_err(|_| wrong())?;
        Self::of(negative, digits, power - point)
    }

    /// A whole number, as `size` gives it.
    pub(crate) fn whole(value: u64) -> Self {
        Self::parse(&value.to_string()).expect("20 digits are a number")
    }

    /// From decimal digits, most significant first.
    fn of(negative: bool, mut digits: Vec<u8>, exponent: i64) -> Result<Self, BadNumber> {
        let mut exponent = exponent;
        while digits.last() == Some(&0) {
            digits.pop();
            exponent += 1;
        }
        let start = digits.iter().position(|digit| *digit != 0);
        let Some(start) = start else {
            return Ok(Self::ZERO);
        };
        let digits = &digits[start..];
        let magnitude = exponent + i64::try_from(digits.len()).unwrap_or(i64::MAX / 2) - 1;
        if magnitude > i64::from(HIGHEST) {
            return Err(BadNumber::Overflow);
        }
        if magnitude < i64::from(LOWEST) {
            return Err(BadNumber::Underflow);
        }
        if digits.len() > DIGITS {
            return Err(BadNumber::Precision);
        }
        Ok(Self {
            negative,
            digits: digits
                .iter()
                .fold(0, |sum, digit| sum * 10 + u128::from(*digit)),
            exponent: i16::try_from(exponent).expect("within -167..=125"),
        })
    }

    /// The digits, most significant first; empty for zero.
    fn decimal(self) -> Vec<u8> {
        if self.digits == 0 {
            return Vec::new();
        }
        self.digits
            .to_string()
            .bytes()
            .map(|byte| byte - b'0')
            .collect()
    }

    /// Exponent in scientific notation.
    fn magnitude(self) -> i32 {
        let length = i32::try_from(self.decimal().len()).expect("at most 38");
        i32::from(self.exponent) + length - 1
    }

    fn negated(self) -> Self {
        Self {
            negative: !self.negative && self.digits != 0,
            ..self
        }
    }

    /// The sum.
    pub(crate) fn plus(self, other: Self) -> Result<Self, BadNumber> {
        if other.digits == 0 {
            return Ok(self);
        }
        if self.digits == 0 {
            return Ok(other);
        }
        let low = self.exponent.min(other.exponent);
        let (left, right) = (self.aligned(low), other.aligned(low));
        if self.negative == other.negative {
            return Self::of(self.negative, added(&left, &right), low.into());
        }
        match compare(&left, &right) {
            Ordering::Equal => Ok(Self::ZERO),
            Ordering::Greater => Self::of(self.negative, subtracted(&left, &right), low.into()),
            Ordering::Less => Self::of(other.negative, subtracted(&right, &left), low.into()),
        }
    }

    /// The difference.
    pub(crate) fn minus(self, other: Self) -> Result<Self, BadNumber> {
        self.plus(other.negated())
    }

    /// Digits over 10^low, least significant first.
    fn aligned(self, low: i16) -> Vec<u8> {
        let zeros = usize::try_from(self.exponent - low).expect("low is the lower exponent");
        let mut out = vec![0; zeros];
        out.extend(self.decimal().into_iter().rev());
        out
    }

    /// Bytes that it counts for: about one for two digits, and one.
    pub(crate) fn size(self) -> u64 {
        let digits = self.decimal().len() as u64;
        let odd = u64::from(self.exponent.rem_euclid(2) == 1);
        (digits + odd).div_ceil(2) + 1 + u64::from(self.negative)
    }
}

fn exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // More than fits is out of range either way; halves keep the arithmetic from wrapping.
    let value = digits.parse::<i64>().unwrap_or(i64::MAX).min(1 << 40);
    Some(if text.starts_with('-') { -value } else { value })
}

/// Least significant first; answers most significant first.
fn added(left: &[u8], right: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(left.len().max(right.len()) + 1);
    let mut carry = 0;
    for at in 0..left.len().max(right.len()) {
        let sum = left.get(at).unwrap_or(&0) + right.get(at).unwrap_or(&0) + carry;
        out.push(sum % 10);
        carry = sum / 10;
    }
    out.push(carry);
    out.reverse();
    out
}

/// The same for `larger - smaller`.
fn subtracted(larger: &[u8], smaller: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(larger.len());
    let mut borrow = 0;
    for (at, digit) in larger.iter().enumerate() {
        let take = smaller.get(at).unwrap_or(&0) + borrow;
        borrow = u8::from(*digit < take);
        out.push(digit + 10 * borrow - take);
    }
    out.reverse();
    out
}

/// Least significant first, without zeros at the end.
fn compare(left: &[u8], right: &[u8]) -> Ordering {
    left.len()
        .cmp(&right.len())
        .then_with(|| left.iter().rev().cmp(right.iter().rev()))
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits, number.negative) {
            (0, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        };
        let by_sign = sign(self).cmp(&sign(other));
        if by_sign != Ordering::Equal || self.digits == 0 {
            return by_sign;
        }
        let low = self.exponent.min(other.exponent);
        let by_size = self
            .magnitude()
            .cmp(&other.magnitude())
            .then_with(|| compare(&self.aligned(low), &other.aligned(low)));
        if self.negative {
            by_size.reverse()
        } else {
            by_size
        }
    }
}

/// Without an exponent, as DynamoDB answers.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        let digits = self.digits.to_string();
        match usize::try_from(self.exponent) {
            Ok(zeros) => write!(f, "{digits}{:0<zeros$}", ""),
            Err(_) => {
                let places = usize::from(self.exponent.unsigned_abs());
                match digits.len().checked_sub(places).filter(|whole| *whole > 0) {
                    Some(whole) => write!(f, "{}.{}", &digits[..whole], &digits[whole..]),
                    None => write!(f, "0.{digits:0>places$}"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn every_spelling_of_a_number_is_one_number() {
        for text in ["12.5", "+12.50", "1.25e1", "125E-1", "0012.5", "12.500"] {
            assert_eq!(number(text).to_string(), "12.5", "{text}");
        }
        assert_eq!(number("-0.00").to_string(), "0");
        assert_eq!(number("1e5").to_string(), "100000");
        assert_eq!(number("-1e-3").to_string(), "-0.001");
        assert_eq!(number("0.10").to_string(), "0.1");
    }

    #[test]
    fn numbers_end_at_38_digits_and_their_range() {
        let longest = "12345678901234567890123456789012345678";
        assert_eq!(number(longest).to_string(), longest);
        let cases = [
            (
                "123456789012345678901234567890123456789",
                BadNumber::Precision,
            ),
            ("1e126", BadNumber::Overflow),
            ("1e99999999999999999999", BadNumber::Overflow),
            ("1e-131", BadNumber::Underflow),
            ("", BadNumber::NoNumber(String::new())),
            ("b", BadNumber::NoNumber("b".to_owned())),
            ("1.2.3", BadNumber::NoNumber("1.2.3".to_owned())),
            ("1e", BadNumber::NoNumber("1e".to_owned())),
        ];
        for (text, why) in cases {
            assert_eq!(Number::parse(text), Err(why), "{text}");
        }
        assert!(Number::parse("9.9e125").is_ok() && Number::parse("1e-130").is_ok());
    }

    #[test]
    fn sums_are_exact() {
        assert_eq!(number("0.1").plus(number("0.2")).unwrap(), number("0.3"));
        assert_eq!(
            number("1e20").plus(number("-1")).unwrap().to_string(),
            "99999999999999999999"
        );
        assert_eq!(
            number("5").minus(number("7.5")).unwrap().to_string(),
            "-2.5"
        );
        assert_eq!(number("1e125").plus(number("1")), Err(BadNumber::Precision));
        assert_eq!(
            number("9e125").plus(number("9e125")),
            Err(BadNumber::Overflow)
        );
    }

    proptest! {
        #[test]
        fn order_and_arithmetic_agree_with_integers(left in any::<i32>(), right in any::<i32>(), scale in -20i32..20) {
            let make = |value: i32| number(&format!("{value}e{scale}"));
            let (a, b) = (i64::from(left), i64::from(right));
            prop_assert_eq!(make(left).cmp(&make(right)), a.cmp(&b));
            let sum = number(&format!("{}e{scale}", a + b));
            prop_assert_eq!(make(left).plus(make(right)).unwrap(), sum);
            prop_assert_eq!(sum.minus(make(right)).unwrap(), make(left));
            prop_assert_eq!(number(&make(left).to_string()), make(left));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "[-+0-9.eE]{0,12}") {
            let _ = Number::parse(&text);
        }
    }
}
