//! GitHub's workflow commands: what failed, at its place in the file.

use std::fmt::Write as _;

use super::{Summary, picture};
use crate::journal::event::Judgement;

/// Annotations of one run; `path` is the scenario file as the repository knows it.
#[must_use]
pub fn write(summary: &Summary, path: &str) -> String {
    let mut out = String::new();
    for problem in summary.problems() {
        let (line, column) = picture::position(&summary.run.source, &problem.primary);
        let notes: String = problem
            .notes
            .iter()
            .chain(&problem.help)
            .map(|note| format!("\n{note}"))
            .collect();
        let _ = writeln!(
            out,
            "::error file={},line={line},col={column},title={}::{}",
            property(path),
            property(&format!("{} {}", problem.code, problem.message)),
            data(&format!("{}{notes}", problem.primary.caption)),
        );
    }
    if out.is_empty() && summary.judgement != Judgement::Pass {
        let level = if summary.judgement == Judgement::Unknown {
            "warning"
        } else {
            "error"
        };
        let _ = writeln!(
            out,
            "::{level} file={},line=1::{}",
            property(path),
            data(&summary.because)
        );
    }
    out
}

/// Text of an annotation.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of an annotation.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::{Summarizer, example};
    use super::*;

    #[test]
    fn a_failure_is_at_its_line_and_newlines_are_escaped() {
        let told = write(
            &Summarizer::of(&example::journal()),
            "scenarios/example.yaml",
        );
        let start = "::error file=scenarios/example.yaml,line=8,col=15,title=X0007 the step failed with ConnectTimeout::";
        assert!(told.starts_with(start), "{told}");
        assert_eq!(told.lines().count(), 1);
        assert!(told.contains("%0Afaultline show latest"));
    }
}
