//! The Regions' processes: steps, ticks, deaths and restarts.

use std::collections::BTreeMap;

use faultline_proto::driving::{self, Crash, Reply, Start, Step, step::Input};
use faultline_proto::names::RegionName;
use serde_json::Value;

use super::Broken;
use super::call::Part;
use super::core::{Core, Next};
use crate::clock::Clock;
use crate::clock::{SimTime, Span};
use crate::faults::{CrashPoint, NodeCrash};
use crate::journal::{What, trail};
use crate::network::Cause;
use crate::queue::Place;
use crate::transport::StepError;

/// One Region's process, as the simulator knows it.
#[derive(Default)]
pub(super) struct Node {
    pub alive: bool,
    /// The fault that killed it.
    pub killed_by: Option<Cause>,
    /// Steps so far; never goes back, also not after a crash.
    pub steps: u64,
    pub clock: Clock,
    pub wake: Option<Place>,
    /// What its fault stage does, by the fault that says so.
    pub rules: BTreeMap<u64, Vec<driving::Fault>>,
    /// Faults that keep it from taking steps.
    pub frozen: Vec<Cause>,
    /// Faults that keep it from taking what others send.
    pub no_room: Vec<Cause>,
    /// What each of its writes takes longer, by the fault that says so.
    pub slow: BTreeMap<u64, (Cause, Span)>,
}

impl Node {
    /// Forgets what a fault did to it, except its clock and rules.
    pub fn heal(&mut self, fault: u64) {
        self.frozen.retain(|cause| cause.fault != fault);
        self.no_room.retain(|cause| cause.fault != fault);
        self.slow.remove(&fault);
    }

    /// How long its writes take.
    pub fn lag(&self) -> Span {
        let spans = self.slow.values().map(|(_, span)| *span);
        spans.fold(Span::ZERO, Span::plus)
    }
}

impl Core {
    /// Starts every Region.
    pub fn start_all(&mut self) {
        for region in self.config.regions.clone() {
            self.revive(&region);
        }
    }

    /// Starts a Region's process over what its store holds, if it is dead.
    pub fn revive(&mut self, region: &RegionName) {
        if self.nodes.get(region).is_none_or(|node| node.alive) {
            return;
        }
        if let Err(error) = self.transport.start(region) {
            return self.break_off(error);
        }
        if let Some(node) = self.nodes.get_mut(region) {
            node.alive = true;
            node.killed_by = None;
        }
        let start = self.start_input(region);
        let Some(reply) = self.step(region, Input::Start(start), String::new()) else {
            return;
        };
        let started = reply.started.unwrap_or_default();
        self.record(What::NodeStarted {
            region: region.clone(),
            last_step: started.last_step,
            unacknowledged: started.unacknowledged,
        });
        self.send_rules(region);
        self.retry_heals(region);
    }

    fn start_input(&self, region: &RegionName) -> Start {
        Start {
            region: region.to_string(),
            regions: self
                .config
                .regions
                .iter()
                .map(ToString::to_string)
                .collect(),
            home: self.config.home.to_string(),
            accounts: self.config.accounts.clone(),
            seed: self.config.seed.for_region(region).to_vec(),
            epoch: 0,
            settings: Some(self.config.settings.clone()),
            root_secret: match &self.config {
                // A Region whose seed is its world's takes its own key from that.
                config if config.seed == config.world => Vec::new(),
                config => config.world.for_region(region).to_vec(),
            },
            partition_secret: self
                .config
                .world
                .draw("partition secret", 0)
                .bytes()
                .to_vec(),
        }
    }

    /// Takes a step. Its reply holds only what is for the asker: the rest has gone where
    /// it belongs. `None` when the process is dead, or died in it.
    pub fn step(
        &mut self,
        region: &RegionName,
        input: Input,
        traceparent: String,
    ) -> Option<Reply> {
        let now = self.now();
        let wall = self.wall(region);
        let struck = self.strike(region, &input);
        let node = self.nodes.get_mut(region).filter(|node| node.alive)?;
        node.steps += 1;
        let crash = match struck.as_ref().map(|(_, crash)| crash.point) {
            None => Crash::None,
            Some(CrashPoint::BeforeCommit) => Crash::BeforeCommit,
            Some(CrashPoint::AfterCommit) => Crash::AfterCommit,
        };
        let step = Step {
            id: node.steps,
            elapsed: now.0,
            wall: wall.0,
            crash: crash.into(),
            traceparent,
            input: Some(input),
        };
        match self.transport.step(region, step) {
            Ok(mut reply) => {
                self.take_reply(region, &mut reply);
                Some(reply)
            }
            Err(StepError::Died(_)) => {
                self.died(region, struck);
                None
            }
            Err(StepError::Broken(error)) => {
                self.break_off(error);
                None
            }
        }
    }

