//! Import tokens: sealed notes of KMS to itself, each good for one import within a day (K-132).
//!
//! KMS keeps nothing of a token that it gave away. Of one that was used it keeps a digest, for
//! as long as the token would still be good.

use faultline_proto::names::Timestamp;
use zeroize::Zeroizing;

use super::error::KmsError;
use super::keyspaces::{KeyRow, UsedTokenRow, UsedTokens};
use super::wrapping::{Token, Wrapping};
use crate::context::{Ctx, decode, encode};
use crate::store::Range;

/// How long a public key and its token are good for, seconds (K-132).
const GOOD_FOR: i64 = 24 * 60 * 60;

const TOKEN: &str = "kms import token";
const USED: &str = "kms used import token";

/// A token for `row`, with its end.
pub(crate) fn give(
    ctx: &mut Ctx<'_>,
    row: &KeyRow,
    wrapping: Wrapping,
    private_key: &[u8],
) -> (Vec<u8>, Timestamp) {
    let token = Token {
        account: row.account.clone(),
        key: row.id.clone(),
        wrapping,
        private_key: private_key.to_vec(),
        valid_to: ctx.now().plus_seconds(GOOD_FOR),
    };
    let sealed = ctx.seal_local(TOKEN, b"", &encode(&token));
    (sealed, token.valid_to)
}

fn digest(ctx: &Ctx<'_>, bytes: &[u8]) -> String {
    hex::encode(ctx.core.vault.fingerprint(USED, bytes))
}

/// What a token says that was given for `row` and is still good.
pub(crate) fn read(ctx: &mut Ctx<'_>, row: &KeyRow, bytes: &[u8]) -> Result<Token, KmsError> {
    let token = ctx
        .open_local(TOKEN, b"", bytes)
        .ok()
        .and_then(|opened| decode::<Token>(&Zeroizing::new(opened)).ok())
        .filter(|token| token.account == row.account && token.key == row.id)
        .ok_or(KmsError::InvalidImportToken)?;
    if token.valid_to < ctx.now() {
        return Err(KmsError::ExpiredImportToken);
    }
    let digest = digest(ctx, bytes);
    match ctx.get::<UsedTokens>((&row.account, row.id.as_str(), digest.as_str())) {
        Some(_) => Err(KmsError::InvalidImportToken),
        None => Ok(token),
    }
}

/// An import that succeeds uses its token up. Digests of tokens that have expired since go.
pub(crate) fn use_up(ctx: &mut Ctx<'_>, row: &KeyRow, bytes: &[u8], token: &Token) {
    let now = ctx.now();
    for ((account, key, digest), used) in
        ctx.all(Range::<UsedTokens>::under((&row.account, row.id.as_str())))
    {
        if used.until < now {
            ctx.delete::<UsedTokens>((&account, key.as_str(), digest.as_str()));
        }
    }
    let digest = digest(ctx, bytes);
    let until = token.valid_to;
    let used = UsedTokenRow { until };
    ctx.put::<UsedTokens>((&row.account, row.id.as_str(), digest.as_str()), &used);
}

/// Of a key that is no more, nothing is kept.
pub(crate) fn forget(ctx: &mut Ctx<'_>, row: &KeyRow) {
    for ((account, key, digest), _) in
        ctx.all(Range::<UsedTokens>::under((&row.account, row.id.as_str())))
    {
        ctx.delete::<UsedTokens>((&account, key.as_str(), digest.as_str()));
    }
}
