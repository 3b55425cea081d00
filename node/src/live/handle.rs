//! How an entrance asks a live Region: a cheap handle, cloned as often as one likes.
//!
//! ```ignore
//! let answer = handle.call(NewCall::of("kms.Encrypt", credential, request)).await?;
//! match handle.open(put_object, length).await? {
//!     Opened::Answered(refused) => ...,
//!     Opened::Ready(mut upload) => { upload.write(&bytes).await?; upload.finish().await? }
//! }
//! ```
//!
//! What waits is bounded: when [`QUEUE`] jobs wait, whoever comes next waits for its place.
//! [`Gone`] means that the node ended before it answered: whether the call happened is unknown.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use faultline_proto::driving::{
    Call, Credential, Envelope, Failure, Fault, Heard as HeardAnswer, Look,
};
use faultline_proto::names::RegionName;
use faultline_region::signing::Scope;
use faultline_region::vault::SecretKey;
use tokio::sync::{mpsc, oneshot};

use super::bodies::{AnswerBody, Upload};
use super::clock::LiveClock;
use super::heard::Heard;

/// Jobs that may wait for the Region.
pub const QUEUE: usize = 1024;

/// The node ended before it answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node ended before it answered; whether the call happened is unknown")]
pub struct Gone;

/// A call as an entrance makes it.
#[derive(Debug, Clone, Default)]
pub struct NewCall {
    /// As in `OperationDef::id`: `kms.Encrypt`.
    pub operation: String,
    /// Who asks; an empty access key for a request without signature. Its signature was
    /// verified by the entrance.
    pub credential: Credential,
    /// The request message, without its body member.
    pub request: Vec<u8>,
    /// Condition keys that only the entrance knows: `aws:SourceIp`, `aws:SecureTransport`.
    pub context: BTreeMap<String, String>,
    /// W3C trace context, empty when the client sent none.
    pub traceparent: String,
}

impl NewCall {
    /// A call without context.
    #[must_use]
    pub fn of(operation: &str, credential: Credential, request: Vec<u8>) -> Self {
        Self {
            operation: operation.to_owned(),
            credential,
            request,
            ..Self::default()
        }
    }
}

/// How a call ended.
#[derive(Debug)]
pub struct Answer {
    /// AWS's request id, the one in the trail.
    pub request_id: String,
    /// The response, or the refusal.
    pub outcome: Result<Success, Box<Failure>>,
}

/// A call that worked.
#[derive(Debug)]
pub struct Success {
    /// The response message.
    pub response: Vec<u8>,
    /// The answer's body, where it has one.
    pub body: Option<AnswerBody>,
}

/// What becomes of a call with a body.
#[derive(Debug)]
pub enum Opened {
    /// It ended before its body was wanted, as a rule with a refusal.
    Answered(Answer),
    /// The Region waits for the body.
    Ready(Upload),
}

/// The way to a live Region.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(super) jobs: mpsc::Sender<Job>,
    /// Calls whose clients went away.
    pub(super) forgotten: mpsc::UnboundedSender<Forgotten>,
    pub(super) shared: Arc<Shared>,
}

/// What all handles of a Region know.
#[derive(Debug)]
pub(super) struct Shared {
    pub region: RegionName,
    pub clock: LiveClock,
    /// Whether a fault lets no client in.
    pub down: AtomicBool,
    /// Makes call ids of this process its own.
    pub process: String,
    pub calls: AtomicU64,
    /// The last step that the Region took.
    pub steps: AtomicU64,
    /// What an operator who listens hears.
    pub heard: Heard,
}

/// What the actor is asked.
#[derive(Debug)]
pub(super) enum Job {
    Call {
        call: Box<Call>,
        traceparent: String,
        /// Told when the Region waits for the call's body.
        ready: Option<oneshot::Sender<()>>,
        answer: oneshot::Sender<Answer>,
    },
    Chunk {
        call: String,
        index: u64,
        bytes: bytes::Bytes,
        last: bool,
        taken: oneshot::Sender<()>,
    },
    Pull {
        call: String,
        from_index: u64,
        credit: u64,
    },
    Deliver(Box<Envelope>),
    /// A peer can be reached again.
    Reached(RegionName),
    SetFaults(Vec<Fault>, oneshot::Sender<()>),
    /// A look that leaves no trace, and who gets its JSON.
    Inspect(Look, oneshot::Sender<String>),
    SigningKey {
        credential: Credential,
        scope: Scope,
        answer: oneshot::Sender<Result<SecretKey, Box<Failure>>>,
    },
}

