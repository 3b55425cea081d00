//! `faultline run`: jobs one after the other, each into its folder, told as it ends.
//!
//! Who carries out a scenario is a [`Conductor`]; this is everything around it: transports,
//! run folders, progress, Ctrl-C, reports, the exit status.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use super::interrupt::Interrupt;
use super::jobs::{self, Job, NoJobs, Seeds, Wanted};
use super::progress::Progress;
use super::reports::{Told, write_report};
use super::run_args::{RunFormat, Shown};
use super::stopwatch::Stopwatch;
use super::watch::{Round, watch};
use super::{colours, out, say};
use crate::exit::Exit;
use crate::journal::event::{Event, Judgement};
use crate::journal::{Journal, Lines};
use crate::live::refusals::refusals;
use crate::live::run::LiveRun;
use crate::otlp::{Otlp, Unsent};
use crate::report::cost::{Bill, Ledger};
use crate::report::folder::{RunFolder, stamp};
use crate::report::terminal::{View, tell};
use crate::report::{Summarizer, Summary, github, json, junit, setup};
use crate::scenario::Plan;
use crate::scenario::diagnostic::{Format, Severity, render};
use crate::sim::Broken;
use crate::transport::{self, Loopback, Transport};

pub use super::run_args::{Carrier, RunArgs};

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
    /// Whether the Regions are live: what only a simulator sees is not judged.
    pub live: bool,
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
    let interrupt = Interrupt::listen();
    let round = |failed: &BTreeSet<String>| {
        let mut jobs = match jobs::plan(&wanted) {
            Ok(jobs) => jobs,
            Err(NoJobs::Usage) => return Round::without_runs(Exit::Usage),
            Err(NoJobs::Invalid) => return Round::without_runs(Exit::InvalidFile),
        };
        if jobs.is_empty() {
            say("nothing to run");
            return Round::without_runs(Exit::Nothing);
        }
        if args.live && !can_live(&jobs) {
            return Round::without_runs(Exit::InvalidFile);
        }
        jobs.sort_by_key(|job| !failed.contains(&job.name()));
        Session::new(args, &jobs, interrupt.clone()).run(&jobs, conductor)
    };
    if args.watch {
        watch(&args.files, &interrupt, round)
    } else {
        round(&BTreeSet::new()).exit
    }
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
    bills: Vec<Bill>,
    folders: Vec<RunFolder>,
    exits: Vec<Exit>,
    /// Runs that did not pass.
    failed: BTreeSet<String>,
    /// What is told when the round is over: with `--watch`, failures come first.
    later: RefCell<String>,
    otlp: Option<RefCell<Otlp>>,
}

/// What came of one job.
struct Done {
    summary: Summary,
    bill: Bill,
    folder: RunFolder,
    digest: String,
    exit: Exit,
}

impl<'a> Session<'a> {
    fn new(args: &'a RunArgs, jobs: &[Job], interrupt: Interrupt) -> Self {
        let runs = jobs.len() as u64 * args.repeat;
        let view = View {
            steps: args.verbose > 0 || (runs == 1 && !args.quiet),
            calls: args.verbose > 1,
            colour: colours() && args.format == RunFormat::Human,
        };
        Self {
            args,
            carrier: match args {
                args if args.live => Carrier::Live,
                args if args.processes => Carrier::Processes,
                args => args.transport,
            },
            view,
            interrupt,
            progress: Progress::new(runs, args.quiet),
            since: Stopwatch::start(),
            summaries: Vec::new(),
            bills: Vec::new(),
            folders: Vec::new(),
            exits: Vec::new(),
            failed: BTreeSet::new(),
            later: RefCell::default(),
            otlp: args.otlp.clone().and_then(|to| {
                let otlp =
                    Otlp::new(to).map_err(|error| say(&format!("warning: no --otlp: {error}")));
                otlp.ok().map(RefCell::new)
            }),
        }
    }

