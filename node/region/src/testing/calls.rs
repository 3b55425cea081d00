//! Calls of a test and their ends.

use std::collections::BTreeMap;

use faultline_proto::Operation;
use faultline_proto::driving::{
    Body, Call, Credential, Failure, Pull, Reply, Success, completed, step,
};
use prost::Message as _;

use super::World;
use crate::service::CHUNK;

/// A call in progress.
pub type CallId = String;

/// Microseconds after which a call that did not end is a failed test: ten minutes.
const PATIENCE: u64 = 600_000_000;
/// Chunks asked for at a time.
const CREDIT: u64 = 16;

/// Every call of a world.
#[derive(Debug, Default)]
pub(super) struct Calls {
    opened: u64,
    /// Region of each call without an end.
    open: BTreeMap<CallId, String>,
    ended: BTreeMap<CallId, Ended>,
    bodies: BTreeMap<CallId, Vec<Body>>,
}

#[derive(Debug, Clone)]
struct Ended {
    region: String,
    outcome: Result<Success, Failure>,
    cross_region_calls: u32,
}

impl Calls {
    /// What a reply says about calls. A call that lost its connection stays lost.
    pub(super) fn take(&mut self, reply: &Reply) {
        for done in &reply.completed {
            let outcome = match done.outcome.clone() {
                Some(completed::Outcome::Success(success)) => Ok(success),
                Some(completed::Outcome::Failure(failure)) => Err(failure),
                None => continue,
            };
            self.end(&done.call, outcome, done.cross_region_calls);
        }
        for chunk in &reply.body {
            self.bodies
                .entry(chunk.call.clone())
                .or_default()
                .push(chunk.clone());
        }
    }

    fn end(&mut self, call: &str, outcome: Result<Success, Failure>, cross_region_calls: u32) {
        if let Some(region) = self.open.remove(call) {
            self.ended.insert(
                call.to_owned(),
                Ended {
                    region,
                    outcome,
                    cross_region_calls,
                },
            );
        }
    }

    /// Every open call of `region` loses its connection: outcome unknown.
    pub(super) fn connection_reset(&mut self, region: &str) {
        let lost: Vec<CallId> = self
            .open
            .iter()
            .filter(|(_, of)| *of == region)
            .map(|(call, _)| call.clone())
            .collect();
        for call in lost {
            self.end(
                &call,
                Err(no_connection(
                    "ConnectionReset",
                    "the Region died during the call",
                    false,
                )),
                0,
            );
        }
    }
}

fn no_connection(code: &str, message: &str, definite: bool) -> Failure {
    Failure {
        code: code.to_owned(),
        message: message.to_owned(),
        definite,
        ..Failure::default()
    }
}

impl World {
    /// Calls and waits for the end, delivering what the call waits for.
    ///
    /// # Errors
    /// The Region's refusal; `ConnectionReset` when it died, `ConnectionRefused` when it is down.
    pub fn call<R: Operation>(
        &mut self,
        region: &str,
        who: &Credential,
        request: &R,
    ) -> Result<R::Response, Failure> {
        let id = self.begin(region, who, request);
        self.finish::<R>(&id)
    }

    /// Calls with a body.
    ///
    /// # Errors
    /// As [`World::call`].
    pub fn upload<R: Operation>(
        &mut self,
        region: &str,
        who: &Credential,
        request: &R,
        body: &[u8],
    ) -> Result<R::Response, Failure> {
        let length = u64::try_from(body.len()).expect("bodies fit in memory");
        let id = self.open(region, who, request, Some(length));
        let mut chunks: Vec<&[u8]> = body.chunks(CHUNK).collect();
        if chunks.is_empty() {
            chunks.push(&[]);
        }
        let count = chunks.len();
        for (at, bytes) in chunks.into_iter().enumerate() {
            if self.outcome(&id).is_some() {
                break;
            }
            self.send_chunk(region, &id, at as u64, bytes, at + 1 == count);
        }
        self.finish::<R>(&id)
    }

