//! `faultline merge`: the results of a campaign's shards, joined.

use std::path::PathBuf;

use clap::Args;

use super::super::{out, say};
use super::telling;
use crate::campaign::tally::Tally;
use crate::exit::Exit;

/// Join the results of campaign shards.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Results: campaign-1-of-4.json and so on.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Where the joined result is written.
    #[arg(long, default_value = "campaign.json")]
    into: PathBuf,
}

/// Joins.
#[must_use]
pub fn merge(args: &MergeArgs) -> Exit {
    let mut sum: Option<Tally> = None;
    for file in &args.files {
        let joined = std::fs::read_to_string(file)
            .map_err(|error| error.to_string())
            .and_then(|text| {
                serde_json::from_str::<Tally>(&text)
                    .map_err(|error| format!("no result of a campaign: {error}"))
            })
            .and_then(|tally| match sum.take() {
                None => Ok(tally),
                Some(mut sum) => sum.join(tally).map(|()| sum),
            });
        match joined {
            Ok(tally) => sum = Some(tally),
            Err(problem) => {
                say(&format!("{}: {problem}", file.display()));
                return Exit::InvalidFile;
            }
        }
    }
    let Some(sum) = sum else { return Exit::Nothing };
    if let Err(error) = std::fs::write(&args.into, sum.write()) {
        say(&format!("{}: {error}", args.into.display()));
        return Exit::Environment;
    }
    out(&telling::counts(&sum.campaign, &sum));
    if let Some(shards) = &sum.shards {
        let missing: Vec<String> = (1..=shards.of)
            .filter(|it| !shards.have.contains(it))
            .map(|it| it.to_string())
            .collect();
        say(&format!(
            "of {} shards these are missing: {}",
            shards.of,
            missing.join(", ")
        ));
        return Exit::Unknown;
    }
    match (sum.failed, sum.unknown, sum.unreached().next()) {
        (0, 0, None) => Exit::Passed,
        (0, 1.., None) => Exit::Unknown,
        _ => Exit::Failed,
    }
}
