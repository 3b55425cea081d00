//! Keys by Region: state, role, material, uses, and how they came to it.

use std::collections::BTreeMap;

use super::markup::Markup;
use super::names::{Names, brief, key_id};
use super::page::Page;
use crate::clock::SimTime;
use crate::journal::event::{Event, What};

/// Rows of a table that are shown.
const ROWS: usize = 200;

/// All keys that notes tell of, by key id.
#[derive(Debug, Default)]
pub struct Keys {
    /// Key id to Region to what is there.
    pub rows: BTreeMap<String, BTreeMap<String, KeyHere>>,
}

/// A key in one Region.
#[derive(Debug, Default)]
pub struct KeyHere {
    /// Its ARN there.
    pub arn: String,
    /// As it is at the end.
    pub now: KeyAt,
    /// How it came to that, each state with its time.
    pub history: Vec<(SimTime, KeyAt)>,
    /// Uses by operation.
    pub uses: BTreeMap<String, u64>,
}

/// A key at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyAt {
    /// `Enabled`, `PendingDeletion`...
    pub state: String,
    /// `PRIMARY` or `REPLICA`; empty for keys of one Region.
    pub role: String,
    /// Digest of the current material.
    pub material: String,
}

impl Keys {
    /// Takes the next event.
    pub fn take(&mut self, event: &Event) {
        let What::Note {
            region,
            note,
            fields,
            ..
        } = &event.what
        else {
            return;
        };
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        let arn = field("key");
        let Some(key) = key_id(arn) else { return };
        if !matches!(
            note.as_str(),
            "key_state" | "key_role" | "key_material" | "key_used"
        ) {
            return;
        }
        let row = self.rows.entry(key.to_owned()).or_default();
        let here = row.entry(region.to_string()).or_default();
        arn.clone_into(&mut here.arn);
        let mut now = here.now.clone();
        match note.as_str() {
            "key_state" => field("state").clone_into(&mut now.state),
            "key_role" => field("role").clone_into(&mut now.role),
            "key_material" => field("current").clone_into(&mut now.material),
            _ => *here.uses.entry(field("operation").to_owned()).or_default() += 1,
        }
        if now != here.now {
            here.history.push((event.t, now.clone()));
            here.now = now;
        }
    }
}

/// The section.
pub fn tell(out: &mut Markup, page: &Page) {
    let keys = &page.keys.rows;
    if keys.is_empty() {
        return;
    }
    out.section("keys", "Keys by Region");
    let mut columns = vec!["key"];
    columns.extend(page.regions());
    out.head("Each key as it is at the end, in each Region", &columns);
    for (key, row) in keys.iter().take(ROWS) {
        let any = row.values().next().map_or(key.as_str(), |here| &here.arn);
        out.fixed("<tr>").open("th", &[("scope", "row")]);
        out.text(page.names.short(any))
            .leaf("small", &[("title", key)], &brief(key))
            .close("th");
        for region in page.regions() {
            out.fixed("<td>");
            match row.get(region) {
                Some(here) => cell(out, page, here),
                None => {
                    out.leaf("span", &[("class", "quiet")], "– not here");
                }
            }
            out.fixed("</td>");
        }
        out.fixed("</tr>");
    }
    out.foot();
    if keys.len() > ROWS {
        let more = format!("{} keys more are not shown.", keys.len() - ROWS);
        out.leaf("p", &[("class", "note")], &more);
    }
    out.end();
}

fn cell(out: &mut Markup, page: &Page, here: &KeyHere) {
    let (class, mark) = match here.now.state.as_str() {
        "Enabled" => ("ok", "✓ "),
        _ => ("unknown", "! "),
    };
    let state = if here.now.state.is_empty() {
        "used"
    } else {
        &here.now.state
    };
    out.open("span", &[("class", class)])
        .fixed(mark)
        .text(state)
        .close("span");
    if !here.now.role.is_empty() {
        let role = here.now.role.to_lowercase();
        out.fixed(" ").leaf("b", &[], &role);
    }
    let refused: u64 = page
        .denials
        .rows
        .iter()
        .filter(|denial| denial.resource == here.arn)
        .map(|denial| denial.count)
        .sum();
    let mut told = Vec::new();
    if !here.now.material.is_empty() {
        told.push(format!("material {}", brief(&here.now.material)));
    }
    let uses: u64 = here.uses.values().sum();
    if uses > 0 {
        let by: Vec<String> = here
            .uses
            .iter()
            .map(|(what, n)| format!("{n} {what}"))
            .collect();
        told.push(format!("used {uses}: {}", by.join(", ")));
    }
    if !told.is_empty() {
        out.leaf("small", &[], &told.join(" · "));
    }
    if refused > 0 {
        out.leaf(
            "small",
            &[("class", "fail")],
            &format!("⊘ refused {refused}"),
        );
    }
    let steps: Vec<&(SimTime, KeyAt)> = here
        .history
        .iter()
        .filter(|(t, _)| *t > page.summary.zero)
        .collect();
    if !steps.is_empty() {
        out.fixed("<ul class=\"history\">");
        for (t, at) in steps.iter().rev().take(8).rev() {
            let line = format!(
                "{} {} {}",
                page.summary.at(*t),
                at.state,
                at.role.to_lowercase()
            );
            out.leaf("li", &[], line.trim_end());
        }
        out.fixed("</ul>");
    }
}

/// A key in a few words, for cells that name it.
#[must_use]
pub fn called(names: &Names, arn: &str) -> String {
    let name = names.short(arn);
    if name.starts_with("mrk-") || name.len() > 30 {
        brief(name)
    } else {
        name.to_owned()
    }
}
