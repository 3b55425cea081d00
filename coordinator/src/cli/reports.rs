//! `--report KIND=FILE`, reports beside the terminal's, and `faultline report`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::run_args::{ReportKind, ReportTo};
use super::say;
use crate::clock::SimTime;
use crate::exit::Exit;
use crate::journal::event::Judgement;
use crate::report::cost::{self, Bill};
use crate::report::folder::{LATEST, RunFolder, default_root};
use crate::report::html::{self, Page, Window};
use crate::report::{Summary, json, junit, trace};
use crate::scenario::quantity;

/// What reports tell of.
pub(super) struct Told<'a> {
    /// What came of each run.
    pub(super) summaries: &'a [Summary],
    /// What each would have cost.
    pub(super) bills: &'a [Bill],
    /// Where each is recorded.
    pub(super) folders: &'a [RunFolder],
    /// Folder of all runs.
    pub(super) root: &'a Path,
}

/// Writes one report about all runs; a trace is of the newest run, a page of the first that did
/// not pass.
///
/// # Errors
/// A sentence when it cannot be written.
pub(super) fn write_report(report: &ReportTo, told: &Told<'_>) -> Result<(), String> {
    let text = match report.kind {
        ReportKind::Html => page(told)?,
        ReportKind::Junit => junit::write(told.summaries).map_err(|error| error.to_string())?,
        ReportKind::Json => {
            let runs: Vec<_> = told
                .summaries
                .iter()
                .map(|summary| json::write(summary, ""))
                .collect();
            serde_json::to_string_pretty(&runs).map_err(|error| error.to_string())?
        }
        ReportKind::Cost if report.file.extension().is_some_and(|end| end == "json") => {
            serde_json::to_string_pretty(&cost::document(told.bills))
                .map_err(|error| error.to_string())?
        }
        ReportKind::Cost => cost::table(told.bills),
        ReportKind::Trace => {
            let latest = RunFolder::find(told.root, LATEST).map_err(|error| error.to_string())?;
            trace::write(&latest.events().map_err(|error| error.to_string())?).to_string()
        }
    };
    fs::write(&report.file, text).map_err(|error| format!("{}: {error}", report.file.display()))
}

/// The page of the first run that did not pass, else of the last.
fn page(told: &Told<'_>) -> Result<String, String> {
    let mut runs = told.summaries.iter().zip(told.folders);
    let failed = runs
        .clone()
        .find(|(summary, _)| summary.judgement != Judgement::Pass);
    let (_, folder) = failed
        .or_else(|| runs.next_back())
        .ok_or("no run ended, so there is no page to write")?;
    let page = read(folder, Window::default()).map_err(|(_, problem)| problem)?;
    Ok(html::write(&page, told.summaries))
}

/// Write one self-contained HTML page about a recorded run, or about two side by side.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run: its folder, its name, or `latest`.
    #[arg(default_value = LATEST)]
    run: String,
    /// Another run, to compare with it step by step.
    other: Option<String>,
    /// Folder of the runs.
    #[arg(long, default_value_os_t = default_root())]
    out: PathBuf,
    /// Where to write it; `report.html` in the run's folder unless told otherwise.
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Draw only what happened from this moment on, for example 39.5s; a page draws 10,000 events at most.
    #[arg(long, conflicts_with = "other")]
    from: Option<String>,
    /// Draw only what happened up to this moment.
    #[arg(long, conflicts_with = "other")]
    to: Option<String>,
}

/// Reports.
#[must_use]
pub fn report(args: &ReportArgs) -> Exit {
    match made(args) {
        Ok(file) => {
            super::out(&format!("{}\n", file.display()));
            Exit::Passed
        }
        Err((exit, problem)) => {
            say(&problem);
            exit
        }
    }
}

fn made(args: &ReportArgs) -> Result<PathBuf, (Exit, String)> {
    let moment = |text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => quantity::duration(text.trim_start_matches("t="))
            .and_then(|span| u64::try_from(span.as_micros()).ok())
            .map(|micros| Some(SimTime(micros)))
            .ok_or((
                Exit::Usage,
                "--from and --to take times such as 39.74s or 500ms".to_owned(),
            )),
    };
    let window = Window {
        from: moment(&args.from)?,
        to: moment(&args.to)?,
    };
    if window
        .from
        .zip(window.to)
        .is_some_and(|(from, to)| from > to)
    {
        return Err((Exit::Usage, "--from is later than --to".to_owned()));
    }
    let find = |run: &str| {
        RunFolder::find(&args.out, run).map_err(|error| (Exit::Nothing, error.to_string()))
    };
    let folder = find(&args.run)?;
    let page = read(&folder, window)?;
    let text = match &args.other {
        Some(other) => html::compare(&page, &read(&find(other)?, Window::default())?),
        None => html::write(&page, &[]),
    };
    let file = args
        .file
        .clone()
        .unwrap_or_else(|| folder.path().join("report.html"));
    fs::write(&file, text)
        .map_err(|error| (Exit::Environment, format!("{}: {error}", file.display())))?;
    Ok(file)
}

fn read(folder: &RunFolder, window: Window) -> Result<Page, (Exit, String)> {
    let events = folder
        .events()
        .map_err(|error| (Exit::InvalidFile, format!("{}: {error}", folder.name())))?;
    let name = folder.path().canonicalize();
    let name = name.as_deref().unwrap_or(folder.path()).file_name();
    let name = name.unwrap_or_default().to_string_lossy();
    Ok(Page::of(&events, &name, window))
}
