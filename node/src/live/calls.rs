//! `Calls.Invoke`: any operation, with bodies of any length, as a stream each way.

use std::pin::Pin;

use faultline_proto::driving::calls_server::Calls;
use faultline_proto::driving::{
    Completed, Failure, Invocation, InvokeAnswer, InvokePart, Success as Done, completed,
    invoke_answer, invoke_part,
};
use faultline_proto::registry;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::aws;
use super::bodies::{Upload, UploadError};
use super::handle::{Answer, Handle, Opened, Success};

/// gRPC path, which is signed.
pub const PATH: &str = "/faultline.region.v1.Calls/Invoke";
/// Chunks of an answer that may wait for a slow reader.
const AHEAD: usize = 4;

/// See the module.
pub(super) struct CallService {
    pub handle: Handle,
    pub tls: bool,
}

type Answers = Pin<Box<dyn tokio_stream::Stream<Item = Result<InvokeAnswer, Status>> + Send>>;

#[tonic::async_trait]
impl Calls for CallService {
    type InvokeStream = Answers;

    async fn invoke(
        &self,
        request: Request<Streaming<InvokePart>>,
    ) -> Result<Response<Answers>, Status> {
        let (metadata, extensions, mut parts) = request.into_parts();
        let first = parts.message().await?.and_then(|first| first.part);
        let Some(invoke_part::Part::Call(invocation)) = first else {
            return Err(Status::invalid_argument(
                "the first message must be the call",
            ));
        };
        let operation = registry::find_operation(&invocation.operation).ok_or_else(|| {
            Status::unimplemented(format!(
                "{} is not built in this version of Faultline",
                invocation.operation
            ))
        })?;
        let signed = invocation.encode_to_vec();
        let request = Request::from_parts(metadata, extensions, ());
        let mut call =
            aws::call(&self.handle, &request, operation, PATH, &signed, self.tls).await?;
        call.request.clone_from(&invocation.request);
        let answer = match invocation.body_length {
            None => self.handle.call(call).await.map_err(gone)?,
            Some(length) => match self.handle.open(call, length).await.map_err(gone)? {
                Opened::Answered(answer) => answer,
                Opened::Ready(upload) => receive(upload, parts, &invocation).await?,
            },
        };
        let (out, answers) = mpsc::channel(AHEAD);
        tokio::spawn(send(answer, out));
        Ok(Response::new(Box::pin(ReceiverStream::new(answers))))
    }
}

fn gone(gone: super::Gone) -> Status {
    Status::unavailable(gone.to_string())
}

async fn receive(
    mut upload: Upload,
    mut parts: Streaming<InvokePart>,
    invocation: &Invocation,
) -> Result<Answer, Status> {
    let mut digest = Sha256::new();
    while let Some(part) = parts.message().await? {
        let Some(invoke_part::Part::Chunk(chunk)) = part.part else {
            return Err(Status::invalid_argument(
                "after the call come chunks of its body",
            ));
        };
        digest.update(&chunk);
        match upload.write(&chunk).await {
            Ok(()) => {}
            Err(UploadError::Answered(answer)) => return Ok(*answer),
            Err(error) => return Err(Status::invalid_argument(error.to_string())),
        }
    }
    if !invocation.body_sha256.is_empty() && digest.finalize().as_slice() != invocation.body_sha256
    {
        return Err(Status::invalid_argument(
            "the body is not the one that was signed: its SHA-256 differs",
        ));
    }
    upload.finish().await.map_err(|error| match error {
        UploadError::Gone(it) => gone(it),
        other => Status::invalid_argument(other.to_string()),
    })
}

async fn send(answer: Answer, out: mpsc::Sender<Result<InvokeAnswer, Status>>) {
    let part = |part| Ok(InvokeAnswer { part: Some(part) });
    let (outcome, body) = match answer.outcome {
        Ok(Success { response, body }) => {
            let body_length = body.as_ref().map(super::AnswerBody::length);
            let done = Done {
                response,
                body_length,
            };
            (completed::Outcome::Success(done), body)
        }
        Err(failure) => (completed::Outcome::Failure(Failure::clone(&failure)), None),
    };
    let completed = Completed {
        call: answer.request_id,
        outcome: Some(outcome),
        cross_region_calls: 0,
    };
    if out
        .send(part(invoke_answer::Part::Completed(completed)))
        .await
        .is_err()
    {
        return;
    }
    let Some(mut body) = body else { return };
    loop {
        let chunk = match body.next().await {
            Ok(Some(chunk)) => part(invoke_answer::Part::Chunk(chunk.into())),
            Ok(None) => return,
            Err(it) => Err(gone(it)),
        };
        // Waits for a slow reader, and stops for one that went away.
        if out.send(chunk).await.is_err() {
            return;
        }
    }
}
