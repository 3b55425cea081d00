//! A lab on a class's wall.

use std::path::PathBuf;

use clap::Args;

use super::refuse;
use crate::cli::console::{Listen, serve};
use crate::console::labs::house::{Class, House};
use crate::console::labs::routes::routes;
use crate::exit::Exit;
use crate::labs::desk::find;

/// Show a lab to a class: in a browser, in large type, a step at a time, without solutions.
///
/// Steps that are still to come have no name, and `n` and `p` turn to the next and the one before
/// whether the step is done or not. What is written and answered stays in a folder of its own.
#[derive(Debug, Args)]
pub struct PresentArgs {
    /// The lab's id, or its number.
    id: String,
    /// A folder of labs, instead of those that come with the program.
    #[arg(long)]
    course: Option<PathBuf>,
    /// The folder; called after the lab with `-class` unless said.
    #[arg(long)]
    into: Option<PathBuf>,
    #[command(flatten)]
    listen: Listen,
}

/// Serves until Ctrl-C.
pub(super) fn present(args: &PresentArgs) -> Exit {
    let house = find(&args.id, args.course.as_deref()).and_then(|(_, lab)| {
        let folder = args.into.clone();
        let folder = folder.unwrap_or_else(|| PathBuf::from(format!("{}-class", lab.id)));
        let class = Class {
            lab: lab.id,
            folder,
        };
        House::new(PathBuf::from("."), args.course.as_deref(), Some(class))
    });
    match house {
        Ok(house) => serve(&args.listen, routes(house)),
        Err(problem) => refuse(&problem),
    }
}
