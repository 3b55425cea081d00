//! Connections that may not be held for nothing: a client that reads too slowly, or that does
//! not even begin to speak, loses its connection.
//!
//! While bytes wait to be written, at least [`Limits::slowest`] of them a second must go, judged
//! every [`Limits::write_pause`]. How fast a request comes is judged where its body is read, for
//! a connection at rest is no fault.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep};

use super::limits::Limits;

/// A connection, and its place among all connections.
pub struct Guarded<S> {
    stream: S,
    pause: Duration,
    /// Bytes that must go in a pause.
    least: u64,
    /// Armed while bytes wait to be written; how many went since.
    stalled: Option<(Pin<Box<Sleep>>, u64)>,
    /// Bytes that must still be read before this moment.
    greeting: Option<(Pin<Box<Sleep>>, usize)>,
    /// Given back when the connection ends.
    _place: Option<OwnedSemaphorePermit>,
}

impl<S> Guarded<S> {
    /// Guards `stream`, which has `place`.
    #[must_use]
    pub fn new(stream: S, limits: &Limits, place: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            stream,
            pause: limits.write_pause,
            least: limits.least_in(limits.write_pause),
            stalled: None,
            greeting: None,
            _place: place,
        }
    }

    /// Ends the connection when fewer than `bytes` have come within `time`.
    #[must_use]
    pub fn greeted(mut self, bytes: usize, time: Duration) -> Self {
        self.greeting = Some((Box::pin(sleep(time)), bytes));
        self
    }

    /// What is guarded.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    fn wrote(&mut self, bytes: usize) {
        if let Some((_, went)) = &mut self.stalled {
            *went += bytes as u64;
        }
    }

    /// The stream takes no bytes now: since when, and is it too long?
    fn waits(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let (least, pause) = (self.least, self.pause);
        let (timer, went) = self
            .stalled
            .get_or_insert_with(|| (Box::pin(sleep(pause)), 0));
        while timer.as_mut().poll(context).is_ready() {
            if *went < least {
                return Err(too_slow("the client reads too slowly"));
            }
            *went = 0;
            timer.as_mut().reset(Instant::now() + pause);
        }
        Ok(())
    }
}

fn too_slow(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, why)
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Some((timer, missing)) = &mut self.greeting {
            *missing = missing.saturating_sub(buffer.filled().len() - before);
            if *missing == 0 {
                self.greeting = None;
            } else if read.is_pending() {
                ready!(timer.as_mut().poll(context));
                return Poll::Ready(Err(too_slow("the client does not begin to speak")));
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Pending => {
                self.waits(context)?;
                Poll::Pending
            }
            Poll::Ready(wrote) => {
                self.wrote(*wrote.as_ref().unwrap_or(&0));
                Poll::Ready(wrote)
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write_vectored(context, slices) {
            Poll::Pending => {
                self.waits(context)?;
                Poll::Pending
            }
            Poll::Ready(wrote) => {
                self.wrote(*wrote.as_ref().unwrap_or(&0));
                Poll::Ready(wrote)
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            // Whoever flushes has nothing more to write.
            self.stalled = None;
        } else {
            self.waits(context)?;
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
