//! The picture of a failure: the file, the place, the cause, what would have helped.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::journal::event::{Mark, Problem};

/// Draws `problem` over the text of its file.
#[must_use]
pub fn draw(file: &str, source: &str, problem: &Problem, colour: bool) -> String {
    let caption = |mark: &Mark| (!mark.caption.is_empty()).then(|| mark.caption.clone());
    let primary = AnnotationKind::Primary
        .span(first_line(source, &problem.primary))
        .label(caption(&problem.primary));
    let others = problem.others.iter().map(|mark| {
        AnnotationKind::Context
            .span(first_line(source, mark))
            .label(caption(mark))
    });
    let snippet = Snippet::source(source)
        .path(file)
        .annotation(primary)
        .annotations(others);
    let mut group: Group<'_> = Level::ERROR
        .primary_title(problem.message.as_str())
        .id(problem.code.as_str())
        .element(snippet);
    for note in &problem.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    for help in &problem.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.decor_style(DecorStyle::Ascii).render(&[group])
}

/// Line and column of a mark's start, both from 1.
#[must_use]
pub fn position(source: &str, mark: &Mark) -> (u64, u64) {
    let before = source
        .get(..first_line(source, mark).start)
        .unwrap_or_default();
    let line = before.matches('\n').count() as u64 + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count() as u64
        + 1;
    (line, column)
}

/// The part of a mark that lies on its first line, within the source.
fn first_line(source: &str, mark: &Mark) -> std::ops::Range<usize> {
    let clamp = |at: u64| {
        let mut at = usize::try_from(at).unwrap_or(usize::MAX).min(source.len());
        while !source.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (clamp(mark.start), clamp(mark.end.max(mark.start)));
    let line = source[start..end]
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end()
        .len();
    start..start + line
}

#[cfg(test)]
mod tests {
    use super::super::{Summarizer, example};
    use super::*;

    #[test]
    fn it_shows_the_place_the_cause_and_the_command() {
        let summary = Summarizer::of(&example::journal());
        let problem = summary.problems().next().expect("it failed");
        let drawn = draw("example.yaml", example::SOURCE, problem, false);
        for part in [
            "error[X0007]: the step failed with ConnectTimeout",
            "example.yaml:8:15",
            "asked 3 times in 3s",
            "expected, got no answer",
            "= note: region_down: eu-west-1 is down since t=0.500s",
            "= help: faultline show latest --at 0.50s",
        ] {
            assert!(drawn.contains(part), "{part} is not in\n{drawn}");
        }
        assert_eq!(position(example::SOURCE, &problem.primary), (8, 15));
    }

    #[test]
    fn a_mark_outside_the_source_does_no_harm() {
        let mark = Mark {
            start: 10_000,
            end: 5,
            caption: String::new(),
        };
        assert_eq!(first_line("ü", &mark), 2..2);
        assert_eq!(
            first_line(
                "ü",
                &Mark {
                    start: 1,
                    end: 2,
                    caption: String::new()
                }
            ),
            0..2
        );
    }
}
