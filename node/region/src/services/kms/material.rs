//! Backing keys: made, sealed for the store, opened for use.
//!
//! A backing key leaves a Region only inside the link-sealed question that makes a replica
//! (K-128: AWS moves it from HSM to HSM). Its id is drawn apart from it, so an oracle that
//! compares digests of the bytes learns something that ids cannot tell.

use faultline_proto::names::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroize as _;

use super::error::KmsError;
use super::identifiers::KeyId;
use super::keyspaces::{KeyRow, MaterialRow, Materials};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;
use crate::vault::SecretKey;

const PURPOSE: &str = "kms backing key";

/// A backing key on its way to another Region; never printed, zeroed on drop.
#[derive(Serialize, Deserialize)]
pub(crate) struct Shipped {
    /// Its id, 64 hex digits.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    bytes: [u8; 32],
}

impl Drop for Shipped {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

fn aad(account: &AccountId, key: &KeyId, id: &str) -> Vec<u8> {
    format!("{account}/{}/{id}", key.as_str()).into_bytes()
}

fn keep(
    ctx: &mut Ctx<'_>,
    account: &AccountId,
    key: &KeyId,
    id: &str,
    created: Timestamp,
    bytes: &[u8; 32],
) {
    let sealed = ctx.seal_local(PURPOSE, &aad(account, key, id), bytes);
    ctx.put::<Materials>(
        (account, key.as_str(), id),
        &MaterialRow { sealed, created },
    );
}

/// Makes a fresh backing key and returns its id.
pub(crate) fn make(ctx: &mut Ctx<'_>, account: &AccountId, key: &KeyId) -> String {
    let id = ctx.entropy().hex::<32>("kms.material-id");
    let mut bytes = ctx.entropy().bytes::<32>("kms.material");
    let now = ctx.now();
    keep(ctx, account, key, &id, now, &bytes);
    bytes.zeroize();
    id
}

/// Keeps what another Region shipped.
pub(crate) fn take_in(ctx: &mut Ctx<'_>, account: &AccountId, key: &KeyId, shipped: &[Shipped]) {
    for material in shipped {
        keep(
            ctx,
            account,
            key,
            &material.id,
            material.created,
            &material.bytes,
        );
    }
}

/// Every backing key of `key`, for a replica.
pub(crate) fn ship(ctx: &mut Ctx<'_>, key: &KeyRow) -> Result<Vec<Shipped>, Refusal> {
    let rows = ctx.all(Range::<Materials>::under((&key.account, key.id.as_str())));
    let ship = |((_, _, id), row): ((_, _, String), MaterialRow)| {
        let opened = unseal(ctx, key, &id, &row)?;
        Ok(Shipped {
            id,
            created: row.created,
            bytes: *opened.expose(),
        })
    };
    rows.into_iter().map(ship).collect()
}

/// The backing key `id` of `key`, opened. A Region keeps opened ones in memory, never stored.
pub(crate) fn open(ctx: &mut Ctx<'_>, key: &KeyRow, id: &str) -> Result<SecretKey, Refusal> {
    if let Some(known) = ctx.caches.backing_keys.get(id) {
        return Ok(known.clone());
    }
    let row = ctx
        .get::<Materials>((&key.account, key.id.as_str(), id))
        .ok_or(KmsError::InvalidCiphertext)?;
    let opened = unseal(ctx, key, id, &row)?;
    ctx.caches
        .backing_keys
        .insert(id.to_owned(), opened.clone());
    Ok(opened)
}

fn unseal(ctx: &Ctx<'_>, key: &KeyRow, id: &str, row: &MaterialRow) -> Result<SecretKey, Refusal> {
    let mut bytes = ctx.open_local(PURPOSE, &aad(&key.account, &key.id, id), &row.sealed)?;
    let opened = SecretKey::from_slice(&bytes)
        .ok_or_else(|| Refusal::internal("a backing key has not 32 bytes"));
    bytes.zeroize();
    opened
}

/// Removes every backing key of `key` for ever.
pub(crate) fn destroy(ctx: &mut Ctx<'_>, key: &KeyRow) {
    for ((account, id, material), _) in
        ctx.all(Range::<Materials>::under((&key.account, key.id.as_str())))
    {
        ctx.caches.backing_keys.remove(&material);
        ctx.delete::<Materials>((&account, id.as_str(), material.as_str()));
    }
}

/// Id and SHA-256 of every backing key, for oracles: `id:digest`, in the order of ids.
pub(crate) fn digests(ctx: &mut Ctx<'_>, key: &KeyRow) -> Vec<String> {
    let rows = ctx.all(Range::<Materials>::under((&key.account, key.id.as_str())));
    let digest =
        |((_, _, id), row): ((_, _, String), MaterialRow)| match unseal(ctx, key, &id, &row) {
            Ok(opened) => format!("{id}:{}", hex::encode(Sha256::digest(opened.expose()))),
            Err(_) => format!("{id}:unreadable"),
        };
    rows.into_iter().map(digest).collect()
}
