//! `faultline completions` and `faultline man`: from the same definitions as `--help`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, out, say};
use crate::exit::Exit;

/// Print the completions of a shell.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell.
    shell: Shell,
}

/// Print the manual page, or that of one command.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The command.
    command: Option<String>,
}

/// Prints completions.
#[must_use]
pub fn completions(args: &CompletionsArgs) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "faultline", &mut text);
    out(&String::from_utf8_lossy(&text));
    Exit::Passed
}

/// Prints a manual page.
#[must_use]
pub fn man(args: &ManArgs) -> Exit {
    let mut command = Cli::command();
    command.build();
    let page = match &args.command {
        None => Some(command),
        Some(name) => command.find_subcommand(name).cloned(),
    };
    let Some(page) = page else {
        say(&format!(
            "there is no command `{}`",
            args.command.as_deref().unwrap_or_default()
        ));
        return Exit::Usage;
    };
    let mut text = Vec::new();
    match clap_mangen::Man::new(page).render(&mut text) {
        Ok(()) => {
            out(&String::from_utf8_lossy(&text));
            Exit::Passed
        }
        Err(error) => {
            say(&error.to_string());
            Exit::Environment
        }
    }
}
