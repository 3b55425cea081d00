//! What is wrong with a file, and where.
//!
//! A check never stops at the first problem: it pushes diagnostics into a
//! [`Diagnostics`] and goes on with what is left. Rendering is apart: pictures for
//! people, JSON for tools, annotations for GitHub, all from the same data.

mod render;

pub use render::{Format, render};

use super::source::Span;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file cannot run.
    Error,
    /// The file runs; something in it is surely not meant.
    Warning,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// `E0101` and so on: a row of [`crate::explain::codes`].
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence without a full stop.
    pub message: String,
    /// Where.
    pub primary: Span,
    /// What to write under the caret, may be empty.
    pub caption: String,
    /// Other places that matter, with what to say there.
    pub labels: Vec<(Span, String)>,
    /// Facts.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// A finding with its place; the rest is added by the methods below.
    #[must_use]
    pub fn new(
        code: &'static str,
        severity: Severity,
        primary: Span,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            primary,
            caption: String::new(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
        }
    }
    /// Writes under the caret.
    pub fn caption(&mut self, text: impl Into<String>) -> &mut Self {
        self.caption = text.into();
        self
    }
    /// Points at another place.
    pub fn label(&mut self, span: Span, text: impl Into<String>) -> &mut Self {
        self.labels.push((span, text.into()));
        self
    }
    /// Adds a fact.
    pub fn note(&mut self, text: impl Into<String>) -> &mut Self {
        self.notes.push(text.into());
        self
    }
    /// Adds advice.
    pub fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help.push(text.into());
        self
    }
    /// Adds "did you mean", when one of the known words is near enough.
    pub fn suggest<'a>(
        &mut self,
        written: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> &mut Self {
        let known: Vec<&str> = known.into_iter().collect();
        if let Some(near) = nearest(written, known.iter().copied()) {
            self.caption = format!("did you mean `{near}`?");
        } else if !known.is_empty() && known.len() <= 24 {
            self.note(format!("known here: {}", listing(&known)));
        }
        self
    }
}

/// A growing list of findings.
#[derive(Debug, Default)]
pub struct Diagnostics {
    /// In the order in which they were found.
    pub list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds an error and gives it back to be completed.
    pub fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Diagnostic::new(code, Severity::Error, span, message))
    }
    /// Adds a warning and gives it back to be completed.
    pub fn warning(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Diagnostic::new(code, Severity::Warning, span, message))
    }
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) -> &mut Diagnostic {
        self.list.push(diagnostic);
        self.list.last_mut().expect("one was just pushed")
    }
    /// Whether anything here forbids running.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }
    /// The findings in the order of the file, each once.
    #[must_use]
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.list
            .sort_by(|a, b| (a.primary, a.code, &a.message).cmp(&(b.primary, b.code, &b.message)));
        self.list.dedup();
        self.list
    }
}

/// The known word that was most probably meant.
#[must_use]
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = written.to_lowercase().replace('-', "_");
    let allowed = (written.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .filter(|word| *word != written)
        .map(|word| {
            let other = word.to_lowercase().replace('-', "_");
            let distance = strsim::damerau_levenshtein(&folded, &other);
            let squeezed = folded.replace('_', "") == other.replace('_', "");
            (if squeezed { 0 } else { distance }, word)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, word)| (*distance, *word))
        .map(|(_, word)| word)
}

/// "`a`, `b` and `c`".
#[must_use]
pub fn listing<S: AsRef<str>>(words: &[S]) -> String {
    let quoted: Vec<String> = words
        .iter()
        .map(|word| format!("`{}`", word.as_ref()))
        .collect();
    match quoted.split_last() {
        None => "nothing".into(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("paymnets", ["payments", "vault"]), Some("payments"));
        assert_eq!(
            nearest("kms.encypt", ["kms.encrypt", "kms.decrypt"]),
            Some("kms.encrypt")
        );
        assert_eq!(nearest("keyId", ["key_id"]), Some("key_id"));
        assert_eq!(nearest("bucket", ["table"]), None);
        assert_eq!(nearest("x", ["in"]), None);
    }

    #[test]
    fn listings_read_as_sentences() {
        assert_eq!(listing(&["a"]), "`a`");
        assert_eq!(listing(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
