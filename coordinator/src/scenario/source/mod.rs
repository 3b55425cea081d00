//! From file text to a tree in which every node knows its bytes.
//!
//! The only module that knows a YAML library. It pulls the parser's events by a loop of
//! its own, so that nesting costs no stack, every duplicate key is reported and not only
//! the first, and anchors cannot multiply without end.
//!
//! Nothing is typed here: `no`, `on` and `012` are text. What a plain scalar means is
//! decided by [`Scalar::value`], in one place, by rules that fit on a postcard.

mod read;

use std::sync::Arc;

pub use read::parse;

/// A file as it was read: its name for people, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Path as the user gave it.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// Where lines begin, in bytes: each step of a run asks for its line.
    lines: Vec<usize>,
}

impl Source {
    /// A source to be shared by everything that points into it.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let text = text.into();
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Arc::new(Self {
            name: name.into(),
            lines: std::iter::once(0).chain(ends).collect(),
            text,
        })
    }

    /// Line and column of a byte, both from 1, the column in characters.
    #[must_use]
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let line = self.lines.partition_point(|start| *start <= byte);
        let start = self.lines[line - 1];
        (line, self.text[start..byte].chars().count() + 1)
    }

    /// The text under a span.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }
}

/// A range of bytes in a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// From `start` to before `end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }
}

/// A part of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What stands there.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
}

/// What stands at a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text, number, truth: not yet typed.
    Scalar(Scalar),
    /// A list.
    Seq(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<Entry>),
}

/// One key of a map and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
}

/// A key: always text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A scalar as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// Its text, with quotes and escapes undone.
    pub text: String,
    /// Whether it was written without quotes and on no block.
    pub plain: bool,
}

impl Scalar {
    /// What the scalar means where nothing says which type is wanted: quoted is text;
    /// plain is `null`, a truth, a decimal number, or else text.
    #[must_use]
    pub fn value(&self) -> serde_json::Value {
        if !self.plain {
            return self.text.clone().into();
        }
        match self.text.as_str() {
            "" | "null" | "~" => serde_json::Value::Null,
            "true" => true.into(),
            "false" => false.into(),
            text => number(text).unwrap_or_else(|| text.into()),
        }
    }

    /// Whether it holds nothing but digits.
    #[must_use]
    pub fn is_digits(&self) -> bool {
        !self.text.is_empty() && self.text.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// Whether nothing was written, or `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "" | "null" | "~")
    }
}

/// A decimal number without leading zeros or plus sign; anything else is text.
fn number(text: &str) -> Option<serde_json::Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits
        .split_once('.')
        .map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    match fraction {
        None => text
            .parse::<i64>()
            .map(Into::into)
            .or_else(|_| text.parse::<u64>().map(Into::into))
            .ok(),
        Some(rest) if is_digits(rest) => text
            .parse::<f64>()
            .ok()
            .and_then(|float| serde_json::Number::from_f64(float).map(serde_json::Value::Number)),
        Some(_) => None,
    }
}

impl Node {
    /// A node that stands for a known value, at the place where it is named.
    #[must_use]
    pub fn from_json(value: &serde_json::Value, span: Span) -> Self {
        let scalar = |text: String, plain| Value::Scalar(Scalar { text, plain });
        let value = match value {
            serde_json::Value::Null => scalar(String::new(), true),
            serde_json::Value::Bool(truth) => scalar(truth.to_string(), true),
            serde_json::Value::Number(number) => scalar(number.to_string(), true),
            serde_json::Value::String(text) => scalar(text.clone(), false),
            serde_json::Value::Array(items) => Value::Seq(
                items
                    .iter()
                    .map(|item| Self::from_json(item, span))
                    .collect(),
            ),
            serde_json::Value::Object(members) => Value::Map(
                members
                    .iter()
                    .map(|(key, value)| Entry {
                        key: Key {
                            text: key.clone(),
                            span,
                        },
                        value: Self::from_json(value, span),
                    })
                    .collect(),
            ),
        };
        Self { value, span }
    }

    /// The scalar, if it is one.
    #[must_use]
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            Value::Seq(_) | Value::Map(_) => None,
        }
    }
    /// The text of a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.scalar().map(|scalar| scalar.text.as_str())
    }
    /// The entries of a map.
    #[must_use]
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            Value::Scalar(_) | Value::Seq(_) => None,
        }
    }
    /// The items of a list.
    #[must_use]
    pub fn items(&self) -> Option<&[Self]> {
        match &self.value {
            Value::Seq(items) => Some(items),
            Value::Scalar(_) | Value::Map(_) => None,
        }
    }
    /// The value under a key of a map.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()?
            .iter()
            .find(|entry| entry.key.text == key)
            .map(|entry| &entry.value)
    }
    /// What it is, in words for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(scalar) if scalar.is_null() => "nothing",
            Value::Scalar(scalar) => match scalar.value() {
                serde_json::Value::Bool(_) => "a truth value",
                serde_json::Value::Number(_) => "a number",
                _ => "text",
            },
            Value::Seq(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
    /// How deep it is nested, itself included.
    pub(super) fn depth(&self) -> usize {
        let below = match &self.value {
            Value::Scalar(_) => None,
            Value::Seq(items) => items.iter().map(Self::depth).max(),
            Value::Map(entries) => entries.iter().map(|entry| entry.value.depth()).max(),
        };
        1 + below.unwrap_or(0)
    }
    /// How many nodes it holds, itself included.
    pub(super) fn size(&self) -> usize {
        match &self.value {
            Value::Scalar(_) => 1,
            Value::Seq(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Value::Map(entries) => {
                1 + entries
                    .iter()
                    .map(|entry| entry.value.size())
                    .sum::<usize>()
            }
        }
    }
}
