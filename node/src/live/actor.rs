//! The one task that owns a live Region.
//!
//! It takes what waits (at most [`GROUP`] jobs), steps each, flushes once, and only then
//! answers: group commit. Where nobody is told anything (a chunk of a body), or the steps
//! left nothing but the trail, nothing is flushed yet. What waits is taken in order, so
//! an answer never shows a change that a crash could still take back.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use faultline_proto::driving::{
    Body, Envelope, Fault, Look, Pull, Reply, SetFaults, Start, Step, Tick, step::Input,
};
use faultline_proto::names::{Elapsed, RegionName};
use faultline_region::region::{Died, Region, Unflushed};
use faultline_region::store::Store;
use tokio::sync::{mpsc, oneshot};

use super::clock::LiveClock;
use super::handle::{Forgotten, Handle, Job, QUEUE, Shared};
use super::start::{LiveStart, random};
use super::waiting::Waiting;
use crate::node::NodeError;

/// Jobs stepped between two flushes, at most.
const GROUP: usize = 64;
/// Longest that a change nobody was told of stays unflushed.
const LAZY: Duration = Duration::from_millis(500);
/// Envelopes that a Region sends again at one time: as many mean that there may be more.
const WINDOW: usize = 64;

/// A live Region with its queue.
pub struct LiveActor<S: Store> {
    region: Region<S>,
    clock: LiveClock,
    step: u64,
    wake: Option<u64>,
    handle: Handle,
    jobs: mpsc::Receiver<Job>,
    forgotten: mpsc::UnboundedReceiver<Forgotten>,
    waiting: Waiting,
    outbox: mpsc::Sender<Envelope>,
    /// Streams whose peer was away: the acknowledgement after which the next window goes.
    recovering: BTreeMap<(String, String), u64>,
    /// Whether something is not flushed that must be before anybody is told anything.
    dirty: bool,
    telling: Vec<Told>,
}

/// A reply that waits for the flush.
struct Told {
    reply: Reply,
    opened: Option<String>,
    done: Option<oneshot::Sender<()>>,
}

impl<S: Store> LiveActor<S> {
    /// Starts a Region over its store. What it sends to others goes to `outbox`; when that
    /// is full it is dropped there, for the Region sends again what nobody acknowledged.
    ///
    /// # Errors
    /// [`NodeError`] when the store is damaged or another Region's.
    pub fn start(
        store: S,
        start: &LiveStart,
        outbox: mpsc::Sender<Envelope>,
    ) -> Result<(Self, Handle), NodeError> {
        Self::begin(store, start, start.input()?, LiveClock::start, outbox)
    }

    /// The same with an input and a clock of the caller's choice; the clock is told which
    /// moment the store has seen.
    pub(super) fn begin(
        store: S,
        told: &LiveStart,
        start: Start,
        clock: impl FnOnce(Elapsed) -> LiveClock,
        outbox: mpsc::Sender<Envelope>,
    ) -> Result<(Self, Handle), NodeError> {
        let region = Region::new(store);
        let (step, seen) = region.stands_at()?;
        let clock = clock(seen);
        let (jobs_in, jobs) = mpsc::channel(QUEUE);
        let (forgotten_in, forgotten) = mpsc::unbounded_channel();
        let handle = Handle {
            jobs: jobs_in,
            forgotten: forgotten_in,
            shared: std::sync::Arc::new(Shared {
                region: told.region.clone(),
                clock: clock.clone(),
                down: std::sync::atomic::AtomicBool::new(false),
                process: hex::encode(random::<6>()?),
                calls: std::sync::atomic::AtomicU64::new(1),
                steps: std::sync::atomic::AtomicU64::new(step),
                heard: super::heard::Heard::default(),
            }),
        };
        let mut actor = Self {
            region,
            clock,
            step,
            wake: None,
            handle: handle.clone(),
            jobs,
            forgotten,
            waiting: Waiting::default(),
            outbox,
            recovering: BTreeMap::new(),
            dirty: false,
            telling: Vec::new(),
        };
        actor.take(Input::Start(start), String::new(), None, None)?;
        actor.settle()?;
        Ok((actor, handle))
    }

