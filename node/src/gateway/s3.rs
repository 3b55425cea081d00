//! Answers S3's requests: documents at once, objects by chunks.
//!
//! A put is opened before its body is asked for, so a refusal costs the client nothing
//! (`Expect: 100-continue`); its last chunk goes to the Region only when signature, hash and
//! checksums hold. A get flows as the client takes it.

use faultline_proto::driving::Credential;
use faultline_proto::tables::{OperationDef, Protocol, ServiceDef};
use faultline_region::vault::SecretKey;
use http::{HeaderValue, Response, StatusCode};

use super::answer::{self, Answered, full};
use super::body::{Checks, Intake};
use super::errors::Problem;
use super::request::Head;
use super::rest::{self, Target};
use super::sigv4::Signed;
use super::sigv4::chunked::{Chain, Decoder};
use super::sigv4::payload::Payload;
use super::{Gateway, Refused, RequestBody, refusal};
use crate::live::bodies::UploadError;
use crate::live::{Answer, Opened};

pub(super) async fn serve<B: RequestBody>(
    gateway: &Gateway,
    head: &Head,
    signed: Option<Signed>,
    body: B,
    service: &'static ServiceDef,
) -> Result<Response<Answered>, Refused> {
    let target = Target::of(head);
    let presigned = signed
        .as_ref()
        .is_none_or(|signed| signed.expires.is_some());
    let payload = Payload::of_s3(head, presigned).map_err(bad_hash)?;
    let (credential, decoder) = match signed {
        Some(signed) => {
            let (credential, key) = gateway.verify(head, &signed, &payload, service).await?;
            (credential, decoder(&payload, Some((&signed, key))))
        }
        // Nobody: what a bucket policy allows to all.
        None => (Credential::default(), decoder(&payload, None)),
    };
    let operation = rest::route(service, head, &target)?;
    let uploads = operation.input.fields.iter().any(|field| field.shape.body);
    let checks = if uploads {
        Checks::of(head, &payload)?
    } else {
        Checks::of_document(head, &payload)?
    };
    let intake = Intake::new(body, decoder, checks);
    let length = length(head, &payload)?;
    let asked = Asked {
        gateway,
        head,
        target,
        operation,
        credential,
    };
    let answer = if uploads {
        asked.upload(intake, length).await?
    } else {
        asked.document(intake).await?
    };
    respond(head, service, operation, answer)
}

/// One request on its way.
struct Asked<'a> {
    gateway: &'a Gateway,
    head: &'a Head,
    target: Target,
    operation: &'static OperationDef,
    credential: Credential,
}

impl Asked<'_> {
    async fn document<B: RequestBody>(self, mut intake: Intake<B>) -> Result<Answer, Refused> {
        let limits = self.gateway.limits();
        let (mut body, mut held) = (Vec::new(), self.gateway.held());
        while let Some(bytes) = intake.next(limits).await? {
            if !held.take(bytes.len()) {
                return Err(Problem::throttled(Protocol::RestXml).into());
            }
            if body.len() + bytes.len() > limits.document {
                return Err(Problem::new(
                    400,
                    "MaxMessageLengthExceeded",
                    "Your request was too big.",
                )
                .into());
            }
            body.extend_from_slice(&bytes);
        }
        intake.finish(limits)?;
        let message = rest::request(self.operation, self.head, &self.target, None, &body)?;
        let call = self
            .gateway
            .new_call(self.head, self.operation.id, self.credential, message);
        let answer = self.gateway.handle().call(call).await;
        answer.map_err(|_| unavailable())
    }

    async fn upload<B: RequestBody>(
        self,
        mut intake: Intake<B>,
        length: Option<u64>,
    ) -> Result<Answer, Refused> {
        let limits = self.gateway.limits();
        let length = length.ok_or_else(|| {
            Problem::new(
                411,
                "MissingContentLength",
                "You must provide the Content-Length HTTP header.",
            )
        })?;
        if length > limits.object {
            return Err(Problem::new(
                400,
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed size",
            )
            .into());
        }
        let message = rest::request(self.operation, self.head, &self.target, Some(length), &[])?;
        let call = self
            .gateway
            .new_call(self.head, self.operation.id, self.credential, message);
        let opened = self.gateway.handle().open(call, length).await;
        let mut upload = match opened.map_err(|_| unavailable())? {
            Opened::Answered(answer) => return Ok(answer),
            Opened::Ready(upload) => upload,
        };
        while let Some(bytes) = intake.next(limits).await? {
            match upload.write(&bytes).await {
                Ok(()) => {}
                Err(error) => return early(error),
            }
        }
        intake.finish(limits)?;
        upload.finish().await.or_else(early)
    }
}

/// An upload that ended before its body did.
fn early(error: UploadError) -> Result<Answer, Refused> {
    match error {
        UploadError::Answered(answer) => Ok(*answer),
        UploadError::TooLong { .. } | UploadError::Incomplete { .. } => Err(Problem::new(
            400,
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        )
        .into()),
        UploadError::Gone(_) => Err(unavailable()),
    }
}

fn unavailable() -> Refused {
    Problem::unavailable(Protocol::RestXml).into()
}

fn bad_hash(given: String) -> Problem {
    if given.is_empty() {
        return Problem::new(
            400,
            "InvalidRequest",
            "Missing required header for this request: x-amz-content-sha256",
        );
    }
    Problem::new(
        400,
        "InvalidArgument",
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
    )
}

fn decoder(payload: &Payload, signed: Option<(&Signed, SecretKey)>) -> Option<Decoder> {
    let Payload::Chunked {
        signed: chain,
        trailer,
    } = *payload
    else {
        return None;
    };
    let chain = signed
        .filter(|_| chain)
        .map(|(signed, key)| Chain::new(signed, key));
    Some(Decoder::new(chain, trailer))
}

/// Length of the object: of chunks it stands in its own header.
fn length(head: &Head, payload: &Payload) -> Result<Option<u64>, Problem> {
    if !matches!(payload, Payload::Chunked { .. }) {
        return Ok(head.content_length());
    }
    let said = head.header("x-amz-decoded-content-length");
    said.and_then(|text| text.parse().ok())
        .map(Some)
        .ok_or_else(|| {
            Problem::new(
                411,
                "MissingContentLength",
                "You must provide the x-amz-decoded-content-length HTTP header.",
            )
        })
}

fn respond(
    head: &Head,
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    answer: Answer,
) -> Result<Response<Answered>, Refused> {
    let success = match answer.outcome {
        Ok(success) => success,
        Err(failure) => {
            let mut refused = refusal(Protocol::RestXml, *failure, answer.request_id);
            if let Some(bucket) = Target::of(head).bucket {
                refused
                    .problem
                    .members
                    .push(("BucketName".to_owned(), bucket));
            }
            return Err(refused);
        }
    };
    let bound = rest::response(service, operation, &success.response).map_err(|_| unavailable())?;
    let streams = success.body.is_some();
    let document = bound.body.filter(|body| !body.is_empty());
    let kind = match &document {
        Some(body) if body.starts_with('<') => Some("application/xml"),
        Some(_) => Some("application/json"),
        None if streams => Some("binary/octet-stream"),
        None => None,
    };
    let body = match success.body {
        Some(body) => answer::streamed(body),
        None => full(document.unwrap_or_default()),
    };
    let body = if rest::is_head(&head.method) {
        full("")
    } else {
        body
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(bound.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    *headers = bound.headers;
    if let Some(kind) = kind
        && !headers.contains_key("content-type")
    {
        headers.insert("content-type", HeaderValue::from_static(kind));
    }
    answer::name_request(headers, &answer.request_id, true);
    Ok(response)
}
