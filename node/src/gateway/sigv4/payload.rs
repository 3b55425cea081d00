//! How a request binds its body.

use crate::gateway::request::Head;

/// What stands in the canonical request for the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// The SHA-256 of the body, hex.
    Hash(String),
    /// Nothing binds it.
    Unsigned,
    /// It comes in chunks (aws-chunked).
    Chunked {
        /// Each chunk carries a signature.
        signed: bool,
        /// Headers follow the last chunk.
        trailer: bool,
    },
}

impl Payload {
    /// What an S3 request says; a presigned URL leaves its body unsigned.
    ///
    /// # Errors
    /// The value of `x-amz-content-sha256` that is none.
    pub fn of_s3(head: &Head, presigned: bool) -> Result<Self, String> {
        let chunked = |signed, trailer| Ok(Self::Chunked { signed, trailer });
        match head.header("x-amz-content-sha256") {
            None if presigned => Ok(Self::Unsigned),
            None => Err(String::new()),
            Some("UNSIGNED-PAYLOAD") => Ok(Self::Unsigned),
            Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD") => chunked(true, false),
            Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") => chunked(true, true),
            Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER") => chunked(false, true),
            Some(hash) if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Ok(Self::Hash(hash.to_owned()))
            }
            Some(other) => Err(other.to_owned()),
        }
    }

    /// Last line of the canonical request.
    #[must_use]
    pub fn in_canonical_request(&self) -> String {
        match self {
            Self::Hash(hash) => hash.clone(),
            Self::Unsigned => "UNSIGNED-PAYLOAD".to_owned(),
            Self::Chunked {
                signed: true,
                trailer: false,
            } => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD".to_owned(),
            Self::Chunked {
                signed: true,
                trailer: true,
            } => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER".to_owned(),
            Self::Chunked { signed: false, .. } => "STREAMING-UNSIGNED-PAYLOAD-TRAILER".to_owned(),
        }
    }
}
