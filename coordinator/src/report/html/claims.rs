//! What was to hold always, and what was to be reached.

use super::markup::Markup;
use super::names::judged;
use super::page::Page;
use crate::journal::event::Judgement;

/// The section.
pub fn tell(out: &mut Markup, page: &Page) {
    let summary = &page.summary;
    if summary.oracles.is_empty() && summary.goals.is_empty() {
        return;
    }
    out.section("claims", "What was to hold, and goals");
    if !summary.oracles.is_empty() {
        let columns = ["oracle", "says", "looked at", "because"];
        out.head("Oracles: what was to hold always", &columns);
        for oracle in &summary.oracles {
            out.fixed("<tr>").open("th", &[("scope", "row")]);
            out.text(&oracle.oracle.replace('_', " "));
            out.leaf("small", &[], &oracle.about).close("th");
            says(out, oracle.judgement);
            out.cell(&oracle.checked.to_string()).fixed("<td>");
            out.text(&oracle.because);
            if oracle.meant_to_violate {
                out.leaf("small", &[], "meant to be violated");
            }
            if !oracle.evidence.is_empty() {
                let lines: Vec<String> = oracle
                    .evidence
                    .iter()
                    .take(20)
                    .map(u64::to_string)
                    .collect();
                let lines = format!("lines {} of the journal", lines.join(", "));
                out.leaf("small", &[], &lines);
            }
            out.fixed("</td></tr>");
        }
        out.foot();
    }
    if !summary.goals.is_empty() {
        out.head(
            "Goals: what was to be reached",
            &["goal", "says", "wanted", "measured", "samples"],
        );
        for goal in &summary.goals {
            out.fixed("<tr>")
                .leaf("th", &[("scope", "row")], &goal.goal);
            says(out, goal.judgement);
            let measured = if goal.measured.is_empty() {
                "nothing"
            } else {
                &goal.measured
            };
            out.cell(&goal.wanted)
                .cell(measured)
                .cell(&goal.samples.to_string());
            out.fixed("</tr>");
        }
        out.foot();
    }
    out.end();
}

fn says(out: &mut Markup, judgement: Judgement) {
    let look = judged(judgement);
    out.open("td", &[])
        .leaf(
            "span",
            &[("class", look.class)],
            &format!("{} {}", look.mark, look.word),
        )
        .close("td");
}
