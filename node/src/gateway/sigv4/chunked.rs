//! Bodies in chunks (`aws-chunked`): `SIZE;chunk-signature=HEX\r\n BYTES \r\n`, ended by a chunk
//! of size 0 and perhaps trailing headers.
//!
//! Each signature is made over the one before, so chunks can be neither changed, swapped nor
//! left out. Bytes of a signed chunk are handed out only when its signature was right; so a
//! chunk may not be larger than [`LARGEST`].

use faultline_region::vault::SecretKey;
use sha2::{Digest as _, Sha256};

use super::{Signed, mac, same};

/// Largest signed chunk, bytes: it is held until its signature was checked.
pub const LARGEST: usize = 1 << 20;
/// Longest line of a chunk's head or of the trailers, bytes.
const LINE: usize = 4096;

/// What is wrong with the chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadChunk {
    /// Not of the form.
    Malformed,
    /// A signature that is not ours.
    Signature,
    /// Ended early.
    Incomplete,
}

/// The chain of signatures.
pub struct Chain {
    key: SecretKey,
    date: String,
    scope: String,
    previous: String,
}

impl Chain {
    /// Begins with the signature of the request.
    #[must_use]
    pub fn new(signed: &Signed, key: SecretKey) -> Self {
        Self {
            key,
            date: signed.date.clone(),
            scope: signed.scope_text(),
            previous: signed.signature.clone(),
        }
    }

    fn check(&mut self, algorithm: &str, middle: &str, data: &[u8], given: &str) -> bool {
        let hash = hex::encode(Sha256::digest(data));
        let text = format!(
            "{algorithm}\n{}\n{}\n{}\n{middle}{hash}",
            self.date, self.scope, self.previous
        );
        let right = same(&mac(&self.key, text.as_bytes()), given);
        given.clone_into(&mut self.previous);
        right
    }

    fn check_chunk(&mut self, data: &[u8], given: &str) -> bool {
        let empty = hex::encode(Sha256::digest(b""));
        self.check(
            "AWS4-HMAC-SHA256-PAYLOAD",
            &format!("{empty}\n"),
            data,
            given,
        )
    }

    fn check_trailer(&mut self, lines: &str, given: &str) -> bool {
        self.check("AWS4-HMAC-SHA256-TRAILER", "", lines.as_bytes(), given)
    }
}

enum State {
    Head,
    /// Bytes of the chunk that are missing.
    Data(usize),
    /// The line end after a chunk; whether it was the last one.
    DataEnd,
    Trailers,
    Done,
}

/// Takes a body apart as it comes.
pub struct Decoder {
    chain: Option<Chain>,
    trailer: bool,
    state: State,
    buffer: Vec<u8>,
    /// The signed chunk that is being collected, and its signature.
    chunk: Vec<u8>,
    signature: String,
    trailers: Vec<(String, String)>,
}

impl Decoder {
    /// For signed chunks with a chain; `trailer` when headers follow.
    #[must_use]
    pub fn new(chain: Option<Chain>, trailer: bool) -> Self {
        Self {
            chain,
            trailer,
            state: State::Head,
            buffer: Vec::new(),
            chunk: Vec::new(),
            signature: String::new(),
            trailers: Vec::new(),
        }
    }

