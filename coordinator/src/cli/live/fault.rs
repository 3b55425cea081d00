//! `faultline fault`: faults on live nodes.

use clap::{Args, Subcommand};
use faultline_proto::names::RegionName;

use super::{Known, Where, pair};
use crate::cli::{out, say};
use crate::exit::Exit;
use crate::live::client::words;
use crate::live::trouble::{self, Active, KINDS};

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
                let known = Known::of(place)?;
                let mut faults = trouble::in_force(&known.folder)?;
                let fault = Active {
                    id: faults.iter().map(|fault| fault.id).max().unwrap_or(0) + 1,
                    kind: kind.clone(),
                    arguments: arguments.iter().cloned().collect(),
                };
                let id = fault.id;
                say(&format!("started {fault}"));
                faults.push(fault);
                let done = apply(&known, &faults).await?;
                // For scripts, which heal it by its number.
                out(&format!("{id}\n"));
                Ok(done)
            }
            FaultCommand::Heal { faults: ids, place } => {
                let known = Known::of(place)?;
                let faults = trouble::in_force(&known.folder)?;
                if let Some(id) = ids.iter().find(|id| faults.iter().all(|it| it.id != **id)) {
                    return Err(format!(
                        "no fault {id} is in force; `faultline fault list` shows them"
                    ));
                }
                let left: Vec<Active> = faults
                    .into_iter()
                    .filter(|fault| !ids.is_empty() && !ids.contains(&fault.id))
                    .collect();
                apply(&known, &left).await
            }
            FaultCommand::List { place } => {
                for fault in trouble::in_force(&place.folder())? {
                    out(&format!("{fault}\n"));
                }
                Ok(Exit::Passed)
            }
        }
    })
}

/// Writes down what is in force, and tells every node.
async fn apply(known: &Known, faults: &[Active]) -> Result<Exit, String> {
    let regions: Vec<RegionName> = known
        .saved
        .regions
        .iter()
        .map(|it| it.region.clone())
        .collect();
    // All of it must make sense before any of it happens.
    let troubles = regions
        .iter()
        .map(|region| trouble::for_node(faults, region, &regions))
        .collect::<Result<Vec<_>, _>>()?;
    trouble::keep(&known.folder, faults)?;
    for (client, trouble) in known.clients.iter().zip(troubles) {
        let told = client.set_trouble(trouble).await;
        if let Err(status) = told
            && !trouble::holds_down(faults, client.region())
        {
            say(&format!(
                "{}: {}; it is told when it is up",
                client.region(),
                words(&status)
            ));
        }
    }
    Ok(Exit::Passed)
}
