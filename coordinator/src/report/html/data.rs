//! Data by Region: how it is encrypted, under which key, and how its replication went.

use std::collections::BTreeMap;

use serde_json::Value;

use super::keys;
use super::markup::Markup;
use super::names::brief;
use super::page::Page;
use crate::clock::{SimTime, Span};
use crate::journal::event::{Event, Outcome, What};

/// A lock: encrypted at rest.
const LOCK: &str = "<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path \
    d=\"M4 7V5a4 4 0 0 1 8 0v2h1v8H3V7zm2 0h4V5a2 2 0 0 0-4 0z\"/></svg> ";
/// Rows of the table that are shown.
const ROWS: usize = 250;

/// All data that notes tell of: kind and name to Region to what is there.
#[derive(Debug, Default)]
pub struct Data {
    /// `object photos/a` to Region to what is there.
    pub rows: BTreeMap<Item, BTreeMap<String, ItemHere>>,
    /// Version id to bucket in which it was written.
    origins: BTreeMap<String, String>,
    /// Bucket to Region.
    buckets: BTreeMap<String, String>,
    /// Calls that say how a table is encrypted, until they are answered.
    asked: BTreeMap<String, (String, Value)>,
    /// Table and Region to key.
    tables: BTreeMap<(String, String), String>,
    /// How long each replication took, with its Region of arrival or bucket.
    pub lags: Vec<Lag>,
}

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// `object`, `item`, `snapshot`, `volume`.
    pub kind: &'static str,
    /// Bucket or table in which it began; empty for what has none.
    pub home: String,
    /// Its name there.
    pub name: String,
}

/// An item in one Region.
#[derive(Debug, Default)]
pub struct ItemHere {
    /// As it is at the end.
    pub now: ItemAt,
    /// How it came to that.
    pub history: Vec<(SimTime, ItemAt)>,
}

/// An item at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemAt {
    /// Bucket or table, when it is another one than its home.
    pub place: String,
    /// Version, digest.
    pub version: String,
    /// `AES256`, `SSE-C`, a key's ARN, or words.
    pub under: String,
    /// Status of its replication, or its state.
    pub status: String,
}

/// One replication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    /// When it was done.
    pub at: SimTime,
    /// How long it took.
    pub took: Span,
    /// Service and destination.
    pub way: String,
    /// Whether it arrived.
    pub arrived: bool,
}

impl Data {
    /// Takes the next event.
    pub fn take(&mut self, event: &Event) {
        match &event.what {
            What::CallSent(call)
                if matches!(
                    call.operation.as_str(),
                    "dynamodb.CreateTable" | "dynamodb.UpdateTable"
                ) =>
            {
                let asked = (call.region.to_string(), call.request.clone());
                self.asked.insert(call.call.clone(), asked);
            }
            What::CallAnswered(call) => {
                if let Some((region, request)) = self.asked.remove(&call.call)
                    && matches!(call.outcome, Outcome::Success { .. })
                {
                    self.table(&region, &request);
                }
            }
            What::Note {
                region,
                note,
                fields,
                ..
            } => {
                let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
                self.note(event.t, region.as_str(), note, &field);
            }
            _ => {}
        }
    }

    fn table(&mut self, region: &str, request: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let table = text(&request["TableName"]);
        let table = table.rsplit('/').next().unwrap_or_default();
        let mut under = |region: &str, specification: &Value| {
            let key = match specification["KMSMasterKeyId"].as_str() {
                Some(key) => key,
                None if specification["Enabled"] == true => "alias/aws/dynamodb",
                None => return,
            };
            self.tables
                .insert((table.to_owned(), region.to_owned()), key.to_owned());
        };
        under(region, &request["SSESpecification"]);
        for update in request["ReplicaUpdates"].as_array().into_iter().flatten() {
            let create = &update["Create"];
            under(&text(&create["RegionName"]), create);
        }
    }

    fn note(&mut self, t: SimTime, region: &str, note: &str, field: &dyn Fn(&str) -> String) {
        let service = field("service");
        match (note, service.as_str()) {
            ("version_written" | "replica_written", "s3") => self.version(t, region, note, field),
            ("replicated" | "replication_ended", "s3") => {
                let (bucket, outcome) = (field("bucket"), field("outcome"));
                self.lag(t, &format!("s3 to {}", field("to")), field);
                let item = object(&bucket, &field("key"));
                let region = self.buckets.get(&bucket).cloned();
                if let (Some(region), false) = (region, outcome.is_empty())
                    && self.rows.contains_key(&item)
                {
                    self.change(t, item, &region, |at| at.status = outcome);
                }
            }
            ("accepted", "dynamodb") => {
                let status = match field("operation").as_str() {
                    "delete" => "deleted here".to_owned(),
                    _ => "written here".to_owned(),
                };
                self.item(t, region, field, status);
            }
            ("replicated", "dynamodb") => {
                self.lag(t, &format!("dynamodb to {region}"), field);
                if field("outcome") == "applied" {
                    self.item(t, region, field, format!("from {}", field("region")));
                }
            }
            ("snapshot" | "volume", _) => {
                let kind = if note == "volume" {
                    "volume"
                } else {
                    "snapshot"
                };
                let (name, key, state) = (field(note), field("key"), field("state"));
                let item = Item {
                    kind,
                    home: String::new(),
                    name,
                };
                self.change(t, item, region, |at| {
                    if !key.is_empty() {
                        at.under = key;
                    }
                    at.status = state;
                });
            }
            _ => {}
        }
    }

