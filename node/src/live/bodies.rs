//! Bodies in and out of a live Region, by chunks.
//!
//! In: an [`Upload`] cuts what it is given into chunks of 64 KiB and waits for each to be
//! taken, so a fast client is slowed to the Region's pace. The last chunk goes with
//! [`Upload::finish`] and not before: an entrance can verify checksums and trailing
//! signatures first, and an upload that is dropped leaves nothing.
//!
//! Out: an [`AnswerBody`] asks for more only as its reader takes what is there, so a slow
//! client holds at most 1 MiB. Dropped early, the rest is forgotten.

use bytes::{Bytes, BytesMut};
use faultline_region::service::CHUNK;
use tokio::sync::{mpsc, oneshot};

use super::handle::{Answer, Forgotten, Gone, Handle, Job};

/// Chunks asked for at once, after the first ones that come along with the answer.
const CREDIT: u64 = 8;

/// The body of a call on its way in.
#[derive(Debug)]
pub struct Upload {
    handle: Handle,
    call: String,
    /// Bytes that are still to come.
    missing: u64,
    next_index: u64,
    buffer: BytesMut,
    answered: oneshot::Receiver<Answer>,
    over: bool,
}

/// Why an upload cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The Region ended the call: here is its answer.
    #[error("the call ended before its body was complete")]
    Answered(Box<Answer>),
    /// More or fewer bytes than were announced.
    #[error("the body has {excess} bytes more than were announced")]
    TooLong {
        /// Bytes beyond the announced length.
        excess: u64,
    },
    /// [`Upload::finish`] came early.
    #[error("{missing} bytes of the body are missing")]
    Incomplete {
        /// Bytes that did not come.
        missing: u64,
    },
    /// The node ended.
    #[error(transparent)]
    Gone(#[from] Gone),
}

impl Upload {
    pub(super) fn new(
        handle: Handle,
        call: String,
        length: u64,
        answered: oneshot::Receiver<Answer>,
    ) -> Self {
        Self {
            handle,
            call,
            missing: length,
            next_index: 0,
            buffer: BytesMut::new(),
            answered,
            over: false,
        }
    }

    /// Takes bytes of any number; waits while the Region is busy.
    ///
    /// # Errors
    /// [`UploadError`]; the upload is over then.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), UploadError> {
        let length = bytes.len() as u64;
        if length > self.missing {
            return Err(UploadError::TooLong {
                excess: length - self.missing,
            });
        }
        self.missing -= length;
        while !bytes.is_empty() {
            // A full chunk goes when more follows it: the last one waits for `finish`.
            if self.buffer.len() == CHUNK {
                self.send(false).await?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Sends the last chunk and waits for the answer.
    ///
    /// # Errors
    /// [`UploadError`]; nothing was changed then, unless the node is gone.
    pub async fn finish(mut self) -> Result<Answer, UploadError> {
        if self.missing > 0 {
            return Err(UploadError::Incomplete {
                missing: self.missing,
            });
        }
        match self.send(true).await {
            Ok(()) => {}
            Err(UploadError::Answered(answer)) => return Ok(*answer),
            Err(error) => return Err(error),
        }
        let answer = (&mut self.answered).await;
        self.over = true;
        Ok(answer.map_err(|_| Gone)?)
    }

    async fn send(&mut self, last: bool) -> Result<(), UploadError> {
        let (taken, is_taken) = oneshot::channel();
        let job = Job::Chunk {
            call: self.call.clone(),
            index: self.next_index,
            bytes: self.buffer.split().freeze(),
            last,
            taken,
        };
        self.handle.jobs.send(job).await.map_err(|_| Gone)?;
        is_taken.await.map_err(|_| Gone)?;
        self.next_index += 1;
        match self.answered.try_recv() {
            Ok(answer) => {
                self.over = true;
                Err(UploadError::Answered(Box::new(answer)))
            }
            Err(_) => Ok(()),
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.over {
            let forgotten = Forgotten::Upload(std::mem::take(&mut self.call));
            // When the node is gone there is nobody to forget it.
            drop(self.handle.forgotten.send(forgotten));
        }
    }
}

/// The body of an answer on its way out.
#[derive(Debug)]
pub struct AnswerBody {
    handle: Handle,
    call: String,
    length: u64,
    chunks: mpsc::UnboundedReceiver<(Bytes, bool)>,
    /// Chunks read, and chunks asked for.
    read: u64,
    asked: u64,
    over: bool,
}

impl AnswerBody {
    pub(super) fn new(
        handle: Handle,
        call: String,
        length: u64,
        first: u64,
        chunks: mpsc::UnboundedReceiver<(Bytes, bool)>,
    ) -> Self {
        Self {
            handle,
            call,
            length,
            chunks,
            read: 0,
            asked: first,
            over: false,
        }
    }

    /// Its length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The next chunk, at most 64 KiB; `None` at the end.
    ///
    /// # Errors
    /// [`Gone`] when the rest will never come.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Gone> {
        if self.over {
            return Ok(None);
        }
        let all = self.length.div_ceil(CHUNK as u64);
        if self.asked < all && self.asked - self.read <= CREDIT / 2 {
            let job = Job::Pull {
                call: self.call.clone(),
                from_index: self.asked,
                credit: CREDIT,
            };
            self.handle.jobs.send(job).await.map_err(|_| Gone)?;
            self.asked += CREDIT;
        }
        let (bytes, last) = self.chunks.recv().await.ok_or(Gone)?;
        self.read += 1;
        self.over = last;
        Ok(Some(bytes))
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        if !self.over {
            let forgotten = Forgotten::Download(std::mem::take(&mut self.call));
            drop(self.handle.forgotten.send(forgotten));
        }
    }
}
