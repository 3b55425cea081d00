//! Node to node: one stream of envelopes out to each peer, one in from each.
//!
//! A node dials every peer and keeps dialling, with pauses that grow to [`LONGEST`]. Once a
//! peer can be reached, the Region sends it what it has not acknowledged. A slow peer slows
//! its stream (HTTP/2's own windows), the queue fills, and the rest is lost and sent again.
//!
//! A peer proves that it belongs to the world: by a token that only holders of the
//! partition's secret can make, and, where TLS is on, by its certificate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use faultline_proto::driving::peers_client::PeersClient;
use faultline_proto::driving::peers_server::Peers;
use faultline_proto::driving::{Envelope, Shipped};
use faultline_proto::names::RegionName;
use faultline_region::vault::derive;
use subtle::ConstantTimeEq as _;
use tokio::sync::{mpsc, watch};
use tonic::metadata::MetadataValue;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Response, Status, Streaming};

use super::dial::Dialer;
use super::handle::Handle;
use super::incoming::Caller;
use super::links::{Link, Links, Queue};
use crate::config::MAX_MESSAGE;
use crate::tls::{self, node_name};

/// First pause between two attempts to reach a peer.
const FIRST: Duration = Duration::from_millis(50);
/// Longest pause.
const LONGEST: Duration = Duration::from_secs(2);
/// How long one attempt may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How often a peer is asked whether it lives; it has twice as long to answer.
const ALIVE: Duration = Duration::from_secs(3);
/// Envelopes that may be between a queue and its socket.
const AHEAD: usize = 8;
/// Metadata that names the sender.
const FROM: &str = "x-faultline-region";
/// Metadata that proves it.
const PROOF: &str = "x-faultline-proof";

/// What a Region shows to its peers: only holders of the partition's secret can make it.
#[derive(Clone)]
pub(super) struct Proofs {
    region: RegionName,
    partition_secret: Arc<[u8]>,
}

impl Proofs {
    pub fn new(region: RegionName, partition_secret: &[u8]) -> Self {
        Self {
            region,
            partition_secret: partition_secret.into(),
        }
    }

    fn of(&self, from: &str, to: &str) -> String {
        let link = format!("{from}>{to}");
        hex::encode(derive(
            &self.partition_secret,
            "peer stream",
            link.as_bytes(),
        ))
    }

    pub(super) fn attach<T>(&self, to: &RegionName, request: &mut Request<T>) {
        let proof = self.of(self.region.as_str(), to.as_str());
        let pairs = [(FROM, self.region.to_string()), (PROOF, proof)];
        for (name, value) in pairs {
            if let Ok(value) = MetadataValue::try_from(value) {
                request.metadata_mut().insert(name, value);
            }
        }
    }

