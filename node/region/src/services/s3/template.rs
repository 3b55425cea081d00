//! What a put or a multipart upload says of the object to be, before its bytes are there.

use std::collections::BTreeMap;

use faultline_proto::names::AccountId;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::keyspaces::{
    BucketRow, ChecksumRow, EncryptionRow, Headers, LockRow, ObjectRow, PartRow,
};
use crate::context::Ctx;

/// User metadata at most, in bytes of names and values.
const METADATA: usize = 2048;

/// An object without its bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// Headers that S3 keeps.
    pub headers: Headers,
    /// User metadata.
    pub metadata: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Storage class label.
    pub storage_class: String,
    /// Object Lock.
    pub lock: LockRow,
    /// Account that will own it.
    pub owner: AccountId,
    /// How it is encrypted.
    pub encryption: EncryptionRow,
    /// What the trail calls that: `Default_SSE_S3` (SSE-003).
    pub applied: String,
}

/// Who owns what the caller puts into this bucket: the bucket's owner, unless the bucket lets
/// writers own what they write.
#[must_use]
pub fn owner(ctx: &Ctx<'_>, bucket: &BucketRow) -> AccountId {
    match bucket.ownership.as_deref() {
        Some("ObjectWriter" | "BucketOwnerPreferred") => ctx.account(),
        _ => bucket.owner.clone(),
    }
}

/// The storage class of what names none.
#[must_use]
pub fn standard() -> String {
    "STANDARD".to_owned()
}

/// User metadata as it is kept: names in lower case.
///
/// # Errors
/// MetadataTooLarge.
pub fn metadata(
    given: impl IntoIterator<Item = (String, String)>,
) -> Result<BTreeMap<String, String>, Error> {
    let kept: BTreeMap<String, String> = given
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    let size: usize = kept
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if size > METADATA {
        return Err(Error::MetadataTooLarge);
    }
    Ok(kept)
}

impl Template {
    /// The object, now that its bytes are there.
    #[must_use]
    pub fn object(
        self,
        parts: Vec<PartRow>,
        multipart: bool,
        e_tag: String,
        checksum: Option<ChecksumRow>,
    ) -> ObjectRow {
        ObjectRow {
            length: parts.iter().map(|part| part.length).sum(),
            parts,
            multipart,
            e_tag,
            encryption: self.encryption,
            headers: self.headers,
            metadata: self.metadata,
            tags: self.tags,
            storage_class: self.storage_class,
            checksum,
            lock: self.lock,
            owner: self.owner,
        }
    }
}
