//! The Condition element: operators, quantifiers, and what an absent key means.
//!
//! - Two conditions are ANDed, the values of one are ORed (K-226); with a negated operator none of
//!   the values may match.
//! - An absent key fails a plain operator, passes a negated one and one with `IfExists`.
//! - `ForAllValues` passes a request without the key, `ForAnyValue` fails it (K-225).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::context::Values;
use super::dates;
use super::glob::Case;
use super::network::Network;
use super::pattern::{Pattern, Reading, Variables};

/// What an operator compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// Text: case, wildcards.
    Text(Case, bool),
    Number(Order),
    Date(Order),
    Bool,
    Binary,
    Address,
    Arn,
    Null,
}

/// How numbers and dates are compared: the request's value stands on the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    fn holds<T: PartialOrd>(self, given: T, wanted: T) -> bool {
        match self {
            Self::Equal => given == wanted,
            Self::Less => given < wanted,
            Self::LessOrEqual => given <= wanted,
            Self::Greater => given > wanted,
            Self::GreaterOrEqual => given >= wanted,
        }
    }
}

/// Every operator: its name, what it compares, whether it is negated.
const OPERATORS: [(&str, Comparison, bool); 27] = [
    (
        "StringEquals",
        Comparison::Text(Case::Matters, false),
        false,
    ),
    (
        "StringNotEquals",
        Comparison::Text(Case::Matters, false),
        true,
    ),
    (
        "StringEqualsIgnoreCase",
        Comparison::Text(Case::Ignored, false),
        false,
    ),
    (
        "StringNotEqualsIgnoreCase",
        Comparison::Text(Case::Ignored, false),
        true,
    ),
    ("StringLike", Comparison::Text(Case::Matters, true), false),
    ("StringNotLike", Comparison::Text(Case::Matters, true), true),
    ("NumericEquals", Comparison::Number(Order::Equal), false),
    ("NumericNotEquals", Comparison::Number(Order::Equal), true),
    ("NumericLessThan", Comparison::Number(Order::Less), false),
    (
        "NumericLessThanEquals",
        Comparison::Number(Order::LessOrEqual),
        false,
    ),
    (
        "NumericGreaterThan",
        Comparison::Number(Order::Greater),
        false,
    ),
    (
        "NumericGreaterThanEquals",
        Comparison::Number(Order::GreaterOrEqual),
        false,
    ),
    ("DateEquals", Comparison::Date(Order::Equal), false),
    ("DateNotEquals", Comparison::Date(Order::Equal), true),
    ("DateLessThan", Comparison::Date(Order::Less), false),
    (
        "DateLessThanEquals",
        Comparison::Date(Order::LessOrEqual),
        false,
    ),
    ("DateGreaterThan", Comparison::Date(Order::Greater), false),
    (
        "DateGreaterThanEquals",
        Comparison::Date(Order::GreaterOrEqual),
        false,
    ),
    ("Bool", Comparison::Bool, false),
    ("BinaryEquals", Comparison::Binary, false),
    ("IpAddress", Comparison::Address, false),
    ("NotIpAddress", Comparison::Address, true),
    ("ArnEquals", Comparison::Arn, false),
    ("ArnLike", Comparison::Arn, false),
    ("ArnNotEquals", Comparison::Arn, true),
    ("ArnNotLike", Comparison::Arn, true),
    ("Null", Comparison::Null, false),
];

/// How the values of a multi-valued key are taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    /// No prefix.
    Plain,
    /// `ForAllValues:`
    ForAllValues,
    /// `ForAnyValue:`
    ForAnyValue,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Text(Pattern),
    Number(f64),
    Date(i64),
    Bool(bool),
    Bytes(Vec<u8>),
    Network(Network),
}

/// One operator on one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The operator as written, `ForAnyValue:StringLikeIfExists`.
    pub operator: Box<str>,
    /// The key as written.
    pub written_key: Box<str>,
    /// The key in lower case.
    pub key: Box<str>,
    /// How values are taken together.
    pub quantifier: Quantifier,
    comparison: Comparison,
    negated: bool,
    if_exists: bool,
    operands: Vec<Operand>,
    /// The values as written.
    pub values: Vec<String>,
}

/// Why a condition could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCondition {
    /// The operator does not exist.
    #[error("Invalid Condition type : {0}")]
    Operator(String),
    /// A value is not of the operator's kind.
    #[error("Invalid value \"{value}\" for the condition operator {operator}: expected {expected}")]
    Value {
        /// The operator as written.
        operator: String,
        /// The value as written.
        value: String,
        /// What the operator compares.
        expected: &'static str,
    },
}

