//! A Region as a state machine: `step(now, input) -> reply`, with no IO, clock or chance of
//! its own.
//!
//! - [`region`]: the step. [`pipeline`]: the one road of every call. [`context`]: what a handler
//!   may see and do. [`service`]: the seam that every service fills; [`services`]: all of them.
//! - [`saga`]: what waits. [`timers`]: what time brings. [`replication`]: what travels;
//!   [`remote`]: another Region's questions.
//! - [`caller`], [`identity`], [`decide`]: who calls, and who says no. [`directory`]: who exists.
//!   [`audit`]: the trail.
//! - [`quotas`]: how much of a service an account may use.
//! - [`signing`]: what an entrance needs to verify a signature.
//! - [`entropy`]: randomness by purpose. [`vault`]: AES-256-GCM and the Region's own keys.
//! - [`store`]: what a Region keeps; [`keyspaces`]: the core's own rows.

pub mod audit;
pub mod caches;
pub mod caller;
pub mod context;
pub mod decide;
pub mod directory;
pub mod entropy;
mod faults;
pub mod identity;
pub mod keyspaces;
pub mod lag;
pub mod mutants;
pub mod pipeline;
pub mod quotas;
pub mod refusal;
pub mod region;
pub mod remote;
pub mod replication;
pub mod saga;
pub mod service;
pub mod services;
pub mod signing;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod timers;
pub mod vault;
