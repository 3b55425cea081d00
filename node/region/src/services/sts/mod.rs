//! Sessions: self-contained tokens, sealed under a key that every Region holds.

use crate::context::Ctx;
use crate::identity::Principal;
use crate::refusal::Refusal;

/// An open session token.
#[derive(Debug, Clone)]
pub struct Session {
    /// The session's principal.
    pub principal: Principal,
    /// The session's policy as text, empty when it has none.
    pub policy: String,
}

/// Opens a session token and checks key and expiry.
///
/// # Errors
/// ExpiredToken, InvalidClientTokenId.
pub(crate) fn open_token(
    _ctx: &mut Ctx<'_>,
    _access_key: &str,
    _token: &str,
) -> Result<Session, Refusal> {
    Err(Refusal::not_built("sts"))
}
