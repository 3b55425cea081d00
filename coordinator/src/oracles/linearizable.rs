//! A table with strong consistency behaves as one copy in one place: for each item there is an
//! order of all calls, with each call between its beginning and its end, in which every answer is
//! the right one.
//!
//! The search is that of Wing and Gong with Lowe's memory of places already visited, as the crate
//! `todc-utils` has it; the model of an item is here. A write whose outcome is unknown may have
//! happened at any time after it was sent, or never. A call that was refused for certain did not
//! happen; one whose condition failed tells whether the item was there. A batch is a call for each
//! of its items, and so is a strongly consistent Scan that answers the whole table: those items
//! too that it did not find.
//!
//! Reads that are not strongly consistent promise nothing of when; but an item that one shows, and
//! that one PutItem wrote, was written by then: whatever became of the call, it is in the order.
//!
//! It cannot see what those reads do not show. Updates other
//! than `SET a = :v` and `ADD a :v`, conditions other than `attribute_exists` and its opposite,
//! and projections are more than its model knows: their items are left out and counted.

use std::collections::{BTreeMap, BTreeSet};

use todc_utils::{Action, History, Specification, WGLChecker};

use super::item_calls::{Effect, Ending, Item, ItemCall, WholeScan};
use super::{End, Finding, Oracle};
use crate::journal::What;
use crate::journal::event::Event;

/// Writes of one item without a known end above which nobody searches: the orders are too many.
const OPEN_AT_MOST: usize = 14;

/// See the module.
pub(super) struct Linearizable {
    table: String,
    calls: Vec<ItemCall>,
    under_way: BTreeMap<String, Vec<usize>>,
    key_names: BTreeSet<String>,
    /// Scans of the whole table, when they were sent and what they found.
    scanning: BTreeMap<String, u64>,
    scans: Vec<WholeScan>,
}

/// One call as the search takes it.
#[derive(Debug, Clone)]
struct Step {
    key: BTreeMap<String, String>,
    before: Option<Item>,
    exists: Option<bool>,
    effect: Option<Effect>,
    after: Option<Item>,
}

struct OneItem;

impl Specification for OneItem {
    type State = Item;
    type Operation = Step;

    fn init() -> Item {
        None
    }

    fn apply(step: &Step, state: &Item) -> (bool, Item) {
        let right = step.before.as_ref().is_none_or(|before| before == state)
            && step.exists.is_none_or(|exists| exists == state.is_some());
        if !right {
            return (false, state.clone());
        }
        let next = match &step.effect {
            None => state.clone(),
            Some(effect) => match effect.on(state, &step.key) {
                Some(next) => next,
                None => return (false, state.clone()),
            },
        };
        let right = step.after.as_ref().is_none_or(|after| *after == next);
        (right, next)
    }
}

impl Linearizable {
    pub fn new(table: String) -> Self {
        Self {
            table,
            calls: Vec::new(),
            under_way: BTreeMap::new(),
            key_names: BTreeSet::new(),
            scanning: BTreeMap::new(),
            scans: Vec::new(),
        }
    }

    /// The calls of each item, by its key; a scan is a read of every item that was ever named.
    fn items(&self) -> BTreeMap<BTreeMap<String, String>, Vec<ItemCall>> {
        let mut items: BTreeMap<_, Vec<ItemCall>> = BTreeMap::new();
        for call in &self.calls {
            let mut key = call.named.clone();
            key.retain(|name, _| self.key_names.contains(name));
            items.entry(key).or_default().push(call.clone());
        }
        for (key, calls) in &mut items {
            calls.extend(self.scans.iter().map(|scan| ItemCall::of_scan(scan, key)));
        }
        items
    }
}

