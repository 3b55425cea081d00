//! The flags of `faultline run`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::jobs::{Seeds, parse_seeds};
use crate::otlp::Endpoint;
use crate::report::folder::default_root;

/// Run scenarios.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Scenario files, or folders of them.
    #[arg(required = true)]
    pub(super) files: Vec<PathBuf>,
    /// This seed instead of the file's.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Every seed from A to B, both included.
    #[arg(long, value_name = "A..B", value_parser = parse_seeds, conflicts_with = "seed")]
    pub(super) seeds: Option<Seeds>,
    /// Run everything so often, and compare the journals.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) repeat: u64,
    /// What carries the Regions.
    #[arg(long, value_enum, default_value_t = Carrier::Grpc)]
    pub(super) transport: Carrier,
    /// Each node a process of its own.
    #[arg(long, conflicts_with = "transport")]
    pub(super) processes: bool,
    /// Live nodes on the wall clock, each a process: time really passes, nothing is promised
    /// twice, and what only a simulator sees (`always:`, `goals:`) is not judged.
    #[arg(long, conflicts_with_all = ["transport", "processes", "seeds", "repeat"])]
    pub(super) live: bool,
    /// Another value for a variable of the file.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = parse_var)]
    pub(super) vars: Vec<(String, String)>,
    /// Only scenarios with each of these words in path, title or tags.
    #[arg(long, value_name = "WORDS")]
    pub(super) filter: Option<String>,
    /// Leave every fault out.
    #[arg(long)]
    pub(super) no_faults: bool,
    /// Stop at the first run that does not pass.
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Who reads the results.
    #[arg(long, value_enum, default_value_t = RunFormat::Human)]
    pub(super) format: RunFormat,
    /// Also write a report: html=FILE (one page for a browser; of several runs it tells of the first that did
    /// not pass), junit=FILE, json=FILE, trace=FILE, or cost=FILE (what KMS would have billed; a table, or JSON
    /// for a FILE that ends so).
    #[arg(long = "report", value_name = "KIND=FILE")]
    pub(super) reports: Vec<ReportTo>,
    /// Folder of the recorded runs.
    #[arg(long, default_value_os_t = default_root())]
    pub(super) out: PathBuf,
    /// Also tell how the world is made: the calls of its set-up.
    #[arg(long, value_enum)]
    pub(super) show: Option<Shown>,
    /// Run again whenever a file is saved, what failed first; Ctrl-C ends it.
    #[arg(long)]
    pub(super) watch: bool,
    /// Send traces and metrics to an OpenTelemetry collector: http://localhost:4317.
    #[arg(long, value_name = "URL")]
    pub(super) otlp: Option<Endpoint>,
    /// Tell only what did not pass.
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Tell steps (-v) and calls (-vv) of passed runs too.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
}

/// What carries the Regions of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Carrier {
    /// Real nodes over gRPC in this process, with stores on disk.
    Grpc,
    /// Regions in memory.
    Loopback,
    /// Real nodes, each a process of its own.
    #[value(skip)]
    Processes,
    /// Live nodes on the wall clock, each a process of its own.
    #[value(skip)]
    Live,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RunFormat {
    /// People.
    Human,
    /// One JSON object a run.
    Json,
    /// JUnit XML.
    Junit,
    /// GitHub's workflow commands.
    Github,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Shown {
    /// The calls that make the world.
    Setup,
}

/// A report to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReportTo {
    pub(super) kind: ReportKind,
    pub(super) file: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReportKind {
    Html,
    Junit,
    Json,
    Trace,
    Cost,
}

impl FromStr for ReportTo {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, file) = text
            .split_once('=')
            .ok_or("a report is given as KIND=FILE")?;
        let kind = match kind {
            "html" => ReportKind::Html,
            "junit" => ReportKind::Junit,
            "json" => ReportKind::Json,
            "trace" => ReportKind::Trace,
            "cost" => ReportKind::Cost,
            other => {
                return Err(format!(
                    "`{other}` is no kind of report: html, junit, json, trace or cost"
                ));
            }
        };
        Ok(Self {
            kind,
            file: PathBuf::from(file),
        })
    }
}

fn parse_var(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("a variable is given as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
