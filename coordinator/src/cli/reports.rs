//! `--report KIND=FILE`: reports beside the terminal's.

use std::fs;
use std::path::Path;

use super::run_args::{ReportKind, ReportTo};
use crate::report::cost::{self, Bill};
use crate::report::folder::{LATEST, RunFolder};
use crate::report::{Summary, json, junit, trace};

/// Writes one report about all runs; a trace is of the newest run.
///
/// # Errors
/// A sentence when it cannot be written.
pub(super) fn write_report(
    report: &ReportTo,
    summaries: &[Summary],
    bills: &[Bill],
    root: &Path,
) -> Result<(), String> {
    let text = match report.kind {
        ReportKind::Junit => junit::write(summaries).map_err(|error| error.to_string())?,
        ReportKind::Json => {
            let runs: Vec<_> = summaries
                .iter()
                .map(|summary| json::write(summary, ""))
                .collect();
            serde_json::to_string_pretty(&runs).map_err(|error| error.to_string())?
        }
        ReportKind::Cost if report.file.extension().is_some_and(|end| end == "json") => {
            serde_json::to_string_pretty(&cost::document(bills))
                .map_err(|error| error.to_string())?
        }
        ReportKind::Cost => cost::table(bills),
        ReportKind::Trace => {
            let latest = RunFolder::find(root, LATEST).map_err(|error| error.to_string())?;
            trace::write(&latest.events().map_err(|error| error.to_string())?).to_string()
        }
    };
    fs::write(&report.file, text).map_err(|error| format!("{}: {error}", report.file.display()))
}
