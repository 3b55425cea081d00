//! What an answer must be like, and whether it is.
//!
//! A map asks for a part of the answer, words such as `at_least` and `every` ask for more
//! than equality. Judging is a pure function of the matcher, the answer and what is bound;
//! it says which part differed, what was expected there, and where that is written.

use faultline_proto::tables::Refers;
use regex::Regex;
use serde_json::Value;

use super::bytes;
use super::expressions::Expression;
use super::quantity::comparable;
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

impl Judge<'_> {
    fn test(self, matcher: &Matcher, value: Option<&Value>, path: &str) -> Result<(), Unmet> {
        let differs = |expected: String| {
            Err(Unmet::Mismatch(Mismatch {
                path: path.to_owned(),
                expected,
                got: shown(value),
                span: matcher.span,
            }))
        };
        match &matcher.test {
            Test::Equals(template) => {
                let wanted = self.value(template)?;
                if equal(&wanted, value) {
                    Ok(())
                } else {
                    differs(shown(Some(&wanted)))
                }
            }
            Test::Bytes(template) => {
                let wanted = self.value(template)?;
                let same = text_bytes(Some(&wanted))
                    .is_some_and(|wanted| Some(wanted) == text_bytes(value));
                if same {
                    Ok(())
                } else {
                    differs(shown(Some(&wanted)))
                }
            }
            Test::Name(refers, template) => {
                let wanted = self.value(template)?;
                let named = match (wanted.as_str(), value.and_then(Value::as_str)) {
                    (Some(name), Some(answer)) => {
                        name == answer || self.names.means(*refers, name, answer)
                    }
                    _ => false,
                };
                if named {
                    Ok(())
                } else {
                    differs(shown(Some(&wanted)))
                }
            }
            Test::Members { exact, members } => self.members(matcher, *exact, members, value, path),
            Test::Items(items) => self.items(matcher, items, value, path),
            Test::First(inner) => self.at(inner, value, path, false),
            Test::Last(inner) => self.at(inner, value, path, true),
            Test::Any(inner) => {
                let items = list(value).unwrap_or_default();
                let mut met = false;
                for (index, item) in items.iter().enumerate() {
                    met |= self.holds(inner, Some(item), &format!("{path}[{index}]"))?;
                }
                if met {
                    Ok(())
                } else {
                    differs(format!("an item that is {}", inner.in_words()))
                }
            }
            Test::Every(inner) => match list(value) {
                Some(items) if !items.is_empty() => {
                    items.iter().enumerate().try_for_each(|(index, item)| {
                        self.test(inner, Some(item), &format!("{path}[{index}]"))
                    })
                }
                _ => differs("a list with items".into()),
            },
            Test::Count(inner) => {
                let count = list(value)
                    .map(<[Value]>::len)
                    .or_else(|| value.and_then(Value::as_object).map(serde_json::Map::len));
                let count = Value::from(count.unwrap_or(0));
                self.test(inner, Some(&count), &join(path, "count"))
            }
            Test::Not(inner) => {
                if self.holds(inner, value, path)? {
                    differs(format!("not {}", inner.in_words()))
                } else {
                    Ok(())
                }
            }
            Test::OneOf(choices) => {
                for choice in choices {
                    if self.holds(choice, value, path)? {
                        return Ok(());
                    }
                }
                let words: Vec<String> = choices.iter().map(Matcher::in_words).collect();
                differs(format!("one of {}", words.join(", ")))
            }
            Test::All(all) => all.iter().try_for_each(|one| self.test(one, value, path)),
            Test::AtLeast(_)
            | Test::AtMost(_)
            | Test::Contains(..)
            | Test::StartsWith(_)
            | Test::Matches(_) => {
                if self.compares(&matcher.test, value)? {
                    Ok(())
                } else {
                    differs(matcher.in_words())
                }
            }
            Test::Exists(wanted) => {
                if value.is_some() == *wanted {
                    Ok(())
                } else {
                    differs(matcher.in_words())
                }
            }
            Test::Is(nature) => {
                if value.is_some_and(|value| nature_of(value) == *nature) {
                    Ok(())
                } else {
                    differs(matcher.in_words())
                }
            }
            Test::That(expression) => {
                let it = value.cloned().unwrap_or(Value::Null);
                let lookup = |name: &str| {
                    if name == "it" {
                        Some(it.clone())
                    } else {
                        self.bindings.get(name).cloned()
                    }
                };
                match expression.evaluate(&lookup) {
                    Ok(Value::Bool(true)) => Ok(()),
                    Ok(_) => differs(matcher.in_words()),
                    Err(message) => Err(EvaluateError {
                        span: matcher.span,
                        message,
                    }
                    .into()),
                }
            }
        }
    }

    fn value(self, template: &Template) -> Result<Value, EvaluateError> {
        template.evaluate(self.bindings, self.names)
    }

    /// As [`test`](Self::test), for matchers that go on when one does not hold.
    fn holds(self, matcher: &Matcher, value: Option<&Value>, path: &str) -> Result<bool, Unmet> {
        match self.test(matcher, value.filter(|value| !value.is_null()), path) {
            Ok(()) => Ok(true),
            Err(Unmet::Mismatch(_)) => Ok(false),
            Err(error @ Unmet::Evaluate(_)) => Err(error),
        }
    }

    fn members(
        self,
        of: &Matcher,
        exact: bool,
        members: &[(String, Matcher)],
        value: Option<&Value>,
        path: &str,
    ) -> Result<(), Unmet> {
        let map = value.and_then(Value::as_object);
        for (key, matcher) in members {
            let inner = map
                .and_then(|map| map.get(key))
                .filter(|inner| !inner.is_null());
            self.test(matcher, inner, &join(path, key))?;
        }
        let others = map
            .into_iter()
            .flatten()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, _)| key);
        let surplus = others
            .into_iter()
            .find(|key| exact && !members.iter().any(|(wanted, _)| wanted == *key));
        match surplus {
            None => Ok(()),
            Some(key) => Err(Unmet::Mismatch(Mismatch {
                path: join(path, key),
                expected: "nothing".into(),
                got: shown(map.and_then(|map| map.get(key))),
                span: of.span,
            })),
        }
    }

    fn items(
        self,
        of: &Matcher,
        wanted: &[Matcher],
        value: Option<&Value>,
        path: &str,
    ) -> Result<(), Unmet> {
        let items = list(value).unwrap_or_default();
        if items.len() != wanted.len() {
            return Err(Unmet::Mismatch(Mismatch {
                path: path.to_owned(),
                expected: format!("{} items", wanted.len()),
                got: shown(value),
                span: of.span,
            }));
        }
        let mut pairs = wanted.iter().zip(items).enumerate();
        pairs.try_for_each(|(index, (matcher, item))| {
            self.test(matcher, Some(item), &format!("{path}[{index}]"))
        })
    }

    fn at(
        self,
        inner: &Matcher,
        value: Option<&Value>,
        path: &str,
        last: bool,
    ) -> Result<(), Unmet> {
        let items = list(value).unwrap_or_default();
        let (index, item) = if last {
            (items.len().saturating_sub(1), items.last())
        } else {
            (0, items.first())
        };
        self.test(inner, item, &format!("{path}[{index}]"))
    }

    fn compares(self, test: &Test, value: Option<&Value>) -> Result<bool, Unmet> {
        let Some(value) = value else { return Ok(false) };
        let pair = |template: &Template| -> Result<Option<(f64, f64)>, EvaluateError> {
            Ok(comparable(value).zip(comparable(&self.value(template)?)))
        };
        Ok(match test {
            Test::AtLeast(least) => pair(least)?.is_some_and(|(got, least)| got >= least),
            Test::AtMost(most) => pair(most)?.is_some_and(|(got, most)| got <= most),
            Test::StartsWith(start) => {
                let start = self.value(start)?;
                readable(value)
                    .zip(start.as_str())
                    .is_some_and(|(text, start)| text.starts_with(start))
            }
            Test::Matches(regex) => readable(value).is_some_and(|text| regex.is_match(&text)),
            Test::Contains(item, part) => match list(Some(value)) {
                Some(items) => {
                    let mut any = false;
                    for inner in items {
                        any |= self.holds(item, Some(inner), "")?;
                    }
                    any
                }
                None => {
                    let part = self.value(part)?;
                    readable(value)
                        .zip(part.as_str())
                        .is_some_and(|(text, part)| text.contains(part))
                }
            },
            _ => false,
        })
    }
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

