//! The hunt itself, in builds that hold the bugs.

use std::path::Path;
use std::time::Duration;

use faultline_region::mutants::{Mutant, plant};

use super::super::stopwatch::Stopwatch;
use super::super::{files, out, say};
use super::MutantsArgs;
use crate::campaign::generate::generate;
use crate::campaign::search::{Search, ToTheEnd, search};
use crate::campaign::shrink::shrink;
use crate::campaign::{Campaign, read, trial};
use crate::exit::Exit;

/// How long a failing run may be made small.
const SHRINKING: Duration = Duration::from_secs(15);

/// Plants the bug of that name (`FAULTLINE_MUTANT`), so that `run` and `chaos` meet it too.
///
/// # Errors
/// What is wrong with the name.
pub fn plant_named(name: &str) -> Result<(), String> {
    let found = Mutant::ALL.iter().find(|mutant| mutant.name() == name);
    let found = found.ok_or_else(|| {
        let names: Vec<_> = Mutant::ALL.iter().map(|mutant| mutant.name()).collect();
        format!(
            "FAULTLINE_MUTANT: no bug is named `{name}`; there are {}",
            names.join(", ")
        )
    })?;
    plant(Some(*found));
    Ok(())
}

/// Runs the campaigns against every bug.
#[must_use]
pub fn mutants(args: &MutantsArgs) -> Exit {
    let campaigns = match load(args) {
        Ok(campaigns) => campaigns,
        Err(exit) => return exit,
    };
    let is_wanted = |mutant: &&Mutant| {
        args.only.is_empty() || args.only.iter().any(|word| mutant.name().contains(word))
    };
    out("| bug | what is wrong | caught by | campaign | seeds | its run | made small |\n");
    out("| --- | --- | --- | --- | ---: | --- | --- |\n");
    let mut missed = 0;
    for mutant in Mutant::ALL.iter().filter(is_wanted) {
        let since = Stopwatch::start();
        let row = hunt(*mutant, &campaigns);
        plant(None);
        let told = match &row {
            Some(caught) => caught.words(),
            None => "**not caught** | | | | |".to_owned(),
        };
        missed += u64::from(row.is_none_or(|caught| !caught.honest));
        out(&format!(
            "| `{}` | {} | {told}\n",
            mutant.name(),
            mutant.doc()
        ));
        say(&format!(
            "{}: {}s",
            mutant.name(),
            since.elapsed().as_secs()
        ));
    }
    if missed > 0 {
        Exit::Failed
    } else {
        Exit::Passed
    }
}

fn load(args: &MutantsArgs) -> Result<Vec<Campaign>, Exit> {
    let unreadable = |error: std::io::Error| {
        say(&format!("{}: {error}", args.campaigns.display()));
        Exit::Usage
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(&args.campaigns).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|it| it == "yaml"));
    paths.sort();
    let mut campaigns = Vec::new();
    for path in paths {
        let campaign = read_one(&path)?;
        let wanted = &args.campaign;
        if wanted.is_empty() || wanted.iter().any(|word| campaign.name.contains(word)) {
            let seeds = (1, args.seeds);
            campaigns.push(Campaign { seeds, ..campaign });
        }
    }
    Ok(campaigns)
}

fn read_one(path: &Path) -> Result<Campaign, Exit> {
    let source = files::read(path).map_err(|problem| {
        say(&problem);
        Exit::Usage
    })?;
    read::read(&source, path).map_err(|_| {
        say(&format!(
            "{}: `faultline chaos` says what is wrong",
            path.display()
        ));
        Exit::InvalidFile
    })
}

/// A bug that was caught.
struct Caught {
    property: String,
    campaign: String,
    seeds: u64,
    before: String,
    after: String,
    /// Whether the small run passes without the bug.
    honest: bool,
}

impl Caught {
    fn words(&self) -> String {
        let Self {
            property,
            campaign,
            seeds,
            before,
            after,
            honest,
        } = self;
        let doubt = if *honest {
            ""
        } else {
            " (**fails without the bug too**)"
        };
        format!("`{property}` | {campaign} | {seeds} | {before} | {after}{doubt} |")
    }
}

/// Runs the campaigns side by side in growing strides, so that the one that sees it soonest tells.
fn hunt(mutant: Mutant, campaigns: &[Campaign]) -> Option<Caught> {
    plant(Some(mutant));
    // A world that was made without the bug, or with another one, is none of its.
    campaigns.iter().for_each(|it| it.worlds.forget());
    let mut done = 0;
    let mut stride = 20;
    let most = campaigns.iter().map(|it| it.seeds.1).max()?;
    while done < most {
        let count = stride.min(most - done);
        for campaign in campaigns {
            let part = Campaign {
                seeds: (done + 1, count),
                ..campaign.clone()
            };
            if let Some(caught) = look(&part) {
                return Some(caught);
            }
        }
        done += count;
        stride *= 4;
    }
    None
}

fn look(campaign: &Campaign) -> Option<Caught> {
    let plan = Search {
        shard: None,
        workers: std::thread::available_parallelism().map_or(1, Into::into),
        stop_after: Some(1),
        twice: 0,
        guided: false,
    };
    let searched = search(campaign, &plan, &mut ToTheEnd);
    let failure = searched.tally.failures.first()?;
    let recorded = generate(campaign, failure.seed);
    let before = recorded.size();
    let since = Stopwatch::start();
    let mut goes_on = || since.elapsed() < SHRINKING;
    let shrunk = shrink(campaign, recorded, &failure.property, &mut goes_on);
    plant(None);
    campaign.worlds.forget();
    let honest = trial::run(campaign, &[], &shrunk.recorded).failed.is_none();
    Some(Caught {
        property: failure.property.clone(),
        campaign: campaign.name.clone(),
        seeds: failure.seed,
        before,
        after: shrunk.recorded.size(),
        honest,
    })
}
