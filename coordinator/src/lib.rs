//! The coordinator: scenarios in, truth out.
//!
//! - [`scenario`]: the language of scenario files, from text to what will run.

pub mod scenario;