    /// Everything that a reply brings: into the journal, onto the network, to the clients.
    fn take_reply(&mut self, region: &RegionName, reply: &mut Reply) {
        self.want_tick(region, reply.wake.map(SimTime));
        for event in reply.audit.drain(..) {
            self.record(What::Audit {
                region: region.clone(),
                event: trail::shown(&event),
                trace: event.traceparent,
            });
        }
        for note in reply.notes.drain(..) {
            self.record(What::Note {
                region: region.clone(),
                note: note.kind,
                fields: note.fields,
                trace: note.traceparent,
            });
        }
        for envelope in reply.outbox.drain(..) {
            self.post(envelope);
        }
        for completed in reply.completed.drain(..) {
            match self.call_ids.get(&completed.call) {
                Some(call) => self.reply_part(*call, Part::Answer(Box::new(completed))),
                None => drop(self.direct.insert(completed.call.clone(), completed)),
            }
        }
        for chunk in reply.body.drain(..) {
            if let Some(call) = self.call_ids.get(&chunk.call) {
                self.reply_part(*call, Part::Chunk(chunk));
            }
        }
    }

    fn want_tick(&mut self, region: &RegionName, wake: Option<SimTime>) {
        let Some(node) = self.nodes.get_mut(region) else {
            return;
        };
        if let Some(place) = node.wake.take() {
            self.queue.cancel(place);
        }
        node.wake = wake.map(|at| self.queue.push(at, Next::Tick(region.clone())));
    }

    pub fn tick(&mut self, region: &RegionName) {
        if let Some(node) = self.nodes.get_mut(region) {
            node.wake = None;
        }
        if let Some(cause) = self.frozen(region) {
            let later = Next::Tick(region.clone());
            return self.held_parts.push((cause.fault, later));
        }
        self.step(region, Input::Tick(driving::Tick {}), String::new());
    }

    /// The process is gone: clients that wait learn of it, and it starts again if it should.
    fn died(&mut self, region: &RegionName, struck: Option<(Cause, NodeCrash)>) {
        let point = match struck.as_ref().map(|(_, crash)| crash.point) {
            None => "killed",
            Some(CrashPoint::BeforeCommit) => "before_commit",
            Some(CrashPoint::AfterCommit) => "after_commit",
        };
        let cause = struck.as_ref().map(|(cause, _)| cause.clone());
        self.bury(region, point, cause);
        if struck.is_some_and(|(_, crash)| crash.restarts) {
            self.queue
                .push(self.queue.now(), Next::Revive(region.clone()));
        }
    }

    pub(super) fn bury(&mut self, region: &RegionName, point: &str, cause: Option<Cause>) {
        self.want_tick(region, None);
        let Some(node) = self.nodes.get_mut(region) else {
            return;
        };
        node.alive = false;
        node.killed_by.clone_from(&cause);
        self.record(What::NodeDied {
            region: region.clone(),
            point: point.to_owned(),
            caused_by: cause.as_ref().map(|cause| cause.kind.to_owned()),
        });
        self.reset_calls(region, cause.as_ref());
    }

    /// Kills a process between two steps.
    pub fn kill(&mut self, region: &RegionName) {
        if self.nodes.get(region).is_some_and(|node| node.alive) {
            match self.transport.kill(region) {
                Ok(()) => self.bury(region, "killed", None),
                Err(error) => self.break_off(error),
            }
        }
    }

    /// Stops a process in good order and starts it again.
    pub fn restart(&mut self, region: &RegionName, cause: &Cause) {
        if self.nodes.get(region).is_some_and(|node| node.alive) {
            match self.transport.stop(region) {
                Ok(()) => self.bury(region, "stopped", Some(cause.clone())),
                Err(error) => return self.break_off(error),
            }
        }
        self.revive(region);
    }

    pub fn stop_all(&mut self) -> Result<(), Broken> {
        for region in self.config.regions.clone() {
            self.transport.stop(&region)?;
            if let Some(node) = self.nodes.get_mut(&region) {
                node.alive = false;
            }
        }
        Ok(())
    }

    /// Tells a Region what its fault stage must do now.
    pub fn send_rules(&mut self, region: &RegionName) {
        let Some(node) = self.nodes.get(region).filter(|node| node.alive) else {
            return;
        };
        if node.rules.is_empty() && node.steps <= 1 {
            return;
        }
        let faults = node.rules.values().flatten().cloned().collect();
        self.step(
            region,
            Input::SetFaults(driving::SetFaults { faults }),
            String::new(),
        );
    }

    pub fn look(&mut self, region: &RegionName, what: &str, arguments: &Value) -> Option<Value> {
        let look = driving::Look {
            what: what.to_owned(),
            arguments: arguments.to_string(),
        };
        let reply = self.step(region, Input::Look(look), String::new())?;
        Some(answer_of(&reply))
    }

    pub fn plant(&mut self, region: &RegionName, what: &str, arguments: &Value) -> Option<Value> {
        // What is planted may be a secret: where it goes is enough for the journal.
        let targets = ["volume_id", "key"].into_iter();
        let target = targets.filter_map(|name| arguments[name].as_str()).next();
        self.record(What::Planted {
            region: region.clone(),
            what: what.to_owned(),
            target: target.unwrap_or_default().to_owned(),
        });
        let plant = driving::Plant {
            what: what.to_owned(),
            arguments: arguments.to_string(),
        };
        let reply = self.step(region, Input::Plant(plant), String::new())?;
        Some(answer_of(&reply))
    }
}

fn answer_of(reply: &Reply) -> Value {
    if reply.look.is_empty() {
        return Value::Null;
    }
    serde_json::from_str(&reply.look).unwrap_or_else(
        |error| serde_json::json!({ "error": format!("the answer is no JSON: {error}") }),
    )
}