    /// Calls and reads the answer's body.
    ///
    /// # Errors
    /// As [`World::call`].
    ///
    /// # Panics
    /// When the body breaks off.
    pub fn download<R: Operation>(
        &mut self,
        region: &str,
        who: &Credential,
        request: &R,
    ) -> Result<(R::Response, Vec<u8>), Failure> {
        let id = self.begin(region, who, request);
        let response = self.finish::<R>(&id)?;
        let length = self.calls.ended[&id]
            .outcome
            .as_ref()
            .ok()
            .and_then(|success| success.body_length);
        let mut body = Vec::new();
        let mut next = 0;
        while length.is_some() {
            let chunks = self.calls.bodies.remove(&id).unwrap_or_default();
            let Some(last) = chunks.last().map(|chunk| chunk.last) else {
                panic!("the body of {id} broke off")
            };
            for chunk in chunks {
                assert_eq!(chunk.index, next, "chunks come in order");
                next += 1;
                body.extend_from_slice(&chunk.bytes);
            }
            if last {
                break;
            }
            let pull = Pull {
                call: id.clone(),
                from_index: next,
                credit: CREDIT,
            };
            self.step(region, step::Input::Pull(pull));
        }
        assert_eq!(
            length.unwrap_or_default(),
            body.len() as u64,
            "a body is as long as was said"
        );
        Ok((response, body))
    }

    /// Begins a call and does not wait.
    pub fn begin<R: Operation>(&mut self, region: &str, who: &Credential, request: &R) -> CallId {
        self.open(region, who, request, None)
    }

    /// Begins a call whose body of `length` bytes the test sends with [`World::send_chunk`].
    pub fn begin_upload<R: Operation>(
        &mut self,
        region: &str,
        who: &Credential,
        request: &R,
        length: u64,
    ) -> CallId {
        self.open(region, who, request, Some(length))
    }

    /// Sends one chunk of a call's body.
    pub fn send_chunk(&mut self, region: &str, id: &CallId, index: u64, bytes: &[u8], last: bool) {
        let body = Body {
            call: id.clone(),
            index,
            bytes: bytes.to_vec(),
            last,
        };
        self.step(region, step::Input::Body(body));
    }

    /// How a call ended: its answer's bytes, or why not; `None` while it is open.
    #[must_use]
    pub fn outcome(&self, id: &CallId) -> Option<Result<Vec<u8>, Failure>> {
        let ended = self.calls.ended.get(id)?;
        Some(ended.outcome.clone().map(|success| success.response))
    }

    /// Waits for the end of a call: delivers messages, and lets time pass when none is in flight.
    ///
    /// # Errors
    /// As [`World::call`].
    ///
    /// # Panics
    /// When the call has not ended after ten minutes.
    pub fn finish<R: Operation>(&mut self, id: &CallId) -> Result<R::Response, Failure> {
        let until = self.elapsed() + PATIENCE;
        loop {
            if let Some(outcome) = self.outcome(id) {
                let bytes = outcome?;
                return Ok(R::Response::decode(bytes.as_slice()).expect("answers decode"));
            }
            assert!(
                self.deliver_one() || self.wake_one(until),
                "{} {id} never ends",
                R::ID
            );
        }
    }

    /// Messages that an ended call sent to other Regions.
    #[must_use]
    pub fn cross_region_calls(&self, id: &CallId) -> u32 {
        self.calls
            .ended
            .get(id)
            .map_or(0, |ended| ended.cross_region_calls)
    }

    /// The Region that served an ended call.
    #[must_use]
    pub fn served_by(&self, id: &CallId) -> Option<&str> {
        self.calls.ended.get(id).map(|ended| ended.region.as_str())
    }

    fn open<R: Operation>(
        &mut self,
        region: &str,
        who: &Credential,
        request: &R,
        body: Option<u64>,
    ) -> CallId {
        self.between_calls();
        self.calls.opened += 1;
        let id = format!("c{}", self.calls.opened);
        self.calls.open.insert(id.clone(), region.to_owned());
        if !self.is_up(region) {
            self.calls.end(
                &id,
                Err(no_connection(
                    "ConnectionRefused",
                    "the Region is down",
                    true,
                )),
                0,
            );
            return id;
        }
        let call = Call {
            id: id.clone(),
            credential: Some(who.clone()),
            operation: R::ID.to_owned(),
            request: request.encode_to_vec(),
            has_body: body.is_some(),
            body_length: body.unwrap_or_default(),
            context: std::iter::once(("aws:SecureTransport".to_owned(), "true".to_owned()))
                .chain(
                    self.address
                        .clone()
                        .map(|ip| ("aws:SourceIp".to_owned(), ip)),
                )
                .collect(),
        };
        self.step(region, step::Input::Call(call));
        id
    }
}
