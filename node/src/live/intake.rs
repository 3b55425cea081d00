//! What a gRPC call may take before it is a call: a rate for all of them, room in memory, and
//! time for its message to come.
//!
//! Streams between peers stand open for days and are not measured so; what they may send is
//! bounded by the size of a message.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Buf as _, Bytes};
use faultline_proto::driving::Failure;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tonic::Status;

use super::aws;
use crate::gateway::limits::{Bucket, Held, Limits, Pace, Room};

/// Measures requests of one node's gRPC.
#[derive(Debug)]
pub(super) struct Intake {
    limits: Limits,
    rate: Option<Bucket>,
    room: Room,
}

/// What one call holds until its answer has gone.
pub(super) type Holding = Arc<Mutex<Held>>;

impl Intake {
    pub fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            limits: limits.clone(),
            rate: limits.requests_per_second.map(Bucket::new),
            room: Room::new(limits.memory),
        })
    }

    /// Lets a request in, or says no.
    pub fn admit(&self) -> Result<Holding, Status> {
        if self.rate.as_ref().is_some_and(|rate| !rate.take()) {
            return Err(throttled());
        }
        Ok(Arc::new(Mutex::new(Held::none(&self.room))))
    }
}

/// More than is taken.
pub(super) fn throttled() -> Status {
    let failure = Failure {
        code: "ThrottlingException".into(),
        message: "Rate exceeded".into(),
        http_status: 400,
        ..Failure::default()
    };
    aws::status(&failure, "")
}

/// Takes room for so many bytes more.
pub(super) fn take(holding: &Holding, bytes: usize) -> Result<(), Status> {
    let mut held = holding.lock().unwrap_or_else(PoisonError::into_inner);
    held.take(bytes).then_some(()).ok_or_else(throttled)
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request's body that is measured as it comes.
pub(super) struct Measured<B> {
    body: Pin<Box<B>>,
    intake: Arc<Intake>,
    holding: Holding,
    /// Most bytes that are in memory at once: of a stream, one message.
    most: usize,
    pace: Pace,
    waits: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<B> Measured<B> {
    pub fn new(body: B, intake: &Arc<Intake>, holding: &Holding, most: usize) -> Self {
        Self {
            body: Box::pin(body),
            intake: Arc::clone(intake),
            holding: Arc::clone(holding),
            most,
            pace: Pace::default(),
            waits: None,
        }
    }

    fn came(&mut self, bytes: usize) -> Result<(), Status> {
        let waited = self.waits.take().map(|(since, _)| since.elapsed());
        let limits = &self.intake.limits;
        if !self.pace.keeps(waited.unwrap_or_default(), bytes, limits) {
            return Err(too_slow());
        }
        let mut held = self.holding.lock().unwrap_or_else(PoisonError::into_inner);
        let more = bytes.min(self.most.saturating_sub(held.bytes()));
        held.take(more).then_some(()).ok_or_else(throttled)
    }
}

fn too_slow() -> Status {
    Status::deadline_exceeded("RequestTimeout: the request came too slowly")
}

impl<B> Body for Measured<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        match this.body.as_mut().poll_frame(context) {
            Poll::Pending => {
                let pause = this.intake.limits.body_pause;
                let (_, timer) = this
                    .waits
                    .get_or_insert_with(|| (Instant::now(), Box::pin(sleep(pause))));
                ready!(timer.as_mut().poll(context));
                Poll::Ready(Some(Err(too_slow())))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => {
                Poll::Ready(Some(Err(Status::from_error(error.into()))))
            }
            Poll::Ready(Some(Ok(frame))) => {
                let frame = frame.map_data(|mut data| data.copy_to_bytes(data.remaining()));
                let came = this.came(frame.data_ref().map_or(0, Bytes::len));
                Poll::Ready(Some(came.map(|()| frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A response's body with what its call holds.
struct Kept {
    body: Pin<Box<tonic::body::Body>>,
    _holding: Holding,
}

impl Body for Kept {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.body.as_mut().poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Holds room until the response has gone.
pub(super) fn kept(
    response: http::Response<tonic::body::Body>,
    holding: Holding,
) -> http::Response<tonic::body::Body> {
    response.map(|body| {
        tonic::body::Body::new(Kept {
            body: Box::pin(body),
            _holding: holding,
        })
    })
}

/// A generated service, whose requests are measured.
#[derive(Debug, Clone)]
pub(super) struct Measure<S> {
    service: S,
    intake: Arc<Intake>,
    most: usize,
}

impl<S> Measure<S> {
    pub fn new(service: S, intake: &Arc<Intake>, most: usize) -> Self {
        Self {
            service,
            intake: Arc::clone(intake),
            most,
        }
    }
}

impl<S: tonic::server::NamedService> tonic::server::NamedService for Measure<S> {
    const NAME: &'static str = S::NAME;
}

impl<S, B> tower::Service<http::Request<B>> for Measure<S>
where
    S: tower::Service<
            http::Request<tonic::body::Body>,
            Response = http::Response<tonic::body::Body>,
            Error = Infallible,
        >,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let holding = match self.intake.admit() {
            Ok(holding) => holding,
            Err(status) => return Box::pin(async move { Ok(status.into_http()) }),
        };
        let request = request.map(|body| {
            tonic::body::Body::new(Measured::new(body, &self.intake, &holding, self.most))
        });
        let answered = self.service.call(request);
        Box::pin(async move { Ok(kept(answered.await?, holding)) })
    }
}
