//! `faultline chaos`: a campaign over its seeds, and `faultline merge` for its shards.
//!
//! Results lie in a folder of their own: `campaign.json` (what `merge` joins), and for each
//! property that broke a scenario file of its first failing run, made small. All of that is
//! free of wall time; how fast it went is only told.

mod found;
mod kills;
mod merge;
mod page;
mod telling;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

pub use kills::{KillsArgs, kills};
pub use merge::{MergeArgs, merge};

use super::interrupt::Interrupt;
use super::jobs::{Seeds, parse_seeds};
use super::stopwatch::Stopwatch;
use super::{colours, files, out, say};
use crate::campaign::search::{Search, Searched, Watcher, search};
use crate::campaign::tally::Tally;
use crate::campaign::{Campaign, read};
use crate::exit::Exit;
use crate::scenario::diagnostic::{Format, render};

/// Run a campaign: many seeds of a workload under faults.
#[derive(Debug, Args)]
pub struct ChaosArgs {
    /// The campaign file.
    pub(super) file: PathBuf,
    /// Every seed from A to B, both included, instead of the file's.
    #[arg(long, value_name = "A..B", value_parser = parse_seeds)]
    seeds: Option<Seeds>,
    /// This seed alone; the same as --seeds S..S.
    #[arg(long, conflicts_with = "seeds")]
    only_seed: Option<u64>,
    /// Run one part of the seeds: part I of N, from 1. `auto/N` takes I from
    /// JOB_COMPLETION_INDEX, as a Kubernetes Indexed Job sets it (from 0).
    #[arg(long, value_name = "I/N", value_parser = parse_shard)]
    shard: Option<Shard>,
    /// The index of a Kubernetes Indexed Job, from 0, for `--shard auto/N`.
    #[arg(long, env = "JOB_COMPLETION_INDEX", hide = true)]
    job_index: Option<u64>,
    /// Threads, instead of the file's; all cores when neither says.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1024))]
    workers: Option<u64>,
    /// Run a share of the seeds twice and compare the journals; exit 70 when they differ.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = parse_percent)]
    verify_determinism: u64,
    /// Also run so many of the seeds over gRPC nodes, and compare the journals.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    over_grpc: u64,
    /// Follow what runs see: most runs are made from earlier ones that saw something new. A run's
    /// number is then no seed; what fails is kept as a scenario.
    #[arg(long, conflicts_with = "shard")]
    guided: bool,
    /// Do not make failing runs small.
    #[arg(long)]
    no_shrink: bool,
    /// Print the scenario of the first seed and run nothing.
    #[arg(long)]
    print_scenario: bool,
    /// Who reads the result.
    #[arg(long, value_enum, default_value_t = ChaosFormat::Human)]
    format: ChaosFormat,
    /// Folder of the results.
    #[arg(long, default_value_os_t = default_out())]
    out: PathBuf,
    /// Say nothing while it runs.
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ChaosFormat {
    /// People.
    Human,
    /// JSON, as campaign.json.
    Json,
    /// JUnit XML: a case for each property.
    Junit,
}

fn default_out() -> PathBuf {
    PathBuf::from(".faultline").join("campaigns")
}

fn parse_percent(text: &str) -> Result<u64, String> {
    let number = text
        .trim_end_matches('%')
        .parse::<u64>()
        .ok()
        .filter(|it| *it <= 100);
    number.ok_or_else(|| format!("`{text}` is no share such as 5%"))
}

/// Which part of how many; the place is the job's index when it is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shard {
    which: Option<u64>,
    of: u64,
}

impl Shard {
    /// The part, from 1.
    fn place(self, job_index: Option<u64>) -> Result<(u64, u64), String> {
        let which = match (self.which, job_index) {
            (Some(which), _) => which,
            (None, Some(index)) => index + 1,
            (None, None) => return Err("`--shard auto` needs JOB_COMPLETION_INDEX".into()),
        };
        (1..=self.of)
            .contains(&which)
            .then_some((which, self.of))
            .ok_or_else(|| format!("there is no shard {which} of {}", self.of))
    }
}

fn parse_shard(text: &str) -> Result<Shard, String> {
    let wrong = || format!("`{text}` is no shard such as 1/4");
    let (which, of) = text.split_once('/').ok_or_else(wrong)?;
    let of = of.parse::<u64>().ok().filter(|of| *of > 0);
    let which = match which {
        "auto" => None,
        number => Some(number.parse::<u64>().map_err(|_| wrong())?),
    };
    let shard = Shard {
        which,
        of: of.ok_or_else(wrong)?,
    };
    if which.is_some() {
        shard.place(None)?;
    }
    Ok(shard)
}

