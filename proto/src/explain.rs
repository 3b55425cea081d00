//! The data behind `explain VERB` and `list verbs`.

use std::fmt;

use crate::schema;
use crate::tables::{
    Card, EventKind, FieldDef, Form, Kind, MessageDef, OperationDef, Referent, Shape,
};

/// How deep members of members are shown.
const DEPTH: usize = 4;

/// Everything that the definitions tell of an operation.
#[derive(Debug, Clone)]
pub struct Page {
    /// `kms.encrypt`.
    pub verb: &'static str,
    /// What it does, one sentence.
    pub doc: &'static str,
    /// `aws kms encrypt`.
    pub command: String,
    /// `kms:Encrypt`.
    pub action: &'static str,
    /// `management event, read`.
    pub event: String,
    /// Arguments, with members of members after them.
    pub arguments: Vec<Line>,
    /// Results, likewise.
    pub results: Vec<Line>,
    /// AWS error codes of the service model.
    pub errors: &'static [&'static str],
}

/// One member.
#[derive(Debug, Clone)]
pub struct Line {
    /// `tags[].tag_key`.
    pub path: String,
    /// `text`, `a list of structures`.
    pub kind: String,
    /// Whether it must be given.
    pub required: bool,
    /// `1 to 2048 characters`, `one of A, B`, `names a key`.
    pub limits: Vec<String>,
    /// What it means, one sentence.
    pub doc: &'static str,
}

/// The page of an operation.
#[must_use]
pub fn page(operation: &OperationDef) -> Page {
    let (mut arguments, mut results) = (Vec::new(), Vec::new());
    lines(operation.input, "", 0, &mut arguments);
    lines(operation.output, "", 0, &mut results);
    let kind = match operation.event {
        EventKind::Management => "management event",
        EventKind::Data => "data event",
    };
    Page {
        verb: operation.verb,
        doc: operation.doc,
        command: format!(
            "aws {}",
            operation.verb.replacen('.', " ", 1).replace('_', "-")
        ),
        action: operation.action,
        event: format!(
            "{kind}, {}",
            if operation.read_only { "read" } else { "write" }
        ),
        arguments,
        results,
        errors: operation.errors,
    }
}

/// The members of any message of these tables, with members of members after them.
#[must_use]
pub fn members(message: &'static MessageDef) -> Vec<Line> {
    let mut out = Vec::new();
    lines(message, "", 0, &mut out);
    out
}

fn lines(message: &'static MessageDef, above: &str, depth: usize, out: &mut Vec<Line>) {
    for field in message.fields {
        let path = format!("{above}{}", field.snake);
        out.push(Line {
            kind: schema::words(field),
            required: field.shape.required,
            limits: limits(field),
            doc: field.doc,
            path: path.clone(),
        });
        let (inner, below) = below(field);
        if let Some(inner) = inner.filter(|inner| depth < DEPTH && !inner.is_plain_value()) {
            lines(inner, &format!("{path}{below}."), depth + 1, out);
        }
    }
}

/// The structure inside a member, and how the path to it goes on.
fn below(field: &'static FieldDef) -> (Option<&'static MessageDef>, &'static str) {
    let mark = match field.card {
        Card::One => "",
        Card::List => "[]",
        Card::Map => ".NAME",
    };
    match field.kind {
        Kind::Message(message) if message.transparent => (None, mark),
        Kind::Message(message) => (Some(message), mark),
        _ => (None, mark),
    }
}

fn limits(field: &FieldDef) -> Vec<String> {
    let mut out = of_value(field.kind, field.card, field.shape);
    if let Some(item) = field.shape.item {
        out.extend(
            of_value(field.kind, Card::One, item)
                .into_iter()
                .map(|limit| format!("each {limit}")),
        );
    }
    out
}

fn of_value(kind: Kind, card: Card, shape: &Shape) -> Vec<String> {
    let mut out = Vec::new();
    let unit = match (card, kind) {
        (Card::List | Card::Map, _) => "entries",
        (Card::One, Kind::Bytes) => "bytes",
        (Card::One, _) => "characters",
    };
    out.extend(range(shape.min_length, shape.max_length).map(|range| format!("{range} {unit}")));
    out.extend(range(shape.min, shape.max));
    if !shape.values.is_empty() {
        out.push(format!("one of {}", shape.values.join(", ")));
    }
    if let Some(refers) = shape.refers_to {
        let form = if refers.form == Form::Arn {
            "sent as its ARN"
        } else {
            "sent as its id"
        };
        out.push(format!("names {}, {form}", referent(refers.to)));
    }
    if shape.idempotency_token {
        out.push("filled in when left out".to_owned());
    }
    if shape.sensitive {
        out.push("secret: never printed".to_owned());
    }
    if shape.body {
        out.push("travels in chunks beside the call".to_owned());
    }
    out
}

fn referent(to: Referent) -> &'static str {
    match to {
        Referent::Account => "an account",
        Referent::Principal => "a principal",
        Referent::Key => "a key",
        Referent::Bucket => "a bucket",
        Referent::Table => "a table",
        Referent::Volume => "a volume",
        Referent::Region => "a Region",
    }
}

fn range<T: fmt::Display>(low: Option<T>, high: Option<T>) -> Option<String> {
    match (low, high) {
        (Some(low), Some(high)) => Some(format!("{low} to {high}")),
        (Some(low), None) => Some(format!("at least {low}")),
        (None, Some(high)) => Some(format!("at most {high}")),
        (None, None) => None,
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.verb, self.doc)?;
        writeln!(f, "\n  as a command  {}", self.command)?;
        writeln!(f, "  IAM action    {}", self.action)?;
        writeln!(f, "  CloudTrail    {}", self.event)?;
        for (title, lines) in [("arguments", &self.arguments), ("results", &self.results)] {
            if !lines.is_empty() {
                writeln!(f, "\n{title}")?;
            }
            for line in lines {
                line.fmt(f)?;
            }
        }
        if !self.errors.is_empty() {
            writeln!(f, "\nerrors\n  {}", self.errors.join("\n  "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let required = if self.required { ", required" } else { "" };
        write!(f, "  {} ({}{required})", self.path, self.kind)?;
        if !self.doc.is_empty() {
            write!(f, " {}", self.doc)?;
        }
        if !self.limits.is_empty() {
            write!(f, " [{}]", self.limits.join("; "))?;
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    #[test]
    fn a_page_tells_what_a_reader_needs() {
        let page = page(registry::find_verb("kms.encrypt").expect("KMS encrypts"));
        assert_eq!(page.command, "aws kms encrypt");
        let text = page.to_string();
        assert!(text.contains("  IAM action    kms:Encrypt\n"), "{text}");
        assert!(
            text.contains("  CloudTrail    management event, read\n"),
            "{text}"
        );
        assert!(
            text.contains("  key_id (text, required) The KMS key"),
            "{text}"
        );
        assert!(
            text.contains("[1 to 4096 bytes; secret: never printed]"),
            "{text}"
        );
    }

    #[test]
    fn every_operation_has_a_sentence_and_a_page() {
        for operation in registry::operations() {
            assert!(
                operation.doc.ends_with('.'),
                "{} has no sentence",
                operation.id
            );
            assert!(!page(operation).to_string().is_empty());
        }
    }

    #[test]
    fn every_argument_has_a_sentence() {
        let bare: Vec<String> = registry::operations()
            .flat_map(|operation| page(operation).arguments)
            .filter(|line| line.doc.is_empty())
            .map(|line| line.path)
            .collect();
        assert!(bare.is_empty(), "arguments without a sentence: {bare:?}");
    }
}
