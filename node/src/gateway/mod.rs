//! AWS's wire: unmodified AWS clients ask the Region here.
//!
//! ```text
//!   HTTP/1.1 -> Head -> which service -> signature -> which operation -> message
//!      ^                                                                   | Handle
//!      +------- JSON, query XML or S3's XML <-- response or refusal <------+
//! ```
//!
//! Driven by the definitions: no operation is known here by name, members are placed by the
//! tables of `faultline-proto`. Whether a request is valid, allowed and affordable is the
//! Region's to say, as for every entrance. What is not built is refused by name.
//!
//! - [`server`]: connections, their limits and timeouts ([`limits`], [`guard`]); [`front`]: one port for
//!   all Regions.
//! - [`request`]: the head of a request; [`identify`]: the service that is meant.
//! - [`sigv4`]: signatures; [`verify`]: who asks.
//! - [`calls`]: JSON and query; [`s3`]: objects, over [`rest`]'s binding and [`body`]'s checks.
//! - [`own`]: health, beside AWS's paths. [`errors`]: refusals as each protocol writes them; [`answer`]: what goes out.
//!
//! Left out: CORS, CBOR, HTTP/2, POST forms of browsers, Signature Version 4A.

pub mod answer;
pub mod body;
pub mod calls;
pub mod errors;
pub mod front;
pub mod guard;
pub mod identify;
pub mod limits;
pub mod own;
pub mod request;
pub mod rest;
mod s3;
pub mod server;
pub mod sigv4;
#[cfg(test)]
mod tests;
pub mod verify;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use faultline_proto::driving::Failure;
use faultline_proto::names::RegionName;
use faultline_proto::tables::Protocol;
use http::{Request, Response};

use crate::live::{Handle, NewCall};
use answer::Answered;
use errors::Problem;
use identify::Asked;
use limits::{Bucket, Held, Limits, Room};
use request::Head;
use verify::Keys;

/// Body of a request.
pub trait RequestBody: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin {}
impl<B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin> RequestBody for B {}

/// Any error of a body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What the entrance of one Region is told.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// All Regions of the world: scopes of services that have one endpoint for all of them.
    pub regions: Vec<RegionName>,
    /// Sizes, times and rates.
    pub limits: Limits,
}

/// The entrance of one Region. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    shared: Arc<Shared>,
}

struct Shared {
    handle: Handle,
    regions: Vec<RegionName>,
    limits: Limits,
    keys: Keys,
    rate: Option<Bucket>,
    room: Room,
    /// Numbers requests that never became a call.
    requests: std::sync::atomic::AtomicU64,
}

/// A refusal with the request id under which the trail has it, if it became a call.
struct Refused {
    problem: Box<Problem>,
    request_id: Option<Box<str>>,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self {
            problem: Box::new(problem),
            request_id: None,
        }
    }
}

impl Gateway {
    /// An entrance to the Region behind `handle`.
    #[must_use]
    pub fn new(handle: Handle, config: GatewayConfig) -> Self {
        let rate = config.limits.requests_per_second.map(Bucket::new);
        let room = Room::new(config.limits.memory);
        Self {
            shared: Arc::new(Shared {
                handle,
                regions: config.regions,
                limits: config.limits,
                keys: Keys::default(),
                rate,
                room,
                requests: std::sync::atomic::AtomicU64::new(0),
            }),
        }
    }

    /// Its limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Room for a request that is being read.
    fn held(&self) -> Held {
        Held::none(&self.shared.room)
    }

    fn handle(&self) -> &Handle {
        &self.shared.handle
    }

