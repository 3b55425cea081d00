//! The typed AWS services over gRPC, through one route for all of them.
//!
//! `/faultline.aws.kms.v1.Kms/Encrypt` is the operation `kms.Encrypt`; the message on the
//! wire is the request, as it is in a `Call`. A refusal is a gRPC status: its code by kind,
//! its message `Code: message`, AWS's code in `x-amzn-errortype`, and the whole [`Failure`]
//! in the details. [`Invoke`](faultline_proto::driving::calls_server::Calls) takes any
//! operation with bodies of any length.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf as _, BufMut as _, Bytes};
use faultline_proto::codec::{body_member, join_body, split_body};
use faultline_proto::driving::Failure;
use faultline_proto::registry;
use faultline_proto::tables::OperationDef;
use prost::Message as _;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Request, Response, Status};

use super::bodies::{AnswerBody, UploadError};
use super::handle::{Answer, Handle, NewCall, Opened, Success};
use super::incoming::Caller;
use super::intake::{self, Holding, Intake, Measured};
use super::signature;

/// Largest message of a typed call, its body included. Larger bodies go through `Invoke`.
pub const MAX_CALL: usize = 8 << 20;

/// Every AWS service as one tower service.
#[derive(Debug, Clone)]
pub(super) struct AwsRoute {
    pub handle: Handle,
    pub tls: bool,
    pub intake: Arc<Intake>,
}

impl<B> tower::Service<http::Request<B>> for AwsRoute
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let path = request.uri().path().to_owned();
        let Some(operation) = find(&path) else {
            let status =
                Status::unimplemented(format!("{path} is not built in this version of Faultline"));
            return Box::pin(async move { Ok(status.into_http()) });
        };
        let holding = match self.intake.admit() {
            Ok(holding) => holding,
            Err(status) => return Box::pin(async move { Ok(status.into_http()) }),
        };
        let one = OneCall {
            handle: self.handle.clone(),
            operation,
            tls: self.tls,
            holding: Arc::clone(&holding),
        };
        let request = request.map(|body| Measured::new(body, &self.intake, &holding, MAX_CALL + 5));
        Box::pin(async move {
            let mut grpc = Grpc::new(Raw)
                .max_decoding_message_size(MAX_CALL)
                .max_encoding_message_size(MAX_CALL);
            Ok(intake::kept(grpc.unary(one, request).await, holding))
        })
    }
}

fn find(path: &str) -> Option<&'static OperationDef> {
    registry::SERVICES
        .iter()
        .flat_map(|service| service.operations)
        .find(|operation| operation.grpc_path == path)
}

/// One typed call.
struct OneCall {
    handle: Handle,
    operation: &'static OperationDef,
    tls: bool,
    holding: Holding,
}

impl UnaryService<Bytes> for OneCall {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, Status>> + Send>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let one = Self {
            handle: self.handle.clone(),
            holding: Arc::clone(&self.holding),
            ..*self
        };
        Box::pin(async move { typed(&one, request).await })
    }
}

async fn typed(one: &OneCall, request: Request<Bytes>) -> Result<Response<Bytes>, Status> {
    let OneCall {
        handle, operation, ..
    } = one;
    let message = request.get_ref();
    let path = operation.grpc_path;
    let call = call(handle, &request, operation, path, message, one.tls).await?;
    let (plain, body) = split_body(operation.input, message)
        .map_err(|_| Status::invalid_argument("the request is no protobuf message"))?;
    let call = NewCall {
        request: plain,
        ..call
    };
    let answer = if body_member(operation.input).is_some() {
        with_body(handle, call, body.unwrap_or_default()).await?
    } else {
        handle
            .call(call)
            .await
            .map_err(|gone| Status::unavailable(gone.to_string()))?
    };
    let Answer {
        request_id,
        outcome,
    } = answer;
    let Success { response, body } = outcome.map_err(|failure| status(&failure, &request_id))?;
    let response = match body {
        Some(body) => {
            let bytes = whole(body, &one.holding).await?;
            let mut response = response;
            join_body(operation.output, &mut response, &bytes);
            response
        }
        None => response,
    };
    let mut response = Response::new(Bytes::from(response));
    note(response.metadata_mut(), "x-amzn-requestid", &request_id);
    Ok(response)
}