    /// Takes bytes in, appends the decoded ones to `out`.
    ///
    /// # Errors
    /// [`BadChunk`]; the body is not to be used then.
    pub fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), BadChunk> {
        self.buffer.extend_from_slice(bytes);
        let mut at = 0;
        while self.turn(&mut at, out)? {}
        self.buffer.drain(..at);
        Ok(())
    }

    /// One step over `buffer` from `at`; false when more bytes are needed.
    fn turn(&mut self, at: &mut usize, out: &mut Vec<u8>) -> Result<bool, BadChunk> {
        match self.state {
            State::Head => {
                let Some(line) = line(&self.buffer, at)? else {
                    return Ok(false);
                };
                let size = self.head(&line)?;
                self.state = if size == 0 {
                    self.last()?;
                    State::Trailers
                } else {
                    State::Data(size)
                };
            }
            State::Data(missing) => {
                let here = self.buffer.len() - *at;
                if here == 0 {
                    return Ok(false);
                }
                let taken = missing.min(here);
                let bytes = &self.buffer[*at..*at + taken];
                if self.chain.is_some() {
                    self.chunk.extend_from_slice(bytes);
                } else {
                    out.extend_from_slice(bytes);
                }
                *at += taken;
                self.state = if taken == missing {
                    State::DataEnd
                } else {
                    State::Data(missing - taken)
                };
            }
            State::DataEnd => {
                match self.buffer.get(*at..*at + 2) {
                    None => return Ok(false),
                    Some(b"\r\n") => *at += 2,
                    Some(_) => return Err(BadChunk::Malformed),
                }
                if let Some(chain) = &mut self.chain {
                    if !chain.check_chunk(&self.chunk, &self.signature) {
                        return Err(BadChunk::Signature);
                    }
                    out.append(&mut self.chunk);
                }
                self.state = State::Head;
            }
            State::Trailers => {
                let Some(line) = line(&self.buffer, at)? else {
                    return Ok(false);
                };
                if line.is_empty() {
                    self.end_of_trailers()?;
                    self.state = State::Done;
                } else {
                    let (name, value) = line.split_once(':').ok_or(BadChunk::Malformed)?;
                    if !self.trailer || self.trailers.len() == 16 {
                        return Err(BadChunk::Malformed);
                    }
                    let name = name.trim().to_ascii_lowercase();
                    self.trailers.push((name, value.trim().to_owned()));
                }
            }
            State::Done if *at < self.buffer.len() => return Err(BadChunk::Malformed),
            State::Done => return Ok(false),
        }
        Ok(true)
    }

    /// The size of a chunk; its signature is kept.
    fn head(&mut self, line: &str) -> Result<usize, BadChunk> {
        let (size, extension) = line.split_once(';').unwrap_or((line, ""));
        // A sign is no digit, though Rust's own reader takes one.
        let hexadecimal = size.bytes().all(|byte| byte.is_ascii_hexdigit());
        if size.is_empty() || size.len() > 8 || !hexadecimal {
            return Err(BadChunk::Malformed);
        }
        let size = usize::from_str_radix(size, 16).map_err(|_| BadChunk::Malformed)?;
        if self.chain.is_some() {
            let signature = extension
                .strip_prefix("chunk-signature=")
                .ok_or(BadChunk::Malformed)?;
            signature.clone_into(&mut self.signature);
            if size > LARGEST {
                return Err(BadChunk::Malformed);
            }
        }
        Ok(size)
    }

    fn last(&mut self) -> Result<(), BadChunk> {
        let right = match &mut self.chain {
            Some(chain) => chain.check_chunk(b"", &self.signature),
            None => true,
        };
        right.then_some(()).ok_or(BadChunk::Signature)
    }

    fn end_of_trailers(&mut self) -> Result<(), BadChunk> {
        let Some(chain) = self.chain.as_mut().filter(|_| self.trailer) else {
            return Ok(());
        };
        let at = self
            .trailers
            .iter()
            .position(|(name, _)| name == "x-amz-trailer-signature")
            .ok_or(BadChunk::Signature)?;
        let (_, given) = self.trailers.remove(at);
        let lines: String = self
            .trailers
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        if chain.check_trailer(&lines, &given) {
            Ok(())
        } else {
            Err(BadChunk::Signature)
        }
    }

    /// The trailing headers, once the body has come to its end. Some clients leave the very
    /// last line end out.
    ///
    /// # Errors
    /// [`BadChunk::Incomplete`].
    pub fn finish(mut self) -> Result<Vec<(String, String)>, BadChunk> {
        match self.state {
            State::Done => Ok(self.trailers),
            State::Trailers if self.buffer.is_empty() => {
                self.end_of_trailers()?;
                Ok(self.trailers)
            }
            _ => Err(BadChunk::Incomplete),
        }
    }
}

/// The next whole line without its end.
fn line(buffer: &[u8], at: &mut usize) -> Result<Option<String>, BadChunk> {
    let rest = &buffer[*at..];
    let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else {
        return if rest.len() > LINE {
            Err(BadChunk::Malformed)
        } else {
            Ok(None)
        };
    };
    let line = std::str::from_utf8(&rest[..end]).map_err(|_| BadChunk::Malformed)?;
    *at += end + 2;
    Ok(Some(line.to_owned()))
}
