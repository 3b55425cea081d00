//! Places in a shard, as a client carries them: good for 15 minutes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::context::{Ctx, decode, encode};
use crate::services::dynamodb::error::DynamoError;

/// How long an iterator is good, microseconds.
const GOOD_FOR: u64 = 15 * 60 * 1_000_000;

/// Where to read on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Iterator {
    pub(crate) stream: String,
    pub(crate) shard: u64,
    /// The number before the next record.
    pub(crate) after: u64,
    /// Whether it may stand before what is kept: a place that was named, not a beginning.
    pub(crate) named: bool,
    /// Elapsed moment at which it was made.
    made: u64,
}

impl Iterator {
    /// A new iterator.
    pub(crate) fn new(ctx: &Ctx<'_>, stream: String, shard: u64, after: u64, named: bool) -> Self {
        Self {
            stream,
            shard,
            after,
            named,
            made: ctx.elapsed().0,
        }
    }

    /// As clients carry it.
    pub(crate) fn text(&self) -> String {
        format!("{}|1|{}", self.stream, URL_SAFE_NO_PAD.encode(encode(self)))
    }

    /// Reads a ShardIterator member.
    pub(crate) fn read(text: Option<&str>) -> Result<Self, DynamoError> {
        let text = text.unwrap_or_default();
        text.rsplit_once("|1|")
            .and_then(|(_, body)| URL_SAFE_NO_PAD.decode(body).ok())
            .and_then(|bytes| decode(&bytes).ok())
            .ok_or_else(|| DynamoError::validation("Invalid ShardIterator"))
    }

    /// Refuses one that is too old.
    pub(crate) fn check(&self, ctx: &Ctx<'_>) -> Result<(), DynamoError> {
        if ctx.elapsed().0.saturating_sub(self.made) > GOOD_FOR {
            return Err(DynamoError::IteratorExpired);
        }
        Ok(())
    }
}
