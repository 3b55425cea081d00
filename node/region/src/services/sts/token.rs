//! Session tokens: sealed under a key that every Region holds, bound to their access key.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use faultline_proto::names::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::StsError;
use crate::context::{Ctx, decode, encode};
use crate::identity::Principal;
use crate::refusal::Refusal;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// The session.
    pub principal: Principal,
    /// Its policies as [`SessionPolicies`](crate::directory::SessionPolicies) writes them.
    pub policy: String,
    /// Condition keys that it brings to every call: session tags, source identity.
    pub context: BTreeMap<String, String>,
    /// Names of tags that go on to the next role.
    pub transitive_tags: Vec<String>,
    /// Its end, on the clock of the Region that is asked.
    pub expires: Timestamp,
}

/// Seals a token for `access_key`. Base64 text.
pub(super) fn seal(ctx: &mut Ctx<'_>, access_key: &str, token: &Token) -> String {
    let nonce = ctx.entropy().bytes("sts.token-nonce");
    let key = ctx.core.vault.session_tokens();
    STANDARD.encode(key.seal(nonce, access_key.as_bytes(), &encode(token)))
}

/// Opens a session token and checks key and expiry.
///
/// # Errors
/// UnrecognizedClientException for a token that is not ours or not of this key,
/// ExpiredTokenException for one whose time is over.
pub(crate) fn open_token(
    ctx: &mut Ctx<'_>,
    access_key: &str,
    token: &str,
) -> Result<Token, Refusal> {
    let sealed = STANDARD.decode(token).map_err(|_| StsError::InvalidToken)?;
    let key = ctx.core.vault.session_tokens();
    let opened = key
        .open(access_key.as_bytes(), &sealed)
        .ok_or(StsError::InvalidToken)?;
    let token: Token = decode(&opened)?;
    if token.expires <= ctx.now() {
        return Err(StsError::ExpiredToken.into());
    }
    Ok(token)
}