fn list(value: Option<&Value>) -> Option<&[Value]> {
    value.and_then(Value::as_array).map(Vec::as_slice)
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
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

fn equal(wanted: &Value, value: Option<&Value>) -> bool {
    match (wanted, value) {
        (Value::Null, None) => true,
        (_, None) => false,
        (Value::Number(a), Some(Value::Number(b))) => a == b || a.as_f64() == b.as_f64(),
        (Value::Number(number), Some(Value::String(text)))
        | (Value::String(text), Some(Value::Number(number))) => *text == number.to_string(),
        (Value::Array(a), Some(Value::Array(b))) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, Some(b)))
        }
        (Value::Object(a), Some(Value::Object(b))) => {
            a.len() == b.len() && a.iter().all(|(key, a)| equal(a, b.get(key)))
        }
        (a, Some(b)) => a == b,
    }
}

fn text_bytes(value: Option<&Value>) -> Option<Vec<u8>> {
    value.and_then(Value::as_str).and_then(bytes::read)
}

fn readable(value: &Value) -> Option<String> {
    value.as_str().map(bytes::shown)
}

/// Ciphertext is bytes that are no text. A number or a word can be read.
fn nature_of(value: &Value) -> Nature {
    match value {
        Value::Object(members) if members.len() == 1 && members.contains_key("B") => {
            nature_of(&members["B"])
        }
        Value::String(text) if text.starts_with(bytes::PREFIX) && bytes::shown(text) == *text => {
            Nature::Ciphertext
        }
        _ => Nature::Plaintext,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::template::Nameless;
    use serde_json::json;

    fn at(test: Test) -> Matcher {
        Matcher {
            test,
            span: Span::new(5, 6),
        }
    }
    fn value(value: Value) -> Template {
        Template::literal(value, Span::new(5, 6))
    }
    fn equals(wanted: Value) -> Matcher {
        at(Test::Equals(value(wanted)))
    }
    fn judged(matcher: &Matcher, answer: &Value) -> Result<(), String> {
        let bindings = Bindings::default();
        matches(
            matcher,
            Some(answer),
            Judge {
                bindings: &bindings,
                names: &Nameless,
            },
        )
        .map_err(|unmet| match unmet {
            Unmet::Mismatch(mismatch) => format!(
                "{}: expected {}, got {}",
                mismatch.path, mismatch.expected, mismatch.got
            ),
            Unmet::Evaluate(error) => error.message,
        })
    }

    #[test]
    fn a_map_asks_for_a_part_and_names_what_differs() {
        let members = vec![("state".to_owned(), equals(json!("Enabled")))];
        let part = at(Test::Members {
            exact: false,
            members: members.clone(),
        });
        let all = at(Test::Members {
            exact: true,
            members,
        });
        let answer = json!({ "state": "Enabled", "id": 7, "gone": null });
        assert_eq!(judged(&part, &answer), Ok(()));
        assert_eq!(
            judged(&all, &answer),
            Err("id: expected nothing, got 7".into())
        );
        assert_eq!(
            judged(&part, &json!({ "state": "Updating" })),
            Err("state: expected Enabled, got Updating".into())
        );
    }

    #[test]
    fn list_words() {
        let list = json!([{ "n": 1 }, { "n": 2 }]);
        let n = |number: i64| {
            Box::new(at(Test::Members {
                exact: false,
                members: vec![("n".into(), equals(json!(number)))],
            }))
        };
        assert_eq!(judged(&at(Test::First(n(1))), &list), Ok(()));
        assert_eq!(
            judged(&at(Test::Last(n(1))), &list),
            Err("[1].n: expected 1, got 2".into())
        );
        assert_eq!(judged(&at(Test::Any(n(2))), &list), Ok(()));
        assert_eq!(
            judged(&at(Test::Every(n(2))), &list),
            Err("[0].n: expected 2, got 1".into())
        );
        assert!(judged(&at(Test::Every(n(2))), &json!([])).is_err());
        let count = |test: Test| at(Test::Count(Box::new(at(test))));
        assert_eq!(
            judged(&count(Test::AtLeast(value(json!(2)))), &list),
            Ok(())
        );
        assert_eq!(
            judged(&count(Test::Equals(value(json!(3)))), &list),
            Err("count: expected 3, got 2".into())
        );
        assert_eq!(judged(&at(Test::Items(vec![*n(1), *n(2)])), &list), Ok(()));
    }

    #[test]
    fn quantities_compare_with_their_units() {
        assert_eq!(
            judged(&at(Test::AtMost(value(json!("2s")))), &json!(1_999_999)),
            Ok(())
        );
        assert_eq!(
            judged(&at(Test::AtMost(value(json!("2s")))), &json!(2_000_001)),
            Err(": expected at most 2s, got 2000001".into())
        );
        assert_eq!(
            judged(&at(Test::AtLeast(value(json!("100%")))), &json!(1_000_000)),
            Ok(())
        );
        assert!(judged(&at(Test::AtLeast(value(json!("100%")))), &json!(999_999)).is_err());
    }

    #[test]
    fn bytes_are_the_same_however_written_and_ciphertext_is_no_text() {
        let card = at(Test::Bytes(value(json!("4242"))));
        assert_eq!(judged(&card, &json!("base64:NDI0Mg==")), Ok(()));
        assert_eq!(
            judged(&card, &json!("base64:NDI0Mw==")),
            Err(": expected 4242, got 4243".into())
        );
        assert_eq!(
            judged(&at(Test::Is(Nature::Ciphertext)), &json!("base64:AAEC/w==")),
            Ok(())
        );
        assert!(judged(&at(Test::Is(Nature::Ciphertext)), &json!("base64:NDI0Mg==")).is_err());
        assert_eq!(
            judged(&at(Test::Is(Nature::Plaintext)), &json!(4242)),
            Ok(())
        );
    }

    #[test]
    fn absence_text_and_expressions() {
        let absent = at(Test::Members {
            exact: false,
            members: vec![("status".into(), at(Test::Exists(false)))],
        });
        assert_eq!(judged(&absent, &json!({})), Ok(()));
        assert_eq!(
            judged(&absent, &json!({ "status": "FAILED" })),
            Err("status: expected nothing, got FAILED".into())
        );
        let part = value(json!("not accessible"));
        let contains = at(Test::Contains(
            Box::new(equals(json!("not accessible"))),
            part,
        ));
        assert_eq!(
            judged(&contains, &json!("key ID is not accessible")),
            Ok(())
        );
        let that = at(Test::That(
            Expression::compile("size(it) == 2").expect("an expression"),
        ));
        assert_eq!(judged(&that, &json!([1, 2])), Ok(()));
        assert!(judged(&that, &json!([1])).is_err());
        assert_eq!(
            judged(&at(Test::Not(Box::new(equals(json!(1))))), &json!(1)),
            Err(": expected not 1, got 1".into())
        );
    }
}
