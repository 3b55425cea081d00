//! Conflicts side by side: what won and what is gone.

use std::collections::BTreeMap;

use serde_json::Value;

use super::markup::Markup;
use super::names::brief;
use super::page::Page;
use crate::clock::SimTime;
use crate::journal::event::{Event, What};

/// Conflicts that are shown.
const ROWS: usize = 50;
/// Characters of a request that are shown.
const REQUEST: usize = 600;
/// Where the Regions' wall clocks begin: 2026-01-01T00:00:00Z, in microseconds.
const WALL: u64 = 1_767_225_600_000_000;

/// Conflicts, and the writes that made them.
#[derive(Debug, Default)]
pub struct Conflicts {
    /// In the order in which they were told.
    pub rows: Vec<Conflict>,
    open: BTreeMap<String, (String, Value)>,
    /// Region, stamp and table of a write to its request.
    writes: BTreeMap<(String, String, String), String>,
    told: BTreeMap<String, usize>,
}

/// One conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// When a Region first saw it.
    pub at: SimTime,
    /// Regions that saw it.
    pub seen: Vec<String>,
    /// Table.
    pub table: String,
    /// Key of the item, as JSON.
    pub key: String,
    /// What stays.
    pub winner: Side,
    /// What is gone.
    pub loser: Side,
}

/// One side of a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// Region in which it was written.
    pub region: String,
    /// Its stamp, in microseconds of the writer's wall clock.
    pub stamp: String,
    /// Digest of the item.
    pub digest: String,
    /// The request that wrote it, when it is the only one that can have been it.
    pub request: String,
}

impl Conflicts {
    /// Takes the next event.
    pub fn take(&mut self, event: &Event) {
        match &event.what {
            What::CallSent(call) if call.operation.starts_with("dynamodb.") => {
                let open = (call.region.to_string(), call.request.clone());
                self.open.insert(call.call.clone(), open);
            }
            What::CallAnswered(call) => drop(self.open.remove(&call.call)),
            What::Note {
                region,
                note,
                fields,
                ..
            } if fields.contains_key("table") => {
                let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
                match note.as_str() {
                    "accepted" => {
                        if let Some(request) =
                            self.request(region.as_str(), &field("table"), &field("key"))
                        {
                            let at = (region.to_string(), field("stamp"), field("table"));
                            self.writes.insert(at, request);
                        }
                    }
                    "conflict" => self.conflict(event.t, region.as_str(), &field),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// The open request in this Region that writes this item, if there is exactly one.
    fn request(&self, region: &str, table: &str, key: &str) -> Option<String> {
        let key: Value = serde_json::from_str(key).ok()?;
        let key = key.as_object()?;
        let mut found = None;
        for (_, request) in self.open.values().filter(|(at, _)| at == region) {
            let named = request["TableName"].as_str().unwrap_or_default();
            let holds = |part: &str| {
                key.iter()
                    .all(|(name, value)| request[part].get(name) == Some(value))
            };
            if named.rsplit('/').next() == Some(table) && (holds("Item") || holds("Key")) {
                if found.is_some() {
                    return None;
                }
                let what = if request["Item"].is_object() {
                    &request["Item"]
                } else {
                    request
                };
                found = Some(serde_json::to_string_pretty(what).unwrap_or_default());
            }
        }
        found
    }

    fn conflict(&mut self, at: SimTime, region: &str, field: &dyn Fn(&str) -> String) {
        let table = field("table");
        let side = |who: &str| {
            let (writer, stamp) = (
                field(&format!("{who}_writer")),
                field(&format!("{who}_time")),
            );
            let write = (writer.clone(), stamp.clone(), table.clone());
            Side {
                request: self.writes.get(&write).cloned().unwrap_or_default(),
                digest: field(&format!("{who}_digest")),
                region: writer,
                stamp,
            }
        };
        let (winner, loser) = (side("winner"), side("loser"));
        let same = format!(
            "{table} {} {}@{} {}@{}",
            field("key"),
            winner.region,
            winner.stamp,
            loser.region,
            loser.stamp
        );
        if let Some(row) = self
            .told
            .get(&same)
            .and_then(|index| self.rows.get_mut(*index))
        {
            if !row.seen.iter().any(|seen| seen == region) {
                row.seen.push(region.to_owned());
            }
            return;
        }
        self.told.insert(same, self.rows.len());
        self.rows.push(Conflict {
            at,
            seen: vec![region.to_owned()],
            key: field("key"),
            table,
            winner,
            loser,
        });
    }
}

/// The section; none when there was no conflict.
pub fn tell(out: &mut Markup, page: &Page) {
    let rows = &page.conflicts.rows;
    if rows.is_empty() {
        return;
    }
    out.section("conflicts", &format!("Conflicts: {}", rows.len()));
    for row in rows.iter().take(ROWS) {
        out.fixed("<div class=\"conflict\"><h3>");
        out.text(&row.table)
            .fixed(" ")
            .open("code", &[])
            .clipped(&row.key, 120)
            .fixed("</code></h3>");
        let seen = format!(
            "seen at {} in {}; the later write wins",
            page.summary.at(row.at),
            row.seen.join(", ")
        );
        out.leaf("p", &[("class", "note")], &seen)
            .fixed("<div class=\"sides\">");
        side(out, page, "ok", "✓ stays", &row.winner);
        side(out, page, "fail", "✕ is gone", &row.loser);
        out.fixed("</div></div>");
    }
    if rows.len() > ROWS {
        let more = format!("{} more are not shown.", rows.len() - ROWS);
        out.leaf("p", &[("class", "note")], &more);
    }
    out.end();
}

fn side(out: &mut Markup, page: &Page, class: &'static str, word: &str, side: &Side) {
    out.fixed("<div class=\"side\">");
    out.open("p", &[])
        .leaf("b", &[("class", class)], word)
        .fixed(" written in ")
        .text(&side.region)
        .close("p");
    let stamp = side
        .stamp
        .parse::<u64>()
        .ok()
        .and_then(|stamp| stamp.checked_sub(WALL));
    let stamp = stamp.map_or_else(
        || side.stamp.clone(),
        |micros| page.summary.at(SimTime(micros)),
    );
    let line = format!("by its clock at {stamp} · digest {}", brief(&side.digest));
    out.leaf("p", &[("class", "note")], &line);
    if !side.request.is_empty() {
        out.fixed("<pre>")
            .clipped(&side.request, REQUEST)
            .fixed("</pre>");
    }
    out.fixed("</div>");
}
