//! The simulator's way to live nodes.
//!
//! Calls go out over gRPC, signed by their credential; replication and ticks are the nodes'
//! own business. Virtual time is held to real time: nothing is asked before its moment, so
//! what a runner waits for is waited for. A call that takes long does not hold up the others:
//! it is asked about at ticks, while its client's patience runs. What only a simulator can do (looks, plants,
//! crashes at a step) live nodes refuse.

use std::collections::BTreeMap;
use std::time::Duration;

use faultline_node::live::LiveClock;
use faultline_proto::driving::{
    Body, Call, Completed, Failure, Reply, Started, Step, Trouble, completed, step::Input,
};
use faultline_proto::names::{Elapsed, RegionName};
use faultline_proto::registry;
use tokio::runtime::Runtime;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;
use tonic::{Code, Status};

use super::client::{Access, Invoked, LiveClient, words};
use super::saved::Saved;
use crate::transport::{StepError, Transport, TransportError};

/// Largest chunk of a body.
const CHUNK: usize = 64 * 1024;

/// How long everybody waits for an answer.
const SOON: Duration = Duration::from_secs(1);
/// Microseconds until calls that take longer are asked about again.
const LOOK: u64 = 10_000;
/// How often a node is told what is wrong with it.
const ATTEMPTS: u32 = 50;

/// See the module.
pub struct LiveTransport {
    // Dropped before the runtime, whose reactor their sockets need.
    clients: BTreeMap<RegionName, LiveClient>,
    /// Calls whose bodies are still coming.
    open: BTreeMap<String, (Call, Vec<u8>)>,
    /// Calls that were not answered at once.
    pending: BTreeMap<RegionName, Vec<Pending>>,
    clock: LiveClock,
    /// When virtual time was zero, as far as it has kept up.
    began: Elapsed,
    runtime: Runtime,
}

/// A call under way.
struct Pending {
    call: String,
    answer: JoinHandle<Result<Invoked, Status>>,
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
            pending: BTreeMap::new(),
            began: clock.elapsed(),
            clock,
            runtime,
        })
    }

    /// Replaces all trouble of a node. One that was just started may be reached at the second
    /// attempt only: the connection to its forerunner is broken.
    ///
    /// # Errors
    /// A sentence when it cannot be told.
    pub fn set_trouble(&self, region: &RegionName, trouble: Trouble) -> Result<(), String> {
        let client = self.clients.get(region).ok_or("it is no Region here")?;
        let told = self.runtime.block_on(async {
            for _ in 1..ATTEMPTS {
                if client.set_trouble(trouble.clone()).await.is_ok() {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            client.set_trouble(trouble).await
        });
        told.map_err(|status| words(&status))
    }

    /// Waits until so many microseconds have passed in reality too. What reality was longer
    /// for, a slow call, is not made up for: a later wait is waited in full.
    pub fn pace(&mut self, elapsed: u64) {
        let real = self.clock.elapsed().0 - self.began.0;
        let early = Duration::from_micros(elapsed.saturating_sub(real));
        self.began.0 += real.saturating_sub(elapsed);
        self.runtime
            .block_on(async { tokio::time::sleep(early).await });
    }

    /// Gives up the calls of a Region whose process is gone.
    pub fn forget(&mut self, region: &RegionName) {
        for pending in self.pending.remove(region).into_iter().flatten() {
            pending.answer.abort();
        }
    }

    fn ask(
        &mut self,
        region: &RegionName,
        call: Call,
        body: Option<Vec<u8>>,
    ) -> Result<Reply, TransportError> {
        let fail = |problem: String| TransportError::new(region, problem);
        let client = self
            .clients
            .get(region)
            .ok_or_else(|| fail("it is no Region of the live world".to_owned()))?
            .clone();
        let operation = registry::find_operation(&call.operation)
            .ok_or_else(|| fail(format!("{} is no operation", call.operation)))?;
        let credential = call.credential.unwrap_or_default();
        let body = body.map(Into::into);
        let mut answer = self.runtime.spawn(async move {
            let asked = client.invoke(operation, &credential, call.request, body);
            asked.await
        });
        let soon = self
            .runtime
            .block_on(async { timeout(SOON, &mut answer).await });
        match soon {
            Ok(answered) => {
                let mut reply = Reply::default();
                add(&mut reply, call.id, answered, region)?;
                Ok(reply)
            }
            Err(_) => {
                let call = call.id;
                let pending = self.pending.entry(region.clone()).or_default();
                pending.push(Pending { call, answer });
                Ok(Reply::default())
            }
        }
    }

    /// Adds what has been answered since, and says when to look again.
    fn collect(
        &mut self,
        region: &RegionName,
        now: u64,
        reply: &mut Reply,
    ) -> Result<(), TransportError> {
        let Some(pending) = self.pending.get_mut(region) else {
            return Ok(());
        };
        self.runtime
            .block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
        let (done, left): (Vec<_>, Vec<_>) = std::mem::take(pending)
            .into_iter()
            .partition(|one| one.answer.is_finished());
        for one in done {
            let answered = self.runtime.block_on(one.answer);
            add(reply, one.call, answered, region)?;
        }
        if left.is_empty() {
            self.pending.remove(region);
        } else {
            *pending = left;
            reply.wake = Some(now + LOOK);
        }
        Ok(())
    }
}

/// An answer, in the parts in which a simulated node hands it out.
fn add(
    reply: &mut Reply,
    call: String,
    answered: Result<Result<Invoked, Status>, JoinError>,
    region: &RegionName,
) -> Result<(), TransportError> {
    let answered = answered.map_err(|error| TransportError::new(region, error.to_string()))?;
    let Invoked { completed, body } = match answered {
        Ok(invoked) => invoked,
        Err(status) => unheard(&status, region)?,
    };
    if let Some(body) = body {
        let count = body.len().div_ceil(CHUNK).max(1);
        let mut chunks = body.chunks(CHUNK);
        reply.body.extend((0..count).map(|index| Body {
            call: call.clone(),
            index: index as u64,
            bytes: chunks.next().unwrap_or_default().to_vec(),
            last: index + 1 == count,
        }));
    }
    reply.completed.push(Completed { call, ..completed });
    Ok(())
}

/// A signature that was refused is an answer; a broken wire is not.
fn unheard(status: &Status, region: &RegionName) -> Result<Invoked, TransportError> {
    let refused = !status.details().is_empty();
    let failure = <Failure as prost::Message>::decode(status.details())
        .ok()
        .filter(|_| refused);
    let failure = match (failure, status.code()) {
        (Some(failure), _) => failure,
        // tonic says Unknown when a connection breaks under a call.
        (None, Code::Unavailable | Code::Unknown) => Failure {
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
        self.collect(region, step.elapsed, &mut reply)?;
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
