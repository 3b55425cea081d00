//! The simulator's way to live nodes.
//!
//! Calls go out over gRPC, signed by their credential; replication and ticks are the nodes'
//! own business. Virtual time is held to real time: nothing is asked before its moment, so
//! what a runner waits for is waited for. What only a simulator can do (looks, plants,
//! crashes at a step) live nodes refuse.

use std::collections::BTreeMap;
use std::time::Duration;

use faultline_node::live::LiveClock;
use faultline_proto::driving::{
    Body, Call, Completed, Failure, Reply, Started, Step, completed, step::Input,
};
use faultline_proto::names::{Elapsed, RegionName};
use faultline_proto::registry;
use tokio::runtime::Runtime;
use tonic::Code;

use super::client::{Access, Invoked, LiveClient, words};
use super::saved::Saved;
use crate::transport::{StepError, Transport, TransportError};

/// Largest chunk of a body.
const CHUNK: usize = 64 * 1024;

/// See the module.
pub struct LiveTransport {
    // Dropped before the runtime, whose reactor their sockets need.
    clients: BTreeMap<RegionName, LiveClient>,
    /// Calls whose bodies are still coming.
    open: BTreeMap<String, (Call, Vec<u8>)>,
    clock: LiveClock,
    began: Elapsed,
    runtime: Runtime,
}

impl LiveTransport {
    /// A way to the nodes of a world.
    ///
    /// # Errors
    /// A sentence when an address is none.
    pub fn new(saved: &Saved, access: &Access) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let clock = LiveClock::start(Elapsed(0));
        // A lazy channel wants its runtime's reactor.
        let inside = runtime.enter();
        let clients = saved
            .regions
            .iter()
            .map(|node| Ok((node.region.clone(), LiveClient::new(node, access)?)))
            .collect::<Result<_, String>>()?;
        drop(inside);
        Ok(Self {
            clients,
            open: BTreeMap::new(),
            began: clock.elapsed(),
            clock,
            runtime,
        })
    }

    fn pace(&self, elapsed: u64) {
        let real = self.clock.elapsed().0 - self.began.0;
        let early = Duration::from_micros(elapsed.saturating_sub(real));
        self.runtime.block_on(tokio::time::sleep(early));
    }

    fn ask(
        &self,
        region: &RegionName,
        call: Call,
        body: Option<Vec<u8>>,
    ) -> Result<Reply, TransportError> {
        let fail = |problem: String| TransportError::new(region, problem);
        let client = self
            .clients
            .get(region)
            .ok_or_else(|| fail("it is no Region of the live world".to_owned()))?;
        let operation = registry::find_operation(&call.operation)
            .ok_or_else(|| fail(format!("{} is no operation", call.operation)))?;
        let credential = call.credential.unwrap_or_default();
        let asked = client.invoke(operation, &credential, call.request, body.map(Into::into));
        let Invoked { completed, body } = match self.runtime.block_on(asked) {
            Ok(invoked) => invoked,
            Err(status) => unheard(&status, region)?,
        };
        let mut reply = Reply {
            completed: vec![Completed {
                call: call.id.clone(),
                ..completed
            }],
            ..Reply::default()
        };
        if let Some(body) = body {
            let count = body.len().div_ceil(CHUNK).max(1);
            let mut chunks = body.chunks(CHUNK);
            reply.body = (0..count)
                .map(|index| Body {
                    call: call.id.clone(),
                    index: index as u64,
                    bytes: chunks.next().unwrap_or_default().to_vec(),
                    last: index + 1 == count,
                })
                .collect();
        }
        Ok(reply)
    }
}

/// A signature that was refused is an answer; a broken wire is not.
fn unheard(status: &tonic::Status, region: &RegionName) -> Result<Invoked, TransportError> {
    let refused = !status.details().is_empty();
    let failure = <Failure as prost::Message>::decode(status.details())
        .ok()
        .filter(|_| refused);
    let failure = match (failure, status.code()) {
        (Some(failure), _) => failure,
        (None, Code::Unavailable) => Failure {
            code: "ConnectionReset".to_owned(),
            message: words(status),
            http_status: 503,
            ..Failure::default()
        },
        (None, _) => return Err(TransportError::new(region, words(status))),
    };
    Ok(Invoked {
        completed: Completed {
            outcome: Some(completed::Outcome::Failure(failure)),
            ..Completed::default()
        },
        body: None,
    })
}

impl Transport for LiveTransport {
    fn start(&mut self, _region: &RegionName) -> Result<(), TransportError> {
        Ok(())
    }

    fn step(&mut self, region: &RegionName, step: Step) -> Result<Reply, StepError> {
        self.pace(step.elapsed);
        let not_here = r#"{"error":"only a simulated node can be asked this; a live node answers what AWS answers"}"#;
        let mut reply = match step.input {
            Some(Input::Start(_)) => Reply {
                started: Some(Started::default()),
                ..Reply::default()
            },
            Some(Input::Call(call)) if call.has_body => {
                self.open.insert(call.id.clone(), (call, Vec::new()));
                Reply::default()
            }
            Some(Input::Call(call)) => self.ask(region, call, None)?,
            Some(Input::Body(chunk)) => match self.open.remove(&chunk.call) {
                Some((call, mut body)) => {
                    body.extend_from_slice(&chunk.bytes);
                    if chunk.last {
                        self.ask(region, call, Some(body))?
                    } else {
                        self.open.insert(chunk.call, (call, body));
                        Reply::default()
                    }
                }
                None => Reply::default(),
            },
            Some(Input::Look(_) | Input::Plant(_)) => Reply {
                look: not_here.to_owned(),
                ..Reply::default()
            },
            Some(
                Input::Pull(_)
                | Input::Deliver(_)
                | Input::Tick(_)
                | Input::SetFaults(_)
                | Input::Resend(_),
            )
            | None => Reply::default(),
        };
        reply.step = step.id;
        Ok(reply)
    }

    fn kill(&mut self, region: &RegionName) -> Result<(), TransportError> {
        let problem = "live nodes are killed by `faultline fault start node_crash`";
        Err(TransportError::new(region, problem))
    }

    fn stop(&mut self, _region: &RegionName) -> Result<(), TransportError> {
        Ok(())
    }

    fn rows_at_rest(
        &mut self,
        region: &RegionName,
        _visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), TransportError> {
        let problem = "a live node has its store open: nobody else can read it";
        Err(TransportError::new(region, problem))
    }
}
