//! One port for all Regions: a request goes to the Region in its signature's scope.
//!
//! Nothing is verified or changed here; the Region's own entrance does that. Services with one
//! endpoint for all Regions (IAM) go to the home of the directory, and so does what names no
//! Region of the world, to be refused there. Health and reset of the world are answered here.
//!
//! Nodes see the front door as their client: `aws:SourceIp` is its address.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use faultline_proto::names::RegionName;
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::answer::Answered;
use super::body::BadBody;
use super::errors::Problem;
use super::guard::Guarded;
use super::limits::Limits;
use super::request::Head;
use super::{identify, own, server, sigv4};
use crate::tls::{Wire, node_name};

/// How long a node may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// Brings the world back to its beginning, and says whether that worked.
pub type Reset = mpsc::Sender<oneshot::Sender<Result<(), String>>>;

/// Where the Regions' own entrances are.
#[derive(Clone)]
pub struct Front {
    /// By Region.
    pub nodes: BTreeMap<RegionName, SocketAddr>,
    /// Home of the directory.
    pub home: RegionName,
    /// Limits of connections.
    pub limits: Limits,
    /// What clients are greeted with, and how nodes are dialled.
    pub tls: Option<(TlsAcceptor, TlsConnector)>,
    /// Whoever resets the world, if that is allowed.
    pub reset: Option<Reset>,
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

    /// Serves `listener` until `stop` resolves; requests that were begun are then finished,
    /// within [`Limits::shutdown`].
    pub async fn run(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let graceful = GracefulShutdown::new();
        let front = Arc::new(self);
        let mut stop = pin!(stop);
        loop {
            let accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (listener.accept().await, place)
            };
            let (accepted, place) = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = accepted => accepted,
            };
            let Ok((stream, peer)) = accepted else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            let front = Arc::clone(&front);
            let watcher = graceful.watcher();
            tokio::spawn(async move {
                let limits = &front.limits;
                let acceptor = front.tls.as_ref().map(|(acceptor, _)| acceptor);
                let Some(wire) = server::greeted(stream, acceptor, limits).await else {
                    return;
                };
                let wire = TokioIo::new(Guarded::new(wire, limits, place.ok()));
                let pool = Arc::new(Pool::default());
                let serving = Arc::clone(&front);
                let service = service_fn(move |request| {
                    let (front, pool) = (Arc::clone(&serving), Arc::clone(&pool));
                    async move {
                        Ok::<_, std::convert::Infallible>(front.answer(&pool, request, peer).await)
                    }
                });
                let served = server::builder(limits).serve_connection(wire, service);
                if let Err(error) = watcher.watch(served).await {
                    tracing::debug!(%error, "a connection ended");
                }
            });
        }
        drop(listener);
        let _ = timeout(front.limits.shutdown, graceful.shutdown()).await;
    }

    async fn answer(
        &self,
        pool: &Pool,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Response<Answered> {
        let path = request.uri().path();
        match path {
            own::HEALTH => self.health().await,
            own::RESET => {
                let (status, value) = self.reset(&request).await;
                own::say(status, &value)
            }
            _ => match own::unknown(path) {
                Some(unknown) => unknown,
                None => self.pass(pool, request, peer).await,
            },
        }
    }

    /// 503 when a node cannot be reached.
    async fn health(&self) -> Response<Answered> {
        let mut health = own::health();
        let mut all = true;
        for region in self.nodes.keys() {
            let there = timeout(PATIENCE, self.connect(region)).await;
            let there = matches!(there, Ok(Ok(_)));
            all &= there;
            let word = if there { "running" } else { "unreachable" };
            health["regions"][region.as_str()] = word.into();
        }
        if !all {
            health["status"] = "degraded".into();
        }
        own::say(if all { 200 } else { 503 }, &health)
    }

    async fn reset<B>(&self, request: &Request<B>) -> (u16, Value) {
        let error = |status, words: &str| (status, json!({ "error": words }));
        let Some(reset) = &self.reset else {
            return error(
                403,
                "`faultline up --allow-reset` allows this; it was started without",
            );
        };
        if request.method() != Method::POST {
            return error(405, "a world is reset by POST");
        }
        // A page in somebody's browser is no test suite.
        if request.headers().contains_key(http::header::ORIGIN) {
            return error(403, "a browser may not reset the world");
        }
        let (answer, done) = oneshot::channel();
        if reset.send(answer).await.is_err() {
            return error(503, "the world is stopping");
        }
        match done.await {
            Ok(Ok(())) => (200, json!({ "status": "reset" })),
            Ok(Err(why)) => error(500, &why),
            Err(_) => error(503, "the world is stopping"),
        }
    }

    async fn pass(
        &self,
        pool: &Pool,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Response<Answered> {
        let (mut parts, body) = request.into_parts();
        let head = Head::new(parts.clone(), peer.ip(), self.tls.is_some());
        let region = self.region_of(&head).clone();
        // The client was told to go on by us.
        parts.headers.remove(http::header::EXPECT);
        match self
            .send(pool, &region, Request::from_parts(parts, body))
            .await
        {
            Ok(response) => response.map(|body| body.map_err(std::io::Error::other).boxed_unsync()),
            // Not the node's fault: the body that was passed on broke off.
            Err(why) if broke_off(why.as_ref()) => {
                let protocol = identify::asked(&head, None).protocol();
                let problem = BadBody::Broken.problem(protocol, 0);
                problem.response(protocol, "", "-", false)
            }
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
        let name = node_name(region);
        let tls = self.tls.as_ref();
        let tls = tls.map(|(_, connector)| (connector, name.as_str()));
        let wire = Wire::dial(address, tls).await?;
        let (sender, connection) = handshake(TokioIo::new(wire)).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to a node ended");
            }
        });
        Ok(sender)
    }
}

/// Whether a request failed for the body that its client sent.
fn broke_off(why: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    let error = why.downcast_ref::<hyper::Error>();
    error.is_some_and(hyper::Error::is_user)
}
