//! A scenario as a script of AWS CLI commands for a live world of the same file.
//!
//! - [`marks`]: values that only a run has, as variables of the shell.
//! - [`words`]: text, quoted for a shell.
//! - [`command`]: one operation with its arguments as the AWS CLI takes them.
//! - [`expected`]: what a command must answer, as far as `--query` can say it.
//! - [`faults`]: faults as commands. [`steps`]: all of them in order.
//!
//! What has no command is left out, and said: see [`Script::left_out`].

mod command;
mod expected;
mod faults;
mod marks;
mod steps;
mod words;

use std::path::Path;

use crate::scenario::plan::{Case, Plan};
pub use marks::{key_variable, volume_variable};

use marks::Marks;
use steps::Writer;
use words::quoted;

/// What stands before all commands.
const PRELUDE: &str = include_str!("prelude.sh");

/// A script, and what is not in it.
#[derive(Debug)]
pub struct Script {
    /// Text for bash.
    pub text: String,
    /// Steps that have no command, each with the reason.
    pub left_out: Vec<(String, String)>,
}

/// Writes one case of a file as a script.
#[must_use]
pub fn script(plan: &Plan, case: &Case, path: &Path) -> Script {
    // The first pass finds out which values of answers later commands need.
    let mut marks = Marks::of(&case.world);
    let mut first = Writer::new(case, &mut marks);
    first.all();
    let needed = first.needed();
    let mut writer = Writer::new(case, &mut marks);
    writer.keep(needed);
    writer.all();
    let file = quoted(&path.display().to_string());
    let case_of = if case.label.is_empty() {
        String::new()
    } else {
        format!("# Case: {}\n", case.label)
    };
    let text = format!(
        "#!/usr/bin/env bash\n# {}\n{case_of}#\n# The world must be up: faultline up --world {file}\n{PRELUDE}\n{}",
        plan.title, writer.text
    );
    Script {
        text,
        left_out: writer.left_out,
    }
}

#[cfg(test)]
mod tests;