    fn version(&mut self, t: SimTime, region: &str, note: &str, field: &dyn Fn(&str) -> String) {
        let (bucket, version) = (field("bucket"), field("version_id"));
        let home = if note == "version_written" {
            self.origins
                .entry(version.clone())
                .or_insert_with(|| bucket.clone())
                .clone()
        } else {
            self.origins.get(&version).unwrap_or(&bucket).clone()
        };
        self.buckets.insert(bucket.clone(), region.to_owned());
        let at = ItemAt {
            place: if home == bucket {
                String::new()
            } else {
                bucket
            },
            version,
            under: field("encryption"),
            status: if note == "replica_written" {
                "REPLICA".to_owned()
            } else {
                String::new()
            },
        };
        self.change(t, object(&home, &field("key")), region, |now| *now = at);
    }

    fn item(&mut self, t: SimTime, region: &str, field: &dyn Fn(&str) -> String, status: String) {
        let (table, version) = (field("table"), field("digest"));
        let place = (table.clone(), region.to_owned());
        let under = self.tables.get(&place).cloned();
        let item = Item {
            kind: "item",
            home: table,
            name: field("key"),
        };
        let at = ItemAt {
            place: String::new(),
            version,
            under: under.unwrap_or_else(|| "an AWS owned key".to_owned()),
            status,
        };
        self.change(t, item, region, |now| *now = at);
    }

    fn change(&mut self, t: SimTime, item: Item, region: &str, with: impl FnOnce(&mut ItemAt)) {
        let row = self.rows.entry(item).or_default();
        let here = row.entry(region.to_owned()).or_default();
        with(&mut here.now);
        here.history.push((t, here.now.clone()));
    }

    fn lag(&mut self, at: SimTime, way: &str, field: &dyn Fn(&str) -> String) {
        if let Ok(micros) = field("lag_us").parse() {
            self.lags.push(Lag {
                at,
                took: Span(micros),
                way: way.to_owned(),
                arrived: !field("outcome").eq_ignore_ascii_case("failed"),
            });
        }
    }
}

fn object(bucket: &str, key: &str) -> Item {
    Item {
        kind: "object",
        home: bucket.to_owned(),
        name: key.to_owned(),
    }
}

/// How an item is encrypted, in words.
#[must_use]
pub fn under(page: &Page, at: &ItemAt) -> String {
    match at.under.as_str() {
        "" => "not said".to_owned(),
        "AES256" => "SSE-S3".to_owned(),
        "SSE-C" => "SSE-C, the client's key".to_owned(),
        arn if arn.starts_with("arn:") => format!("KMS {}", keys::called(&page.names, arn)),
        words => words.to_owned(),
    }
}

/// The section.
pub fn tell(out: &mut Markup, page: &Page) {
    let rows = &page.data.rows;
    if rows.is_empty() {
        return;
    }
    out.section("data", "Data by Region");
    let mut columns = vec!["what"];
    columns.extend(page.regions());
    out.head(
        "Each datum as it is at the end, how it is encrypted, under which key",
        &columns,
    );
    for (item, row) in rows.iter().take(ROWS) {
        out.fixed("<tr>").open("th", &[("scope", "row")]);
        out.clipped(&item.name, 120);
        let kind = if item.home.is_empty() {
            item.kind.to_owned()
        } else {
            format!("{} of {}", item.kind, item.home)
        };
        out.leaf("small", &[], &kind).close("th");
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
    if rows.len() > ROWS {
        let more = format!("{} more are not shown.", rows.len() - ROWS);
        out.leaf("p", &[("class", "note")], &more);
    }
    out.end();
}

fn cell(out: &mut Markup, page: &Page, here: &ItemHere) {
    let at = &here.now;
    out.fixed(LOCK)
        .leaf("span", &[("title", &at.under)], &under(page, at));
    let class = match at.status.as_str() {
        "FAILED" | "error" => "fail",
        "COMPLETED" | "REPLICA" | "completed" | "available" | "in-use" => "ok",
        _ => "quiet",
    };
    let mark = if class == "fail" { "✕ " } else { "" };
    if !at.status.is_empty() {
        out.fixed(" ")
            .open("b", &[("class", class)])
            .fixed(mark)
            .text(&at.status)
            .close("b");
    }
    let mut told = Vec::new();
    if !at.place.is_empty() {
        told.push(format!("in {}", at.place));
    }
    if !at.version.is_empty() {
        told.push(brief(&at.version));
    }
    if here.history.len() > 1 {
        told.push(format!("{} changes", here.history.len()));
    }
    out.leaf("small", &[], &told.join(" · "));
}
