//! One port for all Regions: a request goes to the Region in its signature's scope.
//!
//! Nothing is verified or changed here; the Region's own entrance does that. Services with one
//! endpoint for all Regions (IAM) go to the home of the directory, and so does what names no
//! Region of the world, to be refused there.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use faultline_proto::names::RegionName;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore};

use super::answer::Answered;
use super::errors::Problem;
use super::guard::Guarded;
use super::limits::Limits;
use super::request::Head;
use super::{identify, server, sigv4};

/// Where the Regions' own entrances are.
#[derive(Debug, Clone)]
pub struct Front {
    /// By Region.
    pub nodes: BTreeMap<RegionName, SocketAddr>,
    /// Home of the directory.
    pub home: RegionName,
    /// Limits of connections.
    pub limits: Limits,
}

/// Connections to nodes that one client's connection uses.
type Pool = Mutex<BTreeMap<RegionName, SendRequest<Incoming>>>;

impl Front {
    /// The Region that a request is for.
    #[must_use]
    pub fn region_of(&self, head: &Head) -> &RegionName {
        let scope = sigv4::parse(head).ok().flatten().map(|signed| signed.scope);
        let known = |name: &str| self.nodes.keys().find(|region| region.as_str() == name);
        match scope {
            Some(scope) if scope.service == "iam" => &self.home,
            Some(scope) => known(&scope.region).unwrap_or(&self.home),
            None => head.host().split('.').find_map(known).unwrap_or(&self.home),
        }
    }

    /// Serves `listener` until `stop` resolves.
    pub async fn run(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let front = Arc::new(self);
        let mut stop = pin!(stop);
        loop {
            let accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (listener.accept().await, place)
            };
            let (accepted, place) = tokio::select! {
                biased;
                () = &mut stop => return,
                accepted = accepted => accepted,
            };
            let Ok((stream, peer)) = accepted else {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            let front = Arc::clone(&front);
            tokio::spawn(async move {
                let pool = Arc::new(Pool::default());
                let limits = front.limits.clone();
                let service = service_fn(move |request| {
                    let (front, pool) = (Arc::clone(&front), Arc::clone(&pool));
                    async move {
                        Ok::<_, std::convert::Infallible>(front.pass(&pool, request, peer).await)
                    }
                });
                let served = server::builder(&limits)
                    .serve_connection(
                        TokioIo::new(Guarded::new(stream, &limits, place.ok())),
                        service,
                    )
                    .await;
                if let Err(error) = served {
                    tracing::debug!(%error, "a connection ended");
                }
            });
        }
    }

    async fn pass(
        &self,
        pool: &Pool,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Response<Answered> {
        let (mut parts, body) = request.into_parts();
        let head = Head::new(parts.clone(), peer.ip(), false);
        let region = self.region_of(&head).clone();
        // The client was told to go on by us.
        parts.headers.remove(http::header::EXPECT);
        match self
            .send(pool, &region, Request::from_parts(parts, body))
            .await
        {
            Ok(response) => response.map(|body| body.map_err(std::io::Error::other).boxed_unsync()),
            Err(why) => {
                tracing::warn!(%region, %why, "a node cannot be reached");
                let asked = identify::asked(&head, None);
                let problem = Problem::new(
                    503,
                    "ServiceUnavailable",
                    format!("The node of {region} cannot be reached"),
                );
                problem.response(asked.protocol(), "", "-", false)
            }
        }
    }

    async fn send(
        &self,
        pool: &Pool,
        region: &RegionName,
        request: Request<Incoming>,
    ) -> Result<Response<Incoming>, super::BoxError> {
        let mut pool = pool.lock().await;
        let mut kept = pool.remove(region);
        if let Some(sender) = &mut kept
            && sender.ready().await.is_err()
        {
            kept = None;
        }
        let mut sender = match kept {
            Some(sender) => sender,
            None => self.connect(region).await?,
        };
        let response = sender.send_request(request).await?;
        pool.insert(region.clone(), sender);
        Ok(response)
    }

    async fn connect(&self, region: &RegionName) -> Result<SendRequest<Incoming>, super::BoxError> {
        let address = self.nodes.get(region).ok_or("no such Region")?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to a node ended");
            }
        });
        Ok(sender)
    }
}
