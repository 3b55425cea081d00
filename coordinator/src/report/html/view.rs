//! What the viewer reads: the page's parts as JSON, words numbered so that each is there once.
//!
//! Times are microseconds since the scenario's own zero; what was set up before it is at zero.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::data;
use super::moments::Tone;
use super::names::ended;
use super::page::Page;
use super::timeline;
use crate::clock::SimTime;
use crate::report::terminal::name;

/// Steps, keys and data that are handed over.
const MOST: usize = 3_000;
/// Characters of a word that are kept.
const WORD: usize = 240;
/// Changes of one thing in one Region that are kept.
const CHANGES: usize = 200;

struct View<'a> {
    page: &'a Page,
    words: Vec<String>,
    numbers: BTreeMap<String, usize>,
    regions: BTreeMap<&'a str, usize>,
}

/// The data of a page.
#[must_use]
pub fn of(page: &Page) -> Value {
    let regions = page
        .regions()
        .enumerate()
        .map(|(index, name)| (name, index));
    let mut view = View {
        page,
        words: Vec::new(),
        numbers: BTreeMap::new(),
        regions: regions.collect(),
    };
    view.word("");
    let (from, to) = page.span();
    let axis = timeline::axis(page, from, to);
    let knots: Vec<Value> = axis
        .knots()
        .iter()
        .map(|(t, x)| json!([view.time(*t), x]))
        .collect();
    let (calls, messages, remarks) = (view.calls(), view.messages(), view.remarks());
    let (keys, data) = (view.keys(), view.data());
    json!({
        "from": view.time(from), "to": view.time(to), "regions": page.regions().collect::<Vec<_>>(),
        "all": page.moments.all, "knots": knots, "faults": view.faults(), "steps": view.steps(),
        "calls": calls, "messages": messages, "remarks": remarks, "keys": keys, "data": data,
        "words": view.words,
    })
}

impl View<'_> {
    fn time(&self, t: SimTime) -> u64 {
        t.0.saturating_sub(self.page.summary.zero.0)
    }

    /// A moment that may not have come, as -1.
    fn end(&self, t: Option<SimTime>) -> Value {
        t.map_or(json!(-1), |t| json!(self.time(t)))
    }

    fn word(&mut self, text: &str) -> usize {
        let text: String = text.chars().take(WORD).collect();
        if let Some(number) = self.numbers.get(&text) {
            return *number;
        }
        let number = self.words.len();
        self.words.push(text.clone());
        self.numbers.insert(text, number);
        number
    }

    /// Where it is; nothing is drawn of a Region that the world has not.
    fn region(&self, name: &str) -> Option<usize> {
        self.regions.get(name).copied()
    }

    fn faults(&self) -> Vec<Value> {
        let faults = self.page.summary.faults.iter().take(MOST);
        let one = |fault: &crate::report::summary::FaultLine| {
            let text: String = fault.fault.text.chars().take(WORD).collect();
            let regions: Vec<usize> = fault
                .fault
                .regions
                .iter()
                .filter_map(|name| self.region(name.as_str()))
                .collect();
            json!([
                self.time(fault.began),
                self.end(fault.healed),
                text,
                regions
            ])
        };
        faults.map(one).collect()
    }

    fn steps(&self) -> Vec<Value> {
        let steps = self.page.summary.steps.iter().take(MOST);
        let one = |step: &crate::report::summary::StepLine| {
            let text: String = name(step).chars().take(WORD).collect();
            let path: String = step.step.step.chars().take(WORD).collect();
            json!([
                path,
                text,
                self.time(step.began),
                self.time(step.ended),
                ended(step.status).class,
                u8::from(step.step.verb.is_empty())
            ])
        };
        steps.map(one).collect()
    }

    fn calls(&mut self) -> Vec<Value> {
        let mut out = Vec::new();
        for call in &self.page.moments.calls {
            let (Some(from), Some(region)) = (self.region(&call.from), self.region(&call.region))
            else {
                continue;
            };
            let words = [&call.operation, &call.principal, &call.outcome, &call.step];
            let [operation, principal, outcome, step] = words.map(|text| self.word(text));
            let (sent, answered) = (self.time(call.sent), self.end(call.answered));
            let tone = tone(call.tone);
            out.push(json!([
                sent, answered, from, region, operation, principal, outcome, tone, step, call.n
            ]));
        }
        out
    }

    fn messages(&mut self) -> Vec<Value> {
        let mut out = Vec::new();
        for message in &self.page.moments.messages {
            let (Some(from), Some(to)) = (self.region(&message.from), self.region(&message.to))
            else {
                continue;
            };
            let (stream, cause) = (self.word(&message.stream), self.word(&message.cause));
            let (sent, ended) = (self.time(message.sent), self.end(message.ended));
            let lost = u8::from(message.lost);
            out.push(json!([
                sent, ended, from, to, stream, lost, cause, message.n
            ]));
        }
        out
    }

    fn remarks(&mut self) -> Vec<Value> {
        let mut out = Vec::new();
        for remark in &self.page.moments.remarks {
            let Some(region) = self.region(&remark.region) else {
                continue;
            };
            let kind = self.word(&remark.word);
            out.push(json!([
                self.time(remark.t),
                region,
                kind,
                remark.text,
                tone(remark.tone),
                remark.n
            ]));
        }
        out
    }

    fn keys(&mut self) -> Vec<Value> {
        let page = self.page;
        let mut out = Vec::new();
        for (id, row) in page.keys.rows.iter().take(MOST) {
            let any = row.values().next().map_or(id.as_str(), |here| &here.arn);
            let mut at = serde_json::Map::new();
            for (region, here) in row {
                let Some(region) = self.region(region) else {
                    continue;
                };
                let mut history = Vec::new();
                for (t, now) in last(&here.history) {
                    let (state, role) = (self.word(&now.state), self.word(&now.role));
                    history.push(json!([self.time(*t), state, role]));
                }
                at.insert(region.to_string(), history.into());
            }
            let name: String = page.names.short(any).chars().take(WORD).collect();
            out.push(json!({ "name": name, "id": id, "at": at }));
        }
        out
    }

    fn data(&mut self) -> Vec<Value> {
        let page = self.page;
        let mut out = Vec::new();
        for (item, row) in page.data.rows.iter().take(MOST) {
            let mut at = serde_json::Map::new();
            for (region, here) in row {
                let Some(region) = self.region(region) else {
                    continue;
                };
                let mut history = Vec::new();
                for (t, now) in last(&here.history) {
                    let under = self.word(&data::under(page, now));
                    let status = self.word(&now.status);
                    history.push(json!([self.time(*t), under, status]));
                }
                at.insert(region.to_string(), history.into());
            }
            let name: String = item.name.chars().take(WORD).collect();
            let kind = if item.home.is_empty() {
                item.kind.to_owned()
            } else {
                format!("{} of {}", item.kind, item.home)
            };
            let kind: String = kind.chars().take(WORD).collect();
            out.push(json!({ "name": name, "kind": kind, "at": at }));
        }
        out
    }
}

fn last<T>(history: &[T]) -> &[T] {
    &history[history.len().saturating_sub(CHANGES)..]
}

fn tone(tone: Tone) -> u8 {
    match tone {
        Tone::Ok => 0,
        Tone::Unknown => 1,
        Tone::Fail => 2,
    }
}
