//! The lock-out safety check of CreateKey, ReplicateKey and PutKeyPolicy (K-175 to K-177).
//!
//! The new policy must let its author call PutKeyPolicy again. That is a question to the ordinary
//! evaluator (K-176): with a policy that only delegates to the account, an author whose own
//! policies lack `kms:PutKeyPolicy` is refused.

use super::evaluate::{Policies, ResourcePolicy, evaluate};
use super::policy::Policy;
use super::reasons::Refusal;
use super::request::Request;

/// The message of `MalformedPolicyDocumentException` (K-175).
pub const MESSAGE: &str =
    "The new key policy will not allow you to update the key policy in the future.";

/// Asks whether the caller of `request` could replace `new` again.
///
/// `request` is the call that brings the policy (its caller, key ARN, account and context);
/// `policies` are those that apply to it. Grants do not count, for none can give PutKeyPolicy.
/// Not to be asked when BypassPolicyLockoutSafetyCheck is true (K-177).
///
/// # Errors
/// The [`Refusal`] that the author would meet, for the report; the caller sees [`MESSAGE`].
pub fn check(
    request: &Request<'_>,
    policies: &Policies<'_>,
    new: &Policy,
) -> Result<(), Box<Refusal>> {
    let request = Request {
        action: "kms:PutKeyPolicy",
        crosses_accounts: false,
        ..*request
    };
    let policies = Policies {
        resource: ResourcePolicy::Key(new),
        grants: &[],
        ..*policies
    };
    evaluate(&request, &policies).into_result().map(|_| ())
}
