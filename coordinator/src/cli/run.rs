//! `faultline run`: jobs one after the other, each into its folder, told as it ends.
//!
//! Who carries out a scenario is a [`Conductor`]; this is everything around it: transports,
//! run folders, progress, Ctrl-C, reports, the exit status.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::interrupt::Interrupt;
use super::jobs::{self, Job, NoJobs, Seeds, Wanted, parse_seeds};
use super::progress::Progress;
use super::stopwatch::Stopwatch;
use super::{colours, out, say};
use crate::exit::Exit;
use crate::journal::event::{Event, Judgement};
use crate::journal::{Journal, Lines};
use crate::report::folder::{RunFolder, default_root, stamp};
use crate::report::terminal::{View, tell};
use crate::report::{Summarizer, Summary, github, json, junit, trace};
use crate::sim::Broken;
use crate::transport::{self, Loopback, Transport};

/// Run scenarios.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Scenario files, or folders of them.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// This seed instead of the file's.
    #[arg(long)]
    seed: Option<u64>,
    /// Every seed from A to B, both included.
    #[arg(long, value_name = "A..B", value_parser = parse_seeds, conflicts_with = "seed")]
    seeds: Option<Seeds>,
    /// Run everything so often, and compare the journals.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    repeat: u64,
    /// What carries the Regions.
    #[arg(long, value_enum, default_value_t = Carrier::Grpc)]
    transport: Carrier,
    /// Each node a process of its own.
    #[arg(long, conflicts_with = "transport")]
    processes: bool,
    /// Another value for a variable of the file.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = parse_var)]
    vars: Vec<(String, String)>,
    /// Only scenarios with each of these words in path, title or tags.
    #[arg(long, value_name = "WORDS")]
    filter: Option<String>,
    /// Leave every fault out.
    #[arg(long)]
    no_faults: bool,
    /// Stop at the first run that does not pass.
    #[arg(long)]
    fail_fast: bool,
    /// Who reads the results.
    #[arg(long, value_enum, default_value_t = RunFormat::Human)]
    format: RunFormat,
    /// Also write a report: junit=FILE, json=FILE or trace=FILE.
    #[arg(long = "report", value_name = "KIND=FILE")]
    reports: Vec<ReportTo>,
    /// Folder of the recorded runs.
    #[arg(long, default_value_os_t = default_root())]
    out: PathBuf,
    /// Tell only what did not pass.
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Tell steps (-v) and calls (-vv) of passed runs too.
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RunFormat {
    /// People.
    Human,
    /// One JSON object a run.
    Json,
    /// JUnit XML.
    Junit,
    /// GitHub's workflow commands.
    Github,
}

/// A report to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ReportTo {
    kind: ReportKind,
    file: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReportKind {
    Junit,
    Json,
    Trace,
}

