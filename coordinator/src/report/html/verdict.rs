//! Did it pass? If not: what went wrong first, whose doing it was, what would have helped.

use super::denials::{DenialRow, step_ended};
use super::markup::Markup;
use super::names::{ended, judged};
use super::page::Page;
use crate::clock::SimTime;
use crate::journal::event::{Judgement, Problem, StepStatus};
use crate::report::picture;
use crate::report::summary::StepLine;
use crate::report::terminal::name;

/// The head of the page.
pub fn tell(out: &mut Markup, page: &Page) {
    let (summary, look) = (&page.summary, judged(page.summary.judgement));
    out.open("header", &[("class", look.class), ("id", "top")]);
    out.open("p", &[("class", "badge")])
        .fixed(look.mark)
        .fixed(" ")
        .text(&look.word.to_uppercase())
        .close("p");
    let title = if summary.run.title.is_empty() {
        &summary.run.name
    } else {
        &summary.run.title
    };
    out.open("h1", &[]).clipped(title, 300).close("h1");
    let facts = [
        summary.run.file.clone(),
        format!("seed {}", summary.run.seed),
        format!("{} simulated", SimTime(summary.took().0)),
        format!("{} steps", summary.steps.len()),
        format!("{} events", summary.events),
        page.summary
            .world
            .regions
            .iter()
            .map(|region| region.as_str())
            .collect::<Vec<_>>()
            .join(", "),
    ];
    out.open("p", &[("class", "meta")])
        .clipped(&facts.join(" · "), 600)
        .close("p");
    if summary.judgement != Judgement::Pass && !summary.because.is_empty() {
        out.leaf("p", &[("class", "because")], &summary.because);
    }
    if summary.interrupted {
        out.fixed("<p class=\"because\">? It was interrupted: this is a part of the run.</p>");
    }
    out.fixed("</header>\n");
    first(out, page);
}

/// The step that failed first.
#[must_use]
pub fn failed(page: &Page) -> Option<&StepLine> {
    // A block fails with the step in it; the step says more.
    let mut failed = page
        .summary
        .steps
        .iter()
        .filter(|step| step.status == StepStatus::Failed);
    let first = failed.next()?;
    let inner = failed.find(|step| step.problem.is_some());
    if first.problem.is_some() {
        Some(first)
    } else {
        inner.or(Some(first))
    }
}

fn first(out: &mut Markup, page: &Page) {
    let step = failed(page);
    let problem = step
        .and_then(|step| step.problem.as_ref())
        .or_else(|| page.summary.problems().next());
    if step.is_none() && problem.is_none() {
        return;
    }
    out.section("first", "The first thing that went wrong");
    if let Some(step) = step {
        let look = ended(step.status);
        out.open("p", &[("class", "lead")]).leaf(
            "span",
            &[("class", look.class)],
            &format!("{} {} ", look.mark, page.summary.at(step.began)),
        );
        let target = format!("#L{}", step.step.line);
        out.text(&name(step)).fixed(" ").leaf(
            "a",
            &[("href", &target)],
            &format!("line {}", step.step.line),
        );
        out.close("p");
    }
    if let Some(problem) = problem {
        pictured(out, page, problem);
    }
    cause(out, page, step, problem);
    out.end();
}

fn pictured(out: &mut Markup, page: &Page, problem: &Problem) {
    let run = &page.summary.run;
    let drawn = picture::draw(&run.file, &run.source, problem, false);
    out.open("p", &[("class", "message")])
        .leaf("code", &[], &problem.code)
        .fixed(" ")
        .text(&problem.message)
        .close("p");
    out.open("pre", &[("class", "picture"), ("tabindex", "0")])
        .clipped(&drawn, 6_000)
        .close("pre");
}

/// The refusals that the failed step met.
fn met<'a>(page: &'a Page, step: &StepLine) -> Vec<&'a DenialRow> {
    let failed = |row: &&DenialRow| step_ended(page, row) == Some(StepStatus::Failed);
    let rows = &page.denials.rows;
    let mut met: Vec<_> = rows
        .iter()
        .filter(failed)
        .filter(|row| row.step.starts_with(&step.step.step))
        .collect();
    if met.is_empty() {
        // What a service was refused earlier is often why a step waits in vain.
        met = rows.iter().filter(|row| !row.via.is_empty()).collect();
    }
    met.truncate(3);
    met
}

fn cause(out: &mut Markup, page: &Page, step: Option<&StepLine>, problem: Option<&Problem>) {
    let notes = problem.map_or(&[][..], |problem| &problem.notes);
    let mut met = step.map(|step| met(page, step)).unwrap_or_default();
    // What the problem says already is not said again.
    met.retain(|row| !notes.iter().any(|note| note.contains(&row.action)));
    out.fixed("<div class=\"sides\"><div class=\"side\"><h3>Because</h3><ul>");
    for note in notes {
        out.leaf("li", &[], note);
    }
    for row in &met {
        let told = format!(
            "⊘ {} was refused {} on {} in {} by {}, at {}",
            page.names.short(&row.principal),
            row.action,
            page.names.short(&row.resource),
            row.region,
            row.by.replace('_', " "),
            page.summary.at(row.first)
        );
        out.leaf("li", &[], &told);
    }
    if notes.is_empty() && met.is_empty() {
        out.leaf("li", &[], &page.summary.because);
    }
    out.fixed("</ul></div><div class=\"side\"><h3>What would have helped</h3><ul>");
    let help = problem.map_or(&[][..], |problem| &problem.help);
    for help in help {
        out.leaf("li", &[], help);
    }
    for reason in met.iter().filter_map(|row| row.reasons.first()) {
        out.leaf("li", &[], reason);
    }
    if help.is_empty() && met.is_empty() {
        out.fixed("<li>Look at the moment: the timeline below, and <code>faultline show --at TIME</code>.</li>");
    }
    out.fixed("</ul></div></div>");
}
