//! The directory: who a credential belongs to, and which policies speak for a principal.

use crate::caller::CallerPolicies;
use crate::context::Ctx;
use crate::identity::Principal;

/// The user that an access key belongs to, as far as this Region's copy of the directory knows.
pub(crate) fn credential(_ctx: &mut Ctx<'_>, _access_key: &str) -> Option<Principal> {
    None
}

/// The policies that speak for a principal.
pub(crate) fn policies_of(
    _ctx: &mut Ctx<'_>,
    _principal: &Principal,
    _session_policy: &str,
) -> CallerPolicies {
    CallerPolicies::default()
}
