//! A body on its way in: sealed chunk by chunk, measured, and compared with what was said of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::checksum::{Algorithm, Running};
use super::content::{self, Fingerprint};
use super::encryption::ObjectKey;
use super::error::Error;
use super::keyspaces::PartRow;
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::CHUNK;

const KEY: &str = "s3.upload";

/// What a request says of its body.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Said {
    /// Content-MD5.
    pub content_md5: Option<String>,
    /// Which checksum is measured.
    pub algorithm: Algorithm,
    /// Its value, if it was said.
    pub checksum: Option<String>,
    /// Which one is kept, where that is another: an upload that chose none keeps its own.
    pub kept: Option<Algorithm>,
}

/// A body whose chunks are on their way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Intake {
    content: String,
    /// The object's key sealed under the Region's root key.
    data_key: Vec<u8>,
    fingerprint: Vec<u8>,
    running: Vec<u8>,
    /// State of the checksum that is kept, where that is another.
    also: Vec<u8>,
    received: u64,
    expected: u64,
    said: Said,
}

/// A body that is there whole.
#[derive(Debug)]
pub struct Taken {
    /// Where it is; the entity tag is that of its MD5, the checksum the one that is kept.
    pub part: PartRow,
    /// The checksum that the client wants to hear.
    pub checksum: String,
    /// MD5 of the plaintext.
    pub md5: [u8; 16],
}

/// The checksum members of a request, in the order of [`Algorithm::ALL`].
pub type Given<'a> = [Option<&'a str>; 5];

/// Which checksum a request asks for and what it says it is.
///
/// # Errors
/// InvalidRequest when several are given, or one that cannot be.
pub fn said(
    content_md5: Option<&str>,
    named: Option<&str>,
    given: Given<'_>,
    otherwise: Algorithm,
) -> Result<Said, Error> {
    if content_md5.is_some_and(|text| BASE64.decode(text).is_ok_and(|md5| md5.len() == 16)) {
        // Well-formed; compared when the body is there.
    } else if content_md5.is_some() {
        return Err(Error::InvalidDigest);
    }
    let named = named
        .map(|name| {
            Algorithm::parse(name).ok_or_else(|| {
                Error::Request(
                    "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"
                        .to_owned(),
                )
            })
        })
        .transpose()?;
    let mut values = Algorithm::ALL
        .into_iter()
        .zip(given)
        .filter_map(|(algorithm, value)| value.map(|value| (algorithm, value)));
    let first = values.next();
    if values.next().is_some() {
        return Err(Error::InvalidRequest(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        ));
    }
    if let Some((algorithm, value)) = first {
        if !algorithm.fits(value) {
            return Err(Error::Request(format!(
                "Value for x-amz-checksum-{} header is invalid.",
                algorithm.name().to_ascii_lowercase()
            )));
        }
        if named.is_some_and(|named| named != algorithm) {
            return Err(Error::InvalidRequest(
                "Value for x-amz-sdk-checksum-algorithm header is invalid.",
            ));
        }
    }
    Ok(Said {
        content_md5: content_md5.map(str::to_owned),
        algorithm: first
            .map(|(algorithm, _)| algorithm)
            .or(named)
            .unwrap_or(otherwise),
        checksum: first.map(|(_, value)| value.to_owned()),
        kept: None,
    })
}

impl Intake {
    /// Opens a content for a body of `expected` bytes.
    pub fn begin(ctx: &mut Ctx<'_>, key: &ObjectKey, said: Said, expected: u64) -> Self {
        let content = content::begin(ctx);
        let data_key = key.keep(ctx, KEY, content.as_bytes());
        Self {
            content,
            data_key,
            fingerprint: Vec::new(),
            running: Vec::new(),
            also: Vec::new(),
            received: 0,
            expected,
            said,
        }
    }

    /// Takes a chunk; what is there whole comes back after the last.
    ///
    /// # Errors
    /// IncompleteBody, BadDigest.
    pub fn take(
        &mut self,
        ctx: &mut Ctx<'_>,
        index: u64,
        bytes: &[u8],
        last: bool,
    ) -> Result<Option<Taken>, Refusal> {
        if bytes.len() != CHUNK && !last {
            return Err(Error::IncompleteBody.into());
        }
        let key = ObjectKey::kept(ctx, KEY, self.content.as_bytes(), &self.data_key)?;
        content::write(ctx, &self.content, &key, index, bytes, last);
        let mut fingerprint = Fingerprint::restore(&self.fingerprint);
        let mut running = Running::restore(self.said.algorithm, &self.running);
        fingerprint.add(bytes);
        running.add(bytes);
        let mut also = self
            .said
            .kept
            .map(|kept| Running::restore(kept, &self.also));
        if let Some(also) = &mut also {
            also.add(bytes);
        }
        self.received += bytes.len() as u64;
        if last {
            return self.end(fingerprint, running, also).map(Some);
        }
        self.also = also.map(|also| also.store()).unwrap_or_default();
        self.fingerprint = fingerprint.store();
        self.running = running.store();
        Ok(None)
    }

    /// Removes what came, when the rest does not come.
    pub fn give_up(&self, ctx: &mut Ctx<'_>) {
        content::remove(ctx, &self.content, content::chunks_of(self.received));
    }

    fn end(
        &self,
        fingerprint: Fingerprint,
        running: Running,
        also: Option<Running>,
    ) -> Result<Taken, Refusal> {
        if self.received != self.expected {
            return Err(Error::IncompleteBody.into());
        }
        let md5 = fingerprint.end();
        let given = self.said.content_md5.as_ref();
        if given.is_some_and(|given| *given != BASE64.encode(md5)) {
            return Err(Error::BadDigest.into());
        }
        let checksum = running.end();
        if self
            .said
            .checksum
            .as_ref()
            .is_some_and(|said| *said != checksum)
        {
            return Err(Error::BadChecksum(self.said.algorithm.name()).into());
        }
        let part = PartRow {
            number: 1,
            content: self.content.clone(),
            bound: self.content.clone(),
            length: self.received,
            e_tag: hex::encode(md5),
            checksum: also.map_or_else(|| checksum.clone(), Running::end),
        };
        Ok(Taken {
            part,
            checksum,
            md5,
        })
    }

    /// Which checksum is measured.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.said.algorithm
    }
}

/// A client fell silent in the middle of its body.
pub fn timed_out() -> Refusal {
    Refusal::new(
        "RequestTimeout",
        "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.",
    )
}
