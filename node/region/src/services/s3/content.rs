//! Bodies: chunks of at most 64 KiB, sealed on arrival, opened on the way out.
//!
//! Each chunk is bound (AAD) to the content it belongs to, its index and whether it is the
//! last, so that none can be swapped, dropped or cut off. Content that no version refers to,
//! because its put never ended, is collected later.

use md5::digest::common::hazmat::{SerializableState, SerializedState};
use md5::{Digest as _, Md5};
use serde_bytes::ByteBuf;

use super::keyspaces::{Chunks, ContentRow, Contents};
use crate::context::{Ctx, encode};
use crate::refusal::Refusal;
use crate::store::Range;
use crate::vault::SecretKey;

/// How long an unfinished body is kept, microseconds: longer than any call waits.
const ABANDONED_AFTER: u64 = 24 * 3600 * 1_000_000;

/// Opens a new content.
pub fn begin(ctx: &mut Ctx<'_>) -> String {
    let id = ctx.entropy().hex::<12>("s3.content-id");
    ctx.put::<Contents>(
        id.as_str(),
        &ContentRow {
            committed: false,
            bound: id.clone(),
        },
    );
    let at = ctx.elapsed().plus_micros(ABANDONED_AFTER);
    ctx.schedule("s3", at, "collect", encode(&id));
    id
}

/// Marks a content as referred to.
pub fn commit(ctx: &mut Ctx<'_>, id: &str) {
    if let Some(mut row) = ctx.get::<Contents>(id) {
        row.committed = true;
        ctx.put::<Contents>(id, &row);
    }
}

/// Binds a content to the id under which its chunks were sealed elsewhere (SSE-C replicas).
pub fn bind(ctx: &mut Ctx<'_>, id: &str, bound: &str) {
    if let Some(mut row) = ctx.get::<Contents>(id) {
        bound.clone_into(&mut row.bound);
        ctx.put::<Contents>(id, &row);
    }
}

/// The collector's timer: removes the content if nothing refers to it.
pub fn collect(ctx: &mut Ctx<'_>, id: &str) {
    if ctx.get::<Contents>(id).is_some_and(|row| !row.committed) {
        remove(ctx, id);
    }
}

/// Removes a content and its chunks.
pub fn remove(ctx: &mut Ctx<'_>, id: &str) {
    for (key, _) in ctx.all(Range::<Chunks>::under((id,))) {
        ctx.delete::<Chunks>(&key);
    }
    ctx.delete::<Contents>(id);
}

fn binding(bound: &str, index: u64, last: bool) -> Vec<u8> {
    format!("{bound}/{index}/{last}").into_bytes()
}

fn bound(ctx: &mut Ctx<'_>, id: &str) -> Result<String, Refusal> {
    ctx.get::<Contents>(id)
        .map(|row| row.bound)
        .ok_or_else(|| Refusal::internal("the content is gone"))
}

/// Seals and stages a chunk.
///
/// # Errors
/// When the content is gone.
pub fn write(
    ctx: &mut Ctx<'_>,
    id: &str,
    key: &SecretKey,
    index: u64,
    bytes: &[u8],
    last: bool,
) -> Result<(), Refusal> {
    let aad = binding(&bound(ctx, id)?, index, last);
    let nonce = ctx.entropy().bytes("s3.chunk-nonce");
    let sealed = key.seal(nonce, &aad, bytes);
    ctx.put::<Chunks>(&(id.to_owned(), index), &ByteBuf::from(sealed));
    Ok(())
}

/// Stages a chunk that is sealed already: SSE-C replicas keep the source's bytes (S3-044).
pub fn write_sealed(ctx: &mut Ctx<'_>, id: &str, index: u64, sealed: &[u8]) {
    ctx.put::<Chunks>(&(id.to_owned(), index), &ByteBuf::from(sealed));
}

/// The sealed bytes of a chunk.
///
/// # Errors
/// When the chunk is gone.
pub fn read_sealed(ctx: &mut Ctx<'_>, id: &str, index: u64) -> Result<Vec<u8>, Refusal> {
    ctx.get::<Chunks>(&(id.to_owned(), index))
        .map(ByteBuf::into_vec)
        .ok_or_else(|| Refusal::internal("a chunk of the content is gone"))
}

/// Opens a chunk.
///
/// # Errors
/// When the chunk is gone or damaged.
pub fn read(
    ctx: &mut Ctx<'_>,
    id: &str,
    key: &SecretKey,
    index: u64,
    last: bool,
) -> Result<Vec<u8>, Refusal> {
    let sealed = read_sealed(ctx, id, index)?;
    let aad = binding(&bound(ctx, id)?, index, last);
    key.open(&aad, &sealed)
        .ok_or_else(|| Refusal::internal("a chunk of the content does not open"))
}

/// MD5 over chunks that arrive in different steps; its state is stored between them.
#[derive(Debug, Clone, Default)]
pub struct Fingerprint(Md5);

impl Fingerprint {
    /// From stored bytes; a fresh one when there are none.
    #[must_use]
    pub fn restore(bytes: &[u8]) -> Self {
        let state: Option<SerializedState<Md5>> = bytes.try_into().ok();
        state
            .and_then(|state| Md5::deserialize(&state).ok())
            .map_or_else(Self::default, Self)
    }

    /// For storing.
    #[must_use]
    pub fn store(&self) -> Vec<u8> {
        self.0.serialize().to_vec()
    }

    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest.
    #[must_use]
    pub fn end(self) -> [u8; 16] {
        self.0.finalize().into()
    }
}
