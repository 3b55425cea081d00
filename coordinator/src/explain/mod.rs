//! What `faultline explain` and `faultline list` say: codes, verbs, faults, oracles,
//! metrics.
//!
//! Everything comes from the tables that also check files, so no page can be out of date.

pub mod codes;
