//! Bodies of requests: read within limits, taken out of their chunks, checked against what
//! their sender said of them.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_proto::tables::Protocol;
use faultline_region::services::s3::checksum::{Algorithm, Running};
use http_body_util::BodyExt as _;
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::RequestBody;
use super::errors::Problem;
use super::limits::{Held, Limits, Pace};
use super::request::Head;
use super::sigv4::chunked::{BadChunk, Decoder};
use super::sigv4::payload::Payload;

/// Why a body is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadBody {
    /// Larger than its limit.
    TooLarge,
    /// Nothing came for too long.
    TooSlow,
    /// The connection broke.
    Broken,
    /// Its chunks are wrong.
    Chunk(BadChunk),
    /// Other requests have all the memory that there is for them.
    NoRoom,
}

impl BadBody {
    /// As the protocol says it; `limit` in bytes.
    #[must_use]
    pub fn problem(&self, protocol: Protocol, limit: usize) -> Problem {
        let s3 = protocol == Protocol::RestXml;
        match self {
            Self::TooLarge => Problem::too_large(protocol, limit),
            Self::NoRoom => Problem::throttled(protocol),
            Self::TooSlow if s3 => Problem::new(
                400,
                "RequestTimeout",
                "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.",
            ),
            Self::TooSlow => Problem::new(408, "RequestTimeout", "The request came too slowly"),
            Self::Broken | Self::Chunk(BadChunk::Incomplete) if s3 => Problem::new(
                400,
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP header",
            ),
            Self::Broken => Problem::new(400, "IncompleteBody", "The body ended early"),
            Self::Chunk(BadChunk::Signature) => Problem::new(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
            ),
            Self::Chunk(BadChunk::Malformed | BadChunk::Incomplete) => Problem::new(
                400,
                "InvalidChunk",
                "The chunks of the body are not of the form of aws-chunked",
            ),
        }
    }
}

/// The next bytes of a body; `None` at its end.
///
/// # Errors
/// [`BadBody::TooSlow`], [`BadBody::Broken`].
pub async fn next<B: RequestBody>(
    body: &mut B,
    limits: &Limits,
    pace: &mut Pace,
) -> Result<Option<bytes::Bytes>, BadBody> {
    loop {
        let began = Instant::now();
        let frame = tokio::time::timeout(limits.body_pause, body.frame())
            .await
            .map_err(|_| BadBody::TooSlow)?;
        let came = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, bytes::Bytes::len),
            _ => 0,
        };
        if !pace.keeps(began.elapsed(), came, limits) {
            return Err(BadBody::TooSlow);
        }
        match frame {
            None => return Ok(None),
            Some(Err(_)) => return Err(BadBody::Broken),
            Some(Ok(frame)) => {
                // HTTP's own trailers are nothing to us.
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
        }
    }
}

