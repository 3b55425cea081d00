//! The console over a live world: what its nodes do, and a click that breaks something for real.
//!
//! Each node is asked ten times a second what happened, and once a second what it holds, but only
//! while somebody looks. Pages are sent what they see at most ten times a second. A node that does
//! not answer is shown as away, with what it held when it was last seen. Faults are those of
//! `faultline fault`: whoever starts one, everybody sees it, and it is on the record that is saved as
//! a scenario.
//!
//! - [`house`]: all that is known. [`watch`]: how it comes to be known. [`events`]: what happened.
//! - [`seen`]: it as a page reads it. [`dial`]: requests at a rate. [`record`]: what was done.
//! - [`routes`]: what a page asks.
//!
//! Left out: Regions and keys that came after the world's file, in what is saved.

pub mod dial;
pub mod events;
pub mod house;
pub mod record;
pub mod routes;
pub mod seen;
#[cfg(test)]
mod tests;
pub mod watch;
