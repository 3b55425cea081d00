//! Bodies of responses, and the headers that every response has.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::live::AnswerBody;

/// Body of a response.
pub type Answered = UnsyncBoxBody<Bytes, std::io::Error>;

/// Chunks of an answer that wait for a slow client.
const WAITING: usize = 2;

/// A body that is all there.
#[must_use]
pub fn full(bytes: impl Into<Bytes>) -> Answered {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A body that the Region hands out as the client takes it. When the node ends in between, so
/// does the connection: the client sees fewer bytes than were announced.
#[must_use]
pub fn streamed(mut body: AnswerBody) -> Answered {
    let (send, frames) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        loop {
            let frame = match body.next().await {
                Ok(Some(bytes)) => Ok(Frame::data(bytes)),
                Ok(None) => return,
                Err(gone) => Err(std::io::Error::other(gone.to_string())),
            };
            let over = frame.is_err();
            if send.send(frame).await.is_err() || over {
                return;
            }
        }
    });
    StreamBody::new(ReceiverStream::new(frames)).boxed_unsync()
}

/// S3's second request id. Ours says the same twice, in the form of AWS's.
#[must_use]
pub fn host_id(request_id: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(request_id)
}

/// Request ids under the names that the protocols' SDKs read.
pub fn name_request(headers: &mut HeaderMap, request_id: &str, s3: bool) {
    let names: &[&'static str] = if s3 {
        &["x-amz-request-id"]
    } else {
        &["x-amzn-requestid"]
    };
    for &name in names {
        if let Ok(value) = HeaderValue::from_str(request_id) {
            headers.insert(name, value);
        }
    }
    if s3 && let Ok(value) = HeaderValue::from_str(&host_id(request_id)) {
        headers.insert("x-amz-id-2", value);
    }
}
