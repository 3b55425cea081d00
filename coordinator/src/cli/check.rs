//! `faultline check`: read and check, run nothing.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{files, out, say};
use crate::campaign;
use crate::exit::Exit;
use crate::scenario;
use crate::scenario::diagnostic::{Format, Severity, render};

/// Read and check scenario and campaign files; run nothing.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Scenario and campaign files, or folders of scenarios.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Who reads what is found.
    #[arg(long, value_enum, default_value_t = CheckFormat::Human)]
    format: CheckFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    /// Pictures for people.
    Human,
    /// One JSON object a line.
    Json,
    /// GitHub's workflow commands.
    Github,
}

/// Checks.
#[must_use]
pub fn check(args: &CheckArgs) -> Exit {
    let found = match files::find(&args.files) {
        Ok(found) => found,
        Err(problem) => {
            say(&problem);
            return Exit::Usage;
        }
    };
    let format = match args.format {
        CheckFormat::Human => Format::Human(super::colours()),
        CheckFormat::Json => Format::Json,
        CheckFormat::Github => Format::Github,
    };
    let (mut invalid, mut errors, mut warnings) = (0_u64, 0_u64, 0_u64);
    for path in &found {
        let source = match files::read(path) {
            Ok(source) => source,
            Err(problem) => {
                say(&problem);
                invalid += 1;
                continue;
            }
        };
        let checked = if files::is_campaign(&source.text) {
            campaign::read::read(&source, path).map(|campaign| campaign.warnings)
        } else {
            scenario::load(&source).map(|plan| plan.warnings)
        };
        let diagnostics = checked.unwrap_or_else(|diagnostics| {
            invalid += 1;
            diagnostics
        });
        out(&render(&source, &diagnostics, format));
        let severe = diagnostics
            .iter()
            .filter(|it| it.severity == Severity::Error)
            .count() as u64;
        errors += severe;
        warnings += diagnostics.len() as u64 - severe;
    }
    say(&format!(
        "{} files, {errors} errors, {warnings} warnings",
        found.len()
    ));
    match (found.is_empty(), invalid) {
        (true, _) => Exit::Nothing,
        (false, 0) => Exit::Passed,
        (false, _) => Exit::InvalidFile,
    }
}
