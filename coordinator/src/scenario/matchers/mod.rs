//! What an answer must be like, and whether it is.
//!
//! A map asks for a part of the answer, words such as `at_least` and `every` ask for more
//! than equality. Judging is a pure function of the matcher, the answer and what is bound;
//! it says which part differed, what was expected there, and where that is written.

mod judge;
#[cfg(test)]
mod tests;

use faultline_proto::tables::Refers;
use regex::Regex;
use serde_json::Value;

use super::bytes;
use super::expressions::Expression;
use super::source::Span;
use super::template::{Bindings, EvaluateError, Template, WorldNames};

/// The words, with what each asks for.
pub const WORDS: &[(&str, &str)] = &[
    ("at_least", "Not less."),
    ("at_most", "Not more."),
    (
        "between",
        "Not less than the first and not more than the second.",
    ),
    ("one_of", "One of these."),
    ("not", "Anything but this."),
    (
        "contains",
        "Text with this in it, or a list with this item.",
    ),
    ("starts_with", "Text that begins so."),
    ("matches", "Text that a regular expression matches."),
    ("exists", "`true`: it is there; `false`: it is not."),
    ("is", "`ciphertext` or `plaintext`."),
    ("count", "How many items or members."),
    ("first", "The first item."),
    ("last", "The last item."),
    ("any", "At least one item."),
    ("every", "Each item; there must be one."),
    ("exactly", "All of it, with nothing beside."),
    ("that", "An expression that is true of `it`."),
];

/// Words of other languages for ours.
pub const OTHER_WORDS: &[(&str, &str)] = &[
    ("all", "every"),
    ("begins_with", "starts_with"),
    ("greater_than", "at_least"),
    ("gte", "at_least"),
    ("in", "one_of"),
    ("includes", "contains"),
    ("length", "count"),
    ("less_than", "at_most"),
    ("lte", "at_most"),
    ("max", "at_most"),
    ("min", "at_least"),
    ("regex", "matches"),
    ("size", "count"),
    ("some", "any"),
    ("startswith", "starts_with"),
];

/// What a part of an answer must be like.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// The test.
    pub test: Test,
    /// Where it is written.
    pub span: Span,
}

/// One test.
#[derive(Debug, Clone)]
pub enum Test {
    /// The same value.
    Equals(Template),
    /// The same bytes, however they are written.
    Bytes(Template),
    /// The thing of that name in the world.
    Name(Refers, Template),
    /// These members; with `exact` no others.
    Members {
        /// Whether other members are forbidden.
        exact: bool,
        /// The members.
        members: Vec<(String, Matcher)>,
    },
    /// These items, in this order.
    Items(Vec<Matcher>),
    /// The first item.
    First(Box<Matcher>),
    /// The last item.
    Last(Box<Matcher>),
    /// At least one item.
    Any(Box<Matcher>),
    /// Each item.
    Every(Box<Matcher>),
    /// The number of items.
    Count(Box<Matcher>),
    /// Not less.
    AtLeast(Template),
    /// Not more.
    AtMost(Template),
    /// One of several.
    OneOf(Vec<Matcher>),
    /// Anything else.
    Not(Box<Matcher>),
    /// Text with this in it, or a list with such an item.
    Contains(Box<Matcher>, Template),
    /// Text that begins so.
    StartsWith(Template),
    /// Text that matches.
    Matches(Regex),
    /// There, or not there.
    Exists(bool),
    /// Sealed, or readable.
    Is(Nature),
    /// An expression about `it`.
    That(Expression),
    /// All of these.
    All(Vec<Matcher>),
}

/// Whether a value can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// Bytes that are no text.
    Ciphertext,
    /// Anything that can be read.
    Plaintext,
}

/// How an answer differs from what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Which part, `snapshots[0].state`; empty for all of it.
    pub path: String,
    /// What was expected there.
    pub expected: String,
    /// What was there.
    pub got: String,
    /// Where the expectation is written.
    pub span: Span,
}

/// Why an expectation is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmet {
    /// The answer differs.
    Mismatch(Mismatch),
    /// The expectation itself has no value.
    Evaluate(EvaluateError),
}

impl From<EvaluateError> for Unmet {
    fn from(error: EvaluateError) -> Self {
        Self::Evaluate(error)
    }
}

/// What judging needs beside the answer.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// Variables and saved answers.
    pub bindings: &'a Bindings,
    /// Names of the world.
    pub names: &'a dyn WorldNames,
}

/// Whether `value` is as the matcher asks.
///
/// # Errors
/// The first difference, or an expectation that cannot be evaluated.
pub fn matches(matcher: &Matcher, value: Option<&Value>, judge: Judge<'_>) -> Result<(), Unmet> {
    judge.test(matcher, value.filter(|value| !value.is_null()), "")
}

impl Matcher {
    /// What it asks for, in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        let text = |template: &Template| {
            template
                .written()
                .map_or_else(|| "that value".to_owned(), |value| shown(Some(&value)))
        };
        match &self.test {
            Test::Equals(template) | Test::Bytes(template) | Test::Name(_, template) => {
                text(template)
            }
            Test::Members { members, .. } => {
                let parts: Vec<String> = members
                    .iter()
                    .map(|(key, inner)| format!("{key}: {}", inner.in_words()))
                    .collect();
                format!("{{{}}}", parts.join(", "))
            }
            Test::Items(items) => format!(
                "[{}]",
                items
                    .iter()
                    .map(Self::in_words)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            Test::First(inner) => format!("first {}", inner.in_words()),
            Test::Last(inner) => format!("last {}", inner.in_words()),
            Test::Any(inner) => format!("any {}", inner.in_words()),
            Test::Every(inner) => format!("every {}", inner.in_words()),
            Test::Count(inner) => format!("count {}", inner.in_words()),
            Test::AtLeast(template) => format!("at least {}", text(template)),
            Test::AtMost(template) => format!("at most {}", text(template)),
            Test::OneOf(choices) => format!(
                "one of {}",
                choices
                    .iter()
                    .map(Self::in_words)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            Test::Not(inner) => format!("not {}", inner.in_words()),
            Test::Contains(_, template) => format!("something that contains {}", text(template)),
            Test::StartsWith(template) => format!("something that starts with {}", text(template)),
            Test::Matches(regex) => format!("something that matches /{regex}/"),
            Test::Exists(true) => "something".into(),
            Test::Exists(false) => "nothing".into(),
            Test::Is(Nature::Ciphertext) => "ciphertext".into(),
            Test::Is(Nature::Plaintext) => "plaintext".into(),
            Test::That(expression) => format!("something for which {} is true", expression.source),
            Test::All(all) => all
                .iter()
                .map(Self::in_words)
                .collect::<Vec<_>>()
                .join(" and "),
        }
    }
}

/// A value for people: text without quotes where that is clear, bytes readable.
#[must_use]
pub fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "nothing".into(),
        Some(Value::String(text)) => bytes::shown(text),
        Some(other) => other.to_string(),
    }
}
