//! Blocks of 64 KiB, and who refers to them.
//!
//! A volume or snapshot is a map from index to block id. A snapshot takes the map of its volume
//! and raises the counts; a write gives the volume a block of its own. So snapshots are
//! incremental, and a deletion takes only what nobody else needs (EBS-015).

use super::keyspaces::{Blocks, Maps, References};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::CHUNK;
use crate::store::Range;
use crate::vault::SecretKey;
use serde_bytes::ByteBuf;

/// What a sealed block is bound to: its id and its place.
fn place(block: &str, index: u64) -> Vec<u8> {
    let mut place = block.as_bytes().to_vec();
    place.extend_from_slice(&index.to_be_bytes());
    place
}

/// The indexes that hold something.
pub fn indexes(ctx: &mut Ctx<'_>, holder: &str) -> Vec<u64> {
    ctx.all(Range::<Maps>::under((holder,)))
        .into_iter()
        .map(|((_, index), _)| index)
        .collect()
}

/// Reads one block; zeros were never written and are no block.
///
/// # Errors
/// When the block does not open under `key`.
pub fn read(
    ctx: &mut Ctx<'_>,
    holder: &str,
    index: u64,
    key: Option<&SecretKey>,
) -> Result<Vec<u8>, Refusal> {
    let Some(block) = ctx.get::<Maps>((holder, index)) else {
        return Ok(Vec::new());
    };
    let bytes = ctx.get::<Blocks>(block.as_str());
    let bytes = bytes.unwrap_or_default().into_vec();
    match key {
        None => Ok(bytes),
        Some(key) => key
            .open(&place(&block, index), &bytes)
            .ok_or_else(|| Refusal::internal(format!("block {index} of {holder} does not open"))),
    }
}

/// Writes one block, sealed when there is a key.
pub fn write(
    ctx: &mut Ctx<'_>,
    holder: &str,
    index: u64,
    key: Option<&SecretKey>,
    plaintext: &[u8],
) {
    if let Some(old) = ctx.get::<Maps>((holder, index)) {
        drop_one(ctx, &old);
    }
    let block = ctx.entropy().hex::<16>("ec2.block-id");
    let bytes = match key {
        None => plaintext.to_vec(),
        Some(key) => {
            let nonce = ctx.entropy().bytes("ec2.block-nonce");
            key.seal(nonce, &place(&block, index), plaintext)
        }
    };
    ctx.put::<Blocks>(block.as_str(), &ByteBuf::from(bytes));
    ctx.put::<References>(block.as_str(), &1);
    ctx.put::<Maps>((holder, index), &block);
}

/// Replaces the whole content.
pub fn fill(ctx: &mut Ctx<'_>, holder: &str, key: Option<&SecretKey>, content: &[u8]) {
    release(ctx, holder);
    for (index, block) in (0..).zip(content.chunks(CHUNK)) {
        write(ctx, holder, index, key, block);
    }
}

/// The whole content.
///
/// # Errors
/// When a block does not open under `key`.
pub fn content(
    ctx: &mut Ctx<'_>,
    holder: &str,
    length: u64,
    key: Option<&SecretKey>,
) -> Result<Vec<u8>, Refusal> {
    let mut content = Vec::new();
    for index in 0..length.div_ceil(CHUNK as u64) {
        content.extend(read(ctx, holder, index, key)?);
    }
    Ok(content)
}

/// Gives `to` the blocks of `from`.
pub fn share(ctx: &mut Ctx<'_>, from: &str, to: &str) {
    for ((_, index), block) in ctx.all(Range::<Maps>::under((from,))) {
        let count = ctx.get::<References>(block.as_str()).unwrap_or_default();
        ctx.put::<References>(block.as_str(), &(count + 1));
        ctx.put::<Maps>((to, index), &block);
    }
}

/// Takes the map away, and the blocks that nobody else needs.
pub fn release(ctx: &mut Ctx<'_>, holder: &str) {
    for ((_, index), block) in ctx.all(Range::<Maps>::under((holder,))) {
        ctx.delete::<Maps>((holder, index));
        drop_one(ctx, &block);
    }
}

fn drop_one(ctx: &mut Ctx<'_>, block: &str) {
    match ctx.get::<References>(block).unwrap_or_default() {
        0 | 1 => {
            ctx.delete::<References>(block);
            ctx.delete::<Blocks>(block);
        }
        more => ctx.put::<References>(block, &(more - 1)),
    }
}
