//! The one task that owns the Region.
//!
//! Steps wait in a queue and are taken one by one; each answer goes to the stream that its
//! step came from, in order. The task ends when the Region dies or when nobody is left to
//! ask it. A crash that a step orders is answered by nobody, as a killed process would.
//!
//! Steps that wait together share one flush (group commit): all of them are taken, what they
//! changed is made durable at once, and only then is any of them answered. A step that ends
//! a group (a refusal, a crash) is never in the way of those before it: they are flushed
//! and answered first. Who sends one step at a time gets one flush a step.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use faultline_proto::driving::{Crash, Reply, Step, step};
use faultline_proto::names::RegionName;
use faultline_region::region::{Died, Region};
use faultline_region::store::Store;
use prost::Message as _;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tonic::Status;

use crate::config::MAX_MESSAGE;

/// Steps that share a flush, at most: as many as replies may wait for a slow driver.
const GROUP: usize = 64;

/// What can be driven: a Region, or a stand-in in tests.
pub trait Driven {
    /// Takes one step. Nobody may see its reply before the next [`flush`](Self::flush).
    ///
    /// # Errors
    /// [`Died`]: except after a broken protocol it is not to be used again.
    fn step(&mut self, step: Step) -> Result<Reply, Died>;

    /// Makes every step taken so far durable.
    ///
    /// # Errors
    /// [`Died`]: no reply since the last flush may be handed out.
    fn flush(&mut self) -> Result<(), Died>;
}

/// A Region that answers to one name only: its store carries that name.
pub(crate) struct Named<S: Store> {
    pub name: RegionName,
    pub region: Region<S>,
}

impl<S: Store> Driven for Named<S> {
    fn step(&mut self, step: Step) -> Result<Reply, Died> {
        if let Some(step::Input::Start(start)) = &step.input
            && start.region != self.name.as_str()
        {
            return Err(Died::Protocol(format!(
                "this node is {}, not {}",
                self.name, start.region
            )));
        }
        let (id, crash) = (step.id, step.crash());
        let taken = self.region.step_unflushed(step)?;
        if crash == Crash::AfterCommit {
            self.region.flush()?;
            return Err(Died::Crashed(id));
        }
        Ok(taken.reply)
    }

    fn flush(&mut self) -> Result<(), Died> {
        self.region.flush()
    }
}

/// What an actor answers with.
pub(crate) type Answer = Result<Reply, Status>;

/// One step of a stream, or why its next one cannot be taken.
pub(crate) struct Job {
    pub what: Result<Step, Status>,
    pub drive: Drive,
}

impl Job {
    fn orders_a_crash(&self) -> bool {
        let step = self.what.as_ref();
        step.is_ok_and(|step| step.crash() != Crash::None)
    }
}

/// The stream that a step came from.
#[derive(Clone)]
pub(crate) struct Drive {
    answers: mpsc::Sender<Answer>,
    /// Gone after an error: what was sent behind it is not taken, and the next driver may
    /// come. Dropped with the last waiting step otherwise.
    seat: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Drive {
    pub fn new(answers: mpsc::Sender<Answer>, seat: OwnedSemaphorePermit) -> Self {
        Self {
            answers,
            seat: Arc::new(Mutex::new(Some(seat))),
        }
    }

    async fn answer(&self, answer: Answer) {
        if answer.is_err() {
            drop(self.seat().take());
        }
        // A driver that went away does not want it.
        let _ = self.answers.send(answer).await;
    }

    fn is_over(&self) -> bool {
        self.answers.is_closed() || self.seat().is_none()
    }

    fn seat(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Owns `region` until it dies, or until every sender of `jobs` is gone.
pub(crate) async fn own(
    region: &mut (dyn Driven + Send),
    mut jobs: mpsc::Receiver<Job>,
) -> Result<(), Died> {
    while let Some(job) = jobs.recv().await {
        let mut group = Group::default();
        let mut next = Some(job);
        while let Some(job) = next {
            if job.orders_a_crash() {
                group.settle(region).await?;
            }
            next = match group.take(region, job).await? {
                Taken::InGroup if group.answers.len() < GROUP => jobs.try_recv().ok(),
                Taken::InGroup | Taken::Answered => None,
            };
        }
        group.settle(region).await?;
    }
    Ok(())
}

/// Steps that were taken and wait for one flush, with their answers.
#[derive(Default)]
struct Group {
    answers: Vec<(Drive, Answer)>,
}

/// What became of a job.
enum Taken {
    /// It waits for the flush, or nobody wants its answer.
    InGroup,
    /// It was answered, and those before it: the group is over.
    Answered,
}

impl Group {
    async fn take(&mut self, region: &mut (dyn Driven + Send), job: Job) -> Result<Taken, Died> {
        let Job { what, drive } = job;
        if drive.is_over() {
            return Ok(Taken::InGroup);
        }
        let status = match what.map(|step| region.step(step)) {
            Ok(Ok(reply)) => {
                self.answers.push((drive, within_limit(reply)));
                // An answer that is too large ends its stream: nothing behind it is taken.
                let last = self
                    .answers
                    .last()
                    .is_some_and(|(_, answer)| answer.is_err());
                if last {
                    self.settle(region).await?;
                    return Ok(Taken::Answered);
                }
                return Ok(Taken::InGroup);
            }
            Ok(Err(Died::Protocol(words))) => Status::invalid_argument(words),
            Ok(Err(Died::Store(error))) => {
                self.settle(region).await?;
                let status = Status::data_loss(error.to_string());
                drive.answer(Err(status)).await;
                return Err(error.into());
            }
            Ok(Err(crashed @ Died::Crashed(_))) => return Err(crashed),
            Err(status) => status,
        };
        self.settle(region).await?;
        drive.answer(Err(status)).await;
        Ok(Taken::Answered)
    }

    /// Flushes once and answers all.
    async fn settle(&mut self, region: &mut (dyn Driven + Send)) -> Result<(), Died> {
        if self.answers.is_empty() {
            return Ok(());
        }
        let flushed = region.flush();
        for (drive, answer) in self.answers.drain(..) {
            let answer = match &flushed {
                Ok(()) => answer,
                // What the step did is not kept: its reply must not be seen.
                Err(died) => Err(Status::data_loss(died.to_string())),
            };
            drive.answer(answer).await;
        }
        flushed
    }
}

fn within_limit(reply: Reply) -> Answer {
    let length = reply.encoded_len();
    if length <= MAX_MESSAGE {
        return Ok(reply);
    }
    Err(Status::out_of_range(format!(
        "the reply to step {} has {length} bytes, more than the {MAX_MESSAGE} of a message; ask for less at once",
        reply.step
    )))
}