/// A call with what only the entrance knows, its signature verified.
pub(super) async fn call<T>(
    handle: &Handle,
    request: &Request<T>,
    operation: &OperationDef,
    path: &str,
    signed: &[u8],
    tls: bool,
) -> Result<NewCall, Status> {
    if handle.is_down() {
        let words = format!("{} is down: a fault of this world", handle.region());
        return Err(Status::unavailable(words));
    }
    let verified =
        signature::verify(handle, request.metadata(), operation.service, path, signed).await;
    let credential = verified
        .map_err(|gone| Status::unavailable(gone.to_string()))?
        .map_err(|failure| status(&failure, ""))?;
    let mut call = NewCall::of(operation.id, credential, Vec::new());
    call.context
        .insert("aws:SecureTransport".into(), tls.to_string());
    let caller = request.extensions().get::<Caller>();
    if let Some(address) = caller.and_then(|caller| caller.address) {
        call.context
            .insert("aws:SourceIp".into(), address.ip().to_string());
    }
    if let Some(trace) = request
        .metadata()
        .get("traceparent")
        .and_then(|it| it.to_str().ok())
    {
        trace.clone_into(&mut call.traceparent);
    }
    Ok(call)
}

async fn with_body(handle: &Handle, call: NewCall, body: Vec<u8>) -> Result<Answer, Status> {
    let gone = |error: UploadError| Status::unavailable(error.to_string());
    let opened = handle.open(call, body.len() as u64).await;
    let mut upload = match opened.map_err(|error| gone(error.into()))? {
        Opened::Answered(answer) => return Ok(answer),
        Opened::Ready(upload) => upload,
    };
    match upload.write(&body).await {
        Ok(()) => upload.finish().await.map_err(gone),
        Err(UploadError::Answered(answer)) => Ok(*answer),
        Err(error) => Err(gone(error)),
    }
}

async fn whole(mut body: AnswerBody, holding: &Holding) -> Result<Vec<u8>, Status> {
    if body.length() > MAX_CALL as u64 - 64 * 1024 {
        return Err(Status::resource_exhausted(format!(
            "the body has {} bytes, more than a typed call can carry; ask with a range, or through faultline.region.v1.Calls",
            body.length()
        )));
    }
    intake::take(holding, usize::try_from(body.length()).unwrap_or(MAX_CALL))?;
    let mut bytes = Vec::new();
    while let Some(chunk) = body
        .next()
        .await
        .map_err(|gone| Status::unavailable(gone.to_string()))?
    {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A refusal as gRPC says it.
pub(super) fn status(failure: &Failure, request_id: &str) -> Status {
    let code = match (failure.code.as_str(), failure.http_status) {
        (code, _) if code.contains("AccessDenied") || code == "UnauthorizedOperation" => {
            Code::PermissionDenied
        }
        (code, _)
            if code.contains("Throttl") || code == "SlowDown" || code == "RequestLimitExceeded" =>
        {
            Code::ResourceExhausted
        }
        (code, _) if code.contains("NotFound") || code.starts_with("NoSuch") => Code::NotFound,
        (code, _) if code.contains("AlreadyExists") => Code::AlreadyExists,
        (
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "ExpiredTokenException"
            | "ExpiredToken",
            _,
        ) => Code::Unauthenticated,
        ("NotImplemented", _) => Code::Unimplemented,
        (_, 503) => Code::Unavailable,
        (_, 500..) => Code::Internal,
        (code, _) if code.contains("State") || code.contains("Disabled") => {
            Code::FailedPrecondition
        }
        _ => Code::InvalidArgument,
    };
    let mut metadata = MetadataMap::new();
    note(&mut metadata, "x-amzn-errortype", &failure.code);
    note(&mut metadata, "x-amzn-requestid", request_id);
    let words = format!("{}: {}", failure.code, failure.message);
    Status::with_details_and_metadata(code, words, failure.encode_to_vec().into(), metadata)
}

fn note(metadata: &mut MetadataMap, name: &'static str, value: &str) {
    if let Ok(value) = MetadataValue::try_from(value) {
        metadata.insert(name, value);
    }
}

/// Messages as the bytes that they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;
    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
