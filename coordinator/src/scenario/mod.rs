//! Scenario files: from text to what will run.
//!
//! [`load`] is the main entrance. On the way, in this order:
//!
//! - [`source`]: YAML to a tree with byte spans; the only module that knows a YAML library.
//! - [`syntax`]: what was written: a file, its steps and their parts.
//! - [`vocabulary`]: the words: world entries, verbs, faults, oracles and metrics as tables.
//! - [`check`]: what was written against the words; everything that is wrong, in one pass.
//! - [`plan`]: what will run, with [`template`]s for what only a run knows.
//!
//! And back: [`emit`] writes a tree as a file, [`beside`] puts faults beside a file's steps.
//!
//! Used by these: [`diagnostic`] (what is wrong and where; pictures, JSON, GitHub
//! annotations), [`expressions`] (`$name`, `$(cel)`), [`names`] (the world's names),
//! [`policy`] (the short form of policies), [`matchers`] (whether an answer is as
//! expected), [`quantity`] (durations and the like), [`bytes`]. For editors: [`schema`], [`complete`].

pub mod beside;
pub mod bytes;
pub mod check;
pub mod complete;
pub mod diagnostic;
pub mod emit;
pub mod expressions;
pub mod matchers;
pub mod names;
pub mod plan;
pub mod policy;
pub mod quantity;
pub mod schema;
pub mod source;
pub mod syntax;
pub mod template;
pub mod vocabulary;

use std::collections::BTreeMap;
use std::sync::Arc;

use diagnostic::{Diagnostic, Diagnostics};
pub use plan::Plan;
use source::Source;

/// Reads and checks a scenario file.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file, warnings too; at least one
/// is an error.
pub fn load(source: &Arc<Source>) -> Result<Plan, Vec<Diagnostic>> {
    load_with(source, &BTreeMap::new())
}

/// As [`load`], with other values for variables, as from `--var name=value`.
///
/// # Errors
/// As [`load`], and a value for a variable that the file does not have.
pub fn load_with(
    source: &Arc<Source>,
    vars: &BTreeMap<String, String>,
) -> Result<Plan, Vec<Diagnostic>> {
    let (root, list) = source::parse(source);
    let mut found = Diagnostics { list };
    let Some(root) = root else {
        return Err(found.sorted());
    };
    let file = syntax::file::decode(&root, &mut found);
    check::check(source, &file, found, vars)
}

#[cfg(test)]
mod tests;
