//! A call's way: connect, ask, send the body, hear the answer, pull its body.
//!
//! A client's connection is a TCP connection as far as it can be felt: what is lost is sent
//! again (after 200 ms, then twice as long each time), parts arrive in order, and silence
//! ends in a timeout. Connections are kept warm as an SDK's pool does, so a call costs one
//! round trip; a client that finds the link cut dials anew until its connect timeout.
//! The fault that took a part is remembered: it is the cause if the call fails.

use faultline_proto::driving::{self, completed::Outcome, step::Input};
use faultline_proto::names::RegionName;

use super::answer::{Answer, CallSpec, Unheard};
use super::call::{Call, Part, Side, Way};
use super::core::{Core, Next};
use super::executor::Promise;
use super::nodes::Node;
use crate::clock::Span;
use crate::journal::What;
use crate::journal::event::CallSent;
use crate::journal::shown::shown;
use crate::network::{CALL_STREAM, Cause, Fate, Message};
use crate::trace_context::TraceContext;

/// Bytes of headers in a request or an answer.
const OVERHEAD: u64 = 600;
/// Largest chunk of a body.
const CHUNK: usize = 64 * 1024;
/// Chunks of an answer's body that are asked for at once.
const CREDIT: u64 = 8;
/// First pause before a lost part is sent again; each further one is twice as long.
const RETRANSMIT: Span = Span::millis(200);
/// Pauses between tries to connect, as TCP makes them.
const REDIAL: Span = Span::secs(1);

impl Core {
    /// A client begins a call.
    pub fn open_call(&mut self, spec: CallSpec, promise: Promise<Answer>) {
        self.next_call += 1;
        let number = self.next_call;
        let id = format!("call-{number}");
        let request = shown(spec.operation.input, &spec.request, &self.canaries);
        for tap in &mut self.taps {
            tap.request(&id, &spec);
        }
        self.record(What::CallSent(CallSent {
            call: id.clone(),
            step: spec.step.clone(),
            lane: spec.lane.clone(),
            operation: spec.operation.id.to_owned(),
            principal: spec.principal.clone(),
            from: spec.from.clone(),
            region: spec.region.clone(),
            attempt: spec.attempt,
            request,
            body: spec.body.as_ref().map(|body| body.len() as u64),
        }));
        let now = self.now();
        self.queue
            .push(now + spec.timeouts.connect, Next::Deadline(number));
        self.call_ids.insert(id.clone(), number);
        self.calls.insert(
            number,
            Call {
                id,
                spec,
                promise: Some(promise),
                sent: now,
                connected: false,
                at_region: false,
                blame: None,
                up: Way::default(),
                down: Way::default(),
                chunks_sent: 0,
                heard_at: now,
                completed: None,
                body: Vec::new(),
                chunks_heard: 0,
            },
        );
        self.connect(number, 0);
    }

    /// Dials: both ways must be open.
    pub fn connect(&mut self, number: u64, tries: u32) {
        let now = self.now();
        let Some(call) = self.calls.get_mut(&number).filter(|call| !call.connected) else {
            return;
        };
        let (from, region) = (&call.spec.from, &call.spec.region);
        if let Some(cause) = self
            .network
            .cut(from, region)
            .or_else(|| self.network.cut(region, from))
        {
            call.blame = Some(cause);
            self.queue.push(
                now + REDIAL.times(1 << tries.min(6)),
                Next::Connect(number, tries + 1),
            );
            return;
        }
        call.connected = true;
        call.heard_at = now;
        let wait = call.spec.timeouts.read;
        self.queue.push(now + wait, Next::Deadline(number));
        self.send_part(number, Side::Up, Part::Request);
        self.send_chunk(number);
    }

