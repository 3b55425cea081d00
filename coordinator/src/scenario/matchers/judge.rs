//! Judging an answer.

use serde_json::Value;

use super::{Judge, Matcher, Mismatch, Nature, Test, Unmet, shown};
use crate::scenario::bytes;
use crate::scenario::expressions::Expression;
use crate::scenario::quantity::comparable;
use crate::scenario::source::Span;
use crate::scenario::template::{EvaluateError, Template};

impl Judge<'_> {
    pub(super) fn test(
        self,
        matcher: &Matcher,
        value: Option<&Value>,
        path: &str,
    ) -> Result<(), Unmet> {
        match &matcher.test {
            Test::Members { exact, members } => self.members(matcher, *exact, members, value, path),
            Test::Items(items) => self.items(matcher, items, value, path),
            Test::First(inner) => self.at(inner, value, path, false),
            Test::Last(inner) => self.at(inner, value, path, true),
            Test::Every(inner) => self.every(matcher, inner, value, path),
            Test::Count(inner) => {
                let members = || value.and_then(Value::as_object).map(serde_json::Map::len);
                let count = list(value).map(<[Value]>::len).or_else(members);
                let count = Value::from(count.unwrap_or(0));
                self.test(inner, Some(&count), &join(path, "count"))
            }
            Test::All(all) => all.iter().try_for_each(|one| self.test(one, value, path)),
            _ if self.is_met(matcher, value, path)? => Ok(()),
            _ => Err(Unmet::Mismatch(Mismatch {
                path: path.to_owned(),
                expected: self.expected(matcher)?,
                got: shown(value),
                span: matcher.span,
            })),
        }
    }

    /// Whether a value as a whole passes a test; `false` for tests of its parts.
    fn is_met(self, matcher: &Matcher, value: Option<&Value>, path: &str) -> Result<bool, Unmet> {
        Ok(match &matcher.test {
            Test::Equals(template) => equal(&self.value(template)?, value),
            Test::Bytes(template) => {
                let wanted = self.value(template)?;
                text_bytes(Some(&wanted)).is_some_and(|wanted| Some(wanted) == text_bytes(value))
            }
            Test::Name(refers, template) => {
                let wanted = self.value(template)?;
                match (wanted.as_str(), value.and_then(Value::as_str)) {
                    (Some(name), Some(answer)) => {
                        name == answer || self.names.means(*refers, name, answer)
                    }
                    _ => false,
                }
            }
            Test::Any(inner) => {
                let mut met = false;
                for (index, item) in list(value).unwrap_or_default().iter().enumerate() {
                    met |= self.holds(inner, Some(item), &format!("{path}[{index}]"))?;
                }
                met
            }
            Test::Not(inner) => !self.holds(inner, value, path)?,
            Test::OneOf(choices) => {
                let mut met = false;
                for choice in choices {
                    met |= self.holds(choice, value, path)?;
                }
                met
            }
            Test::Exists(wanted) => value.is_some() == *wanted,
            Test::Is(nature) => value.is_some_and(|value| nature_of(value) == *nature),
            Test::That(expression) => self.is_true(expression, value, matcher.span)?,
            other => self.compares(other, value)?,
        })
    }

    /// What was expected, in words, with the values that names stand for.
    fn expected(self, matcher: &Matcher) -> Result<String, Unmet> {
        match &matcher.test {
            Test::Equals(template) | Test::Bytes(template) | Test::Name(_, template) => {
                Ok(shown(Some(&self.value(template)?)))
            }
            _ => Ok(matcher.in_words()),
        }
    }

    fn is_true(
        self,
        expression: &Expression,
        value: Option<&Value>,
        span: Span,
    ) -> Result<bool, EvaluateError> {
        let it = value.cloned().unwrap_or(Value::Null);
        let lookup = |name: &str| match name {
            "it" => Some(it.clone()),
            _ => self.bindings.get(name).cloned(),
        };
        let result = expression.evaluate(&lookup);
        result
            .map(|value| value == Value::Bool(true))
            .map_err(|message| EvaluateError { span, message })
    }

    fn every(
        self,
        of: &Matcher,
        inner: &Matcher,
        value: Option<&Value>,
        path: &str,
    ) -> Result<(), Unmet> {
        let items = list(value).unwrap_or_default();
        if items.is_empty() {
            return Err(Unmet::Mismatch(Mismatch {
                path: path.to_owned(),
                expected: "a list with items".into(),
                got: shown(value),
                span: of.span,
            }));
        }
        let mut numbered = items.iter().enumerate();
        numbered
            .try_for_each(|(index, item)| self.test(inner, Some(item), &format!("{path}[{index}]")))
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