/// The step of a call as it was known at line `until`; `None` when it certainly did nothing.
fn step(
    call: &ItemCall,
    key: &BTreeMap<String, String>,
    until: u64,
) -> Option<(Step, Option<u64>)> {
    let answered = call.answered.filter(|line| *line <= until);
    let end = match answered {
        Some(_) => call.end.clone(),
        None => Ending::Unknown,
    };
    let mut step = Step {
        key: key.clone(),
        before: None,
        exists: None,
        effect: call.effect.clone(),
        after: None,
    };
    match end {
        Ending::Refused => return None,
        Ending::Unknown if call.effect.is_none() => return None,
        Ending::Unknown => return Some((step, None)),
        Ending::ConditionFailed => {
            step.exists = call.wants.map(|wanted| !wanted);
            step.effect = None;
        }
        Ending::Done { before, after } => {
            step.before = before;
            step.after = after;
            step.exists = call.wants;
        }
    }
    Some((step, answered))
}

/// A read that says what has happened, and nothing of when.
fn is_eventual(call: &ItemCall) -> bool {
    call.reads() && !call.consistent
}

/// The calls that must have an order, with what eventual reads up to line `until` say of them:
/// what was shown had been done. `None` when it was certainly not.
fn as_shown(calls: &[ItemCall], until: u64) -> Option<Vec<ItemCall>> {
    let (reads, mut known): (Vec<ItemCall>, _) = calls.iter().cloned().partition(is_eventual);
    for read in reads {
        let Some(line) = read.answered.filter(|line| *line <= until) else {
            continue;
        };
        let Ending::Done {
            before: Some(Some(item)),
            ..
        } = &read.end
        else {
            continue;
        };
        let mut wrote = known.iter_mut().filter(|it| it.put && it.named == *item);
        let (Some(write), None) = (wrote.next(), wrote.next()) else {
            continue;
        };
        match &write.end {
            Ending::Refused | Ending::ConditionFailed => return None,
            Ending::Unknown => {
                let (before, after) = (None, None);
                write.end = Ending::Done { before, after };
                write.answered = Some(line);
            }
            Ending::Done { .. } => write.answered = write.answered.map(|at| at.min(line)),
        }
    }
    Some(known)
}

/// Whether there is an order; `None` when nobody should search for it.
fn has_order(calls: &[ItemCall], key: &BTreeMap<String, String>, until: u64) -> Option<bool> {
    let Some(calls) = as_shown(calls, until) else {
        return Some(false);
    };
    let mut lines = Vec::new();
    let mut open = Vec::new();
    let known = calls.iter().filter(|call| call.sent <= until);
    for (process, (call, (step, end))) in known
        .filter_map(|call| Some((call, step(call, key, until)?)))
        .enumerate()
    {
        lines.push((call.sent, process, Action::Call(step.clone())));
        match end {
            Some(line) => lines.push((line, process, Action::Response(step))),
            None => open.push((process, Action::Response(step))),
        }
    }
    if open.len() > OPEN_AT_MOST {
        return None;
    }
    if lines.is_empty() {
        return Some(true);
    }
    lines.sort_by_key(|(line, process, _)| (*line, *process));
    let closed = lines
        .into_iter()
        .map(|(_, process, action)| (process, action));
    let history = History::from_actions(closed.chain(open).collect());
    Some(WGLChecker::<OneItem>::is_linearizable(history))
}

/// The first answer that no order explains.
fn first_wrong<'c>(calls: &'c [ItemCall], key: &BTreeMap<String, String>) -> Option<&'c ItemCall> {
    let mut answered: Vec<&ItemCall> = calls.iter().collect();
    answered.retain(|call| call.answered.is_some());
    answered.sort_by_key(|call| call.answered);
    answered
        .into_iter()
        .find(|call| has_order(calls, key, call.answered.unwrap_or_default()) == Some(false))
}