    /// Owns the Region until `stop` resolves, and then finishes what waits in the queue.
    ///
    /// # Errors
    /// [`Died`]: the store failed; whoever waits hears [`Gone`](super::Gone).
    pub async fn run(mut self, stop: oneshot::Receiver<()>) -> Result<(), Died> {
        let mut stop = std::pin::pin!(stop);
        let mut group = Vec::with_capacity(GROUP);
        loop {
            let pause = self.pause();
            tokio::select! {
                biased;
                _ = &mut stop => break,
                taken = self.jobs.recv_many(&mut group, GROUP) => if taken == 0 { break },
                Some(gone) = self.forgotten.recv() => self.forget(gone)?,
                () = tokio::time::sleep(pause) => self.time_alone()?,
            }
            for job in group.drain(..) {
                self.job(job)?;
            }
            self.settle()?;
            // Whoever was answered, or waits to be read, has its turn before the next group.
            tokio::task::yield_now().await;
        }
        self.jobs.close();
        while let Ok(job) = self.jobs.try_recv() {
            self.job(job)?;
        }
        self.settle()?;
        self.region.flush()
    }

    /// How long nothing need happen by itself.
    fn pause(&self) -> Duration {
        let wake = self.wake.map_or(Duration::from_secs(3600), |at| {
            self.clock.until(Elapsed(at))
        });
        if self.dirty { wake.min(LAZY) } else { wake }
    }

    fn time_alone(&mut self) -> Result<(), Died> {
        if self.dirty {
            self.region.flush()?;
            self.dirty = false;
        }
        if self.wake.is_some_and(|at| at <= self.clock.elapsed().0) {
            self.take(Input::Tick(Tick {}), String::new(), None, None)?;
        }
        Ok(())
    }

    fn job(&mut self, job: Job) -> Result<(), Died> {
        match job {
            Job::Call {
                call,
                traceparent,
                ready,
                answer,
            } => {
                if answer.is_closed() {
                    return Ok(()); // Its client went away while it waited.
                }
                let opened = ready.is_some().then(|| call.id.clone());
                self.waiting.add(call.id.clone(), ready, answer);
                self.take(Input::Call(*call), traceparent, opened, None)
            }
            Job::Chunk {
                call,
                index,
                bytes,
                last,
                taken,
            } => {
                let bytes = bytes.into();
                let body = Body {
                    call,
                    index,
                    bytes,
                    last,
                };
                self.take(Input::Body(body), String::new(), None, Some(taken))
            }
            Job::Pull {
                call,
                from_index,
                credit,
            } => {
                let pull = Pull {
                    call,
                    from_index,
                    credit,
                };
                self.take(Input::Pull(pull), String::new(), None, None)
            }
            Job::Deliver(envelope) => self.deliver(*envelope),
            Job::Reached(peer) => self.resend(&peer, ""),
            Job::SetFaults(faults, done) => self.set_faults(faults, done),
            Job::Inspect(look, answer) => self.inspect(look, answer),
            Job::SigningKey {
                credential,
                scope,
                answer,
            } => {
                let now = self.clock.wall();
                let found = self.region.signing_key(&credential, &scope, now)?;
                let found = found.map_err(|refusal| Box::new(refusal.into_failure()));
                drop(answer.send(found));
                Ok(())
            }
        }
    }

    fn deliver(&mut self, envelope: Envelope) -> Result<(), Died> {
        let stream = (envelope.from.clone(), envelope.stream.clone());
        let ack = envelope.ack;
        let traceparent = envelope.traceparent.clone();
        self.take(Input::Deliver(envelope), traceparent, None, None)?;
        if self.recovering.get(&stream).is_some_and(|at| *at <= ack) {
            self.recovering.remove(&stream);
            if let Ok(peer) = RegionName::new(&stream.0) {
                self.resend(&peer, &stream.1)?;
            }
        }
        Ok(())
    }

