//! The command line: what can be asked for, and who does it.
//!
//! A command's help is the doc comment of its arguments. Results go to standard output,
//! talk to standard error. A command is registered when it works, not before.
//!
//! - [`check`], [`run`], [`chaos`], [`replay`], [`runs`], `reports`, [`words`], [`decide`], [`node`], [`new`],
//!   [`doctor`], [`papers`]: the commands.
//! - [`lab`]: lessons. [`console`]: a run in a browser. [`live`]: worlds of real processes.
//! - [`files`]: from arguments to files. [`jobs`]: from files to runs.
//! - `watch`: rounds of runs, one for each save.
//! - [`progress`], [`interrupt`], [`stopwatch`]: the terminal, Ctrl-C, and the wall clock,
//!   which exists here and nowhere else.

pub mod chaos;
pub mod check;
pub mod console;
pub mod decide;
pub mod doctor;
pub mod export;
pub mod files;
pub mod interrupt;
pub mod jobs;
pub mod lab;
pub mod live;
pub mod mutants;
pub mod new;
pub mod node;
mod node_tls;
pub mod papers;
pub mod progress;
pub mod replay;
mod reports;
pub mod run;
mod run_args;
pub mod runs;
pub mod stopwatch;
mod watch;
pub mod words;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::exit::Exit;

/// A multi-Region replication simulator for encryption architectures on AWS.
#[derive(Debug, Parser)]
#[command(name = "faultline", version, after_help = exits())]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::RunArgs>),
    Chaos(Box<chaos::ChaosArgs>),
    Merge(chaos::MergeArgs),
    Kills(chaos::KillsArgs),
    #[command(hide = true)]
    Mutants(mutants::MutantsArgs),
    Check(check::CheckArgs),
    Explain(words::ExplainArgs),
    List(words::ListArgs),
    Schema(words::SchemaArgs),
    Runs(runs::RunsArgs),
    Show(runs::ShowArgs),
    Report(reports::ReportArgs),
    Replay(replay::ReplayArgs),
    Decide(decide::DecideArgs),
    New(new::NewArgs),
    Export(export::ExportArgs),
    Lab(lab::LabArgs),
    Console(console::ConsoleArgs),
    Node(Box<node::NodeArgs>),
    Up(live::up::UpArgs),
    Down(live::down::DownArgs),
    Certificates(live::certificates::CertificatesArgs),
    Status(live::status::StatusArgs),
    Logs(live::logs::LogsArgs),
    Env(live::env::EnvArgs),
    Call(live::call::CallArgs),
    Fault(live::fault::FaultArgs),
    Soak(live::soak::SoakArgs),
    Doctor(doctor::DoctorArgs),
    Completions(papers::CompletionsArgs),
    Man(papers::ManArgs),
}

/// The program from its arguments to its exit status.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing to do when the terminal is gone.
            drop(error.print());
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Passed.into()
            };
        }
    };
    #[cfg(feature = "mutants")]
    if let Ok(name) = std::env::var("FAULTLINE_MUTANT")
        && let Err(problem) = mutants::plant_named(&name)
    {
        say(&problem);
        return Exit::Usage.into();
    }
    match cli.command {
        Command::Run(args) => run::run(&args, &crate::runner::AsWritten),
        Command::Chaos(args) => chaos::chaos(&args),
        Command::Merge(args) => chaos::merge(&args),
        Command::Kills(args) => chaos::kills(&args),
        Command::Mutants(args) => mutants::mutants(&args),
        Command::Check(args) => check::check(&args),
        Command::Explain(args) => words::explain(&args),
        Command::List(args) => words::list(&args),
        Command::Schema(args) => words::schema(&args),
        Command::Runs(args) => runs::runs(&args),
        Command::Show(args) => runs::show(&args),
        Command::Report(args) => reports::report(&args),
        Command::Replay(args) => replay::replay(&args, &crate::runner::AsWritten),
        Command::Decide(args) => decide::decide(&args),
        Command::New(args) => new::new(&args),
        Command::Export(args) => export::export(&args),
        Command::Lab(args) => lab::lab(&args),
        Command::Console(args) => console::console(&args),
        Command::Node(args) => node::node(&args),
        Command::Up(args) => live::up::up(&args),
        Command::Down(args) => live::down::down(&args),
        Command::Certificates(args) => live::certificates::certificates(&args),
        Command::Status(args) => live::status::status(&args),
        Command::Logs(args) => live::logs::logs(&args),
        Command::Env(args) => live::env::env(&args),
        Command::Call(args) => live::call::call(&args),
        Command::Fault(args) => live::fault::fault(&args),
        Command::Soak(args) => live::soak::soak(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Completions(args) => papers::completions(&args),
        Command::Man(args) => papers::man(&args),
    }
    .into()
}

/// The exit statuses, for the end of `--help`.
fn exits() -> String {
    let lines: Vec<String> = Exit::ALL
        .iter()
        .map(|(exit, meaning)| format!("  {:>3}  {meaning}", exit.status()))
        .collect();
    format!("Exit status:\n{}", lines.join("\n"))
}

/// Prints a result. A reader that has gone away is no error of ours.
pub(crate) fn out(text: &str) {
    use std::io::Write;
    drop(anstream::stdout().write_all(text.as_bytes()));
}

/// Says something to the person at the terminal.
pub(crate) fn say(text: &str) {
    use std::io::Write;
    drop(writeln!(anstream::stderr(), "{text}"));
}

/// Whether results are read by a person who wants colours.
pub(crate) fn colours() -> bool {
    std::io::stdout().is_terminal()
        && anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_make_sense() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_names_every_exit_status() {
        let help = Cli::command().render_long_help().to_string();
        assert!(
            help.contains("130  interrupted, partial report written"),
            "{help}"
        );
    }
}
