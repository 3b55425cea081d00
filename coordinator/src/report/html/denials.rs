//! Who was refused, by which policy, with the decision's reasons, and whether that was expected.

use std::collections::BTreeMap;

use serde_json::Value;

use super::markup::Markup;
use super::names;
use super::page::Page;
use crate::clock::SimTime;
use crate::journal::event::{Event, Outcome, StepStatus, What};

/// Rows of the table that are shown.
const ROWS: usize = 300;

/// Refusals with a decision, equal ones folded.
#[derive(Debug, Default)]
pub struct Denials {
    /// In the order of their first time.
    pub rows: Vec<DenialRow>,
    calls: BTreeMap<String, String>,
    step: String,
}

/// Equal refusals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenialRow {
    /// The first.
    pub first: SimTime,
    /// The last.
    pub last: SimTime,
    /// How many.
    pub count: u64,
    /// Region that refused.
    pub region: String,
    /// Who asked.
    pub principal: String,
    /// On whose behalf a service asked; empty for clients.
    pub via: String,
    /// What was asked.
    pub action: String,
    /// Of what.
    pub resource: String,
    /// Kind of policy that refused.
    pub by: String,
    /// Whether a statement denies it, or none allows it.
    pub explicit: bool,
    /// The statement, when it is one.
    pub statement: String,
    /// What was looked at, and what would have helped.
    pub reasons: Vec<String>,
    /// The step during which it happened; empty for set-up.
    pub step: String,
}

impl Denials {
    /// Takes the next event.
    pub fn take(&mut self, event: &Event) {
        match &event.what {
            What::StepStarted(step) => self.step.clone_from(&step.step),
            What::CallSent(call) => drop(self.calls.insert(call.call.clone(), call.step.clone())),
            What::CallAnswered(call) => {
                if let Outcome::Refused(refused) = &call.outcome
                    && let Some(denial) = &refused.denial
                {
                    let value = serde_json::to_value(denial).unwrap_or_default();
                    self.add(
                        event.t,
                        call.region.as_str(),
                        &value,
                        String::new(),
                        call.step.clone(),
                    );
                }
                self.calls.remove(&call.call);
            }
            // A client hears of its own refusal; services are refused in the trail alone.
            What::Audit {
                region,
                event: audit,
                ..
            } => {
                let text = |name: &str| audit.get(name).and_then(Value::as_str).unwrap_or_default();
                if let Some(denial) = audit.get("denial").filter(|denial| denial.is_object())
                    && !text("invokedBy").is_empty()
                {
                    let step = self.calls.get(text("call")).unwrap_or(&self.step).clone();
                    self.add(
                        event.t,
                        region.as_str(),
                        denial,
                        text("invokedBy").to_owned(),
                        step,
                    );
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, t: SimTime, region: &str, denial: &Value, via: String, step: String) {
        let text = |name: &str| {
            let member = denial.get(name).and_then(Value::as_str);
            member.unwrap_or_default().to_owned()
        };
        let reasons = denial.get("missing").and_then(Value::as_array);
        let row = DenialRow {
            first: t,
            last: t,
            count: 1,
            region: region.to_owned(),
            principal: text("principal"),
            via,
            action: text("action"),
            resource: text("resource"),
            by: text("denied_by"),
            explicit: denial
                .get("explicit")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            statement: text("statement"),
            reasons: reasons
                .into_iter()
                .flatten()
                .filter_map(|it| it.as_str().map(str::to_owned))
                .collect(),
            step,
        };
        let same = |old: &DenialRow| {
            DenialRow {
                first: t,
                last: t,
                count: 1,
                ..old.clone()
            } == row
        };
        match self.rows.iter_mut().rev().take(50).find(|old| same(old)) {
            Some(old) => (old.last, old.count) = (t, old.count + 1),
            None => self.rows.push(row),
        }
    }
}

/// How the step ended during which it happened.
#[must_use]
pub fn step_ended(page: &Page, denial: &DenialRow) -> Option<StepStatus> {
    let mut steps = page.summary.steps.iter();
    steps
        .find(|step| step.step.step == denial.step)
        .map(|step| step.status)
}

/// The section.
pub fn tell(out: &mut Markup, page: &Page) {
    let rows = &page.denials.rows;
    let fine = rows
        .iter()
        .filter(|row| step_ended(page, row) == Some(StepStatus::Passed))
        .count();
    let heading = match rows.len() {
        0 => "Denials".to_owned(),
        all => format!(
            "Denials: {all}, {fine} in steps that passed, {} in others",
            all - fine
        ),
    };
    out.section("denials", &heading);
    if rows.is_empty() {
        out.fixed("<p class=\"quiet\">No policy refused anybody anything.</p>")
            .end();
        return;
    }
    let columns = [
        "when",
        "who",
        "asked for",
        "of",
        "in",
        "refused by",
        "its step",
    ];
    out.head(
        "Refusals by policy, each with the decision's reasons",
        &columns,
    );
    for row in rows.iter().take(ROWS) {
        one(out, page, row);
    }
    out.foot();
    if rows.len() > ROWS {
        let more = format!("{} more are not shown.", rows.len() - ROWS);
        out.leaf("p", &[("class", "note")], &more);
    }
    out.end();
}

fn one(out: &mut Markup, page: &Page, row: &DenialRow) {
    let times = if row.count > 1 {
        format!(" ×{}", row.count)
    } else {
        String::new()
    };
    out.fixed("<tr>")
        .cell(&format!("{}{times}", page.summary.at(row.first)));
    out.open("td", &[("title", &row.principal)])
        .text(page.names.short(&row.principal));
    if !row.via.is_empty() {
        out.leaf("small", &[], &format!("through {}", row.via));
    }
    out.fixed("</td>").cell(&row.action);
    out.leaf(
        "td",
        &[("title", &row.resource)],
        page.names.short(&row.resource),
    );
    out.cell(&row.region).fixed("<td>");
    let by = row.by.replace('_', " ");
    let how = if row.explicit {
        "a statement denies it"
    } else {
        "nothing there allows it"
    };
    out.leaf("span", &[("class", "fail")], &format!("⊘ {by}"))
        .leaf("small", &[], how);
    if !row.statement.is_empty() {
        out.leaf("small", &[], &format!("statement: {}", row.statement));
    }
    if !row.reasons.is_empty() {
        out.fixed("<details><summary>reasons</summary><ul>");
        for reason in &row.reasons {
            out.leaf("li", &[], reason);
        }
        out.fixed("</ul></details>");
    }
    out.fixed("</td><td>");
    match step_ended(page, row) {
        Some(status) => {
            let look = names::ended(status);
            out.leaf(
                "span",
                &[("class", look.class)],
                &format!("{} {}", look.mark, look.word),
            );
            out.leaf("small", &[], &format!("step {}", row.step));
        }
        None => {
            out.leaf("span", &[("class", "quiet")], "set-up");
        }
    }
    out.fixed("</td></tr>");
}
