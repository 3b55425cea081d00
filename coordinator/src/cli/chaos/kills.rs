//! `faultline kills`: processes over real stores, killed at random moments.

use clap::Args;

use super::super::interrupt::Interrupt;
use super::super::stopwatch::Stopwatch;
use super::super::{out, say};
use crate::campaign::kills::{Kills, Store};
use crate::exit::Exit;
use crate::seed::RunSeed;

/// Rounds over one store before a new one is begun.
const ROUNDS: u64 = 40;

/// Kill a node's process over its real store, again and again, and look at what is left.
#[derive(Debug, Args)]
pub struct KillsArgs {
    /// Kills.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// From which writes and moments follow; moments are of the wall clock, so no run repeats.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Kills.
#[must_use]
pub fn kills(args: &KillsArgs) -> Exit {
    let (since, interrupt) = (Stopwatch::start(), Interrupt::listen());
    let mut sum = Kills::default();
    let ran = rounds(args, &mut sum, &since, &interrupt);
    out(&told(&sum, since.elapsed().as_secs()));
    if let Err(problem) = ran {
        say(&problem);
        return Exit::Environment;
    }
    match (sum.broken.is_empty(), sum.acknowledged) {
        (false, _) => Exit::Failed,
        (true, 0) => Exit::Unknown,
        (true, _) if interrupt.is_raised() => Exit::Interrupted,
        (true, _) => Exit::Passed,
    }
}

fn rounds(
    args: &KillsArgs,
    sum: &mut Kills,
    since: &Stopwatch,
    interrupt: &Interrupt,
) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let folders = tempfile::Builder::new().prefix("faultline-").tempdir();
    let folders = folders.map_err(|error| format!("no folder for stores: {error}"))?;
    let mut told = 0;
    while sum.rounds < args.rounds && !interrupt.is_raised() {
        let number = sum.rounds / ROUNDS;
        let folder = folders.path().join(number.to_string());
        let store = Store::new(RunSeed(args.seed), number, &program, &folder);
        let mut store = store.map_err(|error| error.to_string())?;
        for _ in 0..ROUNDS.min(args.rounds - sum.rounds) {
            let broken = sum.broken.len();
            let round = sum.rounds + 1;
            store.round(round, sum).map_err(|error| error.to_string())?;
            if sum.broken.len() > broken || interrupt.is_raised() {
                break;
            }
        }
        if since.elapsed().as_secs() > told {
            told = since.elapsed().as_secs();
            say(&format!(
                "{told:>4}s  {} of {} kills  {} broken",
                sum.rounds,
                args.rounds,
                sum.broken.len()
            ));
        }
        drop(store.stop());
        drop(std::fs::remove_dir_all(folder));
    }
    Ok(())
}

fn told(sum: &Kills, seconds: u64) -> String {
    let mut text = format!(
        "{} kills in {seconds} s: {} writes acknowledged, all there; of those not acknowledged {} are there and {} are not\n",
        sum.rounds, sum.acknowledged, sum.kept, sum.gone
    );
    if !sum.broken.is_empty() {
        text = format!(
            "{} kills in {seconds} s, {} writes acknowledged:\n",
            sum.rounds, sum.acknowledged
        );
        for broken in sum.broken.iter().take(10) {
            text.push_str(&format!("  {broken}\n"));
        }
    }
    text
}
