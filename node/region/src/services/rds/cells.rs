//! Rows of databases as storage has them: sealed under the storage's data key, or lying open.
//!
//! A row is bound to its key, so a snapshot has the very bytes of its database, and a copy under
//! another data key seals each anew.

use super::keyspaces::{CellRow, Cells};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;
use crate::vault::SecretKey;

fn bound(key: &str) -> Vec<u8> {
    format!("rds#{key}").into_bytes()
}

/// Writes a row.
pub fn write(
    ctx: &mut Ctx<'_>,
    holder: &str,
    key: &str,
    lsn: u64,
    data_key: Option<&SecretKey>,
    value: &[u8],
) {
    let bytes = match data_key {
        None => value.to_vec(),
        Some(data_key) => {
            let nonce = ctx.entropy().bytes("rds.nonce");
            data_key.seal(nonce, &bound(key), value)
        }
    };
    ctx.put::<Cells>((holder, key), &CellRow { lsn, bytes });
}

/// A row in the clear.
///
/// # Errors
/// An internal refusal when it does not open.
pub fn opened(
    key: &str,
    row: CellRow,
    data_key: Option<&SecretKey>,
) -> Result<(u64, Vec<u8>), Refusal> {
    let value = match data_key {
        None => Some(row.bytes),
        Some(data_key) => data_key.open(&bound(key), &row.bytes),
    };
    let value = value.ok_or_else(|| Refusal::internal("a stored row does not open"))?;
    Ok((row.lsn, value))
}

/// Reads a row.
///
/// # Errors
/// An internal refusal when it does not open.
pub fn read(
    ctx: &mut Ctx<'_>,
    holder: &str,
    key: &str,
    data_key: Option<&SecretKey>,
) -> Result<Option<(u64, Vec<u8>)>, Refusal> {
    let found = ctx.get::<Cells>((holder, key));
    found.map(|row| opened(key, row, data_key)).transpose()
}

/// All rows of a holder, as they are stored, in the order of their keys.
pub fn all(ctx: &mut Ctx<'_>, holder: &str) -> Vec<(String, CellRow)> {
    let found = ctx.all(Range::<Cells>::under((holder,)));
    found
        .into_iter()
        .map(|((_, key), row)| (key, row))
        .collect()
}

/// Gives another holder the same bytes.
pub fn share(ctx: &mut Ctx<'_>, from: &str, to: &str) {
    for (key, row) in all(ctx, from) {
        ctx.put::<Cells>((to, key.as_str()), &row);
    }
}

/// Gives another holder the same rows under another data key.
///
/// # Errors
/// An internal refusal when a row does not open.
pub fn reseal(
    ctx: &mut Ctx<'_>,
    (from, old): (&str, Option<&SecretKey>),
    (to, new): (&str, Option<&SecretKey>),
) -> Result<(), Refusal> {
    for (key, row) in all(ctx, from) {
        let (lsn, value) = opened(&key, row, old)?;
        write(ctx, to, &key, lsn, new, &value);
    }
    Ok(())
}

/// Takes all rows of a holder away.
pub fn release(ctx: &mut Ctx<'_>, holder: &str) {
    for (key, _) in all(ctx, holder) {
        ctx.delete::<Cells>((holder, key.as_str()));
    }
}