    /// Sends the next chunk of the request's body, if there is one, as soon as the link is free.
    pub fn send_chunk(&mut self, number: u64) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        let Some(body) = call.spec.body.clone() else {
            return;
        };
        let from = usize::try_from(call.chunks_sent)
            .unwrap_or(usize::MAX)
            .saturating_mul(CHUNK);
        if from > body.len()
            || (from == body.len() && call.chunks_sent > 0)
            || call.completed.is_some()
        {
            return;
        }
        let to = body.len().min(from + CHUNK);
        let part = Part::Body(call.chunks_sent, body.slice(from..to), to == body.len());
        call.chunks_sent += 1;
        let (client, region) = (call.spec.from.clone(), call.spec.region.clone());
        self.send_part(number, Side::Up, part);
        let free = self.network.free_at(&client, &region);
        self.queue.push(free, Next::Chunk(number));
    }

    /// A Region sends a part of its answer.
    pub fn reply_part(&mut self, number: u64, part: Part) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        if matches!(part, Part::Answer(_)) {
            call.at_region = false;
        }
        if let (Part::Answer(completed), Some(Outcome::Success(success))) =
            (&part, outcome_of(&part))
        {
            let (id, region) = (completed.call.clone(), call.spec.region.clone());
            for tap in &mut self.taps {
                tap.response(&id, &region, &success.response);
            }
        } else if let Part::Chunk(chunk) = &part {
            let (id, region) = (call.id.clone(), call.spec.region.clone());
            for tap in &mut self.taps {
                tap.response(&id, &region, &chunk.bytes);
            }
        }
        self.send_part(number, Side::Down, part);
    }

    fn send_part(&mut self, number: u64, side: Side, part: Part) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        let way = call.way(side);
        let seq = way.sent;
        way.sent += 1;
        let node = self.nodes.get(&call.spec.region);
        let lag = match (side, &part) {
            (Side::Up, _) | (_, Part::Reset(_)) => Span::ZERO,
            (Side::Down, _) => node.map_or(Span::ZERO, Node::lag),
        };
        if lag == Span::ZERO {
            return self.transmit(number, side, seq, part, 0);
        }
        let slow = node.and_then(|node| node.slow.values().next());
        call.blame = slow.map(|(cause, _)| cause.clone());
        let later = Next::Again {
            call: number,
            side,
            seq,
            part,
            tries: 0,
        };
        self.queue.push(self.queue.now() + lag, later);
    }

    /// Hands a part to the network, again and again until it is through.
    pub fn transmit(&mut self, number: u64, side: Side, seq: u64, part: Part, tries: u32) {
        let now = self.now();
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        let (from, to) = call.ends(side);
        let bytes = OVERHEAD + call.size(&part);
        let message = Message {
            from: &from,
            to: &to,
            stream: CALL_STREAM,
            flow: &call.spec.lane,
            bytes,
        };
        match self.network.send(now, &message) {
            // A connection delivers once, whatever the network does.
            Fate::Deliver(at) | Fate::Duplicate(at, _) => {
                self.queue.push(
                    at,
                    Next::Part {
                        call: number,
                        side,
                        seq,
                        part,
                    },
                );
            }
            Fate::Drop(cause) => {
                call.blame = Some(cause);
                let again = Next::Again {
                    call: number,
                    side,
                    seq,
                    part,
                    tries: tries + 1,
                };
                self.queue
                    .push(now + RETRANSMIT.times(1 << tries.min(8)), again);
            }
            Fate::Hold(cause) => {
                call.blame = Some(cause.clone());
                self.held_parts.push((
                    cause.fault,
                    Next::Again {
                        call: number,
                        side,
                        seq,
                        part,
                        tries,
                    },
                ));
            }
        }
    }

    /// A part is there: it is taken in its turn.
    pub fn part_arrives(&mut self, number: u64, side: Side, seq: u64, part: Part) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        let (from, to) = call.ends(side);
        if let Some(cause) = self.network.cut(&from, &to) {
            call.blame = Some(cause);
            let again = Next::Again {
                call: number,
                side,
                seq,
                part,
                tries: 1,
            };
            self.queue.push(self.queue.now() + RETRANSMIT, again);
            return;
        }
        let node = self.nodes.get(&to).filter(|node| node.alive);
        if let (Side::Up, Some(cause)) = (side, node.and_then(|node| node.frozen.first())) {
            call.blame = Some(cause.clone());
            let fault = cause.fault;
            let later = self.in_the_kernel(number, seq, part);
            self.held_parts.push((fault, later));
            return;
        }
        call.heard_at = self.queue.now();
        call.way(side).early.insert(seq, part);
        while let Some(part) = self
            .calls
            .get_mut(&number)
            .and_then(|call| call.way(side).next())
        {
            match side {
                Side::Up => self.region_hears(number, part),
                Side::Down => self.client_hears(number, part),
            }
        }
    }

    fn region_hears(&mut self, number: u64, part: Part) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        let region = call.spec.region.clone();
        let node = self.nodes.get(&region);
        if node.is_none_or(|node| !node.alive) {
            call.blame = node.and_then(|node| node.killed_by.clone());
            return self.send_part(number, Side::Down, Part::Reset(Unheard::ConnectionRefused));
        }
        let traceparent = self.trace(number);
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        let input = match part {
            Part::Request => {
                call.at_region = true;
                Input::Call(call.input())
            }
            Part::Body(index, bytes, last) => {
                for tap in &mut self.taps {
                    tap.request_body(&call.id, &region, &bytes);
                }
                Input::Body(driving::Body {
                    call: call.id.clone(),
                    index,
                    bytes: bytes.to_vec(),
                    last,
                })
            }
            Part::Pull(from_index) => Input::Pull(driving::Pull {
                call: call.id.clone(),
                from_index,
                credit: CREDIT,
            }),
            Part::Answer(_) | Part::Chunk(_) | Part::Reset(_) => return, // These go down.
        };
        self.step(&region, input, traceparent);
    }

    fn client_hears(&mut self, number: u64, part: Part) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        match part {
            Part::Reset(how) => self.give_up(number, how),
            Part::Answer(completed) => {
                let has_body = matches!(&completed.outcome, Some(Outcome::Success(it)) if it.body_length.is_some());
                call.completed = Some(completed);
                if has_body {
                    call.at_region = true;
                    self.send_part(number, Side::Up, Part::Pull(0));
                } else {
                    self.answer(number);
                }
            }
            Part::Chunk(chunk) => {
                if chunk.index < call.chunks_heard {
                    return;
                }
                call.body.extend_from_slice(&chunk.bytes);
                call.chunks_heard = chunk.index + 1;
                if chunk.last {
                    self.answer(number);
                } else if call.chunks_heard.is_multiple_of(CREDIT) {
                    let next = call.chunks_heard;
                    self.send_part(number, Side::Up, Part::Pull(next));
                }
            }
            Part::Request | Part::Body(..) | Part::Pull(_) => {} // These go up.
        }
    }

    /// Whether the client has waited too long.
    pub fn deadline(&mut self, number: u64) {
        let now = self.now();
        let Some(call) = self.calls.get(&number) else {
            return;
        };
        if !call.connected {
            return self.give_up(number, Unheard::ConnectTimeout);
        }
        let due = call.heard_at + call.spec.timeouts.read;
        if now >= due {
            self.give_up(number, Unheard::ReadTimeout);
        } else {
            self.queue.push(due, Next::Deadline(number));
        }
    }

    /// A Region's process is gone: its kernel resets the connections.
    pub fn reset_calls(&mut self, region: &RegionName, cause: Option<&Cause>) {
        let open = self
            .calls
            .iter_mut()
            .filter(|(_, call)| call.at_region && call.spec.region == *region);
        let mut numbers = Vec::new();
        for (number, call) in open {
            call.at_region = false;
            call.blame = cause.cloned();
            numbers.push(*number);
        }
        for number in numbers {
            self.send_part(number, Side::Down, Part::Reset(Unheard::ConnectionReset));
        }
    }

    /// The context under which a Region works for a call.
    pub fn trace(&self, number: u64) -> String {
        self.calls.get(&number).map_or_else(String::new, |call| {
            TraceContext::of_call(self.config.seed, &call.spec.step, number).to_string()
        })
    }
}

fn outcome_of(part: &Part) -> Option<&Outcome> {
    match part {
        Part::Answer(completed) => completed.outcome.as_ref(),
        _ => None,
    }
}