impl FromStr for ReportTo {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, file) = text
            .split_once('=')
            .ok_or("a report is given as KIND=FILE")?;
        let kind = match kind {
            "junit" => ReportKind::Junit,
            "json" => ReportKind::Json,
            "trace" => ReportKind::Trace,
            other => {
                return Err(format!(
                    "`{other}` is no kind of report: junit, json or trace"
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

/// What a conductor needs beside the job.
pub struct Stage {
    /// Carries the Regions.
    pub transport: Box<dyn Transport>,
    /// Takes every event, from RunStarted to Verdict.
    pub journal: Journal,
    /// To be asked between steps.
    pub interrupt: Interrupt,
    /// Whether faults are left out.
    pub no_faults: bool,
}

/// Carries out one scenario.
pub trait Conductor {
    /// Records everything in the stage's journal, and answers its digest.
    ///
    /// # Errors
    /// [`Broken`] when the run could not go on; what was recorded before stays.
    fn conduct(&self, job: &Job, stage: Stage) -> Result<String, Broken>;
}

/// Runs.
#[must_use]
pub fn run(args: &RunArgs, conductor: &dyn Conductor) -> Exit {
    let wanted = Wanted {
        files: args.files.clone(),
        seeds: args
            .seeds
            .unwrap_or(args.seed.map_or(Seeds::OfTheFile, Seeds::One)),
        vars: args.vars.iter().cloned().collect(),
        filter: args
            .filter
            .iter()
            .flat_map(|words| words.split_whitespace())
            .map(str::to_owned)
            .collect(),
    };
    let jobs = match jobs::plan(&wanted) {
        Ok(jobs) => jobs,
        Err(NoJobs::Usage) => return Exit::Usage,
        Err(NoJobs::Invalid) => return Exit::InvalidFile,
    };
    if jobs.is_empty() {
        say("nothing to run");
        return Exit::Nothing;
    }
    Session::new(args, &jobs).run(&jobs, conductor)
}

/// All runs of one command.
struct Session<'a> {
    args: &'a RunArgs,
    carrier: Carrier,
    view: View,
    interrupt: Interrupt,
    progress: Progress,
    since: Stopwatch,
    summaries: Vec<Summary>,
    exits: Vec<Exit>,
}

/// What came of one job.
struct Done {
    summary: Summary,
    digest: String,
    exit: Exit,
}

impl<'a> Session<'a> {
    fn new(args: &'a RunArgs, jobs: &[Job]) -> Self {
        let runs = jobs.len() as u64 * args.repeat;
        let view = View {
            steps: args.verbose > 0 || (runs == 1 && !args.quiet),
            calls: args.verbose > 1,
            colour: colours() && args.format == RunFormat::Human,
        };
        Self {
            args,
            carrier: if args.processes {
                Carrier::Processes
            } else {
                args.transport
            },
            view,
            interrupt: Interrupt::listen(),
            progress: Progress::new(runs, args.quiet),
            since: Stopwatch::start(),
            summaries: Vec::new(),
            exits: Vec::new(),
        }
    }

    fn run(mut self, jobs: &[Job], conductor: &dyn Conductor) -> Exit {
        'jobs: for job in jobs {
            let mut first: Option<String> = None;
            for _ in 0..self.args.repeat {
                if self.interrupt.is_raised() {
                    break 'jobs;
                }
                let done = match self.one(job, conductor) {
                    Ok(done) => done,
                    Err(problem) => {
                        say(&format!("{}: {problem}", job.name()));
                        self.exits.push(Exit::Environment);
                        continue;
                    }
                };
                self.exits.push(done.exit);
                let expected = first.get_or_insert_with(|| done.digest.clone());
                if *expected != done.digest {
                    say(&format!(
                        "{}: seed {} gave two different journals",
                        job.name(),
                        job.seed
                    ));
                    self.exits.push(Exit::Bug);
                }
                self.summaries.push(done.summary);
                if self.args.fail_fast && done.exit != Exit::Passed {
                    break 'jobs;
                }
            }
        }
        self.finish()
    }

    /// Runs one job into its folder. Fails when the machine does, not the scenario.
    fn one(&self, job: &Job, conductor: &dyn Conductor) -> Result<Done, String> {
        let watch = Stopwatch::start();
        let told = |what: &str, error: std::io::Error| format!("{what}: {error}");
        let stores = tempfile::Builder::new().prefix("faultline-").tempdir();
        let stores = stores.map_err(|error| told("no folder for the stores", error))?;
        let transport =
            carry(self.carrier, stores.path()).map_err(|error| told("no transport", error))?;
        let folder = RunFolder::create(&self.args.out, &stamp(), &job.name(), job.seed.0);
        let folder = folder.map_err(|error| told("no folder for the run", error))?;
        let events = folder
            .journal()
            .map_err(|error| told("no journal", error))?;
        let summarizer = Rc::new(RefCell::new(Summarizer::default()));
        let (hears, progress) = (Rc::clone(&summarizer), self.progress.clone());
        let journal = Journal::new()
            .heard_by(Lines::new(events))
            .heard_by(move |event: &Event| {
                hears.borrow_mut().take(event);
                progress.hear(event);
            });
        let (interrupt, no_faults) = (self.interrupt.clone(), self.args.no_faults);
        let conducted = conductor.conduct(
            job,
            Stage {
                transport,
                journal,
                interrupt,
                no_faults,
            },
        );
        let mut summary = summarizer.take().finish();
        let (digest, exit) = match conducted {
            Ok(digest) => (digest, Exit::of(summary.judgement)),
            Err(broken) => {
                summary.judgement = if matches!(broken, Broken::Budget(_)) {
                    Judgement::Unknown
                } else {
                    Judgement::Error
                };
                summary.because = broken.to_string();
                (String::new(), exit_of(&broken))
            }
        };
        let exit = if summary.interrupted {
            Exit::Interrupted
        } else {
            exit
        };
        let extra = serde_json::json!({ "path": job.path, "case": job.case as u64, "vars": self.args.vars });
        folder
            .finish(&summary, &digest, &extra)
            .map_err(|error| told("the run cannot be kept", error))?;
        self.tell(job, &summary, &digest, watch.elapsed());
        Ok(Done {
            summary,
            digest,
            exit,
        })
    }

    fn tell(&self, job: &Job, summary: &Summary, digest: &str, wall: std::time::Duration) {
        let text = match self.args.format {
            RunFormat::Human if self.args.quiet && summary.judgement == Judgement::Pass => return,
            RunFormat::Human => tell(summary, self.view, Some(wall)),
            RunFormat::Json => format!("{}\n", json::write(summary, digest)),
            RunFormat::Github => github::write(summary, &job.path.display().to_string()),
            RunFormat::Junit => return,
        };
        self.progress.beside(|| out(&text));
    }

    fn finish(self) -> Exit {
        self.progress.finish();
        let mut exits = self.exits;
        if self.args.format == RunFormat::Junit {
            match junit::write(&self.summaries) {
                Ok(xml) => out(&xml),
                Err(error) => say(&error.to_string()),
            }
        }
        for report in &self.args.reports {
            if let Err(problem) = write_report(report, &self.summaries, &self.args.out) {
                say(&problem);
                exits.push(Exit::Environment);
            }
        }
        if self.interrupt.is_raised() {
            exits.push(Exit::Interrupted);
        }
        let count = |judgement| {
            self.summaries
                .iter()
                .filter(|it| it.judgement == judgement)
                .count()
        };
        let words = [
            (Judgement::Pass, "passed"),
            (Judgement::Fail, "failed"),
            (Judgement::Unknown, "unknown"),
            (Judgement::Error, "in error"),
        ];
        let words: Vec<String> = words
            .into_iter()
            .map(|(judgement, word)| (count(judgement), word))
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        say(&format!(
            "{} in {:.2}s",
            words.join(", "),
            self.since.elapsed().as_secs_f64()
        ));
        Exit::worst(exits)
    }
}

fn exit_of(broken: &Broken) -> Exit {
    match broken {
        Broken::Transport(_) | Broken::Journal(_) => Exit::Environment,
        Broken::Budget(_) => Exit::Unknown,
        Broken::Stuck(_) | Broken::Restless { .. } => Exit::Bug,
    }
}

/// What carries the Regions, with stores in `folder`.
///
/// # Errors
/// When the system refuses what it needs.
pub fn carry(carrier: Carrier, folder: &Path) -> std::io::Result<Box<dyn Transport>> {
    match carrier {
        Carrier::Loopback => Ok(Box::new(Loopback::new())),
        Carrier::Grpc => transport::embedded(folder),
        Carrier::Processes => transport::processes(std::env::current_exe()?, folder),
    }
}

fn write_report(report: &ReportTo, summaries: &[Summary], root: &Path) -> Result<(), String> {
    let text = match report.kind {
        ReportKind::Junit => junit::write(summaries).map_err(|error| error.to_string())?,
        ReportKind::Json => {
            let runs: Vec<_> = summaries
                .iter()
                .map(|summary| json::write(summary, ""))
                .collect();
            serde_json::to_string_pretty(&runs).map_err(|error| error.to_string())?
        }
        ReportKind::Trace => {
            let latest = RunFolder::find(root, crate::report::folder::LATEST)
                .map_err(|error| error.to_string())?;
            trace::write(&latest.events().map_err(|error| error.to_string())?).to_string()
        }
    };
    fs::write(&report.file, text).map_err(|error| format!("{}: {error}", report.file.display()))
}
