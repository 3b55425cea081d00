//! Replication: from the rules of a bucket to replicas in other buckets.
//!
//! - [`config`]: what S3 checks when a configuration is put, and which rules fit an object.
//! - [`source`]: the source's side; [`replica`]: the destination's.

pub mod config;
pub mod replica;
pub mod source;

pub(super) use source::consider;
