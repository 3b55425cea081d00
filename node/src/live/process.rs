//! A live node as a process: from its configuration to the end of its last answer.
//!
//! It is ready when its store is open, its Region has started and its ports listen; then it
//! prints one line, `ready grpc=ADDRESS aws=ADDRESS`. SIGTERM, SIGINT, the operator's `Stop` or the end
//! of standard input (the parent is gone) stop it: it takes no more calls, finishes those it
//! has within [`GRACE`], flushes, and ends.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use faultline_proto::names::RegionName;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tonic::transport::Endpoint;

use super::actor::LiveActor;
use super::dial::Dialer;
use super::links::Links;
use super::peers::{Proofs, keep};
use super::serve::{Served, serve};
use super::start::LiveStart;
use crate::gateway::limits::Limits;
use crate::gateway::{self, Gateway, GatewayConfig};
use crate::node::{NodeError, runtime, stdin_closed, system};
use crate::store::{SledStore, StoreOptions};
use crate::tls::{AWS, GRPC, Tls, TlsFiles, node_name};

/// How long calls that were begun may take once the node stops.
pub const GRACE: Duration = Duration::from_secs(5);
/// Envelopes that may wait between the Region and its links.
const OUTBOX: usize = 1024;

/// How to run one live node.
#[derive(Debug, Clone)]
pub struct LiveConfig {
    /// What its Region is told.
    pub start: LiveStart,
    /// Folder of its store, which holds nothing else.
    pub store: PathBuf,
    /// Memory for the store's pages, in bytes.
    pub cache_capacity: u64,
    /// Where gRPC is served: the AWS services, peers, health, reflection, the operator.
    pub grpc: SocketAddr,
    /// Where AWS's own wire is served.
    pub aws: SocketAddr,
    /// Certificates and keys; without them nothing is encrypted.
    pub tls: Option<TlsFiles>,
    /// `http://HOST:PORT` of each other Region's gRPC; `https://` with TLS.
    pub peers: BTreeMap<RegionName, String>,
    /// What clients may take, of either entrance.
    pub limits: Limits,
    /// Whether it ends when standard input closes.
    pub stop_when_stdin_closes: bool,
}

/// Runs a live node as this process; returns when it was told to stop and has.
///
/// # Errors
/// [`NodeError`], before the ready line is printed or after.
pub fn run(config: &LiveConfig) -> Result<(), NodeError> {
    let began = Instant::now();
    let mut options = StoreOptions::new(&config.store, config.start.region.clone());
    options.cache_capacity = config.cache_capacity;
    let store = SledStore::open(&options)?;
    runtime()?.block_on(live(config, store, began))
}

async fn live(config: &LiveConfig, store: SledStore, began: Instant) -> Result<(), NodeError> {
    let secured = Secured::of(config).map_err(refused)?;
    let grpc = listen(config.grpc).await?;
    let aws = listen(config.aws).await?;
    let (outbox, posts) = mpsc::channel(OUTBOX);
    let (actor, handle) = LiveActor::start(store, &config.start, outbox)?;
    let (links, queues) = Links::new(config.peers.keys().cloned());
    tokio::spawn(links.clone().post(posts));
    let proofs = Proofs::new(config.start.region.clone(), &config.start.partition_secret);
    for (link, queue) in queues {
        let dialer = Dialer::new(&link.peer, secured.dials.clone());
        let url = dialer.url(&config.peers[&link.peer]).map_err(refused)?;
        let endpoint = Endpoint::from_shared(url)?;
        let (proofs, handle) = (proofs.clone(), handle.clone());
        tokio::spawn(keep(link, queue, endpoint, dialer, proofs, handle));
    }
    let told = Arc::new(Notify::new());
    let (stop, stopping) = watch::channel(false);
    let (stop_actor, actor_stops) = oneshot::channel();
    let mut owning = tokio::spawn(actor.run(actor_stops));
    let served = Served {
        config,
        handle: &handle,
        links,
        proofs,
        told: Arc::clone(&told),
        began,
        stop: stopping.clone(),
    };
    let routes = served.routes().await;
    announce(&grpc, &aws)?;
    let gateway = Gateway::new(
        handle.clone(),
        GatewayConfig {
            regions: config.start.regions.clone(),
            limits: config.limits.clone(),
        },
    );
    let mut stop_gateway = stopping.clone();
    let gateway = tokio::spawn(gateway::server::run(
        gateway,
        aws,
        secured.aws,
        async move {
            let _ = stop_gateway.wait_for(|stop| *stop).await;
        },
    ));
    let limits = config.limits.clone();
    let tls = secured.grpc;
    let entrances = tokio::spawn(async move { serve(routes, grpc, &limits, tls, stopping).await });
    let died = tokio::select! {
        ended = &mut owning => Some(ended),
        () = stop_is_asked(&told, config.stop_when_stdin_closes) => None,
    };
    // No more calls come in; those that were begun are finished.
    let _ = stop.send(true);
    let _ = tokio::time::timeout(GRACE, async { tokio::join!(entrances, gateway) }).await;
    let ended = match died {
        Some(ended) => ended,
        None => {
            let _ = stop_actor.send(());
            owning.await
        }
    };
    Ok(ended.map_err(|_| NodeError::Panicked)??)
}

/// What TLS needs at each entrance, and to dial peers; nothing of it without TLS.
#[derive(Default)]
struct Secured {
    aws: Option<TlsAcceptor>,
    grpc: Option<TlsAcceptor>,
    dials: Option<TlsConnector>,
}

impl Secured {
    fn of(config: &LiveConfig) -> Result<Self, String> {
        let Some(files) = &config.tls else {
            return Ok(Self::default());
        };
        let tls = Tls::load(files, &node_name(&config.start.region))?;
        Ok(Self {
            aws: Some(tls.acceptor(AWS)?),
            grpc: Some(tls.acceptor(GRPC)?),
            dials: Some(tls.connector(GRPC)?),
        })
    }
}

fn refused(why: String) -> NodeError {
    NodeError::System {
        doing: "set up its connections".to_owned(),
        source: std::io::Error::other(why),
    }
}

async fn listen(at: SocketAddr) -> Result<TcpListener, NodeError> {
    TcpListener::bind(at)
        .await
        .map_err(system(|| format!("listen on {at}")))
}

fn announce(grpc: &TcpListener, aws: &TcpListener) -> Result<(), NodeError> {
    let address = |listener: &TcpListener| {
        listener
            .local_addr()
            .map_err(system(|| "learn its own address".to_owned()))
    };
    let (grpc, aws) = (address(grpc)?, address(aws)?);
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready grpc={grpc} aws={aws}")
        .and_then(|()| out.flush())
        .map_err(system(|| "say that it is ready".to_owned()))
}

/// Resolves when somebody wants the node to stop.
async fn stop_is_asked(told: &Notify, with_stdin: bool) {
    use tokio::signal::unix::{SignalKind, signal};
    let term = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => drop(signals.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    let closed = stdin_closed(with_stdin);
    tokio::select! {
        () = term => tracing::info!("stopping: SIGTERM"),
        Ok(()) = tokio::signal::ctrl_c() => tracing::info!("stopping: SIGINT"),
        () = told.notified() => tracing::info!("stopping: the operator said so"),
        _ = closed => tracing::info!("stopping: the parent is gone"),
    }
}
