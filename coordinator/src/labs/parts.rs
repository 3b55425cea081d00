//! Files one after the other as one scenario, and whatever is said of it back in the file where
//! it stands: a learner's caret is in the learner's file, with that file's own lines.

use std::ops::Range;
use std::sync::Arc;

use super::judge::Bench;
use super::{Build, What};
use crate::journal::event::{Mark, Problem};
use crate::scenario::diagnostic::{Diagnostic, Format, Severity, render};
use crate::scenario::load;
use crate::scenario::source::{Source, Span, parse};

/// The finding that a text is no YAML at all.
pub const NO_YAML: &str = "E0101";

/// See the module.
#[derive(Debug, Clone)]
pub struct Parts {
    /// All of them as one, called after the first file that the learner writes.
    pub source: Arc<Source>,
    /// Each file, and where it lies; in their order, at least one.
    parts: Vec<(String, Range<usize>)>,
}

impl Parts {
    /// These files, in their order; the whole is called `name`.
    #[must_use]
    pub fn of(name: &str, files: &[(String, String)]) -> Self {
        let mut whole = String::new();
        let mut parts = Vec::new();
        for (file, text) in files {
            if !whole.is_empty() {
                whole.push_str(&format!("\n# ---- {file} ----\n"));
            }
            let start = whole.len();
            whole.push_str(text);
            parts.push((file.clone(), start..whole.len()));
        }
        Self {
            source: Source::new(name, whole),
            parts,
        }
    }

    /// The file that a byte of the whole is in: its name, and where it lies.
    fn at(&self, byte: usize) -> (&str, Range<usize>) {
        let after = self.parts.partition_point(|(_, it)| it.start <= byte);
        let part = self.parts.get(after.saturating_sub(1));
        part.map_or((self.source.name.as_str(), 0..0), |(file, it)| {
            (file.as_str(), it.clone())
        })
    }

    /// The file that something is said of, and what is said, by that file's own bytes.
    #[must_use]
    pub fn found(&self, one: &Diagnostic) -> (Arc<Source>, Diagnostic) {
        // A bracket that a file leaves open is seen only where the next one begins.
        if one.code == NO_YAML
            && let Some(broken) = self.broken()
        {
            return broken;
        }
        let (file, part) = self.at(one.primary.start);
        let moved = |span: Span| Span {
            start: inside(span.start, &part),
            end: inside(span.end, &part),
        };
        let mut here = one.clone();
        here.primary = moved(one.primary);
        here.labels.retain(|(span, _)| part.contains(&span.start));
        for (span, _) in &mut here.labels {
            *span = moved(*span);
        }
        (self.file(file, &part), here)
    }

    /// The first file that is no YAML by itself, with what is wrong with it.
    fn broken(&self) -> Option<(Arc<Source>, Diagnostic)> {
        self.parts.iter().find_map(|(file, part)| {
            let source = self.file(file, part);
            let found = parse(&source).1.into_iter().next()?;
            Some((source, found))
        })
    }

    /// The same of a run's problem, as a picture.
    #[must_use]
    pub fn picture(&self, problem: &Problem, colour: bool) -> String {
        let byte = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let (file, part) = self.at(byte(problem.primary.start));
        let moved = |mark: &Mark| Mark {
            start: inside(byte(mark.start), &part) as u64,
            end: inside(byte(mark.end), &part) as u64,
            caption: mark.caption.clone(),
        };
        let mut here = problem.clone();
        here.primary = moved(&problem.primary);
        let others = problem.others.iter();
        here.others = others
            .filter(|mark| part.contains(&byte(mark.start)))
            .map(moved)
            .collect();
        // No run was kept that could be shown.
        here.help
            .retain(|help| !help.starts_with("faultline show "));
        let text = self.file(file, &part);
        crate::report::picture::draw(file, &text.text, &here, colour)
    }

    /// A finding as a picture.
    #[must_use]
    pub fn drawn(&self, found: Option<&Diagnostic>, colour: bool) -> String {
        found.map_or_else(String::new, |one| {
            let (source, one) = self.found(one);
            render(&source, &[one], Format::Human(colour))
        })
    }

    fn file(&self, file: &str, part: &Range<usize>) -> Arc<Source> {
        let text = self.source.text.get(part.clone()).unwrap_or_default();
        Source::new(file, text)
    }
}

/// A byte of the whole as one of a part.
fn inside(byte: usize, part: &Range<usize>) -> usize {
    byte.clamp(part.start, part.end) - part.start
}

/// What the first check that reads a learner's file makes of `text`, before anything runs: each
/// with its file. Empty when it can run.
#[must_use]
pub fn findings(bench: &Bench<'_>, build: &Build, text: &str) -> Vec<(Arc<Source>, Diagnostic)> {
    let mut bench = bench.clone();
    bench.work.insert(build.edit.clone(), text.to_owned());
    for check in &build.checks {
        match &check.what {
            What::Run(run) if run.files.contains(&build.edit) => {
                let Some(parts) = bench.parts(&run.files) else {
                    continue;
                };
                let found = match load(&parts.source) {
                    Ok(plan) => plan.warnings,
                    Err(found) => found,
                };
                let found = found.iter().map(|one| parts.found(one));
                // What may be meant in a file of the lab is the lab's business.
                let matters = |(file, one): &(Arc<Source>, Diagnostic)| {
                    file.name == build.edit || one.severity == Severity::Error
                };
                return found.filter(matters).collect();
            }
            What::Campaign { file, .. } if *file == build.edit => {
                let source = Source::new(file.as_str(), text);
                let read = crate::campaign::read::read(&source, std::path::Path::new(file));
                let found = read.err().unwrap_or_default();
                return found.into_iter().map(|it| (source.clone(), it)).collect();
            }
            _ => {}
        }
    }
    Vec::new()
}

/// What stands before a learner's file where it is run: an editor needs it to know what may come.
#[must_use]
pub fn before(bench: &Bench<'_>, build: &Build) -> String {
    let mut runs = build.checks.iter().filter_map(|check| match &check.what {
        What::Run(run) => run
            .files
            .iter()
            .position(|file| *file == build.edit)
            .map(|at| &run.files[..at]),
        _ => None,
    });
    let files = runs.next().unwrap_or_default();
    let parts = bench.parts(files);
    parts.map_or_else(String::new, |parts| parts.source.text.clone() + "\n")
}
