//! Blocks of 64 KiB, and who refers to them.
//!
//! A volume or snapshot is a map from index to block id. A snapshot takes the map of its volume
//! and raises the counts; a write gives the volume a block of its own. So snapshots are
//! incremental, and a deletion takes only what nobody else needs (EBS-015).
//!
//! A block's id ends with its *print*: a digest of the plaintext under a key that the Regions of
//! a run share. Two blocks of one print have the same content, whatever keys they are sealed
//! under; that is how a copy knows what the copy before it has (EBS-022), and how an oracle
//! compares snapshots that it cannot open.

use super::keyspaces::{Blocks, Maps, References};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::service::CHUNK;
use crate::store::Range;
use crate::vault::SecretKey;
use serde_bytes::ByteBuf;

/// Hexadecimal digits of the random part of an id, and of its print.
const HALF: usize = 32;

/// What a map has: index and block id.
pub type Entries = Vec<(u64, String)>;

/// What a sealed block is bound to: its id and its place.
fn place(block: &str, index: u64) -> Vec<u8> {
    let mut place = block.as_bytes().to_vec();
    place.extend_from_slice(&index.to_be_bytes());
    place
}

/// The print of some content.
fn print(ctx: &Ctx<'_>, plaintext: &[u8]) -> String {
    let print = ctx.core.vault.fingerprint("ec2.block", plaintext);
    hex::encode(&print[..HALF / 2])
}

/// The print of a block; `None` for one that was written before there were prints.
#[must_use]
pub fn print_of(block: &str) -> Option<&str> {
    block.get(HALF..).filter(|print| print.len() == HALF)
}

/// A digest over all blocks and the length, by which every Region knows the same content.
#[must_use]
pub fn digest(ctx: &Ctx<'_>, entries: &[(u64, String)], length: u64) -> Option<String> {
    let mut all = length.to_be_bytes().to_vec();
    for (index, block) in entries {
        all.extend_from_slice(&index.to_be_bytes());
        all.extend_from_slice(print_of(block)?.as_bytes());
    }
    let digest = ctx.core.vault.fingerprint("ec2.content", &all);
    Some(hex::encode(&digest[..HALF / 2]))
}

/// The map of a volume, a snapshot or a read.
pub fn entries(ctx: &mut Ctx<'_>, holder: &str) -> Entries {
    ctx.all(Range::<Maps>::under((holder,)))
        .into_iter()
        .map(|((_, index), block)| (index, block))
        .collect()
}

/// What a source has: index and print of each block; the print is empty when there is none.
pub fn listed(ctx: &mut Ctx<'_>, holder: &str) -> Entries {
    entries(ctx, holder).into_iter().map(with_print).collect()
}

/// At most `limit` of them, from an index on.
pub fn listed_from(ctx: &mut Ctx<'_>, holder: &str, from: u64, limit: usize) -> Entries {
    ctx.page(Range::<Maps>::under((holder,)).from((holder, from)), limit)
        .into_iter()
        .map(|((_, index), block)| with_print((index, block)))
        .collect()
}

fn with_print((index, block): (u64, String)) -> (u64, String) {
    (index, print_of(&block).unwrap_or_default().to_owned())
}

/// How many blocks nobody else has: what the next snapshot must store.
pub fn own(ctx: &mut Ctx<'_>, entries: &[(u64, String)]) -> u64 {
    let mut own = 0;
    for (_, block) in entries {
        own += u64::from(ctx.get::<References>(block.as_str()) == Some(1));
    }
    own
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
    let print = print(ctx, plaintext);
    put(ctx, holder, index, key, plaintext, &print);
}

fn put(
    ctx: &mut Ctx<'_>,
    holder: &str,
    index: u64,
    key: Option<&SecretKey>,
    plaintext: &[u8],
    print: &str,
) {
    if let Some(old) = ctx.get::<Maps>((holder, index)) {
        drop_one(ctx, &old);
    }
    let block = format!("{}{print}", ctx.entropy().hex::<16>("ec2.block-id"));
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

/// Writes `content` from block `first` on, as an instance would: a block that has it already is
/// not written.
pub fn overwrite(
    ctx: &mut Ctx<'_>,
    holder: &str,
    first: u64,
    key: Option<&SecretKey>,
    content: &[u8],
) {
    for (index, plaintext) in (first..).zip(content.chunks(CHUNK)) {
        let print = print(ctx, plaintext);
        let now = ctx.get::<Maps>((holder, index));
        if now.as_deref().and_then(print_of) != Some(print.as_str()) {
            put(ctx, holder, index, key, plaintext, &print);
        }
    }
}

/// Forgets the blocks from `first` on.
pub fn cut(ctx: &mut Ctx<'_>, holder: &str, first: u64) {
    for (index, block) in entries(ctx, holder) {
        if index >= first {
            ctx.delete::<Maps>((holder, index));
            drop_one(ctx, &block);
        }
    }
}

/// What was written, block after block; the zeros between are left out.
///
/// # Errors
/// When a block does not open under `key`.
pub fn content(
    ctx: &mut Ctx<'_>,
    holder: &str,
    key: Option<&SecretKey>,
) -> Result<Vec<u8>, Refusal> {
    let mut content = Vec::new();
    for (index, _) in entries(ctx, holder) {
        content.extend(read(ctx, holder, index, key)?);
    }
    Ok(content)
}

/// Gives `to` the blocks of `from`.
pub fn share(ctx: &mut Ctx<'_>, from: &str, to: &str) {
    for (index, block) in entries(ctx, from) {
        share_one(ctx, to, index, &block);
    }
}

/// Gives `to` one block of somebody else.
pub fn share_one(ctx: &mut Ctx<'_>, to: &str, index: u64, block: &str) {
    let count = ctx.get::<References>(block).unwrap_or_default();
    ctx.put::<References>(block, &(count + 1));
    ctx.put::<Maps>((to, index), &block.to_owned());
}

/// Takes the map away, and the blocks that nobody else needs.
pub fn release(ctx: &mut Ctx<'_>, holder: &str) {
    cut(ctx, holder, 0);
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