impl Oracle for Linearizable {
    fn hear(&mut self, event: &Event) {
        match &event.what {
            What::CallSent(sent) => {
                if WholeScan::is_asked(sent, &self.table) {
                    self.scanning.insert(sent.call.clone(), event.n);
                }
                for call in ItemCall::read(sent, event.n, &self.table) {
                    if !call.put {
                        self.key_names.extend(call.named.keys().cloned());
                    }
                    let places = self.under_way.entry(sent.call.clone()).or_default();
                    places.push(self.calls.len());
                    self.calls.push(call);
                }
            }
            What::CallAnswered(answered) => {
                for at in self.under_way.remove(&answered.call).unwrap_or_default() {
                    self.calls[at].ended(answered, event.n, &self.table);
                }
                if let Some(sent) = self.scanning.remove(&answered.call) {
                    let scan = WholeScan::answered(sent, answered, event.n);
                    self.scans.extend(scan);
                }
            }
            _ => {}
        }
    }

    fn conclude(&mut self, _end: &mut End<'_>) -> Finding {
        if self.key_names.is_empty() {
            return Finding::unknown("nobody read, changed or deleted an item of the table");
        }
        let (mut measured, mut left_out) = (0, 0);
        for (key, calls) in self.items() {
            let strange = calls.iter().any(|call| call.strange);
            let order = (!strange)
                .then(|| has_order(&calls, &key, u64::MAX))
                .flatten();
            match order {
                Some(true) => {
                    measured += calls.iter().filter(|call| !is_eventual(call)).count() as u64;
                }
                None => left_out += 1,
                Some(false) => {
                    let key: Vec<_> = key.values().cloned().collect();
                    let named = key.join(" ");
                    let items = self.items();
                    let found = items.iter().find_map(|(of, calls)| {
                        let same = of.values().eq(key.iter());
                        same.then(|| first_wrong(calls, of)).flatten()
                    });
                    let because = format!(
                        "no order of the calls about {named} gives every answer that clients got"
                    );
                    let at = found.map(|call| [Some(call.sent), call.answered]);
                    return Finding::violated(because, at.into_iter().flatten().flatten());
                }
            }
        }
        match Finding::measured(measured, "no call about an item could be judged") {
            Finding::Holds { measured, .. } if left_out > 0 => Finding::Holds {
                measured,
                but: format!("{left_out} items had calls or outcomes that the model does not know"),
            },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::oracles::testing::{Doctored, unknown, violated};

    struct Run(Doctored);

    impl Run {
        fn new() -> Self {
            Self(Doctored::new("linearizable", json!({ "table": "orders" })))
        }

        fn item(value: &str) -> Value {
            json!({ "id": { "S": "a" }, "v": { "S": value } })
        }

        fn write(&mut self, value: &str, code: &str) -> u64 {
            let request = json!({ "TableName": "orders", "Item": Self::item(value) });
            self.0.sent("dynamodb.PutItem", request);
            self.0.answered("dynamodb.PutItem", code)
        }

        fn read(&mut self, value: &str) -> u64 {
            let key = json!({ "id": { "S": "a" } });
            let request = json!({ "TableName": "orders", "Key": key, "ConsistentRead": true });
            self.0.sent("dynamodb.GetItem", request);
            let response = if value.is_empty() {
                json!({})
            } else {
                json!({ "Item": Self::item(value) })
            };
            self.0.succeeded("dynamodb.GetItem", response)
        }
    }

    /// A write of 2 that nobody hears of again.
    fn lost(run: &mut Run) {
        let request = json!({ "TableName": "orders", "Item": Run::item("2") });
        run.0.sent("dynamodb.PutItem", request);
    }

    #[test]
    fn reads_of_the_last_write_hold() {
        let mut run = Run::new();
        run.read("");
        run.write("1", "");
        run.read("1");
        run.write("2", "");
        run.read("2");
        run.0.holds(5);
    }

    #[test]
    fn a_batch_is_a_call_for_each_item_and_a_scan_reads_all() {
        let of = |parts: Value| json!({ "RequestItems": { "orders": parts } });
        let put = |value: &str| json!({ "PutRequest": { "Item": Run::item(value) } });
        let scan = |run: &mut Run, items: Value| {
            let request = json!({ "TableName": "orders", "ConsistentRead": true });
            run.0.sent("dynamodb.Scan", request);
            run.0.succeeded("dynamodb.Scan", json!({ "Items": items }))
        };
        let mut run = Run::new();
        run.read("");
        run.0.sent("dynamodb.BatchWriteItem", of(json!([put("1")])));
        let left = json!({ "UnprocessedItems": { "orders": [put("1")] } });
        run.0.succeeded("dynamodb.BatchWriteItem", left);
        scan(&mut run, json!([]));
        run.0.sent("dynamodb.BatchWriteItem", of(json!([put("2")])));
        run.0.succeeded("dynamodb.BatchWriteItem", json!({}));
        scan(&mut run, json!([Run::item("2")]));
        let keys = json!({ "Keys": [{ "id": { "S": "a" } }], "ConsistentRead": true });
        run.0.sent("dynamodb.BatchGetItem", of(keys));
        let found = json!({ "Responses": { "orders": [Run::item("2")] } });
        run.0.succeeded("dynamodb.BatchGetItem", found);
        let stale = scan(&mut run, json!([]));
        let (because, at) = violated(run.0.finding());
        assert_eq!(at, [stale - 1, stale], "{because}");
    }

    #[test]
    fn a_read_of_what_was_overwritten_violates_and_is_shown() {
        let mut run = Run::new();
        run.write("1", "");
        run.write("2", "");
        let stale = run.read("1");
        run.read("2");
        let (because, at) = violated(run.0.finding());
        assert_eq!(at, [stale - 1, stale], "{because}");
    }

    #[test]
    fn a_write_without_a_known_end_may_show_late_or_never_but_not_go_again() {
        let mut run = Run::new();
        run.write("1", "");
        lost(&mut run);
        run.read("1");
        run.read("2");
        run.0.holds(4);
        run.read("1");
        violated(run.0.finding());
    }

    #[test]
    fn a_refused_write_must_not_show() {
        let mut run = Run::new();
        run.write("1", "ReplicatedWriteConflictException");
        run.read("1");
        violated(run.0.finding());
    }

    #[test]
    fn what_any_read_shows_has_happened() {
        let shown = |run: &mut Run, value: &str| {
            let request = json!({ "TableName": "orders", "Key": { "id": { "S": "a" } } });
            run.0.sent("dynamodb.GetItem", request);
            let response = json!({ "Item": Run::item(value) });
            run.0.succeeded("dynamodb.GetItem", response)
        };
        let mut run = Run::new();
        run.write("1", "");
        lost(&mut run);
        shown(&mut run, "1");
        shown(&mut run, "2");
        shown(&mut run, "1");
        run.read("2");
        run.0.holds(3);
        let mut run = Run::new();
        run.write("1", "");
        lost(&mut run);
        shown(&mut run, "2");
        let gone = run.read("1");
        let (because, at) = violated(run.0.finding());
        assert_eq!(at, [gone - 1, gone], "{because}");
        let mut run = Run::new();
        run.write("1", "");
        run.write("2", "ReplicatedWriteConflictException");
        let shown = shown(&mut run, "2");
        let (because, at) = violated(run.0.finding());
        assert_eq!(at, [shown - 1, shown], "{because}");
    }

    #[test]
    fn counters_are_added_up() {
        for (second, holds) in [("2", true), ("1", false)] {
            let mut run = Run::new();
            for count in ["1", second] {
                let request = json!({
                    "TableName": "orders",
                    "Key": { "id": { "S": "n" } },
                    "UpdateExpression": "ADD hits :one",
                    "ExpressionAttributeValues": { ":one": { "N": "1" } },
                    "ReturnValues": "ALL_NEW",
                });
                run.0.sent("dynamodb.UpdateItem", request);
                let item = json!({ "id": { "S": "n" }, "hits": { "N": count } });
                run.0
                    .succeeded("dynamodb.UpdateItem", json!({ "Attributes": item }));
            }
            if holds {
                run.0.holds(2);
            } else {
                violated(run.0.finding());
            }
        }
    }

    #[test]
    fn a_table_that_nobody_read_leaves_it_unknown() {
        let mut run = Run::new();
        run.write("1", "");
        unknown(run.0.finding());
    }
}
