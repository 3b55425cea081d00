//! A client of one live node: signed calls, and the operator's questions.

use std::time::Duration;

use bytes::Bytes;
use faultline_node::live::LiveClock;
use faultline_node::live::calls::PATH;
use faultline_node::live::control::{TOKEN, token};
use faultline_node::live::dial::Dialer;
use faultline_node::live::signature::{Signer, sign};
use faultline_node::tls;
use faultline_proto::driving::calls_client::CallsClient;
use faultline_proto::driving::control_client::ControlClient;
use faultline_proto::driving::{
    Completed, Credential, HearRequest, Heard, Invocation, InvokePart, Look, NodeStatus,
    StatusRequest, StopRequest, Trouble, invoke_answer, invoke_part,
};
use faultline_proto::names::{Elapsed, RegionName};
use faultline_proto::tables::OperationDef;
use faultline_region::signing::secret_access_key;
use prost::Message as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use super::saved::SavedRegion;

/// How long a node may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(90);
/// Chunks of a body on its way to a node.
const CHUNK: usize = 256 * 1024;

/// What clients of a world hold.
#[derive(Clone)]
pub struct Access {
    /// The secret from which all credentials are derived.
    pub partition_secret: Vec<u8>,
    /// Certificate of the world's authority, when it speaks TLS.
    pub ca: Option<Vec<u8>>,
}

/// A client of one node.
#[derive(Clone)]
pub struct LiveClient {
    region: RegionName,
    channel: Channel,
    partition_secret: Vec<u8>,
    clock: LiveClock,
}

/// What came of a call.
#[derive(Debug)]
pub struct Invoked {
    /// The outcome; `call` holds AWS's request id.
    pub completed: Completed,
    /// The answer's body.
    pub body: Option<Vec<u8>>,
}

impl LiveClient {
    /// A client that connects when it is first used.
    ///
    /// # Errors
    /// A sentence when the address is none, or the authority has no certificate.
    pub fn new(node: &SavedRegion, access: &Access) -> Result<Self, String> {
        let tls = access.ca.as_deref();
        let tls = tls.map(|ca| tls::trusting(ca, tls::GRPC)).transpose()?;
        let dialer = Dialer::new(&node.region, tls);
        let endpoint = Endpoint::from_shared(format!("http://{}", node.grpc))
            .map_err(|error| format!("{}: {error}", node.grpc))?;
        Ok(Self {
            region: node.region.clone(),
            channel: endpoint
                .connect_timeout(CONNECT)
                .timeout(PATIENCE)
                .tcp_nodelay(true)
                .connect_with_connector_lazy(dialer),
            partition_secret: access.partition_secret.clone(),
            clock: LiveClock::start(Elapsed(0)),
        })
    }

    /// The Region.
    #[must_use]
    pub fn region(&self) -> &RegionName {
        &self.region
    }

    /// Makes one call and reads its whole answer.
    ///
    /// # Errors
    /// The status of a broken wire, or of a refused signature; a refusal is an outcome.
    pub async fn invoke(
        &self,
        operation: &OperationDef,
        credential: &Credential,
        request: Vec<u8>,
        body: Option<Bytes>,
    ) -> Result<Invoked, Status> {
        let digest = body.as_ref().map(|body| Sha256::digest(body).to_vec());
        let invocation = Invocation {
            operation: operation.id.to_owned(),
            request,
            body_length: body.as_ref().map(|body| body.len() as u64),
            body_sha256: digest.unwrap_or_default(),
        };
        let signed = invocation.encode_to_vec();
        let part = |part| InvokePart { part: Some(part) };
        let mut parts = vec![part(invoke_part::Part::Call(invocation))];
        for chunk in body.iter().flat_map(|body| body.chunks(CHUNK)) {
            parts.push(part(invoke_part::Part::Chunk(chunk.to_vec())));
        }
        let mut request = Request::new(tokio_stream::iter(parts));
        if !credential.access_key.is_empty() {
            let secret = secret_access_key(&self.partition_secret, &credential.access_key);
            let signer = Signer {
                credential,
                secret: &secret,
                region: self.region.as_str(),
                service: operation.service,
            };
            sign(
                &signer,
                self.clock.wall(),
                PATH,
                &signed,
                request.metadata_mut(),
            );
        }
        let mut client = CallsClient::new(self.channel.clone());
        let mut answers = client.invoke(request).await?.into_inner();
        let mut invoked = None;
        while let Some(answer) = answers.message().await? {
            match (answer.part, &mut invoked) {
                (Some(invoke_answer::Part::Completed(completed)), None) => {
                    let body = None;
                    invoked = Some(Invoked { completed, body });
                }
                (Some(invoke_answer::Part::Chunk(chunk)), Some(invoked)) => {
                    invoked
                        .body
                        .get_or_insert_default()
                        .extend_from_slice(&chunk);
                }
                _ => return Err(Status::internal("the answer is not one: a bug in the node")),
            }
        }
        invoked.ok_or_else(|| Status::unavailable("the node ended before it answered"))
    }

    fn operator<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Ok(value) = MetadataValue::try_from(token(&self.partition_secret)) {
            request.metadata_mut().insert(TOKEN, value);
        }
        request
    }

    /// How the node is.
    ///
    /// # Errors
    /// The status of a node that cannot be asked.
    pub async fn status(&self) -> Result<NodeStatus, Status> {
        let mut client = ControlClient::new(self.channel.clone());
        let status = client.status(self.operator(StatusRequest {})).await?;
        Ok(status.into_inner())
    }

    /// What the Region holds: `keys`, `tables`, `buckets` or `replication`. It leaves no trace.
    ///
    /// # Errors
    /// The status of a node that cannot be asked.
    pub async fn inspect(&self, what: &str) -> Result<Value, Status> {
        let look = Look {
            what: what.to_owned(),
            arguments: String::new(),
        };
        let mut client = ControlClient::new(self.channel.clone());
        let answer = client.inspect(self.operator(look)).await?.into_inner();
        let value: Value = serde_json::from_str(&answer.answer)
            .map_err(|_| Status::internal("the answer is no JSON: a bug in the node"))?;
        match value["error"].as_str() {
            Some(problem) => Err(Status::internal(problem)),
            None => Ok(value),
        }
    }

    /// What happened since number `from`, which is 0 at first.
    ///
    /// # Errors
    /// The status of a node that cannot be asked.
    pub async fn hear(&self, from: u64) -> Result<Heard, Status> {
        let mut client = ControlClient::new(self.channel.clone());
        let heard = client.hear(self.operator(HearRequest { from })).await?;
        Ok(heard.into_inner())
    }

    /// Replaces all trouble of the node.
    ///
    /// # Errors
    /// The status of a node that cannot be told.
    pub async fn set_trouble(&self, trouble: Trouble) -> Result<(), Status> {
        let mut client = ControlClient::new(self.channel.clone());
        client.set_trouble(self.operator(trouble)).await.map(drop)
    }

    /// Stops the node in good order.
    ///
    /// # Errors
    /// The status of a node that cannot be told.
    pub async fn stop(&self) -> Result<(), Status> {
        let mut client = ControlClient::new(self.channel.clone());
        client.stop(self.operator(StopRequest {})).await.map(drop)
    }
}

/// A status in words for people.
#[must_use]
pub fn words(status: &Status) -> String {
    match status.code() {
        tonic::Code::Unavailable => format!("the node cannot be reached ({})", status.message()),
        _ => status.message().to_owned(),
    }
}
