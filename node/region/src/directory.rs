//! The partition's directory as services ask it: who exists, who a role trusts, whose key it is.
//!
//! It is IAM's copy in this Region, so answers may be old, and that is the point. Services meet
//! only as clients of each other; this seam is the one thing that all of them share, as they
//! share the caller.

pub use crate::services::iam::{
    RoleView, SessionPolicies, managed_policy, new_access_key, principal_exists, propagate, role,
    secret_access_key, take_change,
};
pub(crate) use crate::services::organizations::{Fence, binding, organization_of};
