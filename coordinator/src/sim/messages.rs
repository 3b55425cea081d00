//! Messages between Regions: from an outbox through the network to a step.

use faultline_proto::driving::{Envelope, step::Input};
use faultline_proto::names::RegionName;

use super::core::{Core, Next};
use super::nodes::Node;
use crate::clock::{SimTime, Span};
use crate::journal::What;
use crate::journal::event::{Arrival, MessageSent};
use crate::network::{Cause, Fate, Message};
use crate::trace_context::TraceContext;

/// Bytes that carry an envelope besides its payload: headers of TCP, TLS and gRPC.
const OVERHEAD: u64 = 120;

/// The stream of questions that one Region asks another on behalf of a call.
const SAGAS: &str = "saga";

impl Core {
    /// A Region hands over a message.
    pub fn post(&mut self, envelope: Envelope) {
        let (Ok(from), Ok(to)) = (
            RegionName::new(&envelope.from),
            RegionName::new(&envelope.to),
        ) else {
            return; // A Region names Regions as it was told them.
        };
        for tap in &mut self.taps {
            tap.envelope(&envelope);
        }
        self.messages += 1;
        let lag = self.nodes.get(&from).map_or(Span::ZERO, Node::lag);
        if lag == Span::ZERO {
            self.pass(self.messages, from, to, envelope);
        } else {
            let later = Next::Post(self.messages, Box::new(envelope));
            self.queue.push(self.queue.now() + lag, later);
        }
    }

    /// A Region's message is written, and goes out.
    pub fn post_written(&mut self, number: u64, envelope: Envelope) {
        if let (Ok(from), Ok(to)) = (
            RegionName::new(&envelope.from),
            RegionName::new(&envelope.to),
        ) {
            self.pass(number, from, to, envelope);
        }
    }

    fn pass(&mut self, number: u64, from: RegionName, to: RegionName, envelope: Envelope) {
        let now = self.now();
        let bytes = envelope.payload.len() as u64;
        let message = Message {
            from: &from,
            to: &to,
            stream: &envelope.stream,
            flow: "",
            bytes: bytes + OVERHEAD,
        };
        let fate = self.network.send(now, &message);
        let (word, arrives, cause) = match &fate {
            Fate::Deliver(at) => ("delivered", vec![*at], None),
            Fate::Duplicate(at, again) => ("duplicated", vec![*at, *again], None),
            Fate::Hold(cause) => ("held", vec![], Some(cause.clone())),
            Fate::Drop(cause) => ("dropped", vec![], Some(cause.clone())),
        };
        if let (Some(cause), SAGAS) = (&cause, envelope.stream.as_str()) {
            self.blame_sagas(&from, &to, cause);
        }
        self.record(What::MessageSent(MessageSent {
            message: number,
            from,
            to,
            stream: envelope.stream.clone(),
            seq: envelope.seq,
            ack: envelope.ack,
            bytes,
            fate: word.to_owned(),
            arrives: arrives.clone(),
            trace: envelope.traceparent.clone(),
            caused_by: cause.as_ref().map(|cause| cause.kind.to_owned()),
        }));
        match fate {
            Fate::Drop(_) => {}
            Fate::Hold(cause) => self.held.push((cause.fault, number, Box::new(envelope))),
            Fate::Deliver(_) | Fate::Duplicate(..) => {
                self.queue_arrivals(number, &envelope, &arrives)
            }
        }
    }

    fn queue_arrivals(&mut self, number: u64, envelope: &Envelope, arrives: &[SimTime]) {
        for at in arrives {
            self.queue
                .push(*at, Next::Arrive(number, Box::new(envelope.clone())));
        }
    }

    /// A message is there, unless its link was cut under it or nobody lives there.
    pub fn arrive(&mut self, number: u64, mut envelope: Envelope) {
        let (Ok(from), Ok(to)) = (
            RegionName::new(&envelope.from),
            RegionName::new(&envelope.to),
        ) else {
            return;
        };
        let dead = self.nodes.get(&to).is_none_or(|node| !node.alive);
        let cut = self.network.cut(&from, &to);
        let node = self.nodes.get(&to);
        let full = node.and_then(|node| node.no_room.first().cloned());
        if let Some(cause) = self.frozen(&to).filter(|_| !dead && cut.is_none()) {
            if envelope.stream == SAGAS {
                self.blame_sagas(&from, &to, &cause);
            }
            let later = Next::Arrive(number, Box::new(envelope));
            return self.held_parts.push((cause.fault, later));
        }
        if dead || cut.is_some() || full.is_some() {
            let killed = || self.nodes.get(&to).and_then(|node| node.killed_by.clone());
            let cause = cut.or_else(|| full.filter(|_| !dead)).or_else(killed);
            if let (Some(cause), SAGAS) = (&cause, envelope.stream.as_str()) {
                self.blame_sagas(&from, &to, cause);
            }
            let caused_by = cause.map(|cause| cause.kind.to_owned());
            self.record(What::MessageLost(Arrival {
                message: number,
                to,
                caused_by,
            }));
            return;
        }
        self.record(What::MessageDelivered(Arrival {
            message: number,
            to: to.clone(),
            caused_by: None,
        }));
        // What it does here is the message's doing, and that is its sender's.
        if let Some(sender) = TraceContext::parse(&envelope.traceparent) {
            let message = sender.child(self.config.seed, "message", number);
            envelope.traceparent = message.to_string();
        }
        let traceparent = envelope.traceparent.clone();
        self.step(&to, Input::Deliver(envelope), traceparent);
    }

    /// What a fault held goes out now that it has healed.
    pub fn release(&mut self, fault: u64) {
        let (free, held) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|(by, ..)| *by == fault);
        self.held = held;
        let free: Vec<(u64, u64, Box<Envelope>)> = free;
        for (_, number, envelope) in free {
            if let (Ok(from), Ok(to)) = (
                RegionName::new(&envelope.from),
                RegionName::new(&envelope.to),
            ) {
                self.pass(number, from, to, *envelope);
            }
        }
        let (free, held) = std::mem::take(&mut self.held_parts)
            .into_iter()
            .partition(|(by, _)| *by == fault);
        self.held_parts = held;
        let free: Vec<(u64, Next)> = free;
        for (_, next) in free {
            self.queue.push(self.queue.now(), next);
        }
    }

    /// Calls that wait at either end for a question or an answer that a fault took.
    fn blame_sagas(&mut self, from: &RegionName, to: &RegionName, cause: &Cause) {
        for call in self.calls.values_mut() {
            if call.at_region && (call.spec.region == *from || call.spec.region == *to) {
                call.blame = Some(cause.clone());
            }
        }
    }
}