    /// Sends again what `peer` has not acknowledged; of one stream, or of all when empty.
    fn resend(&mut self, peer: &RegionName, stream: &str) -> Result<(), Died> {
        let before = self.telling.len();
        let tick = Input::Resend(faultline_proto::driving::Resend {
            to: peer.to_string(),
            stream: stream.to_owned(),
        });
        self.take(tick, String::new(), None, None)?;
        let mut sent: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
        for told in &self.telling[before..] {
            for envelope in told.reply.outbox.iter().filter(|it| it.seq > 0) {
                let (count, last) = sent.entry(&envelope.stream).or_default();
                *count += 1;
                *last = (*last).max(envelope.seq);
            }
        }
        for (stream, (count, last)) in sent {
            if count >= WINDOW {
                let key = (peer.to_string(), stream.to_owned());
                self.recovering.insert(key, last);
            }
        }
        Ok(())
    }

    fn set_faults(&mut self, faults: Vec<Fault>, done: oneshot::Sender<()>) -> Result<(), Died> {
        let set = Input::SetFaults(SetFaults { faults });
        self.take(set, String::new(), None, Some(done))
    }

    fn inspect(&mut self, look: Look, answer: oneshot::Sender<String>) -> Result<(), Died> {
        // What nobody may know of yet is not shown either.
        self.settle()?;
        self.take(Input::Look(look), String::new(), None, None)?;
        let looked = self.telling.pop().map(|told| told.reply.look);
        drop(answer.send(looked.unwrap_or_default()));
        Ok(())
    }

    /// A client went away: what the Region keeps for it goes too.
    fn forget(&mut self, gone: Forgotten) -> Result<(), Died> {
        self.waiting.forget(&gone);
        match gone {
            // A chunk out of order ends the call as incomplete.
            Forgotten::Upload(call) => self.take(
                Input::Body(Body {
                    call,
                    index: u64::MAX,
                    bytes: Vec::new(),
                    last: true,
                }),
                String::new(),
                None,
                None,
            ),
            // Asking for no chunk that exists ends the reading.
            Forgotten::Download(call) => self.take(
                Input::Pull(Pull {
                    call,
                    from_index: u64::from(u32::MAX),
                    credit: 1,
                }),
                String::new(),
                None,
                None,
            ),
        }
    }

    /// One step; what it says waits in `telling`.
    fn take(
        &mut self,
        input: Input,
        traceparent: String,
        opened: Option<String>,
        done: Option<oneshot::Sender<()>>,
    ) -> Result<(), Died> {
        self.step += 1;
        self.handle.shared.steps.store(self.step, Ordering::Relaxed);
        let step = Step {
            id: self.step,
            elapsed: self.clock.elapsed().0,
            wall: self.clock.wall().0,
            crash: 0,
            traceparent,
            input: Some(input),
        };
        let Unflushed { reply, must_flush } = self.region.step_unflushed(step)?;
        self.dirty |= must_flush;
        self.wake = reply.wake;
        self.telling.push(Told {
            reply,
            opened,
            done,
        });
        Ok(())
    }

    /// Flushes when somebody is to be told something, and tells it.
    fn settle(&mut self) -> Result<(), Died> {
        let says = |told: &Told| {
            let Told { reply, opened, .. } = told;
            !reply.completed.is_empty()
                || !reply.outbox.is_empty()
                || !reply.body.is_empty()
                || opened.is_some()
        };
        if self.dirty && self.telling.iter().any(says) {
            self.region.flush()?;
            self.dirty = false;
        }
        let wall = self.clock.wall().0;
        for Told {
            mut reply,
            opened,
            done,
        } in self.telling.drain(..)
        {
            self.handle.shared.heard.take(&reply, wall);
            self.waiting
                .tell(&mut reply, opened.as_deref(), &self.handle);
            for envelope in reply.outbox {
                // When there is no room it is sent again later: the outbox is durable.
                drop(self.outbox.try_send(envelope));
            }
            if let Some(done) = done {
                let _ = done.send(());
            }
        }
        Ok(())
    }
}
