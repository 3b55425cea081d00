//! Two runs side by side, step by step.

use std::collections::BTreeMap;

use super::markup::Markup;
use super::names::{ended, judged};
use super::page::Page;
use super::shell;
use crate::clock::SimTime;
use crate::report::summary::{StepLine, Summary};
use crate::report::terminal::{call_line, name};

/// Steps that are shown.
const ROWS: usize = 1_500;

const LINKS: shell::Links = &[
    ("differences", "Differences"),
    ("claims", "Claims"),
    ("steps", "Steps"),
];

/// The comparison of two runs.
#[must_use]
pub fn compare(one: &Page, other: &Page) -> String {
    let mut out = Markup::default();
    out.fixed("<header id=\"top\" class=\"quiet\"><p class=\"badge\">A / B</p><h1>Two runs side by side</h1></header>");
    out.fixed("<div class=\"sides\">");
    side(&mut out, "A", one);
    side(&mut out, "B", other);
    out.fixed("</div>");
    let rows = rows(&one.summary, &other.summary);
    differences(&mut out, one, other, &rows);
    claims(&mut out, &one.summary, &other.summary);
    steps(&mut out, one, other, &rows);
    let title = format!(
        "{} / {} · faultline",
        one.summary.run.name, other.summary.run.name
    );
    shell::document(&title, LINKS, out, None, "")
}

fn side(out: &mut Markup, letter: &'static str, page: &Page) {
    let (summary, look) = (&page.summary, judged(page.summary.judgement));
    out.fixed("<div class=\"side\"><h2>")
        .fixed(letter)
        .fixed(" ");
    out.leaf(
        "span",
        &[("class", look.class)],
        &format!("{} {}", look.mark, look.word),
    )
    .fixed("</h2>");
    out.leaf("p", &[], &summary.run.title);
    let facts = format!(
        "{} · seed {} · {} simulated · {} events · {}",
        summary.run.file,
        summary.run.seed,
        SimTime(summary.took().0),
        summary.events,
        page.folder
    );
    out.leaf("p", &[("class", "note")], &facts)
        .leaf("p", &[], &summary.because)
        .fixed("</div>");
}

/// A step in either run.
type Row<'a> = (Option<&'a StepLine>, Option<&'a StepLine>);

/// Steps by their path, in the order of the first run, then what only the second has.
fn rows<'a>(one: &'a Summary, other: &'a Summary) -> Vec<Row<'a>> {
    let mut there: BTreeMap<&str, &StepLine> = other
        .steps
        .iter()
        .map(|step| (step.step.step.as_str(), step))
        .collect();
    let mut rows: Vec<Row<'a>> = one
        .steps
        .iter()
        .map(|step| (Some(step), there.remove(step.step.step.as_str())))
        .collect();
    let left = other
        .steps
        .iter()
        .filter(|step| there.contains_key(step.step.step.as_str()));
    rows.extend(left.map(|step| (None, Some(step))));
    rows
}

/// What differs between the two, in words; empty when nothing does.
fn differs((one, other): &Row<'_>) -> Vec<String> {
    let (one, other) = match (one, other) {
        (Some(one), Some(other)) => (one, other),
        (Some(_), None) => return vec!["only in A".to_owned()],
        (None, Some(_)) => return vec!["only in B".to_owned()],
        (None, None) => return Vec::new(),
    };
    let mut found = Vec::new();
    if one.status != other.status {
        found.push(format!(
            "{} in A, {} in B",
            ended(one.status).word,
            ended(other.status).word
        ));
    }
    let codes = |step: &StepLine| -> Vec<String> {
        let told = step
            .calls
            .iter()
            .map(|call| call.code.clone().unwrap_or_else(|| "ok".to_owned()));
        let mut told: Vec<String> = told.collect();
        told.dedup();
        told
    };
    if codes(one) != codes(other) {
        found.push("calls ended differently".to_owned());
    }
    if one.refusals != other.refusals {
        found.push("services were refused differently".to_owned());
    }
    if name(one) != name(other) {
        found.push("another step stands there".to_owned());
    }
    found
}

