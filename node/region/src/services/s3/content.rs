//! Bodies: chunks of at most 64 KiB, sealed on arrival, opened on the way out.
//!
//! Each chunk is bound (AAD) to the content it belongs to, its index and whether it is the
//! last, so that none can be swapped, dropped or cut off. Content that no version and no upload
//! refers to, because its put never ended, is collected later. An object is one content or, after
//! a multipart upload, several in a row: [`super::body`].

use md5::digest::common::hazmat::{SerializableState, SerializedState};
use md5::{Digest as _, Md5};
use serde_bytes::ByteBuf;

use super::encryption::ObjectKey;
use super::keyspaces::{Chunks, ContentRow, Contents, PartRow};
use crate::context::{Ctx, encode};
use crate::refusal::Refusal;
use crate::service::CHUNK;
use crate::store::Range;

/// How long an unfinished body is kept, microseconds: longer than any call waits.
const ABANDONED_AFTER: u64 = 24 * 3600 * 1_000_000;
/// Chunks that are removed in one step: 4 MiB, since a store may hold what a step removes.
const AT_ONCE: u64 = 64;
/// The same for the collector.
const COLLECTED: usize = 64;

/// Opens a new content.
pub fn begin(ctx: &mut Ctx<'_>) -> String {
    let id = ctx.entropy().hex::<12>("s3.content-id");
    ctx.put::<Contents>(id.as_str(), &ContentRow { committed: false });
    let at = ctx.elapsed().plus_micros(ABANDONED_AFTER);
    ctx.schedule("s3", at, "collect", encode(&id));
    id
}

/// Marks a content as referred to.
pub fn commit(ctx: &mut Ctx<'_>, id: &str) {
    ctx.put::<Contents>(id, &ContentRow { committed: true });
}

/// The collector's timer: removes the content if nothing refers to it, a stretch at a time.
pub fn collect(ctx: &mut Ctx<'_>, id: &str) {
    collect_all(ctx, vec![id.to_owned()]);
}

/// The same for several contents, one after the other.
pub fn collect_all(ctx: &mut Ctx<'_>, mut ids: Vec<String>) {
    let Some(id) = ids.pop() else { return };
    if stretch(ctx, &id) {
        ids.push(id);
    }
    if !ids.is_empty() {
        let at = ctx.elapsed().plus_micros(1);
        ctx.schedule("s3", at, "collect-all", encode(&ids));
    }
}

/// Removes a stretch of a content that nothing refers to; whether more is left.
fn stretch(ctx: &mut Ctx<'_>, id: &str) -> bool {
    if ctx.get::<Contents>(id).is_none_or(|row| row.committed) {
        return false;
    }
    let rows = ctx.page(Range::<Chunks>::under((id,)), COLLECTED);
    for (key, _) in &rows {
        ctx.delete::<Chunks>(key);
    }
    if rows.len() < COLLECTED {
        ctx.delete::<Contents>(id);
        return false;
    }
    true
}

/// How many chunks so many bytes are; none at all is one empty chunk.
#[must_use]
pub fn chunks_of(length: u64) -> u64 {
    length.div_ceil(CHUNK as u64).max(1)
}

/// Removes a content of so many chunks; what is much goes little by little.
pub fn remove(ctx: &mut Ctx<'_>, id: &str, chunks: u64) {
    remove_all(ctx, vec![(id.to_owned(), chunks)]);
}

/// Removes the content of a part.
pub fn remove_part(ctx: &mut Ctx<'_>, part: &PartRow) {
    remove(ctx, &part.content, chunks_of(part.length));
}

/// Removes the contents of parts.
pub fn remove_parts<'p>(ctx: &mut Ctx<'_>, parts: impl Iterator<Item = &'p PartRow>) {
    let contents = parts.map(|part| (part.content.clone(), chunks_of(part.length)));
    remove_all(ctx, contents.collect());
}

fn remove_all(ctx: &mut Ctx<'_>, contents: Vec<(String, u64)>) {
    let all: u64 = contents.iter().map(|(_, chunks)| chunks).sum();
    if all <= AT_ONCE {
        for (id, chunks) in contents {
            for index in 0..chunks {
                ctx.delete::<Chunks>(&(id.clone(), index));
            }
            ctx.delete::<Contents>(id.as_str());
        }
        return;
    }
    let mut ids = Vec::with_capacity(contents.len());
    for (id, _) in contents {
        ctx.put::<Contents>(id.as_str(), &ContentRow { committed: false });
        ids.push(id);
    }
    let at = ctx.elapsed().plus_micros(1);
    ctx.schedule("s3", at, "collect-all", encode(&ids));
}

/// Text that a chunk is bound to.
fn binding(bound: &str, index: u64, last: bool) -> Vec<u8> {
    format!("{bound}/{index}/{last}").into_bytes()
}

/// Seals and stages a chunk of a content that is bound to its own id.
pub fn write(ctx: &mut Ctx<'_>, id: &str, key: &ObjectKey, index: u64, bytes: &[u8], last: bool) {
    let sealed = key.seal(ctx, &binding(id, index, last), bytes);
    ctx.put::<Chunks>(&(id.to_owned(), index), &ByteBuf::from(sealed));
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

/// Opens a chunk of a part.
///
/// # Errors
/// When the chunk is gone or damaged.
pub fn read(
    ctx: &mut Ctx<'_>,
    part: &PartRow,
    key: &ObjectKey,
    index: u64,
) -> Result<Vec<u8>, Refusal> {
    let sealed = read_sealed(ctx, &part.content, index)?;
    let last = index + 1 == chunks_of(part.length);
    key.open(&binding(&part.bound, index, last), &sealed)
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
