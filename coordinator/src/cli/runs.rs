//! `faultline runs` and `faultline show`: what was recorded.

use std::path::PathBuf;

use clap::Args;

use super::{colours, out, say};
use crate::clock::Span;
use crate::exit::Exit;
use crate::report::folder::{LATEST, RunFolder, default_root};
use crate::report::terminal::{View, tell};
use crate::report::{Summarizer, Summary, moment, setup, transcript};
use crate::scenario::quantity;

/// List recorded runs, the newest last.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// Folder of the runs.
    #[arg(long, default_value_os_t = default_root())]
    out: PathBuf,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Show a recorded run, or one moment of it.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The run: its folder, its name, or `latest`.
    #[arg(default_value = LATEST)]
    run: String,
    /// Folder of the runs.
    #[arg(long, default_value_os_t = default_root())]
    out: PathBuf,
    /// Only what happened around this moment, for example 39.74s.
    #[arg(long)]
    at: Option<String>,
    /// How much around it.
    #[arg(long, default_value = "500ms", requires = "at")]
    around: String,
    /// The compact transcript.
    #[arg(long, conflicts_with = "at")]
    transcript: bool,
    /// How the world was made: the calls of its set-up.
    #[arg(long, conflicts_with_all = ["at", "transcript"])]
    setup: bool,
}

/// Lists.
#[must_use]
pub fn runs(args: &RunsArgs) -> Exit {
    let folders = match RunFolder::all(&args.out) {
        Ok(folders) => folders,
        Err(error) => {
            say(&format!("{}: {error}", args.out.display()));
            return Exit::Environment;
        }
    };
    for folder in &folders {
        match folder.summary() {
            Ok(summary) => out(&row(&folder.name(), &summary, args.json)),
            Err(error) => say(&format!("{}: {error}", folder.name())),
        }
    }
    if folders.is_empty() {
        say(&format!("no runs in {}", args.out.display()));
        return Exit::Nothing;
    }
    Exit::Passed
}

fn row(folder: &str, summary: &Summary, json: bool) -> String {
    let judgement = transcript::judgement(summary.judgement);
    let run = &summary.run;
    if json {
        let value = serde_json::json!({
            "run": folder, "judgement": judgement, "name": run.name, "title": run.title, "seed": run.seed,
            "simulated_us": summary.took().0, "events": summary.events,
        });
        return format!("{value}\n");
    }
    format!("{judgement:<8} {folder}  {}\n", run.title)
}

/// Shows.
#[must_use]
pub fn show(args: &ShowArgs) -> Exit {
    let folder = match RunFolder::find(&args.out, &args.run) {
        Ok(folder) => folder,
        Err(error) => {
            say(&error.to_string());
            return Exit::Nothing;
        }
    };
    let events = match folder.events() {
        Ok(events) => events,
        Err(error) => {
            say(&format!("{}: {error}", folder.name()));
            return Exit::InvalidFile;
        }
    };
    let summary = Summarizer::of(&events);
    let Some(at) = &args.at else {
        let view = View {
            steps: true,
            calls: true,
            colour: colours(),
        };
        let told = if args.setup {
            setup::tell(&events)
        } else if args.transcript {
            transcript::write(&summary)
        } else {
            tell(&summary, view, None)
        };
        out(&told);
        return Exit::Passed;
    };
    let span = |text: &str| quantity::duration(text.trim_start_matches("t=")).map(Span::from);
    let (Some(at), Some(around)) = (span(at), span(&args.around)) else {
        say("--at and --around take times such as 39.74s or 500ms");
        return Exit::Usage;
    };
    out(&moment::tell(&summary, &events, at, around));
    Exit::Passed
}
