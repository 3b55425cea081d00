//! From file text to a tree in which every node knows its bytes.
//!
//! The only module that knows a YAML library. It pulls the parser's events by a loop of
//! its own, so that nesting costs no stack, every duplicate key is reported and not only
//! the first, and anchors cannot multiply without end.
//!
//! Nothing is typed here: `no`, `on` and `012` are text. What a plain scalar means is
//! decided by [`Scalar::value`], in one place, by rules that fit on a postcard.

use std::collections::BTreeMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::diagnostic::{Diagnostic, Diagnostics};

/// Deepest nesting that is read.
const DEEPEST: usize = 64;
/// Most nodes that aliases may add.
const MOST_ALIASED: usize = 10_000;
/// Largest file, in bytes.
const LARGEST: usize = 4 << 20;

/// A file as it was read: its name for people, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Path as the user gave it.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// A source to be shared by everything that points into it.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            text: text.into(),
        })
    }

    /// Line and column of a byte, both from 1, the column in characters.
    #[must_use]
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let before = &self.text[..byte];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
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
    /// How many nodes it holds, itself included.
    fn size(&self) -> usize {
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

/// Reads a text. The tree is `None` when nothing could be made of it; then there is at
/// least one diagnostic.
#[must_use]
pub fn parse(source: &Source) -> (Option<Node>, Vec<Diagnostic>) {
    let mut found = Diagnostics::default();
    if source.text.len() > LARGEST {
        found.error(
            "E0103",
            Span::default(),
            format!("the file is larger than {} MiB", LARGEST >> 20),
        );
        return (None, found.list);
    }
    let root = Builder::new(source).run(&mut found);
    (root, found.list)
}

/// A collection whose end has not come yet.
enum Open {
    Seq {
        items: Vec<Node>,
        start: usize,
        anchor: usize,
    },
    Map {
        entries: Vec<Entry>,
        key: Option<Key>,
        start: usize,
        anchor: usize,
    },
}

struct Builder<'a> {
    source: &'a Source,
    /// Byte offset of every character, and the end: the parser counts characters.
    bytes: Vec<usize>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    aliased: usize,
    documents: usize,
    root: Option<Node>,
    /// End of the last scalar or closing bracket: where a block collection really ends.
    last_end: usize,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Source) -> Self {
        let bytes = source
            .text
            .char_indices()
            .map(|(byte, _)| byte)
            .chain([source.text.len()])
            .collect();
        Self {
            source,
            bytes,
            open: Vec::new(),
            anchors: BTreeMap::new(),
            aliased: 0,
            documents: 0,
            root: None,
            last_end: 0,
        }
    }

    fn byte(&self, character: usize) -> usize {
        self.bytes
            .get(character)
            .copied()
            .unwrap_or(self.source.text.len())
    }

    fn run(mut self, found: &mut Diagnostics) -> Option<Node> {
        let mut parser = Parser::new_from_str(&self.source.text);
        while let Some(event) = parser.next_event() {
            let (event, span) = match event {
                Ok(event) => event,
                Err(error) => {
                    let at = self.byte(error.marker().index());
                    found.error(
                        "E0101",
                        self.line_end(at),
                        format!("this is not YAML: {}", error.info()),
                    );
                    return None;
                }
            };
            let span = Span::new(self.byte(span.start.index()), self.byte(span.end.index()));
            if !self.take(event, span, found) {
                return None;
            }
        }
        if self.root.is_none() {
            found.error("E0101", Span::default(), "the file is empty");
        }
        self.root
    }

    /// A span of one character at `at`, never past the end of the text.
    fn line_end(&self, at: usize) -> Span {
        let at = at.min(self.source.text.len());
        let next = self.source.text[at..]
            .chars()
            .next()
            .map_or(at, |char| at + char.len_utf8());
        Span::new(at, next)
    }

    /// Takes one event; `false` when reading must stop.
    fn take(&mut self, event: Event<'_>, span: Span, found: &mut Diagnostics) -> bool {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    found.error(
                        "E0115",
                        span,
                        "a second document begins here; a scenario file holds one",
                    );
                    return false;
                }
            }
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                self.last_end = self.trimmed(span).end;
                let node = Node {
                    value: Value::Scalar(Scalar {
                        text: text.into_owned(),
                        plain,
                    }),
                    span: self.trimmed(span),
                };
                self.insert(node, anchor, found);
            }
            Event::SequenceStart(anchor, _) => self.open.push(Open::Seq {
                items: Vec::new(),
                start: span.start,
                anchor,
            }),
            Event::MappingStart(anchor, _) => {
                self.open.push(Open::Map {
                    entries: Vec::new(),
                    key: None,
                    start: span.start,
                    anchor,
                });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span, found),
            Event::Alias(anchor) => return self.alias(anchor, span, found),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        if self.open.len() > DEEPEST {
            found.error(
                "E0103",
                span,
                format!("nested deeper than {DEEPEST} levels"),
            );
            return false;
        }
        true
    }

    /// Block scalars end where the next token begins: cut the white space.
    fn trimmed(&self, span: Span) -> Span {
        Span::new(
            span.start,
            span.start + self.source.slice(span).trim_end().len(),
        )
    }

    fn alias(&mut self, anchor: usize, span: Span, found: &mut Diagnostics) -> bool {
        let Some(node) = self.anchors.get(&anchor) else {
            found.error("E0101", span, "this alias is part of what it names");
            return false;
        };
        self.aliased += node.size();
        if self.aliased > MOST_ALIASED {
            found.error(
                "E0103",
                span,
                format!("aliases repeat more than {MOST_ALIASED} nodes"),
            );
            return false;
        }
        let node = Node {
            value: node.value.clone(),
            span,
        };
        self.last_end = span.end;
        self.insert(node, 0, found);
        true
    }

    fn close(&mut self, span: Span, found: &mut Diagnostics) {
        self.last_end = self.last_end.max(if self.source.slice(span).is_empty() {
            0
        } else {
            span.end
        });
        let (value, start, anchor) = match self.open.pop() {
            Some(Open::Seq {
                items,
                start,
                anchor,
            }) => (Value::Seq(items), start, anchor),
            Some(Open::Map {
                entries,
                start,
                anchor,
                ..
            }) => (Value::Map(entries), start, anchor),
            None => return,
        };
        let node = Node {
            value,
            span: Span::new(start, self.last_end.max(start)),
        };
        self.insert(node, anchor, found);
    }

    fn insert(&mut self, node: Node, anchor: usize, found: &mut Diagnostics) {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::Seq { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => match key.take() {
                None => *key = Some(key_of(node, found)),
                Some(key) => {
                    if let Some(first) = entries.iter().find(|entry| entry.key.text == key.text) {
                        let first = first.key.span;
                        found
                            .error(
                                "E0102",
                                key.span,
                                format!("the key `{}` is written twice", key.text),
                            )
                            .label(first, "first here");
                    } else {
                        entries.push(Entry { key, value: node });
                    }
                }
            },
        }
    }
}

fn key_of(node: Node, found: &mut Diagnostics) -> Key {
    let span = node.span;
    match node.value {
        Value::Scalar(scalar) => Key {
            text: scalar.text,
            span,
        },
        Value::Seq(_) | Value::Map(_) => {
            found
                .error("E0115", span, format!("{} cannot be a key", node.kind()))
                .help("`{{ x }}` and `${x}` read as maps in YAML; write `$x` or `$(expression)`");
            Key {
                text: String::new(),
                span,
            }
        }
    }
}