fn differences(out: &mut Markup, one: &Page, other: &Page, rows: &[Row<'_>]) {
    out.section("differences", "What differs");
    out.fixed("<ul>");
    let found: Vec<_> = rows
        .iter()
        .map(|row| (row, differs(row)))
        .filter(|(_, found)| !found.is_empty())
        .collect();
    for (row, found) in found.iter().take(50) {
        let step = row.0.or(row.1);
        let told = step.map(|step| {
            format!(
                "step {}, {}: {}",
                step.step.step,
                name(step),
                found.join("; ")
            )
        });
        out.leaf("li", &[], &told.unwrap_or_default());
    }
    if found.is_empty() {
        out.fixed("<li>Every step ended the same way in both.</li>");
    }
    if one.summary.run.source != other.summary.run.source {
        out.fixed("<li>The scenarios are not the same text.</li>");
    }
    let (a, b) = (one.denials.rows.len(), other.denials.rows.len());
    out.leaf(
        "li",
        &[],
        &format!("refusals by policy: {a} in A, {b} in B"),
    );
    let faults = |page: &Page| {
        let faults = page
            .summary
            .faults
            .iter()
            .map(|fault| fault.fault.text.clone());
        faults.collect::<Vec<_>>()
    };
    if faults(one) != faults(other) {
        let told = |page| {
            let faults = faults(page).join(", ");
            if faults.is_empty() {
                "none".to_owned()
            } else {
                faults
            }
        };
        out.leaf(
            "li",
            &[],
            &format!("faults: {} in A, {} in B", told(one), told(other)),
        );
    }
    out.fixed("</ul>").end();
}

fn claims(out: &mut Markup, one: &Summary, other: &Summary) {
    let told = |summary: &Summary| -> BTreeMap<String, String> {
        let word = |judgement| format!("{} {}", judged(judgement).mark, judged(judgement).word);
        let oracles = summary
            .oracles
            .iter()
            .map(|it| (format!("{} {}", it.oracle, it.about), word(it.judgement)));
        let goals = summary.goals.iter().map(|it| {
            let goal = format!("{} {}", it.goal, it.wanted);
            (
                goal,
                format!(
                    "{}: {} of {} samples",
                    word(it.judgement),
                    it.measured,
                    it.samples
                ),
            )
        });
        oracles.chain(goals).collect()
    };
    let (a, b) = (told(one), told(other));
    if a.is_empty() && b.is_empty() {
        return;
    }
    out.section("claims", "What was to hold, and goals")
        .head("Claims in both runs", &["claim", "A", "B"]);
    let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for claim in names {
        let (one, other) = (a.get(claim), b.get(claim));
        let class = if one == other { "" } else { "differs" };
        out.open("tr", &[("class", class)])
            .leaf("th", &[("scope", "row")], claim);
        for said in [one, other] {
            out.cell(said.map_or("–", String::as_str));
        }
        out.fixed("</tr>");
    }
    out.foot().end();
}

fn steps(out: &mut Markup, one: &Page, other: &Page, rows: &[Row<'_>]) {
    out.section("steps", "Steps")
        .head("Each step in both runs", &["step", "A", "B", "difference"]);
    for row in rows.iter().take(ROWS) {
        let differs = differs(row).join("; ");
        let class = if differs.is_empty() { "" } else { "differs" };
        let Some(any) = row.0.or(row.1) else { continue };
        out.open("tr", &[("class", class)])
            .open("th", &[("scope", "row")]);
        out.text(&name(any))
            .leaf("small", &[], &format!("step {}", any.step.step))
            .close("th");
        for (page, step) in [(one, row.0), (other, row.1)] {
            match step {
                Some(step) => cell(out, page, step),
                None => {
                    out.cell("–");
                }
            }
        }
        out.cell(&differs).fixed("</tr>");
    }
    out.foot();
    if rows.len() > ROWS {
        out.leaf(
            "p",
            &[("class", "note")],
            &format!("{} more are not shown.", rows.len() - ROWS),
        );
    }
    out.end();
}

fn cell(out: &mut Markup, page: &Page, step: &StepLine) {
    let look = ended(step.status);
    let told = format!(
        "{} {} at {}",
        look.mark,
        look.word,
        page.summary.at(step.began)
    );
    out.fixed("<td>")
        .leaf("span", &[("class", look.class)], &told);
    for call in step.calls.iter().filter(|call| call.code.is_some()).take(3) {
        out.leaf("small", &[], &call_line(call));
    }
    out.fixed("</td>");
}
