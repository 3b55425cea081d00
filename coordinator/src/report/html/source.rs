//! The scenario's source with results in the margin.

use std::collections::BTreeMap;

use super::markup::Markup;
use super::names::{Look, ended};
use super::page::Page;
use crate::journal::event::{Problem, StepStatus};

/// Lines that are shown.
const LINES: usize = 3_000;

/// The section.
pub fn tell(out: &mut Markup, page: &Page) {
    let run = &page.summary.run;
    if run.source.is_empty() {
        return;
    }
    let margin = margin(page);
    let troubles = troubles(page);
    out.section("source", &format!("The scenario, {}", run.file));
    out.fixed("<div class=\"scroll source\" tabindex=\"0\"><table><caption>Its text, with what came of each step</caption><tbody>");
    for (number, line) in (1_u64..).zip(run.source.lines().take(LINES)) {
        let look = margin.get(&number);
        let id = format!("L{number}");
        let class = look.map_or("", |(look, _)| look.class);
        out.open("tr", &[("id", &id), ("class", class)]);
        let told = look
            .map(|(look, count)| {
                if *count > 1 {
                    format!("{} ×{count}", look.mark)
                } else {
                    look.mark.to_owned()
                }
            })
            .unwrap_or_default();
        let word = look.map_or("", |(look, _)| look.word);
        out.leaf("td", &[("class", "margin"), ("title", word)], &told);
        out.leaf("td", &[("class", "number")], &number.to_string());
        out.open("td", &[("class", "line")]).text(line);
        for message in troubles.get(&number).into_iter().flatten() {
            out.open("span", &[("class", "trouble")])
                .fixed("✕ ")
                .text(message)
                .close("span");
        }
        out.fixed("</td></tr>");
    }
    out.fixed("</tbody></table></div>");
    let more = run.source.lines().count().saturating_sub(LINES);
    if more > 0 {
        out.leaf(
            "p",
            &[("class", "note")],
            &format!("{more} lines more are not shown."),
        );
    }
    out.end();
}

/// The worst end of the steps that begin on each line, and how many there were.
fn margin(page: &Page) -> BTreeMap<u64, (Look, u64)> {
    let mut margin: BTreeMap<u64, (StepStatus, u64)> = BTreeMap::new();
    for step in &page.summary.steps {
        let entry = margin.entry(step.step.line).or_insert((step.status, 0));
        entry.1 += 1;
        if rank(step.status) > rank(entry.0) {
            entry.0 = step.status;
        }
    }
    margin
        .into_iter()
        .map(|(line, (status, count))| (line, (ended(status), count)))
        .collect()
}

fn rank(status: StepStatus) -> u8 {
    match status {
        StepStatus::Skipped => 0,
        StepStatus::Passed => 1,
        StepStatus::Interrupted => 2,
        StepStatus::Failed => 3,
    }
}

/// Captions of problems by line.
fn troubles(page: &Page) -> BTreeMap<u64, Vec<String>> {
    let source = &page.summary.run.source;
    let mut troubles: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let place = |problem: &Problem| {
        let start = usize::try_from(problem.primary.start).unwrap_or(usize::MAX);
        let before = source.as_bytes().get(..start.min(source.len()));
        let newlines = before
            .unwrap_or_default()
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        newlines as u64 + 1
    };
    for problem in page.summary.problems() {
        let caption = &problem.primary.caption;
        let told = if caption.is_empty() {
            problem.message.clone()
        } else {
            caption.clone()
        };
        troubles.entry(place(problem)).or_default().push(told);
    }
    troubles
}
