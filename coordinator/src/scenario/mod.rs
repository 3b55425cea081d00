//! Scenario files: from text to what will run.
//!
//! - [`source`]: YAML to a tree with byte spans; the only module that knows a YAML library.
//! - [`diagnostic`]: what is wrong and where; pictures, JSON, GitHub annotations.
//! - [`syntax`]: what was written: a file, its steps and their parts.
//! - [`vocabulary`]: the words: world entries, verbs, faults, oracles and metrics as tables.

pub mod diagnostic;
pub mod source;
pub mod syntax;
pub mod vocabulary;
