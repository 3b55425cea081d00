//! A call as the simulator holds it: its two ways and what travels on them.

use std::collections::BTreeMap;

use bytes::Bytes;
use faultline_proto::driving::{self, Completed, completed::Outcome};
use faultline_proto::names::RegionName;

use super::answer::{Answer, CallSpec, Unheard};
use super::executor::Promise;
use crate::clock::SimTime;
use crate::network::Cause;

/// Which way a part goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// To the Region.
    Up,
    /// To the client.
    Down,
}

/// What travels for a call.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// The request.
    Request,
    /// A chunk of its body.
    Body(u64, Bytes, bool),
    /// Asks for chunks of the answer's body.
    Pull(u64),
    /// The answer.
    Answer(Box<Completed>),
    /// A chunk of the answer's body.
    Chunk(driving::Body),
    /// The process is gone, or nobody listens.
    Reset(Unheard),
}

/// One direction of a connection: numbers its parts and puts them in order.
#[derive(Debug, Default)]
pub(super) struct Way {
    pub sent: u64,
    taken: u64,
    pub early: BTreeMap<u64, Part>,
}

/// A call that is under way.
#[derive(Debug)]
pub(super) struct Call {
    pub id: String,
    pub spec: CallSpec,
    pub promise: Option<Promise<Answer>>,
    pub sent: SimTime,
    pub connected: bool,
    /// Whether the Region has it, so that a crash resets it.
    pub at_region: bool,
    /// The fault that last took a part of it.
    pub blame: Option<Cause>,
    pub up: Way,
    pub down: Way,
    pub chunks_sent: u64,
    pub heard_at: SimTime,
    pub completed: Option<Box<Completed>>,
    pub body: Vec<u8>,
    pub chunks_heard: u64,
}

impl Way {
    pub fn next(&mut self) -> Option<Part> {
        let part = self.early.remove(&self.taken)?;
        self.taken += 1;
        Some(part)
    }
}

impl Call {
    pub fn way(&mut self, side: Side) -> &mut Way {
        match side {
            Side::Up => &mut self.up,
            Side::Down => &mut self.down,
        }
    }

    pub fn ends(&self, side: Side) -> (RegionName, RegionName) {
        match side {
            Side::Up => (self.spec.from.clone(), self.spec.region.clone()),
            Side::Down => (self.spec.region.clone(), self.spec.from.clone()),
        }
    }

    pub fn size(&self, part: &Part) -> u64 {
        let bytes = match part {
            Part::Request => self.spec.request.len(),
            Part::Body(_, bytes, _) => bytes.len(),
            Part::Chunk(chunk) => chunk.bytes.len(),
            Part::Answer(completed) => match &completed.outcome {
                Some(Outcome::Success(success)) => success.response.len(),
                Some(Outcome::Failure(failure)) => failure.message.len(),
                None => 0,
            },
            Part::Pull(_) | Part::Reset(_) => 0,
        };
        bytes as u64
    }

    pub fn input(&self) -> driving::Call {
        driving::Call {
            id: self.id.clone(),
            credential: Some(self.spec.credential.clone()),
            operation: self.spec.operation.id.to_owned(),
            request: self.spec.request.to_vec(),
            has_body: self.spec.body.is_some(),
            body_length: self.spec.body.as_ref().map_or(0, |body| body.len() as u64),
            context: self.spec.context.clone(),
        }
    }
}
