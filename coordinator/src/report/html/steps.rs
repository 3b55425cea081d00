//! The story: steps with what they say, why, how they ended, and when.

use super::markup::Markup;
use super::names::ended;
use super::page::Page;
use crate::clock::SimTime;
use crate::journal::event::StepStatus;
use crate::report::summary::StepLine;
use crate::report::terminal::{call_line, name};

/// Steps that are shown; those that did not pass always are.
const ROWS: usize = 400;
/// Calls of a step that are shown.
const CALLS: usize = 40;

/// The section.
pub fn tell(out: &mut Markup, page: &Page) {
    let steps = &page.summary.steps;
    let passed = steps
        .iter()
        .filter(|step| step.status == StepStatus::Passed)
        .count();
    let heading = format!("Steps: {passed} of {} passed", steps.len());
    out.section("steps", &heading);
    let columns = ["", "when", "step", "took"];
    out.head("Each step in the order in which they began", &columns);
    let mut left = 0_usize;
    for (index, step) in steps.iter().enumerate() {
        let fine = matches!(step.status, StepStatus::Passed | StepStatus::Skipped);
        if index >= ROWS && fine {
            left += 1;
        } else {
            one(out, page, step);
        }
    }
    out.foot();
    if left > 0 {
        let more =
            format!("{left} more that passed are not shown; `faultline show` tells all of them.");
        out.leaf("p", &[("class", "note")], &more);
    }
    out.end();
}

fn one(out: &mut Markup, page: &Page, step: &StepLine) {
    let look = ended(step.status);
    let depth = step.step.step.matches('.').count().min(4).to_string();
    out.open(
        "tr",
        &[("class", look.class), ("data-step", &step.step.step)],
    );
    out.open("td", &[]).leaf(
        "span",
        &[("class", look.class)],
        &format!("{} {}", look.mark, look.word),
    );
    out.close("td")
        .leaf("td", &[("class", "when")], &page.summary.at(step.began));
    out.open("td", &[("class", "say"), ("data-depth", &depth)])
        .leaf("b", &[], &name(step));
    let mut about = vec![format!("step {}", step.step.step)];
    if !step.step.say.trim().is_empty() && !step.step.verb.is_empty() {
        about.push(step.step.verb.clone());
    }
    if !step.step.principal.is_empty() {
        about.push(format!("as {}", step.step.principal));
    }
    if let Some(region) = &step.step.region {
        about.push(format!("in {region}"));
    }
    if !step.step.lane.is_empty() {
        about.push(format!("lane {}", step.step.lane));
    }
    if step.attempts > 1 {
        about.push(format!("asked {} times", step.attempts));
    }
    out.open("small", &[]).text(&about.join(" · ")).fixed(" · ");
    let (line, target) = (
        format!("line {}", step.step.line),
        format!("#L{}", step.step.line),
    );
    out.leaf("a", &[("href", &target)], &line).close("small");
    if !step.why.trim().is_empty() {
        out.open("p", &[("class", "why")])
            .text(step.why.trim())
            .close("p");
    }
    if let Some(problem) = &step.problem {
        out.open("p", &[("class", "fail")])
            .fixed("✕ ")
            .text(&problem.message)
            .close("p");
    }
    calls(out, step);
    out.fixed("</td>");
    let took = SimTime(step.ended.since(step.began).0).to_string();
    out.leaf("td", &[("class", "when")], &took).fixed("</tr>");
}

fn calls(out: &mut Markup, step: &StepLine) {
    if step.calls.is_empty() && step.refusals.is_empty() {
        return;
    }
    let count: u64 = step.calls.iter().map(|call| call.count).sum();
    let attributes: &[(&'static str, &str)] = if step.status == StepStatus::Failed {
        &[("open", "")]
    } else {
        &[]
    };
    out.open("details", attributes);
    let calls = if count == 1 { "call" } else { "calls" };
    let mut words = format!("{count} {calls}");
    if !step.refusals.is_empty() {
        words.push_str(&format!(", {} inside services", step.refusals.len()));
    }
    out.leaf("summary", &[], &words).fixed("<ul>");
    for call in step.calls.iter().take(CALLS) {
        let (class, mark) = match (&call.code, &call.caused_by) {
            (None, _) => ("ok", "✓ "),
            (Some(_), Some(_)) => ("unknown", "△ "),
            (Some(_), None) => ("fail", "✕ "),
        };
        out.fixed("<li>")
            .leaf("span", &[("class", class)], mark)
            .text(&call_line(call))
            .fixed("</li>");
    }
    for refusal in step.refusals.iter().take(CALLS) {
        out.fixed("<li>")
            .leaf("span", &[("class", "fail")], "⊘ ")
            .text(refusal)
            .fixed("</li>");
    }
    out.fixed("</ul></details>");
}
