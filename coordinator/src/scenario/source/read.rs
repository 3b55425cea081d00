//! From the parser's events to the tree.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::{Entry, Key, Node, Scalar, Source, Span, Value};
use crate::scenario::diagnostic::{Diagnostic, Diagnostics};

/// Deepest nesting that is read.
const DEEPEST: usize = 64;
/// Most nodes that aliases may add.
const MOST_ALIASED: usize = 10_000;
/// Largest file, in bytes.
const LARGEST: usize = 4 << 20;

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
                    let problem = found.error(
                        "E0101",
                        self.line_end(at),
                        format!("this is not YAML: {}", error.info()),
                    );
                    let line_start = self.source.text[..at].rfind('\n').map_or(0, |at| at + 1);
                    let before = &self.source.text[line_start..at];
                    if self.source.text[at..].starts_with('[') && before.contains('$') {
                        problem.help(
                            "between `{` and `}` a value with brackets needs quotes: `\"$a.b[0]\"`",
                        );
                    }
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
        if node.depth() + self.open.len() > DEEPEST {
            found.error(
                "E0103",
                span,
                format!("this alias nests deeper than {DEEPEST} levels"),
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