impl Condition {
    /// Reads one operator on one key; `variables` says whether `${...}` is replaced.
    ///
    /// # Errors
    /// [`BadCondition`] for an unknown operator or a value that it cannot compare.
    pub fn new(
        operator: &str,
        key: &str,
        values: Vec<String>,
        variables: bool,
    ) -> Result<Self, BadCondition> {
        let unknown = || BadCondition::Operator(operator.to_owned());
        let (quantifier, rest) = match operator.split_once(':') {
            None => (Quantifier::Plain, operator),
            Some(("ForAllValues", rest)) => (Quantifier::ForAllValues, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::ForAnyValue, rest),
            Some(_) => return Err(unknown()),
        };
        let (name, if_exists) = match rest.strip_suffix("IfExists") {
            Some("Null") => return Err(unknown()),
            Some(name) => (name, true),
            None => (rest, false),
        };
        let (_, comparison, negated) = OPERATORS
            .into_iter()
            .find(|(known, ..)| *known == name)
            .ok_or_else(unknown)?;
        let operands = values
            .iter()
            .map(|value| {
                operand(comparison, value, variables).map_err(|expected| BadCondition::Value {
                    operator: operator.to_owned(),
                    value: value.clone(),
                    expected,
                })
            })
            .collect::<Result<Vec<Operand>, BadCondition>>()?;
        Ok(Self {
            operator: operator.into(),
            written_key: key.into(),
            key: key.to_lowercase().into(),
            quantifier,
            comparison,
            negated,
            if_exists,
            operands,
            values,
        })
    }

    /// Whether the condition holds for the `values` that a request has for its key.
    #[must_use]
    pub fn holds(&self, values: &Values<'_>, variables: &dyn Variables) -> bool {
        if self.comparison == Comparison::Null {
            let absent = values.is_empty();
            return self.operands.contains(&Operand::Bool(absent));
        }
        let one = |value: &str| {
            self.operands
                .iter()
                .any(|operand| self.matches(operand, value, variables))
        };
        match self.quantifier {
            Quantifier::ForAllValues => values.all(|value| one(value) != self.negated),
            _ if values.is_empty() && self.if_exists => true,
            Quantifier::ForAnyValue => values.any(|value| one(value) != self.negated),
            // `any` of no values is false, and so right for an absent key in both senses.
            Quantifier::Plain => values.any(one) != self.negated,
        }
    }

    fn matches(&self, operand: &Operand, value: &str, variables: &dyn Variables) -> bool {
        match (self.comparison, operand) {
            (Comparison::Text(..), Operand::Text(pattern)) => pattern.matches(value, variables),
            (Comparison::Arn, Operand::Text(pattern)) => pattern.matches_arn(value, variables),
            (Comparison::Number(order), Operand::Number(wanted)) => value
                .trim()
                .parse::<f64>()
                .is_ok_and(|given| order.holds(given, *wanted)),
            (Comparison::Date(order), Operand::Date(wanted)) => {
                dates::parse(value).is_some_and(|given| order.holds(given, *wanted))
            }
            (Comparison::Bool, Operand::Bool(wanted)) => read_bool(value) == Some(*wanted),
            (Comparison::Binary, Operand::Bytes(wanted)) => {
                STANDARD.decode(value).is_ok_and(|given| given == *wanted)
            }
            (Comparison::Address, Operand::Network(network)) => network.contains(value),
            _ => false,
        }
    }
}

fn operand(comparison: Comparison, value: &str, variables: bool) -> Result<Operand, &'static str> {
    let text = |case, wildcards| {
        Operand::Text(Pattern::new(
            value,
            Reading {
                case,
                wildcards,
                variables,
            },
        ))
    };
    match comparison {
        Comparison::Text(case, wildcards) => Ok(text(case, wildcards)),
        Comparison::Arn => Ok(text(Case::Matters, true)),
        Comparison::Number(_) => match value.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Operand::Number(number)),
            _ => Err("a number"),
        },
        Comparison::Date(_) => dates::parse(value)
            .map(Operand::Date)
            .ok_or("a date such as 2026-11-24T00:00:00Z"),
        Comparison::Bool | Comparison::Null => {
            read_bool(value).map(Operand::Bool).ok_or("true or false")
        }
        Comparison::Binary => STANDARD
            .decode(value)
            .map(Operand::Bytes)
            .map_err(|_| "base64 text"),
        Comparison::Address => Network::parse(value)
            .map(Operand::Network)
            .ok_or("an address range such as 10.0.0.0/8"),
    }
}

