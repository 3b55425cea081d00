//! gRPC's connections: so many at once, and none that says nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::{Connected, TcpConnectInfo};

use crate::gateway::guard::Guarded;
use crate::gateway::limits::Limits;

/// Bytes of HTTP/2's preface: whoever has sent them speaks gRPC, and is asked whether it still
/// lives by pings from then on.
const PREFACE: usize = 24;

/// A connection that was accepted.
pub(super) type Accepted = Guarded<TcpStream>;

impl Connected for Guarded<TcpStream> {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream().connect_info()
    }
}

/// Connections as they come, until nobody takes them any more.
pub(super) fn incoming(
    listener: TcpListener,
    limits: &Limits,
) -> ReceiverStream<std::io::Result<Accepted>> {
    let (accepted, connections) = mpsc::channel(1);
    let limits = limits.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = accepted.closed() => {}
            () = accept(&listener, &limits, &accepted) => {}
        }
    });
    ReceiverStream::new(connections)
}

async fn accept(
    listener: &TcpListener,
    limits: &Limits,
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
        let guarded = Guarded::new(stream, limits, place).greeted(PREFACE, limits.head_time);
        if accepted.send(Ok(guarded)).await.is_err() {
            return;
        }
    }
}
