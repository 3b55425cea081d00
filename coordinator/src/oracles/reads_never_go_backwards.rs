//! A Region that has shown an item never shows an earlier one of the same key again.
//!
//! Items are told apart by their content, so only those are judged that one PutItem wrote. Of two
//! such items the later one is known when a Region that had shown the first was asked to write the
//! second, whatever came of that: who shows it says that it was written. And a Region that showed
//! one, then another, must not show the first again. Both kinds of reads count.
//!
//! It cannot see items that UpdateItem made, deletes, and the order of writes of two Regions that
//! did not know of each other, until one Region shows both.

use std::collections::{BTreeMap, BTreeSet};

use super::item_calls::{Ending, ItemCall};
use super::{End, Finding, Oracle};
use crate::journal::What;
use crate::journal::event::Event;

type Content = BTreeMap<String, String>;

/// See the module.
pub(super) struct ReadsNeverGoBackwards {
    table: String,
    under_way: BTreeMap<String, Vec<ItemCall>>,
    /// How often each content was sent.
    puts: BTreeMap<Content, u64>,
    key_names: BTreeSet<String>,
    seen: Vec<Sighting>,
    /// Writes that were asked for, however they ended.
    asked: Vec<Asked>,
}

/// A write that a Region was asked for.
struct Asked {
    region: String,
    content: Content,
    sent: u64,
}

/// A content that a Region had at some moment between two lines.
struct Sighting {
    region: String,
    content: Content,
    sent: u64,
    answered: u64,
    put: bool,
}

impl ReadsNeverGoBackwards {
    pub fn new(table: String) -> Self {
        Self {
            table,
            under_way: BTreeMap::new(),
            puts: BTreeMap::new(),
            key_names: BTreeSet::new(),
            seen: Vec::new(),
            asked: Vec::new(),
        }
    }

    fn ended(&mut self, call: &ItemCall) {
        let (Ending::Done { before, .. }, Some(answered)) = (&call.end, call.answered) else {
            return;
        };
        let content = match before {
            _ if call.put => call.named.clone(),
            Some(Some(item)) if call.reads() => item.clone(),
            _ => return,
        };
        self.seen.push(Sighting {
            region: call.region.clone(),
            content,
            sent: call.sent,
            answered,
            put: call.put,
        });
    }
}

/// Pairs (earlier, later) of contents of one key.
fn order<'s>(seen: &[&'s Sighting], asked: &[&'s Asked]) -> BTreeSet<(&'s Content, &'s Content)> {
    let mut known = BTreeSet::new();
    for later in asked {
        for earlier in seen {
            let before = earlier.region == later.region && earlier.answered < later.sent;
            if before && earlier.content != later.content {
                known.insert((&earlier.content, &later.content));
            }
        }
    }
    known
}

