//! What is kept of runs that broke something: a scenario that breaks it again.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::interrupt::Interrupt;
use super::super::run::{Carrier, carry};
use super::super::say;
use super::super::stopwatch::Stopwatch;
use super::page::Page;
use super::telling::by_property;
use crate::campaign::generate::generate;
use crate::campaign::recorded::Recorded;
use crate::campaign::search::Searched;
use crate::campaign::shrink::shrink;
use crate::campaign::{Campaign, trial};
use crate::journal::Journal;

/// A scenario that was kept.
#[derive(Debug)]
pub(super) struct Kept {
    /// What it breaks.
    pub property: String,
    file: PathBuf,
    before: String,
    after: String,
    tried: u64,
}

impl Kept {
    pub fn words(&self) -> String {
        let size = if self.tried == 0 {
            self.before.clone()
        } else {
            format!(
                "{} shrunk to {} in {} tries",
                self.before, self.after, self.tried
            )
        };
        format!(
            "{size}\n  see it again: faultline run {}",
            self.file.display()
        )
    }
}

/// Keeps the first failing run of each property.
pub(super) fn keep(
    campaign: &Campaign,
    searched: &Searched,
    folder: &Path,
    as_it_was: bool,
    interrupt: &Interrupt,
) -> Vec<Kept> {
    let mut kept = Vec::new();
    for (property, failures) in by_property(&searched.tally) {
        let seed = failures[0].seed;
        let recorded = searched.plan(campaign, seed);
        let before = recorded.size();
        let since = Stopwatch::start();
        let (recorded, tried) = if as_it_was || !campaign.shrink.wanted {
            (recorded, 0)
        } else {
            let mut goes_on = || since.elapsed() < campaign.shrink.budget && !interrupt.is_raised();
            let shrunk = shrink(campaign, recorded, property, &mut goes_on);
            (shrunk.recorded, shrunk.tried)
        };
        let after = recorded.size();
        let text = with_head(campaign, &recorded, property, &failures[0].because);
        let place = campaign.shrink.keep_as.as_deref().unwrap_or(folder);
        let name: String = property
            .chars()
            .map(|it| if it.is_ascii_alphanumeric() { it } else { '-' })
            .collect();
        let file = place.join(format!(
            "{}-{}-seed-{seed}.yaml",
            campaign.name,
            name.to_lowercase()
        ));
        let scenario = file.file_name().unwrap_or_default().to_string_lossy();
        let page = Page {
            campaign,
            property,
            failures: &failures,
            runs: searched.tally.runs,
            recorded: &recorded,
            sizes: (&before, &after),
            scenario: &scenario,
        };
        let page = page.write();
        let written = fs::create_dir_all(place)
            .and_then(|()| fs::write(&file, text))
            .and_then(|()| {
                fs::write(
                    folder.join(file.with_extension("md").file_name().unwrap_or_default()),
                    page,
                )
            });
        match written {
            Ok(()) => kept.push(Kept {
                property: property.to_owned(),
                file,
                before,
                after,
                tried,
            }),
            Err(error) => say(&format!("{}: {error}", file.display())),
        }
    }
    kept
}

fn with_head(campaign: &Campaign, recorded: &Recorded, property: &str, because: &str) -> String {
    let because = because.replace('\n', " ");
    format!(
        "# Found by the campaign `{}` with seed {}: {property}.\n# {because}\n{}",
        campaign.name,
        recorded.seed,
        trial::text(campaign, recorded)
    )
}

/// Runs the first seeds over gRPC nodes too. Answers those whose journals differ.
pub(super) fn over_grpc(campaign: &Campaign, count: u64) -> Vec<u64> {
    let (from, all) = campaign.seeds;
    let mut differ = Vec::new();
    for seed in (from..from + all).take(usize::try_from(count).unwrap_or(usize::MAX)) {
        let recorded = generate(campaign, seed);
        let stores = tempfile::Builder::new().prefix("faultline-").tempdir();
        let transport =
            stores.and_then(|stores| Ok((carry(Carrier::Grpc, stores.path())?, stores)));
        let (transport, _stores) = match transport {
            Ok(made) => made,
            Err(error) => {
                say(&format!("seed {seed} did not run over gRPC: {error}"));
                continue;
            }
        };
        let loopback = trial::run(campaign, &[], &recorded);
        let grpc = trial::over(campaign, &[], &recorded, transport, Journal::new());
        if grpc.digest != loopback.digest {
            differ.push(seed);
        }
    }
    differ
}