fn read_bool(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::pattern::NoVariables;
    use super::*;

    fn holds(operator: &str, wanted: &[&str], given: &[&str]) -> bool {
        let wanted = wanted.iter().map(|value| (*value).to_owned()).collect();
        let given: Vec<Arc<str>> = given.iter().map(|value| Arc::from(*value)).collect();
        let values = if given.is_empty() {
            Values::Absent
        } else {
            Values::Set(&given)
        };
        Condition::new(operator, "x:Key", wanted, true)
            .unwrap()
            .holds(&values, &NoVariables)
    }

    #[test]
    fn one_value_against_each_operator() {
        for (operator, wanted, given, expected) in [
            ("StringEquals", "a*", "a*", true),
            ("StringEquals", "a*", "ab", false),
            ("StringNotEquals", "a", "b", true),
            ("StringEqualsIgnoreCase", "Ab", "aB", true),
            ("StringNotEqualsIgnoreCase", "Ab", "aB", false),
            (
                "StringLike",
                "s3.*.amazonaws.com",
                "s3.eu-west-1.amazonaws.com",
                true,
            ),
            ("StringNotLike", "s3.*", "ec2.eu-west-1", true),
            ("NumericEquals", "7", "7.0", true),
            ("NumericNotEquals", "7", "8", true),
            ("NumericLessThan", "30", "7", true),
            ("NumericLessThanEquals", "7", "7", true),
            ("NumericGreaterThan", "7", "7", false),
            ("NumericGreaterThanEquals", "7", "many", false),
            (
                "DateLessThan",
                "2026-11-25T00:00:00Z",
                "2026-11-24T23:59:59Z",
                true,
            ),
            ("DateGreaterThanEquals", "2026-11-25", "1764028800", false),
            ("DateNotEquals", "2026", "2025", true),
            ("Bool", "true", "True", true),
            ("Bool", "false", "true", false),
            ("BinaryEquals", "AQID", "AQID", true),
            ("BinaryEquals", "AQID", "AQIE", false),
            ("IpAddress", "10.0.0.0/8", "10.1.2.3", true),
            ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", false),
            (
                "ArnEquals",
                "arn:aws:s3:::photos*",
                "arn:aws:s3:::photos-eu",
                true,
            ),
            ("ArnLike", "arn:aws:*:photos", "arn:aws:s3:::photos", false),
            (
                "ArnNotLike",
                "arn:aws:s3:::photos",
                "arn:aws:s3:::other",
                true,
            ),
            (
                "ArnNotEquals",
                "arn:aws:s3:::photos",
                "arn:aws:s3:::photos",
                false,
            ),
        ] {
            assert_eq!(
                holds(operator, &[wanted], &[given]),
                expected,
                "{operator} {wanted} on {given}"
            );
        }
    }

    #[test]
    fn an_absent_key() {
        for (operator, expected) in [
            ("StringEquals", false),
            ("StringNotEquals", true),
            ("StringEqualsIfExists", true),
            ("StringNotEqualsIfExists", true),
            ("ForAllValues:StringEquals", true),
            ("ForAnyValue:StringEquals", false),
            ("ForAnyValue:StringNotEquals", false),
        ] {
            assert_eq!(holds(operator, &["a"], &[]), expected, "{operator}");
        }
        assert!(holds("Null", &["true"], &[]));
        assert!(!holds("Null", &["false"], &[]));
        assert!(holds("Null", &["false"], &["x"]));
    }

    #[test]
    fn k_225_many_values_need_a_quantifier() {
        for (operator, wanted, given, expected) in [
            (
                "ForAllValues:StringEquals",
                &["a", "b"][..],
                &["a", "b"][..],
                true,
            ),
            ("ForAllValues:StringEquals", &["a", "b"], &["a", "c"], false),
            ("ForAnyValue:StringEquals", &["a", "b"], &["c", "b"], true),
            ("ForAnyValue:StringEquals", &["a"], &["c", "d"], false),
            ("ForAllValues:StringNotEquals", &["a"], &["b", "c"], true),
            ("ForAllValues:StringNotEquals", &["a"], &["a", "c"], false),
            ("ForAnyValue:StringNotEquals", &["a"], &["a", "c"], true),
            ("ForAllValues:StringLike", &["kms:*"], &["kms:a"], true),
        ] {
            assert_eq!(
                holds(operator, wanted, given),
                expected,
                "{operator} {wanted:?} on {given:?}"
            );
        }
    }

    #[test]
    fn k_226_values_are_alternatives_and_a_negated_operator_wants_none() {
        assert!(holds("StringEquals", &["a", "b"], &["b"]));
        assert!(!holds("StringNotEquals", &["a", "b"], &["b"]));
        assert!(holds("StringNotEquals", &["a", "b"], &["c"]));
    }

    #[test]
    fn what_cannot_be_read() {
        for (operator, value, part) in [
            ("StringEqual", "a", "Invalid Condition type : StringEqual"),
            ("NullIfExists", "true", "Invalid Condition type"),
            ("ForSomeValues:StringLike", "a", "Invalid Condition type"),
            ("NumericEquals", "many", "expected a number"),
            ("DateEquals", "soon", "expected a date"),
            ("Bool", "yes", "expected true or false"),
            ("IpAddress", "here", "expected an address range"),
        ] {
            let error = Condition::new(operator, "k", vec![value.to_owned()], true).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