/// The first reading that goes back: the later content's sighting, and the earlier one's after it.
fn backwards<'s>(
    seen: &[&'s Sighting],
    asked: &[&'s Asked],
) -> Option<(&'s Sighting, &'s Sighting)> {
    let known = order(seen, asked);
    for again in seen.iter().filter(|it| !it.put) {
        for between in seen {
            let after = between.region == again.region && between.answered < again.sent;
            if !after || between.content == again.content {
                continue;
            }
            let shown_before = seen.iter().any(|first| {
                first.region == again.region
                    && first.content == again.content
                    && first.answered < between.sent
            });
            if shown_before || known.contains(&(&again.content, &between.content)) {
                return Some((between, again));
            }
        }
    }
    None
}

impl Oracle for ReadsNeverGoBackwards {
    fn hear(&mut self, event: &Event) {
        match &event.what {
            What::CallSent(sent) => {
                for call in ItemCall::read(sent, event.n, &self.table) {
                    if call.put {
                        *self.puts.entry(call.named.clone()).or_default() += 1;
                        self.asked.push(Asked {
                            region: call.region.clone(),
                            content: call.named.clone(),
                            sent: call.sent,
                        });
                    } else {
                        self.key_names.extend(call.named.keys().cloned());
                    }
                    self.under_way
                        .entry(sent.call.clone())
                        .or_default()
                        .push(call);
                }
            }
            What::CallAnswered(answered) => {
                for mut call in self.under_way.remove(&answered.call).unwrap_or_default() {
                    call.ended(answered, event.n, &self.table);
                    self.ended(&call);
                }
            }
            _ => {}
        }
    }

    fn conclude(&mut self, _end: &mut End<'_>) -> Finding {
        let once = |content: &Content| self.puts.get(content) == Some(&1);
        let key = |content: &Content| -> Content {
            let mut key = content.clone();
            key.retain(|name, _| self.key_names.contains(name));
            key
        };
        let mut items: BTreeMap<Content, (Vec<&Sighting>, Vec<&Asked>)> = BTreeMap::new();
        for it in self.seen.iter().filter(|it| once(&it.content)) {
            items.entry(key(&it.content)).or_default().0.push(it);
        }
        for it in self.asked.iter().filter(|it| once(&it.content)) {
            items.entry(key(&it.content)).or_default().1.push(it);
        }
        let mut measured = 0;
        for (seen, asked) in items.values() {
            if let Some((between, again)) = backwards(seen, asked) {
                let because = format!(
                    "{} showed an item, and later one that is older: {:?}",
                    again.region, again.content
                );
                return Finding::violated(because, [between.answered, again.answered]);
            }
            measured += seen.iter().filter(|it| !it.put).count() as u64;
        }
        Finding::measured(measured, "no item was read that one PutItem wrote")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::oracles::testing::{Doctored, unknown, violated};

    const HOME: &str = "eu-west-1";
    const AWAY: &str = "us-east-1";

    struct Run(Doctored);

    impl Run {
        fn new() -> Self {
            let arguments = json!({ "table": "orders" });
            Self(Doctored::new("reads_never_go_backwards", arguments))
        }

        fn item(value: &str) -> Value {
            json!({ "id": { "S": "a" }, "v": { "S": value } })
        }

        fn write(&mut self, region: &str, value: &str) {
            let request = json!({ "TableName": "orders", "Item": Self::item(value) });
            self.0.sent_to(region, "dynamodb.PutItem", request);
            self.0.answered("dynamodb.PutItem", "");
        }

        fn read(&mut self, region: &str, value: &str) {
            let request = json!({ "TableName": "orders", "Key": { "id": { "S": "a" } } });
            self.0.sent_to(region, "dynamodb.GetItem", request);
            let response = json!({ "Item": Self::item(value) });
            self.0.succeeded("dynamodb.GetItem", response);
        }
    }

    #[test]
    fn old_reads_elsewhere_and_one_way_forward_hold() {
        let mut run = Run::new();
        run.write(HOME, "1");
        run.write(HOME, "2");
        run.read(AWAY, "1");
        run.read(HOME, "2");
        run.read(AWAY, "2");
        run.0.holds(3);
    }

    #[test]
    fn a_region_that_shows_the_first_again_violates() {
        let mut run = Run::new();
        run.write(HOME, "1");
        run.write(AWAY, "2");
        run.read(HOME, "1");
        run.read(HOME, "2");
        run.read(HOME, "1");
        violated(run.0.finding());
    }

    #[test]
    fn a_later_one_is_known_by_the_region_that_wrote_it() {
        let mut run = Run::new();
        run.write(HOME, "1");
        run.write(HOME, "2");
        run.read(AWAY, "2");
        run.read(AWAY, "1");
        violated(run.0.finding());
    }

    #[test]
    fn what_is_shown_was_written_even_if_nobody_heard_so() {
        let mut run = Run::new();
        run.write(HOME, "1");
        let request = json!({ "TableName": "orders", "Item": Run::item("2") });
        run.0.sent_to(HOME, "dynamodb.PutItem", request);
        run.0.answered("dynamodb.PutItem", "InternalServerError");
        run.read(AWAY, "2");
        run.read(AWAY, "1");
        violated(run.0.finding());
    }

    #[test]
    fn an_item_that_was_written_twice_tells_nothing() {
        let mut run = Run::new();
        run.write(HOME, "1");
        run.write(AWAY, "1");
        run.read(HOME, "1");
        unknown(run.0.finding());
    }
}