/// A whole document; `held` keeps room for it.
///
/// # Errors
/// [`BadBody`].
pub async fn whole<B: RequestBody>(
    mut body: B,
    limits: &Limits,
    held: &mut Held,
) -> Result<Vec<u8>, BadBody> {
    let (mut all, mut pace) = (Vec::new(), Pace::default());
    while let Some(bytes) = next(&mut body, limits, &mut pace).await? {
        if all.len() + bytes.len() > limits.document {
            return Err(BadBody::TooLarge);
        }
        if !held.take(bytes.len()) {
            return Err(BadBody::NoRoom);
        }
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

/// What the sender said of a body, measured as it comes.
pub struct Checks {
    /// SHA-256 of the signature.
    hash: Option<(Sha256, String)>,
    /// Content-MD5 of a document; that of an object is the Region's to check.
    md5: Option<(Md5, String)>,
    sums: Vec<Sum>,
}

struct Sum {
    name: String,
    running: Running,
    expected: Option<String>,
}

/// The algorithm that a header's last part names: `crc64nvme`.
fn algorithm(name: &str) -> Option<Algorithm> {
    Algorithm::parse(&name.to_ascii_uppercase())
}

const PREFIX: &str = "x-amz-checksum-";

impl Checks {
    /// What `head` announces.
    ///
    /// # Errors
    /// NotImplemented for a checksum that cannot be verified: it is never taken on trust.
    pub fn of(head: &Head, payload: &Payload) -> Result<Self, Problem> {
        let mut checks = Self {
            hash: match payload {
                Payload::Hash(expected) => Some((Sha256::new(), expected.to_ascii_lowercase())),
                Payload::Unsigned | Payload::Chunked { .. } => None,
            },
            md5: None,
            sums: Vec::new(),
        };
        for (name, value) in &head.headers {
            let name = name.as_str();
            if name.starts_with(PREFIX)
                && !matches!(
                    name,
                    "x-amz-checksum-mode" | "x-amz-checksum-type" | "x-amz-checksum-algorithm"
                )
            {
                checks.add(name, value.to_str().ok().map(str::to_owned))?;
            }
        }
        for name in head.header("x-amz-trailer").unwrap_or_default().split(',') {
            let name = name.trim().to_ascii_lowercase();
            if name.starts_with(PREFIX) {
                checks.add(&name, None)?;
            }
        }
        Ok(checks)
    }

    /// The same for a document, whose Content-MD5 nobody else compares.
    ///
    /// # Errors
    /// As [`Checks::of`].
    pub fn of_document(head: &Head, payload: &Payload) -> Result<Self, Problem> {
        let mut checks = Self::of(head, payload)?;
        checks.md5 = head
            .header("content-md5")
            .map(|text| (Md5::new(), text.to_owned()));
        Ok(checks)
    }

    fn add(&mut self, name: &str, expected: Option<String>) -> Result<(), Problem> {
        let named = name.strip_prefix(PREFIX).unwrap_or(name);
        let running = algorithm(named)
            .map(Running::new)
            .ok_or_else(|| Problem::not_built(&format!("the checksum {named}")))?;
        self.sums.push(Sum {
            name: name.to_owned(),
            running,
            expected,
        });
        Ok(())
    }

    /// Measures bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some((running, _)) = &mut self.hash {
            running.update(bytes);
        }
        if let Some((running, _)) = &mut self.md5 {
            running.update(bytes);
        }
        for sum in &mut self.sums {
            sum.running.add(bytes);
        }
    }

    /// Compares, once the body and its trailers are there.
    ///
    /// # Errors
    /// XAmzContentSHA256Mismatch, BadDigest, or InvalidRequest for a trailer that did not come.
    pub fn finish(self, trailers: &[(String, String)]) -> Result<(), Problem> {
        if let Some((running, expected)) = self.hash
            && hex::encode(running.finalize()) != expected
        {
            return Err(Problem::new(
                400,
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ));
        }
        if let Some((running, expected)) = self.md5
            && STANDARD.encode(running.finalize()) != expected
        {
            return Err(Problem::new(
                400,
                "BadDigest",
                "The Content-MD5 you specified did not match what we received.",
            ));
        }
        for sum in self.sums {
            let trailing = trailers.iter().find(|(name, _)| *name == sum.name);
            let expected = sum
                .expected
                .or_else(|| trailing.map(|(_, value)| value.clone()));
            let Some(expected) = expected else {
                return Err(Problem::new(
                    400,
                    "MalformedTrailerError",
                    format!("The trailer {} was announced and did not come", sum.name),
                ));
            };
            if sum.running.end() != expected {
                let algorithm = sum.name.strip_prefix(PREFIX).unwrap_or_default();
                return Err(Problem::new(
                    400,
                    "BadDigest",
                    format!(
                        "The {} you specified did not match the calculated checksum.",
                        algorithm.to_ascii_uppercase()
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// A body on its way through chunks and checks.
pub struct Intake<B> {
    body: B,
    decoder: Option<Decoder>,
    checks: Checks,
    pace: Pace,
}

impl<B: RequestBody> Intake<B> {
    /// Takes `body` in.
    pub fn new(body: B, decoder: Option<Decoder>, checks: Checks) -> Self {
        Self {
            body,
            decoder,
            checks,
            pace: Pace::default(),
        }
    }

    /// The next decoded bytes; `None` at the end, when all that was said of the body holds.
    ///
    /// # Errors
    /// A refusal in S3's words.
    pub async fn next(&mut self, limits: &Limits) -> Result<Option<bytes::Bytes>, Problem> {
        let bad = |bad: BadBody| bad.problem(Protocol::RestXml, limits.document);
        let Some(bytes) = next(&mut self.body, limits, &mut self.pace)
            .await
            .map_err(bad)?
        else {
            return Ok(None);
        };
        let bytes = match &mut self.decoder {
            None => bytes,
            Some(decoder) => {
                let mut out = Vec::new();
                decoder
                    .take(&bytes, &mut out)
                    .map_err(|chunk| bad(BadBody::Chunk(chunk)))?;
                out.into()
            }
        };
        self.checks.update(&bytes);
        Ok(Some(bytes))
    }

    /// Whether all that was said of the body holds.
    ///
    /// # Errors
    /// A refusal in S3's words.
    pub fn finish(self, limits: &Limits) -> Result<(), Problem> {
        let trailers = match self.decoder {
            None => Vec::new(),
            Some(decoder) => decoder.finish().map_err(|chunk| {
                BadBody::Chunk(chunk).problem(Protocol::RestXml, limits.document)
            })?,
        };
        self.checks.finish(&trailers)
    }
}

/// CRC-32 as its header writes it.
#[cfg(test)]
pub(super) fn crc32_text(bytes: &[u8]) -> String {
    Algorithm::Crc32.of(bytes)
}
