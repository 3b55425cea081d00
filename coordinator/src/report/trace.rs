//! Chrome trace events, which Perfetto opens: a process for the scenario and one for each
//! Region, a thread for each lane, arrows for messages, bands for faults.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::clock::SimTime;
use crate::journal::event::{CallAnswered, Event, FaultEvent, Outcome, What};

/// The process of the scenario itself; Regions follow.
const SCENARIO: u64 = 1;
/// The thread of messages in a Region's process; lanes follow.
const MESSAGES: u64 = 1;

/// Writes the trace of a journal.
#[must_use]
pub fn write(events: &[Event]) -> Value {
    let mut trace = Trace::default();
    trace.process("scenario");
    for event in events {
        trace.take(event);
    }
    json!({ "traceEvents": trace.out, "displayTimeUnit": "ms" })
}

#[derive(Default)]
struct Trace {
    out: Vec<Value>,
    processes: BTreeMap<String, u64>,
    threads: BTreeMap<(u64, String), u64>,
    steps: BTreeMap<String, (SimTime, String, String)>,
    calls: BTreeMap<String, (SimTime, String)>,
    messages: BTreeMap<u64, (SimTime, String, String)>,
}

impl Trace {
    fn process(&mut self, name: &str) -> u64 {
        if let Some(pid) = self.processes.get(name) {
            return *pid;
        }
        let pid = SCENARIO + self.processes.len() as u64;
        self.processes.insert(name.to_owned(), pid);
        self.out.push(
            json!({ "ph": "M", "name": "process_name", "pid": pid, "args": { "name": name } }),
        );
        if pid != SCENARIO {
            self.name_thread(pid, MESSAGES, "messages");
        }
        pid
    }

    fn name_thread(&mut self, pid: u64, tid: u64, name: &str) {
        let name = json!({ "name": name });
        self.out.push(
            json!({ "ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": name }),
        );
    }

    fn lane(&mut self, pid: u64, lane: &str) -> u64 {
        let key = (pid, lane.to_owned());
        if let Some(tid) = self.threads.get(&key) {
            return *tid;
        }
        let tid = MESSAGES
            + 1
            + self
                .threads
                .keys()
                .filter(|(other, _)| *other == pid)
                .count() as u64;
        self.threads.insert(key, tid);
        self.name_thread(pid, tid, if lane.is_empty() { "main" } else { lane });
        tid
    }

    fn slice(&mut self, at: (u64, u64), name: &str, began: SimTime, ended: SimTime, args: Value) {
        let (pid, tid) = at;
        let dur = ended.since(began).0.max(1);
        self.out.push(json!({
            "ph": "X", "name": name, "pid": pid, "tid": tid, "ts": began.0, "dur": dur, "args": args,
        }));
    }

    /// One end of an arrow, on a slice that is as short as can be.
    fn arrow(&mut self, phase: &str, region: &str, name: &str, t: SimTime, id: u64) {
        let pid = self.process(region);
        self.slice((pid, MESSAGES), name, t, t, json!({}));
        let mut end = json!({
            "ph": phase, "name": "message", "cat": "message", "id": id, "pid": pid, "tid": MESSAGES, "ts": t.0,
        });
        if phase == "f" {
            end["bp"] = "e".into();
        }
        self.out.push(end);
    }

