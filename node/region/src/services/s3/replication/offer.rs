//! What travels between source and destination, and what is answered.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::changes::StampRow;
use crate::refusal::Refusal;
use crate::services::s3::encryption::UnderKms;
use crate::services::s3::keyspaces::{EncryptionRow, LockRow, ObjectRow};

/// How the replica is to be sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Sealing {
    /// A data key of this Region.
    SseS3,
    /// A data key wrapped by the rule's key (S3-036).
    SseKms {
        /// ReplicaKmsKeyID.
        key: String,
        /// The source's setting (SSE-033), and whether there are two layers.
        how: UnderKms,
    },
    /// As it is, with the source's salt and proof.
    SseC {
        /// The source's row: no secret is in it.
        row: EncryptionRow,
    },
}

/// What is offered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum What {
    /// A delete marker.
    Marker,
    /// An object.
    Object {
        /// Its row, without encryption.
        object: Box<ObjectRow>,
        /// How it is to be sealed.
        sealing: Sealing,
        /// Whether the rule gives it to the bucket's owner (S3-089).
        overrides_owner: bool,
        /// Whether the source bucket has Object Lock (S3-006).
        needs_lock: bool,
    },
    /// Tags and locks of a version that is here.
    Change {
        /// Tags; `None` when the role may not read them.
        tags: Option<std::collections::BTreeMap<String, String>>,
        /// Retention and legal hold.
        lock: LockRow,
        /// When and where it was made, and of what.
        stamp: StampRow,
    },
}

/// A version that wants to be a replica here, without its bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Head {
    /// Destination bucket.
    pub bucket: String,
    /// Object key.
    pub key: String,
    /// The source's version id.
    pub version_id: String,
    /// The source's time.
    pub modified: i64,
    /// Its place among the versions of the key.
    pub order: u64,
    /// Name of the attempt.
    pub attempt: String,
    /// Rule that sends it.
    pub rule: String,
    /// Whether a batch job sends it.
    pub by_batch: bool,
    /// How many chunks there are.
    pub chunks: u64,
    /// What it is.
    pub what: What,
}

/// A version and its first chunk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Offer {
    /// What is decided about.
    pub head: Head,
    /// First chunk.
    #[serde(with = "serde_bytes")]
    pub first: Vec<u8>,
}

/// A further chunk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Piece {
    /// Destination bucket.
    pub bucket: String,
    /// Object key.
    pub key: String,
    /// The source's version id.
    pub version_id: String,
    /// Name of the attempt.
    pub attempt: String,
    /// Index of the chunk.
    pub index: u64,
    /// Its bytes.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    /// Nothing follows.
    pub last: bool,
}

/// How something arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// It was here already.
    pub already: bool,
    /// Its tags were left out (S3-031).
    pub without_tags: bool,
    /// A change that a later one had overtaken, or that this bucket does not take.
    pub overtaken: bool,
}

impl Arrived {
    /// What is worth telling; usually nothing.
    #[must_use]
    pub fn words(&self) -> String {
        let words = [
            (self.already, "it was there already"),
            (self.without_tags, "a policy keeps its tags out (S3-031)"),
            (self.overtaken, "the destination keeps its own, later state"),
        ];
        let said: Vec<&str> = words
            .iter()
            .filter(|(is_so, _)| *is_so)
            .map(|(_, words)| *words)
            .collect();
        said.join("; ")
    }
}

/// The answer to one offer or chunk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Outcome {
    /// More chunks are awaited.
    More,
    /// It is here.
    Arrived(Arrived),
    /// Refused: the failure as it travels.
    Refused(ByteBuf),
}

impl Outcome {
    /// A refusal.
    #[must_use]
    pub fn refused(refusal: Refusal) -> Self {
        let failure = prost::Message::encode_to_vec(&refusal.into_failure());
        Self::Refused(ByteBuf::from(failure))
    }

    /// Whether no chunk will change it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !matches!(self, Self::More)
    }
}

/// The refusal that travelled.
pub(super) fn refusal(failure: &[u8]) -> Refusal {
    prost::Message::decode(failure).map_or_else(
        |_| Refusal::internal("the destination's refusal does not decode"),
        Refusal::from_failure,
    )
}
