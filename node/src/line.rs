//! The node's end of the pipe to its host, which ends with the node.
//!
//! The tasks that serve a connection belong to the runtime and not to the node: in a process of
//! its own they die with it, in a host's they would wait for the next request for ever. So
//! the pipe breaks when the node lets go of it, as a socket does whose process is gone.

use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::oneshot;
use tonic::transport::server::Connected;

/// See the module.
pub(crate) struct Line {
    pipe: DuplexStream,
    /// `None` once the node is gone.
    node: Option<oneshot::Receiver<()>>,
}

/// Held by the node for as long as it lives.
pub(crate) struct Holder(
    #[expect(dead_code, reason = "its drop is the signal")] oneshot::Sender<()>,
);

impl Line {
    /// A line over `pipe`, and what breaks it when it is dropped.
    pub fn over(pipe: DuplexStream) -> (Self, Holder) {
        let (holder, node) = oneshot::channel();
        let node = Some(node);
        (Self { pipe, node }, Holder(holder))
    }

    fn is_broken(&mut self, context: &mut Context<'_>) -> bool {
        let gone = match &mut self.node {
            None => true,
            Some(node) => Pin::new(node).poll(context).is_ready(),
        };
        if gone {
            self.node = None;
        }
        gone
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        if self.is_broken(context) {
            return Poll::Ready(Err(gone()));
        }
        Pin::new(&mut self.pipe).poll_read(context, into)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(context)
    }
}

impl Connected for Line {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

fn gone() -> Error {
    Error::new(ErrorKind::ConnectionReset, "the node is gone")
}
