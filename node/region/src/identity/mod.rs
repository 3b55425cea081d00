//! Who may do what: policy documents and the one decision about every call.
//!
//! [`evaluate()`] is a pure function from a [`Request`] and the [`Policies`] that apply to it to a
//! [`Decision`] that carries its reasons. It reads no store and no clock: who collects the
//! documents (the pipeline) decides how stale they are, and so stale IAM is felt.
//!
//! - [`pattern`]: `*`, `?` and `${variables}` in actions, resources and ARNs; [`glob`]: the search.
//! - [`json`]: JSON that keeps member order and refuses a member given twice.
//! - [`policy`]: what a document is; [`parse`] and `elements`: how it is read, what is refused.
//! - [`principals`]: the Principal element, and how directly it names a caller.
//! - [`condition`]: operators and quantifiers; [`dates`], [`network`]: two of their value kinds.
//! - [`request`]: the caller, the action, the resource; [`context`]: condition keys.
//! - [`grants`]: KMS grants as the evaluator sees them, and who may retire one.
//! - [`scan`]: which statements of a set of documents speak to a request.
//! - [`evaluate`](mod@evaluate): the rules that join all of these.
//! - [`reasons`]: the decision; [`wording`]: AWS's words for it, and what would have helped.
//! - [`near`]: statements that almost spoke, and why they did not.
//! - [`lockout`]: would a new key policy lock its author out?
//!
//! Left out: federated users, access control lists, and whether a named principal exists (the
//! directory knows; [`policy::Document::principals`] lists whom to ask about).

pub mod condition;
pub mod context;
pub mod dates;
mod elements;
pub mod evaluate;
pub mod glob;
pub mod grants;
pub mod json;
pub mod lockout;
pub mod near;
pub mod network;
pub mod parse;
pub mod pattern;
pub mod policy;
pub mod principals;
pub mod reasons;
pub mod request;
pub mod scan;
pub mod wording;

#[cfg(test)]
mod tests;

pub use context::Context;
pub use evaluate::{Policies, ResourcePolicy, evaluate};
pub use grants::{ContextConstraint, GrantView, ProposedGrant};
pub use parse::PolicyError;
pub use policy::{Document, DocumentKind, Policy};
pub use reasons::{Decision, DeniedBy, Refusal};
pub use request::{Principal, Request, Wording};
