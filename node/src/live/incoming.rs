//! gRPC's connections: so many at once, and none that says nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use crate::gateway::guard::Guarded;
use crate::gateway::limits::Limits;
use crate::tls::Wire;

/// Bytes of HTTP/2's preface: whoever has sent them speaks gRPC, and is asked whether it still
/// lives by pings from then on.
const PREFACE: usize = 24;

/// A connection that was accepted.
pub(super) type Accepted = Guarded<Wire>;

/// Who is at the other end of a connection; every request has it among its extensions.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Its address.
    pub address: Option<SocketAddr>,
    /// What it has shown, of the world's authority.
    pub certificate: Option<CertificateDer<'static>>,
}

impl Connected for Accepted {
    type ConnectInfo = Caller;

    fn connect_info(&self) -> Caller {
        Caller {
            address: self.stream().peer(),
            certificate: self.stream().certificate(),
        }
    }
}

/// Connections as they come, until nobody takes them any more.
pub(super) fn incoming(
    listener: TcpListener,
    limits: &Limits,
    tls: Option<TlsAcceptor>,
) -> ReceiverStream<std::io::Result<Accepted>> {
    let (accepted, connections) = mpsc::channel(1);
    let limits = limits.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = accepted.closed() => {}
            () = accept(&listener, &limits, tls, &accepted) => {}
        }
    });
    ReceiverStream::new(connections)
}

async fn accept(
    listener: &TcpListener,
    limits: &Limits,
    tls: Option<TlsAcceptor>,
    accepted: &mpsc::Sender<std::io::Result<Accepted>>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.ok();
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: others must close first.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let guard = {
            let limits = limits.clone();
            move |wire| Guarded::new(wire, &limits, place).greeted(PREFACE, limits.head_time)
        };
        let Some(tls) = tls.clone() else {
            if accepted.send(Ok(guard(Wire::Plain(stream)))).await.is_err() {
                return;
            }
            continue;
        };
        // Others do not wait for this one's greeting.
        let (accepted, time) = (accepted.clone(), limits.head_time);
        tokio::spawn(async move {
            match timeout(time, Wire::greet(stream, Some(&tls))).await {
                Ok(Ok(wire)) => drop(accepted.send(Ok(guard(wire))).await),
                Ok(Err(error)) => tracing::debug!(%error, "a client speaks no TLS that we take"),
                Err(_) => tracing::debug!("a client does not end its greeting"),
            }
        });
    }
}
