//! `faultline fault`: faults on live nodes.

use clap::{Args, Subcommand};

use super::{Where, pair};
use crate::cli::{out, say};
use crate::exit::Exit;
use crate::live::acting;
use crate::live::known::Known;
use crate::live::trouble::{self, KINDS};

/// Start, heal or list faults of a live world.
#[derive(Debug, Args)]
pub struct FaultArgs {
    #[command(subcommand)]
    command: FaultCommand,
}

#[derive(Debug, Subcommand)]
enum FaultCommand {
    /// Start a fault: `fault start partition between=eu-west-1,us-east-1`.
    #[command(after_help = kinds())]
    Start {
        /// Kind of the fault.
        kind: String,
        /// Its arguments, name=value.
        #[arg(value_parser = pair)]
        arguments: Vec<(String, String)>,
        #[command(flatten)]
        place: Where,
    },
    /// Heal a fault by its number; all without one.
    Heal {
        /// Numbers, as `fault list` shows them.
        faults: Vec<u64>,
        #[command(flatten)]
        place: Where,
    },
    /// List the faults in force.
    List {
        #[command(flatten)]
        place: Where,
    },
}

fn kinds() -> String {
    let lines: Vec<String> = KINDS
        .iter()
        .map(|(kind, takes)| format!("  {kind:<18} {takes}"))
        .collect();
    format!("Kinds:\n{}", lines.join("\n"))
}

/// Does it.
#[must_use]
pub fn fault(args: &FaultArgs) -> Exit {
    super::block_on(async {
        match &args.command {
            FaultCommand::Start {
                kind,
                arguments,
                place,
            } => {
                let known = Known::of(place.folder())?;
                let arguments = arguments.iter().cloned().collect();
                let (fault, later) = acting::start(&known, kind, arguments).await?;
                say(&format!("started {fault}"));
                later.iter().for_each(|line| say(line));
                // For scripts, which heal it by its number.
                out(&format!("{}\n", fault.id));
            }
            FaultCommand::Heal { faults, place } => {
                let known = Known::of(place.folder())?;
                let later = acting::heal(&known, faults).await?;
                later.iter().for_each(|line| say(line));
            }
            FaultCommand::List { place } => {
                for fault in trouble::in_force(&place.folder())? {
                    out(&format!("{fault}\n"));
                }
            }
        }
        Ok(Exit::Passed)
    })
}
