//! Connections of HTTP/1.1, within limits.
//!
//! hyper refuses what request smuggling lives on (two lengths, a length beside chunks, blanks
//! before the colon); a connection whose request was not read to its end is closed.

use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::Gateway;
use super::guard::Guarded;
use super::limits::Limits;
use crate::tls::Wire;

/// A connection's protocol with our limits.
#[must_use]
pub(super) fn builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_headers(limits.header_count)
        .max_buf_size(limits.headers.max(8192));
    builder
}

/// Serves `listener` until `stop` resolves; requests that were begun are then finished, within
/// [`Limits::shutdown`].
pub async fn run(
    gateway: Gateway,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    stop: impl Future<Output = ()>,
) {
    let limits = gateway.limits().clone();
    let places = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
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
            // Out of descriptors, most likely: others must close first.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let watcher = graceful.watcher();
        let (gateway, limits, tls) = (gateway.clone(), limits.clone(), tls.clone());
        tokio::spawn(async move {
            let Some(wire) = greeted(stream, tls.as_ref(), &limits).await else {
                return;
            };
            let connection = builder(&limits).serve_connection(
                TokioIo::new(Guarded::new(wire, &limits, place.ok())),
                service(gateway, peer.ip(), tls.is_some()),
            );
            if let Err(error) = watcher.watch(connection).await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
    // Whoever comes now is told so at once.
    drop(listener);
    let _ = tokio::time::timeout(limits.shutdown, graceful.shutdown()).await;
}

/// The connection once TLS is spoken, if it is; `None` for a client that does not manage to.
pub(super) async fn greeted(
    stream: TcpStream,
    tls: Option<&TlsAcceptor>,
    limits: &Limits,
) -> Option<Wire> {
    let greeted = tokio::time::timeout(limits.head_time, Wire::greet(stream, tls)).await;
    match greeted {
        Ok(Ok(wire)) => return Some(wire),
        Ok(Err(error)) => tracing::debug!(%error, "a client speaks no TLS that we take"),
        Err(_) => tracing::debug!("a client does not end its greeting"),
    }
    None
}

/// Serves one connection that somebody else accepted (over TLS, say).
pub async fn connection<I>(gateway: Gateway, stream: I, peer: IpAddr, secure: bool)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = gateway.limits().clone();
    let stream = Guarded::new(stream, &limits, None);
    let connection =
        builder(&limits).serve_connection(TokioIo::new(stream), service(gateway, peer, secure));
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection ended");
    }
}

fn service(
    gateway: Gateway,
    peer: IpAddr,
    secure: bool,
) -> impl hyper::service::HttpService<
    hyper::body::Incoming,
    ResBody = super::answer::Answered,
    Error = std::io::Error,
    Future: Send,
> {
    service_fn(move |request| {
        let gateway = gateway.clone();
        async move {
            if gateway.handle().is_down() {
                // Nobody answers in a Region that is down: the connection ends.
                return Err(std::io::Error::other("the Region is down: a fault"));
            }
            Ok(gateway.answer(request, peer, secure).await)
        }
    })
}