    fn run(mut self, jobs: &[Job], conductor: &dyn Conductor) -> Round {
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
                if done.exit != Exit::Passed {
                    self.failed.insert(job.name());
                }
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
                self.bills.push(done.bill);
                self.folders.push(done.folder);
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
        let folder = folder.map_err(|error| {
            format!(
                "no folder for the run in {}: {error}",
                self.args.out.display()
            )
        })?;
        let events = folder
            .journal()
            .map_err(|error| told("no journal", error))?;
        let heard = Rc::new(RefCell::new((Summarizer::default(), Ledger::default())));
        let (hears, progress) = (Rc::clone(&heard), self.progress.clone());
        let journal = Journal::new()
            .heard_by(Lines::new(events))
            .heard_by(move |event: &Event| {
                let (summarizer, ledger) = &mut *hears.borrow_mut();
                summarizer.take(event);
                ledger.take(event);
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
                live: self.args.live,
            },
        );
        let (summarizer, ledger) = heard.take();
        let mut summary = summarizer.finish();
        let (digest, exit) = concluded(conducted, &mut summary);
        let extra = serde_json::json!({ "path": job.path, "case": job.case as u64, "vars": self.args.vars, "no_faults": self.args.no_faults });
        folder
            .finish(&summary, &digest, &extra)
            .map_err(|error| told("the run cannot be kept", error))?;
        self.tell(job, &summary, &digest, watch.elapsed());
        if self.args.show == Some(Shown::Setup) {
            let events = folder.events().map_err(|error| error.to_string())?;
            self.progress.beside(|| out(&setup::tell(&events)));
        }
        if let Some(otlp) = &self.otlp {
            match folder.events() {
                Ok(events) => drop(warn(otlp.borrow_mut().add(&events))),
                Err(error) => say(&format!("warning: no --otlp: {error}")),
            }
        }
        Ok(Done {
            summary,
            bill: ledger.bill(),
            folder,
            digest,
            exit,
        })
    }

    fn tell(&self, job: &Job, summary: &Summary, digest: &str, wall: std::time::Duration) {
        let text = match self.args.format {
            RunFormat::Human if self.args.quiet && summary.judgement == Judgement::Pass => return,
            RunFormat::Human => {
                // The journal knows no folders; whoever runs it again needs them.
                let mut summary = summary.clone();
                summary.run.file = job.path.display().to_string();
                tell(&summary, self.view, Some(wall))
            }
            RunFormat::Json => format!("{}\n", json::write(summary, digest)),
            RunFormat::Github => github::write(summary, &job.path.display().to_string()),
            RunFormat::Junit => return,
        };
        if self.args.watch && summary.judgement == Judgement::Pass {
            self.later.borrow_mut().push_str(&text);
        } else {
            self.progress.beside(|| out(&text));
        }
    }

    fn finish(self) -> Round {
        self.progress.finish();
        out(&self.later.take());
        let mut exits = self.exits;
        if self.args.format == RunFormat::Junit {
            match junit::write(&self.summaries) {
                Ok(xml) => out(&xml),
                Err(error) => say(&error.to_string()),
            }
        }
        let told = Told {
            summaries: &self.summaries,
            bills: &self.bills,
            folders: &self.folders,
            root: &self.args.out,
        };
        for report in &self.args.reports {
            if let Err(problem) = write_report(report, &told) {
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
            if words.is_empty() {
                "no run ended".to_owned()
            } else {
                words.join(", ")
            },
            self.since.elapsed().as_secs_f64()
        ));
        if let (Some(otlp), Some(to)) = (self.otlp, &self.args.otlp)
            && let Some(spans) = warn(otlp.into_inner().finish()).filter(|spans| *spans > 0)
        {
            say(&format!(
                "{spans} spans and the metrics were sent to {to}; look for the spans at simulated time, from 2026-01-01T00:00:00Z on"
            ));
        }
        Round {
            exit: Exit::worst(exits),
            failed: self.failed,
        }
    }
}

/// A collector that is not there is no reason to fail.
fn warn<T>(sent: Result<T, Unsent>) -> Option<T> {
    sent.map_err(|unsent| say(&format!("warning: {unsent}")))
        .ok()
}

/// The journal's digest and the exit status; a run that broke is told in its summary.
fn concluded(conducted: Result<String, Broken>, summary: &mut Summary) -> (String, Exit) {
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
    if summary.interrupted {
        (digest, Exit::Interrupted)
    } else {
        (digest, exit)
    }
}

fn exit_of(broken: &Broken) -> Exit {
    match broken {
        Broken::Transport(_) | Broken::Journal(_) => Exit::Environment,
        Broken::Budget(_) => Exit::Unknown,
        Broken::Stuck(_) | Broken::Restless { .. } => Exit::Bug,
    }
}

/// Whether live nodes can do all that the jobs ask for; what they cannot is told.
fn can_live(jobs: &[Job]) -> bool {
    let mut can = true;
    let mut told: Option<&Arc<Plan>> = None;
    for job in jobs {
        // Jobs of one file share their plan, and stand beside each other.
        if told.is_some_and(|plan| Arc::ptr_eq(plan, &job.plan)) {
            continue;
        }
        told = Some(&job.plan);
        let found = refusals(&job.plan);
        can &= found.iter().all(|one| one.severity != Severity::Error);
        if !found.is_empty() {
            let text = render(&job.plan.source, &found, Format::Human(colours()));
            say(text.trim_end());
        }
    }
    can
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
        Carrier::Live => Ok(Box::new(LiveRun::new(std::env::current_exe()?, folder)?)),
    }
}

#[cfg(test)]
mod tests;
