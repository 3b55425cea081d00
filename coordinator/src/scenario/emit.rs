//! A tree as YAML that people read: steps as blocks, what belongs to a verb on one line.

use std::fmt::Write as _;

use crate::scenario::source::{Entry, Key, Node, Scalar, Span, Value};

/// Longest map or list that is written on one line.
const LINE: usize = 100;

/// A scalar that needs no quotes.
#[must_use]
pub fn plain(text: impl Into<String>) -> Node {
    scalar(text.into(), true)
}

/// Text, whatever is in it.
#[must_use]
pub fn quoted(text: impl Into<String>) -> Node {
    scalar(text.into(), false)
}

fn scalar(text: String, plain: bool) -> Node {
    Node {
        value: Value::Scalar(Scalar { text, plain }),
        span: Span::default(),
    }
}

/// A map.
#[must_use]
pub fn map(entries: Vec<Entry>) -> Node {
    Node {
        value: Value::Map(entries),
        span: Span::default(),
    }
}

/// A list.
#[must_use]
pub fn list(items: Vec<Node>) -> Node {
    Node {
        value: Value::Seq(items),
        span: Span::default(),
    }
}

/// A key with its value.
#[must_use]
pub fn entry(key: &str, value: Node) -> Entry {
    Entry {
        key: Key {
            text: key.to_owned(),
            span: Span::default(),
        },
        value,
    }
}

/// A file: the entries of its root, one after the other.
#[must_use]
pub fn file(root: &[Entry]) -> String {
    let mut out = String::new();
    entries(root, 0, &mut out);
    out
}

fn entries(all: &[Entry], indent: usize, out: &mut String) {
    for (index, Entry { key, value }) in all.iter().enumerate() {
        if index > 0 || out.ends_with('\n') || out.is_empty() {
            let _ = write!(out, "{:indent$}", "");
        }
        out.push_str(&text(&key.text, true));
        out.push(':');
        block(value, indent + 2, out);
    }
}

/// A value after a key or a dash.
fn block(node: &Node, indent: usize, out: &mut String) {
    let simple = matches!(node.value, Value::Scalar(_)) || is_empty(node);
    // Steps never fit; what they would look like on one line is not asked.
    if simple || !is_steps(node) {
        let one = flow(node);
        if simple || one.chars().count() + indent <= LINE {
            out.push(' ');
            out.push_str(&one);
            out.push('\n');
            return;
        }
    }
    out.push('\n');
    match &node.value {
        Value::Scalar(_) => {}
        Value::Map(all) => entries(all, indent, out),
        Value::Seq(items) => {
            for item in items {
                let _ = write!(out, "{:indent$}-", "");
                match &item.value {
                    Value::Map(all)
                        if is_steps(item)
                            || !all.is_empty()
                                && flow(item).chars().count() + indent + 2 > LINE =>
                    {
                        out.push(' ');
                        entries(map_of(item), indent + 2, out);
                    }
                    _ => block(item, indent + 2, out),
                }
            }
        }
    }
}

fn map_of(node: &Node) -> &[Entry] {
    node.entries().unwrap_or_default()
}

fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(_) => false,
        Value::Seq(items) => items.is_empty(),
        Value::Map(all) => all.is_empty(),
    }
}

/// Whether steps are inside: those get lines of their own.
fn is_steps(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(_) => false,
        Value::Seq(items) => items.iter().any(is_steps),
        Value::Map(all) => all.iter().any(|entry| {
            matches!(entry.key.text.as_str(), "do" | "while" | "together" | "say")
                || is_steps(&entry.value)
        }),
    }
}

/// A value on one line.
#[must_use]
pub fn flow(node: &Node) -> String {
    match &node.value {
        Value::Scalar(Scalar { text: it, plain }) => text(it, *plain),
        Value::Seq(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(all) if all.is_empty() => "{}".to_owned(),
        Value::Map(all) => {
            let all: Vec<String> = all
                .iter()
                .map(|entry| format!("{}: {}", text(&entry.key.text, true), flow(&entry.value)))
                .collect();
            format!("{{ {} }}", all.join(", "))
        }
    }
}

/// A scalar with quotes where YAML, or the reader, would take it for something else.
fn text(text: &str, plain: bool) -> String {
    if plain && (text.is_empty() || text == "~") {
        return "null".to_owned();
    }
    let safe = |at: usize, char: char| {
        char.is_ascii_alphanumeric()
            || matches!(char, '_' | '.' | '/' | '$')
            || (at > 0 && matches!(char, '-' | '+' | '%' | ' ' | '(' | ')' | '='))
            || (at == 0 && char == '-' && text[1..].starts_with(|next: char| next.is_ascii_digit()))
    };
    let bare = !text.is_empty()
        && !text.ends_with(' ')
        && !text.contains(" -")
        && text.chars().enumerate().all(|(at, char)| safe(at, char));
    // Quoted text that would read as a number or a truth needs its quotes.
    let read = Scalar {
        text: text.to_owned(),
        plain: true,
    };
    if bare && (plain || read.value().is_string()) {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::source::{Source, parse};

    fn strip(node: &Node) -> Node {
        let span = Span::default();
        let value = match &node.value {
            // What it means is compared, not how it was quoted.
            Value::Scalar(scalar) => Value::Scalar(Scalar {
                text: scalar.value().to_string(),
                plain: false,
            }),
            Value::Seq(items) => Value::Seq(items.iter().map(strip).collect()),
            Value::Map(all) => Value::Map(
                all.iter()
                    .map(|it| entry(&it.key.text, strip(&it.value)))
                    .collect(),
            ),
        };
        Node { value, span }
    }

    #[test]
    fn what_is_written_reads_back_as_it_was() {
        let wide: Vec<Node> = (0..40).map(|it| plain(it.to_string())).collect();
        let root = vec![
            entry("scenario", plain("1")),
            entry("title", quoted("It's: a \"test\" - #1")),
            entry("accounts", map(vec![entry("shop", quoted("111111111111"))])),
            entry("wide", list(wide)),
            entry("nothing", plain("")),
            entry(
                "odd",
                list(vec![
                    quoted("no"),
                    quoted("- x"),
                    quoted("12"),
                    quoted(""),
                    quoted("$(a ? 'b' : c)"),
                    plain("-5m"),
                ]),
            ),
            entry(
                "steps",
                list(vec![map(vec![
                    entry("say", quoted("A storm.\nAnd a line.")),
                    entry(
                        "together",
                        map(vec![
                            entry("a", list(vec![map(vec![entry("wait", plain("1s"))])])),
                            entry(
                                "b",
                                list(vec![map(vec![
                                    entry(
                                        "while",
                                        list(vec![map(vec![entry(
                                            "region_down",
                                            plain("eu-west-1"),
                                        )])]),
                                    ),
                                    entry("do", list(vec![map(vec![entry("wait", plain("2s"))])])),
                                ])]),
                            ),
                        ]),
                    ),
                ])]),
            ),
        ];
        let text = file(&root);
        let (read, problems) = parse(&Source::new("written", &text));
        assert!(problems.is_empty(), "{problems:?}\n{text}");
        assert_eq!(strip(&read.expect("a tree")), strip(&map(root)), "{text}");
    }
}