    /// Who sent this request; a refusal when it does not prove it.
    fn sender<T>(&self, request: &Request<T>) -> Result<String, Status> {
        let text = |name| {
            let value = request.metadata().get(name);
            value
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        let (from, proof) = (text(FROM), text(PROOF));
        let expected = self.of(&from, self.region.as_str());
        if bool::from(expected.as_bytes().ct_eq(proof.as_bytes())) {
            return Ok(from);
        }
        Err(Status::unauthenticated(format!(
            "'{from}' did not prove that it is a Region of this world: its partition secret is another one"
        )))
    }
}

/// Keeps a stream to one peer for as long as the node lives.
pub(super) async fn keep(
    link: Arc<Link>,
    mut queue: Queue,
    endpoint: Endpoint,
    dialer: Dialer,
    proofs: Proofs,
    handle: Handle,
) {
    let mut pause = FIRST;
    // TCP alone would wait for minutes before it tries a link again that was cut for long.
    let endpoint = endpoint
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(ALIVE)
        .keep_alive_timeout(2 * ALIVE)
        .keep_alive_while_idle(true);
    loop {
        let began = Instant::now();
        let why = match endpoint.connect_with_connector(dialer.clone()).await {
            Ok(channel) => {
                let client = PeersClient::new(channel).max_encoding_message_size(2 * MAX_MESSAGE);
                stream(&link, &mut queue, client, &proofs, &handle).await
            }
            Err(error) => Status::unavailable(said(&error)),
        };
        let state = match why.code() {
            Code::Unauthenticated | Code::PermissionDenied => "refused",
            _ => "connecting",
        };
        if link.is_now(state, why.message()) {
            tracing::warn!(peer = %link.peer, state, problem = why.message(), "a peer is not connected");
        }
        if began.elapsed() > LONGEST {
            pause = FIRST;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// Sends until the stream breaks, and says why it did.
async fn stream(
    link: &Link,
    queue: &mut Queue,
    mut client: PeersClient<tonic::transport::Channel>,
    proofs: &Proofs,
    handle: &Handle,
) -> Status {
    // What waited for a peer that was away is sent again by the Region, from the beginning.
    while queue.try_recv().is_ok() {}
    let (out, envelopes) = mpsc::channel(AHEAD);
    let mut request = Request::new(tokio_stream::wrappers::ReceiverStream::new(envelopes));
    proofs.attach(&link.peer, &mut request);
    let mut shipping = std::pin::pin!(client.ship(request));
    // A peer that refuses does so at once.
    if let Ok(ended) = tokio::time::timeout(Duration::from_millis(20), &mut shipping).await {
        return over(ended);
    }
    if link.is_now("connected", "") {
        tracing::info!(peer = %link.peer, "a peer is connected");
    }
    if handle.reached(link.peer.clone()).await.is_err() {
        return Status::cancelled("this node ends");
    }
    let pumping = async {
        while let Some((at, envelope)) = queue.recv().await {
            tokio::time::sleep_until(at.into()).await;
            if link.cuts_out() {
                link.was_lost();
            } else if out.send(envelope).await.is_ok() {
                link.was_sent();
            } else {
                break;
            }
        }
    };
    tokio::select! {
        ended = &mut shipping => over(ended),
        () = pumping => Status::cancelled("the stream ended"),
    }
}

fn over(ended: Result<Response<Shipped>, Status>) -> Status {
    ended
        .err()
        .unwrap_or_else(|| Status::unavailable("the peer ended the stream"))
}

/// An error with what it comes from.
fn said(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words = format!("{words}: {error}");
        source = error.source();
    }
    words
}

/// What peers ship to.
pub(super) struct PeerService {
    pub links: Links,
    pub proofs: Proofs,
    pub handle: Handle,
    /// Turns true when the node stops: streams of peers have no end of their own.
    pub stop: watch::Receiver<bool>,
    /// Whether a peer must show a certificate of its Region.
    pub tls: bool,
}

impl PeerService {
    /// Refuses a peer whose certificate is not of the Region that it says it is.
    fn identified(&self, caller: Option<&Caller>, from: &str) -> Result<(), Status> {
        if !self.tls {
            return Ok(());
        }
        let shown = caller.and_then(|caller| caller.certificate.as_ref());
        let shown = shown.ok_or_else(|| {
            Status::unauthenticated(format!("'{from}' showed no certificate of this world"))
        })?;
        let name = RegionName::new(from).map(|region| node_name(&region));
        match name {
            Ok(name) if tls::names(shown, &name) => Ok(()),
            _ => Err(Status::permission_denied(format!(
                "the certificate that was shown is not the one of {from}"
            ))),
        }
    }
}

#[tonic::async_trait]
impl Peers for PeerService {
    async fn ship(
        &self,
        request: Request<Streaming<Envelope>>,
    ) -> Result<Response<Shipped>, Status> {
        let from = self.proofs.sender(&request)?;
        self.identified(request.extensions().get::<Caller>(), &from)?;
        let Some(link) = self.links.to(&from) else {
            return Err(Status::permission_denied(format!(
                "'{from}' is not a Region of this world"
            )));
        };
        let mut envelopes = request.into_inner();
        let mut count = 0;
        let mut stop = self.stop.clone();
        loop {
            let next = tokio::select! {
                next = envelopes.message() => next?,
                _ = stop.wait_for(|stop| *stop) => None,
            };
            let Some(envelope) = next else { break };
            if envelope.from != from {
                return Err(Status::permission_denied(format!(
                    "{from} may not send what {} says",
                    envelope.from
                )));
            }
            if link.cuts_in() {
                link.was_lost();
                continue;
            }
            link.was_received();
            count += 1;
            // Waits while the Region is busy: the sender is slowed by it.
            if self.handle.deliver(envelope).await.is_err() {
                return Err(Status::unavailable("this node ends"));
            }
        }
        Ok(Response::new(Shipped { envelopes: count }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, secret: u8) -> Proofs {
        Proofs::new(RegionName::new(name).unwrap(), &[secret; 32])
    }

    #[test]
    fn only_a_holder_of_the_secret_is_a_peer_and_only_of_whom_it_speaks_to() {
        let (ireland, virginia) = (named("eu-west-1", 1), named("us-east-1", 1));
        let mut request = Request::new(());
        ireland.attach(&virginia.region, &mut request);
        assert_eq!(virginia.sender(&request).unwrap(), "eu-west-1");
        assert!(
            named("ap-south-1", 1).sender(&request).is_err(),
            "meant for another"
        );
        assert!(
            named("us-east-1", 2).sender(&request).is_err(),
            "another world"
        );
        assert!(virginia.sender(&Request::new(())).is_err());
    }
}
