//! Each write that a table accepted is still there at the end, or a later write that knew it
//! took its place, or (with `except: resolved_conflicts`) it lost a conflict that was told.
//!
//! Regions tell of every write that they accept and of every one that arrives. A write is
//! there when it is the last one that its own Region told of for its key. Whether all Regions
//! agree is what `look.replicas_equal` asks.
//!
//! It cannot see writes whose client never learned the outcome and whose Region died before
//! it told, and it believes a Region that says which earlier writes one knew.

use std::collections::{BTreeMap, BTreeSet};

use super::{End, Finding, Oracle};
use crate::journal::What;
use crate::journal::event::{Event, Outcome};

/// Region and stamp: how a write of a key is known.
type Write = (String, u64);

/// See the module.
pub(super) struct NoAcceptedWriteVanishesSilently {
    table: String,
    conflicts_may: bool,
    keys: BTreeMap<String, History>,
    /// Calls under way that write one item of the table.
    writing: BTreeSet<String>,
    answered: u64,
    told: u64,
}

#[derive(Default)]
struct History {
    accepted: BTreeMap<Write, u64>,
    /// For each Region, the last of its writes that a later one knew.
    known: BTreeMap<String, u64>,
    lost: BTreeMap<Write, u64>,
    /// What each Region has now, and the line that says so.
    current: BTreeMap<String, (Write, u64)>,
}

impl NoAcceptedWriteVanishesSilently {
    pub fn new(table: String, conflicts_may: bool) -> Self {
        Self {
            table,
            conflicts_may,
            keys: BTreeMap::new(),
            writing: BTreeSet::new(),
            answered: 0,
            told: 0,
        }
    }

    fn note(&mut self, here: &str, note: &str, fields: &BTreeMap<String, String>, n: u64) {
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        if field("table") != self.table {
            return;
        }
        let write = |region: &str, stamp: &str| -> Option<Write> {
            Some((field(region).to_owned(), field(stamp).parse().ok()?))
        };
        let history = self.keys.entry(field("key").to_owned()).or_default();
        match (note, write("region", "stamp")) {
            ("accepted", Some(write)) => {
                self.told += 1;
                for known in knew(field("knew")) {
                    // A write is on its own list; that does not make it a later one.
                    let before = u64::from(known == write);
                    let (region, stamp) = known;
                    let last = history.known.entry(region).or_default();
                    *last = stamp.saturating_sub(before).max(*last);
                }
                history.accepted.insert(write.clone(), n);
                history.current.insert(here.to_owned(), (write, n));
            }
            ("replicated", Some(write)) if field("outcome") == "applied" => {
                history.current.insert(here.to_owned(), (write, n));
            }
            ("conflict", _) => {
                if let Some(loser) = write("loser_writer", "loser_time") {
                    history.lost.insert(loser, n);
                }
            }
            _ => {}
        }
    }
}

/// `eu-west-1@5,us-east-1@7`.
fn knew(text: &str) -> Vec<Write> {
    let pairs = text
        .split([',', ' '])
        .filter_map(|pair| pair.split_once('@'));
    pairs
        .filter_map(|(region, stamp)| Some((region.to_owned(), stamp.parse().ok()?)))
        .collect()
}

impl History {
    /// What became of a write, when that is not allowed.
    fn complaint(&self, write: &Write, n: u64, conflicts_may: bool) -> Option<(String, Vec<u64>)> {
        let (region, stamp) = write;
        if self.known.get(region).is_some_and(|last| last >= stamp) {
            return None;
        }
        if let Some(conflict) = self.lost.get(write) {
            let said = "lost a conflict, which this file does not except".to_owned();
            return (!conflicts_may).then(|| (said, vec![n, *conflict]));
        }
        match self.current.get(region) {
            Some((current, _)) if current == write => None,
            Some((current, line)) => {
                let (other, stamp) = current;
                let said = format!(
                    "is gone there: {other}'s write of {stamp} is in its place, and nobody told of a conflict"
                );
                Some((said, vec![n, *line]))
            }
            None => Some(("is gone there".to_owned(), vec![n])),
        }
    }
}

/// Operations that write one item for sure when they succeed.
const WRITERS: [&str; 2] = ["dynamodb.PutItem", "dynamodb.UpdateItem"];

