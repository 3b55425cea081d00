//! The one task that owns the Region.
//!
//! Steps wait in a queue and are taken one by one; each answer goes to the stream that its
//! step came from, in order. The task ends when the Region dies or when nobody is left to
//! ask it. A crash that a step orders is answered by nobody, as a killed process would.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use faultline_proto::driving::{Reply, Step, step};
use faultline_proto::names::RegionName;
use faultline_region::region::{Died, Region};
use faultline_region::store::Store;
use prost::Message as _;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tonic::Status;

use crate::config::MAX_MESSAGE;

/// What can be driven: a Region, or a stand-in in tests.
pub trait Driven {
    /// Takes one step.
    ///
    /// # Errors
    /// [`Died`]: except after a broken protocol it is not to be used again.
    fn step(&mut self, step: Step) -> Result<Reply, Died>;
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
        self.region.step(step)
    }
}

/// What an actor answers with.
pub(crate) type Answer = Result<Reply, Status>;

/// One step of a stream, or why its next one cannot be taken.
pub(crate) struct Job {
    pub what: Result<Step, Status>,
    pub drive: Drive,
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
    region: &mut dyn Driven,
    mut jobs: mpsc::Receiver<Job>,
) -> Result<(), Died> {
    while let Some(Job { what, drive }) = jobs.recv().await {
        if drive.is_over() {
            continue;
        }
        let stepped = match what {
            Ok(step) => region.step(step),
            Err(status) => {
                drive.answer(Err(status)).await;
                continue;
            }
        };
        match stepped {
            Ok(reply) => drive.answer(within_limit(reply)).await,
            Err(Died::Protocol(words)) => drive.answer(Err(Status::invalid_argument(words))).await,
            Err(Died::Store(error)) => {
                drive
                    .answer(Err(Status::data_loss(error.to_string())))
                    .await;
                return Err(error.into());
            }
            Err(crashed @ Died::Crashed(_)) => return Err(crashed),
        }
    }
    Ok(())
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
