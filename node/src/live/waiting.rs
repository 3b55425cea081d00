//! Who waits for which answer.

use std::collections::BTreeMap;

use bytes::Bytes;
use faultline_proto::driving::{Body, Completed, Reply, completed};
use tokio::sync::{mpsc, oneshot};

use super::bodies::AnswerBody;
use super::handle::{Answer, Forgotten, Handle, Success};

/// A client that waits for its answer.
struct Client {
    ready: Option<oneshot::Sender<()>>,
    answer: oneshot::Sender<Answer>,
}

/// All clients of a Region, and the readers of answers' bodies.
#[derive(Default)]
pub(super) struct Waiting {
    clients: BTreeMap<String, Client>,
    readers: BTreeMap<String, mpsc::UnboundedSender<(Bytes, bool)>>,
}

impl Waiting {
    pub fn add(
        &mut self,
        call: String,
        ready: Option<oneshot::Sender<()>>,
        answer: oneshot::Sender<Answer>,
    ) {
        self.clients.insert(call, Client { ready, answer });
    }

    /// Hands a reply out: answers, chunks, and to whose body the Region looks forward.
    pub fn tell(&mut self, reply: &mut Reply, opened: Option<&str>, handle: &Handle) {
        for completed in std::mem::take(&mut reply.completed) {
            let request_id = request_id(reply, &completed.call);
            self.complete(completed, request_id, &reply.body, handle);
        }
        for Body {
            call,
            index: _,
            bytes,
            last,
        } in std::mem::take(&mut reply.body)
        {
            if let Some(reader) = self.readers.get(&call) {
                // Whoever stopped reading says so by itself.
                drop(reader.send((Bytes::from(bytes), last)));
                if last {
                    self.readers.remove(&call);
                }
            }
        }
        for note in reply.notes.iter().filter(|note| note.kind == "body_lost") {
            if let Some(call) = note.fields.get("call") {
                self.readers.remove(call);
            }
        }
        let ready = opened
            .and_then(|call| self.clients.get_mut(call))
            .and_then(|client| client.ready.take());
        if let Some(ready) = ready {
            let _ = ready.send(());
        }
    }

    fn complete(
        &mut self,
        completed: Completed,
        request_id: String,
        chunks: &[Body],
        handle: &Handle,
    ) {
        let Some(client) = self.clients.remove(&completed.call) else {
            return; // The process that was asked is dead.
        };
        let outcome = match completed.outcome {
            Some(completed::Outcome::Success(success)) => Ok(Success {
                body: success.body_length.map(|length| {
                    let (chunk, reader) = mpsc::unbounded_channel();
                    self.readers.insert(completed.call.clone(), chunk);
                    let first = chunks.iter().filter(|body| body.call == completed.call);
                    let first = first.count() as u64;
                    AnswerBody::new(handle.clone(), completed.call, length, first, reader)
                }),
                response: success.response,
            }),
            Some(completed::Outcome::Failure(failure)) => Err(Box::new(failure)),
            None => return,
        };
        // A client that went away drops the answer, and with it the body.
        drop(client.answer.send(Answer {
            request_id,
            outcome,
        }));
    }

    /// A client went away while its call was open.
    pub fn forget(&mut self, forgotten: &Forgotten) {
        match forgotten {
            Forgotten::Upload(call) => drop(self.clients.remove(call)),
            Forgotten::Download(call) => drop(self.readers.remove(call)),
        }
    }
}

/// The request id that the trail has for a call: of its outermost event, which comes last.
fn request_id(reply: &Reply, call: &str) -> String {
    let mut events = reply.audit.iter().rev();
    events
        .find(|event| event.call == call)
        .map_or_else(|| call.to_owned(), |event| event.request_id.clone())
}