    /// Answers one request. Never fails: what goes wrong is an AWS error.
    pub async fn answer<B: RequestBody>(
        &self,
        request: Request<B>,
        peer: IpAddr,
        secure: bool,
    ) -> Response<Answered> {
        let (parts, body) = request.into_parts();
        let ambiguous = ambiguous(&parts);
        let head = Head::new(parts, peer, secure);
        if let Some(problem) = ambiguous {
            return self.refused(identify::asked(&head, None), &head, problem.into());
        }
        if let Some(answer) = own::answer(&head.path, self.handle().region()) {
            return answer;
        }
        let signed = match sigv4::parse(&head) {
            Ok(signed) => signed,
            Err(why) => {
                let asked = identify::asked(&head, None);
                let ours = self.handle().region().as_str();
                let problem = Problem::unverified(asked.protocol(), &why, ours);
                return self.refused(asked, &head, problem.into());
            }
        };
        let asked = identify::asked(&head, signed.as_ref());
        if self.shared.rate.as_ref().is_some_and(|rate| !rate.take()) {
            let problem = Problem::throttled(asked.protocol());
            return self.refused(asked, &head, problem.into());
        }
        let answered = match asked {
            Asked::Json { service, operation } => {
                calls::json(self, &head, signed, body, service, &operation).await
            }
            Asked::Query { service } => calls::query(self, &head, signed, body, service).await,
            Asked::S3 { service } => s3::serve(self, &head, signed, body, service).await,
            Asked::Nothing { ref problem, .. } => Err(problem.clone().into()),
        };
        answered.unwrap_or_else(|refused| {
            let asked = identify::asked(&head, None);
            self.refused(asked, &head, refused)
        })
    }

    fn refused(&self, asked: Asked, head: &Head, refused: Refused) -> Response<Answered> {
        let protocol = asked.protocol();
        let request_id = refused
            .request_id
            .unwrap_or_else(|| self.request_id().into());
        let namespace = asked.service().map_or("", |service| service.xml_namespace);
        let head_only = rest::is_head(&head.method);
        let problem = refused.problem.in_words_of(protocol);
        let mut response = problem.response(protocol, namespace, &request_id, head_only);
        let s3 = protocol == Protocol::RestXml;
        answer::name_request(response.headers_mut(), &request_id, s3);
        response
    }

    /// An id for a request that never became a call: not in the trail.
    fn request_id(&self) -> String {
        let number = self
            .shared
            .requests
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        format!("00000000-0000-0000-0000-{number:012x}")
    }

    /// A call with what only the entrance knows.
    fn new_call(
        &self,
        head: &Head,
        operation: &str,
        credential: faultline_proto::driving::Credential,
        request: Vec<u8>,
    ) -> NewCall {
        let mut call = NewCall::of(operation, credential, request);
        let context = &mut call.context;
        context.insert("aws:SourceIp".to_owned(), head.peer.to_string());
        context.insert("aws:SecureTransport".to_owned(), head.secure.to_string());
        if let Some(agent) = head.header("user-agent") {
            context.insert("aws:UserAgent".to_owned(), agent.to_owned());
        }
        if let Some(parent) = head.header("traceparent") {
            parent.clone_into(&mut call.traceparent);
        }
        call
    }
}

/// Headers that two programs on a request's way may read as two different things.
fn ambiguous(parts: &http::request::Parts) -> Option<Problem> {
    for name in ["host", "authorization", "x-amz-date", "x-amz-target"] {
        if parts.headers.get_all(name).iter().nth(1).is_some() {
            let message = format!("The request has more than one {name} header");
            return Some(Problem::new(400, "InvalidRequest", message));
        }
    }
    let hostless = !parts.headers.contains_key("host") && parts.uri.authority().is_none();
    (parts.version == http::Version::HTTP_11 && hostless)
        .then(|| Problem::new(400, "InvalidRequest", "The request has no host header"))
}

/// A refusal of the Region as it goes out.
fn refusal(protocol: Protocol, failure: Failure, request_id: String) -> Refused {
    let mut problem = Problem::new(
        u16::try_from(failure.http_status)
            .ok()
            .filter(|status| *status >= 300)
            .unwrap_or(400),
        failure.code,
        failure.message,
    );
    if let Ok(serde_json::Value::Object(members)) = serde_json::from_str(&failure.members) {
        problem.json = Some(members);
    }
    if protocol == Protocol::RestXml && problem.code == "PermanentRedirect" {
        // The Region of the bucket stands in the endpoint of the message.
        let endpoint = problem
            .message
            .rsplit(' ')
            .next()
            .unwrap_or_default()
            .to_owned();
        if let Some(region) = endpoint.split('.').nth(1) {
            problem
                .members
                .push(("Region".to_owned(), region.to_owned()));
        }
        problem.members.push(("Endpoint".to_owned(), endpoint));
    }
    Refused {
        problem: Box::new(problem),
        request_id: Some(request_id.into()),
    }
}