    fn take(&mut self, event: &Event) {
        let t = event.t;
        match &event.what {
            What::World(world) => {
                for region in &world.regions {
                    self.process(region.as_str());
                }
            }
            What::StepStarted(step) => {
                let name = if step.say.is_empty() {
                    &step.verb
                } else {
                    &step.say
                };
                let name = format!("{} {name}", step.step);
                self.steps
                    .insert(step.step.clone(), (t, step.lane.clone(), name));
            }
            What::StepEnded(step) => {
                if let Some((began, lane, name)) = self.steps.remove(&step.step) {
                    let tid = self.lane(SCENARIO, &lane);
                    let args = json!({ "status": step.status, "summary": step.summary });
                    self.slice((SCENARIO, tid), name.trim(), began, t, args);
                }
            }
            What::CallSent(call) => {
                drop(self.calls.insert(call.call.clone(), (t, call.lane.clone())))
            }
            What::CallAnswered(call) => self.answered(t, call),
            // What never arrives has no arrow, and what arrives twice has one.
            What::MessageSent(message) if !message.arrives.is_empty() => {
                let from = message.from.as_str().to_owned();
                self.messages
                    .insert(message.message, (t, from, message.stream.clone()));
            }
            What::MessageDelivered(arrival) => {
                if let Some((sent, from, stream)) = self.messages.remove(&arrival.message) {
                    self.arrow("s", &from, &stream, sent, arrival.message);
                    self.arrow("f", arrival.to.as_str(), &stream, t, arrival.message);
                }
            }
            What::FaultStarted(fault) => self.band("b", t, fault),
            What::FaultHealed(fault) => self.band("e", t, fault),
            What::NodeDied { region, point, .. } => {
                let pid = self.process(region.as_str());
                let name = format!("node died ({point})");
                self.out.push(json!({
                    "ph": "i", "s": "p", "name": name, "pid": pid, "tid": MESSAGES, "ts": t.0,
                }));
            }
            _ => {}
        }
    }

    fn answered(&mut self, t: SimTime, call: &CallAnswered) {
        let Some((began, lane)) = self.calls.remove(&call.call) else {
            return;
        };
        let pid = self.process(call.region.as_str());
        let tid = self.lane(pid, &lane);
        let outcome = match &call.outcome {
            Outcome::Success { .. } => "ok",
            Outcome::Refused(it) => &it.code,
            Outcome::Unheard { code, .. } => code,
        };
        let args = json!({
            "principal": call.principal, "outcome": outcome, "step": call.step, "attempt": call.attempt,
        });
        self.slice((pid, tid), &call.operation, began, t, args);
    }

    /// One end of a fault's band.
    fn band(&mut self, phase: &str, t: SimTime, fault: &FaultEvent) {
        self.out.push(json!({
            "ph": phase, "cat": "fault", "name": fault.text, "id": fault.fault, "pid": SCENARIO, "tid": 0, "ts": t.0,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    /// The example, with a message that arrives.
    fn events() -> Vec<Value> {
        let mut events = example::journal();
        let at = |seconds: u64, what| Event {
            t: SimTime(seconds * 1_000_000),
            n: 1_000,
            what,
        };
        let arrival = crate::journal::event::Arrival {
            message: 3,
            to: example::region("us-east-1"),
            caused_by: None,
        };
        events.push(at(
            10,
            example::message(3, "delivered", vec![SimTime(11_000_000)]),
        ));
        events.push(at(11, What::MessageDelivered(arrival)));
        let trace = write(&events);
        trace["traceEvents"].as_array().expect("a list").clone()
    }

    #[test]
    fn every_region_is_a_process_and_every_call_a_slice() {
        let events = events();
        let named = |ph: &str, name: &str| {
            events
                .iter()
                .filter(|event| event["ph"] == ph && event["name"] == name)
                .count()
        };
        assert_eq!(named("M", "process_name"), 3);
        assert_eq!(named("X", "kms.UpdatePrimaryRegion"), 3);
        assert_eq!(
            (
                named("b", "eu-west-1 is down"),
                named("e", "eu-west-1 is down")
            ),
            (1, 1)
        );
        assert_eq!(
            (named("s", "message"), named("f", "message")),
            (1, 1),
            "what was dropped or lost has no arrow"
        );
    }

    #[test]
    fn an_arrow_leads_from_a_slice_of_one_region_to_a_slice_of_another() {
        let events = events();
        let end = |ph: &str| {
            let end = events.iter().find(|event| event["ph"] == ph);
            let end = end.unwrap_or_else(|| panic!("no `{ph}`"));
            let on = |event: &Value| {
                event["ph"] == "X"
                    && ["pid", "tid", "ts"]
                        .iter()
                        .all(|key| event[key] == end[key])
            };
            assert!(events.iter().any(on), "{end} is on no slice");
            (end["pid"].clone(), end["ts"].clone(), end["id"].clone())
        };
        let (from, to) = (end("s"), end("f"));
        assert_ne!(from.0, to.0);
        assert_eq!((from.1, to.1), (json!(10_000_000), json!(11_000_000)));
        assert_eq!(from.2, to.2);
    }
}
