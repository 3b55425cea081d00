//! A node from its start to its end, as a process or inside another one.
//!
//! A process is one thread with one current-thread runtime, on which the Region, its streams
//! and their sockets take turns: nothing runs beside a step. Inside another program a node is a
//! task of the runtime that starts it: who waits for a reply has nothing else to do meanwhile, and
//! changing threads twice a step costs more than most steps do.

use std::io::Write as _;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use faultline_region::region::{Died, Region};
use faultline_region::store::StoreError;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::transport::server::Connected;
use tonic::transport::{Channel, Endpoint};

use crate::actor::{self, Driven, Named};
use crate::config::NodeConfig;
use crate::line::Line;
use crate::rpc;

/// Steps that may wait for the Region.
const STEPS: usize = 256;
/// How long a node whose store failed goes on sending.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// Bytes that may be under way between an embedded node and its host.
const PIPE: usize = 1 << 20;

/// Why a node could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Its store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its Region died, and not because a step said so.
    #[error(transparent)]
    Died(#[from] Died),
    /// The system refused something.
    #[error("the node could not {doing}: {source}")]
    System {
        /// What was tried: "listen on 127.0.0.1:0".
        doing: String,
        /// The words of the system.
        source: std::io::Error,
    },
    /// gRPC refused something.
    #[error("gRPC failed: {0}")]
    Transport(#[from] tonic::transport::Error),
    /// A bug: the message is on standard error.
    #[error("the node panicked")]
    Panicked,
}

/// How a node ended when nothing was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was told to stop.
    Stopped,
    /// A step crashed it on purpose.
    Crashed {
        /// The step.
        step: u64,
    },
}

/// Runs a node as this process: prints `listening 127.0.0.1:PORT`, serves, and returns when
/// standard input closes. A crash that a step orders aborts the process.
///
/// # Errors
/// [`NodeError`], before the line is printed or after.
pub fn run(config: &NodeConfig) -> Result<(), NodeError> {
    let mut region = open_region(config)?;
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(config.listen)
            .await
            .map_err(system(|| format!("listen on {}", config.listen)))?;
        let address = listener
            .local_addr()
            .map_err(system(|| "learn its own address".to_owned()))?;
        announce(address).map_err(system(|| "say where it listens".to_owned()))?;
        let closed = stdin_closed(config.stop_when_stdin_closes);
        serve(region.as_mut(), TcpListenerStream::new(listener), closed).await
    })?;
    match ended {
        Ended::Stopped => Ok(()),
        // No destructor runs: dropping a sled store would flush it.
        Ended::Crashed { .. } => std::process::abort(),
    }
}

fn announce(address: SocketAddr) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening {address}")?;
    out.flush()
}

/// Resolves when the other end of standard input is gone; never when `wanted` is false.
pub(crate) fn stdin_closed(wanted: bool) -> oneshot::Receiver<()> {
    let (close, closed) = oneshot::channel();
    if wanted {
        // A blocking read cannot be cancelled, so it gets a thread that dies with the process.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            let _ = close.send(());
        });
    } else {
        std::mem::forget(close);
    }
    closed
}

/// A node in this process, reached through memory. It runs while its host's runtime does.
pub struct EmbeddedNode {
    channel: Channel,
    stop: Option<oneshot::Sender<()>>,
    ended: oneshot::Receiver<Result<Ended, NodeError>>,
}

impl EmbeddedNode {
    /// A gRPC channel to it.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Stops it, and waits until its store is closed.
    ///
    /// # Errors
    /// [`NodeError`] when it had failed before.
    pub async fn stop(mut self) -> Result<Ended, NodeError> {
        drop(self.stop.take());
        self.ended().await
    }

    /// Waits until it ends by itself, and its store is closed: after a step that crashes it.
    ///
    /// # Errors
    /// [`NodeError`] when it failed.
    pub async fn ended(mut self) -> Result<Ended, NodeError> {
        (&mut self.ended).await.unwrap_or(Err(NodeError::Panicked))
    }
}

/// A Region over the configured store.
fn open_region(config: &NodeConfig) -> Result<Box<dyn Driven + Send>, NodeError> {
    let region = Region::new(config.open_store()?);
    Ok(Box::new(Named {
        name: config.region.clone(),
        region,
    }))
}

/// Starts a node as a task of the current runtime. It stops when the answer is dropped.
///
/// # Errors
/// [`NodeError`] when its store cannot be opened.
pub async fn embedded(config: NodeConfig) -> Result<EmbeddedNode, NodeError> {
    embed(open_region(&config)?).await
}

/// Starts whatever is driven as a node.
pub(crate) async fn embed(mut region: Box<dyn Driven + Send>) -> Result<EmbeddedNode, NodeError> {
    let (ours, theirs) = tokio::io::duplex(PIPE);
    let (stop, stopped) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    tokio::spawn(async move {
        let (theirs, line) = Line::over(theirs);
        let connections =
            tokio_stream::once(Ok::<_, std::io::Error>(theirs)).chain(tokio_stream::pending());
        let result = serve(region.as_mut(), connections, stopped).await;
        // The store closes before anybody hears that the node is gone.
        drop(region);
        drop(line);
        let _ = end.send(result);
    });
    Ok(EmbeddedNode {
        channel: connect(ours).await?,
        stop: Some(stop),
        ended,
    })
}

/// The host's end of the pipe as a channel.
async fn connect(pipe: DuplexStream) -> Result<Channel, NodeError> {
    let mut pipe = Some(pipe);
    let connector = tower::service_fn(move |_: http::Uri| {
        let pipe = pipe
            .take()
            .ok_or_else(|| std::io::Error::other("the node is gone"));
        async move { pipe.map(TokioIo::new) }
    });
    Ok(Endpoint::from_static("http://embedded.invalid")
        .initial_stream_window_size(rpc::WINDOW)
        .initial_connection_window_size(rpc::WINDOW)
        .connect_with_connector(connector)
        .await?)
}

/// Serves until the Region dies, `stopped` resolves, or its sender is gone.
async fn serve<C>(
    region: &mut (dyn Driven + Send),
    connections: impl Stream<Item = std::io::Result<C>> + Send,
    stopped: oneshot::Receiver<()>,
) -> Result<Ended, NodeError>
where
    C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let (jobs, queue) = mpsc::channel(STEPS);
    let routes = rpc::driven(jobs).await;
    let mut serving = pin!(
        rpc::server()
            .add_routes(routes)
            .serve_with_incoming(connections)
    );
    tokio::select! {
        biased;
        owned = actor::own(region, queue) => match owned {
            Ok(()) => Ok(Ended::Stopped),
            Err(Died::Crashed(step)) => Ok(Ended::Crashed { step }),
            Err(died) => {
                // What it died of is on its way to the driver.
                let _ = tokio::time::timeout(LAST_WORDS, serving.as_mut()).await;
                Err(died.into())
            }
        },
        served = serving.as_mut() => served.map(|()| Ended::Stopped).map_err(Into::into),
        _ = stopped => Ok(Ended::Stopped),
    }
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, NodeError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(system(|| "start its runtime".to_owned()))
}

pub(crate) fn system(doing: impl FnOnce() -> String) -> impl FnOnce(std::io::Error) -> NodeError {
    |source| NodeError::System {
        doing: doing(),
        source,
    }
}

#[cfg(test)]
mod tests;
