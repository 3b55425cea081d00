//! A Region as a state machine: `step(now, input) -> reply`, with no IO, clock or chance of
//! its own.
//!
//! - [`identity`]: who may do what, one pure decision.
//! - [`store`]: what a Region keeps.

pub mod identity;
pub mod store;
