//! `Region.Drive`: a stream of steps in, a stream of replies out, in the same order.
//!
//! One driver at a time. What cannot be read, or is larger than a message may be, ends the
//! stream with a status that says what is wrong; the steps before it are answered first,
//! those behind it are not taken.

use std::sync::Arc;

use faultline_proto::driving::region_server::Region;
use faultline_proto::driving::{Reply, Step};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::actor::{Drive, Job};
use crate::config::MAX_MESSAGE;

/// Replies that may wait for a slow driver.
const REPLIES: usize = 64;

/// The driving service of one node.
pub struct DriveService {
    jobs: mpsc::Sender<Job>,
    seat: Arc<Semaphore>,
}

impl DriveService {
    pub(crate) fn new(jobs: mpsc::Sender<Job>) -> Self {
        Self {
            jobs,
            seat: Arc::new(Semaphore::new(1)),
        }
    }
}

#[tonic::async_trait]
impl Region for DriveService {
    type DriveStream = ReceiverStream<Result<Reply, Status>>;

    async fn drive(
        &self,
        request: Request<Streaming<Step>>,
    ) -> Result<Response<Self::DriveStream>, Status> {
        let Ok(seat) = Arc::clone(&self.seat).try_acquire_owned() else {
            return Err(Status::failed_precondition(
                "another driver holds this Region; one stream at a time",
            ));
        };
        let (answers, replies) = mpsc::channel(REPLIES);
        tokio::spawn(pump(
            request.into_inner(),
            self.jobs.clone(),
            Drive::new(answers, seat),
        ));
        Ok(Response::new(ReceiverStream::new(replies)))
    }
}

/// Carries steps from the stream to the actor until one of them ends.
async fn pump(mut steps: Streaming<Step>, jobs: mpsc::Sender<Job>, drive: Drive) {
    let mut last = 0;
    loop {
        let what = match steps.message().await {
            Ok(Some(step)) => {
                last = step.id;
                Ok(step)
            }
            Ok(None) => return,
            Err(status) => Err(explained(&status, last)),
        };
        let is_last = what.is_err();
        if jobs
            .send(Job {
                what,
                drive: drive.clone(),
            })
            .await
            .is_err()
            || is_last
        {
            return;
        }
    }
}

/// tonic's words about a message that it refused, as a driver needs them.
fn explained(status: &Status, last: u64) -> Status {
    let message = status.message();
    match status.code() {
        Code::OutOfRange => Status::out_of_range(format!(
            "the message after step {last} is larger than the {MAX_MESSAGE} bytes of a step \
             (bodies travel in chunks of 64 KiB): {message}"
        )),
        Code::Internal => Status::invalid_argument(format!(
            "the message after step {last} is no readable step: {message}"
        )),
        _ => status.clone(),
    }
}
