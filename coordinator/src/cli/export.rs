//! `faultline export`: a scenario in other words.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{files, out, say};
use crate::exit::Exit;
use crate::scenario;
use crate::scenario::diagnostic::{Format, render};
use crate::shell;

/// Write a scenario in other words.
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(subcommand)]
    command: ExportCommand,
}

#[derive(Debug, Subcommand)]
enum ExportCommand {
    /// As AWS CLI commands for a live world: `export aws-cli FILE > story.sh`.
    ///
    /// The world is that of the same file: `faultline up --world FILE`. The script makes the
    /// calls one after the other, begins and heals the faults, and ends at the first command
    /// that does not end as the scenario says. Steps that no command does (`look.*`, `sealed.*`,
    /// days of waiting) are left out, each with the reason, in the script and on standard error.
    AwsCli {
        /// The scenario file.
        file: PathBuf,
    },
}

/// Writes.
#[must_use]
pub fn export(args: &ExportArgs) -> Exit {
    let ExportCommand::AwsCli { file } = &args.command;
    let source = match files::read(file) {
        Ok(source) => source,
        Err(problem) => {
            say(&problem);
            return Exit::Usage;
        }
    };
    let plan = match scenario::load(&source) {
        Ok(plan) => plan,
        Err(diagnostics) => {
            say(&render(
                &source,
                &diagnostics,
                Format::Human(super::colours()),
            ));
            return Exit::InvalidFile;
        }
    };
    let Some(case) = plan.cases.first() else {
        return Exit::Nothing;
    };
    let script = shell::script(&plan, case, file);
    out(&script.text);
    if plan.cases.len() > 1 {
        say(&format!(
            "the first of {} cases: {}",
            plan.cases.len(),
            case.label
        ));
    }
    for (step, why) in &script.left_out {
        say(&format!("step {step} is left out: {why}"));
    }
    Exit::Passed
}