impl Oracle for NoAcceptedWriteVanishesSilently {
    fn hear(&mut self, event: &Event) {
        match &event.what {
            What::Note {
                region,
                note,
                fields,
                ..
            } => self.note(region.as_str(), note, fields, event.n),
            What::CallSent(sent) if WRITERS.contains(&sent.operation.as_str()) => {
                let table = sent.request["TableName"].as_str().unwrap_or_default();
                if table.rsplit('/').next() == Some(&self.table) {
                    self.writing.insert(sent.call.clone());
                }
            }
            What::CallAnswered(answered) => {
                let writes = self.writing.remove(&answered.call);
                if writes && matches!(answered.outcome, Outcome::Success { .. }) {
                    self.answered += 1;
                }
            }
            _ => {}
        }
    }

    fn conclude(&mut self, _end: &mut End<'_>) -> Finding {
        for (key, history) in &self.keys {
            for (write, n) in &history.accepted {
                if let Some((said, at)) = history.complaint(write, *n, self.conflicts_may) {
                    let (region, stamp) = write;
                    let because =
                        format!("the write of {key} that {region} accepted at {stamp} {said}");
                    return Finding::violated(because, at);
                }
            }
        }
        if self.answered > self.told {
            let because = format!(
                "{} writes were answered with success, and only {} were accepted",
                self.answered, self.told
            );
            return Finding::violated(because, []);
        }
        Finding::measured(self.told, "no write of the table was accepted")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::oracles::testing::{Doctored, unknown, violated};

    const HOME: &str = "eu-west-1";
    const AWAY: &str = "us-east-1";

    fn run(except: bool) -> Doctored {
        let arguments = if except {
            json!({ "table": "orders", "except": "resolved_conflicts" })
        } else {
            json!({ "table": "orders" })
        };
        Doctored::new("no_accepted_write_vanishes_silently", arguments)
    }

    fn accepted(run: &mut Doctored, region: &str, stamp: &str, knew: &str) -> u64 {
        let fields = [
            ("table", "orders"),
            ("key", "{\"id\":\"1\"}"),
            ("region", region),
            ("stamp", stamp),
            ("knew", knew),
        ];
        run.note(region, "accepted", &fields)
    }

    fn replicated(run: &mut Doctored, to: &str, region: &str, stamp: &str) -> u64 {
        let fields = [
            ("table", "orders"),
            ("key", "{\"id\":\"1\"}"),
            ("region", region),
            ("stamp", stamp),
            ("outcome", "applied"),
        ];
        run.note(to, "replicated", &fields)
    }

    fn conflict(run: &mut Doctored) -> u64 {
        let fields = [
            ("table", "orders"),
            ("key", "{\"id\":\"1\"}"),
            ("loser_writer", HOME),
            ("loser_time", "5"),
        ];
        run.note(HOME, "conflict", &fields)
    }

    #[test]
    fn writes_that_stay_or_are_knowingly_replaced_hold() {
        let mut run = run(false);
        accepted(&mut run, HOME, "4", "eu-west-1@4");
        accepted(&mut run, HOME, "5", "eu-west-1@5");
        replicated(&mut run, AWAY, HOME, "5");
        accepted(&mut run, AWAY, "9", "eu-west-1@5,us-east-1@9");
        replicated(&mut run, HOME, AWAY, "9");
        run.holds(3);
    }

    #[test]
    fn a_write_that_is_replaced_unknowingly_vanished() {
        let mut run = run(true);
        let first = accepted(&mut run, HOME, "5", "eu-west-1@5");
        accepted(&mut run, AWAY, "9", "us-east-1@9");
        let second = replicated(&mut run, HOME, AWAY, "9");
        assert_eq!(violated(run.finding()).1, [first, second]);
    }

    #[test]
    fn a_conflict_that_was_told_is_excepted_only_where_the_file_says_so() {
        for except in [true, false] {
            let mut run = run(except);
            accepted(&mut run, HOME, "5", "eu-west-1@5");
            accepted(&mut run, AWAY, "9", "us-east-1@9");
            replicated(&mut run, HOME, AWAY, "9");
            conflict(&mut run);
            if except {
                run.holds(2);
            } else {
                violated(run.finding());
            }
        }
    }

    #[test]
    fn an_answer_without_an_accepted_write_violates() {
        let mut run = run(true);
        run.sent("dynamodb.PutItem", json!({ "TableName": "orders" }));
        run.answered("dynamodb.PutItem", "");
        violated(run.finding());
    }

    #[test]
    fn writes_of_other_tables_leave_it_unknown() {
        let mut run = run(true);
        run.note(HOME, "accepted", &[("table", "other"), ("key", "1")]);
        unknown(run.finding());
    }
}