/// A call whose client went away.
#[derive(Debug)]
pub(super) enum Forgotten {
    /// Before its body was complete.
    Upload(String),
    /// Before it had read the answer's body.
    Download(String),
}

impl Handle {
    /// The Region.
    #[must_use]
    pub fn region(&self) -> &RegionName {
        &self.shared.region
    }

    /// Calls so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.shared.calls.load(Ordering::Relaxed) - 1
    }

    /// Whether a fault lets no client in.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.shared.down.load(Ordering::Relaxed)
    }

    pub(super) fn set_down(&self, down: bool) {
        self.shared.down.store(down, Ordering::Relaxed);
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &LiveClock {
        &self.shared.clock
    }

    /// Makes a call without a body and waits for its answer.
    ///
    /// # Errors
    /// [`Gone`]; a refusal is an answer.
    pub async fn call(&self, call: NewCall) -> Result<Answer, Gone> {
        let (answer, answered) = oneshot::channel();
        self.send(call, None, None, answer).await?;
        answered.await.map_err(|_| Gone)
    }

    /// Makes a call with a body of `length` bytes: the Region decides on it before any byte.
    ///
    /// # Errors
    /// [`Gone`]; a refusal is an answer.
    pub async fn open(&self, call: NewCall, length: u64) -> Result<Opened, Gone> {
        let (answer, mut answered) = oneshot::channel();
        let (ready, is_ready) = oneshot::channel();
        let id = self.send(call, Some(length), Some(ready), answer).await?;
        tokio::select! {
            biased;
            answer = &mut answered => Ok(Opened::Answered(answer.map_err(|_| Gone)?)),
            Ok(()) = is_ready => Ok(Opened::Ready(Upload::new(self.clone(), id, length, answered))),
        }
    }

    async fn send(
        &self,
        call: NewCall,
        body: Option<u64>,
        ready: Option<oneshot::Sender<()>>,
        answer: oneshot::Sender<Answer>,
    ) -> Result<String, Gone> {
        let number = self.shared.calls.fetch_add(1, Ordering::Relaxed);
        let id = format!("{}-{number}", self.shared.process);
        let job = Job::Call {
            call: Box::new(Call {
                id: id.clone(),
                credential: Some(call.credential),
                operation: call.operation,
                request: call.request,
                has_body: body.is_some(),
                body_length: body.unwrap_or(0),
                context: call.context,
            }),
            traceparent: call.traceparent,
            ready,
            answer,
        };
        self.jobs.send(job).await.map_err(|_| Gone)?;
        Ok(id)
    }

    /// The SigV4 signing key of a credential for one day, Region and service. It may be kept
    /// for that day: the Region looks at the credential itself again in every call.
    ///
    /// # Errors
    /// [`Gone`]; inside, the refusal of a credential that is unknown, inactive or expired.
    pub async fn signing_key(
        &self,
        credential: Credential,
        scope: Scope,
    ) -> Result<Result<SecretKey, Box<Failure>>, Gone> {
        let (answer, answered) = oneshot::channel();
        let job = Job::SigningKey {
            credential,
            scope,
            answer,
        };
        self.jobs.send(job).await.map_err(|_| Gone)?;
        answered.await.map_err(|_| Gone)
    }

    /// Replaces what the pipeline's fault stage does.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn set_faults(&self, faults: Vec<Fault>) -> Result<(), Gone> {
        let (done, is_done) = oneshot::channel();
        let job = Job::SetFaults(faults, done);
        self.jobs.send(job).await.map_err(|_| Gone)?;
        is_done.await.map_err(|_| Gone)
    }

    /// What the Region holds, as JSON; it leaves no trace.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn inspect(&self, look: Look) -> Result<String, Gone> {
        let (answer, answered) = oneshot::channel();
        let job = Job::Inspect(look, answer);
        self.jobs.send(job).await.map_err(|_| Gone)?;
        answered.await.map_err(|_| Gone)
    }

    /// What happened since number `from`.
    pub(super) fn hear(&self, from: u64) -> HeardAnswer {
        self.shared.heard.since(from)
    }

    /// A message from another Region has arrived.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn deliver(&self, envelope: Envelope) -> Result<(), Gone> {
        let job = Job::Deliver(Box::new(envelope));
        self.jobs.send(job).await.map_err(|_| Gone)
    }

    /// A peer can be reached again: what it has not acknowledged goes out at once.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn reached(&self, peer: RegionName) -> Result<(), Gone> {
        self.jobs.send(Job::Reached(peer)).await.map_err(|_| Gone)
    }
}
