//! Diagnostics as pictures, as JSON lines and as GitHub annotations.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Severity};
use crate::scenario::source::{Source, Span};

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A person; `true` with colours.
    Human(bool),
    /// A tool: one JSON object a line.
    Json,
    /// GitHub's workflow commands.
    Github,
}

/// Writes all findings of one file.
#[must_use]
pub fn render(source: &Source, diagnostics: &[Diagnostic], format: Format) -> String {
    let one: fn(&Source, &Diagnostic, bool) -> String = match format {
        Format::Human(_) => picture,
        Format::Json => |source, diagnostic, _| json(source, diagnostic),
        Format::Github => |source, diagnostic, _| github(source, diagnostic),
    };
    let colour = format == Format::Human(true);
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&one(source, diagnostic, colour));
        text.push_str(if matches!(format, Format::Human(_)) {
            "\n\n"
        } else {
            "\n"
        });
    }
    text
}

fn picture(source: &Source, diagnostic: &Diagnostic, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let primary = AnnotationKind::Primary
        .span(visible(source, diagnostic.primary))
        .label(caption(&diagnostic.caption));
    let others = diagnostic.labels.iter().map(|(span, text)| {
        AnnotationKind::Context
            .span(visible(source, *span))
            .label(caption(text))
    });
    let snippet = Snippet::source(source.text.as_str())
        .path(source.name.as_str())
        .annotation(primary)
        .annotations(others);
    let mut group: Group<'_> = level
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code)
        .element(snippet);
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.decor_style(DecorStyle::Ascii).render(&[group])
}

fn caption(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A long span shows its first line only; an empty one shows one character.
fn visible(source: &Source, span: Span) -> Range<usize> {
    let length = source.text.len();
    let start = span.start.min(length);
    let slice = source
        .text
        .get(start..span.end.min(length))
        .unwrap_or_default();
    let line = slice.lines().next().unwrap_or_default().trim_end();
    let end = start + line.len();
    if end > start {
        return start..end;
    }
    start
        ..source.text[start..]
            .chars()
            .next()
            .map_or(start, |char| start + char.len_utf8())
}

fn json(source: &Source, diagnostic: &Diagnostic) -> String {
    let place = |span: Span| {
        let range = visible(source, span);
        let (line, column) = source.position(range.start);
        let (end_line, end_column) = source.position(range.end);
        serde_json::json!({ "line": line, "column": column, "end_line": end_line, "end_column": end_column })
    };
    let labels: Vec<_> = diagnostic
        .labels
        .iter()
        .map(|(span, text)| serde_json::json!({ "at": place(*span), "text": text }))
        .collect();
    serde_json::json!({
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "file": source.name,
        "at": place(diagnostic.primary),
        "caption": diagnostic.caption,
        "labels": labels,
        "notes": diagnostic.notes,
        "help": diagnostic.help,
    })
    .to_string()
}

fn github(source: &Source, diagnostic: &Diagnostic) -> String {
    let range = visible(source, diagnostic.primary);
    let (line, column) = source.position(range.start);
    let (end_line, end_column) = source.position(range.end);
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut message = diagnostic.message.clone();
    for more in [&diagnostic.caption]
        .into_iter()
        .chain(&diagnostic.notes)
        .chain(&diagnostic.help)
    {
        if !more.is_empty() {
            let _ = write!(message, "\n{more}");
        }
    }
    format!(
        "::{command} file={},line={line},endLine={end_line},col={column},endColumn={end_column},title={}::{}",
        property(&source.name),
        diagnostic.code,
        data(&message),
    )
}

/// Escapes the message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
