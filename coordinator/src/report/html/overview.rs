//! All runs of a command in a table, when there were several.

use super::markup::Markup;
use super::names::judged;
use super::page::Page;
use crate::clock::SimTime;
use crate::journal::event::StepStatus;
use crate::report::Summary;

/// Rows of the table that are shown.
const ROWS: usize = 1_000;

/// The section; none for a single run.
pub fn tell(out: &mut Markup, page: &Page, runs: &[Summary]) {
    if runs.len() < 2 {
        return;
    }
    out.section("runs", &format!("All runs: {}", runs.len()));
    let note = format!(
        "This page tells of {}, seed {}. `faultline runs` names the others, `faultline report NAME` tells of one.",
        page.summary.run.name, page.summary.run.seed
    );
    out.leaf("p", &[("class", "note")], &note);
    out.head(
        "Runs of this command",
        &["", "scenario", "seed", "steps", "simulated", "because"],
    );
    for run in runs.iter().take(ROWS) {
        let look = judged(run.judgement);
        let passed = run
            .steps
            .iter()
            .filter(|step| step.status == StepStatus::Passed)
            .count();
        out.open("tr", &[("class", look.class)]).open("td", &[]);
        out.leaf(
            "span",
            &[("class", look.class)],
            &format!("{} {}", look.mark, look.word),
        )
        .close("td");
        out.open("th", &[("scope", "row")])
            .text(&run.run.title)
            .leaf("small", &[], &run.run.name)
            .close("th");
        out.cell(&run.run.seed.to_string());
        out.cell(&format!("{passed} of {}", run.steps.len()));
        out.cell(&SimTime(run.took().0).to_string());
        let because = if look.class == "ok" {
            ""
        } else {
            run.because.as_str()
        };
        out.cell(because).fixed("</tr>");
    }
    out.foot();
    if runs.len() > ROWS {
        out.leaf(
            "p",
            &[("class", "note")],
            &format!("{} more are not shown.", runs.len() - ROWS),
        );
    }
    out.end();
}
