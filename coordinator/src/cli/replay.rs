//! `faultline replay`: a recorded run once more, and whether it is the same.
//!
//! The scenario is the text in the journal, not the file that may have changed since. The
//! same program must come to the same journal over every transport.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Deserialize;

use super::interrupt::Interrupt;
use super::jobs::Job;
use super::run::{Carrier, Conductor, Stage, carry};
use super::{colours, out, say};
use crate::exit::Exit;
use crate::journal::{Journal, Memory};
use crate::report::Summarizer;
use crate::report::folder::{LATEST, RUN, RunFolder, default_root};
use crate::report::terminal::{View, tell};
use crate::scenario::load_with;
use crate::scenario::source::Source;
use crate::seed::RunSeed;

/// Run a recorded run again, and compare the journals.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The run: its folder, its name, or `latest`.
    #[arg(default_value = LATEST)]
    run: String,
    /// Folder of the runs.
    #[arg(long, default_value_os_t = default_root())]
    out: PathBuf,
    /// What carries the Regions.
    #[arg(long, value_enum, default_value_t = Carrier::Loopback)]
    transport: Carrier,
}

/// What `run.json` says that the journal does not.
#[derive(Debug, Deserialize)]
struct Recorded {
    path: PathBuf,
    case: usize,
    vars: Vec<(String, String)>,
    no_faults: bool,
    digest: String,
    version: String,
    seed: u64,
    source: String,
}

/// Replays.
#[must_use]
pub fn replay(args: &ReplayArgs, conductor: &dyn Conductor) -> Exit {
    match again(args, conductor) {
        Ok(exit) => exit,
        Err((exit, problem)) => {
            say(&problem);
            exit
        }
    }
}

fn again(args: &ReplayArgs, conductor: &dyn Conductor) -> Result<Exit, (Exit, String)> {
    let folder = RunFolder::find(&args.out, &args.run)
        .map_err(|error| (Exit::Nothing, error.to_string()))?;
    let invalid = |problem: String| (Exit::InvalidFile, format!("{}: {problem}", folder.name()));
    let text = std::fs::read_to_string(folder.path().join(RUN))
        .map_err(|error| invalid(error.to_string()))?;
    let recorded: Recorded =
        serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
    let vars: BTreeMap<String, String> = recorded.vars.into_iter().collect();
    let source = Source::new(recorded.path.display().to_string(), recorded.source);
    let plan = load_with(&source, &vars).map_err(|_| {
        invalid(format!(
            "this program does not take its scenario; {} did",
            recorded.version
        ))
    })?;
    let job = Job {
        path: recorded.path,
        plan: Arc::new(plan),
        case: recorded.case,
        seed: RunSeed(recorded.seed),
    };
    let environment = |error: std::io::Error| (Exit::Environment, error.to_string());
    let stores = tempfile::tempdir().map_err(environment)?;
    let transport = carry(args.transport, stores.path()).map_err(environment)?;
    let memory = Memory::default();
    let stage = Stage {
        transport,
        journal: Journal::new().heard_by(memory.clone()),
        interrupt: Interrupt::listen(),
        no_faults: recorded.no_faults,
        live: false,
    };
    let digest = conductor
        .conduct(&job, stage)
        .map_err(|broken| (Exit::Environment, broken.to_string()))?;
    let summary = memory.with(|events| Summarizer::of(events));
    out(&tell(
        &summary,
        View {
            steps: true,
            calls: false,
            colour: colours(),
        },
        None,
    ));
    if digest == recorded.digest {
        say("the journal is the same");
        return Ok(Exit::of(summary.judgement));
    }
    if recorded.version == env!("CARGO_PKG_VERSION") {
        return Err((
            Exit::Bug,
            "the journal is another one than was recorded".to_owned(),
        ));
    }
    say(&format!(
        "the journal is another one; it was recorded by version {}",
        recorded.version
    ));
    Ok(Exit::of(summary.judgement))
}
