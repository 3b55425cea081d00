//! A Region as a state machine: `step(now, input) -> reply`, with no IO, clock or chance of
//! its own.
//!
//! - [`store`]: what a Region keeps.

pub mod store;
