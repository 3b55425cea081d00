//! An object's bytes as one row of chunks, whatever parts it came in.
//!
//! Chunks are numbered through all parts; the last one of a part may be short. A replica is read
//! and written by these numbers, and so keeps the boundaries of the source's parts.
//!
//! ```text
//!   part 1 (150 KB)      part 2 (70 KB)
//!   [0: 64K][1: 64K][2: 22K][3: 64K][4: 6K]
//! ```

use super::content;
use super::encryption::ObjectKey;
use super::keyspaces::{ObjectRow, PartRow};
use crate::context::Ctx;
use crate::refusal::Refusal;

/// How many chunks an object is; never none.
#[must_use]
pub fn chunks(object: &ObjectRow) -> u64 {
    object
        .parts
        .iter()
        .map(|part| content::chunks_of(part.length))
        .sum()
}

/// The part that holds chunk `index`, and the chunk's number in it.
fn place(object: &ObjectRow, index: u64) -> Result<(&PartRow, u64), Refusal> {
    let mut left = index;
    for part in &object.parts {
        let here = content::chunks_of(part.length);
        if left < here {
            return Ok((part, left));
        }
        left -= here;
    }
    Err(Refusal::internal("the object has no such chunk"))
}

/// Opens chunk `index`.
///
/// # Errors
/// When it is gone or damaged.
pub fn read(
    ctx: &mut Ctx<'_>,
    object: &ObjectRow,
    key: &ObjectKey,
    index: u64,
) -> Result<Vec<u8>, Refusal> {
    let (part, at) = place(object, index)?;
    content::read(ctx, part, key, at)
}

/// Chunk `index` as it is stored: what an SSE-C replica takes (S3-044).
///
/// # Errors
/// When it is gone.
pub fn read_sealed(ctx: &mut Ctx<'_>, object: &ObjectRow, index: u64) -> Result<Vec<u8>, Refusal> {
    let (part, at) = place(object, index)?;
    content::read_sealed(ctx, &part.content, at)
}

/// Bytes `from..to` of an object, at most one chunk of them.
///
/// # Errors
/// When a chunk is gone or damaged.
pub fn read_range(
    ctx: &mut Ctx<'_>,
    parts: &[PartRow],
    key: &ObjectKey,
    from: u64,
    to: u64,
) -> Result<Vec<u8>, Refusal> {
    let size = crate::service::CHUNK as u64;
    let mut out = Vec::new();
    let mut begin = 0;
    for part in parts {
        let end = begin + part.length;
        let (first, last) = (from.max(begin), to.min(end));
        let mut at = first;
        while at < last {
            let index = (at - begin) / size;
            let opened = content::read(ctx, part, key, index)?;
            let start = begin + index * size;
            let upto = last.min(start + size);
            let slice = opened.get(offset(at - start)..offset(upto - start));
            out.extend_from_slice(slice.unwrap_or_default());
            at = upto;
        }
        begin = end;
    }
    Ok(out)
}

fn offset(within: u64) -> usize {
    usize::try_from(within).unwrap_or(usize::MAX)
}

/// Gives an object that was read elsewhere empty contents of its own, with the same boundaries.
/// Under SSE-C `bound` stays: the chunks are sealed for the source's contents.
pub fn begin_copy(ctx: &mut Ctx<'_>, object: &mut ObjectRow, keeps_bound: bool) {
    for part in &mut object.parts {
        part.content = content::begin(ctx);
        if !keeps_bound {
            part.bound.clone_from(&part.content);
        }
    }
}

/// Seals and stages chunk `index` of a copy.
///
/// # Errors
/// When the object has no such chunk.
pub fn write(
    ctx: &mut Ctx<'_>,
    object: &ObjectRow,
    key: &ObjectKey,
    index: u64,
    bytes: &[u8],
) -> Result<(), Refusal> {
    let (part, at) = place(object, index)?;
    let last = at + 1 == content::chunks_of(part.length);
    content::write(ctx, &part.content, key, at, bytes, last);
    Ok(())
}

/// Stages chunk `index` of a copy that is sealed already.
///
/// # Errors
/// When the object has no such chunk.
pub fn write_sealed(
    ctx: &mut Ctx<'_>,
    object: &ObjectRow,
    index: u64,
    sealed: &[u8],
) -> Result<(), Refusal> {
    let (part, at) = place(object, index)?;
    content::write_sealed(ctx, &part.content, at, sealed);
    Ok(())
}

/// Marks an object's contents as referred to.
pub fn commit(ctx: &mut Ctx<'_>, object: &ObjectRow) {
    for part in &object.parts {
        content::commit(ctx, &part.content);
    }
}

/// Removes an object's contents.
pub fn remove(ctx: &mut Ctx<'_>, object: &ObjectRow) {
    content::remove_parts(ctx, object.parts.iter());
}