/// Runs a campaign.
#[must_use]
pub fn chaos(args: &ChaosArgs) -> Exit {
    let campaign = match load(&args.file) {
        Ok(campaign) => chosen(campaign, args),
        Err(exit) => return exit,
    };
    if args.print_scenario {
        let recorded = crate::campaign::generate::generate(&campaign, campaign.seeds.0);
        out(&crate::campaign::trial::text(&campaign, &recorded));
        return Exit::Passed;
    }
    let shard = match args
        .shard
        .map(|shard| shard.place(args.job_index))
        .transpose()
    {
        Ok(shard) => shard,
        Err(problem) => {
            say(&problem);
            return Exit::Usage;
        }
    };
    let folder = args.out.join(&campaign.name);
    if let Err(error) = std::fs::create_dir_all(&folder) {
        say(&format!("{}: {error}", folder.display()));
        return Exit::Environment;
    }
    let since = Stopwatch::start();
    let interrupt = Interrupt::listen();
    let mut line = telling::Line::new(&campaign, &since, &interrupt, args.quiet);
    let workers = args
        .workers
        .or(campaign.budget.workers)
        .map(|it| usize::try_from(it).unwrap_or(1));
    let plan = Search {
        shard,
        workers: workers
            .or_else(|| std::thread::available_parallelism().ok().map(Into::into))
            .unwrap_or(1),
        // A shard does not know of the others' failures: it runs all its seeds.
        stop_after: campaign.stop_after.filter(|_| shard.is_none()),
        twice: args.verify_determinism,
        guided: args.guided,
    };
    let mut searched = search(&campaign, &plan, &mut line);
    line.finish();
    let took = since.elapsed();
    searched
        .undetermined
        .extend(found::over_grpc(&campaign, args.over_grpc));
    let kept = found::keep(&campaign, &searched, &folder, args.no_shrink, &interrupt);
    let file = folder.join(result_name(shard));
    if let Err(error) = std::fs::write(&file, searched.tally.write()) {
        say(&format!("{}: {error}", file.display()));
        return Exit::Environment;
    }
    match args.format {
        ChaosFormat::Human => out(&telling::human(&campaign, &searched, &kept, took)),
        ChaosFormat::Json => out(&searched.tally.write()),
        ChaosFormat::Junit => match telling::junit(&campaign, &searched.tally) {
            Ok(xml) => out(&xml),
            Err(error) => say(&error.to_string()),
        },
    }
    say(&format!("results in {}", file.display()));
    exit(&campaign, &searched, &interrupt)
}

fn result_name(shard: Option<(u64, u64)>) -> String {
    match shard {
        Some((which, of)) if of > 1 => format!("campaign-{which}-of-{of}.json"),
        _ => "campaign.json".to_owned(),
    }
}

fn load(file: &Path) -> Result<Campaign, Exit> {
    let source = files::read(file).map_err(|problem| {
        say(&problem);
        Exit::Usage
    })?;
    match read::read(&source, file) {
        Ok(campaign) => {
            let warnings = render(&source, &campaign.warnings, Format::Human(colours()));
            if !warnings.is_empty() {
                say(warnings.trim_end());
            }
            Ok(campaign)
        }
        Err(problems) => {
            out(&render(&source, &problems, Format::Human(colours())));
            Err(Exit::InvalidFile)
        }
    }
}

fn chosen(campaign: Campaign, args: &ChaosArgs) -> Campaign {
    let seeds = match (args.only_seed, args.seeds) {
        (Some(seed), _) | (None, Some(Seeds::One(seed))) => (seed, 1),
        (None, Some(Seeds::Range(from, to))) => (from, to - from + 1),
        (None, Some(Seeds::OfTheFile) | None) => campaign.seeds,
    };
    Campaign { seeds, ..campaign }
}

fn exit(campaign: &Campaign, searched: &Searched, interrupt: &Interrupt) -> Exit {
    let tally = &searched.tally;
    let goals = telling::goals(campaign, tally);
    let missed = goals
        .iter()
        .any(|goal| goal.judgement == crate::journal::event::Judgement::Fail);
    let whole = tally.shards.is_none() && !searched.cut;
    let unreached = whole && tally.failed == 0 && tally.unreached().next().is_some();
    if !searched.undetermined.is_empty() {
        Exit::Bug
    } else if interrupt.is_raised() {
        Exit::Interrupted
    } else if tally.failed > 0 || missed || unreached {
        Exit::Failed
    } else if tally.unknown > 0 || searched.cut || tally.runs == 0 {
        Exit::Unknown
    } else {
        Exit::Passed
    }
}

impl Watcher for telling::Line<'_> {
    fn ran(&mut self, sum: &Tally) -> bool {
        self.tell(sum);
        let over = self
            .campaign
            .budget
            .wall
            .is_some_and(|wall: Duration| self.since.elapsed() > wall);
        !over && !self.interrupt.is_raised()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_counted_from_one() {
        assert_eq!(parse_shard("1/4").and_then(|it| it.place(None)), Ok((1, 4)));
        let auto = parse_shard("auto/4").expect("it is a shard");
        assert_eq!(auto.place(Some(3)), Ok((4, 4)));
        assert!(auto.place(Some(4)).is_err() && auto.place(None).is_err());
        for wrong in ["0/4", "5/4", "1", "a/4", "1/0"] {
            assert!(parse_shard(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parse_percent("5%"), Ok(5));
        assert!(parse_percent("101%").is_err());
    }
}
