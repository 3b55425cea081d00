//! The definitions of Faultline: one per operation, and every face made from it.
//!
//! - [`names`]: Regions, accounts, ARNs, moments, checked at birth.
//! - [`tables`]: the shape of the static tables that the generator writes.

pub mod names;
pub mod tables;
